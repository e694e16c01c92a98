//! Leaves, roots and paths: the vectors, sizes at the ends of 64 bits, and the
//! paths of others.

use std::path::Path;

use pulselog::merkle::{
    Hash, LeafHash, LeafIndex, RootHash, TreeSize, leaf_hash, verify_consistency, verify_inclusion,
};
use serde_json::{Value, json};

use super::verdicts::of_note;
use super::{Ask, golden, golden_json, hex, rows, text_of, unhex};
use crate::make::shared;

fn hash(hex: &str) -> Hash {
    Hash::from_bytes(unhex(hex).try_into().expect("32 bytes"))
}

fn hashes(list: &Value) -> Vec<Hash> {
    rows(list).iter().map(|one| hash(one.as_str().expect("hex"))).collect()
}

fn hexes(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| hash.to_hex()).collect()
}

fn inclusion(name: &str, index: u64, size: u64, leaf: Hash, path: &[Hash], root: Hash) -> Ask {
    let (at, of) = (LeafIndex::new(index), TreeSize::new(size));
    let holds = verify_inclusion(at, of, &LeafHash::new(leaf), path, &RootHash::new(root)).is_ok();
    let question = json!({"ask": "inclusion", "index": index.to_string(), "size": size.to_string(),
        "leaf": leaf.to_hex(), "path": hexes(path), "root": root.to_hex()});
    Ask::new(name, question, json!({"ok": holds}))
}

fn consistency(name: &str, from: u64, to: u64, path: &[Hash], old: Hash, new: Hash) -> Ask {
    let (first, second) = (TreeSize::new(from), TreeSize::new(to));
    let holds = verify_consistency(first, second, path, &RootHash::new(old), &RootHash::new(new)).is_ok();
    let question = json!({"ask": "consistency", "from": from.to_string(), "to": to.to_string(), "path": hexes(path),
        "old": old.to_hex(), "new": new.to_hex()});
    Ask::new(name, question, json!({"ok": holds}))
}

fn of_vectors() -> Vec<Ask> {
    let tree = golden_json("tree.json");
    let mut asks = Vec::new();
    let leaves: Vec<&str> = rows(&tree["leaves"]).iter().map(|row| text_of(row, "leaf_hash")).collect();
    for row in rows(&tree["leaves"]) {
        let question = json!({"ask": "leaf", "hex": row["entry_hex"]});
        asks.push(Ask::new("leaf", question, json!({"ok": true, "hash": row["leaf_hash"]})));
    }
    for (size, row) in rows(&tree["roots"]).iter().enumerate() {
        let question = json!({"ask": "root", "leaves": leaves[..size]});
        asks.push(Ask::new("root", question, json!({"ok": true, "root": row["root"]})));
    }
    for row in rows(&tree["inclusion"]) {
        let (index, size) = (row["index"].as_u64().expect("an index"), row["size"].as_u64().expect("a size"));
        let (leaf, root) = (hash(text_of(row, "leaf_hash")), hash(text_of(row, "root")));
        asks.push(inclusion(text_of(row, "name"), index, size, leaf, &hashes(&row["path"]), root));
    }
    for row in rows(&tree["consistency"]) {
        let (from, to) = (row["from"].as_u64().expect("a size"), row["to"].as_u64().expect("a size"));
        let (old, new) = (hash(text_of(row, "old_root")), hash(text_of(row, "new_root")));
        asks.push(consistency(text_of(row, "name"), from, to, &hashes(&row["path"]), old, new));
    }
    for row in rows(&golden_json("receipts_roots.json")) {
        let question = json!({"ask": "receipts", "hex": hex(golden(text_of(row, "artifact")))});
        asks.push(Ask::new("receipts", question, json!({"ok": true, "count": row["count"], "root": row["root"]})));
    }
    asks
}

/// The root that a path leads to when all its hashes stand left of the leaf.
fn led_left(leaf: Hash, path: &[Hash]) -> Hash {
    let node = |left: &Hash, right: &Hash| {
        use sha2::{Digest as _, Sha256};
        let digest = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
        Hash::from_bytes(digest.finalize().into())
    };
    path.iter().fold(leaf, |right, left| node(left, &right))
}

/// Last leaves of trees at the ends of what 64 bits count.
fn huge() -> Vec<Ask> {
    let leaf = leaf_hash(b"last").hash();
    let path: Vec<Hash> = (0..65u8).map(|at| leaf_hash(&[at]).hash()).collect();
    let mut asks = Vec::new();
    for size in [1 << 53, (1 << 53) + 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
        for length in (size - 1_u64).count_ones() as usize..=(size - 1).count_ones() as usize + 1 {
            // A last leaf has all its siblings on its left.
            let root = led_left(leaf, &path[..length]);
            asks.push(inclusion("huge", size - 1, size, leaf, &path[..length], root));
            asks.push(inclusion("huge", size, size, leaf, &path[..length], root));
            asks.push(inclusion("huge", size - 2, size, leaf, &path[..length], root));
        }
        asks.push(consistency("huge", size, size, &[], leaf, leaf));
        asks.push(consistency("huge", 0, size, &[], leaf, leaf));
        asks.push(consistency("huge", size, size - 1, &[], leaf, leaf));
        // From a power of two, its root is the beginning of the path.
        let from = 1 << (size - 1).ilog2();
        asks.push(consistency("huge", from, size, &path[..1], leaf, led_left(path[0], &[leaf])));
    }
    asks.push(consistency("huge", 1 << 62, (1 << 62) + 1, &path[..1], leaf, led_left(path[0], &[leaf])));
    asks.push(consistency("huge", 1 << 63, (1 << 63) + 1, &path[..1], leaf, led_left(path[0], &[leaf])));
    asks
}

pub fn asks() -> Vec<Ask> {
    [of_vectors(), huge()].into_iter().flatten().collect()
}

fn below(folder: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON"));
        }
    }
    found
}

/// What holds no hash of 32 bytes reaches neither verifier.
fn read_hash(value: &Value) -> Option<Hash> {
    Hash::from_base64(value.as_str()?).ok()
}

fn read_path(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(read_hash).collect())
}

fn of_inclusion(row: &Value) -> Option<Ask> {
    let (index, size) = (row["leafIdx"].as_u64()?, row["treeSize"].as_u64()?);
    let (leaf, root) = (read_hash(&row["leafHash"])?, read_hash(&row["root"])?);
    Some(inclusion(text_of(row, "desc"), index, size, leaf, &read_path(&row["proof"])?, root))
}

fn of_consistency(row: &Value) -> Option<Ask> {
    let (from, to) = (row["size1"].as_u64()?, row["size2"].as_u64()?);
    let (old, new) = (read_hash(&row["root1"])?, read_hash(&row["root2"])?);
    Some(consistency(text_of(row, "desc"), from, to, &read_path(&row["proof"])?, old, new))
}

fn of_sigstore(row: &Value) -> Vec<Ask> {
    let note = text_of(row, "checkpoint").as_bytes();
    let policy = row["vkey"].as_str().map_or_else(String::new, |vkey| format!("log {vkey}\nquorum none\n"));
    let mut asks = vec![of_note(text_of(row, "name"), note, policy.as_bytes())];
    let number = |name: &str| row[name].as_str().and_then(|text| text.parse().ok());
    if let (Some(index), Some(size)) = (number("logIndex"), number("treeSize"))
        && let (Some(root), Some(path)) = (read_hash(&row["rootHash_b64"]), read_path(&row["hashes_b64"]))
    {
        let leaf = hash(text_of(row, "leaf_hash_hex"));
        asks.push(inclusion(text_of(row, "name"), index, size, leaf, &path, root));
    }
    asks
}

/// Read from `../shared` where it is.
pub fn shared_asks() -> Vec<Ask> {
    let mut asks = Vec::new();
    if let Some(folder) = shared("merkle/inclusion") {
        asks.extend(below(&folder).iter().filter_map(of_inclusion));
    }
    if let Some(folder) = shared("merkle/consistency") {
        asks.extend(below(&folder).iter().filter_map(of_consistency));
    }
    if let Some(file) = shared("sigstore/checkpoints.json") {
        let notes: Value = serde_json::from_slice(&std::fs::read(file).expect("readable")).expect("JSON");
        asks.extend(rows(&notes).iter().flat_map(of_sigstore));
    }
    asks
}
