//! Whom the log tells: `[[webhooks]]` of the configuration file, each checked
//! once, at start.
//!
//! ```toml
//! [[webhooks]]
//! name = "oncall"                          # also the name of its cursor
//! url = "https://hooks.example.com/pulselog"
//! key_file = "oncall.key"                  # mode 0600; read anew for every attempt
//! events = ["verdict.changed", "finding.opened"]   # default: all
//! ca_file = "authorities.pem"              # default: those of the system
//! ```

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::server::config::ConfigError;
use crate::server::config::files::read_text;
use crate::server::outgoing::{self, RootCerts, is_this_machine};

/// Most targets: each has a thread of its own.
pub const TARGETS_MAX: usize = 8;
/// Longest name of a target.
const NAME_BYTES_MAX: usize = 32;
/// Characters that a key has.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 32..=256;

macro_rules! events {
    ($($variant:ident $name:literal;)*) => {
        /// What may be told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Event {
            $(#[doc = $name] $variant,)*
        }

        impl Event {
            /// Every one that may be chosen.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As events spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

events! {
    CheckpointPublished "checkpoint.published";
    VerdictChanged "verdict.changed";
    FindingOpened "finding.opened";
    FindingClosed "finding.closed";
    ObligationOverdue "obligation.overdue";
}

/// One row as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// How metrics and lines call it.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// File of the key that signs them.
    pub key_file: PathBuf,
    /// Which are sent; absent for all.
    pub events: Option<Vec<String>>,
    /// Certificates of the authorities to believe, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// One that was checked.
#[derive(Clone, Debug)]
pub struct Target {
    /// How metrics and lines call it.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// File of the key that signs them.
    pub key_file: PathBuf,
    /// Which are sent.
    pub events: BTreeSet<Event>,
    /// Whose certificates are believed.
    pub roots: RootCerts,
}

/// Paths begin where the file stands.
pub(super) fn place(rows: &mut [Row], at: &Path) {
    for row in rows {
        row.key_file = at.join(&row.key_file);
        row.ca_file = row.ca_file.take().map(|file| at.join(file));
    }
}

/// Checks every row.
///
/// # Errors
/// [`ConfigError`].
pub(super) fn check(rows: Vec<Row>) -> Result<Vec<Target>, ConfigError> {
    if rows.len() > TARGETS_MAX {
        return Err(wrong(format!("are {}, at most {TARGETS_MAX} are told", rows.len())));
    }
    let mut names = BTreeSet::new();
    let mut targets = Vec::new();
    for row in rows {
        let Row { name, url, key_file, events, ca_file } = row;
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
            let rule = format!("name: must be 1 to {NAME_BYTES_MAX} of a to z, 0 to 9 and -");
            return Err(wrong(rule));
        }
        if !names.insert(name.clone()) {
            return Err(wrong(format!("name: {name} stands twice")));
        }
        check_url(&url).map_err(|why| wrong(format!("{name}: url: {why}")))?;
        read_key(&key_file)?;
        let events = match events {
            None => Event::ALL.iter().copied().collect(),
            Some(chosen) => chosen.iter().map(|event| parse(event, &name)).collect::<Result<_, _>>()?,
        };
        let roots = match &ca_file {
            None => outgoing::roots_of_system(),
            Some(path) => {
                let none = || ConfigError::File { path: path.clone(), why: "holds no certificate in PEM".into() };
                outgoing::roots_of(read_text(path)?.as_bytes()).ok_or_else(none)?
            }
        };
        targets.push(Target { name, url, key_file, events, roots });
    }
    Ok(targets)
}

fn wrong(why: String) -> ConfigError {
    ConfigError::Invalid { name: "webhooks", why }
}

fn parse(text: &str, of: &str) -> Result<Event, ConfigError> {
    let known = || Event::ALL.iter().map(|event| event.name()).collect::<Vec<_>>().join(", ");
    let found = Event::ALL.iter().find(|event| event.name() == text).copied();
    found.ok_or_else(|| wrong(format!("{of}: events: are of {}", known())))
}

/// https, or http to this machine. A query may stand in it, a user may not: it
/// would be printed where the address is.
fn check_url(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Err("must begin with https://") };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]/_~?=&%+,".contains(&byte);
    match scheme {
        _ if rest.is_empty() || rest.starts_with(['/', '?']) || !rest.bytes().all(is_plain) => {
            Err("must be a host and perhaps a path and a query, without user or fragment")
        }
        "https" => Ok(()),
        "http" if is_this_machine(rest) => Ok(()),
        _ => Err("must begin with https://, or with http:// to this machine"),
    }
}

/// The key: the one line of a file that nobody else may read.
///
/// # Errors
/// [`ConfigError`], which never holds any of it.
pub(crate) fn read_key(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let text = Zeroizing::new(read_text(path)?);
    let refused = |why: String| ConfigError::File { path: path.to_owned(), why };
    let mode = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(format!("mode {mode:04o} lets others read the key of a webhook; run chmod 600 on it")));
    }
    let key = text.trim_end_matches(['\n', '\r']);
    if !KEY_CHARS.contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let (min, max) = (KEY_CHARS.start(), KEY_CHARS.end());
        return Err(refused(format!("must hold one line of {min} to {max} visible ASCII characters, the key")));
    }
    Ok(Zeroizing::new(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_lead_to_this_machine() {
        for url in ["https://hooks.example.com/a?b=c", "http://127.0.0.1:9000/x", "http://localhost", "http://[::1]:1/"]
        {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "http://hooks.example.com",
            "http://127.0.0.1.evil.example/",
            "https://user:secret@hooks.example.com/",
            "https:///path",
            "ftp://hooks.example.com",
            "https://a b",
            "hooks.example.com",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
