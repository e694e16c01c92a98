//! Rules about jobs and tokens: one job everywhere, one grant, one agent, and
//! every action inside the token's life by position (JUDGING 6.3).

mod begun;

use std::collections::BTreeMap;

use crate::artifact::Kind;
use crate::audit::SKEW_MS;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{
    CALL, CHAIN, Effect, JOINED, NOTHING, Place, RENEWAL, RUN, Rest, Rule, Severity, TOKEN, WORD,
};
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call, Decision, Token};
use crate::merkle::LeafIndex;

pub(super) static TOKEN_UNKNOWN: Rule = Rule {
    code: "TOKEN_UNKNOWN",
    title: "Action under a token that was not issued before",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Rights begin when a token is issued: an issuer whom the roots name must have logged that before the action.",
    what_to_do: "Ask the issuer whether it issued this token, and when it was logged.",
    does_not_prove: "That the token itself was forged.",
    rests_on: &[WORD, CALL, &[Rest::On(Kind::CstIssuance, Place::BeforeAct)]],
};

pub(super) static TOKEN_REVOKED: Rule = Rule {
    code: "TOKEN_REVOKED",
    title: "Action after the token was revoked",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Somebody whom the roots allow to revoke ended this token before the action, or one that it renews or is renewed by. Where no decision or bundle of the run names the revoked one, it may have been meant for another run: that leaves the verdict incomplete instead (medium). So does a revocation by somebody whom the operator trusts no more.",
    what_to_do: "Treat the action as unauthorised; find out why the wrapper or gateway still served the token.",
    does_not_prove: "That the agent knew of the revocation.",
    rests_on: &[WORD, TOKEN, CALL, JOINED, RENEWAL, CHAIN],
};

static TOKEN_EXPIRED: Rule = Rule {
    code: "TOKEN_EXPIRED",
    title: "Action after the token expired",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The action was logged at or after the end that the token itself states.",
    what_to_do: "Treat the action as unauthorised; issue a new token for new work.",
    does_not_prove: "That the clocks of issuer and log agree better than the stated tolerance.",
    rests_on: &[
        WORD,
        &[Rest::Time],
        TOKEN,
        CALL,
        RENEWAL,
        &[Rest::On(Kind::CstRevocation, Place::OfCall(&Place::BeforeAct))],
    ],
};

static TOKEN_NOT_YET_VALID: Rule = Rule {
    code: "TOKEN_NOT_YET_VALID",
    title: "Action before the token's own beginning",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The token says that it was issued later than the action was logged.",
    what_to_do: "Check the issuer's clock.",
    does_not_prove: "Which of the two clocks is wrong.",
    rests_on: &[WORD, TOKEN],
};

pub(super) static LATE_EVIDENCE: Rule = Rule {
    code: "LATE_EVIDENCE",
    title: "Evidence that does not place the action in time",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "It was logged after the window in which it could show when the action happened, or before the issuance of the renewal that lived then, or the time that its signer gives lies outside the token's life.",
    what_to_do: "Compare with what Argo CD or the gateway kept; submit evidence when it is made, and check the signer's clock.",
    does_not_prove: "That the action happened outside the token's life.",
    rests_on: NOTHING,
};

static TOKEN_REUSED: Rule = Rule {
    code: "TOKEN_REUSED",
    title: "Two tokens in one run, or one token in two runs",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A token is issued for one run; in another it is a replay. A renewal is no second token: it is for the same agent, job, policy and rights, and was issued after the last one and before that ended; at most 64 in a run.",
    what_to_do: "Issue tokens for one run each, renew them before they end, and look at what the other run did.",
    does_not_prove: "Which of the two uses was meant.",
    rests_on: &[
        WORD,
        TOKEN,
        &[Rest::On(Kind::ArgocdDecision, Place::Anywhere), Rest::On(Kind::ProofBundle, Place::OfUndecidedRun)],
        &[Rest::On(Kind::CstIssuance, Place::Anywhere)],
    ],
};

pub(super) static REPLAY_JOB_MISMATCH: Rule = Rule {
    code: "REPLAY_JOB_MISMATCH",
    title: "Another job than the token's",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A token is bound to one job, and everything done under it names that job.",
    what_to_do: "Find out which job the action was for; treat it as a replay until then.",
    does_not_prove: "Which of the jobs is the right one.",
    rests_on: &[WORD, TOKEN, RUN],
};

static SCOPE_HASH_MISMATCH: Rule = Rule {
    code: "TOKEN_CONTROL_SCOPE_HASH_MISMATCH",
    title: "Another grant than the token's",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The action names other rights than the token's: the hash of what the token grants (its scope hash) is another.",
    what_to_do: "Compare the claims of the issuance with the grant that was used.",
    does_not_prove: "That the other grant does not exist.",
    rests_on: &[WORD, TOKEN, CALL],
};

static SUBJECT_MISMATCH: Rule = Rule {
    code: "TOKEN_CONTROL_SUBJECT_MISMATCH",
    title: "Another agent than the token's subject",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A token is bound to one agent, and somebody else claims to have run under it.",
    what_to_do: "Treat the claim as copied evidence until its signer has explained it.",
    does_not_prove: "Anything against the token's own agent.",
    rests_on: &[WORD, &[Rest::On(Kind::CstIssuance, Place::Anywhere)], RUN],
};

static RUN_WITHOUT_TOKEN: Rule = Rule {
    code: "RUN_WITHOUT_TOKEN",
    title: "No token is known for the run",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "No decision and no single token of the bundle says which rights the run had, so nothing was held against any.",
    what_to_do: "Have the runtime name the run's token in metadata.pulselog.token_hashes.",
    does_not_prove: "That the run had no rights.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[
    &TOKEN_UNKNOWN,
    &TOKEN_REVOKED,
    &TOKEN_EXPIRED,
    &TOKEN_NOT_YET_VALID,
    &LATE_EVIDENCE,
    &TOKEN_REUSED,
    &REPLAY_JOB_MISMATCH,
    &SCOPE_HASH_MISMATCH,
    &SUBJECT_MISMATCH,
    &RUN_WITHOUT_TOKEN,
];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        match decision.token {
            Some(at) => of_decision(scene, decision, &scene.tokens[at], findings),
            None => unissued(scene, decision, findings),
        }
    }
    for call in &scene.calls {
        of_call(scene, call, findings);
    }
    reuse(scene, findings);
    begun::check(scene, findings);
    of_bundles(scene, findings);
}

fn unissued(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let at = decision.statement.at;
    let later = decision.token_hash.and_then(|hash| scene.token(hash)).map(|token| scene.tokens[token].statement.at);
    let earlier =
        decision.token_hash.and_then(|hash| scene.set_aside_below(at, |issuance| issuance.token_hash() == Some(hash)));
    let detail = match (later, earlier) {
        (Some(issued), Some(earlier)) => format!(
            "the named token was issued at entry {earlier} by a signer whom the operator distrusts, and by one who is \
             trusted only at entry {issued}, after this decision"
        ),
        (Some(issued), None) => format!("the named token was issued at entry {issued}, after this decision"),
        (None, _) => "nobody with the role issued the named token".to_owned(),
    };
    findings.add(&TOKEN_UNKNOWN, decision.subject(), earlier.into_iter().chain(later).chain([at]), detail);
}

fn of_decision<'a>(scene: &Scene<'a>, decision: &Decision<'a>, token: &Token<'a>, findings: &mut Findings) {
    let (at, ms) = (decision.statement.at, decision.statement.ms());
    let (subject, issued) = (decision.subject(), token.statement.at);
    if let Some((revoked, _)) = token.revoked.filter(|(revoked, _)| *revoked < at) {
        findings.add(&TOKEN_REVOKED, subject, [issued, revoked, at], "decided after the token was revoked");
    } else if let Some(revoked) = doubt(scene, decision, token) {
        let detail = "a token that may renew this one, or be renewed by it, was revoked before the decision";
        let entries = [issued, revoked, at];
        findings.leave_open(&TOKEN_REVOKED, Severity::Medium, subject, entries, detail);
    }
    if ms >= token.expires_ms {
        findings.add(&TOKEN_EXPIRED, subject, [issued, at], "decided after the token expired");
    }
    if token.issued_ms > ms.saturating_add(SKEW_MS) {
        findings.add(&TOKEN_NOT_YET_VALID, subject, [issued, at], "decided before the token's iat");
    }
    if decision.statement.payload.scope_hash() != Some(token.scope_hash) {
        findings.add(&SCOPE_HASH_MISMATCH, subject, [issued, at], "the decision names another grant than its token's");
    }
    for (job, other) in token.job.into_iter().flat_map(|job| decision.named_jobs().map(move |other| (job, other))) {
        if other == job {
            continue;
        }
        let detail = format!("the token is for job {job}, the decision says {other}");
        for subject in scene.charged_too(decision, other).into_iter().chain([Subject::clone(subject)]) {
            findings.add(&REPLAY_JOB_MISMATCH, &subject, [issued, at], detail.clone());
        }
    }
}

/// A revocation before the decision that may have ended its run's rights.
fn doubt(scene: &Scene<'_>, decision: &Decision<'_>, token: &Token<'_>) -> Option<LeafIndex> {
    scene.run_tokens.get(&(token.agent, decision.run?))?.doubt(token, decision.statement.at)
}

fn of_call(scene: &Scene<'_>, call: &Call<'_>, findings: &mut Findings) {
    let at = call.statement.at;
    let subject = scene.subject_of_call(call);
    if call.scope_hash.is_none() {
        findings.uncover("model call names no grant", &subject, at);
    }
    if scene.is_unissued(call) {
        let later = call.grant.map(|grant| scene.tokens[grant].statement.at);
        let earlier = scene.distrusted_grant(call);
        findings.add(&TOKEN_UNKNOWN, &subject, earlier.into_iter().chain(later).chain([at]), scene.unfit_grant(call));
    }
    let Some((token, of_run)) = scene.token_of(call) else { return };
    if !of_run {
        findings.uncover("model call judged by its grant: its run's token is not known", &subject, at);
    }
    let elsewhere = scene.run_elsewhere(call);
    let of_run = elsewhere.unwrap_or(token);
    if call.scope_hash != Some(of_run.scope_hash) {
        let detail = match elsewhere {
            Some(_) => "the call names a run whose token is of another job",
            None => "the call names another grant than its run's token",
        };
        findings.add(&SCOPE_HASH_MISMATCH, &subject, [of_run.statement.at, at], detail);
    }
    // What the gateway signed as its time; only it tells late evidence from a
    // late call.
    let called = call.signed_ms();
    let beyond = |end: i64| called > end.saturating_add(SKEW_MS);
    let revoked = scene.chain_of_call(call).map_or(token.revoked, |chain| chain.revocation(token));
    let revoked = revoked.filter(|(revoked, _)| *revoked < at);
    let revoked = revoked.map(|(by, end)| (end, &TOKEN_REVOKED, Some(by), "model call logged after the revocation"));
    let expired = (call.statement.ms() >= token.expires_ms).then_some(token.expires_ms);
    let expired = expired.map(|end| (end, &TOKEN_EXPIRED, None, "model call logged after the token expired"));
    // Whichever ended it first: a revocation gives an expired token no more time.
    if let Some((end, rule, by, detail)) = [revoked, expired].into_iter().flatten().min_by_key(|(end, ..)| *end) {
        let renewed = scene.chain_of_call(call).and_then(|chain| chain.issued_late(&scene.tokens, at, called));
        let (rule, detail) = match renewed {
            Some(_) => {
                (&LATE_EVIDENCE, "model call logged before the issuance of the token that lived when it was made")
            }
            None if beyond(end) => (rule, detail),
            None => (&LATE_EVIDENCE, detail),
        };
        findings.add(rule, &subject, [token.statement.at, at].into_iter().chain(by).chain(renewed), detail);
    } else if !scene.called_in_life(call, called) {
        let detail = "the time that the gateway signed lies outside the token's life";
        findings.add(&LATE_EVIDENCE, &subject, [token.statement.at, at], detail);
    }
}

/// A second token in one run, or one token in two runs.
fn reuse(scene: &Scene<'_>, findings: &mut Findings) {
    let mut run_of: BTreeMap<usize, (&str, LeafIndex)> = BTreeMap::new();
    let mut first_at: BTreeMap<(&str, &str), LeafIndex> = BTreeMap::new();
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (Some(token), Some(agent), Some(run)) = (decision.token, decision.agent, decision.run) else { continue };
        let at = decision.statement.at;
        let first = *first_at.entry((agent, run)).or_insert(at);
        if !scene.run_tokens.get(&(agent, run)).is_some_and(|chain| chain.named.contains(&token)) {
            findings.add(&TOKEN_REUSED, decision.subject(), [first, at], "a second token in one run");
        }
        let (earlier, since) = *run_of.entry(token).or_insert((run, at));
        if earlier != run {
            let detail = format!("the token was used in run {earlier} before");
            findings.add(&TOKEN_REUSED, decision.subject(), [since, at], detail);
        }
    }
    // Runs without decisions have the tokens that their bundle names.
    for bundle in &scene.bundles {
        let Some(run) = bundle.run else { continue };
        let Some(chain) = scene.run_tokens.get(&(bundle.agent, run)) else { continue };
        let at = bundle.statement.at;
        for token in &chain.named {
            let (other, since) = *run_of.entry(*token).or_insert((run, at));
            if other != run && !first_at.contains_key(&(bundle.agent, run)) {
                let detail = format!("the token is that of run {other}");
                findings.add(&TOKEN_REUSED, &bundle.subject(), [since, at], detail);
            }
        }
    }
}

fn of_bundles(scene: &Scene<'_>, findings: &mut Findings) {
    for bundle in &scene.bundles {
        let at = bundle.statement.at;
        let of_run = bundle.run.and_then(|run| scene.run_tokens.get(&(bundle.agent, run)));
        for listed in &bundle.token_hashes {
            let Some(known) = scene.token(listed) else {
                let detail = "the bundle names a token that nobody with the role issued";
                findings.add(&TOKEN_UNKNOWN, &bundle.subject(), [at], detail);
                continue;
            };
            let token = &scene.tokens[known];
            if token.agent != bundle.agent {
                let entries = [token.statement.at, at];
                findings.add(&SUBJECT_MISMATCH, &bundle.subject(), entries, "the bundle names somebody else's token");
            } else if of_run.is_some_and(|chain| !chain.holds(known)) {
                findings.add(&TOKEN_REUSED, &bundle.subject(), [token.statement.at, at], "a second token in one run");
            }
        }
        let is_own = |hash: &&str| scene.token(hash).is_some_and(|at| scene.tokens[at].agent == bundle.agent);
        if let Some(run) = bundle.run.filter(|_| of_run.is_none()) {
            without_token(scene, bundle, run, bundle.token_hashes.iter().all(is_own), findings);
        }
        let stated = bundle.statement.payload.pulselog().job();
        let of_token = bundle.job.filter(|_| of_run.is_some() || bundle.run.is_none());
        if let Some(job) = of_token.filter(|job| stated != Some(*job)) {
            let stated = stated.unwrap_or("nothing");
            let detail = format!("the run's token is for job {job}, the bundle says {stated}");
            findings.add(&REPLAY_JOB_MISMATCH, &bundle.subject(), [at], detail);
        }
    }
}

/// Leaves every job open that the run may be of. Where the bundle lists what
/// is not its agent's, that says so to the first of them.
fn without_token(scene: &Scene<'_>, bundle: &Bundle<'_>, run: &str, lists_own: bool, findings: &mut Findings) {
    let detail = match bundle.token_hashes.len() {
        0 => "the bundle names no token, and no decision tells of the run",
        _ => "the bundle names several tokens, and no decision tells of the run",
    };
    if lists_own {
        findings.add(&RUN_WITHOUT_TOKEN, &bundle.subject(), [bundle.statement.at], detail);
    }
    for job in scene.jobs_of_run(bundle.agent, run).into_iter().skip(1) {
        let subject = Subject { job: Some(job.to_owned()), ..bundle.subject() };
        findings.add(&RUN_WITHOUT_TOKEN, &subject, [bundle.statement.at], detail);
    }
}
