//! `/pulses/{digest}`: one Trust Pulse. Which run of which agent; what the
//! audit says of that run, and how far; what the agent says of itself; what the
//! log recorded, in order; where it stands in the log and that the log only grew.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::{Kind, TrustPulse, View};
use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page;
use crate::server::judge::ScopeReport;
use crate::server::log::view::StoredEntry;
use crate::server::pages::document::{self, Document, Raw};
use crate::server::pages::happened::Part;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging::{Spelling, read_digest};
use crate::server::pages::note::Text;
use crate::server::pages::offline::{self, Offline};
use crate::server::pages::party::Party;
use crate::server::pages::permalink::{self, Form};
use crate::server::pages::preview::Preview;
use crate::server::pages::proof::{Consistency, Inclusion, size_before};
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::Record;
use crate::server::pages::rows::EntryRow;
use crate::server::pages::run::RunView;
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::told::{self, Told};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::withheld::Withheld;
use crate::server::pages::{Answer, Handles, escape, serve, words};

#[derive(Template)]
#[template(path = "pulse.html")]
struct PulsePage {
    shell: Shell,
    run: Said,
    run_href: String,
    agent: Party,
    /// The agent that the pulse names, when another signed it.
    named: Option<Chip>,
    job: Option<(String, Said)>,
    index: u64,
    signer: Option<Chip>,
    submitter: Said,
    logged: When,
    digest: String,
    leaf_hash: String,
    browser: Row,
    verdicts: Option<Verdicts>,
    judged: Option<Row>,
    withheld: Option<Withheld>,
    report: Vec<(&'static str, Said)>,
    tools: Counted,
    files: Counted,
    record: Record,
    bundles: Vec<EntryRow>,
    kept_at: String,
    inclusion: Inclusion,
    consistency: Consistency,
    offline: Offline,
    /// The same for a ticket: address and name of each form; none where the run of
    /// it is not the signer's.
    forms: Vec<(String, &'static str)>,
    raw: Option<Raw>,
}

/// A list of the self-report: names with counts, and what was cut.
struct Counted {
    rows: Vec<(Said, String)>,
    left: Option<String>,
}

/// Rows of a self-reported list; the rest is in the raw body.
const COUNTED_ROWS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage {
    shell: Shell,
    digest: String,
    candidates: Vec<(String, EntryRow)>,
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

/// The pulse of this digest in one form.
fn answer(reader: &Reader, text: &str, suffix: Option<Form>, form: Form, uri: &Uri) -> Result<Answer, Trouble> {
    let choices = Choices::read(uri)?;
    let ending = suffix.map_or(String::new(), Form::ending);
    let wanted = match read_digest(text) {
        Some(Spelling::Hex(wanted)) => wanted,
        Some(Spelling::Other(wanted)) => return Ok(Answer::moved(&format!("{}{ending}", page::pulse(wanted)), uri)),
        None => {
            let sentence = "A Trust Pulse is addressed by its digest, 64 hex digits.";
            return Err(Trouble::new(&service::PULSE_NOT_FOUND, sentence).about(text));
        }
    };
    let found = reader.view().find_artifact(&wanted)?;
    let pulses: Vec<&StoredEntry> = found.iter().filter(|e| e.entry.kind == Kind::TrustPulse).collect();
    if pulses.is_empty() {
        reader.view().check_none(reader.view().size())?;
    }
    let chosen = choices.entry()?;
    let pulse = match (pulses.as_slice(), chosen) {
        ([], _) => return Err(no_pulse(reader, &wanted, found.first())),
        ([only], None) => *only,
        (several, Some(index)) => {
            *several.iter().find(|e| e.index == index).ok_or_else(|| no_pulse(reader, &wanted, None))?
        }
        (several, None) if form == Form::Page => {
            return permalink::page(choose(reader, &wanted, several).render()?);
        }
        (several, None) => {
            let named: Vec<_> = several.iter().map(|e| e.index.to_string()).collect();
            let sentence =
                format!("Entries {} are of this Trust Pulse: name one, as ?entry={}.", named.join(", "), named[0]);
            return Err(Trouble::new(&service::PULSE_NOT_FOUND, sentence));
        }
    };
    match form {
        Form::Page => permalink::page(show(reader, pulse, &choices)?.render()?),
        Form::Report | Form::Text | Form::Markdown | Form::Badge => {
            let size = permalink::published(reader, &choices, &format!("{}{ending}", page::pulse(wanted)))?;
            told(reader, pulse, size, form)
        }
    }
}

/// The pulse in another form than a page: what the audit says of its run. What it
/// says of itself is on the page.
fn told(reader: &Reader, stored: &StoredEntry, size: TreeSize, form: Form) -> Result<Answer, Trouble> {
    let document = Document::read(reader, stored.index)?;
    let keys = document.keys();
    let (named, run) = (keys.agent.unwrap_or_default(), keys.runs.into_iter().next().unwrap_or_default());
    let agent = stored.entry.signer.as_ref().map_or_else(|| named.clone(), ToString::to_string);
    if document.paper().withheld.is_some() {
        return Err(Trouble::new(&service::BODY_WITHHELD, PageState::Withheld.row().sentence));
    }
    if agent != named {
        return Err(Trouble::new(&service::SCOPE_NOT_FOUND, PageState::InAnothersName.row().sentence));
    }
    if stored.index.get() >= size.get() {
        let sentence = format!("This Trust Pulse is entry {}, after the first {size} entries.", stored.index);
        return Err(Trouble::new(&service::PULSE_NOT_FOUND, sentence));
    }
    let digest = stored.entry.digest;
    let path = page::pulse(digest);
    let job = keys.job.map(|job| ("Job", Text::Theirs(job)));
    let own = [
        ("Pulse", Text::Ours(format!("sha256:{digest}, the agent’s word; judged is its run"))),
        ("Entry", Text::Ours(format!("{}, leaf hash {}", stored.index, stored.leaf_hash))),
        ("Run", Text::Theirs(run.clone())),
        ("Agent", Text::Theirs(agent.clone())),
    ];
    let of = Told {
        size,
        names: own.into_iter().chain(job).collect(),
        tickets: Vec::new(),
        path: path.clone(),
        command: offline::audit(reader, &[("agent", &agent), ("run", &run), ("at", &size.to_string())]),
        within: None,
    };
    let scope = Scope::Run { agent: agent.clone(), run: run.clone() };
    let verdicts = |_: &ScopeReport| {
        let panel = RunView::read(reader, &agent, &run, size)?.panel(reader, size, path.clone())?;
        panel.map_err(|state| Trouble::new(&service::SCOPE_NOT_FOUND, state.row().sentence))
    };
    told::told(reader, form, of, &|size| Ok(reader.sitting.report(&scope, size)?), verdicts)
}

fn no_pulse(reader: &Reader, digest: &ArtifactDigest, other: Option<&StoredEntry>) -> Trouble {
    let size = words::entries(reader.view().size().get());
    let sentence = match other {
        Some(entry) => {
            format!("Entry {} has this digest, but it is no Trust Pulse: {}.", entry.index, entry.entry.kind.title())
        }
        None => format!("No Trust Pulse among {size} has this digest."),
    };
    let trouble = Trouble::new(&service::PULSE_NOT_FOUND, sentence).about(&digest.to_string());
    match other {
        Some(entry) => trouble.with_next(page::entry(entry.index), "Show that entry"),
        None => trouble,
    }
}

fn choose(reader: &Reader, digest: &ArtifactDigest, several: &[&StoredEntry]) -> ChoosePage {
    let row = |e: &&StoredEntry| (page::pulse_of_entry(digest, e.index), EntryRow::new(e));
    ChoosePage {
        shell: reader.shell(
            "Several entries of one Trust Pulse",
            &Preview::of("Trust Pulse, in several entries").digest(digest),
        ),
        digest: digest.to_string(),
        candidates: several.iter().map(row).collect(),
    }
}

fn show(reader: &Reader, stored: &StoredEntry, choices: &Choices) -> Result<PulsePage, Trouble> {
    let size = choices.size()?.unwrap_or(reader.view().size());
    let from = match choices.from()? {
        Some(from) => from,
        None => size_before(reader.view(), stored.index)?.min(size),
    };
    let document = Document::read(reader, stored.index)?;
    let keys = document.keys();
    let (named, run) = (keys.agent.unwrap_or_default(), keys.runs.into_iter().next().unwrap_or_default());
    // Whoever signs speaks of itself, whomever it names: the page is of the signer's run.
    let agent = stored.entry.signer.as_ref().map_or_else(|| named.clone(), ToString::to_string);
    let barred = match document.paper().withheld {
        // Whom it names and which run only its body says.
        Some(_) => Some(PageState::Withheld),
        None => (agent != named).then_some(PageState::InAnothersName),
    };
    let at = choices.at(reader)?;
    let mut view = RunView::read(reader, &agent, &run, at)?;
    let is_pinned = at < reader.view().size();
    let consistency = Consistency::new(reader, from, size)?;
    let digest = stored.entry.digest.to_string();
    let panel = match barred {
        Some(state) => Err(state),
        None => view.panel(reader, at, page::pulse_of_entry(&stored.entry.digest, stored.index))?,
    };
    let word = panel.as_ref().map_or_else(|state| state.row().label.to_owned(), Verdicts::title);
    let of = if run.is_empty() { String::new() } else { format!(" of run {}", escape::plain(&run, 40)) };
    let title = format!("{word} · Trust Pulse{of}");
    let preview = Preview::of("Trust Pulse").digest(&stored.entry.digest).verdict(panel.as_ref()).at(at);
    let says = TrustPulse::of(document.payload());
    let forms = match barred {
        Some(_) => Vec::new(),
        None => permalink::others(reader, &page::pulse(&digest), is_pinned.then_some(at)),
    };
    Ok(PulsePage {
        shell: reader.shell(&title, &preview).about(&digest).judged(panel.as_ref().ok()).at(
            reader,
            &page::pulse(&digest),
            is_pinned.then_some(at),
        ),
        run: Said::name(&run),
        run_href: page::run(&agent, &run),
        agent: view.agent,
        named: (barred == Some(PageState::InAnothersName)).then(|| Chip::did(&named)),
        job: view.job,
        index: stored.index.get(),
        signer: document::signer(stored),
        submitter: Said::name(stored.entry.submitter.as_str()),
        logged: When::millisecond(stored.entry.logged_at.unix_ms()),
        digest,
        leaf_hash: stored.leaf_hash.to_string(),
        browser: PageState::BrowserNotChecked.row(),
        judged: panel.as_ref().err().map(|state| state.row()),
        verdicts: panel.ok(),
        withheld: Withheld::of(reader, &document)?,
        report: report(&document),
        tools: counted(says.tools().map(|tool| (tool.name(), tool.calls())), ("call", "calls")),
        files: counted(says.files().map(|file| (file.path(), file.touches())), ("touch", "touches")),
        inclusion: Inclusion::new(reader, stored, size)?,
        offline: Offline::new(reader, stored, size, Some(from).filter(|f| *f != TreeSize::ZERO)),
        forms,
        raw: document.raw(),
        consistency,
        record: view.record,
        bundles: view.bundles,
        kept_at: if is_pinned { at.to_string() } else { String::new() },
    })
}

/// Times that the agent gives itself.
fn report(document: &Document) -> Vec<(&'static str, Said)> {
    let says = TrustPulse::of(document.payload());
    let text = |label, text: Option<&str>| text.map(|text| (label, Said::name(text)));
    [
        text("Started, claimed", says.started_at()),
        text("Ended, claimed", says.ended_at()),
        says.duration_ms().map(|ms| ("Duration, claimed", Said::name(&words::age(0, ms)))),
        text("Issued, claimed", says.issued_at()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Names, and how often each.
fn counted<'a>(items: impl ExactSizeIterator<Item = (Option<&'a str>, Option<i64>)>, unit: (&str, &str)) -> Counted {
    let row = |(name, times): (Option<&str>, Option<i64>)| {
        let times = times.and_then(|times| u64::try_from(times).ok()).unwrap_or_default();
        (Said::name(name.unwrap_or_default()), words::counted(times, unit.0, unit.1))
    };
    let left = items.len().saturating_sub(COUNTED_ROWS_MAX) as u64;
    Counted { rows: items.take(COUNTED_ROWS_MAX).map(row).collect(), left: (left > 0).then(|| words::quantity(left)) }
}
