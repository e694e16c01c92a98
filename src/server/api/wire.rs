//! The JSON that leaves: one struct a shape. The table of their fields is
//! `shapes`; a test holds the two together.

pub mod audited;
pub mod shapes;

use serde::Serialize;

use crate::artifact::NotExpanded;
use crate::artifact::digest::ArtifactDigest;
use crate::checkpoint::TreeHead;
use crate::codes::Code;
use crate::merkle::{Hash, RootHash};
use crate::note::SignedNote;
use crate::receipt::LogProof;
use crate::server::log::Logged;
use crate::server::log::view::StoredEntry;
use crate::text::hex;

/// Answer to a submission.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedJson {
    index: u64,
    leaf_hash: String,
    artifact: String,
    kind: &'static str,
    tree_size: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    same_statement: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expanded: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_expanded: Vec<NotExpandedJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redacted: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct NotExpandedJson {
    path: String,
    code: &'static Code,
}

/// What a submitter is told beside its place in the log.
#[derive(Clone, Debug)]
pub struct Told {
    /// Kind of the artifact.
    pub kind: &'static str,
    /// Digest of its compact form.
    pub artifact: ArtifactDigest,
    /// Receipts inside that were not expanded.
    pub not_expanded: Vec<NotExpanded>,
    /// Where tokens were replaced.
    pub redacted: Vec<String>,
}

impl LoggedJson {
    /// Joins what admission and the sequencer know.
    #[must_use]
    pub fn new(logged: &Logged, told: Told, proof: Option<String>) -> Self {
        let numbers = |indexes: &[crate::merkle::LeafIndex]| indexes.iter().map(|i| i.get()).collect();
        Self {
            index: logged.index.get(),
            leaf_hash: logged.leaf_hash.hash().to_hex(),
            artifact: told.artifact.to_string(),
            kind: told.kind,
            tree_size: logged.tree_size.get(),
            same_statement: numbers(&logged.same_statement),
            expanded: numbers(&logged.expanded),
            not_expanded: told
                .not_expanded
                .into_iter()
                .map(|n| NotExpandedJson { path: n.path, code: n.code })
                .collect(),
            redacted: told.redacted,
            proof,
        }
    }
}

/// One line of a batch answer.
#[derive(Clone, Debug, Serialize)]
pub struct BatchLineJson {
    /// Line of the request, from 1.
    pub line: usize,
    /// As if it had come alone.
    pub status: u16,
    /// Its place, when it has one.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedJson>,
    /// Why not, otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<serde_json::Value>,
}

/// A decoded entry.
#[derive(Clone, Debug, Serialize)]
pub struct EntryJson {
    index: u64,
    leaf_hash: String,
    entry: String,
    version: u64,
    kind: &'static str,
    artifact: String,
    body_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    submitter: String,
    logged_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipts_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipts_count: Option<u64>,
}

impl From<&StoredEntry> for EntryJson {
    fn from(stored: &StoredEntry) -> Self {
        let entry = &stored.entry;
        Self {
            index: stored.index.get(),
            leaf_hash: stored.leaf_hash.hash().to_hex(),
            entry: hex::encode(&stored.bytes),
            version: crate::entry::ENTRY_VERSION,
            kind: entry.kind.name(),
            artifact: entry.digest.to_string(),
            body_bytes: entry.body_bytes,
            signer: entry.signer.as_ref().map(|s| s.as_str().to_owned()),
            submitter: entry.submitter.as_str().to_owned(),
            logged_at: entry.logged_at.unix_ms(),
            receipts_root: entry.receipts.map(|r| Hash::from_bytes(r.root).to_hex()),
            receipts_count: entry.receipts.map(|r| r.count),
        }
    }
}

/// A page of entries.
#[derive(Clone, Debug, Serialize)]
pub struct EntryListJson {
    /// In index order.
    pub entries: Vec<EntryJson>,
    /// Cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Published size.
    pub tree_size: u64,
    /// How far the index has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_size: Option<u64>,
}

/// An inclusion proof.
#[derive(Clone, Debug, Serialize)]
pub struct InclusionJson {
    index: u64,
    tree_size: u64,
    leaf_hash: String,
    root_hash: String,
    path: Vec<String>,
    entry: String,
    checkpoint: String,
}

impl InclusionJson {
    /// Of a proof that the view made and verified at `head`.
    #[must_use]
    pub fn new(proof: &LogProof, head: TreeHead) -> Self {
        let entry = proof.extra.as_deref().unwrap_or_default();
        Self {
            index: proof.index.get(),
            tree_size: head.size.get(),
            leaf_hash: crate::merkle::leaf_hash(entry).hash().to_hex(),
            root_hash: head.root.hash().to_hex(),
            path: proof.path.iter().map(Hash::to_hex).collect(),
            entry: hex::encode(entry),
            checkpoint: text(&proof.checkpoint),
        }
    }
}

/// A consistency proof.
#[derive(Clone, Debug, Serialize)]
pub struct ConsistencyJson {
    /// Older size.
    pub from: u64,
    /// Newer size.
    pub to: u64,
    /// Older root.
    pub from_root: String,
    /// Newer root.
    pub to_root: String,
    /// The proof.
    pub path: Vec<String>,
    /// Newer note.
    pub checkpoint: String,
}

/// A published checkpoint.
#[derive(Clone, Debug, Serialize)]
pub struct CheckpointJson {
    size: u64,
    root_hash: String,
    checkpoint: String,
}

impl CheckpointJson {
    /// Of a head and the note over it.
    #[must_use]
    pub fn new(head: TreeHead, note: &SignedNote) -> Self {
        Self { size: head.size.get(), root_hash: root(head.root), checkpoint: text(note) }
    }
}

/// A page of checkpoints.
#[derive(Clone, Debug, Serialize)]
pub struct CheckpointListJson {
    /// Newest first.
    pub checkpoints: Vec<CheckpointJson>,
    /// Cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Answer of the health routes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HealthJson {
    /// `up` or `ready`.
    pub status: &'static str,
    /// Newest size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree_size: Option<u64>,
    /// Whether submissions are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// Codes of what refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_refused: Option<Vec<&'static Code>>,
    /// Names of what is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<Vec<String>>,
}

/// Hex of a root.
#[must_use]
pub fn root(root: RootHash) -> String {
    root.hash().to_hex()
}

/// A note as text; a published one is UTF-8, since it was parsed.
#[must_use]
pub fn text(note: &SignedNote) -> String {
    String::from_utf8_lossy(note.as_bytes()).into_owned()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::artifact::Kind;
    use crate::artifact::receipts_root::ReceiptsRoot;
    use crate::codes::service;
    use crate::entry::{LoggedAt, SequencedEntry, SubmitterName};
    use crate::merkle::{LeafIndex, TreeSize, empty_root, leaf_hash};
    use crate::server::api::problem::Problem;
    use crate::server::api::wire::shapes::{SHAPES, shape};

    pub fn check(name: &str, json: impl Serialize) {
        let serde_json::Value::Object(object) = serde_json::to_value(json).expect("plain data") else {
            panic!("{name} is no object")
        };
        let mut written: Vec<_> = object.keys().cloned().collect();
        let mut listed: Vec<_> =
            shape(name).expect("every shape has a row").fields.iter().map(|f| f.name.to_owned()).collect();
        written.sort();
        listed.sort();
        assert_eq!(written, listed, "{name}");
    }

    fn note() -> SignedNote {
        use crate::note::{KeyName, SignerKey};
        let name = KeyName::parse("log.test").expect("a legal name");
        let key = SignerKey::new(name, &[7; 32]).expect("a seed");
        SignedNote::assemble("log.test\n0\n", vec![key.sign("log.test\n0\n")]).expect("a note")
    }

    fn logged() -> Logged {
        Logged {
            index: LeafIndex::new(1),
            leaf_hash: leaf_hash(b""),
            tree_size: TreeSize::new(2),
            duplicate: false,
            same_statement: vec![LeafIndex::new(0)],
            expanded: vec![LeafIndex::new(0)],
        }
    }

    #[test]
    fn every_shape_lists_exactly_the_fields_that_are_written() {
        let kind = Kind::ProofBundle;
        let told = Told {
            kind: kind.name(),
            artifact: ArtifactDigest::of(b""),
            not_expanded: vec![NotExpanded { path: "p".into(), code: &service::INTERNAL }],
            redacted: vec!["r".into()],
        };
        check("Logged", LoggedJson::new(&logged(), told, Some("proof".into())));
        check("NotExpanded", NotExpandedJson { path: "p".into(), code: &service::INTERNAL });
        let problem = Problem::new(&service::INTERNAL, "x").at("y").to_json();
        check("BatchLine", BatchLineJson { line: 1, status: 500, logged: None, problem: Some(problem.clone()) });
        check("Problem", problem);
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key();
        let entry = SequencedEntry {
            kind,
            digest: ArtifactDigest::of(b""),
            body_bytes: 0,
            signer: Some(crate::artifact::Did::of(&key)),
            submitter: SubmitterName::parse("s").expect("a legal name"),
            logged_at: LoggedAt::from_unix_ms(1),
            receipts: Some(ReceiptsRoot { root: [0; 32], count: 1 }),
        };
        let bytes = entry.encode();
        let stored = StoredEntry { index: LeafIndex::new(0), leaf_hash: leaf_hash(&bytes), bytes, entry };
        check("Entry", EntryJson::from(&stored));
        check("EntryList", EntryListJson { entries: vec![], next: Some(1), tree_size: 1, indexed_size: Some(1) });
        let head = TreeHead { size: TreeSize::ZERO, root: empty_root() };
        let proof = LogProof { index: LeafIndex::new(0), path: vec![], checkpoint: note(), extra: None };
        check("InclusionProof", InclusionJson::new(&proof, head));
        let consistency = ConsistencyJson {
            from: 1,
            to: 2,
            from_root: String::new(),
            to_root: String::new(),
            path: vec![],
            checkpoint: String::new(),
        };
        check("ConsistencyProof", consistency);
        check("Checkpoint", CheckpointJson::new(head, &note()));
        check("CheckpointList", CheckpointListJson { checkpoints: vec![], next: Some(1) });
        check(
            "Health",
            HealthJson {
                status: "up",
                tree_size: Some(1),
                writes: Some(false),
                writes_refused: Some(vec![&service::DISK_LOW]),
                damaged: Some(vec!["entry 5".into()]),
            },
        );
        assert_eq!(SHAPES.len(), 11 + 14 + 7, "a new shape needs a line here, in `audited` or in `shapes::verdicts`");
    }
}
