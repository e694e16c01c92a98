//! Vectors of the tree: roots, paths good and forged, tiles and their names.

use std::collections::HashMap;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::merkle::{
    Frontier, Hash, LeafHash, LeafIndex, Node, Plan, RootHash, TreeSize, leaf_hash, verify_consistency,
    verify_inclusion,
};
use pulselog::tile::{TileId, TilePath, encode_bundle, tiles_at};
use serde_json::{Value, json};

use crate::vectors::{Files, hex, json_file};

/// Leaves of the tree: enough for paths of every shape up to four levels.
const LEAVES: usize = 13;

struct Tree {
    leaves: Vec<LeafHash>,
    nodes: HashMap<Node, Hash>,
    roots: Vec<RootHash>,
}

fn entry(at: usize) -> Vec<u8> {
    format!("entry {at}").into_bytes()
}

impl Tree {
    fn new(size: usize) -> Self {
        let mut frontier = Frontier::empty();
        let mut tree = Self { leaves: Vec::new(), nodes: HashMap::new(), roots: vec![frontier.root()] };
        for at in 0..size {
            // The first entry is empty: its leaf is the hash of one zero byte.
            let leaf = leaf_hash(&if at == 0 { Vec::new() } else { entry(at) });
            frontier.push(leaf, &mut |node, hash| {
                tree.nodes.insert(node, hash);
            });
            tree.leaves.push(leaf);
            tree.roots.push(frontier.root());
        }
        tree
    }

    fn build(&self, plan: &Plan) -> Vec<Hash> {
        plan.build(&plan.nodes().iter().map(|node| self.nodes[node]).collect::<Vec<_>>()).expect("a path")
    }

    fn inclusion(&self, index: usize, size: usize) -> Inclusion {
        let path =
            self.build(&Plan::inclusion(LeafIndex::new(index as u64), TreeSize::new(size as u64)).expect("a plan"));
        Inclusion { index: index as u64, size: size as u64, leaf: self.leaves[index], path, root: self.roots[size] }
    }

    fn consistency(&self, from: usize, to: usize) -> Consistency {
        let path =
            self.build(&Plan::consistency(TreeSize::new(from as u64), TreeSize::new(to as u64)).expect("a plan"));
        Consistency { from: from as u64, to: to as u64, path, old: self.roots[from], new: self.roots[to] }
    }
}

#[derive(Clone)]
struct Inclusion {
    index: u64,
    size: u64,
    leaf: LeafHash,
    path: Vec<Hash>,
    root: RootHash,
}

impl Inclusion {
    fn row(&self, name: &str) -> Value {
        let (index, size) = (LeafIndex::new(self.index), TreeSize::new(self.size));
        let code =
            verify_inclusion(index, size, &self.leaf, &self.path, &self.root).map_or_else(|e| e.code().name, |()| "ok");
        assert_eq!(code == "ok", name == "good", "{name}: {code}");
        json!({"name": name, "index": self.index, "size": self.size, "leaf_hash": self.leaf.hash().to_hex(),
            "path": hashes(&self.path), "root": self.root.hash().to_hex(), "code": code})
    }
}

#[derive(Clone)]
struct Consistency {
    from: u64,
    to: u64,
    path: Vec<Hash>,
    old: RootHash,
    new: RootHash,
}

impl Consistency {
    fn row(&self, name: &str) -> Value {
        let (from, to) = (TreeSize::new(self.from), TreeSize::new(self.to));
        let code =
            verify_consistency(from, to, &self.path, &self.old, &self.new).map_or_else(|e| e.code().name, |()| "ok");
        assert_eq!(code == "ok", name == "good", "{name}: {code}");
        json!({"name": name, "from": self.from, "to": self.to, "path": hashes(&self.path),
            "old_root": self.old.hash().to_hex(), "new_root": self.new.hash().to_hex(), "code": code})
    }
}

fn hashes(path: &[Hash]) -> Vec<String> {
    path.iter().map(Hash::to_hex).collect()
}

fn inclusions(tree: &Tree) -> Vec<Value> {
    let sizes = 1..=LEAVES;
    let good = sizes.flat_map(|size| (0..size).map(move |index| (index, size)));
    let mut rows: Vec<_> = good.map(|(index, size)| tree.inclusion(index, size).row("good")).collect();
    let base = tree.inclusion(5, 11);
    let other = tree.leaves[0].hash();
    let mut forged = |name: &str, change: &dyn Fn(&mut Inclusion)| {
        let mut changed = base.clone();
        change(&mut changed);
        rows.push(changed.row(name));
    };
    forged("a hash more at the end", &|it| it.path.push(other));
    forged("a hash more at the start", &|it| it.path.insert(0, other));
    forged("a hash less", &|it| it.path.truncate(it.path.len() - 1));
    forged("no path", &|it| it.path.clear());
    forged("two hashes in each other's place", &|it| it.path.swap(0, 1));
    forged("another leaf", &|it| it.leaf = tree.leaves[6]);
    forged("another index", &|it| it.index = 4);
    forged("index beyond the tree", &|it| it.index = 11);
    forged("a size of another shape", &|it| it.size = 8);
    forged("size 0", &|it| it.size = 0);
    forged("the root as leaf of a tree of one", &|it| (it.index, it.size) = (0, 1));
    forged("another root", &|it| it.root = tree.roots[10]);
    rows
}

fn consistencies(tree: &Tree) -> Vec<Value> {
    let good = (1..=LEAVES).flat_map(|to| (1..=to).map(move |from| (from, to)));
    let mut rows: Vec<_> = good.map(|(from, to)| tree.consistency(from, to).row("good")).collect();
    let base = tree.consistency(6, 11);
    let other = tree.leaves[0].hash();
    let mut forged = |name: &str, base: &Consistency, change: &dyn Fn(&mut Consistency)| {
        let mut changed = base.clone();
        change(&mut changed);
        rows.push(changed.row(name));
    };
    forged("a hash more", &base, &|it| it.path.push(other));
    forged("a hash less", &base, &|it| it.path.truncate(it.path.len() - 1));
    forged("no path", &base, &|it| it.path.clear());
    forged("two hashes in each other's place", &base, &|it| it.path.swap(0, 1));
    forged("another older root", &base, &|it| it.old = tree.roots[5]);
    forged("another newer root", &base, &|it| it.new = tree.roots[12]);
    forged("another older size", &base, &|it| it.from = 5);
    forged("older size 0", &base, &|it| it.from = 0);
    forged("sizes reversed", &base, &|it| (it.from, it.to) = (11, 6));
    forged("a path between equal sizes", &tree.consistency(8, 8), &|it| it.path.push(other));
    forged("two roots of one size", &tree.consistency(8, 8), &|it| it.new = tree.roots[7]);
    // From a power of two the older root is not in the path.
    forged("older root in the path", &tree.consistency(8, 11), &|it| it.path.insert(0, it.old.hash()));
    rows
}

fn tree() -> Value {
    let tree = Tree::new(LEAVES);
    let leaves = (0..LEAVES).map(|at| {
        let bytes = if at == 0 { Vec::new() } else { entry(at) };
        json!({"entry_hex": hex(&bytes), "leaf_hash": tree.leaves[at].hash().to_hex()})
    });
    let roots = tree.roots.iter().enumerate().map(|(size, root)| json!({"size": size, "root": root.hash().to_hex()}));
    json!({"leaves": leaves.collect::<Vec<_>>(), "roots": roots.collect::<Vec<_>>(),
        "inclusion": inclusions(&tree), "consistency": consistencies(&tree)})
}

const PATHS: &[&str] = &[
    "0/000",
    "0/000.p/1",
    "0/000.p/255",
    "1/x001/x234/067",
    "63/999",
    "entries/000",
    "entries/x001/000.p/17",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/01",
    "00/000",
    "64/000",
    "0/x000/001",
    "0/1",
    "0/0001",
    "0/001/000",
    "0/x1/000",
    "entries/-01",
    "0/000/",
    "/0/000",
    "data/000",
];

fn tiles() -> Value {
    let paths = PATHS.iter().map(|text| match TilePath::parse(text) {
        Ok(TilePath::Hashes { tile, width }) => {
            json!({"path": text, "level": tile.level, "index": tile.index, "width": width})
        }
        Ok(TilePath::Entries { index, width }) => {
            json!({"path": text, "entries": true, "index": index, "width": width})
        }
        Err(error) => json!({"path": text, "code": error.code().name}),
    });
    let paths: Vec<_> = paths.collect();
    let sizes = [0, 1, 255, 256, 257, 65_536, 70_000].map(|size| {
        let tiles = tiles_at(TreeSize::new(size));
        let last = |level: u8| tiles.iter().rfind(|(tile, _)| tile.level == level);
        let levels = (0..3).filter_map(|level| {
            last(level)
                .map(|(TileId { index, .. }, width)| json!({"level": level, "last_index": index, "last_width": width}))
        });
        json!({"size": size, "tiles": tiles.len(), "levels": levels.collect::<Vec<_>>()})
    });
    json!({"paths": paths, "sizes": sizes, "fold": fold(), "bundles": bundles()})
}

/// A full tile and the one hash above it, over 257 leaves.
fn fold() -> Value {
    let tree = Tree::new(257);
    let above = tree.nodes[&Node::new(8, 0)];
    json!({"entries": "the 257 texts `entry N`, N from 0, where entry 0 is empty", "tile_0_000_sha256":
        ArtifactDigest::of(&tree.leaves[..256].iter().flat_map(|leaf| *leaf.hash().as_bytes()).collect::<Vec<_>>()),
        "tile_1_000_p_1": above.to_hex(), "root_256": tree.roots[256].hash().to_hex(), "root_257": tree.roots[257].hash().to_hex()})
}

fn bundles() -> Value {
    let good = encode_bundle(&[b"", b"one", b"two"]).expect("a bundle");
    let cut = &good[..good.len() - 1];
    let row = |name: &str, bytes: &[u8], count: usize| {
        let read = pulselog::tile::decode_bundle(bytes, count);
        let code = read.as_ref().map_or_else(|error| error.code().name, |_| "ok");
        json!({"name": name, "hex": hex(bytes), "count": count, "code": code,
            "entries": read.unwrap_or_default().iter().map(|entry| hex(entry)).collect::<Vec<_>>()})
    };
    json!([
        row("good", &good, 3),
        row("cut", cut, 3),
        row("more than counted", &good, 2),
        row("fewer than counted", &good, 4)
    ])
}

pub fn files() -> Files {
    Files::from([("tree.json".to_owned(), json_file(&tree())), ("tiles.json".to_owned(), json_file(&tiles()))])
}
