//! What HTTP says of rows that lead elsewhere: `store_damaged`, for that line
//! or that name alone.

use pulselog::artifact::json::Value;
use pulselog::server::log::Log;
use pulselog::server::store::layout::{cf, number_key};

use crate::durability::damaged_rows::put;
use crate::make::audit::Story;
use crate::make::service::{Service, receipt};
use crate::make::told::Told;
use crate::make::value;

fn log(service: &Service) -> Log {
    service.server.as_ref().expect("it runs").state().log.clone()
}

/// The key of the identity row that leads to this entry.
fn identity(log: &Log, index: u64) -> Vec<u8> {
    let entry = log.view().entry(pulselog::merkle::LeafIndex::new(index)).expect("an entry").entry;
    entry.identity().as_bytes().to_vec()
}

#[test]
fn a_repeated_submission_is_never_answered_with_another_entry() {
    let service = Service::start();
    let receipts = service.fill(4);
    let log = log(&service);
    for to in [2, 4, 1_000] {
        put(&log, cf::IDENTITIES, &identity(&log, 1), &number_key(to));
        for query in ["", "?proof=true"] {
            service.post(&format!("/v1/entries{query}"), &receipts[1]).is(500, "store_damaged");
        }
        let batch = [&receipts[0], &receipts[1], &receipts[2]].map(String::as_str).join("\n");
        let answer = service.post("/v1/entries:batch", batch);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let lines: Vec<Value> = answer.text().lines().map(value).collect();
        let statuses: Vec<_> = lines.iter().map(|line| line.get("status").and_then(Value::as_i64)).collect();
        assert_eq!(statuses, [Some(200), Some(500), Some(200)], "{}", answer.text());
        assert_eq!(lines[1].text_at("problem.code"), Some("store_damaged"));
        assert_eq!(service.get("/readyz").string("status"), "ready");
    }
    assert_eq!(service.post("/v1/entries", receipt()).status, 201, "one damaged row stops nobody else");
}

#[test]
fn damaged_rows_of_artifacts_and_leaves_are_not_absent_ones() {
    let service = Service::start();
    service.fill(4);
    let log = log(&service);
    let entry = service.get("/v1/entries/1");
    let (artifact, leaf) = (entry.string("artifact"), entry.string("leaf_hash"));
    let leaf_key = pulselog::merkle::Hash::from_hex(&leaf).expect("hex");
    for value in [&number_key(2)[..], &number_key(4), &number_key(1_000), b"?"] {
        put(&log, cf::IDENTITIES, &identity(&log, 1), value);
        put(&log, cf::LEAVES, leaf_key.as_bytes(), value);
        service.get(&format!("/v1/artifacts/{artifact}")).is(500, "store_damaged");
        service.get(&format!("/v1/leaves/{leaf}")).is(500, "store_damaged");
        service.get(&format!("/v1/lookup?q={artifact}")).is(500, "store_damaged");
    }
    assert_eq!(service.get("/v1/entries/1").string("leaf_hash"), leaf, "what needs no such row goes on");
}

/// Copies each search row of one entry to another one: kind, names, links.
fn mislead(log: &Log, of: u64, to: u64, letter: u8) {
    let db = log.store().database();
    let family = db.cf_handle(cf::SEARCH).expect("a family");
    for row in db.iterator_cf(family, rocksdb::IteratorMode::Start) {
        let (key, _) = row.expect("a row");
        if key[0] == letter && key.ends_with(&number_key(of)) {
            let stray = [&key[..key.len() - 8], &number_key(to)].concat();
            put(log, cf::SEARCH, &stray, b"");
        }
    }
}

#[test]
fn search_rows_that_lead_elsewhere_are_damage_and_no_result() {
    let story = Story::clean();
    let told = Told::of(&story);
    let log = log(&told.service);
    assert_eq!(told.service.get("/v1/jobs/job-1").status, 200);
    let approval = story.index("job-1.ok");
    let stray = told.service.size();
    assert_eq!(told.service.post("/v1/entries", receipt()).status, 201);
    // Until its own rows are written: they are followed.
    told.service.get(&format!("/v1/lookup?q={stray}"));
    let kind = told.service.get(&format!("/v1/entries/{approval}")).string("kind");
    for (letter, path) in [
        (b'k', format!("/v1/entries?kind={kind}")),
        (b'n', "/v1/lookup?q=job-1.ok".to_owned()),
        (b'l', "/v1/jobs/job-1".to_owned()),
    ] {
        assert_eq!(told.service.get(&path).status, 200, "{path}");
        mislead(&log, approval, stray, letter);
        told.service.get(&path).is(500, "store_damaged");
    }
}
