//! The rule about ids of our own kinds that are not in the one spelling. None
//! is logged any more; what was logged before joins nothing, and where a rule
//! would have joined by it, nobody can say what it would have found.

use crate::artifact::spelling::is_spelled;
use crate::audit::finding::Findings;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement};
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
    let ids = statement.kind.row().ids.iter().copied();
    ids.into_iter().find(|path| statement.payload.text(path).is_some_and(|id| !is_spelled(id)))
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for fact in scene.facts.iter().filter(|fact| odd(fact).is_some()) {
        findings.uncover("id not in the one spelling", &scene.subject_of(fact), fact.at);
    }
    for token in &scene.tokens {
        if let Some((at, detail)) = found(token.statement.of_any()) {
            findings.add(&ID_NOT_SPELLED, &token.subject(), [at], detail);
        }
    }
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        for (at, detail) in rests_on(scene, decision).filter_map(found) {
            findings.add(&ID_NOT_SPELLED, decision.subject(), [at, decision.statement.at], detail);
        }
    }
}

fn found(statement: Statement<'_>) -> Option<(LeafIndex, String)> {
    odd(&statement).map(|path| (statement.at, format!("{path} of entry {} is not in the one spelling", statement.at)))
}

/// The statements whose ids say which job and run an action is of, and whether
/// its approvals were used before.
fn rests_on<'s, 'a>(scene: &'s Scene<'a>, decision: &'s Decision<'a>) -> impl Iterator<Item = Statement<'a>> {
    let token = decision.token.map(|at| scene.tokens[at].statement.of_any());
    let approvals = decision.approvals.iter().flat_map(|hash| scene.approvals_named(hash));
    [decision.statement.of_any()].into_iter().chain(token).chain(approvals.map(|approval| approval.of_any()))
}
