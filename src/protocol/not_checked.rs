//! Blocks that a document may carry and this room does not judge. They are
//! named, never believed: a document that has one gets no plain pass.

use std::collections::BTreeSet;

use crate::artifact::json::Value;

/// A kind of block that is not judged.
#[derive(Debug)]
pub struct BlockRow {
    pub name: &'static str,
    /// What it would say, in one sentence.
    pub means: &'static str,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A dotted path in the payload of a proof bundle.
    Payload(&'static str),
    /// Members of a gateway receipt's metadata that start so.
    ReceiptMetadata(&'static str),
}

macro_rules! blocks {
    ($($name:literal, $place:expr, $means:literal;)*) => {
        /// Every block that is not judged.
        pub static BLOCKS: &[BlockRow] = &[$(BlockRow { name: $name, means: $means, place: $place }),*];
    };
}

blocks! {
    "vir_receipts", Place::Payload("vir_receipts"), "Receipts of model calls put together from several observers.";
    "web_receipts", Place::Payload("web_receipts"), "Receipts of witnessed web requests.";
    "coverage_attestations", Place::Payload("coverage_attestations"), "Statements of a sentinel about how much it saw; only their figures are compared, nobody's signature.";
    "binary_semantic_evidence_attestations", Place::Payload("binary_semantic_evidence_attestations"), "Statements about what programs are able to do.";
    "delegation_receipts", Place::Payload("delegation_receipts"), "Links to the bundles of other agents; no such bundle is looked at.";
    "policy_binding", Place::Payload("metadata.policy_binding"), "The organisation's policy that was in force.";
    "data_handling", Place::Payload("metadata.data_handling"), "Receipts about how data was handled.";
    "runner_measurement", Place::Payload("metadata.runner_measurement"), "A measurement of the program that ran the agent.";
    "runner_attestation_receipt", Place::Payload("metadata.runner_attestation_receipt"), "A statement of the runner about its own measurement.";
    "reviewer_signoff_receipts", Place::Payload("metadata.reviewer_signoff_receipts"), "Sign-offs of reviewers.";
    "egress_policy_receipt", Place::Payload("metadata.sentinels.egress_policy_receipt"), "A statement about which hosts the run could reach.";
    "runtime_profile", Place::Payload("metadata.sentinels.runtime_profile"), "A profile of the runtime.";
    "runtime_hygiene", Place::Payload("metadata.sentinels.runtime_hygiene"), "Remarks about the runtime's state.";
    "x402", Place::ReceiptMetadata("x402_"), "Payment for a model call.";
    "log_inclusion_proof", Place::ReceiptMetadata("log_inclusion_proof"), "A proof that another log holds the receipt.";
    "kinematic_fingerprint", Place::ReceiptMetadata("kinematic_fingerprint"), "A fingerprint of the model's timing.";
    "sentinel_anomaly_report", Place::ReceiptMetadata("sentinel_anomaly_report"), "A report about unusual behaviour.";
    "audit_result_refs", Place::ReceiptMetadata("audit_result_refs"), "References to audits of the model, whose documents are not enclosed.";
}

/// Adds the blocks that the payload of a proof bundle carries.
pub(super) fn collect(payload: &Value, found: &mut BTreeSet<usize>) {
    let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
    let metadata: Vec<_> = receipts.iter().filter_map(|r| r.at("payload.metadata")?.as_object()).collect();
    for (at, block) in BLOCKS.iter().enumerate() {
        let present = match block.place {
            Place::Payload(path) => {
                payload.at(path).is_some_and(|value| value.as_array().is_none_or(|a| !a.is_empty()))
            }
            Place::ReceiptMetadata(prefix) => {
                metadata.iter().any(|members| members.iter().any(|(name, _)| name.starts_with(prefix)))
            }
        };
        if present {
            found.insert(at);
        }
    }
}

/// The names of what was found, in table order.
pub(super) fn names(found: &BTreeSet<usize>) -> Vec<&'static str> {
    found.iter().map(|at| BLOCKS[*at].name).collect()
}
