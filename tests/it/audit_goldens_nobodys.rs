//! Golden logs about a wrapper that acts for its agent under no grant, and
//! names a job that is none of its agent's: the agent answers for it.

use pulselog::artifact::json::Value;
use pulselog::audit::Scope;
use pulselog::audit::Verdict::{Fail, Pass};

use crate::audit_goldens::{Golden, golden};
use crate::audit_goldens_authority::neighbours;
use crate::audit_make::{Story, binds};
use crate::make::{did, hex, value};

/// A decision about a sync for a job that nobody issued a token of.
fn of_nobodys_job(story: &mut Story, verdict: &str, run: Option<&str>) {
    story.decide("more", verdict, run.unwrap_or("r1"), "t1", "sync", None);
    story.set("more", "job_id", "job-x");
    story.set("more", "binds", value(&binds("job-x", "sync")));
    if run.is_none() {
        story.unset("more", "run_id");
    }
}

/// The same, denied without any token.
fn denied(story: &mut Story, run: Option<&str>) {
    of_nobodys_job(story, "deny", run);
    story.unset("more", "cst");
}

/// What the wrapper says came of it.
fn accepted(story: &mut Story) {
    story.receipt("more receipt", "more", "accepted", None);
    story.set("more receipt", "request_digest", hex("sync"));
}

/// The wrapper is the other agent's too.
fn of_both(story: &mut Story) {
    neighbours(story);
    story.job = "job-1".to_owned();
    story.set("roots", "wrappers[0].agents", Value::Array(vec![did("agent").into(), did("other agent").into()]));
}

pub static ROWS: &[Golden] = &[
    golden(
        "denied without a token for a job that nobody issued, and accepted",
        |story| {
            denied(story, None);
            accepted(story);
        },
        &["DENY_THEN_ACCEPTED"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| denied(story, None)),
    golden(
        "denied in a run without its token, for a job that nobody issued, and accepted",
        |story| {
            denied(story, Some("r1"));
            accepted(story);
        },
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| denied(story, Some("r1"))),
    golden(
        "allowed in a run under a token and for a job that nobody issued",
        |story| {
            of_nobodys_job(story, "allow", Some("r1"));
            story.set("more", "cst.token_hash", hex("nobody's"));
            accepted(story);
        },
        &["TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)]),
    golden(
        "a wrapper of two agents denies in a run of one, for a job that nobody issued",
        |story| {
            of_both(story);
            denied(story, Some("r1"));
            accepted(story);
        },
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(of_both),
];

/// Verdicts on the log, the two agents and their jobs.
fn verdicts(change: impl Fn(&mut Story)) -> [pulselog::audit::Verdict; 5] {
    let mut story = Story::clean();
    change(&mut story);
    let report = story.audit();
    let agent = |agent: &str| report.of(&Scope::Agent(did(agent))).verdict;
    [report.verdict, agent("agent"), agent("other agent"), report.job("job-1"), report.job("job-2")]
}

#[test]
fn an_agent_answers_for_what_its_wrapper_does_in_no_job_of_its() {
    let nobodys = |story: &mut Story| {
        neighbours(story);
        story.job = "job-1".to_owned();
        denied(story, None);
        accepted(story);
    };
    assert_eq!(verdicts(nobodys), [Fail, Fail, Pass, Pass, Pass]);
    // Naming the job of another wrapper's agent reaches the own agent alone.
    let neighbours_job = |story: &mut Story| {
        nobodys(story);
        story.set("more", "job_id", "job-2");
        story.set("more", "binds.job_id", "job-2");
    };
    assert_eq!(verdicts(neighbours_job), [Fail, Fail, Pass, Pass, Pass]);
    // Of two agents nobody can say which one it was for.
    let of_either = |story: &mut Story| {
        of_both(story);
        denied(story, None);
        accepted(story);
    };
    assert_eq!(verdicts(of_either), [Fail, Pass, Pass, Pass, Pass]);
}
