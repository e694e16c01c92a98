//! Access is closed in one place.

use pulselog::server::access::Access;
use pulselog::server::api::ROUTES;

use crate::make::hex;
use crate::make::service::Service;

/// An address of a route.
fn address(path: &str) -> String {
    let hash = hex("anything");
    let filled = path
        .replace("{index}", "0")
        .replace("{size}", "0")
        .replace("{level}/{tile}", "0/000")
        .replace("{tile}", "000")
        .replace("{leaf_hash}", &hash)
        .replace("{digest}", &hash)
        .replace("{hash}", &hash)
        .replace("{id}", "job")
        .replace("{agent}/{run}", "agent/run");
    assert!(!filled.contains('{'), "{path} has a segment that this test does not know");
    filled
}

#[test]
fn every_route_that_shows_something_passes_the_access_check_and_no_other_does() {
    let service = Service::start_with(|config| config.access = Access::closed());
    let open = Service::start();
    service.fill(1);
    open.fill(1);
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let path = address(route.path);
        let answer = service.get(&path);
        if route.shows {
            answer.is(403, "access_closed");
        } else {
            assert_ne!(answer.status, 403, "{path}");
        }
        assert_ne!(open.get(&path).status, 403, "{path} is public today");
    }
    assert!(ROUTES.iter().filter(|route| route.shows).count() >= 10);
}

#[test]
fn pages_pass_the_access_check_too() {
    let service = Service::start_with(|config| config.access = Access::closed());
    service.fill(1);
    for path in ["/", "/entries/0", "/runs/agent/run", &format!("/pulses/{}", hex("pulse"))] {
        let answer = service.get(path);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("access_closed"), "{path}");
    }
    // What lets others follow and check the log stays.
    for path in ["/checkpoint", "/tile/0/000.p/1", "/healthz", "/v1/proofs/inclusion?index=0", "/static/pulselog.css"] {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
}
