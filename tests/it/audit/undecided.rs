//! A finding that rests on something that is not here says so, in every rule's
//! words: which entry it is, that nothing can be decided without it, and what
//! to bring. It never reads like a breach.

use std::collections::BTreeSet;

use pulselog::audit::{Effect, Finding, Timeline, audit, in_reading_order};
use pulselog::merkle::LeafIndex;
use pulselog::verify::verification::audit_text;

use crate::audit::goldens::whole_stories;
use crate::cli::run;
use crate::evidence::bounds::text;
use crate::make::audit::{Story, operator};
use crate::make::did;
use crate::make::evidence::{Kept, attested_log};

fn without_body(log: &Timeline, missing: LeafIndex) -> Timeline {
    let kept = log.prefix(log.size());
    Timeline::new(kept.map(|(at, seen)| (at, seen.entry.clone(), seen.body.clone().filter(|_| at != missing))))
}

/// Whether the finding is of a rule that accuses, and does not accuse here.
fn is_softer_than_its_rule(finding: &Finding) -> bool {
    finding.effect == Effect::Incomplete && finding.rule.effect == Effect::Fails
}

#[test]
fn every_finding_that_a_missing_body_softens_names_it_and_none_reads_like_a_breach() {
    let (mut wrong, mut codes) = (Vec::new(), BTreeSet::new());
    for (name, story) in whole_stories() {
        let log = story.timeline();
        let open = audit(&log, Some(&operator())).findings;
        let open: BTreeSet<_> = open.into_iter().filter(is_softer_than_its_rule).collect();
        for (at, seen) in log.prefix(log.size()) {
            let kind = seen.entry.kind;
            let report = audit(&without_body(&log, at), Some(&operator()));
            let softened = report.findings.iter().filter(|finding| is_softer_than_its_rule(finding));
            // Some leave it open by their own rule, whatever is missing.
            for finding in softened.filter(|finding| !finding.not_here.is_empty() || !open.contains(finding)) {
                let (words, rule) = (finding.words(), finding.rule);
                let is_named = finding.is_undecided()
                    && finding.not_here.iter().any(|one| one.first == at && one.kind == Some(kind))
                    && finding.detail.contains(&format!("entry {at} is a"))
                    && words.what_to_do.contains(&format!("the body of entry {at} ({kind})"));
                let says = |own: &str, said: &str| said.contains(own);
                let like_a_breach = says(rule.what_to_do, &words.what_to_do) || says(rule.rationale, &words.why);
                if !is_named && !finding.not_here.is_empty() || like_a_breach && finding.is_undecided() {
                    wrong.push(format!("{name}, without {kind} {at}: {finding:?} {words:?}"));
                }
                codes.insert(finding.rule.code);
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    for code in ["TOKEN_UNKNOWN", "POLICY_NONCOMPLIANT", "APPROVAL_MISSING", "RECEIPT_NOT_GENUINE", "BUNDLE_MISSING"] {
        assert!(codes.contains(code), "{code} among {codes:?}");
    }
}

#[test]
fn what_is_not_here_comes_before_what_cannot_be_decided_without_it() {
    let story = Story::clean();
    let log = story.timeline();
    for (at, seen) in log.prefix(log.size()) {
        let report = audit(&without_body(&log, at), Some(&operator()));
        let order: Vec<_> = in_reading_order(&report.findings).into_iter().collect();
        if let Some(first) = order.first() {
            let lacks = ["EVIDENCE_WITHHELD", "ROOTS_MISSING"];
            assert!(lacks.contains(&first.rule.code), "without {} {at}: {order:#?}", seen.entry.kind.name());
        }
        let text = audit_text(&report, true, &[]);
        assert!(!text.contains("\ncritical"), "without {} {at}: {text}", seen.entry.kind.name());
    }
}

#[test]
fn a_packet_without_one_file_names_that_file_and_advises_to_bring_it() {
    let kept = attested_log();
    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let kinds: Vec<_> = kept
        .entries
        .iter()
        .map(|(entry, _)| pulselog::entry::SequencedEntry::decode(entry).expect("an entry").kind.name())
        .collect();
    let bundle = kinds.iter().position(|kind| *kind == "proof_bundle").expect("a bundle");
    for kind in ["approval", "cst_issuance", "gateway_receipt", "argocd_receipt", "audit_roots"] {
        let at = kinds.iter().position(|of| *of == kind).expect("an entry");
        let (left_out, packet) = (format!("{at:02}.json"), dir.path().join(kind));
        std::fs::create_dir(&packet).expect("made");
        for (name, bytes) in kept.files(0..kept.size()).iter().filter(|(name, _)| *name != left_out) {
            std::fs::write(packet.join(name), bytes).expect("written");
        }
        let document = packet.join(format!("{bundle:02}.json"));
        let ran = run(&[
            &["verify", text(&document), "--evidence", text(&packet), "--policy", text(&policy)][..],
            &["--operator", &did("operator"), "--at", "2026-11-22T12:00:00Z"],
        ]
        .concat());
        assert_eq!(ran.code, 3, "without {left_out}: {}{}", ran.out, ran.err);
        let bring = format!("what to do: Bring {left_out} (the body of entry {at})");
        assert!(ran.out.contains(&bring), "without {left_out}: {}", ran.out);
        let first = ran.out.lines().find(|line| line.contains("(leaves it incomplete")).expect("a finding");
        let lacks = ["EVIDENCE_MISSING", "EVIDENCE_WITHHELD", "ROOTS_MISSING"];
        assert!(lacks.iter().any(|code| first.contains(code)), "without {left_out}: {}", ran.out);
        for breach in ["find out what led to the action", "the issuer whether it issued", "critical  "] {
            assert!(!ran.out.to_lowercase().contains(breach), "without {left_out}: {}", ran.out);
        }
    }
}

#[test]
fn the_reason_of_a_refusal_stands_directly_below_the_verdict() {
    let kept = attested_log();
    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let packet = dir.path().join("packet");
    std::fs::create_dir(&packet).expect("made");
    for (name, bytes) in kept.files(0..kept.size()) {
        std::fs::write(packet.join(name), bytes).expect("written");
    }
    let manifest = std::fs::read_to_string(packet.join("packet.json")).expect("a manifest");
    std::fs::write(packet.join("README.txt"), "changed").expect("written");
    let more = format!("\"files\": [\n{{\"name\": \"README.txt\", \"sha256\": \"{}\"}},", "0".repeat(64));
    std::fs::write(packet.join("packet.json"), manifest.replacen("\"files\": [", &more, 1)).expect("written");
    let is_bundle = |body: &str| body.contains("\"envelope_type\":\"proof_bundle\"");
    let bundle = kept.entries.iter().position(|(_, body)| is_bundle(body)).expect("a bundle");
    let document = packet.join(format!("{bundle:02}.json"));
    let ran = run(&[
        &["verify", text(&document), "--evidence", text(&packet), "--policy", text(&policy)][..],
        &["--operator", &did("operator")],
    ]
    .concat());
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let lines: Vec<_> = ran.out.lines().filter(|line| !line.is_empty()).take(2).collect();
    assert!(lines[0].starts_with("FAIL"), "{}", ran.out);
    assert!(lines[1].contains("README.txt") && lines[1].contains("packet_file_changed"), "{}", ran.out);
}

#[test]
fn no_rule_speaks_in_words_that_only_its_makers_know() {
    let ours = ["rooted", "joins nothing", " binds", "exp less", "an iat", "JCS", "scene", "softened"];
    for rule in pulselog::audit::RULE_GROUPS.iter().copied().flatten() {
        for said in [rule.title, rule.rationale, rule.what_to_do, rule.does_not_prove] {
            let found = ours.iter().find(|word| said.contains(**word));
            assert_eq!(found, None, "{}: {said}", rule.code);
            assert!(!said.contains("  "), "{}: {said}", rule.code);
        }
    }
}

#[test]
fn what_a_policy_refuses_is_told_in_words_before_its_clause_and_code() {
    let (mut seen, codes) = (0, pulselog::codes::policy::REASONS);
    for (name, story) in whole_stories() {
        let report = audit(&story.timeline(), Some(&operator()));
        for finding in report.findings.iter().filter(|finding| finding.rule.code == "POLICY_NONCOMPLIANT") {
            let begins = finding.detail.split(' ').next().unwrap_or_default();
            assert!(!begins.contains('_') && !begins.contains('.'), "{name}: {}", finding.detail);
            let names = |code: &str| finding.detail.contains(&format!(") [{code}]"));
            assert!(codes.iter().any(|row| names(row.name)), "{name}: {}", finding.detail);
            seen += 1;
        }
    }
    assert!(seen > 0, "a golden is refused by its policy");
}

#[test]
fn explain_says_of_every_rule_that_accuses_that_it_may_be_undecided() {
    for rule in pulselog::audit::RULE_GROUPS.iter().copied().flatten() {
        let ran = run(&["explain", rule.code]);
        let says = ran.out.contains("accuses nobody: it names what to bring");
        assert_eq!(says, !rule.rests_on.is_empty(), "{}: {}", rule.code, ran.out);
    }
}
