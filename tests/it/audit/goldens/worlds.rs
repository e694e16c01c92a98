//! Golden logs of what each account of a disputed token is judged to, and of
//! signers whose word is not trusted where they speak.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{self, Fail, Incomplete, Pass};
use pulselog::audit::{Effect, Report, Scope};

use crate::audit::goldens::distrust::distrust_from;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{did, hex, rehash_scope, set};

fn two_issuers(story: &mut Story) {
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    story.set("roots", "cst_revokers", Value::Array(issuers.to_vec()));
}

/// A token, issued once more with a member changed, by somebody in the role.
pub fn told_otherwise(story: &mut Story, token: &str, who: &str, member: &str, new: impl Into<Value<'static>>) {
    two_issuers(story);
    let mut again = story.steps[story.index(token) as usize].clone();
    again.name = format!("{token} again");
    set(&mut again.payload, member, Some(new.into()));
    if member.starts_with("claims.") {
        rehash_scope(&mut again.payload);
    }
    story.insert_after(token, again);
    story.signed_by(&format!("{token} again"), who);
}

fn alike(story: &mut Story, token: &str) {
    told_otherwise(story, token, "second issuer", "kid", "fedcba9876543210");
}

fn another_agents(story: &mut Story, token: &str) {
    told_otherwise(story, token, "second issuer", "claims.sub", did("stranger"));
}

fn another_jobs(story: &mut Story, token: &str) {
    told_otherwise(story, token, "second issuer", "claims.mission_id", "job-9");
}

/// The second run's model call names neither run nor event, and a token of the
/// same grant stands beside its own.
fn nameless_beside_a_sibling(story: &mut Story) {
    story.unset("r2 call 1", "binding.run_id");
    story.unset("r2 call 1", "binding.event_hash_b64u");
    story.remove("b2");
    story.bundle("b2", "r2", "t2", &[1]);
    story.token("t3");
    story.set("t3", "claims.scope", Value::Array(vec!["t2".into()]));
    let at = story.index("t3") as usize;
    rehash_scope(&mut story.steps[at].payload);
    story.last_after("t2");
}

/// The approval of the rollback is used under the first token before.
fn approved_once(story: &mut Story) {
    story.remove("revoked");
    story.decide("first", "allow", "r1", "t1", "rollback", Some("back ok"));
    story.last_after("back ok");
    story.receipt("first receipt", "first", "accepted", None);
    story.set("first receipt", "request_digest", hex("rollback"));
    story.last_after("first");
}

/// The second run's bundle hides a call that was made under the first token.
fn hidden_call(story: &mut Story) {
    story.remove("revoked");
    story.call("r2", "t1", 2);
    story.last_after("r2 call 1");
}

/// The thief packs what the agent's gateway saw of its first run.
fn stolen(story: &mut Story) {
    story.bundle("stolen", "r1", "t1", &[1]);
    story.set("stolen", "agent_did", did("thief"));
    story.set("stolen", "metadata.pulselog.token_hashes", Value::Array(vec![]));
    story.signed_by("stolen", "thief");
}

fn revoked(story: &mut Story) {
    let revocation = story.revocation("t2");
    story.log("ended", "cst_revocation", "issuer", revocation);
    story.last_after("r2 call 1");
}

/// At its end the log holds the second token once more, by the key of its
/// issuer, whom the operator trusts no more from there on.
fn stolen_key(story: &mut Story, member: &str, new: impl Into<Value<'static>>) {
    told_otherwise(story, "t2", "issuer", member, new);
    story.move_after("t2 again", "job-1.b2");
    distrust_from(story, "issuer", "t2 again");
}

/// The operator's honest word alone.
fn trusted_no_more(story: &mut Story) {
    distrust_from(story, "second issuer", "roots");
}

pub static ROWS: &[Golden] = &[
    golden(
        "a nameless call of a run whose token is another job's by one account, beside a token of its grant",
        |story| {
            nameless_beside_a_sibling(story);
            another_jobs(story, "t2");
        },
        &["MODEL_CALL_UNPLACED", "REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| {
        nameless_beside_a_sibling(story);
        alike(story, "t2");
    }),
    golden(
        "an approval is used again, the first time under a token of two accounts",
        |story| {
            approved_once(story);
            another_agents(story, "t1");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)])
    .beside(|story| alike(story, "t1")),
    golden(
        "a receipt's id is used again, the first time under a grant of two accounts",
        |story| {
            story.set("r2 call 1", "receipt_id", "job-1.r1 call 1");
            story.remove("b2");
            story.bundle("b2", "r2", "t2", &[1]);
            another_jobs(story, "t1");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)])
    .beside(|story| alike(story, "t1")),
    golden(
        "a bundle hides a call under a token of two accounts",
        |story| {
            hidden_call(story);
            another_agents(story, "t1");
        },
        &["RECEIPT_NOT_IN_BUNDLE", "REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r2", Incomplete)])
    .beside(|story| alike(story, "t1")),
    golden(
        "a thief packs the calls of a token that is of two policies",
        |story| {
            stolen(story);
            told_otherwise(
                story,
                "t1",
                "second issuer",
                "claims.policy_hash_b64u",
                crate::make::b64u("another policy"),
            );
        },
        &["RECEIPT_OF_ANOTHER_AGENT", "REPLAY_TOKEN_ISSUED_TWICE", "RUN_WITHOUT_TOKEN"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass), ("thief", "r1", Fail)])
    .beside(|story| alike(story, "t1")),
    golden(
        "a revoked token of two jobs is used",
        |story| {
            revoked(story);
            another_jobs(story, "t2");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_REVOKED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| alike(story, "t2")),
    golden(
        "a stolen key gives a token another end after trust was withdrawn",
        |story| stolen_key(story, "claims.exp", 1_900_000_000_u32),
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(trusted_no_more),
    golden(
        "a stolen key gives a token another job after trust was withdrawn",
        |story| stolen_key(story, "claims.mission_id", "job-9"),
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(trusted_no_more),
    golden(
        "a stolen key says the same of a token after trust was withdrawn",
        |story| stolen_key(story, "nonce", crate::make::audit::nonce("again")),
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(trusted_no_more),
    golden(
        "a stolen key revokes a token after its run",
        |story| {
            revoked(story);
            story.move_after("ended", "job-1.b2");
            distrust_from(story, "issuer", "ended");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(trusted_no_more),
    golden(
        "a stolen key revokes a token within its run",
        |story| {
            revoked(story);
            distrust_from(story, "issuer", "ended");
        },
        &["DISTRUSTED_SIGNER", "TOKEN_REVOKED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(trusted_no_more),
    golden(
        "a stolen key revokes a token before its issuer does",
        |story| {
            two_issuers(story);
            revoked(story);
            let revocation = story.revocation("t2");
            story.log("stolen end", "cst_revocation", "second issuer", revocation);
            story.last_after("r2 call 1");
            trusted_no_more(story);
        },
        &["DISTRUSTED_SIGNER", "TOKEN_REVOKED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(trusted_no_more),
    golden(
        "the first of two issuers who say the same of a token is trusted no more",
        |story| {
            alike(story, "t2");
            story.move_after("t2", "t2 again");
            distrust_from(story, "second issuer", "t2 again");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| alike(story, "t2")),
];

/// The agent's second job goes on in a run that its first job used before.
fn run_of_two_jobs() -> Story {
    let mut story = Story::clean();
    story.remove("revoked");
    story.job("job-2", "agent");
    for step in ["job-2.sync", "job-2.read"] {
        story.set(step, "run_id", "job-1.r1");
    }
    story.job = "job-1".to_owned();
    story
}

fn fails(report: &Report) -> bool {
    let is_it = |code| move |finding: &&pulselog::audit::Finding| finding.rule.code == code;
    let found = report.findings.iter().find(is_it("REPLAY_RUN_ID_REUSED"));
    found.is_some_and(|finding| finding.effect == Effect::Fails)
}

#[test]
fn a_run_that_another_job_may_have_had_before_leaves_the_second_job_open() {
    let alone = run_of_two_jobs().audit();
    assert!(fails(&alone) && alone.job("job-2") == Fail, "{:#?}", alone.findings);
    let mut disputed = run_of_two_jobs();
    another_agents(&mut disputed, "t1");
    let report = disputed.audit();
    assert!(!fails(&report), "{:#?}", report.findings);
    assert_ne!(report.job("job-2"), Pass, "{:#?}", report.findings);
}

#[test]
fn a_run_that_began_under_a_token_that_nobody_issued_leaves_another_job_open() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    story.set("read", "cst.token_hash", hex("a token that nobody issued"));
    story.set("read", "run_id", "job-2.r1");
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Fail, Incomplete), "{:#?}", report.findings);
    let scopes = ["job-1", "job-2"].map(|job| Scope::Job(job.to_owned()));
    crate::audit::slices::same_from_its_own_entries(&story.timeline(), story.timeline().size(), &scopes);
}

/// So many more jobs, each of whose two tokens another issuer gives otherwise,
/// joined with the first one by a decision that names its job.
fn crowded(more: usize, joined: bool) -> Story {
    let mut story = Story::clean();
    for number in 2..2 + more {
        let job = format!("job-{number}");
        story.job(&job, "agent");
        if joined {
            story.set("edit", "binds.job_id", "job-1");
        }
        another_agents(&mut story, &format!("{job}.t1"));
        another_agents(&mut story, &format!("{job}.t2"));
    }
    story.job = "job-1".to_owned();
    another_agents(&mut story, "t2");
    story
}

fn verdicts(report: &Report) -> [Verdict; 4] {
    let run = |name: &str| report.run(&did("agent"), name);
    [report.job("job-1"), run("job-1.r1"), run("job-1.r2"), report.job("job-2")]
}

#[test]
fn tokens_that_nothing_joins_are_judged_beside_each_other_and_too_many_that_are_joined_left_open() {
    let mut open = Vec::new();
    for (story, r1) in [(crowded(1, true), Pass), (crowded(4, false), Pass), (crowded(4, true), Incomplete)] {
        let report = story.audit();
        assert_eq!(verdicts(&report), [Incomplete, r1, Incomplete, Incomplete], "{:#?}", report.findings);
        open.push(report.findings.iter().any(|finding| finding.detail.contains("more than 16")));
        let jobs = ["job-1", "job-2", "job-5"].map(|job| Scope::Job(job.to_owned()));
        let run = Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() };
        let whole = story.timeline();
        crate::audit::slices::same_from_its_own_entries(&whole, whole.size(), &[&jobs[..], &[run]].concat());
    }
    assert_eq!(open, [false, false, true]);
    let mut guilty = crowded(4, true);
    guilty.set("job-2.back", "approvals", Value::Array(vec![]));
    assert_eq!(verdicts(&guilty.audit()), [Incomplete; 4]);
}

#[test]
fn what_an_account_that_nobody_judged_may_change_is_neither_clean_nor_guilty() {
    let mut story = crowded(4, true);
    story.job("job-9", "agent");
    story.set("edit", "binds.job_id", "job-1");
    story.job = "job-1".to_owned();
    let report = story.audit();
    assert_eq!(report.job("job-9"), Incomplete, "{:#?}", report.findings);
    story.set("job-9.back", "approvals", Value::Array(vec![]));
    let report = story.audit();
    assert_eq!(report.job("job-9"), Incomplete, "{:#?}", report.findings);
    let is_told = |finding: &pulselog::audit::Finding| finding.detail.contains("no longer trusted");
    assert!(!report.findings.iter().any(is_told), "nobody is distrusted: {:#?}", report.findings);
}

/// The first token is the other agent's by so many false accounts, each of
/// another end; both use one approval.
fn told_again(times: u32) -> Story {
    let mut story = Story::clean();
    approved_once(&mut story);
    two_issuers(&mut story);
    for time in 0..times {
        let mut again = story.steps[story.index("t1") as usize].clone();
        again.name = format!("t1 again {time}");
        set(&mut again.payload, "claims.sub", Some(did("stranger").into()));
        set(&mut again.payload, "claims.exp", Some(Value::from(1_700_000_000 + time)));
        set(&mut again.payload, "nonce", Some(crate::make::audit::nonce(&again.name).into()));
        rehash_scope(&mut again.payload);
        let name = again.name.clone();
        story.insert_after("t1", again);
        story.signed_by(&name, "second issuer");
    }
    story
}

#[test]
fn an_account_told_in_many_spellings_of_its_life_is_one_account() {
    let verdicts = |times| {
        let report = told_again(times).audit();
        let crowds = report.findings.iter().filter(|finding| finding.detail.contains("more than 16")).count();
        assert_eq!(crowds, 0, "{times}: {:#?}", report.findings);
        (report.job("job-1"), ["r1", "r2"].map(|run| report.run(&did("agent"), &format!("job-1.{run}"))))
    };
    let once = verdicts(1);
    assert_eq!(once.0, Incomplete);
    assert!([15, 16, 17, 40].into_iter().all(|times| verdicts(times) == once));
}

#[test]
fn a_token_lives_too_long_only_by_the_word_of_all_its_issuers() {
    let told = |begins: i64, ends: i64, again: Option<(i64, i64)>| {
        let mut story = Story::clean();
        let start = story.said("t2").at("claims.iat").and_then(Value::as_i64).expect("a beginning");
        let seconds = |at: i64| Value::from(u32::try_from(start + at).expect("seconds"));
        story.set("t2", "claims.iat", seconds(begins));
        story.set("t2", "claims.exp", seconds(ends));
        if let Some((begins, ends)) = again {
            told_otherwise(&mut story, "t2", "second issuer", "claims.iat", seconds(begins));
            story.set("t2 again", "claims.exp", seconds(ends));
        }
        let report = story.audit();
        let found = report.findings.iter().find(|finding| finding.rule.code == "TOKEN_LIFETIME_TOO_LONG");
        (found.map(|finding| finding.effect), report.job("job-1"))
    };
    let long = 10_000_000;
    assert_eq!(told(0, long, None), (Some(Effect::Fails), Fail));
    assert_eq!(told(0, long, Some((0, long + 5))), (Some(Effect::Fails), Fail));
    assert_eq!(told(0, 1_700, Some((0, long))), (Some(Effect::Incomplete), Incomplete));
    assert_eq!(told(0, 1_700, Some((-900, 800))), (None, Incomplete));
}
