//! The demo's packet, verified as a stranger would: whole, with each file
//! left out, under another operator, and with roots of its own.

use std::path::{Path, PathBuf};

use pulselog::artifact::json::{Value, to_compact};
use pulselog::receipt::tlog_proof;

use crate::cli::{Ran, run};
use crate::make::{did, key, kind, seal_raw, set, value};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// One demo for all tests of this file: it takes seconds.
fn packet() -> &'static Path {
    static DEMO: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let dir = DEMO.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let ran = run(&["demo", "--once", "--data", text(dir.path())]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        dir
    });
    Box::leak(dir.path().join("packet").into_boxed_path())
}

fn operator() -> String {
    let roots = std::fs::read_to_string(packet().join("00-audit_roots.json")).expect("roots");
    value(&roots).text_at("signer_did").expect("a signer").to_owned()
}

fn copy(without: Option<&str>) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a directory");
    for file in std::fs::read_dir(packet()).expect("a packet").flatten() {
        if Some(file.file_name().to_str().expect("UTF-8")) != without {
            std::fs::copy(file.path(), to.path().join(file.file_name())).expect("copied");
        }
    }
    to
}

fn verify(dir: &Path, bundle: &str, operator: &str, more: &[&str]) -> Ran {
    let (bundle, policy) = (dir.join(bundle), dir.join("trust.policy"));
    let mut args = vec!["verify", text(&bundle), "--evidence", text(dir), "--policy", text(&policy)];
    args.extend(["--operator", operator, "--json"]);
    args.extend(more);
    run(&args)
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
}

#[test]
fn the_demos_packet_passes_both_verdicts_with_attested_absence() {
    for bundle in ["20-proof_bundle.json", "21-proof_bundle.json"] {
        let ran = verify(packet(), bundle, &operator(), &[]);
        let report = json(&ran);
        assert_eq!(ran.code, 0, "{report:#}");
        assert_eq!((&report["protocol"]["status"], &report["audit"]["status"]), (&"pass".into(), &"pass".into()));
        assert_eq!(report["coverage"]["absence"], serde_json::json!({"how": "attested", "entry": 24}));
        crate::house::schemas::is_valid("verification.schema.json", &report);
        assert_eq!(report["coverage"]["as_of"]["size"], 24);
        assert_eq!(report["subject"]["tree_size"], 25);
    }
}

#[test]
fn a_packet_without_any_one_of_its_files_is_never_green_and_says_why() {
    let names: Vec<String> = std::fs::read_dir(packet())
        .expect("a packet")
        .flatten()
        .map(|file| file.file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        let part = copy(Some(&name));
        let ran = verify(part.path(), "20-proof_bundle.json", &operator(), &[]);
        // What is named and not there is a slip of the hand, and no verdict.
        let is_named = ["20-proof_bundle.json", "trust.policy"].contains(&name.as_str());
        let codes: &[i32] = if is_named { &[2] } else { &[1, 3] };
        assert!(codes.contains(&ran.code), "without {name}: {} {}", ran.code, ran.out);
        match ran.out.is_empty() {
            true => assert!(ran.err.contains(&name), "without {name}: {}", ran.err),
            false => {
                let report = json(&ran);
                let checks = report["checks"].as_array().expect("checks");
                let said = checks.iter().any(|check| {
                    check["outcome"] != "pass"
                        && (check["detail"].as_str().is_some_and(|detail| detail.contains(&name))
                            || check["code"] == "packet_manifest_missing")
                });
                assert!(said, "without {name}: {report:#}");
                // What is missing accuses nobody.
                let codes = report["audit"]["findings"].as_array().expect("findings");
                assert!(codes.iter().all(|finding| finding["effect"] != "fails"), "without {name}: {report:#}");
            }
        }
    }
}

#[test]
fn a_packet_without_its_roots_and_any_other_of_its_files_accuses_nobody() {
    for file in std::fs::read_dir(packet()).expect("a packet").flatten() {
        let part = copy(Some("00-audit_roots.json"));
        // The roots themselves are gone already.
        let _ = std::fs::remove_file(part.path().join(file.file_name()));
        let ran = verify(part.path(), "21-proof_bundle.json", &operator(), &[]);
        assert_ne!(ran.code, 0, "without {:?}: {}", file.file_name(), ran.out);
        if !ran.out.is_empty() {
            let report = json(&ran);
            let findings = report["audit"]["findings"].as_array().expect("findings");
            assert!(findings.iter().all(|finding| finding["effect"] != "fails"), "{report:#}");
        }
    }
}

#[test]
fn a_changed_file_of_a_packet_fails() {
    let part = copy(None);
    let path = part.path().join("12-cst_revocation.json");
    let text = std::fs::read_to_string(&path).expect("a revocation");
    // The same JSON, and another file than the packet was made with.
    std::fs::write(&path, text + "\n").expect("written");
    assert_eq!(verify(part.path(), "20-proof_bundle.json", &operator(), &[]).code, 1);
}

/// By the line that the packet's README names for it.
#[test]
fn a_changed_artifact_that_no_proof_is_of_is_no_slip_of_the_reader() {
    let part = copy(None);
    let changed = |listed: bool| {
        let path = part.path().join("12-cst_revocation.json");
        let text = std::fs::read_to_string(&path).expect("a revocation");
        std::fs::write(&path, text.replacen("revocation", "Revocation", 1)).expect("written");
        let ran = verify(part.path(), "12-cst_revocation.json", &operator(), &[]);
        assert!(ran.err.contains("no proof in the evidence is of these bytes"), "{}{}", ran.out, ran.err);
        assert_eq!(ran.err.contains("packet_file_changed"), listed, "{}", ran.err);
        ran.code
    };
    assert_eq!(changed(true), 1);
    std::fs::remove_file(part.path().join("packet.json")).expect("removed");
    assert_eq!(changed(false), 3);
}

#[test]
fn under_another_operator_or_with_roots_of_its_own_a_packet_is_never_green() {
    assert_ne!(verify(packet(), "20-proof_bundle.json", &did("stranger"), &[]).code, 0);
    // Roots that the packet's maker signed, in place of the operator's.
    let part = copy(None);
    let path = part.path().join("00-audit_roots.json");
    let roots = value(&std::fs::read_to_string(&path).expect("roots")).get("payload").expect("a payload").clone();
    std::fs::write(&path, to_compact(&seal_raw(kind("audit_roots"), roots, &key("stranger")))).expect("written");
    for pinned in [operator(), did("stranger")] {
        assert_ne!(verify(part.path(), "20-proof_bundle.json", &pinned, &[]).code, 0);
    }
    // Without any operator nobody's word counts.
    let (bundle, policy) = (packet().join("20-proof_bundle.json"), packet().join("trust.policy"));
    let ran = run(&["verify", text(&bundle), "--evidence", text(packet()), "--policy", text(&policy), "--json"]);
    let codes = json(&ran)["audit"]["findings"].to_string();
    assert!(ran.code != 0 && codes.contains("ROOTS_UNPINNED"), "{}", ran.out);
}

#[test]
fn another_job_than_expected_fails() {
    let bundle = value(&std::fs::read_to_string(packet().join("20-proof_bundle.json")).expect("a bundle"));
    let job = bundle.text_at("payload.metadata.pulselog.job_id").expect("a job").to_owned();
    assert_eq!(verify(packet(), "20-proof_bundle.json", &operator(), &["--expect-job", &job]).code, 0);
    let ran = verify(packet(), "20-proof_bundle.json", &operator(), &["--expect-job", "job-other"]);
    assert_eq!((ran.code, ran.out.contains("REPLAY_JOB_MISMATCH")), (1, true), "{}", ran.out);
}

#[test]
fn the_whole_log_as_a_directory_recomputes_absence() {
    let mirror = mirror();
    let (bundle, policy) = (packet().join("20-proof_bundle.json"), packet().join("trust.policy"));
    let whole = |more: &[&str]| {
        let mut args = vec!["verify", text(&bundle), "--log", text(mirror.path()), "--policy", text(&policy)];
        let pinned = operator();
        args.extend(["--operator", &pinned, "--json"]);
        args.extend(more);
        run(&args)
    };
    let ran = whole(&[]);
    assert_eq!((ran.code, &json(&ran)["coverage"]["absence"]["how"]), (0, &"recomputed".into()), "{}", ran.out);
    let audited =
        run(&["audit", "--log", text(mirror.path()), "--policy", text(&policy), "--operator", &operator(), "--json"]);
    assert_eq!((audited.code, &json(&audited)["verdict"]), (0, &"pass".into()), "{} {}", audited.out, audited.err);
    crate::house::schemas::is_valid("audit_report.schema.json", &json(&audited));
    // A body that is gone is told, an entry that is gone is no log.
    let bodies: Vec<PathBuf> =
        std::fs::read_dir(mirror.path().join("artifacts")).expect("bodies").flatten().map(|f| f.path()).collect();
    std::fs::remove_file(mirror.path().join("artifacts").join(digest_of("12-cst_revocation"))).expect("removed");
    assert_eq!(bodies.len(), 25);
    let ran = whole(&[]);
    assert!(ran.code != 0 && ran.out.contains("EVIDENCE_WITHHELD"), "{}", ran.out);
    let tile = mirror.path().join("tile/entries/000.p/25");
    let mut bytes = std::fs::read(&tile).expect("a tile");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&tile, bytes).expect("written");
    assert_eq!(whole(&[]).code, 1);
}

fn digest_of(stem: &str) -> String {
    entry_of(stem).1
}

/// Entry bytes and artifact digest, from a proof of the packet.
fn entry_of(stem: &str) -> (Vec<u8>, String) {
    let proof = std::fs::read(packet().join(format!("{stem}.tlog-proof"))).expect("a proof");
    let bytes = tlog_proof::decode(&proof).expect("a proof").extra.expect("the entry");
    let digest = pulselog::entry::SequencedEntry::decode(&bytes).expect("an entry").digest.to_string();
    (bytes, digest)
}

/// The log of the packet as a directory of tiles and bodies.
fn mirror() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, bytes).expect("written");
    };
    let mut stems: Vec<String> = std::fs::read_dir(packet())
        .expect("a packet")
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".tlog-proof")?.to_owned()))
        .collect();
    stems.sort();
    let entries: Vec<_> = stems.iter().map(|stem| entry_of(stem)).collect();
    let bytes: Vec<&[u8]> = entries.iter().map(|(bytes, _)| bytes.as_slice()).collect();
    put("tile/entries/000.p/25", &pulselog::tile::encode_bundle(&bytes).expect("a bundle"));
    for (stem, (_, digest)) in stems.iter().zip(&entries) {
        put(&format!("artifacts/{digest}"), &std::fs::read(packet().join(format!("{stem}.json"))).expect("a body"));
    }
    put("checkpoint", &std::fs::read(packet().join("checkpoint")).expect("a checkpoint"));
    dir
}

#[test]
fn a_packet_with_the_revocation_left_out_is_never_green_even_with_a_manifest_of_its_own() {
    let part = copy(None);
    for ending in ["json", "tlog-proof"] {
        std::fs::remove_file(part.path().join(format!("12-cst_revocation.{ending}"))).expect("removed");
    }
    let manifest = part.path().join("packet.json");
    let mut listed = value(&std::fs::read_to_string(&manifest).expect("a manifest"));
    let files = listed.get("files").and_then(Value::as_array).expect("files").to_vec();
    let kept = files.into_iter().filter(|file| !file.text_at("name").is_some_and(|name| name.starts_with("12-")));
    set(&mut listed, "files", Some(Value::Array(kept.collect())));
    std::fs::write(&manifest, to_compact(&listed)).expect("written");
    let ran = verify(part.path(), "20-proof_bundle.json", &operator(), &[]);
    assert_eq!((ran.code, ran.out.contains("EVIDENCE_MISSING")), (3, true), "{}", ran.out);
}

#[test]
fn a_proof_of_another_history_does_not_go_with_the_log() {
    // Another demo: another log of the same name, under another key.
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(run(&["demo", "--once", "--data", text(dir.path())]).code, 0);
    let other = dir.path().join("packet");
    let policies = dir.path().join("both.policy");
    let line = |packet: &Path| {
        let policy = std::fs::read_to_string(packet.join("trust.policy")).expect("a policy");
        policy.lines().find(|line| line.starts_with("log ")).expect("a log").to_owned()
    };
    let both = format!("{}\n{}\nquorum none\n", line(packet()), line(&other));
    std::fs::write(&policies, both).expect("written");
    let (bundle, proof, mirror) =
        (other.join("20-proof_bundle.json"), other.join("20-proof_bundle.tlog-proof"), mirror());
    let ran = run(&[
        "verify",
        text(&bundle),
        "--proof",
        text(&proof),
        "--log",
        text(mirror.path()),
        "--policy",
        text(&policies),
        "--operator",
        &operator(),
        "--json",
    ]);
    assert_eq!((ran.code, ran.out.contains("\"fork\"")), (1, true), "{} {}", ran.out, ran.err);
    let ran = run(&[
        "verify",
        text(&bundle),
        "--proof",
        text(&proof),
        "--evidence",
        text(packet()),
        "--policy",
        text(&policies),
        "--operator",
        &operator(),
        "--json",
    ]);
    assert_eq!((ran.code, ran.out.contains("\"fork\"")), (1, true), "{} {}", ran.out, ran.err);
}

#[test]
fn a_packet_older_than_what_the_reader_knows_is_incomplete_and_one_of_all_entries_is_not_called_older() {
    let (bundle, policy) = (packet().join("20-proof_bundle.json"), packet().join("trust.policy"));
    let checkpoint = packet().join("checkpoint");
    let with = |known: &str, more: &[&str]| {
        let mut args = vec!["verify", text(&bundle), "--evidence", text(packet()), "--policy", text(&policy)];
        let operator = operator();
        args.extend(["--operator", &operator, "--at-least", known]);
        args.extend(more);
        run(&args)
    };
    // The statement is of 24 entries, and itself the 25th: nothing is left out.
    for known in ["1", "24", "25", text(&checkpoint)] {
        let ran = with(known, &[]);
        assert_eq!(ran.code, 0, "{known}: {}", ran.out);
        assert!(!ran.out.contains("of the first 24 only"), "{}", ran.out);
        assert!(ran.out.contains("attested by the operator in entry 24"), "{}", ran.out);
    }
    let ran = with("26", &["--json"]);
    let report = json(&ran);
    assert_eq!(
        (ran.code, &report["verdict"], &report["coverage"]["as_of"]["beyond"]),
        (3, &"incomplete".into(), &1.into())
    );
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.iter().any(|check| check["code"] == "judged_below_known"), "{report:#}");
    let ran = with(text(&policy), &[]);
    assert!(ran.code == 1 && ran.err.contains("--at-least"), "{}", ran.err);
}
