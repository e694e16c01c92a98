//! A receipt's causal members, with one spelling each (PEERS 4.9).

use crate::artifact::json::Value;
use crate::protocol::codes::{CAUSAL_BINDING_FIELD_CONFLICT, CAUSAL_BINDING_NORMALIZATION_FAILED};
use crate::protocol::date::js_trim;
use crate::protocol::verdict::{Failure, fail};

/// The members that make a binding causal.
const CAUSAL: [&str; 9] = [
    "span_id",
    "spanId",
    "parent_span_id",
    "parentSpanId",
    "tool_span_id",
    "toolSpanId",
    "phase",
    "attribution_confidence",
    "attributionConfidence",
];

/// A value and the member it was read from.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct Spelled<T> {
    pub(in crate::protocol) value: T,
    pub(in crate::protocol) name: &'static str,
}

/// One receipt with causal members.
pub(super) struct Entry<'a> {
    /// Index among the bundle's gateway receipts.
    pub(super) at: usize,
    pub(super) span: Option<Spelled<&'a str>>,
    pub(super) parent: Option<Spelled<&'a str>>,
    pub(super) tool: Option<Spelled<&'a str>>,
    pub(super) phase: Option<&'a Value<'a>>,
    pub(super) confidence: Option<Spelled<f64>>,
    pub(super) timestamp: Option<&'a Value<'a>>,
    pub(super) issued_at: Option<&'a Value<'a>>,
}

impl Entry<'_> {
    pub(super) fn binding_field(&self, name: &str) -> String {
        format!("payload.receipts[{}].payload.binding.{name}", self.at)
    }

    pub(super) fn timestamp_field(&self) -> String {
        format!("payload.receipts[{}].payload.timestamp", self.at)
    }

    pub(super) fn issued_at_field(&self) -> String {
        format!("payload.receipts[{}].issued_at", self.at)
    }
}

/// The receipts that take part, in order.
pub(super) fn collect<'a>(receipts: &'a [Value<'a>]) -> Result<Vec<Entry<'a>>, Failure> {
    let mut entries = Vec::new();
    for (at, receipt) in receipts.iter().enumerate() {
        let Some(binding) = receipt.at("payload.binding") else { continue };
        let is_causal = binding.as_object().is_some_and(|members| CAUSAL.iter().any(|name| members.contains(name)));
        if !is_causal {
            continue;
        }
        let base = || format!("payload.receipts[{at}].payload.binding");
        entries.push(Entry {
            at,
            span: identifier(binding, ["span_id", "spanId"]).map_err(|failure| failure.below(&base()))?,
            parent: identifier(binding, ["parent_span_id", "parentSpanId"])
                .map_err(|failure| failure.below(&base()))?,
            tool: identifier(binding, ["tool_span_id", "toolSpanId"]).map_err(|failure| failure.below(&base()))?,
            phase: binding.get("phase"),
            confidence: confidence(binding).map_err(|failure| failure.below(&base()))?,
            timestamp: receipt.at("payload.timestamp"),
            issued_at: receipt.get("issued_at"),
        });
    }
    Ok(entries)
}

/// An id in its snake and camel spelling; fields are below the binding.
pub(in crate::protocol) fn identifier<'a>(
    binding: &'a Value<'a>,
    names: [&'static str; 2],
) -> Result<Option<Spelled<&'a str>>, Failure> {
    normalise(binding, names, |value| value.as_str().map(js_trim).filter(|id| !id.is_empty()))
}

fn confidence(binding: &Value) -> Result<Option<Spelled<f64>>, Failure> {
    normalise(binding, ["attribution_confidence", "attributionConfidence"], Value::as_f64)
}

fn normalise<'a, T: PartialEq>(
    binding: &'a Value<'a>,
    [snake, camel]: [&'static str; 2],
    read: impl Fn(&'a Value<'a>) -> Option<T>,
) -> Result<Option<Spelled<T>>, Failure> {
    let value = |name| match binding.get(name) {
        None => Ok(None),
        Some(value) => match read(value) {
            Some(value) => Ok(Some(Spelled { value, name })),
            None => fail(CAUSAL_BINDING_NORMALIZATION_FAILED, name),
        },
    };
    match (value(snake)?, value(camel)?) {
        (Some(a), Some(b)) if a.value != b.value => fail(CAUSAL_BINDING_FIELD_CONFLICT, snake),
        (Some(first), _) => Ok(Some(first)),
        (None, second) => Ok(second),
    }
}
