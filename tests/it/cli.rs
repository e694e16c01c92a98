//! The real binary: exit codes, one-line errors, key modes, what it prints.

pub mod argocd;
#[cfg(feature = "server")]
pub mod demo;
pub mod examples;
#[cfg(feature = "server")]
pub mod init;
pub mod lists;
pub mod named_files;
pub mod newcomers;
pub mod slips;
#[cfg(feature = "server")]
pub mod submit_answers;
#[cfg(feature = "server")]
pub mod submit_waits;
#[cfg(feature = "server")]
pub mod tickets;
pub mod wpc;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pulselog::artifact::json::to_compact;
use pulselog::artifact::{Did, Kind};
use pulselog::note::VerifierKey;

use crate::make::{admit_any, good, good_payload, kind, set, value};

/// How a run of the binary ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulselog"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

pub fn run_with(args: &[&str], input: &[u8]) -> Ran {
    let mut child = command()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that reads no input may be gone before this is written.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("the binary ends");
    Ran {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub fn run(args: &[&str]) -> Ran {
    run_with(args, b"")
}

/// Exit code and one line that names these words.
fn fails(args: &[&str], code: i32, words: &[&str]) {
    let ran = run(args);
    assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{args:?}: {}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{args:?} does not name {word}: {}", ran.err);
    }
    assert_eq!(ran.out, "", "{args:?}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The subcommands that a help lists; none where it lists none.
fn commands_of(help: &str) -> Vec<String> {
    let listed =
        help.split_once("Commands:\n").and_then(|(_, rest)| rest.split_once("\n\n")).map_or("", |(list, _)| list);
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
}

#[test]
fn help_teaches_and_wrong_usage_is_one_line() {
    let ran = run(&["--help"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("Exit codes"));
    assert_eq!(run(&[]).code, 2);
    // Each subcommand that a help lists teaches, and says how it ends.
    let mut left: Vec<Vec<String>> = commands_of(&ran.out).into_iter().map(|name| vec![name]).collect();
    assert!(left.len() >= 7, "{}", ran.out);
    while let Some(command) = left.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = run(&[&words[..], &["--help"]].concat());
        assert_eq!(help.code, 0, "{command:?}");
        left.extend(commands_of(&help.out).into_iter().map(|name| [&command[..], &[name]].concat()));
        for words in ["Examples:", "Exit codes:", &format!("pulselog {}", command.join(" "))] {
            assert!(help.out.contains(words), "{command:?} {words}");
        }
        for line in help.out.lines() {
            assert!(line.chars().count() <= 120, "{command:?}: {line}");
        }
    }
    fails(&["frobnicate"], 2, &["frobnicate", "--help"]);
    fails(&["verify"], 2, &["--proof", "pulselog verify --help"]);
    fails(&["verify", "--proof", "a", "--policy", "b", "--size-at-least", "007"], 2, &["--size-at-least"]);
    fails(&["verify", "--proof", "a", "--policy", "b", "--consistency", "c"], 2, &["--consistent-with"]);
    fails(&["keygen", "--out", "x"], 2, &["--origin", "--did"]);
    fails(&["keygen", "--origin", "with+plus", "--out", "/nowhere/x"], 2, &["--origin"]);
    fails(&["sign", "--kind", "nonsense", "--key", "k", "p"], 2, &["--kind", "approval"]);
}

#[test]
fn keygen_writes_a_private_file_once_and_prints_the_public_name_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, did) = (dir.path().join("log.pem"), dir.path().join("did.pem"));
    let made = run(&["keygen", "--origin", "example.com/log", "--out", text(&log)]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    let vkey = VerifierKey::parse(made.out.trim_end()).expect("a vkey alone");
    assert_eq!(vkey.name().as_str(), "example.com/log");
    let made = run(&["keygen", "--did", "--out", text(&did)]);
    assert_eq!(made.code, 0);
    Did::parse(made.out.trim_end()).expect("a did:key alone");
    for file in [&log, &did] {
        let pem = std::fs::read_to_string(file).expect("a key");
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_eq!(std::fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
        fails(&["keygen", "--did", "--out", text(file)], 1, &["--out", "never overwrites"]);
        assert_eq!(std::fs::read_to_string(file).expect("a key"), pem);
    }
    fails(&["keygen", "--did", "--out", text(&dir.path().join("no/such/key"))], 2, &["--out", "directory"]);
}

#[test]
fn sign_makes_what_a_log_admits_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("key.pem");
    let did = run(&["keygen", "--did", "--out", text(&key)]).out.trim_end().to_owned();
    let ours = ["cst_revocation", "approval", "argocd_decision", "argocd_receipt", "change_record", "audit_roots"];
    for name in ours {
        let payload = json_without(&good_payload(kind(name)), &[&format!("{name}_version"), "nonce"]);
        let signed = run_with(&["sign", "--kind", name, "--key", text(&key), "-"], payload.as_bytes());
        assert_eq!(signed.code, 0, "{name}: {}", signed.err);
        let artifact = admit_any(signed.out.trim_end()).expect("admitted").artifact;
        assert_eq!(artifact.signer().map(Did::as_str), Some(did.as_str()));
        assert_eq!(artifact.compact(), signed.out.trim_end(), "printed in compact form");
    }
    let refused = run_with(&["sign", "--kind", "approval", "--key", text(&key), "-"], b"{\"decision\":\"perhaps\"}");
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let lines: Vec<_> = refused.err.lines().collect();
    assert_eq!(lines.last(), Some(&"pulselog: 5 fields to correct in the payload"), "{}", refused.err);
    for place in
        ["decision: must be one of", "approval_id: is req", "binds: is req", "agent_did: is req", "expires_at: is req"]
    {
        assert!(lines.iter().any(|line| line.starts_with(&format!("  payload.{place}"))), "{place}: {}", refused.err);
    }
    let secret = r#"{"token_hash":"TH","revoked_at":"2026-11-22T12:00:00Z","reason":"eyJhbGciOiJub25lIn0.e30.c2ln","policy_hash_b64u":"PH"}"#
        .replace("TH", &"a".repeat(64))
        .replace("PH", &"A".repeat(43));
    let refused = run_with(&["sign", "--kind", "cst_revocation", "--key", text(&key), "-"], secret.as_bytes());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("secret_in_artifact") && !refused.err.contains("eyJhbGci"), "{}", refused.err);
}

#[test]
fn roots_that_distrust_somebody_are_signed_only_when_somebody_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("key.pem");
    let did = run(&["keygen", "--did", "--out", text(&key)]).out.trim_end().to_owned();
    let mut roots = good_payload(kind("audit_roots"));
    let row = format!(r#"[{{"did":"{did}","from_index":7,"reason":"stolen key"}}]"#);
    set(&mut roots, "distrusted", Some(value(&row)));
    let payload = to_compact(&roots);
    let sign = |more: &[&str]| {
        let args = [&["sign", "--kind", "audit_roots", "--key", text(&key), "-"], more].concat();
        run_with(&args, payload.as_bytes())
    };
    let refused = sign(&[]);
    assert_eq!((refused.code, refused.err.lines().count(), refused.out.as_str()), (2, 1, ""), "{}", refused.err);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    let signed = sign(&["--yes"]);
    assert_eq!(signed.code, 0, "{}", signed.err);
    assert!(signed.err.contains(&format!("{did} from index 7 on: stolen key")), "{}", signed.err);
    assert!(signed.err.contains("--log"), "says how to see the jobs: {}", signed.err);
    assert!(admit_any(signed.out.trim_end()).is_ok());
}

/// The compact form of an object without some members.
fn json_without(value: &pulselog::artifact::json::Value, names: &[&str]) -> String {
    let mut object = value.as_object().expect("an object").clone();
    for name in names {
        object.remove(name);
    }
    pulselog::artifact::json::to_compact(&object.into())
}

#[test]
fn keys_that_others_may_read_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (key, payload) = (dir.path().join("key.pem"), dir.path().join("payload.json"));
    run(&["keygen", "--did", "--out", text(&key)]);
    std::fs::write(&payload, "{}").expect("written");
    for mode in [0o640, 0o604, 0o660, 0o777] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).expect("a mode");
        fails(&["sign", "--kind", "approval", "--key", text(&key), text(&payload)], 1, &["--key", "chmod 600"]);
    }
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("a mode");
    std::fs::write(&key, "not a key").expect("written");
    fails(&["sign", "--kind", "approval", "--key", text(&key), text(&payload)], 2, &["--key", "PKCS#8"]);
}

#[test]
fn show_decodes_artifacts_and_says_when_they_are_not_authentic() {
    for row in Kind::ALL {
        let shown = run_with(&["show", "-"], good(row).as_bytes());
        assert_eq!(shown.code, 0, "{}: {}", row.name(), shown.out);
        assert!(shown.out.contains(row.title()) && shown.out.contains(row.name()));
        let json = run_with(&["show", "--json", "-"], good(row).as_bytes());
        let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
        assert_eq!(json["refused"], false);
    }
    let forged = good(kind("approval")).replace("\"approve\"", "\"deny\"");
    let shown = run_with(&["show", "-"], forged.as_bytes());
    assert_eq!(shown.code, 1);
    assert!(shown.out.contains("hash_mismatch"), "{}", shown.out);
    let hostile = run_with(&["show", "-"], "{\"a\":\"\u{202e}\u{9b}2J\"}".as_bytes());
    assert!(hostile.out.contains("\\u{202e}\\u{9b}2J"), "{}", hostile.out);
    fails(&["show", "/nowhere/at-all"], 2, &["/nowhere/at-all", "no such file"]);
    for bytes in [&b""[..], b"plain words", b"{\"a\":", b"\xa1\x01", b"old x\n\n", b"c2sp.org/tlog-proof@v9\n"] {
        let ran = run_with(&["show", "-"], bytes);
        assert_eq!((ran.code, ran.err.lines().count()), (1, 1), "{}", ran.err);
    }
}

#[test]
fn file_names_cannot_start_a_second_line() {
    let ran = run(&["show", "/nowhere/\n\u{1b}[31mpulselog: PASS"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1));
    assert!(!ran.err.contains('\u{1b}'));
}
