//! A token that the reader shows, beside the document and its issuance.

use crate::artifact::json::{self, Value};
use crate::verify::judge::{Judge, bundles_in, payload_of};
use crate::verify::report::Check;
use crate::verify::scoped_token::ScopedToken;
use crate::verify::verification::DocumentName;

impl Judge {
    /// The token that was shown, beside the document and its issuance.
    pub(super) fn token_checks(&self, token: &ScopedToken, document: &Value, name: &DocumentName) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.push(match &self.token_keys {
            None => Check::incomplete(
                "token",
                "token_keys_not_given",
                "no key set was given, so its signature is not checked",
            ),
            Some(keys) => match token.verify(keys) {
                Ok(()) => Check::pass("token", format!("signed by the issuer's key {}", token.kid)),
                Err(error) => Check::fail("token", error.code(), error.to_string()),
            },
        });
        let claim = |path| token.claims.text_at(path).unwrap_or_default();
        let bundles: Vec<_> = bundles_in(document).into_iter().map(payload_of).collect();
        let agents = bundles.iter().filter_map(|bundle| bundle.text_at("agent_did"));
        if agents.into_iter().any(|agent| agent != claim("sub")) {
            checks.push(Check::fail("token", "token_other_agent", "its subject is not the agent of the document"));
        }
        let expected = self.expect_job.as_deref().or(name.job.as_deref());
        if expected.is_some_and(|job| job != claim("mission_id")) {
            checks.push(Check::fail("token", "token_other_job", "it is bound to another job"));
        }
        let receipts =
            |bundle: &&'_ Value| bundle.get("receipts").and_then(Value::as_array).unwrap_or_default().to_vec();
        let other = |receipt: &Value| {
            let named = receipt.text_at("payload.binding.token_scope_hash_b64u");
            named.is_some_and(|named| named != claim("token_scope_hash_b64u"))
        };
        if bundles.iter().flat_map(receipts).any(|receipt| other(&receipt)) {
            checks.push(Check::fail("token", "token_other_grant", "a receipt of the document names another grant"));
        }
        checks.push(self.issuance_check(token));
        checks
    }

    fn issuance_check(&self, token: &ScopedToken) -> Check {
        let operator = self.operator.as_ref();
        let found = operator.and_then(|operator| self.timeline()?.issuance(&token.hash, operator));
        match found {
            None => Check::incomplete("token", "token_not_issued_here", "the evidence holds no issuance of this token"),
            Some((at, issuance)) => {
                let payload = issuance.payload();
                let same = payload.get("claims").map(json::to_jcs) == Some(json::to_jcs(&token.claims));
                match same && payload.text_at("kid") == Some(token.kid.as_str()) {
                    true => Check::pass("token", format!("its claims are those of the issuance, entry {at}")),
                    false => {
                        Check::fail("token", "token_other_claims", format!("its claims are not those of entry {at}"))
                    }
                }
            }
        }
    }
}
