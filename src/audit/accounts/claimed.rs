//! One operation and the decisions whose receipts say that it was theirs.
//!
//! ```text
//! it states the decision        that claim holds
//! it states another's           the claim is false: fails where that one claims it too, or nobody else can
//!                               write the application; else somebody may have put it in the wrapper's way
//! it states none, or is unseen  nothing tells whose it was: each claim is left open, and the job fails
//!                               whose both are
//! ```
//!
//! A wrapper that did not learn what came of its call may have found another's
//! operation: its claim fails nobody, and is left open where it contradicts.
//!
//! Operations alike in all that their key is over are told apart by the entries
//! of the history that they made: of as many operations as there are decisions
//! that are sure of theirs, each has its own.
//!
//! A claim speaks against another only where its signer could speak of that
//! decision: what another agent's wrapper claims takes nothing away.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::PayloadHash;
use crate::audit::accounts::CONTRADICTING_ACCOUNTS;
use crate::audit::accounts::within::unlike_ends;
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::observed::told_apart;
use crate::audit::rule::Severity;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Receipt};
use crate::merkle::LeafIndex;

/// One decision's receipt that says that the operation came of its call.
#[derive(Clone, Copy)]
struct Claim<'s, 'a> {
    decision: &'s Decision<'a>,
    receipt: &'s Receipt<'a>,
}

/// All claims, by the key of the operation.
pub(in crate::audit) struct Claims<'s, 'a>(BTreeMap<&'a str, Vec<Claim<'s, 'a>>>);

impl<'s, 'a> Claims<'s, 'a> {
    pub(in crate::audit) fn of(scene: &'s Scene<'a>) -> Self {
        let mut by_key: BTreeMap<&str, Vec<Claim<'_, '_>>> = BTreeMap::new();
        for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
            for receipt in scene.receipts_of(decision) {
                if let Some(key) = receipt.claims(decision) {
                    by_key.entry(key).or_default().push(Claim { decision, receipt });
                }
            }
        }
        Claims(by_key)
    }

    /// How many other decisions claim an operation of this key, where it states
    /// none, and are sure of it or not; by who could speak of this one too.
    pub(in crate::audit) fn beside(
        &self,
        scene: &Scene<'_>,
        key: &str,
        decision: &Decision<'_>,
        is_sure: bool,
    ) -> usize {
        if scene.reports_of(key).any(|report| report.stated().is_some()) {
            return 0;
        }
        let claims = self.0.get(key).into_iter().flatten().filter(|claim| claim.receipt.is_sure() || !is_sure);
        let others = claims.filter(|claim| claim.speaks_beside(scene, decision));
        others.map(|claim| *claim.decision.statement.hash).inserted::<BTreeSet<PayloadHash>>().len()
    }
}

impl Claim<'_, '_> {
    /// Whether it is of another decision, by who could speak of this one too.
    /// One payload that several signed is one decision.
    fn speaks_beside(&self, scene: &Scene<'_>, decision: &Decision<'_>) -> bool {
        self.decision.statement.hash != decision.statement.hash && scene.speaks_of(self.receipt, decision)
    }
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let Claims(by_key) = Claims::of(scene);
    for (key, claims) in &by_key {
        for claim in claims {
            of_claim(scene, key, claim, claims, findings);
        }
    }
}

fn of_claim(scene: &Scene<'_>, key: &str, claim: &Claim<'_, '_>, claims: &[Claim<'_, '_>], findings: &mut Findings) {
    let others: Vec<_> = claims.iter().filter(|other| other.speaks_beside(scene, claim.decision)).collect();
    let stating: Vec<_> = scene.reports_of(key).filter(|report| report.stated().is_some()).collect();
    if stating.iter().any(|report| report.stated().is_some_and(|hash| claim.decision.is_named(hash))) {
        return;
    }
    match stating.first() {
        Some(report) => stated(scene, claim, report, &others, findings),
        None if others.is_empty() || is_one_each(scene, key, claim, &others) => {}
        None => unstated(scene, key, claim, &others, findings),
    }
}

/// Whether there are as many operations of the key as decisions that are sure
/// of theirs.
fn is_one_each(scene: &Scene<'_>, key: &str, claim: &Claim<'_, '_>, others: &[&Claim<'_, '_>]) -> bool {
    let all = others.iter().copied().chain([claim]);
    let decisions: BTreeSet<PayloadHash> = all.clone().map(|claim| *claim.decision.statement.hash).inserted();
    let is_sure = all.clone().all(|claim| claim.receipt.is_sure());
    is_sure && decisions.len() <= told_apart(scene.reports_of(key)).operations.len()
}

/// The operation states another decision.
fn stated(
    scene: &Scene<'_>,
    claim: &Claim<'_, '_>,
    report: &Operation<'_>,
    others: &[&Claim<'_, '_>],
    findings: &mut Findings,
) {
    let is_its = |other: &&&Claim<'_, '_>| report.stated().is_some_and(|hash| other.decision.is_named(hash));
    let its = others.iter().find(is_its);
    let mut entries = BTreeSet::from([claim.decision.statement.at, claim.receipt.statement.at, report.at]);
    entries.extend(its.iter().flat_map(|other| [other.decision.statement.at, other.receipt.statement.at]));
    let detail = "the receipt says that this operation was the decision's, and the operation states another decision";
    let is_sure = |claim: &Claim<'_, '_>| claim.receipt.is_sure();
    if !is_sure(claim) {
        let detail = format!("{detail}; the wrapper did not learn what came of its call");
        findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, claim.decision.subject(), entries, detail);
    } else if its.is_some_and(|other| is_sure(other)) || scene.writes_are_closed(report) {
        findings.add(&CONTRADICTING_ACCOUNTS, claim.decision.subject(), entries, detail);
    } else {
        let detail = format!("{detail}; the roots do not say that writes to the instance are closed");
        findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, claim.decision.subject(), entries, detail);
    }
}

/// Nothing tells whose operation it was. One run claims it twice, or one job,
/// and was sure both times: then that one fails, whichever claim is the false
/// one.
fn unstated(scene: &Scene<'_>, key: &str, claim: &Claim<'_, '_>, others: &[&Claim<'_, '_>], findings: &mut Findings) {
    let subject = claim.decision.subject();
    let entries: BTreeSet<LeafIndex> = [claim]
        .into_iter()
        .chain(others.iter().copied())
        .flat_map(|claim| [claim.decision.statement.at, claim.receipt.statement.at])
        .chain(scene.reports_of(key).map(|report| report.at))
        .inserted();
    let detail = format!("receipts of {} decisions say that one operation was theirs", others.len() + 1);
    // Of alike operations, one that failed makes no entry of the history.
    let may_be_two = unlike_ends(scene.reports_of(key)).is_some();
    let is_sure = |claim: &Claim<'_, '_>| claim.receipt.is_sure() && !may_be_two;
    let sure: Vec<_> = others.iter().filter(|other| is_sure(other) && is_sure(claim)).collect();
    let is_of = |is_same: &dyn Fn(&Subject) -> bool| sure.iter().any(|other| is_same(&other.decision.charged));
    if is_of(&|other| (&other.job, &other.agent, &other.run) == (&subject.job, &subject.agent, &subject.run)) {
        findings.add(&CONTRADICTING_ACCOUNTS, subject, entries, detail);
        return;
    }
    if subject.job.is_some() && is_of(&|other| other.job == subject.job) {
        let of_both = [claim].into_iter().chain(sure.iter().copied().copied());
        let of_both = of_both.map(|claim| &claim.decision.charged).filter(|charged| charged.job == subject.job);
        let concerns = of_both.flat_map(|charged| charged.agent.iter().chain(&charged.concerns)).cloned().inserted();
        let of_job = Subject { job: subject.job.clone(), concerns, ..Subject::default() };
        findings.add(&CONTRADICTING_ACCOUNTS, &of_job, entries.iter().copied(), detail.clone());
    }
    findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, subject, entries, detail);
}
