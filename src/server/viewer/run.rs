//! `/runs/{agent}/{run}`: one run, or several claims to it. Every candidate
//! pulse and bundle is a row; none is silently the first.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::merkle::LeafIndex;
use crate::server::index::RUN_ENTRIES_MAX;
use crate::server::log::view::StoredEntry;
use crate::server::viewer::document::Document;
use crate::server::viewer::inline::{Chip, Said};
use crate::server::viewer::reader::{Reader, Shell, segments};
use crate::server::viewer::rows::{EntryRow, with_gaps};
use crate::server::viewer::states::{Row, State as PageState};
use crate::server::viewer::trouble::Trouble;
use crate::server::viewer::{Answer, Desk, escape, serve, words};

/// What the log recorded under one agent and run id.
pub(super) struct RunRecord {
    /// Entries in log order.
    pub rows: Vec<EntryRow>,
    /// Trust Pulses among them.
    pub pulses: Vec<EntryRow>,
    /// Proof bundles among them.
    pub bundles: Vec<EntryRow>,
    /// "5 × Model call through the gateway": kinds in words with their count.
    pub kinds: Vec<(String, &'static str)>,
    /// How far the search reached: "24 entries, 0–23".
    pub searched: String,
    /// Whether the search has seen all of the published log.
    pub is_complete: bool,
    /// Whether more entries name the run than a page shows.
    pub is_cut: bool,
    /// Job id with the entry that names it.
    pub job: Option<(String, LeafIndex)>,
    /// Change ticket with the entry that names it.
    pub ticket: Option<(String, LeafIndex)>,
}

impl RunRecord {
    /// Everything under this agent and run id, up to the view's size.
    ///
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, agent: &str, run: &str) -> Result<Self, Trouble> {
        let size = reader.view.size();
        let is_complete = reader.index.wait(size);
        let followed = reader.index.followed().min(size).get();
        let mut record = Self {
            rows: Vec::new(),
            pulses: Vec::new(),
            bundles: Vec::new(),
            kinds: Vec::new(),
            searched: if followed == 0 {
                words::entries(0)
            } else {
                format!("{}, 0–{}", words::entries(followed), followed - 1)
            },
            is_complete,
            is_cut: false,
            job: None,
            ticket: None,
        };
        let found = reader.index.run(agent, run);
        record.is_cut = found.len() >= RUN_ENTRIES_MAX;
        let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
        for index in found.into_iter().filter(|i| i.get() < size.get()) {
            let stored = reader.view.entry(index)?;
            *kinds.entry(stored.entry.kind.title()).or_default() += 1;
            record.add(reader, &stored)?;
        }
        record.rows = with_gaps(record.rows);
        record.kinds = kinds.into_iter().map(|(title, n)| (words::quantity(n), title)).collect();
        Ok(record)
    }

    fn add(&mut self, reader: &Reader, stored: &StoredEntry) -> Result<(), Trouble> {
        let document = Document::read(&reader.view, stored)?;
        if self.job.is_none() {
            self.job = document.keys(stored).job.map(|job| (job, stored.index));
        }
        if self.ticket.is_none() {
            self.ticket = ticket(&document).map(|ticket| (ticket, stored.index));
        }
        let candidate = || EntryRow::new(stored).with_digest(stored);
        match stored.entry.kind.name() {
            "trust_pulse" => {
                let mut row = candidate();
                row.href = format!("/pulses/{}?entry={}", stored.entry.digest, stored.index);
                self.pulses.push(row);
            }
            "proof_bundle" => self.bundles.push(candidate()),
            _ => {}
        }
        let mut row = EntryRow::new(stored);
        row.names = summary(&document);
        self.rows.push(row);
        Ok(())
    }
}

/// What one line says of an artifact, by dotted path into its payload.
const SUMMARY: &[(&str, &str)] = &[
    ("decision", "decision"),
    ("outcome", "outcome"),
    ("action", "binds.action"),
    ("action", "action"),
    ("app", "binds.app.name"),
    ("app", "app.name"),
    ("phase", "phase"),
    ("provider", "provider"),
    ("model", "model"),
    ("tool", "tool_name"),
    ("reason", "reason"),
];
/// Facts of one line.
const SUMMARY_FACTS_MAX: usize = 3;

fn summary(document: &Document) -> Vec<(&'static str, Said)> {
    let Some(payload) = document.payload() else { return Vec::new() };
    let said = |&(label, path): &(&'static str, &str)| payload.text_at(path).map(|t| (label, Said::name(t)));
    SUMMARY.iter().filter_map(said).take(SUMMARY_FACTS_MAX).collect()
}

/// `jira PAY-123`, from a bundle's metadata or a change record. Text, never a link.
fn ticket(document: &Document) -> Option<String> {
    let payload = document.payload()?;
    let change = payload.at("metadata.pulselog.change_ref").or_else(|| payload.get("change_ref"))?;
    Some(format!("{} {}", change.text_at("system")?, change.text_at("key")?))
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    shell: Shell,
    run: Said,
    agent: Chip,
    judged: Row,
    missing: Row,
    record: RunRecord,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    headers: HeaderMap,
    named: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    serve(desk, headers, move |reader| {
        let (agent, run) = segments(named)?;
        let record = RunRecord::read(reader, &agent, &run)?;
        let title = format!("Not judged · Run {}", escape::plain(&run, 40));
        let description = format!("Everything that names this run among {}.", record.searched);
        let page = RunPage {
            shell: reader.shell(&title, description),
            run: Said::name(&run),
            agent: Chip::did(&agent),
            judged: PageState::NotJudged.row(),
            missing: PageState::NotInLog.row(),
            record,
        };
        Ok(Answer::Page(page.render()?))
    })
    .await
}
