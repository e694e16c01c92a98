//! Why a log is not started with what it was given.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::codes::{self, Code};

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting without default was not given.
    #[error("{name}: is required; {}", where_given(name))]
    Missing {
        /// The setting.
        name: &'static str,
    },
    /// A setting has a wrong value.
    #[error("{name}: {why}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// The rule.
        why: String,
    },
    /// An environment variable has a wrong value.
    #[error("{name}: not of the type of this setting")]
    Variable {
        /// The variable.
        name: String,
    },
    /// A file cannot be read or holds something else.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file that was named is not there, or may not be opened.
    #[error("{}: {why}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// Nothing is where the log should be, and nothing was said to make one of.
    #[error("data {0}: there is no such directory; pulselog init {0} --origin ORIGIN makes one", path.display())]
    NoDirectory {
        /// The data directory.
        path: PathBuf,
    },
    /// The key file is no key.
    #[error("key {}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Others may read the key.
    #[error("key {}: mode {mode:04o} lets others read it; run: chmod 600 {}", path.display(), path.display())]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The address can be reached from other machines and nobody said so.
    #[error("listen: {listen} can be reached from other machines; add --public if a TLS proxy stands before it")]
    NotPublic {
        /// The address.
        listen: SocketAddr,
    },
}

impl ConfigError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static Code {
        match self {
            Self::Missing { .. } | Self::NoDirectory { .. } => &codes::start::CONFIG_MISSING,
            Self::Invalid { .. } | Self::Variable { .. } => &codes::start::CONFIG_INVALID,
            Self::File { .. } | Self::Unopened { .. } => &codes::start::CONFIG_FILE,
            Self::Key { .. } => &codes::start::KEY_UNREADABLE,
            Self::KeyMode { .. } => &codes::start::KEY_MODE,
            Self::NotPublic { .. } => &codes::start::LISTEN_NOT_PUBLIC,
        }
    }
}

/// The data directory holds the file, so the file cannot name it.
fn where_given(name: &str) -> String {
    match name {
        "data" => "give it as in `pulselog serve DIR`, or PULSELOG_DATA; `pulselog init DIR` makes one".to_owned(),
        _ => format!(
            "give --{name}, PULSELOG_{} or {name} in pulselog.toml, which `pulselog init DIR` writes",
            name.to_uppercase()
        ),
    }
}
