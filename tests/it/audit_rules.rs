//! The audit over logs that show one thing each, beside a clean twin.

use pulselog::audit::{Absence, Report, Verdict, audit, explain};

use crate::audit_make::{Story, operator};

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn the_clean_story_gives_no_findings_and_passes() {
    let report = Story::clean().audit();
    assert_eq!(report.findings, [], "{report:#?}");
    assert_eq!(report.pending, [], "{report:#?}");
    assert_eq!(
        (report.job("job-1"), report.verdict, report.absence),
        (Verdict::Pass, Verdict::Pass, Absence::Recomputed)
    );
    assert_eq!(report.runs.len(), 2);
    assert!(report.runs.iter().all(|(_, verdict)| *verdict == Verdict::Pass));
    assert_eq!(report.job("job-2"), Verdict::NotApplicable);
}

#[test]
fn without_a_pinned_operator_the_audit_is_incomplete() {
    let report = audit(&Story::clean().timeline(), None);
    assert_eq!((codes(&report), report.verdict), (vec!["ROOTS_UNPINNED"], Verdict::Incomplete));
}
