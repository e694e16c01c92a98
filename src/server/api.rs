//! The routes: one table that builds the router, the OpenAPI document and the
//! reference in docs/API.md. Adding a route is a row.
//!
//! Rooms know no HTTP; here is nothing but HTTP. Handlers extract, call one
//! room and shape the answer.

pub mod answer;
pub mod audits;
pub mod checkpoints;
pub mod docs;
pub mod entries;
pub mod intake;
pub mod lookup;
pub mod openapi;
pub mod policies;
pub mod pool;
pub mod problem;
pub mod proofs;
pub mod query;
pub mod submit;
pub mod tiles;
pub mod verdicts;
pub mod wire;

mod around;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use tower_http::compression::CompressionLayer;

use crate::server::api::query::Param;
use crate::server::health;
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
    pub codes: &'static [&'static str],
    /// Whether it shows bodies, names, findings or counts: then its handler
    /// passes [`Access::check`](crate::server::access::Access::check).
    pub shows: bool,
}

/// How a row is served.
pub struct Served {
    /// Path in the router's own notation.
    pub path: &'static str,
    /// Makes the handler.
    pub handler: fn() -> MethodRouter<AppState>,
}

/// One good answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub media: &'static str,
    /// Shape of [`wire::shapes::SHAPES`], for JSON of ours.
    pub shape: Option<&'static str>,
    /// `Cache-Control`.
    pub cache: &'static str,
}

const fn json(shape: &'static str) -> Answer {
    Answer { status: 200, media: answer::JSON, shape: Some(shape), cache: answer::NO_CACHE }
}

const fn text(cache: &'static str) -> Answer {
    Answer { status: 200, media: answer::TEXT, shape: None, cache }
}

const fn serve(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> Option<Served> {
    Some(Served { path, handler })
}

/// Codes that any route may answer.
pub const COMMON_CODES: &[&str] = &["invalid_parameter", "not_found", "method_not_allowed", "timeout", "internal"];
/// Codes of every read of the store.
pub const STORE_CODES: &[&str] = &["store_damaged", "store_failed"];
/// Codes of what the audit answers.
pub const AUDIT_CODES: &[&str] = &["size_not_published", "index_behind", "scope_too_large"];
/// … of one scope.
pub const SCOPE_CODES: &[&str] = &["scope_not_found", "size_not_published", "index_behind", "scope_too_large"];
/// Codes of every submission, beside those of admission.
pub const SUBMIT_CODES: &[&str] = &[
    "token_missing",
    "token_unknown",
    "token_expired",
    "token_revoked",
    "tokens_unreadable",
    "content_encoding_refused",
    "body_too_large",
    "body_incomplete",
    "batch_too_large",
    "queue_full",
    "disk_low",
    "read_only",
    "degraded",
    "clock_unsound",
    "log_stopped",
];

/// Codes of a document that is sent to be judged.
pub const VERIFY_CODES: &[&str] = &[
    "not_a_document",
    "content_encoding_refused",
    "body_too_large",
    "body_incomplete",
    "queue_full",
    "size_not_published",
    "index_behind",
    "scope_too_large",
];
/// Codes of a report on a logged bundle.
pub const BUNDLE_CODES: &[&str] =
    &["bundle_not_found", "body_withheld", "size_not_published", "index_behind", "scope_too_large"];

/// A route that reads.
const fn reads(
    path: &'static str,
    served: Option<Served>,
    summary: &'static str,
    query: &'static [Param],
    answers: &'static [Answer],
    codes: &'static [&'static str],
) -> Route {
    Route { method: "GET", path, served, summary, token: false, takes: None, query, answers, codes, shows: false }
}

/// A route that reads bodies, names, findings or counts.
const fn shows(route: Route) -> Route {
    Route { shows: true, ..route }
}

const LOGGED: &[Answer] =
    &[Answer { status: 201, media: answer::JSON, shape: Some("Logged"), cache: answer::NO_CACHE }, json("Logged")];
const BATCH: &[Answer] =
    &[Answer { status: 200, media: submit::NDJSON, shape: Some("BatchLine"), cache: answer::NO_CACHE }];
const BODY: &[Answer] = &[
    Answer { status: 200, media: answer::JSON, shape: None, cache: answer::PRIVATE },
    Answer { status: 304, media: "", shape: None, cache: answer::PRIVATE },
];
const TILE: &[Answer] =
    &[Answer { status: 200, media: "application/octet-stream", shape: None, cache: answer::IMMUTABLE }];
const METRICS: &[Answer] =
    &[Answer { status: 200, media: "application/openmetrics-text", shape: None, cache: answer::NO_CACHE }];
const HTML: &[Answer] = &[Answer { status: 200, media: docs::HTML, shape: None, cache: answer::NO_CACHE }];
const OPENAPI: &[Answer] = &[Answer { status: 200, media: answer::JSON, shape: None, cache: answer::NO_CACHE }];

/// Every route of the service but the pages.
pub static ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/v1/entries",
        served: serve("/v1/entries", || post(submit::one)),
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
        codes: &["batch_empty"],
        shows: false,
    },
    shows(reads(
        "/v1/entries",
        serve("/v1/entries", || get(entries::list)),
        "Decoded entries in index order.",
        entries::LIST_QUERY,
        &[json("EntryList")],
        STORE_CODES,
    )),
    shows(reads(
        "/v1/entries/{index}",
        serve("/v1/entries/{name}", || get(entries::named)),
        "One decoded entry.",
        &[],
        &[json("Entry")],
        &["entry_not_found"],
    )),
    reads(
        "/v1/entries/{index}.tlog-proof",
        None,
        "Offline evidence of one entry: C2SP tlog-proof with the entry in `extra`; JSON by Accept.",
        proofs::FILE_QUERY,
        &[text(answer::NO_CACHE), json("InclusionProof")],
        &["entry_not_found", "size_not_published", "size_zero"],
    ),
    shows(reads(
        "/v1/leaves/{leaf_hash}",
        serve("/v1/leaves/{leaf_hash}", || get(entries::leaf)),
        "The entry with this leaf hash. Upper-case hex and base64url redirect to lowercase hex.",
        &[],
        &[json("Entry")],
        &["leaf_not_found"],
    )),
    shows(reads(
        "/v1/artifacts/{digest}",
        serve("/v1/artifacts/{digest}", || get(entries::artifact)),
        "The compact form of an artifact, byte for byte; ETag is its digest. Other spellings redirect to lowercase hex.",
        &[],
        BODY,
        &["artifact_not_found", "body_withheld"],
    )),
    shows(Route {
        method: "POST",
        path: "/v1/verify",
        served: serve("/v1/verify", || post(verdicts::verify)),
        summary: "Both verdicts on a bundle, export, aggregate or commit signature beside what this log holds of its run. Nothing is stored.",
        token: false,
        takes: Some("application/json"),
        query: audits::AT_QUERY,
        answers: &[json("Verification")],
        codes: VERIFY_CODES,
        shows: false,
    }),
    shows(reads(
        "/v1/bundles/{digest}/report",
        serve("/v1/bundles/{digest}/report", || get(verdicts::report)),
        "Both verdicts on a logged proof bundle, as of any size. Other spellings redirect to lowercase hex.",
        audits::AT_QUERY,
        &[json("Verification")],
        BUNDLE_CODES,
    )),
    shows(reads(
        "/v1/findings",
        serve("/v1/findings", || get(audits::findings)),
        "What the audit finds, at any size. With job, run or token the report of that scope; otherwise the log page by page.",
        audits::FINDINGS_QUERY,
        &[json("FindingList")],
        AUDIT_CODES,
    )),
    shows(reads(
        "/v1/jobs/{id}",
        serve("/v1/jobs/{id}", || get(audits::job)),
        "The audit of one job at any size.",
        audits::AT_QUERY,
        &[json("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/runs/{agent}/{run}",
        serve("/v1/runs/{agent}/{run}", || get(audits::run)),
        "The audit of one run of one agent at any size.",
        audits::AT_QUERY,
        &[json("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/tokens/{hash}",
        serve("/v1/tokens/{hash}", || get(audits::token)),
        "The audit of one token, by the hash of its compact form. Other spellings redirect to lowercase hex.",
        audits::AT_QUERY,
        &[json("ScopeReport")],
        SCOPE_CODES,
    )),
    shows(reads(
        "/v1/policies/{hash}",
        serve("/v1/policies/{hash}", || get(policies::policy)),
        "A work policy by the hash of its JCS form, logged by a holder of the role. Other spellings redirect to lowercase hex.",
        &[],
        &[Answer { status: 200, media: answer::JSON, shape: Some("Policy"), cache: answer::PRIVATE }],
        &["policy_not_found", "index_behind"],
    )),
    shows(reads(
        "/v1/lookup",
        serve("/v1/lookup", || get(lookup::lookup)),
        "What bears this name or hash. Names are claims of whoever signed.",
        lookup::LOOKUP_QUERY,
        &[json("Lookup")],
        &["index_behind"],
    )),
    reads(
        "/v1/proofs/inclusion",
        serve("/v1/proofs/inclusion", || get(proofs::inclusion)),
        "Inclusion proof at any published size; C2SP tlog-proof by Accept.",
        proofs::INCLUSION_QUERY,
        &[json("InclusionProof"), text(answer::NO_CACHE)],
        &["entry_not_found", "size_not_published", "size_zero"],
    ),
    reads(
        "/v1/proofs/consistency",
        serve("/v1/proofs/consistency", || get(proofs::consistency)),
        "Consistency proof between published sizes; by Accept the body of a witness add-checkpoint request.",
        proofs::CONSISTENCY_QUERY,
        &[json("ConsistencyProof"), text(answer::NO_CACHE)],
        &["sizes_swapped", "size_not_published", "size_zero"],
    ),
    reads(
        "/v1/checkpoints",
        serve("/v1/checkpoints", || get(checkpoints::list)),
        "Published checkpoints, newest first.",
        checkpoints::LIST_QUERY,
        &[json("CheckpointList")],
        STORE_CODES,
    ),
    reads(
        "/v1/checkpoints/{size}",
        serve("/v1/checkpoints/{size}", || get(checkpoints::of_size)),
        "The published checkpoint of one size; the signed note by Accept.",
        &[],
        &[json("Checkpoint"), text(answer::NO_CACHE)],
        &["size_not_published"],
    ),
    reads(
        "/checkpoint",
        serve("/checkpoint", || get(checkpoints::newest)),
        "The newest signed note (C2SP tlog-tiles).",
        &[],
        &[text(answer::FRESH)],
        &[],
    ),
    reads(
        "/tile/entries/{tile}",
        // Hashes do not compress, entries do.
        serve("/tile/entries/{*path}", || get(tiles::tile).layer(CompressionLayer::new().gzip(true))),
        "Entry bundle, gzip by Accept-Encoding (C2SP tlog-tiles).",
        &[],
        TILE,
        &["tile_path_invalid", "tile_not_found"],
    ),
    reads(
        "/tile/{level}/{tile}",
        serve("/tile/{*path}", || get(tiles::tile)),
        "Hash tile; a partial one inside a full one is cut from it (C2SP tlog-tiles).",
        &[],
        TILE,
        &["tile_path_invalid", "tile_not_found"],
    ),
    reads(
        "/v1/trust-policy",
        serve("/v1/trust-policy", || get(checkpoints::trust_policy)),
        "A starter C2SP tlog-policy file for this log.",
        &[],
        &[text(answer::NO_CACHE)],
        &[],
    ),
    reads("/healthz", serve("/healthz", || get(health::up)), "The process answers.", &[], &[json("Health")], &[]),
    reads(
        "/readyz",
        serve("/readyz", || get(health::ready)),
        "Ready while the newest checkpoint verifies and the sequencer lives.",
        &[],
        &[json("Health")],
        &["not_ready"],
    ),
    reads("/metrics", serve("/metrics", || get(health::metrics)), "Counters for Prometheus.", &[], METRICS, &[]),
    reads(
        "/openapi.json",
        serve("/openapi.json", || get(openapi::document)),
        "This API as OpenAPI 3.1.",
        &[],
        OPENAPI,
        &[],
    ),
    reads("/docs/errors", serve("/docs/errors", || get(docs::errors)), "Every code and its meaning.", &[], HTML, &[]),
];

/// The router of the table and of the pages, with what surrounds every
/// request; `lost` answers for addresses that nobody has.
pub fn router(state: AppState, pages: Router<AppState>, lost: MethodRouter<AppState>) -> Router {
    let mut router = Router::new();
    for served in ROUTES.iter().filter_map(|route| route.served.as_ref()) {
        router = router.route(served.path, (served.handler)());
    }
    around::layers(router.merge(pages).fallback(lost), state.clone()).with_state(state)
}
