//! The scrub finds what nobody reads, in a real store, and says what it is.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pulselog::server::config::Config;
use pulselog::server::faults::NoFaults;
use pulselog::server::store::layout::{cf, number_key, tile_key};
use pulselog::server::store::{Budget, Store};
use pulselog::tile::TileId;

use crate::durability::degraded::damage;
use crate::make::service::{Service, receipt};

const WAIT_MAX: Duration = Duration::from_secs(90);

/// A scrub that is always at work, as fast as it can.
fn eager(config: &mut Config) {
    config.crowd.scrub_bytes_per_second = 1 << 32;
    config.crowd.scrub_rest_ms = 20;
}

/// A log of 600 entries, changed while it is stopped, and scrubbed from then on.
fn scrubbed(change: impl FnOnce(&Path)) -> Service {
    let mut service = Service::start();
    service.fill(600);
    service.stop();
    change(&service.data().join("store"));
    service.try_restart(eager).unwrap_or_else(|e| panic!("{e}"));
    service
}

fn gauge(service: &Service, name: &str) -> u64 {
    let text = service.metrics().text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("pulselog_{name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Two passes: what was published when this was called has been looked at.
fn wait_passes(service: &Service) {
    let (start, before) = (Instant::now(), gauge(service, "scrub_passes"));
    while gauge(service, "scrub_passes") < before + 2 {
        assert!(start.elapsed() < WAIT_MAX, "the scrub stands");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Flips a bit of a row, behind every checksum of the disk.
fn flip(store: &Path, family: &str, key: &[u8], byte: usize) {
    let open = Store::open(store, Budget::default(), Arc::new(NoFaults)).unwrap();
    let handle = open.database().cf_handle(family).unwrap();
    let mut row = open.database().get_cf(handle, key).unwrap().unwrap();
    row[byte] ^= 1;
    open.database().put_cf(handle, key, row).unwrap();
}

/// Degraded, and these parts are named; writes stop where `stops`.
#[track_caller]
fn check_found(service: &Service, names: &[&str], stops: bool) {
    wait_passes(service);
    let health = service.get("/readyz");
    assert_eq!((health.status, health.string("status").as_str()), (200, "degraded"), "{}", health.text());
    for name in names {
        assert!(health.text().contains(&format!("\"{name}\"")), "{name} in {}", health.text());
    }
    assert_eq!(health.text().contains("\"writes\":false"), stops, "{}", health.text());
    assert!(gauge(service, "scrub_damaged") >= names.len() as u64);
    assert_eq!(gauge(service, "store_damaged"), 1);
    match stops {
        true => drop(service.post("/v1/entries", receipt()).is(507, "degraded")),
        false => assert_eq!(service.post("/v1/entries", receipt()).status, 201),
    }
    assert_eq!(service.get("/checkpoint").status, 200, "reads go on");
}

#[test]
fn a_whole_log_is_scrubbed_again_and_again_while_it_grows() {
    let service = scrubbed(|_| {});
    wait_passes(&service);
    service.fill(300);
    wait_passes(&service);
    let health = service.get("/readyz");
    assert_eq!(health.string("status"), "ready", "{}", health.text());
    assert_eq!(gauge(&service, "scrub_damaged"), 0);
    assert!(gauge(&service, "scrub_last_pass_seconds") > 1_700_000_000);
    assert!(gauge(&service, "scrub_position") <= 900);
}

#[test]
fn a_flipped_entry_stops_writes_and_is_named() {
    let service = scrubbed(|store| flip(store, cf::ENTRIES, &number_key(5), 60));
    check_found(&service, &["tile 0/0", "tile 1/0", "root of size 600"], true);
    assert_eq!(service.get("/v1/entries/400.tlog-proof").status, 200);
    service.get("/v1/entries/5.tlog-proof").is(500, "store_damaged");
}

#[test]
fn a_flipped_body_stops_writes_and_is_named() {
    let service = scrubbed(|store| flip(store, cf::BODIES, &number_key(17), 200));
    check_found(&service, &["body 17"], true);
    assert_eq!(service.get("/v1/entries/17.tlog-proof").status, 200, "a proof holds without its body");
}

#[test]
fn a_flipped_hash_of_the_tree_stops_writes_and_is_named() {
    let service = scrubbed(|store| flip(store, cf::TILES, &tile_key(TileId { level: 0, index: 0 }), 9));
    check_found(&service, &["tile 0/0"], true);
}

#[test]
fn a_look_up_row_that_leads_elsewhere_is_named_and_stops_nobody() {
    let service = scrubbed(|store| {
        let open = Store::open(store, Budget::default(), Arc::new(NoFaults)).unwrap();
        let handle = open.database().cf_handle(cf::LEAVES).unwrap();
        let (key, value) = open.database().iterator_cf(handle, rocksdb::IteratorMode::Start).next().unwrap().unwrap();
        let other = u64::from(value[7] == 0);
        open.database().put_cf(handle, key, number_key(other)).unwrap();
    });
    wait_passes(&service);
    let health = service.get("/readyz").text();
    assert!(health.contains("\"leaf row of entry "), "{health}");
    check_found(&service, &[], false);
}

#[test]
fn a_damaged_block_that_nobody_read_is_found() {
    let service = scrubbed(|store| drop(damage(store, cf::BODIES)));
    wait_passes(&service);
    let health = service.get("/readyz").text();
    assert!(health.contains(".sst") && !health.contains("store/"), "{health}");
    check_found(&service, &[], true);
}

#[test]
fn a_damaged_block_of_rows_that_lie_in_another_order_is_found_at_the_end_of_a_pass() {
    for family in [cf::STATEMENTS, cf::CHECKPOINTS] {
        let service = scrubbed(|store| drop(damage(store, family)));
        check_found(&service, &[], true);
        let health = service.get("/readyz").text();
        assert!(health.contains(".sst"), "{family}: {health}");
    }
}

#[test]
fn a_row_that_is_gone_is_found_in_a_log_that_is_shown() {
    let mut service = Service::start();
    service.fill(600);
    service.stop();
    {
        let open = Store::open(&service.data().join("store"), Budget::default(), Arc::new(NoFaults)).unwrap();
        open.database().delete_cf(open.database().cf_handle(cf::BODIES).unwrap(), number_key(300)).unwrap();
    }
    let shown = |config: &mut Config| {
        config.read_only = true;
        eager(config);
    };
    service.try_restart(shown).unwrap_or_else(|e| panic!("{e}"));
    wait_passes(&service);
    let health = service.get("/readyz").text();
    assert!(health.contains("\"body 300\"") && health.contains("bodies 300 to 300 are gone"), "{health}");
}

/// Reads entries and bodies of a log that is scrubbed, flips a bit of them on
/// the disk, and gives the log, where that was found, and the file's name.
fn warmed_and_flipped(change: fn(&mut Config)) -> (Service, String) {
    let mut service = Service::start();
    service.fill(600);
    service.stop();
    // Whatever the write-ahead log gives back is in files after one more start.
    service.try_restart(|_| {}).unwrap_or_else(|e| panic!("{e}"));
    service.stop();
    service.try_restart(change).unwrap_or_else(|e| panic!("{e}"));
    wait_passes(&service);
    let name = |index: usize| service.get(&format!("/v1/entries/{index}")).string("artifact");
    for name in (0..600).step_by(20).map(name) {
        assert_eq!(service.get(&format!("/v1/artifacts/{name}")).status, 200);
    }
    // The largest file holds the bodies, whose first block begins it.
    let files = std::fs::read_dir(service.data().join("store")).unwrap().map(|file| file.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|e| e == "sst"));
    let largest = tables.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&largest).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 100).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 100).unwrap();
    let start = Instant::now();
    while service.get("/readyz").string("status") != "degraded" {
        assert!(start.elapsed() < WAIT_MAX, "the scrub does not find it");
        std::thread::sleep(Duration::from_millis(20));
    }
    let name = format!("file {}", largest.file_name().unwrap().to_str().unwrap());
    assert!(service.get("/readyz").text().contains(&name), "{}", service.get("/readyz").text());
    (service, name)
}

#[test]
fn damage_under_a_block_that_is_often_read_is_found_all_the_same() {
    let (service, name) = warmed_and_flipped(eager);
    check_found(&service, &[&name], true);
}

#[test]
fn the_same_in_a_log_that_is_shown() {
    let (service, _) = warmed_and_flipped(|config| {
        eager(config);
        config.read_only = true;
    });
    assert_eq!(service.get("/checkpoint").status, 200);
}
