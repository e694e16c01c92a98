//! What is believed of a log's answers: what they say of the artifact that was
//! sent and, under the submitter's own trust policy, what their proofs show.

use std::path::Path;

use pulselog::codes::trust::LOG_UNKNOWN;
use pulselog::note::NOTE_BYTES_MAX;
use pulselog::receipt::tlog_proof::TLOG_PROOF_BYTES_MAX;
use pulselog::trust::TrustPolicy;
use pulselog::verify::answer::{Answer, AnswerError, Claim};

use crate::cli::bounds::too_slow;
use crate::cli::failure::Failure;
use crate::cli::http::{Client, Unread};
use crate::cli::verify::{disbelieved, policy as named, trust};

/// How answers are checked.
pub struct Belief {
    policy: Option<TrustPolicy>,
}

impl Belief {
    /// With a policy every proof is asked for and verified.
    pub fn under(policy: Option<&Path>) -> Result<Self, Failure> {
        let read = |path| trust(Some(&named(path)?));
        Ok(Self { policy: policy.map(read).transpose()? })
    }

    /// Before anything is sent: whether this is a log that the policy believes.
    /// What is submitted to another one is logged there for good.
    pub fn meet(&self, client: &Client) -> Result<(), Failure> {
        let Some(policy) = &self.policy else { return Ok(()) };
        match client.get_bounded("checkpoint", NOTE_BYTES_MAX) {
            Ok(note) if note.status == 200 => match policy.open(&note.body) {
                Err(error) if error.code() == &LOG_UNKNOWN => {
                    let mut failure = disbelieved(&client.url("checkpoint"), &error);
                    failure.message.push_str("; nothing was sent");
                    Err(failure)
                }
                // What else is wrong with it, the proofs will show.
                _ => Ok(()),
            },
            // Sending says why, and waits where waiting helps.
            _ => Ok(()),
        }
    }

    pub fn verifies_proofs(&self) -> bool {
        self.policy.is_some()
    }

    /// Whether the answer to `sent` is true. An error of the outer kind ends
    /// the run: the log gives no proof.
    pub fn holds(
        &self,
        client: &Client,
        sent: &[u8],
        said: &serde_json::Value,
    ) -> Result<Result<(), AnswerError>, Failure> {
        let answer = Answer {
            artifact: said["artifact"].as_str(),
            leaf_hash: said["leaf_hash"].as_str(),
            index: said["index"].as_u64(),
            tree_size: said["tree_size"].as_u64(),
        };
        let claim = match (Claim::of(sent, &answer), &self.policy) {
            (Ok(claim), Some(policy)) => (claim, policy),
            (claim, _) => return Ok(claim.map(drop)),
        };
        let (claim, policy) = claim;
        let path = format!("v1/entries/{}.tlog-proof", claim.index);
        let none = |why: String| {
            let url = client.url(&path);
            Failure::incomplete(format!("{url}: {why}; what was sent is said to be logged, and no proof shows it"))
        };
        match client.get_bounded(&path, TLOG_PROOF_BYTES_MAX) {
            Ok(proof) if proof.status == 200 => Ok(claim.is_shown_by(&proof.body, policy)),
            Ok(other) => Err(none(other.problem())),
            Err(Unread::TooLong) => Err(none(format!("has more than {TLOG_PROOF_BYTES_MAX} bytes"))),
            Err(Unread::TooSlow { rate }) => Err(none(too_slow(rate))),
            Err(Unread::Failed(why)) => Err(none(why)),
        }
    }
}
