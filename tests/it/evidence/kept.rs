//! A checkpoint that the reader kept, beside a log or packet of the same key:
//! what does not extend it is another history, and is never passed.

use std::path::Path;

use crate::cli::{Ran, run};
use crate::make::attest::attested;
use crate::make::audit::{Story, operator};
use crate::make::evidence::Kept;

/// The clean job with its statement, and another history under the same key:
/// of one more act, cut where the first ends.
struct Two {
    dir: tempfile::TempDir,
    first: Kept,
}

impl Two {
    fn made() -> Self {
        let first = Kept::of(&attested(Story::clean(), |_| {}).0);
        let mut story = Story::clean();
        story.decide("other", "allow", "r1", "t1", "edit_app_spec", None);
        let second = Kept::of(&story);
        let dir = tempfile::tempdir().expect("a directory");
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("written");
        assert_eq!(first.size(), second.size());
        first.write(&dir.path().join("log"));
        put("trust.policy", Kept::policy_text().as_bytes());
        put("bundle.json", first.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("one").1.as_bytes());
        for (name, kept, size) in
            [("same", &first, first.size()), ("begun", &first, 5), ("fork", &second, second.size())]
        {
            put(name, kept.note(size).as_bytes());
        }
        let other = Kept::over(second.entries.into_iter().skip(1));
        put("early", other.note(5).as_bytes());
        std::fs::create_dir(dir.path().join("packet")).expect("made");
        first.files(0..first.size()).iter().for_each(|(name, bytes)| put(&format!("packet/{name}"), bytes));
        std::fs::create_dir(dir.path().join("part")).expect("made");
        first.files(1..first.size()).iter().for_each(|(name, bytes)| put(&format!("part/{name}"), bytes));
        Self { dir, first }
    }

    fn path(&self, name: &str) -> String {
        text(&self.dir.path().join(name))
    }

    fn ran(&self, args: &[&str], known: &str) -> Ran {
        let (policy, operator, known) = (self.path("trust.policy"), operator().to_string(), self.path(known));
        run(&[args, &["--policy", &policy, "--operator", &operator, "--at-least", &known]].concat())
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_log_that_does_not_extend_a_kept_checkpoint_fails_whatever_its_size() {
    let two = Two::made();
    let (log, bundle) = (two.path("log"), two.path("bundle.json"));
    for known in ["same", "begun"] {
        let ran = two.ran(&["audit", "--log", &log], known);
        assert_eq!(ran.code, 0, "{known}: {} {}", ran.out, ran.err);
        assert!(ran.out.contains("of the kept checkpoint"), "{}", ran.out);
    }
    for known in ["fork", "early"] {
        let ran = two.ran(&["audit", "--log", &log], known);
        assert_eq!(ran.code, 1, "{known}: {} {}", ran.out, ran.err);
        assert!(ran.out.starts_with("FAIL"), "{}", ran.out);
        let why = ran.out.lines().nth(2).unwrap_or_default();
        let root = std::fs::read_to_string(two.path(known)).expect("a note");
        let root = root.lines().nth(2).expect("a root");
        let signed = two.first.note(two.first.size()).as_bytes().to_vec();
        let signed = String::from_utf8(signed).expect("text");
        let signed = signed.lines().nth(2).expect("a root");
        assert!(why.contains("[fork]") && why.contains(root) && why.contains(signed), "both histories: {}", ran.out);
        assert!(ran.err.contains("[fork]"), "{}", ran.err);
        let ran = two.ran(&["audit", "--log", &log, "--json"], known);
        assert!(ran.code == 1 && ran.out.contains("\"fail\""), "{}", ran.out);
        let ran = two.ran(&["verify", &bundle, "--log", &log], known);
        assert_eq!(ran.code, 1, "{known}: {} {}", ran.out, ran.err);
        assert!(ran.out.contains("[fork]") && ran.out.contains("keep both checkpoints"), "{}", ran.out);
    }
}

#[test]
fn a_packet_that_contradicts_a_kept_checkpoint_fails_and_one_that_shows_nothing_of_it_is_incomplete() {
    let two = Two::made();
    let bundle = two.path("bundle.json");
    let judged = |evidence: &str, known: &str| {
        let evidence = two.path(evidence);
        two.ran(&["verify", &bundle, "--evidence", &evidence], known)
    };
    // All entries are here, so that each beginning is known.
    for known in ["same", "begun"] {
        let ran = judged("packet", known);
        assert!(ran.out.contains("of the kept checkpoint"), "{known}: {}", ran.out);
        assert!(!ran.out.contains("consistency_file_missing"), "{known}: {}", ran.out);
    }
    for (evidence, known) in [("packet", "fork"), ("packet", "early"), ("part", "fork")] {
        let ran = judged(evidence, known);
        assert_eq!(ran.code, 1, "{evidence} {known}: {}", ran.out);
        assert!(ran.out.lines().nth(2).is_some_and(|line| line.contains("[fork]")), "{}", ran.out);
    }
    for known in ["begun", "early"] {
        let ran = judged("part", known);
        assert_eq!(ran.code, 3, "{known}: {}", ran.out);
        assert!(ran.out.contains("only sizes were compared"), "{}", ran.out);
    }
}

#[test]
fn why_a_verdict_is_incomplete_stands_directly_below_it() {
    let two = Two::made();
    let (log, bundle) = (two.path("log"), two.path("bundle.json"));
    let ran = two.ran(&["verify", &bundle, "--evidence", &two.path("part")], "begun");
    assert!(ran.out.starts_with("INCOMPLETE"), "{}", ran.out);
    assert!(ran.out.lines().nth(2).is_some_and(|line| line.contains("[consistency_file_missing]")), "{}", ran.out);
    let ran = two.ran(&["audit", "--log", &log, "--at", "15"], "same");
    assert!(ran.code == 3 && ran.out.starts_with("INCOMPLETE"), "{} {}", ran.code, ran.out);
    let below: Vec<&str> = ran.out.lines().skip(2).take(2).collect();
    assert!(below.iter().any(|line| line.contains("[judged_below_known]")), "{}", ran.out);
}

#[test]
fn coverage_without_an_operator_says_so_beside_what_was_read() {
    let two = Two::made();
    let (log, policy, bundle) = (two.path("log"), two.path("trust.policy"), two.path("bundle.json"));
    let ran = run(&["verify", &bundle, "--log", &log, "--policy", &policy]);
    assert!(ran.out.contains("not checked: no operator is pinned; "), "{}", ran.out);
    assert!(!ran.out.contains("no log was read"), "{}", ran.out);
}
