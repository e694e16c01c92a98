//! Reasons name what is there: where something is missing, the finding says
//! what stands in its place, at which entry, and why that does not count.

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Scope};

use crate::audit::goldens::authority::{neighbours, says_accepted};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::Story;
use crate::make::{did, hex};

/// Lets every window close.
fn later(story: &mut Story) {
    story.wait(7_200_000);
    story.roots_again("later", "reviewers", Value::Array(vec![]));
}

/// What is changed, the code, the step that stands there, and the reason: with
/// that step's index in it for `#`.
type Case = (fn(&mut Story), &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        |story| story.move_after("ok", "sync"),
        "APPROVAL_MISSING",
        "ok",
        "the approval that the decision names stands at entry #, after it",
    ),
    (
        |story| story.set("ok", "decision", "deny"),
        "APPROVAL_MISSING",
        "ok",
        "the decision names entry #, which is a deny",
    ),
    (
        |story| story.set("sync", "approvals", Value::Array(vec![])),
        "APPROVAL_MISSING",
        "ok",
        "the decision names no approval",
    ),
    (
        |story| story.signed_by("ok", "stranger"),
        "APPROVAL_MISSING",
        "ok",
        "no approver whom the roots name logged what the decision names",
    ),
    (
        |story| story.set("ok", "binds.revisions[0]", hex("another")[..40].to_owned()),
        "APPROVAL_UNEQUAL",
        "ok",
        "the approval at entry # is for something else: revisions",
    ),
    (
        |story| story.set("ok", "agent_did", did("another")),
        "APPROVAL_UNEQUAL",
        "ok",
        "the approval at entry # is for another agent's act",
    ),
    (
        |story| {
            neighbours(story);
            says_accepted(story, "claims", "job-1.sync");
            story.remove("job-1.sync receipt");
            later(story);
        },
        "RECEIPT_MISSING",
        "job-2.claims",
        "a receipt stands at entry #, by a wrapper that is not this agent's",
    ),
    (
        |story| story.move_after("policy", "t1"),
        "POLICY_MISSING",
        "policy",
        "the token's policy stands at entry #, after the token",
    ),
    (
        |story| story.move_after("t1", "r1 call 1"),
        "TOKEN_UNKNOWN",
        "t1",
        "the grant that this model call names was first issued at entry #, after it",
    ),
    (
        |story| {
            story.remove("b2");
            let listed = ["job-1.t1", "job-1.t2"].map(|token| hex(token).into());
            story.set("b1", "metadata.pulselog.token_hashes", Value::Array(listed.to_vec()));
            later(story);
        },
        "BUNDLE_MISSING",
        "b1",
        "the agent's bundle at entry # lists the run's token, and is not of this run",
    ),
    (
        |story| {
            story.set("b2", "event_chain[0].run_id", "job-1.r2 ");
            story.set("b2", "metadata.pulselog.token_hashes", Value::Array(vec![]));
            later(story);
        },
        "BUNDLE_MISSING",
        "b2",
        "the agent's bundle at entry # names no run in the one spelling of ids",
    ),
];

#[test]
fn reasons_name_what_stands_in_the_place_of_what_is_missing() {
    for (change, code, there, reason) in CASES {
        let mut story = Story::clean();
        change(&mut story);
        story.job = "job-1".to_owned();
        let reason = reason.replace('#', &story.index(there).to_string());
        let timeline = story.timeline();
        let report = story.audit();
        let found = report.findings.iter().any(|finding| finding.rule.code == *code && finding.detail == reason);
        assert!(found, "{code}: {reason}: {:#?}", report.findings);
        let run = |run: &str| Scope::Run { agent: did("agent"), run: run.to_owned() };
        let token = Scope::Token(hex("job-1.t1"));
        let scopes = [Scope::Job("job-1".to_owned()), run("job-1.r1"), run("job-1.r2"), token];
        same_from_its_own_entries(&timeline, timeline.size(), &scopes);
    }
}

/// Bundles that are missing of a job.
fn missing_of(report: &Report, job: &str) -> usize {
    report.findings_of(job).filter(|finding| finding.rule.code == "BUNDLE_MISSING").count()
}

#[test]
fn a_model_call_under_another_job_s_grant_takes_no_run_from_the_first() {
    let mut story = Story::clean();
    story.call("r9", "t2", 1);
    story.last_after("r2 call 1");
    let mut alone = story.clone();
    later(&mut alone);
    assert_eq!(missing_of(&alone.audit(), "job-1"), 1);
    story.job("job-2", "agent");
    story.call("r9", "t2", 1);
    story.set("r9 call 1", "binding.run_id", "job-1.r9");
    for name in ["job-2.t2", "job-2.r9 call 1"].into_iter().rev() {
        story.move_after(name, "policy");
    }
    later(&mut story);
    let report = story.audit();
    assert_eq!([missing_of(&report, "job-1"), missing_of(&report, "job-2")], [1, 1], "{:#?}", report.findings);
}
