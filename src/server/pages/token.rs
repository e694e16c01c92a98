//! `/tokens/{hash}`: for which job and agent a token was issued, what ended it,
//! what was done under it. The token itself is never here.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::{Kind, Payload};
use crate::audit::{Effect, Scope};
use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page as address;
use crate::server::index::RUN_ENTRIES_MAX;
use crate::server::index::names::Sort;
use crate::server::judge::{AuditsError, ScopeReport};
use crate::server::pages::document::{Document, FactRow};
use crate::server::pages::drawing::Svg;
use crate::server::pages::drawing::life::{Bar, Use};
use crate::server::pages::finding::Entries;
use crate::server::pages::happened::Part;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging::{self, Spelling, read_digest};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::{Record, Sources};
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, offline, overview, policy, serve, words};

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    shell: Shell,
    chip: Chip,
    hash: String,
    /// Its issuance by a holder of the role: entry, facts.
    issued: Option<(u64, Vec<FactRow>)>,
    /// Entries that end it.
    ends: Vec<u64>,
    lived: Option<Lived>,
    job: Option<(String, Said)>,
    agent: Option<(String, Chip)>,
    policy: Option<(Option<String>, Chip)>,
    verdicts: Verdicts,
    browser: Row,
    record: Record,
    incident: String,
    command: Option<String>,
}

/// Its life as a bar, and the same in words.
struct Lived {
    bar: Svg,
    claimed: Option<(When, When)>,
    issued: u64,
    /// The entry that ended it, and when.
    revoked: Option<(u64, When)>,
    uses: String,
    /// Uses after its end.
    late: Entries,
    left: Option<String>,
}

/// Entries that one bar reads; the rest is counted.
const USES_MAX: usize = 200;

const NO_PROTOCOL: &str = "Clawsig's rules judge bundles; a token is none.";

pub(super) async fn page(
    State(handles): State<Handles>,
    hash: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response {
    serve(handles, move |reader| {
        let (text, choices) = (segments(hash)?, Choices::read(&uri)?);
        // What was given is not repeated: it may be the token itself.
        let sentence = "A token is known by its hash: 64 hex digits, the SHA-256 of its compact form.";
        let refuse = || Trouble::new(&service::SCOPE_NOT_FOUND, sentence);
        match read_digest(&text).ok_or_else(refuse)? {
            Spelling::Other(hash) => Ok(Answer::moved(&address::token(&hash.to_string()), &uri)),
            Spelling::Hex(hash) => Ok(Answer::Page(show(reader, &hash.to_string(), choices.at(reader)?)?.render()?)),
        }
    })
    .await
}

fn show(reader: &Reader, hash: &str, size: TreeSize) -> Result<TokenPage, Trouble> {
    let made = reader.sitting.report(&Scope::Token(hash.to_owned()), size)?;
    if !made.is_known {
        reader.view().check_none(size)?;
        let sentence = format!("Nobody whose word counts speaks of this token among {}.", words::entries(size.get()));
        let trouble = Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(hash);
        return Err(trouble.with_next(address::entries(Sort::Token, hash), "Entries that name it, by whomever"));
    }
    let (issued, ends) = life(reader, &made, hash)?;
    let lived = issued.as_ref().map(|issued| Lived::read(reader, &made, hash, issued, &ends)).transpose()?.flatten();
    let named = (Sort::Token, hash);
    let named = reader.index.named(named, LeafIndex::new(0), size, RUN_ENTRIES_MAX).map_err(AuditsError::from)?;
    let sources = Sources { what: "token", size, made: Some(&made), named, is_strict: false, others: None };
    let record = Record::read(reader, sources)?;
    let newest = judging::newest(reader, &Scope::Token(hash.to_owned()), size)?;
    let verdicts = Verdicts::of_report(reader, &made, "token", NO_PROTOCOL)?;
    let verdicts = verdicts.pinned(reader, size, address::token(hash), newest);
    let word = verdicts.title();
    let keys = issued.as_ref().map(Document::keys).unwrap_or_default();
    let title = format!("{word} · Token {}…{}", &hash[..8], &hash[hash.len() - 8..]);
    let preview = Preview::of("Token").verdict(Ok(&verdicts)).at(size);
    Ok(TokenPage {
        shell: reader.shell(&title, &preview).about(hash).judged(Some(&verdicts)),
        chip: Chip::hash(hash),
        hash: hash.to_owned(),
        job: keys.job.as_deref().map(|job| (address::job(job), Said::name(job))),
        agent: keys.agent.as_deref().map(|agent| (address::agent(agent), Chip::did(agent))),
        policy: keys.policy_hash.as_deref().map(|hash| policy::named(reader, hash)).transpose()?,
        issued: issued.map(|of| (of.paper().stored.index.get(), of.facts())),
        ends,
        lived,
        verdicts,
        browser: PageState::BrowserNotChecked.row(),
        record,
        incident: address::incidents(&[("token", hash)]),
        command: offline::audit(reader, &[("token", hash)]),
    })
}

/// The first issuance among what the report rests on, and revocations.
fn life(reader: &Reader, made: &ScopeReport, hash: &str) -> Result<(Option<Document>, Vec<u64>), Trouble> {
    let (mut issued, mut ends) = (None, Vec::new());
    for (at, kind) in made.entries.iter().copied() {
        if !matches!(kind, Kind::CstIssuance | Kind::CstRevocation) {
            continue;
        }
        let document = Document::read(reader, at)?;
        if document.keys().token_hash.as_deref() != Some(hash) {
            continue;
        }
        match kind {
            Kind::CstIssuance => issued = issued.or(Some(document)),
            _ => ends.push(at.get()),
        }
    }
    Ok((issued, ends))
}

impl Lived {
    /// None where no time passes between its issuance and its end.
    fn read(
        reader: &Reader,
        made: &ScopeReport,
        hash: &str,
        issued: &Document,
        ends: &[u64],
    ) -> Result<Option<Self>, Trouble> {
        let logged = |at: u64| Ok::<_, Trouble>(reader.view().entry(LeafIndex::new(at))?.entry.logged_at.unix_ms());
        let revoked = ends.iter().copied().min().map(|at| Ok::<_, Trouble>((at, logged(at)?))).transpose()?;
        let claimed = match issued.paper().artifact().map(|body| body.says()) {
            Some(Payload::CstIssuance(of)) => {
                let ms = |seconds: Option<i64>| u64::try_from(seconds?).ok()?.checked_mul(1_000);
                ms(of.claims().iat()).zip(ms(of.claims().exp())).filter(|(from, to)| from < to)
            }
            _ => None,
        };
        // What packs or approves an act uses no token.
        let is_use = |kind: Kind| matches!(kind, Kind::GatewayReceipt | Kind::ArgocdDecision | Kind::ArgocdReceipt);
        let uses: Vec<_> = made.told().filter(|(_, kind)| is_use(*kind)).collect();
        let caused = overview::caused(&made.report.findings);
        let (mut bar, mut late, mut count) =
            (Bar { claimed, revoked: revoked.map(|(_, ms)| ms), ..Bar::default() }, Vec::new(), 0);
        bar.issued = logged(issued.paper().stored.index.get())?;
        let ended =
            |at: u64, ms: u64| revoked.is_some_and(|(end, _)| at > end) || claimed.is_some_and(|(_, to)| ms >= to);
        for (at, _) in uses.iter().take(USES_MAX) {
            let paper = reader.desk().read(*at)?;
            if paper.keys().token_hash.as_deref() != Some(hash) {
                continue;
            }
            let ms = paper.stored.entry.logged_at.unix_ms();
            let is_late = ended(at.get(), ms);
            bar.uses.push(match (is_late, caused.get(at)) {
                (false, _) => (ms, Use::During),
                (true, Some(Effect::Fails)) => (ms, Use::Found),
                (true, _) => (ms, Use::After),
            });
            late.extend(is_late.then_some(*at));
            count += 1;
        }
        let left = uses.len().saturating_sub(USES_MAX) as u64;
        Ok(bar.draw().map(|drawn| Self {
            bar: drawn,
            claimed: claimed.map(|(from, to)| (When::second(from), When::second(to))),
            issued: issued.paper().stored.index.get(),
            revoked: revoked.map(|(at, ms)| (at, When::second(ms))),
            uses: words::counted(count, "entry", "entries"),
            late: Entries::new(&late),
            left: (left > 0).then(|| words::counted(left, "later entry", "later entries")),
        }))
    }
}
