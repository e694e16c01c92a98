//! Slips of the hand: a secret where a name belongs is refused and never said
//! again, and what could not be read is told apart from what was judged and
//! failed, with what to do next.

use std::path::Path;

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::evidence::cli::token;
use crate::make::evidence::{Kept, attested_log};
use crate::make::{did, value};

/// A submitter's token, as `token new` prints it.
fn submitters() -> String {
    format!("plg_{}", "0123456789abcdef".repeat(4))
}

/// A compact token, with what its issuer signed.
fn compact() -> String {
    let claims = format!(r#"{{"sub":"{}","mission_id":"job-1","iat":1,"exp":2}}"#, did("agent"));
    token(&value(&claims), "issuer")
}

#[track_caller]
fn keeps_quiet(args: &[&str], secret: &str, names: &str) {
    let ran = run(args);
    let said = format!("{}{}", ran.out, ran.err);
    let part = &secret[..secret.len().min(20)];
    let args: Vec<_> = args.iter().map(|arg| arg.replace(secret, "SECRET")).collect();
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{args:?}: {said}");
    assert!(!said.contains(part), "{args:?} repeats it");
    assert!(ran.err.contains("token") && ran.err.contains(names), "{args:?}: {}", ran.err);
}

#[test]
fn a_secret_where_a_name_belongs_is_refused_and_not_repeated() {
    let audit = ["audit", "--log", "x", "--policy", "p", "--operator", "o"];
    let cut = &submitters()[..30];
    for secret in [submitters(), compact(), format!("Bearer {}", submitters()), cut.to_owned()] {
        let with = |more: &[&str], names: &str| {
            let more: Vec<_> = more.iter().map(|arg| arg.replace("SECRET", &secret)).collect();
            let more: Vec<_> = more.iter().map(String::as_str).collect();
            keeps_quiet(&[&audit[..], &more].concat(), &secret, names);
        };
        for flag in ["--job", "--token", "--app", "--agent", "--at-least", "--at", "--no-such-flag"] {
            with(&[flag, "SECRET"], flag);
            with(&[&format!("{flag}=SECRET")], flag);
        }
        with(&["--run", "SECRET", "--agent", "a"], "--run");
        for args in [
            &["verify", "b.json", "--expect-job", "SECRET"][..],
            &["verify", "SECRET"],
            &["verify", "b.json", "--operator", "SECRET"],
            &["show", "SECRET"],
            &["explain", "SECRET"],
            &["sign", "--kind", "SECRET", "--example"],
            &["keygen", "--origin", "SECRET", "--out", "/nowhere/k"],
            &["disclose", "b.json", "--proof", "p", "--receipt", "SECRET"],
            &["SECRET"],
        ] {
            let args: Vec<_> = args.iter().map(|arg| arg.replace("SECRET", &secret)).collect();
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            keeps_quiet(&args, &secret, "");
        }
    }
}

#[cfg(feature = "server")]
#[test]
fn a_log_takes_no_secret_for_its_name_nor_for_a_submitters() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, secret) = (dir.path().join("log"), submitters());
    keeps_quiet(&["init", text(&log), "--origin", &secret], &secret, "--origin");
    assert!(!log.exists());
    assert_eq!(run(&["init", text(&log), "--origin", "log.example"]).code, 0);
    for action in ["new", "revoke"] {
        keeps_quiet(&["token", action, &secret, "--data", text(&log)], &secret, "");
    }
    keeps_quiet(&["submit", "--url", "http://127.0.0.1:1", "--token-file", &secret, "x"], &secret, "--token-file");
}

#[test]
fn a_file_that_is_called_like_a_token_is_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("plg_gateway.json");
    std::fs::write(&file, crate::make::good(crate::make::kind("approval"))).expect("written");
    assert_eq!(run(&["show", text(&file)]).code, 0);
}

#[test]
fn a_tokens_hash_is_64_hex_digits_and_nothing_else_is_looked_for_or_repeated() {
    let (dir, log, policy) = log();
    let operator = did("operator");
    let audit = |hash: &str| {
        run(&["audit", "--log", text(&log), "--policy", text(&policy), "--operator", &operator, "--token", hash])
    };
    for wrong in ["header.claims.signature", "7", &"g".repeat(64), &"a".repeat(63)] {
        let ran = audit(wrong);
        let says = ran.err.contains("--token: must be 64 hex digits, the SHA-256 of the compact token");
        assert!(ran.code == 2 && says && !ran.err.contains(&format!(" {wrong}")), "{wrong}: {} {}", ran.code, ran.err);
        assert!(!ran.out.contains(wrong), "{}", ran.out);
    }
    let hash = crate::make::hex("job-1.t1");
    assert_eq!(audit(&hash).code, 0, "{}", audit(&hash).err);
    assert_eq!(audit(&hash.to_uppercase()).code, 0, "in the other case");
    drop(dir);
}

fn log() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    attested_log().write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    (dir, log, policy)
}

#[track_caller]
fn slips(code: i32, args: &[&str], says: &[&str]) -> Ran {
    let ran = run(args);
    // Waits are told before the reason.
    let reasons = ran.err.lines().filter(|line| !line.contains(", trying again in ")).count();
    assert_eq!((ran.code, ran.out.as_str(), reasons), (code, "", 1), "{args:?}: {}", ran.err);
    says.iter().for_each(|words| assert!(ran.err.contains(words), "{args:?} says {words}: {}", ran.err));
    ran
}

#[test]
fn what_could_not_be_read_is_wrong_usage_and_never_a_failure() {
    let (dir, log, policy) = log();
    let (log, policy, here, operator) = (text(&log), text(&policy), text(dir.path()), did("operator"));
    let empty = dir.path().join("empty.json");
    std::fs::write(&empty, "").expect("written");
    let (empty, nowhere) = (text(&empty), "/nowhere/at.all");
    let audit = ["audit", "--operator", &operator, "--policy"];
    let gone = "there is no such file";
    slips(2, &["verify", nowhere], &[nowhere, gone]);
    slips(2, &["verify", empty, nowhere], &[nowhere, gone]);
    slips(2, &["verify", "/nowhere/at.ndjson"], &["/nowhere/at.ndjson", gone]);
    for flag in ["--policy", "--config", "--urm", "--cst"] {
        slips(2, &["verify", empty, flag, nowhere], &[flag, nowhere, gone]);
        slips(2, &["verify", empty, flag, here], &[flag, "is a directory"]);
    }
    for flag in ["--proof", "--evidence", "--log", "--at-least", "--consistent-with"] {
        slips(2, &["verify", empty, flag, nowhere, "--policy", policy], &[flag, nowhere]);
    }
    slips(2, &[&audit[..], &[policy, "--log", nowhere]].concat(), &["--log", nowhere]);
    slips(2, &[&audit[..], &[policy, "--log", here]].concat(), &["--log", "checkpoint"]);
    slips(2, &[&audit[..], &[nowhere, "--log", log]].concat(), &["--policy", gone]);
    slips(2, &[&audit[..], &[policy, "--log", log, "--at", "99"]].concat(), &["--at", "the log has"]);
    slips(2, &["show", nowhere], &[nowhere, gone]);
    slips(2, &["show", log], &["packet.json"]);
    slips(2, &["disclose", nowhere, "--proof", nowhere], &[nowhere, gone]);
    slips(2, &["sign", "--kind", "approval", "--key", nowhere, empty], &["--key", nowhere, gone]);
    slips(2, &["keygen", "--did", "--out", "/nowhere/k"], &["--out", "its directory does not exist"]);
    let ran = run(&["verify", text(&dir.path().join("log/artifacts/none")), empty]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn a_log_of_which_a_part_is_not_there_leaves_the_reader_without_an_answer() {
    let (_dir, log, policy) = log();
    let tile = std::fs::read_dir(log.join("tile/entries")).expect("a folder").flatten().next().expect("a tile").path();
    std::fs::rename(&tile, log.join("away")).expect("moved");
    let operator = did("operator");
    let args = ["audit", "--log", text(&log), "--policy", text(&policy), "--operator", &operator];
    slips(3, &args, &["tile/entries", "is not there"]);
}

#[cfg(feature = "server")]
#[test]
fn an_address_where_nobody_answers_leaves_the_reader_without_an_answer() {
    let (dir, _, policy) = log();
    let token = dir.path().join("t");
    std::fs::write(&token, submitters()).expect("written");
    let (policy, token, operator, nobody) = (text(&policy), text(&token), did("operator"), "http://127.0.0.1:1");
    let help = "start it with pulselog serve DIR, or correct the address";
    slips(3, &["audit", "--log", nobody, "--policy", policy, "--operator", &operator], &[help]);
    slips(3, &["verify", policy, "--log", nobody, "--policy", policy], &[help]);
    let artifact = dir.path().join("a.json");
    std::fs::write(&artifact, crate::make::good(crate::make::kind("approval"))).expect("written");
    slips(3, &["submit", "--url", nobody, "--token-file", token, text(&artifact)], &[help]);
    let vkey = "log.example+530d903a+AekyeRrm";
    let vkey = std::fs::read_to_string(policy).expect("a policy").split_whitespace().nth(1).unwrap_or(vkey).to_owned();
    slips(3, &["fsck", "--url", nobody, "--vkey", &vkey], &[help]);
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("made");
    slips(2, &["fsck", "--data", text(&empty)], &["holds no log"]);
    slips(2, &["token", "list", "--data", text(&empty)], &["is no log's directory"]);
    slips(2, &["submit", "--url", nobody, "--token-file", token, "/nowhere/at-all"], &["there is no such file"]);
}

#[test]
fn errors_name_the_file_and_what_to_give_instead() {
    let (dir, _, policy) = log();
    let put = |name: &str, bytes: &str, mode| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("a mode");
        path
    };
    let (empty, name) = (put("empty.json", "", 0o644), put("approver.did", "did:key:z6Mk\n", 0o644));
    slips(2, &["verify", text(&empty)], &["empty.json: is empty"]);
    slips(2, &["sign", "--kind", "approval", "--key", text(&name), text(&empty)], &["approver.did", "no private key"]);
    let pem = put("operator.pem", "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n", 0o600);
    slips(2, &["show", text(&pem)], &["is a private key"]);
    let token = put("operator.token", &submitters(), 0o600);
    let ran = slips(2, &["show", text(&token)], &["is a submitter's token"]);
    assert!(!ran.err.contains("plg_"), "{}", ran.err);
    let packet = dir.path().join("packet");
    packet_of(&packet);
    let operator = did("operator");
    let audit = ["audit", "--log", text(&packet), "--policy", text(&policy), "--operator", &operator];
    slips(2, &audit, &["is a packet", "pulselog verify"]);
    std::fs::write(packet.join("checkpoint"), attested_log().note(1).as_bytes()).expect("written");
    slips(2, &audit, &["is a packet", "pulselog verify"]);
    let help = run(&["audit", "--help"]).out;
    let usage: String = help.lines().skip_while(|line| !line.starts_with("Usage:")).take(3).collect();
    assert!(usage.contains("--operator <DID>") && usage.contains("--attest"), "{help}");
}

#[test]
fn a_file_of_another_kind_is_named_for_what_it_is_and_fails_nothing() {
    let (dir, log, policy) = log();
    let packet = dir.path().join("packet");
    packet_of(&packet);
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let proof = std::fs::read_dir(&packet).expect("a folder").flatten().map(|file| file.path());
    let proof = proof.filter(|path| path.extension().is_some_and(|end| end == "tlog-proof")).min().expect("a proof");
    let bundle = put("bundle.json", crate::make::good(crate::make::kind("proof_bundle")).as_bytes());
    let named = [
        (put("empty", b""), "is empty"),
        (put("key.pem", b"-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n"), "is a private key"),
        (put("a.token", submitters().as_bytes()), "is a token"),
        (proof, "is a proof"),
        (policy.clone(), "is a trust policy"),
        (log.join("checkpoint"), "is a checkpoint"),
        (packet.join("packet.json"), "is the list of a packet"),
        (bundle.clone(), "is JSON"),
        (put("README", b"Read me first.\n"), "is text of another kind"),
        (put("image", &[0x89, b'P', 0xff, 0]), "is no text"),
    ];
    let list = serde_json::json!({"packet_version": "1", "files": []}).to_string();
    put("packet/packet.json", list.as_bytes());
    let operator = did("operator");
    for (path, what) in &named {
        let (path, is_list) = (text(path), *what == "is the list of a packet");
        if *what != "is JSON" {
            let ran = slips(2, &["verify", path], &[path, what]);
            assert!(!is_list || ran.err.contains("name its directory: pulselog verify"), "{}", ran.err);
        }
        if *what != "is a trust policy" {
            let says = ["--policy", path, what, "no trust policy"];
            slips(2, &["verify", text(&bundle), "--policy", path], &says);
            slips(2, &["audit", "--log", text(&log), "--operator", &operator, "--policy", path], &says);
            let out = dir.path().join("out");
            let packet =
                ["packet", "--log", text(&log), "--operator", &operator, "--job", "job-1", "--out", text(&out)];
            slips(2, &[&packet[..], &["--policy", path]].concat(), &says);
        }
        if cfg!(feature = "server") && *what != "is a token" {
            let submit = ["submit", "--url", "http://127.0.0.1:1", "--token-file", path, text(&bundle)];
            slips(2, &submit, &["--token-file", path, what, "pulselog token new"]);
        }
    }
}

fn packet_of(dir: &Path) {
    let kept = attested_log();
    std::fs::create_dir(dir).expect("made");
    for (name, bytes) in kept.files(0..kept.size()) {
        std::fs::write(dir.join(name), bytes).expect("written");
    }
}

/// A full disk under the file that standard error goes to.
#[test]
fn a_line_that_nobody_can_read_changes_no_exit_code() {
    let (exe, full) = (env!("CARGO_BIN_EXE_pulselog"), std::path::Path::new("/dev/full"));
    if !full.exists() {
        eprintln!("SKIPPED a_line_that_nobody_can_read_changes_no_exit_code: no /dev/full here");
        return;
    }
    for (args, code) in [("verify /nowhere/at.all", 2), ("no-such-command", 2)] {
        let ran = std::process::Command::new("sh").args(["-c", &format!("{exe} {args} 2>/dev/full")]).status();
        assert_eq!(ran.expect("sh").code(), Some(code), "{args}");
    }
}
