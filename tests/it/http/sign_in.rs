//! Whose wrong tries to sign in are counted, where readers come through a proxy.

use pulselog::server::access::Viewer;
use pulselog::server::access::network::Network;
use pulselog::server::access::tries::TRIES_MAX;

use crate::http::access::{by_token, closed, reader};
use crate::make::service::Service;

const CLIENT: &str = "x-forwarded-for";

fn behind(proxies: &[&str]) -> Viewer {
    let trusted_proxies = proxies.iter().map(|text| Network::parse(text).expect("a network")).collect();
    Viewer { client_header: CLIENT.into(), trusted_proxies, ..by_token() }
}

/// The status of a try that names these clients, a header each.
fn tried(service: &Service, token: &str, clients: &[&str]) -> u16 {
    let origin = service.base();
    let named = clients.iter().map(|client| (CLIENT, *client));
    let headers: Vec<_> = std::iter::once(("origin", origin.as_str())).chain(named).collect();
    service.post_with("/login", &headers, format!("token={token}")).status
}

/// Tries until no more are let through.
fn exhaust(service: &Service, clients: &[&str]) {
    for _ in 0..TRIES_MAX {
        assert_eq!(tried(service, "plr_guess", clients), 403, "{clients:?}");
    }
    assert_eq!(tried(service, "plr_guess", clients), 429, "{clients:?}");
}

#[test]
fn a_stranger_behind_the_same_proxy_keeps_no_reader_out() {
    let service = closed(behind(&["127.0.0.1", "10.0.0.9"]));
    let token = reader(&service, "auditor-1");
    exhaust(&service, &["203.0.113.7"]);
    assert_eq!(tried(&service, &token, &["203.0.113.7"]), 429);
    assert_eq!(tried(&service, &token, &["203.0.113.8"]), 303, "another client");
    // What the client itself wrote stands before what the proxy added.
    for forged in [&["203.0.113.8, 203.0.113.7"][..], &["203.0.113.8", "203.0.113.7"], &["x,,203.0.113.7 "]] {
        assert_eq!(tried(&service, &token, forged), 429, "{forged:?}");
    }
    // A proxy before the proxy is passed over, if it is one.
    assert_eq!(tried(&service, &token, &["203.0.113.7, 10.0.0.9"]), 429);
    assert_eq!(tried(&service, &token, &["203.0.113.7, 10.0.0.8"]), 303, "no proxy of ours, so a client");
    exhaust(&service, &["2001:db8::1"]);
    assert_eq!(tried(&service, &token, &["2001:db8::2"]), 429, "the same /64");
}

#[test]
fn whom_a_proxy_does_not_name_shares_the_tries_of_the_proxy_alone() {
    let service = closed(behind(&["127.0.0.1"]));
    let token = reader(&service, "auditor-1");
    exhaust(&service, &["unknown"]);
    for nameless in [&[][..], &[""], &["203.0.113.8, "], &["203.0.113.8:99"], &["[2001:db8::1]"], &["\u{e9}"]] {
        assert_eq!(tried(&service, &token, nameless), 429, "{nameless:?}");
    }
    assert_eq!(tried(&service, &token, &["203.0.113.8"]), 303);
}

#[test]
fn from_others_than_a_proxy_a_name_is_worth_nothing() {
    for viewer in [behind(&["10.0.0.9"]), by_token()] {
        let service = closed(viewer);
        for try_ in 0..TRIES_MAX {
            assert_eq!(tried(&service, "plr_guess", &[&format!("203.0.113.{try_}")]), 403);
        }
        assert_eq!(tried(&service, "plr_guess", &["203.0.113.200"]), 429);
    }
}
