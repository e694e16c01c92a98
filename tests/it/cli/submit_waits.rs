//! When `submit` waits, what it says meanwhile, and how long at most.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::service::{Service, receipt};

/// Answers requests with these, one after the other and the last for ever.
fn answers(all: &'static [&'static str]) -> String {
    serve(move |mut stream, asked| stream.write_all(all[asked.min(all.len() - 1)].as_bytes()))
}

/// Hands each connection over once its request was read, with its number.
fn serve(answer: impl Fn(TcpStream, usize) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (asked, stream) in listener.incoming().flatten().enumerate() {
            // A submitter that went away is no error here.
            let _ = read(&stream).and_then(|()| answer(stream, asked));
        }
    });
    format!("http://{address}")
}

fn read(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = said.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])
}

/// Submits one receipt, and how long that took.
fn submit(url: &str, token: &str, more: &[&str]) -> (Ran, Duration) {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |name: &str, bytes: &str| {
        std::fs::write(dir.path().join(name), bytes).expect("written");
        dir.path().join(name)
    };
    let (body, token) = (put("a.json", &receipt()), put("token", token));
    let mut args = vec!["submit", "--url", url, "--token-file", text(&token), text(&body)];
    args.extend(more);
    let began = Instant::now();
    (run(&args), began.elapsed())
}

#[test]
fn a_log_that_is_served_read_only_refuses_at_once() {
    let mut service = Service::start();
    service.fill(1);
    service.stop();
    service.try_restart(|config| config.read_only = true).unwrap_or_else(|e| panic!("{e}"));
    let (ran, took) = submit(&service.base(), &service.token, &[]);
    assert!(ran.code == 1 && ran.err.contains("[served_read_only]"), "{}", ran.err);
    assert!(!ran.err.contains("trying again") && took < Duration::from_secs(20), "{took:?}: {}", ran.err);
}

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 34\r\n\r\n{\"code\":\"queue_full\",\"detail\":\"!\"}";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: /login\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const AWAY: &str = "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const PAGE: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>";

#[test]
fn what_no_log_says_ends_it_as_a_log_that_was_not_reached() {
    for (answer, said) in [
        (MOVED, "status 302"),
        ("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", "status 404"),
        (
            "HTTP/1.1 500 Oh\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>",
            "status 500",
        ),
        (PAGE, "no log answers so"),
    ] {
        let url = answers(Box::leak(Box::new([answer])));
        let (ran, _) = submit(&url, "plg_token", &[]);
        assert!(ran.code == 3 && ran.err.contains(said), "{answer}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("correct the address") && !ran.err.contains("trying again"), "{}", ran.err);
    }
}

#[test]
fn each_wait_is_told_with_its_reason() {
    let (ran, took) = submit(&answers(&[BUSY, AWAY, MOVED]), "plg_token", &[]);
    assert!(ran.code == 3 && ran.err.contains("status 302"), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the log says queue_full, trying again in 1 s\n"), "{}", ran.err);
    assert!(ran.err.contains("no log answers, status 502, trying again in "), "{}", ran.err);
    assert!(took >= Duration::from_secs(1), "{took:?}");
}

#[test]
fn an_answer_that_dribbles_is_left_and_the_flag_named() {
    let url = serve(|mut stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        loop {
            stream.write_all(b"[")?;
            thread::sleep(Duration::from_millis(500));
        }
    });
    let (ran, took) = submit(&url, "plg_token", &[]);
    assert!(ran.code == 3 && ran.err.contains("[rate_too_low]") && ran.err.contains("--least-rate"), "{}", ran.err);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_log_that_says_nothing_is_left_at_the_deadline() {
    let url = serve(|stream, _| {
        thread::sleep(Duration::from_secs(120));
        drop(stream);
        Ok(())
    });
    let (ran, took) = submit(&url, "plg_token", &["--deadline", "1"]);
    assert!(ran.code == 3 && ran.err.contains("[run_deadline]"), "{}", ran.err);
    assert!(ran.err.contains("nothing is logged twice") && took < Duration::from_secs(60), "{took:?}: {}", ran.err);
}

#[test]
fn a_log_that_the_policy_does_not_believe_is_sent_nothing() {
    let service = Service::start();
    let url = service.base();
    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("trust.policy");
    let put = |policy_text: &str| std::fs::write(&policy, policy_text).expect("written");
    let token = crate::make::service::token(&service.data(), "second", Default::default());
    put(&crate::evidence::other_logs::policy_of("log.example/other", 7));
    let (ran, _) = submit(&url, &token, &["--policy", text(&policy)]);
    assert!(ran.code == 3 && ran.err.contains("[log_unknown]; nothing was sent"), "{}{}", ran.out, ran.err);
    assert_eq!(service.size(), 0);
    put(&service.get("/v1/trust-policy").text());
    let (ran, _) = submit(&url, &token, &["--policy", text(&policy)]);
    assert_eq!((ran.code, service.size()), (0, 1), "{}{}", ran.out, ran.err);
}

#[test]
fn a_logs_own_directory_is_no_folder_of_artifacts() {
    let service = Service::start();
    let token = crate::make::service::token(&service.data(), "second", Default::default());
    std::fs::write(service.data().join("pulselog.toml"), "").expect("written");
    let (ran, _) = submit(&service.base(), &token, &[text(&service.data())]);
    assert!(ran.code == 2 && ran.err.contains("is a log's own directory"), "{}{}", ran.out, ran.err);
    assert_eq!(service.size(), 0);
}
