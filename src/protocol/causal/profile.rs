//! Modes and the profile that may lock them (PEERS 4.9).

use crate::protocol::codes::{CAUSAL_POLICY_PROFILE_DOWNGRADE, CAUSAL_POLICY_PROFILE_INVALID};
use crate::protocol::options::Options;
use crate::protocol::verdict::{Failure, fail};

/// What is enforced. The peer does not tell *warn* from *observe*.
#[derive(Clone, Copy)]
pub(in crate::protocol) struct Modes {
    pub(in crate::protocol) enforces_connectivity: bool,
    pub(in crate::protocol) enforces_coverage: bool,
}

impl Modes {
    /// What holds when nothing is chosen.
    pub(in crate::protocol) const DEFAULT: Self = Self { enforces_connectivity: true, enforces_coverage: false };
}

/// The modes that the options choose.
pub(in crate::protocol) fn resolve(options: &Options) -> Result<Modes, Failure> {
    let connectivity = options.causal_connectivity_mode.as_deref();
    let coverage = options.coverage_enforcement_phase.as_deref();
    // An unknown text counts as the default: enforce here, observe there.
    let enforces_connectivity = !matches!(connectivity, Some("observe" | "warn"));
    let enforces_coverage = coverage == Some("enforce");
    match options.causal_policy_profile.as_deref() {
        None | Some("compat") => Ok(Modes { enforces_connectivity, enforces_coverage }),
        Some("strict") if !enforces_connectivity => {
            fail(CAUSAL_POLICY_PROFILE_DOWNGRADE, "options.causal_connectivity_mode")
        }
        Some("strict") if coverage.is_some() && !enforces_coverage => {
            fail(CAUSAL_POLICY_PROFILE_DOWNGRADE, "options.coverage_enforcement_phase")
        }
        Some("strict") => Ok(Modes { enforces_connectivity: true, enforces_coverage: true }),
        Some(_) => fail(CAUSAL_POLICY_PROFILE_INVALID, "options.causal_policy_profile"),
    }
}
