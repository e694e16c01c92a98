//! Verdicts that are true of an older log, beside what the reader knows of it:
//! they say so first, and are incomplete where the reader knows of more.

use std::path::Path;

use pulselog::merkle::TreeSize;
use pulselog::protocol::Options;
use pulselog::verify::judge::{Evidence, Judge, Known};
use pulselog::verify::packet::Packet;
use pulselog::verify::report::Outcome;
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::cli::run;
use crate::make::attest::attested;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::evidence::Kept;

/// A clean job, the operator's statement about it, and what came later: an act
/// that the policy forbids, under a token that was revoked.
fn told() -> (Kept, usize) {
    let mut story = attested(Story::clean(), |_| {}).0;
    let stated = story.steps.len();
    story.decide("late", "allow", "r1", "t1", "edit_app_spec", None);
    (Kept::of(&story), stated)
}

/// A packet of the entries up to the statement, proven under the newest tree.
fn judged(kept: &Kept, entries: usize, known: Option<u64>) -> Verification {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(operator());
    judge.known = known.map(|known| Known::Size(TreeSize::new(known)));
    let mut files = kept.files(0..entries);
    let leads = kept.consistency(entries - 1, kept.size());
    files.iter_mut().filter(|(name, _)| name == "statement.consistency").for_each(|(_, file)| {
        *file = leads.clone().into_bytes();
    });
    let packet = Packet::read(&files, &Kept::policy()).expect("in order");
    judge.evidence = Evidence::Packet(Box::new(packet));
    let bundle = kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    judge.document(bundle.1.as_bytes()).expect("a bundle")
}

#[test]
fn a_packet_cut_back_to_an_older_statement_says_first_how_much_it_leaves_out() {
    let (kept, stated) = told();
    let cut = judged(&kept, stated, None);
    assert_eq!(cut.audit.status, AuditStatus::Pass, "true of the size that it is of: {cut:#?}");
    let as_of = cut.coverage.as_ref().and_then(|coverage| coverage.as_of).expect("a size");
    assert_eq!((as_of.size.get() as usize, as_of.beyond), (stated - 1, 2));
    let text = cut.to_text();
    let words = format!("of the first {} only; the checkpoint proves 2 later entries, not judged", stated - 1);
    assert!(text.lines().nth(2).is_some_and(|line| line.contains(&words)), "{text}");
}

#[test]
fn a_packet_is_incomplete_where_the_reader_knows_of_more_than_it_is_of() {
    let (kept, stated) = told();
    let codes = |known: usize| {
        let judged = judged(&kept, stated, Some(known as u64));
        let open = judged.checks.iter().filter(|check| check.outcome != Outcome::Pass);
        (judged.exit_code(), open.map(|check| check.code.name()).collect::<Vec<_>>())
    };
    let without = judged(&kept, stated, None).exit_code();
    for known in [1, stated - 1, stated] {
        assert!(!codes(known).1.contains(&"judged_below_known"), "{known}: the statement is read itself");
        assert_eq!(codes(known).0, without);
    }
    let (code, open) = codes(stated + 1);
    assert!(code == 3 && open.contains(&"judged_below_known"), "{code} {open:?}");
}

#[test]
fn an_audit_is_incomplete_where_the_reader_knows_of_more_than_was_read() {
    let kept = Kept::of(&Story::clean());
    let dir = tempfile::tempdir().expect("a directory");
    kept.write(dir.path());
    let policy = dir.path().join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (log, policy, operator) = (text(dir.path()), text(&policy), operator().to_string());
    let checkpoint = text(&dir.path().join("checkpoint"));
    let audit = |known: &str, more: &[&str]| {
        let args = ["audit", "--log", &log, "--policy", &policy, "--operator", &operator, "--at-least", known];
        run(&[&args, more].concat())
    };
    let (size, more) = (kept.size().to_string(), (kept.size() + 1).to_string());
    for known in ["1", &size, &checkpoint] {
        let ran = audit(known, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{known}: {}", ran.out);
    }
    for (known, at) in [(more.as_str(), size.as_str()), (&size, "15"), (&checkpoint, "15")] {
        let ran = audit(known, &["--at", at]);
        assert!(ran.code == 3 && ran.err.contains("judged_below_known"), "{known} {at}: {} {}", ran.code, ran.err);
        assert!(ran.out.starts_with("INCOMPLETE"), "{}", ran.out);
    }
    let ran = audit(&policy, &[]);
    assert!(ran.code == 1 && ran.err.contains("--at-least"), "{} {}", ran.code, ran.err);
}
