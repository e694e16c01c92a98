//! Golden logs about whose word counts, about roots, and about what the
//! operator attests.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, NotApplicable, Pass};

use crate::audit::goldens::{Golden, Read, golden};
use crate::make::audit::{Story, nonce};
use crate::make::{did, good_payload, hex, kind, set, value};

fn none() -> Value<'static> {
    Value::Array(vec![])
}

fn dids(names: &[&str]) -> Value<'static> {
    Value::Array(names.iter().map(|name| did(name).into()).collect())
}

/// Roots that no longer list the first approver, after a step.
fn approver_leaves(story: &mut Story, after: &str) {
    story.roots_again("later roots", "approvers[0].did", did("somebody new").into());
    story.last_after(after);
}

fn distrust(story: &mut Story, who: &str, from: &str) {
    let from = story.index(from);
    let row = format!(r#"[{{"did":"{}","from_index":{from},"reason":"stolen key"}}]"#, did(who));
    story.roots_again("later roots", "distrusted", value(&row));
}

/// Everything that counts, said once more by somebody else.
fn said_by_a_stranger(story: &mut Story) {
    let names = ["policy", "t1", "r1 call 1", "sync", "sync receipt", "ok", "revoked", "seen", "back"];
    for name in names {
        let at = story.index(name) as usize;
        let mut copy = story.steps[at].clone();
        copy.by_stranger("stranger");
        story.steps.insert(at, copy);
    }
}

fn freeze(story: &mut Story, signer: &str) {
    story.set("roots", "recorders", dids(&["recorder"]));
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "job_id", Some("job-1".into()));
    story.log("freeze", "change_record", signer, record);
    story.last_after("revoked");
}

fn squat(story: &mut Story) {
    story.bundle("squat", "r1", "t1", &[1]);
    story.signed_by("squat", "stranger");
    story.set("squat", "agent_did", did("stranger"));
    story.unset("squat", "receipts");
    story.set("squat", "metadata.pulselog.token_hashes", none());
    story.last_after("policy");
}

pub static ROWS: &[Golden] = &[
    golden(
        "the agent signs its own policy",
        |story| story.signed_by("policy", "agent"),
        &["POLICY_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    ),
    golden(
        "the agent issues its own token",
        |story| story.signed_by("t1", "agent"),
        &["TOKEN_UNKNOWN", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .of(&["replay: before issuance"])
    .runs(&[("agent", "r1", Fail)]),
    golden(
        "the agent approves its own sync",
        |story| story.signed_by("ok", "agent"),
        &["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .of(&["injection: no approval"]),
    golden(
        "a stranger revokes the token",
        |story| {
            story.signed_by("revoked", "stranger");
            story.move_after("revoked", "ok");
        },
        &["UNTRUSTED_STATEMENT"],
        Pass,
    ),
    golden("a stranger squats the run id", squat, &["RUN_WITHOUT_TOKEN"], Pass)
        .runs(&[("agent", "r1", Pass), ("stranger", "r1", Incomplete)]),
    golden("a stranger says everything once more", said_by_a_stranger, &["UNTRUSTED_STATEMENT"], Pass)
        .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)]),
    golden(
        "an observation by a submitter who is no observer",
        |story| story.submitted_by("seen", "stranger"),
        &["UNTRUSTED_STATEMENT"],
        Pass,
    ),
    golden(
        "the wrapper decides for an agent that is not on its list",
        |story| story.set("roots", "wrappers[0].agents", dids(&["other agent"])),
        &["RECEIPT_WITHOUT_DECISION", "UNTRUSTED_STATEMENT"],
        Pass,
    ),
    golden(
        "an approver of another instance",
        |story| story.set("roots", "approvers[0].instances", Value::Array(vec!["argocd-dev".into()])),
        &["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    ),
    golden("a freeze recorded by the agent", |story| freeze(story, "agent"), &["UNTRUSTED_STATEMENT"], Pass)
        .of(&["freeze: the change, tied to the job"])
        .beside(|story| freeze(story, "recorder")),
    golden("nobody pinned", |_| {}, &["ROOTS_UNPINNED"], NotApplicable).read(Read::Unpinned),
    golden(
        "roots signed by the wrong key",
        |story| story.signed_by("roots", "stranger"),
        &["ROOTS_MISSING"],
        NotApplicable,
    ),
    golden(
        "roots by the agent make it its own approver",
        |story| {
            story.roots_again("own roots", "approvers[0].did", did("agent").into());
            story.signed_by("own roots", "agent");
            story.last_after("policy");
            story.signed_by("ok", "agent");
        },
        &["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    ),
    golden(
        "roots change in the middle of a run, before the approval",
        |story| approver_leaves(story, "read receipt"),
        &["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .beside(|story| approver_leaves(story, "back ok")),
    golden(
        "roots change after the fact, and withdraw trust",
        |story| distrust(story, "gateway", "r2 call 1"),
        &["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| story.roots_again("later roots", "cst_issuers", dids(&["new issuer"]))),
    golden(
        "roots of later give no role to what stands before them",
        |story| {
            story.signed_by("ok", "third approver");
            story.roots_again("later roots", "approvers[0].did", did("third approver").into());
        },
        &["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .beside(|story| {
        story.roots_again("later roots", "approvers[1].did", did("third approver").into());
        story.last_after("policy");
        story.signed_by("ok", "third approver");
    }),
    golden("a bundle withheld", |_| {}, &["EVIDENCE_WITHHELD"], Incomplete)
        .read(Read::Withheld(&["b1"]))
        .of(&["timeline: a step is missing"]),
    golden(
        "an observation withheld that would show another target",
        |story| story.set("seen", "destination.namespace", "prod"),
        &["EVIDENCE_WITHHELD"],
        Incomplete,
    )
    .read(Read::Withheld(&["seen"])),
    golden(
        "a false statement: findings left out",
        |story| story.move_after("revoked", "ok"),
        &["ATTESTATION_FALSE", "TOKEN_REVOKED"],
        Fail,
    )
    .read(Read::Attested(|payload| set(payload, "findings", Some(none())))),
    golden("a false statement: another root", |_| {}, &["ATTESTATION_FALSE"], Fail)
        .read(Read::Attested(|payload| set(payload, "root_hash", Some(hex("root").into())))),
    golden("a false statement: the revocation left out", |_| {}, &["ATTESTATION_FALSE"], Fail)
        .read(Read::Attested(|payload| set(payload, "entries[11]", None))),
    golden(
        "a packet with the revocation left out",
        |story| story.move_after("revoked", "ok"),
        &["EVIDENCE_MISSING"],
        Incomplete,
    )
    .read(Read::Packet(&["revoked"], |_| {}))
    .of(&["review: a packet that verifies offline"]),
    golden("a packet without its statement", |_| {}, &[], Incomplete).read(Read::Packet(&["statement"], |_| {})),
    golden("a packet with evidence above its statement", |_| {}, &["ATTESTATION_OUTDATED"], Incomplete).read(
        Read::Packet(&[], |story| {
            story.approve("tick", "deny", "read");
        }),
    ),
    golden("a bundle withheld after the statement", |_| {}, &["EVIDENCE_WITHHELD"], Incomplete)
        .read(Read::WithheldLater(&["b1"])),
    golden(
        "a statement by a stranger",
        |story| {
            let mut statement = good_payload(kind("audit_statement"));
            set(&mut statement, "nonce", Some(nonce("stranger's").into()));
            set(&mut statement, "scope.job_id", Some("job-1".into()));
            story.log("stranger's", "audit_statement", "stranger", statement);
        },
        &["UNTRUSTED_STATEMENT"],
        Pass,
    ),
    golden(
        "an agent whom the roots do not know",
        |story| story.set("roots", "agents[0].did", did("other agent")),
        &["AGENT_UNKNOWN", "POLICY_NONCOMPLIANT", "POLICY_NOT_LISTED"],
        Fail,
    ),
];
