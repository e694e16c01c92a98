//! What is known of an Argo CD instance after the rounds so far: enough to tell
//! what is new in the next one. Written down as JSON between rounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of what is written down.
const STATE_VERSION: &str = "1";

/// What is known of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    state_version: String,
    /// Our id for the installation.
    pub(super) instance: String,
    /// Applications by uid.
    pub(super) apps: BTreeMap<String, Known>,
    /// Resource version of the newest list that counted.
    pub(super) list_version: Option<u64>,
    /// Lists in a row that were older than that.
    pub(super) lists_older: u32,
    /// When a round counted last, Unix ms.
    pub(super) counted_ms: Option<i64>,
    /// When the last snapshot was taken, and the last one with all rows.
    pub(super) snapshot_ms: Option<i64>,
    pub(super) full_ms: Option<i64>,
    /// Whether a row went away since the last snapshot.
    pub(super) rows_went: bool,
}

/// What is known of one application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) project: String,
    /// Its row of a snapshot, in JCS.
    pub(super) row: String,
    /// Whether a snapshot says the row as it is.
    pub(super) is_told: bool,
    /// Its resource version, where it is a number.
    pub(super) version: Option<u64>,
    pub(super) spec_digest: String,
    pub(super) auto_sync: String,
    pub(super) is_deleting: bool,
    /// What of the newest operation was observed: its key, phase, end, tries and
    /// history id.
    pub(super) operation: Option<String>,
    /// Ids of the history as it was shown last.
    pub(super) history: Vec<i64>,
    /// Highest history id that was observed or is older than our first look.
    pub(super) history_done: Option<i64>,
    /// Rounds in a row that did not show it.
    pub(super) missing: u32,
    /// Whether it is there though no list shows it.
    pub(super) is_kept: bool,
    /// Rounds in a row that showed an older version of it.
    pub(super) older: u32,
    /// Resource version of the newest event that was looked at.
    pub(super) events_after: u64,
    /// Whether its events are still to be asked for.
    pub(super) events_due: bool,
}

impl State {
    /// Of an instance that was never looked at.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        Self {
            state_version: STATE_VERSION.to_owned(),
            instance: instance.to_owned(),
            apps: BTreeMap::new(),
            list_version: None,
            lists_older: 0,
            counted_ms: None,
            snapshot_ms: None,
            full_ms: None,
            rows_went: false,
        }
    }

    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Whether a later program wrote it, or an earlier one.
    #[must_use]
    pub fn is_of_this_version(&self) -> bool {
        self.state_version == STATE_VERSION
    }

    /// Applications that are known.
    #[must_use]
    pub fn apps(&self) -> usize {
        self.apps.len()
    }

    /// Whether no round has counted yet: what is there then was there before.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.counted_ms.is_none()
    }

    /// When a round counted last, Unix ms.
    #[must_use]
    pub fn counted_ms(&self) -> Option<i64> {
        self.counted_ms
    }

    /// Whether a list is shorter than what is known, or older: whoever asks then
    /// makes sure who they are.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.lists_older > 0 || self.apps.values().any(|known| known.missing > 0)
    }
}

impl Known {
    /// Whether what is known waits for another round to say the same.
    pub(super) fn is_held(&self) -> bool {
        self.missing > 0 || self.older > 0
    }

    pub(super) fn is_called(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}
