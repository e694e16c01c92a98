//! What is asked of the scene by time: roots, and the cluster's events.

use crate::artifact::ArgocdObservation;
use crate::audit::roots::Roots;
use crate::audit::scene::Scene;
use crate::audit::statement::Operation;
use crate::merkle::LeafIndex;

impl<'a> Scene<'a> {
    /// The roots in force at a time of the log's clock.
    pub(in crate::audit) fn roots_by(&self, ms: i64) -> Option<&Roots<'a>> {
        let is_by = |(at, _): &(LeafIndex, Roots<'_>)| self.fact(*at).is_some_and(|fact| fact.ms() <= ms);
        let after = self.roots.partition_point(is_by);
        self.roots[..after].last().map(|(_, roots)| roots)
    }

    /// What the cluster's events tell of operations of an application that
    /// started in the same second as this one.
    pub(in crate::audit) fn events_beside(&self, operation: &Operation<'a>) -> impl Iterator<Item = &Operation<'a>> {
        let beside = second(operation.payload).and_then(|second| self.events.get(&second));
        beside.into_iter().flatten().map(|at| &self.operations[*at].0)
    }
}

/// When an operation of which application started, in whole seconds.
pub(in crate::audit) fn second<'a>(says: ArgocdObservation<'a>) -> Option<(&'a str, &'a str)> {
    says.app().uid().zip(says.started_at().and_then(|time| time.get(..19)))
}
