//! Entry bundles: the entries below one level-0 tile. Reached as
//! `tile::encode_bundle` and `tile::decode_bundle`.
//!
//! Bytes: for each entry a big-endian 16-bit length, then the entry.

use super::{ENTRY_MAX, TILE_WIDTH, TileError};

const LENGTH_BYTES: usize = 2;

/// Longest bundle of so many entries.
#[must_use]
pub const fn bundle_bytes_max(count: usize) -> usize {
    count * (LENGTH_BYTES + ENTRY_MAX)
}

/// The bundle of 1 to 256 entries.
///
/// # Errors
/// No entries or more than 256, or an entry above 65,535 bytes.
pub fn encode_bundle(entries: &[&[u8]]) -> Result<Vec<u8>, TileError> {
    check_count(entries.len())?;
    let length = entries.iter().map(|entry| LENGTH_BYTES + entry.len()).sum();
    let mut bytes = Vec::with_capacity(length);
    for entry in entries {
        push_entry(&mut bytes, entry)?;
    }
    Ok(bytes)
}

/// Adds one entry to a bundle that grows; its maker counts them.
///
/// # Errors
/// An entry above 65,535 bytes.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLarge { got: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Reads a bundle of exactly `count` entries, which the checkpoint implies.
///
/// # Errors
/// A count outside 1..=256, fewer bytes than the lengths say, or bytes after
/// the last entry.
pub fn decode_bundle(bytes: &[u8], count: usize) -> Result<Vec<Vec<u8>>, TileError> {
    check_count(count)?;
    let mut entries = Vec::with_capacity(count);
    let mut rest = bytes;
    for at in 0..count {
        let truncated = TileError::BundleTruncated { at, want: count };
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(truncated.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(truncated)?;
        entries.push(entry.to_vec());
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::BundleTrailing { extra: rest.len() }) }
}

fn check_count(count: usize) -> Result<(), TileError> {
    if (1..=TILE_WIDTH).contains(&count) { Ok(()) } else { Err(TileError::BundleCount { got: count }) }
}

const _: () = assert!(ENTRY_MAX == u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_round_trip_at_every_edge() {
        let largest = vec![7; ENTRY_MAX];
        let entries: [&[u8]; 3] = [b"", b"a", &largest];
        let bytes = encode_bundle(&entries).unwrap();
        assert_eq!(&bytes[..5], [0, 0, 0, 1, b'a']);
        assert_eq!(decode_bundle(&bytes, 3).unwrap(), entries);
    }

    #[test]
    fn refuses_what_does_not_fit_the_count() {
        let bytes = encode_bundle(&[b"one", b"two"]).unwrap();
        assert_eq!(decode_bundle(&bytes, 1), Err(TileError::BundleTrailing { extra: 5 }));
        assert_eq!(decode_bundle(&bytes, 3), Err(TileError::BundleTruncated { at: 2, want: 3 }));
        assert_eq!(decode_bundle(&bytes[..9], 2), Err(TileError::BundleTruncated { at: 1, want: 2 }));
        assert_eq!(decode_bundle(&bytes[..6], 2), Err(TileError::BundleTruncated { at: 1, want: 2 }));
        assert_eq!(decode_bundle(&bytes, 0), Err(TileError::BundleCount { got: 0 }));
        assert_eq!(decode_bundle(&bytes, 257), Err(TileError::BundleCount { got: 257 }));
        let too_large = vec![0; ENTRY_MAX + 1];
        assert_eq!(encode_bundle(&[&too_large]), Err(TileError::EntryTooLarge { got: 65_536 }));
        assert_eq!(encode_bundle(&[]), Err(TileError::BundleCount { got: 0 }));
    }
}
