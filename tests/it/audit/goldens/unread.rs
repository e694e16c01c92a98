//! Golden logs about parts of the server's log that were read, and what lies
//! between them.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::Pass;

use crate::audit::goldens::reconciled::{SETTLED_MS, tick};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{Story, nonce, time};
use crate::make::{good_payload, hex, kind, value};

/// Longest part that one observation tells of, and longest silence.
pub const PART_MS: i64 = 240_000;
pub const SILENCE_MS: i64 = 300_000;

/// Whoever reads the server's log says so from now on.
pub fn read_by_observer(story: &mut Story) {
    let channels = Value::Array(["notify", "poll", "server_log"].map(Value::from).to_vec());
    story.set("roots", "observers[0].channels", channels);
    story.wait(SETTLED_MS);
}

/// A part of the server's log, by the times of its first and last line.
pub fn part(story: &mut Story, name: &str, from: i64, until: i64) {
    let payload = value(&format!(
        r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"server_log","instance":"argocd-prod",
        "event":"log_read","raw_digest":"{}","from":"{}","until":"{}","lines":12,"unread":0,"unnamed":0,
        "tokenless":0}}"#,
        nonce(name),
        hex(name),
        time(from),
        time(until),
    ));
    story.log(name, "argocd_observation", "", payload);
    story.submitted_by(name, "observer");
}

/// Two parts, and a quarter of an hour that nobody read.
pub fn unread(story: &mut Story) {
    two_parts(story);
}

/// When that quarter of an hour begins.
fn two_parts(story: &mut Story) -> i64 {
    read_by_observer(story);
    let from = story.now_ms();
    story.wait(PART_MS);
    part(story, "part", from, from + PART_MS);
    story.wait(900_000 + PART_MS);
    part(story, "later part", from + PART_MS + 900_000, from + 2 * PART_MS + 900_000);
    from + PART_MS
}

/// Two parts, one right after the other, and then none.
fn read_and_left(story: &mut Story) {
    read_by_observer(story);
    let from = story.now_ms();
    for (at, name) in ["part", "next part"].into_iter().enumerate() {
        let from = from + at as i64 * PART_MS;
        story.wait(PART_MS);
        part(story, name, from, from + PART_MS);
    }
}

pub static ROWS: &[Golden] = &[
    golden("nobody read the server's log for a while", unread, &["SERVER_LOG_GAP"], Pass)
        // It was fed to the reader later.
        .beside(|story| {
            let from = two_parts(story);
            story.wait(PART_MS);
            part(story, "fed later", from, from + 900_000);
            part(story, "newest", from + PART_MS + 900_000, from + 2 * PART_MS + 900_000);
        }),
    golden(
        "nobody reads the server's log any more",
        |story| {
            read_and_left(story);
            tick(story);
        },
        &["SERVER_LOG_GAP"],
        Pass,
    )
    // The newest entry is hardly later.
    .beside(|story| {
        read_and_left(story);
        story.wait(SILENCE_MS + PART_MS);
        story.log("a look", "argocd_snapshot", "", good_payload(kind("argocd_snapshot")));
        story.submitted_by("a look", "observer");
    }),
];
