//! The one HTTP client for services of others: Argo CD, ticket systems,
//! webhooks. It follows no redirect and reads no proxy from the environment, so
//! that what is sent goes where the configuration says and nowhere else.

use std::net::IpAddr;
use std::time::Duration;

pub use ureq::tls::RootCerts;
use ureq::tls::{Certificate, PemItem, TlsConfig, parse_pem};

/// Where systems keep the roots that they believe, in PEM.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From its beginning to the end of the answer.
    pub whole: Duration,
    /// Until somebody answers at all, where that is less.
    pub connect: Option<Duration>,
}

/// A client that believes `roots`. Any status is an answer.
#[must_use]
pub fn client(roots: RootCerts, patience: Patience) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("pulselog/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(patience.connect)
        .timeout_global(Some(patience.whole))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build();
    ureq::Agent::new_with_config(config)
}

/// The certificates that a PEM file holds; `None` where it holds none.
#[must_use]
pub fn roots_of(pem: &[u8]) -> Option<RootCerts> {
    let certificates = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<Certificate<'static>> = certificates.collect();
    (!found.is_empty()).then(|| RootCerts::from(found))
}

/// Those that the system believes, else those that are compiled in.
#[must_use]
pub fn roots_of_system() -> RootCerts {
    let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read(path).ok());
    system.and_then(|pem| roots_of(&pem)).unwrap_or(RootCerts::WebPki)
}

/// Whether an address without its scheme is this machine's, so that plain HTTP
/// to it shows nothing to anybody.
#[must_use]
pub fn is_this_machine(authority_and_path: &str) -> bool {
    // Read as the client reads it, so that both mean the same host.
    let Ok(uri) = format!("http://{authority_and_path}").parse::<ureq::http::Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let (host, named) = (authority.host(), authority.as_str());
    let named = named.rsplit('@').next().unwrap_or_default();
    // Nothing but a port may stand behind it.
    let port = named.strip_prefix(host).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    if port.is_none_or(|port| port.bytes().any(|byte| !byte.is_ascii_digit())) {
        return false;
    }
    let host = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_this_machine_and_only_as_the_host() {
        for own in [
            "localhost",
            "LOCALHOST:1/x",
            "127.0.0.1",
            "127.9.9.9:80/a?b",
            "[::1]:1/",
            "localhost?a=b",
            "evil.example@localhost/",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example?@localhost",
            "evil.example#@localhost",
            "evil.example\\@localhost",
            "evil.example/@localhost",
            "localhost@evil.example",
            "127.0.0.1@evil.example:80",
            "localhost:80@evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[::1].evil.example",
            "[::1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "127.1",
            "localhost:x",
            "10.0.0.1",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
