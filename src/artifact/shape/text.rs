use super::Broken;
use crate::artifact::spelling::is_spelled;
use crate::artifact::time;
use crate::text::base64url;
use crate::text::unseen::UNSEEN;

/// Longest DID in bytes; a did:key of Ed25519 has 56.
pub const DID_BYTES_MAX: usize = 256;
/// Longest id that people or services choose, bytes.
const ID_BYTES_MAX: usize = 256;
/// Longest base64url text of a peer's field: a signature has 86, salts are free.
const B64U_BYTES_MAX: usize = 1024;

/// A named rule for a text. Lengths are in bytes of UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Anything of `min` to `max` bytes.
    Plain { min: usize, max: usize },
    /// An id that people or services choose, 1 to 256 bytes. What was logged
    /// before ids had one spelling is read in any, see `check_ids`.
    Id,
    /// Exactly this text.
    Word(&'static str),
    /// `did:method:id`; whether a key can be read from it is judged elsewhere.
    Did,
    /// `did:key:z…`, in form only.
    DidKey,
    /// Lowercase hex of 32 bytes.
    Hex64,
    /// 16 lowercase hex characters: a CST key id.
    Kid,
    /// 32 lowercase hex characters: 16 random bytes.
    Nonce,
    /// Canonical unpadded base64url of at least `min` characters.
    B64u { min: usize },
    /// Canonical unpadded base64url of exactly 32 bytes.
    B64u43,
    /// Canonical unpadded base64url of exactly 64 bytes.
    B64u86,
    /// RFC 3339 with a time zone, as peers write it.
    PeerTime,
    /// `YYYY-MM-DDTHH:MM:SS[.1-3 digits]Z`, no leap second.
    Time,
    /// A DNS-1123 subdomain, exact: no globs.
    Dns1123,
    /// `[a-z0-9._-]{1,64}`: a submitter's name.
    Submitter,
    /// A log's origin: visible characters without `+`, 1 to 255.
    Origin,
    /// Decimal digits, 1 to 32.
    Digits,
    /// `eip155:<chain>:0x<40 hex>`.
    Eip155,
    /// A relative path without `..` segments, 1 to 1024 bytes.
    RelativePath,
}

impl Text {
    /// Checks one text. Linear.
    pub(super) fn check(self, text: &str) -> Result<(), Broken> {
        let ok = |good: bool| {
            if good { Ok(()) } else { Err(Broken::InvalidValue) }
        };
        match self {
            Self::Plain { min, max } => ok((min..=max).contains(&text.len())),
            Self::Id => ok((1..=ID_BYTES_MAX).contains(&text.len())),
            Self::Word(word) => ok(text == word),
            Self::Did => ok(is_did(text)),
            Self::DidKey => ok(is_did(text) && text.starts_with("did:key:z")),
            Self::Hex64 => ok(is_hex(text, 64)),
            Self::Kid => ok(is_hex(text, 16)),
            Self::Nonce => ok(is_hex(text, 32)),
            Self::B64u { min } => check_b64u(text, min, B64U_BYTES_MAX),
            Self::B64u43 => check_b64u(text, 43, 43),
            Self::B64u86 => check_b64u(text, 86, 86),
            Self::PeerTime => ok(time::unix_ms(text).is_some()),
            Self::Time => ok(time::is_ours(text)),
            Self::Dns1123 => ok(is_dns1123(text)),
            Self::Submitter => ok(is_submitter(text)),
            Self::Origin => {
                ok((1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'+'))
            }
            Self::Digits => ok((1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())),
            Self::Eip155 => ok(is_eip155(text)),
            Self::RelativePath => ok(is_relative_path(text)),
        }
    }

    /// Whether a text that stands in no payload, such as a flag, is one.
    pub(crate) fn is(self, text: &str) -> bool {
        self.check(text).is_ok()
    }

    /// Whether an id is in the one spelling; any other text is not asked.
    pub(super) fn check_id(self, text: &str) -> Result<(), Broken> {
        if self != Self::Id || is_spelled(text) { Ok(()) } else { Err(Broken::InvalidValue) }
    }

    /// The rule in words, for errors and schemas.
    #[must_use]
    pub fn rule(self) -> String {
        match self {
            Self::Plain { min: 0, max } => format!("must be text of at most {max} bytes"),
            Self::Plain { min, max } => format!("must be text of {min} to {max} bytes"),
            Self::Word(word) => format!("must be {word}"),
            Self::B64u { min } => {
                format!("must be canonical unpadded base64url of {min} to {B64U_BYTES_MAX} characters")
            }
            fixed => fixed.fixed_rule().to_owned(),
        }
    }

    fn fixed_rule(self) -> &'static str {
        match self {
            Self::Plain { .. } | Self::Word(_) | Self::B64u { .. } => "must be text",
            Self::Id => {
                "must be an id of 1 to 256 bytes, without a blank at either end or a character that nobody sees"
            }
            Self::Did => "must be a DID",
            Self::DidKey => "must be a did:key",
            Self::Hex64 => "must be 64 lowercase hex characters",
            Self::Kid => "must be 16 lowercase hex characters",
            Self::Nonce => "must be 32 lowercase hex characters",
            Self::B64u43 => "must be canonical unpadded base64url of 32 bytes (43 characters)",
            Self::B64u86 => "must be canonical unpadded base64url of 64 bytes (86 characters)",
            Self::PeerTime => "must be an RFC 3339 date-time with a time zone",
            Self::Time => "must be a UTC time YYYY-MM-DDTHH:MM:SS[.mmm]Z without leap second",
            Self::Dns1123 => "must be an exact DNS-1123 name, without globs",
            Self::Submitter => "must be 1 to 64 of a-z, 0-9, '.', '_', '-'",
            Self::Origin => "must be 1 to 255 visible ASCII characters without '+'",
            Self::Digits => "must be 1 to 32 decimal digits",
            Self::Eip155 => "must be eip155:<chain>:0x<40 hex characters>",
            Self::RelativePath => "must be a relative path of 1 to 1024 bytes, without backslash or '..' segment",
        }
    }

    /// The rule as an ECMA-262 pattern, when it is one.
    pub(super) fn pattern(self) -> Option<String> {
        Some(match self {
            Self::Plain { .. } | Self::Word(_) | Self::PeerTime => return None,
            Self::Id => id_pattern(),
            Self::Did => r"^did:[a-z0-9]+:[A-Za-z0-9._%:-]+$".to_owned(),
            Self::DidKey => r"^did:key:z[A-Za-z0-9._%:-]+$".to_owned(),
            Self::Hex64 => "^[0-9a-f]{64}$".to_owned(),
            Self::Kid => "^[0-9a-f]{16}$".to_owned(),
            Self::Nonce => "^[0-9a-f]{32}$".to_owned(),
            Self::B64u { min } => format!("^[A-Za-z0-9_-]{{{min},{B64U_BYTES_MAX}}}$"),
            Self::B64u43 => "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$".to_owned(),
            Self::B64u86 => "^[A-Za-z0-9_-]{85}[AQgw]$".to_owned(),
            Self::Time => {
                r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?Z$"
                    .to_owned()
            }
            Self::Dns1123 => {
                r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$".to_owned()
            }
            Self::Submitter => r"^[a-z0-9._-]{1,64}$".to_owned(),
            Self::Origin => r"^[!-*,-~]{1,255}$".to_owned(),
            Self::Digits => "^[0-9]{1,32}$".to_owned(),
            Self::Eip155 => "^eip155:[0-9]+:0x[0-9a-fA-F]{40}$".to_owned(),
            Self::RelativePath => r"^(?![/~])(?!(.*/)?\.\.(/|$))[^\\]{1,1024}$".to_owned(),
        })
    }

    /// Least and greatest length, for rules that have no pattern of their own.
    pub(super) fn lengths(self) -> Option<(usize, usize)> {
        match self {
            Self::Plain { min, max } => Some((min, max)),
            Self::Id => Some((1, ID_BYTES_MAX)),
            Self::Did | Self::DidKey => Some((7, DID_BYTES_MAX)),
            Self::Dns1123 => Some((1, 253)),
            Self::PeerTime => Some((20, time::PEER_TIME_BYTES_MAX)),
            _ => None,
        }
    }
}

/// Characters beyond the first plane have no portable spelling in a pattern:
/// admission alone refuses those.
fn id_pattern() -> String {
    let first_plane = UNSEEN.iter().filter(|(first, _)| u32::from(*first) <= 0xffff);
    let ranges = first_plane.map(|(first, last)| format!(r"\u{:04x}-\u{:04x}", u32::from(*first), u32::from(*last)));
    let unseen: String = ranges.collect();
    format!("^(?! )[^{unseen}]+(?<! )$")
}

fn check_b64u(text: &str, min: usize, max: usize) -> Result<(), Broken> {
    // Without stopping early, so that it runs in wide instructions.
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_');
    let alphabet = text.bytes().fold(true, |all, byte| all & in_alphabet(byte));
    if !alphabet || text.len() < min || text.len() > max {
        return Err(Broken::InvalidValue);
    }
    if base64url::is_canonical(text) { Ok(()) } else { Err(Broken::NonCanonicalBase64url) }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_did(text: &str) -> bool {
    let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let id_bytes = |byte: u8| byte.is_ascii_alphanumeric() || b"._%-:".contains(&byte);
    text.len() <= DID_BYTES_MAX
        && !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && !id.is_empty()
        && id.bytes().all(id_bytes)
}

fn is_dns1123(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let label = |label: &[u8]| {
        label.len() <= 63
            && edge(label.first())
            && edge(label.last())
            && label.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    text.len() <= 253 && text.as_bytes().split(|byte| *byte == b'.').all(label)
}

fn is_submitter(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_eip155(text: &str) -> bool {
    let Some((chain, address)) = text.strip_prefix("eip155:").and_then(|rest| rest.split_once(":0x")) else {
        return false;
    };
    !chain.is_empty()
        && chain.len() <= 32
        && chain.bytes().all(|byte| byte.is_ascii_digit())
        && address.len() == 40
        && address.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_relative_path(text: &str) -> bool {
    (1..=1024).contains(&text.len())
        && !text.starts_with(['/', '~'])
        && !text.contains('\\')
        && text.split('/').all(|segment| segment != "..")
}
