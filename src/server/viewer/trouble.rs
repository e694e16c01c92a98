//! Pages for what cannot be shown: what was searched, how far it reaches, what
//! to do next, and a stable code. Never the text of an exception.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::merkle::TreeSize;
use crate::server::access::Closed;
use crate::server::api::problem::code_row;
use crate::server::audits::AuditsError;
use crate::server::log::view::ViewError;
use crate::server::viewer::inline::Said;
use crate::server::viewer::reader::{Reader, Shell};
use crate::server::viewer::states::State;
use crate::server::viewer::words;

/// Why there is no page.
#[derive(Debug)]
pub(crate) struct Trouble {
    status: StatusCode,
    code: &'static str,
    heading: &'static str,
    sentence: String,
    /// What the reader asked for, when it is worth repeating.
    asked: Option<Box<Said>>,
    /// Address and words of what to do next.
    next: Option<Box<(String, &'static str)>>,
    /// Codes that may have been meant.
    nearest: Vec<&'static str>,
}

impl Trouble {
    pub(crate) fn not_found(code: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code,
            heading: "Not found",
            sentence: sentence.into(),
            asked: None,
            next: Some(Box::new(("/".into(), "Newest entries and pulses"))),
            nearest: Vec::new(),
        }
    }

    pub(crate) fn no_such_page() -> Self {
        Self::not_found("page_not_found", "This server has no page at this address.")
    }

    pub(crate) fn bad(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, heading: "Not understood", ..Self::not_found(code, sentence) }
    }

    /// The store and the newest checkpoint disagree, or the store is silent. The
    /// status is that of the API's answer; what only a page can meet is ours.
    pub(crate) fn unsound(code: &'static str) -> Self {
        let status = code_row(code).and_then(|row| StatusCode::from_u16(row.status).ok());
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            heading: "This page is stopped",
            next: None,
            ..Self::not_found(
                code,
                "What is stored is damaged, or is not all that this log ever signed. Nothing is shown that cannot \
                 be proven, and nothing is said to be absent; /readyz names what is damaged, raw tiles are at /tile/ \
                 and the signed checkpoint is at /checkpoint.",
            )
        }
    }

    /// Repeats what was asked for.
    pub(crate) fn about(mut self, asked: &str) -> Self {
        self.asked = Some(Box::new(Said::name(asked)));
        self
    }

    pub(crate) fn with_next(mut self, href: String, text: &'static str) -> Self {
        self.next = Some(Box::new((href, text)));
        self
    }

    /// Proposes codes with their pages.
    pub(crate) fn with_nearest(mut self, codes: Vec<&'static str>) -> Self {
        self.nearest = codes;
        self
    }

    pub(crate) fn answer(self, reader: &Reader) -> Response {
        let status = self.status;
        let (next_href, next_text) = self.next.map(|next| *next).unwrap_or_default();
        let page = TroublePage {
            shell: reader.shell(self.heading, self.sentence.clone()),
            heading: self.heading,
            sentence: self.sentence,
            asked: self.asked.map(|asked| *asked),
            code: self.code,
            next_href,
            next_text,
            nearest: self.nearest,
        };
        match page.render() {
            Ok(html) => super::page(status, html),
            Err(_) => status.into_response(),
        }
    }
}

/// What a log of this size holds, for those who looked beyond it.
pub(crate) fn holds(size: TreeSize) -> String {
    match size.get() {
        0 => "The log is empty.".to_owned(),
        1 => "The log holds 1 entry: entry 0.".to_owned(),
        n => format!("The log holds {}, 0–{}.", words::entries(n), n - 1),
    }
}

impl From<Closed> for Trouble {
    fn from(closed: Closed) -> Self {
        let sentence = "This log shows pages to nobody here. Its tiles, checkpoints and proofs stay public.";
        let (status, heading, next) = (StatusCode::FORBIDDEN, "Access closed", None);
        Self { status, heading, next, ..Self::not_found(closed.code(), sentence) }
    }
}

impl From<ViewError> for Trouble {
    fn from(error: ViewError) -> Self {
        let code = error.code();
        match error {
            ViewError::NoEntry { index, size } => Self::not_found(code, format!("No entry {index}. {}", holds(size))),
            ViewError::NotPublished { size, newest, next } => {
                let next = next.map(|n| format!(" The next published size is {n}.")).unwrap_or_default();
                let sentence = format!("No checkpoint of size {size} was published.{next} The newest is {newest}.");
                Self::not_found(code, sentence)
            }
            ViewError::Swapped { from, to } => {
                Self::bad(code, format!("The older size {from} is larger than the newer size {to}. Swap them."))
            }
            _ => {
                tracing::error!(%error, "a page is stopped");
                Self::unsound(code)
            }
        }
    }
}

impl From<AuditsError> for Trouble {
    fn from(error: AuditsError) -> Self {
        let (status, code, state) = match error {
            AuditsError::Behind { .. } => (StatusCode::SERVICE_UNAVAILABLE, "index_behind", State::NotJudgedYet),
            AuditsError::TooLarge { .. } | AuditsError::TooMany { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "scope_too_large", State::NotJudgedHere)
            }
            AuditsError::View(error) => return error.into(),
        };
        let row = state.row();
        Self { status, heading: row.label, ..Self::not_found(code, row.sentence) }
    }
}

impl From<askama::Error> for Trouble {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page does not render");
        Self::unsound("page_render")
    }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    shell: Shell,
    heading: &'static str,
    sentence: String,
    asked: Option<Said>,
    code: &'static str,
    next_href: String,
    next_text: &'static str,
    nearest: Vec<&'static str>,
}
