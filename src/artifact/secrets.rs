//! Tokens must never reach a public log (model 3, "Secrets").
//!
//! A compact JWS is three base64url parts joined by dots, the first of which
//! decodes to a JSON object with `alg`. It is looked for inside every text and
//! every member name, wherever it starts: `Bearer eyJ…`, `jwt_eyJ…`. A header
//! that begins with white space, and a JWE (five parts), count as well. The
//! third part may be empty: an unsigned token is still somebody's claims.

use crate::artifact::digest::{b64u_value, sha256, to_hex};
use crate::artifact::json::Value;

/// Shortest header: `{"alg":""}` is ten bytes, 14 characters.
const HEADER_CHARS_MIN: usize = 14;
/// Longest run before a dot that is decoded; certificate chains fit.
const HEADER_CHARS_MAX: usize = 32 * 1024;
/// Attempts to read a header in one run. Text crafted to need more is treated
/// as a token: the search stays linear and fails closed.
const HEADER_ATTEMPTS_MAX: usize = 512;

/// Whether `text` contains a compact JWS.
pub fn holds_token(text: &str) -> bool {
    find_token(text, 0).is_some()
}

/// Where in `value` a compact JWS stands, as a path that does not repeat it.
/// `compact` is the compact form of `value`: nothing in a JWS is ever escaped,
/// so a scan over it finds the common case, no token, without walking.
pub(crate) fn find_in(value: &Value, compact: &str) -> Option<String> {
    find_token(compact, 0)?;
    let mut path = String::new();
    // A match in the compact form alone would be an escape letter joined to a
    // run (`\neyJ…`): the walk over the decoded texts finds the same token.
    walk(value, &mut path).then_some(path)
}

fn walk(value: &Value, path: &mut String) -> bool {
    let depth = path.len();
    let found = match value {
        Value::String(text) => holds_token(text),
        Value::Array(items) => items.iter().enumerate().any(|(at, item)| {
            path.truncate(depth);
            path.push_str(&format!("[{at}]"));
            walk(item, path)
        }),
        Value::Object(object) => object.iter().any(|(name, member)| {
            path.truncate(depth);
            if depth > 0 {
                path.push('.');
            }
            path.push_str(&super::shape::echo(name));
            holds_token(name) || walk(member, path)
        }),
        _ => false,
    };
    if !found {
        path.truncate(depth);
    }
    found
}

/// Replaces every token in the texts of `value` by `sha256:<hex>` and returns
/// the paths. Member names are left alone: a token there refuses.
pub(crate) fn redact(value: &mut Value) -> Vec<String> {
    let mut paths = Vec::new();
    redact_at(value, String::new(), &mut paths);
    paths
}

fn redact_at(value: &mut Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if let Some(clean) = redacted(text) {
                *text = clean;
                paths.push(path);
            }
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().for_each(|(at, item)| redact_at(item, format!("{path}[{at}]"), paths));
        }
        Value::Object(object) => {
            for (name, member) in object.members_mut() {
                let dot = if path.is_empty() { "" } else { "." };
                redact_at(member, format!("{path}{dot}{}", super::shape::echo(name)), paths);
            }
        }
        _ => {}
    }
}

fn redacted(text: &str) -> Option<String> {
    let mut found = find_token(text, 0)?;
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    loop {
        out.push_str(&text[from..found.start]);
        out.push_str("sha256:");
        out.push_str(&to_hex(&sha256(text[found.clone()].as_bytes())));
        from = found.end;
        match find_token(text, from) {
            Some(next) => found = next,
            None => break,
        }
    }
    out.push_str(&text[from..]);
    Some(out)
}

/// Byte range of the first token at or after `from`. All its bytes are ASCII.
fn find_token(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    // Dots are rare, and a token has two with nothing but a run between them.
    for at in memchr::memchr_iter(b'.', &bytes[from..]).map(|at| from + at) {
        let payload_to = run_end(bytes, at + 1);
        if bytes.get(payload_to) != Some(&b'.') {
            continue;
        }
        let header = bytes[from..at].iter().rev().take_while(|byte| b64u_value(**byte).is_some()).count();
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
    let length = bytes[from..].iter().take_while(|byte| b64u_value(**byte).is_some()).count();
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
/// run. A run has four alignments; each is decoded once.
fn header_start(run: &[u8]) -> Option<usize> {
    let skipped = run.len().saturating_sub(HEADER_CHARS_MAX);
    let run = &run[skipped..];
    let mut attempts = 0;
    for alignment in 0..4.min(run.len()) {
        let decoded = decode(&run[alignment..]);
        if !decoded.trim_ascii_end().ends_with(b"}") {
            continue;
        }
        for (group, _) in decoded.chunks(3).enumerate().filter(|(_, chunk)| opens(chunk)) {
            attempts += 1;
            if attempts > HEADER_ATTEMPTS_MAX || is_header(&decoded[group * 3..]) {
                return Some(skipped + alignment + group * 4);
            }
        }
    }
    None
}

/// Whether a JSON object may start in the first of these three bytes.
fn opens(chunk: &[u8]) -> bool {
    match chunk.trim_ascii_start() {
        [] => true,
        [b'{', rest @ ..] => rest.trim_ascii_start().first().is_none_or(|byte| *byte == b'"'),
        _ => false,
    }
}

/// Reads leniently on purpose: whoever accepts the token may be lenient too.
fn is_header(bytes: &[u8]) -> bool {
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes);
    object.is_ok_and(|header| header.contains_key("alg"))
}

/// Decodes without asking for canonical trailing bits.
fn decode(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    for group in run.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(b64u_value(*byte).unwrap_or(0)));
        let bits = bits << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len().max(1)]);
    }
    out
}
