//! What is filed long after its time, given or taken meanwhile, or told too often,
//! hides no time without a look and opens none.

use pulselog::artifact::json::Value;
use pulselog::audit::{Scope, Verdict};

use crate::audit::goldens;
use crate::audit::goldens::unread::{PART_MS, part, read_by_observer};
use crate::audit::looked::{MINUTE, every, look, looks, ticked, verdicts};
use crate::make::audit::{START_MS, Story, nonce, time};
use crate::make::{did, hex, set, value};

fn move_to(story: &mut Story, name: &str, ms: i64) {
    let at = story.at(name);
    let mut step = story.steps.remove(at);
    step.ms = ms;
    let place = story.steps.partition_point(|step| step.ms <= ms);
    story.steps.insert(place, step);
}

#[test]
fn a_user_taken_away_before_a_late_look_is_filed_was_there_when_nobody_looked() {
    for is_late in [false, true] {
        let mut story = ticked(Story::clean(), 120);
        let times: Vec<i64> = every(4, 1, 8).chain(every(4, 40, 115)).collect();
        for (n, at) in times.iter().enumerate() {
            let has_moved = *at > START_MS + 12 * MINUTE;
            let logged = if is_late && n == 1 { START_MS + 40 * MINUTE } else { *at };
            let op = if has_moved { "operation 1" } else { "operation 0" };
            look(&mut story, "observer", (logged, *at), op, n == 0 || has_moved);
        }
        let mut rows = story.said("roots").get("agents").cloned().expect("agents");
        set(&mut rows, "[0].usernames", Some(Value::Array(vec![])));
        story.set("the last roots", "agents", rows.clone());
        story.roots_again("taken away", "agents", rows);
        move_to(&mut story, "taken away", START_MS + 30 * MINUTE);
        assert_eq!(verdicts(&story.audit()), [Verdict::Incomplete; 4], "late {is_late}");
    }
}

#[test]
fn an_issuer_whom_nobody_trusts_hides_no_life_behind_many_others() {
    for fakes in [0_u32, 1, 15, 16, 17, 40] {
        let mut story = ticked(Story::clean(), 120);
        looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 115)), &[START_MS + 12 * MINUTE]);
        let issuers = Value::Array(["issuer", "thief"].map(|who| did(who).as_str().into()).to_vec());
        ["roots", "the last roots"].iter().for_each(|roots| story.set(roots, "cst_issuers", issuers.clone()));
        let mut first = None;
        for (token, n) in ["t1", "t2"].into_iter().flat_map(|token| (0..fakes).map(move |n| (token, n))) {
            let (own, name) = (format!("job-1.{token}"), format!("thief {token} {n}"));
            let mut payload = story.said(&own).clone();
            set(&mut payload, "nonce", Some(nonce(&name).into()));
            set(&mut payload, "claims.iat", Some((1_700_000_000 + n).into()));
            set(&mut payload, "claims.exp", Some((1_700_000_900 + n).into()));
            story.log(&name, "cst_issuance", "thief", payload);
            let mut step = story.steps.remove(story.at(&name));
            let place = story.at(&own);
            step.ms = story.steps[place].ms - 1;
            story.steps.insert(place, step);
            first.get_or_insert(name);
        }
        if let Some(first) = first {
            let from = story.index(&first);
            let row = format!(r#"[{{"did":"{}","from_index":{from},"reason":"stolen key"}}]"#, did("thief"));
            story.wait(MINUTE);
            story.roots_again("distrusting", "distrusted", value(&row));
        }
        let [_, job, agent, _] = verdicts(&story.audit());
        assert_eq!(job, Verdict::Incomplete, "{fakes}");
        assert_ne!(agent, Verdict::Pass, "{fakes}");
    }
}

/// The second agent's verdict where it has a user all along, never in the time that
/// nobody read, for a part of it, or until before the part of before is filed.
fn second_agent(case: usize) -> Verdict {
    let mut story = Story::clean();
    let alone = story.said("roots").get("agents").cloned().expect("agents");
    story.roots(&["agent", "second agent"]);
    story.steps.last_mut().expect("a step").name = "both".to_owned();
    let both = story.said("both").get("agents").cloned().expect("agents");
    let wrappers = story.said("both").get("wrappers").cloned().expect("wrappers");
    story.set(
        "both",
        "observers[0].channels",
        Value::Array(["notify", "poll", "server_log"].map(Value::from).to_vec()),
    );
    story.job("job-2", "second agent");
    read_by_observer(&mut story);
    story.set("roots", "wrappers", wrappers);
    if case == 1 || case == 2 {
        story.roots_again("none", "agents", alone.clone());
        story.wait(2 * PART_MS);
    }
    let from = story.now_ms();
    story.wait(PART_MS);
    if case == 3 {
        story.wait(60_000);
        story.roots_again("taken", "agents", alone.clone());
        story.wait(30_000);
    }
    part(&mut story, "part", from, from + PART_MS);
    if case == 2 {
        story.wait(100_000);
        story.roots_again("given", "agents", both);
        story.wait(300_000);
        story.roots_again("taken", "agents", alone);
    }
    let now = story.now_ms();
    let begin = (from + PART_MS + 900_000).max(now + PART_MS);
    story.wait(begin + PART_MS - now);
    part(&mut story, "later part", begin, begin + PART_MS);
    story.audit().of(&Scope::Agent(did("second agent"))).verdict
}

#[test]
fn a_user_given_and_taken_while_nobody_read_the_servers_log_leaves_its_agent_open() {
    let said = [0, 1, 2, 3].map(second_agent);
    assert_eq!(said, [Verdict::Incomplete, Verdict::Pass, Verdict::Incomplete, Verdict::Incomplete]);
}

#[test]
fn an_old_look_that_is_filed_late_hides_no_call_that_never_ran() {
    for is_late in [false, true] {
        let mut story = goldens::story_of(&["taken, and the application's last operation is still that of before"]);
        let ends = |step: &&crate::make::audit::Step, end: &str| step.name.ends_with(end);
        if is_late {
            let is_decision = |s: &crate::make::audit::Step| ends(&s, "more") && s.kind == "argocd_decision";
            let at = story.steps.iter().position(is_decision).expect("a decision");
            let before = story.steps.iter().position(|s| s.name == "look" || ends(&s, ".look")).expect("a look");
            let mut step = story.steps[before].clone();
            (step.name, step.ms) = ("late look".to_owned(), story.steps[at].ms);
            set(&mut step.payload, "nonce", Some(nonce("late look").into()));
            set(&mut step.payload, "taken_at", Some(time(story.steps[before].ms - 3_600_000).into()));
            set(&mut step.payload, "rows[0].op_key", Some(hex("an operation before that").into()));
            set(&mut step.payload, "rows[0].history_id", Some(6_u32.into()));
            story.steps.insert(at, step);
        }
        let report = story.audit();
        assert!(report.findings.iter().any(|found| found.rule.code == "PHANTOM_ACTION"), "late {is_late}");
    }
}
