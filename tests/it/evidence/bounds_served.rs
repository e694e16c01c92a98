//! The same of a log over HTTP that sends too much, too slowly or too long.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use pulselog::note::VerifierKey;

use crate::evidence::bounds::{bomb, entry_of, measured, text};
use crate::make::audit::Story;
use crate::make::did;
use crate::make::evidence::Kept;

const MIB: u64 = 1 << 20;

/// How bodies are sent.
#[derive(Clone, Copy)]
enum Sends {
    All,
    /// Without end.
    Endless,
    /// One byte, then another, never done.
    Dribbling,
    /// Each a moment late.
    Late,
    /// Half of what was announced, and then nobody is there.
    Cut,
    /// Other bodies, and then nobody is there.
    LyingThenCut,
    /// As something that stands before a log says it.
    Proxied,
}

/// Serves a kept log from its directory. The thread ends with the test run.
fn serve(dir: &Path, sends: Sends) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let dir = dir.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let dir = dir.clone();
            thread::spawn(move || answer(stream, &dir, sends));
        }
    });
    format!("http://{address}")
}

/// Answers until the reader goes away, which is no error here.
fn answer(stream: TcpStream, dir: &Path, sends: Sends) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            line.clear();
        }
        let path = request.split(' ').nth(1)?.trim_start_matches('/').to_owned();
        let is_body = path.starts_with("v1/artifacts/");
        let file: PathBuf = dir.join(path.replace("v1/artifacts/", "artifacts/"));
        match (std::fs::read(file), sends) {
            (Ok(_), Sends::Endless) if is_body => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").ok()?;
                loop {
                    stream.write_all(&[b'['; 65_536]).ok()?;
                }
            }
            (Ok(_), Sends::Dribbling) if is_body => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").ok()?;
                loop {
                    stream.write_all(b"[").ok()?;
                    thread::sleep(Duration::from_millis(500));
                }
            }
            (Ok(mut bytes), Sends::LyingThenCut) if is_body => {
                bytes.reverse();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
                stream.write_all(&[head.as_bytes(), &bytes].concat()).ok()?;
            }
            (Err(_), Sends::LyingThenCut) => return None,
            (Ok(bytes), Sends::Cut) if is_body => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(&bytes[..bytes.len() / 2]).ok()?;
                return None;
            }
            (Ok(_), Sends::Proxied) if is_body => {
                stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").ok()?;
            }
            (Ok(bytes), _) => {
                if matches!(sends, Sends::Late) && is_body {
                    thread::sleep(Duration::from_millis(200));
                }
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(&bytes).ok()?;
            }
            (Err(_), _) => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").ok()?,
        }
    }
}

/// Directory and policy of a log, and its key.
fn kept(log: &Kept) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    log.write(&dir.path().join("log"));
    std::fs::write(dir.path().join("trust.policy"), Kept::policy_text()).expect("written");
    let vkey: VerifierKey = Kept::policy().logs().next().expect("a log").clone();
    (dir, vkey.to_string())
}

fn audit(dir: &Path, url: &str, more: &[&str]) -> (crate::cli::Ran, u64) {
    let (policy, pinned) = (dir.join("trust.policy"), did("operator"));
    let mut args = vec!["audit", "--log", url, "--policy", text(&policy), "--operator", &pinned];
    args.extend(more);
    measured(&args)
}

#[test]
fn a_body_without_end_is_read_as_far_as_its_entry_says() {
    let (dir, vkey) = kept(&Kept::of(&Story::clean()));
    let url = serve(&dir.path().join("log"), Sends::Endless);
    let (ran, peak) = audit(dir.path(), &url, &[]);
    assert!(ran.code == 3 && ran.out.contains("INCOMPLETE"), "{}{}", ran.out, ran.err);
    assert!(peak < 48 * MIB, "{peak}");
    let (ran, peak) = measured(&["fsck", "--url", &url, "--vkey", &vkey]);
    assert!(ran.code == 1 && ran.out.contains("bytes that its entry says"), "{}{}", ran.out, ran.err);
    assert!(peak < 48 * MIB, "{peak}");
}

#[test]
fn values_beyond_the_memory_of_the_run_end_fsck_with_its_name() {
    let body = bomb(40 << 20);
    let (dir, vkey) = kept(&Kept::over([(entry_of(&body, 1), body.clone())]));
    let url = serve(&dir.path().join("log"), Sends::All);
    let (ran, peak) = measured(&["fsck", "--url", &url, "--vkey", &vkey]);
    assert!(ran.code == 3 && ran.err.contains("memory_budget"), "{}{}", ran.out, ran.err);
    assert!(peak < 240 * MIB + 3 * body.len() as u64, "{peak}");
}

#[test]
fn a_log_that_dribbles_is_left_and_the_flag_named() {
    let (dir, vkey) = kept(&Kept::of(&Story::clean()));
    let url = serve(&dir.path().join("log"), Sends::Dribbling);
    let began = Instant::now();
    let (ran, _) = measured(&["fsck", "--url", &url, "--vkey", &vkey]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    assert!(ran.err.contains("rate_too_low") && ran.err.contains("--least-rate"), "{}", ran.err);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn a_log_that_is_lost_on_the_way_is_not_found_at_fault() {
    for sends in [Sends::Cut, Sends::Proxied] {
        let (dir, vkey) = kept(&Kept::of(&Story::clean()));
        let url = serve(&dir.path().join("log"), sends);
        let (ran, _) = measured(&["fsck", "--url", &url, "--vkey", &vkey]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
        assert!(ran.err.contains("body 0: ") && ran.err.contains("[remote_log]"), "{}", ran.err);
    }
    // What was found before it was lost stays found.
    let (dir, vkey) = kept(&Kept::of(&Story::clean()));
    let url = serve(&dir.path().join("log"), Sends::LyingThenCut);
    let (ran, _) = measured(&["fsck", "--url", &url, "--vkey", &vkey]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("body 0: ") && ran.out.contains("log: was not read to its end: "), "{}", ran.out);
}

#[test]
fn a_run_ends_at_its_deadline_whatever_the_log_does() {
    let (dir, vkey) = kept(&Kept::of(&Story::clean()));
    let url = serve(&dir.path().join("log"), Sends::Late);
    let (ran, _) = audit(dir.path(), &url, &["--deadline", "1"]);
    assert!(ran.code == 3 && ran.err.contains("run_deadline") && ran.err.contains("--deadline"), "{}", ran.err);
    let (ran, _) = measured(&["fsck", "--url", &url, "--vkey", &vkey, "--deadline", "1"]);
    assert!(ran.code == 3 && ran.err.contains("run_deadline"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_checkpoint_that_is_not_believed_keeps_its_code() {
    let (dir, vkey) = kept(&Kept::of(&Story::clean()));
    let log = dir.path().join("log");
    let note = std::fs::read_to_string(log.join("checkpoint")).expect("a note");
    let url = serve(&log, Sends::All);
    let fsck = |vkey: &str| measured(&["fsck", "--url", &url, "--vkey", vkey]).0;
    assert!(fsck(&vkey).out.contains("NOT CLEAN"), "the log serves no tiles of hashes");
    std::fs::write(log.join("checkpoint"), note.replace("log.example/test\n", "log.example/other\n")).expect("written");
    let ran = fsck(&vkey);
    assert!(ran.code == 1 && ran.err.contains("[note_signature_invalid]"), "{}", ran.err);
    std::fs::write(log.join("checkpoint"), "nothing").expect("written");
    let ran = fsck(&vkey);
    assert!(ran.code == 1 && ran.err.contains("checkpoint:") && ran.err.contains("[note_"), "{}", ran.err);
}
