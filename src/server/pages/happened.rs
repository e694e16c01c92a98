//! What happened, as a sentence on a page: the report's own, whose names lead on.

use crate::audit::{Piece, Report, Story};
use crate::merkle::LeafIndex;
use crate::server::addresses::page;
use crate::server::pages::inline::{Chip, Said};

/// A part of the sentence, ready to show.
pub(crate) enum Part {
    Words(String),
    /// An application, with its page where its instance is known.
    App(Option<String>, Said),
    /// A role, and who held it.
    Who(&'static str, Chip),
}

/// What a report tells.
pub(crate) fn happened(report: &Report) -> Vec<Part> {
    parts(&Story::of(report))
}

/// The same, of the acts that `is_told` picks by their entries.
pub(crate) fn happened_within(report: &Report, is_told: impl Fn(LeafIndex) -> bool) -> Vec<Part> {
    parts(&Story::within(report, is_told))
}

fn parts(story: &Story) -> Vec<Part> {
    let part = |piece| match piece {
        Piece::Words(words) => Part::Words(words),
        Piece::App { name, full } => Part::App(full.as_deref().map(page::app), Said::name(&name)),
        Piece::Who { role, did } => Part::Who(role, Chip::did(&did)),
    };
    story.pieces().into_iter().map(part).collect()
}
