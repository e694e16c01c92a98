//! `[viewer]`: who may read.

use axum::http::{HeaderName, header};

use crate::server::access::network::Network;
use crate::server::access::{Access, Viewer};
use crate::server::config::{ConfigError, invalid};

/// Proxies that may be named.
const PROXIES_MAX: usize = 64;
/// Headers that mean something already: whoever names one would believe clients.
const TAKEN: [HeaderName; 5] = [header::HOST, header::COOKIE, header::AUTHORIZATION, header::ORIGIN, header::FORWARDED];

/// Checks what was given. Settings that would do nothing refuse: somebody
/// believes that the log is closed by them.
pub(super) fn build(
    access: Option<String>,
    header: Option<String>,
    proxies: Option<Vec<String>>,
) -> Result<Viewer, ConfigError> {
    let known =
        |text: String| Access::parse(&text).ok_or_else(|| invalid("viewer_access", "must be public, token or proxy"));
    let access = access.map(known).transpose()?.unwrap_or_default();
    let name = |text: String| {
        let name = HeaderName::try_from(text).ok().filter(|name| !TAKEN.contains(name));
        let rule = "must be the name of a header that the proxy alone sets, e.g. x-auth-request-user";
        name.ok_or_else(|| invalid("viewer_user_header", rule))
    };
    let user_header = header.map(name).transpose()?;
    let network = |text: &String| {
        let rule = "each must be an address or a network, e.g. 127.0.0.1 or 10.0.0.0/8";
        Network::parse(text).ok_or_else(|| invalid("viewer_trusted_proxies", rule))
    };
    let trusted_proxies = proxies.unwrap_or_default().iter().map(network).collect::<Result<Vec<_>, _>>()?;
    if trusted_proxies.len() > PROXIES_MAX {
        return Err(invalid("viewer_trusted_proxies", format!("at most {PROXIES_MAX}")));
    }
    match (access, &user_header, trusted_proxies.is_empty()) {
        (Access::Proxy, None, _) => Err(invalid("viewer_user_header", "is required with access proxy")),
        (Access::Proxy, _, true) => Err(invalid("viewer_trusted_proxies", "is required with access proxy")),
        (Access::Public | Access::Token, Some(_), _) => Err(invalid("viewer_user_header", "is for access proxy alone")),
        (Access::Public | Access::Token, _, false) => {
            Err(invalid("viewer_trusted_proxies", "is for access proxy alone"))
        }
        _ => {
            let user_header = user_header.map_or_else(String::new, |name| name.as_str().to_owned());
            Ok(Viewer { access, user_header, trusted_proxies })
        }
    }
}
