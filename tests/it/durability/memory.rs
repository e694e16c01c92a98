//! Memory has budgets: each has a name, and together they are what is promised.

use pulselog::server::config::crowd::{self, Crowd};
use pulselog::server::log::Held;
use pulselog::server::store::Budget;

use crate::make::project;
use crate::make::service::{Service, receipt};

const MIB: u64 = 1 << 20;
/// What the defaults may sum up to.
const SUM_MAX: u64 = 448 * MIB;

/// Every budget by its setting.
fn parts() -> Vec<(&'static str, u64)> {
    let Budget { cache_bytes, memtables_bytes, tree_bytes } = Budget::default();
    let store = [
        ("store_cache_bytes", cache_bytes as u64),
        ("store_memtables_bytes", memtables_bytes as u64),
        ("store_tree_bytes", tree_bytes as u64),
    ];
    let crowd = crowd::ROWS.iter().filter(|row| row.name.ends_with("_held_bytes_max"));
    store.into_iter().chain(crowd.map(|row| (row.name, row.default))).collect()
}

#[test]
fn the_budgets_of_all_parts_sum_up_to_what_is_promised() {
    let parts = parts();
    assert_eq!(parts.len(), 11);
    let sum: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
    assert!(sum <= SUM_MAX, "{} MiB: {parts:?}", sum / MIB);
    // A log that is opened without a configuration has the same.
    let (held, crowd) = (Held::default(), Crowd::default());
    assert_eq!(held.queue_bytes as u64, crowd.queue_held_bytes_max);
    assert_eq!(held.commits_bytes as u64, crowd.commits_held_bytes_max);
}

#[test]
fn every_budget_stands_in_the_table_of_the_architecture() {
    let architecture = std::fs::read_to_string(project("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for (name, bytes) in parts() {
        let row = format!("| `{name}` | {} MiB |", bytes / MIB);
        assert!(architecture.contains(&row), "{row}");
    }
}

/// A batch whose parsed payloads would fill the queue waits as bodies alone,
/// and so does one beside which others must still find room.
#[test]
fn a_full_batch_is_taken_by_a_queue_that_holds_little_more_than_it() {
    let service = Service::start_with(|config| config.crowd.queue_held_bytes_max = 6 << 20);
    let batch: Vec<String> = (0..2_000).map(|_| receipt()).collect();
    let bytes = batch.iter().map(String::len).sum::<usize>();
    assert!(bytes > 1 << 20, "{bytes}: its parsed payloads would not fit");
    let answer = service.post("/v1/entries:batch", batch.join("\n"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(service.size(), 2_000);
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
}
