//! From the errors of the rooms to status and body: the only file that knows
//! both.
//!
//! ```json
//! {"type":"/docs/errors#entry_not_found","title":"no such entry at this size","status":404,
//!  "detail":"index: 7 is not below the tree size 3","code":"entry_not_found","field":"index"}
//! ```
//!
//! [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457). `code` is stable;
//! `detail` is for people. Neither ever holds a value of an artifact, a token
//! or a path of this machine.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::artifact::{AdmitError, CODES as ADMIT_CODES};
use crate::server::access::Closed;
use crate::server::audits::AuditsError;
use crate::server::log::SubmitError;
use crate::server::log::view::ViewError;
use crate::server::tokens::TokenError;

/// Media type of every problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Seconds after which what passes by waiting may be asked again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// One code of this file.
#[derive(Clone, Copy, Debug)]
pub struct CodeRow {
    /// Stable code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What it means; the problem's title.
    pub meaning: &'static str,
}

const fn row(status: u16, code: &'static str, meaning: &'static str) -> CodeRow {
    CodeRow { code, status, meaning }
}

/// Codes that do not come from admission.
pub const CODES: &[CodeRow] = &[
    row(401, "token_missing", "writing needs a token: Authorization: Bearer plg_…"),
    row(401, "token_unknown", "this log knows no such token"),
    row(401, "token_expired", "the token's time is over"),
    row(401, "token_revoked", "the operator revoked the token"),
    row(503, "tokens_unreadable", "the token file cannot be read, so nobody may submit"),
    row(503, "tokens_missing", "the log has no token file, so nobody may submit"),
    row(400, "host_invalid", "a request names the host that it is for, once, and as a host is spelled"),
    row(400, "invalid_parameter", "a part of the address breaks its rule or is not known"),
    row(400, "size_zero", "there is no proof about the empty tree: every log extends it"),
    row(400, "sizes_swapped", "from is larger than to"),
    row(400, "tile_path_invalid", "the tile path is not canonical"),
    row(404, "tile_not_found", "the published tree does not imply this tile"),
    row(404, "entry_not_found", "no such entry at this size"),
    row(404, "size_not_published", "no checkpoint of this size was published"),
    row(404, "leaf_not_found", "no published entry has this leaf hash"),
    row(404, "artifact_not_found", "no published entry is about this artifact"),
    row(451, "body_withheld", "the operator withholds this body; its entry and proofs hold"),
    row(404, "scope_not_found", "nobody whose word counts speaks of this at this size"),
    row(404, "policy_not_found", "no holder of the role logged a policy with this hash"),
    row(404, "bundle_not_found", "no proof bundle of this digest stands below this size"),
    row(422, "not_a_document", "the body is no bundle, export, aggregate or commit signature"),
    row(422, "scope_too_large", "more entries hang together than one answer reads"),
    row(503, "index_behind", "the search rows do not reach this size yet; try again"),
    row(403, "access_closed", "bodies, names and findings are shown to nobody here"),
    row(404, "not_found", "there is nothing at this address"),
    row(405, "method_not_allowed", "this address does not take this method"),
    row(413, "body_too_large", "the body has more bytes than the limit"),
    row(415, "content_encoding_refused", "bodies are taken without content encoding only"),
    row(415, "content_type_refused", "the body is announced as another media type than this address takes"),
    row(406, "not_acceptable", "Accept-Encoding refuses every form that there is"),
    row(400, "body_incomplete", "the body ended before its announced length"),
    row(408, "body_too_slow", "the body arrived more slowly than the least rate"),
    row(400, "batch_empty", "the batch holds no line"),
    row(413, "batch_too_large", "the request holds more entries than could ever be queued"),
    row(503, "queue_full", "too many entries wait; try again"),
    row(429, "verify_busy", "too many documents wait to be judged; try again"),
    row(503, "answers_full", "large answers wait for their readers; try again"),
    row(503, "clock_unsound", "the log's clock is not believed; writes wait for it"),
    row(503, "log_stopped", "the log stopped; submit again when it is back"),
    row(503, "timeout", "the request took longer than the limit; submitting again is safe"),
    row(507, "disk_low", "a disk of the log is nearly full; reads go on"),
    row(507, "read_only", "the head guard cannot be written; reads go on"),
    row(503, "served_read_only", "the log is served for reading alone; writes are refused"),
    row(507, "degraded", "a part of the store is damaged: writes stop, reads that do not need it go on"),
    row(503, "not_ready", "the newest checkpoint does not verify, or the sequencer ended"),
    row(500, "store_damaged", "the store is damaged or contradicts the checkpoint; nothing is served from it"),
    row(500, "store_failed", "the store did not answer"),
    row(500, "internal", "the service failed; it was recorded"),
];

/// Codes of what passes by itself: the same request may be answered after a
/// wait. Every other refusal stays until somebody does something about it.
const PASSING: &[&str] =
    &["queue_full", "verify_busy", "answers_full", "index_behind", "timeout", "log_stopped", "clock_unsound"];

/// Whether a refusal with this code passes by waiting: what `Retry-After`
/// stands on, and what a client sends again.
#[must_use]
pub fn passes(code: &str) -> bool {
    PASSING.contains(&code)
}

/// Status and meaning of a code, of this file or of admission.
#[must_use]
pub fn code_row(code: &str) -> Option<CodeRow> {
    let own = CODES.iter().find(|row| row.code == code).copied();
    own.or_else(|| {
        let (code, meaning) = ADMIT_CODES.iter().find(|(c, _)| *c == code)?;
        Some(CodeRow { code, status: admit_status(code), meaning })
    })
}

/// Every code that an answer can carry.
pub fn codes() -> impl Iterator<Item = CodeRow> {
    let admit = ADMIT_CODES.iter().map(|(code, meaning)| CodeRow { code, status: admit_status(code), meaning });
    CODES.iter().copied().chain(admit)
}

/// Unreadable 400, not granted 403, too large 413, readable but refused 422.
fn admit_status(code: &str) -> u16 {
    match code {
        "artifact_too_large" | "compact_too_large" => 413,
        "kind_not_granted" | "unsigned_not_granted" | "instance_not_granted" | "channel_not_granted" => 403,
        _ if code.starts_with("json_") => 400,
        _ => 422,
    }
}

/// Why a request, or one line of a batch, was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    row: CodeRow,
    detail: String,
    field: Option<String>,
}

impl PartialEq for CodeRow {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for CodeRow {}

/// The code of a refusal, for the layer that counts.
#[derive(Clone, Copy, Debug)]
pub struct Refused(pub &'static str);

#[derive(serde::Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl Problem {
    /// A problem of a known code. A code without a row answers as `internal`:
    /// the tests list every code, so that this is never seen.
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        let row = code_row(code).unwrap_or(CodeRow { code: "internal", status: 500, meaning: "the service failed" });
        Self { row, detail: detail.into(), field: None }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A part of the address breaks its rule.
    #[must_use]
    pub fn parameter(name: &str, rule: impl std::fmt::Display) -> Self {
        Self::new("invalid_parameter", format!("{name}: {rule}")).at(name)
    }

    /// Something failed that no caller can mend.
    #[must_use]
    pub fn internal() -> Self {
        Self::new("internal", "the service failed; try again, and tell the operator if it stays")
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row.code
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.row.status
    }

    /// As a JSON value: what a batch line holds.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self.body()).unwrap_or_default()
    }

    fn body(&self) -> Body<'_> {
        Body {
            r#type: format!("/docs/errors#{}", self.row.code),
            title: self.row.meaning,
            status: self.row.status,
            detail: &self.detail,
            code: self.row.code,
            field: self.field.as_deref(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if passes(self.row.code) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Refused(self.row.code));
        response
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        let problem = Self::new(error.code(), error.to_string());
        match error.path() {
            Some(path) => problem.at(path),
            None => problem,
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match &error {
            // Its reason names files of this machine.
            SubmitError::ReadOnly { .. } => Self::new("read_only", "the log takes no writes until it is started again"),
            _ => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match &error {
            TokenError::Unknown | TokenError::Expired | TokenError::Revoked => {
                Self::new(error.code(), error.to_string())
            }
            TokenError::Missing { .. } => {
                Self::new("tokens_missing", "the log has no token file; the operator was told")
            }
            _ => Self::new("tokens_unreadable", "the token file cannot be read; the operator was told"),
        }
    }
}

impl From<Closed> for Problem {
    fn from(closed: Closed) -> Self {
        Self::new(closed.code(), closed.to_string())
    }
}

impl From<AuditsError> for Problem {
    fn from(error: AuditsError) -> Self {
        let said = error.to_string();
        match error {
            AuditsError::Behind { .. } => Self::new("index_behind", said),
            AuditsError::TooLarge { .. } | AuditsError::TooMany { .. } => Self::new("scope_too_large", said),
            AuditsError::View(view) => view.into(),
        }
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        let damaged = "the store is damaged or contradicts the checkpoint; the operator was told";
        match &error {
            ViewError::NoEntry { .. } => Self::new("entry_not_found", error.to_string()).at("index"),
            ViewError::NotPublished { .. } => Self::new("size_not_published", error.to_string()).at("size"),
            ViewError::Swapped { .. } => Self::new("sizes_swapped", error.to_string()).at("from"),
            ViewError::NoTile { .. } => Self::new("tile_not_found", error.to_string()),
            ViewError::Unsound { .. } | ViewError::Entry(_) | ViewError::Tile(_) => {
                tracing::error!(%error, "store contradicts the checkpoint, run pulselog fsck");
                Self::new("store_damaged", damaged)
            }
            ViewError::Store(store) if store.code() == "store_damaged" => {
                tracing::error!(%error, "store contradicts the checkpoint, run pulselog fsck");
                Self::new("store_damaged", damaged)
            }
            ViewError::Store(_) | ViewError::Proof(_) => {
                tracing::error!(%error, "store did not answer");
                Self::new("store_failed", "the store did not answer; the operator was told")
            }
        }
    }
}
