//! Golden logs about runs of which no token is known: whose job they are, and
//! whose they are not.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};
use pulselog::audit::{Report, Scope};

use crate::audit::goldens::{Golden, golden};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{START_MS, Story, time};
use crate::make::{did, hex, set};

/// A third run that is only packed, under a token of its own.
fn packed(story: &mut Story, calls: &[u32]) {
    story.token("t3");
    calls.iter().for_each(|call| story.call("r3", "t3", *call));
    story.bundle("b3", "r3", "t3", calls);
    if calls.is_empty() {
        story.unset("b3", "receipts");
    }
}

/// The same with tokens of these names listed, and an event changed.
fn broken(story: &mut Story, calls: &[u32], tokens: &[&str]) {
    packed(story, calls);
    let listed = tokens.iter().map(|token| story.token_hash(token).into()).collect();
    story.set("b3", "metadata.pulselog.token_hashes", Value::Array(listed));
    story.set("b3", "event_chain[0].timestamp", time(START_MS + 1_000));
}

/// A run that a gateway saw under the second run's own grant.
fn under_a_used_grant(story: &mut Story) {
    story.call("r3", "t2", 1);
    story.bundle("b3", "r3", "t2", &[1]);
    story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![]));
    story.set("b3", "event_chain[0].timestamp", time(START_MS + 1_000));
}

pub static ROWS: &[Golden] = &[
    golden(
        "a broken run under the grant of another that lists no token",
        under_a_used_grant,
        &["CHAIN_BROKEN", "RUN_WITHOUT_TOKEN"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass), ("agent", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
    golden(
        "a broken run that lists no token and names no job",
        |story| {
            broken(story, &[1], &[]);
            story.unset("b3", "metadata");
        },
        &["CHAIN_BROKEN", "RUN_WITHOUT_TOKEN"],
        Fail,
    )
    .runs(&[("agent", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
    golden(
        "a broken run that lists two tokens, and no gateway saw it",
        |story| {
            broken(story, &[], &["t1", "t3"]);
            story.unset("b3", "metadata.pulselog.job_id");
        },
        &["CHAIN_BROKEN", "RUN_WITHOUT_TOKEN"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
    golden(
        "a broken run that names nothing but its job",
        |story| broken(story, &[], &[]),
        &["CHAIN_BROKEN", "RUN_WITHOUT_TOKEN"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
    golden(
        "a run that only its bundle tells of, with a model call that no gateway saw",
        |story| packed(story, &[]),
        &["GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
    golden(
        "a stranger's broken run of the same name and job",
        |story| {
            broken(story, &[1], &[]);
            let mut own = story.remove("b3");
            story.bundle("b3", "r3", "t3", &[1]);
            own.name = "stranger's".to_owned();
            set(&mut own.payload, "agent_did", Some(did("stranger").into()));
            set(&mut own.payload, "receipts", None);
            story.insert_after("b3", own);
            story.signed_by("stranger's", "stranger");
        },
        &["CHAIN_BROKEN", "RUN_WITHOUT_TOKEN"],
        Pass,
    )
    .runs(&[("agent", "r3", Pass), ("stranger", "r3", Fail)])
    .beside(|story| packed(story, &[1])),
];

/// The report, once each of these is the same from its own entries.
fn audited(story: &Story) -> Report {
    let run = |agent: &str| Scope::Run { agent: did(agent), run: "job-1.r3".to_owned() };
    let job = |job: &str| Scope::Job(job.to_owned());
    let token = |token: &str| Scope::Token(hex(token));
    let of = [job("job-1"), job("job-2"), run("agent"), run("other"), token("job-1.t2"), token("job-2.t2")];
    let whole = story.timeline();
    same_from_its_own_entries(&whole, whole.size(), &of);
    story.audit()
}

#[test]
fn a_grant_that_a_run_without_token_was_under_fails_with_it() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    under_a_used_grant(&mut story);
    let report = audited(&story);
    assert_eq!((report.job("job-1"), report.job("job-2")), (Fail, Pass), "{report:#?}");
    let of = |token: &str| report.of(&Scope::Token(hex(token))).verdict;
    assert_eq!((of("job-1.t2"), of("job-1.t1"), of("job-2.t2")), (Fail, Pass, Pass));
}

#[test]
fn a_run_under_the_grants_of_two_jobs_leaves_neither_to_pass() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    under_a_used_grant(&mut story);
    let other = story.decided_scope("job-2.back");
    story.call("r3", "t2", 2);
    story.set("r3 call 2", "binding.token_scope_hash_b64u", other);
    story.last_after("r3 call 1");
    let report = audited(&story);
    assert_eq!(report.job("job-1"), Fail, "{report:#?}");
    assert_ne!(report.job("job-2"), Pass, "{report:#?}");
}

#[test]
fn a_bundle_that_names_a_job_its_agent_has_no_token_of_reaches_no_job() {
    let mut story = Story::clean();
    story.job("job-2", "other");
    story.job = "job-1".to_owned();
    story.agent = "agent".to_owned();
    story.bundle("b3", "r3", "t2", &[]);
    story.unset("b3", "receipts");
    story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![]));
    story.set("b3", "metadata.pulselog.job_id", "job-2");
    story.set("b3", "event_chain[0].timestamp", time(START_MS + 1_000));
    let report = audited(&story);
    assert_eq!(report.run(&did("agent"), "job-1.r3"), Fail, "{report:#?}");
    assert_eq!(report.job("job-1"), Pass);
    assert!(report.findings_of("job-2").all(|finding| finding.subject.run.as_deref() != Some("job-1.r3")));
}

#[test]
fn a_run_of_no_job_leaves_its_agent_open_and_no_job() {
    let mut story = Story::clean();
    broken(&mut story, &[], &[]);
    story.unset("b3", "metadata");
    let report = audited(&story);
    let of_agent = |agent: &str| report.of(&Scope::Agent(did(agent))).verdict;
    assert_eq!((report.run(&did("agent"), "job-1.r3"), of_agent("agent")), (Fail, Fail), "{report:#?}");
    assert_eq!((report.verdict, report.job("job-1")), (Fail, Pass));
    story.set("b3", "event_chain", Value::Array(story.chain("r3", 1)));
    let report = audited(&story);
    let of_agent = report.of(&Scope::Agent(did("agent"))).verdict;
    assert_eq!((of_agent, report.job("job-1"), report.verdict), (Incomplete, Pass, Incomplete), "{report:#?}");
}

#[test]
fn an_agent_of_the_job_that_packs_anothers_run_fails_the_job_and_not_the_other() {
    let mut story = Story::clean();
    story.agent = "other".to_owned();
    story.token("t3");
    story.bundle("stolen", "r1", "t1", &[1]);
    let report = audited(&story);
    assert_eq!(report.run(&did("other"), "job-1.r1"), Fail, "{report:#?}");
    assert_eq!((report.job("job-1"), report.run(&did("agent"), "job-1.r1")), (Fail, Pass));
    assert_eq!(report.of(&Scope::Agent(did("agent"))).verdict, Pass);
}
