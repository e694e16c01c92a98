//! `/search`: what bears this name or hash, or begins so. One hit leads to its
//! page at once; whatever else is found is listed by what it is.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page as address;
use crate::server::index::names::{HEX_DIGITS_MIN, NAME_CHARS_MIN, Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::lookup::{self, Asked, Count, Found, Group, Near, NearName, QUERY_BYTES_MAX, Short, What};
use crate::server::pages::finding::Entries;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell};
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, serve, words};

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    asked: Option<Said>,
    reach: String,
    /// The rows do not reach all of it.
    behind: Option<String>,
    hits: Vec<Hit>,
    others: Vec<Hit>,
    begins: Vec<Beginning>,
    others_begin: Vec<Beginning>,
    too_short: Option<String>,
    tried: String,
    hex_digits: usize,
    name_chars: usize,
}

/// One meaning of the text.
struct Hit {
    what: &'static str,
    name: Name,
    href: String,
    agent: Option<Chip>,
    count: String,
    entries: Entries,
}

/// Longer names of one sort.
struct Beginning {
    what: &'static str,
    count: String,
    names: Vec<Longer>,
    /// Names that are not listed.
    has_more: bool,
}

struct Longer {
    name: Name,
    href: String,
    agent: Option<Chip>,
    count: String,
}

/// A hash or DID narrowed, or a name.
enum Name {
    Chip(Chip),
    Said(Said),
}

/// What the reader looks for.
#[derive(Default, serde::Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
}

pub(super) async fn page(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "A search has one text, q, in UTF-8.");
        let Query(Question { q }) = Query::try_from_uri(&uri).map_err(refuse)?;
        let asked = Asked::read(&q);
        if asked.text.len() > QUERY_BYTES_MAX {
            let bytes = words::counted(asked.text.len() as u64, "byte", "bytes");
            let sentence = format!("A search has at most {QUERY_BYTES_MAX} bytes; this one has {bytes}.");
            return Err(Trouble::new(&service::INVALID_PARAMETER, sentence).about(&asked.text));
        }
        if asked.text.is_empty() {
            return Ok(Answer::Page(empty(reader).render()?));
        }
        let found = match lookup::lookup(reader.desk(), &reader.index, &asked) {
            Err(AuditsError::Behind { followed, size }) => return Err(behind(&asked, followed, size)),
            found => found?,
        };
        match only(&asked, &found).filter(|_| found.indexed == reader.view().size()) {
            Some(to) => Ok(Answer::Found(to)),
            None => Ok(Answer::Page(show(reader, &asked, found).render()?)),
        }
    })
    .await
}

/// Nothing was found, and not everything was read: that is no absence.
fn behind(asked: &Asked, followed: TreeSize, size: TreeSize) -> Trouble {
    let sentence = format!(
        "Nothing found yet. The index has read {} of {}, so what is searched for may still be found: try again after \
         a second; after a rebuild it takes minutes.",
        words::quantity(followed.get()),
        words::entries(size.get())
    );
    Trouble::new(&service::INDEX_BEHIND, sentence).headed("Not all read yet").about(&asked.text)
}

/// The page of the one thing that was found: whatever the text may be leads
/// there, and no longer name begins so.
fn only(asked: &Asked, found: &Found) -> Option<String> {
    // Both ends of a name are another spelling of it; a beginning is none.
    let is_cut = found.near.iter().any(|near| near.count.is_more || near.count.found > near.names.len());
    if is_cut || (asked.ends.is_none() && !found.near.is_empty()) {
        return None;
    }
    let exact = found.groups.iter().map(|of| (&of.what, of.standing, of.entries.first().copied()));
    let near = found.near.iter().flat_map(|near| near.names.iter().map(|of| (&of.what, near.standing, Some(of.first))));
    let all: Vec<_> = exact.chain(near).collect();
    let is_there = |is: &dyn Fn(&What) -> bool| all.iter().any(|(what, ..)| is(what));
    let has_policy = is_there(&|what| matches!(what, What::Policy(_)));
    let is_artifact = |name: &str| is_there(&|what| matches!(what, What::Artifact(..)) && what.name() == name);
    let mut pages: Vec<String> = Vec::new();
    for (what, standing, first) in &all {
        let is_told = match what {
            // A policy is the payload of its own entries, and what is unsigned its own.
            What::Payload(hash) => has_policy || is_artifact(&hash.to_string()),
            What::Named { sort: Sort::UnderPolicy, .. } => has_policy,
            _ => false,
        };
        let page = address::found(what, *standing, *first);
        if !is_told && !pages.contains(&page) {
            pages.push(page);
        }
    }
    if pages.len() == 1 { pages.pop() } else { None }
}

fn empty(reader: &Reader) -> SearchPage {
    let found = Found { groups: vec![], near: vec![], tried: vec![], indexed: reader.index.followed(), short: None };
    let mut page = show(reader, &Asked::read(""), found);
    page.asked = None;
    page
}

fn show(reader: &Reader, asked: &Asked, found: Found) -> SearchPage {
    let size = reader.view().size();
    let (hits, others): (Vec<_>, Vec<_>) = found.groups.iter().partition(|group| group.standing == Standing::Holder);
    let (begins, begun): (Vec<_>, Vec<_>) = found.near.iter().partition(|near| near.standing == Standing::Holder);
    let too_short = found.short.map(|short| match short {
        Short::Names => format!(
            "A beginning needs {NAME_CHARS_MIN} characters of a name, or {HEX_DIGITS_MIN} hex digits of a hash or \
             commit: only what is exactly this was looked for."
        ),
        Short::Hashes => format!(
            "A hash or commit is found by {HEX_DIGITS_MIN} hex digits or more: only names that begin so were looked \
             for, and what is exactly this."
        ),
    });
    let behind = (found.indexed < size).then(|| {
        format!(
            "The index has read {} so far: what is not here may still be found.",
            words::entries(found.indexed.get())
        )
    });
    SearchPage {
        shell: Shell { asked: asked.text.clone(), ..reader.shell("Search", &Preview::of("Search")) },
        asked: Some(Said::name(&asked.text)),
        reach: holds(size),
        behind,
        hits: hits.into_iter().map(Hit::new).collect(),
        others: others.into_iter().map(Hit::new).collect(),
        begins: begins.into_iter().map(Beginning::new).collect(),
        others_begin: begun.into_iter().map(Beginning::new).collect(),
        too_short,
        tried: found.tried.iter().map(|kind| in_words(kind).to_lowercase()).collect::<Vec<_>>().join(", "),
        hex_digits: HEX_DIGITS_MIN,
        name_chars: NAME_CHARS_MIN,
    }
}

impl Hit {
    fn new(group: &Group) -> Self {
        Self {
            what: in_words(group.what.kind()),
            name: Name::new(&group.what, group.entries.first().map_or(0, |at| at.get())),
            href: address::found(&group.what, group.standing, group.entries.first().copied()),
            agent: agent(&group.what),
            count: if group.count.found == 0 { String::new() } else { counted(group.count) },
            entries: Entries::new(&group.entries),
        }
    }
}

impl Beginning {
    fn new(near: &Near) -> Self {
        let longer = |name: &NearName| Longer {
            name: Name::new(&name.what, name.first.get()),
            href: match &name.what {
                // Which system it is of, its entries say.
                What::Named { sort: Sort::Ticket, name, of: None } => address::search(name),
                what => address::found(what, near.standing, Some(name.first)),
            },
            agent: agent(&name.what),
            count: counted(name.entries),
        };
        Self {
            what: in_words(near.kind),
            count: how_many(near.count),
            names: near.names.iter().map(longer).collect(),
            has_more: near.count.is_more || near.count.found > near.names.len(),
        }
    }
}

impl Name {
    fn new(what: &What, first: u64) -> Self {
        match what {
            What::Entry => Self::Said(Said::name(&format!("entry {first}"))),
            What::Artifact(..) | What::Leaf(_) | What::Payload(_) | What::Policy(_) => {
                Self::Chip(Chip::hash(&what.name()))
            }
            What::Code(code) => Self::Said(Said::name(code)),
            What::Named { name, .. } if name.starts_with("did:key:") => Self::Chip(Chip::did(name)),
            What::Named { sort, name, .. } if sort.is_hex() => Self::Chip(Chip::hash(name)),
            What::Named { name, .. } => Self::Said(Said::name(name)),
        }
    }
}

fn agent(what: &What) -> Option<Chip> {
    match what {
        What::Named { sort: Sort::Run, of, .. } => of.as_deref().map(Chip::did),
        _ => None,
    }
}

/// "12 entries", "more than 1 000 entries".
fn counted(count: Count) -> String {
    let entries = words::entries(count.found as u64);
    if count.is_more { format!("more than {entries}") } else { entries }
}

fn how_many(count: Count) -> String {
    let found = words::quantity(count.found as u64);
    if count.is_more { format!("more than {found}") } else { found }
}

/// What is named, in words.
fn in_words(kind: &str) -> &'static str {
    match kind {
        "artifact" => "Artifact, by digest",
        "leaf_hash" => "Entry, by leaf hash",
        "payload_hash" => "Statement, by payload hash",
        "policy_hash" => "Policy, by hash",
        "entry" => "Entry, by index",
        "code" => "Code",
        "job" => "Job",
        "run" => "Run",
        "token_hash" => "Token, by hash",
        "bundle_id" => "Proof bundle, by its id",
        "receipt_id" => "Receipt, by its id",
        "approval_id" => "Approval, by its id",
        "agent" => "Agent",
        "signer" => "Signer",
        "app" => "Application",
        "app_name" => "Application, by its name alone",
        "app_uid" => "Application, by uid",
        "ticket" => "Ticket",
        "commit" => "Commit",
        "submitter" => "Submitter",
        "under_policy" => "Statements that name a policy, by its hash",
        _ => "Name",
    }
}
