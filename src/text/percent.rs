//! Percent-encoding (RFC 3986 2).

/// Everything but unreserved characters (RFC 3986 2.3) as `%XX`.
#[must_use]
pub fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// One segment of a path. A name of dots alone is encoded too: a reader would
/// walk `.` and `..` up the path.
#[must_use]
pub fn segment(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'.') { text.replace('.', "%2E") } else { encode(text) }
}

/// A value of a query, where `+` is a blank; `None` when it is not the
/// encoding of UTF-8.
#[must_use]
pub fn decode_query(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            b'+' => b' ',
            plain => plain,
        });
    }
    String::from_utf8(out).ok()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_all_but_the_unreserved_and_reads_either_case() {
        assert_eq!(encode("a-._~/b ü%"), "a-._~%2Fb%20%C3%BC%25");
        assert_eq!((segment("..").as_str(), segment("a..").as_str()), ("%2E%2E", "a.."));
        assert_eq!(decode_query("a%2fb+c%20%C3%bc").as_deref(), Some("a/b c ü"));
        for bad in ["%", "%4", "%zz", "%ff", "a%c3"] {
            assert_eq!(decode_query(bad), None, "{bad}");
        }
    }
}
