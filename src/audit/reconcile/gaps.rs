//! Times that nobody looked at an instance, and what they can hide: each leaves
//! the verdict on what it can hide open, and names the time.
//!
//! ```text
//! look ── nobody looks ── look      applications that moved meanwhile; the log, where no row says what moved;
//!                                   tokens that lived then, with job, runs and agent, where anything moved
//! look ── nobody looks ── end       the log; every application that was seen; the same tokens
//! ```
//!
//! Looks are in the order of their own times. An application whose row is the same
//! before and after had no operation meanwhile: any would have taken the last one's
//! place. A freeze may have been undone and done again there, which moves no verdict
//! where it is seen. An instance at which nobody ever looked has no gap: that is
//! coverage. So are one look and two that are far apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{ArgocdSnapshot, Node, Payload, SnapshotRow, View as _};
use crate::audit::SKEW_MS;
use crate::audit::finding::{Findings, Subject};
use crate::audit::looks::{Gap, Life, look_of};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Statement, Token, app_name};
use crate::merkle::LeafIndex;

pub(super) static COVERAGE_GAP: Rule = Rule {
    code: "COVERAGE_GAP",
    title: "Nobody saw what was done meanwhile",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "Whoever looked at an instance was silent for longer than may be, by the looks' own times. Argo CD keeps the \
                last operation alone, so what was done there meanwhile may have left no trace: of an application that is \
                not as it was before, and of any where nobody has looked since. An operation names no job: where anything \
                moved, or nobody has looked since, each token is left open that lived then, of an agent with a user \
                there, and with it its job and runs. Where no row says what moved, something came or went. The finding names the time. What \
                is the same before and after hides nothing, and an instance at which nobody ever looked has no such time.",
    what_to_do: "Look for that time in the server's log and in the cluster's audit log; let a second poller run.",
    does_not_prove: "That anything was done meanwhile that nobody decided.",
    rests_on: NOTHING,
};

/// What a job is not held against.
const WATCHED_LONGER: &str = "times without a look more than a day after a token was issued, or under tokens issued more \
    than a day after the job's first";

/// What stands where a token's life was told in more ways than are held against looks.
const TOO_MANY_LIVES: &str =
    "issuances tell of a token of the job in more ways when it lived than are held against looks";

/// What is said of a time between the looks of two.
const TWO_OBSERVERS: &str = " (one observer before and another after: they may see unlike applications)";

/// Where the log says when it was last looked at, for whoever asks in a quiet one.
const LAST_LOOK: &str = "the last look at an instance: nothing is known of it since";
const AHEAD: &str = "looks at an instance that were taken later than they were logged: they count for nothing";

/// Rows of each application by instance and uid, in the order in which they were
/// taken.
type Rows<'a> = BTreeMap<(&'a str, &'a str), Vec<(i64, SnapshotRow<'a>)>>;
/// Times without a look by instance and the time that ended them.
type Ended<'a> = BTreeMap<(&'a str, i64), Gap>;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let looks = scene.snapshots.iter().filter_map(|snapshot| look_of(snapshot.payload, snapshot.ms()));
    let ended = looks.filter_map(|(instance, taken)| {
        Some(((instance, taken), scene.looks.at(instance).gap_until(taken).ok().flatten()?))
    });
    let ended: Ended<'_> = ended.collect();
    let is_open = |gap: &Gap| gap.is_by(scene.now_ms());
    let to_the_end = scene.looks.instances().filter_map(|instance| {
        Some((instance, scene.looks.at(instance).gap_to_the_end().ok().flatten().filter(is_open)?))
    });
    let to_the_end: Vec<_> = to_the_end.collect();
    if !ended.is_empty() || !to_the_end.is_empty() {
        let rows = rows(scene);
        moved(scene, &rows, &ended, findings);
        to_the_end.iter().for_each(|(instance, gap)| unseen_since(scene, instance, gap, &rows, findings));
    }
    jobs(scene, findings);
    last_looks(scene, findings);
}

/// Who looked, when last, and what of it counts for nothing: nobody's verdict.
fn last_looks(scene: &Scene<'_>, findings: &mut Findings) {
    let lasts = scene.looks.instances().filter_map(|instance| scene.looks.at(instance).last().ok().flatten());
    for whose in lasts.filter_map(|look| snapshot(scene, look.at)) {
        findings.uncover(LAST_LOOK, &by(whose), whose.at);
    }
    for fact in &scene.facts {
        if let Payload::ArgocdSnapshot(says) = fact.payload
            && look_of(says, fact.ms()).is_none()
        {
            findings.uncover(AHEAD, &by(fact), fact.at);
        }
    }
}

/// Who said it, alone: it is of none of anybody's jobs.
fn by<P>(statement: &Statement<'_, P>) -> Subject {
    Subject { submitter: Some(statement.submitter().to_owned()), ..Subject::default() }
}

fn rows<'a>(scene: &Scene<'a>) -> Rows<'a> {
    let mut rows = Rows::new();
    let looks = scene.snapshots.iter().filter_map(|look| Some((look, look_of(look.payload, look.ms())?)));
    let mut looks: Vec<_> = looks.collect();
    looks.sort_by_key(|(look, (_, taken))| (*taken, look.at));
    for (snapshot, (instance, taken)) in looks {
        for row in snapshot.payload.rows() {
            if let Some(uid) = row.app().uid() {
                rows.entry((instance, uid)).or_default().push((taken, row));
            }
        }
    }
    rows
}

fn snapshot<'s, 'a>(scene: &'s Scene<'a>, at: LeafIndex) -> Option<&'s Statement<'a, ArgocdSnapshot<'a>>> {
    let found = scene.snapshots.binary_search_by_key(&at, |snapshot| snapshot.at);
    found.ok().map(|found| &scene.snapshots[found])
}

/// What a look shows otherwise than the one before the time that nobody looked.
/// Where no row says what moved, something came, went or came and went.
fn moved<'a>(scene: &Scene<'a>, rows: &Rows<'a>, ended: &Ended<'a>, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    for ((instance, _), of_app) in rows {
        let mut before = None;
        for (taken, row) in of_app {
            let before = before.replace(*row);
            let gap = ended.get(&(*instance, *taken));
            if let Some(gap) = gap.filter(|_| before.map(text) != Some(text(*row))) {
                tell(scene, instance, gap, *row, findings);
                told.insert(gap.before.at);
            }
        }
    }
    for gap in ended.values().filter(|gap| !told.contains(&gap.before.at) && may_hide(scene, gap)) {
        if let Some(before) = snapshot(scene, gap.before.at) {
            let detail = format!("{}, and what is there is not what was there before", time_of(scene, gap));
            findings.add(&COVERAGE_GAP, &by(before), entries(gap), detail);
        }
    }
}

/// The same for rows that say the same.
fn text(row: SnapshotRow<'_>) -> Option<String> {
    row.value().map(Node::to_jcs)
}

fn tell(scene: &Scene<'_>, instance: &str, gap: &Gap, row: SnapshotRow<'_>, findings: &mut Findings) {
    let subject = Subject { app: app_name(Some(instance), row.app()), ..Subject::default() };
    let detail = format!("{}, and it is not as it was before", time_of(scene, gap));
    findings.add(&COVERAGE_GAP, &subject, entries(gap), detail);
}

fn entries(gap: &Gap) -> impl Iterator<Item = LeafIndex> {
    [Some(gap.before.at), gap.after.map(|after| after.at)].into_iter().flatten()
}

/// The time that nobody looked, in the words of who looked before and after: where
/// these are two, what differs may be what each of them may see.
fn time_of(scene: &Scene<'_>, gap: &Gap) -> String {
    let said = |at| snapshot(scene, at).and_then(|of| of.payload.taken_at()).unwrap_or_default();
    let observer = |at| snapshot(scene, at).map(|of| (of.signer(), of.submitter()));
    match gap.after {
        Some(after) => {
            let is_one = observer(gap.before.at) == observer(after.at);
            let words = if is_one { "" } else { TWO_OBSERVERS };
            format!("nobody looked from {} to {}{words}", said(gap.before.at), said(after.at))
        }
        None => format!("nobody has looked at this instance since {}", said(gap.before.at)),
    }
}

/// Nobody looks any more: whatever was done since is hidden.
fn unseen_since<'a>(scene: &Scene<'a>, instance: &str, gap: &Gap, rows: &Rows<'a>, findings: &mut Findings) {
    let since = time_of(scene, gap);
    let whose = snapshot(scene, gap.before.at).map(by).unwrap_or_default();
    findings.add(&COVERAGE_GAP, &whose, [gap.before.at], since.clone());
    let of_instance = rows.iter().filter(|((of, _), _)| *of == instance).flat_map(|(_, rows)| rows);
    let apps: BTreeSet<_> = of_instance.filter_map(|(_, row)| app_name(Some(instance), row.app())).collect();
    for app in apps {
        let subject = Subject { app: Some(app), ..Subject::default() };
        findings.add(&COVERAGE_GAP, &subject, [gap.before.at], since.clone());
    }
}

/// Tokens of agents with a user at an instance that lived while nobody looked
/// there, with their jobs, runs and agents.
fn jobs(scene: &Scene<'_>, findings: &mut Findings) {
    let mut of_jobs: BTreeMap<&str, Vec<(&Token<'_>, &Life)>> = BTreeMap::new();
    for token in &scene.tokens {
        if let (Some(job), Some(lives)) = (token.job, scene.lives.get(token.hash)) {
            of_jobs.entry(job).or_default().extend(lives.iter().map(|life| (token, life)));
        }
    }
    for (job, tokens) in of_jobs {
        let first_ms = tokens.iter().map(|(_, life)| life.ms).min().unwrap_or(0);
        for (token, life) in tokens {
            let instances = scene.roots.iter().flat_map(|(_, roots)| roots.instances_of(token.agent));
            let instances: BTreeSet<_> = instances.collect();
            let whose = Subject { job: Some(job.to_owned()), ..Subject::default() };
            if !instances.is_empty() && !life.is_watched_whole(first_ms) {
                findings.uncover(WATCHED_LONGER, &whose, life.at);
            }
            if life.is_beyond && !instances.is_empty() {
                findings.add(&COVERAGE_GAP, &whose, [life.at], TOO_MANY_LIVES);
                findings.add(&COVERAGE_GAP, &of_token(token), [life.at], TOO_MANY_LIVES);
                continue;
            }
            for instance in instances.into_iter().filter(|_| life.is_watched(first_ms)) {
                of_life(scene, instance, life, (token, &whose), findings);
            }
        }
    }
}

fn of_life(
    scene: &Scene<'_>,
    instance: &str,
    life: &Life,
    (token, job): (&Token<'_>, &Subject),
    findings: &mut Findings,
) {
    let gaps = scene.looks.at(instance).gaps_in(life).unwrap_or_default();
    let counts = |gap: &&Gap| {
        gap.is_by(scene.now_ms()) && may_hide(scene, gap) && has_user(scene, (token.agent, instance), gap, life)
    };
    for gap in gaps.iter().filter(counts) {
        let detail = format!("{}, while a token of the job lived; instance {instance}", time_of(scene, gap));
        findings.add(&COVERAGE_GAP, job, entries(gap), detail);
        let detail = format!("{}, while a token of the agent lived; instance {instance}", time_of(scene, gap));
        findings.add(&COVERAGE_GAP, &of_token(token), entries(gap), detail);
    }
}

/// A token with its agent, and so the runs of the token: beside no job, so that it
/// is of none of the agent's other jobs.
fn of_token(token: &Token<'_>) -> Subject {
    Subject { job: None, ..token.subject() }
}

/// Whether any roots in force while nobody looked and the token lived give the
/// agent a user there, by the clocks of both: one that is given later could do
/// nothing then, and a look may be filed long after it was taken.
fn has_user(scene: &Scene<'_>, (agent, instance): (&str, &str), gap: &Gap, life: &Life) -> bool {
    let (from, until) = life.watched();
    let from = from.max(gap.before.taken).saturating_sub(SKEW_MS);
    let until = gap.after.map_or(until, |after| until.min(after.taken)).saturating_add(SKEW_MS);
    scene.roots_within(from, until).iter().any(|(_, roots)| roots.instances_of(agent).contains(&instance))
}

/// Whether anything moved at the instance meanwhile, as far as anybody can tell.
fn may_hide(scene: &Scene<'_>, gap: &Gap) -> bool {
    let digest = |at| snapshot(scene, at).and_then(|of| of.payload.rows_digest());
    gap.after.is_none_or(|after| digest(gap.before.at) != digest(after.at))
}
