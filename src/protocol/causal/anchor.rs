//! Anchoring (PEERS 4.9): a side effect or approval names a span that some gateway
//! receipt declares.

use std::collections::HashSet;

use crate::artifact::json::Value;
use crate::protocol::causal::entry::identifier;
use crate::protocol::codes::Code;
use crate::protocol::verdict::{Failure, fail};

/// Checks the receipts of one list.
pub(super) fn check(list: &str, orphaned: Code, receipts: &[Value], known: &HashSet<&str>) -> Result<(), Failure> {
    for (at, receipt) in receipts.iter().enumerate() {
        let base = || format!("{list}[{at}].binding");
        let Some(binding) = receipt.get("binding").filter(|binding| binding.as_object().is_some()) else {
            return fail(orphaned, base());
        };
        let read = |names| identifier(binding, names).map_err(|failure| failure.below(&base()));
        let span = read(["span_id", "spanId"])?;
        let parent = read(["parent_span_id", "parentSpanId"])?;
        let tool = read(["tool_span_id", "toolSpanId"])?;
        let anchor = tool.or(parent).or(span);
        if !anchor.is_some_and(|anchor| known.contains(anchor.value)) {
            return fail(orphaned, format!("{}.{}", base(), anchor.map_or("span_id", |anchor| anchor.name)));
        }
    }
    Ok(())
}
