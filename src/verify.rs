//! The offline verifier: bytes and a trust policy in, a report out.
//!
//! ```text
//! trust policy ──> checkpoint ──> inclusion ──> entry ──> artifact
//!  whom I believe   what they      this leaf     says      these bytes, authentic,
//!                   signed         is in it      which     are the ones it names
//! ```
//!
//! [`artifact`] reads as that line. It fails closed: what cannot be shown is
//! `fail`, what was not looked at because something before it failed is
//! `not_checked`, and only a report in which every check passes is a pass.
//! No file, clock or network: everything it knows is an argument.
//!
//! [`disclosure`] does the same for a file that shows some receipts of a
//! logged bundle and not the rest.
//!
//! [`judge::Judge`] adds the two verdicts on bundles: what the protocol says of
//! the bytes, and what the log says of the run, as far as the evidence reaches.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod answer;
mod body;
pub mod badge;
pub mod budget;
mod disclosure;
mod draft;
pub mod judge;
pub mod packet;
pub mod packing;
pub mod plain_text;
pub mod report;
pub mod scoped_token;
pub mod verification;
pub mod whole_log;

use std::sync::Arc;

use crate::artifact::KeyCache;
use crate::codes::verdict;
use crate::entry::SequencedEntry;
use crate::merkle::TreeSize;
use crate::receipt::{ConsistencyFile, LogProof, ProvenEntry, ReceiptError, prove_under, tlog_proof};
use crate::trust::{TrustPolicy, TrustedCheckpoint};
use crate::verify::body::Shown;
use crate::verify::draft::{Draft, Refusal};
use crate::verify::report::{Ask, Matter, Report, Subject};

pub use self::disclosure::disclosure;

/// Longest artifact that is read, bytes. Well above what any log admits today,
/// so that a log with a higher limit is still verifiable.
pub const ARTIFACT_BYTES_MAX: usize = 64 << 20;

/// What is asked beyond the proof itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The checkpoint must cover at least this many entries.
    pub size_at_least: Option<TreeSize>,
    /// The checkpoint must extend an older one.
    pub older: Option<Older<'a>>,
    /// Keys kept from one file to the next, and what they have checked.
    pub keys: Option<&'a KeyCache>,
    /// Most memory that the artifact's values may take, bytes; without it what
    /// [`room_for`](crate::artifact::json::room_for) gives.
    pub room: Option<usize>,
}

/// A checkpoint that was kept, and what shows that the log still extends it.
#[derive(Clone, Copy, Debug)]
pub struct Older<'a> {
    /// The signed note as it was kept.
    pub checkpoint: &'a [u8],
    /// Consistency file from that checkpoint's size to the one of the proof.
    /// Not needed when the older tree was empty or is the same.
    pub consistency: Option<&'a [u8]>,
}

/// Verifies one artifact against its `.tlog-proof` under a trust policy
/// (C2SP tlog-policy text). Without the artifact it can still say that the
/// entry is proven, and the report is then incomplete. Cost: a signature for
/// the checkpoint and each witness, one for the artifact, one hash a level.
#[must_use]
pub fn artifact(bytes: Option<&[u8]>, proof: &[u8], policy: &[u8], options: &Options<'_>) -> Report {
    prove_shown(bytes.map(Shown::Bytes), proof, policy, options)
}

/// [`artifact`] of what is at hand of the body, in whichever form.
fn prove_shown(shown: Option<Shown<'_>>, proof: &[u8], policy: &[u8], options: &Options<'_>) -> Report {
    let mut draft = Draft::new(Matter::Artifact, options);
    if let Some(believed) = believe(&mut draft, tlog_proof::decode(proof), policy) {
        if let Some((proven, entry)) = locate(&mut draft, &believed) {
            draft.subject(Subject::of(&proven, &entry));
            match shown {
                Some(shown) => body::check(&mut draft, shown, &entry, options),
                None => draft.incomplete(
                    Ask::Artifact,
                    &verdict::BODY_NOT_SHOWN,
                    "the entry is proven, its body was not shown".to_owned(),
                ),
            }
        }
        extend(&mut draft, &believed, options);
    }
    draft.finish()
}

/// A proof whose checkpoint the policy believes.
struct Believed {
    policy: TrustPolicy,
    proof: LogProof,
    checkpoint: Arc<TrustedCheckpoint>,
}

fn believe(draft: &mut Draft, proof: Result<LogProof, ReceiptError>, policy: &[u8]) -> Option<Believed> {
    let policy = draft.take(Ask::Policy, TrustPolicy::of_reader(policy), |policy| {
        let logs: Vec<_> = policy.logs().map(|key| key.name().to_string()).collect();
        format!("believes {}", logs.join(", "))
    });
    let proof = draft.take(Ask::Proof, proof, |proof| format!("index {}, {} hashes", proof.index, proof.path.len()));
    let (policy, proof) = (policy?, proof?);
    let checkpoint = draft.take(Ask::Checkpoint, policy.open(proof.checkpoint.as_bytes()), |checkpoint| {
        format!("{} signed a tree of {} entries", checkpoint.origin(), checkpoint.head().size)
    })?;
    Some(Believed { policy, proof, checkpoint: Arc::new(checkpoint) })
}

fn locate(draft: &mut Draft, believed: &Believed) -> Option<(ProvenEntry, SequencedEntry)> {
    let Some(bytes) = &believed.proof.extra else {
        let why = "the proof carries no entry in its extra line".to_owned();
        draft.refuse(Ask::Entry, Refusal::new(&verdict::ENTRY_MISSING, why));
        return None;
    };
    let decoded = SequencedEntry::decode(bytes);
    let proven =
        draft.take(Ask::Inclusion, prove_under(&believed.proof, bytes, Arc::clone(&believed.checkpoint)), |proven| {
            let head = proven.checkpoint().head();
            format!("leaf {} leads to the signed root of size {}", proven.index(), head.size)
        });
    // What an entry says is shown once it is known to stand in the log.
    if proven.is_none() && decoded.is_ok() {
        return None;
    }
    let entry =
        draft.take(Ask::Entry, decoded, |entry| format!("{} by submitter {}", entry.kind.name(), entry.submitter));
    Some((proven?, entry?))
}

fn extend(draft: &mut Draft, believed: &Believed, options: &Options<'_>) {
    let size = believed.checkpoint.head().size;
    if let Some(least) = options.size_at_least {
        let enough = if size >= least {
            Ok(())
        } else {
            let why = format!("the checkpoint covers {size} entries, at least {least} were asked for");
            Err(Refusal::new(&verdict::SIZE_TOO_SMALL, why))
        };
        draft.take(Ask::Size, enough, |()| format!("{size} entries, at least {least} were asked for"));
    }
    if let Some(older) = &options.older {
        match consistency(believed, older) {
            Ok(from) => {
                draft.pass(Ask::Consistency, format!("the tree of {from} entries is the beginning of this one"));
            }
            Err(Unshown::Refused(refusal)) => draft.refuse(Ask::Consistency, refusal),
            Err(Unshown::Shorter { from, now }) => draft.incomplete(
                Ask::Consistency,
                &verdict::LOG_SHORTER,
                format!("the older checkpoint covers {from} entries, the proof's only {now}"),
            ),
            Err(Unshown::NoFile { from }) => draft.incomplete(
                Ask::Consistency,
                &verdict::CONSISTENCY_FILE_MISSING,
                format!("nothing shows that this tree extends the one of {from} entries"),
            ),
        }
    }
}

enum Unshown {
    Refused(Refusal),
    /// A tree that is smaller contradicts nothing: a newer proof may show both.
    Shorter {
        from: TreeSize,
        now: TreeSize,
    },
    NoFile {
        from: TreeSize,
    },
}

impl<E: Into<Refusal>> From<E> for Unshown {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

fn consistency(believed: &Believed, older: &Older<'_>) -> Result<TreeSize, Unshown> {
    let old = believed.policy.open(older.checkpoint)?;
    let (from, now) = (old.head(), believed.checkpoint.head());
    if old.origin() != believed.checkpoint.origin() {
        let why = format!("the older checkpoint is of {}, the proof of {}", old.origin(), believed.checkpoint.origin());
        return Err(Refusal::new(&verdict::OTHER_ORIGIN, why).into());
    }
    if from.size > now.size {
        return Err(Unshown::Shorter { from: from.size, now: now.size });
    }
    let Some(file) = older.consistency else {
        // An empty tree is the beginning of every tree, and a tree of itself;
        // the same size under another root is a fork and needs no file to say so.
        return match from.size == TreeSize::ZERO || from == now {
            true => Ok(from.size),
            false if from.size == now.size => Err(fork(from.size).into()),
            false => Err(Unshown::NoFile { from: from.size }),
        };
    };
    let file = ConsistencyFile::decode(file)?;
    let newer = file.check(&old, &believed.policy)?;
    if newer.head() != now {
        let why = format!("the consistency file leads to size {}, the proof has {}", newer.head().size, now.size);
        return Err(Refusal::new(&verdict::CONSISTENCY_OTHER_CHECKPOINT, why).into());
    }
    Ok(from.size)
}

fn fork(size: TreeSize) -> Refusal {
    Refusal::new(&verdict::FORK, format!("two signed checkpoints of size {size} have different roots"))
}
