//! Rules about policies: the one a token runs under stands before it, asks for
//! what the token keeps, and allows every action (JUDGING 5).

use std::collections::HashMap;

use crate::artifact::{Kind, ResourceCount, View};
use crate::audit::approvals;
use crate::audit::finding::Findings;
use crate::audit::observed::say;
use crate::audit::rule::{CALL, Effect, JOINED, LINEAGE, Place, RUN, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::{Dispute, Scene};
use crate::audit::statement::{Call, Decision, Operation, Statement, Token};
use crate::merkle::LeafIndex;
use crate::policy::{
    Action, Candidate, Context, Demands, Judgement, Lineage, Outcome, Policy, PolicyError, judge, resolve,
};

static POLICY_MISSING: Rule = Rule {
    code: "POLICY_MISSING",
    title: "No policy stands before the token",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A policy counts when a signer whom the roots name logged it before the token that runs under it was issued.",
    what_to_do: "Publish policies first; issue the token again under a logged policy.",
    does_not_prove: "That the policy did not exist elsewhere.",
    rests_on: &[WORD, TOKEN, &[Rest::On(Kind::WorkPolicy, Place::BeforeToken)]],
};

static POLICY_NONCOMPLIANT: Rule = Rule {
    code: "POLICY_NONCOMPLIANT",
    title: "Action outside the policy",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A clause of the policy refuses the action, or none allows it; the finding says which.",
    what_to_do: "Find out what led to the action; the gateway receipts just before it are the place to start.",
    does_not_prove: "That the wrapper decided in bad faith.",
    rests_on: &[
        WORD,
        TOKEN,
        CALL,
        JOINED,
        &[Rest::On(Kind::Approval, Place::Allowing), Rest::On(Kind::WorkPolicy, Place::Unresolved)],
    ],
};

static POLICY_MISMATCH: Rule = Rule {
    code: "POLICY_MISMATCH",
    title: "Another policy than the token's",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A token runs under its pinned policy or its agent's default, never under one that an action names.",
    what_to_do: "Check the policy that wrapper or gateway was given.",
    does_not_prove: "That the other policy would have allowed more.",
    rests_on: &[WORD, TOKEN, CALL, RUN],
};

static POLICY_NOT_LISTED: Rule = Rule {
    code: "POLICY_NOT_LISTED",
    title: "Token pinned to a policy outside the agent's",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The roots list the policies that an agent may be pinned to, and this is none of them.",
    what_to_do: "Ask the issuer why it pinned this policy.",
    does_not_prove: "That the policy is too wide.",
    rests_on: &[WORD, TOKEN],
};

static POLICY_NOT_PINNED: Rule = Rule {
    code: "POLICY_NOT_PINNED",
    title: "Token without the pin that its policy asks for",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The policy says policy_hash_pinning required, and the token pins none.",
    what_to_do: "Have the issuer pin the policy's hash.",
    does_not_prove: "That another policy was used.",
    rests_on: &[WORD, TOKEN, LINEAGE],
};

static TOKEN_LIFETIME_TOO_LONG: Rule = Rule {
    code: "TOKEN_LIFETIME_TOO_LONG",
    title: "Token lives longer than its policy allows",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "From its beginning (iat) to its end (exp) the token lives longer than the max_ttl_seconds of its policy.",
    what_to_do: "Shorten the issuer's lifetimes.",
    does_not_prove: "That the token was used beyond the limit.",
    rests_on: &[WORD, TOKEN, LINEAGE],
};

static AGENT_UNKNOWN: Rule = Rule {
    code: "AGENT_UNKNOWN",
    title: "Token for an agent that the roots do not know",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The operator lists agents, their policies and their usernames; this one is not listed.",
    what_to_do: "Ask the issuer for whom the token was, and the operator whether the agent is one of theirs.",
    does_not_prove: "That the agent does not belong to the company.",
    rests_on: &[WORD, TOKEN],
};

pub(super) static RULES: &[&Rule] = &[
    &POLICY_MISSING,
    &POLICY_NONCOMPLIANT,
    &POLICY_MISMATCH,
    &POLICY_NOT_LISTED,
    &POLICY_NOT_PINNED,
    &TOKEN_LIFETIME_TOO_LONG,
    &AGENT_UNKNOWN,
];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let judge = Judge::new(scene);
    for token in &scene.tokens {
        of_token(&judge, token, findings);
    }
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        of_decision(scene, &judge, decision, findings);
    }
    of_calls(scene, &judge, findings);
    for bundle in &scene.bundles {
        let token = bundle.run.and_then(|run| scene.token_of_run(bundle.agent, run));
        let named = bundle.statement.payload.pulselog().policy_hash();
        if let Some(token) = token.filter(|token| named.is_some() && named != token.policy_hash) {
            let entries = [token.statement.at, bundle.statement.at];
            let detail = "the bundle names another policy than its run's token runs under";
            findings.add(&POLICY_MISMATCH, &bundle.subject(), entries, detail);
        }
    }
}

fn of_token(judge: &Judge<'_, '_>, token: &Token<'_>, findings: &mut Findings) {
    let (at, subject) = (token.statement.at, token.subject());
    if !token.agent_known {
        findings.add(&AGENT_UNKNOWN, &subject, [at], format!("the roots list no agent {}", token.agent));
    }
    if !token.policy_listed {
        findings.add(&POLICY_NOT_LISTED, &subject, [at], "the pinned policy is not among the agent's");
    }
    if token.policy.is_none() {
        findings.add(&POLICY_MISSING, &subject, [at], judge.scene.unfit_policy(token));
        return;
    }
    let demands = judge.demands(token);
    let entries = |policy| judge.logged(policy).into_iter().chain([at]);
    if let Some(policy) = demands.pinning.filter(|_| token.pinned.is_none()) {
        findings.add(&POLICY_NOT_PINNED, &subject, entries(policy), "the token pins no policy");
    }
    if let Some((allowed, policy)) = demands.max_ttl {
        let (shortest, longest) = (token.lengths_s.first(), token.lengths_s.last());
        if let Some(life) = shortest.filter(|life| **life > allowed) {
            let detail = format!("it lives {life} s, the policy allows {allowed} s");
            findings.add(&TOKEN_LIFETIME_TOO_LONG, &subject, entries(policy), detail);
        } else if let Some(life) = longest.filter(|life| **life > allowed) {
            let disputed = judge.scene.disputes.of_token(token.hash).into_iter().flat_map(Dispute::entries);
            let detail = format!("by one of its issuers it lives {life} s, the policy allows {allowed} s");
            let entries = entries(policy).chain(disputed);
            findings.leave_open(&TOKEN_LIFETIME_TOO_LONG, Severity::Medium, &subject, entries, detail);
        }
    }
}

/// Policies with everything that they inherit, found once.
pub(super) struct Judge<'s, 'a> {
    scene: &'s Scene<'a>,
    lineages: HashMap<usize, Result<Lineage<'s>, PolicyError>>,
}

impl<'s, 'a> Judge<'s, 'a> {
    pub(super) fn new(scene: &'s Scene<'a>) -> Self {
        let candidate = |(statement, policy): &'s (Statement<'a>, _)| {
            Some(Candidate { policy, signer: statement.signer()?, at: statement.at })
        };
        let candidates: Vec<Candidate<'s, LeafIndex>> = scene.policies.iter().filter_map(candidate).collect();
        let mut lineages = HashMap::new();
        for at in scene.tokens.iter().filter_map(|token| token.policy) {
            lineages.entry(at).or_insert_with(|| match candidate(&scene.policies[at]) {
                Some(child) => resolve(child, &candidates),
                None => Lineage::alone(&scene.policies[at].1),
            });
        }
        Judge { scene, lineages }
    }

    /// What the token's policy asks of token and run, with everything that it
    /// inherits. Where that cannot be told, what it asks itself stands.
    pub(super) fn demands(&self, token: &Token<'_>) -> Demands<'s> {
        let Some(at) = token.policy else { return Demands::default() };
        match self.lineages.get(&at) {
            Some(Ok(lineage)) => lineage.demands(),
            _ => Demands::of([&self.scene.policies[at].1]),
        }
    }

    /// Whether everything that a policy inherits is known.
    pub(super) fn resolves(&self, policy: usize) -> bool {
        self.lineages.get(&policy).is_none_or(Result::is_ok)
    }

    /// Whether an approval that names its parameters would make the policy
    /// allow a decision which it refuses.
    pub(super) fn needs_params_approved(&self, decision: &Decision<'a>) -> bool {
        let is_allowed = |judgement: Option<Judgement>| judgement.is_some_and(|judgement| judgement.is_allow());
        !is_allowed(self.decision(decision)) && is_allowed(self.decision_in(decision, [], true))
    }

    /// Where a policy of a lineage was logged.
    pub(super) fn logged(&self, policy: &Policy) -> Option<LeafIndex> {
        let mut all = self.scene.policies.iter();
        all.find(|(_, logged)| std::ptr::eq(logged, policy)).map(|(statement, _)| statement.at)
    }

    /// Where the policy stands that asks for something, when it is not the
    /// token's own.
    pub(super) fn inherited(&self, token: &Token<'_>, asks: &Policy) -> Option<LeafIndex> {
        let own = token.policy.map(|at| &self.scene.policies[at].1);
        self.logged(asks).filter(|_| !own.is_some_and(|own| std::ptr::eq(own, asks)))
    }

    /// What the token's policy says; `None` when it has none.
    pub(super) fn judge(&self, token: &Token<'_>, action: &Action, context: &Context) -> Option<Judgement> {
        let at = token.policy?;
        Some(match self.lineages.get(&at)? {
            Ok(lineage) => judge(lineage, action, context),
            Err(error) => error.refusal(Some(self.scene.policies[at].1.hash())),
        })
    }

    /// What the token's policy says of a model call.
    fn call(&self, token: &Token<'_>, call: &Call<'_>) -> Option<Judgement> {
        match Action::from_gateway_receipt(&call.statement.payload.value()?.value()) {
            Ok(action) => self.judge(token, &action, &Context::new().with_agent(token.agent)),
            Err(error) => Some(error.refusal(None)),
        }
    }

    /// Whether the token's policy refuses a model call.
    pub(super) fn refuses(&self, token: &Token<'_>, call: &Call<'_>) -> bool {
        self.call(token, call).is_some_and(|judgement| judgement.outcome == Outcome::Deny)
    }

    /// The policy that a token runs under, and those that it inherits.
    pub(super) fn policies_of(&self, token: &Token<'_>) -> impl Iterator<Item = &'s Statement<'a>> {
        let lineage = token.policy.and_then(|at| self.lineages.get(&at)?.as_ref().ok());
        let policies = lineage.into_iter().flat_map(|lineage| lineage.ancestors().chain([lineage.policy()]));
        let scene = self.scene;
        policies.filter_map(|of| {
            let (statement, _) = scene.policies.iter().find(|(_, policy)| std::ptr::eq(policy, of))?;
            Some(statement)
        })
    }

    /// A decision under its token's policy, with what its approvals name.
    pub(super) fn decision(&self, decision: &Decision<'a>) -> Option<Judgement> {
        self.decision_in(decision, [], approvals::is_approved(self.scene, decision))
    }

    /// Whether the policy allows the decision only with an approval: it asks
    /// for one, or refuses the parameters that no approval names.
    pub(super) fn needs_approval(&self, decision: &Decision<'a>) -> bool {
        let bare = self.decision_in(decision, [], false);
        bare.is_some_and(|bare| bare.requires_approval() || !bare.is_allow())
            && self.decision(decision).is_some_and(|judgement| judgement.is_allow())
    }

    /// The same with namespaces that Argo CD reported.
    fn decision_in<'n>(
        &self,
        decision: &Decision<'a>,
        observed: impl IntoIterator<Item = &'n str>,
        is_approved: bool,
    ) -> Option<Judgement> {
        let token = &self.scene.tokens[decision.token?];
        let binds = decision.statement.payload.binds();
        binds.value()?;
        let action = match Action::from_admitted(binds) {
            Ok(Action::Argo(action)) => Action::Argo(action.with_observed_namespaces(observed)),
            Ok(action) => action,
            Err(error) => return Some(error.refusal(None)),
        };
        let instances = self.scene.roots_at(decision.statement.at).map(|roots| roots.instances_of(token.agent));
        let mut context = Context::new().with_agent(token.agent).with_instances(instances.unwrap_or_default());
        // Equal binds, so the approval's parameters are the action's own.
        if is_approved && let Action::Argo(action) = &action {
            context = context.with_approved_params(action.params());
        }
        self.judge(token, &action, &context)
    }
}

fn of_decision<'a>(scene: &Scene<'a>, judge: &Judge<'_, 'a>, decision: &Decision<'a>, findings: &mut Findings) {
    let Some(token) = decision.token.map(|at| &scene.tokens[at]) else { return };
    let (at, subject) = (decision.statement.at, decision.subject());
    let named = decision.statement.payload.policy_hash();
    if named != token.policy_hash {
        let detail = "the decision names another policy than its token runs under";
        findings.add(&POLICY_MISMATCH, subject, [token.statement.at, at], detail);
    }
    let Some(judgement) = judge.decision(decision) else { return };
    let is_write = decision.statement.payload.binds().action() != Some("read");
    match judgement.outcome {
        Outcome::Allow { .. } if is_write => observed(scene, judge, token, decision, findings),
        Outcome::Allow { .. } => {}
        Outcome::NotGoverned if !is_write => {
            findings.uncover("action that no policy governs", subject, at);
        }
        Outcome::Deny | Outcome::NotGoverned => {
            let (entries, detail) = refusal(scene, token, &judgement, [at]);
            findings.add(&POLICY_NONCOMPLIANT, subject, entries, detail);
        }
    }
}

/// Namespaces that an allowed operation reached, as Argo CD reported them.
fn observed<'a>(
    scene: &Scene<'a>,
    judge: &Judge<'_, 'a>,
    token: &Token<'a>,
    decision: &Decision<'a>,
    findings: &mut Findings,
) {
    let (at, subject) = (decision.statement.at, decision.subject());
    if scene.operations_of(decision).all(|operation| operation.payload.shown_counts().is_none()) {
        findings.uncover("resource namespaces unseen", subject, at);
    }
    let is_approved = approvals::is_approved(scene, decision);
    // Without namespaces it is the decision again, which was judged.
    let told = |operation: &&Operation<'_>| operation.payload.resource_counts().next().is_some();
    for operation in scene.operations_of(decision).filter(told) {
        let namespaces = operation.payload.resource_counts().filter_map(ResourceCount::namespace);
        let Some(judgement) = judge.decision_in(decision, namespaces, is_approved) else { continue };
        if !matches!(judgement.outcome, Outcome::Allow { .. }) {
            let doubt = scene.doubt(decision, operation);
            let (entries, detail) = refusal(scene, token, &judgement, [at, operation.at]);
            say(findings, &POLICY_NONCOMPLIANT, doubt, subject, &entries, detail);
        }
    }
}

fn of_calls(scene: &Scene<'_>, judge: &Judge<'_, '_>, findings: &mut Findings) {
    for call in &scene.calls {
        let Some((token, _)) = scene.token_of(call) else { continue };
        let (at, subject) = (call.statement.at, scene.subject_of_call(call));
        let named = call.statement.payload.binding().policy_hash();
        if named.is_some() && named != token.policy_hash {
            let detail = "the model call names another policy than its token runs under";
            findings.add(&POLICY_MISMATCH, &subject, [token.statement.at, at], detail);
        }
        match judge.call(token, call) {
            Some(judgement) if judgement.outcome == Outcome::Deny => {
                let (entries, detail) = refusal(scene, token, &judgement, [at]);
                findings.add(&POLICY_NONCOMPLIANT, &subject, entries, detail);
            }
            Some(judgement) if judgement.outcome == Outcome::NotGoverned => {
                findings.uncover("model call that no policy governs", &subject, at);
            }
            _ => {}
        }
    }
}

/// What a refusal rests on, beside the act at `at`, and in words.
fn refusal(
    scene: &Scene<'_>,
    token: &Token<'_>,
    judgement: &Judgement,
    at: impl IntoIterator<Item = LeafIndex>,
) -> (Vec<LeafIndex>, String) {
    let policy = token.policy.map(|at| scene.policies[at].0.at);
    let of = policy.map(|at| format!(" of the policy at entry {at}")).unwrap_or_default();
    let detail = format!("{} ({}{of}) [{}]", judgement.sentence, judgement.clause, judgement.reason.code());
    (policy.into_iter().chain(at).collect(), detail)
}
