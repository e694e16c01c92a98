//! What a verification is given beside the document.

use crate::artifact::KeyCache;
use crate::artifact::json::Value;
use crate::protocol::unlisted::EVERYBODY;

/// Settings of one verification, the peer's by name. Lists hold DIDs as texts
/// and are compared as texts; absent and empty lists are both *not configured*.
#[derive(Clone, Debug)]
pub struct Options {
    pub gateway_signers: Option<Vec<String>>,
    pub attesters: Option<Vec<String>>,
    pub execution_signers: Option<Vec<String>>,
    pub derivation_signers: Option<Vec<String>>,
    pub audit_result_signers: Option<Vec<String>>,
    /// The run manifest that a proof bundle may refer to.
    pub urm: Option<Value<'static>>,
    /// The time expiry is judged at, Unix milliseconds. The peer compares
    /// `attestations[].expires_at` with its wall clock; here it is this time.
    pub verification_time_ms: i64,
    /// Tolerance for *expired* and *in the future*; when absent the peer's: none
    /// for proof bundles, five minutes for exports and aggregates. Below zero
    /// counts as zero.
    pub ttl_skew_ms: Option<i64>,
    /// `observe`, `warn` or `enforce`; absent and unknown texts enforce.
    pub causal_connectivity_mode: Option<String>,
    /// `observe`, `warn` or `enforce`; absent and unknown texts observe.
    pub coverage_enforcement_phase: Option<String>,
    /// `compat` or `strict`; absent is compat, an unknown text fails.
    pub causal_policy_profile: Option<String>,
    /// Whether the layer of the peer's command line runs on top: every gateway
    /// receipt that names an event must verify and be bound.
    pub strict_receipts: bool,
}

impl Options {
    /// As the peer's command line without a config file: no lists, default
    /// modes, strict receipts.
    #[must_use]
    pub fn at(verification_time_ms: i64) -> Self {
        Self {
            gateway_signers: None,
            attesters: None,
            execution_signers: None,
            derivation_signers: None,
            audit_result_signers: None,
            urm: None,
            verification_time_ms,
            ttl_skew_ms: None,
            causal_connectivity_mode: None,
            coverage_enforcement_phase: None,
            causal_policy_profile: None,
            strict_receipts: true,
        }
    }
}

/// Tolerance of exports and aggregates when none is given.
const DEFAULT_SKEW_MS: i64 = 300_000;

/// One verification under way: options, keys, and what differs inside.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) keys: &'a KeyCache,
    pub(super) now: i64,
    pub(super) skew: i64,
    /// A bundle inside an export or aggregate: default modes, no run manifest.
    pub(super) nested: bool,
}

impl<'a> Context<'a> {
    pub(super) fn for_bundle(options: &'a Options, keys: &'a KeyCache) -> Self {
        let skew = options.ttl_skew_ms.unwrap_or(0).max(0);
        Context { options, keys, now: options.verification_time_ms, skew, nested: false }
    }

    pub(super) fn for_package(options: &'a Options, keys: &'a KeyCache) -> Self {
        let skew = options.ttl_skew_ms.unwrap_or(DEFAULT_SKEW_MS).max(0);
        Context { options, keys, now: options.verification_time_ms, skew, nested: true }
    }

    /// Whether a moment lies behind us by more than the tolerance.
    pub(super) fn is_past(&self, expires: i64) -> bool {
        self.now > expires.saturating_add(self.skew)
    }

    /// Whether a moment lies ahead by more than the tolerance.
    pub(super) fn is_future(&self, issued: i64) -> bool {
        issued > self.now.saturating_add(self.skew)
    }
}

/// Whether `did` is on the list.
pub(super) fn lists(list: Option<&[String]>, did: &str) -> bool {
    list.unwrap_or_default().iter().any(|listed| listed == did || listed == EVERYBODY)
}
