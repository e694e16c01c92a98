//! Findings of one act, told together. A decision, its receipts and every report
//! of its operation may each show the same.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use crate::audit::{Finding, Matched};
use crate::merkle::LeafIndex;
use crate::verify::plain_text::escape;
use crate::verify::verification::text::{ENTRIES_SHOWN_MAX, count, effect_words, listed, say_words};

/// Which act findings are of, as far as that is known for sure.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// The call of this place, with its operation.
    Call(usize),
    /// Whatever these entries say.
    Entries(Vec<LeafIndex>),
}

/// Findings of one rule and act that weigh the same, never none.
pub(super) struct Act<'f> {
    pub of: Vec<&'f Finding>,
    act: Option<Of>,
}

/// Codes of what is found of each act.
pub(super) type Codes = HashMap<Of, BTreeSet<&'static str>>;

/// The findings in their order, those of one act at the place of the first.
pub(super) fn acts<'f>(order: Vec<&'f Finding>, calls: &[Matched]) -> (Vec<Act<'f>>, Codes) {
    let places: HashMap<LeafIndex, usize> =
        calls.iter().enumerate().flat_map(|(place, call)| call.entries.iter().map(move |at| (*at, place))).collect();
    let (mut acts, mut codes): (Vec<Act<'f>>, Codes) = (Vec::new(), HashMap::new());
    // Only what may be together is compared: a log may hold many findings.
    let mut known: HashMap<(Of, &str), Vec<usize>> = HashMap::new();
    for finding in order {
        let Some(act) = of(finding, &places) else {
            acts.push(Act { of: vec![finding], act: None });
            continue;
        };
        codes.entry(act.clone()).or_default().insert(finding.rule.code);
        let alike = known.entry((act.clone(), finding.rule.code)).or_default();
        match alike.iter().find(|place| acts[**place].is_like(finding)) {
            Some(place) => acts[*place].of.push(finding),
            None => {
                alike.push(acts.len());
                acts.push(Act { of: vec![finding], act: Some(act) });
            }
        }
    }
    (acts, codes)
}

fn of(finding: &Finding, places: &HashMap<LeafIndex, usize>) -> Option<Of> {
    let calls: Option<BTreeSet<usize>> = finding.causes.iter().map(|at| places.get(at).copied()).collect();
    match calls.map(|calls| calls.into_iter().collect::<Vec<_>>()).as_deref() {
        Some([call]) => Some(Of::Call(*call)),
        _ => (!finding.causes.is_empty()).then(|| Of::Entries(finding.causes.clone())),
    }
}

impl Act<'_> {
    fn is_like(&self, finding: &Finding) -> bool {
        let first = self.of[0];
        (first.severity, first.effect) == (finding.severity, finding.effect)
            && (&first.subject, &first.not_here) == (&finding.subject, &finding.not_here)
    }

    /// Codes that other findings of the same act have.
    pub(super) fn others(&self, codes: &Codes) -> Vec<&'static str> {
        let all = self.act.iter().filter_map(|act| codes.get(act)).flatten().copied();
        all.filter(|code| *code != self.of[0].rule.code).collect()
    }

    /// All of them as one: what each says once, with the entries that cause it.
    pub(super) fn tell(&self, out: &mut String, charge: &str) {
        let first = self.of[0];
        let entries: BTreeSet<LeafIndex> = self.of.iter().flat_map(|of| of.entries.iter().copied()).collect();
        let (severity, effect) = match (first.is_undecided(), effect_words(first.effect)) {
            (true, effect) => ("undecided", format!("{effect}; {} only if it stood", first.severity.name())),
            (false, "fails") => (first.severity.name(), "each fails".to_owned()),
            (false, effect) => (first.severity.name(), effect.to_owned()),
        };
        // Writing to a String never fails.
        let _ = writeln!(
            out,
            "\n{severity}  {}  {} of one act, entries {}  ({effect})",
            first.rule.code,
            count(self.of.len(), "finding", "findings"),
            listed(&entries, ENTRIES_SHOWN_MAX)
        );
        let mut said: Vec<(&str, BTreeSet<LeafIndex>)> = Vec::new();
        for of in &self.of {
            let place = said.iter().position(|(detail, _)| *detail == of.detail).unwrap_or_else(|| {
                said.push((&of.detail, BTreeSet::new()));
                said.len() - 1
            });
            said[place].1.extend(&of.causes);
        }
        for (detail, causes) in said {
            let _ = writeln!(out, "  {} (caused by {})", escape(detail), listed(&causes, ENTRIES_SHOWN_MAX));
        }
        if !charge.is_empty() {
            let _ = writeln!(out, "  {charge}");
        }
        say_words(out, first);
    }
}
