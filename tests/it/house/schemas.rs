//! `schemas/`: the two files about reports are what the types say, and they
//! refuse whatever a report does not write.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::make::{blessing, project};

/// The files made from the types that are written.
fn made() -> [(&'static str, Value); 2] {
    [
        ("verification.schema.json", pulselog::verify::verification::json_schema()),
        ("audit_report.schema.json", pulselog::audit::json_schema()),
    ]
}

/// Checks `value` against a file of `schemas/`.
#[track_caller]
pub fn is_valid(schema: &'static str, value: &Value) {
    static READ: LazyLock<Mutex<BTreeMap<&str, Validator>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = read.entry(schema).or_insert_with(|| {
        let text = std::fs::read_to_string(project("schemas").join(schema)).expect("a schema");
        validator(&serde_json::from_str(&text).expect("JSON"))
    });
    must_fit(schema, validator, value);
}

/// A validator of JSON Schema 2020-12; a reference that leads nowhere fails.
pub fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).expect("a schema")
}

/// Says every place that breaks a rule.
#[track_caller]
pub fn must_fit(name: &str, validator: &Validator, value: &Value) {
    let faults: Vec<_> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{value:#}");
}

#[test]
fn schemas_of_reports_are_what_the_types_say() {
    for (name, made) in made() {
        let path = project("schemas").join(name);
        let made = format!("{made:#}\n");
        if blessing() {
            std::fs::write(&path, &made).expect("written");
        }
        let committed = std::fs::read_to_string(&path).expect("a schema");
        assert!(committed == made, "schemas/{name} is not what the types say: PULSELOG_BLESS=1 writes it anew");
    }
}

/// Every object in `value`, by its path.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            members.iter().for_each(|(name, member)| objects(member, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| objects(item, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn finding() -> Value {
    json!({
        "entries": [3, 4], "causes": [1], "code": "TOKEN_REVOKED", "severity": "high", "effect": "fails", "job": "job-1",
        "run": "r", "agent": "did:key:z", "token": "a".repeat(64), "app": "i/n/a", "detail": "d",
        "not_here": [{"first": 1, "last": 1, "kind": "approval", "file": "01-approval.json"}],
    })
}

/// A whole report of each file, with every member that there is.
fn whole() -> [(&'static str, Value); 2] {
    let hash = "0".repeat(64);
    let as_of = json!({"size": 24, "logged_at": 1, "beyond": 1});
    let absence = json!({"how": "attested", "entry": 24});
    let pending = json!([{"entries": [1], "code": "RECEIPT_MISSING", "submitter": "s", "until_ms": 5}]);
    let seen = json!([{"what": "w", "entries": [1], "job": "job-1"}]);
    let verification = json!({
        "report_version": "1", "verdict": "incomplete", "source": "a.json",
        "subject": {
            "origin": "o", "tree_size": 1, "root_hash": hash, "index": 0, "leaf_hash": hash, "kind": "approval",
            "artifact": hash, "signer": "did:key:z", "submitter": "s", "logged_at": 1,
        },
        "document": {
            "kind": "proof_bundle", "digest": hash, "bundle_id": "b", "signer": "did:key:z", "agent": "did:key:z",
            "run": "r", "job": "j",
        },
        "protocol": {
            "status": "pass", "reason_code": "OK", "field": null, "proof_tier": "gateway", "trust_tier": null,
            "model_identity_tier": null, "risk_flags": ["f"], "not_checked": [],
            "lacks": ["gateway_receipt_signer_dids"], "bare": false, "allowlists": "roots", "verification_time": 1,
        },
        "audit": {"status": "not_asked", "findings": [finding()], "pending": pending},
        "coverage": {
            "rules_version": "v", "operator": "did:key:z", "roots_digest": hash, "as_of": as_of, "absence": absence,
            "entries": 3, "not_judged": seen,
        },
        "checks": [{"name": "n", "outcome": "not_checked", "code": "c", "detail": "d", "advice": "a"}],
    });
    let report = json!({
        "rules_version": "v", "scope": {"agent": "did:key:z", "run": "r"}, "as_of": as_of, "roots_digest": null,
        "absence": {"how": "recomputed"}, "verdict": "not_applicable", "findings": [finding()], "pending": pending,
        "coverage": seen, "jobs": {"job-1": "pass"},
        "matched": [{"entries": [1, 2], "grade": "seen", "by": "receipt", "certainty": "exact", "job": "job-1"}],
        "acts": [{
            "entry": 1, "what": "allowed", "action": "sync", "came": "done", "by": [{"did": "did:key:z", "entry": 0}],
            "app_name": "payments-api", "job": "job-1",
        }],
        "runs": [{"agent": "did:key:z", "run": "r", "job": null, "token": hash, "verdict": "fail"}],
    });
    [("verification.schema.json", verification), ("audit_report.schema.json", report)]
}

#[test]
fn schemas_of_reports_refuse_members_too_many_and_values_of_another_type() {
    for (name, good) in whole() {
        is_valid(name, &good);
        let text = std::fs::read_to_string(project("schemas").join(name)).expect("a schema");
        let validator = validator(&serde_json::from_str(&text).expect("JSON"));
        let mut places = Vec::new();
        objects(&good, "", &mut places);
        for place in &places {
            if place.ends_with("/jobs") {
                continue;
            }
            let mut bad = good.clone();
            bad.pointer_mut(place).expect("an object")["surprise"] = json!(1);
            assert!(!validator.is_valid(&bad), "{name}: {place} may hold a member that no report writes");
            let members = good.pointer(place).and_then(Value::as_object).expect("an object");
            for member in members.keys() {
                let mut bad = good.clone();
                bad.pointer_mut(place).expect("an object")[member] = json!({"of": ["another type"]});
                assert!(!validator.is_valid(&bad), "{name}: {place}/{member} may be anything");
            }
        }
        for path in ["/verdict", "/as_of/size", "/audit/findings/0/severity", "/findings/0/token", "/checks/0/outcome"]
        {
            let mut bad = good.clone();
            let Some(member) = bad.pointer_mut(path) else { continue };
            *member = json!("another word");
            assert!(!validator.is_valid(&bad), "{name}: {path} may be any word");
        }
    }
}

#[test]
fn schemas_of_reports_ask_for_what_is_written_always_and_take_null_only_there() {
    for (name, good) in whole() {
        let text = std::fs::read_to_string(project("schemas").join(name)).expect("a schema");
        let validator = validator(&serde_json::from_str(&text).expect("JSON"));
        let sometimes = [
            "source",
            "subject",
            "document",
            "protocol",
            "coverage",
            "signer",
            "bundle_id",
            "agent",
            "run",
            "job",
            "token",
            "app",
            "submitter",
            "not_here",
            "kind",
            "file",
            "beyond",
            "entry",
            "advice",
            "by",
            "certainty",
            "action",
            "came",
            "app_name",
        ];
        let nullable = [
            "field",
            "proof_tier",
            "trust_tier",
            "model_identity_tier",
            "operator",
            "roots_digest",
            "as_of",
            "logged_at",
            "job",
            "token",
        ];
        let mut places = Vec::new();
        objects(&good, "", &mut places);
        for place in places.iter().filter(|place| !place.ends_with("/jobs")) {
            let members = good.pointer(place).and_then(Value::as_object).expect("an object");
            for member in members.keys().map(String::as_str) {
                let mut without = good.clone();
                let object = without.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
                object.remove(member);
                assert!(
                    !validator.is_valid(&without) || sometimes.contains(&member),
                    "{name}: {place} may be without {member}"
                );
                let mut null = good.clone();
                null.pointer_mut(place).expect("an object")[member] = Value::Null;
                assert!(
                    !validator.is_valid(&null) || nullable.contains(&member),
                    "{name}: {place}/{member} may be null"
                );
            }
        }
    }
}
