//! A log that is shown and not run: a damaged store that `serve` refuses is
//! served with `--read-only` as far as it is whole, and nothing is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulselog::server::config::Config;
use pulselog::server::faults::NoFaults;
use pulselog::server::store::layout::{cf, number_key};
use pulselog::server::store::{Budget, Store};

use crate::durability::degraded::damage;
use crate::make::served::Served;
use crate::make::service::{Service, receipt};

fn read_only(config: &mut Config) {
    config.read_only = true;
}

/// Every file below a directory, byte for byte.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn with_store(data: &Path, change: impl FnOnce(&Store)) {
    let store = Store::open(&data.join("store"), Budget::default(), Arc::new(NoFaults)).unwrap();
    change(&store);
}

fn delete(data: &Path, family: &str, indexes: std::ops::Range<u64>) {
    with_store(data, |store| {
        let handle = store.database().cf_handle(family).unwrap();
        indexes.for_each(|index| store.database().delete_cf(handle, number_key(index)).unwrap());
    });
}

/// Damages the data of a log of 300 entries, sees that `serve` refuses with
/// `code` and names the next step, and gives the log as it is shown, with what
/// it logged. Nothing may be written from here on.
struct Shown {
    service: Service,
    receipts: Vec<String>,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Shown {
    fn of(refusal: Option<&str>, change: impl FnOnce(&Path)) -> Self {
        let mut service = Service::start();
        let receipts = service.fill(300);
        service.stop();
        change(&service.data());
        if let Some(code) = refusal {
            let refused = service.try_restart(|_| {}).err().unwrap_or_else(|| panic!("the log started"));
            assert_eq!(refused.code().name, code, "{refused}");
            assert!(refused.to_string().contains("serve --read-only"), "{refused}");
        }
        let before = files(&service.root());
        service.try_restart(read_only).unwrap_or_else(|e| panic!("{e}"));
        Self { service, receipts, before }
    }

    /// Ends it, and compares every byte of data, guard and clock mark.
    fn end(mut self) {
        self.service.stop();
        let after = files(&self.service.root());
        let changed: Vec<_> = after.iter().filter(|(path, bytes)| self.before.get(*path) != Some(bytes)).collect();
        let changed: Vec<_> = changed.into_iter().map(|(path, _)| path).collect();
        assert!(changed.is_empty(), "written: {changed:?}");
        assert_eq!(after.len(), self.before.len(), "removed");
    }

    fn damaged(&self) -> String {
        let health = self.service.get("/readyz");
        assert_eq!((health.status, health.string("status").as_str()), (200, "degraded"), "{}", health.text());
        assert!(health.text().contains("\"writes_refused\":[\"served_read_only\"]"), "{}", health.text());
        health.text()
    }

    fn check_refuses_writes(&self) {
        self.service.post("/v1/entries", receipt()).is(503, "served_read_only");
        self.service.post("/v1/entries", &self.receipts[5]).is(503, "served_read_only");
        self.service.post("/v1/entries:batch", receipt()).is(503, "served_read_only");
        assert_eq!(self.service.size(), 300);
    }
}

#[test]
fn a_sound_log_is_shown_whole_and_nothing_is_written() {
    let shown = Shown::of(None, |_| {});
    let health = shown.service.get("/readyz");
    assert_eq!((health.status, health.string("status").as_str()), (200, "ready"));
    assert!(health.text().contains("\"writes\":false"), "{}", health.text());
    assert!(health.text().contains("\"writes_refused\":[\"served_read_only\"]"), "{}", health.text());
    shown.check_refuses_writes();
    assert_eq!(shown.service.get("/v1/entries/299.tlog-proof").status, 200);
    assert_eq!(shown.service.get("/tile/0/001.p/44").status, 200);
    assert_eq!(shown.service.get("/v1/entries?kind=gateway_receipt").number("indexed_size"), 300);
    assert_eq!(shown.service.get("/v1/findings").status, 200, "rows reach the size");
    let refused = "pulselog_writes_refused{code=\"served_read_only\"} 1";
    assert!(shown.service.metrics().text().contains(refused));
    shown.end();
}

#[test]
fn a_store_with_a_hole_is_shown_and_says_what_is_gone() {
    let shown = Shown::of(Some("store_holes"), |data| {
        delete(data, cf::ENTRIES, 17..40);
    });
    assert!(shown.damaged().contains("entries 17 to 39 are gone"), "{}", shown.damaged());
    shown.check_refuses_writes();
    shown.service.get("/v1/entries/20").is(500, "store_damaged");
    shown.service.get("/v1/entries/20.tlog-proof").is(500, "store_damaged");
    shown.service.get("/tile/entries/000").is(500, "store_damaged");
    for path in ["/v1/entries/16", "/v1/entries/40.tlog-proof", "/tile/0/000", "/tile/entries/001.p/44", "/checkpoint"]
    {
        assert_eq!(shown.service.get(path).status, 200, "{path}");
    }
    shown.end();
}

#[test]
fn what_a_holed_family_does_not_find_is_never_an_absence() {
    let shown = Shown::of(Some("store_holes"), |data| {
        with_store(data, |store| {
            let handle = store.database().cf_handle(cf::LEAVES).unwrap();
            let rows = store.database().iterator_cf(handle, rocksdb::IteratorMode::Start);
            let first = rows.take(1).next().unwrap().unwrap().0;
            store.database().delete_cf(handle, first).unwrap();
        });
    });
    assert!(shown.damaged().contains("leaves holds 299 rows for 300 entries"), "{}", shown.damaged());
    let hash = "0".repeat(64);
    shown.service.get(&format!("/v1/leaves/{hash}")).is(500, "store_damaged");
    shown.service.get(&format!("/v1/artifacts/{hash}")).is(404, "artifact_not_found");
    let leaf = shown.service.get("/v1/entries/7").string("leaf_hash");
    let found = shown.service.get(&format!("/v1/leaves/{leaf}"));
    assert!(found.status == 200 || found.string("code") == "store_damaged", "{}", found.text());
    shown.end();
}

#[test]
fn a_damaged_block_that_stops_a_start_is_shown_around() {
    let shown = Shown::of(Some("store_damaged"), |data| {
        drop(damage(&data.join("store"), cf::ENTRIES));
    });
    assert!(shown.damaged().contains(".sst"), "{}", shown.damaged());
    assert!(!shown.damaged().contains('/'), "no path of this machine: {}", shown.damaged());
    shown.check_refuses_writes();
    shown.service.get("/v1/entries/0").is(500, "store_damaged");
    for path in ["/checkpoint", "/tile/0/000", "/v1/checkpoints/300", "/healthz"] {
        assert_eq!(shown.service.get(path).status, 200, "{path}");
    }
    shown.end();
}

#[test]
fn tables_that_are_gone_leave_the_rest() {
    let shown = Shown::of(Some("store_open"), |data| {
        let file = damage(&data.join("store"), cf::BODIES);
        std::fs::remove_file(file).unwrap();
    });
    shown.check_refuses_writes();
    let artifact = shown.service.get("/v1/entries/0").string("artifact");
    shown.service.get(&format!("/v1/artifacts/{artifact}")).is(500, "store_damaged");
    assert_eq!(shown.service.get("/v1/entries/0.tlog-proof").status, 200, "a proof holds without its body");
    shown.end();
}

#[test]
fn a_fork_mark_and_a_lost_guard_are_told_and_do_not_hide_what_was_published() {
    let shown = Shown::of(Some("store_fork"), |data| {
        with_store(data, |store| store.mark_fork("another copy ran").unwrap());
    });
    shown.check_refuses_writes();
    assert_eq!(shown.service.get("/v1/entries/299.tlog-proof").status, 200);
    shown.end();
    let shown = Shown::of(None, |data| std::fs::remove_file(data.with_extension("guard")).unwrap());
    shown.check_refuses_writes();
    shown.end();
}

#[test]
fn search_rows_that_lag_answer_index_behind_and_stay_as_they_are() {
    let shown = Shown::of(None, |data| {
        with_store(data, |store| {
            let handle = store.database().cf_handle(cf::SEARCH).unwrap();
            store.database().delete_range_cf(handle, &[0][..], &[0xff][..]).unwrap();
        });
    });
    shown.service.get("/v1/findings").is(503, "index_behind");
    assert_eq!(shown.service.get("/v1/entries?kind=gateway_receipt").number("indexed_size"), 0);
    assert_eq!(shown.service.get("/v1/entries/299").status, 200);
    // What nobody has read is never said to be absent.
    shown.service.get("/v1/lookup?q=anything").is(503, "index_behind");
    let search = shown.service.get("/search?q=anything");
    assert_eq!(search.status, 503);
    assert!(search.text().contains("The index has read 0 of 300\u{a0}entries"), "{}", search.text());
    assert!(shown.service.get("/runs?by=others").text().contains("The index has read 0\u{a0}entries so far"));
    // What needs no rows of the index is found all the same.
    let digest = shown.service.get("/v1/entries/299").string("artifact");
    assert_eq!(shown.service.get(&format!("/v1/lookup?q={digest}")).number("indexed_size"), 0);
    shown.end();
}

/// A head that was signed and not guarded never left the log: it is not shown.
#[test]
fn nothing_is_shown_that_the_log_had_not_published() {
    let mut service = Service::start();
    service.fill(10);
    let data = service.data();
    let guard = std::fs::read(data.with_extension("guard")).unwrap();
    service.fill(5);
    service.stop();
    // The guard of before, and no row of what was published since.
    std::fs::write(data.with_extension("guard"), guard).unwrap();
    with_store(&data, |store| {
        let handle = store.database().cf_handle(cf::CHECKPOINTS).unwrap();
        for size in 11..=15_u64 {
            store.database().delete_cf(handle, number_key(size)).unwrap();
        }
    });
    service.try_restart(read_only).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(service.size(), 10);
    service.get("/v1/entries/12").is(404, "entry_not_found");
}

/// fsck may read beside it, a log may not start.
#[test]
fn a_log_does_not_start_while_it_is_shown() {
    let served = Served::start();
    served.submit_batch(0..3);
    served.stop();
    served.spawn_flagged(&["--read-only"]);
    served.wait_ready();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pulselog"));
        command.args(args);
        if args == ["fsck"] {
            command.arg("--data").arg(served.place.data());
        } else {
            served.name_log(&mut command);
        }
        let output = command.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let said = run(&["fsck"]);
    assert!(said.starts_with("CLEAN"), "{said}");
    let said = run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("[store_busy]"), "{said}");
    served.stop();
    served.spawn();
    served.wait_ready();
    // And the other way round.
    let said = run(&["serve", "--read-only", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("[store_busy]"), "{said}");
}
