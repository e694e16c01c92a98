//! What is missing is never evidence of guilt: each golden log with each body
//! taken away, and packets with each entry left out, beside what all of it shows.

use std::collections::BTreeSet;

use pulselog::artifact::Kind;
use pulselog::artifact::json::Value;
use pulselog::audit::{Effect, Finding, Place, Report, Rest, Timeline, Verdict, audit, audit_packet};
use pulselog::merkle::{LeafIndex, TreeSize};

use crate::audit::goldens::{story_of, whole_stories};
use crate::make::attest::{attested, know_all, know_statement};
use crate::make::audit::{Story, operator};

/// The log with these bodies taken away.
fn without_bodies(log: &Timeline, missing: &[LeafIndex]) -> Timeline {
    let mut part = Timeline::new(log.prefix(log.size()).map(|(at, seen)| {
        let body = seen.body.clone().filter(|_| !missing.contains(&at));
        (at, seen.entry.clone(), body)
    }));
    know_all(&mut part);
    part
}

fn without_entry(log: &Timeline, missing: LeafIndex) -> Timeline {
    let kept = log.prefix(log.size()).filter(|(at, _)| *at != missing);
    Timeline::new(kept.map(|(at, seen)| (at, seen.entry.clone(), seen.body.clone())))
}

fn accusations(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.effect == Effect::Fails)
}

/// Whether the same accusation stands in the full report. What an agent says
/// against itself may be charged to fewer there than here, never to others.
fn stands_in(finding: &Finding, full: &Report) -> bool {
    let (subject, code) = (&finding.subject, finding.rule.code);
    accusations(full).any(|other| {
        let job = subject.job.is_none() || subject.job == other.subject.job;
        other.rule.code == code && job && subject.agent == other.subject.agent && subject.run == other.subject.run
    })
}

/// What is wrong with a report that lacks something, beside the full one.
fn wrong(part: &Report, full: &Report) -> Vec<String> {
    let mut wrong: Vec<_> = accusations(part)
        .filter(|finding| !stands_in(finding, full))
        .map(|finding| format!("accuses anew: {} {:?} {:?}", finding.rule.code, finding.entries, finding.subject))
        .collect();
    let worse = |what: String, here: Verdict, all: Verdict| {
        let passes = here == Verdict::Pass && !matches!(all, Verdict::Pass | Verdict::NotApplicable);
        let fails = here == Verdict::Fail && all != Verdict::Fail;
        (passes || fails).then(|| format!("{what}: {} beside {}", here.name(), all.name()))
    };
    let jobs = part.jobs.iter().filter_map(|(job, here)| worse(job.clone(), *here, full.job(job)));
    let of_run = |run: &pulselog::audit::JudgedRun| full.run(&run.run.agent, &run.run.run);
    let runs = part.runs.iter().filter_map(|run| worse(run.run.run.clone(), run.verdict, of_run(run)));
    wrong.extend(jobs.chain(runs).chain(worse("the log".to_owned(), part.verdict, full.verdict)));
    wrong
}

/// Kinds that an accusation of this code may rest on. Roots, policies,
/// issuances and decisions say whom everything is about.
fn may_rest_on(finding: &Finding, kind: Kind, log: &Timeline) -> bool {
    let named = finding.rule.rests_on.iter().copied().flatten();
    let shown = finding.entries.iter().filter_map(|at| log.get(*at));
    [Kind::AuditRoots, Kind::WorkPolicy, Kind::CstIssuance, Kind::ArgocdDecision].contains(&kind)
        || named.filter(|rest| matches!(rest, Rest::On(of, _) if *of == kind)).count() > 0
        // A bundle holds model calls: one that is not known counts for nothing.
        || shown.map(|seen| seen.entry.kind).any(|of| of == kind || (of, kind) == (Kind::ProofBundle, Kind::GatewayReceipt))
}

#[test]
fn a_golden_log_without_any_one_body_accuses_nobody_anew_and_never_passes_for_it() {
    let mut found = Vec::new();
    for (name, story) in whole_stories() {
        let log = story.timeline();
        let full = audit(&log, Some(&operator()));
        for (at, seen) in log.prefix(log.size()) {
            let part = audit(&without_bodies(&log, &[at]), Some(&operator()));
            let kind = seen.entry.kind;
            let mut wrong = wrong(&part, &full);
            let softened = accusations(&full).filter(|finding| !stands_in(finding, &part));
            let too_soft = softened.filter(|finding| !may_rest_on(finding, kind, &log));
            wrong.extend(too_soft.map(|finding| format!("softer than the table: {}", finding.rule.code)));
            found.extend(wrong.into_iter().map(|wrong| format!("{name}, without {kind} {at}: {wrong}")));
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

#[test]
fn roots_and_any_other_body_missing_together_accuse_nobody_anew() {
    let mut found = Vec::new();
    for (name, mut story) in whole_stories() {
        story.roots_again("the last roots", "recorders", Value::Array(Vec::new()));
        let log = story.timeline();
        let full = audit(&log, Some(&operator()));
        let is_roots = |at: &LeafIndex| log.get(*at).is_some_and(|seen| seen.entry.kind.name() == "audit_roots");
        let roots: Vec<_> = log.prefix(log.size()).map(|(at, _)| at).filter(is_roots).collect();
        for (at, _) in log.prefix(log.size()) {
            let mut missing = roots.clone();
            missing.retain(|other| *other != LeafIndex::new(0));
            missing.push(at);
            let part = audit(&without_bodies(&log, &missing), Some(&operator()));
            found.extend(
                wrong(&part, &full).into_iter().map(|wrong| format!("{name}, without roots and {at}: {wrong}")),
            );
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_golden_packet_without_any_one_entry_accuses_nobody_anew_and_never_passes() {
    let mut found = Vec::new();
    for (name, story) in whole_stories() {
        let plain = story.timeline();
        if plain.roots_of(&operator()).is_none() {
            continue;
        }
        let (_, log) = attested(story, |_| {});
        let size = TreeSize::new(log.size().get() - 1);
        let full = audit_packet(&log, log.size(), "job-1", &operator());
        let read_whole = audit(&log, Some(&operator()));
        let statement = log.prefix(log.size()).last().and_then(|(_, seen)| seen.body.clone()).expect("a statement");
        let listed = statement.payload().get("entries").and_then(Value::as_array).expect("entries");
        let listed: Vec<_> = listed.iter().filter_map(|entry| entry.get("index")?.as_i64()).collect();
        for (at, _) in log.prefix(log.size()) {
            let mut part = without_entry(&log, at);
            know_statement(&mut part, &log, size);
            let part = audit_packet(&part, log.size(), "job-1", &operator());
            let mut wrong = wrong(&part, &full);
            // A packet speaks of its job.
            wrong.retain(|wrong| !wrong.starts_with("accuses anew") && !wrong.starts_with("the log"));
            let anew = accusations(&part).filter(|finding| !stands_in(finding, &read_whole));
            wrong.extend(anew.map(|finding| format!("accuses anew: {} {:?}", finding.rule.code, finding.subject)));
            if listed.contains(&(at.get() as i64)) && part.job("job-1") == Verdict::Pass {
                wrong.push("passes".to_owned());
            }
            found.extend(wrong.into_iter().map(|wrong| format!("{name}, without entry {at}: {wrong}")));
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

/// Codes of the accusations that are left of a story without these bodies.
fn left(story: &Story, missing: &[&str]) -> BTreeSet<&'static str> {
    let report = audit(&story.timeline_without(missing), Some(&operator()));
    assert_ne!(report.job("job-1"), Verdict::Pass, "without {missing:?}");
    accusations(&report).map(|finding| finding.rule.code).collect()
}

#[test]
fn an_accusation_stands_beside_missing_bodies_that_could_not_undo_it() {
    let mut denied = Story::clean();
    denied.set("sync", "binds.destination.namespace", "prod");
    let mut revoked = Story::clean();
    revoked.move_after("revoked", "ok");
    let rows: [(&Story, &str, &[&str]); 2] = [
        (
            &denied,
            "POLICY_NONCOMPLIANT",
            &["r1 call 1", "r2 call 1", "b1", "b2", "seen", "back", "back ok", "t2", "revoked", "ok"],
        ),
        (&revoked, "TOKEN_REVOKED", &["r1 call 1", "b1", "seen", "back", "back ok", "t2", "read receipt"]),
    ];
    for (story, code, names) in rows {
        for name in names {
            assert!(left(story, &[name]).contains(code), "{code} without {name}");
        }
    }
}

#[test]
fn an_accusation_falls_when_what_is_missing_could_undo_it() {
    let mut unapproved = Story::clean();
    unapproved.move_after("ok", "sync");
    for name in ["r1 call 1", "back ok"] {
        assert!(left(&unapproved, &[name]).contains("APPROVAL_MISSING"), "without {name}");
    }
    let rows: [(&str, &str, &str); 4] = [
        ("the first of two that names an approval", "APPROVAL_MISSING", "ok"),
        ("a call left out", "RECEIPT_MISSING", "sync receipt"),
        ("a run without its bundle", "BUNDLE_MISSING", "b1"),
        ("tokens under no policy", "POLICY_MISSING", "policy"),
    ];
    for (what, code, name) in rows {
        let mut story = Story::clean();
        story.wait(7_200_000);
        story.approve("tick", "deny", "read");
        let report = audit(&story.timeline_without(&[name]), Some(&operator()));
        let finding = report.findings.iter().find(|finding| finding.rule.code == code);
        assert_eq!(finding.map(|finding| finding.effect), Some(Effect::Incomplete), "{what}: {report:#?}");
    }
}

#[test]
fn without_a_body_of_the_operators_own_nothing_is_recomputed() {
    let (mut story, _) = attested(Story::clean(), |_| {});
    let withholding = crate::make::good_payload(crate::make::kind("withholding"));
    story.log("withholding", "withholding", "operator", withholding);
    for name in ["statement", "withholding"] {
        let report = audit(&story.timeline_without(&[name]), Some(&operator()));
        let codes: BTreeSet<_> = report.findings.iter().map(|finding| finding.rule.code).collect();
        assert_eq!(codes, BTreeSet::from(["EVIDENCE_WITHHELD"]), "{name}");
        assert_eq!((report.absence, report.job("job-1")), (pulselog::audit::Absence::NotChecked, Verdict::Incomplete));
    }
}

#[test]
fn no_statement_is_called_false_for_what_is_missing() {
    let guilty = story_of(&["a sync after the revocation"]);
    for story in [Story::clean(), guilty] {
        let mut story = story;
        story.roots_again("later roots", "recorders", Value::Array(Vec::new()));
        let (_, log) = attested(story, |_| {});
        let accuses = |part: &Timeline| {
            accusations(&audit(part, Some(&operator()))).any(|finding| finding.rule.code == "ATTESTATION_FALSE")
        };
        assert!(!accuses(&log));
        for (at, _) in log.prefix(log.size()) {
            assert!(!accuses(&without_bodies(&log, &[at])), "without the body of {at}");
            for (other, _) in log.prefix(TreeSize::new(at.get())) {
                assert!(!accuses(&without_bodies(&log, &[at, other])), "without the bodies of {other} and {at}");
            }
        }
    }
}

#[test]
fn every_rule_that_accuses_says_what_it_rests_on_and_no_other_does() {
    for rule in pulselog::audit::RULE_GROUPS.iter().copied().flatten() {
        let rests: Vec<_> = rule.rests_on.iter().copied().flatten().collect();
        assert_eq!(rule.effect == Effect::Fails, !rests.is_empty(), "{}", rule.code);
        let own = rests.iter().any(|rest| matches!(rest, Rest::OwnWord));
        let roles = rests.iter().any(|rest| matches!(rest, Rest::Roles));
        assert!(rests.is_empty() || own != roles, "{}", rule.code);
        for rest in rests {
            if let Rest::On(kind, Place::Named | Place::Allowing) = rest {
                assert_eq!(*kind, Kind::Approval, "{}", rule.code);
            }
        }
    }
}
