//! Into the log, statement after statement, each told in a line.

use std::sync::Arc;

use pulselog::artifact::Kind;

use crate::cli::demo::cast::Signed;
use crate::cli::demo::submitters::Submitters;
use crate::cli::failure::Failure;
use crate::cli::http::Client;
use crate::cli::print;

/// One statement that is now in the log.
pub struct Logged {
    /// Name of its files in a packet, without ending.
    pub stem: String,
    pub kind: Kind,
    pub index: u64,
    /// Artifact digest, hex.
    pub artifact: String,
    pub compact: String,
}

/// The log, and what it took so far.
pub struct Stage {
    pub client: Client,
    pub submitters: Arc<Submitters>,
    pub logged: Vec<Logged>,
    /// Size of a checkpoint that covers all of it.
    pub tree_size: u64,
}

impl Stage {
    pub const fn new(client: Client, submitters: Arc<Submitters>) -> Self {
        Self { client, submitters, logged: Vec::new(), tree_size: 0 }
    }

    /// Submits an artifact by the token of a role.
    pub fn log(&mut self, role: &str, kind: Kind, compact: &str, words: &str) -> Result<(), Failure> {
        let step = self.logged.len();
        let wrong = |why: String| Failure::fail(format!("demo step {step} {kind}: {why}"));
        let token = self.submitters.token(role).ok_or_else(|| wrong(format!("nobody submits as {role}")))?;
        let client = self.client.with_token(token.to_owned());
        let answer = client.post("v1/entries", "application/json", compact.as_bytes(), &|_| {})?;
        if answer.status != 201 {
            return Err(wrong(answer.problem()));
        }
        let said: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|error| wrong(error.to_string()))?;
        let number = |name: &str| said[name].as_u64().ok_or_else(|| wrong(format!("answer has no {name}")));
        let artifact = said["artifact"].as_str().ok_or_else(|| wrong("answer has no artifact".into()))?.to_owned();
        let index = number("index")?;
        self.tree_size = number("tree_size")?;
        // Every receipt was submitted when it was made, so a bundle adds itself alone.
        if said.get("expanded").is_some() || said.get("not_expanded").is_some() {
            return Err(wrong("expanded, although its receipts were logged before".into()));
        }
        print(&format!("  {step:>2}  entry {index:<5}  {kind:<20}  {words}\n"))?;
        let stem = format!("{step:02}-{kind}");
        self.logged.push(Logged { stem, kind, index, artifact, compact: compact.to_owned() });
        Ok(())
    }

    pub fn signed(&mut self, role: &str, kind: Kind, signed: &Signed, words: &str) -> Result<(), Failure> {
        self.log(role, kind, &signed.compact, words)
    }
}
