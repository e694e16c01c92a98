//! Full tiles that were read once are sent again from memory, as they were.

use pulselog::server::log::Log;
use pulselog::server::store::layout::{cf, tile_key};
use pulselog::tile::{TileId, TilePath};

use crate::durability::damaged_rows::put;
use crate::make::service::Service;

/// Two full tiles and a partial one.
const ENTRIES: usize = 600;
const FULL: [&str; 4] = ["/tile/0/000", "/tile/0/001", "/tile/entries/000", "/tile/entries/001"];
const PARTIAL: [&str; 5] =
    ["/tile/0/002.p/88", "/tile/1/000.p/2", "/tile/0/000.p/7", "/tile/entries/002.p/88", "/tile/entries/001.p/9"];
/// What clients send, and one whose weights nobody guesses at.
const ENCODINGS: [&str; 4] = ["identity", "gzip", "gzip, deflate, br", "gzip;q=0.5, identity;q=0.9"];

fn filled(tiles_held_bytes_max: u64) -> Service {
    let service = Service::start_with(|config| config.crowd.tiles_held_bytes_max = tiles_held_bytes_max);
    service.fill(ENTRIES);
    service
}

fn held(service: &Service) -> (usize, usize) {
    service.server.as_ref().expect("it runs").state().slots.ready().held()
}

fn log(service: &Service) -> Log {
    service.server.as_ref().expect("it runs").state().log.clone()
}

/// Everything that comes back, but for the time of day.
fn answer(service: &Service, path: &str, encoding: &str) -> Vec<u8> {
    let lines = format!("GET {path} HTTP/1.1\r\nHost: log\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n");
    let mut bytes = service.raw_bytes(&lines);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an empty line");
    let head = String::from_utf8(bytes.drain(..end).collect()).expect("ASCII");
    let mut fields: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with("date:")).collect();
    assert!(fields[0].starts_with("HTTP/1.1 200"), "{path}: {head}");
    fields.sort_unstable();
    [fields.join("\n").into_bytes(), bytes].concat()
}

#[test]
fn a_full_tile_is_the_same_from_memory_and_from_the_store() {
    let mut service = filled(64 << 20);
    let ask = |service: &Service| -> Vec<Vec<u8>> {
        FULL.iter().flat_map(|path| ENCODINGS.map(|encoding| answer(service, path, encoding))).collect()
    };
    let first = ask(&service);
    // Hashes have one form; entries have two, of three requests that do not weigh.
    assert_eq!(held(&service).0, 2 + 2 * 2);
    assert_eq!(ask(&service), first);
    assert_eq!(held(&service).0, 6);
    assert!(service.get_with(FULL[2], &[("accept-encoding", "gzip")]).header("content-encoding") == "gzip");
    // A query changes nothing, and nothing more is kept for it.
    assert_eq!(answer(&service, "/tile/0/000?x=1", "identity"), first[0]);
    assert_eq!(held(&service).0, 6);
    service.stop();
    service.try_restart(|config| config.crowd.tiles_held_bytes_max = 0).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(ask(&service), first);
    assert_eq!(held(&service), (0, 0));
}

#[test]
fn what_is_ready_is_counted_and_refused_like_everything_else() {
    let service = filled(64 << 20);
    let ask = |host: &str| service.raw(&format!("GET {} HTTP/1.1\r\n{host}Connection: close\r\n\r\n", FULL[2]));
    for _ in 0..3 {
        assert!(ask("Host: log\r\n").starts_with("HTTP/1.1 200"));
    }
    let counted = "pulselog_requests_total{route=\"/tile/entries/{*path}\",status=\"200\"} 3";
    assert!(service.metrics().text().contains(counted));
    for host in ["", "Host: a\r\nHost: b\r\n", "Host: a b\r\n"] {
        assert!(ask(host).starts_with("HTTP/1.1 400"), "{host}");
    }
}

#[test]
fn partial_tiles_and_what_is_no_tile_are_never_kept() {
    let service = filled(64 << 20);
    for path in PARTIAL {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    for path in ["/tile/0/002", "/tile/0/003", "/tile/1/000", "/tile/entries/002", "/tile/0/0", "/tile/x"] {
        assert!(service.get(path).status >= 400, "{path}");
    }
    assert_eq!(service.raw("HEAD /tile/0/000 HTTP/1.1\r\nHost: log\r\n\r\n").lines().next(), Some("HTTP/1.1 200 OK"));
    assert_eq!(held(&service), (0, 0));
}

#[test]
fn what_is_kept_stays_within_its_bound() {
    // Each eighth has room for one tile of hashes, and for no bundle of entries.
    let bound = 8 * (256 * 32 + 1_024);
    let service = filled(bound);
    for _ in 0..3 {
        for path in FULL {
            assert_eq!(service.get(path).status, 200);
            let (answers, bytes) = held(&service);
            assert!(answers <= 8 && bytes as u64 <= bound, "{answers} answers, {bytes} bytes");
        }
    }
    assert_eq!(held(&service).0, 2);
}

#[test]
fn a_tile_that_is_damaged_is_noticed_at_its_first_read_and_is_not_kept() {
    let service = filled(64 << 20);
    let (log, key) = (log(&service), tile_key(TileId { level: 0, index: 0 }));
    let good = log.view().tile(&TilePath::parse("0/000").expect("a path")).expect("a tile");
    put(&log, cf::TILES, &key, &good[..100]);
    for _ in 0..2 {
        service.get("/tile/0/000").is(500, "store_damaged");
    }
    assert_eq!(held(&service), (0, 0));
    put(&log, cf::TILES, &key, &good);
    assert_eq!(service.get("/tile/0/000").body, good);
    // From now on the store is not asked for it.
    put(&log, cf::TILES, &key, &good[..100]);
    assert_eq!(service.get("/tile/0/000").body, good);
}
