//! Golden logs about what Argo CD shows besides operations: refused calls, looks
//! at its applications, freezes.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, lost_and_seen, silent, tick};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, binds, nonce, time};
use crate::make::{did, good_payload, hex, kind, set, value};

/// The server's log tells of a call by the agent's user that it refused.
fn refused(story: &mut Story, method: &str) {
    let channels = Value::Array(["notify", "poll", "server_log"].map(Value::from).to_vec());
    story.set("roots", "observers[0].channels", channels);
    story.wait(SETTLED_MS);
    let mut payload = value(&format!(
        r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"server_log","instance":"argocd-prod",
        "event":"denial","app":{{}},"raw_digest":"{}","method":"/application.ApplicationService/{method}",
        "code":"PermissionDenied","subject":"proj:payments:agent"}}"#,
        nonce("refused"),
        hex("refused"),
    ));
    of_the_app(&mut payload);
    story.log("refused", "argocd_observation", "", payload);
    story.submitted_by("refused", "observer");
    tick(story);
}

/// About the application that everything is about.
fn of_the_app(payload: &mut Value<'static>) {
    let app = value(&binds("job-1", "sync")).get("app").expect("an application").clone();
    set(payload, "app", Some(app));
}

/// One look at the application.
fn look(story: &mut Story, name: &str, history: u32, op: &str) {
    let mut payload = value(&format!(
        r#"{{"argocd_snapshot_version":"1","nonce":"{}","channel":"poll","instance":"argocd-prod","taken_at":"{}",
        "full":true,"rows":[{{"spec_digest":"{}","auto_sync":"on","history_id":{history},"op_key":"{}"}}],
        "rows_total":1,"rows_digest":"{digest}"}}"#,
        nonce(name),
        time(story.now_ms()),
        hex("spec"),
        hex(op),
        digest = hex(op),
    ));
    let app = value(&binds("job-1", "sync")).get("app").expect("an application").clone();
    set(&mut payload, "rows[0].app", Some(app));
    story.log(name, "argocd_snapshot", "", payload);
    story.submitted_by(name, "observer");
}

/// Looks that find nothing new, as often as a poller owes them.
fn nothing_new(story: &mut Story, name: &str) {
    for at in 0..3 {
        story.wait(300_000);
        let name = format!("{name} {at}");
        look(story, &name, 0, "nothing");
        story.set(&name, "full", false);
        story.set(&name, "rows", Value::Array(vec![]));
    }
}

/// A sync that its wrapper says was taken, between two looks.
fn phantom(story: &mut Story, history: u32, last: &str) {
    taken(story);
    nothing_new(story, "more heard");
    look(story, "second look", history, last);
}

/// A sync that its wrapper says was taken, after a look.
fn taken(story: &mut Story) {
    closed(story);
    story.wait(SETTLED_MS);
    look(story, "look", 7, "an operation of last week");
    lost(story, "more");
    story.set("more receipt", "outcome", "accepted");
}

/// The same, where it did not happen, and another one took its place later.
fn phantom_then_others(story: &mut Story) {
    phantom(story, 7, "an operation of last week");
    story.wait(100_000);
    look(story, "third look", 8, "an operation of today");
}

/// Two looks, and so long between them.
fn looks_apart(story: &mut Story, last: &str) {
    look(story, "look", 7, "an operation of last week");
    story.wait(900_000);
    look(story, "second look", 7, last);
}

/// Two reports of deployments with these entries of the history.
fn entries_of(story: &mut Story, [first, second]: [u32; 2]) {
    story.wait(SETTLED_MS);
    for (name, history) in [("one", first), ("two", second)] {
        story.observe(name, name, "sync", false);
        story.set(name, "initiator.username", "admin");
        story.set(name, "history_id", history);
        story.wait(10_000);
    }
}

/// The bundle of the first run names one ticket, a person's change another.
fn two_tickets(story: &mut Story, key: &str) {
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    story.set("b1", "metadata.pulselog.change_ref", value(r#"{"system":"jira","key":"PAY-1"}"#));
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "job_id", Some("job-1".into()));
    set(&mut record, "change_ref.system", Some("jira".into()));
    set(&mut record, "change_ref.key", Some(key.into()));
    story.log("change", "change_record", "recorder", record);
}

/// A person freezes the application; then one channel sees it so.
fn freeze(story: &mut Story, seen: &[&str]) {
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "what", Some("freeze".into()));
    of_the_app(&mut record);
    story.log("freeze", "change_record", "recorder", record);
    for after in seen {
        let before = if *after == "on" { "off" } else { "on" };
        let name = format!("seen {after}");
        let mut payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"poll","instance":"argocd-prod",
            "event":"auto_sync","app":{{}},"raw_digest":"{}","before":"{before}","after":"{after}"}}"#,
            nonce(&name),
            hex(&name),
        ));
        of_the_app(&mut payload);
        story.log(&name, "argocd_observation", "", payload);
        story.submitted_by(&name, "observer");
    }
}

/// The poller found an entry of the history, and its operation is gone.
fn entry(story: &mut Story, name: &str) {
    story.set(name, "channel", "poll");
    story.set(name, "history_id", 12_u32);
    ["operation_digest", "op_key"].iter().for_each(|shown| story.unset(name, shown));
}

/// The line says when the call was made.
pub fn refused_when_nothing_was_decided(story: &mut Story) {
    refused(story, "Sync");
    let at = time(story.now_ms() - 900_000);
    story.set("refused", "at", at);
}

/// The roots give the agent's username to another agent, too.
fn two_of_one_name(story: &mut Story) {
    let mut rows = story.said("roots").get("agents").and_then(Value::as_array).expect("rows").to_vec();
    let mut other = rows[0].clone();
    set(&mut other, "did", Some(did("other agent").into()));
    rows.push(other);
    story.set("roots", "agents", Value::Array(rows));
}

pub static ROWS: &[Golden] = &[
    golden(
        "a job whose bundle names another ticket than a person's change",
        |story| two_tickets(story, "PAY-2"),
        &["TICKET_MISMATCH"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass)])
    .beside(|story| two_tickets(story, "PAY-1")),
    golden(
        "undecided, and over before anybody looked: an entry of the history alone",
        |story| {
            silent(story);
            closed(story);
            entry(story, "silent");
        },
        &["UNREPORTED_ACTION"],
        Pass,
    )
    // The wrapper's receipt names the operation, and nobody saw it run.
    .beside(|story| {
        lost_and_seen(story);
        story.set("more receipt", "outcome", "accepted");
        story.set("more receipt", "op_key", hex("an operation that is gone"));
        entry(story, "more seen");
    }),
    golden("undecided, and its observer was there", silent, &["UNREPORTED_ACTION"], Incomplete).beside(|story| {
        silent(story);
        story.set("silent", "backfill", true);
    }),
    golden(
        "refused at a time when nothing of the sort was decided",
        refused_when_nothing_was_decided,
        &["UNLOGGED_ATTEMPT"],
        Incomplete,
    )
    .beside(|story| {
        refused(story, "Sync");
        story.set("refused", "at", time(START_MS + 20_000));
        story.set("refused", "object", "payments/payments-api");
        story.unset("refused", "app");
    }),
    golden(
        "the server refused the agent's user a call that nobody decided",
        |story| refused(story, "Delete"),
        &["UNLOGGED_ATTEMPT"],
        Pass,
    )
    // The wrapper looks, and may be refused a look.
    .beside(|story| refused(story, "ResourceTree")),
    golden(
        "refused, and decided of another application alone",
        |story| {
            refused(story, "Sync");
            story.set("refused", "app.uid", "another");
        },
        &["UNLOGGED_ATTEMPT"],
        Pass,
    )
    .beside(|story| refused(story, "Sync")),
    golden(
        "refused, under a name that two agents have, and neither decided it",
        |story| {
            two_of_one_name(story);
            refused(story, "TerminateOperation");
        },
        &["UNLOGGED_ATTEMPT"],
        Pass,
    )
    // One of the two did.
    .beside(|story| {
        two_of_one_name(story);
        refused(story, "Sync");
    }),
    golden(
        "refused, before anybody denied it, and another user's refusal",
        |story| {
            refused(story, "TerminateOperation");
        },
        &["UNLOGGED_ATTEMPT"],
        Pass,
    )
    .beside(|story| {
        refused(story, "TerminateOperation");
        story.set("refused", "subject", "somebody");
    }),
    // The denied edit of the clean story.
    golden(
        "refused, under the name that a newer list gives to the agent",
        |story| {
            refused(story, "CreateToken");
            story.set("refused", "method", "/project.ProjectService/CreateToken");
        },
        &["UNLOGGED_ATTEMPT"],
        Pass,
    )
    .beside(|story| refused(story, "UpdateSpec")),
    golden(
        "taken, and the application's last operation is still that of before",
        |story| phantom(story, 7, "an operation of last week"),
        &["PHANTOM_ACTION"],
        Pass,
    )
    .beside(|story| phantom(story, 8, "an operation of today")),
    golden("frozen, seen to be off, and on again", |story| freeze(story, &["off", "on"]), &["CONTROL_REVERTED"], Pass)
        // The order of two channels tells nothing, and nor does what was on before.
        .beside(|story| freeze(story, &["on", "off"])),
    golden(
        "frozen by a person, and on again before anybody wrote down a thaw",
        |story| freeze(story, &["off", "on"]),
        &["CONTROL_REVERTED"],
        Pass,
    )
    .beside(|story| {
        freeze(story, &["off", "on"]);
        let mut thaw = good_payload(kind("change_record"));
        set(&mut thaw, "what", Some("unfreeze".into()));
        of_the_app(&mut thaw);
        story.log("thaw", "change_record", "recorder", thaw);
    }),
    golden(
        "taken, and it never ran: another operation took the last one's place later",
        phantom_then_others,
        &["PHANTOM_ACTION"],
        Pass,
    )
    // A partial sync enters no history, and nothing says that it has to.
    .beside(|story| {
        phantom_then_others(story);
        let part = r#"{"resources":[{"group":"apps","kind":"Deployment","namespace":"prod-canary","name":"web"}]}"#;
        for said in ["more ok", "more"] {
            story.set(said, "binds.params", value(part));
        }
    }),
    golden(
        "nobody looked for a quarter of an hour, and another operation is the application's last",
        |story| looks_apart(story, "an operation of today"),
        &["COVERAGE_GAP"],
        Incomplete,
    )
    // Whatever had been done would have taken the last one's place.
    .beside(|story| looks_apart(story, "an operation of last week")),
    golden(
        "a poller looks no more",
        |story| {
            look(story, "look", 7, "an operation of last week");
            nothing_new(story, "nothing heard");
            entries_of(story, [7, 8]);
            story.wait(900_000);
            story.observe("three", "three", "sync", false);
            story.set("three", "initiator.username", "admin");
        },
        &["COVERAGE_GAP"],
        Incomplete,
    )
    // Who looked once promised nothing.
    .beside(|story| {
        look(story, "look", 7, "an operation of last week");
        entries_of(story, [7, 8]);
        story.wait(900_000);
        story.observe("three", "three", "sync", false);
        story.set("three", "initiator.username", "admin");
    }),
];
