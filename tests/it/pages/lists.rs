//! Lists: filters, pages by cursor, what each list reached, and files.

use pulselog::artifact::json::{Value, to_compact};

use crate::make::audit::{Story, time};
use crate::make::service::Service;
use crate::make::told::Told;
use crate::make::{did, good_payload, hex, key, kind, seal_raw, set};
use crate::pages::verdicts::guilty;

/// Indexes of the rows of a page, in its order.
fn rows(html: &str) -> Vec<u64> {
    let rows = html.split("<li value=\"").skip(1).filter_map(|row| row.split('"').next()?.parse().ok());
    rows.collect()
}

fn next(html: &str) -> Option<String> {
    let link = html.split("<a href=\"").skip(1).find(|link| link.contains("rel=\"next\""))?;
    Some(link.split('"').next()?.replace("&#38;", "&"))
}

/// Every page from this one on.
fn all(service: &Service, path: &str) -> Vec<u64> {
    let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(at) = path {
        let answer = service.get(&at);
        assert_eq!(answer.status, 200, "{at}: {}", answer.text());
        found.extend(rows(&answer.text()));
        path = next(&answer.text());
    }
    found
}

fn call(n: usize) -> String {
    let mut payload = good_payload(kind("gateway_receipt"));
    set(&mut payload, "receipt_id", Some(format!("rcpt-{n}").into()));
    set(&mut payload, "binding.run_id", Some(format!("many-{n:05}").into()));
    to_compact(&seal_raw(kind("gateway_receipt"), payload, &key("gateway")))
}

#[test]
fn filters_show_what_bears_all_of_them_newest_first() {
    let told = Told::of(&Story::clean());
    let size = told.service.size();
    let everything: Vec<u64> = (0..size).rev().collect();
    assert_eq!(all(&told.service, "/entries"), everything);
    let kinds: Vec<(u64, String)> =
        (0..size).map(|at| (at, told.service.get(&format!("/v1/entries/{at}")).string("kind"))).collect();
    let of_kind =
        |name: &str| -> Vec<u64> { kinds.iter().rev().filter(|(_, kind)| kind == name).map(|(at, _)| *at).collect() };
    assert_eq!(all(&told.service, "/entries?kind=argocd_decision"), of_kind("argocd_decision"));
    let job = all(&told.service, "/entries?job=job-1");
    assert!(!job.is_empty() && job.len() < everything.len() && job.is_sorted_by(|a, b| a > b), "{job:?}");
    let both = all(&told.service, "/entries?job=job-1&kind=approval");
    assert_eq!(both, of_kind("approval"));
    let agent = format!("/entries?agent={}&kind=proof_bundle", did("agent"));
    assert_eq!(all(&told.service, &agent), of_kind("proof_bundle"));
    let whole = all(&told.service, "/entries?app=argocd-prod%2Fargocd%2Fpayments-api");
    assert!(!whole.is_empty() && whole.iter().all(|at| all(&told.service, "/entries?app=payments-api").contains(at)));
    assert_eq!(all(&told.service, "/entries?submitter=nobody"), [] as [u64; 0]);
    assert!(!all(&told.service, "/entries?submitter=observer").is_empty());
    let at = time(told.service.get("/v1/entries/9").number("logged_at"));
    let later = all(&told.service, &format!("/entries?from={at}"));
    let before = all(&told.service, &format!("/entries?to={at}"));
    assert!(later.contains(&9) && !before.contains(&9), "{later:?} {before:?}");
    assert_eq!(later.len() + before.len(), everything.len());
    for wrong in
        ["kind=x", "from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "before=x", "job=a&job=b"]
    {
        assert_eq!(told.service.get(&format!("/entries?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn ten_thousand_names_come_page_by_page_and_none_twice() {
    let service = Service::start();
    for part in 0..10 {
        let lines: Vec<_> = (part * 1_000..(part + 1) * 1_000).map(call).collect();
        assert_eq!(service.post("/v1/entries:batch", lines.join("\n")).status, 200);
    }
    let everything: Vec<u64> = (0..10_000).rev().collect();
    assert_eq!(all(&service, "/runs?by=others"), everything, "no roots: nobody holds a role");
    assert_eq!(rows(&service.get("/runs").text()), [] as [u64; 0]);
    let first = service.get("/runs?by=others").text();
    assert_eq!(rows(&first).len(), 50);
    assert!(first.contains("0–9999"), "the list says how far it reaches");
    let page = service.get("/entries?run=many-00042");
    assert_eq!(rows(&page.text()), [42]);
    assert!(page.text().contains("Looked through entries 0–9999"), "{}", page.text());
    // What is rare among many is looked for in steps of a bounded size.
    let step = service.get("/entries?kind=gateway_receipt&submitter=nobody").text();
    assert!(rows(&step).is_empty());
}

#[test]
fn files_hold_the_same_and_no_formula() {
    let told = Told::of(&Story::clean());
    let file = told.service.get("/entries.csv?kind=argocd_decision");
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"entries.csv\"");
    let text = file.text();
    let indexes: Vec<u64> =
        text.lines().skip(1).filter_map(|line| line.trim_matches('"').split('"').next()?.parse().ok()).collect();
    assert_eq!(indexes, all(&told.service, "/entries?kind=argocd_decision"));
    let mut change = good_payload(kind("change_record"));
    set(&mut change, "job_id", Some("job-9".into()));
    let text = to_compact(&seal_raw(kind("change_record"), change, &key("nobody")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    let findings = told.service.get("/findings.csv");
    assert_eq!((findings.status, findings.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
    for line in findings.text().lines().chain(file.text().lines()) {
        assert!(line.starts_with('"') && line.ends_with('"'), "{line}");
        for cell in line.split("\",\"") {
            assert!(!cell.trim_matches('"').starts_with(['=', '+', '-', '@', '\t']), "{cell}");
        }
    }
    assert_eq!(told.service.get("/findings.csv?severity=worst").status, 400);
}

#[test]
fn a_large_file_names_the_next_one() {
    let service = Service::start();
    let lines: Vec<_> = (0..1_001).map(call).collect();
    for part in lines.chunks(1_000) {
        assert_eq!(service.post("/v1/entries:batch", part.join("\n")).status, 200);
    }
    let first = service.get("/entries.csv");
    assert_eq!(first.text().lines().count(), 1_001, "a head and a thousand rows");
    assert_eq!(first.header("link"), "</entries.csv?before=1>; rel=\"next\"");
    assert_eq!(service.get("/entries.csv?before=1").text().lines().count(), 2);
}

/// A list must not wait for what its pages tell, however many jobs there are.
#[test]
fn lists_of_jobs_and_runs_say_the_verdicts_on_the_newest_and_no_more() {
    let mut story = guilty();
    story.set("roots", "recorders", Value::from(vec![Value::from(did("recorder"))]));
    let told = Told::of(&story);
    let one = told.service.get("/jobs").text();
    assert!(one.contains("class=\"verdict fail\""), "{one}");
    let runs = told.service.get("/runs").text();
    assert!(runs.contains("class=\"verdict fail\"") && runs.contains("class=\"verdict pass\""), "{runs}");
    for n in 10..20 {
        let mut change = good_payload(kind("change_record"));
        set(&mut change, "job_id", Some(format!("job-{n}").into()));
        set(&mut change, "nonce", Some(hex(&format!("{n}"))[..32].into()));
        let text = to_compact(&seal_raw(kind("change_record"), change, &key("recorder")));
        assert_eq!(told.service.post("/v1/entries", text).status, 201);
    }
    let many = told.service.get("/jobs").text();
    assert_eq!(rows(&many).len(), 11);
    assert_eq!(many.matches("class=\"verdict").count(), 6, "{many}");
    let others = told.service.get("/jobs?by=others").text();
    assert_eq!(others.matches("class=\"verdict").count(), 0, "what others name has none");
}
