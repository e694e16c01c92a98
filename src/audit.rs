//! The audit verdict: what the log, read from its beginning, says about jobs
//! and runs (JUDGING).
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
//! A job's report needs only the entries that links lead to ([`Gather`]): its
//! cost does not grow with the log.
//!
//! Not implemented: whose doing a change of an application's spec is, which
//! Argo CD does not say (it is coverage here).

#![deny(clippy::wildcard_enum_match_arm)]

mod accounts;
mod acts;
mod agent_receipts;
mod alone;
mod answer;
mod approvals;
mod attestation;
mod bundles;
mod calls;
mod causes;
mod decisions;
mod distrust;
mod finding;
mod gather;
mod inserted;
mod links;
mod looks;
mod matched;
mod missing;
mod observed;
mod packing;
mod party;
mod policies;
mod pulses;
mod reconcile;
mod renewals;
mod replays;
mod report;
mod roots;
mod rule;
mod scene;
mod scope;
mod shortfall;
mod spelled;
mod stated;
mod statement;
mod story;
mod tickets;
mod timeline;
mod tokens;
mod trust;
mod undecided;
mod unjudged;
mod windows;
mod worlds;

pub use self::acts::{Act, By, Came, What};
pub use self::alone::bundle_alone;
pub use self::answer::{ANSWERS, Answer, AnswerRow};
pub use self::attestation::{attest, audit_job, listed_by, used_by};
pub use self::causes::caused_by;
pub use self::distrust::jobs_hit;
pub use self::finding::{Finding, Pending, Subject};
pub use self::gather::{Gather, Wanted, Which, reached_from};
pub use self::links::{Filing, LINK_BYTES, LINKS_VERSION, Link, RootsSaid, filed_under};
pub use self::matched::{Certainty, Grade, Matched, Tie};
pub use self::party::{agent_names, has_role, role_of, roles};
pub use self::reconcile::rests_on_an_application;
pub use self::report::{Absence, AsOf, Coverage, JudgedRun, Report, Run, Verdict, json_schema};
pub use self::roots::gateways;
pub use self::rule::{Effect, Place, RULE_GROUPS, Rest, Rule, Severity, explain};
pub use self::scope::Scope;
pub use self::shortfall::{DOCUMENTS_DISAGREE, Shortfall};
pub use self::stated::Stated;
pub use self::story::{Clause, Piece, Story, acts as acts_in_words, noun};
pub use self::timeline::{KnownSize, Seen, Timeline, authenticate, authenticate_parsed, authenticate_within};
pub(crate) use self::trust::EVIDENCE_WITHHELD;
pub use self::undecided::{NotHere, WHILE_UNDECIDED, Words, in_reading_order};
pub use self::unjudged::{NotJudged, UNJUDGED, Unjudged, in_sorts, unjudged};
pub(crate) use self::windows::{BUNDLE_MS, PICKUP_MS, RECEIPT_MS, SKEW_MS};
pub use self::windows::{COUNTS, Count, WINDOWS, Window};

use std::collections::BTreeSet;

use crate::artifact::Did;
use crate::entry::LoggedAt;
use crate::merkle::TreeSize;

use self::finding::Findings;
use self::missing::Gaps;
use self::scene::{Disputes, Scene};
use self::worlds::Worlds;

/// Version of the rules. It changes whenever the same prefix may give other
/// findings.
pub const RULES_VERSION: &str = "2026-12-04";

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
    let whole = timeline.is_whole_below(size);
    let absence = if whole { Absence::Recomputed } else { Absence::NotChecked };
    run(timeline, &Prefix { size, logged_at: None }, absence, &Gaps::of(timeline, size), operator, true)
}

/// The prefix that a part of its entries is judged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub size: TreeSize,
    /// Of its last entry.
    pub logged_at: Option<LoggedAt>,
}

/// Audits a part of a prefix. The caller says that it holds everything below
/// `prefix.size` that [`Gather`] asked for; the report is then true of the
/// gathered scope and of nothing else: take [`Report::of`] that scope.
#[must_use]
pub fn audit_slice(timeline: &Timeline, prefix: &Prefix, operator: &Did) -> Report {
    run(timeline, prefix, Absence::Recomputed, &Gaps::default(), Some(operator), true)
}

/// The same without comparing what statements of the operator say: what they
/// themselves are compared with.
fn audit_part(timeline: &Timeline, prefix: &Prefix, operator: &Did) -> Report {
    run(timeline, prefix, Absence::Recomputed, &Gaps::default(), Some(operator), false)
}

/// Audits the entries of a packet for one job. Absence is attested when a
/// statement of the operator in it says so, and not checked otherwise; then
/// nothing passes. `size`: of the checkpoint that all entries are proven under.
#[must_use]
pub fn audit_packet(timeline: &Timeline, size: TreeSize, job: &str, operator: &Did) -> Report {
    let at_size = Prefix { size, logged_at: None };
    let scene = of_statements(timeline, size, operator);
    let mut more = Findings::default();
    let report = match attestation::attested(timeline, &scene, job, &mut more) {
        Some((entry, prefix)) => {
            // Every entry that it lists is here with its body. Any other without
            // one is here for its place alone, and no more to the job than a gap.
            let read = timeline.read();
            // What the statement claims is held against what it lists.
            attestation::check(&read, &scene, operator, &mut more);
            // It speaks of this job: others may rest on what is not here.
            let gaps = Gaps { attested: Some(job), ..Gaps::of(&read, prefix.size) };
            run(&read, &prefix, Absence::Attested { entry }, &gaps, Some(operator), false)
        }
        // With gaps a statement cannot be compared: what differs may be what is missing.
        None => run(timeline, &at_size, Absence::NotChecked, &Gaps::of(timeline, size), Some(operator), false),
    };
    report.with(more, timeline).under(size)
}

/// The jobs that statements of the operator in a packet are about.
#[must_use]
pub fn attested_jobs(timeline: &Timeline, size: TreeSize, operator: &Did) -> BTreeSet<String> {
    attestation::attested_jobs(&of_statements(timeline, size, operator))
}

/// Statements of the operator are the same by every account.
fn of_statements<'a>(timeline: &'a Timeline, size: TreeSize, operator: &'a Did) -> Scene<'a> {
    let disputes = Disputes::among(timeline.prefix(size), Some(operator), timeline.origin());
    Scene::new(timeline.prefix(size), None, Some(operator), timeline.origin(), disputes)
}

fn run(
    timeline: &Timeline,
    prefix: &Prefix,
    absence: Absence,
    gaps: &Gaps<'_>,
    operator: Option<&Did>,
    compares_statements: bool,
) -> Report {
    let worlds = Worlds::of(timeline, prefix.size, operator);
    // Statements of the operator, compared once: they are the same by every account.
    let mut compared: Option<Findings> = None;
    let mut judge = |disputes| {
        let scene = Scene::new(timeline.prefix(prefix.size), prefix.logged_at, operator, timeline.origin(), disputes);
        let mut findings = Findings::default();
        for check in CHECKS {
            check(&scene, &mut findings);
        }
        // Who lacks entries cannot say that a statement about them is false.
        if let Some(operator) = operator.filter(|_| compares_statements && absence == Absence::Recomputed) {
            findings.extend(compared.get_or_insert_with(|| {
                let mut compared = Findings::default();
                attestation::check(timeline, &scene, operator, &mut compared);
                compared
            }));
        }
        report::finish(&scene, prefix.size, absence, gaps, findings)
    };
    let reports = worlds.each().map(&mut judge).collect();
    worlds.united(reports, judge).with_causes(timeline)
}

/// One function a rule group.
const CHECKS: &[fn(&Scene<'_>, &mut Findings)] = &[
    trust::check,
    distrust::check,
    tokens::check,
    spelled::check,
    policies::check,
    approvals::check,
    decisions::check,
    accounts::check,
    observed::check,
    reconcile::check,
    bundles::check,
    calls::check,
    agent_receipts::check,
    pulses::check,
    tickets::check,
    replays::check,
];
