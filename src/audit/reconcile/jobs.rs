//! Jobs whose agent's user started, while a token of the job lived, what no
//! decision explains, or was refused it. An operation names no job: it may have been for this one,
//! for another, or for none, so no such job passes, and none fails by it.
//!
//! A job's audit has of other jobs only what was taken aside for it
//! (gather/aside.rs), and says the same as that of the whole log. So it rests on
//! nothing that those jobs' own entries would tell: not on runs, grants or when
//! tokens were revoked.

use std::collections::BTreeMap;

use crate::audit::finding::{Findings, Subject};
use crate::audit::observed::say;
use crate::audit::reconcile::UNREPORTED_ACTION;
use crate::audit::reconcile::denials::{self, UNLOGGED_ATTEMPT};
use crate::audit::reconcile::explaining::Explaining;
use crate::audit::reconcile::sighting::{Sighting, Who};
use crate::audit::rule::Rule;
use crate::audit::scene::Scene;
use crate::audit::statement::Token;
use crate::audit::windows::{BESIDE_MS, NAMED_MAX, life_of_job_token};
use crate::merkle::LeafIndex;

/// Why what nobody decided leaves the agent's jobs open.
const NAMES_NONE: &str = "Argo CD names no job: any of them may be this one's, another's or none's";

/// What a job of a token that lives for very long is not held against.
const LIVES_LONGER: &str = "operations by the agent's user more than a month after the token was issued";

/// Tokens of jobs by agent, in order of the beginnings of their lives.
type Lives<'s, 'a> = BTreeMap<&'a str, Vec<(i64, i64, &'s Token<'a>)>>;

/// What was found beside each job.
type ByJob<'a> = BTreeMap<&'a str, Beside>;

/// What was found beside one job.
#[derive(Default)]
struct Beside {
    /// In order of first reports.
    entries: Vec<LeafIndex>,
    /// What a decision may still be logged for, and until when.
    owed: Vec<(LeafIndex, i64)>,
}

/// Jobs, while the operations are gone through that join nothing.
pub(super) struct Jobs<'s, 'a> {
    scene: &'s Scene<'a>,
    lives: Lives<'s, 'a>,
    explaining: Option<Explaining<'s, 'a>>,
    operations: ByJob<'a>,
}

impl<'s, 'a> Jobs<'s, 'a> {
    pub(super) fn of(scene: &'s Scene<'a>, findings: &mut Findings) -> Self {
        Self { scene, lives: lives(scene, findings), explaining: None, operations: ByJob::new() }
    }

    pub(super) fn see(&mut self, sighting: &Sighting<'s, 'a>) {
        let scene = self.scene;
        if self.lives.is_empty() || !is_of_an_agent(scene, sighting) {
            return;
        }
        let Some((started, settled)) = sighting.started.zip(sighting.settled_ms()) else { return };
        let mut alive = sighting.agents.iter().flat_map(|agent| alive(&self.lives, agent, started)).peekable();
        if alive.peek().is_none() {
            return;
        }
        if self.explaining.get_or_insert_with(|| Explaining::of(scene)).may_explain(sighting) {
            return;
        }
        alive.for_each(|job| self.operations.entry(job).or_default().add(scene, sighting.first.at, settled));
    }

    /// Says what was seen, and what was refused.
    pub(super) fn tell(self, findings: &mut Findings) {
        let Self { scene, lives, explaining: _, operations } = self;
        if lives.is_empty() {
            return;
        }
        let mut refusals = ByJob::new();
        for call in denials::untold(scene) {
            let alive = call.agents.iter().flat_map(|agent| alive(&lives, agent, call.made_ms));
            alive.for_each(|job| refusals.entry(job).or_default().add(scene, call.at, call.settled_ms));
        }
        let what = ["an operation", "operations"];
        operations.into_iter().for_each(|(job, of)| of.tell(&UNREPORTED_ACTION, what, job, findings));
        let what = ["a refused call", "refused calls"];
        refusals.into_iter().for_each(|(job, of)| of.tell(&UNLOGGED_ATTEMPT, what, job, findings));
    }
}

/// Whether it is by an agent's user, by a key that every report of it shares,
/// and nothing joins it but decisions whose agents everybody can tell.
fn is_of_an_agent(scene: &Scene<'_>, sighting: &Sighting<'_, '_>) -> bool {
    sighting.who == Who::Agents
        && sighting.first.op_key().is_some()
        && !sighting.is_from_before(scene)
        && sighting.joined(scene).all(|decision| decision.token.is_some())
}

fn lives<'s, 'a>(scene: &'s Scene<'a>, findings: &mut Findings) -> Lives<'s, 'a> {
    let mut lives = Lives::new();
    let newest = scene.roots.last().map(|(_, roots)| roots);
    for token in scene.tokens.iter().filter(|token| token.job.is_some()) {
        let (from, until) = life_of_job_token(token.issued_ms, token.expires_ms);
        let has_username = newest.is_some_and(|roots| !roots.instances_of(token.agent).is_empty());
        if until < token.expires_ms && has_username {
            let subject = Subject { job: token.job.map(str::to_owned), ..Subject::default() };
            findings.uncover(LIVES_LONGER, &subject, token.statement.at);
        }
        lives.entry(token.agent).or_default().push((from, until, token));
    }
    lives.values_mut().for_each(|of| of.sort_by_key(|(from, _, token)| (*from, token.statement.at)));
    lives
}

/// Jobs of the agent's tokens that lived at a time. What it costs is bounded by
/// the tokens that were issued to the agent within a month before.
fn alive<'a>(lives: &Lives<'_, 'a>, agent: &str, ms: i64) -> impl Iterator<Item = &'a str> {
    let of = lives.get(agent).map(Vec::as_slice).unwrap_or_default();
    let first = of.partition_point(|(from, ..)| from.saturating_add(BESIDE_MS) < ms);
    let begun = of[first..].iter().take_while(move |(from, ..)| *from <= ms);
    begun.filter(move |(_, until, _)| ms <= *until).filter_map(|(.., token)| token.job)
}

impl Beside {
    fn add(&mut self, scene: &Scene<'_>, at: LeafIndex, settled_ms: i64) {
        match scene.now_ms() <= settled_ms {
            true => self.owed.push((at, settled_ms)),
            false => self.entries.push(at),
        }
    }

    fn tell(mut self, rule: &'static Rule, [one, many]: [&str; 2], job: &str, findings: &mut Findings) {
        let subject = Subject { job: Some(job.to_owned()), ..Subject::default() };
        // A job may have several tokens, and an operation several agents.
        self.entries.dedup();
        self.owed.dedup();
        for (at, until) in self.owed {
            findings.wait(rule, &subject, at, until);
        }
        if self.entries.is_empty() {
            return;
        }
        let count = self.entries.len();
        let what = if count == 1 { one } else { many };
        let more = if count > NAMED_MAX { format!(", the first {NAMED_MAX} of {count}") } else { String::new() };
        let detail = format!("{what} by its agent's user while its token lived, which no decision explains{more}");
        let entries = self.entries.get(..NAMED_MAX).unwrap_or(&self.entries);
        say(findings, rule, Some(NAMES_NONE), &subject, entries, detail);
    }
}
