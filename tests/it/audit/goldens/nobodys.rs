//! Golden logs about a wrapper that acts for its agent under no grant, and
//! names a job that is none of its agent's: the agent answers for it.

use pulselog::artifact::json::Value;
use pulselog::audit::Scope;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{Story, binds};
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

/// The same wrapper's act, with what Argo CD reports of it.
fn reported(story: &mut Story, username: &str) {
    story.receipt("more receipt", "more", "accepted", Some("more"));
    story.set("more receipt", "request_digest", hex("sync"));
    story.observe("more seen", "more", "sync", true);
    story.set("more seen", "initiator.username", username);
}

/// The other agent, under its own wrapper, has a token of the same job.
fn sharing_the_job(story: &mut Story) {
    neighbours(story);
    (story.job, story.agent) = ("job-1".to_owned(), "other agent".to_owned());
    story.token("t3");
    story.agent = "agent".to_owned();
}

/// The other agent has a token of the same job, and a run of the first one's id.
fn sharing_a_run(story: &mut Story) {
    of_both(story);
    story.agent = "other agent".to_owned();
    story.token("t3");
    story.decide("peek", "allow", "r1", "t3", "read", None);
    story.receipt("peek receipt", "peek", "accepted", None);
    story.set("peek receipt", "request_digest", hex("read"));
    story.agent = "agent".to_owned();
}

pub static ROWS: &[Golden] = &[
    golden(
        "a wrapper of two agents acts for a job that nobody issued, and nothing says for whom",
        |story| {
            of_both(story);
            denied(story, None);
            accepted(story);
        },
        &["ACT_UNPLACED", "DENY_THEN_ACCEPTED"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| {
        of_both(story);
        denied(story, None);
    }),
    golden(
        "a wrapper of two agents acts in a run that both have, and nothing says for whom",
        |story| {
            sharing_a_run(story);
            denied(story, Some("r1"));
            accepted(story);
        },
        &["ACT_UNPLACED", "DENY_THEN_ACCEPTED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass), ("other agent", "r1", Incomplete)])
    .beside(of_both),
    golden(
        "a wrapper of two agents acts in a run that both have, and Argo CD says for whom",
        |story| {
            sharing_a_run(story);
            denied(story, Some("r1"));
            reported(story, "proj:payments:agent");
        },
        &["CONTRADICTING_ACCOUNTS", "DENY_THEN_ACCEPTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass), ("other agent", "r1", Incomplete)])
    .beside(of_both),
    golden(
        "a wrapper of two agents acts in the run of one, and Argo CD says that it was the other",
        |story| {
            of_both(story);
            denied(story, Some("r1"));
            reported(story, "proj:orders:agent");
        },
        &["ACT_UNPLACED", "CONTRADICTING_ACCOUNTS", "DENY_THEN_ACCEPTED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(of_both),
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
        "a wrapper of two agents denies in a run whose id one of them has, and nothing else says for whom",
        |story| {
            of_both(story);
            denied(story, Some("r1"));
            accepted(story);
        },
        &["ACT_UNPLACED", "DENY_THEN_ACCEPTED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(of_both),
    golden(
        "a wrapper of two agents acts under no grant, and finds the operation of one of them in the way",
        |story| {
            of_both(story);
            of_nobodys_job(story, "allow", Some("r9"));
            story.set("more", "cst.token_hash", hex("nobody's"));
            story.receipt("more receipt", "more", "refused_precondition", Some("sync"));
            story.set("more receipt", "request_digest", hex("sync"));
        },
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(of_both),
    golden(
        "another agent of the job is denied in no run, and its wrapper sends it all the same",
        |story| {
            sharing_the_job(story);
            denied(story, None);
            story.set("more", "job_id", "job-1");
            story.set("more", "binds.job_id", "job-1");
            story.signed_by("more", "other wrapper");
            accepted(story);
            story.signed_by("more receipt", "other wrapper");
        },
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(sharing_the_job),
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
    assert_eq!(verdicts(of_either), [Fail, Incomplete, Incomplete, Pass, Pass]);
    // Argo CD can: the one whose username started it.
    let of_one = |story: &mut Story| {
        of_both(story);
        denied(story, None);
        reported(story, "proj:payments:agent");
    };
    assert_eq!(verdicts(of_one), [Fail, Fail, Pass, Pass, Pass]);
    let allowed = |story: &mut Story| {
        of_both(story);
        of_nobodys_job(story, "allow", Some("r9"));
        story.set("more", "cst.token_hash", hex("nobody's"));
        reported(story, "proj:orders:agent");
    };
    assert_eq!(verdicts(allowed), [Fail, Pass, Fail, Pass, Pass]);
}

#[test]
fn an_operation_that_was_in_the_way_of_a_call_says_nothing_of_whose_the_call_was() {
    let found = |outcome: &'static str| {
        move |story: &mut Story| {
            of_both(story);
            of_nobodys_job(story, "allow", Some("r9"));
            story.set("more", "cst.token_hash", hex("nobody's"));
            // The operation of the first agent's own decision, which states it.
            story.receipt("more receipt", "more", outcome, Some("sync"));
            story.set("more receipt", "request_digest", hex("sync"));
        }
    };
    for outcome in ["refused_precondition", "not_sent", "accepted"] {
        let [_, agent, other, jobs @ ..] = verdicts(found(outcome));
        assert_ne!((agent, other), (Fail, Pass), "{outcome}");
        assert_eq!(jobs, [Pass, Pass], "{outcome}");
    }
}

#[test]
fn what_a_stranger_can_write_into_an_application_says_nothing_of_whose_an_act_was() {
    // The wrapper names no operation: its decision's digest is public.
    let copied = |closed: bool| {
        move |story: &mut Story| {
            of_both(story);
            denied(story, None);
            accepted(story);
            story.observe("more seen", "more", "sync", true);
            let row = format!(
                r#"[{{"instance":"argocd-prod","closed_writes":{closed},"humans_complete":false,"clusters":[]}}]"#
            );
            story.set("roots", "instances", value(&row));
        }
    };
    assert_eq!(verdicts(copied(false)), [Fail, Incomplete, Incomplete, Pass, Pass]);
    assert_eq!(verdicts(copied(true)), [Fail, Fail, Pass, Pass, Pass]);
}
