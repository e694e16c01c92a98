//! What rests on the claims of a token whose issuers contradict each other is
//! left open, as if those issuances were not here.

use std::collections::BTreeMap;

use crate::artifact::json::Value;
use crate::audit::finding::Finding;
use crate::audit::missing::{Case, Missing, NotAtHand, Origin, What};
use crate::audit::replays::REPLAY_TOKEN_ISSUED_TWICE;
use crate::audit::roots::Roots;
use crate::audit::rule::{Effect, Place, Rest, Rule};
use crate::audit::scene::{Dispute, Withheld};
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

impl<'s, 'a> NotAtHand<'s, 'a> {
    /// A token whose issuances, one or the other, could undo the finding.
    pub(super) fn dispute(&self, rule: &Rule, finding: &Finding, case: &Case<'_, 'a>) -> Option<&'s Dispute<'a>> {
        if self.scene.disputes.is_empty() {
            return None;
        }
        let places = rule.rests_on.iter().copied().flatten().filter_map(|rest| match rest {
            // That these contradict any other token's issuance is not so.
            Rest::On("cst_issuance", Place::Contradicting) => None,
            Rest::On("cst_issuance", place) => Some(*place),
            _ => None,
        });
        let could = |dispute: &&'s Dispute<'a>| {
            let as_missing: Vec<_> = dispute.issuances.iter().map(missing).collect();
            places.clone().any(|place| as_missing.iter().any(|missing| self.fits(place, missing, case)))
        };
        self.concerning(finding, case).into_values().find(could)
    }

    /// Those that it speaks of: by the token's own hash, the grant, the run;
    /// and by the job, where no other token says that it is of that.
    fn concerning(&self, finding: &Finding, case: &Case<'_, 'a>) -> BTreeMap<&'a str, &'s Dispute<'a>> {
        let (disputes, subject) = (&self.scene.disputes, &finding.subject);
        let mut found: Vec<&'s Dispute<'a>> = Vec::new();
        for fact in finding.entries.iter().filter_map(|at| self.scene.fact(*at)) {
            let named = ["token_hash", "cst.token_hash"].into_iter().filter_map(|path| fact.text(path));
            let listed = fact.payload.at("metadata.pulselog.token_hashes").and_then(Value::as_array);
            let listed = listed.unwrap_or_default().iter().filter_map(Value::as_str);
            found.extend(named.chain(listed).filter_map(|token| disputes.of_token(token)));
            let grant = fact.text("binding.token_scope_hash_b64u");
            found.extend(grant.into_iter().flat_map(|grant| disputes.of_grant(grant)));
            let runs = ["run_id", "binding.run_id"].into_iter().filter_map(|path| fact.text(path));
            found.extend(runs.flat_map(|run| disputes.of_run(run)));
        }
        found.extend(subject.token.as_deref().and_then(|token| disputes.of_token(token)));
        found.extend(subject.run.iter().flat_map(|run| disputes.of_run(run)));
        match case.token {
            Some(token) => found.extend(disputes.of_grant(token.scope_hash)),
            None => found.extend(subject.job.iter().flat_map(|job| disputes.of_job(job))),
        }
        found.into_iter().map(|dispute| (dispute.token, dispute)).collect()
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
