//! Who is told what changed: each once it did, signed, in order, and whatever
//! the target does.

use std::time::{Duration, Instant};

use pulselog::server::config::webhooks::Event;
use pulselog::text::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::make::audit::Story;
use crate::make::hooks::{Answers, Call, Hook, KEY};
use crate::make::service::Service;
use crate::make::told::Told;

/// A story told to a log that tells the hook, from the start.
fn told(hook: &Hook, name: &str) -> (Told, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let target = hook.target(name, dir.path());
    (Told::nothing_with(|config| config.webhooks = vec![target]), dir)
}

/// HMAC-SHA-256 as RFC 2104 writes it, by hashes alone.
fn hmac(key: &str, text: &str) -> String {
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = [0_u8; 64];
        block[..key.len()].copy_from_slice(key.as_bytes());
        block.iter().map(|of| of ^ byte).collect()
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    hex::encode(&Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

#[test]
fn verdicts_and_findings_are_told_as_they_change_signed_and_under_ids_that_anybody_computes() {
    let hook = Hook::start();
    let (told, _dir) = told(&hook, "oncall");
    let story = Story::clean();
    let late = story.at("sync receipt");
    told.tell_steps(&story, 0..late);
    hook.wait("a first verdict on the job", |held| {
        held.taken.iter().any(|call| call.is("verdict.changed") && call.body["scope"]["job"] == "job-1")
    });
    told.tell_steps(&story, late..story.steps.len());
    hook.wait("the job passes, and its bundles", |held| {
        let passes = |scope: &str| {
            let is_of = |call: &&Call| call.is("verdict.changed") && !call.body["scope"][scope].is_null();
            let last = held.taken.iter().rfind(is_of);
            last.is_some_and(|call| call.body["verdict"]["audit"] == "pass")
        };
        passes("job") && passes("bundle")
    });
    // Told since the beginning, each with the verdict that the one before ended with.
    let held = hook.held();
    let mut before = json!(null);
    for call in held.taken.iter().filter(|call| call.is("verdict.changed") && !call.body["scope"]["job"].is_null()) {
        assert_eq!(call.body["previous"], before, "{}", call.text);
        before = call.body["verdict"].clone();
    }
    for call in &held.taken {
        let (time, tag) =
            call.signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("a signature");
        assert_eq!(tag, hmac(KEY, &format!("{time}.{}", call.text)), "{}", call.text);
        let of = &call.body;
        let named = json!([of["origin"], of["type"], of["scope"], of["size"]]).to_string();
        // Members of a scope stand in order already, as do those of the event.
        assert_eq!(of["id"], hex::encode(&Sha256::digest(named)), "{}", call.text);
        assert!(!call.head.contains(KEY) && !call.text.contains(KEY));
    }
    let sizes: Vec<_> = held.taken.iter().map(|call| call.body["size"].as_u64().expect("a size")).collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    let checkpoints: Vec<_> = held.taken.iter().filter(|call| call.is("checkpoint.published")).collect();
    assert!(!checkpoints.is_empty());
    let newest = told.service.get("/checkpoint").text();
    let last = checkpoints.last().expect("one").body["size"].to_string();
    assert_eq!(newest.lines().nth(1), Some(last.as_str()), "the newest is told");
}

#[test]
fn a_finding_is_told_when_it_opens_and_when_it_closes_and_without_words_of_the_evidence() {
    let hook = Hook::start();
    let (told, _dir) = told(&hook, "oncall");
    let mut story = Story::clean();
    // A receipt that does not come in its time is missed until it comes.
    story.move_after("sync receipt", "b2");
    let end = story.at("sync receipt");
    told.tell_steps(&story, 0..end - 1);
    told.service.wait_until(story.now_ms() + 10 * 60_000);
    told.tell_steps(&story, end - 1..end);
    let is_it = |call: &Call, kind: &str| call.is(kind) && call.body["code"] == "RECEIPT_MISSING";
    hook.wait("a finding of the job", |held| held.taken.iter().any(|call| is_it(call, "finding.opened")));
    told.tell_steps(&story, end..story.steps.len());
    hook.wait("the same finding, closed", |held| held.taken.iter().any(|call| is_it(call, "finding.closed")));
    let held = hook.held();
    for call in held.taken.iter().filter(|call| call.is("finding.opened")) {
        for word in ["detail", "reason", "message"] {
            assert!(call.body.get(word).is_none(), "{}", call.text);
        }
    }
}

#[test]
fn what_is_due_by_the_clock_is_told_once_also_over_a_restart() {
    let hook = Hook::start();
    let dir = tempfile::tempdir().expect("a directory");
    let target = hook.target("oncall", dir.path());
    let again = target.clone();
    let mut told = Told::nothing_with(|config| config.webhooks = vec![target]);
    let story = Story::clean();
    told.tell_steps(&story, 0..story.at("sync receipt"));
    let due = |held: &crate::make::hooks::Held| held.taken.iter().filter(|call| call.is("obligation.overdue")).count();
    hook.wait("a verdict", |held| held.taken.iter().any(|call| call.is("verdict.changed")));
    assert_eq!(due(&hook.held()), 0, "nothing is overdue yet");
    told.service.wait_until(story.now_ms() + 3 * 3_600_000);
    hook.wait("what is overdue", |held| due(held) > 0);
    std::thread::sleep(Duration::from_millis(2_500));
    let once = due(&hook.held());
    told.service.stop();
    told.service.try_restart(|config| config.webhooks = vec![again.clone()]).expect("it starts");
    std::thread::sleep(Duration::from_millis(4_000));
    let held = hook.held();
    assert_eq!(due(&held), once);
    let mut ids: Vec<_> =
        held.taken.iter().filter(|call| call.is("obligation.overdue")).map(|c| &c.body["id"]).collect();
    ids.dedup();
    assert_eq!(ids.len(), once);
}

#[test]
fn a_verdict_that_was_under_way_is_told_after_a_restart_though_the_log_has_gone_on() {
    let hook = Hook::start();
    let dir = tempfile::tempdir().expect("a directory");
    let mut target = hook.target("oncall", dir.path());
    target.events = std::iter::once(Event::VerdictChanged).collect();
    let again = target.clone();
    hook.answer(Answers::Status(503));
    let mut told = Told::nothing_with(|config| config.webhooks = vec![target]);
    let story = Story::clean();
    let late = story.at("sync receipt");
    told.tell_steps(&story, 0..late);
    hook.wait("an attempt", |held| !held.refused.is_empty());
    let refused = hook.held().refused[0].clone();
    // Meanwhile the same job goes on, to another verdict.
    told.tell_steps(&story, late..story.steps.len());
    told.service.stop();
    hook.answer(Answers::Takes);
    told.service.try_restart(|config| config.webhooks = vec![again.clone()]).expect("it starts");
    hook.wait("the last verdict", |held| {
        held.taken.iter().any(|call| call.body["scope"]["job"] == "job-1" && call.body["verdict"]["audit"] == "pass")
    });
    let held = hook.held();
    assert_eq!(held.taken[0].text, refused.text, "the same event, byte for byte");
    assert!(held.taken[0].body["size"].as_u64() < Some(story.steps.len() as u64));
}

#[test]
fn a_target_that_does_not_answer_well_holds_up_itself_alone() {
    let (good, bad, lure) = (Hook::start(), Hook::start(), Hook::start());
    let dir = tempfile::tempdir().expect("a directory");
    let targets = vec![bad.target("bad", dir.path()), good.target("good", dir.path())];
    let service = Service::start_with(|config| config.webhooks = targets);
    let mut size = 0;
    for answers in [Answers::Status(500), Answers::Redirect(lure.url.clone()), Answers::Hangs] {
        bad.answer(answers.clone());
        let refused = bad.held().refused.len();
        size += 1;
        service.fill(1);
        good.wait("the other is told", |held| held.taken.iter().any(|call| call.body["size"] == size));
        bad.wait("it is asked", |held| held.refused.len() > refused);
        assert_eq!(bad.held().taken.len(), 0, "{answers:?}");
    }
    let lured = {
        let held = lure.held();
        held.taken.len() + held.refused.len()
    };
    assert_eq!(lured, 0, "no redirect is followed");
    let metrics = service.metrics().text();
    assert!(metrics.contains("pulselog_webhook_attempts_total{target=\"bad\",outcome=\"failed\"}"), "{metrics}");
    assert!(metrics.contains("pulselog_webhook_told_size{target=\"good\"} "), "{metrics}");
    bad.answer(Answers::Takes);
    bad.wait("what it missed", |held| held.taken.iter().any(|call| call.body["size"] == size));
    let held = bad.held();
    let (first, last) = (held.refused.first().expect("one"), held.taken.first().expect("one"));
    assert_eq!(first.body["id"], last.body["id"], "the first event is the first that it takes, under the same id");
    assert_ne!(first.signature, last.signature, "signed anew for every attempt");
}

#[test]
fn a_gigabyte_of_an_answer_is_not_read() {
    let hook = Hook::start();
    let dir = tempfile::tempdir().expect("a directory");
    let target = hook.target("oncall", dir.path());
    hook.answer(Answers::Gigabyte);
    let service = Service::start_with(|config| config.webhooks = vec![target]);
    service.fill(1);
    hook.wait("an event", |held| !held.taken.is_empty());
    std::thread::sleep(Duration::from_secs(2));
    // What lies in the buffers of the two sockets is all that left.
    assert!(hook.held().sent < 32 << 20, "{}", hook.held().sent);
}

#[test]
fn a_service_ends_at_once_while_a_target_hangs() {
    let hook = Hook::start();
    let dir = tempfile::tempdir().expect("a directory");
    let target = hook.target("oncall", dir.path());
    hook.answer(Answers::Hangs);
    let mut service = Service::start_with(|config| config.webhooks = vec![target]);
    service.fill(1);
    hook.wait("an attempt", |held| !held.refused.is_empty());
    let began = Instant::now();
    service.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn after_three_days_of_failures_the_cursor_jumps_and_one_event_says_so() {
    let hook = Hook::start();
    let dir = tempfile::tempdir().expect("a directory");
    let target = hook.target("oncall", dir.path());
    hook.answer(Answers::Status(500));
    let service = Service::start_with(|config| config.webhooks = vec![target]);
    service.fill(3);
    hook.wait("attempts", |held| held.refused.len() > 1);
    let now = i64::try_from(pulselog::server::log::clock::Clock::read(&*service.clock).wall_ms).expect("a time");
    service.wait_until(now + 71 * 3_600_000);
    let refused = hook.held().refused.len();
    hook.wait("another attempt", |held| held.refused.len() > refused);
    assert!(!service.metrics().text().contains("pulselog_webhook_jumps_total{target=\"oncall\"}"));
    service.wait_until(now + 73 * 3_600_000);
    hook.wait("the gap is tried", |held| held.refused.iter().any(|call| call.is("delivery.gap")));
    hook.answer(Answers::Takes);
    hook.wait("the gap", |held| !held.taken.is_empty());
    service.fill(1);
    hook.wait("what comes after", |held| held.taken.iter().any(|call| call.is("checkpoint.published")));
    let held = hook.held();
    let gaps: Vec<_> = held.taken.iter().filter(|call| call.is("delivery.gap")).collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!((&gaps[0].body["from"], &gaps[0].body["to"]), (&json!(0), &json!(3)), "{}", gaps[0].text);
    assert!(held.taken[0].is("delivery.gap"), "before what comes after it");
    assert!(service.metrics().text().contains("pulselog_webhook_jumps_total{target=\"oncall\"} 1"));
}

/// The receiver of docs/WEBHOOKS.md, as it is printed there, takes what is
/// signed and nothing else.
#[test]
fn the_receiver_that_is_printed_takes_what_is_signed_and_nothing_else() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: no python3");
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WEBHOOKS.md")).expect("a page");
    let code = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a receiver");
    let (body, now) = ("{\"a\":1}", 1_700_000_000);
    let header = format!("t={now},v1={}", hmac(KEY, &format!("{now}.{body}")));
    let asks = |header: &str, body: &str, now: u64| {
        let line = format!("{code}\nprint(is_genuine(b'{KEY}', '{header}', b'{body}', {now}))\n");
        let ran = std::process::Command::new("python3").args(["-c", &line]).output().expect("python3 runs");
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    };
    assert_eq!(asks(&header, body, now + 60), "True");
    assert_eq!(asks(&header, "{\"a\":2}", now), "False");
    assert_eq!(asks(&header, body, now + 3_600), "False");
    assert_eq!(asks(&header.replace("t=17", "t=18"), body, now + 100_000_000), "False");
    let tag = header.split_once(",v1=").expect("a tag").1;
    let long = format!("t={},v1={tag}", "9".repeat(5_000));
    let odd = [
        "",
        "x",
        ",",
        "t",
        "t=",
        "v1=",
        "t=x,v1=",
        "=",
        "t=1",
        &long,
        &format!("{header},{header}"),
        &format!("{header}\\n"),
        &format!("t={now}"),
        &format!("v1={tag}"),
        &format!("t=-1,v1={tag}"),
        &format!("t=1e9,v1={tag}"),
        &format!("t={now},v1=\u{e9}"),
        &format!("t={now},v1={}", tag.to_uppercase()),
        &format!("v1={tag},t={now}"),
    ];
    for header in odd {
        assert_eq!(asks(header, body, now), "False", "{header}");
    }
    let line = format!("{code}\nprint(is_genuine(b'{KEY}', None, b'{body}'))\n");
    let ran = std::process::Command::new("python3").args(["-c", &line]).output().expect("python3 runs");
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "False", "no header at all");
}
