//! The order in which the peer sorts paths and ids: locale collation, not code
//! units. Exact for printable ASCII; other characters follow it by code point,
//! which is where a full collation table would differ.

use std::cmp::Ordering;

/// Printable ASCII below the digits and letters, in collation order.
const MARKS: &[u8] = br##" _-,;:!?.'"()[]{}@*/\&#%`^+<=>|~$"##;

/// Compares two texts: letters case-blind, shorter prefix first, then the
/// first differing case decides, lower before upper.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let primary = a.chars().map(weight).cmp(b.chars().map(weight));
    primary.then_with(|| {
        let differing = a.chars().zip(b.chars()).find(|(x, y)| x != y);
        differing
            .map_or(Ordering::Equal, |(x, _)| if x.is_ascii_lowercase() { Ordering::Less } else { Ordering::Greater })
    })
}

fn weight(c: char) -> u32 {
    let folded = c.to_ascii_lowercase();
    match u8::try_from(folded) {
        Ok(byte) if byte.is_ascii_digit() || byte.is_ascii_lowercase() => 64 + u32::from(byte),
        Ok(byte) => MARKS.iter().position(|mark| *mark == byte).map_or(256 + u32::from(byte), |at| at as u32),
        Err(_) => 256 + u32::from(folded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_a_locale_does() {
        let mut ids = ["b", "A", "a", "B", "_x", "-x", "10", "2", "a.b", "a/b", "ab", "Aa", "aA"];
        ids.sort_by(|x, y| compare(x, y));
        assert_eq!(ids, ["_x", "-x", "10", "2", "a", "A", "a.b", "a/b", "aA", "Aa", "ab", "b", "B"]);
    }
}
