//! One event: its texts, and the two forms of it that are hashed.
//!
//! ```text
//! {"event_id":…,…,"prev_hash_b64u":…}                         header: hashed alone
//! {"event_id":…,…,"prev_hash_b64u":…,"event_hash_b64u":…}     compact form: part of the payload
//! ```
//!
//! Producers write members in the order of the header. Then both forms are one
//! text up to its end, and it is written once.

use sha2::{Digest as _, Sha256};

use crate::artifact::json::{Value, append_compact, write_escaped};
use crate::protocol::date;
use crate::protocol::envelope::text;
use crate::protocol::schema::is_b64u;

/// Members in the order of the header, which has the first six. No two are of
/// one length, which [`texts`] makes use of.
pub(super) const MEMBERS: [&str; 7] =
    ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u", "prev_hash_b64u", "event_hash_b64u"];
pub(super) const RUN_ID: usize = 1;
pub(super) const TIMESTAMP: usize = 3;
pub(super) const PAYLOAD_HASH: usize = 4;
pub(super) const LINK: usize = 5;
pub(super) const HASH: usize = 6;

/// The members of an event as texts; empty where they are none.
pub(super) struct Event<'a> {
    value: &'a Value<'a>,
    pub(super) texts: [&'a str; 7],
    /// Exactly the seven members, in order: the compact form starts as the
    /// header does.
    in_order: bool,
}

impl<'a> Event<'a> {
    /// `schema_checked` says that the event has the seven members and no others.
    pub(super) fn read(value: &'a Value<'a>, schema_checked: bool) -> Self {
        match in_order(value) {
            Some(texts) => Event { value, texts, in_order: true },
            None => Event { value, texts: texts(value, schema_checked), in_order: false },
        }
    }

    /// The shape of a bare event; only the first may have no link, given as
    /// null or the empty text.
    pub(super) fn is_well_formed(&self, first: bool) -> bool {
        let link = match self.value.get(MEMBERS[LINK]) {
            Some(Value::Null) => first,
            Some(Value::String(link)) if first => link.is_empty(),
            Some(Value::String(link)) => is_hash(link),
            _ => false,
        };
        let named = self.texts[..TIMESTAMP].iter().all(|text| !text.is_empty());
        named && link && is_hash(self.texts[PAYLOAD_HASH]) && is_hash(self.texts[HASH])
    }

    /// The hash of the header, which is written to the end of `out`.
    pub(super) fn header_hash(&self, out: &mut String) -> [u8; 32] {
        let from = out.len();
        self.write_header(out);
        Sha256::digest(&out.as_bytes()[from..]).into()
    }

    /// The hash of the header; on the way the compact form is written to the
    /// end of `out`. For events that passed their schema.
    pub(super) fn header_hash_and_form(&self, out: &mut String) -> [u8; 32] {
        let from = out.len();
        let hash = self.header_hash(out);
        if self.in_order {
            // The header's last brace gives way to the member it leaves out.
            out.pop();
            out.push_str(",\"event_hash_b64u\":\"");
            out.push_str(self.texts[HASH]);
            out.push_str("\"}");
        } else {
            out.truncate(from);
            append_compact(self.value, out);
        }
        hash
    }

    fn write_header(&self, out: &mut String) {
        let [event_id, run_id, event_type, timestamp, payload_hash, link, _] = self.texts;
        out.push_str("{\"event_id\":\"");
        write_escaped(event_id, out);
        out.push_str("\",\"run_id\":\"");
        write_escaped(run_id, out);
        out.push_str("\",\"event_type\":\"");
        write_escaped(event_type, out);
        out.push_str("\",\"timestamp\":\"");
        write_escaped(timestamp, out);
        out.push_str("\",\"payload_hash_b64u\":\"");
        // Hashes are base64url: nothing to escape.
        out.push_str(payload_hash);
        out.push_str("\",\"prev_hash_b64u\":");
        // An empty link, possible in bare input only, is hashed as it stands.
        if link.is_empty() && self.value.text_at(MEMBERS[LINK]).is_none() {
            out.push_str("null}");
        } else {
            out.push('"');
            out.push_str(link);
            out.push_str("\"}");
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() >= 8 && is_b64u(text)
}

/// Whether an event is as producers write it. Such an event fits its schema;
/// of any other this says nothing.
pub(super) fn is_usual(value: &Value) -> bool {
    in_order(value).is_some_and(|texts| {
        texts[..TIMESTAMP].iter().all(|text| !text.is_empty())
            && date::is_usual(texts[TIMESTAMP])
            && is_hash(texts[PAYLOAD_HASH])
            && (texts[LINK].is_empty() || is_hash(texts[LINK]))
            && is_hash(texts[HASH])
    })
}

/// The texts of exactly the seven members in their order; a null link is the
/// empty text. Comparing with names known here is what makes this quick.
fn in_order<'a>(value: &'a Value<'a>) -> Option<[&'a str; 7]> {
    let mut members = value.as_object().filter(|object| object.len() == MEMBERS.len())?.iter();
    let mut member = |known: &str| members.next().filter(|(name, _)| *name == known).map(|(_, value)| value);
    Some([
        member("event_id")?.as_str()?,
        member("run_id")?.as_str()?,
        member("event_type")?.as_str()?,
        member("timestamp")?.as_str()?,
        member("payload_hash_b64u")?.as_str()?,
        match member("prev_hash_b64u")? {
            Value::Null => "",
            link => link.as_str().filter(|link| !link.is_empty())?,
        },
        member("event_hash_b64u")?.as_str()?,
    ])
}

/// The texts of an event in any order. One that passed its schema has these
/// seven members and no others: their lengths tell them apart.
fn texts<'a>(value: &'a Value<'a>, schema_checked: bool) -> [&'a str; 7] {
    let Value::Object(object) = value else { return [""; 7] };
    if !schema_checked {
        return MEMBERS.map(|name| text(value, name));
    }
    let mut texts = [""; 7];
    for (name, member) in object.iter() {
        if let Some(at) = MEMBERS.iter().position(|known| known.len() == name.len()) {
            texts[at] = member.as_str().unwrap_or_default();
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn members_differ_in_length() {
        let lengths: HashSet<usize> = MEMBERS.iter().map(|name| name.len()).collect();
        assert_eq!(lengths.len(), MEMBERS.len());
    }
}
