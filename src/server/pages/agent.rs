//! `/agents/{did}`: who it is by the roots, what it may do, which jobs were given
//! to it. No scores, no ranks.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::artifact::json::Value;
use crate::artifact::{AuditRoots, Did, Kind, Username, View as _};
use crate::audit::Link;
use crate::codes::service;
use crate::server::addresses::page as address;
use crate::server::index::names::{Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::party::Party;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, segments};
use crate::server::pages::record::{STRANGER, summary};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, policy, serve, words};
use crate::text::percent;

/// Newest entries about it that are read for jobs, jobs that are listed, and
/// entries that are shown.
const READ_MAX: usize = 200;
const JOBS_MAX: usize = 20;
const ROWS: usize = 12;
/// Policies and usernames of it that are shown; the roots hold all.
const POLICIES_MAX: usize = 20;

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    shell: Shell,
    did: String,
    holds: String,
    behind: Option<String>,
    roots: Option<u64>,
    row: Option<RootsRow>,
    jobs: Vec<(String, Said, u64)>,
    read: String,
    rows: Vec<EntryRow>,
    about_href: String,
    by_href: String,
    findings_href: String,
}

/// What the roots say of it.
struct RootsRow {
    default_policy: Option<(Option<String>, Chip)>,
    policies: Vec<(Option<String>, Chip)>,
    usernames: Vec<(Said, Said)>,
}

pub(super) async fn page(State(handles): State<Handles>, did: Result<Path<String>, PathRejection>) -> Response {
    serve(handles, move |reader| {
        let did = segments(did)?;
        if Did::parse(&did).is_err() {
            let sentence = "An agent is known by its DID: did:key:z6Mk….";
            let trouble = Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(&did);
            return Err(trouble.with_next(address::search(&did), "Search for it"));
        }
        Ok(Answer::Page(show(reader, &did)?.render()?))
    })
    .await
}

fn show(reader: &Reader, did: &str) -> Result<AgentPage, Trouble> {
    let size = reader.view().size();
    let is_whole = reader.index.wait(size);
    let reached = if is_whole { size } else { reader.index.followed().min(size) };
    let roots = reader.index.newest(&Link::ROOTS, reached).map_err(AuditsError::from)?;
    let row = match roots {
        Some(at) => {
            let paper = reader.desk().read(at)?;
            paper.payload().map(|payload| roots_row(reader, payload, did)).transpose()?.flatten()
        }
        None => None,
    };
    let about = reader.index.newest_named((Sort::Agent, did), reached, READ_MAX).map_err(AuditsError::from)?;
    let by = reader.index.newest_named((Sort::Signer, did), reached, ROWS).map_err(AuditsError::from)?;
    if about.is_empty() && by.is_empty() && row.is_none() {
        if !is_whole {
            return Err(AuditsError::Behind { followed: reached, size }.into());
        }
        reader.view().check_none(size)?;
        let sentence = format!("No entry among {} names this DID.", words::entries(size.get()));
        return Err(Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(did));
    }
    let (mut jobs, mut seen) = (Vec::new(), BTreeSet::new());
    for at in &about {
        let stored = reader.view().entry(*at)?;
        let is_held = || reader.index.standing(*at).map_err(AuditsError::from);
        if stored.entry.kind != Kind::CstIssuance || is_held()? == Standing::Other {
            continue;
        }
        let keys = reader.desk().read(*at)?.keys();
        let Some(job) = keys.job.filter(|_| keys.agent.as_deref() == Some(did)) else { continue };
        if seen.insert(job.clone()) && jobs.len() < JOBS_MAX {
            jobs.push((address::job(&job), Said::name(&job), at.get()));
        }
    }
    let newest: BTreeSet<_> = about.iter().chain(&by).copied().collect();
    let mut rows = Vec::new();
    for at in newest.into_iter().rev().take(ROWS) {
        let paper = reader.desk().read(at)?;
        let party = Party::of_row(reader, &paper)?;
        let mut row = EntryRow { names: summary(&paper), party, ..EntryRow::new(&paper.stored) };
        if reader.index.standing(at).map_err(AuditsError::from)? == Standing::Other {
            row.set_aside(STRANGER);
        }
        rows.push(row);
    }
    Ok(AgentPage {
        shell: reader.shell(
            &format!("{}…{}", &did[..18.min(did.len())], &did[did.len().saturating_sub(8)..]),
            &Preview::of("Agent or signer"),
        ),
        did: did.to_owned(),
        holds: holds(size),
        behind: (!is_whole)
            .then(|| format!("The index has read {} so far; newer ones are not here.", words::entries(reached.get()))),
        roots: roots.map(|at| at.get()),
        row,
        jobs,
        read: match about.len() == READ_MAX {
            true => format!("Of its newest {}.", words::entries(READ_MAX as u64)),
            false => format!("Of all {} that name it.", words::entries(about.len() as u64)),
        },
        rows,
        about_href: address::entries(Sort::Agent, did),
        by_href: address::entries(Sort::Signer, did),
        findings_href: format!("/findings?agent={}", percent::segment(did)),
    })
}

fn roots_row(reader: &Reader, payload: &Value<'_>, did: &str) -> Result<Option<RootsRow>, Trouble> {
    let Some(row) = AuditRoots::of(payload).agents().find(|row| row.did() == Some(did)) else { return Ok(None) };
    let name = |name: Username<'_>| Some((Said::name(name.username()?), Said::name(name.instance()?)));
    Ok(Some(RootsRow {
        default_policy: row.default_policy().map(|hash| policy::named(reader, hash)).transpose()?,
        policies: row
            .policies()
            .take(POLICIES_MAX)
            .map(|hash| policy::named(reader, hash))
            .collect::<Result<_, _>>()?,
        usernames: row.usernames().filter_map(name).take(POLICIES_MAX).collect(),
    }))
}
