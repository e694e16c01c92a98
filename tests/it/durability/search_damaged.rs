//! A search row that the disk does not give is an error, on pages and in the
//! API: never a list that lacks what it cannot read.

use pulselog::server::store::layout::cf;
use pulselog::server::store::{Budget, Store};

use crate::make::service::Service;

const ENTRIES: usize = 1_500;

/// Flips a bit in each 2 KiB of every file of the search rows.
fn damage(store: &std::path::Path) {
    let files = {
        let open =
            Store::open(store, Budget::default(), std::sync::Arc::new(pulselog::server::faults::NoFaults)).unwrap();
        open.database().live_files().unwrap()
    };
    let mut flipped = 0;
    for file in files.iter().filter(|file| file.column_family_name == cf::SEARCH) {
        let path = store.join(file.name.trim_start_matches('/'));
        let mut bytes = std::fs::read(&path).unwrap();
        // What stands behind the rows says where they are.
        let (from, to) = (100, bytes.len() * 3 / 4);
        for at in (from..to).step_by(2_048) {
            bytes[at] ^= 1;
            flipped += 1;
        }
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(flipped > 0, "no file of search rows");
}

#[test]
fn a_search_row_that_cannot_be_read_is_an_error_and_never_an_absence() {
    let mut service = Service::start();
    service.fill(ENTRIES);
    let paths = [
        "/v1/entries?kind=gateway_receipt&limit=100",
        "/v1/entries?kind=gateway_receipt&after=700&limit=100",
        "/v1/entries?kind=gateway_receipt&after=1300&limit=100",
        "/v1/lookup?q=rcpt_7",
        "/v1/findings",
        "/v1/entries?kind=trust_pulse",
    ];
    let whole: Vec<_> = paths.map(|path| service.get(path)).into();
    assert!(whole.iter().all(|answer| answer.status == 200));
    service.restart(|data| damage(&data.join("store")));
    let mut refused = 0;
    for (path, whole) in paths.iter().zip(&whole) {
        let answer = service.get(path);
        match answer.status {
            500 => {
                refused += 1;
                assert!(answer.text().contains("store_"), "{path}: {}", answer.text());
            }
            // The cursor lies in a damaged block as well.
            503 => {
                answer.is(503, "index_behind");
            }
            _ => assert!(answer.status == 200 && answer.text() == whole.text(), "{path}: {}", answer.status),
        }
    }
    assert_eq!(service.get("/").status, 500, "the page of the newest pulses");
    assert!(refused > 0, "no path met a damaged row");
}
