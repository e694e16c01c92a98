//! What the room remembers from one run of the demo to the next: its job, its
//! token's hashes, what stands in the fixture, and how far the two stories are.

use std::path::{Path, PathBuf};

use pulselog::artifact::json::Value as Json;
use pulselog::audit::WINDOWS;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::demo::token::Token;
use crate::cli::failure::Failure;
use crate::cli::input;

/// Longest book: a fixture that keeps its events for a long time.
const BYTES_MAX: u64 = 64 << 20;
/// Argo CD writes starts in whole seconds, cut.
const CUT_MS: i64 = 1_000;
/// Whoever acts just at the end of a window might be a moment too early.
const MARGIN_MS: i64 = 2_000;

/// One room, and how far it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    pub job: String,
    pub run: String,
    pub policy_hash: String,
    pub token_hash: String,
    pub scope_hash: String,
    /// When the roots named the agent, at the latest.
    pub rooted_ms: i64,
    /// When its token was revoked.
    pub revoked_ms: i64,
    /// When the sync round the wrapper started, and the one after revocation.
    pub acted_ms: Option<(i64, i64)>,
    /// Whether a run began these two and did not come to note them.
    #[serde(default)]
    pub is_acting: bool,
    pub is_told: bool,
    /// What stands in the fixture.
    pub world: Value,
}

/// What comes next, and when it can be played truly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The two syncs, from this time on.
    Act(i64),
    /// The finding about the first of them, from this time on.
    Tell(i64),
    Nothing,
}

impl Book {
    /// The book of a room that was opened before.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn open(path: &Path) -> Result<Option<Self>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = input::read("demo: the room's book", path, BYTES_MAX)?;
        let wrong = |error| {
            Failure::fail(format!("demo: {}: {error}; give another --data DIR, or remove this one", path.display()))
        };
        serde_json::from_slice(&bytes).map(Some).map_err(wrong)
    }

    /// Writes it to one side and puts it in its place.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let wrong = |error: std::io::Error| Failure::fail(format!("demo: {}: {}", path.display(), input::why(&error)));
        let beside: PathBuf = path.with_extension("new");
        let bytes = serde_json::to_vec(self).map_err(|error| wrong(error.into()))?;
        std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path)).map_err(wrong)
    }

    /// The token as statements refer to it. Its issuance is in the log.
    pub fn token(&self) -> Token {
        Token { hash: self.token_hash.clone(), scope_hash_b64u: self.scope_hash.clone(), issuance: Json::Null }
    }

    /// An operation is an agent's doing only where the roots named the agent
    /// already when it could be decided (JUDGING 3.3), and nobody may say of it
    /// that no decision explains it before every honest word about it is due
    /// (JUDGING 4.15). Both are waited for, and neither is shortened here.
    pub fn next(&self) -> Next {
        let (skew, receipt, pickup) = (window("SKEW"), window("RECEIPT"), window("PICKUP"));
        match self.acted_ms {
            _ if self.is_told => Next::Nothing,
            None => {
                let named = self.rooted_ms.saturating_add(receipt).saturating_add(skew);
                let revoked = self.revoked_ms.saturating_add(pickup).saturating_add(skew);
                Next::Act(named.max(revoked).saturating_add(CUT_MS + MARGIN_MS))
            }
            Some((started, _)) => Next::Tell(started.saturating_add(receipt).saturating_add(skew).saturating_add(skew)),
        }
    }
}

/// A window of the rules, by its name in JUDGING 3.4.
fn window(name: &str) -> i64 {
    WINDOWS.iter().find(|window| window.name == name).map_or(0, |window| window.ms)
}
