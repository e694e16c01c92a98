//! Batches: order, bad lines, limits.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::sequence::QUEUE_ENTRIES_MAX;

use crate::make;
use crate::make::service::{self, Answer, Service};

const PATH: &str = "/v1/entries:batch";

/// (line, status, index or code) of every answer line.
fn lines(answer: &Answer) -> Vec<(i64, i64, String)> {
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let line = |text: &str| {
        let value = make::value(text);
        let number = |name: &str| value.get(name).and_then(Value::as_i64).expect("a number");
        let last = match value.text_at("problem.code") {
            Some(code) => code.to_owned(),
            None => number("index").to_string(),
        };
        (number("line"), number("status"), last)
    };
    answer.text().lines().map(line).collect()
}

#[test]
fn a_bad_line_fails_only_itself() {
    let service = Service::start();
    let good: Vec<_> = (0..3).map(|_| service::receipt()).collect();
    let body = format!("{}\n{{\"a\":1,\"a\":2}}\n{}\n\n{}\n", good[0], good[1], good[2]);
    let answer = service.post(PATH, body);
    let said: Vec<_> = lines(&answer);
    let said: Vec<_> = said.iter().map(|(l, s, x)| (*l, *s, x.as_str())).collect();
    assert_eq!(
        said,
        [(1, 201, "0"), (2, 400, "json_duplicate_key"), (3, 201, "1"), (4, 400, "json_truncated"), (5, 201, "2"),]
    );
    assert_eq!(service.size(), 3);
}

#[test]
fn lines_of_one_request_get_increasing_indexes_in_order() {
    let service = Service::start();
    let receipts: Vec<_> = (0..1_500).map(|_| service::receipt()).collect();
    let answer = service.post(PATH, receipts.join("\n"));
    let want: Vec<_> = (0..1_500).map(|at: i64| (at + 1, 201, at.to_string())).collect();
    assert_eq!(lines(&answer), want);
    // The order of the log is the order of the request.
    for at in [0, 63, 64, 1_023, 1_024, 1_499] {
        let artifact = service.get(&format!("/v1/entries/{at}")).string("artifact");
        assert_eq!(service.get(&format!("/v1/artifacts/{artifact}")).text(), receipts[at]);
    }
}

/// So many that signatures are compared in groups.
#[test]
fn of_many_lines_those_with_a_bad_signature_are_refused_and_no_other() {
    let service = Service::start();
    let is_bad = |at: usize| at % 97 == 50 || (1_200..1_220).contains(&at);
    let line = |at: usize| {
        let mut receipt = make::value(&service::receipt());
        if is_bad(at) {
            // A signature of the same key, over something else.
            let other = make::value(&service::receipt());
            make::set(&mut receipt, "signature_b64u", other.get("signature_b64u").cloned());
        }
        to_compact(&receipt)
    };
    let body: Vec<String> = (0..1_500).map(line).collect();
    let answer = service.post(PATH, body.join("\n"));
    for (at, (_, status, said)) in lines(&answer).into_iter().enumerate() {
        let expected = if is_bad(at) { 422 } else { 201 };
        assert_eq!((status, said == "signature_invalid"), (expected, is_bad(at)), "{at}: {said}");
    }
    assert_eq!(service.size(), (0..1_500).filter(|at| !is_bad(*at)).count() as u64);
}

#[test]
fn an_earlier_line_counts_for_duplicates() {
    let service = Service::start();
    let receipt = service::receipt();
    let answer = service.post(PATH, format!("{receipt}\r\n{receipt}\n"));
    assert_eq!(lines(&answer), [(1, 201, "0".to_owned()), (2, 200, "0".to_owned())]);
    assert_eq!(service.size(), 1);
}

#[test]
fn a_batch_of_bad_lines_changes_nothing() {
    let service = Service::start();
    let answer = service.post(PATH, "nothing\n[]\n");
    assert_eq!(answer.status, 200);
    assert_eq!(lines(&answer).len(), 2);
    assert_eq!(service.size(), 0);
}

#[test]
fn refuses_an_empty_batch_and_one_with_too_many_lines() {
    let service = Service::start();
    service.post(PATH, "").is(400, "batch_empty");
    service.post(PATH, "\n").is(400, "batch_empty");
    let receipts: Vec<_> = (0..4_097).map(|_| "{}").collect();
    service.post(PATH, receipts.join("\n")).is(413, "batch_too_large");
    assert_eq!(service.size(), 0);
}

#[test]
fn refuses_a_batch_that_could_never_fit_the_queue() {
    let service = Service::start_with(|config| config.limits.batch_bytes_max = 64 << 20);
    // Bundles of many receipts each: few lines, more entries than the queue holds.
    let receipts = |count: usize| (0..count).map(|_| make::value(&service::receipt())).collect::<Vec<_>>();
    let bundle = |id: &str, count: usize| {
        let kind = make::kind("proof_bundle");
        let mut payload = make::bundle_payload();
        make::set(&mut payload, "bundle_id", Some(id.into()));
        make::set(&mut payload, "receipts", Some(Value::Array(receipts(count))));
        pulselog::artifact::json::to_compact(&make::seal_raw(kind, payload, &make::key("agent")))
    };
    let bundles: Vec<_> = (0..QUEUE_ENTRIES_MAX / 1_000 + 1).map(|n| bundle(&format!("pb_{n}"), 1_000)).collect();
    let answer = service.post(PATH, bundles.join("\n"));
    answer.is(413, "batch_too_large");
    assert_eq!(service.size(), 0);
}

#[test]
fn refuses_a_batch_beyond_its_bytes() {
    let service = Service::start_with(|config| config.limits.batch_bytes_max = 10_000);
    service.post(PATH, " ".repeat(10_001)).is(413, "body_too_large");
}
