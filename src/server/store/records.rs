//! RocksDB's own logs (the write-ahead logs and the MANIFEST), looked at before
//! RocksDB opens them: it reads a record of a recycled file in one that is not
//! recycled again and again, and never comes back. This program writes no such
//! record, nor many other types, so whatever bears one is damaged, and a start
//! that would hang says so instead.
//!
//! Only the headers are judged here. Checksums and the rest are RocksDB's, and a
//! tail that is torn or blank is what a power cut leaves.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::StoreError;

/// Records never cross blocks of this size.
const BLOCK_BYTES: usize = 32 << 10;
/// Checksum (4), length (2, little-endian), type (1).
const HEADER_BYTES: usize = 7;
/// Of a blank tail.
const BLANK: u8 = 0;
/// What is written: a record in one piece, and the first, a middle and the last
/// piece of one.
const WRITTEN: std::ops::RangeInclusive<u8> = 1..=4;
/// Of recycled files: RocksDB's reader spins on them.
const RECYCLED: [u8; 6] = [5, 6, 7, 8, 11, 131];
/// More than the name of a MANIFEST takes.
const CURRENT_BYTES_MAX: u64 = 64;

/// Walks the headers of every log in `dir`, block by block.
///
/// # Errors
/// [`StoreError::Record`] names the file and the place; [`StoreError::Current`]
/// when nothing says which MANIFEST counts. What cannot be read here is met
/// again, and named, when the store is opened.
pub fn check(dir: &Path) -> Result<(), StoreError> {
    let names = names(dir);
    match manifest(dir) {
        Some(manifest) => check_file(dir, &manifest)?,
        // A first start that was interrupted has no table yet.
        None if has_tables(&names) && !dir.join("CURRENT").exists() => return Err(StoreError::Current),
        None => {}
    }
    names.iter().filter(|name| name.ends_with(".log")).try_for_each(|name| check_file(dir, name))
}

/// Whether a store was written in `dir`, with or without the file that says where it begins.
#[must_use]
pub fn is_store(dir: &Path) -> bool {
    dir.join("CURRENT").exists() || has_tables(&names(dir))
}

/// What lies in `dir`; nothing where it cannot be read.
fn names(dir: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = files.flatten().filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn has_tables(names: &[String]) -> bool {
    names.iter().any(|name| name.ends_with(".sst"))
}

fn manifest(dir: &Path) -> Option<String> {
    let mut name = String::new();
    File::open(dir.join("CURRENT")).ok()?.take(CURRENT_BYTES_MAX).read_to_string(&mut name).ok()?;
    let number = name.trim_end().strip_prefix("MANIFEST-")?;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| name.trim_end().to_owned())
}

fn check_file(dir: &Path, name: &str) -> Result<(), StoreError> {
    let Ok(mut file) = File::open(dir.join(name)) else { return Ok(()) };
    let mut block = vec![0; BLOCK_BYTES];
    let mut start = 0_u64;
    loop {
        let Ok(filled) = fill(&mut file, &mut block) else { return Ok(()) };
        if let Some((at, kind)) = foreign(&block[..filled]) {
            return Err(StoreError::Record { file: name.to_owned(), offset: start + at as u64, kind });
        }
        if filled < BLOCK_BYTES {
            return Ok(());
        }
        start += filled as u64;
    }
}

/// Reads a block, or what is left.
fn fill(file: &mut File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Where the first record of a type stands that is never written, and the type.
fn foreign(block: &[u8]) -> Option<(usize, u8)> {
    let mut at = 0;
    while let Some(&[_, _, _, _, low, high, kind]) = block.get(at..).and_then(<[u8]>::first_chunk::<HEADER_BYTES>) {
        let end = at + HEADER_BYTES + usize::from(u16::from_le_bytes([low, high]));
        if kind == BLANK {
            return None;
        }
        // The end of a file may be torn anywhere, but for RocksDB to end there
        // it must not be told of a recycled one.
        let is_torn = end > block.len() && block.len() < BLOCK_BYTES;
        if RECYCLED.contains(&kind) || (!WRITTEN.contains(&kind) && !is_torn) {
            return Some((at, kind));
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, bytes: u16) -> Vec<u8> {
        let [low, high] = bytes.to_le_bytes();
        [vec![9, 9, 9, 9, low, high, kind], vec![0xee; usize::from(bytes)]].concat()
    }

    #[test]
    fn a_record_of_a_foreign_type_is_found_where_it_stands() {
        for kind in 1..=4 {
            assert_eq!(foreign(&[record(1, 20), record(kind, 9)].concat()), None);
        }
        for kind in 5..=255 {
            assert_eq!(foreign(&[record(1, 20), record(kind, 9)].concat()), Some((27, kind)));
        }
    }

    #[test]
    fn a_tail_that_is_torn_or_blank_is_none() {
        let whole = [record(2, 40), record(4, 7)].concat();
        (0..whole.len()).for_each(|cut| assert_eq!(foreign(&whole[..cut]), None));
        assert_eq!(foreign(&[whole.clone(), vec![0; 900]].concat()), None);
        assert_eq!(foreign(&[whole.clone(), record(99, 900)[..500].to_vec()].concat()), None);
        assert_eq!(foreign(&[whole, record(7, 900)[..500].to_vec()].concat()), Some((61, 7)));
    }
}
