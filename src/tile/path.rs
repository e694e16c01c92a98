//! The path text of tiles and entry bundles. Reached as `tile::TilePath`.

use std::fmt;

use super::{TILE_LEVEL_MAX, TILE_WIDTH, TileError, TileId};

/// What the part of a URL path after `tile/` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `<L>/<N>[.p/<W>]`
    Hashes {
        tile: TileId,
        /// 1..=256, where 256 is the full tile and has no suffix.
        width: u16,
    },
    /// `entries/<N>[.p/<W>]`
    Entries {
        index: u64,
        /// 1..=256, where 256 is the full bundle and has no suffix.
        width: u16,
    },
}

/// The width that has no suffix.
const FULL: u16 = TILE_WIDTH as u16;

/// Longest path there is: `entries/` or `63/`, seven groups `x000/`, a
/// partial suffix. Longer text is refused unread.
const PATH_BYTES_MAX: usize = 64;

impl TilePath {
    /// Reads the part after `tile/`.
    ///
    /// # Errors
    /// Anything that [`TilePath`] would not print exactly so: a level above
    /// 63, a width outside 1..=255 in a partial path, leading zeros, groups
    /// that are not three digits, missing or superfluous groups, anything
    /// before or after.
    pub fn parse(text: &str) -> Result<Self, TileError> {
        if text.len() > PATH_BYTES_MAX {
            return Err(refused("it is too long"));
        }
        let (head, rest) = text.split_once('/').ok_or(refused("level and number must be parted by a slash"))?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, parse_small(width, 1, FULL - 1, "width must be 1 to 255")?),
            None => (rest, FULL),
        };
        let index = parse_number(number)?;
        let path = if head == "entries" {
            Self::Entries { index, width }
        } else {
            let level = parse_small(head, 0, u16::from(TILE_LEVEL_MAX), "level must be 0 to 63")?;
            // At most 63 by the line above.
            Self::Hashes { tile: TileId { level: level as u8, index }, width }
        };
        // The one rule that covers what the checks above may have let pass,
        // such as leading groups of zeros.
        if path.to_string() == text { Ok(path) } else { Err(refused("it is not the shortest spelling")) }
    }
}

fn refused(rule: &'static str) -> TileError {
    TileError::Path { rule }
}

fn parse_small(text: &str, least: u16, most: u16, rule: &'static str) -> Result<u16, TileError> {
    let plain = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse::<u16>().ok().filter(|_| plain);
    value.filter(|value| (least..=most).contains(value)).ok_or(refused(rule))
}

/// `x001/x234/067` is 1234067.
fn parse_number(text: &str) -> Result<u64, TileError> {
    let mut number: u64 = 0;
    let mut groups = text.split('/').peekable();
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let digits = if is_last { Some(group) } else { group.strip_prefix('x') };
        let digits = digits.ok_or(refused("every group but the last must begin with x"))?;
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused("every group must hold three digits"));
        }
        let group: u64 = digits.parse().map_err(|_| refused("every group must hold three digits"))?;
        let shifted = number.checked_mul(1000).and_then(|number| number.checked_add(group));
        number = shifted.ok_or(refused("number must be below 2^64"))?;
    }
    Ok(number)
}

impl fmt::Display for TilePath {
    /// Prints the part after `tile/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match *self {
            Self::Hashes { tile, width } => {
                write!(f, "{}/", tile.level)?;
                (tile.index, width)
            }
            Self::Entries { index, width } => {
                f.write_str("entries/")?;
                (index, width)
            }
        };
        write_number(f, index)?;
        if width == FULL { Ok(()) } else { write!(f, ".p/{width}") }
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let mut groups = vec![index % 1000];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    for group in groups.iter().skip(1).rev() {
        write!(f, "x{group:03}/")?;
    }
    write!(f, "{:03}", groups[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_paths_print_back() {
        let full = |level, index| TilePath::Hashes { tile: TileId { level, index }, width: FULL };
        let table = [
            ("0/000", full(0, 0)),
            ("0/x001/x234/067", full(0, 1_234_067)),
            ("63/x018/x446/x744/x073/x709/x551/615", full(63, u64::MAX)),
            ("1/000.p/17", TilePath::Hashes { tile: TileId { level: 1, index: 0 }, width: 17 }),
            ("entries/000.p/1", TilePath::Entries { index: 0, width: 1 }),
            ("entries/x001/000", TilePath::Entries { index: 1000, width: FULL }),
            ("0/999.p/255", TilePath::Hashes { tile: TileId { level: 0, index: 999 }, width: 255 }),
        ];
        for (text, path) in table {
            assert_eq!(TilePath::parse(text), Ok(path), "{text}");
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        let table = [
            "",
            "/",
            "0",
            "0/",
            "0/0",
            "0/00",
            "0/0000",
            "00/000",
            "01/000",
            "64/000",
            "256/000",
            "-1/000",
            "+1/000",
            "0/x000/000",
            "0/x000/001",
            "0/001/000",
            "0/x001",
            "0/x001/",
            "0/x01/000",
            "0/X001/000",
            "0/x001/x000",
            "0/000.p",
            "0/000.p/",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/+1",
            "0/000.p/1/",
            "0/000.p/1.p/1",
            "0/000/",
            "/0/000",
            "tile/0/000",
            "entries/0",
            "Entries/000",
            "entries",
            "0/x018/x446/x744/x073/x709/x551/616",
            "0/000 ",
            " 0/000",
            "0/000.p/1000",
            "0/٠٠٠",
            "0/000.P/1",
            "data/000",
            "0//000",
            "0/000?",
            "0/%30%30%30",
        ];
        for text in table {
            assert!(matches!(TilePath::parse(text), Err(TileError::Path { .. })), "{text:?}");
        }
        assert!(TilePath::parse(&"x000/".repeat(10_000)).is_err());
    }
}
