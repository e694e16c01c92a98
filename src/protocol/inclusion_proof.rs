//! Inclusion proofs of the peer's own log (PEERS 2.11). Its tree has
//! no prefixes and repeats the last node of an odd level, its root signature
//! covers neither size nor name of the log: a valid proof shows little, and
//! nothing here is used for our own log.

use crate::artifact::digest;
use crate::artifact::json::Value;
use crate::protocol::codes::{INCLUSION_PROOF_INVALID, INVALID_DID_FORMAT, SIGNATURE_INVALID};
use crate::protocol::date;
use crate::protocol::envelope::{self, Signed, is_did_form, text};
use crate::protocol::options::Context;
use crate::protocol::schema::{
    B64U8, COUNT, DATE_TIME, DID, NONEMPTY, ONE, OPEN_OBJECT, Schema, closed, list, optional, required,
};
use crate::protocol::verdict::{Failure, fail, fail_whole};
use crate::text::base64url;

static ROOT_SIGNATURE: Schema = closed(&[required("signer_did", &DID), required("sig_b64u", &B64U8)]);
static PATH: Schema = list(&B64U8, 0);

pub(super) static SCHEMA: Schema = closed(&[
    required("proof_version", &ONE),
    required("log_id", &NONEMPTY),
    required("tree_size", &COUNT),
    required("leaf_hash_b64u", &B64U8),
    required("root_hash_b64u", &B64U8),
    required("audit_path", &PATH),
    required("root_published_at", &DATE_TIME),
    required("root_signature", &ROOT_SIGNATURE),
    optional("metadata", &OPEN_OBJECT),
]);

/// Checks a proof of good shape; fields are below it.
pub(super) fn check(proof: &Value, context: &Context<'_>) -> Result<(), Failure> {
    if date::parse(text(proof, "root_published_at")).is_none() {
        return fail(INCLUSION_PROOF_INVALID, "root_published_at");
    }
    let natural = |path| proof.at(path).and_then(Value::as_i64).and_then(|number| u64::try_from(number).ok());
    let Some(index) = natural("metadata.leaf_index") else {
        return fail(INCLUSION_PROOF_INVALID, "metadata.leaf_index");
    };
    let Some(size) = natural("tree_size").filter(|size| *size > 0) else {
        return fail(INCLUSION_PROOF_INVALID, "tree_size");
    };
    if index >= size {
        return fail(INCLUSION_PROOF_INVALID, "metadata.leaf_index");
    }
    let path = proof.get("audit_path").and_then(Value::as_array).unwrap_or_default();
    if path.len() != height(size) {
        return fail(INCLUSION_PROOF_INVALID, "audit_path");
    }
    check_root_signature(proof, context)?;
    if root(proof, path, index)? != text(proof, "root_hash_b64u") {
        return fail_whole(INCLUSION_PROOF_INVALID);
    }
    Ok(())
}

/// Levels above the leaves when every odd level repeats its last node.
fn height(size: u64) -> usize {
    (u64::BITS - (size - 1).leading_zeros()) as usize
}

fn check_root_signature(proof: &Value, context: &Context<'_>) -> Result<(), Failure> {
    let field = |name: &str| format!("root_signature.{name}");
    let Some(signature) = proof.get("root_signature") else { return fail(SIGNATURE_INVALID, field("sig_b64u")) };
    let signer = text(signature, "signer_did");
    if !is_did_form(signer) {
        return fail(INVALID_DID_FORMAT, field("signer_did"));
    }
    match envelope::signed(context.keys, signer, text(proof, "root_hash_b64u"), text(signature, "sig_b64u")) {
        Signed::Good => Ok(()),
        Signed::NoKey => fail(INVALID_DID_FORMAT, field("signer_did")),
        Signed::Undecodable | Signed::Bad => fail(SIGNATURE_INVALID, field("sig_b64u")),
    }
}

fn root(proof: &Value, path: &[Value], mut index: u64) -> Result<String, Failure> {
    let Some(mut current) = base64url::decode_all(text(proof, "leaf_hash_b64u")) else {
        return fail(INCLUSION_PROOF_INVALID, "leaf_hash_b64u");
    };
    for sibling in path {
        let Some(sibling) = sibling.as_str().and_then(base64url::decode_all) else {
            return fail(INCLUSION_PROOF_INVALID, "audit_path");
        };
        let pair = if index.is_multiple_of(2) { [current, sibling] } else { [sibling, current] };
        current = digest::sha256(&pair.concat()).to_vec();
        index /= 2;
    }
    Ok(base64url::encode(&current))
}

#[cfg(test)]
mod tests {
    use super::height;

    #[test]
    fn height_counts_halvings_rounded_up() {
        let halvings = |mut size: u64| {
            let mut count = 0;
            while size > 1 {
                size = size.div_ceil(2);
                count += 1;
            }
            count
        };
        (1..=70).chain([1 << 53]).for_each(|size| assert_eq!(height(size), halvings(size), "{size}"));
    }
}
