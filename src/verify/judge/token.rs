//! A token that the reader shows, beside the document and its issuance.

use std::collections::BTreeSet;

use crate::artifact::json;
use crate::artifact::{Artifact, Claims, CstIssuance, Node, ProofBundle, View};
use crate::codes::verdict;
use crate::protocol::Document;
use crate::verify::judge::{Judge, RunTokens};
use crate::verify::report::{Check, Outcome};
use crate::verify::scoped_token::{KeySet, ScopedToken};
use crate::verify::verification::DocumentName;

/// Why what is unlike is left open.
const LACKS: &str = "not all is here that could say otherwise";

/// Whether the token is one of every run of the document: that which it began
/// with, or a renewal that the run names. Another of the same grant is no fault
/// of the run, but no word about it either. `None`: nothing is known of the
/// runs, and the issuance is missed already.
fn run_check(token: &ScopedToken, document: &Document<'_>, runs: &RunTokens, is_issued: bool) -> Option<Check> {
    let incomplete = |code, detail| Some(Check::incomplete("token", code, detail));
    let is_of = |known: &BTreeSet<String>| known.contains(&token.hash);
    if document.bundles().is_empty() {
        return incomplete(
            &verdict::TOKEN_NOT_COMPARED,
            "the document is of no run, so nothing shows whose token it is",
        );
    }
    if runs.0.iter().any(|known| !known.is_empty() && !is_of(known)) {
        return incomplete(&verdict::TOKEN_NOT_OF_RUN, "the run names other tokens; this one says nothing about it");
    }
    match !runs.0.is_empty() && runs.0.iter().all(is_of) {
        true => {
            let is_only = runs.0.iter().all(|known| known.len() == 1);
            let detail = if is_only { "it is the token of the run" } else { "it is one of the run's, with renewals" };
            Some(Check::pass("token", detail))
        }
        false if is_issued => incomplete(&verdict::TOKEN_RUN_UNKNOWN, "nothing at hand shows which token the run had"),
        false => None,
    }
}

impl Judge {
    /// The token that was shown, beside the document and its issuance. `is_whole`:
    /// nothing is missing that could say otherwise.
    pub(super) fn token_checks(
        &self,
        token: &ScopedToken,
        document: &Document<'_>,
        name: &DocumentName,
        runs: &RunTokens,
        is_whole: bool,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.push(match &self.token_keys {
            None => Check::incomplete(
                "token",
                &verdict::TOKEN_KEYS_NOT_GIVEN,
                "no key set was given, so its signature is not checked",
            ),
            Some(keys) => match token.verify(keys) {
                Ok(()) => Check::pass("token", format!("signed by the issuer's key {}", token.kid)),
                Err(error) => Check::fail("token", error.code(), error.to_string()),
            },
        });
        if let Some(others) = self.token_keys.as_ref().map(KeySet::others).filter(|others| *others > 0) {
            let detail = format!("{others} of the key set are of another kind than Ed25519 and were passed over");
            checks.push(Check::pass("token", detail));
        }
        let claims = Claims::of(&token.claims);
        let bundles = document.bundles();
        if bundles.iter().filter_map(|bundle| bundle.agent()).any(|agent| agent != claims.sub().unwrap_or_default()) {
            checks.push(Check::fail(
                "token",
                &verdict::TOKEN_OTHER_AGENT,
                "its subject is not the agent of the document",
            ));
        }
        let expected = self.expect_job.as_deref().or(name.job.as_deref());
        if expected.is_some_and(|job| job != claims.job().unwrap_or_default()) {
            // What the reader expects stands; of which job a run is, what is missing may tell.
            checks.push(match is_whole || self.expect_job.is_some() {
                true => Check::fail("token", &verdict::TOKEN_OTHER_JOB, "it is bound to another job"),
                false => Check::incomplete(
                    "token",
                    &verdict::TOKEN_OTHER_JOB,
                    format!("it is bound to another job; {LACKS}"),
                ),
            });
        }
        let mut grants = bundles
            .iter()
            .flat_map(|bundle| ProofBundle::of(bundle.payload()).receipts())
            .filter_map(|receipt| receipt.sealed_binding().scope_hash());
        if grants.any(|named| named != claims.scope_hash().unwrap_or_default()) {
            checks.push(Check::fail(
                "token",
                &verdict::TOKEN_OTHER_GRANT,
                "a receipt of the document names another grant",
            ));
        }
        let issuance = self.issuance_check(token, is_whole);
        checks.extend(run_check(token, document, runs, issuance.outcome == Outcome::Pass));
        checks.push(issuance);
        checks
    }

    fn issuance_check(&self, token: &ScopedToken, is_whole: bool) -> Check {
        let operator = self.operator.as_ref();
        let found = operator.and_then(|operator| Some(self.timeline()?.issuances(&token.hash, operator)));
        let found = found.unwrap_or_default();
        fn says<'a>(issuance: &'a Artifact<'a>) -> Option<CstIssuance<'a>> {
            issuance.says().try_into().ok()
        }
        let claims = |issuance: &Artifact| says(issuance)?.claims().value().map(Node::to_jcs);
        let is_its = |issuance: &Artifact| {
            let same = claims(issuance) == Some(json::to_jcs(&token.claims));
            same && says(issuance).and_then(CstIssuance::kid) == Some(token.kid.as_str())
        };
        let Some((first, issuance)) = found.first() else {
            return Check::incomplete(
                "token",
                &verdict::TOKEN_NOT_ISSUED_HERE,
                "the evidence holds no issuance of this token",
            );
        };
        // The shown token may be what either of them issued.
        let unlike =
            found.iter().find(|(_, other)| other.signer() != issuance.signer() && claims(other) != claims(issuance));
        match (found.iter().find(|(_, issuance)| is_its(issuance)), unlike) {
            (Some(_), Some((other, _))) => {
                let detail = format!("two issuers say unlike things of its claims, at entries {first} and {other}");
                Check::incomplete("token", &verdict::TOKEN_ISSUERS_DISAGREE, detail)
            }
            (_, None) if is_its(issuance) => {
                Check::pass("token", format!("its claims are those of the issuance, entry {first}"))
            }
            _ => {
                let detail = format!("its claims are not those of entry {first}");
                let is_trusted = operator.zip(self.timeline()).is_some_and(|(operator, timeline)| {
                    issuance.signer().is_some_and(|signer| !timeline.is_distrusted(*first, signer, operator))
                });
                match (is_trusted, is_whole) {
                    (true, true) => Check::fail("token", &verdict::TOKEN_OTHER_CLAIMS, detail),
                    (true, false) => {
                        Check::incomplete("token", &verdict::TOKEN_OTHER_CLAIMS, format!("{detail}; {LACKS}"))
                    }
                    (false, _) => {
                        let detail = format!("{detail}, which nobody gives whom the operator trusts");
                        Check::incomplete("token", &verdict::TOKEN_OTHER_CLAIMS, detail)
                    }
                }
            }
        }
    }
}
