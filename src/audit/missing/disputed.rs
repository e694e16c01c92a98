//! What rests on the claims of a token whose issuers say unlike things of what
//! it is for is left open, as if those issuances were not here: what was done
//! under it by its own hash, whose a job is that nothing else gives its agent,
//! and what it could be the renewal or the only grant of.

use crate::artifact::Kind;
use crate::audit::finding::{Finding, Subject};
use crate::audit::missing::{Case, Missing, NotAtHand, Origin, What};
use crate::audit::replays::REPLAY_TOKEN_ISSUED_TWICE;
use crate::audit::roots::Roots;
use crate::audit::rule::{Effect, Place, Rest, Rule};
use crate::audit::scene::{Dispute, Withheld};
use crate::audit::statement::Statement;
use crate::audit::tokens;
use crate::merkle::LeafIndex;

impl<'s, 'a> NotAtHand<'s, 'a> {
    /// A token whose issuances, one or the other, could undo the finding.
    pub(super) fn dispute(&self, rule: &Rule, finding: &Finding, case: &Case<'_, 'a>) -> Option<&'s Dispute<'a>> {
        if self.scene.disputes.is_settled() {
            return None;
        }
        let of_job = self.whose_job(&finding.subject);
        let named = of_job.or_else(|| self.named_by_act(rule, case).filter(|of| self.could(rule, case, of, false)));
        named.or_else(|| self.beside(case).into_iter().find(|of| self.could(rule, case, of, true)))
    }

    /// Whether an issuance could undo it: of the token itself, or of another.
    fn could(&self, rule: &Rule, case: &Case<'_, 'a>, dispute: &Dispute<'a>, is_another: bool) -> bool {
        let places = rule.rests_on.iter().copied().flatten().filter_map(|rest| match rest {
            // That these contradict any other token's issuance is not so.
            Rest::On(Kind::CstIssuance, Place::Contradicting | Place::Placing) => None,
            // No issuance of one token is an earlier one of another's.
            Rest::On(Kind::CstIssuance, Place::BeforeToken) if is_another && !case.is_call => None,
            Rest::On(Kind::CstIssuance, place) => Some(*place),
            Rest::On(..) | Rest::Roles | Rest::Order | Rest::Time | Rest::OwnWord => None,
        });
        let as_missing: Vec<_> = dispute.issuances.iter().map(missing).collect();
        let call = |place: Place| is_another && case.is_call && matches!(place, Place::BeforeToken);
        let fits = |place: Place| call(place) || as_missing.iter().any(|missing| self.fits(place, missing, case));
        places.into_iter().any(fits)
    }

    /// The token that the decision names by its hash. What is so by every
    /// account of it stands.
    fn named_by_act(&self, rule: &Rule, case: &Case<'_, 'a>) -> Option<&'s Dispute<'a>> {
        let named = case.decision.and_then(|decision| decision.token_hash);
        named.filter(|_| !tokens::is_by_every_account(rule)).and_then(|token| self.scene.disputes.unlike(token))
    }

    /// One that gives the job to an agent to whom no other token does.
    fn whose_job(&self, subject: &Subject) -> Option<&'s Dispute<'a>> {
        let job = subject.job.as_deref()?;
        let found = self.scene.disputes.of_job(job).next()?;
        let is_meant = |agent: Option<&str>| agent.is_some_and(|agent| subject.may_concern(Some(agent)));
        let is_its = |of: Option<&str>, agent: Option<&str>| of == Some(job) && is_meant(agent);
        let is_sure = self.scene.tokens.iter().any(|token| is_its(token.job, Some(token.agent)))
            || self.scene.disputes.of_job(job).any(|dispute| {
                let mut all = dispute.issuances.iter();
                all.all(|issued| is_its(issued.id("claims.mission_id"), issued.text("claims.sub")))
            });
        (!is_sure).then_some(found)
    }

    /// Those that may be a renewal in the run, or the grant of a model call
    /// that no other token of it covers.
    fn beside(&self, case: &Case<'_, 'a>) -> Vec<&'s Dispute<'a>> {
        let act = case.act.and_then(|act| self.scene.fact(LeafIndex::new(act))).filter(|_| case.is_call);
        let call = act.and_then(|act| self.scene.calls.iter().find(|call| call.statement.at == act.at));
        let is_covered = call.is_some_and(|call| {
            let is_issued = self.scene.tokens_of_grant(call).any(|token| token.statement.at < call.statement.at);
            is_issued && self.scene.called_in_life(call, call.signed_ms())
        });
        let grant = call.and_then(|call| call.scope_hash).or(case.token.map(|token| token.scope_hash));
        grant.filter(|_| !is_covered).into_iter().flat_map(|grant| self.scene.disputes.of_grant(grant)).collect()
    }

    /// Whether it may be another issuer's word against the issuance of the
    /// token that this is about: that one may stand anywhere.
    pub(super) fn may_contradict(&self, missing: &Missing<'a>, case: &Case<'_, 'a>) -> bool {
        let Some(token) = case.token else { return false };
        let own = token.statement.signer;
        match missing.what {
            What::Body(held) => held.signer != own,
            What::Unrooted => true,
            What::Gap => {
                let is_there = |from: LeafIndex| from.get() <= missing.last;
                let issues = |roots: &Roots<'_>| roots.issuers().any(|did| own.is_none_or(|own| own.as_str() != did));
                self.scene.roots.iter().any(|(from, roots)| is_there(*from) && issues(roots))
            }
        }
    }
}

/// An issuance that counts for as little as one that is not here.
fn missing<'a>(issuance: &Statement<'a>) -> Missing<'a> {
    let (at, kind) = (issuance.at, issuance.kind);
    let held = Withheld { at, kind, signer: issuance.signer, submitter: issuance.submitter, is_operators: false };
    Missing { first: at.get(), last: at.get(), what: What::Body(held), of: Origin::Body(at, kind) }
}

/// What is said in the place of an accusation.
pub(super) fn left_open(finding: &Finding, dispute: &Dispute<'_>) -> Finding {
    let entries = finding.entries.iter().copied().chain(dispute.entries());
    let detail = format!(
        "it rests on a token's claims, of which two issuers say unlike things, so it cannot be decided. Seen without \
         their word: {}, {}",
        finding.code, finding.detail
    );
    let open = Finding::new(&REPLAY_TOKEN_ISSUED_TWICE, &finding.subject, entries, detail);
    Finding { effect: Effect::Incomplete, ..open }
}
