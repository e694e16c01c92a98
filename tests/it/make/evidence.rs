//! The log of a story as whoever keeps it would hand it out: whole, as a
//! directory, or as the files of a packet.

use std::collections::HashMap;
use std::path::Path;

use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Frontier, Hash, LeafIndex, Node, Plan, TreeSize, leaf_hash};
use pulselog::note::{KeyName, SignedNote, SignerKey};
use pulselog::receipt::{ConsistencyFile, LogProof, tlog_proof};
use pulselog::tile::{TilePath, encode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::packet::{File, MANIFEST, Packet};

use crate::make::attest::attested;
use crate::make::audit::Story;

pub const ORIGIN: &str = "log.example/test";

/// Entries with their bodies, and every node of the tree over them.
pub struct Kept {
    pub entries: Vec<(Vec<u8>, String)>,
    nodes: HashMap<Node, Hash>,
    heads: Vec<TreeHead>,
}

impl Kept {
    pub fn of(story: &Story) -> Self {
        let timeline = story.timeline();
        let seen = timeline.prefix(timeline.size()).map(|(_, seen)| seen);
        Self::over(seen.map(|seen| (seen.entry.encode(), seen.body.as_ref().expect("a body").compact().into_owned())))
    }

    /// A log of any entries, each with what it says is its body.
    pub fn over(entries: impl IntoIterator<Item = (Vec<u8>, String)>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let (mut frontier, mut nodes) = (Frontier::empty(), HashMap::new());
        let mut heads = vec![TreeHead { size: frontier.size(), root: frontier.root() }];
        for (bytes, _) in &entries {
            frontier.push(leaf_hash(bytes), &mut |node, hash| {
                nodes.insert(node, hash);
            });
            heads.push(TreeHead { size: frontier.size(), root: frontier.root() });
        }
        Self { entries, nodes, heads }
    }

    pub fn size(&self) -> usize {
        self.entries.len()
    }

    fn key() -> SignerKey {
        SignerKey::new(KeyName::parse(ORIGIN).expect("a name"), &[7; 32]).expect("a key")
    }

    pub fn policy() -> TrustPolicy {
        TrustPolicy::for_log(Self::key().vkey())
    }

    pub fn policy_text() -> String {
        format!("log {}\nquorum none\n", Self::key().vkey())
    }

    pub fn note(&self, size: usize) -> SignedNote {
        let checkpoint = Checkpoint { origin: Origin::parse(ORIGIN).expect("an origin"), head: self.heads[size] };
        checkpoint.sign(&Self::key()).expect("signed")
    }

    fn build(&self, plan: &Plan) -> Vec<Hash> {
        plan.build(&plan.nodes().iter().map(|node| self.nodes[node]).collect::<Vec<_>>()).expect("a path")
    }

    pub fn proof(&self, at: usize, size: usize) -> String {
        let index = LeafIndex::new(at as u64);
        let path = self.build(&Plan::inclusion(index, TreeSize::new(size as u64)).expect("a plan"));
        let extra = Some(self.entries[at].0.clone());
        tlog_proof::encode(&LogProof { index, path, checkpoint: self.note(size), extra })
    }

    pub fn consistency(&self, from: usize, to: usize) -> String {
        let (old, new) = (TreeSize::new(from as u64), TreeSize::new(to as u64));
        let path = self.build(&Plan::consistency(old, new).expect("a plan"));
        ConsistencyFile { old, path, checkpoint: self.note(to) }.encode()
    }

    /// Bodies and proofs of these entries, and the way from the size that the
    /// last entry, a statement, speaks of.
    pub fn files(&self, entries: impl IntoIterator<Item = usize>) -> Vec<File> {
        let size = self.size();
        let mut files = Vec::new();
        for at in entries {
            files.push((format!("{at:02}.json"), self.entries[at].1.clone().into_bytes()));
            files.push((format!("{at:02}.tlog-proof"), self.proof(at, size).into_bytes()));
        }
        files.push(("statement.consistency".to_owned(), self.consistency(size - 1, size).into_bytes()));
        files.push((MANIFEST.to_owned(), Packet::manifest_of(&files).into_bytes()));
        files
    }

    /// A directory laid out as tlog-tiles, with its bodies.
    pub fn write(&self, dir: &Path) {
        let put = |path: String, bytes: &[u8]| {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, bytes).expect("written");
        };
        for (at, entries) in self.entries.chunks(256).enumerate() {
            let bytes: Vec<&[u8]> = entries.iter().map(|(bytes, _)| bytes.as_slice()).collect();
            let path = TilePath::Entries { index: at as u64, width: bytes.len() as u16 };
            put(format!("tile/{path}"), &encode_bundle(&bytes).expect("a bundle"));
        }
        put("checkpoint".to_owned(), self.note(self.size()).as_bytes());
        for (entry, body) in &self.entries {
            let digest = pulselog::entry::SequencedEntry::decode(entry).expect("an entry").digest;
            put(format!("artifacts/{digest}"), body.as_bytes());
        }
    }
}

/// The clean story with the operator's statement about its job, as it is kept.
pub fn attested_log() -> Kept {
    Kept::of(&attested(Story::clean(), |_| {}).0)
}
