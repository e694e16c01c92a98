//! Who may read what: one gate, before everything else.

use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pulselog::entry::SubmitterName;
use pulselog::server::access::network::Network;
use pulselog::server::access::{Access, Viewer};
use pulselog::server::api::ROUTES;
use pulselog::server::submitters::{self, Book, TokenOptions};

use crate::make::hex;
use crate::make::service::{Answer, Service, receipt};

pub const USER: &str = "x-auth-user";

pub fn by_token() -> Viewer {
    Viewer { access: Access::Token, ..Viewer::default() }
}

pub fn by_proxy(trusted: &str) -> Viewer {
    let trusted_proxies = vec![Network::parse(trusted).expect("a network")];
    Viewer { access: Access::Proxy, user_header: USER.into(), trusted_proxies, ..Viewer::default() }
}

pub fn closed(viewer: Viewer) -> Service {
    Service::start_with(|config| config.viewer = viewer)
}

pub fn reader(service: &Service, called: &str) -> String {
    let name = SubmitterName::parse(called).expect("a name");
    let made = submitters::create_in(Book::Readers, &service.data(), &name, TokenOptions::default());
    made.unwrap_or_else(|e| panic!("{e}")).token
}

pub fn as_reader(service: &Service, token: &str, path: &str) -> Answer {
    service.get_with(path, &[("authorization", &format!("Bearer {token}"))])
}

fn log_in(service: &Service, token: &str, next: &str) -> Answer {
    let origin = service.base();
    let form = format!("token={token}&next={next}");
    service.post_with("/login", &[("origin", &origin)], form)
}

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().expect("a cookie").to_owned()
}

/// An address of a route.
fn address(path: &str) -> String {
    let hash = hex("anything");
    let filled = path
        .replace("{index}", "0")
        .replace("{size}", "1")
        .replace("{level}/{tile}", "0/000.p/1")
        .replace("{tile}", "000.p/1")
        .replace("{leaf_hash}", &hash)
        .replace("{digest}", &hash)
        .replace("{hash}", &hash)
        .replace("{id}", "job")
        .replace("{agent}/{run}", "agent/run");
    assert!(!filled.contains('{'), "{path} has a segment that this test does not know");
    filled
}

/// A page that says this code, and no problem: it is the same for programs.
fn says(answer: &Answer, code: &str) {
    assert!(answer.text().contains(&format!("<code>{code}</code>")), "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html"));
}

/// All of an answer but its date.
fn whole(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_closed_log_answers_every_address_that_shows_something_with_the_same_bytes() {
    let service = closed(by_token());
    service.fill(1);
    let digest = service.server.as_ref().map(|_| hex("nothing")).expect("it runs");
    let ask = |line: &str| {
        whole(&service.raw_bytes(&format!("{line} HTTP/1.1\r\nhost: asked.example\r\nconnection: close\r\n\r\n")))
    };
    let answer = ask("GET /");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let low = answer.to_ascii_lowercase();
    assert!(low.contains("cache-control: no-store") && answer.contains("href=\"/login\""), "{answer}");
    assert!(!low.contains("og:") && !low.contains("twitter:") && !low.contains("asked.example"), "{answer}");
    let mut paths: Vec<String> = ROUTES.iter().filter(|route| route.shows).map(|route| address(route.path)).collect();
    paths.extend(
        [
            "/entries/0",
            "/entries/9",
            "/entries.csv",
            "/jobs/job-1",
            "/jobs/job-1.svg",
            "/jobs/job-1.json",
            "/jobs/a%2Fb",
            "/search?q=run",
            "/search",
            "/nothing",
            "/metrics",
            "/docs/",
            "/docs/none",
            "/findings.csv",
            "/findings/TOKEN_REVOKED",
            "/tree?from=9&to=1",
            "/b/ZZ",
            "/v1/entries/x",
            "/v1/entries?limit=x",
            "/v1/lookup",
            "/v1/artifacts/UPPER",
            "/static/none",
            "/v1/checkpoints/x",
            "/v1/entries/0%2Etlog-proof",
            "/checkpoint/",
            "/%63heckpoint",
            "//",
            "/b/../checkpoint",
            "/tile/",
            "/v1/entries:batch",
            "*",
        ]
        .map(str::to_owned),
    );
    paths.extend([format!("/b/{digest}"), format!("/b/{digest}.svg"), format!("/b/{}", digest.to_uppercase())]);
    for path in &paths {
        for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
            assert_eq!(ask(&format!("{method} {path}")), answer, "{method} {path}");
        }
        let head = ask(&format!("HEAD {path}"));
        assert_eq!(head.trim_end(), answer.split_once("\n\n").expect("a head").0.trim_end(), "HEAD {path}");
    }
    says(&service.get("/v1/entries"), "access_closed");
    for guess in ["Bearer plr_x", "Basic eDp5", &format!("Bearer {}", service.token)] {
        let told = service.get_with("/", &[("authorization", guess)]);
        assert_eq!((told.status, told.text()), (403, service.get("/").text()), "{guess}");
    }
    assert_eq!(service.get_with("/", &[("accept", "application/json")]).text(), service.get("/").text());
}

#[test]
fn what_stands_in_leaves_and_checkpoints_is_public_in_every_mode() {
    for viewer in [Viewer::default(), by_token(), by_proxy("127.0.0.1")] {
        let service = closed(viewer);
        // Whoever submits needs no reader's token.
        service.fill(1);
        service.fill(1);
        let open = ROUTES.iter().filter(|route| route.method == "GET" && !route.shows);
        let open = open.filter(|route| route.path != "/metrics");
        for route in open {
            let path = match route.path {
                "/v1/proofs/inclusion" => "/v1/proofs/inclusion?index=0".to_owned(),
                "/v1/proofs/consistency" => "/v1/proofs/consistency?from=1&to=2".to_owned(),
                path => address(path).replace("/v1/checkpoints/1", "/v1/checkpoints/2"),
            };
            assert_eq!(service.get(&path).status, 200, "{path}: {}", service.get(&path).text());
        }
        assert_eq!(service.post("/v1/entries", receipt()).status, 201);
        service.post_with("/v1/entries", &[], receipt()).is(401, "token_missing");
    }
}

#[test]
fn a_readers_token_reads_and_submits_nothing_and_a_submitters_reads_nothing() {
    let service = closed(by_token());
    service.fill(1);
    let token = reader(&service, "auditor-1");
    for path in ["/", "/entries/0", "/v1/entries/0", "/v1/entries", "/findings"] {
        let answer = as_reader(&service, &token, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    assert_eq!(as_reader(&service, &token, "/nothing").status, 404);
    service.post_as(&token, "/v1/entries", receipt()).is(401, "token_unknown");
    let submitter = service.token.clone();
    assert_eq!(as_reader(&service, &submitter, "/").status, 403);
    assert!(token.starts_with("plr_"));
    let kept = std::fs::read_to_string(service.data().join("readers.json")).expect("the file");
    assert!(!kept.contains(&token[4..]) && kept.contains(&hex(&token)), "only its hash is kept");
}

#[test]
fn pages_of_a_closed_log_have_no_preview_and_no_badge_also_for_readers() {
    let told = crate::make::told::Told::with(&crate::pages::verdicts::guilty(), |config| config.viewer = by_token());
    let token = reader(&told.service, "auditor-1");
    let get = |path: &str| as_reader(&told.service, &token, path);
    let page = get("/jobs/job-1");
    assert_eq!(page.status, 200);
    for never in ["og:", "twitter:", "name=\"description\"", ".svg?", "format=svg"] {
        assert!(!page.text().contains(never), "{never}");
    }
    assert!(page.text().contains("href=\"/logout\""));
    assert_eq!(get("/jobs/job-1.svg").status, 404);
    assert_eq!(get("/jobs/job-1?format=svg").status, 404);
    assert_eq!(get("/jobs/job-1.md").status, 200);
    assert!(!get("/jobs/job-1.md").text().contains(".svg"));
}

#[test]
fn a_session_begins_at_the_login_and_ends_at_the_logout() {
    let service = closed(by_token());
    service.fill(1);
    let token = reader(&service, "auditor-1");
    let page = service.get("/login?next=/entries/0");
    assert!(page.status == 200 && page.text().contains("name=\"next\" value=\"/entries/0\""), "{}", page.text());
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"));
    assert!(!service.get("/login?next=//evil.example").text().contains("evil"));
    let come = log_in(&service, &token, "/entries/0");
    assert_eq!((come.status, come.header("location")), (303, "/entries/0"), "{}", come.text());
    let set = come.header("set-cookie").to_owned();
    assert!(
        set.starts_with("__Host-pulselog=") && set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200"),
        "{set}"
    );
    let held = cookie(&come);
    assert_eq!(service.get_with("/entries/0", &[("cookie", &held)]).status, 200);
    assert_eq!(service.get_with("/", &[("cookie", &format!("a=b; {held}; c=d"))]).status, 200);
    assert_eq!(service.get_with("/", &[("cookie", &format!("{held}; {held}"))]).status, 403, "two copies");
    assert_eq!(service.get_with("/", &[("cookie", &held.to_uppercase())]).status, 403);
    assert_eq!(log_in(&service, &token, "//evil.example").header("location"), "/");
    let origin = service.base();
    let gone = service.post_with("/logout", &[("origin", &origin), ("cookie", &held)], "");
    assert_eq!((gone.status, gone.header("location")), (303, "/login"));
    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(service.get_with("/", &[("cookie", &held)]).status, 403);
}

#[test]
fn a_session_lasts_twelve_hours() {
    let service = closed(by_token());
    let token = reader(&service, "auditor-1");
    let held = cookie(&log_in(&service, &token, "/"));
    let hours = |hours: u64| service.clock.both_ms.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    hours(11);
    assert_eq!(service.get_with("/", &[("cookie", &held)]).status, 200);
    hours(1);
    assert_eq!(service.get_with("/", &[("cookie", &held)]).status, 403);
}

#[test]
fn a_session_and_its_token_end_within_a_second_of_the_revocation() {
    let service = closed(by_token());
    let token = reader(&service, "auditor-1");
    let other = reader(&service, "auditor-2");
    let held = cookie(&log_in(&service, &token, "/"));
    assert_eq!(service.get_with("/", &[("cookie", &held)]).status, 200);
    let name = SubmitterName::parse("auditor-1").expect("a name");
    submitters::revoke_in(Book::Readers, &service.data(), &name).expect("revoked");
    let begun = Instant::now();
    while service.get_with("/", &[("cookie", &held)]).status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(1), "the session goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(as_reader(&service, &token, "/").status, 403);
    assert_eq!(as_reader(&service, &other, "/").status, 200, "others go on");
}

#[test]
fn forms_of_other_pages_are_refused_and_tries_are_counted() {
    let service = closed(by_token());
    let token = reader(&service, "auditor-1");
    let send = |headers: &[(&str, &str)]| service.post_with("/login", headers, format!("token={token}"));
    let host = service.base();
    for wrong in
        [&[][..], &[("origin", "null")], &[("origin", "https://evil.example")], &[("origin", &host), ("origin", &host)]]
    {
        assert_eq!((send(wrong).status, send(wrong).header("set-cookie")), (403, ""), "{wrong:?}");
    }
    // Whoever comes in counts for nothing.
    for _ in 0..8 {
        assert_eq!(log_in(&service, &token, "/").status, 303);
    }
    for _ in 0..5 {
        let refused = log_in(&service, "plr_guess", "/");
        assert_eq!(refused.status, 403);
        assert!(!refused.text().contains("plr_guess") && refused.header("set-cookie").is_empty());
    }
    let refused = log_in(&service, &token, "/");
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
    service.clock.both_ms.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(log_in(&service, &token, "/").status, 303);
    let long = service.post_with("/login", &[("origin", &host)], "x".repeat(5_000));
    assert_eq!(long.status, 400);
}

#[test]
fn a_log_with_an_address_of_its_own_takes_forms_of_that_address_alone() {
    let service = Service::start_with(|config| {
        config.viewer = by_token();
        config.public_url = Some("https://log.example/pulselog".into());
    });
    let token = reader(&service, "auditor-1");
    assert_eq!(log_in(&service, &token, "/").status, 403, "the origin of the socket");
    let form = format!("token={token}");
    assert_eq!(service.post_with("/login", &[("origin", "https://log.example")], form).status, 303);
}

#[test]
fn a_proxys_word_counts_only_from_where_it_is_trusted_and_only_once() {
    let service = closed(by_proxy("127.0.0.0/8"));
    service.fill(1);
    assert_eq!(service.get_with("/entries/0", &[(USER, "alice@example.com")]).status, 200);
    let refused: [&[(&str, &str)]; 5] =
        [&[], &[(USER, "")], &[(USER, "alice"), (USER, "bob")], &[(USER, "alice, bob")], &[(USER, "a\u{e9}")]];
    for headers in refused {
        assert_eq!(service.get_with("/entries/0", headers).status, 403, "{headers:?}");
    }
    // No tokens and no forms here.
    let token = reader(&service, "auditor-1");
    assert_eq!(as_reader(&service, &token, "/").status, 403);
    assert_eq!(service.get("/login").text(), service.get("/").text());
    let stranger = closed(by_proxy("10.0.0.0/8"));
    assert_eq!(stranger.get_with("/", &[(USER, "alice")]).status, 403);
    assert_eq!(stranger.get_with("/", &[]).status, 403);
    let text = stranger.metrics().text();
    assert!(text.contains("pulselog_viewer_user_headers_ignored_total 1\n"), "{text}");
}

#[test]
fn readers_accesses_are_written_by_name_route_and_scope() {
    let mut service = closed(by_token());
    let token = reader(&service, "auditor-1");
    as_reader(&service, &token, "/jobs/job-7?at=3");
    as_reader(&service, &token, "/v1/entries/0");
    service.get("/jobs/job-8");
    service.get_with("/checkpoint", &[("authorization", &format!("Bearer {token}"))]);
    service.stop();
    let begun = Instant::now();
    let lines = loop {
        let files = std::fs::read_dir(service.data().join("accesses")).expect("a directory");
        let text: String = files.map(|f| std::fs::read_to_string(f.expect("a file").path()).expect("text")).collect();
        if text.lines().count() >= 2 || begun.elapsed() > Duration::from_secs(5) {
            break text;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["reader"], &first["route"], &first["scope"]),
        (&"auditor-1".into(), &"/jobs/{id}".into(), &"/jobs/job-7?at=3".into()),
        "{lines}"
    );
    assert!(!lines.contains(&token) && !lines.contains("job-8"));
}

#[test]
fn a_login_that_sends_slowly_holds_nobody_up() {
    use std::io::Write as _;
    let service = closed(by_token());
    let origin = service.base();
    let head = format!("POST /login HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\ncontent-length: 100\r\n\r\nto");
    let mut slow = TcpStream::connect(&service.base()["http://".len()..]).expect("a connection");
    slow.write_all(head.as_bytes()).expect("sent");
    let token = reader(&service, "auditor-1");
    assert_eq!(log_in(&service, &token, "/").status, 303);
}

#[test]
fn commands_read_a_closed_log_with_a_readers_token_and_say_what_is_missing_without() {
    let service = closed(by_token());
    service.fill(3);
    let shell = crate::make::shell::Shell::new();
    std::fs::write(shell.path("trust.policy"), service.get("/v1/trust-policy").text()).expect("written");
    let audit = format!(
        "pulselog audit --log {} --policy trust.policy --operator {}",
        service.base(),
        crate::make::did("operator")
    );
    let ran = shell.run(&audit);
    assert!(ran.code == 3 && ran.err.contains("PULSELOG_READER_TOKEN_FILE"), "{} {}", ran.code, ran.err);
    assert!(ran.err.contains("[access_closed]"), "{}", ran.err);
    std::fs::write(shell.path("reader"), format!("{}\n", reader(&service, "auditor"))).expect("written");
    let ran = shell.run(&format!("PULSELOG_READER_TOKEN_FILE=reader {audit}"));
    assert!(ran.out.contains("3 entries read"), "{} {}{}", ran.code, ran.out, ran.err);
    let ran = shell.run(&format!("PULSELOG_READER_TOKEN_FILE=trust.policy {audit}"));
    assert_eq!(ran.code, 2, "{}", ran.err);
}
