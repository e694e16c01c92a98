//! Entries are one deterministic CBOR map or nothing; sequencing gives the same
//! tree however the batches are cut.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use pulselog::artifact::digest::{ArtifactDigest, PayloadHash};
use pulselog::artifact::receipts_root::ReceiptsRoot;
use pulselog::artifact::{Did, Keys, Kind};
use pulselog::entry::{LoggedAt, PendingEntry, SequencedEntry, SubmitterName};
use pulselog::merkle::{Frontier, Hash, Node, Plan, TreeSize};
use pulselog::sequence::{Commit, TreeState, integrate};
use pulselog::server::log::clock::Keeper;
use pulselog::tile::{TileId, node_from_tile};

use crate::make::logs::TestClock;
use crate::make::reader::{Growing, leaf, tree_hash};

const DID: &str = "did:key:z6MkneMkZqwqRiU5mJzSG3kDwzt9P8C59N4NGTfBLfSGE7c7";

/// One CBOR item, written here and not by the code under test.
#[derive(Clone)]
enum Item {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Raw(Vec<u8>),
}

use Item::{Bytes, Number, Raw, Text};

fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    match value {
        0..=23 => vec![major | value as u8],
        24..=0xff => vec![major | 24, value as u8],
        0x100..=0xffff => [&[major | 25], &bytes[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26], &bytes[4..]].concat(),
        _ => [&[major | 27], &bytes[..]].concat(),
    }
}

fn print(item: &Item) -> Vec<u8> {
    match item {
        Number(n) => head(0, *n),
        Text(t) => [head(3, t.len() as u64), t.as_bytes().to_vec()].concat(),
        Bytes(b) => [head(2, b.len() as u64), b.clone()].concat(),
        Raw(r) => r.clone(),
    }
}

fn map(members: &[(Item, Item)]) -> Vec<u8> {
    let body = members.iter().flat_map(|(k, v)| [print(k), print(v)].concat());
    head(5, members.len() as u64).into_iter().chain(body).collect()
}

/// Every member that an entry may have.
fn members() -> Vec<(u64, Item)> {
    vec![
        (1, Number(1)),
        (2, Text("proof_bundle".into())),
        (3, Bytes(vec![0x11; 32])),
        (4, Number(1_200)),
        (5, Text(DID.into())),
        (6, Text("demo".into())),
        (7, Number(1_800_000_000_000)),
        (8, Bytes(vec![0x22; 32])),
        (9, Number(3)),
    ]
}

fn with(change: impl FnOnce(&mut Vec<(Item, Item)>)) -> Vec<u8> {
    let mut members = members().into_iter().map(|(k, v)| (Number(k), v)).collect();
    change(&mut members);
    map(&members)
}

fn set(at: usize, value: Item) -> Vec<u8> {
    with(|m| m[at].1 = value)
}

fn code(bytes: &[u8]) -> &'static str {
    SequencedEntry::decode(bytes).map_or_else(|e| e.code().name, |_| "decoded")
}

#[test]
fn an_entry_is_these_bytes() {
    let unsigned = concat!(
        "a6",
        "0101",
        "026f676174657761795f72656365697074",
        "03582011111111111111111111111111111111111111111111111111111111111111",
        "11",
        "041904b0",
        "066464656d6f",
        "071b000001a3185c5000"
    );
    let bytes: Vec<u8> = unsigned.as_bytes().as_chunks::<2>().0.iter().map(hex).collect();
    let entry = SequencedEntry::decode(&bytes).unwrap();
    assert_eq!(entry.kind.name(), "gateway_receipt");
    assert_eq!(entry.digest.as_bytes(), &[0x11; 32]);
    assert_eq!((entry.body_bytes, entry.logged_at.unix_ms()), (1_200, 1_800_000_000_000));
    assert_eq!((entry.signer.as_ref(), entry.submitter.as_str(), &entry.receipts), (None, "demo", &None));
    assert_eq!(entry.encode(), bytes);
    assert_eq!(entry.leaf_hash().hash().as_bytes(), &leaf(&bytes));

    let whole = with(|_| {});
    let entry = SequencedEntry::decode(&whole).unwrap();
    assert_eq!(entry.signer.as_ref().map(Did::as_str), Some(DID));
    assert_eq!(entry.receipts.as_deref(), Some(&ReceiptsRoot { root: [0x22; 32], count: 3 }));
    assert_eq!(entry.encode(), whole);
}

fn hex(digits: &[u8; 2]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
}

#[test]
fn refuses_a_first_byte_that_is_no_map() {
    let whole = with(|_| {});
    assert_eq!(code(&[]), "entry_unknown_form");
    for first in 0..=255_u8 {
        let bytes = [&[first], &whole[1..]].concat();
        let want = match first {
            0xa9 => "decoded",
            0xd2 => "entry_cose_reserved",
            0xa0..=0xbb => continue,
            _ => "entry_unknown_form",
        };
        assert_eq!(code(&bytes), want, "first byte {first:#x}");
    }
    // A map of another length than it says, and one without an end.
    for first in (0xa0..=0xb7).filter(|b| *b != 0xa9) {
        assert_ne!(code(&[&[first], &whole[1..]].concat()), "decoded", "{first:#x}");
    }
    let indefinite = [&[0xbf], &whole[1..], &[0xff]].concat();
    assert_eq!(code(&indefinite), "entry_unknown_form");
}

#[test]
fn refuses_every_second_spelling_of_an_entry() {
    let whole = with(|_| {});
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("map head in two bytes", [&[0xb8, 9], &whole[1..]].concat()),
        ("map head in nine bytes", [&[0xbb, 0, 0, 0, 0, 0, 0, 0, 9], &whole[1..]].concat()),
        ("key in two bytes", with(|m| m[0].0 = Raw(vec![0x18, 1]))),
        ("version in two bytes", set(0, Raw(vec![0x18, 1]))),
        ("version in nine bytes", set(0, Raw(vec![0x1b, 0, 0, 0, 0, 0, 0, 0, 1]))),
        ("length in five bytes", set(3, Raw(vec![0x1a, 0, 0, 0x04, 0xb0]))),
        ("kind's length in two bytes", set(1, Raw([&[0x78, 12][..], b"proof_bundle"].concat()))),
        ("digest's length in three bytes", set(2, Raw([&[0x59, 0, 32][..], &[0x11; 32]].concat()))),
        ("keys not ascending", with(|m| m.swap(3, 5))),
        ("last key first", with(|m| m.rotate_right(1))),
        ("a key twice, same value", with(|m| m.insert(1, m[0].clone()))),
        ("a key twice, other value", with(|m| m.insert(6, (Number(6), Text("other".into()))))),
        ("a trailing byte", [&whole[..], &[0]].concat()),
        ("a second map behind", [&whole[..], &whole].concat()),
        ("an empty map behind", [&whole[..], &[0xa0]].concat()),
    ];
    for (name, bytes) in cases {
        assert_eq!(code(&bytes), "entry_not_deterministic", "{name}");
    }
}

#[test]
fn refuses_text_and_bytes_in_pieces() {
    let text = [&[0x7f, 0x66][..], b"proof_", &[0x66], b"bundle", &[0xff]].concat();
    let bytes = [&[0x5f, 0x50][..], &[0x11; 16], &[0x50], &[0x11; 16], &[0xff]].concat();
    for bytes in [set(1, Raw(text)), set(2, Raw(bytes))] {
        assert!(matches!(code(&bytes), "entry_cbor" | "entry_not_deterministic"), "{}", code(&bytes));
    }
}

#[test]
fn refuses_a_member_that_is_missing_or_stands_without_its_pair() {
    for (at, key) in [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7)] {
        let bytes = with(|m| drop(m.remove(at)));
        assert_eq!(code(&bytes), "entry_missing_key", "without key {key}");
        let message = SequencedEntry::decode(&bytes).unwrap_err().to_string();
        assert!(message.contains(&format!("key {key} ")), "{message}");
    }
    assert_eq!(code(&with(|m| drop(m.remove(7)))), "entry_missing_key", "9 without 8");
    assert_eq!(code(&with(|m| drop(m.remove(8)))), "entry_missing_key", "8 without 9");
    assert_eq!(code(&set(8, Number(0))), "entry_missing_key", "a root over no receipts");
    assert_eq!(code(&with(|m| m.truncate(7))), "decoded", "neither 8 nor 9");
    assert_eq!(code(&with(|m| drop(m.remove(4)))), "decoded", "no signer");
    assert_eq!(code(&[0xa0]), "entry_missing_key", "an empty map");
}

#[test]
fn refuses_a_member_with_a_value_of_another_kind() {
    let long = "a".repeat(65);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("version 0", set(0, Number(0)), "entry_unknown_version"),
        ("version 2", set(0, Number(2)), "entry_unknown_version"),
        ("version as text", set(0, Text("1".into())), "entry_cbor"),
        ("version -2", set(0, Raw(vec![0x21])), "entry_cbor"),
        ("version 1.0", set(0, Raw(vec![0xf9, 0x3c, 0])), "entry_cbor"),
        ("version true", set(0, Raw(vec![0xf5])), "entry_cbor"),
        ("version null", set(0, Raw(vec![0xf6])), "entry_cbor"),
        ("tagged version", set(0, Raw(vec![0xc1, 1])), "entry_cbor"),
        ("a bignum", set(0, Raw(vec![0xc2, 0x41, 1])), "entry_cbor"),
        ("unknown kind", set(1, Text("receipt".into())), "entry_unknown_kind"),
        ("empty kind", set(1, Text(String::new())), "entry_unknown_kind"),
        ("kind in capitals", set(1, Text("Proof_Bundle".into())), "entry_unknown_kind"),
        ("kind as bytes", set(1, Bytes(b"proof_bundle".to_vec())), "entry_cbor"),
        ("kind not UTF-8", set(1, Raw(vec![0x61, 0xff])), "entry_cbor"),
        ("digest of 31 bytes", set(2, Bytes(vec![0x11; 31])), "entry_hash_length"),
        ("digest of 33 bytes", set(2, Bytes(vec![0x11; 33])), "entry_hash_length"),
        ("digest as text", set(2, Text("1".repeat(32))), "entry_cbor"),
        (
            "digest that ends early",
            set(2, Raw(vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
            "entry_cbor",
        ),
        ("signer that is no DID", set(4, Text("alice".into())), "entry_signer"),
        ("signer of another method", set(4, Text("did:web:example.com".into())), "entry_signer"),
        ("empty signer", set(4, Text(String::new())), "entry_signer"),
        ("empty submitter", set(5, Text(String::new())), "submitter_name"),
        ("submitter in capitals", set(5, Text("Demo".into())), "submitter_name"),
        ("submitter of 65 bytes", set(5, Text(long)), "submitter_name"),
        ("submitter with a space", set(5, Text("a b".into())), "submitter_name"),
        ("submitter with a zero", set(5, Text("a\0b".into())), "submitter_name"),
        ("submitter beyond ASCII", set(5, Text("démo".into())), "submitter_name"),
        ("receipts root of 31 bytes", set(7, Bytes(vec![0x22; 31])), "entry_hash_length"),
        ("count as text", set(8, Text("3".into())), "entry_cbor"),
        ("key 0", with(|m| m.insert(0, (Number(0), Number(1)))), "entry_unknown_key"),
        ("key 10", with(|m| m.push((Number(10), Number(1)))), "entry_unknown_key"),
        ("key 2^64-1", with(|m| m.push((Number(u64::MAX), Number(1)))), "entry_unknown_key"),
        ("text key", with(|m| m.push((Text("x".into()), Number(1)))), "entry_cbor"),
        ("negative key", with(|m| m.push((Raw(vec![0x20]), Number(1)))), "entry_cbor"),
    ];
    for (name, bytes, want) in cases {
        assert_eq!(code(&bytes), want, "{name}");
    }
    assert_eq!(code(&set(5, Text("a".repeat(64)))), "decoded");
}

#[test]
fn refuses_an_entry_that_ends_early_and_a_map_that_claims_the_world() {
    let whole = with(|_| {});
    for end in 0..whole.len() {
        assert_ne!(code(&whole[..end]), "decoded", "{end} bytes");
    }
    let claims = [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_ne!(code(&[&claims, &whole[1..]].concat()), "decoded");
}

fn any_entry() -> impl Strategy<Value = SequencedEntry> {
    let kinds: Vec<Kind> = Kind::ALL.to_vec();
    let receipts = proptest::option::of((any::<[u8; 32]>(), 1..=u64::MAX));
    let parts = (
        proptest::sample::select(kinds),
        any::<[u8; 32]>(),
        any::<u64>(),
        any::<bool>(),
        "[a-z0-9._-]{1,64}",
        any::<u64>(),
        receipts,
    );
    parts.prop_map(|(kind, digest, body_bytes, signed, submitter, logged_at, receipts)| SequencedEntry {
        kind,
        digest: ArtifactDigest::from_bytes(digest),
        body_bytes,
        signer: signed.then(|| Did::parse(DID).unwrap()),
        submitter: SubmitterName::parse(&submitter).unwrap(),
        logged_at: LoggedAt::from_unix_ms(logged_at),
        receipts: receipts
            .filter(|_| kind.name() == "proof_bundle")
            .map(|(root, count)| Box::new(ReceiptsRoot { root, count })),
    })
}

#[test]
fn refuses_a_receipts_root_on_another_kind_than_a_proof_bundle() {
    let other = SequencedEntry {
        kind: Kind::parse("gateway_receipt").unwrap(),
        digest: ArtifactDigest::from_bytes([1; 32]),
        body_bytes: 1,
        signer: None,
        submitter: SubmitterName::parse("a").unwrap(),
        logged_at: LoggedAt::from_unix_ms(1),
        receipts: Some(Box::new(ReceiptsRoot { root: [2; 32], count: 1 })),
    };
    assert_eq!(code(&other.encode()), "entry_unknown_key");
}

proptest! {
    #[test]
    fn every_entry_decodes_to_itself(entry in any_entry()) {
        let bytes = entry.encode();
        prop_assert_eq!(SequencedEntry::decode(&bytes).unwrap(), entry);
    }

    /// Whatever decodes prints back identically: one entry, one text.
    #[test]
    fn a_changed_entry_is_another_entry_or_none(
        entry in any_entry(), at in any::<prop::sample::Index>(), by in 1..=255_u8,
    ) {
        let mut bytes = entry.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        if let Ok(changed) = SequencedEntry::decode(&bytes) {
            prop_assert_ne!(&changed, &entry);
            prop_assert_eq!(changed.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_printed_back(mut bytes in prop::collection::vec(any::<u8>(), 0..200), map in any::<bool>()) {
        if map && !bytes.is_empty() {
            bytes[0] = 0xa0 | (bytes[0] & 0x0f);
        }
        if let Ok(entry) = SequencedEntry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

fn pending(n: u64) -> PendingEntry {
    let body = format!("body {n}");
    PendingEntry {
        kind: Kind::parse("gateway_receipt").unwrap(),
        digest: ArtifactDigest::of(body.as_bytes()),
        signer: Some(Did::parse(DID).unwrap()),
        submitter: SubmitterName::parse("tests").unwrap(),
        payload_hash: PayloadHash::of(body.as_bytes()),
        receipts: None,
        keys: Keys::default(),
        body,
    }
}

/// What a store would hold after these commits.
#[derive(Default)]
struct Written {
    entries: Vec<Vec<u8>>,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl Written {
    fn take(&mut self, commit: &Commit) {
        for entry in &commit.entries {
            assert_eq!(entry.index.get(), self.entries.len() as u64, "indexes without a gap");
            assert_eq!(entry.leaf_hash.hash().as_bytes(), &leaf(&entry.bytes));
            assert_eq!(entry.bytes, entry.entry.encode());
            self.entries.push(entry.bytes.clone());
        }
        for (tile, bytes) in &commit.tiles {
            let old = self.tiles.insert(*tile, bytes.clone()).unwrap_or_default();
            assert!(bytes.starts_with(&old), "a narrower tile is a prefix of a wider one");
        }
    }

    fn node(&self, node: Node) -> Hash {
        let (tile, _) = pulselog::tile::locate(node);
        node_from_tile(&self.tiles[&tile], node).unwrap()
    }

    /// The tiles that RFC 6962 and tlog-tiles give for these entries.
    fn recomputed(&self) -> BTreeMap<TileId, Vec<u8>> {
        let mut hashes: Vec<[u8; 32]> = self.entries.iter().map(|e| leaf(e)).collect();
        let mut tiles = BTreeMap::new();
        for level in 0_u8.. {
            for (index, tile) in (0..).zip(hashes.chunks(256)) {
                tiles.insert(TileId { level, index }, tile.concat());
            }
            // Only full tiles are hashed upward.
            hashes = hashes.as_chunks::<256>().0.iter().map(|full| tree_hash(full)).collect();
            if hashes.is_empty() {
                return tiles;
            }
        }
        tiles
    }

    fn root(&self) -> [u8; 32] {
        let mut growing = Growing::default();
        self.entries.iter().for_each(|e| growing.push(leaf(e)));
        growing.root()
    }
}

const NOW: LoggedAt = LoggedAt::from_unix_ms(1_800_000_000_000);

/// Integrates batches of these sizes, with a restart before each batch whose
/// place says so.
fn grown(batches: &[(usize, bool)]) -> (TreeState, Written) {
    let (mut tree, mut written) = (TreeState::empty(), Written::default());
    for (count, restart) in batches {
        if *restart {
            tree = resumed(&tree, &written);
        }
        let first = written.entries.len() as u64;
        let (next, commit) = integrate(&tree, (first..first + *count as u64).map(pending).collect(), NOW).unwrap();
        commit.recheck().unwrap();
        assert_eq!((commit.before, commit.head), (tree.head(), next.head()));
        tree = next;
        written.take(&commit);
        assert_eq!(tree.head().size.get(), written.entries.len() as u64);
    }
    (tree, written)
}

/// The tree as a start reads it back.
fn resumed(tree: &TreeState, written: &Written) -> TreeState {
    let size = tree.head().size;
    let plan = Plan::root(size).unwrap();
    let frontier = Frontier::from_parts(size, plan.nodes().iter().map(|n| written.node(*n)).collect()).unwrap();
    let mut edge = Vec::new();
    for level in 0..8_u8 {
        let count = size.get() >> (8 * u32::from(level));
        let tile = TileId { level, index: count / 256 };
        edge.push(if count.is_multiple_of(256) { Vec::new() } else { written.tiles[&tile].clone() });
    }
    let resumed = TreeState::resume(frontier, edge, tree.last_logged_at()).unwrap();
    assert_eq!(resumed.head(), tree.head());
    resumed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cut_into_batches_gives_the_same_tree(batches in prop::collection::vec((0..300_usize, any::<bool>()), 1..7)) {
        let (tree, written) = grown(&batches);
        let all = batches.iter().map(|(count, _)| count).sum();
        let (at_once, written_at_once) = grown(&[(all, false)]);
        prop_assert_eq!(tree.head(), at_once.head());
        prop_assert_eq!(&written.entries, &written_at_once.entries);
        prop_assert_eq!(&written.tiles, &written_at_once.tiles);
        prop_assert_eq!(&written.tiles, &written.recomputed());
        prop_assert_eq!(*tree.head().root.hash().as_bytes(), written.root());
    }

    #[test]
    fn logged_at_never_decreases(clock in prop::collection::vec(any::<u64>(), 1..20)) {
        let (mut tree, mut last) = (TreeState::empty(), 0);
        for (n, now) in (0..).zip(clock) {
            let (next, commit) = integrate(&tree, vec![pending(n)], LoggedAt::from_unix_ms(now)).unwrap();
            let logged_at = commit.entries[0].entry.logged_at.unix_ms();
            prop_assert_eq!(logged_at, last.max(now));
            last = logged_at;
            tree = next;
            prop_assert_eq!(tree.last_logged_at().unix_ms(), last);
        }
    }
}

#[test]
fn tiles_are_right_around_every_full_tile() {
    for size in [1, 255, 256, 257, 511, 512, 513] {
        let (_, written) = grown(&[(size - 1, false), (1, true)]);
        assert_eq!(written.tiles, written.recomputed(), "size {size}");
    }
}

#[test]
fn tiles_are_right_on_three_levels() {
    let batches: Vec<(usize, bool)> = (0..16).map(|n| (4_096, n % 5 == 4)).chain([(1, true), (299, true)]).collect();
    let (tree, written) = grown(&batches);
    assert_eq!(tree.head().size.get(), 65_836);
    assert!(written.tiles.contains_key(&TileId { level: 2, index: 0 }));
    assert_eq!(written.tiles, written.recomputed());
    assert_eq!(*tree.head().root.hash().as_bytes(), written.root());
}

#[test]
fn an_empty_batch_changes_nothing() {
    let (tree, _) = grown(&[(5, false)]);
    let (same, commit) = integrate(&tree, Vec::new(), LoggedAt::from_unix_ms(u64::MAX)).unwrap();
    assert_eq!((same.head(), same.last_logged_at()), (tree.head(), tree.last_logged_at()));
    assert!(commit.entries.is_empty() && commit.tiles.is_empty());
}

#[test]
fn resume_refuses_an_edge_of_another_width() {
    let (tree, written) = grown(&[(300, false)]);
    let frontier = || {
        let plan = Plan::root(TreeSize::new(300)).unwrap();
        Frontier::from_parts(TreeSize::new(300), plan.nodes().iter().map(|n| written.node(*n)).collect()).unwrap()
    };
    let narrow = written.tiles[&TileId { level: 0, index: 1 }].clone();
    let upper = written.tiles[&TileId { level: 1, index: 0 }].clone();
    assert!(TreeState::resume(frontier(), vec![narrow.clone(), upper.clone()], tree.last_logged_at()).is_ok());
    let edges: [Vec<Vec<u8>>; 6] = [
        Vec::new(),
        vec![narrow.clone()],
        vec![narrow[32..].to_vec(), upper.clone()],
        vec![[&narrow[..], &[0; 32]].concat(), upper.clone()],
        vec![narrow[1..].to_vec(), upper.clone()],
        vec![narrow, upper, vec![0; 32]],
    ];
    for (at, edge) in edges.into_iter().enumerate() {
        let refused = TreeState::resume(frontier(), edge, tree.last_logged_at()).unwrap_err();
        assert_eq!(refused.code().name, "tree_edge", "edge {at}");
    }
}

/// A bit that flips in memory between the first hash and the signature.
#[test]
fn recheck_finds_a_bit_that_flipped_in_an_entry_or_a_tile() {
    let (tree, _) = grown(&[(250, false)]);
    let (_, commit) = integrate(&tree, (250..260).map(pending).collect(), NOW).unwrap();
    for at in 0..commit.entries.len() {
        let mut flipped = commit.clone();
        flipped.entries[at].bytes[40] ^= 1;
        assert_eq!(flipped.recheck().unwrap_err().code().name, "memory_unsound", "entry {at}");

        let index = commit.entries[at].index.get();
        let mut flipped = commit.clone();
        let tile = TileId { level: 0, index: index / 256 };
        let bytes = &mut flipped.tiles.iter_mut().find(|(id, _)| *id == tile).unwrap().1;
        bytes[(index % 256) as usize * 32 + 31] ^= 0x80;
        assert_eq!(flipped.recheck().unwrap_err().code().name, "memory_unsound", "tile hash {at}");
    }
    assert_eq!(commit.recheck(), Ok(()));
}

#[test]
fn the_clock_is_judged_by_the_last_entry_and_by_the_monotonic_clock() {
    const WALL: u64 = 1_800_000_000_000;
    let clock = Arc::new(TestClock::default());
    let set = |wall_ms: u64, monotonic_ms: u64| {
        clock.wall_ms.store(wall_ms, Ordering::SeqCst);
        clock.monotonic_ms.store(monotonic_ms, Ordering::SeqCst);
    };
    set(WALL, 5_000);
    let dir = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(clock.clone(), dir.path().join("mark"), LoggedAt::from_unix_ms(0), None).unwrap();
    let judge = |wall: i64, monotonic: u64, last: u64| {
        set(WALL.checked_add_signed(wall).unwrap(), 5_000 + monotonic);
        keeper.judge(LoggedAt::from_unix_ms(last)).map(LoggedAt::unix_ms)
    };
    assert_eq!(judge(0, 0, 0), Ok(WALL));
    assert_eq!(judge(3_600_000, 3_600_000, WALL), Ok(WALL + 3_600_000), "an hour later by both");
    assert_eq!(judge(0, 0, WALL + 10_000), Ok(WALL), "ten seconds behind the last entry");
    assert!(judge(0, 0, WALL + 10_001).unwrap_err().contains("10001 ms behind the last entry"));
    assert_eq!(judge(60_000, 0, 0), Ok(WALL + 60_000));
    assert!(judge(60_001, 0, 0).unwrap_err().contains("parted by 60001 ms"));
    assert_eq!(judge(0, 60_000, 0), Ok(WALL));
    assert!(judge(0, 60_001, 0).unwrap_err().contains("parted by 60001 ms"));
    assert!(judge(-3_600_000, 0, WALL).is_err(), "back an hour");
    assert!(judge(-3_600_000, 0, 0).is_err(), "back an hour in an empty log");
    assert!(judge(3_600_000, 0, 0).is_err(), "ahead an hour");
    set(u64::MAX, 0);
    assert!(keeper.judge(LoggedAt::from_unix_ms(0)).is_err());
    set(0, u64::MAX);
    assert!(keeper.judge(LoggedAt::from_unix_ms(u64::MAX)).is_err());
}
