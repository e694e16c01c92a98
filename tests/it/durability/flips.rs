//! One flipped bit anywhere: in a row through the store's own handle, in the
//! raw files of RocksDB, in the guard. fsck names it, or it made no difference;
//! the log refuses to start, or every proof that it serves verifies and it
//! shows no less than it acknowledged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::merkle::{LeafHash, LeafIndex, TreeSize, empty_root};
use pulselog::receipt::prove;
use pulselog::server::faults::{NoFaults, WriteStep};
use pulselog::server::guard::{BLOCK_BYTES, FileGuard, GuardState};
use pulselog::server::log::SubmitError;
use pulselog::server::store::layout::{cf, meta, number_key, tile_key};
use pulselog::server::store::{Budget, Store};
use pulselog::tile::TileId;

use crate::make::logs::{
    Failing, ISSUED_AT, Memory, Place, Random, bundle, copy_dir, item_of, items, policy, receipt_issued_at,
};

/// Offsets tried in each raw file, besides its first and last bytes.
const SAMPLES: u64 = 16;
/// First and last bytes of each raw file that are tried.
const ENDS: u64 = 6;

/// Offsets tried in a WAL whose last commit is not guarded.
const WAL_SAMPLES: u64 = 80;

type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// A sound log: full and partial tiles, a bundle with expanded receipts, one
/// statement in two envelopes; old batches in SST files, the last four in the WAL.
struct Base {
    place: Place,
    leaves: Vec<LeafHash>,
    checkpoints: Vec<Vec<u8>>,
    rows: Rows,
}

fn base() -> Base {
    base_after(0)
}

/// As [`base`], with so many entries before all others: what lies far from the
/// right edge is not read by a start.
fn base_after(older: u64) -> Base {
    let place = Place::in_memory();
    let mut memory = Memory::default();
    let open = place.open();
    if older > 0 {
        memory.submit(&open, 1_000..1_000 + older);
    }
    memory.submit(&open, 0..200);
    open.submit(vec![item_of(&bundle(1, &[300, 301]))]).unwrap();
    let again = open.submit(vec![item_of(&receipt_issued_at(5, "2026-02-13T18:00:00Z"))]).unwrap();
    assert_eq!(again[0].same_statement, [LeafIndex::new(older + 5)], "issued at another time than {ISSUED_AT}");
    memory.submit(&open, 200..262);
    open.close().unwrap();
    let open = place.open();
    for batch in [262..270, 270..271, 271..280, 280..281] {
        memory.submit(&open, batch);
    }
    let leaves = open.log.view().entries(LeafIndex::new(0), 1_000).unwrap();
    let leaves = leaves.iter().map(|e| e.leaf_hash).collect();
    open.close().unwrap();
    assert_eq!(place.problems(), Vec::<String>::new());
    let rows = {
        let copy = copied(&place);
        rows(&copy)
    };
    Base { place, leaves, checkpoints: memory.checkpoints, rows }
}

/// A copy in memory.
fn copied(place: &Place) -> Place {
    let copy = Place::in_memory();
    copy_dir(place.root(), copy.root());
    copy
}

/// Every row that the log's meaning rests on.
fn rows(place: &Place) -> Rows {
    let store = Store::open(&place.store(), Budget::default(), Arc::new(NoFaults)).unwrap();
    let mut rows = Rows::new();
    for name in cf::ALL.into_iter().filter(|name| *name != cf::SEARCH) {
        let family = store.database().cf_handle(name).unwrap();
        for row in store.database().iterator_cf(family, rocksdb::IteratorMode::Start) {
            let (key, value) = row.unwrap();
            rows.insert((name, key.into_vec()), value.into_vec());
        }
    }
    rows
}

/// What the log does with a store and a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Service {
    Refuses(&'static str),
    /// It runs; so many reads were answered with an error instead of a proof.
    Serves {
        errors: usize,
    },
}

/// Starts the log and asks for everything.
fn serve(place: &Place, base: &Base, name: &str) -> Service {
    let open = match place.try_open() {
        Ok(open) => open,
        Err(error) => return Service::Refuses(error.code().name),
    };
    let mut errors = 0;
    assert!(open.size() >= base.leaves.len() as u64, "{name}: {} published", open.size());
    let view = open.log.view();
    for (index, leaf) in (0..).zip(&base.leaves) {
        let Ok(proof) = view.inclusion(LeafIndex::new(index), None) else {
            errors += 1;
            continue;
        };
        let entry = proof.extra.clone().unwrap();
        let proven = prove(&proof, &entry, &policy()).unwrap_or_else(|e| panic!("{name}: proof of {index}: {e}"));
        assert_eq!((proven.index().get(), proven.leaf_hash()), (index, *leaf), "{name}: another entry at {index}");
        match view.entry(LeafIndex::new(index)).and_then(|entry| view.body(&entry)) {
            Ok(_) => {}
            Err(_) => errors += 1,
        }
    }
    for note in &base.checkpoints {
        let old = policy().open(note).unwrap();
        if old.head().size == TreeSize::ZERO {
            continue;
        }
        match view.consistency(old.head().size, None) {
            Ok(file) => {
                file.check(&old, &policy()).unwrap_or_else(|e| panic!("{name}: from {}: {e}", old.head().size));
            }
            Err(_) => errors += 1,
        }
    }
    drop(view);
    if open.log.damage().is_some() {
        assert!(open.submit(items(9_000..9_001)).is_err(), "{name}: a damaged store took a write");
    }
    // A damaged row may stop the sequencer later; it may not end it by itself.
    open.close().unwrap_or_else(|e| panic!("{name}: {e}"));
    Service::Serves { errors }
}

/// Reads a file, flips one bit of the byte at `at`, writes it back.
fn flip(path: &Path, at: u64, bit: u8) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at as usize] ^= 1 << bit;
    std::fs::write(path, bytes).unwrap();
}

/// Runs cases on two threads.
fn each<T: Sync>(cases: &[T], work: impl Fn(&T) + Sync) {
    let next = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some(case) = case else { return };
                    work(case);
                }
            });
        }
    });
}

/// One flipped bit in a value or a key of one row.
struct RowFlip {
    family: &'static str,
    key: Vec<u8>,
    /// Within the key, else within the value.
    in_key: bool,
    at: usize,
    /// What fsck must name, among other things.
    named: String,
}

/// Rows of every family that a byte of ours stands in, and their names.
fn named_rows(base: &Base) -> Vec<(&'static str, Vec<u8>, String)> {
    let last = base.leaves.len() as u64 - 1;
    let mut rows = Vec::new();
    for index in [0, 7, 255, 256, last] {
        rows.push((cf::ENTRIES, number_key(index).to_vec(), format!("entry {index}")));
        rows.push((cf::BODIES, number_key(index).to_vec(), format!("body {index}")));
        let body = &base.rows[&(cf::BODIES, number_key(index).to_vec())];
        let digest = ArtifactDigest::of(body);
        let identity = base.rows.keys().find(|(f, k)| *f == cf::IDENTITIES && k.starts_with(digest.as_bytes()));
        rows.push((cf::IDENTITIES, identity.unwrap().1.clone(), format!("identity of entry {index}")));
        let leaf = base.leaves[index as usize].hash();
        rows.push((cf::LEAVES, leaf.as_bytes().to_vec(), format!("leaf row of entry {index}")));
    }
    for (level, index) in [(0, 0), (0, 1), (1, 0)] {
        rows.push((cf::TILES, tile_key(TileId { level, index }).to_vec(), format!("tile {level}/{index}")));
    }
    for (family, key) in base.rows.keys().filter(|(f, _)| *f == cf::STATEMENTS).take(5) {
        rows.push((family, key.clone(), "statement of entry".to_owned()));
    }
    let later = base.rows.keys().find(|(f, k)| *f == cf::STATEMENTS && k.len() > 40).unwrap();
    rows.push((later.0, later.1.clone(), "statement of entry".to_owned()));
    for note in [&base.checkpoints[0], &base.checkpoints[2], base.checkpoints.last().unwrap()] {
        let size = policy().open(note).unwrap().head().size;
        rows.push((cf::CHECKPOINTS, number_key(size.get()).to_vec(), format!("checkpoint {size}")));
    }
    rows.push((cf::META, meta::HEAD.to_vec(), "head".to_owned()));
    rows.push((cf::META, meta::LOG.to_vec(), "log identity".to_owned()));
    rows
}

fn row_flips(base: &Base, families: &[&str]) -> Vec<RowFlip> {
    let mut flips = Vec::new();
    for (family, key, named) in named_rows(base).into_iter().filter(|(f, ..)| families.contains(f)) {
        let value = base.rows[&(family, key.clone())].len();
        let mut in_value: Vec<usize> = [0, value / 2, value.saturating_sub(1)].to_vec();
        in_value.retain(|at| *at < value);
        in_value.dedup();
        if family == cf::META {
            // Small and decisive: all along.
            in_value = (0..value).step_by(11).collect();
        }
        let flip = |in_key, at| RowFlip { family, key: key.clone(), in_key, at, named: named.clone() };
        flips.extend(in_value.into_iter().map(|at| flip(false, at)));
        if family != cf::META {
            flips.extend([0, key.len() / 2, key.len() - 1].map(|at| flip(true, at)));
        }
    }
    flips
}

fn damage_row(place: &Place, case: &RowFlip) {
    let store = Store::open(&place.store(), Budget::default(), Arc::new(NoFaults)).unwrap();
    let family = store.database().cf_handle(case.family).unwrap();
    let mut key = case.key.clone();
    let mut value = store.database().get_cf(family, &key).unwrap().unwrap();
    if case.in_key {
        store.database().delete_cf(family, &key).unwrap();
        key[case.at] ^= 4;
    } else {
        value[case.at] ^= 4;
    }
    store.database().put_cf(family, &key, &value).unwrap();
}

#[test]
fn fsck_names_a_flipped_bit_in_any_row_and_no_wrong_proof_is_served() {
    let base = base();
    check_row_flips(&base, &cf::ALL);
}

/// Six hundred entries behind the right edge, where a start does not look: the
/// log starts, and then every single proof has to be sound or refused.
#[test]
fn a_flipped_bit_far_from_the_right_edge_gives_errors_and_no_wrong_proof() {
    let base = base_after(600);
    let counts = check_row_flips(&base, &[cf::ENTRIES, cf::TILES]);
    assert!(counts.keys().any(|k| k.starts_with("tiles value: serves, errors")), "{counts:?}");
    assert!(counts.keys().any(|k| k.starts_with("entries value: serves, errors")), "{counts:?}");
}

fn check_row_flips(base: &Base, families: &[&str]) -> BTreeMap<String, usize> {
    let cases = row_flips(base, families);
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    each(&cases, |case| {
        let part = if case.in_key { "key" } else { "value" };
        let name = format!("{} {part} byte {} ({})", case.family, case.at, case.named);
        let place = copied(&base.place);
        damage_row(&place, case);
        let problems = place.problems();
        // A row under another key is named by its loss or by what stands there.
        let row = case.named.replace("entry ", "entries/");
        let is_named =
            |p: &String| p.contains(&case.named) || p.contains(&row) || (case.in_key && case.family == cf::CHECKPOINTS);
        assert!(problems.iter().any(is_named), "{name}: fsck found {problems:?}");
        let service = serve(&place, base, &name);
        let outcome = match service {
            Service::Refuses(code) => format!("{} {part}: refuses ({code})", case.family),
            Service::Serves { errors: 0 } => format!("{} {part}: serves sound proofs", case.family),
            Service::Serves { .. } => format!("{} {part}: serves, errors instead of proofs", case.family),
        };
        *counts.lock().unwrap().entry(outcome).or_default() += 1;
    });
    let counts = counts.into_inner().unwrap();
    for (outcome, count) in &counts {
        println!("{count:5} {outcome}");
    }
    counts
}

/// The raw files of a log, with their place below the root.
fn raw_files(place: &Place) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("data.guard")];
    for entry in std::fs::read_dir(place.store()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // RocksDB's own protocol of events, and the file whose lock counts.
        if name == "LOCK" || name.starts_with("LOG") || entry.metadata().unwrap().len() == 0 {
            continue;
        }
        files.push(Path::new("data/store").join(name));
    }
    files.sort();
    files
}

/// `*.sst`, `*.log` (the WAL), `MANIFEST`, `CURRENT`, `OPTIONS`, `IDENTITY`, guard.
fn sort_of(file: &Path) -> &'static str {
    let name = file.file_name().unwrap().to_str().unwrap();
    match name {
        "data.guard" => "guard",
        "CURRENT" => "CURRENT",
        "IDENTITY" => "IDENTITY",
        _ if name.ends_with(".sst") => "SST",
        _ if name.ends_with(".log") => "WAL",
        _ if name.starts_with("MANIFEST") => "MANIFEST",
        _ if name.starts_with("OPTIONS") => "OPTIONS",
        _ => "other",
    }
}

fn raw_flips(place: &Place, samples: u64, seed: u64) -> Vec<(PathBuf, u64, u8)> {
    let mut random = Random(seed);
    let mut flips = Vec::new();
    for file in raw_files(place) {
        let length = std::fs::metadata(place.root().join(&file)).unwrap().len();
        let mut offsets: Vec<u64> = (0..ENDS.min(length)).chain(length.saturating_sub(ENDS)..length).collect();
        // RocksDB writes these two and never reads them again.
        let is_read = !matches!(sort_of(&file), "OPTIONS" | "IDENTITY");
        offsets.extend((0..samples).filter(|_| is_read).map(|_| random.below(length)));
        offsets.sort_unstable();
        offsets.dedup();
        flips.extend(offsets.into_iter().map(|at| (file.clone(), at, random.below(8) as u8)));
    }
    flips
}

/// The judgement of one raw flip; gives what to count.
fn judge_raw_flip(base: &Base, file: &Path, at: u64, bit: u8) -> String {
    let name = format!("{} byte {at} bit {bit}", file.display());
    let place = copied(&base.place);
    flip(&place.root().join(file), at, bit);
    // fsck and the log each meet the damage first.
    let untouched = copied(&place);
    let problems = untouched.problems();
    let service = serve(&place, base, &name);
    let named = !problems.is_empty();
    match (&service, named) {
        (Service::Refuses(code), true) => format!("named, refuses ({code})"),
        (Service::Refuses(code), false) => panic!("{name}: the start refuses ({code}) and fsck names nothing"),
        (Service::Serves { errors: 0 }, true) => "named, serves sound proofs".to_owned(),
        (Service::Serves { .. }, true) => "named, serves errors instead of proofs".to_owned(),
        (Service::Serves { errors }, false) => {
            assert_eq!(*errors, 0, "{name}: fsck names nothing");
            assert_eq!(rows(&place), base.rows, "{name}: fsck names nothing, and rows differ");
            "no difference: everything reads back identical".to_owned()
        }
    }
}

#[test]
fn fsck_names_a_flipped_bit_in_any_raw_file_or_it_makes_no_difference() {
    let base = base();
    let cases = raw_flips(&base.place, SAMPLES, 1);
    for sort in ["guard", "CURRENT", "SST", "WAL", "MANIFEST"] {
        assert!(cases.iter().any(|(file, ..)| sort_of(file) == sort), "no {sort} file was damaged");
    }
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    each(&cases, |(file, at, bit)| {
        let outcome = judge_raw_flip(&base, file, *at, *bit);
        *counts.lock().unwrap().entry(format!("{} {outcome}", sort_of(file))).or_default() += 1;
    });
    for (outcome, count) in counts.into_inner().unwrap() {
        println!("{count:5} {outcome}");
    }
}

/// Random bits in random files as long as `goes_on` says after so many;
/// panics where one is neither named nor without effect, and gives how many.
pub fn random_flips(seed: u64, goes_on: &mut dyn FnMut(u64) -> bool) -> u64 {
    let (base, mut random, mut flips) = (base_after(600), Random(seed), 0);
    let files = raw_files(&base.place);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    while goes_on(flips) {
        let file = &files[random.below(files.len() as u64) as usize];
        let length = std::fs::metadata(base.place.root().join(file)).unwrap().len();
        let (at, bit) = (random.below(length), random.below(8) as u8);
        let outcome = judge_raw_flip(&base, file, at, bit);
        *counts.entry(format!("{} {outcome}", sort_of(file))).or_default() += 1;
        flips += 1;
    }
    counts.iter().for_each(|(outcome, count)| println!("{count:5} {outcome}"));
    flips
}

/// The guard is small: every byte of it.
#[test]
fn a_flipped_bit_anywhere_in_the_guard_is_named_and_leaves_the_other_block() {
    let (place, _) = Place::in_memory().with_sizes(&[2, 5]);
    let sound = std::fs::read(place.guard()).unwrap();
    let newest = place.guard_record();
    assert_eq!(sound.len(), 2 * BLOCK_BYTES);
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(place.guard(), &bytes).unwrap();
        let open = || FileGuard::open(&place.guard(), Arc::new(NoFaults));
        let guard =
            crate::make::logs::patiently(open, |error| crate::make::logs::is_held(error.code())).unwrap().unwrap();
        let block = (at / BLOCK_BYTES) as u64;
        assert_eq!(guard.damaged_blocks().unwrap(), [block], "byte {at}");
        let lost = u64::from(newest.sequence % 2 == block);
        let GuardState::Record(left) = guard.read().unwrap() else { panic!("byte {at}: no record") };
        assert_eq!(left.sequence, newest.sequence - lost, "byte {at}");
    }
}

/// Thirty old entries in SST files; in the WAL two guarded batches (of four
/// and of two) and one of two whose guard never moved.
fn with_an_unguarded_commit() -> Base {
    let (place, mut memory) = Place::in_memory().with_sizes(&[30]);
    let failing = Failing::new(WriteStep::GuardMove);
    let open = place.try_open_with(|o| o.faults = failing.clone()).unwrap();
    memory.submit(&open, 30..34);
    memory.submit(&open, 34..36);
    failing.arm();
    assert_eq!(open.submit(items(36..38)), Err(SubmitError::Stopped));
    open.close().unwrap_err();
    let mut leaves = vec![LeafHash::new(empty_root().hash()); memory.acknowledged.len()];
    memory.acknowledged.values().for_each(|(index, leaf)| leaves[index.get() as usize] = *leaf);
    Base { place, leaves, checkpoints: memory.checkpoints, rows: Rows::new() }
}

/// fsck judges what lies there: it may not replay, repair or delete it.
#[test]
fn fsck_changes_no_file() {
    let base = with_an_unguarded_commit();
    let wal = newest_wal(&base.place);
    let half = std::fs::metadata(base.place.root().join(&wal)).unwrap().len() / 2;
    let bytes = |place: &Place| -> BTreeMap<PathBuf, Vec<u8>> {
        let read = |file: PathBuf| (file.clone(), std::fs::read(place.root().join(file)).unwrap());
        raw_files(place).into_iter().map(read).collect()
    };
    for cut in [false, true] {
        let place = copied(&base.place);
        if cut {
            std::fs::File::options().write(true).open(place.root().join(&wal)).unwrap().set_len(half).unwrap();
        }
        let before = bytes(&place);
        let problems = place.problems();
        assert_eq!(problems.is_empty(), !cut, "{problems:?}");
        assert!(bytes(&place) == before, "fsck changed a file (WAL cut: {cut})");
        assert_eq!(place.problems(), problems, "a second fsck");
    }
}

fn newest_wal(place: &Place) -> PathBuf {
    raw_files(place).into_iter().filter(|f| sort_of(f) == "WAL").max().unwrap()
}

#[test]
fn a_flipped_bit_in_the_wal_drops_at_most_the_one_unguarded_commit() {
    let base = with_an_unguarded_commit();
    let guarded = base.leaves.len() as u64;
    let wal = newest_wal(&base.place);
    let length = std::fs::metadata(base.place.root().join(&wal)).unwrap().len();
    let mut random = Random(2);
    let cases: Vec<(u64, u8)> = (0..WAL_SAMPLES).map(|_| (random.below(length), random.below(8) as u8)).collect();
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    each(&cases, |(at, bit)| {
        let place = copied(&base.place);
        flip(&place.root().join(&wal), *at, *bit);
        let name = format!("WAL byte {at} bit {bit}");
        let outcome = match serve(&place, &base, &name) {
            Service::Refuses(code) => format!("refuses ({code})"),
            Service::Serves { errors } => {
                assert_eq!(errors, 0, "{name}");
                let size = place.guard_record().head.size.get();
                assert!(size == guarded || size == guarded + 2, "{name}: size {size}");
                if size == guarded { "drops the unguarded commit" } else { "keeps everything" }.to_owned()
            }
        };
        *counts.lock().unwrap().entry(outcome).or_default() += 1;
    });
    let counts = counts.into_inner().unwrap();
    for (outcome, count) in &counts {
        println!("{count:5} {outcome}");
    }
    assert!(counts.keys().any(|k| k.starts_with("refuses")), "{counts:?}");
}

/// A power cut leaves a WAL that ends early, anywhere: of the guarded batches
/// nothing may be missing, the unguarded one may be.
#[test]
fn a_wal_that_ends_early_drops_at_most_the_one_unguarded_commit() {
    let base = with_an_unguarded_commit();
    let guarded = base.leaves.len() as u64;
    let wal = newest_wal(&base.place);
    let length = std::fs::metadata(base.place.root().join(&wal)).unwrap().len();
    let mut random = Random(3);
    let mut cases: Vec<u64> = (0..WAL_SAMPLES).map(|_| random.below(length)).collect();
    cases.extend([0, 1, length - 1]);
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    each(&cases, |at| {
        let place = copied(&base.place);
        let file = std::fs::File::options().write(true).open(place.root().join(&wal)).unwrap();
        file.set_len(*at).unwrap();
        drop(file);
        let name = format!("WAL cut at {at} of {length}");
        let problems = copied(&place).problems();
        let outcome = match serve(&place, &base, &name) {
            Service::Refuses(code) => {
                assert!(!problems.is_empty(), "{name}: refuses ({code}), fsck names nothing");
                format!("refuses ({code})")
            }
            Service::Serves { errors } => {
                assert_eq!((errors, problems), (0, Vec::new()), "{name}");
                let size = place.guard_record().head.size.get();
                assert!(size == guarded || size == guarded + 2, "{name}: size {size}");
                if size == guarded { "drops the unguarded commit" } else { "keeps everything" }.to_owned()
            }
        };
        *counts.lock().unwrap().entry(outcome).or_default() += 1;
    });
    let counts = counts.into_inner().unwrap();
    for (outcome, count) in &counts {
        println!("{count:5} {outcome}");
    }
    assert!(counts.contains_key("refuses (guard_newer)"), "{counts:?}");
    assert!(counts.contains_key("drops the unguarded commit"), "{counts:?}");
}
