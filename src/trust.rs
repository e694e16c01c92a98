//! Whom to believe about a log: which keys may sign, and how many witnesses
//! must agree (C2SP tlog-policy, <https://c2sp.org/tlog-policy>).
//!
//! ```text
//! log example.com/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
//! witness w1 witness.example/w1+… https://witness.example/w1
//! witness w2 witness.example/w2+…
//! group either any w1 w2
//! quorum either
//! ```
//!
//! [`TrustPolicy::open`] is the only maker of a [`TrustedCheckpoint`]. It
//! fails closed: a line of a known key that does not verify refuses the whole
//! note, even when others would do.
//!
//! Narrower than the format: the file must be UTF-8, a log's key is Ed25519
//! (0x01) and a witness's a cosignature/v1 key (0x04); other types refuse the
//! policy rather than silently count for nothing.

use crate::checkpoint::cosignature::{self, Cosignature};
use crate::checkpoint::{Checkpoint, CheckpointError, Origin, TreeHead};
use crate::codes::{self, Code};
use crate::note::{NoteError, SignedNote, VerifierKey};

mod policy_text;

pub use policy_text::{PolicyDefect, PolicyError};

/// Longest policy file.
pub const POLICY_BYTES_MAX: usize = 262_144;
/// Most logs, most witnesses and most groups of one policy. The format asks
/// for at least 32 of each.
pub const POLICY_LOGS_MAX: usize = 256;
pub const POLICY_WITNESSES_MAX: usize = 256;
pub const POLICY_GROUPS_MAX: usize = 256;

/// Which checkpoints to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    logs: Vec<Log>,
    /// Witnesses and groups, each after everything it refers to.
    voters: Vec<Voter>,
    /// Position in `voters`; `None` asks for no witness.
    quorum: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Log {
    key: VerifierKey,
    url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Voter {
    name: String,
    kind: VoterKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum VoterKind {
    Witness {
        key: Box<VerifierKey>,
        url: Option<String>,
    },
    /// `threshold` of `members`, which are lower positions in `voters`.
    Group {
        threshold: usize,
        members: Vec<usize>,
    },
}

impl TrustPolicy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// The first line that breaks a rule of the format or a limit of this
    /// room, with its number; or that there is not exactly one quorum line.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        policy_text::parse(text.as_ref())
    }

    /// The same for whoever verifies: a policy of no log believes nothing, and
    /// says so before anything is read under it.
    ///
    /// # Errors
    /// Those of [`TrustPolicy::parse`], or that no log is listed.
    pub fn of_reader(text: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        let policy = Self::parse(text)?;
        if policy.logs.is_empty() {
            return Err(PolicyError { line: 0, defect: PolicyDefect::NoLog });
        }
        Ok(policy)
    }

    /// The policy to start with: this log, no witnesses. `key` must be a
    /// log's (0x01); with any other the policy opens nothing.
    #[must_use]
    pub fn for_log(key: VerifierKey) -> Self {
        Self { logs: vec![Log { key, url: None }], voters: Vec::new(), quorum: None }
    }

    /// Keys of the logs believed, in file order.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter().map(|log| &log.key)
    }

    /// Reads a note and decides whether to believe it.
    ///
    /// # Errors
    /// It is no checkpoint; no listed log whose key name is its origin signed
    /// it; a line of any listed key does not verify; or too few witnesses
    /// cosigned for the quorum.
    pub fn open(&self, note: &[u8]) -> Result<TrustedCheckpoint, TrustError> {
        let note = SignedNote::parse(note)?;
        let checkpoint = Checkpoint::parse_text(note.text())?;
        self.require_log(&note, &checkpoint.origin)?;
        let witnesses = self.count_witnesses(&note)?;
        Ok(TrustedCheckpoint { checkpoint, note, witnesses })
    }

    fn require_log(&self, note: &SignedNote, origin: &Origin) -> Result<(), TrustError> {
        let mut signed = false;
        for Log { key, .. } in &self.logs {
            match key.verify(note) {
                // A listed log that signs under another's origin is known,
                // so its line was checked, but it does not speak here.
                Ok(()) => signed |= key.name() == origin.key_name(),
                Err(NoteError::NotSigned { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if signed { Ok(()) } else { Err(self.unknown(origin)) }
    }

    fn unknown(&self, origin: &Origin) -> TrustError {
        let mut believed: Vec<_> = self.logs().map(|key| key.name().to_string()).collect();
        believed.dedup();
        let is_listed = believed.iter().any(|name| *name == origin.to_string());
        match is_listed || believed.is_empty() {
            true => TrustError::UnknownKey { origin: origin.clone() },
            false => TrustError::UnknownLog { origin: origin.clone(), believed: believed.join(", ") },
        }
    }

    /// Verifies every known witness line and then asks for the quorum.
    fn count_witnesses(&self, note: &SignedNote) -> Result<Vec<Cosignature>, TrustError> {
        let mut cosignatures = Vec::new();
        let mut agreed = Vec::with_capacity(self.voters.len());
        for voter in &self.voters {
            let agrees = match &voter.kind {
                VoterKind::Witness { key, .. } => match cosignature::verify(key, note) {
                    Ok(cosignature) => {
                        cosignatures.push(cosignature);
                        true
                    }
                    Err(CheckpointError::Note(NoteError::NotSigned { .. })) => false,
                    Err(error) => return Err(error.into()),
                },
                // Members stand above their group, so they are decided.
                VoterKind::Group { threshold, members } => {
                    members.iter().filter(|member| agreed[**member]).count() >= *threshold
                }
            };
            agreed.push(agrees);
        }
        match self.quorum {
            Some(position) if !agreed[position] => {
                Err(TrustError::QuorumUnmet { quorum: self.voters[position].name.clone() })
            }
            _ => Ok(cosignatures),
        }
    }
}

/// A checkpoint that a policy believed. Made only by [`TrustPolicy::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
    witnesses: Vec<Cosignature>,
}

impl TrustedCheckpoint {
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    #[must_use]
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Every listed witness that cosigned, in policy order, needed or not.
    #[must_use]
    pub fn witnesses(&self) -> &[Cosignature] {
        &self.witnesses
    }
}

/// A note that the policy does not believe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It is another log's: nothing is said against it, and nothing proven.
    #[error("this is of {origin}, and believed is {believed}: one of the two files is of another log")]
    UnknownLog { origin: Origin, believed: String },
    #[error("signed for {origin} by no key that the policy lists for it")]
    UnknownKey { origin: Origin },
    #[error("too few witnesses cosigned for quorum {quorum}")]
    QuorumUnmet { quorum: String },
}

impl TrustError {
    /// Whether policy and checkpoint are merely of different logs.
    #[must_use]
    pub const fn is_of_another_log(&self) -> bool {
        matches!(self, Self::UnknownLog { .. })
    }

    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Note(error) => error.code(),
            Self::Checkpoint(error) => error.code(),
            Self::UnknownLog { .. } | Self::UnknownKey { .. } => &codes::trust::LOG_UNKNOWN,
            Self::QuorumUnmet { .. } => &codes::trust::QUORUM_UNMET,
        }
    }
}
