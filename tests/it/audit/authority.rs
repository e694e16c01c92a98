//! No statement by anybody without a role for a job changes what the audit
//! says of it: what neighbours and strangers say is strewn over honest and
//! guilty stories, and the job's own report stays as it was.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Scope, Verdict};

use crate::audit::goldens::authority::{approval, names_the_job, neighbours, says_accepted};
use crate::audit::goldens::bundles::review;
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Step, Story, operator};
use crate::make::{b64u, did, good_payload, hex, kind, rehash_scope, set};

/// What the other agent, its wrapper, approver and observer, its use of the
/// gateway, and strangers say of the first job.
fn said_without_a_role(story: &Story) -> Vec<Step> {
    let mut more = story.clone();
    (more.job, more.agent) = ("job-2".to_owned(), "other agent".to_owned());
    let from = more.steps.len();
    for (name, verdict, token) in [
        ("names 1", "allow", Some(hex("nobody's"))),
        ("names 2", "allow", Some(hex("job-1.t1"))),
        ("names 3", "allow", Some(hex("job-2.t1"))),
        ("names 4", "deny", None),
        ("names 5", "deny", Some(hex("job-1.t2"))),
        ("names 6", "deny", Some(hex("job-2.t2"))),
    ] {
        names_the_job(&mut more, name, verdict, token.as_deref());
        let name = format!("job-2.{name}");
        more.set(&name, "run_id", "job-1.r1");
        more.set(&name, "approvals", Value::Array(vec!["@job-1.ok".into(), "@job-1.back ok".into()]));
        says_accepted(&mut more, &format!("{name} receipt").replace("job-2.", ""), &name);
    }
    for decision in ["read", "sync", "edit", "back"] {
        let name = format!("of {decision}");
        says_accepted(&mut more, &name, &format!("job-1.{decision}"));
        more.set(&format!("job-2.{name}"), "op_key", format!("#job-1.{decision}"));
    }
    for (name, decision, by) in [("yes", "approve", "approver"), ("no", "deny", "second approver")] {
        approval(&mut more, name, decision, by, "other agent");
        more.set(&format!("job-2.{name}"), "approval_id", "job-1.ok");
        let elsewhere = format!("elsewhere {name}");
        approval(&mut more, &elsewhere, decision, "other approver", "agent");
        more.set(&format!("job-2.{elsewhere}"), "binds.instance", "argocd-dev");
        more.set(&format!("job-2.{elsewhere}"), "approval_id", "job-1.ok");
    }
    calls_and_bundles(&mut more);
    disputes(&mut more);
    more.observe("elsewhere", "sync", "sync", true);
    more.set("job-2.elsewhere", "info[0].value", "@job-1.sync");
    more.set("job-2.elsewhere", "instance", "argocd-dev");
    more.submitted_by("job-2.elsewhere", "other-observer");
    let mut said = more.steps.split_off(from);
    for at in 2..story.steps.len() {
        let mut copy = story.steps[at].clone();
        copy.by_stranger("stranger");
        said.push(copy);
    }
    said
}

/// Issuers contradict each other over tokens of the other agent's: one in its
/// end, one in its policy. Strangers list both for runs of the first job.
fn disputes(more: &mut Story) {
    for (token, member, new) in
        [("t1", "claims.exp", 2_000_000_000_u32.into()), ("t2", "claims.policy_hash_b64u", b64u("no policy").into())]
    {
        let mut again = more.steps[more.index(token) as usize].clone();
        again.name = format!("job-2.{token} again");
        set(&mut again.payload, member, Some(new));
        rehash_scope(&mut again.payload);
        more.steps.push(again);
        more.signed_by(&format!("job-2.{token} again"), "second issuer");
    }
    for run in ["r1", "r2"] {
        let name = format!("lists for {run}");
        more.bundle(&name, run, "t1", &[]);
        let mut stolen = Story::clean().said(&format!("b{}", &run[1..])).clone();
        set(&mut stolen, "agent_did", Some(did("lister").into()));
        set(&mut stolen, "bundle_id", Some(name.clone().into()));
        let tokens = ["job-2.t1", "job-2.t2"].map(|token| hex(token).into());
        set(&mut stolen, "metadata.pulselog.token_hashes", Some(Value::Array(tokens.to_vec())));
        let at = more.steps.len() - 1;
        more.steps[at].payload = stolen;
        more.signed_by(&format!("job-2.{name}"), "lister");
    }
}

fn calls_and_bundles(more: &mut Story) {
    for (at, token) in [(2, "t1"), (3, "t9")] {
        more.call("r1", token, at);
        let name = format!("job-2.r1 call {at}");
        more.set(&name, "binding.run_id", "job-1.r1");
        more.set(&name, "receipt_id", "job-1.r1 call 1");
    }
    more.bundle("steals", "r1", "t1", &[]);
    let stolen = more.said("job-1.b2").clone();
    let at = more.steps.len() - 1;
    more.steps[at].payload = stolen;
    more.set("job-2.steals", "agent_did", did("other agent"));
    more.set("job-2.steals", "bundle_id", "steals");
    let mut payload = good_payload(kind("tool_receipt"));
    set(&mut payload, "agent_did", Some(did("other agent").into()));
    set(&mut payload, "binding.run_id", Some("job-1.r1".into()));
    more.log("tool", "tool_receipt", "other agent", payload);
}

/// What the audit says of one scope: verdict, findings, what is pending, with
/// the names of steps instead of indexes.
fn said_of(report: &Report, scope: &Scope, story: &Story) -> (Verdict, BTreeSet<String>) {
    let report = report.of(scope);
    let names = |entries: &[pulselog::merkle::LeafIndex]| -> Vec<String> {
        entries.iter().map(|at| story.steps[usize::try_from(at.get()).expect("an index")].name.clone()).collect()
    };
    let found = report
        .findings
        .iter()
        .map(|f| format!("{} {:?} {:?} {:?}", f.rule.code, f.effect, f.subject, names(&f.entries)));
    let pending = report.pending.iter().map(|p| format!("{} {:?} {}", p.rule.code, names(&p.entries), p.until_ms));
    (report.verdict, found.chain(pending).collect())
}

fn scopes() -> Vec<Scope> {
    let run = |run: &str| Scope::Run { agent: did("agent"), run: run.to_owned() };
    let tokens = ["t1", "t2"].map(|token| Scope::Token(hex(&format!("job-1.{token}"))));
    [Scope::Job("job-1".to_owned()), run("job-1.r1"), run("job-1.r2")].into_iter().chain(tokens).collect()
}

type Change = fn(&mut Story);

/// Honest and guilty stories of the job.
const STORIES: &[Change] = &[
    |_| {},
    |story| story.move_after("job-1.revoked", "job-1.ok"),
    |story| story.set("job-1.back", "approvals", Value::Array(vec![])),
    |story| drop(story.remove("job-1.sync receipt")),
    |story| drop(story.remove("job-1.b1")),
    |story| story.set("job-1.sync", "cst.token_hash", hex("forged")),
    |story| story.move_after("job-1.t1", "job-1.sync"),
    |story| story.set("job-1.seen", "destination.namespace", "prod"),
    |story| story.set("job-1.r1 call 1", "model", "another"),
    |story| {
        story.job = "job-1".to_owned();
        review(story, "agent", "agent");
    },
];

#[test]
fn nobody_without_a_role_for_a_job_changes_what_the_audit_says_of_it() {
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((random >> 33) % below as u64).expect("small")
    };
    for (number, change) in STORIES.iter().enumerate() {
        let mut alone = Story::clean();
        neighbours(&mut alone);
        let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
        alone.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
        change(&mut alone);
        let before = alone.audit();
        let said = said_without_a_role(&alone);
        for round in 0..4 {
            let mut mixed = alone.clone();
            for step in &said {
                let after = mixed.steps[1 + next(mixed.steps.len() - 1)].name.clone();
                mixed.insert_after(&after, step.clone());
            }
            let timeline = mixed.timeline();
            let report = pulselog::audit::audit(&timeline, Some(&operator()));
            for scope in scopes() {
                let (was, is) = (said_of(&before, &scope, &alone), said_of(&report, &scope, &mixed));
                assert_eq!(was, is, "story {number}, round {round}, {scope}");
            }
            same_from_its_own_entries(&timeline, timeline.size(), &scopes());
        }
        assert_eq!(before.job("job-1") == Verdict::Pass, number == 0, "story {number}");
    }
}
