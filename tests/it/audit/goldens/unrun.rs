//! Golden logs about model calls under a grant of which nobody tells a run.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::calls::later;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;

/// A third token, and a model call under it that names no run.
fn called(story: &mut Story) {
    story.token("t3");
    story.call("r3", "t3", 1);
    story.unset("r3 call 1", "binding.run_id");
}

/// The same, in a run that holds it.
fn packed(story: &mut Story) {
    called(story);
    story.bundle("b3", "r3", "t3", &[1]);
}

/// The same in a run that holds one, while another was cut short; the bundle
/// lists its token or none.
fn aborted(story: &mut Story, lists_token: bool) {
    packed(story);
    story.call("r3", "t3", 2);
    story.set(
        "r3 call 2",
        "binding.token_scope_hash_b64u",
        story.said("r3 call 1").text_at("binding.token_scope_hash_b64u").expect("a grant").to_owned(),
    );
    story.unset("r3 call 2", "binding.run_id");
    if !lists_token {
        story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![]));
    }
    later(story);
}

pub static ROWS: &[Golden] = &[
    golden("a model call that names no run, and its grant has none", called, &["MODEL_CALL_UNPLACED"], Incomplete)
        .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
        .beside(packed),
    golden(
        "a model call that names no run, and an hour after its token's end its grant has none",
        |story| {
            called(story);
            later(story);
        },
        &["BUNDLE_MISSING", "MODEL_CALL_UNPLACED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| {
        packed(story);
        later(story);
    }),
    golden(
        "a model call cut short that names no run, beside a run that lists its token",
        |story| aborted(story, true),
        &["MODEL_CALL_UNPLACED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass), ("agent", "r3", Incomplete)])
    .beside(packed),
    golden(
        "a model call cut short that names no run, beside a run that lists no token",
        |story| aborted(story, false),
        &["MODEL_CALL_UNPLACED", "RUN_WITHOUT_TOKEN"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass), ("agent", "r3", Incomplete)])
    .beside(packed),
];

#[test]
fn a_grant_without_a_run_owes_its_bundle_until_an_hour_after_its_end() {
    let mut story = Story::clean();
    called(&mut story);
    let report = story.audit();
    let pending: Vec<_> = report.pending.iter().map(|pending| pending.rule.code).collect();
    assert_eq!(pending, ["BUNDLE_MISSING"], "{report:#?}");
}
