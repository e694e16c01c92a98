//! `/b/{digest}`: one proof bundle, the permalink of change tickets. Is this
//! the bundle of my ticket; what do both verdicts say of it at one size; which
//! receipts does it hold; does it hold offline.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::artifact::Kind;
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{Value, to_compact};
use crate::artifact::{HeldReceipt, OwnReceipt, View, receipts};
use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page;
use crate::server::index::names::change;
use crate::server::log::view::StoredEntry;
use crate::server::pages::document::{self, Document, FactRow, Raw};
use crate::server::pages::happened::{Part, happened};
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging::{self, Judged, Spelling, read_digest};
use crate::server::pages::note::{About, Note, Text};
use crate::server::pages::offline::{self, Offline};
use crate::server::pages::permalink::{self, Beside, Form};
use crate::server::pages::preview::{Preview, short};
use crate::server::pages::proof::Inclusion;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::ticket;
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::withheld::Withheld;
use crate::server::pages::{Answer, Handles, serve, words};
use crate::verify::verification::Verification;

/// Receipts of one list; the rest is in the raw body.
const RECEIPTS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "bundle.html")]
struct BundlePage {
    shell: Shell,
    digest: String,
    index: u64,
    also: Vec<u64>,
    signer: Option<Chip>,
    submitter: Said,
    logged: When,
    leaf_hash: String,
    runs: Vec<(String, Said)>,
    job: Option<(String, Said)>,
    ticket: Option<Said>,
    facts: Vec<FactRow>,
    verdicts: Option<Verdicts>,
    judged: Option<Row>,
    browser: Row,
    withheld: Option<Withheld>,
    receipts: Vec<ReceiptRow>,
    receipts_total: String,
    receipts_left: Option<String>,
    kept_at: String,
    inclusion: Inclusion,
    offline: Offline,
    /// The same for a ticket: address and name of each form.
    forms: Vec<(String, &'static str)>,
    raw: Option<Raw>,
}

/// A receipt inside the bundle.
struct ReceiptRow {
    /// Place in the bundle: `receipts[0]`.
    place: String,
    id: Option<Said>,
    digest: Chip,
    /// Its own entry, when it is logged by itself too.
    entry: Option<u64>,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    digest: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    serve(handles, move |reader| {
        let segment = segments(digest)?;
        let (text, suffix) = Form::suffix(&segment).map_or((segment.as_str(), None), |(text, form)| (text, Some(form)));
        let form = Form::asked(suffix, &uri, &headers)?;
        permalink::answer(form, || answer(reader, text, suffix, form, &uri))
    })
    .await
}

/// The bundle of this digest in one form.
fn answer(reader: &Reader, text: &str, suffix: Option<Form>, form: Form, uri: &Uri) -> Result<Answer, Trouble> {
    let choices = Choices::read(uri)?;
    let ending = suffix.map_or(String::new(), Form::ending);
    let wanted = match read_digest(text) {
        Some(Spelling::Hex(wanted)) => wanted,
        Some(Spelling::Other(wanted)) => {
            return Ok(Answer::moved(&format!("{}{ending}", page::bundle(wanted)), uri));
        }
        None => {
            let sentence = "A proof bundle is addressed by its digest, 64 hex digits.";
            return Err(Trouble::new(&service::BUNDLE_NOT_FOUND, sentence).about(text));
        }
    };
    let size = permalink::published(reader, &choices, &format!("{}{ending}", page::bundle(wanted)))?;
    let found = reader.view().find_artifact(&wanted)?;
    let is_here = |e: &&StoredEntry| e.entry.kind == Kind::ProofBundle && e.index.get() < size.get();
    let bundles: Vec<&StoredEntry> = found.iter().filter(is_here).collect();
    let Some((first, others)) = bundles.split_first() else {
        reader.view().check_none(size)?;
        return Err(no_bundle(&wanted, size, found.first()));
    };
    let bundle = Bundle { reader, stored: first, others, size, choices: &choices };
    match form {
        Form::Page => permalink::page(bundle.show()?.render()?),
        Form::Report | Form::Text | Form::Markdown | Form::Badge => bundle.told(form),
    }
}

fn no_bundle(digest: &ArtifactDigest, size: TreeSize, other: Option<&StoredEntry>) -> Trouble {
    let size = words::entries(size.get());
    let sentence = match other {
        Some(entry) if entry.entry.kind != Kind::ProofBundle => {
            format!("Entry {} has this digest, but it is no proof bundle: {}.", entry.index, entry.entry.kind.title())
        }
        _ => format!("No proof bundle among {size} has this digest."),
    };
    let trouble = Trouble::new(&service::BUNDLE_NOT_FOUND, sentence).about(&digest.to_string());
    match other {
        Some(entry) => trouble.with_next(page::entry(entry.index), "Show that entry"),
        None => trouble,
    }
}

/// One bundle at one size.
struct Bundle<'a> {
    reader: &'a Reader,
    stored: &'a StoredEntry,
    others: &'a [&'a StoredEntry],
    size: TreeSize,
    choices: &'a Choices,
}

impl Bundle<'_> {
    /// The bundle in another form than a page.
    fn told(&self, form: Form) -> Result<Answer, Trouble> {
        let (reader, newest) = (self.reader, self.reader.view().size());
        let judged = self.judged(self.size)?;
        let beside = Beside::of(reader, self.size, &judged.audit.pending);
        if form == Form::Report {
            return Ok(permalink::report(&judged, beside));
        }
        let badge = judging::badge_of_document(&judged, beside.overdue.is_some());
        let now = (self.size < newest).then(|| self.judged(newest)).transpose()?;
        let now = now.map(|now| {
            let is_overdue = Beside::of(reader, newest, &now.audit.pending).overdue.is_some();
            judging::badge_of_document(&now, is_overdue)
        });
        let document = Document::read(reader, self.stored.index)?;
        let (digest, at) = (self.stored.entry.digest, self.stored.index.get());
        let name = judged.document.as_ref();
        let named = |label, text: Option<&String>| text.map(|text| (label, Text::Theirs(text.clone())));
        let own = [
            Some(("Bundle", Text::Ours(format!("sha256:{digest}")))),
            Some(("Entry", Text::Ours(format!("{at}, leaf hash {}", self.stored.leaf_hash)))),
            named("Job", name.and_then(|name| name.job.as_ref())),
            named("Run", name.and_then(|name| name.run.as_ref())),
            named("Agent", name.and_then(|name| name.agent.as_ref())),
        ];
        let run = name.and_then(|name| Some(Scope::Run { agent: name.agent.clone()?, run: name.run.clone()? }));
        let made = run.map(|run| judging::report(reader, &run, self.size)).transpose()?.and_then(Result::ok);
        let ticket = document.payload().map(|payload| change(self.stored.entry.kind, payload));
        let ticket = ticket.and_then(|(system, key)| Some((system?.to_owned(), key?.to_owned(), at)));
        let about = About {
            size: self.size,
            badge,
            now: now.filter(|now| *now != badge),
            verdicts: &Verdicts::of_document(reader, &judged, "bundle")?,
            names: own.into_iter().flatten().collect(),
            tickets: ticket.into_iter().collect(),
            report: made.as_ref().map(|made| &made.report),
            findings: &judged.audit.findings,
            pending: &judged.audit.pending,
            now_ms: (self.size == newest).then_some(reader.now_ms),
            command: Some(offline::bundle(reader, &digest)),
            path: page::bundle(digest),
        };
        permalink::noted(reader, form, &Note::new(reader, about)?, beside)
    }

    fn judged(&self, size: TreeSize) -> Result<Verification, Trouble> {
        let judged = self.reader.sitting.judge_logged(self.stored.index, size)?;
        judged.ok_or_else(|| Trouble::new(&service::BODY_WITHHELD, PageState::Withheld.row().sentence))
    }

    fn show(&self) -> Result<BundlePage, Trouble> {
        let (reader, stored) = (self.reader, self.stored);
        let document = Document::read(reader, stored.index)?;
        let judged = judging::bundle(reader, stored.index, self.size)?;
        let keys = document.keys();
        let agent = keys.agent.as_deref().unwrap_or_default();
        let digest = stored.entry.digest.to_string();
        // Proofs need a published size; verdicts take any.
        let size = self.choices.size()?.unwrap_or(reader.view().size());
        let name = judged.as_ref().ok().and_then(|judged| judged.document.clone());
        let of_run =
            name.as_ref().and_then(|name| Some(Scope::Run { agent: name.agent.clone()?, run: name.run.clone()? }));
        let told = of_run.map(|run| judging::report(reader, &run, self.size)).transpose()?.and_then(Result::ok);
        let job = name.and_then(|name| name.job);
        let newest = judging::newest_of(reader, stored.index, self.size)?;
        let panel: Judged<Verdicts> = match &judged {
            Ok(judged) => {
                let verdicts = Verdicts::of_document(reader, judged, "bundle")?;
                let more = runs(agent, &keys.runs).into_iter().next().map_or(String::new(), |(href, _)| href);
                let verdicts = verdicts.with_more(more);
                let happened = told.map(|made| happened(&made.report)).unwrap_or_default();
                Ok(Verdicts { happened, ..verdicts.pinned(reader, self.size, page::bundle(&digest), newest) })
            }
            Err(state) => Err(*state),
        };
        let word = panel.as_ref().map_or_else(|state| state.row().label.to_owned(), Verdicts::title);
        let short = short(&stored.entry.digest);
        let preview = Preview::of("Proof bundle").digest(&stored.entry.digest).verdict(panel.as_ref()).at(self.size);
        let receipts = self.receipts(&document)?;
        let total = document.payload().map_or(0, |payload| receipts_of(payload).count());
        let left = total.saturating_sub(receipts.len()) as u64;
        let is_pinned = self.size < reader.view().size();
        Ok(BundlePage {
            shell: reader
                .shell(&format!("{word} · bundle {short}"), &preview)
                .about(&digest)
                .judged(panel.as_ref().ok())
                .at(reader, &page::bundle(&digest), is_pinned.then_some(self.size)),
            index: stored.index.get(),
            also: self.others.iter().map(|other| other.index.get()).collect(),
            signer: document::signer(stored),
            submitter: Said::name(stored.entry.submitter.as_str()),
            logged: When::millisecond(stored.entry.logged_at.unix_ms()),
            leaf_hash: stored.leaf_hash.to_string(),
            runs: runs(agent, &keys.runs),
            job: job.map(|job| (page::job(&job), Said::name(&job))),
            ticket: document
                .payload()
                .and_then(|payload| ticket(stored.entry.kind, payload))
                .map(|ticket| Said::name(&ticket)),
            facts: document.facts(),
            judged: panel.as_ref().err().map(|state| state.row()),
            verdicts: panel.ok(),
            browser: PageState::BrowserNotChecked.row(),
            withheld: Withheld::of(reader, &document)?,
            receipts,
            receipts_total: words::counted(total as u64, "receipt", "receipts"),
            receipts_left: (left > 0).then(|| words::quantity(left)),
            kept_at: if is_pinned { self.size.to_string() } else { String::new() },
            inclusion: Inclusion::new(reader, stored, size)?,
            offline: Offline::new(reader, stored, size, None),
            raw: document.raw(),
            forms: permalink::others(self.reader, &page::bundle(&digest), is_pinned.then_some(self.size)),
            digest,
        })
    }

    fn receipts(&self, document: &Document) -> Result<Vec<ReceiptRow>, Trouble> {
        let mut rows = Vec::new();
        for (array, at, receipt) in document.payload().into_iter().flat_map(receipts_of).take(RECEIPTS_MAX) {
            let digest = ArtifactDigest::of(to_compact(receipt).as_bytes());
            let entries = self.reader.view().find_artifact(&digest)?;
            let inner = HeldReceipt::of(receipt).payload().unwrap_or(receipt.into());
            rows.push(ReceiptRow {
                place: format!("{array}[{at}]"),
                id: OwnReceipt::of(inner).id().map(Said::name),
                digest: Chip::hash(&digest.to_string()),
                entry: entries.first().map(|entry| entry.index.get()),
            });
        }
        Ok(rows)
    }
}

fn receipts_of<'a>(payload: &'a Value<'a>) -> impl Iterator<Item = (&'static str, usize, &'a Value<'a>)> {
    receipts(payload)
}

fn runs(agent: &str, runs: &[String]) -> Vec<(String, Said)> {
    if agent.is_empty() {
        return Vec::new();
    }
    runs.iter().map(|run| (page::run(agent, run), Said::name(run))).collect()
}
