//! The operator's findings about one job at one size of the log (FORMATS 5.4).

use crate::artifact::binds::{HEX64, ID, NONCE, ONE};
use crate::artifact::fact::Fact;
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::node::Nodes;
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, plain, required};
use crate::artifact::view::{Rows, View, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "audit_statement",
    envelope_type: "audit_statement",
    forms: &[Form::ours("audit_statement_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Audit statement",
    withholdable: false,
    voice: Voice::Operator,
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: entries_stand_below_the_size,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        job: text(payload, "scope.job_id"),
        refers_to: text(payload, "roots_digest").into_iter().collect(),
        ..Keys::default()
    },
    facts: &[
        ("Job", "scope.job_id"),
        ("Log", "origin"),
        ("Tree size", "size"),
        ("Root hash", "root_hash"),
        ("Roots of trust", "roots_digest"),
        ("Rules", "rules_version"),
    ],
    more_facts,
};

view! {
    /// What the operator says of a job's audit at one size.
    AuditStatement<'a> {
        Option<&'a str>: job = "scope.job_id", root_hash, roots_digest, rules_version;
        Option<u64>: size;
        Rows<'a, ListedEntry<'a>>: entries;
        Rows<'a, ListedFinding<'a>>: findings;
    }
    ListedEntry<'a> { Option<u64>: index; Option<&'a str>: leaf_hash; }
    ListedFinding<'a> { Option<&'a str>: code, severity; Nodes<'a>: entries; }
}

/// Entries of one job and what it rests on: 100 bytes each stay within 2 MiB.
const ENTRIES_MAX: usize = 16_384;
const FINDINGS_MAX: usize = 4_096;

const INDEX: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };

const PAYLOAD: Shape = object(&[
    required("audit_statement_version", &ONE),
    required("nonce", &NONCE),
    required("origin", &Shape::Text(Text::Origin)),
    required("scope", &object(&[required("job_id", &ID)])),
    required("size", &Shape::Integer { min: 1, max: 9_007_199_254_740_991 }),
    required("root_hash", &HEX64),
    required("roots_digest", &HEX64),
    required("rules_version", &plain(1, 64)),
    required("entries", &list(&object(&[required("index", &INDEX), required("leaf_hash", &HEX64)]), 0, ENTRIES_MAX)),
    required("findings", &list(&FINDING, 0, FINDINGS_MAX)),
]);

const FINDING: Shape = object(&[
    required("code", &plain(1, 64)),
    required("severity", &Shape::Enum(&["info", "low", "medium", "high", "critical"])),
    required("entries", &list(&INDEX, 0, ENTRIES_MAX)),
]);

fn entries_stand_below_the_size(payload: &Value) -> Result<(), ShapeError> {
    let size = payload.get("size").and_then(Value::as_i64).unwrap_or(0);
    let entries = payload.get("entries").and_then(Value::as_array).unwrap_or_default();
    let beyond =
        entries.iter().position(|entry| entry.get("index").and_then(Value::as_i64).is_none_or(|at| at >= size));
    match beyond {
        Some(at) => {
            Err(ShapeError::at("index", Broken::InvalidValue, "must be below size").within_element("entries", at))
        }
        None => Ok(()),
    }
}

fn more_facts(payload: &Value) -> Vec<Fact> {
    let says = AuditStatement::of(payload);
    let counts = [("Entries listed", says.entries().len()), ("Findings", says.findings().len())];
    counts.map(|(label, count)| Fact { label, value: count.to_string() }).to_vec()
}
