//! Rate limit claims of a bundle (PEERS 2.14, 4.5). Nothing compares a claim
//! with receipts or events; claims of one bundle are not summed.

use crate::artifact::json::Value;
use crate::protocol::codes::{RATE_LIMIT_CLAIM_INCONSISTENT, RATE_LIMIT_EXCEEDED, RATE_LIMIT_WINDOW_INVALID};
use crate::protocol::date;
use crate::protocol::envelope::text;
use crate::protocol::schema::{COUNT, DATE_TIME, NONEMPTY, ONE, Schema, closed, optional, required};
use crate::protocol::verdict::{Failure, fail, fail_whole};

pub(super) static CLAIM: Schema = closed(&[
    required("claim_version", &ONE),
    required("scope", &Schema::Enum(&["agent", "model", "tool"])),
    required("scope_key", &NONEMPTY),
    required("window_start", &DATE_TIME),
    required("window_end", &DATE_TIME),
    required("max_requests", &COUNT),
    required("observed_requests", &COUNT),
    optional("max_tokens_input", &COUNT),
    optional("observed_tokens_input", &COUNT),
    optional("max_tokens_output", &COUNT),
    optional("observed_tokens_output", &COUNT),
    optional("run_id", &NONEMPTY),
]);

/// What a claim limits: its two members.
pub(super) const LIMITS: [(&str, &str); 3] = [
    ("max_requests", "observed_requests"),
    ("max_tokens_input", "observed_tokens_input"),
    ("max_tokens_output", "observed_tokens_output"),
];

/// Checks one claim; fields are below it. `run_id` is that of the bundle's
/// chain, when it has one.
pub(super) fn check(claim: &Value, run_id: Option<&str>) -> Result<(), Failure> {
    let window = date::parse(text(claim, "window_start")).zip(date::parse(text(claim, "window_end")));
    let Some((start, end)) = window else { return fail_whole(RATE_LIMIT_CLAIM_INCONSISTENT) };
    if start > end {
        return fail(RATE_LIMIT_WINDOW_INVALID, "window_start");
    }
    for (at, (max, observed)) in LIMITS.into_iter().enumerate() {
        let number = |name| claim.get(name).map(|value| value.as_f64().filter(|number| *number >= 0.0));
        match (number(max), number(observed)) {
            // Tokens may go unlimited, requests may not.
            (None, None) if at > 0 => {}
            (Some(Some(max)), Some(Some(seen))) if seen <= max => {}
            (Some(Some(_)), Some(Some(_))) => return fail(RATE_LIMIT_EXCEEDED, observed),
            _ => return fail_whole(RATE_LIMIT_CLAIM_INCONSISTENT),
        }
    }
    match (run_id, claim.get("run_id")) {
        (Some(run), Some(named)) if named.as_str() != Some(run) => fail(RATE_LIMIT_CLAIM_INCONSISTENT, "run_id"),
        _ => Ok(()),
    }
}
