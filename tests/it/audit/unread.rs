//! What parts of the server's log that were read say of those that were not, and
//! whose verdict that moves.

use pulselog::artifact::json::Value;
use pulselog::audit::{Finding, Report, Scope, Verdict};

use crate::audit::goldens::story_of;
use crate::audit::goldens::unread::{PART_MS, part, read_by_observer, unread};
use crate::make::audit::{Story, time};
use crate::make::{did, set, value};

const CODE: &str = "SERVER_LOG_GAP";

fn gaps(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.rule.code == CODE).collect()
}

#[track_caller]
fn passes(report: &Report) {
    assert_eq!((gaps(report), report.verdict), (Vec::new(), Verdict::Pass), "{report:#?}");
}

/// Where coverage says this.
fn covered(report: &Report, what: &str) -> usize {
    report.coverage.iter().filter(|row| row.what.contains(what)).map(|row| row.entries.len()).sum()
}

/// Parts that begin and end so many milliseconds after the first.
fn read_parts(times: &[(i64, i64)]) -> Story {
    let mut story = Story::clean();
    read_by_observer(&mut story);
    let first = story.now_ms();
    story.wait(PART_MS);
    for (from, until) in times {
        story.wait(PART_MS);
        part(&mut story, &format!("part {from} {until}"), first + from, first + until);
    }
    story
}

#[test]
fn a_time_that_nobody_read_is_named_and_opens_the_log_and_each_agent_and_no_job() {
    let mut story = Story::clean();
    unread(&mut story);
    let report = story.audit();
    let found = gaps(&report);
    let from = story.said("part").text_at("until").expect("a time").to_owned();
    let to = story.said("later part").text_at("from").expect("a time").to_owned();
    // Once of who read, and once of each agent.
    let agents: Vec<_> = found.iter().filter_map(|finding| finding.subject.agent.clone()).collect();
    assert!(agents.contains(&did("agent")) && agents.len() + 1 == found.len(), "{report:#?}");
    assert!(found.iter().all(|gap| gap.detail.ends_with(&format!("from {from} to {to}"))), "{found:?}");
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.of(&Scope::Agent(did("agent"))).verdict, Verdict::Incomplete);
    assert_eq!(report.of(&Scope::Job("job-1".to_owned())).verdict, Verdict::Pass);
    assert_eq!(covered(&report.of(&Scope::Job("job-1".to_owned())), "while nobody read its server's log"), 2);
    assert_eq!(covered(&report, "begin and end what was read"), 2);
}

#[test]
fn since_when_nobody_reads_is_named_once_the_log_has_gone_on() {
    let report = story_of(&["nobody reads the server's log any more"]).audit();
    let found = gaps(&report);
    assert!(!found.is_empty() && found.iter().all(|gap| gap.detail.contains("nobody has read")), "{found:?}");
}

#[test]
fn parts_that_touch_overlap_or_come_in_another_order_are_one_piece() {
    for times in [
        &[(0, 100_000), (100_000, 240_000), (240_000, 480_000)][..],
        &[(0, 240_000), (120_000, 300_000), (150_000, 200_000), (300_000, 480_000)],
        &[(240_000, 480_000), (0, 240_000)],
    ] {
        let report = read_parts(times).audit();
        passes(&report);
        assert!(covered(&report, "begin and end what was read") <= 2, "{times:?}");
    }
    assert!(!gaps(&read_parts(&[(0, 100_000), (102_000, 480_000)]).audit()).is_empty());
}

#[test]
fn one_part_alone_has_no_gap_and_nor_has_an_instance_that_nobody_reads() {
    let mut story = read_parts(&[(0, 240_000)]);
    story.wait(3_600_000);
    story.observe("seen", "seen", "sync", false);
    assert!(gaps(&story.audit()).is_empty());
    let report = Story::clean().audit();
    passes(&report);
    assert_eq!(covered(&report, "of which no part was read"), 1);
    assert_eq!(covered(&read_parts(&[(0, 240_000)]).audit(), "of which no part was read"), 0);
}

#[test]
fn a_part_that_nobody_can_have_read_yet_hides_no_silence() {
    let mut story = read_parts(&[(0, 100_000), (100_000, 240_000)]);
    let at = story.now_ms() + 7_200_000;
    part(&mut story, "of tonight", at, at + PART_MS);
    story.wait(1_800_000);
    part(&mut story, "of tonight, again", at, at + PART_MS + 1_000);
    let report = story.audit();
    assert!(gaps(&report).iter().any(|gap| gap.detail.contains("nobody has read")), "{report:#?}");
}

#[test]
fn who_may_not_speak_of_the_servers_log_fills_no_gap() {
    let mut story = Story::clean();
    unread(&mut story);
    let until = story.said("part").text_at("until").expect("a time").to_owned();
    let now = story.now_ms();
    part(&mut story, "a stranger's", now, now);
    story.submitted_by("a stranger's", "stranger");
    story.set("a stranger's", "from", until);
    story.set("a stranger's", "until", time(now));
    assert!(!gaps(&story.audit()).is_empty());
}

#[test]
fn what_no_line_of_a_part_tells_is_coverage() {
    let mut story = read_parts(&[(0, 100_000), (100_000, 240_000)]);
    let before = story.audit();
    story.set("part 0 100000", "unread", 3_u32);
    story.set("part 100000 240000", "unnamed", 1_u32);
    let report = story.audit();
    for what in ["that are no JSON", "that name nobody"] {
        assert_eq!((covered(&before, what), covered(&report, what)), (0, 1), "{what}");
    }
    passes(&report);
}

#[test]
fn many_times_that_nobody_read_are_one_finding_each_and_one_of_each_agent() {
    let mut story = Story::clean();
    read_by_observer(&mut story);
    let row = story.said("roots").get("agents").and_then(Value::as_array).expect("rows")[0].clone();
    let rows = (0..30).map(|n| {
        let mut row = row.clone();
        if n > 0 {
            set(&mut row, "did", Some(did(&format!("agent {n}")).as_str().into()));
            let name = format!(r#"[{{"instance":"argocd-prod","username":"proj:p:a{n}"}}]"#);
            set(&mut row, "usernames", Some(value(&name)));
        }
        row
    });
    story.set("roots", "agents", Value::Array(rows.collect()));
    for n in 0..100 {
        story.wait(20_000);
        let at = story.now_ms();
        part(&mut story, &format!("part {n}"), at - 1_000, at);
    }
    let report = story.audit();
    let (of_agents, of_times): (Vec<_>, Vec<_>) =
        gaps(&report).into_iter().partition(|gap| gap.subject.agent.is_some());
    assert_eq!((of_agents.len(), of_times.len()), (30, 99));
    assert!(of_agents.iter().all(|gap| gap.detail.ends_with("and 91 times more") && gap.entries.len() <= 16));
    assert_eq!(report.of(&Scope::Agent(did("agent 7"))).verdict, Verdict::Incomplete);
}
