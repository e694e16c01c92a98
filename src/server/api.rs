//! The routes: one table that builds the router, the OpenAPI document and the
//! reference in docs/API.md. Adding a route is a row.
//!
//! Rooms know no HTTP; here is nothing but HTTP. Handlers extract, call one
//! room and shape the answer.

pub(crate) mod answer;
pub(crate) mod argocd;
pub(crate) mod audits;
pub(crate) mod checkpoints;
pub mod docs;
pub(crate) mod entries;
pub(crate) mod fixed;
pub mod gate;
pub(crate) mod health;
pub(crate) mod intake;
pub(crate) mod judges;
pub(crate) mod lookup;
pub mod openapi;
pub(crate) mod policies;
pub mod problem;
pub(crate) mod proofs;
pub(crate) mod query;
pub(crate) mod ready;
pub(crate) mod answers;
pub(crate) mod slots;
pub(crate) mod submit;
pub(crate) mod throttle;
pub(crate) mod tiles;
pub mod verdicts;
pub mod wire;
mod withholding;

mod around;

pub use self::submit::SUBMIT_CODES;

use axum::routing::{MethodRouter, get, post};

use crate::codes::{Code, service};
use crate::server::api::answer::Answer;
pub use crate::server::api::around::Api;
use crate::server::api::query::Param;
use crate::server::state::AppState;

/// One route.
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// As documented.
    pub path: &'static str,
    /// As the router has it, where another row does not answer for it.
    pub served: Option<Served>,
    /// One line about it.
    pub summary: &'static str,
    /// Whether a token is needed.
    pub token: bool,
    /// What a submission holds.
    pub takes: Option<&'static str>,
    /// Query parameters.
    pub query: &'static [Param],
    /// Good answers.
    pub answers: &'static [Answer],
    /// Codes beside those that every route has.
    pub codes: &'static [&'static Code],
    /// Whether it shows bodies, names, findings or counts: then a log that is
    /// closed answers it to readers alone
    /// ([`is_open`](gate::open::is_open)).
    pub shows: bool,
}

/// How a row is served.
pub struct Served {
    /// Path in the router's own notation.
    pub path: &'static str,
    /// Makes the handler.
    pub handler: fn() -> MethodRouter<AppState>,
}

const fn serve(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> Option<Served> {
    Some(Served { path, handler })
}

/// Codes that any route may answer.
pub static COMMON_CODES: &[&Code] = &[
    &service::HOST_INVALID,
    &service::INVALID_PARAMETER,
    &service::NOT_FOUND,
    &service::METHOD_NOT_ALLOWED,
    &service::NOT_ACCEPTABLE,
    &service::ANSWERS_FULL,
    &service::TIMEOUT,
    &service::INTERNAL,
];
/// Codes of every read of the store.
pub static STORE_CODES: &[&Code] = &[&service::STORE_DAMAGED, &service::STORE_FAILED];
/// Codes of what the audit answers.
pub static AUDIT_CODES: &[&Code] = &[&service::SIZE_NOT_PUBLISHED, &service::INDEX_BEHIND, &service::SCOPE_TOO_LARGE];
/// … of one scope.
pub static SCOPE_CODES: &[&Code] =
    &[&service::SCOPE_NOT_FOUND, &service::SIZE_NOT_PUBLISHED, &service::INDEX_BEHIND, &service::SCOPE_TOO_LARGE];

/// A route that reads.
const fn reads(
    path: &'static str,
    served: Option<Served>,
    summary: &'static str,
    query: &'static [Param],
    answers: &'static [Answer],
    codes: &'static [&'static Code],
) -> Route {
    Route { method: "GET", path, served, summary, token: false, takes: None, query, answers, codes, shows: false }
}

/// A route that reads bodies, names, findings or counts.
const fn shows(route: Route) -> Route {
    Route { shows: true, ..route }
}

const LOGGED: &[Answer] = &[Answer::new(201, answer::JSON, Some("Logged"), answer::NO_CACHE), Answer::json("Logged")];
const OBSERVED: &[Answer] =
    &[Answer::new(201, answer::JSON, Some("Observed"), answer::NO_CACHE), Answer::json("Observed")];
const BATCH: &[Answer] = &[Answer::new(200, submit::NDJSON, Some("BatchLine"), answer::NO_CACHE)];
const BODY: &[Answer] =
    &[Answer::new(200, answer::JSON, None, answer::PRIVATE), Answer::new(304, "", None, answer::PRIVATE)];
const TILE: &[Answer] = &[Answer::new(200, "application/octet-stream", None, answer::IMMUTABLE)];
const METRICS: &[Answer] = &[Answer::new(200, "application/openmetrics-text", None, answer::NO_CACHE)];
const HTML: &[Answer] = &[Answer::new(200, docs::HTML, None, answer::PRIVATE)];
const OPENAPI: &[Answer] = &[Answer::new(200, answer::JSON, None, answer::NO_CACHE)];

/// Every route of the service but the pages.
pub static ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: submit::ONE_PATH,
        // Answered before the router is asked (`around`), which names it among
        // the methods of this address.
        served: serve(submit::ONE_PATH, || post(submit::routed)),
        summary: "Log one artifact. 201 when it was added, 200 when it was logged before; either way a published checkpoint covers it.",
        token: true,
        takes: Some("application/json"),
        query: submit::ONE_QUERY,
        answers: LOGGED,
        codes: SUBMIT_CODES,
        shows: false,
    },
    Route {
        method: "POST",
        path: "/v1/entries:batch",
        served: serve("/v1/entries:batch", || post(submit::batch)),
        summary: "Log many artifacts, one a line. One answer line a line, in order; a bad line fails only itself.",
        token: true,
        takes: Some(submit::NDJSON),
        query: &[],
        answers: BATCH,
        codes: &[&service::BATCH_EMPTY],
        shows: false,
    },
    Route {
        method: "POST",
        path: "/v1/ingest/argocd",
        served: serve("/v1/ingest/argocd", || post(argocd::ingest)),
        summary: "Log what Argo CD's notification controller tells, by the configuration that pulselog argocd notifications-config prints. 201 when it was added, 200 when it was told before; every answer closes its connection.",
        token: true,
        takes: Some("application/json"),
        query: &[],
        answers: OBSERVED,
        codes: &[&service::NOTIFICATION_REFUSED, &service::NOT_TAKEN_NOW],
        shows: false,
    },
    shows(reads(
        "/v1/entries",
        serve("/v1/entries", || get(entries::list)),
        "Decoded entries in index order.",
        entries::LIST_QUERY,
        &[Answer::json("EntryList")],
        STORE_CODES,
    )),
    shows(reads(
        "/v1/entries/{index}",
        serve("/v1/entries/{name}", || get(entries::named)),
        "One decoded entry.",
        &[],
        &[Answer::json("Entry")],
        &[&service::ENTRY_NOT_FOUND],
    )),
    reads(
        "/v1/entries/{index}.tlog-proof",
        None,
        "Offline evidence of one entry: C2SP tlog-proof with the entry in `extra`; JSON by Accept.",
        proofs::FILE_QUERY,
        &[Answer::text(answer::NO_CACHE), Answer::json("InclusionProof")],
        &[&service::ENTRY_NOT_FOUND, &service::SIZE_NOT_PUBLISHED, &service::SIZE_ZERO],
    ),
    shows(reads(
        "/v1/leaves/{leaf_hash}",
        serve("/v1/leaves/{leaf_hash}", || get(entries::leaf)),
        "The entry with this leaf hash. Upper-case hex and base64url redirect to lowercase hex.",
        &[],
        &[Answer::json("Entry")],
        &[&service::LEAF_NOT_FOUND],
    )),
    shows(reads(
        "/v1/artifacts/{digest}",
        serve("/v1/artifacts/{digest}", || get(entries::artifact)),
        "The compact form of an artifact, byte for byte; ETag is its digest. Other spellings redirect to lowercase hex.",
        &[],
        BODY,
        &[&service::ARTIFACT_NOT_FOUND, &service::BODY_WITHHELD],
    )),
    shows(Route {
        method: "POST",
        path: "/v1/verify",
        served: serve("/v1/verify", || post(verdicts::verify)),
        summary: "Both verdicts on a bundle, export, aggregate or commit signature beside what this log holds of its run. Nothing is stored.",
        token: false,
        takes: Some("application/json"),
        query: audits::AT_QUERY,
        answers: &[Answer::judged("Verification")],
        codes: verdicts::VERIFY_CODES,
        shows: false,
    }),
    shows(reads(
        "/v1/bundles/{digest}/report",
        serve("/v1/bundles/{digest}/report", || get(verdicts::report)),
        "Both verdicts on a logged proof bundle, as of any size. Other spellings redirect to lowercase hex.",
        audits::AT_QUERY,
        &[Answer::judged("Verification")],
        verdicts::BUNDLE_CODES,
    )),
    shows(reads(
        "/v1/findings",
        serve("/v1/findings", || get(audits::findings)),
        "What the audit finds, at any size. With job, run or token the report of that scope; otherwise the log page by page, in which nobody looks for COVERAGE_GAP and SERVER_LOG_GAP: times of the whole log, which the audit of it tells.",
        audits::FINDINGS_QUERY,
        &[Answer::judged("FindingList")],
        AUDIT_CODES,
    )),
    shows(reads(
        "/v1/jobs/{id}",
        serve("/v1/jobs/{id}", || get(audits::job)),
        "The audit of one job at any size.",
        audits::AT_QUERY,
        &[Answer::judged("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/runs/{agent}/{run}",
        serve("/v1/runs/{agent}/{run}", || get(audits::run)),
        "The audit of one run of one agent at any size.",
        audits::AT_QUERY,
        &[Answer::judged("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/tokens/{hash}",
        serve("/v1/tokens/{hash}", || get(audits::token)),
        "The audit of one token, by the hash of its compact form. Other spellings redirect to lowercase hex.",
        audits::AT_QUERY,
        &[Answer::judged("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/policies/{hash}",
        serve("/v1/policies/{hash}", || get(policies::policy)),
        "A work policy by the hash of its JCS form, logged by a holder of the role. Other spellings redirect to lowercase hex.",
        &[],
        &[Answer::new(200, answer::JSON, Some("Policy"), answer::PRIVATE)],
        &[&service::POLICY_NOT_FOUND, &service::INDEX_BEHIND],
    )),
    shows(reads(
        "/v1/lookup",
        serve("/v1/lookup", || get(lookup::lookup)),
        "What bears this name or hash, and what is longer and begins so: an artifact digest, a leaf hash, a payload hash (every entry of such a statement, whoever signed), a policy or token hash, a commit, a name, an index, a code. Names are claims of whoever signed; those of holders of a role come first.",
        lookup::LOOKUP_QUERY,
        &[Answer::json("Lookup")],
        &[&service::INDEX_BEHIND],
    )),
    reads(
        "/v1/proofs/inclusion",
        serve("/v1/proofs/inclusion", || get(proofs::inclusion)),
        "Inclusion proof at any published size; C2SP tlog-proof by Accept.",
        proofs::INCLUSION_QUERY,
        &[Answer::json("InclusionProof"), Answer::text(answer::NO_CACHE)],
        &[&service::ENTRY_NOT_FOUND, &service::SIZE_NOT_PUBLISHED, &service::SIZE_ZERO],
    ),
    reads(
        "/v1/proofs/consistency",
        serve("/v1/proofs/consistency", || get(proofs::consistency)),
        "Consistency proof between published sizes; by Accept the body of a witness add-checkpoint request. From 0 it holds no hashes.",
        proofs::CONSISTENCY_QUERY,
        &[Answer::json("ConsistencyProof"), Answer::text(answer::NO_CACHE)],
        &[&service::SIZES_SWAPPED, &service::SIZE_NOT_PUBLISHED],
    ),
    reads(
        "/v1/checkpoints",
        serve("/v1/checkpoints", || get(checkpoints::list)),
        "Published checkpoints, newest first.",
        checkpoints::LIST_QUERY,
        &[Answer::json("CheckpointList")],
        STORE_CODES,
    ),
    reads(
        "/v1/checkpoints/{size}",
        serve("/v1/checkpoints/{size}", || get(checkpoints::of_size)),
        "The published checkpoint of one size; the signed note by Accept.",
        &[],
        &[Answer::json("Checkpoint"), Answer::text(answer::NO_CACHE)],
        &[&service::SIZE_NOT_PUBLISHED],
    ),
    reads(
        "/checkpoint",
        serve("/checkpoint", || get(checkpoints::newest)),
        "The newest signed note (C2SP tlog-tiles).",
        &[],
        &[Answer::text(answer::FRESH)],
        &[],
    ),
    reads(
        "/tile/entries/{tile}",
        serve("/tile/entries/{*path}", || get(tiles::tile)),
        "Entry bundle, gzip by Accept-Encoding (C2SP tlog-tiles).",
        &[],
        TILE,
        &[&service::TILE_PATH_INVALID, &service::TILE_NOT_FOUND],
    ),
    reads(
        "/tile/{level}/{tile}",
        serve("/tile/{*path}", || get(tiles::tile)),
        "Hash tile; a partial one inside a full one is cut from it (C2SP tlog-tiles).",
        &[],
        TILE,
        &[&service::TILE_PATH_INVALID, &service::TILE_NOT_FOUND],
    ),
    reads(
        "/v1/trust-policy",
        serve("/v1/trust-policy", || get(checkpoints::trust_policy)),
        "A starter C2SP tlog-policy file for this log.",
        &[],
        &[Answer::text(answer::NO_CACHE)],
        &[],
    ),
    reads(
        "/healthz",
        serve("/healthz", || get(health::up)),
        "The process answers.",
        &[],
        &[Answer::json("Health")],
        &[],
    ),
    reads(
        "/readyz",
        serve("/readyz", || get(health::ready)),
        "Ready while the newest checkpoint verifies and the sequencer lives.",
        &[],
        &[Answer::json("Health")],
        &[&service::NOT_READY],
    ),
    // Served apart (`Api::of_metrics`).
    reads(
        "/metrics",
        None,
        "Counters for Prometheus, on a listener of their own (metrics_listen) and nowhere else.",
        &[],
        METRICS,
        &[],
    ),
    reads(
        "/openapi.json",
        serve("/openapi.json", || get(openapi::document)),
        "This API as OpenAPI 3.1.",
        &[],
        OPENAPI,
        &[],
    ),
    // One of the pages, which serve it.
    reads("/docs/errors", None, "Every code and its meaning.", &[], HTML, &[]),
];
