//! Jobs beside operations of their agent's user that no decision explains.

use std::collections::BTreeSet;

use pulselog::audit::{Effect, Scope, Verdict};
use pulselog::merkle::{LeafIndex, TreeSize};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, silent_and_closed, tick};
use crate::audit::goldens::shown::refused_when_nothing_was_decided;
use crate::audit::slices::{gathered, same_from_its_own_entries};
use crate::make::audit::{Story, time};
use crate::make::{did, hex};

fn job(name: &str) -> Scope {
    Scope::Job(name.to_owned())
}

/// Every scope that a job's entries are read for.
fn scopes(jobs: &[(&str, &str)]) -> Vec<Scope> {
    let of_job = |(name, agent): &(&str, &str)| {
        let runs = ["r1", "r2"].map(|run| Scope::Run { agent: did(agent), run: format!("{name}.{run}") });
        let tokens = ["t1", "t2"].map(|token| Scope::Token(hex(&format!("{name}.{token}"))));
        [job(name)].into_iter().chain(runs).chain(tokens).collect::<Vec<_>>()
    };
    jobs.iter().flat_map(of_job).collect()
}

#[track_caller]
fn same_at_every_size(story: &Story, jobs: &[(&str, &str)]) {
    let whole = story.timeline();
    (0..=whole.size().get()).for_each(|size| same_from_its_own_entries(&whole, TreeSize::new(size), &scopes(jobs)));
}

#[test]
fn each_job_that_lived_then_is_left_open_and_says_which_operation_it_was() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    silent_and_closed(&mut story);
    let report = story.audit();
    for name in ["job-1", "job-2"] {
        let of = report.of(&job(name));
        assert_eq!(of.verdict, Verdict::Incomplete, "{of:#?}");
        let own: Vec<_> = of.findings.iter().filter(|finding| finding.subject.job.as_deref() == Some(name)).collect();
        let [finding] = own.as_slice() else { panic!("{name}: {own:#?}") };
        assert_eq!((finding.rule.code, finding.effect), ("UNREPORTED_ACTION", Effect::Incomplete));
        assert_eq!(finding.entries, [LeafIndex::new(story.at("silent") as u64)]);
    }
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
}

#[test]
fn a_job_of_another_time_passes() {
    let mut story = Story::clean();
    silent_and_closed(&mut story);
    story.wait(6 * 3_600_000);
    story.job("job-2", "agent");
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Incomplete, Verdict::Pass), "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
}

#[test]
fn a_job_of_another_agent_passes() {
    let mut story = Story::clean();
    neighbours(&mut story);
    silent_and_closed(&mut story);
    story.set("silent", "initiator.username", "proj:payments:agent");
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Incomplete, Verdict::Pass), "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "other agent")]);
}

/// Two jobs of one agent at one time, each with operations of its own, and one
/// whose answer was lost: nothing but its time and kind tell whose it is.
#[test]
fn jobs_whose_operations_each_have_a_decision_pass_beside_each_other() {
    let mut story = Story::clean();
    closed(&mut story);
    story.job("job-2", "agent");
    story.wait(SETTLED_MS);
    lost(&mut story, "more");
    story.observe("more seen", "more", "sync", false);
    tick(&mut story);
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Pass, Verdict::Pass), "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
    // Without the decision it is either's.
    ["more receipt", "more"].into_iter().for_each(|name| drop(story.remove(name)));
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Incomplete, Verdict::Incomplete), "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
}

/// Under a token that nobody issued a decision is anybody's whom its wrapper
/// wraps: it may explain what was done.
#[test]
fn a_decision_of_whoever_it_is_may_explain_it() {
    let mut story = Story::clean();
    closed(&mut story);
    story.job("job-2", "agent");
    story.wait(SETTLED_MS);
    lost(&mut story, "more");
    story.set("more", "cst.token_hash", hex("nobody issued it"));
    story.observe("more seen", "more", "sync", false);
    tick(&mut story);
    let report = story.audit();
    assert_eq!(report.job("job-1"), Verdict::Pass, "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
}

#[test]
fn of_many_it_names_the_first_and_counts_them_all() {
    let mut story = Story::clean();
    closed(&mut story);
    story.wait(SETTLED_MS);
    for at in 0..12 {
        let name = format!("silent {at}");
        story.observe(&name, &name, "sync", false);
    }
    tick(&mut story);
    let report = story.audit().of(&job("job-1"));
    let finding = report.findings.iter().find(|finding| finding.subject.job.is_some()).expect("a finding");
    assert_eq!(finding.entries.len(), 8);
    assert!(finding.detail.contains("the first 8 of 12"), "{}", finding.detail);
    same_at_every_size(&story, &[("job-1", "agent")]);
}

#[test]
fn a_refused_call_that_nobody_decided_leaves_each_job_of_then_open() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    refused_when_nothing_was_decided(&mut story);
    let report = story.audit();
    for name in ["job-1", "job-2"] {
        let of = report.of(&job(name));
        let own: Vec<_> = of.findings.iter().filter(|finding| finding.subject.job.is_some()).collect();
        let [finding] = own.as_slice() else { panic!("{name}: {own:#?}") };
        assert_eq!((of.verdict, finding.rule.code), (Verdict::Incomplete, "UNLOGGED_ATTEMPT"));
    }
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
    // A decision of the other job, whatever it says, tells of it.
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.wait(SETTLED_MS);
    story.decide("more", "deny", "r2", "t2", "sync", None);
    let decided_ms = story.now_ms();
    refused_when_nothing_was_decided(&mut story);
    story.set("refused", "at", time(decided_ms));
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Pass, Verdict::Pass), "{report:#?}");
    same_at_every_size(&story, &[("job-1", "agent"), ("job-2", "agent")]);
}

/// What is read of another job of the agent: its operations and what explains
/// them, not its runs, calls, bundles or words that made no operation.
#[test]
fn of_another_job_nothing_is_read_but_its_operations_and_what_explains_them() {
    let mut story = Story::clean();
    let alone = story.timeline().size().get();
    story.job("job-2", "agent");
    let whole = story.timeline();
    let part = gathered(&whole, &job("job-1"), whole.size());
    let kinds: BTreeSet<_> =
        part.prefix(whole.size()).filter(|(at, _)| at.get() >= alone).map(|(_, seen)| seen.entry.kind.name()).collect();
    let of_a_call = ["approval", "argocd_decision", "argocd_observation", "argocd_receipt"];
    let rights = ["cst_issuance", "cst_revocation"];
    assert_eq!(kinds, of_a_call.into_iter().chain(rights).collect(), "{kinds:?}");
    assert!(part.prefix(whole.size()).count() < whole.prefix(whole.size()).count());
}
