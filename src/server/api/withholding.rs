//! What of the operator's withholdings is not logged: one that would withhold
//! nothing. Whatever anybody else says so is logged as ever, and withholds nothing.

use crate::artifact::{Artifact, withholding};
use crate::codes::service::{WITHHELD_ALREADY, WITHHOLDING_REFUSED};
use crate::server::api::problem::Problem;
use crate::server::log::Log;
use crate::server::log::withholding::named_by;

/// Whether an artifact may be logged, as far as it is the operator's withholding.
///
/// # Errors
/// `withholding_refused`, `withheld_already`, store codes.
pub fn check(log: &Log, artifact: &Artifact) -> Result<(), Problem> {
    let withheld = log.store().withheld();
    let Some(says) = withholding(artifact).filter(|_| artifact.signer() == withheld.operator()) else { return Ok(()) };
    let view = log.view();
    // The same once more is answered with its place.
    if !view.find_artifact(&artifact.digest())?.is_empty() {
        return Ok(());
    }
    let refused = |at: &str, why: String| Err(Problem::new(&WITHHOLDING_REFUSED, why).at(at));
    if says.reason.trim().is_empty() {
        return refused("payload.reason", "say why the body is withheld: the page shows it".to_owned());
    }
    let found = view.find_artifact(&says.artifact)?;
    let at = "payload.artifact_digest";
    let Some(found) = found.first() else {
        return refused(at, "no published entry is about this artifact".to_owned());
    };
    let kind = found.entry.kind;
    if !kind.row().withholdable {
        return refused(at, format!("a {} is never withheld: rules cannot do without it", kind.name()));
    }
    match named_by(withheld, &found.entry) {
        Some(by) => Err(Problem::new(&WITHHELD_ALREADY, format!("entry {by} withholds it already")).at(at)),
        None => Ok(()),
    }
}
