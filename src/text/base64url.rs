//! Unpadded base64url (RFC 4648 5), as peers write it. A text is read when it
//! is the one spelling of its bytes.

use base64ct::{Base64UrlUnpadded, Encoding as _};

/// The spelling of any bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Exactly `N` bytes; the decoder refuses bits that are left over.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let decoded = Base64UrlUnpadded::decode(text, &mut out).ok()?;
    (decoded.len() == N).then_some(out)
}

/// Any number of bytes.
#[must_use]
pub fn decode_all(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// The six bits of a character.
#[must_use]
pub const fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// Whether a text in the right alphabet is the one spelling of its bytes: a
/// possible length, and no bits left over in the last character. Costs nothing
/// for long texts, unlike decoding.
#[must_use]
pub fn is_canonical(text: &str) -> bool {
    let last = text.bytes().last().and_then(value).unwrap_or(0);
    match text.len() % 4 {
        1 => false,
        2 => last & 0x0f == 0,
        3 => last & 0x03 == 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of up to three characters over a sample of the alphabet and
    /// its neighbours: read exactly when it is what would be written.
    #[test]
    fn reads_only_what_it_writes() {
        let characters: Vec<char> = "AQgwBZaz09-_+/= \n".chars().collect();
        let mut texts = vec![String::new()];
        for length in 1..=4 {
            let shorter: Vec<String> =
                texts.iter().filter(|text| text.chars().count() == length - 1).cloned().collect();
            texts.extend(shorter.iter().flat_map(|text| characters.iter().map(move |c| format!("{text}{c}"))));
        }
        for text in texts {
            let is_spelling = decode_all(&text).is_some_and(|bytes| encode(&bytes) == text);
            assert_eq!(decode_all(&text).is_some(), is_spelling, "{text:?}");
            let in_alphabet = text.bytes().all(|byte| value(byte).is_some());
            assert_eq!(in_alphabet && is_canonical(&text), is_spelling, "{text:?}");
        }
    }
}
