//! One damaged block: what does not need it goes on, writes stop, and the
//! operator is told which file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulselog::merkle::LeafIndex;
use pulselog::server::faults::NoFaults;
use pulselog::server::log::SubmitError;
use pulselog::server::store::layout::cf;
use pulselog::server::store::{Budget, Store};

use crate::make::logs::{Place, items};
use crate::make::service::{Service, receipt};

/// Flips a bit in the first block of a family's first file.
pub fn damage(store: &Path, family: &str) -> PathBuf {
    let name = {
        let open = Store::open(store, Budget::default(), Arc::new(NoFaults)).unwrap();
        let files = open.database().live_files().unwrap();
        let mut files: Vec<_> = files.into_iter().filter(|file| file.column_family_name == family).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.remove(0).name
    };
    let path = store.join(name.trim_start_matches('/'));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_damaged_block_of_bodies_stops_writes_and_leaves_the_other_reads() {
    let mut service = Service::start();
    let receipts = service.fill(300);
    service.restart(|data| drop(damage(&data.join("store"), cf::BODIES)));
    assert_eq!(service.get("/readyz").string("status"), "ready", "nobody has met it yet");
    let artifact = |index: usize| service.get(&format!("/v1/entries/{index}")).string("artifact");
    service.get(&format!("/v1/artifacts/{}", artifact(0))).is(500, "store_damaged");
    let health = service.get("/readyz");
    assert_eq!((health.status, health.string("status").as_str()), (200, "degraded"));
    assert!(health.text().contains("\"writes\":false"), "{}", health.text());
    assert!(health.text().contains("\"writes_refused\":[\"degraded\"]"), "{}", health.text());
    let refused = "pulselog_writes_refused{code=\"degraded\"} 1";
    assert!(service.metrics().text().contains(refused), "no metric for the code");
    assert!(service.metrics().text().contains("pulselog_store_damaged 1"), "no metric");
    service.post("/v1/entries", receipt()).is(507, "degraded");
    service.post("/v1/entries", &receipts[5]).is(507, "degraded");
    // What does not need the block.
    assert_eq!(service.get(&format!("/v1/artifacts/{}", artifact(299))).status, 200);
    assert_eq!(service.get("/v1/entries/0.tlog-proof").status, 200, "a proof holds without its body");
    assert_eq!(service.get("/checkpoint").status, 200);
    assert_eq!(service.size(), 300);
}

#[test]
fn a_look_up_in_a_damaged_block_stops_writes_and_not_the_service() {
    let place = Place::in_memory();
    let (place, mut memory) = place.with_sizes(&[600]);
    place.open().close().unwrap();
    damage(&place.store(), cf::IDENTITIES);
    let open = place.open();
    assert_eq!(open.log.damage(), None);
    assert_eq!(open.submit(items(0..600)), Err(SubmitError::Degraded));
    assert!(open.log.damage().is_some_and(|what| what.contains(".sst")), "{:?}", open.log.damage());
    assert_eq!(open.submit(items(700..701)), Err(SubmitError::Degraded));
    assert!(open.log.is_alive());
    memory.check_open(&open);
    assert_eq!(open.size(), 600, "nothing was logged");
    open.close().unwrap();
    assert!(place.problems().iter().any(|p| p.starts_with("identity of entry")), "fsck names it");
}

#[test]
fn a_start_that_finds_a_damaged_tile_serves_the_rest_and_takes_no_writes() {
    let place = Place::in_memory();
    let (place, _) = place.with_sizes(&[1_000, 1_100]);
    place.open().close().unwrap();
    let file = damage(&place.store(), cf::TILES);
    let open = place.open();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(open.log.damage().is_some_and(|what| what.contains(name)), "{:?}", open.log.damage());
    assert_eq!(open.submit(items(2_000..2_001)), Err(SubmitError::Degraded));
    let view = open.log.view();
    assert_eq!(view.inclusion(LeafIndex::new(0), None).err().map(|e| e.code().name), Some("store_damaged"));
    view.inclusion(LeafIndex::new(1_050), None).unwrap();
    drop(view);
    open.close().unwrap();
}

#[test]
fn fsck_reads_the_token_file_and_a_second_process_is_told_that_the_store_is_busy() {
    let (place, _) = Place::in_memory().with_sizes(&[3]);
    std::fs::write(place.data().join("tokens.json"), "{").unwrap();
    assert!(place.problems().iter().any(|p| p.starts_with("tokens.json: ")), "{:?}", place.problems());
    let held = place.open();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pulselog"))
        .args(["fsck", "--data"])
        .arg(place.data())
        .arg("--guard")
        .arg(place.root().join("another.guard"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("[store_busy]"), "{said}");
    held.close().unwrap();
}
