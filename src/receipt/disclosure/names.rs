//! How a receipt of a bundle is named by whoever shows it.

use super::{DisclosureError, logged_payload};
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{Value, to_compact};
use crate::artifact::{HeldReceipt, View, receipts};
use crate::receipt::{LogProof, ReceiptError};

/// Array, place in it, receipt.
type Place<'a> = (&'static str, usize, &'a Value<'a>);

/// A receipt of a bundle by the names that [`Disclosure::of`](crate::receipt::Disclosure::of) takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nameable {
    /// Such as `tool_receipts[0]`.
    pub place: String,
    /// Of its compact form.
    pub digest: ArtifactDigest,
    /// Its receipt id, when it has one. Untrusted text.
    pub id: Option<String>,
    /// Whether it carries a signature of its own, which nobody checked here.
    pub is_signed: bool,
}

/// Every receipt of `bundle` that can be shown, in the bundle's order. Cost:
/// one pass over the bundle.
///
/// # Errors
/// As [`Disclosure::of`](crate::receipt::Disclosure::of), where no name is at fault.
pub fn nameable(bundle: &Value, proof: &LogProof) -> Result<Vec<Nameable>, ReceiptError> {
    let row = |(array, index, receipt): Place<'_>| Nameable {
        place: format!("{array}[{index}]"),
        digest: ArtifactDigest::of(to_compact(receipt).as_bytes()),
        id: id_of(receipt).map(str::to_owned),
        is_signed: HeldReceipt::of(receipt).signature().is_some(),
    };
    Ok(receipts(logged_payload(bundle, proof)?).map(row).collect())
}

pub(super) fn id_of<'a>(receipt: &'a Value<'a>) -> Option<&'a str> {
    HeldReceipt::of(receipt).id()
}

/// The one receipt that `name` means.
pub(super) fn find(all: &[Place<'_>], name: &str) -> Result<usize, DisclosureError> {
    let means = |(array, index, receipt): &Place<'_>| {
        id_of(receipt) == Some(name)
            || format!("{array}[{index}]") == name
            || (name.len() == 64 && ArtifactDigest::of(to_compact(receipt).as_bytes()).to_string() == name)
    };
    let mut found = all.iter().enumerate().filter(|(_, place)| means(place)).map(|(at, _)| at);
    let first = found.next().ok_or_else(|| DisclosureError::UnknownReceipt { name: name.to_owned() })?;
    match found.count() {
        0 => Ok(first),
        more => Err(DisclosureError::Ambiguous { name: name.to_owned(), count: more + 1 }),
    }
}
