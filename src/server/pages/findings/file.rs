//! `/findings.csv`: the findings of a filter as a file.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::server::pages::csv::Csv;
use crate::server::pages::finding::effect;
use crate::server::pages::findings::Asked;
use crate::server::pages::reader::{Choices, number};
use crate::server::pages::{Answer, Handles, serve};

/// Findings at which a file ends.
const LIMIT: usize = 500;
const HEAD: [&str; 14] = [
    "code",
    "severity",
    "effect",
    "title",
    "job",
    "agent",
    "run",
    "token",
    "app",
    "submitter",
    "entries",
    "detail",
    "as_of_size",
    "scanned_to",
];

pub(crate) async fn file(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let (asked, choices) = (Asked::read(&uri)?, Choices::read(&uri)?);
        let size = choices.at(reader)?;
        let after = number("after", Some(asked.after.as_str()).filter(|after| !after.is_empty()))?;
        let found = reader.sitting.findings(&asked.filter()?, size, after, LIMIT)?;
        let mut csv = Csv::new("findings.csv", &HEAD);
        let (as_of, scanned) = (size.to_string(), found.scanned_to.to_string());
        for finding in &found.findings {
            let of = &finding.subject;
            let entries: Vec<_> = finding.entries.iter().map(ToString::to_string).collect();
            let named = |name: &Option<String>| name.clone().unwrap_or_default();
            csv.row([
                finding.rule.code,
                finding.severity.name(),
                effect(finding.effect),
                finding.rule.title,
                &named(&of.job),
                &named(&of.agent),
                &named(&of.run),
                &named(&of.token),
                &named(&of.app),
                &named(&of.submitter),
                &entries.join(" "),
                &finding.detail,
                &as_of,
                &scanned,
            ]);
        }
        let filters = asked.filters();
        let next = found.next.map(|next| format!("/findings.csv?at={size}{filters}&after={next}"));
        Ok(Answer::Csv(csv.with_next(next)))
    })
    .await
}
