//! Rules about whose word counts, and about bodies that are not at hand.

use crate::artifact::Kind;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::{Scene, speaker};
use crate::audit::undecided::{NotHere, listed};

pub(super) static ROOTS_UNPINNED: Rule = Rule {
    code: "ROOTS_UNPINNED",
    title: "No operator pinned",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "Without an operator whom the reader chose, nobody's word counts, and no packet or server may choose for the reader.",
    what_to_do: "Give the operator's DID, taken from a source you trust.",
    does_not_prove: "That anything in the log is false.",
    rests_on: NOTHING,
};

pub(super) static ROOTS_MISSING: Rule = Rule {
    code: "ROOTS_MISSING",
    title: "No roots of the operator stand here",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "Who holds which role stands in the roots (audit_roots) that the pinned operator logged, and none can be read here.",
    what_to_do: "Check that the pinned DID is that of this log's operator, and bring the body of its audit_roots where only that was left out.",
    does_not_prove: "That another operator declared none.",
    rests_on: NOTHING,
};

static UNTRUSTED_STATEMENT: Rule = Rule {
    code: "UNTRUSTED_STATEMENT",
    title: "Statement by someone without the role",
    severity: Severity::Info,
    effect: Effect::Shown,
    rationale: "Anyone may log an authentic statement; only holders of its role are believed.",
    what_to_do: "If the signer ought to have the role, the operator logs new roots; then submit the statement again with pulselog submit --renew: in its old envelope it is only a duplicate.",
    does_not_prove: "Anything about the job or agent that the statement names.",
    rests_on: NOTHING,
};

pub(crate) static EVIDENCE_WITHHELD: Rule = Rule {
    code: "EVIDENCE_WITHHELD",
    title: "A body that rules need is not available",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "The entry is proven, but what it says could change the verdict and cannot be read.",
    what_to_do: "Fetch the body by its digest, or ask the operator why it is withheld.",
    does_not_prove: "That the body holds anything bad.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&ROOTS_UNPINNED, &ROOTS_MISSING, &UNTRUSTED_STATEMENT, &EVIDENCE_WITHHELD];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.pinned {
        findings.add(&ROOTS_UNPINNED, &Subject::default(), [], "no operator is pinned, so nobody's word counts");
        return;
    }
    for held in &scene.withheld {
        let is_own = !held.is_operators && held.kind.is_of_agent();
        let agent = held.signer.filter(|_| is_own).map(ToString::to_string);
        let subject = Subject { agent, ..Subject::default() };
        let not_here = vec![NotHere::body(held.at, held.kind)];
        findings.lack(&EVIDENCE_WITHHELD, &subject, [held.at], listed(&not_here), not_here);
    }
    if scene.roots.is_empty() {
        let roots = scene.withheld.iter().filter(|held| held.kind == Kind::AuditRoots);
        let not_here = NotHere::few(roots.map(|held| NotHere::body(held.at, held.kind)));
        let detail = match not_here.as_slice() {
            [] => "no roots that the pinned operator signed stand here".to_owned(),
            _ => format!("{}, so no roots of the pinned operator can be read", listed(&not_here)),
        };
        findings.lack(&ROOTS_MISSING, &Subject::default(), [], detail, not_here);
        return;
    }
    for statement in &scene.untrusted {
        let who = statement.signer().map_or(statement.submitter(), |did| did.as_str());
        let detail = format!("{who} does not hold the role for {} here", statement.kind());
        findings.add(&UNTRUSTED_STATEMENT, &speaker(statement), [statement.at], detail);
    }
}
