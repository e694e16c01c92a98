//! The tree against rs_merkle and against a reference written straight from
//! RFC 6962 section 2.1.

use std::collections::HashMap;

use proptest::prelude::*;
use pulselog::merkle::{
    EMPTY_ROOT, Frontier, Hash, LeafHash, LeafIndex, Node, Plan, ProofError, RootHash, SmallTree, TreeSize, empty_root,
    leaf_hash, node_hash, root_from_inclusion, verify_consistency, verify_inclusion,
};
use pulselog::tile::{TILE_WIDTH, TileId, locate, node_from_tile, tiles_at};

/// RFC 6962 section 2.1 word for word, with every MTH it computed kept.
struct Reference {
    leaves: Vec<Hash>,
    known: HashMap<(usize, usize), Hash>,
}

impl Reference {
    fn of(size: usize) -> Self {
        let leaves = (0..size).map(|index| leaf_hash(&input(index)).hash()).collect();
        Self { leaves, known: HashMap::new() }
    }

    fn k(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    fn mth(&mut self, from: usize, to: usize) -> Hash {
        if to - from == 1 {
            return self.leaves[from];
        }
        if let Some(known) = self.known.get(&(from, to)) {
            return *known;
        }
        let k = Self::k(to - from);
        let hash = node_hash(&self.mth(from, from + k), &self.mth(from + k, to));
        self.known.insert((from, to), hash);
        hash
    }

    fn root(&mut self, size: usize) -> RootHash {
        if size == 0 { EMPTY_ROOT } else { RootHash::new(self.mth(0, size)) }
    }

    fn path(&mut self, m: usize, from: usize, to: usize) -> Vec<Hash> {
        if to - from == 1 {
            return Vec::new();
        }
        let k = Self::k(to - from);
        if m < k {
            let mut path = self.path(m, from, from + k);
            path.push(self.mth(from + k, to));
            path
        } else {
            let mut path = self.path(m - k, from + k, to);
            path.push(self.mth(from, from + k));
            path
        }
    }

    fn subproof(&mut self, m: usize, from: usize, to: usize, whole: bool) -> Vec<Hash> {
        let n = to - from;
        if m == n {
            return if whole { Vec::new() } else { vec![self.mth(from, to)] };
        }
        let k = Self::k(n);
        if m <= k {
            let mut proof = self.subproof(m, from, from + k, whole);
            proof.push(self.mth(from + k, to));
            proof
        } else {
            let mut proof = self.subproof(m - k, from + k, to, false);
            proof.push(self.mth(from, from + k));
            proof
        }
    }
}

fn input(index: usize) -> Vec<u8> {
    format!("leaf-{index}").into_bytes()
}

fn size(size: usize) -> TreeSize {
    TreeSize::new(size as u64)
}

fn index(index: usize) -> LeafIndex {
    LeafIndex::new(index as u64)
}

/// A tree grown leaf by leaf, with every node it ever completed.
struct Grown {
    frontier: Frontier,
    nodes: HashMap<Node, Hash>,
    roots: Vec<RootHash>,
}

impl Grown {
    fn to(size: usize) -> Self {
        let mut grown = Self { frontier: Frontier::empty(), nodes: HashMap::new(), roots: vec![EMPTY_ROOT] };
        for index in 0..size {
            let Self { frontier, nodes, roots } = &mut grown;
            frontier.push(leaf_hash(&input(index)), &mut |node, hash| {
                assert_eq!(nodes.insert(node, hash), None, "{node:?} was completed twice");
            });
            roots.push(frontier.root());
        }
        grown
    }

    fn fetch(&self, plan: &Plan) -> Vec<Hash> {
        plan.nodes().iter().map(|node| self.nodes[node]).collect()
    }

    fn inclusion(&self, at: usize, of: usize) -> Vec<Hash> {
        let plan = Plan::inclusion(index(at), size(of)).unwrap();
        plan.build(&self.fetch(&plan)).unwrap()
    }

    fn consistency(&self, from: usize, to: usize) -> Vec<Hash> {
        let plan = Plan::consistency(size(from), size(to)).unwrap();
        plan.build(&self.fetch(&plan)).unwrap()
    }

    fn leaf(&self, at: usize) -> LeafHash {
        LeafHash::new(self.nodes[&Node { level: 0, index: at as u64 }])
    }
}

/// All sizes to here are tried with every index and every pair.
const EXHAUSTIVE: usize = 300;

#[test]
fn roots_equal_the_reference_and_rs_merkle_at_every_small_size() {
    let grown = Grown::to(EXHAUSTIVE);
    let mut reference = Reference::of(EXHAUSTIVE);
    let inputs: Vec<Vec<u8>> = (0..EXHAUSTIVE).map(input).collect();
    assert_eq!(SmallTree::root(&[]), None);
    for n in 0..=EXHAUSTIVE {
        let root = reference.root(n);
        assert_eq!(grown.roots[n], root, "size {n}");
        let plan = Plan::root(size(n)).unwrap();
        let hashes = grown.fetch(&plan);
        assert_eq!(plan.build_root(&hashes), Ok(root), "size {n}");
        assert_eq!(Frontier::from_parts(size(n), hashes).unwrap().root(), root, "size {n}");
        if n > 0 {
            assert_eq!(SmallTree::root(&inputs[..n]), Some(root), "size {n}");
        }
    }
}

#[test]
fn inclusion_proofs_equal_the_reference_and_rs_merkle_for_every_small_index() {
    let grown = Grown::to(EXHAUSTIVE);
    let mut reference = Reference::of(EXHAUSTIVE);
    for n in 1..=EXHAUSTIVE {
        let leaves: Vec<[u8; 32]> = (0..n).map(|at| *grown.leaf(at).hash().as_bytes()).collect();
        let oracle = rs_merkle::MerkleTree::<OracleHasher>::from_leaves(&leaves);
        for m in 0..n {
            let path = grown.inclusion(m, n);
            assert_eq!(path, reference.path(m, 0, n), "{m} of {n}");
            let theirs: Vec<Hash> =
                oracle.proof(&[m]).proof_hashes().iter().map(|hash| Hash::from_bytes(*hash)).collect();
            assert_eq!(path, theirs, "{m} of {n}");
            verify_inclusion(index(m), size(n), &grown.leaf(m), &path, &grown.roots[n]).unwrap();
        }
    }
}

/// RFC 6962 hashing for the oracle, written apart from the one under test.
#[derive(Clone)]
struct OracleHasher;

impl rs_merkle::Hasher for OracleHasher {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(data).into()
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        let Some(right) = right else { return *left };
        Self::hash(&[&[1], left.as_slice(), right.as_slice()].concat())
    }
}

#[test]
fn consistency_proofs_equal_the_reference_for_every_small_pair() {
    let grown = Grown::to(EXHAUSTIVE);
    let mut reference = Reference::of(EXHAUSTIVE);
    for to in 1..=EXHAUSTIVE {
        for from in 1..=to {
            let path = grown.consistency(from, to);
            assert_eq!(path, reference.subproof(from, 0, to, true), "{from} to {to}");
            verify_consistency(size(from), size(to), &path, &grown.roots[from], &grown.roots[to]).unwrap();
        }
    }
}

#[test]
fn blocks_of_a_consistency_proof_tile_both_trees() {
    for to in 1..=EXHAUSTIVE as u64 {
        for from in 1..to {
            let plan = Plan::consistency(TreeSize::new(from), TreeSize::new(to)).unwrap();
            let mut blocks = plan.blocks();
            blocks.sort_by_key(|block| block.range.start);
            let shared_end = if from.is_power_of_two() { from } else { 0 };
            let mut next = shared_end;
            for block in &blocks {
                assert_eq!(block.range.start, next, "{from} to {to}");
                next = block.range.end;
                assert!(next <= from || block.range.start >= from, "{from} to {to} straddles");
                assert_eq!(block.is_shared(TreeSize::new(from)), next <= from);
            }
            assert_eq!(next, to, "{from} to {to}");
        }
    }
}

#[test]
fn large_random_proofs_verify_and_fit_no_other_place() {
    let n = 100_000;
    let grown = Grown::to(n);
    let mut reference = Reference::of(n);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for _ in 0..400 {
        let to = 1 + next(n);
        let (m, from) = (next(to), 1 + next(to));
        let path = grown.inclusion(m, to);
        assert_eq!(path, reference.path(m, 0, to));
        verify_inclusion(index(m), size(to), &grown.leaf(m), &path, &grown.roots[to]).unwrap();
        let elsewhere = next(to);
        let moved = verify_inclusion(index(elsewhere), size(to), &grown.leaf(m), &path, &grown.roots[to]);
        assert_eq!(moved.is_ok(), elsewhere == m);
        let proof = grown.consistency(from, to);
        assert_eq!(proof, reference.subproof(from, 0, to, true));
        verify_consistency(size(from), size(to), &proof, &grown.roots[from], &grown.roots[to]).unwrap();
    }
    let root = reference.root(n);
    assert_eq!(grown.roots[n], root);
}

#[test]
fn every_node_folds_out_of_its_tile() {
    let n = 66_000;
    let grown = Grown::to(n);
    let mut tiles: HashMap<TileId, Vec<u8>> = HashMap::new();
    for (tile, width) in tiles_at(size(n)) {
        let first = tile.index * TILE_WIDTH as u64;
        let bytes = tiles.entry(tile).or_default();
        for at in first..first + u64::from(width) {
            bytes.extend_from_slice(grown.nodes[&Node { level: tile.level * 8, index: at }].as_bytes());
        }
    }
    for (node, hash) in &grown.nodes {
        assert_eq!(node_from_tile(&tiles[&locate(*node).0], *node), Ok(*hash), "{node:?}");
    }
}

#[test]
fn constants_are_those_of_the_rfc() {
    assert_eq!(empty_root().hash().to_base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(leaf_hash(b"").hash().to_base64(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
    let grown = Grown::to(11);
    assert_eq!(grown.roots[11].to_string(), "1db5226a80052816fa403f39e329ed282432541d670d8a2f2708ee86a7df10d4");
    assert_eq!(grown.roots[6].to_string(), "160cf1a616e8792f9078a9665cb06520d95a33f467d0826f2310219d31383d73");
}

#[test]
fn rejects_proof_with_trailing_or_missing_hash() {
    let grown = Grown::to(40);
    for n in 1..=40 {
        for m in 0..n {
            let good = grown.inclusion(m, n);
            let leaf = grown.leaf(m);
            let check = |path: &[Hash]| verify_inclusion(index(m), size(n), &leaf, path, &grown.roots[n]);
            let longer = [good.as_slice(), &[grown.roots[n].hash()]].concat();
            assert_eq!(check(&longer), Err(ProofError::PathLength { got: good.len() + 1, want: good.len() }));
            if let Some((_, shorter)) = good.split_first() {
                assert_eq!(check(shorter), Err(ProofError::PathLength { got: good.len() - 1, want: good.len() }));
            }
        }
        for from in 1..=n {
            let good = grown.consistency(from, n);
            let check =
                |path: &[Hash]| verify_consistency(size(from), size(n), path, &grown.roots[from], &grown.roots[n]);
            let longer = [good.as_slice(), &[grown.roots[n].hash()]].concat();
            assert_eq!(check(&longer), Err(ProofError::PathLength { got: good.len() + 1, want: good.len() }));
            if let Some((_, shorter)) = good.split_first() {
                assert_eq!(check(shorter), Err(ProofError::PathLength { got: good.len() - 1, want: good.len() }));
            }
        }
    }
}

#[test]
fn rejects_indexes_and_sizes_that_make_no_question() {
    let leaf = leaf_hash(b"a");
    let root = RootHash::new(leaf.hash());
    let zero = TreeSize::ZERO;
    let beyond = verify_inclusion(index(1), size(1), &leaf, &[], &root);
    assert_eq!(beyond, Err(ProofError::IndexOutsideTree { index: index(1), size: size(1) }));
    assert_eq!(root_from_inclusion(index(0), zero, &leaf, &[]), Err(ProofError::SizeZero { field: "tree size" }));
    assert_eq!(Plan::inclusion(index(0), zero), Err(ProofError::SizeZero { field: "tree size" }));
    assert_eq!(Plan::consistency(zero, size(1)), Err(ProofError::SizeZero { field: "older size" }));
    let reversed = Err(ProofError::SizesReversed { from: size(2), to: size(1) });
    assert_eq!(verify_consistency(size(2), size(1), &[], &root, &root), reversed);
    let last = LeafIndex::new(u64::MAX - 1);
    let far = root_from_inclusion(last, TreeSize::new(u64::MAX), &leaf, &[]);
    assert_eq!(far.unwrap_err().code().name, "proof_path_length");
}

proptest! {
    #[test]
    fn any_flipped_bit_of_an_inclusion_proof_is_refused(m in 0_usize..60, more in 1_usize..60, at: usize, bit in 0_usize..256) {
        let n = m + more;
        let grown = Grown::to(n);
        let (leaf, root) = (grown.leaf(m), grown.roots[n]);
        let mut hashes = grown.inclusion(m, n);
        hashes.extend([leaf.hash(), root.hash()]);
        let at = at % hashes.len();
        hashes[at] = flip(hashes[at], bit);
        let (root, leaf) = (hashes.pop().unwrap(), hashes.pop().unwrap());
        let result = verify_inclusion(index(m), size(n), &LeafHash::new(leaf), &hashes, &RootHash::new(root));
        prop_assert_eq!(result, Err(ProofError::RootMismatch));
    }

    #[test]
    fn any_flipped_bit_of_a_consistency_proof_is_refused(from in 1_usize..60, more in 0_usize..60, at: usize, bit in 0_usize..256) {
        let to = from + more;
        let grown = Grown::to(to);
        let mut hashes = grown.consistency(from, to);
        hashes.extend([grown.roots[from].hash(), grown.roots[to].hash()]);
        let at = at % hashes.len();
        hashes[at] = flip(hashes[at], bit);
        let new = RootHash::new(hashes.pop().unwrap());
        let old = RootHash::new(hashes.pop().unwrap());
        prop_assert!(verify_consistency(size(from), size(to), &hashes, &old, &new).is_err());
    }

    #[test]
    fn hash_text_prints_back_or_is_refused(text in "[0-9a-fA-FxX+/= ]{40,70}") {
        if let Ok(hash) = Hash::from_hex(&text) { prop_assert_eq!(hash.to_hex(), text.clone()) }
        if let Ok(hash) = Hash::from_base64(&text) { prop_assert_eq!(hash.to_base64(), text) }
    }

    #[test]
    fn hash_texts_round_trip(bytes: [u8; 32]) {
        let hash = Hash::from_bytes(bytes);
        prop_assert_eq!(Hash::from_hex(&hash.to_hex()), Ok(hash));
        prop_assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        prop_assert_eq!(serde_json::from_str::<Hash>(&serde_json::to_string(&hash).unwrap()).unwrap(), hash);
    }
}

fn flip(hash: Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

#[test]
fn refuses_other_spellings_of_a_hash() {
    let hex = EMPTY_ROOT.hash().to_hex();
    assert_eq!(Hash::from_hex(&hex.to_uppercase()).unwrap_err().code().name, "hash_not_hex");
    assert_eq!(Hash::from_hex(&hex[1..]).unwrap_err().code().name, "hash_not_hex");
    // The last character's spare bits set, padding missing, padding doubled.
    for text in [
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ] {
        assert_eq!(Hash::from_base64(text).unwrap_err().code().name, "hash_not_base64", "{text:?}");
    }
}
