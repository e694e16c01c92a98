//! Which keys are kept, and which of them have a table.

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use pulselog::artifact::{Did, KEYS_MAX, KeyCache, TABLES_MAX, USES_BEFORE_TABLE};
use pulselog::signature::TabledKey;

use crate::make::key;

const MESSAGE: &[u8] = b"a message";

struct Known {
    name: String,
    signature: Signature,
}

fn known(key: &SigningKey) -> Known {
    Known { name: Did::of(&key.verifying_key()).to_string(), signature: key.sign(MESSAGE) }
}

fn numbered(n: usize) -> Known {
    known(&key(&format!("signer {n}")))
}

impl Known {
    /// Checks its signature so often; true throughout.
    fn uses(&self, keys: &KeyCache, times: u32) {
        for _ in 0..times {
            let (_, key) = keys.get(&self.name).expect("a key");
            assert!(keys.verifies(&key, MESSAGE, &self.signature));
        }
    }

    fn has_table(&self, keys: &KeyCache) -> bool {
        keys.get(&self.name).expect("a key").1.has_table()
    }
}

#[test]
fn a_key_gets_its_table_with_its_last_needed_good_signature() {
    let (keys, signer) = (KeyCache::new(), numbered(0));
    signer.uses(&keys, USES_BEFORE_TABLE - 1);
    let (_, key) = keys.get(&signer.name).unwrap();
    for _ in 0..USES_BEFORE_TABLE {
        assert!(!keys.verifies(&key, b"another message", &signer.signature));
    }
    assert_eq!((signer.has_table(&keys), keys.held()), (false, (1, 0)));
    signer.uses(&keys, 1);
    assert_eq!((signer.has_table(&keys), keys.held()), (true, (1, 1)));
    assert_eq!(TabledKey::TABLE_BYTES, 33_280);
}

#[test]
fn a_key_answers_with_its_table_as_it_did_without() {
    let (keys, signer) = (KeyCache::new(), numbered(0));
    let (_, key) = keys.get(&signer.name).unwrap();
    let mut cases = vec![(MESSAGE.to_vec(), signer.signature), (b"another".to_vec(), signer.signature)];
    for bit in 0..512 {
        let mut bytes = signer.signature.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        cases.push((MESSAGE.to_vec(), Signature::from_bytes(&bytes)));
    }
    let answers =
        || cases.iter().map(|(message, signature)| keys.verifies(&key, message, signature)).collect::<Vec<_>>();
    let without = answers();
    // Beyond the uses after which the base point has a table too.
    signer.uses(&keys, USES_BEFORE_TABLE + 600);
    assert!(key.has_table());
    assert_eq!(answers(), without);
    assert_eq!(without.iter().filter(|taken| **taken).count(), 1);
}

#[test]
fn strangers_use_what_is_known_and_change_nothing() {
    let (keys, known, strange) = (KeyCache::new(), numbered(0), numbered(1));
    known.uses(&keys, USES_BEFORE_TABLE - 1);
    let strangers = keys.for_strangers();
    for signer in [&known, &strange] {
        signer.uses(&strangers, 2 * USES_BEFORE_TABLE);
        signer.uses(&strangers.of_one_reading(), 1);
    }
    assert_eq!(keys.held(), (1, 0));
    known.uses(&keys, 1);
    assert!(known.has_table(&strangers) && !strange.has_table(&strangers));
    known.uses(&strangers, 1);
    assert_eq!(keys.held(), (1, 1));
}

#[test]
fn keys_are_dropped_when_there_are_too_many_and_tables_are_kept() {
    let (keys, often) = (KeyCache::new(), numbered(0));
    often.uses(&keys, USES_BEFORE_TABLE);
    for n in 1..=KEYS_MAX {
        keys.get(&numbered(n).name).unwrap();
        assert!(keys.held().0 <= KEYS_MAX);
    }
    assert_eq!((keys.held(), often.has_table(&keys)), ((2, 1), true));
}

#[test]
fn places_for_tables_are_bounded_and_go_from_those_that_rest_to_those_that_ask() {
    let keys = KeyCache::new();
    let first: Vec<_> = (0..TABLES_MAX).map(numbered).collect();
    first.iter().for_each(|signer| signer.uses(&keys, USES_BEFORE_TABLE));
    assert!(first.iter().all(|signer| signer.has_table(&keys)));
    // One rests: for less than a season its place is its own.
    let (late, (rests, others)) = (numbered(TABLES_MAX), first.split_first().unwrap());
    let mut asked = 0_usize;
    while !late.has_table(&keys) {
        late.uses(&keys, USES_BEFORE_TABLE);
        asked += 1;
        if asked.is_multiple_of(TABLES_MAX / 8) {
            others.iter().for_each(|signer| signer.uses(&keys, 1));
        }
        assert!(asked <= 2 * TABLES_MAX, "nobody gave way");
    }
    assert!(asked > TABLES_MAX / 2, "{asked}");
    assert!(!rests.has_table(&keys) && others.iter().all(|signer| signer.has_table(&keys)));
    assert_eq!(keys.held(), (TABLES_MAX + 1, TABLES_MAX));
}
