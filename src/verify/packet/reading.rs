//! Packet files, one after the other: told apart by what they hold, and each
//! kept no longer than it is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::artifact::digest::{ArtifactDigest, sha256};
use crate::artifact::json::{self, DEPTH_MAX, JsonError, Value};
use crate::artifact::{Artifact, KeyCache};
use crate::audit::{Seen, authenticate_parsed};
use crate::checkpoint::TreeHead;
use crate::codes::{self, verdict};
use crate::entry::SequencedEntry;
use crate::merkle::{Hash, LeafIndex, RootHash, TreeSize};
use crate::receipt::{ConsistencyFile, ReceiptError, prove_under, tlog_proof};
use crate::trust::{TrustError, TrustPolicy, TrustedCheckpoint};
use crate::verify::budget::{Budget, OverBudget};
use crate::verify::packet::{MANIFEST, Packet};
use crate::verify::report::Check;
use crate::verify::whole_log::{CopyError, in_order};

/// First line of a `.tlog-proof`.
const PROOF_LINE: &[u8] = b"c2sp.org/tlog-proof@v1\n";
/// First word of a consistency file.
const OLD_WORD: &[u8] = b"old ";
/// What keeping anything takes beside its bytes.
const KEPT_BYTES: usize = 256;
/// Files under another log's key that one check names.
const STRANGE_NAMED_MAX: usize = 5;

/// A proof as it was read, with a note that many share.
#[derive(Debug)]
pub(in crate::verify) struct PackedProof {
    /// Where its entry stands.
    pub at: LeafIndex,
    beginning: Vec<u8>,
    note: Arc<[u8]>,
}

impl PackedProof {
    pub fn bytes(&self) -> Vec<u8> {
        [&self.beginning, self.note.as_ref()].concat()
    }
}

/// The path of a consistency file whose checkpoint is believed.
#[derive(Debug)]
pub(super) struct Way {
    pub old: TreeSize,
    pub path: Vec<Hash>,
}

struct Proof {
    index: LeafIndex,
    entry: SequencedEntry,
    packed: PackedProof,
}

/// Files by what they hold, while they are read.
pub struct Reading<'p> {
    policy: &'p TrustPolicy,
    budget: Budget,
    proofs: Vec<Proof>,
    notes: BTreeMap<[u8; 32], Arc<[u8]>>,
    /// What the note of the last file leads to: most files end in one note.
    opened: Option<Arc<TrustedCheckpoint>>,
    bodies: BTreeMap<ArtifactDigest, Value<'static>>,
    ways: Vec<Way>,
    heads: BTreeMap<TreeSize, RootHash>,
    origin: Option<String>,
    /// Files that are no evidence, or not all of them.
    others: Vec<String>,
    /// Files under no key of the policy, by what the policy says of them.
    strange: BTreeMap<String, (TrustError, Vec<String>)>,
    checks: Vec<Check>,
}

impl<'p> Reading<'p> {
    #[must_use]
    pub fn new(policy: &'p TrustPolicy, budget: Budget) -> Self {
        Reading {
            policy,
            budget,
            proofs: Vec::new(),
            notes: BTreeMap::new(),
            opened: None,
            bodies: BTreeMap::new(),
            ways: Vec::new(),
            heads: BTreeMap::new(),
            origin: None,
            others: Vec::new(),
            strange: BTreeMap::new(),
            checks: Vec::new(),
        }
    }

    /// Puts together what the files prove.
    ///
    /// # Errors
    /// The policy believes none of the proofs, the times of the entries go
    /// back, or there is no memory left.
    pub fn finish(mut self) -> Result<Packet, CopyError> {
        self.strangers()?;
        let checks = std::mem::take(&mut self.checks);
        let mut packet = Packet { checks, ..Packet::default() };
        if !self.others.is_empty() {
            let names = self.others.join(", ");
            packet.checks.push(Check::pass(
                "evidence",
                format!("read, and not, or not all of it, artifacts or proofs: {names}"),
            ));
        }
        packet.head = self.heads.last_key_value().map(|(size, root)| TreeHead { size: *size, root: *root });
        let Some(head) = packet.head else {
            packet.checks.push(Check::incomplete(
                "evidence",
                &verdict::EVIDENCE_WITHOUT_PROOFS,
                "no file is a .tlog-proof, so nothing here is shown to be logged",
            ));
            return Ok(packet);
        };
        let keys = KeyCache::new().of_one_reading();
        let mut proven = 0_u64;
        let mut entries: BTreeMap<ArtifactDigest, usize> = BTreeMap::new();
        self.proofs.iter().for_each(|proof| *entries.entry(proof.entry.digest).or_default() += 1);
        for proof in std::mem::take(&mut self.proofs) {
            let over = |source| CopyError::Memory { what: format!("entry {}", proof.index), source };
            let left = entries.entry(proof.entry.digest).or_default();
            *left = left.saturating_sub(1);
            let is_last = *left == 0;
            let body = self.body(&proof.entry, is_last, &keys).map_err(over)?;
            proven += 1;
            packet.proofs.insert(proof.entry.digest, proof.packed);
            packet.timeline.add_seen(proof.index, Arc::new(Seen::new(proof.entry, body)));
        }
        in_order(&packet.timeline)?;
        if let Some(origin) = &self.origin {
            packet.timeline = packet.timeline.of_log(origin.clone());
        }
        (packet.heads, packet.ways, packet.origin) = (self.heads, self.ways, self.origin);
        packet.keys = keys;
        packet.connect(head);
        packet.checks.push(Check::pass("evidence", format!("{proven} entries proven under a tree of {}", head.size)));
        Ok(packet)
    }

    /// The body of an entry, authentic. The values of what was read are charged
    /// already; a further entry of the same artifact has its own.
    fn body(
        &mut self,
        entry: &SequencedEntry,
        is_last: bool,
        keys: &KeyCache,
    ) -> Result<Option<Artifact<'static>>, OverBudget> {
        let value = match is_last {
            true => self.bodies.remove(&entry.digest),
            false => self.bodies.get(&entry.digest).cloned(),
        };
        let Some(body) = value.and_then(|value| authenticate_parsed(entry, value, keys)) else { return Ok(None) };
        match is_last {
            true => self.budget.keep(body.compact().len())?,
            false => self.budget.keep_artifact(&body)?,
        }
        Ok(Some(body))
    }

    /// One check for all files of one stranger. Where nothing else is proven,
    /// the policy is not this packet's, and nothing in it can be judged.
    fn strangers(&mut self) -> Result<(), CopyError> {
        for (error, names) in std::mem::take(&mut self.strange).into_values() {
            if self.heads.is_empty() {
                return Err(error.into());
            }
            let more = names.len().saturating_sub(STRANGE_NAMED_MAX);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let names = names[..names.len().min(STRANGE_NAMED_MAX)].join(", ");
            self.checks.push(Check::disbelieved("evidence", &error, format!("{names}{more}")));
        }
        Ok(())
    }

    /// A file that could not be read or is not believed.
    fn refuse(&mut self, name: &str, error: &ReceiptError) {
        if let ReceiptError::Trust(why) = error
            && error.code() == &codes::trust::LOG_UNKNOWN
        {
            let (_, names) = self.strange.entry(why.to_string()).or_insert_with(|| (why.clone(), Vec::new()));
            names.push(name.to_owned());
        } else {
            self.checks.push(Check::fail("evidence", error.code(), format!("{name}: {error}")));
        }
    }

    /// Reads one file; of what it holds only that is kept which is needed.
    ///
    /// # Errors
    /// There is no memory left to keep it.
    pub fn take(&mut self, name: &str, bytes: &[u8]) -> Result<(), CopyError> {
        let taken = if bytes.starts_with(PROOF_LINE) {
            self.proof(name, bytes)
        } else if bytes.starts_with(OLD_WORD) {
            self.consistency_file(name, bytes);
            Ok(())
        } else if name == MANIFEST {
            Ok(())
        } else {
            self.artifacts(bytes).map(|are_artifacts| {
                // No artifact of any entry: one that is needed is missed there.
                if !are_artifacts {
                    self.others.push(name.to_owned());
                }
            })
        };
        taken.map_err(|source| CopyError::Memory { what: name.to_owned(), source })
    }

    /// Takes an artifact, or one a line; false when it is neither, or when some
    /// line is none.
    fn artifacts(&mut self, bytes: &[u8]) -> Result<bool, OverBudget> {
        if self.artifact(bytes)? {
            return Ok(true);
        }
        let (mut lines, mut all) = (0_u64, true);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            all &= self.artifact(line)?;
            lines += 1;
        }
        Ok(lines > 0 && all)
    }

    fn artifact(&mut self, bytes: &[u8]) -> Result<bool, OverBudget> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(false);
        }
        let value = match json::parse_within(bytes, DEPTH_MAX, self.budget.room_for(bytes.len())) {
            Ok(value) => value,
            Err(JsonError::OverRoom { .. }) => return Err(self.budget.over()),
            Err(_) => return Ok(false),
        };
        self.budget.keep(value.heap_bytes() + KEPT_BYTES)?;
        self.bodies.insert(ArtifactDigest::of(json::to_compact(&value).as_bytes()), value.into_owned());
        Ok(true)
    }

    fn proof(&mut self, name: &str, bytes: &[u8]) -> Result<(), OverBudget> {
        let mut read = || {
            let proof = tlog_proof::decode(bytes)?;
            let Some(entry) = &proof.extra else { return Ok(None) };
            let checkpoint = self.open(proof.checkpoint.as_bytes())?;
            let proven = prove_under(&proof, entry, Arc::clone(&checkpoint))?;
            let entry = SequencedEntry::decode(entry)?;
            Ok::<_, ReceiptError>(Some((proven.index(), entry, checkpoint)))
        };
        match read() {
            Ok(None) => {
                let detail = format!("{name}: carries no entry");
                self.checks.push(Check::fail("evidence", &verdict::ENTRY_MISSING, detail));
            }
            Ok(Some((index, entry, checkpoint))) => {
                if self.head(name, &checkpoint) {
                    let packed = self.pack(index, bytes, checkpoint.note().as_bytes())?;
                    self.proofs.push(Proof { index, entry, packed });
                }
            }
            Err(error) => self.refuse(name, &error),
        }
        Ok(())
    }

    /// The checkpoint of a note, whose signatures are checked once in a row.
    fn open(&mut self, note: &[u8]) -> Result<Arc<TrustedCheckpoint>, TrustError> {
        if let Some(opened) = self.opened.as_ref().filter(|opened| opened.note().as_bytes() == note) {
            return Ok(Arc::clone(opened));
        }
        // What is held goes before another is made: a note may be long.
        self.opened = None;
        let opened = Arc::new(self.policy.open(note)?);
        self.opened = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// What is kept of a proof: many of them end in the same note.
    fn pack(&mut self, at: LeafIndex, bytes: &[u8], note: &[u8]) -> Result<PackedProof, OverBudget> {
        let beginning = bytes.strip_suffix(note).unwrap_or(bytes);
        self.budget.keep(beginning.len() + KEPT_BYTES)?;
        let digest = sha256(note);
        let note = match self.notes.get(&digest) {
            Some(held) => Arc::clone(held),
            None => {
                self.budget.keep(note.len() + KEPT_BYTES)?;
                let note: Arc<[u8]> = note.into();
                self.notes.insert(digest, Arc::clone(&note));
                note
            }
        };
        Ok(PackedProof { at, beginning: beginning.to_vec(), note })
    }

    fn consistency_file(&mut self, name: &str, bytes: &[u8]) {
        let read = ConsistencyFile::decode(bytes).and_then(|file| {
            let newer = self.open(file.checkpoint.as_bytes())?;
            Ok((file, newer))
        });
        match read {
            Ok((file, newer)) => {
                if self.head(name, &newer) {
                    self.ways.push(Way { old: file.old, path: file.path });
                }
            }
            Err(error) => self.refuse(name, &error),
        }
    }

    /// Whether the checkpoint is of the one log, and no fork of what was seen.
    fn head(&mut self, name: &str, checkpoint: &TrustedCheckpoint) -> bool {
        let origin = checkpoint.origin().to_string();
        let (first, head) = (self.origin.get_or_insert_with(|| origin.clone()), checkpoint.head());
        if *first != origin {
            let detail = format!("{name}: is of {origin}, other files are of {first}");
            self.checks.push(Check::fail("evidence", &verdict::OTHER_ORIGIN, detail));
            return false;
        }
        if self.heads.insert(head.size, head.root).is_some_and(|root| root != head.root) {
            let detail = format!("{name}: two signed checkpoints of size {} have different roots", head.size);
            self.checks.push(Check::fail("evidence", &verdict::FORK, detail));
            return false;
        }
        true
    }
}
