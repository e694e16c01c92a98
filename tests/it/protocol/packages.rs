//! Exports, aggregates and commit signatures with keys of our own: what the
//! shared vectors do not touch.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use pulselog::artifact::json::{Object, Value, to_jcs};
use pulselog::protocol::{DocumentKind, Options, Verdict, verify};

use crate::make::protocol::{chain, gateway_receipt, options, receipt_payload};
use crate::make::{b64u, did, key, kind, seal_raw, set, value};

const AT: &str = "2026-11-22T12:00:00.000Z";

fn all_options() -> Options {
    let mut options = options();
    options.execution_signers = Some(vec![did("executor")]);
    options.derivation_signers = Some(vec![did("deriver")]);
    options.audit_result_signers = Some(vec![did("auditor")]);
    options
}

fn sign(key: &SigningKey, text: &str) -> String {
    Base64UrlUnpadded::encode_string(&key.sign(text.as_bytes()).to_bytes())
}

/// An envelope of any type; the hash form is that of bundles.
fn sealed(envelope_type: &str, payload: Value<'static>, key: &SigningKey) -> Value<'static> {
    let mut envelope = seal_raw(kind("proof_bundle"), payload, key);
    set(&mut envelope, "envelope_type", Some(envelope_type.into()));
    envelope
}

fn entry(path: &str, artifact: &Value<'static>) -> Value<'static> {
    let canonical = to_jcs(artifact);
    value(&format!(
        r#"{{"path":"{path}","sha256_b64u":"{}","content_type":"application/json","size_bytes":{}}}"#,
        b64u(&canonical),
        canonical.len()
    ))
}

fn manifest(entries: Vec<Value<'static>>) -> Value<'static> {
    let mut manifest = value(&format!(r#"{{"manifest_version":"1","generated_at":"{AT}"}}"#));
    set(&mut manifest, "entries", Some(entries.into()));
    manifest
}

/// A bundle of one run with one receipt; `more` goes into its binding.
fn member(agent: &str, run: &str, receipt_id: &str, more: &str) -> Value<'static> {
    let mut events = chain(&["llm_call"]);
    set(&mut events[0], "run_id", Some(run.into()));
    events[0] = crate::make::protocol::hashed(events[0].clone());
    let mut receipt = receipt_payload(&events, 0, more);
    set(&mut receipt, "binding.run_id", Some(run.into()));
    set(&mut receipt, "receipt_id", Some(receipt_id.into()));
    let mut payload =
        value(&format!(r#"{{"bundle_version":"1","bundle_id":"pb_{run}","agent_did":"{}"}}"#, did(agent)));
    set(&mut payload, "event_chain", Some(events.into()));
    set(&mut payload, "receipts", Some(vec![gateway_receipt(receipt)].into()));
    seal_raw(kind("proof_bundle"), payload, &key(agent))
}

/// An export of a bundle and attestations, `(list, envelope)` each.
pub fn export(bundle: &Value<'static>, attestations: &[(&str, Value<'static>)]) -> Value<'static> {
    let mut artifacts = Object::new();
    artifacts.set("proof_bundle_envelope", bundle.clone());
    let mut entries = vec![entry("artifacts/proof_bundle_envelope.json", bundle)];
    for (list, attestation) in attestations {
        artifacts.set(list, vec![attestation.clone()].into());
        entries.push(entry(&format!("artifacts/{list}/0.json"), attestation));
    }
    let mut export = value(&format!(
        r#"{{"export_version":"1","export_id":"exp_1","created_at":"{AT}","issuer_did":"{}"}}"#,
        did("exporter")
    ));
    set(&mut export, "manifest", Some(manifest(entries)));
    set(&mut export, "artifacts", Some(artifacts.into()));
    set(&mut export, "issued_at", Some(AT.into()));
    finish(export)
}

/// Hash and signature of an export whose members are as wanted.
fn finish(mut export: Value<'static>) -> Value<'static> {
    let hash = b64u(&to_jcs(&export));
    let signature = sign(&key("exporter"), &hash);
    for (name, text) in [
        ("bundle_hash_b64u", hash.as_str()),
        ("hash_algorithm", "SHA-256"),
        ("signature_b64u", &signature),
        ("algorithm", "Ed25519"),
    ] {
        set(&mut export, name, Some(text.into()));
    }
    export
}

#[track_caller]
fn answers(document: &Value, kind: DocumentKind, code: &str, field: Option<&str>) -> Verdict {
    let verdict = verify(document, kind, &all_options());
    assert_eq!((verdict.reason_code, verdict.field.as_deref()), (code, field), "{verdict:?}");
    verdict
}

fn execution(bundle: &Value<'static>, change: impl FnOnce(&mut Value<'static>)) -> Value<'static> {
    let mut payload = value(&format!(
        r#"{{"attestation_version":"1","attestation_id":"x","execution_type":"sandbox_execution","agent_did":"{}",
        "attester_did":"{}","run_id":"run_1","proof_bundle_hash_b64u":"{}","issued_at":"{AT}",
        "expires_at":"2020-01-01T00:00:00Z"}}"#,
        did("agent"),
        did("executor"),
        bundle.text_at("payload_hash_b64u").expect("a hash"),
    ));
    change(&mut payload);
    sealed("execution_attestation", payload, &key("executor"))
}

#[test]
fn exports_and_their_execution_attestations_are_judged() {
    const LIST: &str = "execution_attestation_envelopes";
    let bundle = member("agent", "run_1", "rcpt_1", "");
    let with = |attestation: Value<'static>| export(&bundle, &[(LIST, attestation)]);
    let answers = |document: &Value<'static>, code: &str, field: Option<&str>| {
        answers(document, DocumentKind::ExportBundle, code, field)
    };
    let verdict = answers(&with(execution(&bundle, |_| {})), "OK", None);
    assert_eq!(verdict.proof_tier.map(|t| t.name()), Some("gateway"), "attestations raise no tier");
    let changed = |path: &str, new: Value<'static>| with(execution(&bundle, |payload| set(payload, path, Some(new))));
    let place = |name: &str| format!("artifacts.{LIST}[0].payload.{name}");
    answers(&changed("run_id", "run_2".into()), "HASH_MISMATCH", Some(&place("run_id")));
    answers(&changed("agent_did", did("other").into()), "HASH_MISMATCH", Some(&place("agent_did")));
    let hash = place("proof_bundle_hash_b64u");
    answers(&changed("proof_bundle_hash_b64u", b64u("x").into()), "HASH_MISMATCH", Some(&hash));
    answers(&changed("run_id", " ".into()), "SCHEMA_VALIDATION_FAILED", Some("payload"));
    answers(&changed("attester_did", did("other").into()), "SIGNATURE_INVALID", Some("payload.attester_did"));
    let tee = r#"{"tee":{"attestation_type":"sgx_quote","root_id":"r","tcb_version":"1",
        "evidence_ref":{"resource_type":"x","resource_hash_b64u":"AAAAAAAA"},"measurements":{"measurement_hash_b64u":"AAAAAAAA"}}}"#;
    let tee = with(execution(&bundle, |payload| {
        set(payload, "execution_type", Some("tee_execution".into()));
        set(payload, "runtime_metadata", Some(value(tee)));
    }));
    answers(&tee, "DEPENDENCY_NOT_CONFIGURED", Some("env.TEE_ATTESTATION_ROOT_ALLOWLIST"));
    let undescribed = changed("execution_type", "tee_execution".into());
    let field = format!("artifacts.{LIST}[0].payload.runtime_metadata");
    answers(&undescribed, "SCHEMA_VALIDATION_FAILED", Some(&field));
    let unlisted = sealed(
        "execution_attestation",
        execution(&bundle, |_| {}).get("payload").cloned().expect("a payload"),
        &key("deriver"),
    );
    answers(&with(unlisted), "CLAIM_NOT_FOUND", Some("signer_did"));
    let strict = verify(&export(&bundle, &[]), DocumentKind::ExportBundle, &Options::at(crate::make::protocol::NOW_MS));
    assert_eq!(strict.reason_code, "DEPENDENCY_NOT_CONFIGURED", "the strict layer looks into exports");
    assert_eq!((strict.is_refused(), strict.lacks), (false, vec!["gateway_receipt_signer_dids"]));
    let no_lists = Options::at(crate::make::protocol::NOW_MS);
    let both = verify(&with(execution(&bundle, |_| {})), DocumentKind::ExportBundle, &no_lists);
    assert_eq!(both.lacks, ["execution_attestation_signer_dids", "gateway_receipt_signer_dids"]);
    let elsewhere = changed("run_id", "run_2".into());
    let elsewhere = verify(&elsewhere, DocumentKind::ExportBundle, &no_lists);
    assert!(elsewhere.is_refused() && elsewhere.reason_code == "DEPENDENCY_NOT_CONFIGURED", "{elsewhere:?}");
    let tee = verify(&tee, DocumentKind::ExportBundle, &no_lists);
    assert!(tee.is_refused(), "no list makes up for a TEE attestation: {tee:?}");
}

#[test]
fn audit_results_are_judged_and_a_failed_audit_still_verifies() {
    const LIST: &str = "audit_result_attestation_envelopes";
    let bundle = member("agent", "run_1", "rcpt_1", "");
    let audit = |key_seed: &str, hash: &str| {
        let payload = value(&format!(
            r#"{{"audit_version":"1","audit_id":"a","issued_at":"{AT}",
            "model":{{"model_identity_version":"1","tier":"closed_opaque","model":{{"provider":"p","name":"n"}}}},
            "audit_code":{{"code_hash_b64u":"AAAAAAAA"}},"dataset":{{"dataset_id":"d","dataset_hash_b64u":"AAAAAAAA","access":"public"}},
            "protocol":{{"name":"x","config_hash_b64u":"AAAAAAAA"}},"result":{{"status":"fail","results_hash_b64u":"AAAAAAAA"}},
            "execution":{{"proof_bundle_hash_b64u":"{hash}"}}}}"#
        ));
        export(&bundle, &[(LIST, sealed("audit_result_attestation", payload, &key(key_seed)))])
    };
    let hash = bundle.text_at("payload_hash_b64u").expect("a hash");
    answers(&audit("auditor", hash), DocumentKind::ExportBundle, "OK", None);
    let field = format!("artifacts.{LIST}[0].payload.execution.proof_bundle_hash_b64u");
    answers(&audit("auditor", &b64u("x")), DocumentKind::ExportBundle, "HASH_MISMATCH", Some(&field));
    answers(&audit("agent", hash), DocumentKind::ExportBundle, "CLAIM_NOT_FOUND", Some("signer_did"));
}

#[test]
fn an_export_answers_for_dates_manifest_hash_and_signature() {
    let bundle = member("agent", "run_1", "rcpt_1", "");
    let good = export(&bundle, &[]);
    let changed = |path: &str, new: Value<'static>, again: bool| {
        let mut document = good.clone();
        for name in ["bundle_hash_b64u", "hash_algorithm", "signature_b64u", "algorithm"] {
            if again {
                set(&mut document, name, None);
            }
        }
        set(&mut document, path, Some(new));
        if again { finish(document) } else { document }
    };
    let answers = |document: &Value<'static>, code: &str, field: &str| {
        answers(document, DocumentKind::ExportBundle, code, Some(field))
    };
    let time = |text: &str| Value::from(text);
    answers(&changed("created_at", time("2026-11-22T12:00:01Z"), true), "CAUSAL_CLOCK_CONTRADICTION", "created_at");
    answers(&changed("issued_at", time("2026-11-22T12:35:00.001Z"), true), "FUTURE_TIMESTAMP_POISONING", "issued_at");
    answers(&changed("expires_at", time("2026-11-22T12:24:59Z"), true), "EXPIRED_TTL", "expires_at");
    answers(&changed("expires_at", time("2026-11-22T23:59:60Z"), true), "MALFORMED_ENVELOPE", "expires_at");
    let path = "manifest.entries[0].path";
    answers(&changed(path, "artifacts/x.json".into(), true), "MISSING_REQUIRED_FIELD", "manifest.entries.path");
    let named = |name: &str| format!("manifest.entries[artifacts/proof_bundle_envelope.json].{name}");
    answers(&changed("manifest.entries[0].size_bytes", 1.into(), true), "HASH_MISMATCH", &named("size_bytes"));
    let content_type = changed("manifest.entries[0].content_type", "text/plain".into(), true);
    answers(&content_type, "MALFORMED_ENVELOPE", &named("content_type"));
    let twice = vec![entry("a", &bundle), entry("a", &bundle)];
    answers(&changed("manifest.entries", twice.into(), true), "MALFORMED_ENVELOPE", "manifest.entries.path");
    let more = vec![entry("artifacts/proof_bundle_envelope.json", &bundle), entry("b", &bundle)];
    answers(&changed("manifest.entries", more.into(), true), "MISSING_REQUIRED_FIELD", "manifest.entries");
    answers(&changed("metadata", Object::new().into(), false), "HASH_MISMATCH", "bundle_hash_b64u");
    answers(&changed("signature_b64u", sign(&key("agent"), "x").into(), false), "SIGNATURE_INVALID", "signature_b64u");
    answers(&changed("signature_b64u", "AAAAAAAAA".into(), false), "MALFORMED_ENVELOPE", "signature_b64u");
    answers(&changed("issuer_did", "did:web:x".into(), true), "INVALID_DID_FORMAT", "issuer_did");
    answers(&changed("issuer_did", "did:other:x".into(), true), "INVALID_DID_FORMAT", "issuer_did");
    answers(&changed("export_id", "".into(), true), "SCHEMA_VALIDATION_FAILED", "export_id");
}

/// An aggregate of these members, sorted as they must be.
pub fn aggregate(mut members: Vec<Value<'static>>, summary: &str) -> Value<'static> {
    members.sort_by_key(|member| b64u(&to_jcs(member)));
    let entries = members.iter().enumerate();
    let entries = entries.map(|(at, member)| entry(&format!("artifacts/member_bundles/{at}.json"), member)).collect();
    let mut payload = value(&format!(
        r#"{{"aggregate_version":"1","aggregate_id":"agg_1","created_at":"{AT}","issuer_did":"{}"}}"#,
        did("issuer")
    ));
    set(&mut payload, "manifest", Some(manifest(entries)));
    set(&mut payload, "artifacts.member_bundles", Some(members.into()));
    set(&mut payload, "metadata.fleet_summary", Some(value(summary)));
    sealed("aggregate_bundle", payload, &key("issuer"))
}

pub const TWO: &str = r#"{"total_members":2,"unique_agents":2,"total_runs":2,"fleet_proof_tier":"gateway"}"#;

#[test]
fn members_of_an_aggregate_are_judged_together() {
    let kind = DocumentKind::AggregateBundle;
    let two = |a: Value<'static>, b: Value<'static>| aggregate(vec![a, b], TWO);
    let first = || member("agent", "team::1", "rcpt_1", r#","span_id":"s","phase":"planning""#);
    let verdict = answers(
        &two(first(), member("other", "team::2", "rcpt_2", r#","span_id":"s","phase":"planning""#)),
        kind,
        "OK",
        None,
    );
    assert_eq!(verdict.proof_tier.map(|t| t.name()), Some("gateway"));
    let ends_in = |document: &Value<'static>, code: &str, end: &str| {
        let verdict = verify(document, kind, &all_options());
        let field = verdict.field.as_deref().unwrap_or_default();
        assert_eq!(verdict.reason_code, code, "{verdict:?}");
        assert!(field.starts_with("payload.artifacts.member_bundles[") && field.ends_with(end), "{field}");
    };
    let conflict = two(first(), member("other", "team::2", "rcpt_2", r#","span_id":"s","phase":"execution""#));
    ends_in(&conflict, "CAUSAL_AGGREGATE_MEMBER_CONFLICT", ".payload.receipts[0].payload.binding.span_id");
    // Runs that share no prefix do not meet.
    answers(
        &two(
            member("agent", "a", "r1", r#","span_id":"s""#),
            member("other", "b", "r2", r#","span_id":"s","phase":"setup""#),
        ),
        kind,
        "OK",
        None,
    );
    let replay = two(first(), member("other", "team::2", "rcpt_1", ""));
    ends_in(&replay, "CAUSAL_AGGREGATE_RECEIPT_REPLAY", ".payload.receipts[0].payload.receipt_id");
    ends_in(&two(first(), member("issuer", "b", "r2", "")), "IDENTITY_CONFLICT", "]");
    let wrong_tier = TWO.replace("gateway", "self");
    let field = "payload.metadata.fleet_summary.fleet_proof_tier";
    let members = vec![first(), member("other", "b", "r2", "")];
    answers(&aggregate(members.clone(), &wrong_tier), kind, "FLEET_SUMMARY_MISMATCH", Some(field));
    let inside = export(&member("other", "b", "r2", ""), &[]);
    answers(&two(first(), inside.clone()), kind, "OK", None);
    let same_id = {
        let mut payload = member("other", "b", "r2", "").get("payload").cloned().expect("a payload");
        set(&mut payload, "bundle_id", Some("pb_team::1".into()));
        seal_raw(crate::make::kind("proof_bundle"), payload, &key("other"))
    };
    ends_in(&two(first(), same_id), "AGGREGATE_DUPLICATE_BUNDLE_ID", "]");
    let mut chainless = member("other", "b", "r2", "").get("payload").cloned().expect("a payload");
    set(&mut chainless, "event_chain", None);
    let chainless = seal_raw(crate::make::kind("proof_bundle"), chainless, &key("other"));
    ends_in(&two(first(), chainless), "INCONSISTENT_RUN_ID", "]");
}

#[test]
fn an_aggregate_outlives_none_of_its_members() {
    let kind = DocumentKind::AggregateBundle;
    let expiring = |text: &str| {
        let mut member = member("other", "b", "r2", "");
        set(&mut member, "expires_at", Some(text.into()));
        member
    };
    let with = |aggregate_expires: &str, member_expires: &str| {
        let envelope = aggregate(vec![member("agent", "a", "r1", ""), expiring(member_expires)], TWO);
        let mut payload = envelope.get("payload").cloned().expect("a payload");
        set(&mut payload, "expires_at", Some(aggregate_expires.into()));
        sealed("aggregate_bundle", payload, &key("issuer"))
    };
    answers(&with("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"), kind, "OK", None);
    let longer = verify(&with("2026-11-23T00:00:00.001Z", "2026-11-23T00:00:00Z"), kind, &all_options());
    assert_eq!(longer.reason_code, "AGGREGATE_TTL_EXCEEDS_MEMBER");
    let dead = verify(&with("2026-11-23T00:00:00Z", "2026-11-22T12:00:00Z"), kind, &all_options());
    assert_eq!(dead.reason_code, "AGGREGATE_MEMBER_INVALID");
    let leap = verify(&with("2026-11-23T00:00:00Z", "2026-11-23T23:59:60Z"), kind, &all_options());
    assert_eq!(leap.reason_code, "AGGREGATE_BUNDLE_INVALID");
    let twice = aggregate(vec![member("agent", "a", "r1", ""), member("agent", "a", "r1", "")], TWO);
    let field = "payload.artifacts.member_bundles[1]";
    answers(&twice, kind, "AGGREGATE_DUPLICATE_MEMBER", Some(field));
}

#[test]
fn commit_signatures_answer_in_order() {
    let signed = |change: &dyn Fn(&mut Value<'static>)| {
        let mut document = value(&format!(
            r#"{{"version":"m1","type":"message_signature","algo":"ed25519","did":"{}","message":"commit:135016bb","signature":""}}"#,
            did("agent")
        ));
        change(&mut document);
        let signature = Base64::encode_string(&key("agent").sign(to_jcs(&document).as_bytes()).to_bytes());
        set(&mut document, "signature", Some(signature.into()));
        document
    };
    let answers = |document: &Value<'static>, code| answers(document, DocumentKind::CommitSignature, code, None);
    let good = signed(&|_| {});
    answers(&good, "OK");
    answers(&signed(&|d| set(d, "message", Some("COMMIT:135016BB".into()))), "OK");
    for (name, code) in [
        ("version", "UNKNOWN_VERSION"),
        ("type", "UNKNOWN_TYPE"),
        ("algo", "UNKNOWN_ALGO"),
        ("message", "COMMIT_MESSAGE_INVALID"),
        ("did", "INVALID_DID_FORMAT"),
    ] {
        answers(&signed(&|d| set(d, name, Some(true.into()))), code);
        answers(&signed(&|d| set(d, name, None)), code);
    }
    let changed = |name: &str, new: &str| {
        let mut document = good.clone();
        set(&mut document, name, Some(new.into()));
        document
    };
    answers(&changed("signature", "AAAA"), "MALFORMED_ENVELOPE");
    answers(&changed("signature", ""), "MALFORMED_ENVELOPE");
    answers(&changed("message", "commit:135016bc"), "SIGNATURE_INVALID");
    answers(&changed("message", "commit:135016"), "COMMIT_MESSAGE_INVALID");
    answers(&value("[]"), "MALFORMED_ENVELOPE");
}
