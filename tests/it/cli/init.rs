//! `init`, and what is told to people who begin: files and their modes, what is
//! refused, and that the lines which it prints are the lines to run.

use std::os::unix::fs::PermissionsExt as _;

use crate::house::readme::{Serving, free_port};
use crate::make::did;
use crate::make::shell::Shell;

#[test]
fn init_makes_private_keys_a_configuration_and_a_token_and_overwrites_nothing() {
    let shell = Shell::new();
    let ran = shell.run("pulselog init a/mylog --origin log.example.com/argocd");
    assert_eq!(ran.code, 0, "{}", ran.err);
    for (name, mode) in [
        ("log.pem", 0o600),
        ("operator.pem", 0o600),
        ("operator.token", 0o600),
        ("tokens.json", 0o600),
        ("pulselog.toml", 0o644),
        ("operator.did", 0o644),
        ("trust.policy", 0o644),
        ("roots.json", 0o644),
    ] {
        let path = shell.path("a/mylog").join(name);
        let found = std::fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let umask_takes = 0o022;
        assert_eq!(found.permissions().mode() & 0o777 & !umask_takes, mode & !umask_takes, "{name}");
    }
    let token = std::fs::read_to_string(shell.path("a/mylog/operator.token")).expect("a token");
    assert!(token.starts_with("plg_") && !ran.out.contains(token.trim()), "the token is not printed");
    let before = shell.run("cat a/mylog/*").out;
    let again = shell.run("pulselog init a/mylog --origin log.example.com/argocd");
    assert_eq!((again.code, again.err.lines().count()), (1, 1), "{}", again.err);
    assert!(again.err.contains("overwrites nothing"), "{}", again.err);
    assert_eq!(shell.run("cat a/mylog/*").out, before);
}

#[test]
fn init_refuses_what_no_log_could_be_started_with_and_leaves_nothing_behind() {
    let shell = Shell::new();
    for (arguments, code, says) in [
        ("b", 2, "--origin"),
        ("b --origin 'a+b'", 2, "--origin"),
        ("b --origin log.example --operator did:web:x", 2, "--operator"),
        ("b --origin log.example --listen 8080", 2, "--listen"),
        ("b --origin log.example --guard nowhere/x.guard", 2, "its directory does not exist"),
    ] {
        let ran = shell.run(&format!("pulselog init {arguments}"));
        assert_eq!((ran.code, ran.err.lines().count()), (code, 1), "{arguments}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments}: {}", ran.err);
        assert!(!shell.path("b").exists(), "{arguments}");
    }
    // A file in the way of the last that is written: what was made before goes again.
    let ran = shell.run("mkdir c && touch c/roots.json && ! pulselog init c --origin log.example && ls c");
    assert_eq!((ran.code, ran.out.as_str()), (0, "roots.json\n"), "{}", ran.err);
}

#[test]
fn the_lines_that_init_prints_run_and_paths_in_the_file_begin_at_the_file() {
    let (shell, port) = (Shell::new(), free_port());
    let line = format!(
        "mkdir disk && pulselog init 'my log' --origin log.example.com/argocd --guard disk/g --listen 127.0.0.1:{port}"
    );
    let ran = shell.run(&line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let commands: Vec<&str> = ran.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands[0], "pulselog serve 'my log'");
    let serving = Serving::start(&shell, commands[0], port);
    let ran = shell.run(&commands[1..].join("\n"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("1 logged"), "{}", ran.out);
    serving.stop();
    assert!(shell.path("disk/g").exists(), "the guard is where it was asked for");
    let ran = shell.run("mkdir else && cd else && pulselog fsck --data '../my log'");
    assert_eq!(ran.code, 0, "fsck finds the guard that the file names: {}{}", ran.out, ran.err);
    let serving = Serving::start(&shell, "cd else && pulselog serve --data '../my log'", port);
    serving.stop();
}

#[test]
fn what_a_newcomer_forgets_is_said_with_what_to_do() {
    let shell = Shell::new();
    assert_eq!(shell.run("pulselog init f --origin log.example").code, 0);
    let address = format!("http://127.0.0.1:{}", free_port());
    for (line, code, says) in [
        ("serve".to_owned(), 2, "pulselog serve DIR"),
        ("serve empty".to_owned(), 2, "pulselog init empty --origin ORIGIN"),
        ("serve f --read-only".to_owned(), 2, "[no_log]"),
        ("serve f --seen gone".to_owned(), 2, "gone: there is no such file"),
        (format!("audit --log f --policy f/trust.policy --operator {}", did("operator")), 2, "run pulselog serve f"),
        ("PULSELOG_GUARD".to_owned(), 2, "its directory /nowhere does not exist"),
        ("verify".to_owned(), 2, "DOCUMENT: give"),
        ("sign --kind approval --key f/operator.pem".to_owned(), 2, "<PAYLOAD>"),
        ("fsck --data empty".to_owned(), 2, "holds no log"),
        (format!("submit --url {address} --token-file f/operator.token f/roots.json"), 3, "pulselog serve DIR"),
        (
            format!("audit --log {address} --policy f/trust.policy --operator $(cat f/operator.did)"),
            3,
            "no log listens",
        ),
    ] {
        let line = match line.as_str() {
            "PULSELOG_GUARD" => "PULSELOG_GUARD=/nowhere/g pulselog serve f".to_owned(),
            line => format!("pulselog {line}"),
        };
        let ran = shell.run(&line);
        // Waits are told before the reason.
        let reasons = ran.err.lines().filter(|line| !line.contains(", trying again in ")).count();
        assert_eq!((ran.code, reasons), (code, 1), "{line}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{line}: {}", ran.err);
    }
}

#[test]
fn tokens_are_made_for_logs_alone_and_for_a_time_from_now() {
    let shell = Shell::new();
    for action in ["new x", "list", "revoke x"] {
        let ran = shell.run(&format!("mkdir -p d && pulselog token {action} --data d"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{action}: {}", ran.err);
        assert!(ran.err.contains("pulselog init"), "{action}: {}", ran.err);
        assert_eq!(shell.run("ls d").out, "", "{action} leaves nothing behind");
    }
    assert_eq!(shell.run("pulselog init e --origin log.example").code, 0);
    for time in ["+30d", "-30d", "30", "d", "0d", "30 d", "2027-01-01", "3é"] {
        let ran = shell.run(&format!("pulselog token new x --data e --expires='{time}'"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{time}");
        assert!(ran.err.contains("counted from now, e.g. 30d"), "{time}: {}", ran.err);
    }
    assert_eq!(shell.run("pulselog token new x --data e --expires 30d").code, 0);
}

#[test]
fn a_token_is_written_where_nobody_else_reads_it_and_over_nothing() {
    let shell = Shell::new();
    assert_eq!(shell.run("pulselog init e --origin log.example").code, 0);
    let new = |more: &str| shell.run(&format!("umask 022; pulselog token new {more}"));
    let made = new("a --data e --out a.token");
    assert_eq!((made.code, made.out.as_str()), (0, ""), "{}", made.err);
    let of = |name: &str| std::fs::metadata(shell.path(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!(of("a.token"), 0o600);
    let token = std::fs::read_to_string(shell.path("a.token")).expect("a token");
    assert!(token.starts_with("plg_") && token.ends_with('\n'), "{}", token.len());
    // What is there stays, and no name is taken for a token that nobody has.
    let kept = new("b --data e --out a.token");
    assert!(kept.code == 1 && kept.err.contains("never overwritten"), "{}", kept.err);
    assert_eq!(std::fs::read_to_string(shell.path("a.token")).expect("a token"), token);
    assert_eq!(new("b --data e --out none/b.token").code, 2);
    assert_eq!(new("b --data e --out b.token").code, 0);
    // A token that is not made leaves no file.
    assert_eq!(new("a --data e --out again.token").code, 1);
    assert!(!shell.path("again.token").exists());
}
