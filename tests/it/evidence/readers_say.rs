//! What readers say is true: nothing unproven is shown as content, what is
//! missing accuses nobody, and each refusal has its own reason.

use std::path::{Path, PathBuf};

use pulselog::artifact::json::to_compact;
use pulselog::audit::UNJUDGED;
use pulselog::verify::verification::audit_text;
use serde_json::json;

use crate::audit::goldens::reconciled::silent;
use crate::audit::looked::interrupted;
use crate::cli::{Ran, run};
use crate::evidence::bounds::{entry_of, text};
use crate::evidence::cli::{jwks, kid, token};
use crate::make::audit::{Story, nonce};
use crate::make::evidence::{Kept, attested_log};
use crate::make::{did, key, kind, seal_raw};

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        let dir = Self(tempfile::tempdir().expect("a directory"));
        dir.put("trust.policy", &Kept::policy_text());
        dir
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &str) -> String {
        std::fs::write(self.at(name), bytes).expect("written");
        text(&self.at(name)).to_owned()
    }

    fn run(&self, args: &[&str]) -> Ran {
        let policy = self.at("trust.policy");
        run(&[args, &["--policy", text(&policy)]].concat())
    }
}

/// The digest that a body's file is named by.
fn file_of(log: &Path, kept: &Kept, words: &str) -> PathBuf {
    let (entry, _) = kept.entries.iter().find(|(_, body)| body.contains(words)).expect("an entry");
    let digest = pulselog::entry::SequencedEntry::decode(entry).expect("an entry").digest;
    log.join(format!("artifacts/{digest}"))
}

#[test]
fn an_honest_log_with_one_body_withheld_is_never_accused() {
    let dir = Dir::new();
    let (kept, log) = (attested_log(), dir.at("log"));
    kept.write(&log);
    let operator = did("operator");
    let audit = || dir.run(&["audit", "--log", text(&log), "--operator", &operator]);
    assert_eq!(audit().code, 0, "{}", audit().out);
    for (at, (_, body)) in kept.entries.iter().enumerate() {
        let words = body.split("\"payload_hash_b64u\"").nth(1).unwrap_or(body);
        let file = file_of(&log, &kept, words);
        std::fs::rename(&file, log.join("away")).expect("withheld");
        let ran = audit();
        std::fs::rename(log.join("away"), &file).expect("back");
        assert_eq!(ran.code, 3, "entry {at}: {}{}", ran.out, ran.err);
        assert!(!ran.out.contains("ATTESTATION_FALSE"), "entry {at}: {}", ran.out);
    }
}

/// Whoever lacks a body may list too little, and be called false by whoever has it.
#[test]
fn a_copy_that_lacks_what_may_count_for_a_job_attests_nothing_of_it() {
    use ed25519_dalek::pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding};
    let dir = Dir::new();
    let (kept, log) = (Kept::of(&Story::clean()), dir.at("log"));
    kept.write(&log);
    let pem = key("operator").to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let pem = dir.put("operator.pem", &pem);
    std::fs::set_permissions(&pem, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("closed");
    let operator = did("operator");
    let args = ["audit", "--log", text(&log), "--operator", &operator, "--job", "job-1", "--attest", "--key", &pem];
    let whole = dir.run(&args);
    assert!(whole.code == 0 && whole.out.contains("audit_statement"), "{}{}", whole.out, whole.err);
    for words in ["\"outcome\":\"accepted\"", "proof_bundle", "cst_issuance"] {
        let file = file_of(&log, &kept, words);
        std::fs::rename(&file, log.join("away")).expect("withheld");
        let ran = dir.run(&args);
        std::fs::rename(log.join("away"), &file).expect("back");
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{words}: {}", ran.err);
        assert!(ran.err.contains("nothing was signed") && ran.err.contains("EVIDENCE_WITHHELD"), "{}", ran.err);
    }
}

/// A packet of the story's job.
fn packet(dir: &Dir, kept: &Kept) -> PathBuf {
    let packet = dir.at("packet");
    std::fs::create_dir(&packet).expect("made");
    for (name, bytes) in kept.files(0..kept.size()) {
        std::fs::write(packet.join(name), bytes).expect("written");
    }
    packet
}

#[test]
fn a_packet_is_judged_as_the_one_thing_it_is() {
    let dir = Dir::new();
    let kept = attested_log();
    let (packet, operator) = (packet(&dir, &kept), did("operator"));
    let args = ["verify", text(&packet), "--operator", &operator];
    let ran = dir.run(&args);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("Packet\n") && ran.out.contains("files of the packet are there"), "{}", ran.out);
    assert!(!ran.out.contains("FAIL"), "{}", ran.out);
    // Its documents, and its job.
    let artifacts = kept.size() - 2;
    let counts =
        format!("\n1 job judged: 1 pass\n2 documents judged: 2 pass\n{artifacts} other artifacts: {artifacts} pass,");
    assert!(ran.out.contains(&counts), "{}", ran.out);
    // Every file of the directory is in one of these lines.
    let sum: usize =
        ran.out.lines().rev().take(3).filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum();
    assert_eq!(sum, std::fs::read_dir(&packet).expect("files").count(), "{}", ran.out);
    let lines = dir.run(&[&args[..], &["--json"]].concat()).out;
    let passes = lines.lines().filter(|line| line.contains("\"verdict\":\"pass\"")).count();
    assert_eq!(passes, kept.size() + 1, "{lines}");
    // A file of it that is gone leaves all of it open; one that is changed fails it.
    let away = packet.join("00.tlog-proof");
    let held = std::fs::read(&away).expect("a proof");
    std::fs::remove_file(&away).expect("removed");
    let ran = dir.run(&args);
    assert!(ran.code == 3 && ran.out.contains("packet_file_missing"), "{}{}", ran.out, ran.err);
    std::fs::write(&away, [held, b"x".to_vec()].concat()).expect("written");
    let ran = dir.run(&args);
    assert!(ran.code == 1 && ran.out.contains("packet_file_changed"), "{}{}", ran.out, ran.err);
    // Without a policy nothing is proven, and the flag is named.
    let ran = run(&["verify", text(&packet)]);
    assert!(ran.code == 2 && ran.err.contains("--policy"), "{}", ran.err);
}

#[test]
fn a_packet_without_its_roots_accuses_nobody() {
    let dir = Dir::new();
    let kept = attested_log();
    let packet = packet(&dir, &kept);
    let at = kept.entries.iter().position(|(_, body)| body.contains("audit_roots")).expect("roots");
    std::fs::remove_file(packet.join(format!("{at:02}.json"))).expect("removed");
    let bundle = kept.entries.iter().position(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    let (document, operator) = (packet.join(format!("{bundle:02}.json")), did("operator"));
    // Who lists the gateways stands in the roots, so the protocol verdict is open too.
    let ran = dir.run(&["verify", text(&document), "--evidence", text(&packet), "--operator", &operator]);
    assert!(ran.code == 3 && ran.out.contains("packet_file_missing"), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("(fails)"), "{}", ran.out);
}

#[test]
fn words_of_an_entry_that_is_not_proven_are_not_shown() {
    let dir = Dir::new();
    let kept = Kept::of(&Story::clean());
    let forged = Kept::over([(entry_of("{}", 1), "{}".to_owned())].into_iter().chain(kept.entries.clone()));
    // A path and checkpoint of the log, and an entry that it never held.
    let own = kept.proof(0, kept.size());
    let other = forged.proof(0, 1);
    let extra = |proof: &str| proof.lines().find(|line| line.starts_with("extra ")).expect("an entry").to_owned();
    let proof = dir.put("forged.tlog-proof", &own.replace(&extra(&own), &extra(&other)));
    let ran = dir.run(&["verify", "--proof", &proof]);
    assert!(ran.code == 1 && ran.out.contains("proof_root_mismatch"), "{}", ran.out);
    assert!(!ran.out.contains("tool_receipt") && !ran.out.contains("submitter tests"), "{}", ran.out);
    let row = ran.out.lines().find(|line| line.contains("  entry ")).expect("a row");
    assert!(row.trim_start().starts_with("not checked"), "{row}");
}

#[test]
fn errors_about_proofs_call_them_proofs_and_a_fork_has_its_own_advice() {
    let dir = Dir::new();
    let kept = Kept::of(&Story::clean());
    let proof = dir.put("a.tlog-proof", &kept.proof(0, 5).replacen("index 0", "index 00", 1));
    let ran = dir.run(&["verify", "--proof", &proof]);
    assert!(ran.out.contains("proof index:") && !ran.out.contains("receipt index"), "{}", ran.out);
    let mut other = Story::clean();
    other.submitted_by("policy", "another");
    let other = Kept::of(&other);
    let note = |kept: &Kept, size| kept.note(size).as_str().to_owned();
    let size = kept.size();
    let (proof, forked) = (dir.put("b.tlog-proof", &kept.proof(0, size)), dir.put("forked", &note(&other, size)));
    let ran = dir.run(&["verify", "--proof", &proof, "--consistent-with", &forked]);
    assert!(ran.code == 1 && ran.out.contains("[fork]") && ran.out.contains("two histories"), "{}", ran.out);
    assert!(!ran.out.contains("fetch /v1/proofs/consistency"), "{}", ran.out);
    // A shorter log is none: here and where the log itself is read.
    let (short, newer) = (dir.put("c.tlog-proof", &kept.proof(0, 5)), dir.put("newer", &note(&kept, 6)));
    let document = dir.put("first.json", &kept.entries[0].1);
    let ran = dir.run(&["verify", &document, "--proof", &short, "--consistent-with", &newer]);
    assert!(ran.code == 3 && ran.out.contains("[log_shorter]"), "{}", ran.out);
}

#[test]
fn keys_of_other_kinds_are_passed_over_and_private_ones_refuse() {
    let dir = Dir::new();
    let story = Story::clean();
    let step = |name: &str| story.steps.iter().find(|step| step.name == name).expect("a step").payload.clone();
    let bundle = to_compact(&seal_raw(kind("proof_bundle"), step("job-1.b1"), &key("agent")));
    let (document, claims) = (dir.put("b.json", &bundle), step("job-1.t1"));
    let cst = dir.put("token", &token(claims.get("claims").expect("claims"), "issuer"));
    let with = |more: serde_json::Value| {
        let mut set: serde_json::Value = serde_json::from_str(&jwks("issuer")).expect("JSON");
        set["keys"].as_array_mut().expect("keys").insert(0, more);
        let keys = dir.put("jwks.json", &set.to_string());
        run(&["verify", &document, "--protocol-only", "--cst", &cst, "--jwks", &keys])
    };
    for other in [
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    ] {
        let ran = with(other);
        assert!(ran.out.contains(&format!("signed by the issuer's key {}", kid("issuer"))), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("1 of the key set"), "{}", ran.out);
    }
    for private in [
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}),
        json!({"kty": "oct", "k": "AQAB"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}),
    ] {
        let ran = with(private);
        assert!(ran.code == 1 && ran.err.contains("private part"), "{}{}", ran.out, ran.err);
        assert!(!ran.err.contains("AQAB"), "{}", ran.err);
    }
}

#[test]
fn what_holds_nothing_is_refused_with_its_own_reason() {
    let dir = Dir::new();
    for (text, name) in [("null", "null"), ("[]", "array"), ("\"x\"", "string"), ("7", "number")] {
        let document = dir.put("document.json", text);
        let ran = dir.run(&["verify", &document]);
        let line = ran.err.as_str();
        assert!(ran.code == 1 && line.contains(name) && line.contains("is an object"), "{text}: {} {line}", ran.code);
    }
    let kept = Kept::of(&Story::clean());
    let (document, proof) = (dir.put("a.json", &kept.entries[0].1), dir.put("a.tlog-proof", &kept.proof(0, 1)));
    let empty = dir.put("no.policy", "quorum none\n");
    let ran = run(&["verify", &document, "--proof", &proof, "--policy", &empty]);
    assert!(ran.code == 1 && ran.out.contains("[policy_no_log]") && ran.out.contains("log's line"), "{}", ran.out);
    kept.write(&dir.at("log"));
    let operator = did("operator");
    let ran = run(&["audit", "--log", text(&dir.at("log")), "--policy", &empty, "--operator", &operator]);
    assert!(ran.code == 1 && ran.err.contains("policy_no_log") && !ran.err.contains("line 0"), "{}", ran.err);
}

#[test]
fn what_strangers_say_is_told_once_a_submitter_and_code_unless_all_is_asked_for() {
    let mut story = Story::clean();
    let step = story.steps.iter().find(|step| step.name == "job-1.t1").expect("a token").payload.clone();
    for n in 0..60 {
        let (mut payload, name) = (step.clone(), format!("strange {n}"));
        crate::make::set(&mut payload, "nonce", Some(nonce(&name).into()));
        story.log(&name, "cst_issuance", "stranger", payload);
        story.submitted_by(&name, "stranger");
    }
    let report = story.audit();
    let (short, whole) = (audit_text(&report, false, &[]), audit_text(&report, true, &[]));
    let strange = report.findings.iter().filter(|finding| finding.subject.submitter.is_some()).count();
    assert!(strange >= 60, "{strange}");
    assert!(short.lines().count() * 3 < whole.lines().count(), "{}", short.lines().count());
    assert!(short.contains("times, submitted by") && short.contains("--all"), "{short}");
    assert_eq!(whole.matches("  why: ").count(), report.findings.len());
}

/// Many stay open because of one time without a look: one block says how many and
/// names them, whoever else looks.
#[test]
fn a_time_without_a_look_is_told_once_with_how_many_it_leaves_open_and_which() {
    let report = interrupted().audit();
    let gaps = report.findings.iter().filter(|finding| finding.rule.code == "COVERAGE_GAP").count();
    assert!(gaps >= 3, "{report:#?}");
    let (short, whole) = (audit_text(&report, false, &[]), audit_text(&report, true, &[]));
    assert_eq!(short.matches("  COVERAGE_GAP  ").count(), 1, "{short}");
    assert!(short.contains("COVERAGE_GAP  leaves open 1 job, 1 application, 1 agent, entries "), "{short}");
    let agent = did("agent");
    for named in
        [": 1 job: job-1\n", ": 1 application: argocd-prod/argocd/payments-api\n", &format!(": 1 agent: {agent}\n")]
    {
        assert!(short.contains(named), "{named} is not in {short}");
    }
    assert!(short.contains("each of them: --all"), "{short}");
    assert_eq!(whole.matches("  COVERAGE_GAP  ").count(), gaps, "{whole}");
    assert!(whole.contains("  leaves open: job job-1\n") && !whole.contains("charged to: job"), "{whole}");
}

/// A decision and each report of its operation show the same.
#[test]
fn what_is_found_of_one_act_is_told_once_with_all_its_entries() {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story.set("seen", "started_at", "2026-11-22T12:30:00Z");
    story.set("seen", "finished_at", "2026-11-22T12:30:05Z");
    let report = story.audit();
    let found = report.findings.iter().filter(|finding| finding.rule.code == "TOKEN_REVOKED").count();
    assert!(found > 1, "{report:#?}");
    let told = audit_text(&report, true, &[]);
    assert_eq!(told.matches("critical  TOKEN_REVOKED").count(), 1, "{told}");
    assert!(told.contains(&format!("  TOKEN_REVOKED  {found} findings of one act, entries ")), "{told}");
    for part in ["decided after the token was revoked (caused by ", "started after the token was revoked (caused by "] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(told.contains("  charged to: job job-1"), "{told}");
    // Another act of the same rule is not told with it.
    story.move_after("revoked", "t1");
    let told = audit_text(&story.audit(), true, &[]);
    assert!(told.matches("critical  TOKEN_REVOKED").count() > 1, "{told}");
}

/// Every label has its sort, and what each means stands once above its rows.
#[test]
fn what_was_not_judged_is_told_in_sorts_that_say_what_to_do() {
    let mut labels = std::collections::BTreeSet::new();
    for (name, story) in crate::audit::goldens::whole_stories() {
        let report = story.audit();
        for row in &report.coverage {
            assert!(UNJUDGED.iter().any(|sort| sort.has(row.what)), "{name}: {} has no sort", row.what);
            labels.insert(row.what);
        }
        let told = audit_text(&report, true, &[]);
        for sort in UNJUDGED {
            let rows = report.coverage.iter().filter(|row| sort.has(row.what)).count();
            let line = format!("  {}: {}\n  what to do: {}\n", sort.title, sort.means, sort.what_to_do);
            assert_eq!(told.matches(&line).count(), usize::from(rows > 0), "{name}: {told}");
        }
    }
    assert!(labels.len() > 15, "{labels:?}");
}

/// What is owed of one operation is owed of its agent and of the agent's jobs.
#[test]
fn what_is_owed_is_told_once_with_all_that_it_would_be_charged_to() {
    let mut story = Story::clean();
    silent(&mut story);
    let _ = story.remove("tick");
    let report = story.audit();
    assert!(report.pending.len() > 1, "{report:#?}");
    let told = audit_text(&report, false, &[]);
    assert_eq!(told.matches("pending  UNREPORTED_ACTION").count(), 1, "{told}");
    let charged = told.lines().find(|line| line.starts_with("  leaves open: ")).unwrap_or_else(|| panic!("{told}"));
    for named in ["job job-1", &format!("agent {}", did("agent")), "application argocd-prod/argocd/payments-api"] {
        assert!(charged.contains(named), "{charged}");
    }
}
