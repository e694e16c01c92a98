//! kill -9 at random moments under load, also of a log that starts.

use super::{Counts, Plan};

#[test]
fn faults_killed() {
    let Some(plan) = Plan::of("kill -9", 500, &[]) else { return };
    let mut counts = Counts::default();
    let ran = crate::durability::kill::kills(plan.seed, &mut |rounds| {
        counts.rounds = rounds;
        plan.goes_on(&counts)
    });
    // It panics where anything is lost, and says what.
    plan.end(Counts { rounds: ran, ..counts });
}
