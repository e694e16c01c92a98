//! Goldens of every kind: one good artifact, and bad ones named by their code
//! and defect, as `unknown_field--payload.extra.json`. `PULSELOG_BLESS=1`
//! writes them anew.

use std::collections::BTreeMap;
use std::fs;

use pulselog::artifact::json::{Object, Value, parse, to_compact};
use pulselog::artifact::shape::json_schema;
use pulselog::artifact::{HashForm, Kind};

use crate::artifact::defects::defects;
use crate::make::{
    JWS, admit_any, blessing, good, good_payload, key, kind, outcome, project, rehash_scope, seal_raw, set, signer_of,
    text_path, value,
};

fn resealed(kind: Kind, change: impl FnOnce(&mut Value<'static>)) -> String {
    let mut payload = good_payload(kind);
    change(&mut payload);
    to_compact(&seal_raw(kind, payload, &key(signer_of(kind))))
}

fn edited(kind: Kind, change: impl FnOnce(&mut Value<'static>)) -> String {
    let mut envelope = value(&good(kind));
    change(&mut envelope);
    to_compact(&envelope)
}

/// A secret at the kind's text path, in a payload that is good otherwise.
pub fn with_secret(kind: Kind) -> String {
    resealed(kind, |payload| {
        set(payload, text_path(kind), Some(format!("Bearer {JWS}").into()));
        if kind.name() == "cst_issuance" {
            rehash_scope(payload);
        }
    })
}

fn reordered(payload: &Value<'static>) -> Value<'static> {
    let members = payload.as_object().expect("an object").iter();
    let members = members.map(|(name, value)| (name.to_owned(), value.clone())).rev().collect();
    Object::from_members(members).expect("unique").into()
}

/// Every golden of a kind by file name.
pub fn goldens(kind: Kind) -> BTreeMap<String, String> {
    let text = |text: &str| Some(Value::from(text));
    let version_field = kind.row().forms[0].version_field;
    let other = Some(value(&edited(kind, |_| {})).text_at("signer_did").map_or(Value::Null, Value::from));
    let forged = {
        let mut forged = seal_raw(kind, good_payload(kind), &key("somebody else"));
        set(&mut forged, "signer_did", other);
        to_compact(&forged)
    };
    let mut files = BTreeMap::from([
        ("good.json".to_owned(), good(kind)),
        ("unknown_field--envelope.extra.json".to_owned(), edited(kind, |e| set(e, "extra", text("x")))),
        ("unknown_field--payload.extra.json".to_owned(), resealed(kind, |p| set(p, "extra", text("x")))),
        ("unknown_version--envelope-9.json".to_owned(), edited(kind, |e| set(e, "envelope_version", text("9")))),
        ("unknown_version--payload-9.json".to_owned(), resealed(kind, |p| set(p, version_field, text("9")))),
        ("missing_field--payload-version.json".to_owned(), resealed(kind, |p| set(p, version_field, None))),
        ("unknown_hash_algorithm--md5.json".to_owned(), edited(kind, |e| set(e, "hash_algorithm", text("MD5")))),
        ("signature_invalid--signed-by-somebody-else.json".to_owned(), forged),
        ("secret_in_artifact--deep.json".to_owned(), with_secret(kind)),
    ]);
    // A policy hash is over JCS: the order of members does not matter there.
    let (name, change): (_, fn(&Value<'static>) -> Value<'static>) = match kind.row().hash_form {
        HashForm::Compact => ("hash_mismatch--payload-reordered.json", reordered),
        HashForm::Jcs => ("hash_mismatch--payload-changed.json", |payload| {
            let mut changed = payload.clone();
            set(&mut changed, "workload.environment", Some("dev".into()));
            changed
        }),
    };
    files.insert(name.to_owned(), edited(kind, |e| set(e, "payload", Some(change(&good_payload(kind))))));
    for (code, path, json) in defects(kind) {
        let name = format!("{code}--{}.json", path.replace('[', "-").replace(']', ""));
        let artifact = resealed(kind, |payload| set(payload, path, json.map(value)));
        assert!(files.insert(name.clone(), artifact).is_none(), "{name} twice");
    }
    if kind.row().unsigned {
        files.insert("good-bare.json".to_owned(), to_compact(&good_payload(kind)));
    }
    files
}

#[test]
fn every_golden_is_admitted_or_refused_with_the_code_in_its_name() {
    for kind in Kind::ALL {
        let folder = project("tests/golden/artifacts").join(kind.name());
        let made = goldens(kind);
        if blessing() {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).expect("writable");
            made.iter().for_each(|(name, text)| fs::write(folder.join(name), text).expect("writable"));
        }
        let names =
            fs::read_dir(&folder).expect("goldens are committed").map(|entry| entry.expect("readable").file_name());
        let names: std::collections::BTreeSet<_> = names.map(|name| name.into_string().expect("UTF-8")).collect();
        assert!(names.contains("good.json") && names.len() >= 3, "{kind} has a good golden and bad ones");
        assert_eq!(names, made.keys().cloned().collect(), "{kind}");
        for (name, made) in &made {
            let text = fs::read_to_string(folder.join(name)).expect("readable");
            assert_eq!(&text, made, "{kind}/{name} is what the builders make");
            let expected = name.split_once("--").map_or("admitted", |(code, _)| code);
            assert_eq!(outcome(&text), expected, "{kind}/{name}");
        }
    }
}

#[test]
fn every_kind_of_ours_has_the_schema_that_its_shape_prints() {
    for kind in Kind::ALL {
        let path = project("schemas").join(format!("{}.schema.json", kind.name()));
        let Some(schema) = json_schema(kind) else {
            assert!(!path.exists(), "{kind} is a peer's");
            continue;
        };
        if blessing() {
            fs::create_dir_all(project("schemas")).expect("writable");
            fs::write(&path, &schema).expect("writable");
        }
        assert_eq!(fs::read_to_string(&path).expect("the schema is committed"), schema, "{kind}");
    }
    let ours = Kind::ALL.into_iter().filter(|kind| json_schema(*kind).is_some()).count();
    assert_eq!(ours, 12, "eleven kinds of FORMATS 5.4 and the customers' policy form");
}

#[test]
fn every_row_names_its_kind_and_no_other() {
    let names: std::collections::HashSet<_> = Kind::ALL.into_iter().map(Kind::name).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.name()), Some(kind));
        let withheld_never =
            ["audit_", "work_policy", "cst_", "approval", "argocd_decision", "argocd_receipt", "withholding"];
        let never = withheld_never.iter().any(|prefix| kind.name().starts_with(prefix));
        assert_eq!(kind.row().withholdable, !never, "{kind}");
        let files = ["src/artifact", "tests/golden/artifacts"].map(|folder| project(folder).join(kind.name()));
        assert!(files[0].with_extension("rs").exists() && files[1].exists(), "{kind}");
    }
}

#[test]
fn good_artifacts_show_facts_and_keys() {
    for kind in Kind::ALL {
        let admitted = admit_any(&good(kind)).expect("good");
        assert!(admitted.artifact.facts().len() >= 3, "{kind}");
        assert_eq!(admitted.artifact.issued_at(), Some(crate::make::ISSUED_AT));
    }
    let keys = |name| admit_any(&good(kind(name))).expect("good").artifact.keys();
    let bundle = keys("proof_bundle");
    assert_eq!((bundle.runs.as_slice(), bundle.job.as_deref()), (&["run_1".to_owned()][..], Some("job_123")));
    assert_eq!(keys("cst_issuance").job.as_deref(), Some("job_123"));
    assert_eq!(keys("argocd_decision").runs, ["run_1"]);
    assert_eq!(keys("argocd_decision").refers_to.len(), 1);
    assert_eq!(keys("cst_revocation").token_hash, keys("cst_issuance").token_hash);
}

#[test]
fn both_registry_policies_and_second_tool_receipts_are_admitted() {
    let policies = [
        r#"{"policy_version":"1","policy_id":"p","issuer_did":"did:web:x","allowed_providers":["openai"],"metadata":{"a":1}}"#,
        r#"{"policy_version":"2","policy_id":"p","issuer_did":"did:web:x","statements":[{"sid":"s","effect":"Deny",
            "actions":["*"],"resources":["**"],"conditions":{"StringEquals":{"Agent:DID":"x"}}}]}"#,
    ];
    for policy in policies {
        let text = to_compact(&seal_raw(kind("work_policy"), value(policy), &key("policy signer")));
        assert_eq!(outcome(&text), "admitted", "{policy}");
    }
    let mixed = r#"{"policy_version":"2","wpc_version":"v1","policy_id":"p","issuer_did":"did:web:x","statements":[]}"#;
    assert_ne!(outcome(&to_compact(&seal_raw(kind("work_policy"), value(mixed), &key("policy signer")))), "admitted");
    let tool = kind("tool_receipt");
    let mut second = good_payload(tool);
    set(&mut second, "receipt_version", Some("2".into()));
    set(&mut second, "args_salt_b64u", Some("c2FsdHNhbHQ".into()));
    set(&mut second, "result_salt_b64u", Some("c2FsdHNhbHQ".into()));
    let mut envelope = seal_raw(tool, second, &key("agent"));
    assert_eq!(outcome(&to_compact(&envelope)), "admitted");
    let co_signed = seal_raw(tool, envelope.get("payload").expect("payload").clone(), &key("wrapper"));
    let member = |name| co_signed.text_at(name).expect("text").to_owned();
    let co_signature = format!(
        r#"[{{"signature_b64u":"{}","algorithm":"Ed25519","signer_did":"{}","issued_at":"2026-11-22T12:00:00Z","role":"proxy"}}]"#,
        member("signature_b64u"),
        member("signer_did")
    );
    set(&mut envelope, "co_signatures", Some(value(&co_signature)));
    assert_eq!(outcome(&to_compact(&envelope)), "admitted");
    set(&mut envelope, "co_signatures[0].signer_did", Some(crate::make::did("approver").into()));
    assert_eq!(outcome(&to_compact(&envelope)), "co_signature_invalid");
    // The first version of the envelope has no place for them.
    set(&mut envelope, "envelope_version", Some("1".into()));
    assert_eq!(outcome(&to_compact(&envelope)), "unknown_version");
}

#[test]
fn schemas_are_json_and_close_every_object_of_ours() {
    for schema in Kind::ALL.into_iter().filter_map(json_schema) {
        let schema = parse(schema.as_bytes(), 64).expect("JSON");
        assert!(schema.get("$schema").is_some() && schema.get("$id").is_some());
        assert!(to_compact(&schema).contains("\"additionalProperties\":false"));
        assert!(!to_compact(&schema).contains("\"additionalProperties\":true"));
    }
}
