//! What is not at hand, and the findings that rest on it.
//!
//! What is missing is never evidence of guilt. A finding that accuses stays an
//! accusation only while nothing that is missing could undo it: no statement of
//! a missing entry's kind, by its signer, at its place, whatever it said. Each
//! rule says in its own row what that would take ([`Rule::rests_on`]); here it
//! is held against what is known of the missing: kind, signer and submitter,
//! place. Of entries that are missing altogether nothing is known but the place.

mod case;

use crate::artifact::{ArgocdReceipt, CstRevocation, Did, Kind, Voice};
use crate::audit::approvals;
use crate::audit::bundles;
use crate::audit::finding::{Finding, Subject};
use crate::audit::missing::case::Case;
use crate::audit::policies::Judge;
use crate::audit::roots::Roots;
use crate::audit::rule::{Effect, Place, Rest, Rule};
use crate::audit::scene::{Scene, Withheld};
use crate::audit::timeline::Timeline;
use crate::audit::undecided::NotHere;
use crate::merkle::{LeafIndex, TreeSize};

/// Something that is not at hand: one entry without its body, or a stretch of
/// the log of which nothing is.
#[derive(Clone, Copy, Debug)]
struct Missing<'a> {
    first: u64,
    last: u64,
    what: What<'a>,
    /// What it is that is missing: the entries themselves, or the body of one.
    of: Origin,
}

/// What has to be brought for something missing.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Body(LeafIndex, Kind),
    Entries(LeafIndex, LeafIndex),
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Body(Withheld<'a>),
    /// No entry is known here.
    Gap,
    /// Entries are here, but roots are not that may have given anybody a role.
    Unrooted,
}

/// Everything that is not at hand of a prefix.
pub(super) struct NotAtHand<'s, 'a> {
    scene: &'s Scene<'a>,
    judge: Judge<'s, 'a>,
    missing: Vec<Missing<'a>>,
    gaps: &'s Gaps<'s>,
}

/// What of a log is not here at all.
#[derive(Debug, Default)]
pub(super) struct Gaps<'t> {
    /// First and last index of each stretch.
    pub stretches: Vec<(u64, u64)>,
    /// The job of which they hold nothing, as the operator attests.
    pub attested: Option<&'t str>,
}

impl Gaps<'_> {
    /// What `timeline` holds nothing of below `size`.
    pub(super) fn of(timeline: &Timeline, size: TreeSize) -> Gaps<'static> {
        let (mut stretches, mut next) = (Vec::new(), 0);
        for at in timeline.prefix(size).map(|(at, _)| at.get()).chain([size.get()]) {
            if next < at {
                stretches.push((next, at - 1));
            }
            next = at + 1;
        }
        Gaps { stretches, attested: None }
    }

    /// Whether something that is charged to `subject` could rest on them. What
    /// is charged to nobody moves no verdict but the log's.
    fn concern(&self, scene: &Scene<'_>, subject: &Subject) -> bool {
        let of_job = |job| *subject == Subject::default() || scene.is_of_job(subject, job);
        !self.attested.is_some_and(of_job)
    }
}

impl<'s, 'a> NotAtHand<'s, 'a> {
    /// `None` when all is there.
    pub(super) fn of(scene: &'s Scene<'a>, size: TreeSize, gaps: &'s Gaps<'s>) -> Option<Self> {
        let bodies = scene.withheld.iter().map(|held| {
            let (at, of) = (held.at.get(), Origin::Body(held.at, held.kind));
            Missing { first: at, last: at, what: What::Body(*held), of }
        });
        let stretches = gaps.stretches.iter().map(|(first, last)| {
            let of = Origin::Entries(LeafIndex::new(*first), LeafIndex::new(*last));
            Missing { first: *first, last: *last, what: What::Gap, of }
        });
        let mut missing: Vec<_> = bodies.chain(stretches).collect();
        let end = size.get().saturating_sub(1);
        let unrooted: Vec<_> = missing
            .iter()
            .filter(|missing| missing.may_be_roots())
            .map(|missing| {
                let next = scene.roots.iter().map(|(at, _)| at.get()).find(|at| *at > missing.last);
                let last = next.map_or(end, |next| next.min(end));
                Missing { first: missing.first + 1, last, what: What::Unrooted, of: missing.of }
            })
            .filter(|missing| missing.first <= missing.last)
            .collect();
        missing.extend(unrooted);
        (!missing.is_empty()).then(|| NotAtHand { scene, judge: Judge::new(scene), missing, gaps })
    }

    /// The finding as it may be said here: an accusation that something missing
    /// could undo leaves the audit incomplete instead, and names that. What an
    /// agent says against itself stands whatever is missing, but then for no
    /// job, when the job of its run is not certain: that is left open beside.
    pub(super) fn soften(&self, finding: Finding) -> Vec<Finding> {
        let rule = finding.rule;
        if finding.effect != Effect::Fails {
            return vec![finding];
        }
        let case = Case::of(self.scene, &finding);
        let with_gaps = self.gaps.concern(self.scene, &finding.subject);
        let counts = |missing: &&Missing<'_>| with_gaps || !missing.is_gap();
        let rests = rule.rests_on.iter().copied().flatten();
        let undoes = |missing: &&Missing<'a>| rests.clone().any(|rest| self.undoes(rest, missing, &case));
        let not_here = NotHere::few(self.missing.iter().filter(counts).filter(undoes).map(Missing::bring));
        if not_here.is_empty() {
            return vec![finding];
        }
        let open = finding.undecided(not_here);
        if !is_own_word(rule) {
            return vec![open];
        }
        let subject = Subject { job: None, token: None, ..finding.subject.clone() };
        let is_jobs = finding.subject.job.is_some();
        [Finding { subject, ..finding }].into_iter().chain(is_jobs.then_some(open)).collect()
    }

    fn undoes(&self, rest: &Rest, missing: &Missing<'a>, case: &Case<'_, 'a>) -> bool {
        match rest {
            Rest::OwnWord => false,
            Rest::Roles => missing.may_be_roots() && case.entries.iter().any(|at| self.may_rule(missing, *at)),
            Rest::Order => case.entries.iter().any(|at| {
                let moves = |other: &u64| missing.first < *other && other < at;
                let rooted = |from: &LeafIndex| missing.first < from.get() && from.get() <= *at;
                self.may_be_same(missing, *at)
                    && (case.entries.iter().any(moves) || self.scene.roots.iter().any(|(from, _)| rooted(from)))
            }),
            Rest::Time => case.entries.iter().any(|at| missing.first < *at && self.may_be_same(missing, *at)),
            Rest::On(kind, place) => {
                missing.may_be(self.scene, *kind, *place, case) && self.fits(*place, missing, case)
            }
        }
    }

    /// Whether the roots in force at `at` may be these.
    fn may_rule(&self, missing: &Missing<'a>, at: u64) -> bool {
        let known = self.scene.roots_from(LeafIndex::new(at)).map(LeafIndex::get);
        missing.first < at && known.is_none_or(|known| known < missing.last)
    }

    /// Whether it may be another entry of the statement at `at`.
    fn may_be_same(&self, missing: &Missing<'a>, at: u64) -> bool {
        let Some(fact) = self.scene.fact(LeafIndex::new(at)) else { return false };
        match missing.what {
            What::Gap => true,
            What::Unrooted => false,
            What::Body(held) => {
                let same = held.kind == fact.kind() && held.signer == fact.signer();
                same && (fact.signer().is_some() || held.submitter == fact.submitter())
            }
        }
    }

    /// Whether it may be another issuer's word against the issuance of the
    /// token that this is about: that one may stand anywhere.
    fn may_contradict(&self, missing: &Missing<'a>, case: &Case<'_, 'a>) -> bool {
        let Some(token) = case.token else { return false };
        let own = token.statement.signer();
        match missing.what {
            // Whose another job is, its own issuances say.
            What::Body(held) => held.signer != own || case.is_of_another_job,
            What::Unrooted => true,
            What::Gap => {
                let is_there = |from: LeafIndex| from.get() <= missing.last;
                let issues = |roots: &Roots<'_>| roots.issuers().any(|did| own.is_none_or(|own| own.as_str() != did));
                self.scene.roots.iter().any(|(from, roots)| is_there(*from) && issues(roots))
            }
        }
    }

    /// Whether somebody signed what shows it, whom the operator may trust no more.
    fn rests_on_trust(&self, case: &Case<'_, 'a>) -> bool {
        let mut shown = case.entries.iter().filter_map(|at| self.scene.fact(LeafIndex::new(*at)));
        shown.any(|fact| fact.signer().is_some() && !matches!(fact.kind().row().voice, Voice::Operator))
    }

    fn fits(&self, place: Place, missing: &Missing<'a>, case: &Case<'_, 'a>) -> bool {
        let below = |at: Option<u64>| at.is_some_and(|at| missing.first < at);
        let issued = case.token.map(|token| token.statement.at.get());
        let policy = case.token.and_then(|token| token.policy);
        match place {
            Place::Anywhere | Place::Explaining => true,
            Place::BeforeAct => case.act.is_none_or(|act| missing.first < act),
            // What acts under a token that is not known is charged to nobody for sure.
            Place::BeforeToken => match issued {
                Some(_) => below(issued),
                None => case.names_job || (case.is_under_token && case.act.is_none_or(|act| missing.first < act)),
            },
            Place::Contradicting => self.may_contradict(missing, case),
            Place::Withdrawing => self.rests_on_trust(case),
            Place::BeforeRun => case.has_run && case.run_from.is_none_or(|from| missing.first < from),
            Place::OfUndecidedRun => case.has_run && case.run_from.is_none(),
            Place::OfLooseRun => case.is_loose_run,
            Place::OfGrant => case.is_call && !case.has_token,
            Place::OfCall(place) => case.is_call && self.fits(*place, missing, case),
            Place::Named => case.decision.is_some_and(|decision| {
                below(Some(decision.statement.at.get())) && approvals::names_missing(self.scene, decision)
            }),
            Place::Alike => case
                .decision
                .is_some_and(|decision| below(Some(decision.statement.at.get())) && !decision.approvals.is_empty()),
            Place::Allowing => {
                self.fits(Place::Named, missing, case)
                    && case.decision.is_some_and(|decision| self.judge.needs_params_approved(decision))
            }
            Place::Releasing => case.released(self.scene, missing),
            Place::Undone => case.decision.is_some_and(|of| of.is_allow && self.scene.is_undone(of)),
            Place::ReleasedBefore => {
                let shown = |kind| case.kinds(self.scene, kind).next().is_some();
                case.act.is_none_or(|act| missing.first < act) && shown(Kind::ArgocdReceipt) && shown(Kind::Approval)
            }
            Place::Held => case.bundle(self.scene).is_some_and(|bundle| {
                let signer = match missing.what {
                    What::Body(held) => held.signer,
                    What::Gap | What::Unrooted => None,
                };
                bundles::holds_unknown(self.scene, bundle, signer)
            }),
            Place::Unbundled => case.bundle(self.scene).is_none(),
            Place::Unjoined => !case.has_job && case.kinds(self.scene, Kind::ArgocdReceipt).next().is_some(),
            Place::Renewed => {
                let own = case.token.map(|token| token.hash);
                case.says::<CstRevocation<'_>>(self.scene).any(|says| says.token_hash() != own)
            }
            Place::Joining => case.joined_by_key(self.scene).next().is_some(),
            Place::Stating => case.joined_by_key(self.scene).any(|operation| operation.stated().is_some()),
            Place::Doubting => case.rests_on_an_observation(self.scene),
            Place::Placing => case
                .decision
                .is_some_and(|decision| decision.behind.as_ref().is_some_and(|behind| behind.wrapped.len() > 1)),
            Place::Sharing => self.may_share(missing, case) || case.names_unknown_token(self.scene, missing.first),
            Place::Unseen => {
                let mut named = case.says(self.scene).filter_map(ArgocdReceipt::op_key);
                named.any(|key| !self.scene.reported.contains_key(key))
            }
            Place::Inherited => {
                below(issued) && policy.is_some_and(|at| self.scene.policies[at].1.inherits().is_some())
            }
            Place::Unresolved => below(issued) && policy.is_some_and(|at| !self.judge.resolves(at)),
        }
    }

    /// Whether it may say that another agent of the wrapper's shares the job by
    /// which the act was placed.
    fn may_share(&self, missing: &Missing<'a>, case: &Case<'_, 'a>) -> bool {
        let charged = case.decision.filter(|decision| decision.charged.agent.is_some());
        let mut acts = charged.into_iter().chain(case.first_uses(self.scene));
        // What is here is counted already.
        let is_here = self.scene.fact(LeafIndex::new(missing.first)).is_some();
        !is_here && acts.any(|decision| self.scene.is_placed_by_job(decision))
    }
}

fn is_own_word(rule: &Rule) -> bool {
    rule.rests_on.iter().copied().flatten().any(|rest| matches!(rest, Rest::OwnWord))
}

impl Missing<'_> {
    /// Whether it comes of entries that are missing altogether.
    fn is_gap(&self) -> bool {
        matches!(self.of, Origin::Entries(..))
    }

    fn bring(&self) -> NotHere {
        match self.of {
            Origin::Body(at, kind) => NotHere::body(at, kind),
            Origin::Entries(first, last) => NotHere::entries(first, last),
        }
    }

    fn may_be_roots(&self) -> bool {
        match self.what {
            What::Body(held) => held.kind == Kind::AuditRoots,
            What::Gap => true,
            What::Unrooted => false,
        }
    }

    /// Whether it may be a statement of this kind that counts for this case.
    fn may_be(&self, scene: &Scene<'_>, kind: Kind, place: Place, case: &Case<'_, '_>) -> bool {
        let held = match self.what {
            What::Gap => return true,
            What::Unrooted => return kind != Kind::AuditRoots,
            What::Body(held) => held,
        };
        let by = |did: Option<&Did>| did.is_some_and(|did| case.agent == Some(did.as_str()));
        let acts = || {
            let wrapper = held.signer.zip(scene.roots_at(held.at));
            wrapper.is_none_or(|(did, roots)| roots.is_wrapper(did, case.agent))
        };
        held.kind == kind
            && match kind {
                Kind::ProofBundle => by(held.signer),
                // What an operation states may be any agent's.
                Kind::ArgocdDecision if matches!(place, Place::Stating) => true,
                // Roots that gave its user to another agent may be no more in force.
                Kind::ArgocdDecision | Kind::ArgocdReceipt if matches!(place, Place::Explaining) => true,
                Kind::ArgocdDecision | Kind::ArgocdReceipt => acts(),
                Kind::GatewayReceipt
                | Kind::ToolReceipt
                | Kind::SideEffectReceipt
                | Kind::HumanApprovalReceipt
                | Kind::DelegationReceipt
                | Kind::WorkPolicy
                | Kind::TrustPulse
                | Kind::CstIssuance
                | Kind::CstRevocation
                | Kind::Approval
                | Kind::ChangeRecord
                | Kind::AuditRoots
                | Kind::AuditStatement
                | Kind::Withholding
                | Kind::ArgocdObservation
                | Kind::ArgocdSnapshot => true,
            }
    }
}
