//! The JSON that leaves: one struct a shape, which says names, meanings and
//! encodings. `shapes` lists them.

pub(crate) mod audited;
pub mod shapes;

use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::NotExpanded;
use crate::artifact::digest::ArtifactDigest;
use crate::checkpoint::TreeHead;
use crate::codes::Code;
use crate::merkle::{Hash, RootHash};
use crate::note::SignedNote;
use crate::receipt::LogProof;
use crate::server::api::argocd::Answered;
use crate::server::api::problem::ProblemJson;
use crate::server::log::Logged;
use crate::server::log::view::StoredEntry;
use crate::shapes::{C2spText, HashText, HexText, UnixMs};
use crate::text::hex;

/// Answer to a submission.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Logged")]
pub struct LoggedJson {
    /// Leaf index of the entry.
    index: u64,
    /// SHA-256(0x00 ‖ entry).
    #[schemars(with = "HashText")]
    leaf_hash: String,
    /// SHA-256 of the compact form.
    #[schemars(with = "HashText")]
    artifact: String,
    /// Kind of the artifact.
    kind: &'static str,
    /// Size of a published checkpoint that covers the entry.
    tree_size: u64,
    /// Other entries of the same kind, payload hash and signer, lowest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    same_statement: Vec<u64>,
    /// Entries added for the receipts inside a bundle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expanded: Vec<u64>,
    /// Enveloped receipts inside that are not authentic on their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_expanded: Vec<NotExpandedJson>,
    /// Where a token was replaced by its hash in an unsigned observation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redacted: Vec<String>,
    /// tlog-proof at `tree_size`, with `?proof=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "C2spText")]
    proof: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "NotExpanded")]
struct NotExpandedJson {
    /// Where in the submitted artifact.
    path: String,
    /// The admission step that failed.
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

/// Answer to a notification of Argo CD.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Observed")]
pub struct ObservedJson {
    /// Leaf index of the observation.
    index: u64,
    /// SHA-256(0x00 ‖ entry).
    #[schemars(with = "HashText")]
    leaf_hash: String,
    /// SHA-256 of the compact form of the observation.
    #[schemars(with = "HashText")]
    artifact: String,
    /// Size of a published checkpoint that covers it.
    tree_size: u64,
    /// What was told: `operation`, `autosync`, `seen` or `deleting`.
    event: &'static str,
    /// Key of the operation; absent for other events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HashText")]
    op_key: Option<String>,
    /// Whether it was told before: nothing was added.
    duplicate: bool,
    /// Whether it happened before the token was made.
    backfill: bool,
    /// Where a token was replaced by its hash.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redacted: Vec<String>,
}

impl ObservedJson {
    /// Joins what the receiver and the log know.
    #[must_use]
    pub fn new(answered: Answered) -> Self {
        let Answered { place, tree_size, is_known, heard } = answered;
        Self {
            index: place.index.get(),
            leaf_hash: place.leaf_hash.hash().to_hex(),
            artifact: place.artifact.to_string(),
            tree_size: tree_size.get(),
            event: heard.event,
            op_key: heard.op_key,
            duplicate: is_known,
            backfill: heard.backfill,
            redacted: heard.redacted,
        }
    }
}

/// One line of a batch answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "BatchLine")]
pub struct BatchLineJson {
    /// Line of the request, the first is 1.
    pub line: usize,
    /// 201 logged, 200 logged before, else the problem's status.
    pub status: u16,
    /// Its place, when it has one.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedJson>,
    /// Why the line was refused; without it the fields of Logged are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemJson>,
}

/// A decoded entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Entry")]
pub struct EntryJson {
    /// Leaf index.
    index: u64,
    /// SHA-256(0x00 ‖ entry).
    #[schemars(with = "HashText")]
    leaf_hash: String,
    /// The leaf bytes: deterministic CBOR.
    #[schemars(with = "HexText")]
    entry: String,
    /// Version of the entry.
    version: u64,
    /// Kind of the artifact.
    kind: &'static str,
    /// SHA-256 of the compact form.
    #[schemars(with = "HashText")]
    artifact: String,
    /// Length of the compact form.
    body_bytes: u64,
    /// did:key that signed; absent when unsigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    /// Name of the token that submitted.
    submitter: String,
    /// The log's clock, never smaller than in the entry before.
    #[schemars(with = "UnixMs")]
    logged_at: u64,
    /// RFC 6962 root over a bundle's receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HashText")]
    receipts_root: Option<String>,
    /// How many receipts that root covers.
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
            receipts_root: entry.receipts.as_ref().map(|r| Hash::from_bytes(r.root).to_hex()),
            receipts_count: entry.receipts.as_ref().map(|r| r.count),
        }
    }
}

/// A page of entries.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "EntryList")]
pub struct EntryListJson {
    /// Entries in index order.
    pub entries: Vec<EntryJson>,
    /// Give it as `after` for the rest; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Published size that was read.
    pub tree_size: u64,
    /// With `kind`: entries below this are searched; ask again when it is below
    /// `tree_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_size: Option<u64>,
}

/// An inclusion proof.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "InclusionProof")]
pub struct InclusionJson {
    /// Leaf index.
    index: u64,
    /// Size of the checkpoint.
    tree_size: u64,
    /// SHA-256(0x00 ‖ entry).
    #[schemars(with = "HashText")]
    leaf_hash: String,
    /// Root of the checkpoint.
    #[schemars(with = "HashText")]
    root_hash: String,
    /// RFC 6962 audit path, leaf side first.
    #[schemars(with = "Vec<HashText>")]
    path: Vec<String>,
    /// The leaf bytes.
    #[schemars(with = "HexText")]
    entry: String,
    /// The signed note.
    #[schemars(with = "C2spText")]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConsistencyProof")]
pub struct ConsistencyJson {
    /// Older size.
    pub from: u64,
    /// Newer size.
    pub to: u64,
    /// Root at the older size.
    #[schemars(with = "HashText")]
    pub from_root: String,
    /// Root at the newer size.
    #[schemars(with = "HashText")]
    pub to_root: String,
    /// RFC 6962 consistency proof.
    #[schemars(with = "Vec<HashText>")]
    pub path: Vec<String>,
    /// The newer signed note.
    #[schemars(with = "C2spText")]
    pub checkpoint: String,
}

/// A published checkpoint.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Checkpoint")]
pub struct CheckpointJson {
    /// Tree size.
    size: u64,
    /// Root.
    #[schemars(with = "HashText")]
    root_hash: String,
    /// The signed note.
    #[schemars(with = "C2spText")]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "CheckpointList")]
pub struct CheckpointListJson {
    /// Newest first.
    pub checkpoints: Vec<CheckpointJson>,
    /// Give it as `after` for older ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Answer of the health routes.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub struct HealthJson {
    /// `degraded` where a read met damage in the store.
    #[schemars(extend("enum" = ["up", "ready", "degraded"]))]
    pub status: &'static str,
    /// Whether submissions are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// Codes of what refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_refused: Option<Vec<&'static Code>>,
    /// Damaged parts of the store by name, as far as reads and scrub have met
    /// them; at most 32.
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
