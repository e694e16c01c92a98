//! Where the view of an instance has holes: entries of histories that no report
//! tells of, and times without a look; and what the audit of one job leaves to
//! that of its agent.

use std::collections::BTreeMap;

use crate::artifact::Payload;
use crate::artifact::time::unix_ms;
use crate::audit::SKEW_MS;
use crate::audit::finding::{Findings, Subject};
use crate::audit::observed::makes_history;
use crate::audit::reconcile::is_of_history;
use crate::audit::scene::Scene;
use crate::audit::statement::app_name;
use crate::audit::windows::LOOK_MS;
use crate::merkle::LeafIndex;

/// Said of every job whose agent has a username.
const UNDECIDED_OPERATIONS: &str = "operations by the agent's user that only a history shows or that fewer decisions than \
    operations explain, refusals without a time, and what Argo CD refused while nobody read its server's log, move its \
    audit and the log's, not this job's";

/// Entries of one application's history: the first report that says each.
type History = BTreeMap<i64, LeafIndex>;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    histories(scene, findings);
    looks(scene, findings);
    jobs(scene, findings);
}

/// An operation names no job. A job is left open beside those that no decision
/// explains (`jobs`); beside what else its agent may have done round the wrapper
/// it passes, and has to say that it does.
fn jobs(scene: &Scene<'_>, findings: &mut Findings) {
    let newest = scene.roots.last().map(|(_, roots)| roots);
    for token in &scene.tokens {
        let has_username = newest.is_some_and(|roots| !roots.instances_of(token.agent).is_empty());
        if let Some(job) = token.job.filter(|_| has_username) {
            let subject = Subject { job: Some(job.to_owned()), ..Subject::default() };
            findings.uncover(UNDECIDED_OPERATIONS, &subject, token.statement.at);
        }
    }
}

/// Ids that no report tells of, between two that one does. Partial, dry and
/// failed operations make none, so what is continuous may still lack those.
fn histories(scene: &Scene<'_>, findings: &mut Findings) {
    let mut histories: BTreeMap<(&str, &str), (Option<String>, History)> = BTreeMap::new();
    for (report, _) in &scene.operations {
        let says = report.payload;
        // An entry that a poller found without its operation is reported too.
        let is_told = (report.op_key().is_some() || is_of_history(report)) && makes_history(report);
        let id = says.history_id().filter(|_| is_told);
        if let (Some(app), Some(id)) = (says.instance().zip(says.app().uid()), id) {
            let of_app = || (app_name(says.instance(), says.app()), History::new());
            histories.entry(app).or_insert_with(of_app).1.entry(id).or_insert(report.at);
        }
    }
    for (app, history) in histories.into_values() {
        let subject = Subject { app, ..Subject::default() };
        for ((id, at), (next, then)) in history.iter().zip(history.iter().skip(1)) {
            if id.saturating_add(1) < *next {
                for at in [at, then] {
                    findings.uncover("entries of the history between these reports are not reported", &subject, *at);
                }
            }
        }
    }
}

/// Times without a look, between two of one observer's.
fn looks(scene: &Scene<'_>, findings: &mut Findings) {
    let mut last: BTreeMap<(&str, &str), (i64, LeafIndex)> = BTreeMap::new();
    for fact in &scene.facts {
        let Payload::ArgocdSnapshot(says) = fact.payload else { continue };
        let Some((instance, taken)) = says.instance().zip(says.taken_at().and_then(unix_ms)) else { continue };
        let before = last.insert((instance, fact.submitter()), (taken, fact.at));
        let longest = LOOK_MS.saturating_add(SKEW_MS);
        if let Some((_, at)) = before.filter(|(before, _)| taken.saturating_sub(*before) > longest) {
            let subject = Subject { submitter: Some(fact.submitter().to_owned()), ..Subject::default() };
            for at in [at, fact.at] {
                findings.uncover("no snapshot between these for longer than one may take", &subject, at);
            }
        }
    }
}
