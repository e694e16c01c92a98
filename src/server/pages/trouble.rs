//! Pages for what cannot be shown: what was searched, how far it reaches, what
//! to do next, and a stable code. Never the text of an exception.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::codes::{Code, service};
use crate::merkle::TreeSize;
use crate::server::answered::{Answered, status_of};
use crate::server::judge::AuditsError;
use crate::server::log::view::ViewError;
use crate::server::pages::inline::Said;
use crate::server::pages::permalink::Form;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell};
use crate::server::pages::states::State;
use crate::server::pages::words;

/// Why there is no page.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) code: &'static Code,
    heading: &'static str,
    /// Holds nothing of what an artifact says.
    pub(crate) sentence: String,
    /// What the reader asked for, when it is worth repeating.
    asked: Option<Box<Said>>,
    /// Address and words of what to do next.
    next: Option<Box<(String, &'static str)>>,
    /// Codes that may have been meant.
    nearest: Vec<&'static str>,
}

impl Trouble {
    /// What was asked for is not there, or was not understood: the code's status
    /// says which.
    pub(crate) fn new(code: &'static Code, sentence: impl Into<String>) -> Self {
        Self {
            code,
            heading: if status_of(code) == StatusCode::BAD_REQUEST { "Not understood" } else { "Not found" },
            sentence: sentence.into(),
            asked: None,
            next: Some(Box::new(("/".into(), "Newest entries and pulses"))),
            nearest: Vec::new(),
        }
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new(&service::PAGE_NOT_FOUND, "This server has no page at this address.")
    }

    /// The store and the newest checkpoint disagree, or the store is silent.
    pub(crate) fn unsound(code: &'static Code) -> Self {
        Self {
            heading: "This page is stopped",
            next: None,
            ..Self::new(
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

    /// Says which pages have other forms, where such a form was asked for of one that
    /// has none.
    pub(crate) fn formless(mut self, asked: &str) -> Self {
        if let Some((_, form)) = Form::suffix(asked) {
            let ending = form.ending();
            self.sentence.push_str(&format!(
                " Bundles (/b/), jobs, applications, pulses and incidents have a form that ends in {ending}; this has \
                 none. Ask without {ending}."
            ));
        }
        self
    }

    /// Under another heading than the code's status gives.
    pub(crate) fn headed(self, heading: &'static str) -> Self {
        Self { heading, ..self }
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

    pub(crate) fn status(&self) -> StatusCode {
        status_of(self.code)
    }

    pub(crate) fn answer(self, reader: &Reader) -> Response {
        let status = status_of(self.code);
        let (next_href, next_text) = self.next.map(|next| *next).unwrap_or_default();
        let page = TroublePage {
            shell: reader.shell(self.heading, &Preview::of(self.heading)),
            heading: self.heading,
            sentence: self.sentence,
            asked: self.asked.map(|asked| *asked),
            code: self.code.name,
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

impl From<ViewError> for Trouble {
    fn from(error: ViewError) -> Self {
        let code = error.answered();
        match error {
            ViewError::NoEntry { index, size } => Self::new(code, format!("No entry {index}. {}", holds(size))),
            ViewError::NotPublished { size, newest, next } => {
                let next = next.map(|n| format!(" The next published size is {n}.")).unwrap_or_default();
                let sentence = format!("No checkpoint of size {size} was published.{next} The newest is {newest}.");
                Self::new(code, sentence)
            }
            ViewError::Swapped { from, to } => {
                Self::new(code, format!("The older size {from} is larger than the newer size {to}. Swap them."))
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
        let (code, state) = match error {
            AuditsError::Behind { .. } => (error.answered(), State::NotJudgedYet),
            AuditsError::TooLarge { .. } | AuditsError::TooMany { .. } => (error.answered(), State::NotJudgedHere),
            AuditsError::View(error) => return error.into(),
        };
        let row = state.row();
        Self { heading: row.label, ..Self::new(code, row.sentence) }
    }
}

impl From<askama::Error> for Trouble {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page does not render");
        Self::unsound(&service::PAGE_RENDER)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{LeafIndex, ProofError};
    use crate::server::api::problem::Problem;
    use crate::server::store::StoreError;

    #[test]
    fn a_page_answers_under_the_code_and_status_of_the_api() {
        let size = TreeSize::new(3);
        let errors: [fn(TreeSize) -> ViewError; 6] = [
            |size| ViewError::NoEntry { index: LeafIndex::new(9), size },
            |size| ViewError::NotPublished { size, newest: size, next: None },
            |size| ViewError::Swapped { from: size, to: size },
            |_| ViewError::Unsound { what: "a tile".to_owned() },
            |_| ViewError::Store(StoreError::Busy),
            |_| ViewError::Proof(ProofError::RootMismatch),
        ];
        for error in errors {
            let (page, problem) = (Trouble::from(error(size)), Problem::from(error(size)));
            assert_eq!((page.code, status_of(page.code)), (problem.code(), problem.status()));
            let (page, problem) = (AuditsError::View(error(size)), AuditsError::View(error(size)));
            assert_eq!(Trouble::from(page).code, Problem::from(problem).code());
        }
    }
}
