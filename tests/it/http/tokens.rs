//! Tokens: the file, the grants, and what a running service sees of them.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, TokenOptions};

use crate::make;
use crate::make::service::{self, Answer, Service};

fn name(text: &str) -> SubmitterName {
    SubmitterName::parse(text).expect("a legal name")
}

/// Asks until the answer is as wanted; a change is seen within a second.
fn within_a_second(ask: impl Fn() -> Answer, status: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if answer.status == status || begun.elapsed() > Duration::from_secs(5) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn refuses_submissions_without_a_token_and_with_a_wrong_one() {
    let service = Service::start();
    let receipt = service::receipt();
    for path in ["/v1/entries", "/v1/entries:batch"] {
        let answer = service.post_with(path, &[], &receipt);
        answer.is(401, "token_missing");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let basic = service.post_with(path, &[("authorization", "Basic eDp5")], &receipt);
        basic.is(401, "token_missing");
        let wrong = format!("plg_{}", make::hex("guess"));
        let answer = service.post_as(&wrong, path, &receipt);
        answer.is(401, "token_unknown");
        assert!(!answer.text().contains(&wrong), "a token is never echoed");
    }
    assert_eq!(service.size(), 0);
}

#[test]
fn authentication_comes_before_everything_else() {
    let service = Service::start();
    service.post_with("/v1/entries?nothing=1", &[], vec![b' '; 5 << 20]).is(401, "token_missing");
}

#[test]
fn a_new_token_works_and_a_revoked_one_stops_within_a_second() {
    let service = Service::start();
    let token = service::token(&service.data(), "second", TokenOptions::default());
    let submit = || service.post_as(&token, "/v1/entries", service::receipt());
    assert_eq!(within_a_second(submit, 201).status, 201);
    submitters::revoke(&service.data(), &name("second")).expect("revoked");
    within_a_second(submit, 401).is(401, "token_revoked");
    assert_eq!(service.post("/v1/entries", service::receipt()).status, 201, "others go on");
}

#[test]
fn an_expired_token_says_so() {
    let service = Service::start();
    let options = TokenOptions { expires: Some(Duration::from_secs(40)), ..TokenOptions::default() };
    let token = service::token(&service.data(), "short", options);
    let submit = || service.post_as(&token, "/v1/entries", service::receipt());
    assert_eq!(within_a_second(submit, 201).status, 201);
    // Within what the sequencer takes for sound.
    service.clock.wall_ms.store(41_000, Ordering::SeqCst);
    submit().is(401, "token_expired");
}

#[test]
fn a_token_for_some_kinds_submits_no_other() {
    let service = Service::start();
    let options = TokenOptions { kinds: vec![make::kind("approval")], ..TokenOptions::default() };
    let token = service::token(&service.data(), "approver", options);
    let submit = |body: &str| service.post_as(&token, "/v1/entries", body);
    let approval = make::good(make::kind("approval"));
    assert_eq!(within_a_second(|| submit(&approval), 201).status, 201);
    submit(&service::receipt()).is(403, "kind_not_granted");
}

#[test]
fn a_damaged_token_file_lets_nobody_in_and_is_not_shown() {
    let service = Service::start();
    let path = service.data().join("tokens.json");
    let whole = std::fs::read(&path).expect("the file");
    std::fs::write(&path, b"{\"secret").expect("damaged");
    let submit = || service.post("/v1/entries", service::receipt());
    let answer = within_a_second(submit, 503);
    answer.is(503, "tokens_unreadable");
    assert!(!answer.text().contains("secret") && !answer.text().contains("tokens.json"));
    std::fs::write(&path, whole).expect("mended");
    assert_eq!(within_a_second(submit, 201).status, 201);
}

#[test]
fn the_file_is_private_and_holds_no_token() {
    let dir = tempfile::tempdir().expect("a directory");
    let token = service::token(dir.path(), "first", TokenOptions::default());
    assert!(token.starts_with("plg_") && token.len() == 4 + 64, "{token}");
    let path = dir.path().join("tokens.json");
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = std::fs::read_to_string(&path).expect("the file");
    assert!(!text.contains(&token) && !text.contains(&token[4..]));
    assert!(text.contains(&make::hex(&token)), "its hash is kept");
}

#[test]
fn names_are_never_reused_not_even_after_revocation() {
    let dir = tempfile::tempdir().expect("a directory");
    let again =
        || submitters::create(dir.path(), &name("one"), TokenOptions::default()).map(|_| ()).map_err(|e| e.code().name);
    assert_eq!(again(), Ok(()));
    assert_eq!(again(), Err("token_name_taken"));
    submitters::revoke(dir.path(), &name("one")).expect("revoked");
    assert_eq!(again(), Err("token_name_taken"));
    let unknown = submitters::revoke(dir.path(), &name("two"));
    assert_eq!(unknown.map_err(|e| e.code().name), Err("token_no_such_name"));
    let rows = submitters::list(dir.path()).expect("rows");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].revoked_at.is_some());
}

#[test]
fn refuses_options_that_contradict_each_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let observation = Some((make::kind("argocd_observation"), None));
    let cases = [
        TokenOptions { allow_unsigned: observation.clone(), ..TokenOptions::default() },
        TokenOptions { instance: Some("argocd-prod".into()), ..TokenOptions::default() },
        TokenOptions { allow_unsigned: Some((make::kind("approval"), None)), ..TokenOptions::default() },
        TokenOptions {
            allow_unsigned: observation,
            instance: Some("argocd-prod".into()),
            kinds: vec![make::kind("approval")],
            ..TokenOptions::default()
        },
        TokenOptions {
            allow_unsigned: Some((make::kind("trust_pulse"), Some("notify".into()))),
            ..TokenOptions::default()
        },
        TokenOptions {
            allow_unsigned: Some((make::kind("argocd_observation"), Some("notfy".into()))),
            instance: Some("argocd-prod".into()),
            ..TokenOptions::default()
        },
    ];
    for (at, options) in cases.into_iter().enumerate() {
        let made = submitters::create(dir.path(), &name(&format!("n{at}")), options);
        assert_eq!(made.map(|_| ()).map_err(|e| e.code().name), Err("token_options"), "case {at}");
    }
    assert!(submitters::list(dir.path()).expect("no file").is_empty());
}

#[test]
fn two_commands_at_once_lose_no_row() {
    let dir = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        for at in 0..8 {
            let data = dir.path();
            scope.spawn(move || service::token(data, &format!("n{at}"), TokenOptions::default()));
        }
    });
    assert_eq!(submitters::list(dir.path()).expect("rows").len(), 8);
}

#[test]
fn a_token_that_is_revoked_while_the_body_arrives_submits_nothing() {
    use std::io::{Read as _, Write as _};
    let service = Service::start();
    let token = service::token(&service.data(), "second", TokenOptions::default());
    let submit = || service.post_as(&token, "/v1/entries", service::receipt());
    assert_eq!(within_a_second(submit, 201).status, 201);
    let body = service::receipt();
    let mut stream = std::net::TcpStream::connect(&service.base()["http://".len()..]).expect("a connection");
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log.example\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&body.as_bytes()[..100]).expect("sent");
    submitters::revoke(&service.data(), &name("second")).expect("revoked");
    within_a_second(submit, 401).is(401, "token_revoked");
    let size = service.size();
    stream.write_all(&body.as_bytes()[100..]).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("token_revoked"), "{answer}");
    assert_eq!(service.size(), size);
}

#[test]
fn a_token_file_that_is_a_pipe_holds_nobody_up() {
    let service = Service::start();
    let file = service.data().join("tokens.json");
    std::fs::remove_file(&file).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&file).status().expect("mkfifo");
    assert!(made.success());
    let begun = Instant::now();
    let refused = within_a_second(|| service.post("/v1/entries", service::receipt()), 503);
    refused.is(503, "tokens_unreadable");
    assert_eq!(service.get("/checkpoint").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "somebody waited for the pipe");
}
