//! `[viewer]`: who may read.

use axum::http::{HeaderName, header};

use crate::server::access::network::Network;
use crate::server::access::{Access, Viewer};
use crate::server::config::{ConfigError, invalid};

/// Proxies that may be named.
const PROXIES_MAX: usize = 64;
/// Headers that mean something already: whoever names one would believe clients.
const TAKEN: [HeaderName; 5] = [header::HOST, header::COOKIE, header::AUTHORIZATION, header::ORIGIN, header::FORWARDED];

/// The settings as they are given.
pub(super) struct Given {
    pub access: Option<String>,
    pub user_header: Option<String>,
    pub client_header: Option<String>,
    pub trusted_proxies: Option<Vec<String>>,
}

/// Checks what was given. Settings that would do nothing refuse: somebody
/// believes that the log is closed by them.
pub(super) fn build(given: Given) -> Result<Viewer, ConfigError> {
    let known =
        |text: String| Access::parse(&text).ok_or_else(|| invalid("viewer_access", "must be public, token or proxy"));
    let access = given.access.map(known).transpose()?.unwrap_or_default();
    let rule = "must be the name of a header that the proxy alone sets, e.g. x-auth-request-user";
    let user_header = given.user_header.map(|text| name(text, "viewer_user_header", rule)).transpose()?;
    let rule = "must be the name of a header that the proxy sets or adds to, e.g. x-forwarded-for";
    let client_header = given.client_header.map(|text| name(text, "viewer_client_header", rule)).transpose()?;
    let network = |text: &String| {
        let rule = "each must be an address or a network, e.g. 127.0.0.1 or 10.0.0.0/8";
        Network::parse(text).ok_or_else(|| invalid("viewer_trusted_proxies", rule))
    };
    let trusted_proxies =
        given.trusted_proxies.unwrap_or_default().iter().map(network).collect::<Result<Vec<_>, _>>()?;
    if trusted_proxies.len() > PROXIES_MAX {
        return Err(invalid("viewer_trusted_proxies", format!("at most {PROXIES_MAX}")));
    }
    match (access, &user_header, &client_header, trusted_proxies.is_empty()) {
        (Access::Proxy, None, _, _) => Err(invalid("viewer_user_header", "is required with access proxy")),
        (Access::Proxy, _, _, true) => Err(invalid("viewer_trusted_proxies", "is required with access proxy")),
        (Access::Public | Access::Token, Some(_), _, _) => {
            Err(invalid("viewer_user_header", "is for access proxy alone"))
        }
        (Access::Public | Access::Proxy, _, Some(_), _) => {
            Err(invalid("viewer_client_header", "is for access token alone"))
        }
        (Access::Token, _, Some(_), true) => {
            Err(invalid("viewer_trusted_proxies", "is required with client_header, which is believed from there alone"))
        }
        (Access::Public, _, _, false) => Err(invalid("viewer_trusted_proxies", "is for access proxy or token alone")),
        (Access::Token, _, None, false) => Err(invalid("viewer_client_header", "is missing beside trusted_proxies")),
        _ => {
            let text = |name: Option<HeaderName>| name.map_or_else(String::new, |name| name.as_str().to_owned());
            let (user_header, client_header) = (text(user_header), text(client_header));
            Ok(Viewer { access, user_header, client_header, trusted_proxies })
        }
    }
}

fn name(text: String, setting: &'static str, rule: &'static str) -> Result<HeaderName, ConfigError> {
    let name = HeaderName::try_from(text).ok().filter(|name| !TAKEN.contains(name));
    name.ok_or_else(|| invalid(setting, rule))
}
