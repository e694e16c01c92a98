//! `/`: which log is this, is it alive, where do I find my thing.

mod jobs;
mod pulses;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::artifact::Keys;
use crate::audit::Severity;
use crate::merkle::LeafIndex;
use crate::server::log::view::StoredEntry;
use crate::server::pages::card::Card;
use crate::server::pages::coverage::reach;
use crate::server::pages::drawing::{Svg, scale};
use crate::server::pages::finding::Grade;
use crate::server::pages::home::jobs::JobRow;
use crate::server::pages::home::pulses::PulseRow;
use crate::server::pages::inline::{Chip, When};
use crate::server::pages::party::Party;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve, words};

/// Entries on the first page.
const LATEST: usize = 12;
/// Points of the growth line.
const GROWTH_POINTS: u64 = 48;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    vkey: String,
    operator: Chip,
    card: Card,
    growth: Option<Svg>,
    growth_sentence: Option<GrowthSentence>,
    jobs: Vec<JobRow>,
    pulses: Vec<PulseRow>,
    found: Option<Found>,
    entries: Vec<EntryRow>,
    indexed: Option<String>,
    base: String,
    vkey_quoted: String,
}

/// How many findings there are.
struct Found {
    /// "3 critical", with the list of those and worse.
    of: Vec<(Grade, String, String)>,
    /// "48 entries, 0–47".
    searched: String,
    is_whole: bool,
}

struct GrowthSentence {
    entries: String,
    from: When,
    to: When,
}

pub(super) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| Ok(Answer::Page(home(reader)?.render()?))).await
}

fn home(reader: &Reader) -> Result<HomePage, Trouble> {
    let size = reader.view().size();
    let (head, note) = reader.view().checkpoint(size)?;
    let first = LeafIndex::new(size.get().saturating_sub(LATEST as u64));
    let newest = reader.view().entries(first, LATEST)?;
    let (growth, growth_sentence) = growth(reader)?;
    let followed = reader.index.followed();
    Ok(HomePage {
        shell: reader.shell("Pulselog", &Preview::of("Transparency log")),
        vkey: reader.facts.vkey.clone(),
        operator: Chip::did(reader.facts.operator.as_str()),
        card: Card::new(reader, &head, &note),
        growth,
        growth_sentence,
        jobs: jobs::newest(reader)?,
        pulses: pulses::newest(reader)?,
        found: found(reader),
        entries: newest.iter().rev().map(|stored| row(reader, stored)).collect::<Result<_, _>>()?,
        indexed: (followed < size).then(|| words::entries(followed.get())),
        base: reader.base.clone(),
        vkey_quoted: quoted(&reader.facts.vkey),
    })
}

/// A first page says no more of trouble than that nothing is counted: the list
/// itself tells why.
fn found(reader: &Reader) -> Option<Found> {
    let counted = reader.sitting.counted().ok()??;
    let row = |(severity, count): &(Severity, u64)| {
        (Grade::of(*severity), words::quantity(*count), format!("/findings?severity={}", severity.name()))
    };
    let (from, size) = (counted.from, counted.size.get());
    let searched = match from {
        0 => reach(size),
        _ => format!("the newest {}, {from}–{}", words::entries(size - from), size - 1),
    };
    Some(Found { of: counted.of.iter().map(row).collect(), searched, is_whole: counted.is_whole })
}

/// One of the newest entries, by whom and in which role; its body is not read.
fn row(reader: &Reader, stored: &StoredEntry) -> Result<EntryRow, Trouble> {
    let party = Party::signer(reader, stored, &Keys::default())?.map(Party::without_name);
    // Whom an agent's statement names only its body says.
    let party = party.filter(|party| party.is_held || party.role != "agent");
    Ok(EntryRow { party, ..EntryRow::new(stored) })
}

/// A shell word; a key name may hold a quote.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Entries over time, sampled evenly by index.
fn growth(reader: &Reader) -> Result<(Option<Svg>, Option<GrowthSentence>), Trouble> {
    let size = reader.view().size().get();
    let points = GROWTH_POINTS.min(size);
    let mut line: Vec<(u64, u64)> = Vec::new();
    for at in 0..points {
        // First and last entry are always among them.
        let index = if points < 2 { 0 } else { u128::from(size - 1) * u128::from(at) / u128::from(points - 1) };
        let index = u64::try_from(index).unwrap_or(size - 1);
        let stored = reader.view().entry(LeafIndex::new(index))?;
        line.push((stored.entry.logged_at.unix_ms(), index + 1));
    }
    let sentence = line.first().zip(line.last()).map(|(first, last)| GrowthSentence {
        entries: words::entries(size),
        from: When::second(first.0),
        to: When::second(last.0),
    });
    Ok((scale::growth(&line), sentence))
}
