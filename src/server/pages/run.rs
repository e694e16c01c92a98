//! `/runs/{agent}/{run}`: one run, or several claims to it. Every candidate
//! pulse and bundle is a row with its verdicts; none is silently the first.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::audit::Scope;
use crate::merkle::TreeSize;
use crate::server::addresses::page;
use crate::server::pages::happened::Part;
use crate::server::pages::inline::Said;
use crate::server::pages::judging::{self, JUDGED_MAX, Judged};
use crate::server::pages::other_runs::OtherRuns;
use crate::server::pages::party::Party;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::{Record, Sources, named_run};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, escape, offline, serve};

/// A run as pages show it: the audit's verdict, and what was recorded.
pub(super) struct RunView {
    /// The verdict, or why there is none.
    pub verdicts: Judged<Verdicts>,
    /// Job of its token, with its page.
    pub job: Option<(String, Said)>,
    pub record: Record,
    /// Bundles that claim it, with the verdicts on each.
    pub bundles: Vec<EntryRow>,
    /// Both verdicts on the one bundle, when there is one.
    pub only: Option<Verdicts>,
    pub agent: Party,
    scope: Scope,
}

impl RunView {
    /// The run at `size`.
    ///
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, agent: &str, run: &str, size: TreeSize) -> Result<Self, Trouble> {
        let scope = Scope::Run { agent: agent.to_owned(), run: run.to_owned() };
        let made = judging::report(reader, &scope, size)?;
        let named = named_run(reader, agent, run, size)?;
        let others = made.as_deref().ok().map(|made| OtherRuns::read(reader, agent, run, &made.report, size));
        let others = others.transpose()?;
        let sources = Sources { what: "run", size, made: made.as_deref().ok(), named, is_strict: true, others };
        let mut record = Record::read(reader, sources)?;
        if made.as_ref().is_ok_and(|made| !made.is_known) {
            reader.view().check_none(size)?;
            record.rows.clear();
            record.kinds.clear();
        }
        let claims = std::mem::take(&mut record.bundles);
        let (mut bundles, mut only) = (Vec::new(), None);
        // A bundle by a stranger is listed, and never stands for the run.
        let own = claims.iter().filter(|(row, _)| row.note.is_none()).count();
        for (place, (mut row, stored)) in claims.into_iter().enumerate() {
            if place < JUDGED_MAX {
                match judging::bundle(reader, stored.index, size)? {
                    Ok(judged) => {
                        row.verdicts = judging::words(&judged);
                        if own == 1 && row.note.is_none() {
                            only = Some(Verdicts::of_document(reader, &judged, "bundle")?);
                        }
                    }
                    Err(state) => row.note = Some(state.row().sentence),
                }
            }
            bundles.push(row);
        }
        let verdicts = match &made {
            Ok(made) => {
                let why = match own {
                    0 => NO_BUNDLE,
                    1 => UNREAD,
                    _ => SEVERAL,
                };
                let more = page::findings_of_run(agent, run, size);
                let verdicts = Verdicts::of_report(reader, made, "run", why)?;
                Ok(verdicts.with_more(more))
            }
            Err(state) => Err(*state),
        };
        let job = made.ok().and_then(|made| made.report.runs.first()?.job.clone());
        let job = job.map(|job| (page::job(&job), Said::name(&job)));
        let agent = Party::agent(reader, agent, size)?;
        Ok(Self { verdicts, job, record, bundles, only, agent, scope })
    }

    /// The panel of the run, with the protocol verdict of its one bundle.
    ///
    /// # Errors
    /// Those of the view.
    pub(super) fn panel(&mut self, reader: &Reader, size: TreeSize, href: String) -> Result<Judged<Verdicts>, Trouble> {
        let protocol = self.only.take().and_then(|only| only.protocol);
        let verdicts = std::mem::replace(&mut self.verdicts, Err(PageState::NotJudgedYet));
        let newest = judging::newest(reader, &self.scope, size)?;
        Ok(verdicts.map(|verdicts| Verdicts { protocol, ..verdicts }.pinned(reader, size, href, newest)))
    }
}

const NO_BUNDLE: &str = "No bundle of this run is logged, so Clawsig's rules have nothing to judge.";
const UNREAD: &str = "The bundle of this run could not be judged here; its row below says why.";
const SEVERAL: &str = "Several bundles claim this run. Each has its own verdicts, listed below; none counts more.";

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    shell: Shell,
    run: Said,
    agent: Party,
    job: Option<(String, Said)>,
    verdicts: Option<Verdicts>,
    judged: Option<Row>,
    browser: Row,
    missing: Row,
    record: Record,
    bundles: Vec<EntryRow>,
    is_empty: bool,
    command: Option<String>,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    named: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Response {
    serve(handles, move |reader| {
        let ((agent, run), choices) = (segments(named)?, Choices::read(&uri)?);
        let size = choices.at(reader)?;
        Ok(Answer::Page(show(reader, &agent, &run, size)?.render()?))
    })
    .await
}

fn show(reader: &Reader, agent: &str, run: &str, size: TreeSize) -> Result<RunPage, Trouble> {
    let mut view = RunView::read(reader, agent, run, size)?;
    let panel = view.panel(reader, size, page::run(agent, run))?;
    let RunView { record, bundles, job, agent: party, .. } = view;
    let word = panel.as_ref().map_or_else(|state| state.row().label.to_owned(), Verdicts::title);
    let title = format!("{word} · Run {}", escape::plain(run, 40));
    let preview = Preview::of("Run").verdict(panel.as_ref()).at(size);
    Ok(RunPage {
        shell: reader.shell(&title, &preview).judged(panel.as_ref().ok()),
        run: Said::name(run),
        agent: party,
        job,
        judged: panel.as_ref().err().map(|state| state.row()),
        verdicts: panel.ok(),
        browser: PageState::BrowserNotChecked.row(),
        missing: PageState::NotInLog.row(),
        is_empty: record.rows.is_empty() && record.others.is_empty(),
        record,
        bundles,
        command: offline::audit(reader, &[("agent", agent), ("run", run)]),
    })
}
