//! What the rules say of one entry: the audit of everything that hangs together
//! with it, as lists of the whole log answer it.

use std::collections::BTreeSet;

use crate::audit::{Effect, Finding, Gather, Link, Report, Scope, Subject};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::judge::Sitting;
use crate::server::judge::reading::{AuditsError, Reading};

/// One entry among what hangs together with it.
pub struct Around {
    /// Findings that rest on the entry, those that it causes first.
    pub findings: Vec<Finding>,
    /// How many of them it causes.
    pub caused: usize,
    /// Entries of the one act that it belongs to, where it belongs to one.
    pub act: BTreeSet<LeafIndex>,
    /// Whom it is of, as the audit joins it: proven, and not what it says.
    pub subject: Subject,
    /// Whether its signer holds the role for it, so that it counts.
    pub counts: bool,
}

impl Around {
    /// The worst that what it causes does to a verdict.
    #[must_use]
    pub fn worst(&self) -> Option<Effect> {
        self.findings.iter().take(self.caused).map(|finding| finding.effect).max()
    }
}

impl Sitting {
    /// What the rules say of the entry at `size`. Cost: that of what hangs
    /// together with it, each read and verified once. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn around(&self, at: LeafIndex, size: TreeSize) -> Result<Around, AuditsError> {
        let mut reading = Reading::new(self, size)?;
        reading.fetch(&[at])?;
        let links = reading.links(at).to_vec();
        let counts = links != [Link::UNTRUSTED];
        // What many jobs rest on hangs together with all of them: it is asked alone.
        let is_alone = !counts || reading.is_shared(at) || reading.is_again(at)?;
        let gather = if is_alone { Gather::of(&Scope::Log) } else { Gather::around(links) };
        let mut found = reading.gather(gather)?.into_found();
        found.insert(at);
        let report = reading.audit(&found)?;
        let resting = |finding: &&Finding| finding.entries.contains(&at);
        let of_a_part = report.findings.iter().filter(resting).cloned().filter_map(Finding::of_a_part);
        let (mut findings, shown): (Vec<_>, Vec<_>) = of_a_part.partition(|finding| finding.causes.contains(&at));
        let caused = findings.len();
        findings.extend(shown);
        let (act, subject) = act_of(&report, at);
        Ok(Around { findings, caused, act, subject, counts })
    }
}

/// The decision, approvals, receipts and reports that an entry is one act with.
fn act_of(report: &Report, at: LeafIndex) -> (BTreeSet<LeafIndex>, Subject) {
    let matched = |of: LeafIndex| report.matched.iter().find(move |call| call.entries.contains(&of));
    let is_of = |act: &&crate::audit::Act| {
        act.entry == at
            || act.by.iter().any(|by| by.entry == at)
            || matched(act.entry).is_some_and(|call| call.entries.contains(&at))
    };
    let Some(act) = report.acts.iter().find(is_of) else { return (BTreeSet::new(), Subject::default()) };
    let of_call = matched(act.entry).into_iter().flat_map(|call| call.entries.iter().copied());
    let entries: BTreeSet<_> = act.by.iter().map(|by| by.entry).chain([act.entry]).chain(of_call).collect();
    let entries = if entries.len() > 1 { entries } else { BTreeSet::new() };
    (entries, (*act.subject).clone())
}
