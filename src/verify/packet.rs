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

mod beginning;
mod manifest;
mod reading;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::{ArtifactDigest, sha256};
use crate::artifact::{Artifact, KeyCache};
use crate::audit::{Finding, KnownSize, Timeline};
use crate::checkpoint::TreeHead;
use crate::codes::verdict;
use crate::merkle::{LeafIndex, RootHash, TreeSize};
use crate::text::hex;
use crate::trust::TrustPolicy;
use crate::verify::budget::Budget;
use crate::verify::report::Check;
use crate::verify::whole_log::CopyError;

pub use self::manifest::Manifest;
pub(in crate::verify) use self::reading::PackedProof;
pub use self::reading::Reading;
use self::reading::Way;

/// Most files of one packet.
pub const FILES_MAX: usize = 65_536;
/// The manifest of a packet directory.
pub const MANIFEST: &str = "packet.json";

/// Files that were read and believed as far as they prove themselves.
#[derive(Debug, Default)]
pub struct Packet {
    pub(super) timeline: Timeline,
    /// The largest proven head.
    pub(super) head: Option<TreeHead>,
    /// By the digest of the artifact they are about.
    pub(super) proofs: BTreeMap<ArtifactDigest, PackedProof>,
    pub(super) checks: Vec<Check>,
    /// Every signed head, and the ways between them.
    heads: BTreeMap<TreeSize, RootHash>,
    ways: Vec<Way>,
    /// Of the one log.
    origin: Option<String>,
    /// Names of the files that the packet's own list gives these digests.
    listed: BTreeMap<String, String>,
    /// Names of the files that the list has and the packet has not.
    gone: Vec<String>,
    /// What its artifacts were authenticated with.
    pub(super) keys: KeyCache,
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
    /// Or they fill the memory that a run may take.
    pub fn read(files: &[File], policy: &TrustPolicy) -> Result<Self, CopyError> {
        let mut reading = Reading::new(policy, Budget::default());
        files.iter().try_for_each(|(name, bytes)| reading.take(name, bytes))?;
        reading.finish()
    }

    /// The same, compared with its own list of files.
    #[must_use]
    pub fn with(mut self, manifest: &Manifest) -> Self {
        self.checks.insert(0, manifest.check());
        self.gone = manifest.gone();
        self.listed = manifest.listed().into_iter().map(|(name, digest)| (digest, name)).collect();
        self
    }

    /// The authentic artifact of a digest, where the packet proves its entry.
    pub(super) fn held(&self, digest: &ArtifactDigest) -> Option<&Artifact<'static>> {
        let seen = self.timeline.get(self.proofs.get(digest)?.at)?;
        seen.body.as_ref().filter(|body| body.digest() == *digest)
    }

    /// The file that holds the body of an entry, whether it is here or not, as
    /// the packet's own list has it.
    fn file_of(&self, at: LeafIndex) -> Option<&String> {
        self.listed.get(&self.timeline.get(at)?.entry.digest.to_string())
    }

    /// Files that the packet's list has and that are not here, in words.
    fn gone(&self) -> Option<String> {
        let (first, more) = (self.gone.first()?, self.gone.len() - 1);
        Some(match more {
            0 => format!("{first}, which packet.json lists, is not here"),
            more => format!("{first} and {more} more, which packet.json lists, are not here"),
        })
    }

    /// Says of findings which of the packet's files they wait for.
    pub(super) fn name_files(&self, findings: &mut [Finding]) {
        // An entry that is not here may be the one whose proof is gone.
        let gone = self.gone();
        for finding in findings.iter_mut().filter(|finding| finding.not_here.iter().any(|lack| lack.kind.is_none())) {
            gone.iter().for_each(|gone| finding.detail.push_str(&format!("; {gone}")));
        }
        for lack in findings.iter_mut().flat_map(|finding| &mut finding.not_here).filter(|lack| lack.kind.is_some()) {
            lack.file = self.file_of(lack.first).cloned();
        }
    }

    /// The same, saying that a file was not read.
    #[must_use]
    pub fn without(mut self, name: &str, why: &str) -> Self {
        self.checks.push(Check::incomplete("evidence", &verdict::EVIDENCE_NOT_READ, format!("{name}: {why}")));
        self
    }

    /// Shows that every head is a beginning of the largest, and what the tree
    /// of each attested size is.
    fn connect(&mut self, head: TreeHead) {
        let apart = self.heads.iter().filter(|(size, root)| !self.leads(**size, root)).map(|(size, _)| {
            let detail = format!("nothing shows that the tree of {size} is the beginning of that of {}", head.size);
            Check::incomplete("evidence", &verdict::CONSISTENCY_FILE_MISSING, detail)
        });
        let apart: Vec<_> = apart.collect();
        self.checks.extend(apart);
        let attested: BTreeSet<_> = self.timeline.attested_sizes().collect();
        for size in attested {
            let Some(last) = size.get().checked_sub(1).map(LeafIndex::new) else { continue };
            let Some(logged_at) = self.timeline.get(last).map(|seen| seen.entry.logged_at) else { continue };
            let roots: Vec<_> = self.timeline.attested_roots(size).collect();
            if let Some(root) = roots.into_iter().find(|root| self.leads(size, root)) {
                self.timeline.know(size, KnownSize { logged_at, root });
            }
        }
    }

    /// Compares the files with the packet's manifest: a packet is whole or it
    /// is not that packet.
    #[must_use]
    pub fn manifest(files: &[File]) -> Check {
        let mut manifest = Manifest::default();
        files.iter().for_each(|(name, bytes)| manifest.take(name, bytes));
        manifest.check()
    }

    /// Name and hex digest of each file that a manifest lists. Untrusted text.
    ///
    /// # Errors
    /// The rule of the manifest that is broken.
    pub fn listed(manifest: &[u8]) -> Result<Vec<(String, String)>, String> {
        manifest::listed(manifest)
    }

    /// The manifest of these files, JSON.
    #[must_use]
    pub fn manifest_of(files: &[File]) -> String {
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| serde_json::json!({"name": name, "sha256": hex::encode(&sha256(bytes))}))
            .collect();
        // Texts only: writing them cannot fail.
        serde_json::to_string_pretty(&serde_json::json!({"packet_version": "1", "files": files})).unwrap_or_default()
            + "\n"
    }
}

impl Packet {
    /// The artifact of a digest, when its entry and body are here.
    #[must_use]
    pub fn artifact(&self, digest: &ArtifactDigest) -> Option<&Artifact<'static>> {
        let seen = self.timeline.prefix(self.timeline.size()).map(|(_, seen)| seen);
        seen.filter_map(|seen| seen.body.as_ref()).find(|body| body.digest() == *digest)
    }
}
