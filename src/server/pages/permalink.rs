//! What the addresses of tickets answer beside a page: `/b/{digest}` and
//! `/jobs/{id}` as report, note and badge, at published sizes.
//!
//! ```text
//! .json   the report          .txt .md   a note that stands without us
//! .svg    a badge             nothing    the page; or by ?format= and Accept
//! ```

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::audit::Pending;
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::api::answer::{self, BEYOND, Judged, OVERDUE};
use crate::server::api::problem::Problem;
use crate::server::log::view::{View, ViewError};
use crate::server::pages::badge::svg;
use crate::server::pages::note::Note;
use crate::server::pages::reader::{Choices, Reader};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{self, Answer};
use crate::verify::badge::Badge;

/// Sizes that are named where another was asked for.
const NEAREST: usize = 2;

/// In which form something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Page,
    Report,
    Text,
    Markdown,
    Badge,
}

/// What a form is called in addresses, and its media type.
const FORMS: [(&str, &str, Form); 5] = [
    ("html", "text/html", Form::Page),
    ("json", "application/json", Form::Report),
    ("txt", "text/plain", Form::Text),
    ("md", "text/markdown", Form::Markdown),
    ("svg", "image/svg+xml", Form::Badge),
];

#[derive(serde::Deserialize)]
struct Format {
    #[serde(default)]
    format: Option<String>,
}

impl Form {
    /// A segment without its suffix, and the form that it names.
    pub(crate) fn suffix(segment: &str) -> Option<(&str, Self)> {
        let (name, suffix) = segment.rsplit_once('.').filter(|(name, _)| !name.is_empty())?;
        let form = FORMS.iter().find(|(of, _, form)| *of == suffix && *form != Self::Page)?.2;
        Some((name, form))
    }

    /// `.json`, and nothing for a page.
    pub(crate) fn ending(self) -> String {
        let name = FORMS.iter().find(|(_, _, form)| *form == self && self != Self::Page);
        name.map_or(String::new(), |(name, ..)| format!(".{name}"))
    }

    /// The form that a request asks for: by its suffix, else by `?format=`, else
    /// by what `Accept` prefers.
    ///
    /// # Errors
    /// 400 for a format that is none, or is another than the suffix.
    pub(crate) fn asked(suffix: Option<Self>, uri: &Uri, headers: &HeaderMap) -> Result<Self, Trouble> {
        let refuse = |sentence: &str| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, sentence);
        let once = |_| refuse("format may be given once.");
        let Query(Format { format }) = Query::try_from_uri(uri).map_err(once)?;
        let named = |text: String| {
            let known = FORMS.iter().find(|(name, ..)| *name == text);
            known.map(|row| row.2).ok_or_else(|| refuse("A format is html, json, txt, md or svg.").about(&text))
        };
        let format = format.map(named).transpose()?;
        match (suffix, format) {
            (Some(suffix), Some(format)) if suffix != format => {
                Err(refuse("The address ends in one format and asks for another."))
            }
            (Some(form), _) | (None, Some(form)) => Ok(form),
            (None, None) => Ok(preferred(headers)),
        }
    }
}

/// The form that `Accept` names first at its highest weight; a page where it
/// names none.
fn preferred(headers: &HeaderMap) -> Form {
    let mut best: Option<(f32, Form)> = None;
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let Some(row) = FORMS.iter().find(|(_, own, _)| *own == media) else { continue };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, row.2));
        }
    }
    best.map_or(Form::Page, |(_, form)| form)
}

/// Where the other forms of a page are, at the size that it shows. Asked for by
/// `?format=`: a suffix may be the end of another job's name.
pub(crate) fn others(reader: &Reader, path: &str, pinned: Option<TreeSize>) -> Vec<(String, &'static str)> {
    let at = pinned.map(|size| format!("&at={size}")).unwrap_or_default();
    let named = [("txt", "note"), ("md", "note in Markdown"), ("svg", "badge"), ("json", "report")];
    let is_shown = |(format, _): &(&str, &str)| reader.is_public || *format != "svg";
    named.into_iter().filter(is_shown).map(|(format, name)| (format!("{path}?format={format}{at}"), name)).collect()
}

/// The size that a permalink is about: the newest, or a published one.
///
/// # Errors
/// 404 for another, with the two that are nearest.
pub(crate) fn published(reader: &Reader, choices: &Choices, path: &str) -> Result<TreeSize, Trouble> {
    let view = reader.view();
    let Some(size) = choices.number()? else { return Ok(view.size()) };
    if size > TreeSize::ZERO {
        match view.checkpoint(size) {
            Ok(_) => return Ok(size),
            Err(ViewError::NotPublished { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let nearest = nearest(view, size)?;
    let named: Vec<String> = nearest.iter().map(ToString::to_string).collect();
    let sentence = format!(
        "No checkpoint of {size} entries was published. Nearest are those of {} entries.",
        if named.is_empty() { "0".to_owned() } else { named.join(" and ") }
    );
    let trouble = Trouble::new(&service::SIZE_NOT_PUBLISHED, sentence);
    Err(match nearest.first() {
        Some(first) => trouble.with_next(format!("{path}?at={first}"), "Show it at the first of these"),
        None => trouble,
    })
}

/// The two published sizes round one that is not: one on each side, or two on
/// the side that has any.
fn nearest(view: &View, size: TreeSize) -> Result<Vec<TreeSize>, Trouble> {
    let below = view.checkpoints(Some(size), NEAREST)?.into_iter().map(|(head, _)| head.size);
    let mut below: Vec<TreeSize> = below.filter(|size| *size > TreeSize::ZERO).collect();
    let (mut above, mut from) = (Vec::new(), size);
    while above.len() < NEAREST && from < view.size() {
        from = match view.checkpoint(TreeSize::new(from.get().saturating_add(1))) {
            Ok((head, _)) => head.size,
            Err(ViewError::NotPublished { next: Some(next), .. }) => next,
            Err(ViewError::NotPublished { next: None, .. }) => break,
            Err(error) => return Err(error.into()),
        };
        above.push(from);
    }
    match (below.first(), above.first()) {
        (Some(lower), Some(higher)) => Ok(vec![*lower, *higher]),
        (None, _) => Ok(above),
        (Some(_), None) => {
            below.reverse();
            Ok(below)
        }
    }
}

/// A page, whose address has other forms.
pub(crate) fn page(html: String) -> Result<Answer, Trouble> {
    Ok(Answer::Made(answer::varied(pages::page(StatusCode::OK, html))))
}

/// What was made, or why nothing was, in the form that was asked for.
pub(crate) fn answer(form: Form, make: impl FnOnce() -> Result<Answer, Trouble>) -> Result<Answer, Trouble> {
    match make() {
        Err(trouble) if form != Form::Page => Ok(Answer::Made(refused(form, &trouble))),
        made => made,
    }
}

/// What stands beside an answer about one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// Entries that the published checkpoint proves above it.
    pub beyond: u64,
    /// Since when something is overdue, Unix milliseconds.
    pub overdue: Option<i64>,
}

impl Beside {
    pub(crate) fn of(reader: &Reader, size: TreeSize, pending: &[Pending]) -> Self {
        let beyond = reader.view().size().get().saturating_sub(size.get());
        Self { beyond, overdue: answer::overdue(pending, beyond, reader.now_ms) }
    }
}

/// A report as it is.
pub(crate) fn report(document: &impl serde::Serialize, beside: Beside) -> Answer {
    let Beside { beyond, overdue } = beside;
    let made = answer::judged(&Judged { document, beyond, overdue });
    Answer::Made(answer::varied(made.unwrap_or_else(IntoResponse::into_response)))
}

/// A note or a badge. What is closed has no badge: trackers fetch it without a
/// login and keep what they find.
///
/// # Errors
/// 404 for the badge of a closed log.
pub(crate) fn noted(reader: &Reader, form: Form, note: &Note, beside: Beside) -> Result<Answer, Trouble> {
    if form == Form::Badge && !reader.is_public {
        return Err(Trouble::no_such_page());
    }
    let mut response = match form {
        Form::Badge => image(StatusCode::OK, svg(note.badge, Some(note.size), note.now)),
        Form::Markdown => text(StatusCode::OK, "text/markdown; charset=utf-8", note.markdown()),
        Form::Page | Form::Report | Form::Text => text(StatusCode::OK, answer::TEXT, note.text()),
    };
    let said =
        [(BEYOND.0, Some(HeaderValue::from(beside.beyond))), (OVERDUE.0, beside.overdue.and_then(answer::moment))];
    for (name, value) in said {
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(Answer::Made(answer::varied(response)))
}

/// Why there is nothing, in the form that was asked for.
fn refused(form: Form, trouble: &Trouble) -> Response {
    let response = match form {
        Form::Page | Form::Report => Problem::new(trouble.code, trouble.sentence.clone()).into_response(),
        Form::Badge => image(trouble.status(), svg(Badge::Unknown, None, None)),
        Form::Text | Form::Markdown => {
            text(trouble.status(), answer::TEXT, format!("{} [{}]\n", trouble.sentence, trouble.code))
        }
    };
    answer::varied(response)
}

fn text(status: StatusCode, media: &'static str, body: String) -> Response {
    let mut response = pages::page(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(pages::ASSET_POLICY));
    response
}

/// Shown inside pages of others, which is what it is for.
fn image(status: StatusCode, drawn: String) -> Response {
    let mut response = text(status, "image/svg+xml", drawn);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(answer::NO_CACHE));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}
