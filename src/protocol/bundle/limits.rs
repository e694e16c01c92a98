//! Numbers and sizes (PEERS 4.3).

use crate::artifact::json::{Value, compact_size_within};
use crate::protocol::bundle::payload::Payload;
use crate::protocol::codes::MALFORMED_ENVELOPE;
use crate::protocol::event_chain;
use crate::protocol::verdict::{Failure, fail};

const EVENTS_MAX: usize = 1000;
const RECEIPTS_MAX: usize = 1000;
const ATTESTATIONS_MAX: usize = 100;
/// Bytes of a metadata object in compact form.
const METADATA_BYTES_MAX: usize = 16 * 1024;

pub(super) fn check(payload: &Payload<'_>) -> Result<(), Failure> {
    let numbers = [
        (payload.events.len(), EVENTS_MAX, "payload.event_chain"),
        (payload.receipts.len(), RECEIPTS_MAX, "payload.receipts"),
        (payload.attestations.len(), ATTESTATIONS_MAX, "payload.attestations"),
    ];
    if let Some((_, _, field)) = numbers.into_iter().find(|(number, max, _)| number > max) {
        return fail(MALFORMED_ENVELOPE, field);
    }
    let fits = |metadata: Option<&Value>| metadata.is_none_or(|m| compact_size_within(m, METADATA_BYTES_MAX));
    if !fits(payload.metadata) {
        return fail(MALFORMED_ENVELOPE, "payload.metadata");
    }
    if !fits(payload.urm.and_then(|urm| urm.get("metadata"))) {
        return fail(MALFORMED_ENVELOPE, "payload.urm.metadata");
    }
    if let Some(at) = payload.receipts.iter().position(|receipt| !fits(receipt.at("payload.metadata"))) {
        return fail(MALFORMED_ENVELOPE, format!("payload.receipts[{at}].payload.metadata"));
    }
    match event_chain::repeated_id(payload.events) {
        Some(at) => fail(MALFORMED_ENVELOPE, format!("payload.event_chain[{at}].event_id")),
        None => Ok(()),
    }
}
