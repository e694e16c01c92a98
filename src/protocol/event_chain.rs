//! The event chain of a bundle (clawsig 2.11): one run, each event linked to
//! the one before and named by the hash of its own header.

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::artifact::json::{Value, write_string};
use crate::protocol::codes::{HASH_MISMATCH, MALFORMED_ENVELOPE};
use crate::protocol::date;
use crate::protocol::envelope::{is_hash_of, text};
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

/// Members in their usual order; the first six are the hashed header. No two
/// are of one length, which [`texts`] makes use of.
const MEMBERS: [&str; 7] =
    ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u", "prev_hash_b64u", "event_hash_b64u"];
const RUN_ID: usize = 1;
const TIMESTAMP: usize = 3;
const PAYLOAD_HASH: usize = 4;
const LINK: usize = 5;
const HASH: usize = 6;

/// A chain that holds: run, first event, and what receipts may point to.
pub(super) struct Chain<'a> {
    pub(super) run_id: &'a str,
    /// The hash of the *first* event, which the peer calls the chain's root.
    pub(super) root: &'a str,
    events: &'a [Value],
    hashes: OnceCell<HashSet<&'a str>>,
}

impl Chain<'_> {
    pub(super) fn holds(&self, event_hash: &str) -> bool {
        let hashes = || self.events.iter().map(|event| text(event, MEMBERS[HASH])).collect();
        self.hashes.get_or_init(hashes).contains(event_hash)
    }
}

/// Checks the chain; `events` is not empty. `schema_checked` saves looking at
/// shapes again.
pub(super) fn check(events: &[Value], schema_checked: bool) -> Result<Chain<'_>, Failure> {
    let run_id = events.first().map_or("", |event| text(event, MEMBERS[RUN_ID]));
    let read: Vec<[&str; 7]> = events.iter().map(|event| texts(event, schema_checked)).collect();
    let mut previous: Option<&str> = None;
    for (event, texts) in events.iter().zip(&read) {
        let well_formed = schema_checked || is_well_formed(event, texts, previous.is_none());
        let linked = Some(texts[LINK]).filter(|link| !link.is_empty()) == previous;
        if !well_formed || !linked || texts[RUN_ID] != run_id || date::parse(texts[TIMESTAMP]).is_none() {
            return fail(MALFORMED_ENVELOPE, "payload.event_chain");
        }
        previous = Some(texts[HASH]);
    }
    let mut header = String::new();
    for (at, (event, texts)) in events.iter().zip(&read).enumerate() {
        // An empty link, possible in bare input only, is hashed as it stands.
        let linked = !texts[LINK].is_empty() || event.text_at(MEMBERS[LINK]).is_some();
        write_header(texts, linked, &mut header);
        if !is_hash_of(texts[HASH], &header) {
            return fail(HASH_MISMATCH, format!("payload.event_chain[{at}].event_hash_b64u"));
        }
    }
    Ok(Chain { run_id, root: read[0][HASH], events, hashes: OnceCell::new() })
}

/// The members as texts, empty where they are none. An event that passed its
/// schema has these seven and no others: their lengths tell them apart.
fn texts(event: &Value, schema_checked: bool) -> [&str; 7] {
    let Value::Object(object) = event else { return [""; 7] };
    if !schema_checked {
        return MEMBERS.map(|name| text(event, name));
    }
    let mut texts = [""; 7];
    for (name, value) in object.iter() {
        if let Some(at) = MEMBERS.iter().position(|known| known.len() == name.len()) {
            texts[at] = value.as_str().unwrap_or_default();
        }
    }
    texts
}

/// The members of a bare event; only the first may have no link, given as null
/// or the empty text.
fn is_well_formed(event: &Value, texts: &[&str; 7], first: bool) -> bool {
    let hash = |text: &str| text.len() >= 8 && is_b64u(text);
    let link = match event.get(MEMBERS[LINK]) {
        Some(Value::Null) => first,
        Some(Value::String(link)) if first => link.is_empty(),
        Some(Value::String(link)) => hash(link),
        _ => false,
    };
    let named = texts[..TIMESTAMP].iter().all(|text| !text.is_empty());
    named && link && hash(texts[PAYLOAD_HASH]) && hash(texts[HASH])
}

/// What stands before each text of a header.
const BEFORE: [&str; 6] = [
    "{\"event_id\":",
    ",\"run_id\":",
    ",\"event_type\":",
    ",\"timestamp\":",
    ",\"payload_hash_b64u\":",
    ",\"prev_hash_b64u\":",
];

fn write_header(texts: &[&str; 7], linked: bool, out: &mut String) {
    out.clear();
    for (at, (before, text)) in BEFORE.iter().zip(texts).enumerate() {
        out.push_str(before);
        match at {
            LINK if !linked => out.push_str("null"),
            // Known to be base64url: nothing to escape.
            PAYLOAD_HASH | LINK => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            _ => write_string(text, out),
        }
    }
    out.push('}');
}

/// The first event whose id occurred before.
pub(super) fn repeated_id(events: &[Value]) -> Option<usize> {
    // Ids that ascend do not repeat, and numbered events ascend.
    let ids: Vec<&str> = events.iter().map(|event| text(event, MEMBERS[0])).collect();
    let ascends = |pair: &[&str]| (pair[0].len(), pair[0]) < (pair[1].len(), pair[1]);
    if ids.windows(2).all(ascends) {
        return None;
    }
    let mut seen = HashSet::with_capacity(ids.len());
    ids.into_iter().position(|id| !seen.insert(id))
}

/// The run of a chain that was checked for shape only; `None` without events.
pub(super) fn run_of(events: &[Value]) -> Option<&str> {
    events.first().map(|event| text(event, "run_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_differ_in_length_and_stand_in_the_header() {
        let lengths: HashSet<usize> = MEMBERS.iter().map(|name| name.len()).collect();
        assert_eq!(lengths.len(), MEMBERS.len());
        assert!(BEFORE.iter().zip(MEMBERS).all(|(before, name)| before[1..] == format!("\"{name}\":")));
    }
}
