//! The rule about ids of our own kinds that are not in the one spelling. None
//! is logged any more; what was logged before joins nothing, and where a rule
//! would have joined by it, nobody can say what it would have found.

use std::collections::BTreeMap;

use crate::artifact::spelling::is_spelled;
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Statement, Token};
use crate::merkle::LeafIndex;

static ID_NOT_SPELLED: Rule = Rule {
    code: "ID_NOT_SPELLED",
    title: "An id in an odd spelling",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "The id of a job, run, agent or approval begins or ends with a blank, or has a character that nobody sees, so it counts as the same as no other id, and what rests on it cannot be judged.",
    what_to_do: "Log the statement again with the id spelled plainly; a log of today refuses any other spelling.",
    does_not_prove: "That the id was meant to look like another.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&ID_NOT_SPELLED];

/// The member of a statement that holds such an id.
fn odd(statement: &Statement<'_>) -> Option<&'static str> {
    let ids = statement.kind().row().ids.iter().copied();
    ids.into_iter().find(|path| statement.payload.text(path).is_some_and(|id| !is_spelled(id)))
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let facts: BTreeMap<LeafIndex, &str> = scene.facts.iter().filter_map(|fact| Some((fact.at, odd(fact)?))).inserted();
    for fact in scene.facts.iter().filter(|fact| facts.contains_key(&fact.at)) {
        findings.uncover("id not in the one spelling", &scene.subject_of(fact), fact.at);
    }
    // What a token is taken to say may be another account's than its fact's.
    let tokens: BTreeMap<usize, Odd> =
        scene.tokens.iter().enumerate().filter_map(|(at, token)| Some((at, of_token(token)?))).inserted();
    for (at, (entry, detail)) in &tokens {
        findings.add(&ID_NOT_SPELLED, &scene.tokens[*at].subject(), [*entry], detail.clone());
    }
    // Hardly any log has one.
    if facts.is_empty() && tokens.is_empty() {
        return;
    }
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let token = decision.token.and_then(|token| tokens.get(&token)).cloned();
        let approvals = decision.approvals.iter().flat_map(|hash| scene.approvals_named(hash));
        let all = [decision.statement.at].into_iter().chain(approvals.map(|approval| approval.at));
        let of_facts = all.filter_map(|at| Some(found(at, facts.get(&at)?)));
        for (at, detail) in of_facts.chain(token) {
            findings.add(&ID_NOT_SPELLED, decision.subject(), [at, decision.statement.at], detail);
        }
    }
}

/// Where, and in words.
type Odd = (LeafIndex, String);

fn of_token(token: &Token<'_>) -> Option<Odd> {
    odd(&token.statement.of_any()).map(|path| found(token.statement.at, path))
}

fn found(at: LeafIndex, path: &str) -> Odd {
    (at, format!("{path} of entry {at} is not in the one spelling"))
}
