//! One operation as it was decided and as Argo CD reports it, member by member.

use std::collections::BTreeMap;

use crate::artifact::{ArgocdObservation, Binds, CallParams, Destination, Node, Nodes, View};
use crate::audit::approvals::is_immutable;
use crate::audit::inserted::Inserted;
use crate::audit::observed::in_one_spelling;
use crate::audit::roots::Roots;
use crate::audit::statement::Operation;

/// The parameter that says which way automated sync was set.
const AUTO_SYNC: &str = "auto_sync";

/// How what was seen compares with what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    Unlike,
    /// The two sides use names that nobody tied together.
    Unknown,
}

/// What a comparison gave.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// What is not as decided, in words.
    pub unlike: Vec<&'static str>,
    /// Whether the clusters could not be compared.
    pub unknown_cluster: bool,
    /// What this channel does not show, or not so that it compares.
    pub unseen: Vec<&'static str>,
}

/// What the operator said of clusters.
pub(super) struct Ties<'r, 'a> {
    /// By the roots in force at the decision and at the report.
    pub then: [Option<&'r Roots<'a>>; 2],
    /// By now.
    pub newest: Option<&'r Roots<'a>>,
}

impl Ties<'_, '_> {
    /// A cluster moves, and its name with it: what was tied when it was decided
    /// or seen counts, and what was tied later shows at most that they are one.
    fn compare(&self, instance: &str, there: Destination<'_>, here: Destination<'_>) -> Likeness {
        let by = |roots: Option<&Roots<'_>>| cluster(there, here, |name| roots?.cluster(instance, name));
        let then = self.then.map(by);
        if then.contains(&Likeness::Same) {
            return Likeness::Same;
        }
        let are_names = there.name().is_some() && here.name().is_some();
        match (then.contains(&Likeness::Unlike), by(self.newest)) {
            (true, _) => Likeness::Unlike,
            (_, Likeness::Same) => Likeness::Same,
            // Two names that nobody says are one.
            (_, Likeness::Unknown) if are_names => Likeness::Unlike,
            (_, Likeness::Unlike | Likeness::Unknown) => Likeness::Unknown,
        }
    }
}

/// Compares an operation with what a decision binds.
pub(super) fn compare(operation: &Operation<'_>, decided: Binds<'_>, ties: &Ties<'_, '_>) -> Comparison {
    let seen = operation.payload;
    let mut found = Comparison::default();
    found.note(seen.instance() == decided.instance(), "the instance");
    found.action(seen, decided);
    found.note(seen.app().value() == decided.app().value(), "the application");
    let (there, here) = (seen.destination(), decided.destination());
    if there.value().is_some() && here.value().is_some() {
        let instance = seen.instance().unwrap_or_default();
        match ties.compare(instance, there, here) {
            Likeness::Same => {}
            Likeness::Unlike => found.unlike.push("the cluster"),
            Likeness::Unknown => found.unknown_cluster = true,
        }
        found.note(there.namespace() == here.namespace(), "the namespace");
    }
    found.params(seen, decided, operation.op_key().is_some());
    found.revisions(seen, decided);
    found
}

impl Comparison {
    fn note(&mut self, is_same: bool, what: &'static str) {
        if !is_same {
            self.unlike.push(what);
        }
    }

    /// A status does not tell a rollback from a sync; whoever infers one of
    /// them has not seen that it was not the other.
    fn action(&mut self, seen: ArgocdObservation<'_>, decided: Binds<'_>) {
        if seen.action() == decided.action() {
            return;
        }
        let are_either = decided.makes_operation() && matches!(seen.action(), Some("sync" | "rollback"));
        match seen.action_certainty() == Some("inferred") && are_either {
            true => self.unseen.push("action not stated"),
            false => self.unlike.push("the action"),
        }
    }

    /// Who saw the operation saw all of its parameters: absent is the default.
    /// Automated sync is no part of an operation, so only who names it saw it.
    fn params(&mut self, seen: ArgocdObservation<'_>, decided: Binds<'_>, saw_all: bool) {
        fn names(side: CallParams<'_>) -> usize {
            side.value().and_then(Node::members).into_iter().flatten().count()
        }
        let members = |side: CallParams<'_>| -> BTreeMap<String, String> {
            let members = side.value().and_then(Node::members).into_iter().flatten();
            members.map(|(name, value)| (name.to_owned(), value.to_jcs())).inserted()
        };
        if seen.params().value().is_none() && !saw_all {
            self.unseen.push("parameters not shown");
            return;
        }
        // Most calls have none, and Argo CD shows none.
        if names(seen.params()) == 0 && names(decided.params()) == 0 {
            return;
        }
        let (there, mut here) = (members(seen.params()), members(decided.params()));
        if !there.contains_key(AUTO_SYNC) && here.remove(AUTO_SYNC).is_some() {
            self.unseen.push("automated sync not shown");
        }
        self.note(there == here, "a parameter");
    }

    fn revisions(&mut self, seen: ArgocdObservation<'_>, decided: Binds<'_>) {
        let bound = decided.revisions();
        // A rollback asks for a history id, and the entry that an operation
        // made has another: only what came of it compares.
        if decided.action() == Some("rollback") {
            self.unseen.push("history id asked for not shown");
        } else {
            let requested = seen.requested();
            self.note(requested.is_empty() || requested == bound, "the revision");
        }
        for (shown, words) in [(seen.resolved(), "the resolved revision"), (seen.deployed(), "the deployed revision")] {
            match likeness(&shown, &bound) {
                _ if shown.is_empty() => {}
                Likeness::Same => {}
                Likeness::Unlike => self.unlike.push(words),
                Likeness::Unknown => self.unseen.push("revisions that do not compare"),
            }
        }
    }
}

/// Clusters by address and by name; `server` knows the address of a name.
fn cluster<'a>(seen: Destination<'a>, decided: Destination<'a>, server: impl Fn(&str) -> Option<&'a str>) -> Likeness {
    let address = |side: Destination<'a>| side.server().or_else(|| server(side.name()?));
    let is_same_name = seen.name().is_some() && seen.name() == decided.name();
    match (address(seen), address(decided)) {
        _ if is_same_name => Likeness::Same,
        (Some(there), Some(here)) if there == here || in_one_spelling(there) == in_one_spelling(here) => Likeness::Same,
        (Some(_), Some(_)) => Likeness::Unlike,
        _ => Likeness::Unknown,
    }
}

/// Revisions, one a source, in order.
fn likeness(seen: &Nodes<'_>, decided: &Nodes<'_>) -> Likeness {
    if decided.is_empty() {
        return Likeness::Unknown;
    }
    if seen.len() != decided.len() {
        return Likeness::Unlike;
    }
    fn text(revision: Node<'_>) -> &str {
        revision.as_str().unwrap_or_default()
    }
    let mut worst = Likeness::Same;
    for (seen, decided) in seen.clone().zip(decided.clone()) {
        match of_source(text(seen), text(decided)) {
            Likeness::Unlike => return Likeness::Unlike,
            Likeness::Unknown => worst = Likeness::Unknown,
            Likeness::Same => {}
        }
    }
    worst
}

/// Whether two lists of revisions, neither of them decided, cannot be of one
/// operation: whichever is taken as the one asked for.
pub(in crate::audit) fn are_others(one: &Nodes<'_>, other: &Nodes<'_>) -> bool {
    likeness(one, other) == Likeness::Unlike && likeness(other, one) == Likeness::Unlike
}

/// A branch can have become anything, and a tag spelled like a version is a
/// commit once resolved: such names say nothing about a commit.
fn of_source(seen: &str, decided: &str) -> Likeness {
    let is_name = |text: &str| !is_immutable(text) || text.contains('.');
    let is_short = |text: &str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match () {
        () if seen == decided => Likeness::Same,
        () if !is_immutable(decided) || is_name(decided) != is_name(seen) && is_name(decided) => Likeness::Unknown,
        () if is_short(seen) && decided.starts_with(seen) => Likeness::Unknown,
        () => Likeness::Unlike,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_compare_where_both_sides_are_fixed_and_of_one_sort() {
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        for (seen, decided, likeness) in [
            (one.as_str(), one.as_str(), Likeness::Same),
            (&two, &one, Likeness::Unlike),
            ("main", &one, Likeness::Unlike),
            ("1.2.3", &one, Likeness::Unlike),
            (&one, "main", Likeness::Unknown),
            (&one, "1.2.3", Likeness::Unknown),
            ("1.2.4", "1.2.3", Likeness::Unlike),
            (&one[..8], &one, Likeness::Unknown),
            (&two[..8], &one, Likeness::Unlike),
        ] {
            assert_eq!(of_source(seen, decided), likeness, "{seen} {decided}");
        }
    }
}
