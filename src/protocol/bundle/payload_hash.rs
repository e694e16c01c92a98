//! The hash of a payload as it was sent, and in the same pass the walk over
//! its events: what is hashed of an event alone is hashed with the payload
//! again, and is written once for both.

use sha2::{Digest as _, Sha256};

use crate::artifact::json::{Object, Value, append_in_pieces, write_string};
use crate::protocol::event_chain::Walk;

/// The SHA-256 of a payload that passed its schema, and the walk if it has
/// events.
pub(super) fn hash(payload: &Value) -> ([u8; 32], Option<Walk>) {
    let mut hash = Sha256::new();
    let mut walk = None;
    // What is written and not yet hashed.
    let mut out = String::with_capacity(1024);
    out.push('{');
    for (at, (name, member)) in payload.as_object().into_iter().flat_map(Object::iter).enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(name, &mut out);
        out.push(':');
        match member {
            Value::Array(events) if name == "event_chain" => walk = Some(Walk::hashing(events, &mut hash, &mut out)),
            member => append_in_pieces(member, &mut out, &mut |piece| hash.update(piece.as_bytes())),
        }
    }
    out.push('}');
    hash.update(out.as_bytes());
    (hash.finalize().into(), walk)
}
