//! Signatures compared together: every item is answered as by itself, and what
//! was made under a signature that does not hold never comes out.

use std::cell::Cell;

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use pulselog::artifact::{Did, KeyCache, Together, USES_BEFORE_TABLE};

use crate::make::key;

struct Item {
    did: String,
    message: String,
    signatures: Vec<Signature>,
}

/// An item of a signer, with as many signatures; the bad one, if any, is good
/// but for its last step.
fn item(signer: &SigningKey, n: usize, signatures: usize, bad: Option<usize>) -> Item {
    let message = format!("message {n}");
    let signed = |at: usize| match bad {
        Some(bad) if bad == at => signer.sign(b"something else"),
        _ => signer.sign(message.as_bytes()),
    };
    let signatures = (0..signatures).map(signed).collect();
    Item { did: Did::of(&signer.verifying_key()).to_string(), signatures, message }
}

fn answer(keys: &KeyCache, item: &Item) -> Vec<bool> {
    let (_, key) = keys.get(&item.did).expect("a key");
    item.signatures.iter().map(|signature| keys.verifies(&key, item.message.as_bytes(), signature)).collect()
}

const ITEMS: usize = 700;

/// Which of the items have a bad signature, and at which place of three.
type Bad = fn(usize) -> Option<usize>;

const STORIES: [(&str, Bad); 7] = [
    ("all good", |_| None),
    ("all bad", |n| Some(n % 3)),
    ("one in seven", |n| (n % 7 == 0).then_some(1)),
    ("the first", |n| (n == 0).then_some(0)),
    ("the last", |n| (n == ITEMS - 1).then_some(2)),
    ("one late", |n| (n == 612).then_some(2)),
    ("none, then all", |n| (n > 600).then_some(0)),
];

#[test]
fn every_item_is_answered_as_by_itself_and_few_are_made_twice() {
    let signers: Vec<_> = (0..5).map(|n| key(&format!("signer {n}"))).collect();
    for (name, bad) in STORIES {
        for one_reading in [false, true] {
            let items: Vec<Item> = (0..ITEMS).map(|n| item(&signers[n % 5], n, 3, bad(n))).collect();
            let keys = if one_reading { KeyCache::new().of_one_reading() } else { KeyCache::new() };
            let alone: Vec<_> = items.iter().map(|item| answer(&KeyCache::new(), item)).collect();
            let made = Cell::new(0);
            let together = Together::new(keys.clone()).each(&items, |keys, item| {
                made.set(made.get() + 1);
                answer(keys, item)
            });
            assert_eq!(together, alone, "{name}");
            assert!(made.get() <= ITEMS + ITEMS / 16, "{name}: {} of {ITEMS}", made.get());
            // What this reading remembers is what holds.
            let again: Vec<_> = items.iter().map(|item| answer(&keys, item)).collect();
            assert_eq!(again, alone, "{name}");
        }
    }
}

#[test]
fn a_signature_that_several_items_bring_is_compared_once_and_refused_in_each() {
    let (good, signer) = (key("signer 0"), key("signer 1"));
    let before = (0..200).map(|n| item(&good, n, 1, None));
    let bad = (0..9).map(|_| item(&signer, 1_000, 2, Some(1)));
    let items: Vec<Item> = before.chain(bad).collect();
    let keys = KeyCache::new().of_one_reading();
    let together = Together::new(keys.clone()).each(&items, answer);
    assert!(together[..200].iter().all(|answers| answers == &[true]));
    assert!(together[200..].iter().all(|answers| answers == &[true, false]));
    assert_eq!(keys.checks(), 202);
}

#[test]
fn only_what_holds_counts_as_a_use_of_its_key() {
    let (keys, signer) = (KeyCache::new(), key("signer 0"));
    let uses = USES_BEFORE_TABLE as usize;
    let items: Vec<Item> = (0..2 * uses).map(|n| item(&signer, n, 1, (n >= uses - 1).then_some(0))).collect();
    Together::new(keys.clone()).each(&items, answer);
    assert_eq!(keys.held(), (1, 0));
    Together::new(keys.clone()).each(&items[..1], answer);
    assert_eq!(keys.held(), (1, 1));
}

#[test]
fn an_item_with_more_signatures_than_are_left_open_is_answered_all_the_same() {
    let signer = key("signer 0");
    for bad in [None, Some(3), Some(399)] {
        let mut items: Vec<Item> = (0..100).map(|n| item(&signer, n, 1, None)).collect();
        items.extend((100..103).map(|n| item(&signer, n, 400, bad)));
        let alone: Vec<_> = items.iter().map(|item| answer(&KeyCache::new(), item)).collect();
        assert_eq!(Together::new(KeyCache::new()).each(&items, answer), alone, "{bad:?}");
    }
}
