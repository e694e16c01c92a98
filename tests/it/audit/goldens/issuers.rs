//! Golden logs about two issuers that give one token different claims.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};
use pulselog::audit::{Effect, Finding, Report, Scope, Verdict};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{did, set, value};

/// The second token, issued once more by somebody else, with a member changed.
fn issued_by(story: &mut Story, who: &str, member: &str, new: impl Into<Value<'static>>) {
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    let mut again = story.steps[story.index("t2") as usize].clone();
    again.name = "issued again".to_owned();
    set(&mut again.payload, member, Some(new.into()));
    story.insert_after("t2", again);
    story.signed_by("issued again", who);
}

/// The end of the second token, and a minute more.
fn longer(story: &Story) -> u32 {
    let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
    u32::try_from(end + 60).expect("seconds")
}

fn as_before(story: &mut Story) {
    issued_by(story, "second issuer", "kid", "fedcba9876543210");
}

fn of_two_policies(story: &mut Story) {
    issued_before(story, "claims.policy_hash_b64u", crate::make::b64u("another policy"));
    let at = story.index("issued again") as usize;
    crate::make::rehash_scope(&mut story.steps[at].payload);
}

/// The second token's issuer says it once more, with a member changed.
fn said_again(story: &mut Story, member: &str, new: impl Into<Value<'static>>) {
    issued_by(story, "issuer", member, new);
    story.set("issued again", "nonce", crate::make::audit::nonce("once more"));
}

/// The second token, before its rollback.
fn revoked(story: &mut Story) {
    let revocation = story.revocation("t2");
    story.log("ended", "cst_revocation", "issuer", revocation);
    story.last_after("r2 call 1");
}

pub static ROWS: &[Golden] = &[
    golden(
        "an issuer gives its own token another end",
        |story| {
            let end = longer(story);
            said_again(story, "claims.exp", end);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| said_again(story, "kid", "fedcba9876543210")),
    golden(
        "two issuers give one token another end",
        |story| {
            let end = longer(story);
            issued_by(story, "second issuer", "claims.exp", end);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(as_before),
    golden(
        "the issuer that gives a token an end long ago logs first",
        |story| issued_before(story, "claims.exp", 1_700_000_000_u32),
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "the issuer that gives a token another agent logs first",
        |story| {
            issued_before(story, "claims.sub", did("stranger"));
            let at = story.index("issued again") as usize;
            crate::make::rehash_scope(&mut story.steps[at].payload);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "a write without approval under a token of two ends fails by either of them",
        |story| {
            let end = longer(story);
            issued_before(story, "claims.exp", end);
            story.set("back", "approvals", Value::Array(vec![]));
        },
        &["APPROVAL_MISSING", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "a write without approval under a token of two policies fails by either, as another thing",
        |story| {
            of_two_policies(story);
            story.set("back", "approvals", Value::Array(vec![]));
        },
        &["APPROVAL_MISSING", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "a revoked token is used, and one claim of it is told otherwise",
        |story| {
            revoked(story);
            issued_before(story, "claims.jti", "another");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_REVOKED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "a revoked token of two policies is used",
        |story| {
            revoked(story);
            of_two_policies(story);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_REVOKED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "the issuer that gives a token another end is trusted no more",
        |story| {
            issued_before(story, "claims.exp", 1_700_000_000_u32);
            let row = format!(r#"[{{"did":"{}","from_index":1,"reason":"stolen key"}}]"#, did("second issuer"));
            story.roots_again("later roots", "distrusted", value(&row));
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| issued_before(story, "kid", "fedcba9876543210")),
    golden(
        "somebody without a role gives a token another end",
        |story| {
            let end = longer(story);
            issued_by(story, "stranger", "claims.exp", end);
        },
        &["UNTRUSTED_STATEMENT"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(as_before),
];

#[test]
fn a_token_that_two_issuers_give_to_two_jobs_leaves_both_open() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    issued_by(&mut story, "second issuer", "claims.mission_id", "job-2");
    let at = story.index("issued again") as usize;
    crate::make::rehash_scope(&mut story.steps[at].payload);
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Incomplete, Incomplete), "{:#?}", report.findings);
    let whole = story.timeline();
    let scopes = ["job-1", "job-2"].map(|job| pulselog::audit::Scope::Job(job.to_owned()));
    crate::audit::slices::same_from_its_own_entries(&whole, whole.size(), &scopes);
}

/// The same, logged before the token's own issuer says it.
fn issued_before(story: &mut Story, member: &str, new: impl Into<Value<'static>>) {
    issued_by(story, "second issuer", member, new);
    story.move_after("t2", "issued again");
}

/// One claim of the second token, told otherwise by the second issuer.
type Otherwise = fn(&mut Story) -> (&'static str, Value<'static>);

const OTHERWISE: &[(&str, Otherwise)] = &[
    ("ended long ago", |_| ("claims.exp", Value::from(1_700_000_000_u32))),
    ("ends later", |story| ("claims.exp", longer(story).into())),
    ("begins later", |story| ("claims.iat", longer(story).into())),
    ("another agent's", |_| ("claims.sub", did("other agent").into())),
    ("nobody's", |_| ("claims.sub", did("unheard of").into())),
    ("another job's", |_| ("claims.mission_id", "job-2".into())),
    ("of no known job", |_| ("claims.mission_id", "job-9".into())),
    ("of other rights", |_| ("claims.scope", Value::Array(vec!["everything".into()]))),
    ("under another policy", |_| ("claims.policy_hash_b64u", crate::make::b64u("another policy").into())),
];

type Change = fn(&mut Story);

/// Honest, and guilty under the second token or beside it.
const STORIES: &[Change] = &[
    |_| {},
    |story| story.set("job-1.back", "approvals", Value::Array(vec![])),
    |story| drop(story.remove("job-1.back receipt")),
    |story| story.set("job-1.back", "binds.destination.namespace", "prod"),
    |story| story.set("job-1.back seen", "destination.namespace", "prod"),
    |story| story.set("job-1.back", "run_id", "job-1.r1"),
    |story| story.set("job-1.r2 call 1", "model", "another"),
    |story| story.set("job-1.r2 call 1", "timestamp", "2026-11-22T18:00:00Z"),
    |story| drop(story.remove("job-1.b2")),
    |story| story.move_after("job-1.revoked", "job-1.ok"),
    |story| {
        let revocation = story.revocation("t2");
        story.log("ended", "cst_revocation", "issuer", revocation);
        story.last_after("job-1.r2 call 1");
    },
];

/// The story with that said where `place` puts it.
fn disputed(change: Change, otherwise: Otherwise, place: fn(&mut Story)) -> Story {
    let mut story = Story::clean();
    neighbours(&mut story);
    story.job = "job-1".to_owned();
    change(&mut story);
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
    let (member, new) = otherwise(&mut story);
    issued_by(&mut story, "second issuer", member, new);
    let at = story.index("issued again") as usize;
    crate::make::rehash_scope(&mut story.steps[at].payload);
    place(&mut story);
    story
}

/// Jobs and runs with their verdicts, and findings by code, job and words.
type SaidOf = (Vec<(String, Verdict)>, BTreeSet<(&'static str, String, String)>);

/// Verdicts and findings, without indexes.
fn said(report: &Report) -> SaidOf {
    let jobs = report.jobs.iter().map(|(job, verdict)| (job.clone(), *verdict));
    let runs = report.runs.iter().map(|run| (run.run.run.clone(), run.verdict));
    let found =
        report.findings.iter().map(|f| (f.rule.code, format!("{:?} {:?}", f.effect, f.subject), f.detail.clone()));
    (jobs.chain(runs).collect(), found.collect())
}

fn accusations(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.effect == Effect::Fails)
}

/// Whether the same stands there, charged to whom it is here or to more: where
/// accounts differ in the job, the run alone is accused.
fn stands_in(finding: &Finding, alone: &Report) -> bool {
    let holds = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
    accusations(alone).any(|other| {
        let (own, theirs) = (&finding.subject, &other.subject);
        finding.rule.code == other.rule.code
            && own.agent == theirs.agent
            && own.run == theirs.run
            && holds(&own.job, &theirs.job)
            && holds(&own.token, &theirs.token)
    })
}

#[test]
fn whichever_of_two_issuers_logs_first_the_verdict_is_the_same_and_accuses_nobody_anew() {
    let mut wrong = Vec::new();
    for (number, change) in STORIES.iter().enumerate() {
        let alone = disputed(*change, OTHERWISE[0].1, |story| drop(story.remove("issued again"))).audit();
        for (name, otherwise) in OTHERWISE {
            let first = disputed(*change, *otherwise, |story| story.move_after("t2", "issued again")).audit();
            let second = disputed(*change, *otherwise, |_| {}).audit();
            let last = disputed(*change, *otherwise, |story| story.move_after("issued again", "tick")).audit();
            let mut fault =
                |what: &str, report: &Report| wrong.push(format!("{name}, story {number}: {what}\n{report:#?}"));
            if said(&first) != said(&second) {
                fault("the order changes what is said", &first);
            }
            for report in [&first, &second, &last] {
                if accusations(report).any(|finding| !stands_in(finding, &alone)) {
                    fault("accuses anew", report);
                }
                let (passes, fails) = (report.job("job-1") == Pass, report.job("job-2") == Fail);
                if passes || fails || report.run(&did("agent"), "job-1.r2") == Pass {
                    fault("passes, or fails the neighbour", report);
                }
                let was = alone.run(&did("agent"), "job-1.r1");
                if number == 0 && report.run(&did("agent"), "job-1.r1") != was {
                    fault("the other run is not as it was", report);
                }
                if report.findings.iter().any(|finding| finding.rule.code == "TOKEN_UNKNOWN") {
                    fault("says that nobody issued it", report);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_job_under_a_disputed_token_is_judged_the_same_from_its_own_entries() {
    for (_, otherwise) in OTHERWISE {
        let whole = disputed(STORIES[0], *otherwise, |_| {}).timeline();
        let jobs = ["job-1", "job-2", "job-9"].map(|job| Scope::Job(job.to_owned()));
        let run = Scope::Run { agent: did("agent"), run: "job-1.r2".to_owned() };
        let token = Scope::Token(crate::make::hex("job-1.t2"));
        let scopes: Vec<_> = jobs.into_iter().chain([run, token]).collect();
        crate::audit::slices::same_from_its_own_entries(&whole, whole.size(), &scopes);
    }
}

/// Codes of the accusations that are left without these bodies.
fn left(story: &Story, missing: &[&str]) -> Vec<&'static str> {
    let report = pulselog::audit::audit(&story.timeline_without(missing), Some(&crate::make::audit::operator()));
    let fails = report.findings.iter().filter(|finding| finding.effect == Effect::Fails);
    fails.map(|finding| finding.rule.code).collect()
}

#[test]
fn a_missing_issuance_softens_what_it_could_contradict_and_nothing_else() {
    let mut story = Story::clean();
    as_before(&mut story);
    story.set("back", "binds.destination.namespace", "prod");
    assert!(left(&story, &["r2 call 1"]).contains(&"POLICY_NONCOMPLIANT"));
    // Whatever the issuer itself says later, the first counts; another may contradict it.
    story.token("t9");
    assert!(left(&story, &["t9"]).contains(&"POLICY_NONCOMPLIANT"));
    assert!(!left(&story, &["issued again"]).contains(&"POLICY_NONCOMPLIANT"));
    // A policy above the token is none that it could run under.
    let mut story = Story::clean();
    as_before(&mut story);
    story.move_after("policy", "t2");
    assert!(left(&story, &[]).contains(&"POLICY_MISSING"));
    assert!(left(&story, &["policy"]).contains(&"POLICY_MISSING"));
}
