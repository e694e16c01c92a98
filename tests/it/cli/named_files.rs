//! Files that arguments name: regular ones and pipes that somebody writes to.
//! What nobody writes to, and what is no file, is refused and not waited for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pulselog::artifact::json::to_compact;

use crate::cli::{Ran, run, run_with};
use crate::make::audit::Story;
use crate::make::evidence::Kept;
use crate::make::{did, good, key, kind, seal_raw};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn pipe(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// A bundle, and the config under which it keeps to the protocol.
fn bundle(dir: &Path) -> (String, PathBuf) {
    let config = dir.join("config.json");
    let lists = serde_json::json!({"config_version": "1",
        "allowlists": {"gateway_receipt_signer_dids": [did("gateway")]}});
    std::fs::write(&config, lists.to_string()).expect("written");
    let bundle = seal_raw(kind("proof_bundle"), Story::clean().said("b1").clone(), &key("agent"));
    (to_compact(&bundle), config)
}

#[test]
fn a_pipe_that_nobody_writes_to_is_refused_in_every_argument() {
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, _) = bundle(dir.path());
    let (pipe, file) = (pipe(dir.path(), "pipe"), dir.path().join("b.json"));
    std::fs::write(&file, bundle).expect("written");
    let lines = dir.path().join("lines.ndjson");
    std::os::unix::fs::symlink(&pipe, &lines).expect("a link");
    let trust = dir.path().join("trust.policy");
    std::fs::write(&trust, Kept::policy_text()).expect("written");
    let (pipe, file, lines, trust) = (text(&pipe), text(&file), text(&lines), text(&trust));
    let somebody = did("operator");
    let cases: &[&[&str]] = &[
        &["verify", pipe],
        &["verify", file, pipe],
        &["verify", lines],
        &["verify", file, "--policy", pipe],
        &["verify", file, "--config", pipe],
        &["verify", file, "--urm", pipe],
        &["verify", file, "--cst", pipe],
        &["verify", file, "--cst", file, "--jwks", pipe],
        &["verify", file, "--evidence", pipe, "--policy", trust],
        &["verify", "--proof", pipe, "--policy", file],
        &["audit", "--log", text(dir.path()), "--policy", pipe, "--operator", &somebody],
        &["show", pipe],
        &["sign", "--kind", "approval", "--key", pipe, file],
        &["disclose", pipe, "--proof", file, "--receipt", "0"],
    ];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for args in cases {
            scope.spawn(move || {
                let Ran { code, out, err } = run(args);
                let said = format!("{out}{err}");
                assert!(
                    [2, 3].contains(&code) && said.contains("pipe that nobody writes to"),
                    "{args:?}: {code} {said}"
                );
            });
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(90), "{:?}", begun.elapsed());
}

#[test]
fn a_pipe_that_somebody_writes_to_is_read_to_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, config) = bundle(dir.path());
    let rest = ["--protocol-only", "--config", text(&config)];
    let ran = run_with(&[&["verify", "/dev/stdin"], &rest[..]].concat(), bundle.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = run_with(&[&["verify", "-"], &rest[..]].concat(), bundle.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let pipe = pipe(dir.path(), "pipe");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, bundle).expect("written")
    });
    let ran = run(&[&["verify", text(&pipe)], &rest[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    writer.join().expect("it wrote");
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.json");
    std::fs::write(&file, good(kind("approval"))).expect("written");
    for (named, why) in
        [("/dev/null", "is a device"), (text(dir.path()), "is a directory"), ("/dev/zero", "is a device")]
    {
        for args in [["verify", text(&file), "--policy", named], ["verify", text(&file), "--config", named]] {
            let ran = run(&args);
            assert!(ran.code == 2 && ran.err.contains(why), "{args:?}: {} {}", ran.code, ran.err);
        }
    }
    let ran = run(&["verify", "/dev/zero"]);
    assert!(ran.code == 2 && ran.err.contains("is a device, no regular file"), "{} {}", ran.code, ran.err);
}
