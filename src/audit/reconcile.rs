//! Operations that Argo CD reports and that join nothing: whose they are, and
//! whether a decision may explain them all the same (JUDGING 6.16).
//!
//! ```text
//! by an agent's user   a decision of its agent in time and alike in all  probable, or ambiguous
//!                      none                                              UNREPORTED_ACTION
//! by somebody else     listed, or Argo CD itself                         coverage
//!                      not listed                                        UNKNOWN_INITIATOR where the roots list all
//! ```
//!
//! An operation names no job, so what it shows is its agent's, its
//! application's and the log's; jobs whose tokens lived then are left open.

mod changes;
mod denials;
mod explaining;
mod freezes;
mod gaps;
mod histories;
mod jobs;
mod phantom;
mod reach;
mod sighting;
mod unread;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::Kind;
use crate::audit::finding::{Findings, Subject};
use crate::audit::observed::say;
use crate::audit::roots::Roots;
use crate::audit::rule::{Effect, NOTHING, Place, Rest, Rule, Severity, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::app_name;
use crate::audit::windows::NAMED_MAX;
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

use self::denials::UNLOGGED_ATTEMPT;
use self::explaining::{Candidates, Explaining};
use self::freezes::CONTROL_REVERTED;
use self::gaps::COVERAGE_GAP;
use self::jobs::Jobs;
use self::phantom::PHANTOM_ACTION;
use self::sighting::{Sighting, Who};
use self::unread::SERVER_LOG_GAP;

pub(super) use self::denials::actions_of;
pub(super) use self::histories::is_of_history;

/// What would explain an operation, or say whose it is.
const EXPLAINED: &[Rest] = &[
    Rest::On(Kind::ArgocdDecision, Place::Explaining),
    Rest::On(Kind::ArgocdReceipt, Place::Explaining),
    Rest::On(Kind::ArgocdObservation, Place::Anywhere),
    Rest::On(Kind::CstIssuance, Place::Anywhere),
    Rest::On(Kind::AuditRoots, Place::Anywhere),
];

static UNREPORTED_ACTION: Rule = Rule {
    code: "UNREPORTED_ACTION",
    title: "Argo CD shows an operation by the agent that nobody decided",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The user who started it is the agent's on that instance, and no decision of this log explains it: none \
                that it states, none whose receipt names it, and none of its agent's in its time that is alike in \
                application, action, parameters and revisions and has no operation of its own. The audit is \
                incomplete, and the severity high, where the roots do not say that writes to the instance are closed: \
                then the name is what anybody who can write the Application says. It is charged to agent and \
                application; an operation names no job, so each job of the agent's that had a token which lived \
                then is left open beside it, and says so. None fails by it, not even where no other job of the agent's \
                lived then: what an agent holds of Argo CD outlives its jobs and serves beside them, clocks lie apart, \
                and a token of the job that it was for may be logged later.",
    what_to_do: "Ask who holds the agent's Argo CD token; revoke it; look for a way round the wrapper, and for writes to \
                 the Application resource itself.",
    does_not_prove: "That the agent meant harm, or which of its jobs it was for.",
    rests_on: &[WORD, EXPLAINED],
};

static AMBIGUOUS_MATCH: Rule = Rule {
    code: "AMBIGUOUS_MATCH",
    title: "Several decisions may explain the operation",
    severity: Severity::Low,
    effect: Effect::Shown,
    rationale: "Nothing that it states or that a receipt names ties it to a decision; several of its agent's in its time \
                are alike, or one is alike to several such operations. None is picked.",
    what_to_do: "Let the wrapper write `claw.decision` into the request's infos, and log the operation's key in its \
                 receipts.",
    does_not_prove: "That any of them is not as decided.",
    rests_on: NOTHING,
};

static UNKNOWN_INITIATOR: Rule = Rule {
    code: "UNKNOWN_INITIATOR",
    title: "An operation by a user whom nobody lists",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The roots say that they list every person of this instance, and the user who started the operation is \
                neither a person nor an agent there, by the roots in force at the report and by the newest. Without \
                that word of the roots it is coverage: single sign-on, pipelines and other controllers are no agents.",
    what_to_do: "Find out whose account it is; list it in the roots, or close it.",
    does_not_prove: "That an agent is behind it.",
    rests_on: &[WORD, EXPLAINED],
};

static IDENTITY_SHARED: Rule = Rule {
    code: "IDENTITY_SHARED",
    title: "An operation under a username that two have",
    severity: Severity::High,
    effect: Effect::Shown,
    rationale: "The roots give the username that started it to two agents, or to an agent and a person, and nothing ties \
                the operation to a decision. It may be either's, and accuses neither.",
    what_to_do: "Give each agent a project role or an account of its own.",
    does_not_prove: "Which of them it was.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[
    &UNREPORTED_ACTION,
    &AMBIGUOUS_MATCH,
    &UNKNOWN_INITIATOR,
    &UNLOGGED_ATTEMPT,
    &SERVER_LOG_GAP,
    &PHANTOM_ACTION,
    &CONTROL_REVERTED,
    &COVERAGE_GAP,
    &IDENTITY_SHARED,
];

/// Whether a finding says that nothing explains what was done, neither what it
/// names nor a decision that is only alike to it, which no link leads to.
pub(super) fn rests_on_the_unlinked(rule: &Rule) -> bool {
    [UNREPORTED_ACTION.code, UNLOGGED_ATTEMPT.code].contains(&rule.code)
}

/// Whether a finding rests on looks at an application, or on what was seen of it
/// besides operations: no link joins these with what was decided.
#[must_use]
pub fn rests_on_an_application(rule: &Rule) -> bool {
    [PHANTOM_ACTION.code, CONTROL_REVERTED.code].contains(&rule.code)
}

/// Whether a finding says that nobody looked.
pub(super) fn rests_on_silence(rule: &Rule) -> bool {
    [COVERAGE_GAP.code, SERVER_LOG_GAP.code].contains(&rule.code)
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    unjoined(scene, findings);
    operations(scene, findings);
    denials::check(scene, findings);
    unread::check(scene, findings);
    phantom::check(scene, findings);
    changes::check(scene, findings);
    freezes::check(scene, findings);
    gaps::check(scene, findings);
    reach::check(scene, findings);
}

/// What states a decision and is not its: said at the decision's job.
fn unjoined(scene: &Scene<'_>, findings: &mut Findings) {
    for (operation, _) in scene.operations.iter().filter(|(_, joined)| joined.is_empty()) {
        let named = operation.stated().map(|hash| scene.decisions_named(hash));
        for decision in named.into_iter().flatten() {
            findings.uncover("operation names the decision and joins nothing", decision.subject(), operation.at);
        }
    }
}

/// Roots in force when whatever led to what is known at a time could have been
/// logged (JUDGING 3.3).
fn in_time_for_word<'r, 'a>(scene: &'r Scene<'a>, ms: i64) -> Option<&'r Roots<'a>> {
    scene.roots_by(ms.saturating_sub(RECEIPT_MS).saturating_sub(SKEW_MS))
}

fn operations(scene: &Scene<'_>, findings: &mut Findings) {
    let mut by_app: BTreeMap<_, Vec<Sighting<'_, '_>>> = BTreeMap::new();
    let mut jobs = Jobs::of(scene, findings);
    for sighting in Sighting::all(scene) {
        jobs.see(&sighting);
        let at = sighting.first.at;
        match sighting.who {
            Who::Agents if sighting.is_from_before(scene) => {
                let what = "operation from before the roots named its user";
                findings.uncover(what, &about(&sighting), at);
            }
            Who::Agents => {
                shared(&sighting, findings);
                by_app.entry(sighting.app()).or_default().push(sighting);
            }
            Who::Unknown if sighting.is_known_to_be_unknown(scene) => {
                let detail = "the roots list every person of the instance, and not this user";
                findings.add(&UNKNOWN_INITIATOR, &about(&sighting), [at], detail);
            }
            Who::Unknown => findings.uncover("operation by a user whom the roots do not list", &about(&sighting), at),
            Who::Person => findings.uncover("operation by a person", &about(&sighting), at),
            Who::ArgoCd => findings.uncover("operation that Argo CD started by itself", &about(&sighting), at),
            Who::Nobody => findings.uncover("operation that names no user", &about(&sighting), at),
        }
    }
    jobs.tell(findings);
    if by_app.is_empty() {
        return;
    }
    let explaining = Explaining::of(scene);
    for sightings in by_app.values_mut() {
        sightings.sort_by_key(|sighting| (sighting.started, sighting.first.at));
        of_app(scene, sightings, &explaining, findings);
    }
}

fn shared(sighting: &Sighting<'_, '_>, findings: &mut Findings) {
    for agent in sighting.agents.iter().filter(|_| sighting.is_shared()) {
        let detail = "the roots give this agent's username to somebody else too";
        findings.add(&IDENTITY_SHARED, &charged(sighting, Some(agent)), [sighting.first.at], detail);
    }
}

/// Operations of one application by agents' users.
fn of_app(scene: &Scene<'_>, sightings: &[Sighting<'_, '_>], explaining: &Explaining<'_, '_>, findings: &mut Findings) {
    let candidates: Vec<Candidates> = sightings.iter().map(|sighting| explaining.candidates(sighting)).collect();
    let mut claimed: BTreeMap<usize, usize> = BTreeMap::new();
    candidates.iter().flat_map(|of| &of.free).for_each(|decision| *claimed.entry(*decision).or_default() += 1);
    let mut alike: BTreeMap<&[usize], usize> = BTreeMap::new();
    let sure = sightings.iter().zip(&candidates).filter(|(sighting, _)| !sighting.is_maybe_anothers);
    sure.clone().for_each(|(_, of)| *alike.entry(&of.free).or_default() += 1);
    // What may be another's takes what the others leave.
    let maybe = sightings.iter().zip(&candidates).filter(|(sighting, _)| sighting.is_maybe_anothers);
    let mut taken = BTreeSet::new();
    for (sighting, of) in sure.chain(maybe) {
        // More than there are decisions: whichever of them, one is explained by none.
        let is_surplus = of.is_sure() && alike.get(of.free.as_slice()).is_some_and(|count| *count > of.free.len());
        // The one that ends first leaves the others to who comes later.
        let own = of.free.iter().find(|decision| !taken.contains(*decision));
        let is_alone = of.free.len() == 1 && own.is_some_and(|own| claimed.get(own) == Some(&1));
        match own {
            Some(own) if is_alone => {
                taken.insert(*own);
                let what = "operation explained by a decision alike in its time, and by nothing that names it";
                findings.uncover(what, &charged(sighting, sighting.agents.first()), sighting.first.at);
            }
            Some(own) => {
                taken.insert(*own);
                ambiguous(scene, sighting, of, findings);
            }
            None => unexplained(scene, sighting, of, is_surplus, findings),
        }
    }
}

fn ambiguous(scene: &Scene<'_>, sighting: &Sighting<'_, '_>, of: &Candidates, findings: &mut Findings) {
    let decisions = of.free.iter().take(NAMED_MAX).map(|decision| scene.decisions[*decision].statement.at);
    let entries: Vec<LeafIndex> = decisions.chain([sighting.first.at]).collect();
    let detail = "decisions and operations of this application and time are alike: none is picked";
    findings.add(&AMBIGUOUS_MATCH, &charged(sighting, sighting.agents.first()), entries, detail);
}

fn unexplained(
    scene: &Scene<'_>,
    sighting: &Sighting<'_, '_>,
    of: &Candidates,
    is_surplus: bool,
    findings: &mut Findings,
) {
    let surplus = of.free.iter().take(NAMED_MAX).map(|decision| scene.decisions[*decision].statement.at);
    let entries: Vec<LeafIndex> = surplus.chain([sighting.first.at]).collect();
    let action = sighting.first.payload.action().unwrap_or("operation");
    let mut detail = format!("no decision explains this {action} by the agent's user");
    let surplus = is_surplus.then_some("those alike in its time are fewer than such operations");
    let surplus = surplus.filter(|_| !of.free.is_empty());
    for more in [surplus, of.used_words(), sighting.bypass_words(scene)].into_iter().flatten() {
        detail.push_str("; ");
        detail.push_str(more);
    }
    let why = of.why_open().filter(|_| !is_surplus).or_else(|| sighting.why_open(scene));
    for agent in &sighting.agents {
        let subject = charged(sighting, Some(agent));
        match sighting.settled_ms() {
            Some(until) if scene.now_ms() <= until => {
                findings.wait(&UNREPORTED_ACTION, &subject, sighting.first.at, until);
            }
            _ => say(findings, &UNREPORTED_ACTION, why, &subject, &entries, detail.clone()),
        }
    }
}

/// An operation names no job: beside who reported it, its agent's jobs are left out.
fn charged(sighting: &Sighting<'_, '_>, agent: Option<&&str>) -> Subject {
    Subject {
        agent: agent.map(|agent| (*agent).to_owned()),
        submitter: Some(sighting.first.submitter().to_owned()),
        ..about(sighting)
    }
}

fn about(sighting: &Sighting<'_, '_>) -> Subject {
    let says = sighting.first.payload;
    Subject { app: app_name(says.instance(), says.app()), ..Subject::default() }
}
