//! What holds for any bytes and any part of a good packet: an answer comes
//! out, and nothing passes unless everything that it rests on is there.

use std::sync::OnceLock;

use proptest::prelude::*;
use pulselog::protocol::Options;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{File, MANIFEST, Packet};
use pulselog::verify::scoped_token::{KeySet, ScopedToken};
use pulselog::verify::verification::Verification;
use pulselog::verify::whole_log::{CopyError, LogCopy};

use crate::make::audit::{START_MS, operator};
use crate::make::evidence::{Kept, attested_log};

fn kept() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(attested_log)
}

fn files() -> Vec<File> {
    kept().files(0..kept().size())
}

fn bundle() -> &'static str {
    let found = kept().entries.iter().find(|(_, body)| body.contains("job-1.b1"));
    &found.expect("a bundle").1
}

fn beside(files: &[File]) -> Verification {
    try_beside(files).expect("in order")
}

fn try_beside(files: &[File]) -> Result<Verification, CopyError> {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(operator());
    judge.evidence = Evidence::Packet(Box::new(Packet::read(files, &Kept::policy())?));
    Ok(judge.document(bundle().as_bytes()).expect("a bundle"))
}

/// Bytes, or a good file of the packet with some of its bytes changed.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let beginnings = prop::sample::select(vec!["", "c2sp.org/tlog-proof@v1\n", "old ", "{", "[", "eyJ", "old 1\n"]);
    let raw = (beginnings, prop::collection::vec(any::<u8>(), 0..200));
    let raw = raw.prop_map(|(first, rest)| [first.as_bytes(), &rest].concat());
    let count = files().len();
    let changed = (0..count, any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let changed = changed.prop_map(|(file, place, byte, cut)| {
        let mut bytes = files()[file].1.clone();
        let place = place.index(bytes.len());
        match cut {
            true => bytes.truncate(place),
            false => bytes[place] = byte,
        }
        bytes
    });
    prop_oneof![raw, changed]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_stop_the_readers_of_evidence(all in prop::collection::vec(any_file(), 0..4), name in ".{0,12}") {
        for bytes in &all {
            let _ = (ScopedToken::parse(bytes), KeySet::parse(bytes));
            let note = kept().note(kept().size());
            let mut copy = LogCopy::open(&Kept::policy(), note.as_bytes()).expect("believed");
            if let Ok(entry) = copy.decode(bytes) {
                copy.push(bytes, entry, Some(bytes)).expect("room");
            }
            prop_assert!(copy.finish().is_err());
            let judge = Judge::new(Options::at(START_MS));
            if let Some(verification) = judge.document(bytes) {
                prop_assert_ne!(verification.exit_code(), 0);
            }
            let manifest = Packet::manifest(&[(MANIFEST.to_owned(), bytes.clone())]);
            prop_assert!(!manifest.detail.is_empty());
        }
        let named: Vec<File> = all.into_iter().map(|bytes| (name.clone(), bytes)).collect();
        match try_beside(&named) {
            Ok(verification) => prop_assert_ne!(verification.exit_code(), 0),
            // The policy believes none of the proofs: nothing is judged.
            Err(error) => prop_assert_eq!(error.code().name, "log_unknown"),
        }
    }

    /// A log that is read in another order, twice, or with other bodies is no
    /// log, or one whose missing bodies are told.
    #[test]
    fn a_copy_ends_only_with_the_signed_entries_in_their_order(order in Just((0..kept().size()).collect::<Vec<_>>()).prop_shuffle(), body in any::<prop::sample::Index>()) {
        let note = kept().note(kept().size());
        let mut copy = LogCopy::open(&Kept::policy(), note.as_bytes()).expect("believed");
        for at in &order {
            let bytes = &kept().entries[*at].0;
            let entry = copy.decode(bytes).expect("an entry");
            let other = &kept().entries[body.index(kept().size())].1;
            copy.push(bytes, entry, Some(other.as_bytes())).expect("room");
        }
        let in_order = order.is_sorted();
        match copy.finish() {
            Ok(log) => {
                prop_assert!(in_order);
                prop_assert_eq!(log.bodies_missing, kept().size() as u64 - 1);
            }
            Err(_) => prop_assert!(!in_order),
        }
    }

    /// Order and repetition of files change nothing; a missing one is missed.
    #[test]
    fn a_part_of_a_packet_passes_only_with_everything_that_it_rests_on(
        order in Just((0..files().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        left_out in prop::collection::btree_set(0..files().len(), 0..3),
    ) {
        let all = files();
        let again: Vec<_> = again.iter().map(|at| at.index(all.len())).collect();
        let chosen = order.into_iter().chain(again).filter(|at| !left_out.contains(at));
        let part: Vec<File> = chosen.map(|at| all[at].clone()).collect();
        let verification = beside(&part);
        let is_needed = |at: &usize| all[*at].0 != MANIFEST;
        match left_out.iter().any(is_needed) {
            true => prop_assert_ne!(verification.exit_code(), 0, "without {:?}", left_out),
            false => prop_assert_eq!(verification.exit_code(), 0, "{:#?}", verification),
        }
    }

    /// One file in place of another, or changed in one byte, never helps.
    #[test]
    fn a_changed_file_passes_only_if_it_says_the_same(other in any_file(), at in any::<prop::sample::Index>()) {
        let mut all = files();
        let at = at.index(all.len());
        let before = std::mem::replace(&mut all[at].1, other.clone());
        let same = pulselog::artifact::json::parse(&before, 64).ok().map(|value| pulselog::artifact::json::to_compact(&value))
            == pulselog::artifact::json::parse(&other, 64).ok().map(|value| pulselog::artifact::json::to_compact(&value));
        if before != other && !same && all[at].0 != MANIFEST {
            prop_assert_ne!(beside(&all).exit_code(), 0, "{}", all[at].0);
        }
    }
}
