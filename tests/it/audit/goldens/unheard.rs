//! Golden logs about what signers whose keys were stolen say of others: it
//! convicts nobody, and frees nobody either.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::distrust::distrust_from;
use crate::audit::goldens::renewals::bridged;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{Story, nonce};
use crate::make::{did, hex, set, value};

fn gateways(story: &mut Story) {
    story.set("roots", "gateways", Value::Array(["gateway", "second gateway"].map(|who| did(who).into()).to_vec()));
}

fn wrappers(story: &mut Story) {
    let row = |who| value(&format!(r#"{{"did":"{}","agents":["{}"]}}"#, did(who), did("agent")));
    story.set("roots", "wrappers", Value::Array(vec![row("wrapper"), row("second wrapper")]));
}

fn denied(story: &mut Story) {
    story.approve("no", "deny", "sync");
    story.signed_by("no", "second approver");
    story.last_after("ok");
}

fn decided(story: &mut Story, verdict: &str, action: &str) {
    wrappers(story);
    story.decide("theirs", verdict, "r1", "t1", action, None);
    story.signed_by("theirs", "second wrapper");
    story.last_after("read receipt");
}

fn told(story: &mut Story, outcome: &str) {
    story.receipt("their receipt", "theirs", outcome, None);
    let request = story.said("theirs").text_at("request_digest").expect("a digest").to_owned();
    story.set("their receipt", "request_digest", request);
    story.signed_by("their receipt", "second wrapper");
}

/// Whoever holds the second wrapper's key uses the approval first, and says
/// that nothing came of it.
fn used_before(story: &mut Story) {
    wrappers(story);
    story.decide("theirs", "allow", "r1", "t1", "sync", Some("ok"));
    story.signed_by("theirs", "second wrapper");
    story.last_after("ok");
    told(story, "not_sent");
    story.last_after("theirs");
}

/// Whoever holds a second gateway's and a second wrapper's key signs the same
/// payloads once more.
fn again(story: &mut Story) {
    gateways(story);
    wrappers(story);
    for (of, name, who) in [("r1 call 1", "their call", "second gateway"), ("sync", "their sync", "second wrapper")] {
        let mut step = story.steps[story.index(of) as usize].clone();
        step.name = name.to_owned();
        story.insert_after(of, step);
        story.signed_by(name, who);
    }
}

fn guilty_of(story: &mut Story) {
    wrappers(story);
    story.receipt("again", "sync", "not_sent", None);
    story.last_after("sync receipt");
    story.receipt("their receipt", "sync", "accepted", None);
    story.signed_by("their receipt", "second wrapper");
}

/// The second issuer bridged two tokens of a run; whoever holds the second
/// wrapper's key used the later one in another run before.
fn bridge_and_thief(story: &mut Story) {
    bridged(story, false);
    issuers(story);
    story.signed_by("t3", "second issuer");
    wrappers(story);
    story.decide("theirs", "allow", "r3", "t4", "read", None);
    let grant = story.said("more").text_at("cst.scope_hash_b64u").expect("a grant").to_owned();
    story.set("theirs", "cst.scope_hash_b64u", grant);
    story.signed_by("theirs", "second wrapper");
    story.last_after("t4");
}

fn distrust_both(story: &mut Story) {
    let row = |who| format!(r#"{{"did":"{}","from_index":1,"reason":"stolen key"}}"#, did(who));
    let rows = ["second issuer", "second wrapper"].map(row).join(",");
    story.roots_again("later roots", "distrusted", value(&format!("[{rows}]")));
}

fn issuers(story: &mut Story) {
    story.set("roots", "cst_issuers", Value::Array(["issuer", "second issuer"].map(|who| did(who).into()).to_vec()));
}

/// Whoever holds the second issuer's key logs a token of the first one's terms
/// that ends later; nobody uses it.
fn sibling(story: &mut Story) {
    issuers(story);
    let mut sibling = story.steps[story.index("t1") as usize].clone();
    sibling.name = "sibling".to_owned();
    let end = sibling.payload.at("claims.exp").and_then(Value::as_i64).expect("an end");
    set(&mut sibling.payload, "claims.exp", Some(Value::from(u32::try_from(end + 50).expect("seconds"))));
    set(&mut sibling.payload, "token_hash", Some(hex("sibling").into()));
    set(&mut sibling.payload, "nonce", Some(nonce("sibling").into()));
    story.insert_after("t1", sibling);
    story.signed_by("sibling", "second issuer");
}

/// This agent's wrapper once names another agent's token, and this one's
/// approval; it wraps nobody else.
fn another_agents_token(story: &mut Story) {
    neighbours(story);
    story.job = "job-1".to_owned();
    story.agent = "agent".to_owned();
    story.decide("slip", "allow", "r1", "t1", "sync", Some("ok"));
    story.set("slip", "cst.token_hash", hex("job-2.t1"));
    story.set("slip", "job_id", "job-1");
    story.move_after("job-1.slip", "ok");
    story.move_after("job-2.t1", "t1");
}

pub static ROWS: &[Golden] = &[
    golden(
        "a stolen key denies what another person approved",
        |story| {
            denied(story);
            distrust_from(story, "second approver", "no");
        },
        &["APPROVAL_DENIED", "DISTRUSTED_SIGNER"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| distrust_from(story, "second approver", "roots")),
    golden(
        "one stolen key denies what was approved, and another tells what came of it",
        |story| {
            denied(story);
            wrappers(story);
            story.signed_by("sync receipt", "second wrapper");
            let (approver, wrapper) = (story.index("no"), story.index("sync receipt"));
            let row = |who, from: u64| format!(r#"{{"did":"{}","from_index":{from},"reason":"stolen key"}}"#, did(who));
            let rows = [row("second approver", approver), row("second wrapper", wrapper)].join(",");
            story.roots_again("later roots", "distrusted", value(&format!("[{rows}]")));
        },
        &["APPROVAL_DENIED", "DISTRUSTED_SIGNER"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "only a stolen key tells what came of a decision",
        |story| {
            wrappers(story);
            story.signed_by("sync receipt", "second wrapper");
            distrust_from(story, "second wrapper", "sync receipt");
        },
        &["DISTRUSTED_SIGNER"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "only the agent's stolen key packs its runs, long after their end",
        |story| {
            story.wait(7_200_000);
            distrust_from(story, "agent", "b1");
        },
        &["BUNDLE_MISSING", "DISTRUSTED_SIGNER"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)])
    .beside(|story| story.wait(7_200_000)),
    golden(
        "a stolen key of a wrapper denies a read",
        |story| {
            decided(story, "deny", "read");
            distrust_from(story, "second wrapper", "theirs");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key of a wrapper allows what the policy denies",
        |story| {
            decided(story, "allow", "edit_app_spec");
            distrust_from(story, "second wrapper", "theirs");
        },
        &["DISTRUSTED_SIGNER", "POLICY_NONCOMPLIANT"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key of a gateway tells of a model call that the run's bundle has not",
        |story| {
            gateways(story);
            story.call("r1", "t1", 9);
            story.signed_by("r1 call 9", "second gateway");
            story.last_after("r1 call 1");
            distrust_from(story, "second gateway", "r1 call 9");
        },
        &["DISTRUSTED_SIGNER", "RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(gateways),
    golden(
        "a stolen key issues a token of the same terms, which nobody uses",
        |story| {
            sibling(story);
            distrust_from(story, "second issuer", "roots");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(sibling),
    golden(
        "a gateway's key is replaced while a receipt is on its way",
        |story| {
            story.roots_again("next roots", "gateways", Value::Array(vec![did("second gateway").into()]));
            story.last_after("policy");
        },
        &["RECEIPT_NOT_GENUINE", "UNTRUSTED_STATEMENT"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)])
    .beside(gateways),
    golden(
        "a bundle names a gateway of before beside what it never signed",
        |story| {
            story.roots_again("next roots", "gateways", Value::Array(vec![did("second gateway").into()]));
            story.last_after("policy");
            let other = story.said("b2").at("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
            let signature = other.get("signature_b64u").cloned().expect("a signature");
            story.set("b1", "receipts[0].signature_b64u", signature);
        },
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_GENUINE", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Incomplete)])
    .beside(gateways),
    golden(
        "a gateway's key is stolen and withdrawn before its receipts",
        |story| {
            story.roots_again("next roots", "gateways", Value::Array(vec![did("second gateway").into()]));
            let row = format!(r#"[{{"did":"{}","from_index":1,"reason":"stolen key"}}]"#, did("gateway"));
            story.set("next roots", "distrusted", value(&row));
            story.last_after("policy");
        },
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_GENUINE", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Fail)])
    .beside(gateways),
    golden(
        "a wrapper names the token of an agent that it does not wrap",
        another_agents_token,
        &["UNTRUSTED_STATEMENT"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(neighbours),
    golden(
        "what the policy denies is decided by a key that is trusted, and a stolen one says so too",
        |story| {
            decided(story, "allow", "edit_app_spec");
            story.decide("own", "allow", "r1", "t1", "edit_app_spec", None);
            story.last_after("read receipt");
            distrust_from(story, "second wrapper", "theirs");
        },
        &["DISTRUSTED_SIGNER", "POLICY_NONCOMPLIANT"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key decides, and tells itself that it was done",
        |story| {
            decided(story, "allow", "read");
            told(story, "accepted");
            distrust_from(story, "second wrapper", "theirs");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key uses an approval before its agent does",
        |story| {
            used_before(story);
            distrust_from(story, "second wrapper", "theirs");
        },
        &["DISTRUSTED_SIGNER"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key adds its word to what two who are trusted tell otherwise",
        |story| {
            guilty_of(story);
            distrust_from(story, "second wrapper", "their receipt");
        },
        &["CONTRADICTING_ACCOUNTS", "DISTRUSTED_SIGNER"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(wrappers),
    golden(
        "a stolen key acts first in runs that nobody packs",
        |story| {
            decided(story, "deny", "read");
            story.move_after("theirs", "t1");
            story.remove("b1");
            story.remove("b2");
            story.wait(7_200_000);
            distrust_from(story, "second wrapper", "theirs");
        },
        &["BUNDLE_MISSING", "DISTRUSTED_SIGNER"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Fail)])
    .beside(|story| {
        wrappers(story);
        story.wait(7_200_000);
    }),
    golden(
        "one stolen key uses a token before its run does, and another bridged the run's tokens",
        |story| {
            bridge_and_thief(story);
            distrust_both(story);
        },
        &["DISTRUSTED_SIGNER", "TOKEN_REUSED"],
        Incomplete,
    )
    .beside(|story| {
        bridged(story, false);
        issuers(story);
        story.signed_by("t3", "second issuer");
        wrappers(story);
    }),
    golden(
        "a stolen key signs again what another gateway told, and what another wrapper decided",
        |story| {
            again(story);
            let row = |who| format!(r#"{{"did":"{}","from_index":1,"reason":"stolen key"}}"#, did(who));
            let rows = ["second gateway", "second wrapper"].map(row).join(",");
            story.roots_again("later roots", "distrusted", value(&format!("[{rows}]")));
        },
        &["APPROVAL_REUSED", "DISTRUSTED_SIGNER"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| {
        gateways(story);
        wrappers(story);
    }),
];
