use crate::protocol::date;

/// A rule for a text. Lengths are in code points.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) enum Text {
    Length {
        min: usize,
        max: usize,
    },
    /// The alphabet of base64url, nothing more.
    B64u {
        min: usize,
    },
    /// Starts with `did:`.
    Did,
    DateTime,
    Uri,
    Digits,
    Eip155,
}

impl Text {
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Length { min: 0, max: usize::MAX } => true,
            Self::Length { min: 1, max: usize::MAX } => !text.is_empty(),
            Self::Length { min, max } => (min..=max).contains(&text.chars().count()),
            Self::B64u { min } => text.len() >= min && is_b64u(text),
            Self::Did => text.starts_with("did:"),
            Self::DateTime => date::is_date_time(text),
            Self::Uri => is_uri(text),
            Self::Digits => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Eip155 => is_eip155(text),
        }
    }
}

/// Whether `text` is not empty and of the base64url alphabet.
pub(in crate::protocol) fn is_b64u(text: &str) -> bool {
    let good = |byte: &u8| byte.is_ascii_alphanumeric() | (*byte == b'-') | (*byte == b'_');
    // Blocks without a way out let the compiler look at all their bytes at
    // once; the last one overlaps the one before it.
    let block = |block: &[u8; 16]| block.iter().fold(true, |all, byte| all & good(byte));
    match text.as_bytes().last_chunk::<16>() {
        Some(last) => block(last) && text.as_bytes().as_chunks::<16>().0.iter().all(block),
        None => !text.is_empty() && text.as_bytes().iter().all(good),
    }
}

/// An absolute URI by RFC 3986: a scheme, then only URI characters, with
/// brackets inside the authority and one fragment at most.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority_end = match rest.strip_prefix("//") {
        Some(after) => 2 + after.find(['/', '?', '#']).unwrap_or(after.len()),
        None => 0,
    };
    let bytes = rest.as_bytes();
    let mut fragments = 0;
    let mut characters = bytes.iter().enumerate();
    scheme_ok
        && characters.all(|(at, byte)| match byte {
            b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            b'[' | b']' => at < authority_end,
            b'#' => {
                fragments += 1;
                fragments == 1
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte),
        })
}

fn is_eip155(text: &str) -> bool {
    let Some((chain, address)) = text.strip_prefix("eip155:").and_then(|rest| rest.split_once(":0x")) else {
        return false;
    };
    !chain.is_empty()
        && chain.bytes().all(|byte| byte.is_ascii_digit())
        && address.len() == 40
        && address.bytes().all(|byte| byte.is_ascii_hexdigit())
}
