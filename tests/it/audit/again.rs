//! Statements that are logged again, in envelopes of anybody's making: they count
//! once, no report reads them twice, and what counts under later roots is heard.

use pulselog::artifact::json::Value;
use pulselog::audit::{Finding, Report, Scope, Timeline, Verdict, audit_at, reached_from};
use pulselog::merkle::{LeafIndex, TreeSize};

use crate::audit::goldens;
use crate::audit::slices::{gathered, old_roots_again, same_from_its_own_entries, tangled};
use crate::make::audit::{Story, operator};
use crate::make::{did, hex, set, value};

fn job() -> Scope {
    Scope::Job("job-1".to_owned())
}

fn scopes() -> Vec<Scope> {
    let run = |who: &str, run: &str| Scope::Run { agent: did(who), run: format!("job-1.{run}") };
    let (token, app) = (Scope::Token(hex("job-1.t1")), Scope::App("argocd-prod/argocd/payments-api".to_owned()));
    vec![job(), Scope::Job("job-2".to_owned()), run("agent", "r1"), run("thief", "r1"), token, app]
}

/// Everything that was signed, logged again so often.
fn copied(mut story: Story, times: usize) -> Story {
    for name in story.signed().iter().flat_map(|name| std::iter::repeat_n(name, times)) {
        story.again(name);
    }
    story
}

fn read(log: &Timeline, scope: &Scope) -> Vec<LeafIndex> {
    gathered(log, scope, log.size()).prefix(log.size()).map(|(at, _)| at).collect()
}

fn found(report: &Report) -> String {
    serde_json::to_string_pretty(&report.findings).expect("json")
}

/// Stories under one set of roots.
fn under_one_roots() -> Vec<Story> {
    let mut stories = tangled();
    stories.retain(|story| story.steps.iter().filter(|step| step.kind == "audit_roots").count() == 1);
    assert!(stories.len() > 10, "{}", stories.len());
    stories
}

#[test]
fn what_is_logged_again_under_the_same_roots_changes_no_finding_and_is_read_by_no_report() {
    for story in under_one_roots() {
        let (once, again) = (story.timeline(), copied(story, 3).timeline());
        assert!(again.size().get() > 3 * once.size().get());
        let [of_once, of_again] = [&once, &again].map(|log| audit_at(log, log.size(), Some(&operator())));
        assert_eq!(found(&of_again), found(&of_once));
        for scope in scopes() {
            assert_eq!(of_again.of(&scope).verdict, of_once.of(&scope).verdict, "{scope}");
            assert_eq!(read(&again, &scope), read(&once, &scope), "{scope}");
        }
    }
}

/// What counts for nobody at first: copies of all of it by anybody, then roots that
/// change, copies, the older roots again, copies.
fn under_several_roots(story: Story) -> Story {
    let mut story = copied(story, 2);
    let names: Vec<_> = story.signed().into_iter().filter(|name| !name.contains("again")).collect();
    story.roots_again("other roots", "recorders", Value::Array(Vec::new()));
    names.iter().for_each(|name| _ = story.again(name));
    let revokers = ["issuer", "thief"].map(|who| did(who).as_str().into());
    story.roots_again("more roots", "cst_revokers", Value::Array(revokers.to_vec()));
    for name in names.iter().chain(["roots", "other roots"].map(String::from).iter()).rev() {
        story.again(name);
        story.again(name);
    }
    story
}

#[test]
fn whatever_is_logged_again_a_part_says_what_the_whole_says() {
    for story in tangled() {
        let whole = under_several_roots(story).timeline();
        let size = whole.size().get();
        for part in 0..5 {
            same_from_its_own_entries(&whole, TreeSize::new(size - part * size / 7), &scopes());
        }
    }
}

/// A revoker whom only newer roots name ends the token before the act. What he says
/// was logged before these roots, and is logged again after them, so often.
pub fn heard_at_last(before: usize, after: usize) -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story.signed_by("revoked", "second revoker");
    let mut last = "revoked".to_owned();
    let mut follow = |story: &mut Story, name: String| {
        story.move_after(&name, &last);
        last = name;
    };
    for _ in 0..before {
        let name = story.again("revoked");
        follow(&mut story, name);
    }
    let both = Value::Array(["issuer", "second revoker"].map(|who| did(who).as_str().into()).to_vec());
    story.roots_again("newer roots", "cst_revokers", both);
    follow(&mut story, "newer roots".to_owned());
    for _ in 0..after {
        let name = story.again("revoked");
        follow(&mut story, name);
    }
    story
}

#[test]
fn what_counts_under_later_roots_is_heard_however_often_it_was_said_before() {
    for (before, after, verdict) in
        [(0, 0, Verdict::Pass), (80, 0, Verdict::Pass), (0, 1, Verdict::Fail), (80, 80, Verdict::Fail)]
    {
        let story = heard_at_last(before, after);
        let report = story.audit();
        assert_eq!(report.job("job-1"), verdict, "{before} before, {after} after");
        let of = |code: &str| -> Vec<&Finding> { report.findings.iter().filter(|of| of.rule.code == code).collect() };
        assert_eq!(of("UNTRUSTED_STATEMENT").len(), 1, "once, whatever was said again");
        let revocation = LeafIndex::new(story.index("newer roots") + 1);
        assert!(of("TOKEN_REVOKED").iter().all(|of| of.entries.contains(&revocation)), "the first that counts");
        let whole = story.timeline();
        for back in [0, 3, 10, 40] {
            same_from_its_own_entries(&whole, TreeSize::new(whole.size().get().saturating_sub(back)), &scopes());
        }
    }
}

#[test]
fn who_is_trusted_no_more_says_nothing_new_by_what_he_said_before() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    let first = story.steps.len();
    let row = |who: &str| format!(r#"{{"did":"{}","from_index":{first},"reason":"lost key"}}"#, did(who));
    let rows = value(&format!("[{},{}]", row("gateway"), row("issuer")));
    let distrust = |story: &mut Story| {
        let mut roots = story.steps[0].payload.clone();
        set(&mut roots, "distrusted", Some(rows.clone()));
        story.log("later roots", "audit_roots", "operator", roots);
    };
    let mut again = copied(story.clone(), 2);
    distrust(&mut story);
    distrust(&mut again);
    assert_eq!((found(&story.audit()), story.audit().job("job-1")), (found(&again.audit()), Verdict::Pass));
    let whole = again.timeline();
    same_from_its_own_entries(&whole, whole.size(), &scopes());
}

/// The links that a follower files, and those of a time line in memory.
#[test]
fn a_time_line_in_memory_and_a_follower_lead_a_report_to_the_same_entries() {
    let of_goldens = goldens::stories().map(|(_, story)| story).step_by(5);
    let stories = tangled().into_iter().chain([false, true].map(old_roots_again)).chain([heard_at_last(3, 3)]);
    for story in stories.chain(tangled().into_iter().map(under_several_roots)).chain(of_goldens) {
        let log = story.timeline();
        for scope in scopes() {
            let in_memory = reached_from(&log, &scope, log.size(), &operator()).into_found();
            assert_eq!(in_memory.into_iter().collect::<Vec<_>>(), read(&log, &scope), "{scope}");
        }
    }
}
