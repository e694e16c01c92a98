//! Which entry of a finding causes it, and which only show it.

use pulselog::audit::Finding;

use crate::audit::goldens::stories;
use crate::make::audit::Story;

fn found(story: &Story, code: &str) -> Finding {
    let report = story.audit();
    let mut found = report.findings.into_iter().filter(|finding| finding.rule.code == code);
    found.next().unwrap_or_else(|| panic!("no {code}"))
}

#[track_caller]
fn caused_by(story: &Story, code: &str, causes: &[&str]) {
    let finding = found(story, code);
    let causes: Vec<u64> = causes.iter().map(|name| story.index(name)).collect();
    assert_eq!(finding.causes.iter().map(|at| at.get()).collect::<Vec<_>>(), causes, "{finding:?}");
    assert!(finding.entries.len() > causes.len(), "something else shows it");
}

#[test]
fn the_act_causes_what_token_policy_and_approval_only_show() {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    caused_by(&story, "TOKEN_REVOKED", &["sync"]);
    let mut story = Story::clean();
    story.set("ok", "expires_at", "2020-01-01T00:00:00Z");
    caused_by(&story, "APPROVAL_EXPIRED", &["sync"]);
    let mut story = Story::clean();
    story.set("seen", "revisions.deployed[0]", "0000000000000000000000000000000000000000");
    caused_by(&story, "OBSERVED_UNLIKE_DECIDED", &["seen"]);
}

#[test]
fn causes_are_entries_of_their_findings_in_every_golden() {
    for (name, story) in stories() {
        for finding in story.audit().findings {
            let is_own = |at| finding.entries.contains(at);
            assert!(finding.causes.iter().all(is_own) && finding.causes.is_sorted(), "{name}: {finding:?}");
        }
    }
}
