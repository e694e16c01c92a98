//! The audit verdict: what the log, read from its beginning, says about jobs
//! and runs (model 7 to 9).
//!
//! ```text
//! entries + bodies ─> Timeline ─ roots in force, roles ─> Scene ─ RULES ─> Report
//!                                                                  findings · pending · coverage · verdicts
//! ```
//!
//! A pure function of a prefix: now is the `logged_at` of its last entry, order
//! is the leaf index and nothing else. Who holds the same prefix, the same
//! bodies and the same [`RULES_VERSION`] gets the same report, byte for byte.
//! Only statements whose signer held the role at their own index are facts;
//! the others are shown and charged to their submitter, never to a job.
//!
//! Not implemented: absence attested by `audit_statement` and comparing such
//! statements, Trust Pulses beside receipts, freezes that do not hold, the
//! origin that roots name, and what Argo CD reports that no decision explains
//! (it is coverage here). The whole prefix is read for each report.

mod alone;
mod approvals;
mod bundles;
mod decisions;
mod finding;
mod observed;
mod policies;
mod replays;
mod report;
mod roots;
mod rule;
mod scene;
mod statement;
mod timeline;
mod tokens;
mod trust;

pub use self::alone::bundle_alone;
pub use self::finding::{Finding, Pending, Subject};
pub use self::report::{Absence, AsOf, Coverage, Report, Run, Verdict};
pub use self::rule::{Effect, RULE_GROUPS, Rule, Severity, explain};
pub use self::timeline::{Seen, Timeline, authenticate};

use crate::artifact::Did;
use crate::merkle::TreeSize;

use self::finding::Findings;
use self::scene::Scene;

/// Version of the rules. It changes whenever the same prefix may give other
/// findings.
pub const RULES_VERSION: &str = "2026-11-23";

/// Tolerance between the log's clock and others, milliseconds (model 8).
pub(crate) const SKEW_MS: i64 = 240_000;
/// Time Argo CD takes to pick up an operation after a token ended.
pub(crate) const PICKUP_MS: i64 = 60_000;
/// From a decision to its receipt and to the start of its operation.
pub(crate) const RECEIPT_MS: i64 = 120_000;
/// From the end of a run's token to its bundle.
pub(crate) const BUNDLE_MS: i64 = 3_600_000;

/// Audits all of `timeline`. `operator` is the reader's own pin; without it
/// nobody's word counts and the report is incomplete. Cost: one pass, and for
/// each action the policies and statements that it names.
#[must_use]
pub fn audit(timeline: &Timeline, operator: Option<&Did>) -> Report {
    audit_at(timeline, timeline.size(), operator)
}

/// Audits what stands below `size`: the answer that the same call gave when
/// the log had that size.
#[must_use]
pub fn audit_at(timeline: &Timeline, size: TreeSize, operator: Option<&Did>) -> Report {
    let scene = Scene::new(timeline.prefix(size), operator);
    let mut findings = Findings::default();
    for check in CHECKS {
        check(&scene, &mut findings);
    }
    let whole = timeline.is_whole_below(size);
    report::finish(&scene, size, whole, findings)
}

/// One function a rule group.
const CHECKS: &[fn(&Scene<'_>, &mut Findings)] = &[
    trust::check,
    tokens::check,
    policies::check,
    approvals::check,
    decisions::check,
    observed::check,
    bundles::check,
    replays::check,
];
