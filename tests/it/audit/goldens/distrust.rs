//! Golden logs about signers whom the operator trusts no more, and about what
//! rests on their word.

use pulselog::artifact::json::Value;
use pulselog::audit::Finding;
use pulselog::audit::Verdict::{Fail, Pass};
use pulselog::merkle::LeafIndex;

use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{Story, nonce};
use crate::make::{did, hex, set, value};

/// Later roots trust somebody no more, from a step on.
fn distrust(story: &mut Story, name: &str, who: &str, from: u64) {
    let row = format!(r#"[{{"did":"{}","from_index":{from},"reason":"stolen key"}}]"#, did(who));
    story.roots_again(name, "distrusted", value(&row));
}

pub fn distrust_from(story: &mut Story, who: &str, step: &str) {
    let from = story.index(step);
    distrust(story, "later roots", who, from);
}

/// The second run's rollback is approved by another person.
fn approved_by_two(story: &mut Story) {
    story.signed_by("back ok", "second approver");
}

/// The sync of an approval that a first, refused sync gave back.
fn again_after_a_refusal(story: &mut Story) {
    story.set("sync receipt", "outcome", "not_sent");
    story.signed_by("sync receipt", "second wrapper");
    story.remove("seen");
    story.decide("again", "allow", "r1", "t1", "sync", Some("ok"));
    story.set("again", "cst.scope_hash_b64u", story.decided_scope("sync"));
    story.last_after("sync receipt");
    story.receipt("again receipt", "again", "accepted", None);
    story.set("again receipt", "request_digest", hex("sync"));
    story.last_after("again");
    let mut rows = story.said("roots").get("wrappers").expect("rows").clone();
    let second = format!(r#"{{"did":"{}","agents":["{}"]}}"#, did("second wrapper"), did("agent"));
    if let pulselog::artifact::json::Value::Array(rows) = &mut rows {
        rows.push(value(&second));
    }
    story.set("roots", "wrappers", rows);
}

pub static ROWS: &[Golden] = &[
    golden(
        "a policy by a signer who is trusted no more",
        |story| distrust_from(story, "policy signer", "policy"),
        &["DISTRUSTED_SIGNER", "POLICY_MISSING", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Fail)])
    .beside(|story| distrust_from(story, "policy signer", "t1")),
    golden(
        "a token by an issuer who is trusted no more",
        |story| distrust_from(story, "issuer", "t2"),
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| distrust_from(story, "issuer", "r2 call 1")),
    golden(
        "an approval by a person who is trusted no more",
        |story| {
            approved_by_two(story);
            distrust_from(story, "second approver", "back ok");
        },
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| {
        approved_by_two(story);
        distrust_from(story, "second approver", "back");
    }),
    golden(
        "a decision by a wrapper who is trusted no more",
        |story| distrust_from(story, "wrapper", "back"),
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| distrust_from(story, "wrapper", "back seen")),
    golden(
        "an approval given back by a wrapper who is trusted no more",
        |story| {
            again_after_a_refusal(story);
            distrust_from(story, "second wrapper", "sync receipt");
        },
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| {
        again_after_a_refusal(story);
        distrust_from(story, "second wrapper", "again");
    }),
    golden(
        "a model call by a gateway that is trusted no more",
        |story| distrust_from(story, "gateway", "r2 call 1"),
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| distrust_from(story, "gateway", "b1")),
    golden(
        "distrust that later roots leave out",
        |story| {
            distrust_from(story, "issuer", "t2");
            story.roots_again("latest roots", "cst_issuers[0]", did("issuer").into());
        },
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .beside(|story| story.roots_again("latest roots", "cst_issuers[0]", did("issuer").into())),
    golden(
        "distrust that later roots begin later",
        |story| {
            distrust_from(story, "issuer", "t2");
            let size = story.steps.len() as u64;
            distrust(story, "latest roots", "issuer", size);
        },
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| {
        let size = story.steps.len() as u64;
        distrust(story, "later roots", "issuer", size);
    }),
    golden(
        "distrust stated before the index that it begins at",
        |story| {
            let from = story.index("t2") + 1;
            distrust(story, "early roots", "issuer", from);
            story.last_after("policy");
        },
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)]),
];

#[test]
fn a_token_confirmed_too_late_is_said_to_have_been_issued_by_somebody_distrusted() {
    let mut story = Story::clean();
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    story.signed_by("t2", "second issuer");
    let mut confirmed = story.steps[story.index("t2") as usize].clone();
    confirmed.name = "confirmed".to_owned();
    set(&mut confirmed.payload, "nonce", Some(nonce("confirmed").into()));
    story.insert_after("b2", confirmed);
    story.signed_by("confirmed", "issuer");
    distrust(&mut story, "later roots", "second issuer", 0);
    let report = story.audit();
    for name in ["back", "r2 call 1"] {
        let entries = [story.index("t2"), story.index(name), story.index("confirmed")].map(LeafIndex::new);
        let of_act = |found: &&Finding| found.rule.code == "TOKEN_UNKNOWN" && found.entries == entries;
        let found = report.findings.iter().find(of_act).unwrap_or_else(|| panic!("{name}: {report:#?}"));
        assert!(found.detail.contains("whom the operator distrusts"), "{}", found.detail);
        assert!(found.detail.contains(&format!("entry {}", story.index("t2"))), "{}", found.detail);
    }
}
