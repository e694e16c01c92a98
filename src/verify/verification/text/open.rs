//! What is charged to whom, and what is left open, each told once: an
//! obligation or a time without a look may concern many, and is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::audit::{self, Finding, Matched, Subject};
use crate::merkle::LeafIndex;
use crate::text::civil;
use crate::verify::plain_text::escape;
use crate::verify::verification::text::acts::acts;
use crate::verify::verification::text::{
    ENTRIES_SHOWN_MAX, charge, count, effect_words, found, listed, named, say_words,
};

/// Names that one line holds; whoever wants the others asks for all.
const NAMES_SHOWN_MAX: usize = 12;

/// What a finding can be charged to, the narrowest first, in words for one and many.
const SORTS: [(&str, &str); 4] =
    [("job", "jobs"), ("application", "applications"), ("agent", "agents"), ("submitter", "submitters")];

/// Everybody that a subject names. Empty: nobody.
pub(super) fn whom(subject: &Subject) -> String {
    let parts = [
        ("job ", &subject.job),
        ("run ", &subject.run),
        ("agent ", &subject.agent),
        ("token ", &subject.token),
        ("application ", &subject.app),
        ("submitted by ", &subject.submitter),
    ];
    let named = parts.into_iter().filter_map(|(label, name)| Some(format!("{label}{}", escape(name.as_deref()?))));
    named.collect::<Vec<_>>().join(", ")
}

/// Obligations. One of a job and of its agent is one.
pub(super) fn pending(out: &mut String, rows: &[audit::Pending]) {
    let mut told: BTreeMap<_, (&audit::Pending, BTreeSet<String>)> = BTreeMap::new();
    for row in rows {
        let (_, known) = told.entry((&row.entries, row.rule.code, row.until_ms)).or_insert((row, BTreeSet::new()));
        known.extend(Some(whom(&row.subject)).filter(|whom| !whom.is_empty()));
    }
    for (row, whom) in told.into_values() {
        let _ = writeln!(
            out,
            "\npending  {}  {}  (open until {})\n  It may still be logged until then; nobody is blamed for it, \
             and nothing passes. If nothing comes, this becomes: {}",
            row.rule.code,
            named(&row.entries),
            civil::to_the_second(row.until_ms),
            row.rule.title,
        );
        if !whom.is_empty() {
            let _ = writeln!(out, "  leaves open: {}", names(&whom, "; "));
        }
    }
}

/// What leaves open what may have been done in one time.
pub(super) struct Times<'f> {
    /// By rule and the last look before it.
    of: BTreeMap<(&'static str, Option<LeafIndex>), Vec<&'f Finding>>,
}

impl<'f> Times<'f> {
    pub(super) fn new(findings: &'f [Finding]) -> Self {
        let mut of: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.rests_on_silence()) {
            of.entry(key(finding)).or_default().push(finding);
        }
        // One alone says whom it is charged to by itself.
        of.retain(|_, group| group.len() > 1);
        Self { of }
    }

    pub(super) fn holds(&self, finding: &Finding) -> bool {
        self.of.contains_key(&key(finding))
    }

    /// Tells all of the time that a finding is of, the first time.
    pub(super) fn tell(&mut self, out: &mut String, finding: &Finding) {
        let Some(group) = self.of.remove(&key(finding)) else { return };
        let mut sums: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        let mut by_words: BTreeMap<(usize, &str), BTreeSet<String>> = BTreeMap::new();
        for of in &group {
            let Some((sort, name)) = narrowest(&of.subject) else { continue };
            sums.entry(sort).or_default().insert(name);
            by_words.entry((sort, &of.detail)).or_default().insert(escape(name));
        }
        // Who looked is nobody that is left open where somebody else is.
        let is_told = |sort: usize| sort + 1 < SORTS.len();
        let sum = sums.iter().filter(|(sort, _)| is_told(**sort)).map(|(sort, names)| counted(*sort, names.len()));
        let sum: Vec<_> = sum.collect();
        let entries: BTreeSet<LeafIndex> = group.iter().flat_map(|of| of.entries.iter().copied()).collect();
        let _ = writeln!(
            out,
            "\n{}  {}  leaves open {}, entries {}  ({})",
            finding.severity.name(),
            finding.rule.code,
            if sum.is_empty() { "the log".to_owned() } else { sum.join(", ") },
            listed(&entries, ENTRIES_SHOWN_MAX),
            effect_words(finding.effect),
        );
        for ((sort, detail), whom) in &by_words {
            let _ = writeln!(out, "  {}: {}: {}", escape(detail), counted(*sort, whom.len()), names(whom, ", "));
        }
        say_words(out, finding);
        let _ = writeln!(out, "  each of them: --all; what else is found of one: --job, --app or --agent");
    }
}

/// Every finding in reading order; those of one time, or of one act, at the place
/// of the first. `whom` says who is named by one.
pub(super) fn findings<'f>(
    out: &mut String,
    order: Vec<&'f Finding>,
    times: &mut Times<'f>,
    calls: &[Matched],
    whom: impl Fn(&Finding) -> String,
) {
    let of_times: BTreeSet<_> = times.of.keys().copied().collect();
    let (acts, codes) = acts(order, calls);
    for act in &acts {
        let first = act.of[0];
        if first.rests_on_silence() && of_times.contains(&key(first)) {
            act.of.iter().for_each(|finding| times.tell(out, finding));
            continue;
        }
        match act.of.as_slice() {
            [finding] => found(out, finding, &whom(finding)),
            _ => act.tell(out, &charge(first.effect, &whom(first))),
        }
        let others = act.others(&codes);
        if !others.is_empty() {
            // Writing to a String never fails.
            let _ = writeln!(out, "  of the same act: {}", others.join(", "));
        }
    }
}

fn key(finding: &Finding) -> (&'static str, Option<LeafIndex>) {
    (finding.rule.code, finding.entries.first().copied())
}

/// Whom a finding about a time leaves open.
fn narrowest(subject: &Subject) -> Option<(usize, &str)> {
    let named = [&subject.job, &subject.app, &subject.agent, &subject.submitter];
    named.into_iter().enumerate().find_map(|(sort, name)| Some((sort, name.as_deref()?)))
}

fn counted(sort: usize, number: usize) -> String {
    let (one, many) = SORTS[sort];
    count(number, one, many)
}

fn names(of: &BTreeSet<String>, between: &str) -> String {
    let shown: Vec<&str> = of.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect();
    match of.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown.join(between),
        more => format!("{} and {more} more", shown.join(between)),
    }
}
