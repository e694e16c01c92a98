//! Golden logs about whom a statement may charge: beside the job works another
//! agent, with a wrapper, an approver and an observer of its own, and one of
//! them names the job that is none of theirs.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::tokens::{bundle_again, call_again};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{Story, binds, nonce};
use crate::make::{did, good_payload, hex, kind, set, value};

/// The other agent plays its own job, job-2, after the first.
pub fn neighbours(story: &mut Story) {
    let from = story.steps.len();
    story.job("job-2", "other agent");
    for at in from..story.steps.len() {
        let name = story.steps[at].name.clone();
        match story.steps[at].kind {
            "argocd_decision" | "argocd_receipt" => story.signed_by(&name, "other wrapper"),
            "argocd_observation" => story.set(&name, "initiator.username", "proj:orders:agent"),
            _ => {}
        }
    }
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    for (list, row) in [
        ("wrappers", format!(r#"{{"did":"{}","agents":["{}"]}}"#, did("other wrapper"), did("other agent"))),
        ("approvers", format!(r#"{{"did":"{}","instances":["argocd-dev"]}}"#, did("other approver"))),
        ("observers", r#"{"submitter":"other-observer","instance":"argocd-dev","channels":["notify"]}"#.to_owned()),
        ("agents", agent_row(story, "proj:orders:agent")),
    ] {
        let mut rows = story.said("roots").get(list).and_then(Value::as_array).expect("rows").to_vec();
        rows.push(value(&row));
        story.set("roots", list, Value::Array(rows));
    }
}

/// The other agent as the roots list it.
fn agent_row(story: &Story, username: &str) -> String {
    let rows = story.said("roots").get("agents").and_then(Value::as_array).expect("rows");
    let policy = rows[0].text_at("default_policy").expect("a policy");
    format!(
        r#"{{"did":"{}","default_policy":"{policy}","policies":["{policy}"],"usernames":[
        {{"instance":"argocd-prod","username":"{username}"}},{{"instance":"argocd-dev","username":"{username}"}}]}}"#,
        did("other agent"),
    )
}

/// One more decision by the other agent's wrapper that names the first job.
pub fn names_the_job(story: &mut Story, name: &str, verdict: &str, token: Option<&str>) {
    story.decide(name, verdict, "r1", "t1", "sync", None);
    let name = format!("job-2.{name}");
    story.signed_by(&name, "other wrapper");
    story.set(&name, "job_id", "job-1");
    story.set(&name, "binds", value(&binds("job-1", "sync")));
    match token {
        Some(token) => story.set(&name, "cst.token_hash", token),
        None => story.unset(&name, "cst"),
    }
}

/// What the other agent's wrapper says came of a decision.
pub fn says_accepted(story: &mut Story, name: &str, decision: &str) {
    story.receipt(name, "sync", "accepted", None);
    let name = format!("job-2.{name}");
    story.set(&name, "decision_digest", format!("@{decision}"));
    story.signed_by(&name, "other wrapper");
}

/// An approval or deny that names the first job, by this approver.
pub fn approval(story: &mut Story, name: &str, decision: &str, by: &str, agent: &str) {
    story.approve(name, decision, "sync");
    let name = format!("job-2.{name}");
    story.signed_by(&name, by);
    story.set(&name, "binds", value(&binds("job-1", "sync")));
    story.set(&name, "agent_did", did(agent));
}

/// One approval id given twice on an instance that is none of the agent's.
fn id_twice(story: &mut Story, ids: [&str; 2]) {
    for (name, id) in ["one", "two"].into_iter().zip(ids) {
        approval(story, name, "approve", "other approver", "agent");
        let name = format!("job-2.{name}");
        story.set(&name, "binds.instance", "argocd-dev");
        story.set(&name, "approval_id", id);
    }
}

/// Both agents act under one username; the other's wrapper says that this
/// operation was its own.
fn claims_the_operation(story: &mut Story, key: &str) {
    neighbours(story);
    story.set("roots", "agents[1].usernames[0].username", "proj:payments:agent");
    story.set("job-2.back seen", "initiator.username", "proj:payments:agent");
    story.remove("job-2.seen");
    story.set("job-2.sync receipt", "op_key", format!("#{key}"));
    story.unset("job-1.seen", "info");
    for name in ["job-2.t1", "job-2.ok", "job-2.sync", "job-2.sync receipt"].into_iter().rev() {
        story.move_after(name, "job-1.ok");
    }
}

/// The agent's username is on another instance after a step, and back on its
/// own after the rollback's approval, or with the next roots.
fn moves_away(story: &mut Story, after: &str) {
    let path = "agents[0].usernames[0].instance";
    story.roots_again("away", path, "argocd-dev".into());
    story.last_after(after);
    story.roots_again("back again", path, "argocd-prod".into());
    story.last_after(if after == "b2" { "away" } else { "back ok" });
}

/// A freeze on record, by somebody with that role, that names a job.
fn freeze(story: &mut Story, job: &str) {
    neighbours(story);
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "job_id", Some(job.into()));
    set(&mut record, "nonce", Some(nonce("freeze").into()));
    story.log("freeze", "change_record", "recorder", record);
}

pub static ROWS: &[Golden] = &[
    golden(
        "another agent's wrapper names the job under its own token",
        |story| {
            neighbours(story);
            story.set("job-2.sync", "job_id", "job-1");
            story.set("job-2.sync", "binds", value(&binds("job-1", "sync")));
            story.set("job-2.ok", "binds", value(&binds("job-1", "sync")));
        },
        &["REPLAY_JOB_MISMATCH", "REPLAY_RUN_ID_REUSED"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "another agent's wrapper names the job under a token that nobody issued",
        |story| {
            neighbours(story);
            names_the_job(story, "more", "allow", Some(&hex("nobody's")));
            says_accepted(story, "more receipt", "job-2.more");
        },
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(neighbours),
    golden(
        "another agent's wrapper names the job under its token, before that is issued",
        |story| {
            neighbours(story);
            names_the_job(story, "more", "allow", Some(&hex("job-1.t1")));
            story.last_after("policy");
        },
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass)])
    .beside(neighbours),
    golden(
        "another agent's wrapper names the job in a deny that it says was accepted",
        |story| {
            neighbours(story);
            names_the_job(story, "no", "deny", None);
            says_accepted(story, "no receipt", "job-2.no");
        },
        &["DENY_THEN_ACCEPTED"],
        Pass,
    )
    .beside(|story| {
        neighbours(story);
        names_the_job(story, "no", "deny", None);
    }),
    golden(
        "another agent's wrapper has a receipt for the decision before it is logged",
        |story| {
            neighbours(story);
            says_accepted(story, "early", "job-1.sync");
            story.last_after("job-1.ok");
        },
        &["RECEIPT_WITHOUT_DECISION"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "another agent's wrapper has a receipt for a deny of the job, before it is logged",
        |story| {
            neighbours(story);
            says_accepted(story, "early", "job-1.edit");
            story.last_after("policy");
        },
        &["RECEIPT_WITHOUT_DECISION"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "another agent's wrapper uses the job's approval",
        |story| {
            neighbours(story);
            story.set("job-2.sync", "approvals", Value::Array(vec!["@job-1.ok".into()]));
            for name in ["job-2.t1", "job-2.sync"].into_iter().rev() {
                story.move_after(name, "job-1.ok");
            }
        },
        &["APPROVAL_UNEQUAL"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "another agent's wrapper says that the job's operation was its own",
        |story| claims_the_operation(story, "job-1.sync"),
        &[],
        Pass,
    )
    .beside(|story| claims_the_operation(story, "job-2.sync")),
    golden(
        "the wrapper names another agent's job under the job's token",
        |story| {
            neighbours(story);
            story.set("job-1.sync", "job_id", "job-2");
        },
        &["REPLAY_JOB_MISMATCH", "REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .beside(neighbours),
    golden(
        "an approver of another instance gives one id twice, with the job in it",
        |story| {
            neighbours(story);
            id_twice(story, ["same", "same"]);
        },
        &["REPLAY_APPROVAL_ID_REUSED"],
        Pass,
    )
    .beside(|story| {
        neighbours(story);
        id_twice(story, ["one", "another"]);
    }),
    golden(
        "an approval for another agent has the id of the job's",
        |story| {
            neighbours(story);
            approval(story, "first", "approve", "approver", "other agent");
            story.set("job-2.first", "approval_id", "job-1.ok");
            story.last_after("policy");
        },
        &["REPLAY_APPROVAL_ID_REUSED"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "a deny for another agent, with the job's own binds",
        |story| {
            neighbours(story);
            approval(story, "no", "deny", "second approver", "other agent");
            story.last_after("job-1.ok");
        },
        &[],
        Pass,
    )
    .beside(neighbours),
    golden(
        "approved while the agent had no username on the instance",
        |story| moves_away(story, "r2 call 1"),
        &["APPROVAL_MISSING"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| moves_away(story, "b2")),
    golden(
        "another agent's model call names the job's run and has the id of its receipt",
        |story| {
            neighbours(story);
            story.set("job-2.r1 call 1", "binding.run_id", "job-1.r1");
            story.set("job-2.r1 call 1", "receipt_id", "job-1.r1 call 1");
            story.remove("job-2.b1");
            story.job = "job-2".to_owned();
            story.bundle("b1", "r1", "t1", &[1]);
            for name in ["job-2.t1", "job-2.r1 call 1"].into_iter().rev() {
                story.move_after(name, "policy");
            }
        },
        &["RECEIPT_OF_ANOTHER_RUN", "REPLAY_RECEIPT_ID_REUSED"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass)])
    .beside(neighbours),
    golden(
        "a model call whose run id ends in a blank",
        |story| {
            call_again(story);
            story.last_after("r1 call 1");
            story.set("r1 call 2", "binding.run_id", "job-1.r1 ");
        },
        &["MODEL_CALL_UNPLACED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| {
        call_again(story);
        story.last_after("r1 call 1");
        bundle_again(story, &[1, 2]);
    }),
    golden("a change on record names a job that no token is for", |story| freeze(story, "job-x"), &[], Pass)
        .beside(|story| freeze(story, "job-1")),
];
