//! The poller before answers that a real Argo CD gave, whole and while parts of
//! it were down. Read from the recordings where they are, and never copied.

use std::path::{Path, PathBuf};

use pulselog::artifact::json::{Value, parse};

use crate::argocd::recorded::cases;
use crate::make::argocd::json;
use crate::make::argocd_fixture::{Fixture, Watch};
use crate::make::set;

const USER: &str = "/api/v1/session/userinfo";
const PROJECTS: &str = "/api/v1/projects";
const LIST: &str = "/api/v1/applications";
const EVENTS: &str = "/api/v1/applications/payments-api/events";
const SINGLE: &str = "/api/v1/applications/payments-api";

/// The recorded answer in a file of a case, as what to answer at a path.
fn recorded(case: &Path, file: &str, path: &str) -> Value<'static> {
    let bytes = std::fs::read(case.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let said = parse(&bytes, 100).expect("JSON").into_owned();
    let mut fault = json("{}");
    set(&mut fault, "path", Some(path.into()));
    for name in ["status", "body"] {
        set(&mut fault, name, said.at(&format!("response.{name}")).cloned());
    }
    let headers = said.at("response.headers").and_then(Value::as_array).expect("headers").iter();
    let pair = |pair: &Value<'static>| {
        let [name, text] = pair.as_array()? else { return None };
        let name = name.as_str()?.to_ascii_lowercase();
        let is_of_the_body = ["content-length", "transfer-encoding", "connection"].contains(&name.as_str());
        (!is_of_the_body).then(|| (name, text.clone()))
    };
    let headers =
        pulselog::artifact::json::Object::from_members(headers.filter_map(pair).collect()).expect("once each");
    set(&mut fault, "headers", Some(headers.into()));
    fault
}

fn case(name: &str) -> Option<PathBuf> {
    let found = cases().map(|cases| cases.into_iter().find(|(case, _)| case == name).expect("the case").1);
    if found.is_none() {
        println!("SKIPPED: no recordings of Argo CD beside the project");
    }
    found
}

/// One round before these answers: its exit code, the name of the answer, and
/// how many applications are known.
fn round(watch: &Watch, fixture: &Fixture, answers: &[Value<'static>]) -> (i32, String, i64) {
    fixture.told("faults", answers);
    let ran = watch.poll(&fixture.url);
    let said = json(&ran.out);
    let name = said.text_at("answer").unwrap_or("-").to_owned();
    (ran.code, name, said.get("applications").and_then(Value::as_i64).expect("a number"))
}

#[test]
fn what_a_real_server_answers_is_read_and_what_it_refuses_has_its_name() {
    let Some(case) = case("22-rest-reads") else { return };
    let (fixture, watch) = (Fixture::start(&[]), Watch::new());
    let at = |file: &str, path: &str| recorded(&case, file, path);
    let user = || at("03-userinfo.json", USER);
    for (file, path, name) in [
        ("05-userinfo-anonymous.json", USER, "anonymous"),
        ("06-userinfo-bad.json", USER, "anonymous"),
        ("55-anonymous-list.json", LIST, "unauthorized"),
        ("56-bad-token-list.json", LIST, "unauthorized"),
        ("57-opaque-token-list.json", LIST, "unauthorized"),
        ("29-single-absent.json", LIST, "unknown"),
        ("30-single-absent-project.json", LIST, "absent"),
        ("61-unknown-path.json", LIST, "not_served"),
        ("64-root-html.json", LIST, "failed"),
        ("67-bad-param.json", LIST, "invalid"),
    ] {
        let answered = round(&watch, &fixture, &[at(file, path), user()]);
        assert_eq!(answered, (3, name.to_owned(), 0), "{file}");
    }
    let whole = [user(), at("44-projects.json", PROJECTS), at("09-list.json", LIST)];
    let (code, name, apps) = round(&watch, &fixture, &whole);
    assert!((code, name.as_str()) == (0, "-") && apps >= 9, "{code} {name} {apps}");
    let logged = watch.observed().len();
    assert!(logged >= 9, "{logged}");
    // A token that may see less: nothing is gone for that.
    let less = [user(), at("44-projects.json", PROJECTS), at("12-list-agent.json", LIST)];
    let (code, _, still) = round(&watch, &fixture, &less);
    assert_eq!((code, still, watch.observed().len()), (0, apps, logged));
}

#[test]
fn while_parts_of_it_are_down_nothing_is_believed() {
    let Some(case) = case("53-outages") else { return };
    let (fixture, watch) = (Fixture::start(&[]), Watch::new());
    let answers = |files: [&str; 5]| {
        let paths = [USER, PROJECTS, EVENTS, SINGLE, LIST];
        files.iter().zip(paths).map(|(file, path)| recorded(&case, file, path)).collect::<Vec<_>>()
    };
    let of = |first: u32, name: &str| {
        let file = |at: u32, what: &str| format!("{at:02}-{name}-{what}.json");
        [
            file(first + 4, "userinfo"),
            file(first + 3, "projects"),
            file(first + 2, "events"),
            file(first + 1, "single"),
            file(first, "list"),
        ]
    };
    // In order of time: what is down, and whether the round counts.
    for (first, name, counts) in [
        (1, "repo-down", true),
        (9, "redis-down", true),
        (16, "kube-down", false),
        (23, "kube-down-8s", false),
        (29, "kube-back", true),
        (35, "server-back", true),
    ] {
        let files = of(first, name);
        let before = watch.observed().len();
        let (code, answer, _) = round(&watch, &fixture, &answers(std::array::from_fn(|at| files[at].as_str())));
        match counts {
            true => assert_eq!((code, answer.as_str()), (0, "-"), "{name}"),
            false => {
                assert_eq!((code, answer.as_str()), (3, "failed"), "{name}");
                assert_eq!(watch.observed().len(), before, "{name}");
            }
        }
    }
    // The sync that ran while the repo server and Redis were back or away is there once.
    let keys = watch.observed().iter().filter_map(|said| said.text_at("op_key").map(str::to_owned)).collect::<Vec<_>>();
    assert!(!keys.is_empty());
}
