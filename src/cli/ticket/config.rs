//! Where log and ticket systems are: from one file, and from nothing else.

use std::path::{Path, PathBuf};

use pulselog::server::outgoing::is_this_machine;

use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::ticket::System;

/// The file as it is written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the log, which links lead to.
    pub log: String,
    jira: Option<Place>,
    servicenow: Option<Place>,
    github: Option<Place>,
    gitlab: Option<Place>,
}

/// How one system is reached.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub url: String,
    /// File that holds the token or password, mode 0600.
    pub token_file: PathBuf,
    /// With it the token is its password (Basic).
    pub user: Option<String>,
    /// Certificates of the authorities to believe, in PEM.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Reads the file; paths in it begin where it stands.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let refused = |why: &str| Failure::usage(format!("--config {}: {why}", path.display()));
        let bytes = input::read("--config", path, input::SMALL_BYTES_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| refused("is no text"))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| refused(error.message()))?;
        let at = path.parent().unwrap_or(Path::new(""));
        address(&mut config.log).map_err(|why| refused(&format!("log: {why}")))?;
        let places = [&mut config.jira, &mut config.servicenow, &mut config.github, &mut config.gitlab];
        for place in places.into_iter().flatten() {
            address(&mut place.url).map_err(|why| refused(&format!("url: {why}")))?;
            place.token_file = at.join(&place.token_file);
            place.ca_file = place.ca_file.take().map(|file| at.join(file));
            let is_plain = |user: &String| !user.is_empty() && user.chars().all(|c| !c.is_control() && c != ':');
            if !place.user.as_ref().is_none_or(is_plain) {
                return Err(refused("user: must be a name without a colon"));
            }
        }
        Ok(config)
    }

    pub fn place(&self, system: System) -> Result<&Place, Failure> {
        let place = match system {
            System::Jira => &self.jira,
            System::ServiceNow => &self.servicenow,
            System::GitHub => &self.github,
            System::GitLab => &self.gitlab,
        };
        let name = system.name();
        place.as_ref().ok_or_else(|| Failure::usage(format!("--config: names no [{name}] with url and token_file")))
    }
}

/// https, or http to this machine; nothing that a path is not made of.
fn address(url: &mut String) -> Result<(), &'static str> {
    url.truncate(url.trim_end_matches('/').len());
    let Some((scheme, rest)) = url.split_once("://") else { return Err("must begin with https://") };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]/_~".contains(&byte);
    match scheme {
        _ if rest.is_empty() || rest.starts_with('/') || !rest.bytes().all(is_plain) => {
            Err("must be a host and perhaps a path, without user, query or fragment")
        }
        "https" => Ok(()),
        "http" if is_this_machine(rest) => Ok(()),
        _ => Err("must begin with https://, or with http:// to this machine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_this_machine_and_nothing_more() {
        let read = |text: &str| {
            let mut url = text.to_owned();
            address(&mut url).map(|()| url)
        };
        for good in ["https://jira.example", "https://x.example/jira", "http://127.0.0.1:9", "http://[::1]:9"] {
            assert_eq!(read(good).as_deref(), Ok(good));
        }
        assert_eq!(read("https://jira.example/").as_deref(), Ok("https://jira.example"));
        for bad in [
            "jira.example",
            "http://jira.example",
            "ftp://jira.example",
            "https://",
            "https:///x",
            "https://u:p@jira.example",
            "https://jira.example?x",
            "https://jira.example#x",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1:80@evil.example",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
