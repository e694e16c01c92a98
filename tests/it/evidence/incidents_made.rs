//! `pulselog incident`: the packet of what happened is made from a whole log,
//! read back, and verifies alone; what it cannot say it says.

use std::path::{Path, PathBuf};

use crate::audit::goldens::reconciled::silent_and_closed;
use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::audit::Story;
use crate::make::did;
use crate::make::evidence::{Kept, attested_log};

const APP: &str = "argocd-prod/argocd/payments-api";

fn log() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    attested_log().write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    (dir, log, policy)
}

fn incident(log: &Path, policy: &Path, out: &Path, more: &[&str]) -> Ran {
    let operator = did("operator");
    let args = ["incident", "--log", text(log), "--policy", text(policy), "--operator", &operator, "--out", text(out)];
    run(&[&args[..], more].concat())
}

#[test]
fn the_packet_of_an_incident_verifies_alone_and_tells_what_happened_in_order() {
    let (dir, log, policy) = log();
    for (name, more) in [("job", ["--job", "job-1"]), ("app", ["--app", APP])] {
        let out = dir.path().join(name);
        let made = incident(&log, &policy, &out, &more);
        assert_eq!(made.code, 0, "{name}: {}{}", made.out, made.err);
        assert!(made.out.contains("its audit: pass") && made.out.contains("read back"), "{}", made.out);
        let judged = run(&["verify", text(&out), "--policy", text(&policy), "--operator", &did("operator")]);
        assert_eq!(judged.code, 0, "{name}: {}{}", judged.out, judged.err);
        let story = std::fs::read_to_string(out.join("incident.txt")).expect("a story");
        let at = |part: &str| story.find(part).unwrap_or_else(|| panic!("{part} is not in {story}"));
        assert!(at("Approval: decision approve") < at("decision allow, action rollback"), "{name}: {story}");
        assert_eq!(story.contains("Token revoked"), name == "job", "{name}: {story}");
        assert!(story.contains("Verdict of the audit on it: pass"), "{story}");
    }
}

#[test]
fn an_incident_tells_only_its_time_and_is_open_without_a_statement() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    Kept::of(&story).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let out = dir.path().join("out");
    let made = incident(&log, &policy, &out, &["--job", "job-1", "--json"]);
    assert_eq!(made.code, 3, "{}{}", made.out, made.err);
    assert!(made.out.contains("\"verdict\": \"fail\"") && made.out.contains("no statement of the operator"));
    let told = std::fs::read_to_string(out.join("incident.txt")).expect("a story");
    assert!(told.contains("<< TOKEN_REVOKED") && told.contains("  TOKEN_REVOKED (critical)"), "{told}");
    let late = "2027-12-01T00:00:00Z";
    let none = incident(&log, &policy, &dir.path().join("late"), &["--job", "job-1", "--from", late]);
    assert_eq!((none.code, none.err.lines().count()), (3, 1), "{}", none.err);
    assert!(none.err.contains("in this time") && !dir.path().join("late").exists(), "{}", none.err);
}

/// An operation that is of no job: whoever reads its packet is told what the
/// verdict was on, and that the packet alone holds none.
#[test]
fn an_incident_of_no_job_says_what_was_judged_and_what_was_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    let mut story = Story::clean();
    silent_and_closed(&mut story);
    let from = story.said("silent").text_at("started_at").expect("a start").to_owned();
    Kept::of(&story).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let out = dir.path().join("out");
    let made = incident(&log, &policy, &out, &["--app", APP, "--from", &from]);
    assert_eq!(made.code, 3, "{}{}", made.out, made.err);
    let judged = format!("app {APP} was judged from the whole log");
    assert!(made.out.contains(&judged) && made.out.contains("its audit: fail"), "{}", made.out);
    for name in ["incident.txt", "README.txt"] {
        let told = std::fs::read_to_string(out.join(name)).expect("a text");
        let entries = format!("app {APP}, by every rule of the audit, from all {} entries", story.steps.len());
        for part in ["What was judged", &entries, "What was not\n\n  No job:", "no verdict that can be checked"] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert!(!told.contains("Jobs that took part"), "{told}");
    }
    let alone = run(&["verify", text(&out), "--policy", text(&policy), "--operator", &did("operator")]);
    assert!(alone.code == 3 && alone.out.contains("as its incident.txt says"), "{}", alone.out);
}

#[test]
fn what_is_asked_wrongly_is_named_with_its_rule() {
    let (dir, log, policy) = log();
    let out = dir.path().join("out");
    for (more, says) in [
        (&["--job", "job-1", "--from", "yesterday"][..], "--from: must be a time with a zone"),
        (&["--job", "job-1", "--to", "2026-11-27T09:00:00"], "--to: must be a time with a zone"),
        (
            &["--job", "j", "--from", "2026-11-27T10:00:00Z", "--to", "2026-11-27T10:00:00Z"],
            "--from: must be before --to",
        ),
        (&["--app", "payments-api"], "--app: must be instance/namespace/name"),
        (&["--token", "ey.a.b"], "pulselog"),
        (&[], "--job"),
        (&["--job", "j", "--app", APP], "--job"),
    ] {
        let ran = incident(&log, &policy, &out, more);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{more:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{more:?}: {}", ran.err);
        assert!(!out.exists());
    }
}
