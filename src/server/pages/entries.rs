//! `/entries`: which entries are of this kind, bear these names and were logged
//! in this time, newest first, page by page; and the same as a file.

mod walk;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::Kind;
use crate::artifact::time::unix_ms;
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::index::names::{NAME_BYTES_MAX, Sort};
use crate::server::pages::csv::Csv;
use crate::server::pages::entries::walk::{Filter, Page};
use crate::server::pages::inline::Said;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, number};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, serve, words};
use crate::text::percent;

/// Rows of one page, and of one file.
const ROWS: usize = 50;
const FILE_ROWS: usize = 1_000;
/// Fields of the form, in its order: name, label, what stands in it when empty.
const FIELDS: [(&str, &str, &str); 4] = [
    ("job", "Job", "any"),
    ("agent", "Agent", "did:key:…"),
    ("app", "Application", "instance/namespace/name, or a name"),
    ("submitter", "Submitter", "any"),
];

#[derive(Template)]
#[template(path = "list.html")]
struct EntriesPage {
    shell: Shell,
    asked: Asked,
    kinds: Vec<(&'static str, &'static str, bool)>,
    fields: Vec<Field>,
    /// Names that the form has no field for.
    more: Vec<(&'static str, String, Said)>,
    rows: Vec<EntryRow>,
    holds: String,
    reach: String,
    behind: Option<String>,
    is_first: bool,
    first: String,
    next: Option<String>,
    file: String,
}

struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
}

/// What the reader asked for; what is left empty asks for everything.
struct Asked {
    kind: String,
    names: Vec<(&'static str, String)>,
    from: String,
    to: String,
    before: String,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Trouble> {
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "Filters are text in UTF-8.");
        let Query(given): Query<Vec<(String, String)>> = Query::try_from_uri(uri).map_err(refuse)?;
        let mut asked =
            Self { kind: String::new(), names: vec![], from: String::new(), to: String::new(), before: String::new() };
        let mut seen = Vec::new();
        for (name, value) in given {
            if seen.contains(&name) {
                let sentence = "Each filter may be given once.";
                return Err(Trouble::new(&service::QUERY_NOT_UNDERSTOOD, sentence).about(&name));
            }
            asked.take(&name, value)?;
            seen.push(name);
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), Trouble> {
        if value.len() > NAME_BYTES_MAX {
            let sentence = format!("{name}: must have at most {NAME_BYTES_MAX} bytes.");
            return Err(Trouble::new(&service::INVALID_PARAMETER, sentence).about(&value));
        }
        match name {
            "kind" => self.kind = value,
            "from" => self.from = value,
            "to" => self.to = value,
            "before" => self.before = value,
            // Whatever else an address carries is not for this page.
            other => {
                let sort = Sort::ALL.into_iter().find(|sort| sort.name() == other);
                self.names.extend(sort.filter(|_| !value.is_empty()).map(|sort| (sort.name(), value)));
            }
        }
        Ok(())
    }

    fn filter(&self, reader: &Reader) -> Result<Filter, Trouble> {
        let refuse = |sentence: &str, text: &str| Trouble::new(&service::INVALID_PARAMETER, sentence).about(text);
        let kind = Kind::parse(&self.kind);
        if kind.is_none() && !self.kind.is_empty() {
            return Err(refuse("No kind of entry has this name.", &self.kind));
        }
        let time = |text: &str| {
            let sentence = "A time is written as 2026-11-27T09:00:00Z, with its zone.";
            let read = unix_ms(&text.replace(' ', "+")).or_else(|| unix_ms(text));
            if text.is_empty() { Ok(None) } else { read.map(Some).ok_or_else(|| refuse(sentence, text)) }
        };
        let (from, to) = (time(&self.from)?, time(&self.to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(refuse("From must be before to.", &format!("{} to {}", self.from, self.to)));
        }
        let names = self.names.iter().filter_map(|(field, name)| {
            // An application is given whole, or by its name alone.
            let field = if *field == "app" && !name.contains('/') { "app_name" } else { field };
            let sort = Sort::ALL.into_iter().find(|sort| sort.name() == field)?;
            Some((sort, name.clone()))
        });
        let before = number("before", Some(self.before.as_str()).filter(|before| !before.is_empty()))?;
        Ok(Filter { kind, names: names.collect(), from, to, below: before.map_or(reader.view().size(), TreeSize::new) })
    }

    /// The same question, from its beginning, of a page or a file.
    fn href(&self, path: &str) -> String {
        let names = self.names.iter().map(|(name, value)| (*name, value));
        let given = [("kind", &self.kind), ("from", &self.from), ("to", &self.to)].into_iter().chain(names);
        let given: Vec<_> = given
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", percent::segment(value)))
            .collect();
        if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
    }

    fn value(&self, name: &str) -> String {
        self.names.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn after(href: &str, next: TreeSize) -> String {
    format!("{href}{}before={next}", if href.contains('?') { '&' } else { '?' })
}

pub(super) async fn page(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let asked = Asked::read(&uri)?;
        let page = walk::page(reader, &asked.filter(reader)?, ROWS, true)?;
        Ok(Answer::Page(show(reader, asked, page).render()?))
    })
    .await
}

fn show(reader: &Reader, asked: Asked, page: Page) -> EntriesPage {
    let size = reader.view().size();
    let (first, file) = (asked.href("/entries"), asked.href("/entries.csv"));
    let in_form = |name: &str| FIELDS.iter().any(|(field, ..)| *field == name);
    let more = asked.names.iter().filter(|(name, _)| !in_form(name));
    let reach = match page.looked.start == page.looked.end {
        true => "No entry is left to look through.".to_owned(),
        false => format!("Looked through {} for this page.", words::span(&page.looked)),
    };
    EntriesPage {
        shell: reader.shell("Entries", &Preview::of("Entries")),
        kinds: Kind::ALL.into_iter().map(|kind| (kind.name(), kind.title(), kind.name() == asked.kind)).collect(),
        fields: FIELDS
            .into_iter()
            .map(|(name, label, hint)| Field { name, label, hint, value: asked.value(name) })
            .collect(),
        more: more.map(|(name, value)| (*name, value.clone(), Said::name(value))).collect(),
        rows: page.rows,
        holds: holds(size),
        reach,
        behind: page.behind.map(|at| {
            format!("The index has read {} so far; newer ones are not in this list.", words::entries(at.get()))
        }),
        is_first: asked.before.is_empty(),
        next: page.next.map(|next| after(&first, next)),
        file: if asked.before.is_empty() {
            file
        } else {
            format!("{file}{}before={}", if file.contains('?') { '&' } else { '?' }, asked.before)
        },
        first,
        asked,
    }
}

/// `/entries.csv`: the same entries with what their leaves hold; no body is read.
pub(super) async fn file(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let asked = Asked::read(&uri)?;
        let page = walk::page(reader, &asked.filter(reader)?, FILE_ROWS, false)?;
        let head = ["index", "kind", "artifact", "leaf_hash", "signer", "submitter", "logged_at", "body_bytes"];
        let mut csv = Csv::new("entries.csv", &head);
        for stored in &page.entries {
            let entry = &stored.entry;
            csv.row([
                stored.index.to_string().as_str(),
                entry.kind.name(),
                &entry.digest.to_string(),
                &stored.leaf_hash.to_string(),
                entry.signer.as_ref().map_or("", |did| did.as_str()),
                entry.submitter.as_str(),
                &words::machine_time(entry.logged_at.unix_ms()),
                &entry.body_bytes.to_string(),
            ]);
        }
        let next = page.next.map(|next| after(&asked.href("/entries.csv"), next));
        Ok(Answer::Csv(csv.with_next(next)))
    })
    .await
}
