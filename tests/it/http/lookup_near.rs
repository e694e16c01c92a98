//! Search by a beginning: whole names, counts, whose word it is, and rows that
//! are made again.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::merkle::LeafIndex;
use pulselog::server::faults::NoFaults;
use pulselog::server::store::layout::cf;
use pulselog::server::store::{Budget, Store};

use crate::make::audit::Story;
use crate::make::service::{Answer, Service};
use crate::make::told::Told;
use crate::make::{good_payload, hex, key, kind, seal_raw, set};

/// Names that begin so: sort, by holders, names, count, whether there are more.
type Near = (String, bool, Vec<String>, i64, bool);

fn lookup(service: &Service, text: &str) -> Answer {
    let escaped: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
    let answer = service.get(&format!("/v1/lookup?q={escaped}"));
    assert_eq!(answer.status, 200, "{text}: {}", answer.text());
    answer
}

fn rows(answer: &Answer, name: &str) -> Vec<Value<'static>> {
    answer.json().get(name).and_then(Value::as_array).expect("a list").to_vec()
}

fn near(answer: &Answer) -> Vec<Near> {
    let near = |row: &Value<'static>| {
        let names = row.get("names").and_then(Value::as_array).expect("names");
        let names = names.iter().filter_map(|name| name.text_at("name")).map(str::to_owned).collect();
        let is = |member| row.get(member) == Some(&Value::Bool(true));
        let count = row.get("count").and_then(Value::as_i64).expect("a count");
        (
            row.text_at("kind_of_match").expect("a sort").to_owned(),
            is("by_holders"),
            names,
            count,
            is("more_than_count"),
        )
    };
    rows(answer, "begins").iter().map(near).collect()
}

/// Sort, by holders, count, whether there are more than that.
fn groups(answer: &Answer) -> Vec<(String, bool, i64, bool)> {
    let group = |row: &Value<'static>| {
        let is = |member| row.get(member) == Some(&Value::Bool(true));
        let count = row.get("count").and_then(Value::as_i64).expect("a count");
        (row.text_at("kind_of_match").expect("a sort").to_owned(), is("by_holders"), count, is("more_than_count"))
    };
    rows(answer, "groups").iter().map(group).collect()
}

fn names(of: &str, by_holders: bool, names: &[&str]) -> Near {
    let count = i64::try_from(names.len()).expect("few");
    (of.to_owned(), by_holders, names.iter().map(|name| (*name).to_owned()).collect(), count, false)
}

#[test]
fn three_characters_of_a_name_find_it_and_case_counts() {
    let told = Told::of(&Story::clean());
    let begun = near(&lookup(&told.service, "job"));
    assert!(begun.contains(&names("job", true, &["job-1"])), "{begun:?}");
    assert!(begun.contains(&names("run", true, &["job-1.r1", "job-1.r2"])), "{begun:?}");
    for (text, sort, name) in [
        ("payments", "app_name", "payments-api"),
        ("argocd-prod/argo", "app", "argocd-prod/argocd/payments-api"),
        ("did:key:z6Mk", "agent", ""),
        ("test", "submitter", "tester"),
    ] {
        let found = near(&lookup(&told.service, text));
        let row = found.iter().find(|(of, ..)| of == sort).unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(row.2.iter().any(|one| one == name || name.is_empty()), "{text}: {row:?}");
    }
    assert_eq!(near(&lookup(&told.service, "JOB")), []);
    assert_eq!(near(&lookup(&told.service, "^job.*")), [], "plain text, no expression");
    for (text, least) in [("jo", 3), ("j", 3), ("abc12", 7)] {
        let answer = lookup(&told.service, text);
        assert_eq!((near(&answer), answer.number("too_short")), (vec![], least), "{text}");
    }
    // The name itself is told apart from what is longer.
    let answer = lookup(&told.service, "job-1");
    assert!(groups(&answer).iter().any(|(of, holders, ..)| of == "job" && *holders));
    assert!(near(&answer).iter().all(|(of, ..)| of != "job"), "{}", answer.text());
}

#[test]
fn seven_digits_or_both_ends_of_a_hash_find_it_in_either_case() {
    let told = Told::of(&Story::clean());
    let entry = told.service.get("/v1/entries/1");
    let commit = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    let mut approval = good_payload(kind("approval"));
    set(&mut approval, "binds.revisions", Some(Value::from(vec![Value::from(commit), "v1.2".into()])));
    let text = to_compact(&seal_raw(kind("approval"), approval, &key("approver")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    let token = hex("job-1.t1");
    for (sort, whole) in [
        ("artifact", entry.string("artifact")),
        ("leaf_hash", entry.string("leaf_hash")),
        ("token_hash", token),
        ("commit", commit.to_owned()),
    ] {
        let ends = format!("{}…{}", &whole[..8], &whole[whole.len() - 8..]);
        for text in [&whole[..7], &whole[..12].to_uppercase(), &ends, &ends.replace('…', "...")] {
            let found = near(&lookup(&told.service, text));
            let is_it = |(of, _, names, ..): &Near| of == sort && names.contains(&whole);
            assert!(found.iter().any(is_it), "{sort} {text}: {found:?}");
        }
        assert!(!lookup(&told.service, &whole[..6]).text().contains(&whole), "six digits are too few");
        let other = format!("{}…{}", &whole[..8], "00000000");
        assert!(!lookup(&told.service, &other).text().contains(&whole), "another end");
    }
    assert!(groups(&lookup(&told.service, commit)).iter().any(|(of, ..)| of == "commit"));
    assert_eq!(groups(&lookup(&told.service, "TOKEN_REVOKED")), [("code".to_owned(), true, 0, false)]);
}

#[test]
fn counts_are_exact_to_a_thousand() {
    let service = Service::start();
    let line = |n: usize| {
        let mut payload = good_payload(kind("gateway_receipt"));
        set(&mut payload, "receipt_id", Some(format!("rcpt-{n}").into()));
        set(&mut payload, "binding.run_id", Some(format!("many-{n:04}").into()));
        to_compact(&seal_raw(kind("gateway_receipt"), payload, &key("gateway")))
    };
    let counts = |more: bool| {
        let begun = near(&lookup(&service, "many-"));
        assert_eq!(begun.len(), 1, "{begun:?}");
        assert_eq!((begun[0].2.len(), begun[0].3, begun[0].4), (10, 1_000, more));
        let groups = groups(&lookup(&service, "tester"));
        assert_eq!(groups, [("submitter".to_owned(), false, 1_000, more)]);
    };
    let lines: Vec<_> = (0..1_000).map(line).collect();
    assert_eq!(service.post("/v1/entries:batch", lines.join("\n")).status, 200);
    counts(false);
    assert_eq!(service.post("/v1/entries", line(1_000)).status, 201);
    counts(true);
}

#[test]
fn what_others_say_stands_apart_and_after() {
    let told = Told::of(&Story::clean());
    let mut change = good_payload(kind("change_record"));
    set(&mut change, "job_id", Some("job-1".into()));
    let text = to_compact(&seal_raw(kind("change_record"), change.clone(), &key("nobody")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    set(&mut change, "job_id", Some("job-12".into()));
    let text = to_compact(&seal_raw(kind("change_record"), change, &key("nobody")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    let answer = lookup(&told.service, "job-1");
    let of: Vec<_> = groups(&answer).into_iter().filter(|(of, ..)| of == "job").collect();
    assert_eq!(of.iter().map(|(_, holders, ..)| *holders).collect::<Vec<_>>(), [true, false]);
    assert_eq!(of[1].2, 1, "{}", answer.text());
    assert_eq!(near(&answer).iter().find(|(of, ..)| of == "job"), Some(&names("job", false, &["job-12"])));
    let begun: Vec<_> = near(&lookup(&told.service, "job-")).into_iter().filter(|(of, ..)| of == "job").collect();
    assert_eq!(begun, [names("job", true, &["job-1"]), names("job", false, &["job-1", "job-12"])]);
}

#[test]
fn names_are_made_again_when_rows_are_of_another_version() {
    let mut told = Told::of(&Story::clean());
    let before = near(&lookup(&told.service, "job"));
    told.service.restart(|data| {
        let store =
            Store::open(&data.join("store"), Budget::default(), std::sync::Arc::new(NoFaults)).expect("a store");
        let family = store.database().cf_handle(cf::SEARCH).expect("a family");
        store.database().delete_range_cf(family, &[0][..], &[0xff][..]).expect("deleted");
        // As the version before this one wrote it, which kept no names.
        store.database().put_cf(family, b"c", [2; 16]).expect("written");
    });
    let size = told.service.size();
    let answer = lookup(&told.service, "job");
    assert_eq!(near(&answer), before);
    assert_eq!(answer.number("indexed_size"), i64::try_from(size).expect("a size"));
}

#[test]
fn names_of_any_length_and_script_are_found() {
    let service = Service::start();
    let long = "x".repeat(1_024);
    let names = ["<script>alert(1)</script>", "\u{202e}evil", "a\u{301}\u{301}\u{301}", "nul\0in it", &long];
    for name in names {
        let mut payload = good_payload(kind("gateway_receipt"));
        set(&mut payload, "receipt_id", Some(format!("rcpt {name}").chars().take(99).collect::<String>().into()));
        set(&mut payload, "binding.run_id", Some(name.into()));
        let text = to_compact(&seal_raw(kind("gateway_receipt"), payload, &key("gateway")));
        let answer = service.post("/v1/entries", text);
        if answer.status != 201 {
            // Admission refuses some of them: then there is nothing to find.
            continue;
        }
        let at = LeafIndex::new(u64::try_from(answer.number("index")).expect("an index"));
        let begins: String = name.chars().take(3).collect();
        let found = lookup(&service, &begins);
        let name = name.to_owned();
        let is_it = |(of, _, names, ..): &Near| of == "run" && names.contains(&name);
        assert!(near(&found).iter().any(is_it), "{at}: {}", found.text());
    }
}
