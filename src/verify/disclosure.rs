//! Verifying a disclosure file: the bundle's entry is in the log, and each
//! shown receipt is the one that the bundle holds at its place.
//!
//! The bundle itself is not shown, so its own signature cannot be checked here:
//! the log did that when it took the bundle in. A receipt with an envelope of
//! its own is authenticated; one without is only as good as the bundle.

use crate::artifact::{Artifact, KINDS, KeyCache, admit_inside};
use crate::codes;
use crate::receipt::disclosure::bundle_root;
use crate::receipt::{Disclosure, ReceiptError, ShownReceipt};
use crate::verify::draft::{Draft, Refusal};
use crate::verify::report::{Ask, Matter, Report, Subject};
use crate::verify::{Options, believe, extend, locate};

/// Verifies a disclosure file under a trust policy (C2SP tlog-policy text).
/// Receipts without a signature of their own leave the report incomplete.
/// Cost: a signature for the checkpoint, each witness and each enveloped
/// receipt, one hash a level of both trees.
#[must_use]
pub fn disclosure(bytes: &[u8], policy: &[u8], options: &Options<'_>) -> Report {
    let mut draft = Draft::new(Matter::Disclosure, options);
    let decoded = Disclosure::decode(bytes);
    let shown = draft.take(Ask::Disclosure, decoded, |file| match file.receipts().len() {
        1 => "shows 1 receipt".to_owned(),
        more => format!("shows {more} receipts"),
    });
    if let Some(shown) = shown
        && let Some(believed) = believe(&mut draft, Ok(shown.proof().clone()), policy)
    {
        if let Some((proven, entry)) = locate(&mut draft, &believed) {
            draft.subject(Subject::of(&proven, &entry));
            receipts(&mut draft, &shown);
        }
        extend(&mut draft, &believed, options);
    }
    draft.finish()
}

fn receipts(draft: &mut Draft, file: &Disclosure) {
    let root = draft.take(Ask::Receipts, bundle_root(file.proof()), |root| {
        format!("the bundle holds {} receipts, {} shown", root.count, file.receipts().len())
    });
    let Some(root) = root else { return };
    let keys = KeyCache::new();
    for (shown, outcome) in file.receipts().iter().zip(file.check(&root)) {
        place(draft, shown, outcome);
        author(draft, shown, &keys);
    }
}

fn place(draft: &mut Draft, shown: &ShownReceipt, outcome: Result<(), ReceiptError>) {
    let outcome = outcome.map_err(|error| Refusal::new(error.code(), format!("{}: {error}", name(shown))));
    draft.take(Ask::Shown, outcome, |()| format!("{} leads to the receipts root of the entry", name(shown)));
}

fn author(draft: &mut Draft, shown: &ShownReceipt, keys: &KeyCache) {
    if !KINDS.iter().any(|row| row.bundle_array == Some(shown.array())) {
        let why = format!("{}: receipts of this array are not judged here", name(shown));
        draft.incomplete(Ask::Author, &codes::receipt::RECEIPT_NOT_JUDGED, why);
        return;
    }
    let Some(admitted) = admit_inside(shown.array(), shown.receipt(), keys) else {
        let why = format!("{}: has no signature of its own, and the bundle that holds it is not shown", name(shown));
        draft.incomplete(Ask::Author, &codes::receipt::RECEIPT_WITHOUT_ENVELOPE, why);
        return;
    };
    let admitted = admitted.map_err(|error| Refusal::new(error.code(), format!("{}: {error}", name(shown))));
    draft.take(Ask::Author, admitted, |artifact| said_by(shown, artifact));
}

fn said_by(shown: &ShownReceipt, artifact: &Artifact) -> String {
    let signer = artifact.signer().map_or("nobody", |did| did.as_str());
    format!("{}: {} signed by {signer}", name(shown), artifact.kind())
}

fn name(shown: &ShownReceipt) -> String {
    format!("{}[{}]", shown.array(), shown.index())
}
