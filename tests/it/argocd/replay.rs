//! Every recorded delivery against the real receiver: which observations come
//! out, in `tests/golden/argocd/deliveries.tsv`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use pulselog::artifact::json::{Value, to_compact};

use super::receiver::{PATH, observer};
use super::recorded::{cases, lines, polled};
use crate::make::argocd::INSTANCE;
use crate::make::service::Service;
use crate::make::{blessing, project};

const HEAD: &str =
    "case\tdelivery\tstatus\tindex\tevent\tapplication\tphase\taction\tinitiator\tstarted\tretries\thistory\toperation";

/// One row: what was answered, and what stands in the log.
fn row(service: &Service, case: &str, delivery: i64, answer: &crate::make::service::Answer) -> String {
    let kept = service.get(&format!("/v1/artifacts/{}", answer.string("artifact"))).json();
    let said = |path: &str| {
        let value = kept.at(path).filter(|value| value.as_str() != Some(""));
        value.map_or("-".to_owned(), |value| value.as_str().map_or_else(|| to_compact(value), str::to_owned))
    };
    let action = match said("action_certainty").as_str() {
        "inferred" => format!("{}?", said("action")),
        _ => [said("action"), said("after"), said("change")].into_iter().find(|word| word != "-").unwrap_or_default(),
    };
    let by = if said("initiator.automated") == "true" { "automated".to_owned() } else { said("initiator.username") };
    let key = said("op_key");
    let cells = [
        case.to_owned(),
        delivery.to_string(),
        answer.status.to_string(),
        answer.number("index").to_string(),
        said("event"),
        said("app.name"),
        said("phase"),
        action,
        by,
        said("started_at"),
        said("retry.count"),
        said("history_id"),
        key.get(..12).unwrap_or("-").to_owned(),
    ];
    cells.join("\t")
}

#[test]
fn every_recorded_delivery_is_taken_once_and_its_operation_is_the_pollers() {
    let Some(cases) = cases() else { return };
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, Some("notify"));
    let mut table = format!("{HEAD}\n");
    let (mut by_poll, mut by_notify, mut delivered) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (name, case) in &cases {
        let versions = lines(case, "k8s-watch.ndjson");
        by_poll.extend(versions.iter().filter_map(|line| Some(polled(line.get("object")?)?.op_key().to_owned())));
        for delivery in lines(case, "webhook.ndjson") {
            let body = delivery.text_at("body").expect("a body");
            let answer = service.post_as(&token, PATH, body);
            assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.text());
            by_notify.extend(answer.json().text_at("op_key").map(str::to_owned));
            let number = delivery.get("seq").and_then(Value::as_i64).expect("a number");
            let _ = writeln!(table, "{}", row(&service, name, number, &answer));
            delivered += 1;
        }
    }
    let unknown: Vec<_> = by_notify.difference(&by_poll).collect();
    assert!(unknown.is_empty(), "operations that no version of an Application shows: {unknown:?}");
    let _ = writeln!(
        table,
        "# {delivered} deliveries, {} observations, {} operations told of {} that the versions show",
        service.size(),
        by_notify.len(),
        by_poll.len()
    );
    // All of it again, in another order: nothing is new.
    let size = service.size();
    for (_, case) in cases.iter().rev() {
        for delivery in lines(case, "webhook.ndjson").iter().rev() {
            assert_eq!(service.post_as(&token, PATH, delivery.text_at("body").expect("a body")).status, 200);
        }
    }
    assert_eq!(service.size(), size);
    let path = project("tests/golden/argocd/deliveries.tsv");
    if blessing() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, &table).expect("written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == table, "deliveries.tsv is not what comes out: PULSELOG_BLESS=1 writes it anew\n{table}");
}
