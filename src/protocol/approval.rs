//! Human approval receipts inside a bundle (PEERS 2.6). The agent vouches
//! for them, nobody else, and a denial passes as well as an approval.

use crate::artifact::json::Value;
use crate::protocol::schema::{DATE_TIME, DID, NONEMPTY, ONE, OPEN_OBJECT, STRING, Schema, open, optional, required};
use crate::protocol::side_effect::check_unsigned;
use crate::protocol::verdict::Failure;

const APPROVAL_TYPES: [&str; 4] = ["explicit_approve", "explicit_deny", "auto_approve", "timeout_deny"];

pub(super) static SCHEMA: Schema = open(&[
    required("receipt_version", &ONE),
    required("receipt_id", &NONEMPTY),
    required("approval_type", &Schema::Enum(&APPROVAL_TYPES)),
    optional("scope_hash_b64u", &STRING),
    optional("plan_hash_b64u", &STRING),
    optional("approver_subject", &STRING),
    optional("capability_minted", &Schema::Bool),
    optional("policy_hash_b64u", &STRING),
    required("agent_did", &DID),
    required("timestamp", &DATE_TIME),
    optional("binding", &OPEN_OBJECT),
]);

/// Checks one approval; fields are below it.
pub(super) fn check(receipt: &Value, agent: &str) -> Result<(), Failure> {
    check_unsigned(receipt, "approval_type", &APPROVAL_TYPES, agent)
}
