//! Evidence as files: artifacts, their `.tlog-proof`s, consistency files, and
//! the manifest that says which files belong together.
//!
//! ```text
//! packet.json                 name and SHA-256 of every other file
//! 02-cst_issuance.json        an artifact, in any spelling of the same JSON
//! 02-cst_issuance.tlog-proof  its entry, with the path to a signed root
//! statement.consistency       the attested size leads to the same root
//! ```
//!
//! Files are told apart by what they hold, never by their names. Nothing in
//! them is believed but what the trust policy and the pinned operator make so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::artifact::digest::{ArtifactDigest, sha256, to_hex};
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::artifact::{Artifact, KeyCache};
use crate::audit::{KnownSize, Seen, Timeline, authenticate};
use crate::checkpoint::TreeHead;
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, RootHash, TreeSize, verify_consistency};
use crate::receipt::{ConsistencyFile, prove, tlog_proof};
use crate::trust::{TrustPolicy, TrustedCheckpoint};
use crate::verify::copy::{CopyError, in_order};
use crate::verify::report::Check;

/// Most files of one packet.
pub const FILES_MAX: usize = 65_536;
/// The manifest of a packet directory.
pub const MANIFEST: &str = "packet.json";
/// First line of a `.tlog-proof`.
const PROOF_LINE: &[u8] = b"c2sp.org/tlog-proof@v1\n";
/// First word of a consistency file.
const OLD_WORD: &[u8] = b"old ";

/// Files that were read and believed as far as they prove themselves.
#[derive(Debug, Default)]
pub struct Packet {
    pub(super) timeline: Timeline,
    /// The largest proven head.
    pub(super) head: Option<TreeHead>,
    /// Raw proofs, by the digest of the artifact they are about.
    pub(super) proofs: BTreeMap<ArtifactDigest, Vec<u8>>,
    pub(super) checks: Vec<Check>,
}

/// One file: its name within the packet, and its bytes.
pub type File = (String, Vec<u8>);

impl Packet {
    /// Reads files under a trust policy. What is wrong with one of them is a
    /// check of the report; it makes the others no worse. Cost: a signature
    /// and a path for each proof, a signature for each artifact.
    ///
    /// # Errors
    /// The times of its entries go back: no verdict is made of such a packet.
    pub fn read(files: &[File], policy: &TrustPolicy) -> Result<Packet, CopyError> {
        let mut sorting = Sorting::default();
        for (name, bytes) in files {
            sorting.take(name, bytes, policy);
        }
        let mut packet = Packet { checks: sorting.checks, ..Packet::default() };
        if !sorting.others.is_empty() {
            let names = sorting.others.join(", ");
            packet.checks.push(Check::pass(
                "evidence",
                format!("read, and not, or not all of it, artifacts or proofs: {names}"),
            ));
        }
        packet.head = sorting.heads.last_key_value().map(|(size, root)| TreeHead { size: *size, root: *root });
        let Some(head) = packet.head else {
            packet.checks.push(Check::incomplete(
                "evidence",
                "evidence_without_proofs",
                "no file is a .tlog-proof, so nothing here is shown to be logged",
            ));
            return Ok(packet);
        };
        let keys = KeyCache::new();
        let mut proven = 0_u64;
        for proof in sorting.proofs {
            let body = sorting.bodies.get(&proof.entry.digest);
            let body = body.and_then(|bytes| authenticate(&proof.entry, bytes, &keys));
            proven += 1;
            packet.proofs.insert(proof.entry.digest, proof.bytes);
            packet.timeline.add_seen(proof.index, Arc::new(Seen::new(proof.entry, body)));
        }
        in_order(&packet.timeline)?;
        if let Some(origin) = sorting.origin {
            packet.timeline = packet.timeline.of_log(origin);
        }
        packet.connect(&sorting.heads, &sorting.consistency, head);
        packet.checks.push(Check::pass("evidence", format!("{proven} entries proven under a tree of {}", head.size)));
        Ok(packet)
    }

    /// The same with one more check.
    #[must_use]
    pub fn with(mut self, check: Check) -> Packet {
        self.checks.insert(0, check);
        self
    }

    /// The same, saying that a file was not read.
    #[must_use]
    pub fn without(mut self, name: &str, why: &str) -> Packet {
        self.checks.push(Check::incomplete("evidence", "evidence_not_read", format!("{name}: {why}")));
        self
    }

    /// Shows that every head is a beginning of the largest, and what the tree
    /// of each attested size is.
    fn connect(&mut self, heads: &BTreeMap<TreeSize, RootHash>, files: &[ConsistencyFile], head: TreeHead) {
        let leads = |from: TreeSize, root: &RootHash| {
            let to_head = |file: &&ConsistencyFile| {
                file.old == from && verify_consistency(from, head.size, &file.path, root, &head.root).is_ok()
            };
            from == head.size && *root == head.root || files.iter().any(|file| to_head(&file))
        };
        for (size, root) in heads.iter().filter(|(size, root)| !leads(**size, root)) {
            let detail = format!("nothing shows that the tree of {size} is the beginning of that of {}", head.size);
            let _ = root;
            self.checks.push(Check::incomplete("evidence", "consistency_file_missing", detail));
        }
        let attested: BTreeSet<_> = self.timeline.attested_sizes().collect();
        for size in attested {
            let Some(last) = size.get().checked_sub(1).map(LeafIndex::new) else { continue };
            let Some(logged_at) = self.timeline.get(last).map(|seen| seen.entry.logged_at) else { continue };
            let roots: Vec<_> = self.timeline.attested_roots(size).collect();
            if let Some(root) = roots.into_iter().find(|root| leads(size, root)) {
                self.timeline.know(size, KnownSize { logged_at, root });
            }
        }
    }

    /// Compares the files with the packet's manifest: a packet is whole or it
    /// is not that packet.
    #[must_use]
    pub fn manifest(files: &[File]) -> Check {
        let Some((_, manifest)) = files.iter().find(|(name, _)| name == MANIFEST) else {
            let detail = "the directory holds no packet.json, so nobody can say whether files are missing";
            return Check::incomplete("packet", "packet_manifest_missing", detail);
        };
        let listed = match listed(manifest) {
            Ok(listed) => listed,
            Err(why) => return Check::fail("packet", "packet_manifest_malformed", why),
        };
        // Each file once, however often the manifest lists it.
        let held: BTreeMap<&str, String> =
            files.iter().map(|(name, bytes)| (name.as_str(), to_hex(&sha256(bytes)))).collect();
        for (name, digest) in &listed {
            match held.get(name.as_str()) {
                None => {
                    let detail = format!("{name} is not there");
                    return Check::incomplete("packet", "packet_file_missing", detail);
                }
                Some(held) if held != digest => {
                    let detail = format!("{name} is not the file that the packet was made with");
                    return Check::fail("packet", "packet_file_changed", detail);
                }
                Some(_) => {}
            }
        }
        Check::pass("packet", format!("all {} files of the packet are there", listed.len()))
    }

    /// Name and hex digest of each file that a manifest lists. Untrusted text.
    ///
    /// # Errors
    /// The rule of the manifest that is broken.
    pub fn listed(manifest: &[u8]) -> Result<Vec<(String, String)>, String> {
        listed(manifest)
    }

    /// The manifest of these files, JSON.
    #[must_use]
    pub fn manifest_of(files: &[File]) -> String {
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| serde_json::json!({"name": name, "sha256": to_hex(&sha256(bytes))}))
            .collect();
        // Texts only: writing them cannot fail.
        serde_json::to_string_pretty(&serde_json::json!({"packet_version": "1", "files": files})).unwrap_or_default()
            + "\n"
    }
}

fn listed(manifest: &[u8]) -> Result<Vec<(String, String)>, String> {
    let value = json::parse(manifest, DEPTH_MAX).map_err(|error| error.to_string())?;
    if value.text_at("packet_version") != Some("1") {
        return Err("packet_version must be the text 1".to_owned());
    }
    let files = value.get("files").and_then(Value::as_array).ok_or("files must be a list")?;
    let file = |file: &Value| Some((file.text_at("name")?.to_owned(), file.text_at("sha256")?.to_owned()));
    files.iter().map(|f| file(f).ok_or_else(|| "every file must have name and sha256".to_owned())).collect()
}

struct Proof {
    index: LeafIndex,
    entry: SequencedEntry,
    bytes: Vec<u8>,
}

/// Files by what they hold.
#[derive(Default)]
struct Sorting {
    proofs: Vec<Proof>,
    bodies: BTreeMap<ArtifactDigest, Vec<u8>>,
    consistency: Vec<ConsistencyFile>,
    heads: BTreeMap<TreeSize, RootHash>,
    origin: Option<String>,
    /// Files that are no evidence, or not all of them.
    others: Vec<String>,
    checks: Vec<Check>,
}

impl Sorting {
    fn take(&mut self, name: &str, bytes: &[u8], policy: &TrustPolicy) {
        if bytes.starts_with(PROOF_LINE) {
            self.proof(name, bytes, policy);
        } else if bytes.starts_with(OLD_WORD) {
            self.consistency_file(name, bytes, policy);
        } else if name != MANIFEST && !self.artifacts(bytes) {
            // No artifact of any entry: one that is needed is missed there.
            self.others.push(name.to_owned());
        }
    }

    /// Takes an artifact, or one a line; false when it is neither, or when some
    /// line is none.
    fn artifacts(&mut self, bytes: &[u8]) -> bool {
        if self.artifact(bytes) {
            return true;
        }
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let taken: Vec<bool> = lines.map(|line| self.artifact(line)).collect();
        !taken.is_empty() && taken.iter().all(|taken| *taken)
    }

    fn artifact(&mut self, bytes: &[u8]) -> bool {
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        let Some(value) = is_object.then(|| json::parse(bytes, DEPTH_MAX).ok()).flatten() else { return false };
        let compact = json::to_compact(&value).into_bytes();
        self.bodies.insert(ArtifactDigest::of(&compact), compact);
        true
    }

    fn proof(&mut self, name: &str, bytes: &[u8], policy: &TrustPolicy) {
        let read = || {
            let proof = tlog_proof::decode(bytes).map_err(|error| (error.code(), error.to_string()))?;
            let entry = proof.extra.clone().ok_or(("entry_missing", "carries no entry".to_owned()))?;
            let proven = prove(&proof, &entry, policy).map_err(|error| (error.code(), error.to_string()))?;
            let entry = SequencedEntry::decode(&entry).map_err(|error| (error.code(), error.to_string()))?;
            Ok::<_, (&'static str, String)>((proven.index(), entry, proven.checkpoint().clone()))
        };
        match read() {
            Ok((index, entry, checkpoint)) => {
                if self.head(name, &checkpoint) {
                    self.proofs.push(Proof { index, entry, bytes: bytes.to_vec() });
                }
            }
            Err((code, why)) => self.checks.push(Check::fail("evidence", code, format!("{name}: {why}"))),
        }
    }

    fn consistency_file(&mut self, name: &str, bytes: &[u8], policy: &TrustPolicy) {
        let read = ConsistencyFile::decode(bytes).and_then(|file| {
            let newer = policy.open(file.checkpoint.as_bytes())?;
            Ok((file, newer))
        });
        match read {
            Ok((file, newer)) => {
                if self.head(name, &newer) {
                    self.consistency.push(file);
                }
            }
            Err(error) => self.checks.push(Check::fail("evidence", error.code(), format!("{name}: {error}"))),
        }
    }

    /// Whether the checkpoint is of the one log, and no fork of what was seen.
    fn head(&mut self, name: &str, checkpoint: &TrustedCheckpoint) -> bool {
        let origin = checkpoint.origin().to_string();
        let (first, head) = (self.origin.get_or_insert_with(|| origin.clone()), checkpoint.head());
        if *first != origin {
            let detail = format!("{name}: is of {origin}, other files are of {first}");
            self.checks.push(Check::fail("evidence", "other_origin", detail));
            return false;
        }
        if self.heads.insert(head.size, head.root).is_some_and(|root| root != head.root) {
            let detail = format!("{name}: two signed checkpoints of size {} have different roots", head.size);
            self.checks.push(Check::fail("evidence", "fork", detail));
            return false;
        }
        true
    }
}

impl Packet {
    /// The artifact of a digest, when its entry and body are here.
    #[must_use]
    pub fn artifact(&self, digest: &ArtifactDigest) -> Option<&Artifact> {
        let seen = self.timeline.prefix(self.timeline.size()).map(|(_, seen)| seen);
        seen.filter_map(|seen| seen.body.as_ref()).find(|body| body.digest() == *digest)
    }
}
