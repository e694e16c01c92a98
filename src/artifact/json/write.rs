use std::cmp::Ordering;
use std::ops::Range;

use super::{Number, Object, Value};

/// The compact form: what `JSON.stringify` prints (FORMATS 1.2). Linear.
#[must_use]
pub fn to_compact(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    append_compact(value, &mut out);
    out
}

/// RFC 8785: like the compact form, with members sorted by the UTF-16 code
/// units of their names.
#[must_use]
pub fn to_jcs(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write_jcs(value, &mut out);
    out
}

/// The value with two-space indentation and a final newline, for people.
/// Reading it back gives the same value.
#[must_use]
pub fn to_pretty(value: &Value) -> String {
    let mut out = String::new();
    write_pretty(value, 0, &mut out);
    out.push('\n');
    out
}

/// The compact form of `value`, and where in it its member `payload` stands:
/// the hash over the payload needs no second pass. `size_guess` saves growing.
pub(crate) fn compact_with_payload(value: &Value, size_guess: usize) -> (String, Option<Range<usize>>) {
    let mut out = String::with_capacity(size_guess);
    let mut payload = None;
    let Value::Object(object) = value else {
        append_compact(value, &mut out);
        return (out, None);
    };
    out.push('{');
    for (at, (name, member)) in object.iter().enumerate() {
        write_name(at, name, &mut out);
        let from = out.len();
        append_compact(member, &mut out);
        if name == "payload" {
            payload = Some(from..out.len());
        }
    }
    out.push('}');
    (out, payload)
}

/// Hands the compact form of `value` to `take` in pieces of some thousand
/// bytes: what only needs hashing needs no room for all of it.
pub(crate) fn compact_in_pieces(value: &Value, take: &mut dyn FnMut(&str)) {
    let mut out = String::with_capacity(FIRST_BYTES);
    append_in_pieces(value, &mut out, take);
    take(&out);
}

/// What most payloads fit in; allocators are quick with little.
const FIRST_BYTES: usize = 1024;

/// A piece is handed on after the value that makes it this long.
const PIECE_BYTES: usize = 8192;

/// Appends the compact form of `value` to `out`, and hands `out` to `take`
/// whenever it has become a piece. What is left in it is the caller's to hand
/// on.
pub(crate) fn append_in_pieces(value: &Value, out: &mut String, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                append_in_pieces(item, out, take);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (at, (name, member)) in object.iter().enumerate() {
                write_name(at, name, out);
                append_in_pieces(member, out, take);
            }
            out.push('}');
        }
        scalar => append_compact(scalar, out),
    }
    if out.len() >= PIECE_BYTES {
        take(out);
        out.clear();
    }
}

/// Whether the compact form of `value` has at most `bytes_max` bytes.
pub(crate) fn compact_size_within(value: &Value, bytes_max: usize) -> bool {
    to_compact(value).len() <= bytes_max
}

/// Appends the compact form of `value`.
pub(crate) fn append_compact(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(*number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                append_compact(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (at, (name, member)) in object.iter().enumerate() {
                write_name(at, name, out);
                append_compact(member, out);
            }
            out.push('}');
        }
    }
}

fn write_jcs(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_jcs(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (at, (name, member)) in sorted(object).into_iter().enumerate() {
                write_name(at, name, out);
                write_jcs(member, out);
            }
            out.push('}');
        }
        scalar => append_compact(scalar, out),
    }
}

fn sorted<'a>(object: &'a Object<'a>) -> Vec<(&'a str, &'a Value<'a>)> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
    members
}

/// Order by UTF-16 code units, as ECMAScript sorts strings. Differs from byte
/// order only where one text has a character beyond U+FFFF.
pub(crate) fn utf16_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

fn write_pretty(value: &Value, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("  "));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_pretty(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(object) if !object.is_empty() => {
            out.push('{');
            for (at, (name, member)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_string(name, out);
                out.push_str(": ");
                write_pretty(member, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        flat => append_compact(flat, out),
    }
}

fn write_name(at: usize, name: &str, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
    write_string(name, out);
    out.push(':');
}

fn write_number(number: Number, out: &mut String) {
    match number.as_i64() {
        Some(integer) => write_integer(integer, out),
        None => out.push_str(ryu_js::Buffer::new().format_finite(number.as_f64())),
    }
}

fn write_integer(integer: i64, out: &mut String) {
    if integer < 0 {
        out.push('-');
    }
    let mut digits = [0_u8; 20];
    let mut from = digits.len();
    let mut rest = integer.unsigned_abs();
    loop {
        from -= 1;
        digits[from] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits[from..].iter().for_each(|digit| out.push(char::from(*digit)));
}

fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Whether any byte is to be escaped. Most texts hold none, and blocks without
/// a way out let the compiler look at all their bytes at once.
fn holds_escaped(bytes: &[u8]) -> bool {
    fn block<const N: usize>(block: &[u8; N]) -> bool {
        block.iter().fold(false, |found, byte| found | is_escaped(*byte))
    }
    // The last block overlaps the one before it.
    if let Some(last) = bytes.last_chunk::<16>() {
        return bytes.as_chunks::<16>().0.iter().any(block) || block(last);
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        return bytes.first_chunk::<8>().is_some_and(block) || block(last);
    }
    bytes.iter().any(|byte| is_escaped(*byte))
}

/// Appends a text in quotes.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    write_escaped(text, out);
    out.push('"');
}

/// Appends what stands between the quotes of a text. Escapes only what
/// ECMAScript escapes: quote, backslash and U+0000 to U+001F.
pub(crate) fn write_escaped(text: &str, out: &mut String) {
    if !holds_escaped(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !is_escaped(byte) {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x09 => out.push_str("\\t"),
            0x0a => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            0x0d => out.push_str("\\r"),
            control => {
                out.push_str("\\u00");
                for nibble in [control >> 4, control & 15] {
                    // A nibble is below 16, so it is always a hex digit.
                    out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
                }
            }
        }
    }
    out.push_str(&text[plain_from..]);
}
