//! `/jobs/{id}`: which change; what the audit says of the job and of each of
//! its runs; what is open; what was recorded. Also as report, note and badge.

use std::collections::BTreeSet;
use std::rc::Rc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::audit::{JudgedRun, Report, Scope};
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page;
use crate::server::judge::ScopeReport;
use crate::server::pages::happened::Part;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::judging;
use crate::server::pages::note::Text;
use crate::server::pages::permalink::{self, Form};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::{Record, Sources, named_job, tickets};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::states::{Outcome, Row, State as PageState, Word};
use crate::server::pages::told::{self, Told};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, escape, offline, serve, words};

/// Applications that one page links to.
const APPS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    shell: Shell,
    job: Said,
    verdicts: Verdicts,
    browser: Row,
    runs: Vec<RunRow>,
    /// Applications that its calls were about.
    apps: Vec<(String, Said)>,
    incident: String,
    bundles: Vec<EntryRow>,
    record: Record,
    command: Option<String>,
    /// The same for a ticket: address and name of each form.
    forms: Vec<(String, &'static str)>,
}

/// A run of the job, and what the audit says of it.
struct RunRow {
    href: String,
    run: Said,
    agent: Chip,
    token: Option<Chip>,
    word: Word,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    serve(handles, move |reader| {
        let segment = segments(id)?;
        let (job, suffix) = named(reader, &segment)?;
        let form = Form::asked(suffix, &uri, &headers)?;
        let at =
            || permalink::published(reader, &Choices::read(&uri)?, &format!("{}{}", page::job(job), form.ending()));
        permalink::answer(form, || match form {
            Form::Page => permalink::page(show(reader, job, at()?)?.render()?),
            Form::Report | Form::Text | Form::Markdown | Form::Badge => told(reader, job, at()?, form),
        })
    })
    .await
}

/// A job whose id is the whole segment, else that before the suffix.
fn named<'a>(reader: &Reader, segment: &'a str) -> Result<(&'a str, Option<Form>), Trouble> {
    let Some((job, form)) = Form::suffix(segment) else { return Ok((segment, None)) };
    let whole = reader.sitting.report(&Scope::Job(segment.to_owned()), reader.view().size())?;
    Ok(if whole.is_known { (segment, None) } else { (job, Some(form)) })
}

/// The report on a job that somebody speaks of whose word counts.
fn known(reader: &Reader, job: &str, size: TreeSize) -> Result<Rc<ScopeReport>, Trouble> {
    let made = reader.sitting.report(&Scope::Job(job.to_owned()), size)?;
    if !made.is_known {
        reader.view().check_none(size)?;
        let sentence = format!("Nobody whose word counts speaks of this job among {}.", words::entries(size.get()));
        return Err(Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(job));
    }
    Ok(made)
}

/// The job in another form than a page.
fn told(reader: &Reader, job: &str, size: TreeSize, form: Form) -> Result<Answer, Trouble> {
    let of = Told {
        size,
        names: vec![("Job", Text::Theirs(job.to_owned()))],
        tickets: tickets(reader, &*known(reader, job, size)?, job)?,
        path: page::job(job),
        command: offline::audit(reader, &[("job", job), ("at", &size.to_string())]),
        within: None,
    };
    let verdicts = |made: &ScopeReport| Verdicts::of_report(reader, made, "job", NO_PROTOCOL);
    told::told(reader, form, of, &|size| known(reader, job, size), verdicts)
}

const NO_PROTOCOL: &str =
    "Clawsig's rules judge bundles. Those of this job are listed below, each with its own verdicts.";

fn show(reader: &Reader, job: &str, size: TreeSize) -> Result<JobPage, Trouble> {
    let made = known(reader, job, size)?;
    let named = named_job(reader, job, size)?;
    let mut record =
        Record::read(reader, Sources { what: "job", size, made: Some(&made), named, is_strict: false, others: None })?;
    let verdicts = Verdicts::of_report(reader, &made, "job", NO_PROTOCOL)?;
    let more = page::findings_of_job(job, size);
    let newest = judging::newest(reader, &Scope::Job(job.to_owned()), size)?;
    let verdicts = verdicts.with_more(more).pinned(reader, size, page::job(job), newest);
    let word = verdicts.title();
    let title = format!("{word} · Job {}", escape::plain(job, 40));
    let preview = Preview::of("Job").verdict(Ok(&verdicts)).at(size);
    Ok(JobPage {
        shell: reader.shell(&title, &preview).judged(Some(&verdicts)),
        job: Said::name(job),
        verdicts,
        browser: PageState::BrowserNotChecked.row(),
        apps: apps(&made.report),
        incident: page::incidents(&[("job", job)]),
        runs: made.report.runs.iter().map(RunRow::new).collect(),
        bundles: judging::rows(reader, std::mem::take(&mut record.bundles), size)?,
        record,
        command: offline::audit(reader, &[("job", job)]),
        forms: permalink::others(reader, &page::job(job), (size < reader.view().size()).then_some(size)),
    })
}

/// Each once.
fn apps(report: &Report) -> Vec<(String, Said)> {
    let named: BTreeSet<&str> = report.matched.iter().filter_map(|of| of.subject.app.as_deref()).collect();
    named.into_iter().take(APPS_MAX).map(|app| (page::app(app), Said::name(app))).collect()
}

impl RunRow {
    fn new(judged: &JudgedRun) -> Self {
        Self {
            href: page::run(&judged.run.agent, &judged.run.run),
            run: Said::name(&judged.run.run),
            agent: Chip::did(&judged.run.agent),
            token: judged.token.as_deref().map(Chip::hash),
            word: Outcome::from(judged.verdict).word(),
        }
    }
}
