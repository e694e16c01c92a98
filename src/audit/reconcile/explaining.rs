//! Decisions that may explain an operation which nothing ties to them: of its
//! agent, in its time, and alike in all that was decided.

use std::collections::{BTreeSet, HashMap};

use crate::audit::inserted::Inserted;
use crate::audit::observed::is_as_decided;
use crate::audit::reconcile::sighting::Sighting;
use crate::audit::scene::Scene;
use crate::audit::statement::Decision;
use crate::audit::windows::{CANDIDATES_MAX, deciding};
use crate::audit::{PICKUP_MS, SKEW_MS};

/// Why an operation beside a decision of which nothing came is nobody's for sure.
const UNDONE: &str = "a decision alike in its time has receipts that say that nothing was done";

/// Why one of several is none of a decision's.
const SURPLUS: &str =
    "as many decisions alike in its time as there are explain other operations, and nothing tells which";

/// Why nothing is said of an operation among so many.
const CROWDED: &str = "more decisions without an operation of their own stand in its time than are held against one";

/// What is said where a decision alike has another operation.
const USED: &str = "the decision alike in its time explains another operation";

/// By instance and application uid, in order of `logged_at`.
type ByApp<'a> = HashMap<(&'a str, &'a str), Vec<usize>>;

/// Decisions that make operations.
pub(super) struct Explaining<'s, 'a> {
    scene: &'s Scene<'a>,
    free: ByApp<'a>,
    /// Those whose receipts name an operation that no report has.
    claiming: ByApp<'a>,
    used: ByApp<'a>,
}

/// Decisions alike to one operation.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Without an operation of their own, in order of their ends.
    pub free: Vec<usize>,
    has_used: bool,
    has_undone: bool,
    /// More than are held against one operation.
    is_crowded: bool,
}

impl Candidates {
    pub(super) fn why_open(&self) -> Option<&'static str> {
        match () {
            () if self.is_crowded => Some(CROWDED),
            () if !self.free.is_empty() => Some(SURPLUS),
            () if self.has_undone => Some(UNDONE),
            () => None,
        }
    }

    /// Whether all that may explain it is among these.
    pub(super) fn is_sure(&self) -> bool {
        !self.is_crowded && !self.has_undone
    }

    pub(super) fn used_words(&self) -> Option<&'static str> {
        self.has_used.then_some(USED)
    }
}

impl<'s, 'a> Explaining<'s, 'a> {
    pub(super) fn of(scene: &'s Scene<'a>) -> Self {
        let (mut free, mut claiming, mut used) = (ByApp::new(), ByApp::new(), ByApp::new());
        for (at, decision) in scene.decisions.iter().enumerate() {
            let binds = decision.statement.payload.binds();
            let app = binds.instance().zip(binds.app().uid());
            let Some(app) = app.filter(|_| decision.is_allow && decision.makes_operation()) else { continue };
            let claims: Vec<_> = scene.receipts_of(decision).filter_map(|receipt| receipt.claims(decision)).collect();
            let are_reported = claims.iter().any(|key| scene.reported.contains_key(key));
            let of = match () {
                () if !decision.operations.is_empty() || are_reported => &mut used,
                () if !claims.is_empty() => &mut claiming,
                () => &mut free,
            };
            of.entry(app).or_default().push(at);
        }
        Self { scene, free, claiming, used }
    }

    /// Decisions that could explain it. What costs is bounded by those of its
    /// application in its time.
    pub(super) fn candidates(&self, sighting: &Sighting<'_, 'a>) -> Candidates {
        let is_crowded = self.of_agents(&self.free, sighting).nth(CANDIDATES_MAX).is_some();
        if is_crowded {
            return Candidates { is_crowded, ..Candidates::default() };
        }
        let alike = |of: &ByApp<'a>| -> Vec<usize> {
            self.of_agents(of, sighting)
                .take(CANDIDATES_MAX)
                .filter(|at| self.is_alike(sighting, &self.scene.decisions[*at]))
                .collect()
        };
        // What has no key may be the operation of whichever key a receipt names.
        let is_keyless = sighting.first.op_key().is_none();
        let claiming = alike(&self.claiming);
        let open: BTreeSet<usize> =
            alike(&self.free).into_iter().chain(claiming.iter().copied().filter(|_| is_keyless)).inserted();
        let (undone, free): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|at| self.scene.is_undone(&self.scene.decisions[*at]));
        let has_used = free.is_empty() && !(claiming.is_empty() && alike(&self.used).is_empty());
        Candidates { free, has_used, has_undone: !undone.is_empty(), is_crowded }
    }

    fn in_time<'t>(&'t self, of: &'t ByApp<'a>, sighting: &'t Sighting<'_, 'a>) -> impl Iterator<Item = usize> + 't {
        let all = of.get(&sighting.app()).map(Vec::as_slice).unwrap_or_default();
        let (from, until) = deciding(sighting.started.unwrap_or(i64::MIN));
        let first = all.partition_point(|at| self.scene.decisions[*at].statement.ms() < from);
        let is_below = move |at: &usize| self.scene.decisions[*at].statement.ms() <= until;
        all[first..].iter().copied().take_while(is_below)
    }

    /// Those of the agents whose username started it, and those that may be.
    fn of_agents<'t>(&'t self, of: &'t ByApp<'a>, sighting: &'t Sighting<'_, 'a>) -> impl Iterator<Item = usize> + 't {
        let is_agents = |at: &usize| {
            let decision = &self.scene.decisions[*at];
            sighting.agents.iter().any(|agent| decision.is_of(agent) || decision.may_be_of(agent))
        };
        self.in_time(of, sighting).filter(is_agents)
    }

    /// Whether a decision without an operation of its own may explain it, said
    /// by nothing but what a job's audit reads of other jobs: under a token that
    /// nobody issued a decision may be anybody's, and when a token was revoked
    /// excuses nobody here. Among too many, one may.
    pub(super) fn may_explain(&self, sighting: &Sighting<'_, 'a>) -> bool {
        let own = std::iter::once(sighting.first);
        let reports: Vec<_> = own.chain(self.scene.reports_of(sighting.first.op_key().unwrap_or_default())).collect();
        self.in_time(&self.free, sighting).enumerate().any(|(count, at)| {
            let decision = &self.scene.decisions[at];
            let is_agents = |token: usize| sighting.agents.contains(&self.scene.tokens[token].agent);
            let is_alike = || reports.iter().take(CANDIDATES_MAX).all(|one| is_as_decided(self.scene, one, decision));
            count >= CANDIDATES_MAX
                || decision.token.is_none_or(is_agents) && !self.scene.is_undone(decision) && is_alike()
        })
    }

    fn is_alike(&self, sighting: &Sighting<'_, 'a>, decision: &Decision<'a>) -> bool {
        let revoked = decision.token.and_then(|at| self.scene.tokens[at].revoked);
        let started = sighting.started.unwrap_or(i64::MAX);
        let lived = revoked.is_none_or(|(_, ms)| started <= ms.saturating_add(PICKUP_MS).saturating_add(SKEW_MS));
        let own = std::iter::once(sighting.first);
        let reports = self.scene.reports_of(sighting.first.op_key().unwrap_or_default()).take(CANDIDATES_MAX);
        lived && own.chain(reports).all(|report| is_as_decided(self.scene, report, decision))
    }
}
