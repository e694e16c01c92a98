//! Signers whom the operator trusts no more: what they said, and what rests on
//! it.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::PayloadHash;
use crate::artifact::{Artifact, Did, Kind};
use crate::audit::approvals::{self, Released};
use crate::audit::audit;
use crate::audit::finding::{Finding, Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::observed::say;
use crate::audit::policies::Judge;
use crate::audit::roots::{Distrusted, Row};
use crate::audit::rule::{APPROVAL, CALL, Effect, JOINED, Place, RUN, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::{Scene, speaker};
use crate::audit::statement::{Bundle, Decision, Receipt, Statement, Token};
use crate::audit::timeline::Timeline;
use crate::entry::{LoggedAt, PendingEntry, SubmitterName};
use crate::merkle::LeafIndex;

static DISTRUSTED_SIGNER: Rule = Rule {
    code: "DISTRUSTED_SIGNER",
    title: "Statement by a signer who is no longer trusted",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The operator withdrew trust from this signer, for everything from this statement or from an earlier one on. What it says is charged to whoever submitted it, never to the job or run that it speaks of, and convicts nobody by itself.",
    what_to_do: "Look at each statement of this signer as if it could be false.",
    does_not_prove: "That this very statement is false.",
    rests_on: &[WORD, &[Rest::Time], TOKEN, CALL, RUN, &[Rest::On(Kind::ArgocdDecision, Place::Unjoined)]],
};

static RESTS_ON_DISTRUSTED: Rule = Rule {
    code: "RESTS_ON_DISTRUSTED",
    title: "Rests on the word of somebody who is no longer trusted",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "This needs a policy, token, approval, decision or receipt whose signer the operator no longer trusts, from that statement or from an earlier one on. A token that somebody trusted issued too needs nothing of it.",
    what_to_do: "Find out in another way whether what it rests on is true; until then nothing allowed this.",
    does_not_prove: "That what it rests on is false.",
    rests_on: &[
        WORD,
        &[Rest::Time],
        TOKEN,
        CALL,
        RUN,
        JOINED,
        APPROVAL,
        &[Rest::On(Kind::WorkPolicy, Place::BeforeToken), Rest::On(Kind::ArgocdReceipt, Place::ReleasedBefore)],
        // Somebody trusted may have signed the same payload.
        &[Rest::On(Kind::ArgocdDecision, Place::Anywhere), Rest::On(Kind::GatewayReceipt, Place::Anywhere)],
    ],
};

pub(super) static RULES: &[&Rule] = &[&DISTRUSTED_SIGNER, &RESTS_ON_DISTRUSTED];

/// Why the statement is not to be relied on, in words.
fn words<P>(distrusted: &Distrusted<'_>, statement: &Statement<'_, P>) -> Option<String> {
    let did = statement.signer()?;
    let Row { from, reason, said_at } = distrusted.row(statement.at, did)?;
    Some(format!("{did} is not trusted from index {from} on, as the roots at entry {said_at} say: {reason}"))
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let distrust = Distrusted::of(scene.roots.iter().copied());
    if distrust.is_empty() {
        return;
    }
    for fact in &scene.facts {
        if let Some(words) = words(&distrust, fact) {
            // Whoever they speak of did nothing by that.
            findings.add(&DISTRUSTED_SIGNER, &speaker(fact), [fact.at], words);
        }
    }
    Resting { scene, distrust, judge: Judge::new(scene) }.check(findings);
}

/// Jobs that new roots would hit if this log took them now: those that what
/// they withdraw trust from, or rests on it, is charged to. Costs an audit.
#[must_use]
pub fn jobs_hit(log: &Timeline, operator: &Did, roots: Artifact) -> BTreeSet<String> {
    let size = log.size();
    let last = log.prefix(size).last().map_or(LoggedAt::from_unix_ms(0), |(_, seen)| seen.entry.logged_at);
    let Ok(submitter) = SubmitterName::parse("operator") else { return BTreeSet::new() };
    let entry = PendingEntry::new(roots.clone(), None, submitter).sequence(last);
    let mut next = log.clone();
    next.add(LeafIndex::new(size.get()), entry, Some(roots));
    let report = audit(&next, Some(operator));
    let is_hit = |finding: &&Finding| RULES.contains(&finding.rule);
    report.findings.iter().filter(is_hit).filter_map(|finding| finding.subject.job.clone()).inserted()
}

/// Acts, and what they rest on. An act that only the distrusted tell of rests on
/// nothing here: their word convicts nobody, however many words they add.
struct Resting<'s, 'a> {
    scene: &'s Scene<'a>,
    distrust: Distrusted<'a>,
    judge: Judge<'s, 'a>,
}

impl<'s, 'a> Resting<'s, 'a> {
    fn check(&self, findings: &mut Findings) {
        for decision in self.scene.decisions.iter().filter(|decision| decision.is_allow) {
            if self.distrust.hits(&decision.statement) {
                self.on_decision(decision, findings);
                continue;
            }
            let subject = decision.subject();
            if let Some(token) = decision.token {
                self.on_token(&self.scene.tokens[token], decision.statement.at, subject, findings);
            }
            self.on_approvals(decision, subject, findings);
        }
        for call in self.scene.calls.iter().filter(|call| !self.distrust.hits(&call.statement)) {
            if let Some((token, _)) = self.scene.token_of(call) {
                let token = self.trusted_beside(token, call.statement.at, call.statement.ms());
                self.on_token(token, call.statement.at, &self.scene.subject_of_call(call), findings);
            }
        }
        for bundle in self.scene.bundles.iter().filter(|bundle| !self.distrust.hits(&bundle.statement)) {
            if let Some(token) = bundle.run.and_then(|run| self.scene.token_of_run(bundle.agent, run)) {
                self.on_token(token, bundle.statement.at, &bundle.subject(), findings);
            }
        }
        self.on_held_receipts(findings);
    }

    /// What somebody trusted tells, later, of having been done rests on the
    /// decision; not where a wrapper that is trusted decided just the same.
    fn on_decision(&self, decision: &Decision<'a>, findings: &mut Findings) {
        let (subject, at) = (decision.subject(), decision.statement.at);
        let decided = self.scene.decisions.iter().map(|other| &other.statement);
        if decided.filter(|other| other.hash == decision.statement.hash).any(|other| !self.distrust.hits(other)) {
            return;
        }
        let tells = |told: LeafIndex, is_distrusted: bool| told > at && !is_distrusted;
        let done = |receipt: &&Receipt<'_>| {
            !receipt.says_nothing_was_done() && tells(receipt.statement.at, self.distrust.hits(&receipt.statement))
        };
        for receipt in self.scene.receipts_of(decision).filter(done) {
            self.add("decision", &decision.statement, &[receipt.statement.at], subject, findings);
        }
        let operations = self.scene.operations_of(decision);
        for operation in operations.filter(|operation| tells(operation.at, self.distrust.hits(operation))) {
            let doubt = self.scene.doubt(decision, operation);
            self.doubt("decision", doubt, &decision.statement, &[operation.at], subject, findings);
        }
    }

    /// A call names a grant, which every token of the same terms gives: it rests
    /// on one that is trusted where there is one that lived then.
    fn trusted_beside(&self, token: &'s Token<'a>, act: LeafIndex, ms: i64) -> &'s Token<'a> {
        let terms = |token: &Token<'a>| (token.agent, token.job, token.policy_hash, token.scope_hash);
        let is_so = |other: &&Token<'a>| {
            terms(other) == terms(token) && other.statement.at < act && !self.distrust.hits(&other.statement)
        };
        let mut others = self.scene.tokens.iter().filter(is_so);
        match self.distrust.hits(&token.statement) {
            true => others.find(|other| other.lives_at(ms)).unwrap_or(token),
            false => token,
        }
    }

    /// An act under a token rests on its issuance, and on its policy with all
    /// that the policy inherits.
    fn on_token(&self, token: &'s Token<'a>, act: LeafIndex, subject: &Subject, findings: &mut Findings) {
        let issued = token.statement.at;
        self.add("token", &token.statement, &[act], subject, findings);
        for policy in self.judge.policies_of(token) {
            // Somebody else with the role logged the same policy in time.
            let again =
                |other: &Statement<'_>| other.hash == policy.hash && other.at < issued && !self.distrust.hits(other);
            if !self.scene.policies.iter().any(|(other, _)| again(other)) {
                self.add("policy", policy, &[issued, act], subject, findings);
            }
        }
    }

    /// Where an approval is needed and none is left by anybody who is trusted.
    fn on_approvals(&self, decision: &'s Decision<'a>, subject: &Subject, findings: &mut Findings) {
        if !self.judge.needs_approval(decision) {
            return;
        }
        let act = decision.statement.at;
        let covering: Vec<_> = approvals::covering(self.scene, decision)
            .map(|approval| (approval, approvals::releasing(self.scene, decision, approval)))
            .collect();
        let is_true = |receipt: &&Receipt<'_>| !self.distrust.hits(&receipt.statement);
        // A use that only the distrusted tell of is none that had to be released.
        let is_use = |released: &&Released<'_, '_>| !self.distrust.hits(&released.user.statement);
        let stands = |released: &[Released<'_, '_>]| {
            released.iter().filter(is_use).all(|released| released.told.iter().any(is_true))
        };
        if covering.iter().any(|(approval, released)| !self.distrust.hits(approval) && stands(released)) {
            return;
        }
        for (approval, released) in covering {
            self.add("approval", approval, &[act], subject, findings);
            let told = |of: &Released<'s, 'a>| of.told.iter().map(|told| (of.is_its, *told)).collect::<Vec<_>>();
            for (is_its, receipt) in released.iter().filter(is_use).flat_map(told) {
                let doubt = (!is_its).then_some("the use that it released may be another agent's");
                self.doubt("receipt", doubt, &receipt.statement, &[approval.at, act], subject, findings);
            }
        }
    }

    /// A bundle rests on the model calls that it shows.
    fn on_held_receipts(&self, findings: &mut Findings) {
        let all = || self.scene.calls.iter().map(|call| &call.statement);
        let trusted: BTreeSet<PayloadHash> =
            all().filter(|call| !self.distrust.hits(call)).map(|call| *call.hash).inserted();
        // Of one that a trusted gateway signed too, the bundle may show that.
        let calls: BTreeMap<PayloadHash, _> =
            all().filter(|call| !trusted.contains(call.hash)).map(|call| (*call.hash, call)).inserted();
        let shows = |bundle: &&Bundle<'_>| !calls.is_empty() && !self.distrust.hits(&bundle.statement);
        for bundle in self.scene.bundles.iter().filter(shows) {
            let held = bundle.held_calls().filter_map(|hash| calls.get(&hash));
            for call in held.filter(|call| call.at < bundle.statement.at) {
                self.add("receipt", call, &[bundle.statement.at], &bundle.subject(), findings);
            }
        }
    }

    /// `rests`: the entries from the statement's first user up to the act.
    fn add<P>(
        &self,
        what: &str,
        on: &Statement<'_, P>,
        rests: &[LeafIndex],
        subject: &Subject,
        findings: &mut Findings,
    ) {
        self.doubt(what, None, on, rests, subject, findings);
    }

    /// The same, where it may rest on something else.
    fn doubt<P>(
        &self,
        what: &str,
        doubt: Option<&'static str>,
        on: &Statement<'_, P>,
        rests: &[LeafIndex],
        subject: &Subject,
        findings: &mut Findings,
    ) {
        if let Some(words) = words(&self.distrust, on) {
            let detail = format!("it rests on the {what} at entry {}: {words}", on.at);
            let entries: Vec<_> = [on.at].into_iter().chain(rests.iter().copied()).collect();
            say(findings, &RESTS_ON_DISTRUSTED, doubt, subject, &entries, detail);
        }
    }
}
