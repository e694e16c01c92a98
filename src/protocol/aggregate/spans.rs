//! Causal meaning and receipt ids across members (PEERS 4.15).

use std::collections::HashMap;

use crate::artifact::json::{Value, to_jcs};
use crate::protocol::aggregate::member::Member;
use crate::protocol::causal::{Spelled, identifier};
use crate::protocol::codes::{CAUSAL_AGGREGATE_MEMBER_CONFLICT, CAUSAL_AGGREGATE_RECEIPT_REPLAY};
use crate::protocol::date::js_trim;
use crate::protocol::envelope::text;
use crate::protocol::verdict::{Failure, fail};

/// What a receipt says of a span; absent and given differ here.
#[derive(Clone, Copy, PartialEq)]
struct Meaning<'a> {
    parent: Option<&'a str>,
    tool: Option<&'a str>,
    phase: Option<&'a Value<'a>>,
    confidence: Option<&'a Value<'a>>,
}

#[derive(Default)]
pub(super) struct Spans<'a> {
    /// By namespace and span id.
    meanings: HashMap<(&'a str, &'a str), Meaning<'a>>,
    /// Payloads by receipt id alone.
    receipts: HashMap<&'a str, &'a Value<'a>>,
}

impl<'a> Spans<'a> {
    /// Takes in the gateway receipts of a member that verified.
    pub(super) fn add(&mut self, member: &Member<'a>, run_id: &'a str) -> Result<(), Failure> {
        let namespace = namespace(run_id);
        let receipts = member.list("receipts");
        let field = |at: usize, rest: &str| format!("{}.receipts[{at}].payload.{rest}", member.payload_field);
        for (at, receipt) in receipts.iter().enumerate() {
            let Some(binding) = receipt.at("payload.binding") else { continue };
            let Some(span) = id(binding, ["span_id", "spanId"]) else { continue };
            let meaning = Meaning {
                parent: id(binding, ["parent_span_id", "parentSpanId"]),
                tool: id(binding, ["tool_span_id", "toolSpanId"]),
                phase: binding.get("phase"),
                confidence: binding.get("attribution_confidence").or_else(|| binding.get("attributionConfidence")),
            };
            if *self.meanings.entry((namespace, span)).or_insert(meaning) != meaning {
                return fail(CAUSAL_AGGREGATE_MEMBER_CONFLICT, field(at, "binding.span_id"));
            }
        }
        for (at, receipt) in receipts.iter().enumerate() {
            let Some(payload) = receipt.get("payload") else { continue };
            let first = *self.receipts.entry(text(payload, "receipt_id")).or_insert(payload);
            if !std::ptr::eq(first, payload) && to_jcs(first) != to_jcs(payload) {
                return fail(CAUSAL_AGGREGATE_RECEIPT_REPLAY, field(at, "receipt_id"));
            }
        }
        Ok(())
    }
}

/// The member verified, so no spelling is in doubt any more.
fn id<'a>(binding: &'a Value<'a>, names: [&'static str; 2]) -> Option<&'a str> {
    identifier(binding, names).ok().flatten().map(|Spelled { value, .. }| value)
}

/// The part of a run id before the first `::`, else the whole of it.
fn namespace(run_id: &str) -> &str {
    let run_id = js_trim(run_id);
    run_id.split_once("::").map(|(name, _)| name).filter(|name| !name.is_empty()).unwrap_or(run_id)
}

#[cfg(test)]
mod tests {
    use super::namespace;

    #[test]
    fn runs_meet_in_the_namespace_before_the_first_double_colon() {
        assert_eq!(namespace(" team::run::1 "), "team");
        assert_eq!(namespace("::run"), "::run");
        assert_eq!(namespace("run_1"), "run_1");
    }
}
