//! Golden logs about a token whose end two issuers tell unlike, and what stands
//! beside it: it moves nothing of what does not rest on its own claims, and
//! frees nobody who did the same thing twice.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};
use pulselog::audit::{Effect, Scope};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::bundles::review;
use crate::audit::goldens::calls::run_of_the_same_grant;
use crate::audit::goldens::tokens::bundle_again;
use crate::audit::goldens::{Golden, golden};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Story, nonce};
use crate::make::{did, hex, set};

/// A second issuer logs the token once more, with another end.
fn told_otherwise(story: &mut Story, token: &str) {
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    let end = story.said(token).at("claims.exp").and_then(Value::as_i64).expect("an end");
    issued_again(story, token, "second issuer", end + 60);
}

/// An issuer logs the token once more.
fn issued_again(story: &mut Story, token: &str, who: &str, end: i64) {
    let mut again = story.steps[story.index(token) as usize].clone();
    again.name = format!("otherwise {}", story.steps.len());
    set(&mut again.payload, "claims.exp", Some(Value::from(u32::try_from(end).expect("seconds"))));
    set(&mut again.payload, "nonce", Some(nonce(&again.name).into()));
    let name = again.name.clone();
    story.insert_after(token, again);
    story.signed_by(&name, who);
}

/// The other agent's first token is told otherwise.
fn neighbours_disputed(story: &mut Story) {
    neighbours(story);
    story.job = "job-1".to_owned();
    story.agent = "agent".to_owned();
    told_otherwise(story, "job-2.t1");
}

/// Somebody whom no roots name packs a run of this one's id, and lists the
/// other agent's token.
fn packed_by_a_stranger(story: &mut Story) {
    neighbours_disputed(story);
    story.agent = "stranger".to_owned();
    story.bundle("bx", "r1", "t1", &[]);
    story.unset("bx", "receipts");
    story.set("bx", "metadata.pulselog.token_hashes[0]", hex("job-2.t1"));
    story.agent = "agent".to_owned();
}

/// The other agent's wrapper decides under that token in a run of this id.
fn named_by_a_wrapper(story: &mut Story) {
    neighbours_disputed(story);
    story.decide("peek", "deny", "r1", "t1", "read", None);
    story.set("peek", "cst.token_hash", hex("job-2.t1"));
    story.signed_by("peek", "other wrapper");
    story.last_after("read receipt");
}

/// A write that this policy denies.
fn outside(story: &mut Story) {
    story.set("sync", "binds.destination.namespace", "prod");
    story.set("ok", "binds.destination.namespace", "prod");
    story.set("seen", "destination.namespace", "prod");
}

/// Another token of the first one's grant, which nobody uses, told otherwise.
fn sibling_disputed(story: &mut Story) {
    let mut sibling = story.steps[story.index("t1") as usize].clone();
    sibling.name = "job-1.t9".to_owned();
    set(&mut sibling.payload, "token_hash", Some(hex("job-1.t9").into()));
    set(&mut sibling.payload, "nonce", Some(nonce("t9").into()));
    story.insert_after("policy", sibling);
    told_otherwise(story, "t9");
}

/// The sync once more, under the second token and the same approval.
fn approval_again(story: &mut Story) {
    story.decide("again", "allow", "r2", "t2", "sync", Some("ok"));
    story.set("again", "cst.scope_hash_b64u", story.decided_scope("back"));
    story.receipt("again receipt", "again", "accepted", None);
    story.set("again receipt", "request_digest", hex("sync"));
}

/// One more call of the second run, with the id of the first run's.
fn receipt_id_again(story: &mut Story) {
    story.set("r2 call 1", "receipt_id", "job-1.r1 call 1");
    story.remove("b2");
    story.bundle("b2", "r2", "t2", &[1]);
}

/// The second run goes on under the first one's id.
fn run_in_two(story: &mut Story) {
    story.set("back", "run_id", "job-1.r1");
}

/// The other agent goes on in a run of this one's id, and packs what this
/// one's gateway saw of it.
fn copied(story: &mut Story) {
    neighbours(story);
    for step in ["b1", "r1 call 1"] {
        story.remove(step);
    }
    for step in ["read", "sync", "edit"] {
        story.set(step, "run_id", "job-1.r1");
    }
    let (job, agent) = (std::mem::replace(&mut story.job, "job-1".to_owned()), story.agent.clone());
    story.bundle("copied", "r1", "t1", &[1]);
    story.set("copied", "metadata.pulselog.job_id", job);
    story.set("copied", "metadata.pulselog.token_hashes[0]", hex("job-2.t1"));
    assert_eq!(story.said("copied").text_at("agent_did"), Some(did(&agent).as_str()));
    story.agent = "agent".to_owned();
}

/// One call that names neither run nor event, in the bundles of two runs of
/// its grant.
fn held_by_two(story: &mut Story) {
    for member in ["run_id", "event_hash_b64u"] {
        story.unset("r1 call 1", &format!("binding.{member}"));
    }
    bundle_again(story, &[1]);
    run_of_the_same_grant(story);
    story.remove("r3 call 1");
    let receipts = story.said("b1").get("receipts").expect("receipts").clone();
    story.set("b3", "receipts", receipts);
}

/// Both tokens are of one grant, and each is named by its own run's decisions.
fn of_one_grant(story: &mut Story) {
    let claims = story.said("t1").get("claims").expect("claims").clone();
    let grant = story.decided_scope("sync");
    for member in ["scope", "token_scope_hash_b64u"] {
        story.set("t2", &format!("claims.{member}"), claims.get(member).expect("a claim").clone());
    }
    story.set("back", "cst.scope_hash_b64u", grant.clone());
    story.set("r2 call 1", "binding.token_scope_hash_b64u", grant);
    story.remove("b2");
    story.bundle("b2", "r2", "t2", &[1]);
}

pub static ROWS: &[Golden] = &[
    golden(
        "another agent's wrapper names a run outside its policy under a token of two ends",
        |story| {
            outside(story);
            named_by_a_wrapper(story);
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(neighbours),
    golden(
        "an unused token of the same grant has two ends beside a run outside its policy",
        |story| {
            outside(story);
            sibling_disputed(story);
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)]),
    golden(
        "a token of two ends is revoked, and another run of the job goes on",
        |story| told_otherwise(story, "t1"),
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "an approval is used again after its use under a token of two ends",
        |story| {
            approval_again(story);
            told_otherwise(story, "t1");
        },
        &["APPROVAL_REUSED", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Fail)]),
    golden(
        "a receipt id is used again after its use under a token of two ends",
        |story| {
            receipt_id_again(story);
            told_otherwise(story, "t1");
        },
        &["REPLAY_RECEIPT_ID_REUSED", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Fail)]),
    golden(
        "a run of a token of two ends goes on under another token",
        |story| {
            run_in_two(story);
            told_otherwise(story, "t1");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_REUSED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail)]),
    golden(
        "the issuer that gives a token another end says so twice",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "second issuer", end + 60);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
    golden(
        "the issuer that gives a token another end gives it a third one",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "second issuer", end + 90);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
    golden(
        "a token's issuer says its claims once more after another issuer told them otherwise",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "issuer", end);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
    golden(
        "another agent packs the calls of a run whose token has two ends",
        |story| {
            copied(story);
            told_otherwise(story, "t1");
        },
        &["RECEIPT_OF_ANOTHER_AGENT", "REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass), ("other agent", "r1", Fail)])
    .beside(neighbours),
    golden(
        "a nameless call is held by two runs of its grant, and the token of the first has two ends",
        |story| {
            held_by_two(story);
            told_otherwise(story, "t1");
        },
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_UNBOUND", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass), ("agent", "r3", Fail)])
    .beside(run_of_the_same_grant),
    golden(
        "a token of two ends is revoked, and another run of its grant goes on under its own",
        |story| {
            of_one_grant(story);
            told_otherwise(story, "t1");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(of_one_grant),
    golden(
        "a run outside its policy packs another agent's token of two ends",
        |story| {
            outside(story);
            let both = ["job-1.t1", "job-2.t1"].map(|token| hex(token).into());
            story.set("b1", "metadata.pulselog.token_hashes", Value::Array(both.to_vec()));
            neighbours_disputed(story);
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_CONTROL_SUBJECT_MISMATCH"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(neighbours),
    golden(
        "a decision under a token that nobody issued beside one of two ends",
        |story| {
            story.set("read", "cst.token_hash", hex("nobody's"));
            told_otherwise(story, "t2");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Incomplete)]),
];

#[test]
fn a_strangers_bundle_that_lists_a_token_of_two_ends_takes_no_finding_off_a_run_of_its_id() {
    let own_review: fn(&mut Story) = |story| review(story, "agent", "agent");
    for (guilty, code) in [(own_review, "REVIEW_NOT_INDEPENDENT"), (outside, "POLICY_NONCOMPLIANT")] {
        let mut story = Story::clean();
        guilty(&mut story);
        packed_by_a_stranger(&mut story);
        let report = story.audit();
        let run = |who: &str| report.run(&did(who), "job-1.r1");
        let found = report.findings_of("job-1").find(|finding| finding.rule.code == code);
        assert_eq!(found.map(|finding| finding.effect), Some(Effect::Fails), "{report:#?}");
        assert_eq!((report.job("job-1"), run("agent"), report.job("job-2")), (Fail, Fail, Incomplete), "{report:#?}");
        let scopes = [
            Scope::Job("job-1".to_owned()),
            Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() },
            Scope::Run { agent: did("stranger"), run: "job-1.r1".to_owned() },
        ];
        let whole = story.timeline();
        same_from_its_own_entries(&whole, whole.size(), &scopes);
    }
    let mut honest = Story::clean();
    packed_by_a_stranger(&mut honest);
    assert_eq!(honest.audit().job("job-1"), Pass);
}

#[test]
fn who_packs_the_calls_of_a_run_whose_token_has_two_ends_fails_in_its_own_job() {
    let mut story = Story::clean();
    copied(&mut story);
    told_otherwise(&mut story, "t1");
    let report = story.audit();
    let stolen = report.findings_of("job-2").find(|finding| finding.rule.code == "RECEIPT_OF_ANOTHER_AGENT");
    assert_eq!(stolen.map(|finding| finding.effect), Some(Effect::Fails), "{report:#?}");
    assert_eq!((report.job("job-1"), report.job("job-2")), (Incomplete, Fail), "{report:#?}");
}
