//! Selective disclosure (PEERS 2.4): hidden leaf hashes and disclosed values
//! that together give the hash the receipt committed to. The root is a hash
//! over the sorted list of leaf hashes, not a tree; a path is pasted in raw, so
//! one that contains a colon is ambiguous by the format's own fault.

use crate::artifact::json::{Value, to_jcs, write_string};
use crate::protocol::codes::{DISCLOSURE_ROOT_MISMATCH, DISCLOSURE_TYPE_MISMATCH};
use crate::protocol::envelope::{hash_text, text};
use crate::protocol::schema::{B64U8, Schema, closed, list, required};
use crate::protocol::verdict::{Failure, fail};

static LEAF: Schema = closed(&[
    required("type", &Schema::Enum(&["string", "number", "boolean", "null", "array", "object"])),
    required("value", &Schema::Any),
    required("salt_b64u", &B64U8),
]);
static LEAVES: Schema = Schema::Map(&LEAF);
static HASHES: Schema = list(&B64U8, 0);

/// The constant algorithm makes a check of its own unreachable.
pub(super) static SCHEMA: Schema = closed(&[
    required("disclosure_algorithm", &Schema::Const("vir_v2_typed_lexicographical")),
    required("merkle_root_b64u", &B64U8),
    required("redacted_leaf_hashes_b64u", &HASHES),
    required("disclosed_leaves", &LEAVES),
]);

/// Checks a disclosure of good shape against the committed hash text. Fields
/// are below the disclosure.
pub(super) fn check(disclosure: &Value, committed: &str) -> Result<(), Failure> {
    let root = text(disclosure, "merkle_root_b64u");
    if root != committed {
        return fail(DISCLOSURE_ROOT_MISMATCH, "merkle_root_b64u");
    }
    let redacted = disclosure.get("redacted_leaf_hashes_b64u").and_then(Value::as_array).unwrap_or_default();
    let mut hashes: Vec<String> = redacted.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let leaves = disclosure.get("disclosed_leaves").and_then(Value::as_object);
    for (path, leaf) in leaves.into_iter().flat_map(|leaves| leaves.iter()) {
        let value = leaf.get("value").unwrap_or(&Value::Null);
        if value.type_name() != text(leaf, "type") {
            return fail(DISCLOSURE_TYPE_MISMATCH, format!("disclosed_leaves.{path}"));
        }
        hashes.push(leaf_hash(path, leaf, value));
    }
    // Base64url is ASCII: byte order is the peer's order of code units.
    hashes.sort_unstable();
    let listed = Value::Array(hashes.into_iter().map(Value::from).collect());
    if hash_text(&to_jcs(&listed)) != root {
        return fail(DISCLOSURE_ROOT_MISMATCH, "merkle_root_b64u");
    }
    Ok(())
}

fn leaf_hash(path: &str, leaf: &Value, value: &Value) -> String {
    let mut preimage = format!("{path}:{{\"salt_b64u\":");
    write_string(text(leaf, "salt_b64u"), &mut preimage);
    preimage.push_str(",\"type\":");
    write_string(text(leaf, "type"), &mut preimage);
    preimage.push_str(",\"value\":");
    preimage.push_str(&to_jcs(value));
    preimage.push('}');
    hash_text(&preimage)
}
