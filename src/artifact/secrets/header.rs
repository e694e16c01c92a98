//! The header of a token: a JSON object with `alg` that ends with a run of
//! base64url characters, wherever in the run it begins (FORMATS 4.3).
//!
//! Many places of a run may look like the beginning. All would have to end at
//! the same brace, so one pass tells which of them do, and only those are read:
//! text made to look like many headers costs what any other of its length does.

use crate::text::base64url;

/// Attempts to read a header in one run. Text crafted to need more is treated
/// as a token: the search fails closed.
const HEADER_ATTEMPTS_MAX: usize = 512;

/// A header that ends with the characters it was looked for in.
pub(super) struct Header<T> {
    pub(super) start: usize,
    pub(super) algorithm: Option<String>,
    /// What the caller said of it; `None` when attempts ran out.
    pub(super) accepted: Option<T>,
}

/// The first header whose start the caller accepts. A run has four alignments;
/// each is decoded once.
pub(super) fn header<T>(run: &[u8], accept: &mut dyn FnMut(usize) -> Option<T>) -> Option<Header<T>> {
    let mut attempts = 0;
    for alignment in 0..4.min(run.len()) {
        let decoded = decode(&run[alignment..]);
        if !decoded.trim_ascii_end().ends_with(b"}") {
            continue;
        }
        let mut objects = Objects::of(&decoded);
        for (group, _) in decoded.chunks(3).enumerate().filter(|(_, chunk)| opens(chunk)) {
            let start = alignment + group * 4;
            attempts += 1;
            if attempts > HEADER_ATTEMPTS_MAX {
                return Some(Header { start, algorithm: None, accepted: None });
            }
            if let Some(algorithm) = objects.algorithm(group * 3)
                && let Some(accepted) = accept(start)
            {
                return Some(Header { start, algorithm, accepted: Some(accepted) });
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

/// Where objects begin that end with the text.
struct Objects<'a> {
    text: &'a [u8],
    /// Their places, and which of them have an `alg`; rarely more than one.
    last: Vec<(usize, Option<Algorithm>)>,
    /// The first byte that is no white space of JSON, from where it was last asked.
    shown: usize,
}

/// The `alg` of a header, if it is a text.
type Algorithm = Option<String>;

impl<'a> Objects<'a> {
    fn of(text: &'a [u8]) -> Self {
        let places = closing(text).0;
        let last = places.into_iter().map(|place| (place, algorithm(&text[place..]))).collect();
        Self { text, last, shown: 0 }
    }

    /// The `alg` of the object that all from `from` on is, white space around
    /// it aside. Asked for places in order, all answers together cost one pass.
    fn algorithm(&mut self, from: usize) -> Option<Algorithm> {
        if self.shown < from {
            self.shown = from;
        }
        let blank = self.text[self.shown..].iter().take_while(|byte| is_blank(**byte)).count();
        self.shown += blank;
        self.last.iter().find(|(place, _)| *place == self.shown)?.1.clone()
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Where objects may begin whose brace is closed by the last one, and the bytes
/// that were looked at for it.
///
/// A brace inside a text of one reading is none of that reading, and may be one
/// of another that begins there. While two readings go on beside each other,
/// each is inside a text where the other is outside, since a backslash ends the
/// one that is outside; so there is never a third, and the cost is twice the
/// length at most.
fn closing(text: &[u8]) -> (Vec<usize>, usize) {
    let Some(end) = text.iter().rposition(|byte| !is_blank(*byte)).filter(|end| text[*end] == b'}') else {
        return (Vec::new(), text.len());
    };
    let (mut is_known, mut found, mut open, mut steps) = (vec![false; end + 1], Vec::new(), Vec::new(), 0);
    for from in memchr::memchr_iter(b'{', &text[..end]) {
        if is_known[from] {
            continue;
        }
        let (mut is_text, mut at) = (false, from);
        open.clear();
        while at <= end {
            match (is_text, text[at]) {
                (false, b'{') => {
                    is_known[at] = true;
                    open.push(at);
                }
                (false, b'}') => {
                    if let Some(place) = open.pop()
                        && at == end
                    {
                        found.push(place);
                    }
                    if open.is_empty() {
                        break;
                    }
                }
                (false, b'\\') => break,
                (true, b'\\') => at += 1,
                (_, b'"') => is_text = !is_text,
                _ => {}
            }
            at += 1;
        }
        steps += at - from;
    }
    (found, steps)
}

/// The `alg` of an object that is all of this. Reads leniently on purpose:
/// whoever accepts the token may be lenient too.
fn algorithm(bytes: &[u8]) -> Option<Algorithm> {
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes);
    object.ok()?.remove("alg").map(|algorithm| algorithm.as_str().map(str::to_owned))
}

/// Decodes without asking for canonical trailing bits.
pub(super) fn decode(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    for group in run.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(base64url::value(*byte).unwrap_or(0)));
        let bits = bits << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len().max(1)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: [&str; 18] = [
        "{",
        "}",
        "{\"",
        "\"",
        "\\",
        "\\\"",
        "[",
        "]",
        ":",
        ",",
        " ",
        "   ",
        "\n",
        "\u{c}",
        "{\"alg\":0}",
        "\"alg\":\"a\"",
        "{\"a\":",
        "x",
    ];

    /// As FORMATS 4.3 has it: each attempt reads the rest.
    fn by_trial(text: &[u8]) -> Vec<usize> {
        let groups = text.chunks(3).enumerate().filter(|(_, chunk)| opens(chunk)).map(|(group, _)| group * 3);
        groups.filter(|from| algorithm(&text[*from..]).is_some()).collect()
    }

    fn by_one_pass(text: &[u8]) -> Vec<usize> {
        let mut objects = Objects::of(text);
        let groups = text.chunks(3).enumerate().filter(|(_, chunk)| opens(chunk)).map(|(group, _)| group * 3);
        groups.filter(|from| objects.algorithm(*from).is_some()).collect()
    }

    #[test]
    fn one_pass_finds_the_headers_that_trying_every_place_finds() {
        let (mut seed, mut found) = (7_u64, 0);
        for case in 0..60_000 {
            let mut text = String::new();
            for _ in 0..1 + case % 13 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
            }
            for text in [text.clone(), format!("{text}{{\"alg\":0}}"), format!("  {{\"b\":[{text}],\"alg\":\"x\"}}")] {
                let headers = by_trial(text.as_bytes());
                found += headers.len();
                assert_eq!(by_one_pass(text.as_bytes()), headers, "{text:?}");
            }
        }
        assert!(found > 20_000, "{found}");
    }

    #[test]
    fn hostile_text_is_looked_at_twice_at_most() {
        let long = "[],".repeat(2_000);
        let hostile = [
            format!("{}{{\"a\":[{long}0]}}", " ".repeat(1_500)),
            format!("{}{long}0{}", "{\"a\":[".repeat(2_000), "]}".repeat(2_000)),
            format!("{}{}", "{\"{\"".repeat(2_000), "}".repeat(4_000)),
            format!("{}}}", "{\"a{\\\"".repeat(3_000)),
            "{\"".repeat(6_000) + "}",
            "{\"a\":\"{\"}".repeat(2_000),
        ];
        for text in hostile {
            let (places, steps) = closing(text.as_bytes());
            assert!(steps <= 2 * text.len() + 2 && places.len() <= 2, "{steps} of {}, {}", text.len(), places.len());
        }
    }
}
