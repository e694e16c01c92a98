//! A text that is looked for, and what it may be.

use crate::merkle::{Hash, LeafIndex, TreeSize};
use crate::server::index::names::{HEX_DIGITS_MIN, NAME_CHARS_MIN};
use crate::text::base64url;

/// Hex digits of a hash.
const HASH_DIGITS: usize = 64;
/// Between the ends of a name that is shown shortened.
const ELLIPSES: [&str; 2] = ["…", "..."];

/// Why beginnings are not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// Fewer than [`NAME_CHARS_MIN`] characters: nothing that begins so.
    Names,
    /// Fewer than [`HEX_DIGITS_MIN`] hex digits: names, and no hashes.
    Hashes,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As it was given, without white space around it.
    pub text: String,
    /// The hash that all of it spells: hex of either case, or as peers spell it.
    pub hash: Option<Hash>,
    /// An index.
    pub index: Option<LeafIndex>,
    /// Its beginning and end, where the middle is left out: `3fe1a9c4…c09ab2d7`.
    pub ends: Option<(String, String)>,
}

impl Asked {
    /// Reads a text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let hex = Hash::from_hex(&text.to_ascii_lowercase()).ok();
        let hash = hex.or_else(|| base64url::decode(text).map(Hash::from_bytes));
        let index = TreeSize::parse(text).ok().map(|size| LeafIndex::new(size.get()));
        let ends = ELLIPSES.into_iter().find_map(|dots| text.split_once(dots));
        let ends = ends.map(|(head, tail)| (in_case(head), in_case(tail)));
        Self { text: text.to_owned(), hash, index, ends }
    }

    /// What longer names begin with: all of it, or what stands before its gap.
    #[must_use]
    pub fn begins(&self) -> &str {
        self.ends.as_ref().map_or(&self.text, |(head, _)| head)
    }

    /// What they end with; nothing where no gap was given.
    #[must_use]
    pub fn ends(&self) -> &str {
        self.ends.as_ref().map_or("", |(_, tail)| tail)
    }

    /// The same as the beginning of a hash, when it may be one.
    #[must_use]
    pub fn hex(&self) -> Option<String> {
        let hex = self.begins().to_ascii_lowercase();
        let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit());
        (is_hex && (HEX_DIGITS_MIN..HASH_DIGITS).contains(&hex.len())).then_some(hex)
    }

    /// Whether it is long enough for the beginning of a name.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.begins().chars().take(NAME_CHARS_MIN).count() == NAME_CHARS_MIN
    }

    /// Why some beginnings are not looked for.
    #[must_use]
    pub fn short(&self) -> Option<Short> {
        let begins = self.begins();
        let may_be_hash = !begins.is_empty() && begins.bytes().all(|b| b.is_ascii_hexdigit());
        match self.is_begun() {
            false => Some(Short::Names),
            true if may_be_hash && begins.len() < HEX_DIGITS_MIN => Some(Short::Hashes),
            true => None,
        }
    }
}

/// Hex has one spelling; anything else stays as it is.
fn in_case(end: &str) -> String {
    let is_hex = end.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex { end.to_ascii_lowercase() } else { end.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_of_a_hash() {
        let hash = Hash::from_bytes([0xab; 32]);
        let b64u = base64url::encode(hash.as_bytes());
        for text in [hash.to_hex(), hash.to_hex().to_uppercase(), format!(" {} \n", hash.to_hex()), b64u] {
            assert_eq!(Asked::read(&text).hash, Some(hash), "{text}");
        }
        for text in ["ABABABAB…ABABABAB", "abababab...abababab"] {
            let asked = Asked::read(text);
            assert_eq!((asked.begins(), asked.ends()), ("abababab", "abababab"));
            assert_eq!(asked.hex().as_deref(), Some("abababab"));
        }
    }

    #[test]
    fn says_what_is_too_short_for_a_beginning() {
        for (text, short) in [
            ("", Some(Short::Names)),
            ("j", Some(Short::Names)),
            ("éé", Some(Short::Names)),
            ("job", None),
            ("abc12", Some(Short::Hashes)),
            ("abc1234", None),
            ("^job.*$", None),
        ] {
            assert_eq!(Asked::read(text).short(), short, "{text}");
        }
        assert_eq!(Asked::read("abc123").hex(), None);
        assert_eq!(Asked::read("ABC1234").hex().as_deref(), Some("abc1234"));
        assert_eq!(Asked::read(&"a".repeat(64)).hex(), None, "a whole hash begins no other");
    }
}
