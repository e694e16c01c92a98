//! Findings page by page: each once, all of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::{Effect, Finding};

use crate::audit::foe::{self, Froze, found_with_looks_from};
use crate::audit::frozen;
use crate::audit::frozen::Act::{Call, Look, Person};
use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, lost_and_seen, silent_and_closed, tick};
use crate::audit::goldens::shown::refused_when_nothing_was_decided;
use crate::audit::goldens::story_of;
use crate::audit::slices::tangled;
use crate::make::audit::{Story, nonce};
use crate::make::told::{Told, whole};
use crate::make::{did, hex, set, value};

/// Findings of all pages, in order.
pub(super) fn pages(told: &Told, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let answer = told.service.get(&format!("/v1/findings?{query}{after}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        let findings = page.get("findings").and_then(Value::as_array).expect("findings");
        found.extend(findings.iter().map(to_compact));
        match page.get("next").and_then(Value::as_i64) {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

pub(super) fn texts<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| to_compact(&value(&serde_json::to_string(finding).expect("JSON")))).collect()
}

#[track_caller]
pub(super) fn same(mut got: Vec<String>, mut expected: Vec<String>, what: &str) {
    got.sort();
    expected.sort();
    assert_eq!(got, expected, "{what}");
}

/// Stories with strangers, with nobody's roots, and with a withdrawn signer.
fn stories() -> Vec<Story> {
    let mut stories = tangled();
    let mut strange = Story::clean();
    let mut by_stranger = strange.steps.clone();
    by_stranger.iter_mut().filter(|step| !step.name.contains("seen")).for_each(|step| step.by_stranger("stranger"));
    strange.steps.extend(by_stranger.into_iter().filter(|step| !step.name.contains("seen")));
    stories.push(strange);
    let mut rootless = Story::clean();
    rootless.remove("roots");
    stories.push(rootless);
    let mut distrusted = Story::clean();
    distrusted.job("job-2", "agent");
    let row = |who: &str| format!(r#"{{"did":"{}","from_index":0,"reason":"lost key"}}"#, did(who));
    let rows = format!("[{},{}]", row("policy signer"), row("gateway"));
    let mut roots = distrusted.steps[0].payload.clone();
    crate::make::set(&mut roots, "distrusted", Some(value(&rows)));
    distrusted.log("later roots", "audit_roots", "operator", roots);
    stories.push(distrusted);
    stories
}

/// A sync that nobody decided, in the time of a decision whose token nobody issued.
fn silent_beside_a_decision_of_nobodys(story: &mut Story) {
    closed(story);
    story.wait(SETTLED_MS);
    lost(story, "more");
    story.set("more", "cst.token_hash", hex("nobody issued it"));
    story.set("more", "binds.params", value(r#"{"prune":true}"#));
    story.observe("silent", "silent", "sync", false);
    tick(story);
}

/// What links join holds no decision that is only alike to what was done: those of
/// its time are read beside it. Where one is alike, the whole log says whether it
/// explains it, and a page accuses nobody; where none is, the page says so.
#[test]
fn what_a_decision_alike_may_explain_is_left_open_by_pages_and_nothing_else_is() {
    let cases: [(fn(&mut Story), _, _, _); 4] = [
        (lost_and_seen, "UNREPORTED_ACTION", 0, 0),
        (silent_and_closed, "UNREPORTED_ACTION", 1, 1),
        (silent_beside_a_decision_of_nobodys, "UNREPORTED_ACTION", 1, 0),
        (refused_when_nothing_was_decided, "UNLOGGED_ATTEMPT", 1, 1),
    ];
    for (tell, code, guilty, said) in cases {
        let mut story = Story::clean();
        tell(&mut story);
        let told = Told::of(&story);
        let report = whole(&told.timeline(), told.service.size());
        let fails = |finding: &&Finding| finding.rule.code == code && finding.effect == Effect::Fails;
        assert_eq!(report.findings.iter().filter(fails).count(), guilty, "{code}");
        let found = pages(&told, "");
        let of_it: Vec<_> = found.iter().filter(|finding| finding.contains(code)).collect();
        assert_eq!(of_it.len(), 1, "{code}");
        if said > 0 {
            let wholly = texts(report.findings.iter().filter(fails));
            assert_eq!(of_it, [&wholly[0]], "{code}");
            continue;
        }
        assert!(
            of_it[0].contains(r#""effect":"incomplete""#) && of_it[0].contains("the audit of the log"),
            "{of_it:?}"
        );
    }
}

/// Who forgot what it saw excuses nobody, by the list neither.
#[test]
fn what_began_after_a_look_is_in_the_list_whoever_says_it_was_there_before() {
    for (minute, found) in [(1, 1), (8, 0)] {
        let told = Told::of(&found_with_looks_from(minute, silent_and_closed, "silent"));
        let report = whole(&told.timeline(), told.service.size());
        let fails = |finding: &&Finding| finding.rule.code == "UNREPORTED_ACTION" && finding.effect == Effect::Fails;
        let wholly = texts(report.findings.iter().filter(fails));
        assert_eq!(wholly.len(), found, "{minute}");
        let got = pages(&told, "code=UNREPORTED_ACTION");
        same(got, wholly, &format!("looks from minute {minute} on"));
    }
}

/// What rests on looks, and on what was seen of an application, no link joins: the
/// page of the application and the audit of the log say it, and the list must too,
/// in the same words, once, whatever it is asked for.
#[test]
fn what_looks_and_flips_show_of_an_application_is_in_the_list() {
    let stories = [
        (story_of(&["taken, and the application's last operation is still that of before"]), "PHANTOM_ACTION"),
        (story_of(&["frozen, seen to be off, and on again"]), "CONTROL_REVERTED"),
        (foe::frozen(&Froze::Recorded, 1, "on"), "CONTROL_REVERTED"),
        (foe::frozen(&Froze::Decided("accepted"), 1, "on"), "CONTROL_REVERTED"),
    ];
    for (at, (story, code)) in stories.iter().enumerate() {
        let told = Told::of(story);
        let report = whole(&told.timeline(), told.service.size());
        let found = texts(report.findings.iter().filter(|finding| finding.rule.code == *code));
        assert_eq!(found.len(), 1, "story {at}");
        let app = "app=argocd-prod%2Fargocd%2Fpayments-api";
        for query in
            ["limit=1", "", &format!("code={code}"), app, &format!("limit=2&{app}"), &format!("code={code}&{app}")]
        {
            let got = pages(&told, query).into_iter().filter(|finding| finding.contains(code)).collect();
            same(got, found.clone(), &format!("story {at}, {query}"));
        }
        let of_agent = found.iter().filter(|finding| finding.contains("\"agent\"")).cloned().collect();
        let got = pages(&told, &format!("agent={}", did("agent")));
        same(
            got.into_iter().filter(|finding| finding.contains(code)).collect(),
            of_agent,
            &format!("story {at}, agent"),
        );
        assert_eq!(pages(&told, "code=TOKEN_REVOKED"), [] as [String; 0], "story {at}");
    }
    for shown in ["off", "unknown"] {
        let told = Told::of(&foe::frozen(&Froze::Recorded, 1, shown));
        assert!(pages(&told, "").iter().all(|finding| !finding.contains("CONTROL_REVERTED")), "{shown}");
    }
}

/// Freezes by people, by calls and said again: what the audit of the log says of them,
/// the list says too, whatever it is asked for.
#[test]
fn what_is_said_of_freezes_is_the_same_in_the_list() {
    let stories = [
        (vec![(0, Person("unfreeze")), (15, Person("freeze")), (30, Look("on"))], 0),
        (vec![(0, Person("unfreeze")), (15, Person("freeze")), (20, Look("off")), (40, Look("on"))], 1),
        (
            vec![
                (0, Person("freeze")),
                (5, Person("freeze")),
                (9, Call("set_auto_sync off", "accepted")),
                (30, Look("on")),
            ],
            3,
        ),
        (vec![(0, Person("freeze")), (10, Call("edit_app_spec", "refused_rbac")), (20, Look("on"))], 1),
        (vec![(0, Call("set_auto_sync off", "accepted")), (10, Call("delete_app", "")), (20, Look("on"))], 0),
    ];
    for (at, (acts, count)) in stories.iter().enumerate() {
        let told = Told::of(&frozen::of(acts));
        let report = whole(&told.timeline(), told.service.size());
        let found = texts(report.findings.iter().filter(|finding| finding.rule.code == "CONTROL_REVERTED"));
        assert_eq!(found.len(), *count, "story {at}");
        for query in ["", "limit=1", "app=argocd-prod%2Fargocd%2Fpayments-api"] {
            let got = pages(&told, &format!("code=CONTROL_REVERTED&{query}"));
            same(got, found.clone(), &format!("story {at}, {query}"));
        }
    }
}

/// Whoever may record can name as many applications as there are names: none of them
/// is worth an audit, and the one that was seen is told all the same.
#[test]
fn freezes_of_applications_that_nobody_ever_saw_cost_a_question_each() {
    let mut story = foe::frozen(&Froze::Recorded, 1, "on");
    let record = story.said("freeze").clone();
    for at in 0..1_500 {
        let (name, mut record) = (format!("invented {at}"), record.clone());
        set(&mut record, "nonce", Some(nonce(&name).into()));
        set(&mut record, "app.name", Some(format!("invented-{at}").into()));
        story.log(&name, "change_record", "recorder", record);
    }
    let told = Told::of(&story);
    let report = whole(&told.timeline(), told.service.size());
    let found = texts(report.findings.iter().filter(|finding| finding.rule.code == "CONTROL_REVERTED"));
    assert_eq!(found.len(), 1);
    let begin = Instant::now();
    same(pages(&told, "code=CONTROL_REVERTED&limit=1000"), found, "all pages");
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn every_finding_is_on_one_page_and_no_other_is_on_any() {
    let mut kinds = BTreeMap::new();
    for (at, story) in stories().iter().enumerate() {
        let told = Told::of(story);
        let timeline = told.timeline();
        for size in [told.service.size() / 2, told.service.size()] {
            let report = whole(&timeline, size);
            for limit in [1, 3, 1_000] {
                let what = format!("story {at} at {size}, {limit} a page");
                same(pages(&told, &format!("at={size}&limit={limit}")), texts(&report.findings), &what);
            }
            report.findings.iter().for_each(|finding| *kinds.entry(finding.rule.code).or_insert(0) += 1);
        }
    }
    for code in ["UNTRUSTED_STATEMENT", "ROOTS_MISSING", "DISTRUSTED_SIGNER", "TOKEN_REVOKED"] {
        assert!(kinds.contains_key(code), "no story shows {code}: {kinds:?}");
    }
}

#[test]
fn each_filter_picks_exactly_its_findings() {
    let told = Told::of(&tangled()[1]);
    let report = whole(&told.timeline(), told.service.size());
    let by = |pick: &dyn Fn(&Finding) -> bool| texts(report.findings.iter().filter(|finding| pick(finding)));
    let agent = did("agent");
    let app = "argocd-prod/argocd/payments-api";
    let severe = pulselog::audit::Severity::Critical;
    same(pages(&told, "code=TOKEN_REVOKED"), by(&|f| f.rule.code == "TOKEN_REVOKED"), "code");
    same(pages(&told, "severity=critical"), by(&|f| f.severity >= severe), "severity");
    same(pages(&told, "severity=info&limit=2"), by(&|_| true), "severity");
    same(pages(&told, &format!("agent={agent}&limit=2")), by(&|f| f.subject.agent.as_ref() == Some(&agent)), "agent");
    same(pages(&told, &format!("app={app}&limit=1")), by(&|f| f.subject.app.as_deref() == Some(app)), "app");
    let job = report.of(&pulselog::audit::Scope::Job("job-1".to_owned()));
    same(pages(&told, "job=job-1&limit=1"), texts(&job.findings), "job");
    let run = pulselog::audit::Scope::Run { agent: agent.clone(), run: "job-1.r1".to_owned() };
    same(pages(&told, &format!("agent={agent}&run=job-1.r1")), texts(&report.of(&run).findings), "run");
    let token = report.of(&pulselog::audit::Scope::Token(hex("job-1.t1")));
    same(pages(&told, &format!("token={}&limit=1", hex("job-1.t1"))), texts(&token.findings), "token");
    assert!(!job.findings.is_empty() && !by(&|f| f.subject.app.is_some()).is_empty());
    let none = told.service.get("/v1/findings?job=nobody");
    assert_eq!((none.status, none.number("scanned_to")), (200, i64::try_from(told.service.size()).expect("a size")));
}

#[test]
fn a_page_says_what_it_was_made_from() {
    let told = Told::of(&Story::clean());
    let answer = told.service.get("/v1/findings?at=5");
    assert_eq!((answer.number("as_of.size"), answer.number("scanned_to")), (5, 5));
    assert_eq!(answer.string("rules_version"), pulselog::audit::RULES_VERSION);
    assert_eq!(answer.string("roots_digest"), told.service.get("/v1/entries/0").string("artifact"));
}

#[test]
fn filters_that_say_nothing_refuse() {
    let told = Told::nothing();
    for (query, field) in [
        ("code=NO_SUCH_CODE", "code"),
        ("severity=awful", "severity"),
        ("run=r", "agent"),
        ("token=abc", "token"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=x", "after"),
        ("colour=red", "colour"),
    ] {
        let answer = told.service.get(&format!("/v1/findings?{query}"));
        assert_eq!(answer.is(400, "invalid_parameter").string("field"), field, "{query}");
    }
}
