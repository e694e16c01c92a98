//! Every version of an Application that was recorded, each as one round: which
//! observations come out, case by case. Read from the recordings where they
//! are, and never copied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use pulselog::argocd::round::Found;
use pulselog::artifact::json::{Value, parse};

use crate::argocd::recorded::{cases, lines, notified};
use crate::make::argocd_rounds::Poller;
use crate::make::project;

/// The committed table.
const TABLE: &str = "tests/golden/argocd/polled.txt";

/// A case, round by round: the words of its observations, counted in order of
/// first appearance, and the marks.
fn told_of(case: &std::path::Path) -> (String, BTreeSet<String>) {
    let mut poller = Poller::new();
    let mut apps: BTreeMap<String, Value<'static>> = BTreeMap::new();
    let (mut words, mut keys): (Vec<(String, u32)>, _) = (Vec::new(), BTreeSet::new());
    let mut count = |word: String| match words.iter_mut().find(|(known, _)| *known == word) {
        Some((_, count)) => *count += 1,
        None => words.push((word, 1)),
    };
    let versions = lines(case, "k8s-watch.ndjson");
    for line in &versions {
        let app = line.get("object").expect("an object").clone();
        let named = |path: &str| app.text_at(path).expect("a text").to_owned();
        let (name, version) = (named("metadata.name"), named("metadata.resourceVersion"));
        match line.text_at("type") {
            Some("DELETED") => drop(apps.remove(&name)),
            _ => drop(apps.insert(name, app)),
        }
        let shown: Vec<_> = apps.values().cloned().collect();
        // What the watch does not show was not there.
        poller.round_with(&version, &shown, true, |_| Found::Absent, &[]);
        keys.extend(poller.observed.iter().filter_map(|payload| Some(payload.text_at("op_key")?.to_owned())));
        poller.events().into_iter().for_each(&mut count);
        poller
            .mark_names()
            .into_iter()
            .filter(|mark| *mark != "events_later")
            .for_each(|mark| count(format!("({mark})")));
    }
    let mut text = format!("{} versions, {} operations\n", versions.len(), keys.len());
    for (word, count) in words {
        writeln!(text, "  {count:3} {word}").expect("text");
    }
    (text, keys)
}

#[test]
fn the_recorded_versions_give_the_observations_of_the_table() {
    let Some(cases) = cases() else {
        println!("SKIPPED: no recordings of Argo CD beside the project");
        return;
    };
    let mut table = String::from("What a poller observes of each recorded case, one round a version.\n");
    for (name, case) in cases.iter().filter(|(_, case)| case.join("k8s-watch.ndjson").is_file()) {
        let (text, keys) = told_of(case);
        let mut by_notify = BTreeSet::new();
        for delivery in lines(case, "webhook.ndjson") {
            let body = parse(delivery.text_at("body").expect("a body").as_bytes(), 64).expect("JSON").into_owned();
            by_notify.extend(notified(&body).map(|operation| operation.op_key().to_owned()));
        }
        let both = by_notify.intersection(&keys).count();
        write!(table, "\n{name}: {text}").expect("text");
        writeln!(table, "  {both} of {} notified operations have the op_key of one that was polled", by_notify.len())
            .expect("text");
    }
    let path = project(TABLE);
    if std::env::var_os("PULSELOG_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, &table).expect("written");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table, "PULSELOG_BLESS=1 writes {TABLE} anew");
}
