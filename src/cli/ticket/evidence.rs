//! What the log says now of a job or bundle, as tickets get it.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::note::NOTE_BYTES_MAX;
use pulselog::text::percent::{decode_query, segment};
use pulselog::verify::badge::Badge;
use pulselog::verify::plain_text::escape;

use crate::cli::failure::Failure;
use crate::cli::http::{Client, Unread};
use crate::cli::ticket::System;
use crate::cli::ticket::key::Key;

/// Longest note that is read, bytes: it lists at most twenty of everything.
const NOTE_MAX: usize = 256 << 10;
/// Hex digits of the link's key that stand in a status context.
const SHORT: usize = 12;
/// Most characters that are repeated of what a log answers.
const SAID_CHARS_MAX: usize = 200;

/// What is linked.
#[derive(Clone, Debug)]
pub enum What {
    Job(String),
    Bundle(ArtifactDigest),
}

/// The log that is asked about it.
pub struct Source {
    log: Client,
    what: What,
}

/// What was read at one size.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub size: u64,
    pub badge: Badge,
    /// The note, as the log writes it in plain text.
    pub note: String,
    /// Its page at this size.
    pub page: String,
    /// "job job-7", "bundle 3fe1a9c4…c09ab2d7".
    pub name: String,
    /// What every link of it is known by: `pulselog:` and 64 hex digits.
    pub link: String,
    /// System and key of the tickets that it names.
    tickets: Vec<(String, String)>,
}

impl What {
    fn path(&self) -> String {
        match self {
            Self::Job(job) => format!("jobs/{}", segment(job)),
            Self::Bundle(digest) => format!("b/{digest}"),
        }
    }

    /// The same for the same thing in the same log, wherever it is linked.
    pub fn link(&self, origin: &str) -> String {
        let (sort, id) = match self {
            Self::Job(job) => ("job", job.clone()),
            Self::Bundle(digest) => ("bundle", digest.to_string()),
        };
        let named = [origin.as_bytes(), b"\0", sort.as_bytes(), b"\0", id.as_bytes()].concat();
        format!("pulselog:{}", ArtifactDigest::of(&named))
    }

    fn name(&self) -> String {
        match self {
            Self::Job(job) => format!("job {}", escape(job)),
            Self::Bundle(digest) => {
                let hex = digest.to_string();
                format!("bundle {}…{}", &hex[..8], &hex[hex.len() - 8..])
            }
        }
    }
}

impl Source {
    pub fn new(log: &str, what: What) -> Result<Self, Failure> {
        Ok(Self { log: Client::new(log, None, false)?, what })
    }

    /// The note at the newest size. A suffix would be a job's own where one is
    /// called so: the format is asked for apart.
    pub fn read(&self) -> Result<Evidence, Failure> {
        let checkpoint = self.text("checkpoint", NOTE_BYTES_MAX)?;
        let mut lines = checkpoint.lines();
        let (origin, size) = (lines.next().unwrap_or_default(), lines.next().and_then(|size| size.parse().ok()));
        let no_log = || Failure::incomplete(format!("{}: is no checkpoint", self.log.url("checkpoint")));
        let size: u64 = size.filter(|_| !origin.is_empty()).ok_or_else(no_log)?;
        let path = self.what.path();
        let note = self.text(&format!("{path}?format=txt&at={size}"), NOTE_MAX)?;
        let badge = note.lines().next().and_then(|line| Badge::read(line.strip_prefix("Agent change evidence: ")?));
        let no_note = || Failure::incomplete(format!("{}: answers no note of evidence", self.log.url(&path)));
        Ok(Evidence {
            size,
            badge: badge.ok_or_else(no_note)?,
            tickets: tickets(&note),
            page: format!("{}?at={size}", self.log.url(&path)),
            name: self.what.name(),
            link: self.what.link(origin),
            note,
        })
    }

    fn text(&self, path: &str, bytes_max: usize) -> Result<String, Failure> {
        let at = self.log.url(path);
        let answer = self.log.get_bounded(path, bytes_max).map_err(|unread| match unread {
            Unread::Failed(why) => Failure::incomplete(format!("{at}: {why}")),
            Unread::TooLong => Failure::incomplete(format!("{at}: the answer has more bytes than such an answer has")),
            Unread::TooSlow { .. } => Failure::incomplete(format!("{at}: the answer comes too slowly")),
        })?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status {
            200 => Ok(text),
            404 => {
                let said: String = text.lines().next().unwrap_or_default().chars().take(SAID_CHARS_MAX).collect();
                Err(Failure::fail(format!("{at}: {said}")))
            }
            status => Err(Failure::incomplete(format!("{at}: status {status}"))),
        }
    }
}

/// Tickets that a note names: each line holds system and key as two segments of
/// an address, so that no name can pass for another.
fn tickets(note: &str) -> Vec<(String, String)> {
    let named = note.lines().filter_map(|line| line.strip_prefix("Ticket    ")?.split_once(" (entry "));
    let two = named.filter_map(|(named, _)| {
        let (system, key) = named.split_once('/')?;
        Some((decode_query(system)?, decode_query(key)?))
    });
    two.collect()
}

impl Evidence {
    /// The end of the link's key, for places with little room.
    pub fn short_link(&self) -> &str {
        let digits = self.link.strip_prefix("pulselog:").unwrap_or(&self.link);
        &digits[..SHORT.min(digits.len())]
    }

    /// The ticket: as given, and as the evidence names it.
    ///
    /// # Errors
    /// Two that differ, or none.
    pub fn key(&self, system: System, given: Option<&Key>) -> Result<Key, Failure> {
        let mut named: Vec<&str> =
            self.tickets.iter().filter(|(of, _)| of == system.name()).map(|(_, key)| key.as_str()).collect();
        named.sort_unstable();
        named.dedup();
        let (name, what) = (system.name(), &self.name);
        match (given, named.as_slice()) {
            (_, [one, other, ..]) => Err(Failure::fail(format!(
                "TICKET_MISMATCH: {what} names two tickets of {name}, {one} and {other}; nothing was sent"
            ))),
            (Some(given), [named]) if *named != given.text() => Err(Failure::fail(format!(
                "--key {}: {what} names the ticket {named} of {name} [TICKET_MISMATCH]; nothing was sent",
                given.text()
            ))),
            (Some(given), _) => Ok(given.clone()),
            (None, [named]) => Key::parse(system, named).map_err(|_| {
                Failure::fail(format!("{what} names {named}, which is no key of {name}; nothing was sent"))
            }),
            (None, []) => Err(Failure::usage(format!("--key: {what} names no ticket of {name}; say which"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_known_by_log_sort_and_id_and_nothing_runs_together() {
        let job = |name: &str| What::Job(name.to_owned());
        let link = job("job-7").link("log.example/x");
        assert_eq!(link, format!("pulselog:{}", ArtifactDigest::of(b"log.example/x\0job\0job-7")));
        assert_ne!(link, job("job-7").link("log.example/y"));
        assert_ne!(link, job("job-8").link("log.example/x"));
    }

    #[test]
    fn tickets_are_read_as_two_segments() {
        let note = "Agent change evidence: verified\nTicket    jira/PAY-1 (entry 3)\nTicket    a%2Fb/c%20%28entry (entry 4)\n\
                    Job       Ticket    jira/PAY-9 (entry 1)\n";
        let named = [("jira", "PAY-1"), ("a/b", "c (entry")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(tickets(note), named);
    }
}
