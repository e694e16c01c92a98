//! The manifest of exports and aggregates (PEERS 3.5): path, hash, type and
//! size of each artifact's RFC 8785 form. Both refuse the same faults, each
//! with codes of its own.

use std::collections::{HashMap, HashSet};

use crate::artifact::json::{Value, to_jcs};
use crate::protocol::codes::{self, Code};
use crate::protocol::collation;
use crate::protocol::envelope::{hash_text, text};
use crate::protocol::schema::{B64U8, DATE_TIME, NATURAL, NONEMPTY, ONE, Schema, closed, list, required};
use crate::protocol::verdict::{Failure, fail};

static ENTRY: Schema = closed(&[
    required("path", &NONEMPTY),
    required("sha256_b64u", &B64U8),
    required("content_type", &NONEMPTY),
    required("size_bytes", &NATURAL),
]);
static ENTRIES: Schema = list(&ENTRY, 1);

pub(super) static SCHEMA: Schema =
    closed(&[required("manifest_version", &ONE), required("generated_at", &DATE_TIME), required("entries", &ENTRIES)]);

const CONTENT_TYPE: &str = "application/json";

/// Which code each fault has.
pub(super) struct Faults {
    pub(super) repeated: Code,
    pub(super) number: Code,
    pub(super) absent: Code,
    pub(super) content_type: Code,
}

pub(super) const OF_EXPORT: Faults = Faults {
    repeated: codes::MALFORMED_ENVELOPE,
    number: codes::MISSING_REQUIRED_FIELD,
    absent: codes::MISSING_REQUIRED_FIELD,
    content_type: codes::MALFORMED_ENVELOPE,
};

pub(super) const OF_AGGREGATE: Faults = Faults {
    repeated: codes::AGGREGATE_BUNDLE_INVALID,
    number: codes::HASH_MISMATCH,
    absent: codes::HASH_MISMATCH,
    content_type: codes::AGGREGATE_BUNDLE_INVALID,
};

/// What an entry must say.
pub(super) struct Expected {
    path: String,
    pub(super) hash: String,
    size: usize,
}

impl Expected {
    pub(super) fn of(path: String, artifact: &Value) -> Self {
        let canonical = to_jcs(artifact);
        Self { path, hash: hash_text(&canonical), size: canonical.len() }
    }
}

/// Compares the manifest with what it must say; fields are below its parent.
pub(super) fn check(manifest: &Value, mut expected: Vec<Expected>, faults: &Faults) -> Result<(), Failure> {
    let entries = manifest.get("entries").and_then(Value::as_array).unwrap_or_default();
    let mut paths = HashSet::with_capacity(entries.len());
    if !entries.iter().all(|entry| paths.insert(text(entry, "path"))) {
        return fail(faults.repeated, "manifest.entries.path");
    }
    if entries.len() != expected.len() {
        return fail(faults.number, "manifest.entries");
    }
    expected.sort_by(|a, b| collation::compare(&a.path, &b.path));
    let by_path: HashMap<&str, &Value> = entries.iter().map(|entry| (text(entry, "path"), entry)).collect();
    for Expected { path, hash, size } in &expected {
        let Some(entry) = by_path.get(path.as_str()) else { return fail(faults.absent, "manifest.entries.path") };
        let field = |name| format!("manifest.entries[{path}].{name}");
        if text(entry, "sha256_b64u") != hash {
            return fail(codes::HASH_MISMATCH, field("sha256_b64u"));
        }
        if text(entry, "content_type") != CONTENT_TYPE {
            return fail(faults.content_type, field("content_type"));
        }
        if entry.get("size_bytes").and_then(Value::as_i64) != i64::try_from(*size).ok() {
            return fail(codes::HASH_MISMATCH, field("size_bytes"));
        }
    }
    Ok(())
}
