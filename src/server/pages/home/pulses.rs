//! The newest Trust Pulses, each with the verdict on the run that it is about.

use crate::artifact::Kind;
use crate::audit::Scope;
use crate::server::addresses::page;
use crate::server::judge::AuditsError;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging;
use crate::server::pages::reader::Reader;
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::Trouble;

/// Pulses on the first page.
const LATEST: usize = 6;
/// Runs that a first page judges for them: each costs a report.
const JUDGED_MAX: usize = 3;

/// A Trust Pulse in the list of the newest.
pub(super) struct PulseRow {
    pub href: String,
    pub index: u64,
    /// Absent where the body names none.
    pub run: Option<Said>,
    /// Whom it names, as far as its body is shown.
    pub agent: Option<Chip>,
    /// Why nothing is said of a run: the operator withholds the body, or somebody
    /// else signed it than the agent that it names.
    pub barred: Option<&'static str>,
    /// Absent where it is not judged here.
    pub word: Option<Word>,
    pub digest: Chip,
    pub logged: When,
}

/// Newest first.
///
/// # Errors
/// Those of the view.
pub(super) fn newest(reader: &Reader) -> Result<Vec<PulseRow>, Trouble> {
    let mut rows: Vec<PulseRow> = Vec::new();
    // The index may have followed the log beyond what this page reads.
    let latest = reader.index.latest(Kind::TrustPulse, reader.view().size(), LATEST);
    for index in latest.map_err(AuditsError::from)? {
        let paper = reader.desk().read(index)?;
        let (stored, keys) = (&paper.stored, paper.keys());
        let (named, run) = (keys.agent.clone().unwrap_or_default(), keys.runs.into_iter().next());
        let digest = stored.entry.digest.to_string();
        // Whoever signs in another's name gets nothing of that one's verdict.
        let is_own = stored.entry.signer.as_ref().is_none_or(|signer| signer.as_str() == named);
        let barred = match paper.withheld {
            Some(_) => Some("withheld by the operator"),
            None => (!is_own).then_some("signed by another than the agent it names"),
        };
        let judged = run.as_deref().filter(|_| barred.is_none() && rows.len() < JUDGED_MAX);
        let word = judged.map(|run| word(reader, &named, run)).transpose()?.flatten();
        rows.push(PulseRow {
            href: page::pulse(&digest),
            index: index.get(),
            run: run.as_deref().map(Said::name),
            agent: keys.agent.as_deref().map(Chip::did),
            barred,
            word,
            digest: Chip::hash(&digest),
            logged: When::second(stored.entry.logged_at.unix_ms()),
        });
    }
    Ok(rows)
}

/// The audit's verdict on a run, in one word.
fn word(reader: &Reader, agent: &str, run: &str) -> Result<Option<Word>, Trouble> {
    let scope = Scope::Run { agent: agent.to_owned(), run: run.to_owned() };
    let made = judging::report(reader, &scope, reader.view().size())?;
    Ok(made.ok().filter(|made| made.is_known).map(|made| Outcome::from(made.report.verdict).word()))
}
