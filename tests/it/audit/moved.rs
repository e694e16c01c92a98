//! An application that somebody moves after an operation: reports tell the target
//! that it has by then.

use pulselog::audit::Verdict;

use crate::audit::looked::verdicts;
use crate::make::audit::Story;

/// A second report of the clean story's operation, of another target.
fn seen_late(story: &mut Story, path: &str, new: &str) {
    story.observe("seen late", "sync", "sync", true);
    story.set("seen late", "channel", "poll");
    story.set("seen late", path, new);
}

const MOVES: [(&str, &str); 2] = [("destination.namespace", "prod-new"), ("app.project", "payments-new")];

#[test]
fn who_moves_an_application_after_a_sync_makes_no_agent_guilty_of_another_target() {
    for (path, new) in MOVES {
        let mut story = Story::clean();
        seen_late(&mut story, path, new);
        let report = story.audit();
        assert_eq!(verdicts(&report)[1], Verdict::Incomplete, "{path}: {:?}", report.findings);
    }
}

/// Guilty twin: it was told first.
#[test]
fn an_operation_whose_first_report_has_another_target_is_not_as_decided() {
    for (path, new) in MOVES {
        let mut story = Story::clean();
        story.set("seen", path, new);
        story.observe("seen late", "sync", "sync", true);
        story.set("seen late", "channel", "poll");
        assert_eq!(verdicts(&story.audit())[1], Verdict::Fail, "{path}");
    }
}

/// Guilty twin: a retry can read the application again.
#[test]
fn an_operation_that_went_on_after_the_report_that_is_as_decided_is_judged_by_its_end() {
    for (path, new) in MOVES {
        let mut story = Story::clean();
        story.set("seen", "phase", "Running");
        seen_late(&mut story, path, new);
        assert_eq!(verdicts(&story.audit())[1], Verdict::Fail, "{path}");
    }
}
