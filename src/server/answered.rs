//! Under which code and status an error of the rooms is answered: the only file
//! that knows both sides. Problems of the API and pages are two renderings of it.
//!
//! Most errors leave under their own code. What says how the store or a file of
//! the service failed is for the operator and the log line; whoever asked learns
//! what they can do.

use axum::http::StatusCode;

use crate::codes::{Code, service};
use crate::server::judge::AuditsError;
use crate::server::log::view::ViewError;
use crate::server::submitters::TokenError;

/// An error whose code is another outside than inside.
pub trait Answered {
    /// The code of answers and pages.
    fn answered(&self) -> &'static Code;
}

impl Answered for TokenError {
    fn answered(&self) -> &'static Code {
        match self {
            Self::Unknown | Self::Expired | Self::Revoked | Self::Missing { .. } => self.code(),
            _ => &service::TOKENS_UNREADABLE,
        }
    }
}

impl Answered for AuditsError {
    fn answered(&self) -> &'static Code {
        match self {
            Self::Behind { .. } => &service::INDEX_BEHIND,
            Self::TooLarge { .. } | Self::TooMany { .. } => &service::SCOPE_TOO_LARGE,
            Self::View(error) => error.answered(),
        }
    }
}

impl Answered for ViewError {
    fn answered(&self) -> &'static Code {
        match self {
            Self::Store(error) if error.code() == &service::STORE_DAMAGED => &service::STORE_DAMAGED,
            Self::Store(_) | Self::Proof(_) => &service::STORE_FAILED,
            _ => self.code(),
        }
    }
}

/// Status of an answer or page under this code; a code that no answer should
/// carry is a fault of the service.
#[must_use]
pub fn status_of(code: &Code) -> StatusCode {
    let status = code.status.and_then(|status| StatusCode::from_u16(status).ok());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
