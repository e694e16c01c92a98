use crate::artifact::json::Object;
use crate::protocol::envelope::envelope_schema;
use crate::protocol::schema::{
    B64U8, DATE_TIME, DID, Fault, Members, NONEMPTY, ONE, OPEN_OBJECT, STRING, Schema, Text, closed, list, open,
    optional, required,
};
use crate::protocol::{inclusion_proof, model_identity};

pub(in crate::protocol) static EXECUTIONS: Schema = list(&EXECUTION_ENVELOPE, 0);
pub(in crate::protocol) static DERIVATIONS: Schema = list(&DERIVATION_ENVELOPE, 0);
pub(in crate::protocol) static AUDIT_RESULTS: Schema = list(&AUDIT_ENVELOPE, 0);

static EXECUTION_ENVELOPE: Schema = envelope_schema!(&ONE, "execution_attestation", &EXECUTION);
static DERIVATION_ENVELOPE: Schema = envelope_schema!(&ONE, "derivation_attestation", &DERIVATION);
static AUDIT_ENVELOPE: Schema = envelope_schema!(&ONE, "audit_result_attestation", &AUDIT);

static MEASUREMENTS: Schema = closed(&[
    required("measurement_hash_b64u", &B64U8),
    optional("runtime_digest_b64u", &B64U8),
    optional("kernel_digest_b64u", &B64U8),
    optional("model_weights_digest_b64u", &B64U8),
]);
static ADVISORIES: Schema = list(&STRING, 0);
static TCB: Schema = closed(&[optional("status", &STRING), optional("advisory_ids", &ADVISORIES)]);
static TEE: Schema = closed(&[
    required(
        "attestation_type",
        &Schema::Enum(&["sgx_quote", "tdx_quote", "sev_snp_report", "nitro_attestation_doc", "generic_tee"]),
    ),
    required("root_id", &NONEMPTY),
    required("tcb_version", &NONEMPTY),
    required("evidence_ref", &model_identity::REFERENCE),
    required("measurements", &MEASUREMENTS),
    optional("nonce_binding_b64u", &B64U8),
    optional("tcb", &TCB),
    optional("metadata", &OPEN_OBJECT),
]);
static RUNTIME_METADATA: Schema = open(&[optional("tee", &TEE)]);
static EXECUTION_HARNESS: Schema = closed(&[
    optional("id", &STRING),
    optional("version", &STRING),
    optional("runtime", &STRING),
    optional("config_hash_b64u", &Schema::Text(Text::B64u { min: 1 })),
]);

static EXECUTION: Schema = Schema::Object(Members {
    fields: &[
        required("attestation_version", &ONE),
        required("attestation_id", &NONEMPTY),
        required("execution_type", &Schema::Enum(&["sandbox_execution", "tee_execution"])),
        required("agent_did", &DID),
        required("attester_did", &DID),
        optional("run_id", &STRING),
        optional("proof_bundle_hash_b64u", &B64U8),
        optional("harness", &EXECUTION_HARNESS),
        optional("runtime_metadata", &RUNTIME_METADATA),
        required("issued_at", &DATE_TIME),
        optional("expires_at", &DATE_TIME),
        optional("metadata", &OPEN_OBJECT),
    ],
    closed: true,
    any_of: &[],
    condition: Some(tee_is_described),
});

/// A TEE execution describes its TEE.
fn tee_is_described(execution: &Object) -> Option<Fault> {
    if execution.get("execution_type").and_then(|kind| kind.as_str()) != Some("tee_execution") {
        return None;
    }
    match execution.get("runtime_metadata") {
        None => Some(Fault::property("runtime_metadata")),
        Some(runtime) if runtime.as_object().is_some_and(|members| !members.contains("tee")) => {
            Some(Fault::property("tee").in_member("runtime_metadata"))
        }
        Some(_) => None,
    }
}

static EXECUTION_REFERENCE: Schema =
    closed(&[optional("execution_attestation_hash_b64u", &B64U8), optional("proof_bundle_hash_b64u", &B64U8)]);
static LOGGED: Schema =
    closed(&[optional("log_entry_hash_b64u", &B64U8), optional("inclusion_proof", &inclusion_proof::SCHEMA)]);

static STEPS: Schema = list(&STRING, 0);
static TRANSFORM: Schema = closed(&[
    required("kind", &NONEMPTY),
    optional("code_hash_b64u", &B64U8),
    optional("params_hash_b64u", &B64U8),
    optional("build_steps", &STEPS),
]);
static DERIVED: Schema = closed(&[
    required("type", &NONEMPTY),
    required("hash_b64u", &B64U8),
    optional("uri", &STRING),
    optional("content_type", &STRING),
]);
static DERIVED_LIST: Schema = list(&DERIVED, 0);

static DERIVATION: Schema = closed(&[
    required("derivation_version", &ONE),
    required("derivation_id", &NONEMPTY),
    required("issued_at", &DATE_TIME),
    required("input_model", &model_identity::SCHEMA),
    required("output_model", &model_identity::SCHEMA),
    required("transform", &TRANSFORM),
    optional("artifacts", &DERIVED_LIST),
    optional("execution", &EXECUTION_REFERENCE),
    optional("clawlogs", &LOGGED),
    optional("metadata", &OPEN_OBJECT),
]);

static AUDIT_CODE: Schema = closed(&[
    required("code_hash_b64u", &B64U8),
    optional("repo_uri", &Schema::Text(Text::Uri)),
    optional("commit_sha", &STRING),
    optional("uri", &STRING),
]);
static DATASET: Schema = closed(&[
    required("dataset_id", &NONEMPTY),
    required("dataset_hash_b64u", &B64U8),
    required("access", &Schema::Enum(&["public", "confidential"])),
    optional("uri", &STRING),
]);
static PROTOCOL: Schema = closed(&[
    required("name", &NONEMPTY),
    required("config_hash_b64u", &B64U8),
    optional("seed", &Schema::Number(None)),
]);
static RESULT: Schema = closed(&[
    required("status", &Schema::Enum(&["pass", "fail", "warn"])),
    required("results_hash_b64u", &B64U8),
    optional("summary", &OPEN_OBJECT),
]);
static PACK: Schema =
    closed(&[required("pack_hash_b64u", &B64U8), optional("pack_id", &STRING), optional("pack_version", &STRING)]);

static AUDIT: Schema = closed(&[
    required("audit_version", &ONE),
    required("audit_id", &NONEMPTY),
    required("issued_at", &DATE_TIME),
    required("model", &model_identity::SCHEMA),
    required("audit_code", &AUDIT_CODE),
    required("dataset", &DATASET),
    required("protocol", &PROTOCOL),
    required("result", &RESULT),
    optional("audit_pack", &PACK),
    optional("expires_at", &DATE_TIME),
    optional("derivation_attestation_hash_b64u", &B64U8),
    optional("execution", &EXECUTION_REFERENCE),
    optional("clawlogs", &LOGGED),
    optional("metadata", &OPEN_OBJECT),
]);
