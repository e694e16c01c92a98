//! Whoever reads a stranger's log or files does so in bounded memory and time,
//! and says which bound was reached.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::entry::{LoggedAt, SequencedEntry, SubmitterName};
use pulselog::verify::packet::{MANIFEST, Packet};

use crate::cli::{Ran, command, run};
use crate::make::audit::Story;
use crate::make::evidence::Kept;
use crate::make::{did, kind};

const MIB: u64 = 1 << 20;
/// What a run may take where its reader says nothing, beside the program itself.
const USUAL: u64 = 240 * MIB;

/// A run, and the most memory that it held, the pages of the program itself left
/// out: how many of those are mapped is the kernel's choice, 14 to 20 MiB, and
/// they are given back when anybody wants them.
pub fn measured(args: &[&str]) -> (Ran, u64) {
    let mut child = command()
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let (status, peak, done) = (format!("/proc/{}/status", child.id()), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&status).unwrap_or_default();
                let kib = |name: &str| {
                    let line = text.lines().find_map(|line| line.strip_prefix(name));
                    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
                };
                // The peak stays when it is over, and pages of files only grow: none is missed.
                let held = kib("VmHWM:").saturating_sub(kib("RssFile:"));
                peak.fetch_max(held * 1024, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("UTF-8");
        child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("UTF-8");
        let code = child.wait().expect("the binary ends").code().expect("an exit code");
        done.store(true, Ordering::Relaxed);
        (Ran { code, out, err }, peak.load(Ordering::Relaxed))
    })
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A document whose values take many times its bytes.
pub fn bomb(bytes: usize) -> String {
    format!("{{\"a\":[{}[]]}}", "[],".repeat(bytes / 3))
}

/// An entry of a body, whatever that is.
pub fn entry_of(body: &str, at: u64) -> Vec<u8> {
    SequencedEntry {
        kind: kind("tool_receipt"),
        digest: ArtifactDigest::of(body.as_bytes()),
        body_bytes: body.len() as u64,
        signer: None,
        submitter: SubmitterName::parse("tests").expect("a name"),
        logged_at: LoggedAt::from_unix_ms(at),
        receipts: None,
    }
    .encode()
}

fn audit(dir: &Path, log: &Path, more: &[&str]) -> (Ran, u64) {
    let policy = dir.join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let pinned = did("operator");
    let mut args = vec!["audit", "--log", text(log), "--policy", text(&policy), "--operator", &pinned];
    args.extend(more);
    measured(&args)
}

#[test]
fn a_body_that_is_longer_than_its_entry_says_is_not_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let (kept, log) = (Kept::of(&Story::clean()), dir.path().join("log"));
    kept.write(&log);
    let body = std::fs::read_dir(log.join("artifacts")).expect("bodies").flatten().next().expect("a body").path();
    std::fs::write(&body, bomb(60 << 20)).expect("written");
    let (ran, peak) = audit(dir.path(), &log, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("EVIDENCE_WITHHELD"), "{}", ran.out);
    assert!(peak < 48 * MIB, "{peak}");
}

#[test]
fn values_that_would_fill_the_memory_end_the_run_with_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let (body, log) = (bomb(40 << 20), dir.path().join("log"));
    Kept::over([(entry_of(&body, 1), body.clone())]).write(&log);
    let (ran, peak) = audit(dir.path(), &log, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    assert!(ran.err.contains("memory_budget") && ran.err.contains("--memory-max"), "{}", ran.err);
    assert!(peak < USUAL + 3 * body.len() as u64, "{peak}");
}

#[test]
fn bodies_beyond_the_memory_of_the_run_end_it_and_more_memory_lets_it_pass() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("log");
    let story = Story::clean();
    let step = story.steps.iter().find(|step| step.name == "job-1.b1").expect("a bundle");
    let sealed = |n: usize| {
        let mut payload = step.payload.clone();
        let name = format!("bundle-{n}-{}", "x".repeat(90));
        crate::make::set(&mut payload, "bundle_id", Some(name.as_str().into()));
        pulselog::artifact::json::to_compact(&crate::make::seal_raw(
            kind("proof_bundle"),
            payload,
            &crate::make::key("agent"),
        ))
    };
    let agent = pulselog::artifact::Did::parse(&did("agent")).expect("a DID");
    let entries = (0..900).map(|n| {
        let body = sealed(n);
        let receipts = crate::make::admit_any(&body).expect("a bundle").receipts;
        let mut entry = SequencedEntry::decode(&entry_of(&body, 1)).expect("an entry");
        (entry.kind, entry.signer, entry.receipts) =
            (kind("proof_bundle"), Some(agent.clone()), receipts.map(Box::new));
        (entry.encode(), body)
    });
    let entries: Vec<_> = entries.collect();
    let proofs = dir.path().join("packet");
    std::fs::create_dir(&proofs).expect("made");
    let kept = Kept::over(entries);
    for at in 0..kept.size() {
        std::fs::write(proofs.join(format!("{at}.json")), &kept.entries[at].1).expect("written");
        std::fs::write(proofs.join(format!("{at}.tlog-proof")), kept.proof(at, kept.size())).expect("written");
    }
    kept.write(&log);
    let (ran, peak) = audit(dir.path(), &log, &["--memory-max", "16"]);
    assert!(ran.code == 3 && ran.err.contains("memory_budget"), "{} {}{}", ran.code, ran.out, ran.err);
    assert!(peak < 16 * MIB, "{peak}");
    // It says how much to give, and that suffices.
    let asked = ran.err.split_once("ask for some ").and_then(|(_, rest)| rest.split_once(" MiB")).expect("a number").0;
    let more: u64 = asked.parse::<u64>().expect("a number") + 1;
    let (ran, _) = audit(dir.path(), &log, &["--memory-max", &more.to_string()]);
    assert!(more > 16 && ran.out.contains("900 entries read"), "{more}: {}{}", ran.out, ran.err);
    let (ran, peak) = audit(dir.path(), &log, &[]);
    assert!(ran.out.contains("900 entries read"), "{}{}", ran.out, ran.err);
    assert!(peak < USUAL, "{peak}");
    let policy = dir.path().join("trust.policy");
    let first = proofs.join("0.json");
    let verify = |more: &[&str]| {
        let mut args = vec!["verify", text(&first), "--evidence", text(&proofs), "--policy", text(&policy)];
        args.extend(more);
        measured(&args)
    };
    let (ran, peak) = verify(&["--memory-max", "16"]);
    assert!(ran.code == 3 && ran.err.contains("memory_budget"), "{} {}{}", ran.code, ran.out, ran.err);
    assert!(peak < 16 * MIB, "{peak}");
    let (ran, peak) = verify(&[]);
    assert!(ran.out.contains("900 entries proven"), "{}{}", ran.out, ran.err);
    assert!(peak < USUAL, "{peak}");
}

/// The same checkpoint under lines of signers that nobody knows.
fn padded(proof: &str, n: usize) -> String {
    let line = |at: usize| {
        let mut bytes = vec![n as u8; 4 + 8_000];
        bytes[5..9].copy_from_slice(&(n as u32).to_be_bytes());
        let body = Base64::encode_string(&bytes);
        format!("\u{2014} stranger{at} {body}\n")
    };
    proof.to_owned() + &(0..60).map(line).collect::<String>()
}

#[test]
fn proofs_under_long_notes_are_kept_within_the_memory_of_the_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let (kept, packet) = (Kept::of(&Story::clean()), dir.path().join("packet"));
    std::fs::create_dir(&packet).expect("made");
    let policy = dir.path().join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let first = dir.path().join("first.json");
    std::fs::write(&first, &kept.entries[0].1).expect("written");
    let verify = |more: &[&str]| {
        let mut args = vec!["verify", text(&first), "--evidence", text(&packet), "--policy", text(&policy)];
        args.extend(more);
        measured(&args)
    };
    // One note below many proofs is kept once.
    for n in 0..60 {
        let proof = padded(&kept.proof(n % kept.size(), kept.size()), 7);
        std::fs::write(packet.join(format!("{n}.tlog-proof")), proof).expect("written");
    }
    let (ran, peak) = verify(&["--memory-max", "16"]);
    assert!(ran.out.contains("60 entries proven"), "{}{}", ran.out, ran.err);
    assert!(peak < 8 * MIB, "{peak}");
    for n in 0..60 {
        let proof = padded(&kept.proof(n % kept.size(), kept.size()), n);
        std::fs::write(packet.join(format!("{n}.tlog-proof")), proof).expect("written");
    }
    let (ran, peak) = verify(&["--memory-max", "16"]);
    assert!(ran.code == 3 && ran.err.contains("memory_budget"), "{} {}{}", ran.code, ran.out, ran.err);
    assert!(peak < 16 * MIB, "{peak}");
}

#[test]
fn a_long_local_document_is_refused_before_its_values_fill_the_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let document = dir.path().join("document.json");
    let body = bomb(63 << 20);
    std::fs::write(&document, &body).expect("written");
    let bound = USUAL + 3 * body.len() as u64;
    let (ran, peak) = measured(&["verify", text(&document)]);
    assert!(ran.code == 3 && ran.err.contains("json_over_room") && ran.err.contains("--memory-max"), "{}", ran.err);
    assert!(peak < bound, "{peak}");
    let (ran, peak) = measured(&["show", text(&document)]);
    assert!(ran.code == 1 && ran.err.contains("json_over_room"), "{}", ran.err);
    assert!(peak < bound, "{peak}");
    // One long text is no multiple of itself.
    std::fs::write(&document, format!("{{\"a\":\"{}\"}}", "x".repeat(60 << 20))).expect("written");
    let (ran, peak) = measured(&["verify", text(&document)]);
    assert!(ran.code == 2 && ran.err.contains("--proof"), "{}", ran.err);
    assert!(peak < bound, "{peak}");
    // Many at a time share the room.
    let many = dir.path().join("many.ndjson");
    std::fs::write(&many, format!("{}\n", bomb(2_000_000)).repeat(12)).expect("written");
    let (ran, peak) = measured(&["verify", text(&many)]);
    assert!(ran.code == 3 && ran.out.contains("json_over_room"), "{}{}", ran.out, ran.err);
    assert!(peak < USUAL, "{peak}");
}

#[test]
fn a_packet_that_lists_nothing_is_the_packet_of_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(MANIFEST), Packet::manifest_of(&[])).expect("written");
    let policy = dir.path().join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let document = dir.path().join("document.json");
    let bundle = Kept::of(&Story::clean());
    let bundle = bundle.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    std::fs::write(&document, &bundle.1).expect("written");
    let ran = run(&["verify", text(&document), "--evidence", text(dir.path()), "--policy", text(&policy)]);
    assert!(ran.code == 1 && ran.out.contains("packet_manifest_empty"), "{}{}", ran.out, ran.err);
}
