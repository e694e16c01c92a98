//! What was seen and not judged, in sorts: what each means for a reader, and what
//! to do about it. A report has the labels; people read the sorts first.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::report::Coverage;
use crate::merkle::LeafIndex;

/// A sort of what was seen and not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// What it is, as a heading.
    pub title: &'static str,
    pub means: &'static str,
    pub what_to_do: &'static str,
    /// How the labels of the sort begin.
    labels: &'static [&'static str],
}

/// Every sort, in the order in which it is told.
pub static UNJUDGED: &[Unjudged] = &[
    Unjudged {
        title: "Nobody told the log",
        means: "No report shows this part, so no verdict reaches it.",
        what_to_do: "Let poller and log reader run without pauses; for what is past, look at Argo CD itself.",
        labels: &[
            "action not stated",
            "automated sync not shown",
            "deployed revision not shown",
            "end of the operation not seen",
            "entries of the history",
            "history id asked for not shown",
            "lines of the server's log",
            "looks at an instance",
            "no snapshot between",
            "operation that its receipt and the event",
            "operation that only its receipt",
            "operations by the agent's user",
            "parameters not shown",
            "refused calls in the server's log",
            "resolved revision not shown",
            "resource namespaces unseen",
            "revisions that do not compare",
            "server's log",
            "the last look at an instance",
            "times without a look",
        ],
    },
    Unjudged {
        title: "Done by others, or by nobody who is named",
        means: "Argo CD shows it, and it is held against no policy: only agents are.",
        what_to_do: "Ask who did it; list persons in the roots, so that whoever is none of them stands out.",
        labels: &[
            "another application in the place",
            "change of automated sync",
            "change of spec",
            "deletion of the application",
            "operation by a person",
            "operation by a user",
            "operation from before the roots",
            "operation that Argo CD started",
            "operation that names no user",
            "refused call from before the roots",
        ],
    },
    Unjudged {
        title: "Tied loosely",
        means: "That these belong together is likely and not certain, so nobody is charged by it.",
        what_to_do: "Let wrapper and gateway name decision, run and token in what they sign and send.",
        labels: &[
            "another token of the run's grant",
            "deny and success",
            "model call judged by its grant",
            "model call names",
            "operation explained by a decision alike",
            "operation names the decision",
            "operation not matched yet",
            "reports of one key",
        ],
    },
    Unjudged {
        title: "No rule speaks of it",
        means: "Neither a policy nor the roots say anything of it, so nothing allows it and nothing forbids it.",
        what_to_do: "Write it into the policy, or the person into the roots, if it is to be judged.",
        labels: &["action that no policy", "model call that no policy", "review by somebody"],
    },
    Unjudged {
        title: "The agent's word alone",
        means: "Nothing that others say is there to compare it with.",
        what_to_do: "Do not rely on it; let the agent log its receipts of tools and files.",
        labels: &["files of a Trust Pulse", "tools of a Trust Pulse"],
    },
    Unjudged {
        title: "Found elsewhere",
        means: "It is charged to another run or agent, and does not move this verdict.",
        what_to_do: "Judge the whole job: pulselog audit --job.",
        labels: &["another agent of the job", "another run of the job", "what another agent of the job"],
    },
    Unjudged {
        title: "A statement of the operator that was not compared",
        means: "What it says was not computed again here.",
        what_to_do: "Judge the whole log (--log), with the version of pulselog whose rules the statement names.",
        labels: &["audit statement"],
    },
    NOTED,
];

/// The last of them, and where a label has no other.
const NOTED: Unjudged = Unjudged {
    title: "Noted",
    means: "It was seen, and it breaks no rule.",
    what_to_do: "Nothing, unless it surprises you.",
    labels: &[
        "denied call that Argo CD refused",
        "id not in the one spelling",
        "issuance that its issuer logged again",
    ],
};

/// The sort of a label.
#[must_use]
pub fn unjudged(label: &str) -> &'static Unjudged {
    UNJUDGED.iter().find(|sort| sort.has(label)).unwrap_or(&NOTED)
}

/// Things that were seen and not judged, whomever they are about, each once and
/// with all its entries.
pub type NotJudged = BTreeMap<&'static str, BTreeSet<LeafIndex>>;

/// The same in sorts, in the order of these.
#[must_use]
pub fn in_sorts(rows: &[Coverage]) -> Vec<(&'static Unjudged, NotJudged)> {
    let mut sorts: BTreeMap<usize, (&'static Unjudged, NotJudged)> = BTreeMap::new();
    for row in rows {
        let sort = unjudged(row.what);
        let (_, of) = sorts.entry(sort.place()).or_insert_with(|| (sort, BTreeMap::new()));
        of.entry(row.what).or_default().extend(&row.entries);
    }
    sorts.into_values().collect()
}

impl Unjudged {
    /// Whether a label is listed in it.
    #[must_use]
    pub fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|start| label.starts_with(start))
    }

    /// Place among the sorts.
    fn place(&self) -> usize {
        UNJUDGED.iter().position(|sort| sort == self).unwrap_or(UNJUDGED.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_beginning_of_a_label_is_in_two_sorts() {
        let all: Vec<&str> = UNJUDGED.iter().flat_map(|sort| sort.labels).copied().collect();
        for start in &all {
            assert_eq!(UNJUDGED.iter().filter(|sort| sort.has(start)).count(), 1, "{start}");
        }
    }
}
