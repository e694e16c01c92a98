//! Tokens must never reach a public log.
//!
//! A compact JWS is three base64url parts joined by dots, the first of which
//! decodes to a JSON object with `alg`. It is looked for inside every text and
//! every member name, wherever it starts: `Bearer eyJ…`, `jwt_eyJ…`. A header
//! that begins with white space, and a JWE (five parts), count as well. The
//! third part may be empty: an unsigned token is still somebody's claims.
//!
//! A token that line ends, wraps, padding or characters that nobody sees break,
//! written or spelled as escapes, counts too ([`broken`]); there the payload must be an object of 16
//! characters or more, and the signature empty or as long as a signature is.

mod broken;
mod header;

use std::ops::Range;

use crate::artifact::admission::Reading;
use crate::artifact::digest::sha256;
use crate::artifact::json::Value;
use crate::text::{base64url, hex};

use self::header::header;

/// Shortest header: `{"alg":""}` is ten bytes, 14 characters.
const HEADER_CHARS_MIN: usize = 14;
/// Longest run before a dot that is decoded; certificate chains fit.
const HEADER_CHARS_MAX: usize = 32 * 1024;
/// Whether `text` contains a compact JWS, whole or broken.
#[must_use]
pub fn holds_token(text: &str) -> bool {
    Tokens::of(text, Reading::Intake).next(0).is_some()
}

/// Where in `value` a compact JWS stands, as a path that does not repeat it.
/// `compact` is the compact form of `value`. What is logged already is searched
/// as on the day it was logged: for tokens that nothing breaks. Nothing in
/// these is ever escaped, so a scan over `compact` finds the common case, no
/// token, without walking.
pub(crate) fn find_in(value: &Value, compact: &str, reading: Reading) -> Option<String> {
    if reading == Reading::Logged {
        find_whole(compact, 0)?;
    }
    // A match in the compact form alone would be an escape letter joined to a
    // run (`\neyJ…`): the walk over the decoded texts finds the same token.
    walk(value, &Place::Root, reading)
}

/// Where a walk stands; spelled out only where something is found.
#[derive(Clone, Copy)]
enum Place<'p> {
    Root,
    Member(&'p Self, &'p str),
    Element(&'p Self, usize),
}

impl Place<'_> {
    /// The path, without repeating an odd name.
    fn path(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Element(above, at) => format!("{}[{at}]", above.path()),
            Self::Member(above, name) => {
                let above = above.path();
                let dot = if above.is_empty() { "" } else { "." };
                format!("{above}{dot}{}", super::shape::echo(name))
            }
        }
    }
}

/// The first place in document order whose text or name holds a token.
fn walk(value: &Value, place: &Place<'_>, reading: Reading) -> Option<String> {
    let holds = |text: &str| Tokens::of(text, reading).next(0).is_some();
    match value {
        Value::String(text) => holds(text).then(|| place.path()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| walk(item, &Place::Element(place, at), reading))
        }
        Value::Object(object) => object.iter().find_map(|(name, member)| {
            let place = Place::Member(place, name);
            if holds(name) { Some(place.path()) } else { walk(member, &place, reading) }
        }),
        _ => None,
    }
}

/// Replaces every token in the texts of `value` by `sha256:<hex>` and returns
/// the paths. Member names are left alone: a token there refuses.
pub(crate) fn redact(value: &mut Value, reading: Reading) -> Vec<String> {
    let mut paths = Vec::new();
    redact_at(value, &Place::Root, &mut paths, reading);
    paths
}

fn redact_at(value: &mut Value, place: &Place<'_>, paths: &mut Vec<String>, reading: Reading) {
    match value {
        Value::String(text) => {
            if let Some(clean) = redacted(text, reading) {
                *text = clean.into();
                paths.push(place.path());
            }
        }
        Value::Array(items) => {
            let items = items.iter_mut().enumerate();
            items.for_each(|(at, item)| redact_at(item, &Place::Element(place, at), paths, reading));
        }
        Value::Object(object) => {
            for (name, member) in object.members_mut() {
                redact_at(member, &Place::Member(place, name), paths, reading);
            }
        }
        _ => {}
    }
}

fn redacted(text: &str, reading: Reading) -> Option<String> {
    let mut tokens = Tokens::of(text, reading);
    let mut found = tokens.next(0)?;
    let hashed = |bytes: &str| format!("sha256:{}", hex::encode(&sha256(bytes.as_bytes())));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    loop {
        out.push_str(&text[from..found.start]);
        out.push_str(&hashed(&text[found.clone()]));
        from = found.end;
        match tokens.next(from) {
            Some(next) => found = next,
            None => break,
        }
    }
    out.push_str(&text[from..]);
    // Should what is left read as a token again, nothing of it is kept.
    let is_clean = reading == Reading::Logged || !holds_token(&out);
    Some(if is_clean { out } else { hashed(text) })
}

/// Tokens of one text, in order. Each search remembers what it found ahead, so
/// that all of them together are linear.
struct Tokens<'a> {
    text: &'a str,
    whole: Ahead,
    broken: Ahead,
}

/// What a search will find next.
enum Ahead {
    Unknown,
    At(Range<usize>),
    Nothing,
}

impl Ahead {
    fn next(&mut self, from: usize, find: impl Fn(usize) -> Option<Range<usize>>) -> Option<Range<usize>> {
        match self {
            Self::Nothing => return None,
            Self::At(found) if found.start >= from => return Some(found.clone()),
            Self::At(_) | Self::Unknown => {}
        }
        let found = find(from);
        *self = found.clone().map_or(Self::Nothing, Ahead::At);
        found
    }
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str, reading: Reading) -> Self {
        let broken = if reading == Reading::Intake { Ahead::Unknown } else { Ahead::Nothing };
        Tokens { text, whole: Ahead::Unknown, broken }
    }

    /// Byte range of the first token at or after `from`; of two that overlap,
    /// both.
    fn next(&mut self, from: usize) -> Option<Range<usize>> {
        let whole = self.whole.next(from, |from| find_whole(self.text, from));
        let broken = self.broken.next(from, |from| broken::find(self.text, from));
        let (Some(one), Some(other)) = (&whole, &broken) else { return whole.or(broken) };
        let (first, second) = if one.start <= other.start { (one, other) } else { (other, one) };
        let end = if second.start < first.end { first.end.max(second.end) } else { first.end };
        Some(first.start..end)
    }
}

/// Byte range of the first token at or after `from` that nothing breaks. All
/// its bytes are ASCII.
fn find_whole(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Dots are rare, and a token has two with nothing but a run between them.
    for at in memchr::memchr_iter(b'.', &bytes[from..]).map(|at| from + at) {
        let payload_to = run_end(bytes, at + 1);
        if bytes.get(payload_to) != Some(&b'.') {
            continue;
        }
        let header = bytes[from..at].iter().rev().take_while(|byte| base64url::value(**byte).is_some()).count();
        let run_from = at - header;
        if header >= HEADER_CHARS_MIN
            && let Some(start) = header_start(&bytes[run_from..at])
        {
            return Some(run_from + start..token_end(bytes, payload_to));
        }
    }
    None
}

fn run_end(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..].iter().take_while(|byte| base64url::value(**byte).is_some()).count();
    from + length
}

/// End of the parts after the payload; `dot` is the dot before the signature.
fn token_end(bytes: &[u8], dot: usize) -> usize {
    let mut end = run_end(bytes, dot + 1);
    while end > dot + 1 && bytes.get(end) == Some(&b'.') && run_end(bytes, end + 1) > end + 1 {
        end = run_end(bytes, end + 1);
    }
    end
}

/// Where in a run of base64url characters a header starts that ends with the
/// run.
fn header_start(run: &[u8]) -> Option<usize> {
    let skipped = run.len().saturating_sub(HEADER_CHARS_MAX);
    header(&run[skipped..], &mut |_| Some(())).map(|header| skipped + header.start)
}
