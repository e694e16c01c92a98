//! `/policies/{hash}`: what was allowed, in plain words beside the policy itself;
//! who signed it; what names it.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::digest::PayloadHash;
use crate::artifact::json;
use crate::audit::Link;
use crate::codes::service;
use crate::merkle::LeafIndex;
use crate::policy::{Policy, clauses_in_words};
use crate::server::addresses::{self, page as address};
use crate::server::index::names::{Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::lookup::{COUNTED_MAX, policies};
use crate::server::pages::document;
use crate::server::pages::finding::Entries;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging::{Spelling, read_digest};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, segments};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, escape, serve, words};
use crate::text::base64url;

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    shell: Shell,
    name: Said,
    hash: String,
    hash_b64u: String,
    index: u64,
    signer: Option<Chip>,
    logged: When,
    statements: Entries,
    inherits: Option<Said>,
    /// Clauses in words, lines of one label together.
    clauses: Vec<(&'static str, Vec<Clause>)>,
    /// Why there are none.
    refuses: Option<String>,
    json: Said,
    uses: String,
    uses_href: String,
    api: String,
}

struct Clause {
    text: Said,
    /// Where it stands in the policy; `None` for what it leaves out.
    path: Option<Said>,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    hash: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response {
    serve(handles, move |reader| {
        let text = segments(hash)?;
        let refuse = || Trouble::new(&service::POLICY_NOT_FOUND, "A policy is known by its hash.").about(&text);
        match read_digest(&text).ok_or_else(refuse)? {
            Spelling::Other(hash) => Ok(Answer::moved(&address::policy(&hash.to_string()), &uri)),
            Spelling::Hex(hash) => Ok(Answer::Page(show(reader, PayloadHash::from_bytes(*hash.as_bytes()))?.render()?)),
        }
    })
    .await
}

fn show(reader: &Reader, hash: PayloadHash) -> Result<PolicyPage, Trouble> {
    let statements = policies(reader.desk(), &reader.index, &hash)?;
    let size = reader.view().size();
    let missing = || {
        let sentence =
            format!("No holder of the role logged a policy with this hash among {}.", words::entries(size.get()));
        Trouble::new(&service::POLICY_NOT_FOUND, sentence)
            .about(&hash.to_string())
            .with_next(address::search(&hash.to_string()), "Search for what bears this hash")
    };
    if statements.is_empty() {
        reader.view().check_none(size)?;
    }
    let paper = reader.desk().read(*statements.first().ok_or_else(missing)?)?;
    let payload = paper.payload().ok_or_else(missing)?;
    let compiled = Policy::compile(payload);
    let id = compiled.as_ref().ok().and_then(|policy| policy.policy_id()).unwrap_or("policy without an id");
    let mut clauses: Vec<(&'static str, Vec<Clause>)> = Vec::new();
    for line in compiled.iter().flat_map(clauses_in_words) {
        let clause = Clause {
            text: Said::message(&line.text),
            path: Some(&line.path).filter(|path| !path.is_empty()).map(|path| Said::name(path)),
        };
        match clauses.last_mut() {
            Some((label, of)) if *label == line.label => of.push(clause),
            _ => clauses.push((line.label, vec![clause])),
        }
    }
    let used = |standing| {
        let all = (Sort::UnderPolicy, hash.to_string());
        reader.index.bearing((all.0, &all.1, standing), LeafIndex::new(0), size, COUNTED_MAX + 1)
    };
    let uses = used(Standing::Holder).map_err(AuditsError::from)?.len();
    let counted = words::counted(uses.min(COUNTED_MAX) as u64, "statement", "statements");
    let title = format!("Policy {}", escape::plain(id, 40));
    Ok(PolicyPage {
        shell: reader.shell(&title, &Preview::of("Work policy")).about(&hash.to_string()),
        name: Said::name(id),
        hash: hash.to_string(),
        hash_b64u: hash.to_b64u(),
        index: paper.stored.index.get(),
        signer: document::signer(&paper.stored),
        logged: When::second(paper.stored.entry.logged_at.unix_ms()),
        statements: Entries::new(&statements),
        inherits: compiled.as_ref().ok().and_then(|policy| policy.inherits()).map(Said::name),
        clauses,
        refuses: compiled.err().map(|error| error.to_string()),
        json: Said::lines(json::to_pretty(payload).trim_end()),
        uses: if uses > COUNTED_MAX { format!("more than {counted}") } else { counted },
        uses_href: address::entries(Sort::UnderPolicy, &hash.to_string()),
        api: addresses::policy(hash),
    })
}

/// A policy that a statement names by the peer's spelling of its hash: its page
/// where a holder of the role logged it, and its hash.
///
/// # Errors
/// Those of the store.
pub(super) fn named(reader: &Reader, hash_b64u: &str) -> Result<(Option<String>, Chip), Trouble> {
    let Some(hash) = base64url::decode(hash_b64u).map(PayloadHash::from_bytes) else {
        return Ok((None, Chip::hash(hash_b64u)));
    };
    let logged = reader.index.newest(&Link::policy(hash_b64u), reader.view().size()).map_err(AuditsError::from)?;
    Ok((logged.map(|_| address::policy(&hash.to_string())), Chip::hash(&hash.to_string())))
}
