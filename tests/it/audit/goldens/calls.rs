//! Golden logs about model calls that a gateway saw: calls that no run owns up
//! to, and calls whose signed time fits no token.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};
use pulselog::merkle::LeafIndex;

use crate::audit::goldens::tokens::bundle_again;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, time};
use crate::make::{b64u, did, set};

/// A second call of the first run, logged while its token lives; what it is
/// bound to is the caller's to change.
fn second_call(story: &mut Story) {
    story.call("r1", "t1", 2);
    story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
    story.last_after("read receipt");
}

/// A second call that names no run.
fn call_of_no_run(story: &mut Story) {
    second_call(story);
    story.unset("r1 call 2", "binding.run_id");
}

/// A third token of the first one's grant, in a run that is packed only.
pub fn run_of_the_same_grant(story: &mut Story) {
    story.token("t3");
    let claims = story.said("t1").get("claims").expect("claims").clone();
    for member in ["scope", "token_scope_hash_b64u"] {
        story.set("t3", &format!("claims.{member}"), claims.get(member).expect("a claim").clone());
    }
    story.call("r3", "t3", 1);
    story.set("r3 call 1", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
    story.bundle("b3", "r3", "t3", &[1]);
}

/// A second call of the first run, logged before anybody issued its grant.
fn call_before_its_grant(story: &mut Story) {
    second_call(story);
    story.move_after("r1 call 2", "policy");
}

/// The same call in its place, and packed.
fn call_in_its_place(story: &mut Story) {
    second_call(story);
    bundle_again(story, &[1, 2]);
}

/// A call of another agent's grant, or of none, that names the first run.
fn call_in_the_name_of_the_run(story: &mut Story, grant: Option<&str>) {
    story.call("r1", "t1", 2);
    story.set("r1 call 2", "binding.token_scope_hash_b64u", b64u("made up"));
    match grant {
        Some(decision) => {
            let grant = story.decided_scope(decision);
            story.set("r1 call 2", "binding.token_scope_hash_b64u", grant);
        }
        None => story.unset("r1 call 2", "binding.token_scope_hash_b64u"),
    }
}

/// A second agent, with a job of its own.
fn beside_another_agent(story: &mut Story) {
    let rows = story.said("roots").get("agents").and_then(Value::as_array).expect("rows");
    let first = rows.first().expect("a row").clone();
    let mut second = first.clone();
    set(&mut second, "did", Some(did("other agent").into()));
    story.set("roots", "agents", Value::Array(vec![first, second]));
    let both = ["agent", "other agent"].map(|agent| did(agent).into());
    story.set("roots", "wrappers[0].agents", Value::Array(both.to_vec()));
    story.job("job-2", "other agent");
    (story.job, story.agent) = ("job-1".to_owned(), "agent".to_owned());
}

/// The second run acts, and calls no model: its chain tells of a tool alone.
fn without_a_model(story: &mut Story) {
    story.remove("r2 call 1");
    story.unset("b2", "receipts");
    let mut event = story.chain("r2", 1).remove(0);
    set(&mut event, "event_hash_b64u", None);
    set(&mut event, "event_type", Some("tool_call".into()));
    let hash = PayloadHash::of(to_compact(&event).as_bytes()).to_b64u();
    set(&mut event, "event_hash_b64u", Some(hash.into()));
    story.set("b2", "event_chain", Value::Array(vec![event]));
}

/// Two hours later something is logged.
pub fn later(story: &mut Story) {
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
}

#[test]
fn a_run_that_acts_owes_a_model_call_until_its_window_closes() {
    let mut story = Story::clean();
    without_a_model(&mut story);
    let report = story.audit();
    let pending: Vec<_> = report.pending.iter().map(|pending| pending.rule.code).collect();
    assert_eq!((report.findings.len(), pending.as_slice()), (0, ["GATEWAY_RECEIPT_MISSING"].as_slice()), "{report:#?}");
    assert_eq!(report.job("job-1"), Incomplete);
}

pub static ROWS: &[Golden] = &[
    golden(
        "a run acted, and no gateway saw it call a model",
        |story| {
            without_a_model(story);
            later(story);
        },
        &["GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(later),
    golden(
        "a model call that names no run and stands in no bundle",
        call_of_no_run,
        &["MODEL_CALL_UNPLACED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(call_in_its_place),
    golden(
        "a model call that could be of either run of its grant",
        |story| {
            run_of_the_same_grant(story);
            call_of_no_run(story);
            story.move_after("r1 call 2", "t3");
            story.set("r1 call 2", "timestamp", time(START_MS + 20_000));
        },
        &["MODEL_CALL_UNPLACED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass), ("agent", "r3", Incomplete)])
    .beside(run_of_the_same_grant),
    golden(
        "a model call without a run, at a time when one of two tokens lived",
        |story| {
            story.wait(600_000);
            run_of_the_same_grant(story);
            call_of_no_run(story);
            story.move_after("r1 call 2", "t3");
            story.set("r1 call 2", "timestamp", time(START_MS + 610_000));
        },
        &["MODEL_CALL_UNPLACED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass), ("agent", "r3", Incomplete)])
    .beside(|story| {
        story.wait(600_000);
        run_of_the_same_grant(story);
    }),
    golden("a model call that names the run and no grant", |story| call_in_the_name_of_the_run(story, None), &[], Pass)
        .runs(&[("agent", "r1", Pass)]),
    golden(
        "a model call under another agent's grant that names the run",
        |story| {
            beside_another_agent(story);
            call_in_the_name_of_the_run(story, Some("job-2.sync"));
            story.move_after("r1 call 2", "job-2.read");
        },
        &[],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(beside_another_agent),
    golden(
        "a model call logged before its grant that the bundle leaves out",
        call_before_its_grant,
        &["RECEIPT_NOT_IN_BUNDLE", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(call_in_its_place),
    golden(
        "a model call logged before its grant that the bundle holds",
        |story| {
            call_before_its_grant(story);
            bundle_again(story, &[1, 2]);
        },
        &["TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(call_in_its_place),
    golden(
        "a model call logged before its grant that names another policy",
        |story| {
            call_before_its_grant(story);
            story.set("r1 call 2", "binding.policy_hash", b64u("another policy"));
            bundle_again(story, &[1, 2]);
        },
        &["POLICY_MISMATCH", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(call_in_its_place),
    golden(
        "a receipt id used before its grant was issued, and again after",
        |story| {
            call_before_its_grant(story);
            story.set("r1 call 2", "receipt_id", "job-1.r1 call 1");
            bundle_again(story, &[1, 2]);
        },
        &["REPLAY_RECEIPT_ID_REUSED", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(call_in_its_place),
    golden(
        "a model call that names no run, logged before its grant",
        |story| {
            call_of_no_run(story);
            story.move_after("r1 call 2", "policy");
        },
        &["MODEL_CALL_UNPLACED", "TOKEN_UNKNOWN"],
        Fail,
    )
    .beside(call_in_its_place),
    golden(
        "a model call that names the run, logged before the grant of another agent's that it is under",
        |story| {
            beside_another_agent(story);
            call_in_the_name_of_the_run(story, Some("job-2.sync"));
            story.last_after("policy");
        },
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(beside_another_agent),
    golden(
        "a call whose gateway says that it was before the token began",
        |story| story.set("t1", "claims.iat", (START_MS / 1_000 + 244) as u32),
        &["LATE_EVIDENCE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| story.set("t1", "claims.iat", (START_MS / 1_000 + 240) as u32)),
    golden(
        "a call logged in time whose gateway says that it was after the token's end",
        |story| {
            story.set("r1 call 1", "timestamp", time(START_MS + 900_000));
            bundle_again(story, &[1]);
        },
        &["LATE_EVIDENCE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| {
        story.set("r1 call 1", "timestamp", time(START_MS + 240_000));
        bundle_again(story, &[1]);
    }),
];

#[test]
fn a_call_in_the_name_of_somebody_elses_run_is_seen_on_that_run() {
    let mut story = Story::clean();
    call_in_the_name_of_the_run(&mut story, None);
    let report = story.audit();
    let at = LeafIndex::new(story.index("r1 call 2"));
    let mut seen = report.coverage.iter().filter(|row| row.entries.contains(&at) && row.subject.run.is_some());
    let subject = &seen.next().expect("a row").subject;
    assert_eq!((subject.agent.as_deref(), subject.run.as_deref()), (Some(did("agent").as_str()), Some("job-1.r1")));
    assert_eq!(subject.job.as_deref(), Some("job-1"));
}

#[test]
fn a_call_logged_before_its_grant_is_that_of_its_run_and_names_the_later_issuance() {
    let mut story = Story::clean();
    call_before_its_grant(&mut story);
    story.set("r1 call 2", "receipt_id", "job-1.r1 call 1");
    let report = story.audit();
    let [call, issued] = ["r1 call 2", "t1"].map(|name| LeafIndex::new(story.index(name)));
    assert!(report.findings.iter().all(|finding| finding.subject.submitter.is_none()), "{:#?}", report.findings);
    for code in ["REPLAY_RECEIPT_ID_REUSED", "RECEIPT_NOT_IN_BUNDLE", "TOKEN_UNKNOWN"] {
        let found = report.findings.iter().find(|finding| finding.rule.code == code).expect(code);
        let subject = [&found.subject.job, &found.subject.run, &found.subject.agent].map(|member| member.as_deref());
        assert_eq!(subject, [Some("job-1"), Some("job-1.r1"), Some(did("agent").as_str())], "{code}");
    }
    let unknown = report.findings.iter().find(|finding| finding.rule.code == "TOKEN_UNKNOWN").expect("a finding");
    assert_eq!(unknown.entries.to_vec(), [call, issued]);
    let named = report.coverage.iter().any(|row| row.what.contains("under no grant"));
    assert!(!named, "{:#?}", report.coverage);
}

#[test]
fn a_call_logged_before_its_grant_is_a_matter_of_the_job_of_the_grant() {
    let mut story = Story::clean();
    beside_another_agent(&mut story);
    call_in_the_name_of_the_run(&mut story, Some("job-2.sync"));
    story.last_after("policy");
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Pass, Fail), "{:#?}", report.findings);
}
