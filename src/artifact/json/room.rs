//! What values take in memory. A document of many small containers takes more
//! than fifty times its bytes, so whoever reads a stranger's says how much room
//! its values may have, and the parser stops where they would take more.

use std::borrow::Cow;
use std::mem::size_of;

use super::{INDEXED_FROM, Member, Object, Value};

/// One member of an object, in its list.
const MEMBER_BYTES: usize = size_of::<Member<'_>>();
/// One name in the index of a large object, beside the text: its place, and
/// the room that a hash table keeps free.
const INDEXED_BYTES: usize = 64;
/// Least that an allocator hands out, and what it hands out more by.
const LEAST_BYTES: usize = 32;
const STEP_BYTES: usize = 16;

/// Room for the values of any one document, beside a byte for each of its own:
/// an honest one takes three to five times its bytes.
pub const ROOM_BYTES: usize = 64 << 20;

/// What the values of a document of so many bytes may take where its reader
/// says nothing else.
#[must_use]
pub const fn room_for(bytes: usize) -> usize {
    ROOM_BYTES.saturating_add(bytes)
}

/// What the allocator takes for `bytes`.
const fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=24 => LEAST_BYTES,
        more => (more + 8).next_multiple_of(STEP_BYTES),
    }
}

/// Room that is left for values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub left: usize,
    pub max: usize,
}

impl Room {
    pub fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    /// Takes room, or says that there is none.
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    pub fn take_text(&mut self, text: &str) -> Option<()> {
        self.take(allocated(text.len()))
    }

    /// Before one more element: a full list doubles.
    pub fn take_element(&mut self, list: &Vec<Value<'_>>) -> Option<()> {
        self.take_grown(list.len(), list.capacity(), size_of::<Value>())
    }

    /// For a list of members that starts with this many.
    pub fn take_members(&mut self, members: usize) -> Option<()> {
        self.take(allocated(members * MEMBER_BYTES))
    }

    /// Before one more member.
    pub fn take_member(&mut self, object: &Object<'_>, name: &str) -> Option<()> {
        self.take_grown(object.members.len(), object.members.capacity(), MEMBER_BYTES)?;
        match object.members.len() {
            below if below < INDEXED_FROM => Some(()),
            INDEXED_FROM => self.take((INDEXED_FROM + 1) * (INDEXED_BYTES + LEAST_BYTES)),
            _ => self.take(INDEXED_BYTES + allocated(name.len())),
        }
    }

    fn take_grown(&mut self, held: usize, capacity: usize, each: usize) -> Option<()> {
        match (held < capacity, capacity) {
            (true, _) => Some(()),
            (false, 0) => self.take(allocated(4 * each)),
            (false, more) => self.take(more * each),
        }
    }
}

impl<'a> Value<'a> {
    /// What it takes in memory beside its own place, each text its own.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::String(text) => text_bytes(text),
            Self::Array(items) => {
                let inside: usize = items.iter().map(Self::heap_bytes).sum();
                inside + allocated(items.capacity() * size_of::<Self>())
            }
            Self::Object(object) => {
                let of = |(name, value): &Member<'a>| {
                    let indexed = if object.index.is_some() { INDEXED_BYTES + allocated(name.len()) } else { 0 };
                    indexed + text_bytes(name) + value.heap_bytes()
                };
                let inside: usize = object.members.iter().map(of).sum();
                inside + allocated(object.members.capacity() * MEMBER_BYTES)
            }
        }
    }
}

/// What a text takes, or would if it were its own.
#[expect(clippy::ptr_arg, reason = "whether it is owned is the question")]
fn text_bytes(text: &Cow<'_, str>) -> usize {
    match text {
        Cow::Borrowed(text) => allocated(text.len()),
        Cow::Owned(text) => allocated(text.capacity()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DEPTH_MAX, parse, parse_within};

    #[test]
    fn what_the_parser_takes_is_what_the_values_hold() {
        let many =
            format!("{{{}}}", (0..200).map(|n| format!("\"name {n}\":[{n},\"x\"]")).collect::<Vec<_>>().join(","));
        for text in ["null", "\"text\"", "[[],[],[{}]]", r#"{"a":{"b":[1,2,3,4,5,"six"]},"c":"d"}"#, &many] {
            let held = parse(text.as_bytes(), DEPTH_MAX).expect("JSON").heap_bytes();
            assert!(parse_within(text.as_bytes(), DEPTH_MAX, held * 5 / 4).is_ok(), "{text}: {held}");
            if held > 0 {
                let refused = parse_within(text.as_bytes(), DEPTH_MAX, held * 4 / 5).expect_err(text);
                assert_eq!(refused.code().name, "json_over_room", "{text}: {held}");
            }
        }
    }
}
