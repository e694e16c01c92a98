//! What the disk does not give, or gives wrongly, is an error with its code on
//! every page and in every answer that needs it: never an absence.

use std::os::unix::fs::FileExt as _;

use pulselog::server::store::layout::{cf, number_key};

use crate::durability::damaged_rows::put;
use crate::http::desk::World;
use crate::make::service::Answer;

/// Entries beside the story, so that rows lie in many blocks.
const ENTRIES: usize = 1_500;

/// A 500 in the words of pages or of the API.
fn is_damage(path: &str, answer: &Answer) {
    assert_eq!(answer.status, 500, "{path}: {}", answer.text());
    assert!(answer.text().contains("store_"), "{path}: {}", answer.text());
}

#[test]
fn a_body_that_is_not_its_entrys_is_damage_on_every_page_and_in_every_answer() {
    for wrong in [&b"{}"[..], b""] {
        let world = World::new();
        let service = &world.told.service;
        let log = service.server.as_ref().expect("it runs").state().log.clone();
        for at in 0..service.size() {
            put(&log, cf::BODIES, &number_key(at), wrong);
        }
        world.paths.iter().for_each(|path| is_damage(path, &service.get(path)));
        is_damage("/v1/verify", &service.post("/v1/verify", &world.bundle));
    }
}

#[test]
fn a_body_that_is_gone_is_damage_on_every_page_and_in_every_answer() {
    let world = World::new();
    let service = &world.told.service;
    let log = service.server.as_ref().expect("it runs").state().log.clone();
    let db = log.store().database();
    for at in 0..service.size() {
        db.delete_cf(db.cf_handle(cf::BODIES).expect("a family"), number_key(at)).expect("deleted");
    }
    world.paths.iter().for_each(|path| is_damage(path, &service.get(path)));
}

/// Flips bits all over the search rows while they are served: what was read
/// before, the beginning of every report among it, stays in memory.
fn damage(db: &rocksdb::DB, store: &std::path::Path) {
    for file in db.live_files().unwrap().iter().filter(|file| file.column_family_name == cf::SEARCH) {
        let path = store.join(file.name.trim_start_matches('/'));
        let bytes = std::fs::read(&path).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        // What stands behind the rows says where they are.
        for at in (0..bytes.len() * 3 / 4).step_by(512) {
            file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
        }
    }
}

#[test]
fn links_that_cannot_be_read_are_an_error_on_every_page_and_in_every_answer() {
    let mut world = World::new();
    world.told.service.fill(ENTRIES);
    // Their rows are written before the end, and none is in memory afterwards.
    assert_eq!(world.told.service.get("/v1/jobs/job-1").status, 200);
    world.told.service.restart(|_| {});
    let service = &world.told.service;
    let state = service.server.as_ref().expect("it runs").state();
    let begun = std::time::Instant::now();
    while !state.index.wait(state.log.published().head.size) {
        assert!(begun.elapsed().as_secs() < 60, "the follower does not start");
    }
    damage(state.log.store().database(), &service.data().join("store"));
    // What reads links: reports, findings, and everything that rests on them.
    let rests = |path: &&String| {
        ["/pulses/", "/b/", "/runs/", "/jobs/", "/findings", "/v1/jobs/", "/v1/runs/", "/v1/tokens/", "/v1/findings"]
            .iter()
            .chain(&["/v1/bundles/"])
            .any(|prefix| path.starts_with(prefix))
    };
    for path in world.paths.iter().filter(rests) {
        is_damage(path, &service.get(path));
    }
    is_damage("/v1/verify", &service.post("/v1/verify", &world.bundle));
}
