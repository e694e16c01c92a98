//! Random bits flipped in the raw files and the guard: the log refuses and
//! fsck names it, or everything that is served is proven, and where damage was
//! met no write is answered with a success.

use super::{Counts, Plan};

#[test]
fn faults_flipped() {
    let Some(plan) = Plan::of("flipped bits", 300, &[]) else { return };
    let mut counts = Counts::default();
    let ran = crate::durability::flips::random_flips(plan.seed, &mut |rounds| {
        counts.rounds = rounds;
        plan.goes_on(&counts)
    });
    plan.end(Counts { rounds: ran, ..counts });
}
