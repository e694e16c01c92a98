//! The gate: before an address is routed, a parameter read or anything looked
//! up, it says whether this request may be answered. What it refuses gets one
//! answer, the same bytes for every address, so that nothing is learnt from it.

pub(crate) mod accesses;
pub(crate) mod door;
pub mod open;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::server::access::sessions::Sessions;
use crate::server::access::tries::Tries;
use crate::server::access::{Access, Viewer};
use crate::server::api::gate::accesses::{Accesses, Read};
use crate::server::log::clock::Clock;
use crate::server::submitters::hash;
use crate::server::submitters::live::Tokens;
use crate::server::telemetry::Metrics;
use crate::text::civil;

/// Cookie of a session. Browsers take a name that begins so only with `Secure`,
/// `Path=/` and no `Domain`.
const COOKIE: &str = "__Host-pulselog";
/// Longest name of a user that a proxy says, bytes.
const USER_BYTES_MAX: usize = 128;
/// Proxies that one request may have come through.
const HOPS_MAX: usize = 8;
/// Headers in which proxies name their clients.
const PROXIED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];
/// Longest address that is kept of an access, bytes.
const SCOPE_BYTES_MAX: usize = 256;
/// Of what a reader gets nothing is kept on the way.
const NO_STORE: &str = "private, no-store";

/// What the gate knows.
pub struct Gate {
    viewer: Viewer,
    readers: Tokens,
    sessions: Sessions,
    tries: Tries,
    /// Whether it was said that all who come through a proxy share their tries.
    has_warned: AtomicBool,
    accesses: Accesses,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
}

/// Somebody who may read a log that is closed to others: as a token or the
/// proxy calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader(Arc<str>);

/// What the gate says of a request.
pub enum Passed {
    /// It is answered to everybody.
    Open,
    /// It is answered to this reader.
    Reader(Reader),
    /// Readers come and go.
    Door,
    /// It is not answered.
    Closed,
}

impl Gate {
    /// A gate with nobody in.
    #[must_use]
    pub fn new(viewer: Viewer, readers: Tokens, accesses: Accesses, metrics: Metrics, clock: Arc<dyn Clock>) -> Self {
        let (sessions, tries) = (Sessions::default(), Tries::default());
        let has_warned = AtomicBool::new(false);
        Self { viewer, readers, sessions, tries, has_warned, accesses, metrics, clock }
    }

    /// Who may read at all.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.viewer.access
    }

    /// Reads the readers' file again at the next look.
    pub fn reload(&self) {
        self.readers.reload();
    }

    /// Looks at one request of `peer`, at the other end of the socket.
    #[must_use]
    pub fn pass(&self, request: &Request, peer: IpAddr) -> Passed {
        if self.viewer.access.is_public() || open::is_open(request.method().as_str(), request.uri().path()) {
            return Passed::Open;
        }
        let is_door = matches!(request.uri().path(), open::LOGIN | open::LOGOUT);
        let reader = match self.viewer.access {
            Access::Public => return Passed::Open,
            Access::Token if is_door => return Passed::Door,
            Access::Token => self.by_token(request.headers()),
            Access::Proxy => self.by_proxy(request.headers(), peer),
        };
        match reader {
            // Whoever came through the proxy is in, and is told so.
            Some(_) if is_door => Passed::Door,
            reader => reader.map_or(Passed::Closed, Passed::Reader),
        }
    }

    /// Whose token or session this is. One that is shown and does not count is
    /// not made up for by the other.
    fn by_token(&self, headers: &HeaderMap) -> Option<Reader> {
        let shown = match single(headers, &header::AUTHORIZATION) {
            Some(value) => {
                let (scheme, token) = value.ok()?.split_once(' ')?;
                let is_bearer = scheme.eq_ignore_ascii_case("bearer");
                self.readers.authenticate(Some(token.trim()).filter(|_| is_bearer)?)
            }
            None => {
                let token = self.sessions.token_of(&cookie(headers)?, self.now_ms())?;
                self.readers.known(&crate::merkle::Hash::from_bytes(token))
            }
        };
        shown.ok().map(|reader| Reader(reader.name.as_str().into()))
    }

    /// Whom the proxy names. Anybody else's header is worth nothing, and is
    /// counted: somebody tries, or a proxy is missing in the settings.
    fn by_proxy(&self, headers: &HeaderMap, peer: IpAddr) -> Option<Reader> {
        let named = headers.get_all(self.viewer.user_header.as_str());
        if !self.is_proxy(peer) {
            if named.iter().next().is_some() {
                self.metrics.user_header_ignored();
            }
            return None;
        }
        let mut values = named.iter();
        // Two copies: one of them is not the proxy's. A comma may join two.
        let (Some(user), None) = (values.next(), values.next()) else { return None };
        let user = user.to_str().ok()?.trim();
        let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        (!user.is_empty() && user.len() <= USER_BYTES_MAX && user.bytes().all(is_name)).then(|| Reader(user.into()))
    }

    /// Whose try to sign in this is: the other end of the socket, or, where that is
    /// a proxy which says so, whom it names. Proxies add whom they saw at the end,
    /// so a word counts only where one that is trusted wrote it after the last.
    fn client(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let header = self.viewer.client_header.as_str();
        if header.is_empty() {
            let is_proxied = PROXIED.iter().any(|name| headers.contains_key(*name));
            if is_proxied && !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(%peer, "readers sign in through a proxy and share its five tries a minute, so that \
                    anybody can keep them out: set client_header and trusted_proxies in [viewer]");
            }
            return peer;
        }
        let lines = headers.get_all(header).iter().rev();
        let named = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).take(HOPS_MAX);
        let mut client = peer;
        for name in named {
            let Some(before) = name.trim().parse().ok().filter(|_| self.is_proxy(client)) else { break };
            client = before;
        }
        client
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.viewer.trusted_proxies.iter().any(|network| network.holds(address))
    }

    /// Writes down that a reader was answered.
    pub fn accessed(&self, reader: &Reader, route: &str, scope: &str, status: u16) {
        let wall_ms = self.clock.read().wall_ms;
        let end = (0..=scope.len().min(SCOPE_BYTES_MAX)).rev().find(|end| scope.is_char_boundary(*end)).unwrap_or(0);
        let read = Read {
            at: civil::with_millis(i64::try_from(wall_ms).unwrap_or(i64::MAX)),
            reader: reader.0.to_string(),
            route: route.to_owned(),
            scope: scope[..end].to_owned(),
            status,
        };
        if !self.accesses.write(read) {
            self.metrics.access_lost();
        }
    }

    /// Waits at most `most` until every access is written down; whether it is.
    #[must_use]
    pub fn end(&self, most: Duration) -> bool {
        self.accesses.end(most)
    }

    fn now_ms(&self) -> u64 {
        self.clock.read().monotonic_ms
    }

    /// Begins a session for whoever shows this token.
    fn come_in(&self, token: &str) -> Option<String> {
        self.readers.authenticate(token).ok()?;
        self.sessions.begin(*hash(token).as_bytes(), self.now_ms())
    }
}

/// What a reader gets is theirs alone.
pub fn to_reader(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
}

/// The one value of a header; `Err` where it stands twice or is no text.
fn single<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<Result<&'a str, ()>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().map_or_else(|| first.to_str().map_err(|_| ()), |_| Err(())))
}

/// The session id that a browser sends; none where it sends two. Cookies of
/// others beside it may hold any bytes: they are not ours to judge.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let mut ids = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
        let (name, value) = pair.trim_ascii().split_at_checked(COOKIE.len())?;
        (name == COOKIE.as_bytes()).then(|| value.strip_prefix(b"=")).flatten()
    });
    let id = ids.next().filter(|_| ids.next().is_none())?;
    std::str::from_utf8(id).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_beside_cookies_of_any_bytes_and_never_where_two_are_sent() {
        let id = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_bytes(line).expect("a value"));
            }
            cookie(&headers)
        };
        let found: [&[&[u8]]; 6] = [
            &[b"__Host-pulselog=a"],
            &[b"x=\xff\xfe; __Host-pulselog=a; y=\xc3\xa9"],
            &[b"x=\xff", b"__Host-pulselog=a"],
            &[b"x=1;__Host-pulselog=a;"],
            &[b";;=;\t__Host-pulselog=a ; __Host-pulselogs=b; __Host-pulselog"],
            &[b"__host-pulselog=b; __Host-pulselog=a"],
        ];
        for lines in found {
            assert_eq!(id(lines).as_deref(), Some("a"), "{lines:?}");
        }
        let none: [&[&[u8]]; 5] = [
            &[],
            &[b"__Host-pulselog"],
            &[b"__Host-pulselog=a; __Host-pulselog=a"],
            &[b"__Host-pulselog=a", b"__Host-pulselog=\xff"],
            &[b"__Host-pulselog=\xff"],
        ];
        for lines in none {
            assert_eq!(id(lines), None, "{lines:?}");
        }
    }
}
