//! `/findings`: what is open, how bad, where. One filter, one page of rows, a
//! cursor for the rest.

mod file;

pub(super) use self::file::file;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::audit::{Severity, explain};
use crate::codes::service;
use crate::explain::nearest;
use crate::merkle::TreeSize;
use crate::server::judge::Filter;
use crate::server::pages::coverage::reach;
use crate::server::pages::finding::{ActCard, Entries, Grade};
use crate::server::pages::inline::Said;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, number};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::{As, Pinned};
use crate::server::pages::{Answer, Handles, serve, words};
use crate::text::percent;

/// Findings at which a page ends.
const LIMIT: usize = 50;

#[derive(Template)]
#[template(path = "findings.html")]
struct FindingsPage {
    shell: Shell,
    asked: Asked,
    severities: Vec<(&'static str, bool)>,
    as_of: As,
    pinned: Option<Pinned>,
    /// Rows of this page: all that is found of one act is one.
    acts: Vec<ActCard>,
    /// "3 critical, 1 info".
    counts: Vec<(Grade, String)>,
    /// Entries that were looked through so far.
    scanned: String,
    /// Entries with which too much hangs together for one answer.
    not_judged: Entries,
    is_whole: bool,
    is_first: bool,
    first: String,
    next: Option<String>,
    file: String,
}

/// What the reader asked for; what is left empty asks for everything.
#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    code: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    job: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    run: String,
    #[serde(default)]
    after: String,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Trouble> {
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "Each filter may be given once, as text.");
        Query::try_from_uri(uri).map(|Query(asked)| asked).map_err(refuse)
    }

    fn filter(&self) -> Result<Filter, Trouble> {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let rule = explain(&self.code);
        if rule.is_none() && !self.code.is_empty() {
            let trouble =
                Trouble::new(&service::INVALID_PARAMETER, "No rule of the audit has this code.").about(&self.code);
            let near = nearest(&self.code).into_iter().filter(|code| explain(code).is_some());
            return Err(trouble.with_nearest(near.collect()));
        }
        let severity = Severity::parse(&self.severity);
        if severity.is_none() && !self.severity.is_empty() {
            let sentence = "A severity is info, low, medium, high or critical.";
            return Err(Trouble::new(&service::INVALID_PARAMETER, sentence).about(&self.severity));
        }
        if !self.run.is_empty() && self.agent.is_empty() {
            return Err(Trouble::new(&service::INVALID_PARAMETER, "A run is known by its agent and id: give both."));
        }
        Ok(Filter {
            rule,
            severity,
            job: given(&self.job),
            run: given(&self.run),
            agent: given(&self.agent),
            ..Filter::default()
        })
    }

    /// The same question at a fixed size.
    fn href(&self, size: TreeSize) -> String {
        format!("/findings?at={size}{}", self.filters())
    }

    /// … as a file, from the page that is shown.
    fn file(&self, size: TreeSize) -> String {
        let after = if self.after.is_empty() { String::new() } else { format!("&after={}", self.after) };
        format!("/findings.csv?at={size}{}{after}", self.filters())
    }

    /// … at the newest size.
    fn newest(&self) -> String {
        format!("/findings{}", self.filters().replacen('&', "?", 1))
    }

    fn filters(&self) -> String {
        let mut href = String::new();
        let fields = [
            ("code", &self.code),
            ("severity", &self.severity),
            ("job", &self.job),
            ("agent", &self.agent),
            ("run", &self.run),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            href.push_str(&format!("&{name}={}", percent::segment(value)));
        }
        href
    }

    /// Whether whole scopes are not what is asked for: then two rules are left out.
    fn is_of_the_log(&self) -> bool {
        self.job.is_empty() && self.run.is_empty()
    }

    fn of_run(&self) -> Option<Said> {
        (!self.run.is_empty()).then(|| Said::name(&self.run))
    }

    fn of_agent(&self) -> Option<Said> {
        (!self.agent.is_empty()).then(|| Said::name(&self.agent))
    }
}

pub(super) async fn page(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let (asked, choices) = (Asked::read(&uri)?, Choices::read(&uri)?);
        Ok(Answer::Page(show(reader, asked, choices.at(reader)?)?.render()?))
    })
    .await
}

fn show(reader: &Reader, asked: Asked, size: TreeSize) -> Result<FindingsPage, Trouble> {
    let (filter, after) = (asked.filter()?, number("after", Some(asked.after.as_str()).filter(|a| !a.is_empty()))?);
    let found = reader.sitting.findings(&filter, size, after, LIMIT)?;
    let first = asked.href(size);
    let count = |severity| found.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let counts = Severity::ALL.into_iter().rev().map(|severity| (Grade::of(severity), count(severity)));
    Ok(FindingsPage {
        shell: reader.shell("Findings", &Preview::of("Findings").at(size)),
        severities: Severity::ALL.into_iter().map(|s| (s.name(), s.name() == asked.severity)).collect(),
        as_of: As::new(&found.as_of),
        pinned: Pinned::of(reader, size, asked.newest()),
        counts: counts.filter(|(_, n)| *n > 0).map(|(grade, n)| (grade, words::quantity(n))).collect(),
        acts: ActCard::all(reader, &found.findings)?,
        scanned: reach(found.scanned_to),
        not_judged: Entries::new(&found.not_judged),
        is_whole: found.next.is_none(),
        is_first: after.is_none(),
        next: found.next.map(|next| format!("{first}&after={next}")),
        file: asked.file(size),
        first,
        asked,
    })
}
