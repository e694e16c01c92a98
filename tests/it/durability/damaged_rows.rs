//! Rows that lead elsewhere: whatever one says is believed only after the
//! entry was read. Its own line fails at once; everybody else goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pulselog::artifact::KeyCache;
use pulselog::artifact::digest::{ArtifactDigest, PayloadHash};
use pulselog::entry::{EntryIdentity, LoggedAt, SequencedEntry};
use pulselog::merkle::LeafIndex;
use pulselog::server::desk::Desks;
use pulselog::server::log::{Item, Log, SubmitError};
use pulselog::server::store::layout::{cf, number_key, statement_key};

use crate::make::logs::{Open, Place, bundle, item, item_of, items, receipt_issued_at};

/// Longer than any answer takes that waits for nothing.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Ten receipts, a bundle with two more (10 and 11, the bundle at 12).
fn log() -> (Place, Open) {
    let place = Place::in_memory();
    let open = place.open();
    open.submit(items(0..10)).unwrap();
    open.submit(vec![item_of(&bundle(1, &[10, 11]))]).unwrap();
    (place, open)
}

pub fn put(log: &Log, family: &str, key: &[u8], value: &[u8]) {
    let db = log.store().database();
    db.put_cf(db.cf_handle(family).unwrap(), key, value).unwrap();
}

pub fn delete(log: &Log, family: &str, key: &[u8]) {
    let db = log.store().database();
    db.delete_cf(db.cf_handle(family).unwrap(), key).unwrap();
}

fn identity(item: &Item) -> EntryIdentity {
    item.entries.last().unwrap().identity()
}

fn statement(item: &Item) -> [u8; 40] {
    let entry = item.entries.last().unwrap();
    statement_key(&entry.payload_hash, entry.kind, entry.signer.as_ref())
}

/// Where the lines of one request landed, and whether as duplicates.
fn landed(open: &Open, items: Vec<Item>) -> Vec<Result<(u64, bool), SubmitError>> {
    let start = Instant::now();
    let each = open.submit_each(items).unwrap();
    assert!(start.elapsed() < AT_ONCE, "the request waited");
    each.into_iter().map(|line| line.map(|logged| (logged.index.get(), logged.duplicate))).collect()
}

/// A repeated submission of receipt 3 between healthy lines.
fn check_damaged(open: &Open, name: &str, next: &mut u64) {
    let size = open.size();
    let lines = landed(open, vec![item(*next), item(3), item(4), item(*next + 1)]);
    let healthy = |at| Ok((at, false));
    assert_eq!(lines, [healthy(size), Err(SubmitError::Damaged), Ok((4, true)), healthy(size + 1)], "{name}");
    // Alone, with nobody else's entry to wait for.
    assert_eq!(landed(open, vec![item(3)]), [Err(SubmitError::Damaged)], "{name}");
    assert_eq!(open.size(), size + 2, "{name}: something was logged for the damaged line");
    assert!(open.log.is_alive(), "{name}");
    *next += 2;
}

#[test]
fn a_row_that_leads_elsewhere_fails_its_own_line_at_once() {
    let (_place, open) = log();
    let (identity, statement) = (identity(&item(3)), statement(&item(3)));
    let mut next = 100;
    let families = [(cf::IDENTITIES, identity.as_bytes()), (cf::STATEMENTS, &statement[..])];
    for (family, key) in families {
        for to in [5, 0, open.size(), open.size() + 1, 1_000_000, u64::MAX] {
            // Receipt 0 is of the kind and the signer of receipt 3: its identity tells.
            if family == cf::STATEMENTS && to < 12 {
                continue;
            }
            put(&open.log, family, key, &number_key(to));
            check_damaged(&open, &format!("{family} to {to}"), &mut next);
        }
        for value in [&b""[..], &[0; 7], &[0; 9]] {
            put(&open.log, family, key, value);
            check_damaged(&open, &format!("{family} of {} bytes", value.len()), &mut next);
        }
        put(&open.log, family, key, &number_key(3));
        assert_eq!(landed(&open, vec![item(3)]), [Ok((3, true))], "mended");
    }
    // The bundle is of another kind, and stands past the first entry.
    put(&open.log, cf::STATEMENTS, &statement, &number_key(12));
    check_damaged(&open, "statement of the bundle", &mut next);
    put(&open.log, cf::STATEMENTS, &statement, &number_key(9));
    check_damaged(&open, "statement of a later receipt", &mut next);
    open.close().unwrap();
}

#[test]
fn an_identity_row_that_is_gone_does_not_log_the_same_artifact_again() {
    let (_place, open) = log();
    delete(&open.log, cf::IDENTITIES, identity(&item(3)).as_bytes());
    check_damaged(&open, "identity gone", &mut 100);
    open.close().unwrap();
}

#[test]
fn an_entry_that_is_not_its_leaf_is_not_answered_as_a_duplicate() {
    let (_place, open) = log();
    let view = open.log.view();
    let (own, other) = (view.entry(LeafIndex::new(3)).unwrap(), view.entry(LeafIndex::new(5)).unwrap());
    let later = LoggedAt::from_unix_ms(own.entry.logged_at.unix_ms() + 1);
    let altered = SequencedEntry { logged_at: later, ..own.entry.clone() }.encode();
    let mut next = 100;
    for (name, bytes) in [("another entry", &other.bytes), ("another time", &altered), ("no entry", &vec![0; 9])] {
        put(&open.log, cf::ENTRIES, &number_key(3), bytes);
        check_damaged(&open, name, &mut next);
    }
    delete(&open.log, cf::ENTRIES, &number_key(3));
    check_damaged(&open, "entry gone", &mut next);
    put(&open.log, cf::ENTRIES, &number_key(3), &own.bytes);
    let tile = open.log.store().tiles(&[pulselog::tile::TileId { level: 0, index: 0 }]).unwrap().remove(0).unwrap();
    let mut flipped = tile;
    flipped[3 * 32] ^= 1;
    // Repetitions commit nothing, so that the tile stays as it is now.
    put(&open.log, cf::TILES, &[0; 9], &flipped);
    assert_eq!(landed(&open, vec![item(3), item(4)]), [Err(SubmitError::Damaged), Ok((4, true))]);
    open.close().unwrap();
}

#[test]
fn another_envelope_of_a_statement_whose_row_lies_is_not_logged() {
    let (_place, open) = log();
    let renewed = || item_of(&receipt_issued_at(3, "2026-02-13T18:00:00Z"));
    let size = open.size();
    for to in [12, size, 1_000_000] {
        put(&open.log, cf::STATEMENTS, &statement(&item(3)), &number_key(to));
        assert_eq!(landed(&open, vec![renewed()]), [Err(SubmitError::Damaged)], "to {to}");
    }
    put(&open.log, cf::STATEMENTS, &statement(&item(3)), &number_key(3));
    assert_eq!(landed(&open, vec![renewed()]), [Ok((size, false))]);
    // A row of another entry of the statement.
    let beyond = [&statement(&item(3))[..], &number_key(1_000_000)].concat();
    put(&open.log, cf::STATEMENTS, &beyond, b"");
    assert_eq!(landed(&open, vec![renewed(), item(4)]), [Err(SubmitError::Damaged), Ok((4, true))]);
    open.close().unwrap();
}

#[test]
fn a_damaged_row_of_a_receipt_fails_the_bundle_that_would_expand_it_and_no_logged_one() {
    let (_place, open) = log();
    put(&open.log, cf::IDENTITIES, identity(&item(10)).as_bytes(), &number_key(5));
    let size = open.size();
    let lines = landed(&open, vec![item_of(&bundle(2, &[10, 20])), item_of(&bundle(1, &[10, 11])), item(21)]);
    assert_eq!(lines, [Err(SubmitError::Damaged), Ok((12, true)), Ok((size, false))]);
    open.close().unwrap();
}

/// Integrated, and not published yet: the repeated line waits with the first.
#[test]
fn duplicates_of_what_is_not_published_yet_wait_for_it() {
    let place = Place::in_memory();
    let open = place.try_open_with(|o| o.checkpoint_interval = Duration::from_secs(2)).unwrap();
    // The first commit of a process is signed whatever the interval is.
    open.submit(items(0..2)).unwrap();
    let submit = |items: Vec<Item>| open.submit(items).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| submit(vec![item(2), item(2), item(3)]));
        std::thread::sleep(Duration::from_millis(300));
        let again = scope.spawn(|| submit(vec![item(3), item(2), item(0)]));
        let places = |logged: Vec<pulselog::server::log::Logged>| {
            logged.iter().map(|l| (l.index.get(), l.duplicate)).collect::<Vec<_>>()
        };
        assert_eq!(places(first.join().unwrap()), [(2, false), (2, true), (3, false)]);
        assert_eq!(places(again.join().unwrap()), [(3, true), (2, true), (0, true)]);
    });
    open.close().unwrap();
}

#[test]
fn a_look_up_says_that_a_row_is_damaged_and_not_that_nothing_is_there() {
    let (_place, open) = log();
    let entry = &item(3).entries[0];
    let desks = Desks::new(open.log.clone(), Arc::new(KeyCache::new()));
    let (view, desk) = (open.log.view(), desks.open());
    let leaf = view.entry(LeafIndex::new(3)).unwrap().leaf_hash;
    let (digest, payload): (ArtifactDigest, PayloadHash) = (entry.digest, entry.payload_hash);
    for to in [5, 12, open.size(), 1_000_000] {
        put(&open.log, cf::IDENTITIES, identity(&item(3)).as_bytes(), &number_key(to));
        put(&open.log, cf::LEAVES, leaf.hash().as_bytes(), &number_key(to));
        put(&open.log, cf::STATEMENTS, &statement(&item(3)), &number_key(to));
        let code = |found: Result<bool, pulselog::server::log::view::ViewError>| found.err().map(|e| e.code().name);
        assert_eq!(code(view.find_artifact(&digest).map(|_| true)), Some("store_damaged"), "artifact to {to}");
        assert_eq!(code(view.find_leaf(&leaf).map(|_| true)), Some("store_damaged"), "leaf to {to}");
        assert_eq!(code(desk.find_payload(&payload).map(|_| true)), Some("store_damaged"), "payload to {to}");
    }
    drop((view, desk));
    // An older view is not damaged by what came after it.
    let desk = desks.open();
    let old = &desk.view;
    let logged = open.submit(vec![item(50)]).unwrap().remove(0);
    assert!(old.find_artifact(&item(50).entries[0].digest).unwrap().is_empty());
    assert!(old.find_leaf(&logged.leaf_hash).unwrap().is_none());
    assert!(desk.find_payload(&item(50).entries[0].payload_hash).unwrap().is_empty());
    drop((desk, desks));
    open.close().unwrap();
}

#[test]
fn a_proof_is_of_the_entry_that_was_asked_for() {
    let (_place, open) = log();
    let view = open.log.view();
    let leaf = view.entry(LeafIndex::new(3)).unwrap().leaf_hash;
    view.inclusion_of(LeafIndex::new(3), &leaf, None).unwrap();
    let other = view.inclusion_of(LeafIndex::new(5), &leaf, None);
    assert_eq!(other.err().map(|e| e.code().name), Some("store_damaged"));
    drop(view);
    open.close().unwrap();
}
