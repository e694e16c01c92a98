//! Room for what is read, taken once: a list that grows as it is filled takes
//! up to three times its own.

use crate::artifact::Kind;
use crate::audit::scene::Scene;

impl Scene<'_> {
    pub(super) fn make_room(&mut self, kinds: impl Iterator<Item = Kind>) {
        let (mut facts, mut operations) = (0, 0);
        for kind in kinds {
            facts += 1;
            operations += usize::from(kind == Kind::ArgocdObservation);
        }
        self.facts.reserve_exact(facts);
        self.operations.reserve_exact(operations);
        self.met.reserve(facts);
    }
}
