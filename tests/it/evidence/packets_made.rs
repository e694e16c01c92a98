//! `pulselog packet`: the packet of a job is made from a whole log, read back,
//! and verifies alone; what it lacks it says.

use std::path::{Path, PathBuf};

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::audit::Story;
use crate::make::did;
use crate::make::evidence::{Kept, attested_log};

/// A log on disk, and who verifies it.
fn log() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    attested_log().write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    (dir, log, policy)
}

fn packet(log: &Path, policy: &Path, operator: &str, job: &str, out: &Path, more: &[&str]) -> Ran {
    let args = ["packet", "--log", text(log), "--policy", text(policy), "--operator", operator, "--job", job, "--out"];
    run(&[&args[..], &[text(out)], more].concat())
}

fn verify(dir: &Path, policy: &Path) -> Ran {
    run(&["verify", text(dir), "--policy", text(policy), "--operator", &did("operator")])
}

#[test]
fn the_packet_of_a_job_verifies_alone_and_says_how() {
    let (dir, log, policy) = log();
    let out = dir.path().join("a packet");
    let made = packet(&log, &policy, &did("operator"), "job-1", &out, &[]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(made.out.contains("read back, and every proof holds"), "{}", made.out);
    assert!(made.out.contains(&format!("pulselog verify '{}'", text(&out))), "{}", made.out);
    std::fs::remove_dir_all(&log).expect("nothing but the packet is left");
    let judged = verify(&out, &policy);
    assert_eq!(judged.code, 0, "{}{}", judged.out, judged.err);
    for name in ["packet.json", "README.txt", "trust.policy", "checkpoint"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Every file of it matters: without one the packet is no longer green.
    let of_roots = std::fs::read_dir(&out).expect("a packet").flatten().map(|file| file.path());
    let of_roots: Vec<_> = of_roots.filter(|path| text(path).contains("audit_roots")).collect();
    assert_eq!(of_roots.len(), 2, "{of_roots:?}");
    std::fs::remove_file(&of_roots[0]).expect("removed");
    assert_ne!(verify(&out, &policy).code, 0);
}

#[test]
fn a_packet_is_made_in_a_directory_of_its_own() {
    let (dir, log, policy) = log();
    let made = packet(&log, &policy, &did("operator"), "job-1", dir.path(), &[]);
    assert_eq!((made.code, made.out.as_str(), made.err.lines().count()), (1, "", 1), "{}", made.err);
    assert!(made.err.contains("is not empty"), "{}", made.err);
    let made = packet(&log, &policy, &did("operator"), "job-1", &policy, &[]);
    assert_eq!((made.code, made.err.lines().count()), (2, 1), "{}", made.err);
}

#[test]
fn what_a_packet_lacks_is_said_and_nothing_of_another_job_is_made_up() {
    let (dir, log, policy) = log();
    let none = packet(&log, &policy, &did("operator"), "job-none", &dir.path().join("none"), &[]);
    assert_eq!((none.code, none.err.lines().count()), (3, 1), "{}", none.err);
    assert!(
        none.err.contains("job-none") && none.err.contains("spelled") && !dir.path().join("none").exists(),
        "{}",
        none.err
    );
    // Under an operator who set no roots here nothing is of any job.
    let other = packet(&log, &policy, &did("agent"), "job-1", &dir.path().join("other"), &[]);
    assert_eq!((other.code, other.err.lines().count()), (3, 1), "{}", other.err);
    assert!(other.err.contains("no roots of this operator"), "{}", other.err);
    assert!(other.err.contains("--operator"), "{}", other.err);
    // Without the operator's statement the packet is made, and is incomplete.
    let unattested = dir.path().join("unattested");
    Kept::of(&Story::clean()).write(&unattested);
    let made = packet(&unattested, &policy, &did("operator"), "job-1", &dir.path().join("open"), &[]);
    assert_eq!(made.code, 3, "{}{}", made.out, made.err);
    assert!(made.out.contains("pulselog audit --attest"), "{}", made.out);
    assert_eq!(verify(&dir.path().join("open"), &policy).code, 3);
    let json = packet(&log, &policy, &did("operator"), "job-1", &dir.path().join("json"), &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((&json["job"], &json["statements"]), (&"job-1".into(), &1.into()), "{json}");
}
