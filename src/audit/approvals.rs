//! Rules about approvals: a person allowed exactly this act, before it, once
//! (JUDGING 4.11).

mod used;

use crate::artifact::time::unix_ms;
use crate::artifact::{Approval, Binds, Claims, Kind, View};
use crate::audit::finding::Findings;
use crate::audit::observed::say;
use crate::audit::policies::Judge;
use crate::audit::rule::{APPROVAL, Effect, NOTHING, Place, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement};
use crate::merkle::LeafIndex;

use self::used::consumed_before;

pub(super) use self::used::{Released, may_be_released, releasing};

static APPROVAL_MISSING: Rule = Rule {
    code: "APPROVAL_MISSING",
    title: "No approval for an action that needs one",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The policy asks for an approval, logged before the decision by an approver whom the roots name, and the decision names none.",
    what_to_do: "Find out who asked for the action, and why the wrapper let it pass.",
    does_not_prove: "That nobody agreed to the action elsewhere.",
    rests_on: &[WORD, TOKEN, APPROVAL],
};

static APPROVAL_UNEQUAL: Rule = Rule {
    code: "APPROVAL_UNEQUAL",
    title: "The approval is for something else",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "An approval covers one act of one agent: one instance, job, action, application, destination, list of revisions and set of parameters. The act that was decided is another.",
    what_to_do: "Compare the two, member by member; treat the action as not approved.",
    does_not_prove: "That the approver would have refused.",
    rests_on: &[WORD, TOKEN, APPROVAL],
};

static APPROVAL_UNBOUND_REVISION: Rule = Rule {
    code: "APPROVAL_UNBOUND_REVISION",
    title: "The approval names no fixed revision",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A branch or an empty list can become anything after the approval was given.",
    what_to_do: "Approve a commit, a digest or an exact chart version.",
    does_not_prove: "That something else was deployed; nor that a tag spelled like a chart version never moved.",
    rests_on: &[WORD, TOKEN, APPROVAL],
};

static APPROVAL_EXPIRED: Rule = Rule {
    code: "APPROVAL_EXPIRED",
    title: "The approval had expired",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The decision was logged at or after the approval's own end.",
    what_to_do: "Ask for a new approval.",
    does_not_prove: "That the approver had changed their mind.",
    rests_on: &[WORD, &[Rest::Time], TOKEN, APPROVAL],
};

static APPROVAL_BY_ACTOR: Rule = Rule {
    code: "APPROVAL_BY_ACTOR",
    title: "Approved by the agent or its wrapper",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Whoever acts cannot approve the act, whatever roles the roots give: the token's subject under either name, or a wrapper of this agent when the approval or the decision was logged.",
    what_to_do: "Remove the role from the agent or wrapper in the roots.",
    does_not_prove: "That no person was asked.",
    rests_on: &[WORD, TOKEN, APPROVAL, &[Rest::On(Kind::Approval, Place::Alike)]],
};

static APPROVAL_DENIED: Rule = Rule {
    code: "APPROVAL_DENIED",
    title: "Denied after it was approved, before it was decided",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A deny of exactly the same act, by any approver, ends every earlier approval of it.",
    what_to_do: "Treat the action as not approved; find out why the wrapper did not see the deny.",
    does_not_prove: "That the wrapper could have seen it.",
    rests_on: &[WORD, TOKEN, APPROVAL, &[Rest::On(Kind::Approval, Place::Alike)]],
};

static APPROVAL_DENIED_LATER: Rule = Rule {
    code: "APPROVAL_DENIED_LATER",
    title: "Denied after it was decided",
    severity: Severity::Info,
    effect: Effect::Shown,
    rationale: "A deny has no effect on decisions before it, and readers should know of it.",
    what_to_do: "Ask the approver who denied.",
    does_not_prove: "That the action was wrong.",
    rests_on: NOTHING,
};

static APPROVAL_REUSED: Rule = Rule {
    code: "APPROVAL_REUSED",
    title: "Approval used twice",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The first allow decision that names an approval consumes it, unless its receipt says that nothing was done. The audit is incomplete, and the severity high, where an operation speaks against that receipt and may be none of the agent's, where the receipt does not agree with its own answer, and where the first use may be of another agent of the same wrapper.",
    what_to_do: "Treat the second action as a replay.",
    does_not_prove: "Which of the two the approver had in mind.",
    rests_on: &[WORD, TOKEN, &[Rest::On(Kind::ArgocdReceipt, Place::Releasing)]],
};

pub(super) static RULES: &[&Rule] = &[
    &APPROVAL_MISSING,
    &APPROVAL_UNEQUAL,
    &APPROVAL_UNBOUND_REVISION,
    &APPROVAL_EXPIRED,
    &APPROVAL_BY_ACTOR,
    &APPROVAL_DENIED,
    &APPROVAL_DENIED_LATER,
    &APPROVAL_REUSED,
];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let judge = Judge::new(scene);
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let faults = faults(scene, decision);
        let approved = faults.iter().any(|fault| fault.as_ref().is_none_or(|fault| fault.doubt.is_some()));
        let required = judge.decision(decision).is_some_and(|judgement| judgement.requires_approval());
        let subject = decision.subject();
        for fault in faults.iter().flatten() {
            // A replay is one whether or not an approval was needed.
            if (required && !approved) || std::ptr::eq(fault.rule, &APPROVAL_REUSED) {
                let entries: Vec<_> = fault.entries.iter().copied().chain([decision.statement.at]).collect();
                say(findings, fault.rule, fault.doubt, subject, &entries, fault.detail.clone());
            }
        }
        if required && !approved && faults.is_empty() {
            findings.add(&APPROVAL_MISSING, subject, [decision.statement.at], scene.unfit_approval(decision));
        }
        for deny in denies(scene, decision).filter(|deny| deny.at > decision.statement.at) {
            if required {
                let entries = [decision.statement.at, deny.at];
                findings.add(&APPROVAL_DENIED_LATER, subject, entries, "a person denied this after the decision");
            }
        }
    }
}

/// Whether a valid approval covers the decision.
pub(super) fn is_approved(scene: &Scene<'_>, decision: &Decision<'_>) -> bool {
    covering(scene, decision).next().is_some()
}

/// The valid approvals that cover a decision.
pub(super) fn covering<'s, 'a>(
    scene: &'s Scene<'a>,
    decision: &'s Decision<'a>,
) -> impl Iterator<Item = &'s Statement<'a, Approval<'a>>> {
    let is_valid = |fault: Option<Fault>| fault.is_none_or(|fault| fault.doubt.is_some());
    named(scene, decision).filter(move |approval| is_valid(fault(scene, decision, approval)))
}

/// Whether the decision names an approval that does not stand below it here.
pub(super) fn names_missing(scene: &Scene<'_>, decision: &Decision<'_>) -> bool {
    let stands = |approval: &Statement<'_, Approval<'_>>| approval.at < decision.statement.at;
    decision.approvals.iter().any(|hash| !scene.approvals_named(hash).any(stands))
}

struct Fault {
    rule: &'static Rule,
    entries: Vec<LeafIndex>,
    detail: String,
    /// Why it accuses nobody: then the approval counts all the same.
    doubt: Option<&'static str>,
}

/// For each approval that the decision names and that stands before it: what
/// is wrong with it, or `None`.
fn faults(scene: &Scene<'_>, decision: &Decision<'_>) -> Vec<Option<Fault>> {
    named(scene, decision).map(|approval| fault(scene, decision, approval)).collect()
}

fn named<'s, 'a>(
    scene: &'s Scene<'a>,
    decision: &'s Decision<'a>,
) -> impl Iterator<Item = &'s Statement<'a, Approval<'a>>> {
    let stated = decision.approvals.iter().flat_map(|hash| scene.approvals_named(hash));
    stated.filter(|approval| approval.at < decision.statement.at && approval.payload.decision() == Some("approve"))
}

fn fault(scene: &Scene<'_>, decision: &Decision<'_>, approval: &Statement<'_, Approval<'_>>) -> Option<Fault> {
    let why = |rule, detail| Some(Fault { rule, entries: vec![approval.at], detail, doubt: None });
    let found = |rule: &'static Rule, more: Option<LeafIndex>| {
        Some(Fault {
            rule,
            entries: [approval.at].into_iter().chain(more).collect(),
            detail: rule.title.to_lowercase(),
            doubt: None,
        })
    };
    if let Some(what) = difference(approval, decision) {
        return why(&APPROVAL_UNEQUAL, format!("the approval at entry {} is for {what}", approval.at));
    }
    if !is_for(scene, approval, decision) {
        let detail = format!("at the approval, entry {}, the agent had no username on its instance", approval.at);
        return why(&APPROVAL_MISSING, detail);
    }
    if !is_fixed(approval.payload.binds()) {
        return found(&APPROVAL_UNBOUND_REVISION, None);
    }
    if approval.payload.expires_at().and_then(unix_ms).is_none_or(|end| decision.statement.ms() >= end) {
        return found(&APPROVAL_EXPIRED, None);
    }
    if acts(scene, decision, approval) {
        return found(&APPROVAL_BY_ACTOR, None);
    }
    let between = |deny: &&Statement<'_, Approval<'_>>| deny.at > approval.at && deny.at < decision.statement.at;
    if let Some(deny) = denies(scene, decision).find(between) {
        return found(&APPROVAL_DENIED, Some(deny.at));
    }
    let (first, doubt) = consumed_before(scene, decision, &approval.hash.to_string())?;
    found(&APPROVAL_REUSED, Some(first)).map(|fault| Fault { doubt, ..fault })
}

/// What the approval is for that the decision is not.
fn difference(approval: &Statement<'_, Approval<'_>>, decision: &Decision<'_>) -> Option<String> {
    if approval.payload.agent() != decision.agent {
        return Some("another agent's act".to_owned());
    }
    let (approved, decided) = (approval.payload.binds(), decision.statement.payload.binds());
    if approved.value().is_some() && approved.value() == decided.value() {
        return None;
    }
    Some(format!("something else: {}", approved.unlike(decided).collect::<Vec<_>>().join(", ")))
}

/// Whether the approver is whoever acts: the token's subject under either name,
/// or one who wraps this agent's calls when the approval or the decision is
/// logged. A role that was lost in between frees nobody who held it at one of
/// them; one that was lost after approving takes the approval from nobody.
fn acts(scene: &Scene<'_>, decision: &Decision<'_>, approval: &Statement<'_, Approval<'_>>) -> bool {
    let Some(approver) = approval.signer() else { return true };
    let token = decision.token.map(|at| scene.tokens[at].statement.payload.claims());
    let names = [token.and_then(Claims::sub), token.and_then(Claims::agent)];
    let wraps = |at| scene.roots_at(at).is_some_and(|roots| roots.is_wrapper(approver, decision.agent));
    names.contains(&Some(approver.as_str())) || wraps(approval.at) || wraps(decision.statement.at)
}

/// Denies by rooted approvers of what the decision binds.
fn denies<'s, 'a>(
    scene: &'s Scene<'a>,
    decision: &'s Decision<'a>,
) -> impl Iterator<Item = &'s Statement<'a, Approval<'a>>> {
    scene.denies_of(decision).filter(|deny| is_for(scene, deny, decision))
}

/// Whether the approver's role covers the agent that decided, and means it.
fn is_for<'a>(scene: &Scene<'a>, approval: &Statement<'a, Approval<'a>>, decision: &Decision<'a>) -> bool {
    decision.agent.is_some() && scene.approves_for(approval) == decision.agent
}

/// Whether a sync or rollback names one immutable revision a source.
fn is_fixed(binds: Binds<'_>) -> bool {
    if !binds.makes_operation() {
        return true;
    }
    let revisions = binds.revisions();
    !revisions.is_empty() && { revisions }.all(|revision| revision.as_str().is_some_and(is_immutable))
}

/// A commit, a digest, or a version without range: `1.2.3`, `1.2.3-rc.1+b`.
pub(super) fn is_immutable(revision: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if let Some(digest) = revision.strip_prefix("sha256:") {
        return digest.len() == 64 && hex(digest);
    }
    if matches!(revision.len(), 40 | 64) && hex(revision) {
        return true;
    }
    let (core, more) = revision.split_at(revision.find(['-', '+']).unwrap_or(revision.len()));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte);
    core.split('.').count() == 3 && core.split('.').all(number) && more.bytes().all(legal) && more.len() != 1
}

#[cfg(test)]
mod tests {
    use super::is_immutable;

    #[test]
    fn branches_and_ranges_are_no_fixed_revisions() {
        for fixed in [&"a".repeat(40), &format!("sha256:{}", "0".repeat(64)), "1.2.3", "1.2.3-rc.1+build.5"] {
            assert!(is_immutable(fixed), "{fixed}");
        }
        for moving in
            ["main", "HEAD", "", "1.2", "1.x.0", "^1.2.3", "~1.2.3", ">=1.2.3", "1.2.3-", &"A".repeat(40), "sha256:00"]
        {
            assert!(!is_immutable(moving), "{moving}");
        }
    }
}
