//! Reports over HTTP are those of the whole log, at every size.

use pulselog::artifact::json::Value;
use pulselog::audit::{Scope, Timeline, attest};
use pulselog::merkle::TreeSize;
use pulselog::server::faults::NoFaults;
use pulselog::server::store::layout::cf;
use pulselog::server::store::{Budget, Store};

use crate::audit::looked::{abandoned, interrupted};
use crate::audit::slices::tangled;
use crate::make::audit::{Story, nonce, operator};
use crate::make::service::Service;
use crate::make::told::{Told, whole};
use crate::make::{did, hex, set};

/// Scopes of the stories, and where they are read.
fn scopes() -> Vec<(String, Scope)> {
    let run = |agent: &str, run: &str| {
        let (agent, run) = (did(agent), run.to_owned());
        (format!("/v1/runs/{agent}/{run}"), Scope::Run { agent, run })
    };
    let token = |token: &str| (format!("/v1/tokens/{}", hex(token)), Scope::Token(hex(token)));
    vec![
        ("/v1/jobs/job-1".to_owned(), Scope::Job("job-1".to_owned())),
        ("/v1/jobs/job-2".to_owned(), Scope::Job("job-2".to_owned())),
        run("agent", "job-1.r1"),
        run("agent", "job-2.r2"),
        run("thief", "job-1.r1"),
        token("job-1.t1"),
        token("job-2.t2"),
    ]
}

/// Every scope answers, byte for byte, what the whole log gives; one that is
/// not answered is one of which the whole log says nothing either.
#[track_caller]
pub(super) fn reports_are_those_of_the_whole_log(
    service: &Service,
    timeline: &Timeline,
    sizes: impl Iterator<Item = u64>,
) {
    for size in sizes {
        let report = whole(timeline, size);
        for (path, scope) in scopes() {
            let answer = service.get(&format!("{path}?at={size}"));
            let expected = report.of(&scope);
            if answer.status == 404 {
                answer.is(404, "scope_not_found");
                assert!(expected.runs.is_empty() && expected.jobs.is_empty(), "{path} at {size}");
                continue;
            }
            let text = answer.text();
            let expected = serde_json::to_string(&expected).expect("JSON");
            let (said, entries) = text.split_at_checked(expected.len() - 1).expect("a report");
            assert_eq!(said, &expected[..expected.len() - 1], "{path} at {size}");
            assert!(entries.starts_with(",\"entries\":["), "{path} at {size}: {entries}");
        }
    }
}

#[test]
fn the_report_of_a_job_is_that_of_the_whole_log_at_every_size() {
    let told = Told::of(&Story::clean());
    let timeline = told.timeline();
    reports_are_those_of_the_whole_log(&told.service, &timeline, 1..=told.service.size());
    let answer = told.service.get("/v1/jobs/job-1");
    assert_eq!(answer.string("verdict"), "pass", "{}", answer.text());
    let entries = answer.json().get("entries").and_then(Value::as_array).map_or(0, <[Value]>::len);
    assert_eq!(entries as u64, told.service.size(), "the story is one job, roots and policy included");
}

#[test]
fn tangled_jobs_are_told_apart_as_in_the_whole_log() {
    for story in tangled() {
        let told = Told::of(&story);
        let timeline = told.timeline();
        let last = told.service.size();
        reports_are_those_of_the_whole_log(
            &told.service,
            &timeline,
            (1..=last).filter(|at| at % 7 == 0 || *at == last),
        );
    }
}

#[test]
fn times_without_a_look_leave_a_job_open_as_in_the_whole_log() {
    for story in [interrupted(), abandoned()] {
        let told = Told::of(&story);
        let (timeline, last) = (told.timeline(), told.service.size());
        reports_are_those_of_the_whole_log(
            &told.service,
            &timeline,
            (1..=last).filter(|at| at % 7 == 0 || *at == last),
        );
        let report = told.service.get("/v1/jobs/job-1");
        assert_eq!(report.string("verdict"), "incomplete");
        assert!(report.text().contains("COVERAGE_GAP"), "{}", report.text());
    }
}

#[test]
fn statements_of_the_operator_are_compared_with_the_tree_of_their_size() {
    let told = Told::of(&Story::clean());
    let timeline = told.timeline();
    let size = told.service.size();
    let mut payload = attest(&timeline, TreeSize::new(size - 3), "job-1", &operator()).expect("a statement");
    set(&mut payload, "audit_statement_version", Some("1".into()));
    set(&mut payload, "nonce", Some(nonce("statement").into()));
    told.state(payload.clone());
    set(&mut payload, "root_hash", Some(hex("root").into()));
    told.state(payload);
    let (timeline, size) = (told.timeline(), told.service.size());
    reports_are_those_of_the_whole_log(&told.service, &timeline, size - 3..=size);
    let report = told.service.get("/v1/jobs/job-1").text();
    assert_eq!(report.matches("ATTESTATION_FALSE").count(), 1, "{report}");
}

#[test]
fn bodies_too_long_to_be_kept_parsed_are_filed_like_the_others() {
    let mut story = Story::clean();
    let calls: Vec<u32> = (1..=20).collect();
    calls[1..].iter().for_each(|at| story.call("r1", "t1", *at));
    story.bundle("again", "r1", "t1", &calls);
    story.unset("again", "metadata.pulselog.token_hashes");
    let told = Told::of(&story);
    let last = told.service.size();
    assert!(told.service.get(&format!("/v1/entries/{}", last - 1)).number("body_bytes") > 16 << 10);
    let report = told.service.get("/v1/jobs/job-1").text();
    assert!(report.contains("REPLAY_RUN_ID_REUSED"), "{report}");
    reports_are_those_of_the_whole_log(&told.service, &told.timeline(), last - 1..=last);
}

#[test]
fn rows_that_were_lost_are_made_again_and_give_the_same_reports() {
    let mut told = Told::of(&tangled()[1]);
    let (timeline, size) = (told.timeline(), told.service.size());
    type Damage<'a> = (&'a str, &'a dyn Fn(&Store));
    let damages: [Damage; 2] = [
        ("every row lost", &|store| {
            let family = store.database().cf_handle(cf::SEARCH).expect("a family");
            store.database().delete_range_cf(family, &[0][..], &[0xff][..]).expect("deleted");
        }),
        ("rows of another version", &|store| {
            let family = store.database().cf_handle(cf::SEARCH).expect("a family");
            store.database().put_cf(family, b"c", [9; 16]).expect("written");
            store.database().put_cf(family, [b"l".as_slice(), &[7; 17]].concat(), []).expect("written");
        }),
    ];
    for (name, damage) in damages {
        told.service.restart(|data| {
            let store =
                Store::open(&data.join("store"), Budget::default(), std::sync::Arc::new(NoFaults)).expect("a store");
            damage(&store);
        });
        println!("{name}");
        reports_are_those_of_the_whole_log(&told.service, &timeline, [size / 2, size].into_iter());
    }
}

#[test]
fn a_follower_that_starts_again_goes_on_under_the_roots_it_had() {
    let story = Story::clean();
    let middle = story.steps.len() / 2;
    let mut told = Told::nothing();
    told.tell_steps(&story, 0..middle);
    assert_eq!(told.service.get("/v1/jobs/job-1").status, 200);
    told.service.restart(|_| {});
    told.tell_steps(&story, middle..story.steps.len());
    let timeline = told.timeline();
    reports_are_those_of_the_whole_log(&told.service, &timeline, middle as u64..=told.service.size());
}

#[test]
fn what_nobody_speaks_of_is_not_found() {
    let told = Told::of(&Story::clean());
    let nobody = hex("nobody");
    let agent = did("agent");
    for path in [
        "/v1/jobs/nobody".to_owned(),
        "/v1/jobs/%00".to_owned(),
        format!("/v1/runs/{agent}/nobody"),
        format!("/v1/runs/{}/job-1.r1", did("nobody")),
        format!("/v1/tokens/{nobody}"),
        // Not yet, at that size.
        "/v1/jobs/job-1?at=2".to_owned(),
    ] {
        told.service.get(&path).is(404, "scope_not_found");
    }
    Told::nothing().service.get("/v1/jobs/job-1").is(404, "scope_not_found");
}

#[test]
fn sizes_that_the_log_never_had_refuse() {
    let told = Told::of(&Story::clean());
    let size = told.service.size();
    for path in ["/v1/jobs/job-1", "/v1/findings", &format!("/v1/tokens/{}", hex("job-1.t1"))] {
        let beyond = told.service.get(&format!("{path}?at={}", size + 1));
        assert_eq!(beyond.is(404, "size_not_published").string("field"), "at");
        for at in ["0", "text", "-1", "01", "1.0", "18446744073709551616"] {
            let answer = told.service.get(&format!("{path}?at={at}"));
            assert_eq!(answer.is(400, "invalid_parameter").string("field"), "at", "{at}");
        }
        told.service.get(&format!("{path}?size=1")).is(400, "invalid_parameter");
    }
}

#[test]
fn other_spellings_of_a_token_hash_lead_to_ours_and_keep_the_size() {
    let told = Told::of(&Story::clean());
    let hash = hex("job-1.t1");
    for spelling in [hash.to_uppercase(), crate::make::b64u("job-1.t1")] {
        let answer = told.service.get(&format!("/v1/tokens/{spelling}?at=9"));
        assert_eq!((answer.status, answer.header("location")), (308, format!("/v1/tokens/{hash}?at=9").as_str()));
    }
    told.service.get("/v1/tokens/abc").is(400, "invalid_parameter");
}
