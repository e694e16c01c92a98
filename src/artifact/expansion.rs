//! Bundles expand (FORMATS 4.2): each enveloped receipt inside one is a statement
//! of its own and is logged as such, before the bundle. One that fails a step
//! is named, and the bundle stays: refusing it would hide evidence.

use crate::artifact::Artifact;
use crate::artifact::admission::{Candidate, Reading, authenticate, recognise};
use crate::artifact::error::AdmitError;
use crate::artifact::json::Value;
use crate::artifact::key_cache::KeyCache;
use crate::artifact::kind::Kind;
use crate::artifact::proof_bundle::receipts;
use crate::codes::Code;

/// An enveloped receipt inside a bundle that is not logged on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotExpanded {
    /// Where in the submitted artifact, as `payload.receipts[3]`.
    pub path: String,
    /// The admission step that failed, one of [`ADMISSION`](crate::codes::artifact::ADMISSION).
    pub code: &'static Code,
}

/// The authentic receipts inside a bundle, in the order of FORMATS 3.4, and those
/// that are not; both empty for other kinds. Receipts without an envelope are
/// the agent's words inside the bundle and are passed over.
pub(super) fn expand<'a>(bundle: &Artifact<'a>, keys: &KeyCache) -> (Vec<Artifact<'a>>, Vec<NotExpanded>) {
    let (mut expanded, mut not_expanded) = (Vec::new(), Vec::new());
    if bundle.kind() != Kind::ProofBundle {
        return (expanded, not_expanded);
    }
    for (array, index, receipt) in receipts(bundle.payload()).filter(|(_, _, receipt)| is_envelope(receipt)) {
        match expand_one(array, receipt, keys, Reading::Intake) {
            Ok(artifact) => expanded.push(artifact),
            Err(error) => {
                not_expanded.push(NotExpanded { path: format!("payload.{array}[{index}]"), code: error.code() });
            }
        }
    }
    (expanded, not_expanded)
}

/// One receipt of the bundle array called `array`, through every step that a
/// logged artifact passes; `None` when it has no envelope and so no
/// signature of its own.
#[must_use]
pub fn admit_inside<'a>(array: &str, receipt: &Value<'a>, keys: &KeyCache) -> Option<Result<Artifact<'a>, AdmitError>> {
    is_envelope(receipt).then(|| expand_one(array, receipt, keys, Reading::Logged))
}

fn is_envelope(receipt: &Value) -> bool {
    receipt.get("envelope_type").is_some() || receipt.get("envelope_version").is_some()
}

/// Only the kind that an array is for: a bundle's grant must not carry
/// approvals or decisions in.
fn expand_one<'a>(
    array: &str,
    receipt: &Value<'a>,
    keys: &KeyCache,
    reading: Reading,
) -> Result<Artifact<'a>, AdmitError> {
    let (kind, signed) = recognise(receipt)?;
    if kind.row().bundle_array != Some(array) {
        return Err(AdmitError::NotExpandable);
    }
    authenticate(kind, signed, Candidate::new(receipt.clone(), 2048), keys, reading)
}
