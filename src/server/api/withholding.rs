//! What is not logged because of withholdings: one of the operator's that would
//! withhold nothing, and a new envelope of a statement that is withheld, which
//! nobody would ever see. Whatever anybody else says so is logged as ever, and
//! withholds nothing.

use crate::artifact::{Artifact, Kind, withholding};
use crate::codes::service::{WITHHELD_ALREADY, WITHHOLDING_REFUSED};
use crate::merkle::LeafIndex;
use crate::server::api::problem::Problem;
use crate::server::log::Log;
use crate::server::log::view::Body;
use crate::server::log::withholding::named_by;
use crate::server::store::layout::statement_key;

/// Whether an artifact may be logged, as far as it is the operator's withholding.
///
/// # Errors
/// `withholding_refused`, `withheld_already`, store codes.
pub fn check(log: &Log, artifact: &Artifact) -> Result<(), Problem> {
    let withheld = log.store().withheld();
    if let Some(by) = stated(log, artifact)? {
        let why = format!("entry {by} withholds what this says, in whatever envelope it stands");
        return Err(Problem::new(&WITHHELD_ALREADY, why));
    }
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
    // A statement is withheld once, in all its envelopes. A bundle that goes with what
    // it holds may be withheld for its own sake too.
    let by = match (kind, view.body(found)?) {
        (Kind::ProofBundle, _) | (_, Body::Shown(_)) => named_by(withheld, &found.entry),
        (_, Body::Withheld(by)) => Some(by),
    };
    match by {
        Some(by) => Err(Problem::new(&WITHHELD_ALREADY, format!("entry {by} withholds it already")).at(at)),
        None => Ok(()),
    }
}

/// The entry that withholds the statement of an artifact which the log does not have
/// yet: each such envelope would be one more entry whose body nobody has, and leave
/// verdicts open.
fn stated(log: &Log, artifact: &Artifact) -> Result<Option<LeafIndex>, Problem> {
    let withheld = log.store().withheld();
    let Some(signer) = artifact.signer().filter(|_| withheld.is_any()) else { return Ok(None) };
    let key = statement_key(&artifact.payload_hash(), artifact.kind(), Some(signer));
    match withheld.ask(|sets| sets.statements.get(&key).copied()) {
        Some(by) if log.view().find_artifact(&artifact.digest())?.is_empty() => Ok(Some(by)),
        _ => Ok(None),
    }
}
