//! `/incidents?job=…|token=…|app=…&from=…&to=…`: what happened in one scope and
//! time, in order, to print: verdict, findings, entries with their proofs, and
//! what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::artifact::time::unix_ms;
use crate::artifact::{Kind, Payload};
use crate::audit::{Finding, Scope};
use crate::codes::service;
use crate::merkle::{Hash, LeafIndex, TreeSize};
use crate::server::addresses;
use crate::server::desk::Paper;
use crate::server::judge::ScopeReport;
use crate::server::pages::app::NO_PROTOCOL;
use crate::server::pages::app::acts::{Act, Papers, is_of};
use crate::server::pages::drawing::Svg;
use crate::server::pages::happened::{Part, happened_within};
use crate::server::pages::inline::{Said, When};
use crate::server::pages::judging;
use crate::server::pages::note::Text;
use crate::server::pages::overview::{self, Overview};
use crate::server::pages::party::Party;
use crate::server::pages::permalink::{self, Form};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell};
use crate::server::pages::record::summary;
use crate::server::pages::rows::EntryRow;
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::told::{self, Told};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, escape, offline, serve, words};
use crate::text::percent;

/// Entries that one page lists, the first; the command gives all.
const ROWS_MAX: usize = 500;
/// Issuances and revocations that one page lists beside these, the first.
const RIGHTS_MAX: usize = 100;
/// Longest name that is asked for.
const NAME_BYTES_MAX: usize = 800;

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    shell: Shell,
    /// "Job", "Token", "Application".
    what: &'static str,
    name: Said,
    from: Option<When>,
    to: Option<When>,
    /// Whether a job took part: a packet of no job holds no verdict.
    has_job: bool,
    verdicts: Verdicts,
    browser: Row,
    acts: Vec<Act>,
    /// How many earlier operations the page leaves out.
    acts_left: Option<String>,
    /// Tokens that it was done under, where they are not told below.
    rights: Vec<EntryRow>,
    rights_left: Option<String>,
    rows: Vec<EntryRow>,
    /// Their overview.
    drawing: Option<Svg>,
    proofs: Vec<(u64, String)>,
    left: Option<String>,
    asked: Asked,
    command: Option<String>,
    /// The same for a ticket: address and name of each form.
    forms: Vec<(String, &'static str)>,
}

/// What the reader asked for, as it was spelled.
#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    job: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// Milliseconds since 1970: from, and up to but without.
struct Span {
    from: Option<i64>,
    to: Option<i64>,
}

impl Span {
    fn holds(&self, ms: u64) -> bool {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        self.from.is_none_or(|from| from <= ms) && self.to.is_none_or(|to| ms < to)
    }
}

fn refuse(sentence: impl Into<String>) -> Trouble {
    Trouble::new(&service::INVALID_PARAMETER, sentence)
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Trouble> {
        let sentence = "Each of job, token, app, from, to and at may be given once, as text.";
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, sentence);
        Query::try_from_uri(uri).map(|Query(asked)| asked).map_err(refuse)
    }

    /// The one scope, with its word and the name of its field.
    fn scope(&self) -> Result<(Scope, &'static str, &'static str), Trouble> {
        let given = [("job", &self.job), ("token", &self.token), ("app", &self.app)];
        let mut given = given.into_iter().filter(|(_, text)| !text.is_empty());
        let (Some((field, text)), None) = (given.next(), given.next()) else {
            return Err(refuse("job, token, app: exactly one of these is needed, to say what the incident is about."));
        };
        if text.len() > NAME_BYTES_MAX {
            return Err(refuse(format!("{field}: must have 1 to {NAME_BYTES_MAX} bytes.")).about(text));
        }
        match field {
            "job" => Ok((Scope::Job(text.clone()), "Job", field)),
            "token" if Hash::from_hex(text).is_ok() => Ok((Scope::Token(text.clone()), "Token", field)),
            "token" => Err(refuse(
                "token: must be 64 lowercase hex digits, the SHA-256 of the compact token. What was given is not \
                 repeated here: it may be the token itself.",
            )),
            _ => {
                let parts: Vec<_> = text.split('/').collect();
                if parts.len() != 3 || parts.contains(&"") {
                    return Err(refuse("app: must be instance/namespace/name.").about(text));
                }
                Ok((Scope::App(text.clone()), "Application", field))
            }
        }
    }

    fn span(&self) -> Result<Span, Trouble> {
        let read = |field: &str, text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            let sentence =
                format!("{field}: must be an RFC 3339 time with a zone, as 2026-11-27T09:00:00Z or …T10:00:00+01:00.");
            // What a form or a hand leaves bare in an address: + is a blank there.
            unix_ms(&text.replace(' ', "+"))
                .or_else(|| unix_ms(text))
                .map(Some)
                .ok_or_else(|| refuse(sentence).about(text))
        };
        let (from, to) = (read("from", &self.from)?, read("to", &self.to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(refuse("from: must be before to.").about(&format!("{} to {}", self.from, self.to)));
        }
        Ok(Span { from, to })
    }

    /// What it is about.
    fn name(&self) -> &str {
        let given = [&self.job, &self.token, &self.app].into_iter().find(|text| !text.is_empty());
        given.map_or("", String::as_str)
    }

    /// The same question at the newest size.
    fn newest(&self) -> String {
        let fields =
            [("job", &self.job), ("token", &self.token), ("app", &self.app), ("from", &self.from), ("to", &self.to)];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let given: Vec<_> = given.map(|(field, text)| format!("{field}={}", percent::segment(text))).collect();
        format!("/incidents?{}", given.join("&"))
    }
}

pub(super) async fn page(State(handles): State<Handles>, uri: Uri, headers: HeaderMap) -> Response {
    serve(handles, move |reader| {
        let suffix = Form::suffix(uri.path()).map(|(_, form)| form);
        let form = Form::asked(suffix, &uri, &headers)?;
        let read = || Ok::<_, Trouble>((Asked::read(&uri)?, Choices::of_size(&uri)?));
        permalink::answer(form, || match form {
            Form::Page => {
                let (asked, choices) = read()?;
                let size = choices.at(reader)?;
                permalink::page(show(reader, asked, size)?.render()?)
            }
            Form::Report | Form::Text | Form::Markdown => {
                let (asked, choices) = read()?;
                // Of another size the newest is named: its address has a query already.
                let size = permalink::published(reader, &choices, "/incidents")?;
                told(reader, &asked, size, form)
            }
            Form::Badge => {
                let sentence = "An incident has no badge. It is there as a page, and as .json, .txt and .md.";
                Err(Trouble::new(&service::PAGE_NOT_FOUND, sentence))
            }
        })
    })
    .await
}

/// The same by its suffix: a note, or the report.
pub(super) async fn file(state: State<Handles>, uri: Uri, headers: HeaderMap) -> Response {
    page(state, uri, headers).await
}

/// The report on what an incident is about.
fn known(
    reader: &Reader,
    scope: &Scope,
    (field, name): (&str, &str),
    size: TreeSize,
) -> Result<Rc<ScopeReport>, Trouble> {
    let made = reader.sitting.report(scope, size)?;
    if !made.is_known {
        reader.view().check_none(size)?;
        let sentence = format!("{field}: nobody whose word counts speaks of it among {}.", words::entries(size.get()));
        return Err(Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(name));
    }
    Ok(made)
}

/// The incident in another form than a page: the report is on all of its scope,
/// the note tells the acts of the time.
fn told(reader: &Reader, asked: &Asked, size: TreeSize, form: Form) -> Result<Answer, Trouble> {
    let ((scope, what, field), span) = (asked.scope()?, asked.span()?);
    let name = asked.name();
    let in_time =
        |at: LeafIndex| reader.view().entry(at).is_ok_and(|stored| span.holds(stored.entry.logged_at.unix_ms()));
    let time = |ms: Option<i64>| ms.and_then(|ms| u64::try_from(ms).ok()).map(|ms| Text::Ours(words::time(ms, false)));
    let names = [
        Some((
            "Incident",
            Text::Ours(format!("of one {}, judged whole; its acts are of the time below", what.to_ascii_lowercase())),
        )),
        Some((what, Text::Theirs(name.to_owned()))),
        time(span.from).map(|time| ("From", time)),
        time(span.to).map(|time| ("Before", time)),
    ];
    let of = Told {
        size,
        names: names.into_iter().flatten().collect(),
        tickets: Vec::new(),
        path: asked.newest(),
        command: offline::incident(reader, field, name, [&asked.from, &asked.to]),
        within: Some(&in_time),
    };
    let low = what.to_ascii_lowercase();
    let verdicts = |made: &ScopeReport| Verdicts::of_report(reader, made, &low, NO_PROTOCOL);
    told::told(reader, form, of, &|size| known(reader, &scope, (field, name), size), verdicts)
}

/// The same in other forms, at the size that the page shows.
fn forms(asked: &Asked, pinned: Option<TreeSize>) -> Vec<(String, &'static str)> {
    let at = pinned.map(|size| format!("&at={size}")).unwrap_or_default();
    let named = [("txt", "note"), ("md", "note in Markdown"), ("json", "report")];
    named.into_iter().map(|(form, name)| (format!("{}&format={form}{at}", asked.newest()), name)).collect()
}

fn show(reader: &Reader, asked: Asked, size: TreeSize) -> Result<IncidentPage, Trouble> {
    let ((scope, what, field), span) = (asked.scope()?, asked.span()?);
    let name = asked.name().to_owned();
    let made = known(reader, &scope, (field, &name), size)?;
    let Listed { rows: told, names_job, mut rights, overview } = listed(reader, &scope, &span, &made)?;
    let rights_left = rights.len().saturating_sub(RIGHTS_MAX) as u64;
    rights.truncate(RIGHTS_MAX);
    let has_job = match &scope {
        Scope::App(_) => names_job,
        Scope::Job(_) => true,
        _ => !made.report.jobs.is_empty(),
    };
    let papers = Papers::read(reader, &made, |paper| match &scope {
        Scope::App(app) => is_of(paper, app),
        _ => true,
    })?;
    let in_time = |at| reader.view().entry(at).is_ok_and(|stored| span.holds(stored.entry.logged_at.unix_ms()));
    let (acts, acts_left) = papers.acts(reader, &made.report, |entries| entries.iter().any(|at| in_time(*at)));
    let low = what.to_ascii_lowercase();
    let newest = judging::newest(reader, &scope, size)?;
    let verdicts = Verdicts::of_report(reader, &made, &low, NO_PROTOCOL)?;
    let verdicts = verdicts.pinned(reader, size, asked.newest(), newest);
    let verdicts = Verdicts { happened: happened_within(&made.report, in_time), ..verdicts };
    let (total, rows) = (told.len(), told.into_iter().take(ROWS_MAX).collect::<Vec<_>>());
    let proofs = rows.iter().map(|row| (row.index, addresses::proof(LeafIndex::new(row.index), reader.view().size())));
    let title = format!("{} · Incident of {low} {}", verdicts.title(), escape::plain(&name, 40));
    let preview = Preview::of("Incident").verdict(Ok(&verdicts)).at(size);
    let left = total.saturating_sub(ROWS_MAX) as u64;
    let moment = |ms: Option<i64>| ms.and_then(|ms| u64::try_from(ms).ok()).map(When::second);
    Ok(IncidentPage {
        shell: reader.shell(&title, &preview).judged(Some(&verdicts)),
        what,
        name: Said::path(&name),
        from: moment(span.from),
        to: moment(span.to),
        has_job,
        verdicts,
        browser: PageState::BrowserNotChecked.row(),
        acts,
        acts_left: (acts_left > 0).then(|| words::counted(acts_left as u64, "earlier operation", "earlier operations")),
        rights,
        rights_left: (rights_left > 0).then(|| words::quantity(rights_left)),
        proofs: proofs.collect(),
        rows,
        drawing: overview.draw(),
        left: (left > 0).then(|| words::counted(left, "later entry", "later entries")),
        command: offline::incident(reader, field, &name, [&asked.from, &asked.to]),
        forms: forms(&asked, (size < reader.view().size()).then_some(size)),
        asked,
    })
}

/// What is told of a time, and what it was done under.
struct Listed {
    rows: Vec<EntryRow>,
    /// Whether a told entry names a job.
    names_job: bool,
    /// Issuances and revocations of its tokens that are not among them.
    rights: Vec<EntryRow>,
    overview: Overview,
}

/// Entries of the time that the scope's audit joins, in log order. What every
/// audit reads is told of none; an application's jobs bring entries of others,
/// of which only those are told that belong to its operations.
fn listed(reader: &Reader, scope: &Scope, span: &Span, made: &ScopeReport) -> Result<Listed, Trouble> {
    let mut of = Listed { rows: Vec::new(), names_job: false, rights: Vec::new(), overview: Overview::default() };
    let caused = overview::caused(&made.report.findings);
    let (mut elsewhere, mut tokens) = (Vec::new(), BTreeSet::new());
    let matched: BTreeSet<_> = made.report.matched.iter().flat_map(|of| of.entries.iter().copied()).collect();
    let findings: &[Finding] = &made.report.findings;
    for (at, kind) in made.told() {
        if kind == Kind::AuditRoots {
            continue;
        }
        let paper = reader.desk().read(at)?;
        let is_in_time = span.holds(paper.stored.entry.logged_at.unix_ms());
        let is_told = match scope {
            Scope::App(app) => {
                let is_found = || findings.iter().any(|finding| finding.entries.contains(&at));
                is_of(&paper, app) || matched.contains(&at) || is_found()
            }
            _ => true,
        };
        let party = Party::of_row(reader, &paper)?;
        let row = || {
            let mut row = EntryRow { names: summary(&paper), party, ..EntryRow::new(&paper.stored) };
            row.mark(findings);
            row
        };
        if is_told && is_in_time {
            tokens.extend(paper.keys().token_hash);
            of.names_job |= paper.keys().job.is_some();
            of.overview.add(&paper, &caused);
            of.rows.push(row());
        } else if matches!(kind, Kind::CstIssuance | Kind::CstRevocation) {
            let mut row = row();
            row.names.extend(right(&paper));
            elsewhere.push((paper.keys(), row));
        }
    }
    // Of an application: tokens that a told entry names, and of agents that a
    // finding about one is charged to.
    let told: BTreeSet<u64> = of.rows.iter().map(|row| row.index).collect();
    let is_here = |finding: &&Finding| finding.entries.iter().any(|at| told.contains(&at.get()));
    let agents: BTreeSet<&str> = findings.iter().filter(is_here).filter_map(|of| of.subject.agent.as_deref()).collect();
    let of_agents = elsewhere.iter().filter(|(keys, _)| keys.agent.as_deref().is_some_and(|of| agents.contains(of)));
    tokens.extend(of_agents.filter_map(|(keys, _)| keys.token_hash.clone()));
    let is_right = |token: &Option<String>| match scope {
        Scope::App(_) => token.as_ref().is_some_and(|token| tokens.contains(token)),
        _ => true,
    };
    of.rights = elsewhere.into_iter().filter(|(keys, _)| is_right(&keys.token_hash)).map(|(_, row)| row).collect();
    for row in of.rights.iter().take(RIGHTS_MAX) {
        // Of a token's life, whenever it was; not of what it is charged with.
        of.overview.add(&*reader.desk().read(LeafIndex::new(row.index))?, &BTreeMap::new());
    }
    Ok(of)
}

/// Which token it is, and when it ends by itself.
fn right(paper: &Paper) -> Vec<(&'static str, Said)> {
    let mut says: Vec<_> = paper.keys().token_hash.iter().map(|token| ("token", Said::name(token))).collect();
    if let Some(Payload::CstIssuance(of)) = paper.artifact().map(|body| body.says()) {
        let ends = of.claims().exp().and_then(|seconds| u64::try_from(seconds).ok());
        says.extend(ends.map(|seconds| ("ends by itself", Said::when(When::second(seconds.saturating_mul(1_000))))));
    }
    says
}
