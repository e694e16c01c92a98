//! Golden logs: each row is the clean story with one thing changed, what it
//! stands for, and exactly what the audit shows of it; beside it a twin, with
//! the honest form of the same, that shows nothing.

pub mod accounts;
pub mod acts;
pub mod allowed;
pub mod answers;
pub mod approvers;
pub mod authority;
pub mod bundles;
pub mod calls;
pub mod claimed;
pub mod copied;
pub mod disputed;
pub mod distrust;
pub mod issuers;
pub mod joined;
pub mod lineage;
pub mod missing;
pub mod nobodys;
pub mod packing;
pub mod policies;
pub mod reconciled;
pub mod renewals;
pub mod roles;
pub mod shown;
pub mod siblings;
pub mod spelled;
pub mod tokens;
pub mod tries;
pub mod unrun;
pub mod whose;
pub mod within;
pub mod unheard;
pub mod unread;
pub mod worlds;

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::{
    Absence, Effect, Finding, RULE_GROUPS, Report, Scope, Timeline, Verdict, audit, audit_at, audit_packet,
    bundle_alone, explain,
};
use pulselog::merkle::TreeSize;

use crate::audit::slices::same_from_its_own_entries;
use crate::make::attest::{attested, know_all, know_statement};
use crate::make::audit::{Story, operator};
use crate::make::did;

/// Holes of the peer's verifier (PEERS 4.18) and of its anti-replay binding
/// (9.2). Its inclusion and consistency proofs are another room's: `merkle`.
const HOLES: &[&str] = &[
    "7.8 bare forged bundle",
    "7.8 chain and receipts copied by another agent",
    "7.8 tool receipt with a foreign policy and scope hash",
    "7.8 side effect of another run and an unknown event",
    "7.8 deny beside success",
    "7.8 unsigned tool receipt without binding",
    "7.8 gateway receipts all invalid",
    "7.8 the agent reviews itself",
    "9.2 no job id to compare",
    "9.2 no scope hash compared",
    "9.2 no policy hash compared",
    "9.2 no window",
    "9.2 replay tables that nobody else sees",
    "9.2 stolen chain signed again",
];

/// Both tables of the scenario, but for what only Argo CD's own observations
/// can show: a way round the wrapper, the target of an operation that joins no
/// decision, a freeze that does not hold.
const SCENARIO: &[&str] = &[
    "injection: outside the policy",
    "injection: no approval",
    "injection: model calls just before",
    "credential: another target than decided",
    "credential: resource namespaces beyond the policy",
    "replay: run under another job",
    "replay: receipt",
    "replay: approval",
    "replay: token under another job",
    "replay: before issuance",
    "replay: after expiry",
    "replay: after revocation",
    "timeline: a step is missing",
    "stop: later use of a revoked token",
    "freeze: the change, tied to the job",
    "rollback: target outside the policy",
    "rollback: without approval",
    "rollback: with a token of another run",
    "review: a packet that verifies offline",
    "review: the Trust Pulse raises no trust",
];

/// How a story is read.
#[derive(Clone, Copy)]
pub enum Read {
    Whole,
    /// By somebody who pins no operator.
    Unpinned,
    /// Without the bodies of these steps.
    Withheld(&'static [&'static str]),
    /// With the operator's statement about job-1, changed, at its end.
    Attested(fn(&mut Value<'static>)),
    /// With that statement at its end, and these bodies withheld afterwards.
    WithheldLater(&'static [&'static str]),
    /// As a packet of such a log, without these steps, with more logged after
    /// the statement.
    Packet(&'static [&'static str], fn(&mut Story)),
    /// One bundle with no log; whether in its envelope.
    Alone(&'static str, bool),
}

pub struct Golden {
    name: &'static str,
    stands_for: &'static [&'static str],
    change: fn(&mut Story),
    twin: fn(&mut Story),
    read: Read,
    codes: &'static [&'static str],
    job: Verdict,
    runs: &'static [(&'static str, &'static str, Verdict)],
}

/// A row: what is changed, and what the audit then shows.
pub const fn golden(
    name: &'static str,
    change: fn(&mut Story),
    codes: &'static [&'static str],
    job: Verdict,
) -> Golden {
    Golden { name, stands_for: &[], change, twin: |_| {}, read: Read::Whole, codes, job, runs: &[] }
}

impl Golden {
    /// Holes and rows of the scenario that it stands for.
    pub const fn of(mut self, stands_for: &'static [&'static str]) -> Self {
        self.stands_for = stands_for;
        self
    }

    /// The honest form of the same change; else the twin is the clean story.
    pub const fn beside(mut self, twin: fn(&mut Story)) -> Self {
        self.twin = twin;
        self
    }

    pub const fn read(mut self, read: Read) -> Self {
        self.read = read;
        self
    }

    /// What runs are: who, run without its job, verdict.
    pub const fn runs(mut self, runs: &'static [(&'static str, &'static str, Verdict)]) -> Self {
        self.runs = runs;
        self
    }

    fn story(&self) -> Story {
        let mut story = Story::clean();
        (self.change)(&mut story);
        story
    }

    fn twin(&self) -> Story {
        let mut story = Story::clean();
        (self.twin)(&mut story);
        story
    }
}

impl Read {
    /// How the twin is read: with nothing changed or missing.
    fn honest(self) -> Self {
        match self {
            Self::Whole | Self::Unpinned | Self::Withheld(_) => Self::Whole,
            Self::Attested(_) | Self::WithheldLater(_) => Self::Attested(|_| {}),
            Self::Packet(..) => Self::Packet(&[], |_| {}),
            Self::Alone(bundle, _) => Self::Alone(bundle, true),
        }
    }

    fn report(self, story: &Story) -> Result<Report, Vec<Finding>> {
        Ok(match self {
            Self::Whole => story.audit(),
            Self::Unpinned => audit(&story.timeline(), None),
            Self::Withheld(names) => audit(&story.timeline_without(names), Some(&operator())),
            Self::Attested(change) => {
                let (_, timeline) = attested(story.clone(), change);
                audit_at(&timeline, timeline.size(), Some(&operator()))
            }
            Self::WithheldLater(names) => {
                let (story, _) = attested(story.clone(), |_| {});
                let mut timeline = story.timeline_without(names);
                know_all(&mut timeline);
                audit(&timeline, Some(&operator()))
            }
            Self::Packet(without, after) => packet(story, without, after),
            Self::Alone(bundle, signed) => return Err(bundle_alone(story.said(bundle), signed)),
        })
    }
}

fn packet(story: &Story, without: &[&str], after: fn(&mut Story)) -> Report {
    let (mut story, _) = attested(story.clone(), |_| {});
    let size = TreeSize::new(story.steps.len() as u64 - 1);
    after(&mut story);
    let mut whole = story.timeline();
    know_all(&mut whole);
    let left_out: BTreeSet<_> = without.iter().map(|name| story.index(name)).collect();
    let mut part = Timeline::default();
    for (at, seen) in whole.prefix(whole.size()).filter(|(at, _)| !left_out.contains(&at.get())) {
        part.add(at, seen.entry.clone(), seen.body.clone());
    }
    know_statement(&mut part, &whole, size);
    audit_packet(&part, whole.size(), "job-1", &operator())
}

fn rows() -> impl Iterator<Item = &'static Golden> {
    let tables = [
        crate::audit::goldens::distrust::ROWS,
        crate::audit::goldens::unheard::ROWS,
        crate::audit::goldens::roles::ROWS,
        crate::audit::goldens::authority::ROWS,
        crate::audit::goldens::nobodys::ROWS,
        crate::audit::goldens::copied::ROWS,
        crate::audit::goldens::spelled::ROWS,
        crate::audit::goldens::tokens::ROWS,
        crate::audit::goldens::packing::ROWS,
        crate::audit::goldens::renewals::ROWS,
        crate::audit::goldens::siblings::ROWS,
        crate::audit::goldens::issuers::ROWS,
        crate::audit::goldens::worlds::ROWS,
        crate::audit::goldens::disputed::ROWS,
        crate::audit::goldens::whose::ROWS,
        crate::audit::goldens::policies::ROWS,
        crate::audit::goldens::lineage::ROWS,
        crate::audit::goldens::missing::ROWS,
        crate::audit::goldens::acts::ROWS,
        crate::audit::goldens::approvers::ROWS,
        crate::audit::goldens::accounts::ROWS,
        crate::audit::goldens::claimed::ROWS,
        crate::audit::goldens::within::ROWS,
        crate::audit::goldens::answers::ROWS,
        crate::audit::goldens::joined::ROWS,
        crate::audit::goldens::tries::ROWS,
        crate::audit::goldens::bundles::ROWS,
        crate::audit::goldens::calls::ROWS,
        crate::audit::goldens::unrun::ROWS,
        crate::audit::goldens::allowed::ROWS,
        crate::audit::goldens::reconciled::ROWS,
        crate::audit::goldens::shown::ROWS,
        crate::audit::goldens::unread::ROWS,
    ];
    tables.into_iter().flatten()
}

fn codes(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.rule.code).collect()
}

/// What a row shows that it should not, or does not show.
fn wrong(row: &Golden) -> Option<String> {
    let expected: BTreeSet<_> = row.codes.iter().copied().collect();
    let report = match row.read.report(&row.story()) {
        Ok(report) => report,
        Err(alone) => return (codes(&alone) != expected).then(|| format!("{}: {alone:#?}", row.name)),
    };
    let (shown, job) = (codes(&report.findings), report.job("job-1"));
    let runs = row.runs.iter().find(|(who, run, verdict)| report.run(&did(who), &format!("job-1.{run}")) != *verdict);
    if shown == expected && job == row.job && runs.is_none() {
        return None;
    }
    let details: Vec<_> = report
        .findings
        .iter()
        .map(|f| format!("  {} {:?} {} {:?}", f.rule.code, f.entries, f.detail, f.subject))
        .collect();
    let runs: Vec<_> = report.runs.iter().map(|run| (&run.run.run, run.verdict.name())).collect();
    Some(format!("{}: {shown:?}, job {}, runs {runs:?}\n{}", row.name, job.name(), details.join("\n")))
}

#[test]
fn every_golden_log_shows_what_its_row_says_and_nothing_else() {
    let wrong: Vec<_> = rows().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_twin_shows_nothing() {
    for row in rows() {
        match row.read.honest().report(&row.twin()) {
            Ok(report) => {
                assert_eq!(report.findings, [], "{}: {report:#?}", row.name);
                // What is attested of a job says nothing of the whole log.
                let is_packet = matches!(report.absence, Absence::Attested { .. });
                let whole = if is_packet { Verdict::Incomplete } else { Verdict::Pass };
                assert_eq!((report.job("job-1"), report.verdict), (Verdict::Pass, whole), "{}", row.name);
            }
            Err(alone) => assert_eq!(alone, [], "{}", row.name),
        }
    }
}

#[test]
fn every_rule_every_hole_and_every_row_of_the_scenario_has_a_golden_log() {
    let shown: BTreeSet<_> = rows().flat_map(|row| row.codes).chain(crate::evidence::judging::SHOWN).copied().collect();
    let rules: BTreeSet<_> = RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code).collect();
    assert_eq!(shown, rules);
    let stand: BTreeSet<_> = rows().flat_map(|row| row.stands_for).copied().collect();
    let named: BTreeSet<_> = HOLES.iter().chain(SCENARIO).copied().collect();
    assert_eq!(stand, named);
    let names: BTreeSet<_> = rows().map(|row| row.name).collect();
    assert_eq!(names.len(), rows().count(), "a name is used twice");
}

#[test]
fn a_job_with_nothing_but_shown_findings_passes() {
    for row in rows() {
        let worst = row.codes.iter().filter_map(|code| explain(code)).map(|rule| rule.effect).max();
        let whole = matches!(row.read, Read::Whole);
        if whole && worst.is_none_or(|effect| effect == Effect::Shown) {
            assert_eq!(row.job, Verdict::Pass, "{}", row.name);
        }
    }
}

#[test]
fn each_golden_job_is_judged_the_same_from_its_own_entries() {
    let scopes = [
        Scope::Job("job-1".to_owned()),
        Scope::Job("job-2".to_owned()),
        Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() },
        Scope::Run { agent: did("stranger"), run: "job-1.r1".to_owned() },
        Scope::Run { agent: did("agent"), run: "nobody's".to_owned() },
        Scope::Run { agent: did("agent"), run: "job-1.r2".to_owned() },
        Scope::Run { agent: did("agent"), run: "job-1.r3".to_owned() },
        Scope::Token(crate::make::hex("job-1.t1")),
        Scope::Token(crate::make::hex("job-1.t2")),
        Scope::Token(crate::make::hex("job-1.t3")),
        Scope::Token(crate::make::hex("job-1.t4")),
    ];
    for row in rows() {
        let timeline = row.story().timeline();
        same_from_its_own_entries(&timeline, timeline.size(), &scopes);
    }
}

/// The stories that are read whole, each with its name.
pub fn whole_stories() -> impl Iterator<Item = (&'static str, Story)> {
    rows().filter(|row| matches!(row.read, Read::Whole)).map(|row| (row.name, row.story()))
}

/// One story with all that these rows change, for tests that want tangled ones.
pub fn story_of(names: &[&str]) -> Story {
    let find = |name: &&str| rows().find(|row| row.name == *name).unwrap_or_else(|| panic!("no golden {name}"));
    let mut story = Story::clean();
    names.iter().map(find).for_each(|row| (row.change)(&mut story));
    story
}

/// The story of every golden, by its name.
pub fn stories() -> impl Iterator<Item = (&'static str, Story)> {
    rows().map(|row| {
        let mut story = Story::clean();
        (row.change)(&mut story);
        (row.name, story)
    })
}
