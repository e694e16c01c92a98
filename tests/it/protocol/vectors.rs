//! The protocol verdict against shared vectors: conformance, causal, Argo.

use std::path::Path;

use pulselog::artifact::json::Value;
use pulselog::protocol::{DocumentKind, Options, Status, Verdict, verify};

use crate::make::{shared, value};

/// 2026-02-18T00:00:00Z, the time the conformance index asks for.
const VERIFICATION_TIME_MS: i64 = 1_771_372_800_000;

fn read(path: &Path) -> Value<'static> {
    value(&std::fs::read_to_string(path).expect("a vector"))
}

fn texts(list: Option<&Value>) -> Option<Vec<String>> {
    let items = list?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

#[test]
fn conformance_vectors_get_their_expected_verdicts() {
    let Some(dir) = shared("clawsig/conformance") else { return };
    let index = read(&dir.join("index.json"));
    assert_eq!(index.text_at("verification_time"), Some("2026-02-18T00:00:00Z"));
    let options = Options::from_config(&read(&dir.join("config.json")), VERIFICATION_TIME_MS).expect("a config");
    let vectors = index.get("vectors").and_then(Value::as_array).expect("vectors");
    assert_eq!(vectors.len(), 40);
    let mut wrong = Vec::new();
    for vector in vectors {
        let text = |path| vector.text_at(path).expect("a text");
        let kind = DocumentKind::parse(text("kind")).expect("a kind");
        let document = read(&dir.join(text("path")));
        assert_eq!(DocumentKind::of(&document), Some(kind), "{}", text("name"));
        let verdict = verify(&document, kind, &options);
        let valid = vector.at("expected.valid").and_then(Value::as_bool).expect("a truth value");
        let codes = texts(vector.at("expected.reason_code")).expect("codes");
        let listed = codes.iter().any(|code| code == verdict.reason_code);
        if (verdict.status != Status::Fail) != valid || !listed || field_of(text("name")) != verdict.field.as_deref() {
            wrong.push(format!("{}: {} at {:?}", text("name"), verdict.reason_code, verdict.field));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fields the peer names beside the codes.
fn field_of(vector: &str) -> Option<&'static str> {
    const MEMBER_0: &str = "payload.artifacts.member_bundles[0]";
    const MEMBER_1: &str = "payload.artifacts.member_bundles[1]";
    Some(match vector {
        "export_bundle.fail.manifest_hash_mismatch" => {
            "manifest.entries[artifacts/proof_bundle_envelope.json].sha256_b64u"
        }
        "proof_bundle.fail.unknown_envelope_version" => "envelope_version",
        "proof_bundle.fail.tool_receipt_bad_version" => "payload.tool_receipts[0].receipt_version",
        "proof_bundle.fail.tool_receipt_missing_field" => "payload.tool_receipts[0].tool_name",
        "proof_bundle.fail.unknown_hash_algorithm" => "hash_algorithm",
        "proof_bundle.fail.empty_event_chain" => "payload.event_chain",
        "proof_bundle.fail.side_effect_bad_class" => "payload.side_effect_receipts[0].effect_class",
        "proof_bundle.fail.side_effect_missing_field" => "payload.side_effect_receipts[0].receipt_id",
        "proof_bundle.fail.human_approval_bad_type" => "payload.human_approval_receipts[0].approval_type",
        "proof_bundle.r48.tool_receipt_v2_cosig_secondary_invalid" => {
            "payload.tool_receipts[0].co_signatures[0].signature_b64u"
        }
        "proof_bundle.r48.tool_receipt_v2_sd_type_confusion" => {
            "payload.tool_receipts[0].args_disclosure.disclosed_leaves.args.query"
        }
        "proof_bundle.r48.tool_receipt_v2_sd_merkle_mismatch" => {
            "payload.tool_receipts[0].args_disclosure.merkle_root_b64u"
        }
        "proof_bundle.r48.tool_receipt_v2_binding_mismatch" => "payload.tool_receipts[0].binding.run_id",
        "aggregate_bundle.fail.signer_mismatch" => "signer_did",
        "aggregate_bundle.fail.unsorted_array" | "aggregate_bundle.fail.duplicate_run_id" => MEMBER_1,
        "aggregate_bundle.fail.fleet_summary_members" => "payload.metadata.fleet_summary.total_members",
        "aggregate_bundle.fail.self_dealing_identity" | "aggregate_bundle.fail.member_invalid" => MEMBER_0,
        "proof_bundle.cpl_v2_rate_limit.fail.window_invalid" => "payload.rate_limit_claims[0].window_start",
        "proof_bundle.cpl_v2_rate_limit.fail.exceeded" => "payload.rate_limit_claims[0].observed_requests",
        "aggregate_bundle.cpl_v2_rate_limit.fail.inconsistent" => {
            "payload.artifacts.member_bundles[1].payload.rate_limit_claims[0]"
        }
        "aggregate_bundle.cpl_v2_rate_limit.fail.exceeded" => {
            "payload.artifacts.member_bundles[0].payload.rate_limit_claims[0]"
        }
        _ => return None,
    })
}

#[test]
fn passing_conformance_vectors_reach_their_tiers() {
    let Some(dir) = shared("clawsig/conformance") else { return };
    let options = Options::from_config(&read(&dir.join("config.json")), VERIFICATION_TIME_MS).expect("a config");
    let mi3 = vec!["MODEL_IDENTITY_HASH_MISSING", "MODEL_IDENTITY_MISSING_DEFAULTED", "MODEL_IDENTITY_OPAQUE"];
    let cosigned = "r48-r49-v02/proof_bundle/v2_tool_receipt_cosig_valid.v1.json";
    for (path, kind, tiers, flags) in [
        ("proof_bundle_pass.v1.json", "proof_bundle", ("gateway", Some("verified"), "closed_opaque"), mi3),
        (cosigned, "proof_bundle", ("self", Some("verified"), "unknown"), vec![]),
        ("export_bundle_golden.v1.json", "export_bundle", ("self", None, "unknown"), vec![]),
        (
            "r48-r49-v02/aggregate_bundle/aggregate_pass_golden.v1.json",
            "aggregate_bundle",
            ("self", None, "unknown"),
            vec![],
        ),
    ] {
        let verdict = verify(&read(&dir.join(path)), DocumentKind::parse(kind).expect("a kind"), &options);
        assert_eq!((verdict.status, verdict.bare), (Status::Pass, false), "{path}: {verdict:?}");
        assert_eq!(tiers_of(&verdict), (Some(tiers.0), tiers.1, Some(tiers.2)), "{path}");
        assert_eq!(verdict.risk_flags, flags, "{path}");
    }
}

fn tiers_of(verdict: &Verdict) -> (Option<&'static str>, Option<&'static str>, Option<&'static str>) {
    (
        verdict.proof_tier.map(|tier| tier.name()),
        verdict.trust_tier.map(|tier| tier.name()),
        verdict.model_identity_tier.map(|tier| tier.name()),
    )
}

/// The plain core with the options of a causal vector.
fn core_options(options: &Value) -> Options {
    let mut out = Options::at(VERIFICATION_TIME_MS);
    out.strict_receipts = false;
    for (name, value) in options.as_object().expect("options").iter() {
        let text = || value.as_str().map(str::to_owned);
        match name {
            "allowlistedReceiptSignerDids" => out.gateway_signers = texts(Some(value)),
            "allowlistedAttesterDids" => out.attesters = texts(Some(value)),
            // Accepted and not used by the core.
            "allowlistedCoverageAttestationSignerDids" => {}
            "coverage_enforcement_phase" => out.coverage_enforcement_phase = text(),
            "causal_connectivity_mode" => out.causal_connectivity_mode = text(),
            "causal_policy_profile" => out.causal_policy_profile = text(),
            other => panic!("option {other}"),
        }
    }
    out
}

#[test]
fn causal_vectors_get_their_observed_verdicts() {
    let Some(dir) = shared("clawsig/causal") else { return };
    let mut seen = 0;
    let mut wrong = Vec::new();
    for suite in ["cldd", "clock", "connectivity", "hardening"] {
        for file in std::fs::read_dir(dir.join(suite)).expect("a suite").flatten() {
            let vector = read(&file.path());
            let options = core_options(vector.get("options").expect("options"));
            let verdict = verify(vector.get("input").expect("input"), DocumentKind::ProofBundle, &options);
            let observed = vector.get("observed").expect("observed");
            let valid = observed.text_at("status") == Some("VALID");
            let tiers = ["proof_tier", "trust_tier", "model_identity_tier"].map(|name| observed.text_at(name));
            let same_answer = (verdict.status != Status::Fail) == valid
                && Some(verdict.reason_code) == observed.text_at("reason_code")
                && verdict.field.as_deref() == observed.text_at("field");
            // Beside a failure the core has no tiers; those observed are another program's.
            let same_tiers = !valid
                || (tiers_of(&verdict) == tiers.into()
                    && Some(verdict.risk_flags.iter().map(|f| f.to_string()).collect())
                        == texts(observed.get("risk_flags")));
            if !same_answer || !same_tiers {
                wrong.push(format!("{suite}/{:?}: {verdict:?}", file.file_name()));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, 26);
}

#[test]
fn argo_vectors_get_the_peer_verdict() {
    let Some(dir) = shared("clawsig/argo") else { return };
    let mut seen = 0;
    for file in std::fs::read_dir(dir).expect("a folder").flatten() {
        let vector = read(&file.path());
        let mut options = Options::at(VERIFICATION_TIME_MS);
        options.gateway_signers = texts(vector.at("config.gateway_receipt_signer_dids"));
        let verdict = verify(&vector, DocumentKind::ProofBundle, &options);
        let peer = |name| vector.at("peer_verdict").and_then(|peer| peer.text_at(name));
        let status = if verdict.status == Status::Fail { "INVALID" } else { "VALID" };
        assert_eq!(Some(status), peer("status"), "{:?}: {verdict:?}", file.file_name());
        assert_eq!(Some(verdict.reason_code), peer("reason_code"), "{:?}", file.file_name());
        let (proof, trust, _) = tiers_of(&verdict);
        assert_eq!((proof, trust), (peer("proof_tier"), peer("trust_tier")), "{:?}", file.file_name());
        seen += 1;
    }
    assert_eq!(seen, 6);
}
