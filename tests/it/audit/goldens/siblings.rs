//! Golden logs about a run among other tokens of its grant: those that nobody
//! uses, and those whose issuance came late.

use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::renewals::{call, in_time, long, pack, read, renew, renewed, revoke, seconds};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::did;

/// A renewed run beside 64 tokens of its grant that nobody uses.
fn among_idle(story: &mut Story, iat: fn(&Story) -> u32) {
    let idle = seconds(story, "claims.iat") + 1;
    (100..164).for_each(|at| renew(story, &format!("t{at}"), idle));
    renewed(story, iat);
}

/// A model call after the end of its run's token; the renewal is logged before
/// or after it.
fn called_between(story: &mut Story, is_late: bool) {
    long(story);
    let iat = in_time(story);
    if !is_late {
        renew(story, "t3", iat);
    }
    story.wait(400_000);
    call(story, "r2", 2);
    if is_late {
        renew(story, "t3", iat);
    }
    pack(story, &[1, 2], &["t2", "t3"]);
}

/// The token is revoked so long before its end, and a model is called five
/// minutes later; the renewal begins just before that end, and is logged after.
fn revoked_and_called(story: &mut Story, before_end_ms: i64) {
    long(story);
    story.wait(30_000 - before_end_ms);
    revoke(story, "t2");
    story.wait(300_000);
    call(story, "r2", 2);
    let iat = in_time(story);
    renew(story, "t3", iat);
    pack(story, &[1, 2], &["t2", "t3"]);
}

pub static ROWS: &[Golden] = &[
    golden(
        "a token renewed too late beside 64 that nobody uses",
        |story| among_idle(story, |story| seconds(story, "claims.exp") + 1),
        &["TOKEN_REUSED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| among_idle(story, in_time)),
    golden(
        "a model call logged before the issuance of the renewal that lived then",
        |story| called_between(story, true),
        &["LATE_EVIDENCE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| called_between(story, false)),
    golden(
        "a model call after the revocation, and logged before the renewal that lived then",
        |story| revoked_and_called(story, 0),
        &["LATE_EVIDENCE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| called_between(story, false)),
    golden(
        "a model call after the revocation, and before the renewal began",
        |story| revoked_and_called(story, 600_000),
        &["TOKEN_REVOKED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| called_between(story, false)),
];

/// A third run under a token of the second one's grant, which is revoked before
/// or after that token is issued.
fn begun_again(story: &mut Story, revoked_first: bool) {
    long(story);
    let iat = in_time(story);
    if revoked_first {
        revoke(story, "t2");
    }
    renew(story, "t3", iat);
    if !revoked_first {
        revoke(story, "t2");
    }
    call(story, "r3", 1);
    read(story, "more", "r3", "t3");
    story.bundle("b3", "r3", "t3", &[1]);
    pack(story, &[1], &["t2"]);
}

#[test]
fn a_run_that_begins_under_a_renewal_of_another_runs_revoked_token_is_shown() {
    for revoked_first in [false, true] {
        let mut story = Story::clean();
        begun_again(&mut story, revoked_first);
        let report = story.audit();
        assert_eq!((report.findings.as_slice(), report.job("job-1")), (&[][..], Pass), "{report:#?}");
        let (agent, run) = (did("agent"), "job-1.r3".to_owned());
        let mut shown = report.coverage.iter().filter(|row| row.what.contains("first use of its own"));
        let first = shown.next().map(|row| (row.subject.agent.clone(), row.subject.run.clone()));
        assert_eq!(first, (!revoked_first).then_some((Some(agent), Some(run))), "{report:#?}");
        assert_eq!(shown.next(), None);
    }
}
