//! Which roots were in force when.

use crate::audit::roots::Roots;
use crate::audit::scene::Scene;
use crate::merkle::LeafIndex;

impl<'a> Scene<'a> {
    /// The roots in force at `at`.
    pub(in crate::audit) fn roots_at(&self, at: LeafIndex) -> Option<&Roots<'a>> {
        let after = self.roots.partition_point(|(from, _)| *from <= at);
        self.roots[..after].last().map(|(_, roots)| roots)
    }

    /// The roots that were in force at any moment of a time, Unix milliseconds, both
    /// ends counted: what was said of that time may be logged much later.
    pub(in crate::audit) fn roots_within(&self, from_ms: i64, until_ms: i64) -> &[(LeafIndex, Roots<'a>)] {
        let first = self.roots_ms.partition_point(|ms| *ms <= from_ms).saturating_sub(1);
        let end = self.roots_ms.partition_point(|ms| *ms <= until_ms);
        self.roots.get(first..end).unwrap_or_default()
    }
}
