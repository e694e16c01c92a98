//! The commit path against a bare synced WriteBatch of the same bytes: the
//! same rows, put into a batch and written, and nothing else.
//!
//! `cargo bench --bench commit [-- COMMITS]`

#[path = "fixture.rs"]
mod fixture;

use std::time::Instant;

use pulselog::entry::LoggedAt;
use pulselog::sequence::{CommittedEntry, TreeState, integrate};
use pulselog::server::faults::NoFaults;
use pulselog::server::store::layout::{HeadRecord, StatementRow, cf, statement_key};
use pulselog::server::store::{Budget, Store};
use rocksdb::{WriteBatch, WriteBatchIteratorCf, WriteOptions};

const ENTRIES: u64 = 1_000;

/// The rows of a batch: family id (in order of creation, 0 is the default one), key, value.
#[derive(Default)]
struct Rows(Vec<(u32, Vec<u8>, Vec<u8>)>);

impl WriteBatchIteratorCf for Rows {
    fn put_cf(&mut self, family: u32, key: &[u8], value: &[u8]) {
        self.0.push((family, key.to_vec(), value.to_vec()));
    }

    fn delete_cf(&mut self, _family: u32, _key: &[u8]) {}

    fn merge_cf(&mut self, _family: u32, _key: &[u8], _value: &[u8]) {}
}

fn main() {
    let commits: u64 = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(100);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (log, running) = fixture::open(&dir.path().join("log"));
    let bare =
        Store::open(&dir.path().join("bare"), Budget::default(), std::sync::Arc::new(NoFaults)).expect("a store");
    let mut tree = TreeState::empty();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for commit in 0..commits {
        let range = commit * ENTRIES..(commit + 1) * ENTRIES;
        let items = fixture::items(range.clone());
        let start = Instant::now();
        runtime.block_on(log.submit(items)).expect("logged");
        ours.push(start.elapsed().as_secs_f64());

        // The same rows, made before the clock starts.
        let pending = range.map(fixture::pending).collect();
        let (next, commit) = integrate(&tree, pending, LoggedAt::from_unix_ms(1_795_000_000_000)).expect("integrated");
        let head = HeadRecord { head: commit.head, previous: tree.head(), note: Some(vec![b'n'; 220]) };
        let key = |e: &CommittedEntry| statement_key(&e.payload_hash, e.entry.kind, e.entry.signer.as_ref());
        let statements: Vec<_> = commit.entries.iter().map(|e| StatementRow { key: key(e), first: None }).collect();
        let (batch, _) = bare.batch(&commit, &statements, &head).expect("a batch");
        let mut rows = Rows::default();
        batch.iterate_cf(&mut rows);
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let families: Vec<_> = cf::ALL.iter().filter_map(|name| bare.database().cf_handle(name)).collect();
        let start = Instant::now();
        let mut batch = WriteBatch::default();
        for (family, key, value) in &rows.0 {
            batch.put_cf(families[*family as usize - 1], key, value);
        }
        bare.database().write_opt(batch, &synced).expect("written");
        theirs.push(start.elapsed().as_secs_f64());
        tree = next;
    }
    drop(log);
    running.join().expect("a clean end");
    let (sum_ours, sum_theirs) = (ours.iter().sum::<f64>(), theirs.iter().sum::<f64>());
    let (ours, theirs) = (fixture::median(&mut ours), fixture::median(&mut theirs));
    println!("commits                 {commits} of {ENTRIES} entries, {} byte bodies", fixture::body(0).len());
    println!("commit path, median     {:8.2} ms  {:8.0} entries/s", ours * 1e3, ENTRIES as f64 / ours);
    println!("bare synced batch       {:8.2} ms  {:8.0} entries/s", theirs * 1e3, ENTRIES as f64 / theirs);
    println!("ratio of medians        {:8.3}     (promised <= 1.5)", ours / theirs);
    println!("ratio of sums           {:8.3}", sum_ours / sum_theirs);
}
