//! Lists of trusted signers that nobody gave. The peer refuses a document with
//! `DEPENDENCY_NOT_CONFIGURED` when it carries a signature of a third party and
//! no list says whose counts. Whether that is all that is wrong shows when the
//! document is judged once more as if everybody stood on the missing list.

use crate::protocol::codes::DEPENDENCY_NOT_CONFIGURED;
use crate::protocol::options::Options;
use crate::protocol::verdict::{Status, Verdict};

/// Stands for everybody on a list. It is no DID, so no config file and no
/// roots can hold it.
pub(super) const EVERYBODY: &str = "*";

/// A list that a verdict may lack.
struct List {
    /// As the peer's config file spells it.
    name: &'static str,
    /// What the peer names as the field when it lacks the list.
    field: Option<&'static str>,
    slot: fn(&mut Options) -> &mut Option<Vec<String>>,
}

static LISTS: [List; 4] = [
    List { name: "gateway_receipt_signer_dids", field: None, slot: |options| &mut options.gateway_signers },
    List {
        name: "execution_attestation_signer_dids",
        field: Some("env.EXECUTION_ATTESTATION_SIGNER_DIDS"),
        slot: |options| &mut options.execution_signers,
    },
    List {
        name: "derivation_attestation_signer_dids",
        field: Some("env.DERIVATION_ATTESTATION_SIGNER_DIDS"),
        slot: |options| &mut options.derivation_signers,
    },
    List {
        name: "audit_result_attestation_signer_dids",
        field: Some("env.AUDIT_RESULT_ATTESTATION_SIGNER_DIDS"),
        slot: |options| &mut options.audit_result_signers,
    },
];

/// As the peer's config file spells them.
pub(crate) fn list_names() -> Vec<&'static str> {
    LISTS.iter().map(|list| list.name).collect()
}

/// Names in `verdict` the lists whose absence is all that the peer refuses the
/// document for; none when anything else is wrong with it. Judges the document
/// once more for each missing list.
pub(super) fn name_what_is_lacking(verdict: &mut Verdict, options: &Options, judge: impl Fn(&Options) -> Verdict) {
    let mut options = options.clone();
    let mut lacking = Vec::new();
    let mut again: Option<Verdict> = None;
    // Each round fills a list, so there are no more rounds than lists.
    while let Some(list) = missing(again.as_ref().unwrap_or(verdict), &mut options) {
        *(list.slot)(&mut options) = Some(vec![EVERYBODY.to_owned()]);
        lacking.push(list.name);
        again = Some(judge(&options));
    }
    if again.is_some_and(|verdict| verdict.status != Status::Fail) {
        verdict.lacks = lacking;
    }
}

/// The missing list that decided a verdict.
fn missing(verdict: &Verdict, options: &mut Options) -> Option<&'static List> {
    if verdict.reason_code != DEPENDENCY_NOT_CONFIGURED.text() {
        return None;
    }
    // An attestation stands below the place of its list: the peer's name of the setting comes last.
    let names = |field: &str| verdict.field.as_deref().is_some_and(|at| at.ends_with(field));
    let list = LISTS.iter().find(|list| list.field.map_or(verdict.field.is_none(), names))?;
    (list.slot)(options).as_ref().is_none_or(Vec::is_empty).then_some(list)
}
