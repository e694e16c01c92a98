//! README and docs/CONNECT.md are run from top to bottom as a newcomer would,
//! block by block, as they are printed; so are the commands that the demo's
//! packet prints. Only the port is another: two of these tests may run on one
//! machine. `sh serving` keeps running until the next one or `sh stopped`.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::make::project;
use crate::make::shell::Shell;

/// How long a log may take until it is ready, and until it has ended.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// A block of a document that is fenced off as commands or text.
pub struct Block {
    /// What stands behind the fence: `sh`, and perhaps one more word.
    pub info: String,
    pub text: String,
}

/// All fenced blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let mut fences = document.split("\n```");
    fences.next();
    let mut blocks = Vec::new();
    while let (Some(open), Some(_)) = (fences.next(), fences.next()) {
        let (info, text) = open.split_once('\n').expect("a fence and what it holds");
        blocks.push(Block { info: info.to_owned(), text: format!("{text}\n") });
    }
    blocks
}

/// The command that a block begins with, without the remarks before it.
fn first_command(block: &Block) -> &str {
    block.text.lines().find(|line| !line.starts_with('#')).unwrap_or_default()
}

/// A log that serves until it is stopped.
pub struct Serving(Child);

impl Serving {
    pub fn start(shell: &Shell, line: &str, port: u16) -> Self {
        let mut command = shell.command(line);
        command.env("PULSELOG_LISTEN", format!("127.0.0.1:{port}")).env("PULSELOG_LOG", "warn");
        // A group of its own, so that a signal reaches the log behind the shell.
        let child = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut serving = Self(child.expect("a shell"));
        let begun = Instant::now();
        while !shell.run(&format!("curl -fsS http://127.0.0.1:{port}/readyz")).code.eq(&0) {
            if serving.0.try_wait().expect("a child").is_some() || begun.elapsed() > WAIT_MAX {
                panic!("{line} is not ready: {}", serving.said());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        serving
    }

    fn said(&mut self) -> String {
        self.signal("KILL");
        let mut text = String::new();
        let _ = self.0.stderr.take().map(|mut err| err.read_to_string(&mut text));
        text
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-s", name, "--", &group]).stderr(Stdio::null()).status();
    }

    /// As Ctrl-C does.
    pub fn stop(mut self) {
        self.signal("INT");
        let begun = Instant::now();
        while self.0.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < WAIT_MAX, "does not stop");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A document whose blocks are run.
struct Document {
    name: &'static str,
    /// Blocks that are no commands for a shell, by their first line.
    excused: &'static [&'static str],
    /// What a block prints, by the beginning of its first command.
    prints: &'static [(&'static str, &'static [&'static str])],
}

impl Document {
    /// Runs all blocks in order, in one directory. Each ends with 0 and prints
    /// what is promised of it.
    fn run(&self, shell: &Shell, port: u16, mut serving: Option<Serving>) {
        let document = std::fs::read_to_string(project(self.name)).expect("a document");
        let here = |text: &str| text.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
        let mut printed: Vec<&str> = Vec::new();
        for block in &blocks(&document) {
            let first = first_command(block);
            match block.info.as_str() {
                "sh serving" => {
                    if let Some(before) = serving.take() {
                        before.stop();
                    }
                    serving = Some(Serving::start(shell, &here(&block.text), port));
                    continue;
                }
                "sh stopped" => drop(serving.take().map(Serving::stop)),
                "sh" => {}
                _ => {
                    assert!(self.excused.contains(&first), "no test runs the block that begins with {first}");
                    continue;
                }
            }
            let ran = shell.run(&here(&block.text));
            assert_eq!(ran.code, 0, "{}\n{}{}", block.text, ran.out, ran.err);
            for (begins, words) in self.prints.iter().filter(|(begins, _)| first.starts_with(begins)) {
                printed.push(begins);
                for word in *words {
                    let is_there = ran.out.contains(&here(word));
                    assert!(is_there, "{}\ndoes not print {word}:\n{}{}", block.text, ran.out, ran.err);
                }
            }
        }
        let promised: Vec<&str> = self.prints.iter().map(|(begins, _)| *begins).collect();
        assert_eq!(printed, promised, "every block that promises something is there, in this order");
        let others_read = "find . -type f -perm /077 -exec grep -lE 'plg_[0-9a-f]{64}|PRIVATE KEY' {} +";
        let found = shell.run(&format!("{others_read} || true"));
        assert_eq!(found.out, "", "others can read what only its owner may know");
    }
}

/// A day that somebody chose is over when it is pasted: what is said of it stands in
/// the log for ever, beside a time of which nobody says anything.
#[test]
fn no_command_that_is_printed_holds_a_day() {
    for name in ["README.md", "docs/CONNECT.md"] {
        let document = std::fs::read_to_string(project(name)).expect("a document");
        for block in blocks(&document).iter().filter(|block| block.info.starts_with("sh")) {
            let is_day = |word: &[u8]| {
                let is =
                    |(at, byte): (usize, &u8)| if [4, 7].contains(&at) { *byte == b'-' } else { byte.is_ascii_digit() };
                word.iter().enumerate().all(is)
            };
            let day = block.text.as_bytes().windows(10).find(|word| is_day(word)).map(String::from_utf8_lossy);
            assert_eq!(day, None, "{name}: {}", block.text);
        }
    }
}

/// A shell makes a file that everybody on the machine may read.
#[test]
fn no_command_that_is_printed_sends_a_token_through_a_shell_into_a_file() {
    let mut texts: Vec<(String, String)> = super::tidy::sources("src");
    for name in ["README.md", "CONTRIBUTING.md", "docs/CONNECT.md", "docs/PEERS.md"] {
        texts.push((name.to_owned(), std::fs::read_to_string(project(name)).expect("a document")));
    }
    for (name, text) in texts {
        let bare = text.lines().filter(|line| line.contains(".token") && !line.contains("umask 077"));
        let is_token = |file: &str| file.split_whitespace().next().is_some_and(|word| word.contains(".token"));
        let sent: Vec<&str> = bare.filter(|line| line.split(" > ").skip(1).any(is_token)).collect();
        assert!(sent.is_empty(), "{name}: {sent:#?}; pulselog token new has --out");
    }
}

#[test]
fn every_block_of_the_readme_runs_in_order_and_gives_what_it_says() {
    let (shell, port) = (Shell::new(), free_port());
    // What `make demo` runs once it has built.
    let serving = Serving::start(&shell, &format!("pulselog demo --listen 127.0.0.1:{port}"), port);
    await_packet(&shell);
    let document = Document {
        name: "README.md",
        excused: &[
            "make demo     builds, starts a log on http://127.0.0.1:8080 and plays one job of an agent into it",
            "{",
            "src/",
        ],
        prints: &[
            ("pulselog verify pulselog-demo/packet/20-", &["PASS  proof_bundle", "attested by the operator in entry"]),
            (
                "pulselog verify pulselog-demo/packet --policy",
                &[
                    "audit pass, attested in entry 24",
                    "1 job judged: 1 pass\n2 documents judged: 2 pass\n23 other artifacts: 23 pass",
                    "30 files of evidence",
                ],
            ),
            ("pulselog verify pulselog-demo/packet/*", &["2 documents judged: 2 pass", "PASS  ", "Believes log"]),
            ("pulselog disclose ", &["receipts[0]", "signed", "PASS"]),
            ("pulselog init ", &["pulselog serve mylog", "pulselog sign --kind audit_roots", "pulselog token new"]),
            ("pulselog sign ", &["1 logged, 0 known before, 0 refused"]),
            ("rm -r mylog", &["CLEAN  2 entries"]),
            ("rm mylog.guard", &["extends the checkpoint of size", "not known"]),
        ],
    };
    document.run(&shell, port, Some(serving));
}

/// Every kind of party, from its key to an audit that passes.
#[test]
fn every_block_of_the_page_on_connecting_runs_in_order_and_the_audit_passes() {
    let document = Document {
        name: "docs/CONNECT.md",
        // Needs an Argo CD.
        excused: &["pulselog init mylog --origin log.example.com/argocd"],
        prints: &[
            (
                "pulselog audit --log http://127.0.0.1:8080 --policy mylog/trust.policy \\",
                &["PASS  job job-1", "PASS  proof_bundle bundle-1"],
            ),
            (
                "pulselog audit --log http://127.0.0.1:8080 --policy mylog/trust.policy --job",
                &["read back, and every proof holds", "protocol OK, audit pass"],
            ),
        ],
    };
    document.run(&Shell::new(), free_port(), None);
}

/// The demo answers before its story is told, and before the first job of its
/// room is over; only then it says that it serves.
fn await_packet(shell: &Shell) {
    let begun = Instant::now();
    let told = "test -s pulselog-demo/argocd/room.json && pulselog show pulselog-demo/packet";
    while shell.run(told).code != 0 {
        assert!(begun.elapsed() < WAIT_MAX, "the demo writes no packet, or its room stays open");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn every_command_that_the_demos_packet_prints_passes() {
    let shell = Shell::new();
    let ran = shell.run("pulselog demo --once && pulselog demo --once");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let readme = shell.run("cat pulselog-demo/packet/README.txt").out;
    let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("pulselog ")).collect();
    assert!(commands.len() >= 25, "{readme}");
    let lines = format!("cd pulselog-demo/packet\n{}", commands.join("\n"));
    let ran = shell.run(&lines);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let printed = ran_after(&shell, "pulselog demo --once", "Verify offline:\n");
    let ran = shell.run(printed.trim());
    assert_eq!(ran.code, 0, "{printed}\n{}{}", ran.out, ran.err);
    let printed = ran_after(&shell, "pulselog demo --once", "run again:\n");
    let ran = shell.run(printed.lines().next().unwrap_or_default());
    assert_eq!(ran.code, 0, "{printed}\n{}{}", ran.out, ran.err);
    assert!(ran.out.contains("Owed until "), "{printed}\n{}", ran.out);
}

/// Of a demo that serves: what asks the log, and what a later run must not answer.
#[test]
fn every_command_that_a_serving_demo_prints_ends_as_it_says() {
    let (shell, port) = (Shell::new(), free_port());
    let first = shell.run("pulselog demo --once").out;
    let line = format!("pulselog demo --listen 127.0.0.1:{port} > printed");
    let serving = Serving::start(&shell, &line, port);
    let begun = Instant::now();
    let printed = loop {
        let printed = shell.run("cat printed").out;
        if printed.contains("\nServing;") {
            break printed;
        }
        assert!(begun.elapsed() < WAIT_MAX, "the demo does not come to an end: {printed}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let program = format!("  {} ", env!("CARGO_BIN_EXE_pulselog"));
    let commands = || printed.lines().filter_map(|line| line.strip_prefix(&program));
    let subjects: Vec<&str> = commands().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(subjects, ["demo", "audit", "incident", "verify"], "{printed}");
    for command in commands().filter(|line| !line.starts_with("demo ")) {
        let ran = shell.run(&format!("pulselog {command}"));
        assert_eq!(ran.code, 0, "{command}\n{}{}", ran.out, ran.err);
    }
    serving.stop();
    // The packet is of the second run's job now: what the first run printed must not
    // pass for it.
    let stale = first.split_once("Verify offline:\n").expect("a command").1;
    let ran = shell.run(stale.trim());
    assert_eq!(ran.code, 1, "{stale}\n{}{}", ran.out, ran.err);
    assert!(ran.out.contains("job"), "{}", ran.out);
}

/// What a command prints behind some words.
fn ran_after(shell: &Shell, line: &str, words: &str) -> String {
    let ran = shell.run(line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out.split_once(words).unwrap_or_else(|| panic!("prints {words}: {}", ran.out)).1.to_owned()
}
