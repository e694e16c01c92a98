//! What strangers may read of a closed log's pages: documents of the software,
//! and where readers come in.

use pulselog::server::access::Viewer;

use crate::http::access::{USER, as_reader, by_proxy, by_token, closed, reader};
use crate::make::service::receipt;

const DOCS: [&str; 5] = ["/docs", "/docs/api", "/docs/errors", "/docs/proofs", "/docs/verify"];

/// The `type` of a problem leads there, also whoever may not read the log.
#[test]
fn documents_of_the_software_are_open_in_every_mode_and_tell_nothing_of_a_closed_log() {
    let logs = [closed(by_token()), closed(by_token()), closed(by_proxy("127.0.0.0/8"))];
    logs[1].fill(3);
    let token = reader(&logs[1], "auditor-1");
    for path in DOCS {
        let page = logs[0].get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        for other in [
            logs[1].get(path),
            as_reader(&logs[1], &token, path),
            logs[2].get(path),
            logs[2].get_with(path, &[(USER, "alice")]),
        ] {
            assert_eq!((other.status, other.text()), (200, page.text()), "{path}");
        }
        let html = page.text();
        for own in ["127.0.0.1", "property=\"og:", "Page made", "entries</a>", "action=\"/search\""] {
            assert!(!html.contains(own), "{path} says {own}: {html}");
        }
        // No link of theirs leads to what is closed.
        let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
        for link in links.filter(|link| !["", "/"].contains(link)) {
            assert_eq!(logs[0].get(link).status, 200, "{path} leads to {link}");
        }
    }
    let codes = logs[0].get("/docs/errors").text();
    let problem = logs[0].post_with("/v1/entries", &[], receipt());
    let to = problem.json().text_at("type").expect("a type").to_owned();
    let (path, code) = to.split_once('#').expect("a place on the page");
    assert!(path == "/docs/errors" && codes.contains(&format!("<li id=\"{code}\">")), "{to}");
    assert!(codes.contains("What to do:"), "{codes}");
    let open = closed(Viewer::default());
    assert!(open.get("/docs").text().contains("Page made"), "a public log says which it is");
}

#[test]
fn a_login_where_a_proxy_names_readers_says_that_the_proxy_does() {
    let service = closed(by_proxy("127.0.0.0/8"));
    for path in ["/login", "/logout"] {
        let page = service.get_with(path, &[(USER, "alice")]);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(page.text().contains("the proxy before it signs people in and out"), "{}", page.text());
        assert!(!page.text().contains("<form"), "{}", page.text());
        assert_eq!(service.post_with(path, &[(USER, "alice")], "token=x").status, 405);
        assert_eq!(service.get(path).text(), service.get("/jobs").text(), "a stranger learns nothing more there");
    }
    assert!(service.get("/").text().contains("its proxy, which signs them in"));
}
