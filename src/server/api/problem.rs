//! A refusal of the API: the code under which an error is answered
//! (`server/answered`), in JSON.
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
use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::AdmitError;
use crate::codes::{Code, artifact, service};
use crate::server::answered::{Answered, status_of};
use crate::server::judge::AuditsError;
use crate::server::log::SubmitError;
use crate::server::log::view::ViewError;
use crate::server::submitters::TokenError;

/// Media type of every problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Seconds after which what passes by waiting may be asked again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Every code that an answer can carry.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    service::ANSWERS.iter().chain(artifact::ADMISSION).copied()
}

/// Why a request, or one line of a batch, was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: &'static Code,
    detail: String,
    field: Option<String>,
}

/// The code of a refusal, for the layer that counts.
#[derive(Clone, Copy, Debug)]
pub struct Refused(pub &'static Code);

/// As it is written.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemJson {
    /// Address of the code's explanation.
    r#type: String,
    /// What the code means.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What is wrong here, for people.
    detail: String,
    /// Stable code.
    code: &'static Code,
    /// Field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Problem {
    /// A problem of this code.
    #[must_use]
    pub fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None }
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
        Self::new(&service::INVALID_PARAMETER, format!("{name}: {rule}")).at(name)
    }

    /// Something failed that no caller can mend.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(&service::INTERNAL, "the service failed; try again, and tell the operator if it stays")
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static Code {
        self.code
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        status_of(self.code)
    }

    /// As it is written.
    #[must_use]
    pub fn body(&self) -> ProblemJson {
        ProblemJson {
            r#type: format!("/docs/errors#{}", self.code),
            title: self.code.means,
            status: self.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            field: self.field.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if service::passes(self.code.name) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Refused(self.code));
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
        let detail = match &error {
            // Its reason names files of this machine.
            SubmitError::ReadOnly { .. } => "the log takes no writes until it is started again".to_owned(),
            _ => error.to_string(),
        };
        Self::new(error.code(), detail)
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let detail = match &error {
            TokenError::Unknown | TokenError::Expired | TokenError::Revoked => error.to_string(),
            TokenError::Missing { .. } => "the log has no token file; the operator was told".to_owned(),
            _ => "the token file cannot be read; the operator was told".to_owned(),
        };
        Self::new(error.answered(), detail)
    }
}

impl From<AuditsError> for Problem {
    fn from(error: AuditsError) -> Self {
        match error {
            AuditsError::View(view) => view.into(),
            _ => Self::new(error.answered(), error.to_string()),
        }
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        let problem = Self::new(error.answered(), error.to_string());
        match &error {
            ViewError::NoEntry { .. } => problem.at("index"),
            ViewError::NotPublished { .. } => problem.at("size"),
            ViewError::Swapped { .. } => problem.at("from"),
            ViewError::NoTile { .. } => problem,
            _ if problem.code == &service::STORE_DAMAGED => {
                tracing::error!(%error, "store contradicts the checkpoint, run pulselog fsck");
                let detail = "the store is damaged or contradicts the checkpoint; the operator was told";
                Self::new(problem.code, detail)
            }
            _ => {
                tracing::error!(%error, "store did not answer");
                Self::new(problem.code, "the store did not answer; the operator was told")
            }
        }
    }
}
