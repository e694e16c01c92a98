//! Where a body was: that it is withheld, by whom and why, in the words of the
//! statement that says so; and of such a statement, what it withholds.

use crate::artifact::{Kind, WithholdingSays, withholding};
use crate::server::desk::Paper;
use crate::server::pages::document::Document;
use crate::server::pages::inline::{Said, When};
use crate::server::pages::reader::Reader;
use crate::server::pages::states::{Row, State};
use crate::server::pages::trouble::Trouble;

/// Entries that are named of those that a statement withholds.
const NAMED_MAX: usize = 20;

/// A body that is not shown.
pub(crate) struct Withheld {
    pub state: Row,
    pub says: Option<Says>,
}

/// What the statement says.
pub(crate) struct Says {
    pub index: u64,
    pub by: Said,
    pub reason: Said,
    pub logged: When,
}

impl Withheld {
    /// Of a document whose body is withheld.
    ///
    /// # Errors
    /// Those of the desk.
    pub(crate) fn of(reader: &Reader, document: &Document) -> Result<Option<Self>, Trouble> {
        let Some(at) = document.paper().withheld else { return Ok(None) };
        // From its commit on, and so a moment before it is published.
        let is_published = at.get() < reader.view().size().get();
        let paper = is_published.then(|| reader.desk().read(at)).transpose()?;
        let says = paper.as_deref().and_then(|paper| Some(Says::of(paper, said(paper)?)));
        Ok(Some(Self { state: State::Withheld.row(), says }))
    }
}

impl Says {
    fn of(paper: &Paper, says: WithholdingSays<'_>) -> Self {
        Self {
            index: paper.stored.index.get(),
            by: Said::name(says.by),
            reason: Said::message(says.reason),
            logged: When::millisecond(paper.stored.entry.logged_at.unix_ms()),
        }
    }
}

fn said(paper: &Paper) -> Option<WithholdingSays<'_>> {
    paper.artifact().and_then(withholding)
}

/// What a withholding withholds.
pub(crate) struct Withholds {
    /// Why it withholds nothing.
    pub nothing: Option<&'static str>,
    pub entries: Vec<u64>,
}

impl Withholds {
    /// Of a statement of that kind.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn of(reader: &Reader, paper: &Paper) -> Result<Option<Self>, Trouble> {
        let Some(says) = said(paper) else { return Ok(None) };
        let nothing = |why| Ok(Some(Self { nothing: Some(why), entries: Vec::new() }));
        if paper.stored.entry.signer.as_ref() != Some(&reader.facts.operator) {
            return nothing("Its signer is not the operator of this log, so it withholds nothing.");
        }
        let found = reader.view().find_artifact(&says.artifact)?;
        match found.first().map(|entry| entry.entry.kind) {
            None => nothing("No entry up to this size has the artifact that it names."),
            Some(kind) if !Kind::row(kind).withholdable => {
                nothing("The artifact that it names is of a kind that is never withheld, so it withholds nothing.")
            }
            Some(_) => {
                let entries = found.iter().take(NAMED_MAX).map(|entry| entry.index.get()).collect();
                Ok(Some(Self { nothing: None, entries }))
            }
        }
    }
}
