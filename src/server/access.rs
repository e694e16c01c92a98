//! Who may read what the log shows. What stands in leaves and checkpoints is
//! public in every mode, since without it nobody could follow the log; all else
//! is closed before anything is looked up.

pub mod network;
pub mod sessions;
pub mod tries;

use crate::server::access::network::Network;

/// Who may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Public,
    /// Whoever has a reader's token.
    Token,
    /// Whom a proxy before the log names.
    Proxy,
}

/// The settings of `[viewer]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Who may read.
    pub access: Access,
    /// Header in which the proxy names the user, lower case; only with [`Access::Proxy`].
    pub user_header: String,
    /// Header in which a proxy names its client's address, lower case; empty where
    /// none does; only with [`Access::Token`].
    pub client_header: String,
    /// From where that header is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Access {
    /// As it stands in the configuration.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "token" => Some(Self::Token),
            "proxy" => Some(Self::Proxy),
            _ => None,
        }
    }

    /// Whether everybody may read everything.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }
}
