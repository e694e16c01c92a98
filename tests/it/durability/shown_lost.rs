//! What a log that is shown knows to be lost, or cannot vouch for, is never
//! answered as an absence, and `/readyz` names why.

use std::path::Path;

use pulselog::server::config::Config;
use pulselog::server::faults::NoFaults;
use pulselog::server::store::{Budget, Store};

use crate::make::service::Service;

const HELD: usize = 20;
const LOGGED: usize = 30;
/// Bears no entry of any log.
const UNKNOWN: &str = "1111111111111111111111111111111111111111111111111111111111111111";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Names of what was logged last, and the checkpoint over it.
struct Lost {
    artifact: String,
    leaf: String,
    checkpoint: Vec<u8>,
}

/// A stopped log of [`HELD`] entries that once had [`LOGGED`].
fn old_copy() -> (Service, Lost) {
    let mut service = Service::start();
    service.fill(HELD);
    service.stop();
    let (data, kept) = (service.data(), service.root().join("kept"));
    copy(&data, &kept);
    service.try_restart(|_| {}).unwrap_or_else(|e| panic!("{e}"));
    service.fill(LOGGED - HELD);
    let last = service.get("/v1/entries/29");
    let lost = Lost {
        artifact: last.string("artifact"),
        leaf: last.string("leaf_hash"),
        checkpoint: service.get("/checkpoint").body,
    };
    service.stop();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&kept, &data).unwrap();
    (service, lost)
}

fn show(service: &mut Service, change: impl Fn(&mut Config)) -> String {
    service
        .try_restart(|config| {
            config.read_only = true;
            change(config);
        })
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(service.size(), HELD as u64);
    service.get("/readyz").text()
}

/// What no row leads to, and what stands at an index that this store never had.
fn check_nothing_is_absent(service: &Service, hashes: &[&str]) {
    for hash in hashes {
        for path in ["artifacts", "leaves", "tokens", "policies"] {
            service.get(&format!("/v1/{path}/{hash}")).is(500, "store_damaged");
        }
        service.get(&format!("/v1/bundles/{hash}/report")).is(500, "store_damaged");
        service.get(&format!("/v1/lookup?q={hash}")).is(500, "store_damaged");
        for path in ["pulses", "b"] {
            assert_eq!(service.get(&format!("/{path}/{hash}")).status, 500, "{path}");
        }
    }
    for path in [
        "/v1/entries/20",
        "/v1/entries/29",
        "/v1/entries/29.tlog-proof",
        "/v1/entries?after=19",
        "/v1/entries?kind=work_policy",
        "/v1/checkpoints/30",
        "/v1/proofs/consistency?from=20&to=30",
        "/v1/proofs/consistency?from=30",
        "/tile/0/000.p/30",
        "/tile/entries/000.p/21",
        "/v1/lookup?q=29",
        "/v1/lookup?q=nobody",
        "/v1/jobs/nobody",
        "/v1/runs/did:key:z6Mk/nobody",
        "/v1/findings?at=30",
    ] {
        service.get(path).is(500, "store_damaged");
    }
    for path in ["/entries/29", "/jobs/nobody", "/findings?at=30"] {
        assert_eq!(service.get(path).status, 500, "{path}");
    }
    for path in ["/v1/entries/19", "/v1/entries/19.tlog-proof", "/v1/checkpoints/20", "/tile/0/000.p/20", "/checkpoint"]
    {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
}

#[test]
fn an_old_copy_of_the_data_says_what_is_lost_and_answers_no_absence() {
    let (mut service, lost) = old_copy();
    let said = show(&mut service, |_| {});
    assert!(said.contains("\"status\":\"degraded\""), "{said}");
    assert!(said.contains("entries 20 to 29 are lost [guard_newer]"), "{said}");
    check_nothing_is_absent(&service, &[&lost.artifact, &lost.leaf, UNKNOWN]);
    // Beyond what was ever logged nothing is lost, and below an older size nothing can be.
    service.get("/v1/entries/30").is(404, "entry_not_found");
    service.get("/v1/checkpoints/31").is(404, "size_not_published");
    service.get("/tile/0/000.p/31").is(404, "tile_not_found");
    service.get("/v1/jobs/nobody?at=10").is(404, "scope_not_found");
    service.get("/v1/entries/29.tlog-proof?size=20").is(500, "store_damaged");
}

#[test]
fn a_kept_checkpoint_tells_what_a_backup_with_its_guard_lost() {
    let (mut service, lost) = old_copy();
    let guard = service.data().with_extension("guard");
    std::fs::remove_file(guard).unwrap();
    let said = show(&mut service, |config| config.seen = vec![lost.checkpoint.clone()]);
    assert!(said.contains("entries 20 to 29 are lost [seen_newer]"), "{said}");
    assert!(said.contains("[guard_missing]"), "{said}");
    check_nothing_is_absent(&service, &[&lost.artifact, UNKNOWN]);
}

#[test]
fn without_a_guard_nobody_knows_what_else_was_logged() {
    for (code, damage) in [("guard_missing", None), ("guard_unreadable", Some(vec![0x55; 8192]))] {
        let (mut service, lost) = old_copy();
        let guard = service.data().with_extension("guard");
        match damage {
            Some(bytes) => std::fs::write(guard, bytes).unwrap(),
            None => std::fs::remove_file(guard).unwrap(),
        }
        let said = show(&mut service, |_| {});
        assert!(said.contains("\"status\":\"degraded\"") && said.contains(&format!("[{code}]")), "{said}");
        check_nothing_is_absent(&service, &[&lost.artifact, UNKNOWN]);
    }
}

#[test]
fn a_fork_never_says_what_the_log_does_not_hold() {
    let (mut service, lost) = old_copy();
    let store = Store::open(&service.data().join("store"), Budget::default(), std::sync::Arc::new(NoFaults)).unwrap();
    store.mark_fork("another copy ran").unwrap();
    drop(store);
    let said = show(&mut service, |_| {});
    assert!(said.contains("the store is a fork [store_fork]"), "{said}");
    check_nothing_is_absent(&service, &[&lost.artifact, UNKNOWN]);
}
