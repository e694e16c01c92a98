//! What a poller meets: a log that is away, a crash, another poller, tokens that
//! change, and every wrong answer of an Argo CD or of what stands before it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pulselog::artifact::json::Value;

use crate::make::argocd::json;
use crate::make::argocd_fixture::{Fixture, Watch};
use crate::make::argocd_rounds::told;

/// Exit code, the name of the answer, and its line, of one round.
fn answered(watch: &Watch, server: &str) -> (i32, String, String) {
    let ran = watch.poll_with(server, &["--once", "--json", "--timeout", "2"]);
    let round = json(&ran.out);
    let text = |name: &str| round.text_at(name).unwrap_or("-").to_owned();
    assert_eq!(round.get("counted").and_then(Value::as_bool), Some(ran.code != 3), "{}{}", ran.out, ran.err);
    (ran.code, text("answer"), text("why"))
}

#[test]
fn every_wrong_answer_has_a_name_and_says_what_to_do_and_counts_for_nothing() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "20"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    fixture.sync("payments-api", "{}");
    let error = |status: u32, code: u32, text: &str| {
        format!(
            r#""status":{status},"headers":{{"content-type":"application/json"}},
                  "body":{{"error":"{text}","code":{code},"message":"{text}"}}"#
        )
    };
    let answer =
        |status: u32, header: &str, body: &str| format!(r#""status":{status},"headers":{{{header}}},"body":"{body}""#);
    let list = "/api/v1/applications";
    let html = answer(200, r#""content-type":"text/html; charset=utf-8""#, "<html>log in</html>");
    for (path, fault, name, says) in [
        (list, error(401, 16, "invalid session: token is expired"), "unauthorized", "token file"),
        (list, error(403, 7, "permission denied"), "unknown", "Kubernetes"),
        (list, error(403, 7, "permission denied: applications, get"), "forbidden", "applications, get"),
        (list, error(404, 5, "not found"), "absent", "404"),
        (list, answer(404, r#""content-type":"text/plain""#, "Not Found"), "not_served", "--server"),
        (list, answer(429, r#""retry-after":"7""#, ""), "throttled", "7 s"),
        (list, error(500, 2, "connection refused"), "failed", "connection refused"),
        (list, answer(503, r#""content-type":"text/html""#, "<html>"), "failed", "503"),
        (list, error(400, 3, "odd"), "invalid", "odd"),
        (list, html.clone(), "page", "login"),
        (list, answer(200, r#""content-type":"text/plain""#, "ok"), "not_json", "--server"),
        (list, answer(302, r#""location":"/login""#, ""), "moved", "never followed"),
        (list, answer(307, r#""location":"https://argocd.example.com/""#, ""), "moved", "https"),
        (list, r#""answer":"half""#.to_owned(), "broken", "nothing in it counts"),
        (list, r#""answer":"endless""#.to_owned(), "-", ""),
        (list, r#""answer":"slow","ms":20000"#.to_owned(), "too_slow", "--timeout"),
        (list, answer(200, r#""content-type":"application/json""#, "{}"), "broken", "list of items"),
        ("/api/v1/projects", error(500, 2, "connection refused"), "failed", "connection refused"),
        ("/api/v1/projects", html, "page", "login"),
    ] {
        // Where projects do not answer, events of what moved still would.
        let fault = json(&format!(r#"{{"path":"{path}",{fault}}}"#));
        let events = json(r#"{"path":"/api/v1/applications/payments-api/events","status":500}"#);
        fixture.told("faults", &[fault.clone(), events]);
        let fault = pulselog::artifact::json::to_compact(&fault);
        let (code, named, line) = answered(&watch, &fixture.url);
        assert_eq!(code, 3, "{fault}: {named} {line}");
        match name {
            // Whichever bound it reaches first.
            "-" => assert!(["broken", "too_long", "too_slow"].contains(&named.as_str()), "{fault}: {named} {line}"),
            name => assert!(named == name && line.contains(says), "{fault}: {named} {line}"),
        }
        assert!(!line.contains('\n') && !line.contains("pulselog-observer"), "{line}");
    }
    assert!(watch.observed().is_empty());
    assert!(fixture.requests().iter().all(|line| !line.contains("login")), "no redirect is followed");
    fixture.told("faults", &[]);
    watch.round(&fixture.url);
    assert!(watch.observed().iter().any(|said| told(said) == "sync Succeeded #0"));
}

#[test]
fn nobody_who_listens_and_nobody_who_asks_are_told_apart() {
    let watch = Watch::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let (code, name, _) = answered(&watch, &format!("http://{nobody}"));
    assert_eq!((code, name.as_str()), (3, "unreached"));
    let fixture = Fixture::start(&[]);
    let nobody = json(
        r#"{"path":"/api/v1/session/userinfo","status":200,"headers":{"content-type":"application/json"},"body":{}}"#,
    );
    fixture.told("faults", &[nobody]);
    let (code, name, line) = answered(&watch, &fixture.url);
    assert_eq!((code, name.as_str()), (3, "anonymous"), "{line}");
}

#[test]
fn an_answer_that_dribbles_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{";
                let mut sent = stream.write_all(head);
                while sent.is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                    sent = stream.write_all(b" ");
                }
            });
        }
    });
    let (watch, began) = (Watch::new(), Instant::now());
    let (code, name, _) = answered(&watch, &url);
    assert_eq!((code, name.as_str()), (3, "too_slow"));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_token_that_is_rotated_in_its_file_is_taken_at_once() {
    let (fixture, watch) = (Fixture::start(&[]), Watch::new());
    watch.put("argocd.token", "");
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 2 && ran.err.contains("--token-file") && ran.err.lines().count() == 1, "{}", ran.err);
    watch.put("argocd.token", "another-observer\n");
    watch.round(&fixture.url);
    std::fs::set_permissions(watch.path("argocd.token"), PermissionsExt::from_mode(0o644)).expect("a mode");
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 2 && ran.err.contains("chmod 600"), "{}", ran.err);
}

#[test]
fn a_log_that_is_away_gets_everything_when_it_is_back() {
    let (fixture, mut watch) = (Fixture::start(&["--work-ms", "20"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    watch.service.stop();
    for _ in 0..2 {
        fixture.sync("payments-api", "{}");
        let nobody = ["--once", "--json", "--log", "http://127.0.0.1:9"];
        let ran = {
            let mut poller = watch.poller_of(&fixture.url, &nobody);
            let output = poller.output().expect("it ends");
            (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
        };
        assert_eq!(ran.0, Some(3), "{}", ran.1);
        assert!(json(&ran.1).get("waiting").and_then(Value::as_i64) > Some(0), "{}", ran.1);
    }
    // As a crash leaves it that came before the answer of the log.
    let before = std::fs::read(watch.path("state")).expect("a state");
    watch.service.try_restart(|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let round = watch.round(&fixture.url);
    assert_eq!(round.get("waiting").and_then(Value::as_i64), Some(0));
    let said: Vec<_> = watch.observed().iter().map(told).collect();
    let polled: Vec<_> = said.iter().filter(|word| !word.starts_with("k8s_event")).collect();
    assert_eq!(polled, ["sync Succeeded #0", "sync Succeeded #1"], "in order, each once");
    std::fs::write(watch.path("state"), before).expect("written");
    let again = watch.round(&fixture.url);
    assert!(again.get("known").and_then(Value::as_i64) > Some(0));
    assert_eq!(watch.observed().len(), said.len(), "the log answers duplicates");
}

#[test]
fn two_pollers_of_one_instance_are_refused_or_told_apart() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "20"]), Watch::new());
    fixture.create("payments-api");
    // One state file.
    let mut first = watch.poller(&fixture.url, &["--interval", "1"]).stdout(Stdio::null()).spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(60);
    while watch.logged("argocd_snapshot").is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 1 && ran.err.contains("another poller holds it"), "{}", ran.err);
    let _ = first.kill();
    let _ = first.wait();
    // One token, two state files: whoever writes next sees the other's snapshot.
    let other = watch.path("other");
    let other = ["--once", "--json", "--state", other.to_str().expect("UTF-8")];
    let ran = watch.poll_with(&fixture.url, &other);
    assert!(ran.code == 0 && ran.out.contains("polled_before"), "{}{}", ran.out, ran.err);
    fixture.sync("payments-api", "{}");
    let logged = watch.logged("argocd_snapshot").len();
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 1 && ran.err.contains("another poller wrote with this token"), "{}{}", ran.out, ran.err);
    assert_eq!(watch.logged("argocd_snapshot").len(), logged, "the refused one wrote nothing");
    let ran = watch.poll_with(&fixture.url, &other);
    assert!(ran.code == 0 && !ran.out.contains("polled_before"), "the last one goes on: {}{}", ran.out, ran.err);
}

#[test]
fn what_the_log_refuses_ends_it_and_what_is_wrong_is_said_at_once() {
    let (fixture, watch) = (Fixture::start(&[]), Watch::new());
    let token = watch.service.token.clone();
    watch.put("log.token", &token);
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 1 && ran.err.contains("--allow-unsigned argocd_observation"), "{}{}", ran.out, ran.err);
    let wrong = |server: &str, more: &[&str], says: &str| {
        let ran = watch.poll_with(server, more);
        assert!(ran.code == 2 && ran.err.contains(says) && ran.err.lines().count() == 1, "{}", ran.err);
    };
    wrong("http://argocd.example.com", &["--once"], "--allow-http");
    wrong("argocd.example.com", &["--once"], "https://");
    wrong("https://argocd.example.com?a=b", &["--once"], "address alone");
    let ca = watch.path("log.token");
    wrong("https://argocd.example.com", &["--once", "--ca-file", ca.to_str().expect("UTF-8")], "no certificate");
    watch.put("state", "{}");
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 1 && ran.err.contains("no state of a poller"), "{}", ran.err);
}

#[test]
fn https_is_believed_by_the_roots_that_are_given() {
    let tls = tempfile::tempdir().expect("a directory");
    let run = |args: &[&str]| {
        let made = Command::new("openssl").args(args).current_dir(tls.path()).stderr(Stdio::null()).status();
        made.is_ok_and(|status| status.success())
    };
    let made =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"];
    let named = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    if !run(&[&made[..], &named].concat()) {
        println!("SKIPPED: no openssl to make a certificate with");
        return;
    }
    // Whole answers in files, which openssl sends as they are.
    for (path, body) in [
        ("api/v1/session/userinfo", r#"{"loggedIn":true,"username":"observer"}"#),
        ("api/v1/applications", r#"{"metadata":{"resourceVersion":"7"},"items":null}"#),
        ("api/v1/projects", r#"{"metadata":{"resourceVersion":"7"},"items":null}"#),
    ] {
        let file = tls.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        let head = "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
        std::fs::write(file, format!("{head}{body}")).expect("written");
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port();
    let mut server = Command::new("openssl");
    server.args(["s_server", "-HTTP", "-quiet", "-cert", "cert.pem", "-key", "key.pem", "-port", &port.to_string()]);
    let mut server = server
        .current_dir(tls.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let until = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("localhost", port)).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (watch, url) = (Watch::new(), format!("https://localhost:{port}"));
    let (code, name, line) = answered(&watch, &url);
    let given = tls.path().join("cert.pem");
    let given = watch.poll_with(&url, &["--once", "--json", "--ca-file", given.to_str().expect("UTF-8")]);
    let _ = server.kill();
    let _ = server.wait();
    assert!(code == 3 && name == "unreached" && line.contains("certificate"), "{name}: {line}");
    assert_eq!(given.code, 0, "{}{}", given.out, given.err);
}

#[test]
fn a_restarted_server_that_shows_nothing_yet_changes_nothing() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "20"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    let nothing = r#"{"path":"/api/v1/applications","times":1,"status":200,
        "headers":{"content-type":"application/json"},"body":{"metadata":{"resourceVersion":"99"},"items":null}}"#;
    fixture.told("faults", &[json(nothing)]);
    let round = watch.round(&fixture.url);
    assert_eq!(round.get("applications").and_then(Value::as_i64), Some(1));
    let older = r#"{"path":"/api/v1/applications","times":1,"status":200,
        "headers":{"content-type":"application/json"},"body":{"metadata":{"resourceVersion":"1"},"items":null}}"#;
    fixture.told("faults", &[json(older)]);
    let ran = watch.poll(&fixture.url);
    assert!(ran.code == 3 && ran.out.contains(r#""mark":"older_list""#), "{}{}", ran.out, ran.err);
    fixture.told("version", &[json(r#"{"version":200}"#)]);
    watch.round(&fixture.url);
    assert!(watch.observed().is_empty());
}
