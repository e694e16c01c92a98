//! Stories of freezes: by calls, which have a time of their own, and by people, who
//! write down later what they did, and in what order nobody can say.

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Scope};

use crate::audit::looked::{APP, MINUTE, look, scopes};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Story, binds, nonce};
use crate::make::{did, good_payload, hex, kind, set, value};

/// One thing that is logged.
#[derive(Clone, Copy)]
pub enum Act {
    /// A person's record.
    Person(&'static str),
    /// A decision of this action and the outcome that its receipt tells; none tells
    /// nothing.
    Call(&'static str, &'static str),
    /// The receipt of the last decision, where that had none.
    Told(&'static str),
    /// A look that shows automated sync so.
    Look(&'static str),
    /// A poller saw it become so.
    Seen(&'static str),
}

use Act::{Call, Look, Person, Seen, Told};

/// The name of the application in the story.
const NAME: &str = "payments-api";

pub fn of(acts: &[(i64, Act)]) -> Story {
    let mut story = Story::clean();
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    let from = story.now_ms();
    let mut called = String::new();
    for (at, (minute, act)) in acts.iter().enumerate() {
        story.wait((from + minute * MINUTE - story.now_ms()).max(0));
        let name = format!("act {at}");
        match act {
            Person(what) => person(&mut story, &name, what),
            Call(action, outcome) => {
                let (action, switch) = action.split_once(' ').unwrap_or((action, ""));
                story.decide(&name, "allow", "r2", "t2", action, None);
                if !switch.is_empty() {
                    story.set(&name, "binds.params", value(&format!(r#"{{"auto_sync":"{switch}"}}"#)));
                }
                if !outcome.is_empty() {
                    story.receipt(&format!("{name} receipt"), &name, outcome, None);
                }
                called = name;
            }
            Told(outcome) => story.receipt(&format!("{name} receipt"), &called, outcome, None),
            Look(shown) => {
                let ms = story.now_ms();
                look(&mut story, "observer", (ms, ms), "operation", true);
                of_step(&mut story, &format!("observer {ms}"), "rows[0].auto_sync", shown);
            }
            Seen(after) => {
                let (name, seen) = (name.clone(), seen(&story, &name, after));
                story.log(&name, "argocd_observation", "", seen);
                story.submitted_by(&name, "observer");
            }
        }
    }
    story
}

fn of_step(story: &mut Story, name: &str, path: &str, new: &str) {
    let named = story.named(name);
    let step = story.steps.iter_mut().rfind(|step| step.name == name || step.name == named).expect("a step");
    set(&mut step.payload, path, Some(new.to_owned().into()));
}

fn person(story: &mut Story, name: &str, what: &str) {
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "what", Some(what.to_owned().into()));
    set(&mut record, "nonce", Some(nonce(name).into()));
    set(&mut record, "app", value(&binds("job-1", "sync")).get("app").cloned());
    story.log(name, "change_record", "recorder", record);
}

fn seen(story: &Story, name: &str, after: &str) -> Value<'static> {
    let before = if after == "on" { "off" } else { "on" };
    let mut payload = value(&format!(
        r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"poll","instance":"argocd-prod",
        "event":"auto_sync","app":{{}},"raw_digest":"{}","before":"{before}","after":"{after}"}}"#,
        nonce(name),
        hex(name),
    ));
    set(&mut payload, "app", story.said("seen").get("app").cloned());
    payload
}

/// What is said of the freezes of a story: how many did not hold, and of how many
/// nobody can say it. The whole log and the application's own entries say the same.
#[track_caller]
fn told(story: &Story) -> (usize, usize) {
    let timeline = story.timeline();
    same_from_its_own_entries(&timeline, timeline.size(), &scopes());
    of_report(&story.audit().of(&Scope::App(APP.into())))
}

fn of_report(report: &Report) -> (usize, usize) {
    let found = report.findings.iter().filter(|finding| finding.rule.code == "CONTROL_REVERTED").count();
    let unsure = report.coverage.iter().filter(|row| row.what.starts_with("freeze that did not hold"));
    (found, unsure.map(|row| row.entries.len()).sum())
}

#[track_caller]
fn says(acts: &[(i64, Act)], expected: (usize, usize)) {
    assert_eq!(told(&of(acts)), expected);
}

const HELD: (usize, usize) = (0, 0);
const REVERTED: (usize, usize) = (1, 0);
const UNSURE: (usize, usize) = (0, 1);
const DAY: i64 = 24 * 60;
const FREEZE: Act = Person("freeze");
const THAW: Act = Person("unfreeze");
const OFF: Act = Call("set_auto_sync off", "accepted");
const ON: Act = Call("set_auto_sync on", "accepted");

#[test]
fn a_freeze_that_a_person_writes_down_after_a_thaw_that_came_later_is_not_said_to_have_failed() {
    for thaw in [THAW, Person("other"), ON, Call("edit_app_spec", "accepted")] {
        says(&[(0, thaw), (15, FREEZE), (30, Look("on"))], UNSURE);
        // A person writes down what they did within days.
        says(&[(0, thaw), (4 * DAY, FREEZE), (4 * DAY + 30, Look("on"))], REVERTED);
        // Seen off since then, it was frozen after the thaw.
        says(&[(0, thaw), (15, FREEZE), (20, Look("off")), (40, Look("on"))], REVERTED);
        says(&[(0, thaw), (15, FREEZE), (20, Seen("off")), (21, Seen("on"))], REVERTED);
        says(&[(0, thaw), (15, FREEZE), (30, Look("on")), (40, Look("off")), (60, Look("on"))], REVERTED);
        // Off for a moment that the clocks cannot place tells nothing.
        says(&[(0, thaw), (1, FREEZE), (2, Look("off")), (30, Look("on"))], UNSURE);
        says(&[(0, thaw), (1, FREEZE), (2, Seen("off")), (3, Seen("on"))], UNSURE);
    }
    // A call has its time: what was written down or taken before it did not end it.
    for thaw in [THAW, ON] {
        says(&[(0, thaw), (15, OFF), (30, Look("on"))], REVERTED);
    }
    says(&[(0, FREEZE), (15, THAW), (30, FREEZE), (45, Look("on"))], UNSURE);
}

#[test]
fn what_a_person_thawed_is_written_down_also_after_the_next_freeze() {
    let late = |days: i64| [(0, FREEZE), (20, Look("on")), (30, FREEZE), (35, Look("off")), (days * DAY, THAW)];
    says(&late(1), HELD);
    says(&late(4), REVERTED);
    // Before the next freeze it counts wherever it stands.
    says(&[(0, FREEZE), (20, Look("on")), (9 * DAY, THAW)], HELD);
}

#[test]
fn a_freeze_that_is_said_again_before_it_can_be_seen_to_fail_has_its_time_from_the_first() {
    let again: Vec<_> = (0..8).map(|at| (5 * at, FREEZE)).chain([(39, Look("on"))]).collect();
    // Those of the last minutes may not be there to see yet.
    assert_eq!(told(&of(&again)).0, 7);
    let again: Vec<_> = (0..8).map(|at| (5 * at, OFF)).chain([(39, Look("on"))]).collect();
    assert_eq!(told(&of(&again)).0, 7);
    says(&again[..1], HELD);
}

#[test]
fn a_call_that_argo_cd_refused_ends_no_freeze_and_one_of_which_nobody_knows_may_have() {
    for action in ["set_auto_sync on", "edit_app_spec", "delete_app"] {
        for freeze in [FREEZE, OFF] {
            let with = |outcome| [(0, freeze), (10, Call(action, outcome)), (20, Look("on"))];
            says(&with("accepted"), HELD);
            says(&with("refused_rbac"), REVERTED);
            says(&with("not_sent"), REVERTED);
            says(&with("error_transport"), UNSURE);
            says(&with(""), UNSURE);
        }
    }
    // Decided after it was seen on, it did not switch it on.
    says(&[(0, OFF), (20, Look("on")), (30, ON), (40, Look("on"))], REVERTED);
    // Decided before the freeze, and called after it.
    let called = |minute| [(0, Call("set_auto_sync on", "")), (5, OFF), (minute, Told("accepted")), (30, Look("on"))];
    let story = |minute| {
        let mut story = of(&called(minute));
        of_step(&mut story, "act 2 receipt", "decision_digest", "@job-1.act 0");
        story
    };
    assert_eq!(told(&story(20)), UNSURE);
}

#[test]
fn a_call_that_came_late_is_not_held_against_what_was_seen_before_it() {
    let late = |on: Act| [(0, Call("set_auto_sync off", "")), (5, Seen("off")), (6, on), (20, Told("accepted"))];
    says(&late(Seen("on")), HELD);
    let held = [late(Seen("on")).as_slice(), &[(21, Seen("off"))]].concat();
    says(&held, HELD);
    says(&[held.as_slice(), &[(30, Seen("on"))]].concat(), REVERTED);
}

/// One uid, on two instances or under two names: two applications.
#[test]
fn a_freeze_is_of_the_application_that_has_its_instance_name_and_uid() {
    let acts = [(0, OFF), (10, Look("off")), (20, Look("on"))];
    assert_eq!(told(&of(&acts)), REVERTED);
    let changed = |name: &str, path: &str, new: &str| {
        let mut story = of(&acts);
        of_step(&mut story, name, path, new);
        let timeline = story.timeline();
        let elsewhere = [APP.replace("argocd-prod", "argocd-test"), APP.replace(NAME, "another")].map(Scope::App);
        same_from_its_own_entries(&timeline, timeline.size(), &elsewhere);
        let report = story.audit();
        (told(&story), of_report(&report))
    };
    let story = of(&acts);
    let look = &story.steps.iter().rfind(|step| step.kind == "argocd_snapshot").expect("a look").name;
    for (path, new) in [("rows[0].app.name", "another"), ("rows[0].app.uid", "another uid")] {
        assert_eq!(changed(look, path, new), (HELD, HELD), "{path}");
    }
    for (path, new) in
        [("binds.app.name", "another"), ("binds.app.uid", "another uid"), ("binds.instance", "argocd-test")]
    {
        assert_eq!(changed("act 0", path, new), (HELD, HELD), "{path}");
    }
    // A record names no instance, and all else of an application.
    let recorded = |path: &str, new: &str| {
        let mut story = of(&[(0, FREEZE), (20, Look("on"))]);
        of_step(&mut story, "act 0", path, new);
        assert_eq!(told(&story), of_report(&story.audit()), "{path}");
        told(&story)
    };
    assert_eq!(recorded("what", "freeze"), REVERTED);
    assert_eq!(recorded("app.name", "another"), HELD);
    assert_eq!(recorded("app.namespace", "another"), HELD);
    assert_eq!(recorded("app.uid", "another uid"), HELD);
}

#[test]
fn a_look_by_a_signer_whom_nobody_trusts_shows_no_freeze_as_failed() {
    for is_trusted in [true, false] {
        let mut story = of(&[(0, OFF), (20, Look("on"))]);
        let look = story.steps.last().expect("a look").name.clone();
        story.signed_by(&look, "thief");
        let who = [format!(r#""did":"{}""#, did("thief")), r#""submitter":"observer""#.to_owned()];
        let row = |who| value(&format!(r#"{{{who},"instance":"argocd-prod","channels":["notify","poll"]}}"#));
        story.set("roots", "observers", Value::Array(who.map(row).to_vec()));
        if !is_trusted {
            let at = story.index(&look);
            let row = value(&format!(r#"[{{"did":"{}","from_index":{at},"reason":"stolen key"}}]"#, did("thief")));
            story.roots_again("distrusting", "distrusted", row);
        }
        assert_eq!(told(&story), if is_trusted { REVERTED } else { HELD });
    }
}
