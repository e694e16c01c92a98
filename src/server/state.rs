//! What handlers share. Each handle is small, and handlers name the ones they
//! use: `State<Log>`, `State<Index>`, `State<LogFacts>` …

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;

use crate::artifact::{Did, KeyCache};
use crate::server::access::Access;
use crate::server::api::answers::Answers;
use crate::server::api::argocd::told::Recent;
use crate::server::api::gate::Gate;
use crate::server::api::judges::Judges;
use crate::server::api::slots::Slots;
use crate::server::config::Limits;
use crate::server::config::crowd::Crowd;
use crate::server::desk::Desks;
use crate::server::index::Index;
use crate::server::judge::Audits;
use crate::server::log::Log;
use crate::server::log::clock::Clock;
use crate::server::pool::Pool;
use crate::server::scrub::Scrub;
use crate::server::submitters::live::Tokens;
use crate::server::telemetry::Metrics;
use crate::server::webhooks::Webhooks;

/// The log's identity, ready to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFacts {
    /// Origin line of every checkpoint.
    pub origin: String,
    /// The log's verifier key, vkey text.
    pub vkey: String,
    /// Key id of that key, eight hex digits.
    pub key_id: String,
    /// The operator whose roots count.
    pub operator: Did,
    /// Address under which readers reach it, as its operator says and without a
    /// slash at the end: all that absolute addresses are made of.
    pub public_url: Option<String>,
    /// Where it listens, for commands to copy where nothing is said.
    pub listens: String,
}

/// Everything a request may need. Every layer around a handler clones it for
/// every request: a clone is one count.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl AppState {
    /// One for all.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What [`AppState`] leads to.
pub struct Shared {
    /// The log.
    pub log: Log,
    /// Search rows.
    pub index: Index,
    /// What recomputes the log while it serves.
    pub scrub: Scrub,
    /// What tells others what changed.
    pub webhooks: Webhooks,
    /// What requests read from.
    pub desks: Desks,
    /// Reports and findings.
    pub audits: Audits,
    /// Who may read what is shown.
    pub gate: Gate,
    /// Who may submit.
    pub tokens: Tokens,
    /// What Argo CD told a moment ago.
    pub told: Recent,
    /// Parsed signer keys, shared by all admissions.
    pub keys: Arc<KeyCache>,
    /// Counters.
    pub metrics: Metrics,
    /// Workers that admit.
    pub pool: Pool,
    /// Threads that judge documents of anybody.
    pub judges: Judges,
    /// Who may read at once.
    pub slots: Slots,
    /// Memory of answers that wait for their readers.
    pub answers: Answers,
    /// Limits of requests.
    pub limits: Arc<Limits>,
    /// What many clients at once may take.
    pub crowd: Crowd,
    /// Who the log is.
    pub facts: LogFacts,
    /// The clock that the log is held against: what a page calls now.
    pub clock: Arc<dyn Clock>,
}

impl FromRef<AppState> for Log {
    fn from_ref(state: &AppState) -> Self {
        state.log.clone()
    }
}

impl FromRef<AppState> for Index {
    fn from_ref(state: &AppState) -> Self {
        state.index.clone()
    }
}

impl FromRef<AppState> for Desks {
    fn from_ref(state: &AppState) -> Self {
        state.desks.clone()
    }
}

impl FromRef<AppState> for Audits {
    fn from_ref(state: &AppState) -> Self {
        state.audits.clone()
    }
}

impl FromRef<AppState> for Access {
    fn from_ref(state: &AppState) -> Self {
        state.gate.access()
    }
}

impl FromRef<AppState> for Arc<dyn Clock> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.clock)
    }
}

impl FromRef<AppState> for Metrics {
    fn from_ref(state: &AppState) -> Self {
        state.metrics.clone()
    }
}

impl FromRef<AppState> for Arc<Limits> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.limits)
    }
}

impl FromRef<AppState> for LogFacts {
    fn from_ref(state: &AppState) -> Self {
        state.facts.clone()
    }
}
