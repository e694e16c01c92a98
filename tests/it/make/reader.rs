//! A reader that knows C2SP and nothing of this project: signed-note,
//! tlog-checkpoint, tlog-tiles and RFC 6962, written from the specifications.
//! It shares no code with `src/`, so a mistake there is not repeated here.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

pub type Hash = [u8; 32];

/// GETs a path below the log's prefix; `None` for anything but 200.
pub type Fetch<'a> = dyn FnMut(&str) -> Option<Vec<u8>> + 'a;

/// `name+hex8(key id)+base64(0x01 ‖ key)`, signed-note.
pub struct Vkey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Vkey {
    pub fn parse(text: &str) -> Self {
        let mut parts = text.splitn(3, '+');
        let (name, id, material) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let material = Base64::decode_vec(material).unwrap();
        assert_eq!((material.len(), material[0]), (33, 0x01), "an Ed25519 key");
        let mut named = Sha256::new();
        named.update(name);
        named.update(b"\n");
        named.update(&material);
        let derived: [u8; 4] = named.finalize()[..4].try_into().unwrap();
        let hex: String = derived.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, id, "the key id is derived from name and key");
        let key = VerifyingKey::from_bytes(material[1..].try_into().unwrap()).unwrap();
        Self { name: name.to_owned(), id: derived, key }
    }
}

/// A checkpoint whose signature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

/// Opens a note and reads the three lines of a checkpoint without extensions.
pub fn open_checkpoint(note: &[u8], vkey: &Vkey) -> Result<Seen, String> {
    let note = std::str::from_utf8(note).map_err(|e| e.to_string())?;
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err("control characters".into());
    }
    let at = note.rfind("\n\n").ok_or("no empty line")?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    let signatures = signatures.strip_suffix('\n').ok_or("no newline at the end")?;
    let mut good = false;
    for line in signatures.split('\n') {
        let rest = line.strip_prefix("\u{2014} ").ok_or("no signature line")?;
        let (name, blob) = rest.split_once(' ').ok_or("no key name")?;
        let blob = Base64::decode_vec(blob).map_err(|e| e.to_string())?;
        let (id, signature) = blob.split_at_checked(4).ok_or("a short signature")?;
        if name == vkey.name && id == vkey.id {
            let signature = Signature::from_slice(signature).map_err(|e| e.to_string())?;
            vkey.key.verify_strict(text.as_bytes(), &signature).map_err(|e| e.to_string())?;
            good = true;
        }
    }
    if !good {
        return Err("no signature of the log".into());
    }
    let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
    let [origin, size, root] = lines[..] else { return Err(format!("{} lines", lines.len())) };
    if origin != vkey.name {
        return Err(format!("origin {origin}"));
    }
    let number: u64 = size.parse().map_err(|_| "size")?;
    if number.to_string() != size {
        return Err(format!("size {size}"));
    }
    let root = Base64::decode_vec(root).map_err(|e| e.to_string())?;
    Ok(Seen { size: number, root: root.try_into().map_err(|_| "root length")? })
}

pub fn leaf(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// MTH of RFC 6962 2.1, word for word.
pub fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node(&tree_hash(&leaves[..split]), &tree_hash(&leaves[split..]))
        }
    }
}

/// Roots at growing sizes without hashing everything again: perfect subtrees
/// from left to right, two of one size become one of twice the size.
#[derive(Clone, Default)]
pub struct Growing {
    size: u64,
    subtrees: Vec<(u64, Hash)>,
}

impl Growing {
    pub fn push(&mut self, leaf: Hash) {
        self.size += 1;
        let mut last = (1, leaf);
        while let Some((width, left)) = self.subtrees.pop_if(|(width, _)| *width == last.0) {
            last = (width * 2, node(&left, &last.1));
        }
        self.subtrees.push(last);
    }

    pub fn root(&self) -> Hash {
        let mut right_to_left = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        let Some(first) = right_to_left.next() else { return tree_hash(&[]) };
        right_to_left.fold(first, |right, left| node(&left, &right))
    }
}

/// `<N>[.p/<W>]`: groups of three digits, every one but the last with an `x`.
fn index_path(n: u64, width: u64) -> String {
    let mut groups = vec![format!("{:03}", n % 1_000)];
    let mut rest = n / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    groups.reverse();
    let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
    groups.join("/") + &partial
}

pub fn hashes_path(level: u8, n: u64, width: u64) -> String {
    format!("tile/{level}/{}", index_path(n, width))
}

pub fn entries_path(n: u64, width: u64) -> String {
    format!("tile/entries/{}", index_path(n, width))
}

/// Width of tile `n` of a level in a tree of `size` leaves, 0 when it has none.
fn width(level: u8, n: u64, size: u64) -> u64 {
    let hashes = size >> (8 * u32::from(level));
    hashes.saturating_sub(n * 256).min(256)
}

/// Follows one log and believes nothing that it did not compute.
pub struct Follower {
    vkey: Vkey,
    pub leaves: Vec<Hash>,
    growing: Growing,
    /// Root of every size that had a checkpoint.
    pub roots: BTreeMap<u64, Hash>,
}

impl Follower {
    pub fn new(vkey: &str) -> Self {
        Self { vkey: Vkey::parse(vkey), leaves: Vec::new(), growing: Growing::default(), roots: BTreeMap::new() }
    }

    /// Reads the newest checkpoint and the level-0 tiles up to it, and checks
    /// that it extends everything seen before. Gives its size.
    pub fn update(&mut self, fetch: &mut Fetch<'_>) -> Result<u64, String> {
        let note = fetch("checkpoint").ok_or("no checkpoint")?;
        let seen = open_checkpoint(&note, &self.vkey)?;
        let have = self.leaves.len() as u64;
        if seen.size < have {
            return Err(format!("the log shrank from {have} to {}", seen.size));
        }
        let mut n = have / 256;
        while n * 256 < seen.size {
            let width = width(0, n, seen.size);
            let tile = hashes(fetch, 0, n, width)?;
            for (at, hash) in (n * 256..).zip(tile) {
                match self.leaves.get(at as usize) {
                    Some(known) if *known == hash => {}
                    Some(_) => return Err(format!("leaf {at} changed")),
                    None => {
                        self.leaves.push(hash);
                        self.growing.push(hash);
                    }
                }
            }
            n += 1;
        }
        // The older tree is a prefix of these leaves and its root was checked
        // then; with this root the newer checkpoint is consistent with it.
        if self.growing.root() != seen.root {
            return Err(format!("the checkpoint of size {} has another root than its tiles", seen.size));
        }
        match self.roots.insert(seen.size, seen.root) {
            Some(before) if before != seen.root => Err(format!("two roots of size {}", seen.size)),
            _ => Ok(seen.size),
        }
    }

    /// Checks checkpoints that somebody else saw against the leaves read so far.
    pub fn check_seen(&self, notes: &[Vec<u8>]) -> Result<(), String> {
        let mut wanted: BTreeMap<u64, Hash> = BTreeMap::new();
        for note in notes {
            let seen = open_checkpoint(note, &self.vkey)?;
            if wanted.insert(seen.size, seen.root).is_some_and(|r| r != seen.root) {
                return Err(format!("two checkpoints of size {}", seen.size));
            }
        }
        let mut growing = Growing::default();
        let mut leaves = self.leaves.iter();
        for (size, root) in wanted {
            while growing.size < size {
                growing.push(*leaves.next().ok_or_else(|| format!("the log lost what checkpoint {size} covers"))?);
            }
            if growing.root() != root {
                return Err(format!("the checkpoint of size {size} is not extended"));
            }
        }
        Ok(())
    }

    /// Every tile above level 0 at `size`.
    pub fn check_upper_tiles(&self, fetch: &mut Fetch<'_>, size: u64) -> Result<u64, String> {
        let mut checked = 0;
        for level in 1_u8..8 {
            let below = 1_usize << (8 * u32::from(level));
            for n in 0.. {
                let width = width(level, n, size);
                if width == 0 {
                    break;
                }
                let tile = hashes(fetch, level, n, width)?;
                for (at, hash) in (n as usize * 256..).zip(tile) {
                    if tree_hash(&self.leaves[at * below..(at + 1) * below]) != hash {
                        return Err(format!("hash {at} of level {level}"));
                    }
                }
                checked += 1;
            }
        }
        Ok(checked)
    }

    /// Every entry of `[first, size)`: hashed, and of a form that may be there.
    pub fn check_entries(&self, fetch: &mut Fetch<'_>, first: u64, size: u64) -> Result<u64, String> {
        let mut checked = 0;
        for n in first / 256..size.div_ceil(256) {
            let width = width(0, n, size);
            let path = entries_path(n, width);
            let bundle = fetch(&path).ok_or_else(|| format!("{path} is not served"))?;
            let mut rest = &bundle[..];
            for at in n * 256..n * 256 + width {
                let (length, after) = rest.split_at_checked(2).ok_or_else(|| format!("{path} ends early"))?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let (entry, after) = after.split_at_checked(length).ok_or_else(|| format!("{path} ends early"))?;
                if leaf(entry) != self.leaves[at as usize] {
                    return Err(format!("entry {at} is not what its leaf commits to"));
                }
                if !matches!(entry.first(), Some(0xa0..=0xbb)) {
                    return Err(format!("entry {at} is no CBOR map"));
                }
                rest = after;
                checked += 1;
            }
            if !rest.is_empty() {
                return Err(format!("{path} has trailing bytes"));
            }
        }
        Ok(checked)
    }

    /// Partial tiles and bundles of every size that had a checkpoint.
    pub fn check_partial_tiles(&self, fetch: &mut Fetch<'_>) -> Result<u64, String> {
        let mut checked = 0;
        for size in self.roots.keys() {
            for level in 0_u8..8 {
                let n = (size >> (8 * u32::from(level))) / 256;
                let width = width(level, n, *size);
                if width == 0 {
                    continue;
                }
                let tile = hashes(fetch, level, n, width)?;
                let below = 1_usize << (8 * u32::from(level));
                for (at, hash) in (n as usize * 256..).zip(tile) {
                    if tree_hash(&self.leaves[at * below..(at + 1) * below]) != hash {
                        return Err(format!("partial tile of level {level} at size {size}"));
                    }
                }
                checked += 1;
            }
            checked += u64::from(!size.is_multiple_of(256) && self.check_entries(fetch, *size, *size)? > 0);
        }
        Ok(checked)
    }
}

fn hashes(fetch: &mut Fetch<'_>, level: u8, n: u64, width: u64) -> Result<Vec<Hash>, String> {
    let path = hashes_path(level, n, width);
    let bytes = fetch(&path).ok_or_else(|| format!("{path} is not served"))?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.len() as u64 != width || !rest.is_empty() {
        return Err(format!("{path} holds {} bytes", bytes.len()));
    }
    Ok(hashes.to_vec())
}

#[test]
fn the_readers_two_ways_to_a_root_agree() {
    let leaves: Vec<Hash> = (0..300_u32).map(|n| leaf(&n.to_be_bytes())).collect();
    let mut growing = Growing::default();
    assert_eq!(growing.root(), tree_hash(&[]));
    for (at, leaf) in leaves.iter().enumerate() {
        growing.push(*leaf);
        assert_eq!(growing.root(), tree_hash(&leaves[..=at]), "size {}", at + 1);
    }
}

#[test]
fn the_reader_knows_the_paths_and_the_note_of_the_specification() {
    assert_eq!(hashes_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(hashes_path(3, 0, 17), "tile/3/000.p/17");
    assert_eq!(entries_path(999, 255), "tile/entries/999.p/255");
    assert_eq!((width(0, 273, 70_000), width(1, 1, 70_000), width(2, 0, 70_000)), (112, 17, 1));
    let key = Vkey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    let blob = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
    let note = |text: &str| format!("{text}\n\u{2014} example.com/foo {blob}\n");
    // The signature verifies; the text is no checkpoint.
    let signed = open_checkpoint(note("This is an example message.\n").as_bytes(), &key);
    assert_eq!(signed, Err("1 lines".to_owned()));
    assert!(open_checkpoint(note("This is an example massage.\n").as_bytes(), &key).is_err());
}

/// The reader follows a log that grows under load, over its own HTTP.
#[test]
fn a_reader_that_knows_only_c2sp_follows_the_log() {
    let served = crate::make::served::Served::start();
    let mut follower = Follower::new(&served.vkey);
    let mut fetch = |path: &str| served.get(path);
    assert_eq!(follower.update(&mut fetch), Ok(0), "a checkpoint of size 0 from the first start");
    // 70,000 would show level 2; here: partial and full tiles of level 0, and level 1.
    let batches: [u64; 9] = [1, 1, 3, 250, 1, 1, 300, 700, 43];
    let (mut next, mut tiles, mut entries) = (0, 0, 0);
    for batch in batches {
        served.submit_batch(next..next + batch);
        next += batch;
        let before = follower.leaves.len() as u64;
        let size = follower.update(&mut fetch).unwrap();
        assert_eq!(size, next);
        entries += follower.check_entries(&mut fetch, before, size).unwrap();
        tiles += follower.check_upper_tiles(&mut fetch, size).unwrap();
    }
    assert_eq!(follower.check_entries(&mut fetch, 0, next).unwrap(), next);
    assert!(entries >= next && tiles > 0);
    let partial = follower.check_partial_tiles(&mut fetch).unwrap();
    assert!(partial as usize > follower.roots.len(), "{partial} partial tiles of {:?}", follower.roots.keys());
    // Beyond the tree there is nothing, under any width.
    for path in [hashes_path(0, next / 256, 256), hashes_path(0, next / 256 + 1, 1), hashes_path(2, 0, 1)] {
        assert_eq!(fetch(&path), None, "{path}");
    }
    // Every published size again, from the log's own list of checkpoints.
    for size in follower.roots.keys() {
        let note = fetch(&format!("v1/checkpoints/{size}")).unwrap_or_else(|| panic!("checkpoint {size}"));
        follower.check_seen(&[note]).unwrap();
    }
    served.stop();
}
