//! Golden logs about jobs, tokens and ids that are used once.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, nonce, time};
use crate::make::{b64u, did, good_payload, hex, kind, set};

/// One more model call of the first run, under its grant, at the end.
pub fn call_again(story: &mut Story) {
    story.call("r1", "t1", 2);
    story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
}

pub fn bundle_again(story: &mut Story, calls: &[u32]) {
    story.remove("b1");
    story.bundle("b1", "r1", "t1", calls);
}

/// One more read under the second token, after so many milliseconds.
fn read_later(story: &mut Story, ms: i64) {
    story.wait(ms);
    story.decide("late", "allow", "r2", "t2", "read", None);
    story.set("late", "cst.scope_hash_b64u", story.decided_scope("back"));
    story.receipt("late receipt", "late", "accepted", None);
    story.set("late receipt", "request_digest", hex("read"));
}

/// The first token is revoked only long after it expired.
fn revoked_after_expiry(story: &mut Story) {
    story.remove("revoked");
    story.wait(2_000_000);
    let revocation = story.revocation("t1");
    story.log("job-1.revoked", "cst_revocation", "issuer", revocation);
}

/// The second token's issuance once more, the first time as it was.
fn issued_twice(story: &mut Story, member: &str, new: Value<'static>) {
    let at = story.index("t2") as usize;
    let mut twice = story.steps[at].clone();
    twice.name = "twice".to_owned();
    set(&mut twice.payload, member, Some(new));
    story.insert_after("t2", twice);
}

/// A receipt of the agent's own for the first run, logged alone.
fn tool(story: &mut Story, name: &str, id: &str) {
    let mut payload = good_payload(kind("tool_receipt"));
    set(&mut payload, "receipt_id", Some(id.into()));
    set(&mut payload, "binding.run_id", Some("job-1.r1".into()));
    set(&mut payload, "args_hash_b64u", Some(b64u(name).into()));
    story.log(name, "tool_receipt", "agent", payload);
    story.last_after("r1 call 1");
}

/// A third run that is only packed, under a token.
fn packed_only(story: &mut Story, token: &str) {
    if token == "t3" {
        story.token("t3");
    }
    story.call("r3", token, 1);
    story.bundle("b3", "r3", token, &[1]);
}

/// Another job whose rollback runs under the second token of the first.
fn token_in_another_job(story: &mut Story) {
    story.job("job-2", "agent");
    let scope = story.decided_scope("job-1.back");
    story.set("job-2.back", "cst.token_hash", hex("job-1.t2"));
    story.set("job-2.back", "cst.scope_hash_b64u", scope);
}

pub static ROWS: &[Golden] = &[
    golden("a sync after the revocation", |story| story.move_after("revoked", "ok"), &["TOKEN_REVOKED"], Fail)
        .of(&["stop: later use of a revoked token", "replay: after revocation"])
        .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)]),
    golden(
        "a decision stashed and used after the revocation",
        |story| story.set("seen", "started_at", time(START_MS + 900_000)),
        &["TOKEN_REVOKED"],
        Fail,
    )
    .of(&["stop: later use of a revoked token"])
    .beside(|story| story.set("seen", "started_at", time(START_MS + 200_000))),
    golden(
        "a decision stashed for later",
        |story| story.set("back seen", "started_at", time(START_MS + 900_000)),
        &["OPERATION_OUTSIDE_WINDOW"],
        Fail,
    ),
    golden("a read after the token expired", |story| read_later(story, 901_000), &["TOKEN_EXPIRED"], Fail)
        .of(&["replay: after expiry", "9.2 no window"])
        .beside(|story| read_later(story, 600_000)),
    golden(
        "a token that begins tomorrow",
        |story| story.set("t1", "claims.iat", (START_MS / 1_000 + 600) as u32),
        &["LATE_EVIDENCE", "TOKEN_NOT_YET_VALID"],
        Fail,
    )
    .beside(|story| story.set("t1", "claims.iat", (START_MS / 1_000 + 100) as u32)),
    golden("a token issued after it was used", |story| story.move_after("t1", "read"), &["TOKEN_UNKNOWN"], Fail)
        .of(&["replay: before issuance"]),
    golden(
        "a token that lives longer than its policy allows",
        |story| story.set("t1", "claims.exp", (START_MS / 1_000 + 90_000) as u32),
        &["TOKEN_LIFETIME_TOO_LONG"],
        Fail,
    ),
    golden(
        "an honest bundle, logged late, with a call that the log did not have",
        |story| {
            call_again(story);
            bundle_again(story, &[1, 2]);
        },
        &["LATE_EVIDENCE"],
        Incomplete,
    )
    .beside(|story| bundle_again(story, &[1])),
    golden(
        "a bundle that hides a call after the revocation",
        |story| {
            story.wait(300_000);
            call_again(story);
            bundle_again(story, &[1]);
        },
        &["RECEIPT_NOT_IN_BUNDLE", "TOKEN_REVOKED"],
        Fail,
    )
    .of(&["stop: later use of a revoked token"]),
    golden(
        "a call after the token expired, logged after it was revoked",
        |story| {
            revoked_after_expiry(story);
            call_again(story);
            story.set("r1 call 2", "timestamp", time(START_MS + 1_500_000));
            bundle_again(story, &[1, 2]);
        },
        &["TOKEN_EXPIRED"],
        Fail,
    )
    .beside(revoked_after_expiry),
    golden(
        "two tokens in one run",
        |story| {
            story.set("back", "run_id", "job-1.r1");
            story.set("b2", "metadata.pulselog.token_hashes", Value::Array(vec![hex("job-1.t2").into()]));
        },
        &["TOKEN_REUSED"],
        Fail,
    )
    .of(&["rollback: with a token of another run"]),
    golden(
        "one token in two runs",
        |story| {
            story.set("back", "cst.token_hash", hex("job-1.t1"));
            story.set("back", "cst.scope_hash_b64u", story.decided_scope("sync"));
            story.move_after("revoked", "b2");
        },
        &["TOKEN_CONTROL_SCOPE_HASH_MISMATCH", "TOKEN_REUSED"],
        Fail,
    )
    .of(&["rollback: with a token of another run"]),
    golden("one token in a run that is only packed", |story| packed_only(story, "t2"), &["TOKEN_REUSED"], Fail)
        .beside(|story| packed_only(story, "t3")),
    golden(
        "a run packed without a token",
        |story| {
            packed_only(story, "t3");
            story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![]));
        },
        &["RUN_WITHOUT_TOKEN"],
        Incomplete,
    )
    .runs(&[("agent", "r3", Incomplete)])
    .beside(|story| packed_only(story, "t3")),
    golden(
        "a token issued again with other claims",
        |story| issued_twice(story, "claims.exp", Value::from((START_MS / 1_000 + 1_700) as u32)),
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .beside(|story| story.token("t3")),
    golden(
        "a token of one job under another",
        token_in_another_job,
        &["REPLAY_JOB_MISMATCH", "TOKEN_CONTROL_SCOPE_HASH_MISMATCH", "TOKEN_REUSED"],
        Fail,
    )
    .of(&["replay: token under another job"])
    .beside(|story| story.job("job-2", "agent")),
    golden(
        "a run of one job under another",
        |story| {
            story.job("job-2", "agent");
            story.set("job-2.back", "run_id", "job-1.r2");
        },
        &["REPLAY_RUN_ID_REUSED", "TOKEN_REUSED"],
        Pass,
    )
    .of(&["replay: run under another job"])
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| story.job("job-2", "agent")),
    golden(
        "a decision that says another job",
        |story| story.set("sync", "job_id", "job-x"),
        &["REPLAY_JOB_MISMATCH", "REPLAY_RUN_ID_REUSED"],
        Fail,
    ),
    golden(
        "a bundle that says another job",
        |story| story.set("b1", "metadata.pulselog.job_id", "job-x"),
        &["REPLAY_JOB_MISMATCH"],
        Fail,
    )
    .of(&["9.2 no job id to compare"]),
    golden(
        "a bundle that says no job",
        |story| story.unset("b1", "metadata.pulselog.job_id"),
        &["REPLAY_JOB_MISMATCH"],
        Fail,
    )
    .of(&["9.2 no job id to compare"]),
    golden(
        "a decision that names another grant",
        |story| story.set("sync", "cst.scope_hash_b64u", b64u("wider")),
        &["TOKEN_CONTROL_SCOPE_HASH_MISMATCH"],
        Fail,
    )
    .of(&["9.2 no scope hash compared"]),
    golden(
        "a model call under a grant that nobody issued",
        |story| {
            story.set("r1 call 1", "binding.token_scope_hash_b64u", b64u("wider"));
            bundle_again(story, &[1]);
        },
        &["TOKEN_UNKNOWN"],
        Fail,
    )
    .of(&["9.2 no scope hash compared"]),
    golden(
        "a run packed twice",
        |story| {
            story.bundle("b3", "r2", "t2", &[1]);
            story.unset("b3", "metadata.pulselog.token_hashes");
        },
        &["REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .of(&["9.2 replay tables that nobody else sees"])
    .beside(|story| story.bundle("b3", "r2", "t2", &[1])),
    golden(
        "a gateway's receipt id twice",
        |story| {
            story.call("r2", "t2", 2);
            story.set("r2 call 2", "receipt_id", "job-1.r2 call 1");
            story.remove("b2");
            story.bundle("b2", "r2", "t2", &[1, 2]);
        },
        &["REPLAY_RECEIPT_ID_REUSED"],
        Fail,
    )
    .of(&["replay: receipt", "9.2 replay tables that nobody else sees"])
    .beside(|story| {
        story.call("r2", "t2", 2);
        story.remove("b2");
        story.bundle("b2", "r2", "t2", &[1, 2]);
    }),
    golden(
        "a tool receipt's id twice",
        |story| {
            tool(story, "tool 1", "tr-1");
            tool(story, "tool 2", "tr-1");
        },
        &["REPLAY_RECEIPT_ID_REUSED"],
        Fail,
    )
    .of(&["replay: receipt"])
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| {
        tool(story, "tool 1", "tr-1");
        tool(story, "tool 2", "tr-2");
    }),
    golden(
        "an approval's id twice",
        |story| story.set("back ok", "approval_id", "job-1.ok"),
        &["REPLAY_APPROVAL_ID_REUSED"],
        Fail,
    ),
    golden(
        "a run and its receipts signed again by a thief",
        |story| {
            story.bundle("stolen", "r1", "t1", &[1]);
            story.signed_by("stolen", "thief");
            story.set("stolen", "agent_did", did("thief"));
        },
        &["RECEIPT_OF_ANOTHER_AGENT", "TOKEN_CONTROL_SUBJECT_MISMATCH"],
        Pass,
    )
    .of(&["7.8 chain and receipts copied by another agent", "9.2 stolen chain signed again"])
    .runs(&[("agent", "r1", Pass), ("thief", "r1", Fail)]),
    golden(
        "a bundle that names a token that nobody issued",
        |story| {
            packed_only(story, "t3");
            story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![hex("made up").into()]));
            story.set("b3", "metadata.pulselog.nonce", nonce("b3"));
        },
        &["TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r3", Fail)])
    .beside(|story| packed_only(story, "t3")),
];
