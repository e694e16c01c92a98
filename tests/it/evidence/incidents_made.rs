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
        // Of an application the tokens stand apart, as what it was done under.
        let (rights, told) = story.split_once("\nWhat happened\n").expect("what happened");
        assert_eq!(told.contains("Token revoked"), name == "job", "{name}: {story}");
        assert!(rights.contains("Token issued") && rights.contains("Token revoked"), "{name}: {story}");
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
    // The command that it leads to is there, and judges.
    let told = std::fs::read_to_string(out.join("incident.txt")).expect("a text");
    let command = told.lines().map(str::trim).find(|line| line.starts_with("pulselog audit ")).expect("a command");
    let command = command.replace(" trust.policy ", &format!(" {} ", text(&policy)));
    let judged = run(&command.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect::<Vec<_>>());
    assert!(judged.code == 1 && judged.out.contains("UNREPORTED_ACTION"), "{command}: {}{}", judged.out, judged.err);
}

/// A time to the second, as the text writes every time: UTC and to the millisecond.
fn in_one_form(time: &str) -> String {
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    time.replace('Z', ".000Z")
}

/// Who reads of a time alone learns that the rights had ended before it, and of each
/// operation who started it, when, and with which revision.
#[test]
fn an_incident_says_which_tokens_had_ended_before_it_and_who_did_what_when() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    let mut story = Story::clean();
    silent_and_closed(&mut story);
    let from = story.said("silent").text_at("started_at").expect("a start").to_owned();
    let ended = from.replacen(&from[17..19], "59", 1);
    story.set("silent", "finished_at", ended.clone());
    let deployed = story.said("silent").at("revisions.deployed").and_then(|all| all.as_array()).expect("revisions");
    let deployed = deployed[0].as_str().expect("a revision").to_owned();
    Kept::of(&story).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    for (name, of) in [("app", ["--app", APP]), ("job", ["--job", "job-1"])] {
        let out = dir.path().join(name);
        let made = incident(&log, &policy, &out, &[&of[..], &["--from", &from]].concat());
        assert_eq!(made.code, 3, "{name}: {}{}", made.out, made.err);
        let told = std::fs::read_to_string(out.join("incident.txt")).expect("a text");
        let (rights, happened) = told.split_once("\nWhat happened\n").expect("what happened");
        for (entry, what) in [("job-1.t1", "Token issued"), ("job-1.revoked", "Token revoked")] {
            let begins = format!("  {}  ", story.at(entry));
            let line =
                rights.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("{name}: {told}"));
            let token = format!("token {}", crate::make::hex("job-1.t1"));
            for part in [what, &token, "; before this time"] {
                assert!(line.contains(part), "{name}: {part} is not in {line}");
            }
            let proof = std::fs::read_dir(&out)
                .expect("files")
                .flatten()
                .any(|file| file.file_name().to_string_lossy().starts_with(&format!("{}-", story.at(entry))));
            assert!(proof, "{name}: what is told of {entry} is in the packet");
        }
        let begins = format!("  {}  ", story.at("silent"));
        let line = happened.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("{name}: {told}"));
        let times: Vec<&str> = told.split(|c: char| c.is_whitespace() || c == ',' || c == ';').collect();
        let times = times.into_iter().filter(|word| word.starts_with("202") && word.contains('T'));
        assert!(
            times.clone().count() >= 8 && times.clone().all(|time| time.len() == 24 && time.ends_with('Z')),
            "{told}"
        );
        assert!(told.contains("All times are UTC."), "{told}");
        let user = "by user proj:payments:agent".to_owned();
        for part in [
            user,
            format!("started {}", in_one_form(&from)),
            format!("ended {}", in_one_form(&ended)),
            format!("revision deployed {deployed}"),
        ] {
            assert!(line.contains(&part), "{name}: {part} is not in {line}");
        }
    }
}

/// A job without a statement is not judged by the packet, and no text says that it is.
#[test]
fn an_incident_says_of_each_job_whether_its_packet_judges_it() {
    let token = crate::make::hex("job-1.t1");
    let texts = |out: &Path| {
        let of = |name: &str| std::fs::read_to_string(out.join(name)).expect("a text");
        ["incident.txt", "README.txt"].map(of)
    };
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy, out) = (dir.path().join("log"), dir.path().join("trust.policy"), dir.path().join("out"));
    Kept::of(&Story::clean()).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    assert_eq!(incident(&log, &policy, &out, &["--token", &token]).code, 3);
    for told in texts(&out) {
        assert!(told.contains("The verdict on job job-1: no statement of the operator"), "{told}");
        assert!(!told.contains("judges again") && !told.contains("all that its verdict needs"), "{told}");
    }
    let alone = run(&["verify", text(&out), "--policy", text(&policy), "--operator", &did("operator")]);
    assert!(alone.code == 3 && !alone.out.contains("audit pass"), "{}", alone.out);
    let (_dir, log, policy) = self::log();
    let out = dir.path().join("attested");
    assert_eq!(incident(&log, &policy, &out, &["--token", &token]).code, 0);
    for told in texts(&out) {
        assert!(
            told.contains("verifies the packet judges again: job job-1") && !told.contains("does not show"),
            "{told}"
        );
    }
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
