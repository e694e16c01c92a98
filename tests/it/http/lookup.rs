//! Search by name and hash, and policies by hash.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_jcs};

use crate::make::audit::{POLICY, Story};
use crate::make::service::Answer;
use crate::make::told::Told;
use crate::make::{b64u, did, good_payload, hex, key, kind, seal_raw, set, value};

/// What was found: meaning, entries, address.
pub fn groups(answer: &Answer) -> Vec<(String, Vec<i64>, String)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    let groups = json.get("groups").and_then(Value::as_array).expect("groups").to_vec();
    let group = |group: &Value<'static>| {
        let entries = group.get("entries").and_then(Value::as_array).expect("entries");
        let entries = entries.iter().filter_map(Value::as_i64).collect();
        let text = |name| group.text_at(name).expect("a text").to_owned();
        (text("kind_of_match"), entries, text("href"))
    };
    groups.iter().map(group).collect()
}

fn told() -> Told {
    let told = Told::of(&Story::clean());
    let mut change = good_payload(kind("change_record"));
    set(&mut change, "change_ref.system", Some("jira".into()));
    set(&mut change, "change_ref.key", Some("PAY-7".into()));
    let text = pulselog::artifact::json::to_compact(&seal_raw(kind("change_record"), change, &key("recorder")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    told
}

#[test]
fn finds_each_sort_of_name() {
    let told = told();
    let story = Story::clean();
    let at = |name: &str| i64::try_from(story.index(name)).expect("an index");
    let last = i64::try_from(told.service.size()).expect("a size") - 1;
    let agent = did("agent").replace(':', "%3A");
    let cases = [
        ("job-1", "job", None, "/v1/jobs/job-1".to_owned()),
        ("job-1.r1", "run", Some(at("job-1.b1")), format!("/v1/runs/{agent}/job-1.r1")),
        (&hex("job-1.t1"), "token_hash", Some(at("job-1.t1")), format!("/v1/tokens/{}", hex("job-1.t1"))),
        (&b64u("job-1.t1"), "token_hash", Some(at("job-1.t1")), format!("/v1/tokens/{}", hex("job-1.t1"))),
        ("job-1.b1", "bundle_id", Some(at("job-1.b1")), format!("/v1/entries/{}", at("job-1.b1"))),
        (
            "job-1.r1 call 1",
            "receipt_id",
            Some(at("job-1.r1 call 1")),
            format!("/v1/entries/{}", at("job-1.r1 call 1")),
        ),
        ("job-1.ok", "approval_id", Some(at("job-1.ok")), format!("/v1/entries/{}", at("job-1.ok"))),
        (&did("agent"), "agent", Some(at("job-1.t1")), format!("/v1/findings?agent={agent}")),
        (&did("gateway"), "signer", Some(at("job-1.r1 call 1")), format!("/v1/entries/{}", at("job-1.r1 call 1"))),
        (
            "argocd-prod/argocd/payments-api",
            "app",
            Some(at("job-1.sync")),
            "/v1/findings?app=argocd-prod%2Fargocd%2Fpayments-api".to_owned(),
        ),
        ("payments-api", "app_name", Some(at("job-1.sync")), format!("/v1/entries/{}", at("job-1.read"))),
        (
            "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11",
            "app_uid",
            Some(at("job-1.sync")),
            format!("/v1/entries/{}", at("job-1.read")),
        ),
        ("PAY-7", "ticket", Some(last), format!("/v1/entries/{last}")),
        ("jira/PAY-7", "ticket", Some(last), format!("/v1/entries/{last}")),
        ("3", "entry", Some(3), "/v1/entries/3".to_owned()),
    ];
    for (name, sort, entry, href) in cases {
        let answer = told.service.get(&format!("/v1/lookup?q={}", name.replace(' ', "%20")));
        let found = groups(&answer);
        let group = found.iter().find(|(of, ..)| of == sort);
        let (_, entries, to) = group.unwrap_or_else(|| panic!("{name} is no {sort}: {}", answer.text()));
        assert!(entry.is_none_or(|entry| entries.contains(&entry)), "{name}: {entries:?}");
        assert_eq!(*to, href, "{name}");
    }
}

#[test]
fn finds_each_sort_of_hash() {
    let told = told();
    let entry = told.service.get("/v1/entries/1");
    let policy = PayloadHash::of(to_jcs(&value(POLICY)).as_bytes()).to_string();
    let (artifact, leaf) = (entry.string("artifact"), entry.string("leaf_hash"));
    let cases = [
        (&artifact, "artifact", format!("/v1/artifacts/{artifact}")),
        (&leaf, "leaf_hash", format!("/v1/leaves/{leaf}")),
        (&policy, "payload_hash", "/v1/entries/1".to_owned()),
        (&policy, "policy_hash", format!("/v1/policies/{policy}")),
    ];
    for (hash, sort, href) in cases {
        for spelling in [hash.clone(), hash.to_uppercase()] {
            let found = groups(&told.service.get(&format!("/v1/lookup?q={spelling}")));
            assert!(found.contains(&(sort.to_owned(), vec![1], href.clone())), "{spelling}: {found:?}");
        }
    }
    let found = groups(&told.service.get(&format!("/v1/lookup?q={}", policy_hash_b64u())));
    assert!(found.iter().any(|(sort, ..)| sort == "policy_hash"), "{found:?}");
}

#[test]
fn says_what_was_tried_when_nothing_is_found() {
    let told = told();
    let answer = told.service.get("/v1/lookup?q=nobody's");
    assert_eq!(groups(&answer), []);
    let json = answer.json();
    let tried = json.get("tried").and_then(Value::as_array).expect("tried");
    assert!(tried.iter().any(|name| name.as_str() == Some("job")));
    for (query, field) in [("", "q"), ("?q=", "q"), (&format!("?q={}", "x".repeat(513)), "q"), ("?p=1", "p")] {
        let answer = told.service.get(&format!("/v1/lookup{query}"));
        assert_eq!(answer.is(400, "invalid_parameter").string("field"), field);
    }
}

#[test]
fn answers_a_policy_by_its_hash_as_it_was_logged() {
    let told = told();
    let policy = PayloadHash::of(to_jcs(&value(POLICY)).as_bytes()).to_string();
    let answer = told.service.get(&format!("/v1/policies/{policy}"));
    assert_eq!((answer.status, answer.number("index")), (200, 1), "{}", answer.text());
    assert_eq!(answer.string("policy_hash"), policy);
    assert_eq!(answer.string("policy_hash_b64u"), policy_hash_b64u());
    let artifact = told.service.get("/v1/entries/1").string("artifact");
    let body = told.service.get(&format!("/v1/artifacts/{artifact}")).text();
    assert!(answer.text().contains(&format!("\"envelope\":{body}")), "byte for byte");
    assert_eq!(answer.json().get("statements"), Some(&value("[1]")));
    for spelling in [policy.to_uppercase(), policy_hash_b64u()] {
        let answer = told.service.get(&format!("/v1/policies/{spelling}"));
        assert_eq!((answer.status, answer.header("location")), (308, format!("/v1/policies/{policy}").as_str()));
    }
    told.service.get(&format!("/v1/policies/{}", hex("no policy"))).is(404, "policy_not_found");
    // The artifact's digest is not the policy's hash.
    told.service.get(&format!("/v1/policies/{artifact}")).is(404, "policy_not_found");
}

/// Hash of the story's policy, as the peer spells it.
fn policy_hash_b64u() -> String {
    PayloadHash::of(to_jcs(&value(POLICY)).as_bytes()).to_b64u()
}
