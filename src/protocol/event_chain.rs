//! The event chain of a bundle (PEERS 2.9): one run, each event linked to
//! the one before and named by the hash of its own header.

mod event;

use std::cell::OnceCell;
use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use crate::artifact::json::Value;
use crate::protocol::codes::{HASH_MISMATCH, MALFORMED_ENVELOPE};
use crate::protocol::date;
use crate::protocol::envelope::{spells, text};
use crate::protocol::schema::{B64U8, DATE_TIME, NONEMPTY, Schema, closed, required};
use crate::protocol::verdict::{Failure, fail};

use self::event::{Event, HASH, LINK, MEMBERS, RUN_ID, TIMESTAMP};

pub(super) static EVENT: Schema = Schema::Usual { fits: event::is_usual, rule: &ANY_ORDER };
static ANY_ORDER: Schema = closed(&[
    required("event_id", &NONEMPTY),
    required("run_id", &NONEMPTY),
    required("event_type", &NONEMPTY),
    required("timestamp", &DATE_TIME),
    required("payload_hash_b64u", &B64U8),
    required("prev_hash_b64u", &Schema::Nullable(&B64U8)),
    required("event_hash_b64u", &B64U8),
]);

/// A chain that holds: run, first event, and what receipts may point to.
pub(super) struct Chain<'a> {
    pub(super) run_id: &'a str,
    /// The hash of the *first* event, which the peer calls the chain's root.
    pub(super) root: &'a str,
    events: &'a [Value<'a>],
    hashes: OnceCell<HashSet<&'a str>>,
}

impl Chain<'_> {
    pub(super) fn holds(&self, event_hash: &str) -> bool {
        let mut hashes = self.events.iter().map(|event| text(event, MEMBERS[HASH]));
        match self.events.len() {
            // A look through a few is faster than hashing one.
            0..=8 => hashes.any(|hash| hash == event_hash),
            _ => self.hashes.get_or_init(|| hashes.collect()).contains(event_hash),
        }
    }
}

/// What one pass over the events of a chain has found. The pass may come
/// before the check it belongs to: whoever hashes a payload reads its events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// Some event is malformed, of another run, or not linked.
    malformed: bool,
    /// The first event whose hash is not its own.
    mismatch: Option<usize>,
}

/// Bytes of a payload that are hashed in one call: each call copies what does
/// not fill a block.
const TOGETHER: usize = 4 * 1024;

impl Walk {
    /// Over the events of a payload that passed its schema; their compact form
    /// goes into its hash, through `room`, which holds what is written and not
    /// yet hashed.
    pub(super) fn hashing(events: &[Value], payload: &mut Sha256, room: &mut String) -> Self {
        room.push('[');
        let walk = Self::over(events, true, |at, event| {
            if at > 0 {
                room.push(',');
            }
            let hash = event.header_hash_and_form(room);
            if room.len() >= TOGETHER {
                payload.update(room.as_bytes());
                room.clear();
            }
            hash
        });
        room.push(']');
        walk
    }

    /// Over the events of a bare payload, which are not empty.
    fn bare(events: &[Value]) -> Self {
        let mut header = String::new();
        Self::over(events, false, |_, event| {
            header.clear();
            event.header_hash(&mut header)
        })
    }

    fn over(
        events: &[Value],
        schema_checked: bool,
        mut header_hash: impl FnMut(usize, &Event<'_>) -> [u8; 32],
    ) -> Self {
        let mut walk = Self { malformed: false, mismatch: None };
        let mut first = None;
        let mut previous: Option<&str> = None;
        for (at, value) in events.iter().enumerate() {
            let event = Event::read(value, schema_checked);
            let run_id = *first.get_or_insert(event.texts[RUN_ID]);
            let linked = Some(event.texts[LINK]).filter(|link| !link.is_empty()) == previous;
            let time = event.texts[TIMESTAMP];
            let holds = linked
                && event.texts[RUN_ID] == run_id
                && (schema_checked || event.is_well_formed(at == 0))
                && (date::is_usual(time) || date::parse(time).is_some());
            walk.malformed |= !holds;
            if !spells(event.texts[HASH], &header_hash(at, &event)) {
                walk.mismatch.get_or_insert(at);
            }
            previous = Some(event.texts[HASH]);
        }
        walk
    }
}

/// Checks the chain; `events` is not empty. Without a walk they are those of a
/// bare payload.
pub(super) fn check<'a>(events: &'a [Value<'a>], walk: Option<Walk>) -> Result<Chain<'a>, Failure> {
    let walk = walk.unwrap_or_else(|| Walk::bare(events));
    if walk.malformed {
        return fail(MALFORMED_ENVELOPE, "payload.event_chain");
    }
    if let Some(at) = walk.mismatch {
        return fail(HASH_MISMATCH, format!("payload.event_chain[{at}].event_hash_b64u"));
    }
    let of_first = |member: usize| events.first().map_or("", |event| text(event, MEMBERS[member]));
    Ok(Chain { run_id: of_first(RUN_ID), root: of_first(HASH), events, hashes: OnceCell::new() })
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
pub(super) fn run_of<'a>(events: &'a [Value<'a>]) -> Option<&'a str> {
    events.first().map(|event| text(event, "run_id"))
}
