//! The event chain of a bundle (clawsig 2.11): one run, each event linked to
//! the one before and named by the hash of its own header.

use std::collections::HashSet;

use crate::artifact::digest;
use crate::artifact::json::{Value, write_string};
use crate::protocol::codes::{HASH_MISMATCH, MALFORMED_ENVELOPE};
use crate::protocol::date;
use crate::protocol::envelope::text;
use crate::protocol::schema::{B64U8, DATE_TIME, NONEMPTY, Schema, closed, is_b64u, required};
use crate::protocol::verdict::{Failure, fail};

pub(super) static EVENT: Schema = closed(&[
    required("event_id", &NONEMPTY),
    required("run_id", &NONEMPTY),
    required("event_type", &NONEMPTY),
    required("timestamp", &DATE_TIME),
    required("payload_hash_b64u", &B64U8),
    required("prev_hash_b64u", &Schema::Nullable(&B64U8)),
    required("event_hash_b64u", &B64U8),
]);

/// Members of the hashed header, in their order; the link follows.
const HEADER: [&str; 5] = ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u"];

/// A chain that holds: run, first event, and what receipts may point to.
pub(super) struct Chain<'a> {
    pub(super) run_id: &'a str,
    /// The hash of the *first* event, which the peer calls the chain's root.
    pub(super) root: &'a str,
    hashes: HashSet<&'a str>,
}

impl Chain<'_> {
    pub(super) fn holds(&self, event_hash: &str) -> bool {
        self.hashes.contains(event_hash)
    }
}

/// Checks the chain; `events` is not empty. `schema_checked` saves looking at
/// shapes again.
pub(super) fn check(events: &[Value], schema_checked: bool) -> Result<Chain<'_>, Failure> {
    let run_id = events.first().map_or("", |event| text(event, "run_id"));
    let mut previous: Option<&str> = None;
    for event in events {
        let well_formed = schema_checked || is_well_formed(event, previous.is_none());
        let in_time = date::parse(text(event, "timestamp")).is_some();
        let linked = event.get("prev_hash_b64u").and_then(Value::as_str).filter(|link| !link.is_empty()) == previous;
        if !well_formed || !in_time || !linked || text(event, "run_id") != run_id {
            return fail(MALFORMED_ENVELOPE, "payload.event_chain");
        }
        previous = Some(text(event, "event_hash_b64u"));
    }
    let mut header = String::new();
    for (at, event) in events.iter().enumerate() {
        write_header(event, &mut header);
        let hash = digest::b64u(&digest::sha256(header.as_bytes()));
        if hash != text(event, "event_hash_b64u") {
            return fail(HASH_MISMATCH, format!("payload.event_chain[{at}].event_hash_b64u"));
        }
    }
    let hashes = events.iter().map(|event| text(event, "event_hash_b64u")).collect();
    Ok(Chain { run_id, root: text(&events[0], "event_hash_b64u"), hashes })
}

/// The members of a bare event; only the first may have no link, given as null
/// or the empty text.
fn is_well_formed(event: &Value, first: bool) -> bool {
    let hash = |name| text(event, name).len() >= 8 && is_b64u(text(event, name));
    let link = match event.get("prev_hash_b64u") {
        Some(Value::Null) => first,
        Some(Value::String(link)) if first => link.is_empty(),
        Some(Value::String(link)) => link.len() >= 8 && is_b64u(link),
        _ => false,
    };
    let named = HEADER[..3].iter().all(|name| !text(event, name).is_empty());
    named && link && hash("payload_hash_b64u") && hash("event_hash_b64u")
}

fn write_header(event: &Value, out: &mut String) {
    out.clear();
    out.push('{');
    for name in HEADER {
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        write_string(text(event, name), out);
        out.push(',');
    }
    out.push_str("\"prev_hash_b64u\":");
    match event.get("prev_hash_b64u").and_then(Value::as_str) {
        Some(link) => write_string(link, out),
        None => out.push_str("null"),
    }
    out.push('}');
}

/// The first event whose id occurred before.
pub(super) fn repeated_id(events: &[Value]) -> Option<usize> {
    let mut seen = HashSet::with_capacity(events.len());
    events.iter().position(|event| !seen.insert(text(event, "event_id")))
}

/// The run of a chain that was checked for shape only; `None` without events.
pub(super) fn run_of(events: &[Value]) -> Option<&str> {
    events.first().map(|event| text(event, "run_id"))
}
