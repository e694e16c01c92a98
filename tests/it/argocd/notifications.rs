//! The configuration that makes Argo CD tell: what it uses, and how it joins
//! one that is there.

use std::collections::{BTreeMap, BTreeSet};

use pulselog::argocd::notifications::{MergeError, Notifications, merged};
use pulselog::artifact::json::{Value, to_compact};

use crate::make::argocd::{INSTANCE, json};
use crate::make::set;

const PATH: &str = "/v1/ingest/argocd";

pub fn ours() -> Notifications {
    Notifications::new("https://log.example.com/", PATH, INSTANCE, "argocd").expect("a configuration")
}

pub fn data() -> BTreeMap<String, String> {
    ours().own_data().into_iter().collect()
}

/// What a running Argo CD was seen to take, word by word.
const FUNCTIONS: [&str; 10] = ["toJson", "default", "dict", "omit", "list", "last", "if", "else", "end", "len"];
const KEYS: [&str; 12] = [
    "url",
    "headers",
    "name",
    "value",
    "retryMax",
    "description",
    "when",
    "oncePer",
    "send",
    "webhook",
    "method",
    "body",
];

#[test]
fn it_uses_nothing_that_was_not_seen_to_work() {
    for (name, text) in data() {
        assert!(!text.contains("retryWait") && !text.contains("sync.GetInfoItem") && !text.contains("repo."), "{name}");
        let is_template = name.starts_with("template.");
        for action in text.split("{{").skip(1).map(|rest| rest.split("}}").next().expect("an end")) {
            let word = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphabetic()) && !part.is_empty();
            for part in action.split([' ', '(', ')', '|', '-']).filter(word) {
                assert!(FUNCTIONS.contains(&part), "{name}: {part}");
            }
        }
        // Of a template only its head is YAML of the controller's.
        let lines = text.lines().take(if is_template { 4 } else { usize::MAX });
        for line in lines {
            let line = line.trim_start().trim_start_matches("- ");
            let key = line.split(':').next().expect("a key");
            assert!(KEYS.contains(&key) || is_template && key == "pulselog", "{name}: {line}");
        }
        if is_template {
            assert!(text.starts_with("webhook:\n  pulselog:\n    method: POST\n    body: |\n"), "{text}");
        }
    }
    let service = &data()["service.webhook.pulselog"];
    assert!(service.contains("url: https://log.example.com/v1/ingest/argocd\n"), "{service}");
    assert!(service.contains("value: Bearer $pulselog-token\n"), "{service}");
}

#[test]
fn every_trigger_is_subscribed_to_and_sends_a_template_that_is_there() {
    let data = data();
    let named = |prefix: &str| -> BTreeSet<String> {
        data.keys().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let (triggers, templates) = (named("trigger."), named("template."));
    let subscription = Notifications::subscription();
    let line = subscription.lines().nth(1).expect("a line").trim();
    let listed = line.strip_prefix("triggers: [").and_then(|rest| rest.strip_suffix(']')).expect("a list");
    let listed: BTreeSet<_> = listed.split(", ").map(str::to_owned).collect();
    assert_eq!(listed, triggers);
    let sends = data.values().flat_map(|text| text.lines()).filter_map(|line| line.trim().strip_prefix("send: ["));
    let sent: BTreeSet<_> = sends.map(|rest| rest.trim_end_matches(']').to_owned()).collect();
    assert_eq!(sent, templates);
}

/// The whole as YAML: blocks at one depth, each the text that it stands for.
#[test]
fn the_printed_configuration_reads_back() {
    let yaml = ours().to_yaml();
    assert!(yaml.is_ascii() && !yaml.contains('\t') && !yaml.contains(" \n"), "{yaml}");
    let (secret, map) = yaml.split_once("---\n").expect("two documents");
    assert!(secret.contains("kind: Secret\n") && secret.contains("  pulselog-token: PUT-THE-TOKEN-HERE\n"), "{secret}");
    let (_, blocks) = map.split_once("\ndata:\n").expect("data");
    let mut read: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in blocks.lines() {
        match (line.strip_prefix("    "), line.trim().strip_suffix(": |")) {
            (Some(text), _) => read.get_mut(&name).expect("a block").push_str(&format!("{text}\n")),
            (None, Some(key)) => {
                name = key.to_owned();
                read.insert(name.clone(), String::new());
            }
            (None, None) => panic!("{line}"),
        }
    }
    let mut wanted = data();
    wanted.insert("subscriptions".to_owned(), Notifications::subscription());
    assert_eq!(read, wanted);
}

#[test]
fn what_would_break_the_configuration_is_refused() {
    for url in [
        "",
        "log.example.com",
        "ftp://log",
        "https://",
        "https:///x",
        "https://a b",
        "https://a\"",
        "https://$a",
        "https://a?b=c",
        "https://a\nb",
        "https://u:p@h",
    ] {
        let error = Notifications::new(url, PATH, INSTANCE, "argocd").expect_err(url).to_string();
        assert!(error.starts_with("--url: "), "{error}");
    }
    let error = Notifications::new("https://log", PATH, "Prod EU", "argocd").expect_err("a name").to_string();
    assert!(error.starts_with("--instance: must be an exact DNS-1123 name"), "{error}");
    assert!(Notifications::new("https://log", PATH, "prod", "a b").is_err());
    assert_eq!(
        Notifications::new("https://log/", PATH, "prod", "argocd"),
        Notifications::new("https://log", PATH, "prod", "argocd")
    );
}

fn config_map(subscriptions: Option<&str>) -> Value<'static> {
    let mut map = json(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"argocd-notifications-cm","namespace":"argocd",
        "resourceVersion":"77","uid":"1","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[],
        "labels":{"app.kubernetes.io/part-of":"argocd"},
        "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","team":"deploy"}},
        "data":{"context":"argocdUrl: https://argocd.example.com\n","service.slack":"token: $slack-token\n",
        "trigger.on-deployed":"- when: x\n"},"binaryData":{"x":"AA=="}}"#,
    );
    if let Some(text) = subscriptions {
        set(&mut map, "data.subscriptions", Some(text.into()));
    }
    map
}

#[test]
fn merging_adds_what_is_ours_and_keeps_the_rest() {
    let theirs = "# who is told\n- recipients:\n  - slack:deploys\n  triggers:\n  - on-deployed\n";
    let after = merged(&config_map(Some(theirs)), &ours()).expect("merged");
    let data = after.get("data").and_then(Value::as_object).expect("data");
    for (name, text) in [
        ("context", "argocdUrl: https://argocd.example.com\n"),
        ("service.slack", "token: $slack-token\n"),
        ("trigger.on-deployed", "- when: x\n"),
        ("subscriptions", &format!("{theirs}{}", Notifications::subscription())),
    ] {
        assert_eq!(data.get(name).and_then(Value::as_str), Some(text), "{name}");
    }
    for (name, text) in self::data() {
        assert_eq!(data.get(&name).and_then(Value::as_str), Some(text.as_str()), "{name}");
    }
    let metadata = r#"{"name":"argocd-notifications-cm","namespace":"argocd","labels":{"app.kubernetes.io/part-of":"argocd"},"annotations":{"team":"deploy"}}"#;
    assert_eq!(after.get("metadata").map(to_compact).as_deref(), Some(metadata));
    assert_eq!(after.get("binaryData").map(to_compact).as_deref(), Some(r#"{"x":"AA=="}"#));
    assert_eq!(merged(&after, &ours()), Ok(after), "merging again changes nothing");
}

#[test]
fn an_item_is_added_as_the_others_are_written() {
    let subscribed = |text: Option<&str>| {
        merged(&config_map(text), &ours()).map(|after| after.text_at("data.subscriptions").expect("a text").to_owned())
    };
    let item = Notifications::subscription();
    for nothing in [None, Some(""), Some("\n  \n"), Some("# nobody yet\n"), Some("[]\n")] {
        assert_eq!(subscribed(nothing).as_deref(), Ok(item.as_str()), "{nothing:?}");
    }
    let deeper: String = item.lines().map(|line| format!("  {line}\n")).collect();
    for deep in ["  - recipients: [slack]\n    triggers: [a]\n", "  - recipients: [slack]\n    triggers: [a]"] {
        assert_eq!(subscribed(Some(deep)), Ok(format!("{}\n{deeper}", deep.trim_end())), "{deep}");
    }
    for by_hand in ["- recipients: [pulselog]\n  triggers: [a]\n", "- triggers: [a]\n  recipients: [ pulselog ]\n"] {
        assert_eq!(subscribed(Some(by_hand)).as_deref(), Ok(by_hand));
    }
    for unclear in [
        "[{recipients: [slack]}]\n",
        "recipients: [slack]\n",
        "- a: b\nc: d\n",
        "  - a: b\n - c: d\n",
        "---\n- a: b\n",
        "-\ta: b\n",
    ] {
        assert_eq!(subscribed(Some(unclear)), Err(MergeError::Subscriptions), "{unclear}");
    }
}

#[test]
fn what_is_no_such_config_map_is_left_alone() {
    let refuses = |path: &str, new: Option<Value<'static>>| {
        let mut map = config_map(None);
        set(&mut map, path, new);
        merged(&map, &ours()).expect_err(path)
    };
    assert_eq!(merged(&json("[]"), &ours()), Err(MergeError::NoConfigMap));
    assert_eq!(refuses("kind", Some("List".into())), MergeError::NoConfigMap);
    assert_eq!(refuses("apiVersion", None), MergeError::NoConfigMap);
    assert_eq!(refuses("metadata.name", Some("argocd-cm".into())), MergeError::AnotherName);
    assert_eq!(refuses("data.context", Some(json("{}"))), MergeError::NoText("context".into()));
    assert_eq!(refuses("data", Some(json("[]"))), MergeError::NoText("*".into()));
}
