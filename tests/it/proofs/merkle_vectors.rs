//! The shared inclusion and consistency vectors: `wantErr` says whether a
//! strict verifier must refuse.

use std::path::{Path, PathBuf};

use pulselog::merkle::{
    Hash, LeafHash, LeafIndex, RootHash, TreeSize, leaf_hash, verify_consistency, verify_inclusion,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionVector {
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyVector {
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// `None` where the vector holds no 32-byte hash: such input never reaches a
/// verifier, because the type refuses it.
fn hash(text: Option<&String>) -> Option<Hash> {
    Hash::from_base64(text?).ok()
}

/// Some vectors about sizes write a word such as "don't care" where a root
/// stands, which the verifier they were made for compares as bytes. Ours takes
/// hashes only, so the word's own digest stands in for it: equal words stay
/// equal and different ones different.
fn root_or_word(text: Option<&String>) -> Option<Hash> {
    hash(text).or_else(|| text.map(|word| leaf_hash(word.as_bytes()).hash()))
}

fn path(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof.map_or(Some(Vec::new()), |proof| proof.iter().map(|text| hash(Some(text))).collect())
}

fn inclusion_holds(vector: &InclusionVector) -> bool {
    let (Some(leaf), Some(root), Some(path)) =
        (hash(vector.leaf_hash.as_ref()), hash(vector.root.as_ref()), path(vector.proof.as_ref()))
    else {
        return false;
    };
    let (index, size) = (LeafIndex::new(vector.leaf_idx), TreeSize::new(vector.tree_size));
    verify_inclusion(index, size, &LeafHash::new(leaf), &path, &RootHash::new(root)).is_ok()
}

fn consistency_holds(vector: &ConsistencyVector) -> bool {
    let (Some(old), Some(new), Some(path)) =
        (root_or_word(vector.root1.as_ref()), root_or_word(vector.root2.as_ref()), path(vector.proof.as_ref()))
    else {
        return false;
    };
    let (from, to) = (TreeSize::new(vector.size1), TreeSize::new(vector.size2));
    verify_consistency(from, to, &path, &RootHash::new(old), &RootHash::new(new)).is_ok()
}

/// Runs every JSON file below `folder` and says how many said yes and no.
fn run_vectors<V: serde::de::DeserializeOwned>(folder: &str, holds: fn(&V) -> bool, want: fn(&V) -> bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/merkle").join(folder);
    if !root.is_dir() {
        crate::make::skipped(&format!("merkle {folder} vectors: {} does not exist", root.display()));
        return;
    }
    let (mut accepted, mut refused) = (0, 0);
    for file in json_files(&root) {
        let vector: V = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(holds(&vector), want(&vector), "{}", file.display());
        if want(&vector) { accepted += 1 } else { refused += 1 }
    }
    eprintln!("merkle {folder} vectors: {accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0, "{folder}: vectors of both kinds must be there");
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_shared_inclusion_vector_is_judged_as_it_says() {
    run_vectors::<InclusionVector>("inclusion", inclusion_holds, |vector| !vector.want_err);
}

#[test]
fn every_shared_consistency_vector_is_judged_as_it_says() {
    run_vectors::<ConsistencyVector>("consistency", consistency_holds, |vector| !vector.want_err);
}
