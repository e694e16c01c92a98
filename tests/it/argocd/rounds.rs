//! What follows from a round: observations, snapshots and marks; and what does
//! not follow from a list that is short, old, or no list of Kubernetes' at all.

use pulselog::argocd::round::{Found, Round, State};
use pulselog::artifact::json::{Value, to_compact};

use crate::make::argocd::{INSTANCE, json, state};
use crate::make::argocd_rounds::{BEGIN_MS, Poller, resource};
use crate::make::hex;

const UID: &str = "metadata.uid";
const VERSION: &str = "metadata.resourceVersion";
const STATE: &str = "status.operationState";
const HISTORY: &str = "status.history";

/// A state that began at this second of one minute, in this phase.
fn operation(second: u32, phase: &str) -> Value<'static> {
    let ended = (phase != "Running").then(|| format!("2026-11-26T04:57:{:02}Z", second + 1).into());
    let started = Some(format!("2026-11-26T04:57:{second:02}Z").into());
    state(&[("phase", Some(phase.into())), ("startedAt", started), ("finishedAt", ended)])
}

/// Entries of the history with these ids, each started at the second that it is called.
fn history(ids: &[u32]) -> Value<'static> {
    let entry = |id: &u32| {
        let at = |second: u32| format!("2026-11-26T04:57:{second:02}Z");
        format!(
            r#"{{"id":{id},"revision":"16d61ccf504208c252ae15062812d771a8ab08c5","deployStartedAt":"{}",
               "deployedAt":"{}","initiatedBy":{{"username":"argo-deploy-assistant"}},
               "source":{{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod","targetRevision":"main"}}}}"#,
            at(*id),
            at(id + 1)
        )
    };
    json(&format!("[{}]", ids.iter().map(entry).collect::<Vec<_>>().join(",")))
}

/// A poller that has seen one application, never synced.
fn begun() -> Poller {
    let mut poller = Poller::new();
    poller.round("100", &[resource(&[])]);
    poller
}

#[test]
fn the_first_round_says_what_is_there_and_calls_nothing_new() {
    let mut poller = Poller::new();
    poller.round("7", &[resource(&[(STATE, operation(9, "Succeeded")), (HISTORY, history(&[7, 8, 9]))])]);
    assert_eq!(poller.events(), ["sync Succeeded #9"]);
    assert_eq!(poller.observed[0].get("backfill").and_then(Value::as_bool), Some(true));
    assert!(poller.marks.is_empty() && poller.events_asked.is_empty(), "{:?}", poller.marks);
    let [snapshot] = &poller.snapshots[..] else { panic!("one snapshot") };
    assert_eq!(snapshot.get("full").and_then(Value::as_bool), Some(true));
    let row = &snapshot.get("rows").and_then(Value::as_array).expect("rows")[0];
    assert_eq!(row.get("op_key"), poller.observed[0].get("op_key"));
    assert_eq!(row.get("history_id").and_then(Value::as_i64), Some(9));
}

#[test]
fn each_phase_of_an_operation_is_observed_once() {
    let mut poller = begun();
    let mut versions = 100;
    let mut round = |app: &[(&str, Value<'static>)]| {
        versions += 1;
        let mut app = app.to_vec();
        app.push((VERSION, versions.to_string().into()));
        poller.round(&versions.to_string(), &[resource(&app)]);
        assert!(poller.marks.is_empty(), "{:?}", poller.marks);
        (poller.events(), poller.events_asked.clone())
    };
    let nothing: Vec<String> = Vec::new();
    let asked = vec!["payments-api".to_owned()];
    assert_eq!(round(&[(STATE, operation(0, "Running"))]), (vec!["sync Running".to_owned()], asked.clone()));
    assert_eq!(round(&[(STATE, operation(0, "Running"))]), (nothing.clone(), nothing.clone()));
    // The entry comes before the end: it waits for its operation.
    let under_way = [(STATE, operation(0, "Running")), (HISTORY, history(&[0]))];
    assert_eq!(round(&under_way), (nothing.clone(), nothing.clone()));
    let ended = [(STATE, operation(0, "Succeeded")), (HISTORY, history(&[0]))];
    assert_eq!(round(&ended), (vec!["sync Succeeded #0".to_owned()], asked));
    assert_eq!(round(&ended).0, nothing);
}

#[test]
fn what_began_and_ended_between_two_rounds_is_seen_in_the_history() {
    let mut poller = begun();
    let apps =
        [resource(&[(STATE, operation(2, "Succeeded")), (HISTORY, history(&[0, 1, 2])), (VERSION, "109".into())])];
    poller.round("109", &apps);
    assert_eq!(poller.events(), ["sync Succeeded #2", "sync Succeeded #0 unnamed", "sync Succeeded #1 unnamed"]);
    let past = &poller.observed[1];
    assert_eq!(past.text_at("initiator.username"), Some("argo-deploy-assistant"));
    assert_eq!(past.text_at("started_at"), Some("2026-11-26T04:57:00Z"));
    // The next one was asked for already: nothing but the history shows the last.
    poller.round("119", &[resource(&[(HISTORY, history(&[0, 1, 2, 3])), (VERSION, "119".into())])]);
    assert_eq!(poller.events(), ["sync Succeeded #3 unnamed"]);
}

#[test]
fn a_history_that_is_not_whole_is_marked() {
    for (before, after, marks, events) in [
        (&[0, 1][..], &[0, 1, 5][..], &["history_skipped"][..], 1),
        (&[0, 1, 2], &[0, 2], &["history_hole"], 0),
        (&[7, 8], &[0], &["history_restarted"], 1),
        (&[7, 8], &[], &["history_emptied"], 0),
        (&[0, 1, 2], &[1, 2, 3], &[], 1),
    ] {
        let mut poller = Poller::new();
        poller.round("1", &[resource(&[(HISTORY, history(before))])]);
        poller.round("2", &[resource(&[(HISTORY, history(after)), (VERSION, "101".into())])]);
        assert_eq!((poller.mark_names().as_slice(), poller.observed.len()), (marks, events), "{before:?} {after:?}");
        poller.round("3", &[resource(&[(HISTORY, history(after)), (VERSION, "102".into())])]);
        assert!(poller.marks.is_empty() || after.is_empty(), "{:?}", poller.marks);
        assert!(poller.observed.is_empty(), "{:?}", poller.events());
    }
}

#[test]
fn spec_changes_and_flips_of_automated_sync_are_observed() {
    let mut poller = begun();
    let on = |version: &str| resource(&[("spec.syncPolicy", json(r#"{"automated":{}}"#)), (VERSION, version.into())]);
    poller.round("101", &[on("101")]);
    assert_eq!(poller.events(), ["spec_change", "auto_sync off on"]);
    poller.round("102", &[on("102")]);
    assert!(poller.observed.is_empty());
    poller.round("103", &[resource(&[(VERSION, "103".into())])]);
    assert_eq!(poller.events(), ["spec_change", "auto_sync on off"]);
}

#[test]
fn applications_come_go_and_come_again_under_one_name() {
    let mut poller = begun();
    let other = [(UID, "00000000-0000-4000-8000-000000000002".into()), (VERSION, "101".into())];
    poller.round("101", &[resource(&other)]);
    assert_eq!(poller.events(), ["uid_changed"]);
    assert_eq!(poller.state.apps(), 1);
    assert_eq!(poller.snapshots[0].get("full").and_then(Value::as_bool), Some(true), "a row went");
    let deleting = [&other[..], &[("metadata.deletionTimestamp", "2026-11-26T05:00:00Z".into())]].concat();
    poller.round("102", &[resource(&deleting)]);
    assert_eq!(poller.events(), ["deleting"]);
    // It was told: two rounds later it is gone without another word.
    poller.round("103", &[]);
    poller.round_with("104", &[], true, |_| Found::Absent, &[]);
    assert_eq!((poller.observed.len(), poller.mark_names(), poller.state.apps()), (0, vec!["gone"], 0));
}

#[test]
fn one_name_in_two_namespaces_is_two_applications() {
    let other = |version: &str| {
        let uid = (UID, "00000000-0000-4000-8000-000000000002".into());
        resource(&[uid, ("metadata.namespace", "team-payments".into()), (VERSION, version.into())])
    };
    let mut poller = begun();
    poller.round("101", &[other("101"), resource(&[])]);
    assert_eq!((poller.events(), poller.state.apps()), (vec!["seen".to_owned()], 2));
    // No order is promised.
    poller.round("102", &[resource(&[]), other("101")]);
    assert!(poller.observed.is_empty() && poller.marks.is_empty(), "{:?}", poller.events());
}

#[test]
fn a_shorter_list_is_believed_by_a_second_round_and_an_answer_alone() {
    for (found, marks, events, apps) in [
        (Found::Absent, vec!["gone"], &["deleting"][..], 0),
        (Found::Hidden, vec!["hidden"], &[], 0),
        (Found::NotAdmitted, vec!["kept"], &[], 1),
        (Found::Nothing, vec!["missing"], &[], 1),
    ] {
        let mut poller = begun();
        poller.round("101", &[]);
        assert_eq!((poller.mark_names(), poller.state.apps(), poller.snapshots.len()), (vec!["missing"], 1, 0));
        assert!(poller.asked.is_empty() && poller.observed.is_empty());
        poller.round_with("102", &[], true, |_| found, &[]);
        assert_eq!(poller.asked, ["payments-api"]);
        assert_eq!((poller.mark_names(), poller.state.apps()), (marks, apps), "{found:?}");
        assert_eq!(poller.events(), events, "{found:?}");
        // A row went, or nothing changed, or it is in doubt.
        assert_eq!(poller.snapshots.len(), usize::from(apps == 0), "{found:?}");
    }
    // One that no list shows is asked for in each round, and keeps no snapshot back.
    let mut poller = begun();
    poller.round("101", &[]);
    for round in 0..3 {
        poller.now_ms += 300_000;
        poller.round_with("102", &[], true, |_| Found::NotAdmitted, &[]);
        assert_eq!((poller.asked.len(), poller.snapshots.len(), poller.state.apps()), (1, 1, 1), "{round}");
    }
    // It was the cache of the server: nothing happened.
    let mut poller = begun();
    poller.round("101", &[]);
    poller.round("102", &[resource(&[])]);
    assert!(poller.observed.is_empty() && poller.marks.is_empty(), "{:?}", poller.marks);
    poller.round("103", &[]);
    let there = to_compact(&resource(&[]));
    poller.round_with("104", &[], true, |_| Found::There(there.as_bytes()), &[]);
    assert_eq!((poller.observed.len(), poller.marks.len(), poller.state.apps()), (0, 0, 1));
}

#[test]
fn one_that_is_asked_for_and_never_answered_is_hidden_in_the_end() {
    let mut poller = begun();
    let rounds = (0..9).take_while(|_| {
        poller.round("101", &[]);
        poller.state.apps() > 0
    });
    assert_eq!(rounds.count(), 4);
    assert_eq!(poller.mark_names(), ["hidden"]);
}

#[test]
fn a_round_that_kubernetes_did_not_confirm_counts_for_nothing() {
    let mut poller = begun();
    let before = poller.state.clone();
    let synced = [resource(&[(STATE, operation(0, "Succeeded")), (VERSION, "101".into())])];
    for apps in [&synced[..], &[]] {
        poller.round_with("101", apps, false, |_| Found::Absent, &[]);
        assert_eq!(poller.state, before);
        assert!(poller.observed.is_empty() && poller.snapshots.is_empty() && poller.marks.is_empty());
    }
}

#[test]
fn a_version_that_goes_back_waits_for_a_second_round() {
    let older = |version: &str| [resource(&[(STATE, operation(0, "Succeeded")), (VERSION, version.into())])];
    // One application of a cache that lags.
    let mut poller = begun();
    poller.round("101", &older("99"));
    assert_eq!((poller.mark_names(), poller.observed.len(), poller.snapshots.len()), (vec!["older"], 0, 0));
    poller.round("102", &[resource(&[])]);
    assert!(poller.marks.is_empty() && poller.observed.is_empty());
    // The whole list: nothing in it counts.
    poller.round("50", &older("99"));
    assert_eq!((poller.mark_names(), poller.observed.len()), (vec!["older_list"], 0));
    poller.round("51", &older("99"));
    assert_eq!((poller.mark_names(), poller.events()), (vec!["went_back"], vec!["sync Succeeded".to_owned()]));
    poller.round("52", &older("99"));
    assert!(poller.marks.is_empty() && poller.observed.is_empty());
}

#[test]
fn snapshots_say_what_changed_all_of_it_once_an_hour_and_a_heartbeat() {
    let mut poller = begun();
    let rows = |poller: &Poller| -> Vec<(bool, usize)> {
        let of = |payload: &Value<'static>| {
            let rows = payload.get("rows").and_then(Value::as_array).expect("rows").len();
            (payload.get("full").and_then(Value::as_bool).expect("full"), rows)
        };
        poller.snapshots.iter().map(of).collect()
    };
    assert_eq!(rows(&poller), [(true, 1)]);
    let mut said = Vec::new();
    while poller.now_ms < BEGIN_MS + 3_700_000 {
        poller.round("101", &[resource(&[])]);
        said.extend(rows(&poller).into_iter().map(|row| (poller.now_ms - BEGIN_MS, row)));
    }
    assert!(said.windows(2).all(|two| two[1].0 - two[0].0 <= 300_000), "{said:?}");
    assert_eq!(said.iter().filter(|(_, row)| *row == (true, 1)).count(), 1, "{said:?}");
    assert!(said.iter().all(|(_, row)| [(true, 1), (false, 0)].contains(row)), "{said:?}");
    poller.round("102", &[resource(&[("status.sync.revision", "other".into()), (VERSION, "102".into())])]);
    assert_eq!(rows(&poller), [(false, 1)]);
}

#[test]
fn more_rows_than_one_snapshot_holds_come_in_several() {
    let state = State::new(INSTANCE);
    let mut round = Round::new(&state, BEGIN_MS);
    let count = 4_200;
    for number in 0..count {
        let app =
            resource(&[(UID, format!("uid-{number:06}").into()), ("metadata.name", format!("app-{number}").into())]);
        round.item(to_compact(&app).as_bytes());
    }
    let ended = round.listed(&json(r#"{"metadata":{},"items":null}"#)).ended(true, b"secret");
    assert!(ended.snapshots.len() >= 2);
    let mut rows = Vec::new();
    for snapshot in &ended.snapshots {
        crate::make::admit_any(&to_compact(snapshot)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(snapshot.get("full").and_then(Value::as_bool), Some(false));
        assert_eq!(snapshot.get("rows_total").and_then(Value::as_i64), Some(count));
        assert_eq!(snapshot.get("taken_at"), ended.snapshots[0].get("taken_at"));
        rows.extend(snapshot.get("rows").and_then(Value::as_array).expect("rows").iter().cloned());
    }
    let digest = hex(&pulselog::artifact::json::to_jcs(&Value::Array(rows)));
    assert_eq!(ended.snapshots[0].text_at("rows_digest"), Some(digest.as_str()));
}

#[test]
fn a_gap_is_marked_when_nobody_looked_for_longer_than_a_heartbeat() {
    let mut poller = begun();
    poller.now_ms += 600_000;
    poller.round("101", &[resource(&[])]);
    assert_eq!(poller.mark_names(), ["gap"]);
    poller.round("102", &[resource(&[])]);
    assert!(poller.marks.is_empty());
}

#[test]
fn one_that_cannot_be_read_is_marked_and_hides_no_other() {
    let state = State::new(INSTANCE);
    let mut round = Round::new(&state, BEGIN_MS);
    for bad in ["{", "null", "[]", r#"{"metadata":{}}"#, r#"{"metadata":{"uid":7}}"#] {
        round.item(bad.as_bytes());
    }
    let good = to_compact(&resource(&[]));
    round.item(good.as_bytes());
    round.item(good.as_bytes());
    let wrong =
        resource(&[(UID, "other".into()), ("metadata.name", "other".into()), (STATE, json(r#"{"phase":"Odd"}"#))]);
    round.item(to_compact(&wrong).as_bytes());
    let ended = round.listed(&json(r#"{"metadata":{},"items":null}"#)).ended(true, b"secret");
    assert_eq!(ended.state.apps(), 2);
    let names: Vec<_> = ended.marks.iter().map(pulselog::argocd::round::Mark::name).collect();
    assert_eq!(names, ["unreadable"; 7], "{:?}", ended.marks);
}

/// Argo CD takes any text for the namespace of a destination: manifests that
/// name their own, and those of the cluster, are applied all the same.
#[test]
fn a_destination_whose_namespace_is_no_name_keeps_no_operation_out() {
    let odd = |more: &[(&str, Value<'static>)]| {
        let mut changes = vec![("spec.destination.namespace", Value::from("Prod_Canary"))];
        changes.extend(more.iter().cloned());
        resource(&changes)
    };
    let mut poller = Poller::new();
    poller.round("100", &[odd(&[])]);
    poller
        .round("101", &[odd(&[(STATE, operation(9, "Succeeded")), (HISTORY, history(&[9])), (VERSION, "101".into())])]);
    assert_eq!(poller.events(), ["sync Succeeded #9"], "{:?}", poller.marks);
    let rows = poller.snapshots[0].get("rows").and_then(Value::as_array).expect("rows");
    assert!(rows[0].get("op_key").is_some(), "{rows:?}");
}

/// What somebody writes into one application keeps the rows of the others, and
/// the look itself, out of no log.
#[test]
fn a_row_that_holds_what_no_log_takes_keeps_no_snapshot_out() {
    let token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJl";
    for (path, text) in [
        ("spec.destination.name", "n".repeat(254)),
        ("spec.destination.server", format!("https://{}", "n".repeat(1024))),
        ("spec.destination.server", format!("https://{token}")),
        ("status.sync.revision", format!("1.0.0-{token}")),
    ] {
        let mut app = resource(&[(UID, "other".into()), ("metadata.name", "other".into())]);
        crate::make::set(&mut app, "spec.destination", Some(json(r#"{"namespace":"prod"}"#)));
        crate::make::set(&mut app, path, Some(text.into()));
        // Admits whatever it makes.
        Poller::new().round("100", &[resource(&[]), app]);
    }
}

#[test]
fn the_same_content_is_the_same_artifact() {
    let said = |second: u32| {
        let mut poller = begun();
        poller.round("101", &[resource(&[(STATE, operation(second, "Succeeded")), (VERSION, "101".into())])]);
        to_compact(&poller.observed[0])
    };
    assert_eq!(said(0), said(0));
    assert_ne!(said(0), said(2));
}

#[test]
fn a_thousand_operations_in_a_minute_leave_those_that_are_shown_and_marks_for_the_rest() {
    let mut poller = begun();
    let (mut observed, mut skipped) = (0, 0);
    for round in 1..=4_u32 {
        // 250 deployments in 15 s, of which the history shows ten.
        let last = round * 250;
        let ids: Vec<u32> = (last - 9..=last).collect();
        let entries: Vec<_> = ids
            .iter()
            .map(|id| history(&[0]).as_array().map(|one| one[0].clone()).map(|one| (id, one)).expect("an entry"))
            .map(|(id, mut entry)| {
                crate::make::set(&mut entry, "id", Some((*id).into()));
                entry
            })
            .collect();
        poller.round(
            &(100 + round).to_string(),
            &[resource(&[(HISTORY, entries.into()), (VERSION, (100 + last).to_string().into())])],
        );
        observed += poller.observed.len();
        skipped += poller.marks.iter().filter(|mark| mark.name() == "history_skipped").count();
    }
    assert_eq!((observed, skipped), (40, 4));
}
