//! A token that something broke on its way: a mail program, a terminal, a
//! table, a hand. What stands between its characters is left out, in the order
//! of the text, and the rest is read as a token would be.
//!
//! ```text
//! eyJhbGciOi=⏎            part: runs of base64url with breaks between them
//!   JFZERTQSJ9.eyJzdW…    dot: ends a part
//! ```
//!
//! What the text spells instead of holding it (`\\n`, `%2E`, `&#10;`) is read as
//! what it stands for ([`escapes`]). Each part is decoded once as a payload and at four alignments as a header,
//! so the search is linear; the attempts to read a header are bounded.

mod escapes;
mod reader;

use std::ops::Range;

use crate::artifact::secrets::header::{decode, header};
use crate::artifact::secrets::{HEADER_CHARS_MAX, HEADER_CHARS_MIN};

use self::reader::{Break, Part, Reader};

/// Shortest payload: fewer characters hold no claim.
const PAYLOAD_CHARS_MIN: usize = 16;
/// Shortest signature or MAC of any algorithm: 32 bytes.
const SIGNATURE_CHARS_MIN: usize = 43;

/// How many characters the signature of an algorithm has. Of one that is not
/// listed, a broken signature goes on as long as it may.
const SIGNATURES: &[(&str, &[usize])] = &[
    ("none", &[0]),
    ("HS256", &[43]),
    ("HS384", &[64]),
    ("HS512", &[86]),
    ("ES256", &[86]),
    ("ES256K", &[86]),
    ("ES384", &[128]),
    ("ES512", &[176]),
    ("EdDSA", &[86, 152]),
    ("Ed25519", &[86]),
    ("RS256", RSA),
    ("RS384", RSA),
    ("RS512", RSA),
    ("PS256", RSA),
    ("PS384", RSA),
    ("PS512", RSA),
];
/// Keys of 2048, 3072 and 4096 bits.
const RSA: &[usize] = &[342, 512, 683];

/// Byte range of the first token at or after `from`, broken or not.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    // A token has two dots, written or spelled.
    let rest = &text.as_bytes()[from..];
    let is_spelled = || memchr::memchr3(b'%', b'\\', b'&', rest).or_else(|| quoted_dot(rest));
    memchr::memchr_iter(b'.', rest).nth(1).or_else(is_spelled)?;
    let mut reader = Reader { text, at: from };
    let mut parts: [Part; 3] = Default::default();
    loop {
        parts.rotate_left(1);
        parts[2] = reader.part();
        if let Some(found) = token(&parts) {
            return Some(found.start..further(&mut reader, &parts[2], found.end));
        }
        if !parts[2].is_ended_by_dot() {
            parts = Default::default();
            if !reader.skip() {
                return None;
            }
        }
    }
}

/// A dot as quoted-printable mail spells it. Texts are short: a searcher made for
/// each would cost more than it finds.
fn quoted_dot(rest: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'=', rest).find(|at| rest[*at..].starts_with(b"=2E"))
}

/// The token that these three parts are.
fn token([first, payload, signature]: &[Part; 3]) -> Option<Range<usize>> {
    if first.chars.len() < HEADER_CHARS_MIN || payload.chars.len() < PAYLOAD_CHARS_MIN || !is_object(&payload.chars) {
        return None;
    }
    let skipped = first.chars.len().saturating_sub(HEADER_CHARS_MAX);
    let header = header(&first.chars[skipped..], &mut |at| first.joins(first.place(skipped + at).0, false))?;
    // Text with more attempts than are made is taken for a token.
    let is_broken = header.accepted.unwrap_or(true);
    // The payload belongs to the header, and all of it to itself.
    let leading = payload.leading();
    if leading == Break::Blank && !is_broken {
        return None;
    }
    let is_broken = payload.joins(0, leading == Break::Line)?;
    let end = match signature_end(signature, header.algorithm.as_deref(), is_broken) {
        Signature::Ends(end) => end,
        // Claims without a signature are somebody's claims.
        Signature::Empty => payload.end,
        Signature::TooShort => return None,
    };
    Some(first.place(skipped + header.start).1..end)
}

enum Signature {
    Ends(usize),
    Empty,
    TooShort,
}

/// Where the signature ends. `broken`: whether the payload before it is.
fn signature_end(part: &Part, algorithm: Option<&str>, mut broken: bool) -> Signature {
    let lengths = SIGNATURES.iter().find(|(name, _)| Some(*name) == algorithm).map_or(&[][..], |(_, lengths)| lengths);
    let (mut length, mut end) = (0, None);
    for (place, run) in part.runs.iter().enumerate() {
        let has_ended = run.before > Break::Padding && lengths.contains(&length);
        if has_ended || run.before == Break::Blank && !broken {
            break;
        }
        // What broke the payload says nothing of the signature.
        broken = (place > 0 && broken) || run.before == Break::Line;
        (length, end) = (part.run_end(place), Some(run.to));
    }
    match end {
        Some(end) if length >= SIGNATURE_CHARS_MIN => Signature::Ends(end),
        // What follows a break after the second dot may be other text.
        _ if part.runs.is_empty() || part.leading() != Break::Nothing => Signature::Empty,
        _ => Signature::TooShort,
    }
}

/// The end with further parts that stand right behind the signature: a token
/// may have five.
fn further(reader: &mut Reader<'_>, signature: &Part, mut end: usize) -> usize {
    let mut dot = signature.dot;
    while dot == Some(end) {
        let part = reader.part();
        let Some(run) = part.runs.iter().take_while(|run| run.before == Break::Nothing).last() else { break };
        (end, dot) = (run.to, part.dot);
    }
    end
}

fn is_object(chars: &[u8]) -> bool {
    let decoded = decode(chars);
    decoded.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(&decoded).is_ok()
}
