//! Folders of documents and of evidence: everything in them is read or named,
//! and only regular files are opened.

use std::path::{Path, PathBuf};
use std::process::Command;

use pulselog::artifact::json::to_compact;
use serde_json::Value;

use crate::cli::{Ran, run};
use crate::make::audit::Story;
use crate::make::evidence::Kept;
use crate::make::{did, key, kind, seal_raw, set};

fn put(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Opening it would wait for ever.
fn pipe(dir: &Path, name: &str) {
    assert!(Command::new("mkfifo").arg(dir.join(name)).status().expect("mkfifo").success());
}

fn bundle(agent: &str) -> String {
    let mut payload = Story::clean().said("b1").clone();
    set(&mut payload, "agent_did", Some(did("agent").into()));
    to_compact(&seal_raw(kind("proof_bundle"), payload, &key(agent)))
}

/// The answers to `verify DIR`, by the end of their place.
fn verified(dir: &Path) -> (i32, Vec<(String, String, String)>) {
    let config = put(
        dir.parent().expect("a folder"),
        "config",
        &serde_json::json!({"config_version": "1",
        "allowlists": {"gateway_receipt_signer_dids": [did("gateway")]}})
        .to_string(),
    );
    let ran = run(&["verify", text(dir), "--protocol-only", "--json", "--config", text(&config)]);
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        (word("source").replace(text(dir), ""), word("verdict"), word("error"))
    };
    (ran.code, ran.out.lines().map(line).collect())
}

#[test]
fn a_bundle_is_judged_wherever_it_lies_in_the_folder() {
    let (good, bad) = (bundle("agent"), bundle("stranger"));
    let both = format!("{good}\n{bad}\n");
    for (name, content) in [
        ("b.json", &bad),
        ("below/further/b.json", &bad),
        ("b.txt", &bad),
        ("below/b", &bad),
        ("b.ndjson", &both),
        ("below/b.jsonl", &both),
        ("b.log", &both),
    ] {
        let top = tempfile::tempdir().expect("a directory");
        let dir = top.path().join("documents");
        put(&dir, "a.json", &good);
        assert_eq!(verified(&dir).0, 0, "{name}: the clean twin");
        put(&dir, name, content);
        let (code, told) = verified(&dir);
        assert_eq!(code, 1, "{name}: {told:?}");
        assert_eq!(told.iter().filter(|(_, verdict, _)| verdict == "fail").count(), 1, "{name}: {told:?}");
    }
}

#[test]
fn what_is_not_judged_is_named_and_leaves_the_run_incomplete() {
    let top = tempfile::tempdir().expect("a directory");
    let dir = top.path().join("documents");
    put(&dir, "a.json", &bundle("agent"));
    put(&dir, "below/notes.txt", "not a document");
    pipe(&dir, "b.json");
    pipe(&dir.join("below"), "c.ndjson");
    std::os::unix::fs::symlink(&dir, dir.join("below/again")).expect("a link");
    std::os::unix::fs::symlink("/dev/zero", dir.join("zero.json")).expect("a link");
    let (code, told) = verified(&dir);
    assert_eq!(code, 3, "{told:?}");
    for (place, words) in [
        ("/below/notes.txt", ""),
        ("/b.json", "is a named pipe"),
        ("/below/c.ndjson", "is a named pipe"),
        ("/below/again", "is a link to a folder that it stands in"),
        ("/zero.json", "is a device"),
    ] {
        let found = told.iter().find(|(at, ..)| at == place).unwrap_or_else(|| panic!("{place}: {told:?}"));
        assert!(found.1 == "incomplete" && found.2.contains(words), "{found:?}");
    }
    assert_eq!(told.iter().filter(|(_, verdict, _)| verdict == "pass").count(), 1, "{told:?}");
}

/// `verify` of the first bundle beside a folder of evidence.
fn beside(dir: &Path, kept: &Kept) -> Ran {
    let above = dir.parent().expect("a folder");
    let policy = put(above, "trust.policy", &Kept::policy_text());
    let bundle = kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    let document = put(above, "b.json", &bundle.1);
    let operator = did("operator");
    run(&["verify", text(&document), "--evidence", text(dir), "--policy", text(&policy), "--operator", &operator])
}

#[test]
fn evidence_is_read_from_lines_and_folders_below_and_what_is_not_read_is_named() {
    let kept = Kept::of(&Story::clean());
    let files = kept.files(0..kept.size());
    let top = tempfile::tempdir().expect("a directory");
    let (flat, lines) = (top.path().join("flat"), top.path().join("lines"));
    let mut bodies = String::new();
    for (name, bytes) in &files {
        let content = std::str::from_utf8(bytes).expect("text");
        put(&flat, name, content);
        match name.ends_with(".json") {
            true => bodies.push_str(&format!("{content}\n")),
            false => drop(put(&lines, &format!("proofs/{name}"), content)),
        }
    }
    put(&lines, "bodies.ndjson", &bodies);
    // A check may stand below the verdict as its reason; what is compared is all else.
    let is_check = |line: &&str| line.contains("[packet_manifest_missing]");
    let findings = |ran: &Ran| -> Vec<String> {
        let above = ran.out.split("\nChecks\n").next().expect("findings");
        above.lines().filter(|line| !is_check(line)).map(str::to_owned).collect()
    };
    let (one, other) = (beside(&flat, &kept), beside(&lines, &kept));
    assert_eq!((findings(&one), one.code), (findings(&other), other.code));
    assert!(!one.out.contains("EVIDENCE_WITHHELD") && one.out.contains("entries proven"), "{}", one.out);
    put(&flat, "README.md", "what this is");
    pipe(&flat, "pipe");
    let ran = beside(&flat, &kept);
    assert!(ran.out.contains("artifacts or proofs: README.md"), "{}", ran.out);
    assert!(ran.out.contains("pipe: is a named pipe, no regular file [evidence_not_read]"), "{}", ran.out);
    assert_eq!(ran.code, 3, "{}", ran.out);
}
