//! What a stranger finds who follows every link of a log, and asks every
//! address that anybody knows.

use std::collections::{BTreeSet, VecDeque};

use pulselog::artifact::receipts_root::ReceiptsRoot;
use pulselog::entry::SequencedEntry;
use pulselog::receipt::{ConsistencyFile, tlog_proof};
use pulselog::server::api::gate::open::is_open;
use pulselog::tile::decode_bundle;

use crate::http::access::{by_token, closed, reader};
use crate::make::service::Answer;
use crate::make::told::Told;
use crate::pages::verdicts::guilty;

/// Addresses in an answer: of pages, of data, and of what other answers name.
fn links(answer: &Answer) -> Vec<String> {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    // Where forms lead needs what is filled in.
    let attributes = [" href=\"", " src=\""];
    let found = attributes.iter().flat_map(|of| text.split(of).skip(1).filter_map(|rest| rest.split('"').next()));
    let plain = |address: &str| address.replace("&#38;", "&").replace("&amp;", "&");
    found
        .map(|address| plain(address).split('#').next().unwrap_or_default().to_owned())
        .filter(|a| !a.is_empty())
        .collect()
}

/// Asks from these addresses on, wherever they lead; what was answered.
fn crawl(get: impl Fn(&str) -> Answer, from: Vec<String>) -> Vec<(String, Answer)> {
    let (mut seen, mut waiting) = (BTreeSet::new(), VecDeque::from(from));
    let mut answers = Vec::new();
    while let Some(path) = waiting.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path} is elsewhere");
        assert!(seen.len() < 5_000, "addresses without end: {path}");
        let answer = get(&path);
        waiting.extend(links(&answer));
        answers.push((path, answer));
    }
    answers
}

/// Everything that statements say, and that no leaf says.
fn said(told: &Told, token: &str) -> BTreeSet<String> {
    let get = |path: &str| told.service.get_with(path, &[("authorization", &format!("Bearer {token}"))]);
    let mut said = BTreeSet::new();
    for at in 0..told.service.size() {
        let digest = get(&format!("/v1/entries/{at}")).string("artifact");
        let body: serde_json::Value =
            serde_json::from_slice(&get(&format!("/v1/artifacts/{digest}")).body).expect("JSON");
        strings(&body, &mut said);
    }
    said
}

fn strings(value: &serde_json::Value, into: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => drop(into.insert(text.clone())),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        serde_json::Value::Object(members) => members.values().for_each(|member| strings(member, into)),
        _ => {}
    }
}

/// What an entry says. A member more would be a decision: this does not compile then.
fn public(entry: &SequencedEntry) -> Vec<String> {
    let SequencedEntry { kind, digest, body_bytes, signer, submitter, logged_at, receipts } = entry;
    let mut said = vec![kind.name().to_owned(), digest.to_string(), body_bytes.to_string(), submitter.to_string()];
    said.push(logged_at.unix_ms().to_string());
    said.extend(signer.as_ref().map(|did| did.as_str().to_owned()));
    said.extend(receipts.as_ref().map(|receipts| {
        let ReceiptsRoot { root, count } = **receipts;
        format!("{root:?} {count}")
    }));
    said
}

/// Addresses that no page needs to link.
fn known(size: u64) -> Vec<String> {
    let always = [
        "/",
        "/login",
        "/logout",
        "/checkpoint",
        "/v1/checkpoints",
        "/v1/trust-policy",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/metrics",
        "/v1/entries",
        "/v1/findings",
        "/v1/lookup?q=job-1",
        "/search?q=payments",
        "/entries.csv",
        "/findings.csv",
        "/jobs/job-1.svg",
        "/jobs/job-1.txt",
    ];
    let mut known: Vec<String> = always.map(str::to_owned).into();
    for at in 0..size {
        known.extend([format!("/entries/{at}"), format!("/v1/entries/{at}"), format!("/v1/entries/{at}.tlog-proof")]);
        known.extend([format!("/v1/proofs/inclusion?index={at}"), format!("/v1/checkpoints/{}", at + 1)]);
        known.push(format!("/v1/proofs/consistency?from={}&to={size}", at + 1));
    }
    known.extend([format!("/tile/0/000.p/{size}"), format!("/tile/entries/000.p/{size}")]);
    known
}

/// Whether an answer holds this text, as bytes.
fn holds(answer: &Answer, text: &str) -> bool {
    answer.body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_stranger_finds_of_a_closed_log_exactly_what_stands_in_leaves_and_checkpoints() {
    let told = Told::with(&guilty(), |config| config.viewer = by_token());
    let service = &told.service;
    let (token, size) = (reader(service, "auditor-1"), service.size());
    let bearer = format!("Bearer {token}");
    let with_token = |path: &str| service.get_with(path, &[("authorization", &bearer)]);
    let read = crawl(with_token, vec!["/".into()]);
    assert!(read.len() > 100, "{} addresses", read.len());
    let mut addresses: Vec<String> = read.into_iter().map(|(path, _)| path).collect();
    addresses.extend(known(size));
    let found = crawl(|path| service.get(path), addresses);

    // Every tile and every proof says the same entries, and nothing else.
    let tile = service.get(&format!("/tile/entries/000.p/{size}"));
    let entries = decode_bundle(&tile.body, usize::try_from(size).expect("a size")).expect("a bundle");
    for (at, bytes) in entries.iter().enumerate() {
        let proof = tlog_proof::decode(&service.get(&format!("/v1/entries/{at}.tlog-proof")).body).expect("a proof");
        assert_eq!((proof.index.get(), proof.extra.as_ref()), (at as u64, Some(bytes)));
        let from = format!("/v1/proofs/consistency?from={}&to={size}", at + 1);
        let file = service.get_with(&from, &[("accept", "text/plain")]);
        assert!(file.status != 200 || ConsistencyFile::decode(&file.body).is_ok(), "{}", file.text());
    }
    assert_eq!(service.get(&format!("/tile/0/000.p/{size}")).body.len() as u64, 32 * size);
    let open: BTreeSet<String> =
        entries.iter().flat_map(|bytes| public(&SequencedEntry::decode(bytes).expect("an entry"))).collect();

    // What statements say beyond that, but for words of our own, stands nowhere.
    let empty = closed(by_token());
    let ours: Vec<Answer> = known(0).iter().map(|path| empty.get(path)).collect();
    let is_ours = |text: &str| ours.iter().any(|answer| holds(answer, text));
    let secret: Vec<String> = said(&told, &token)
        .into_iter()
        .filter(|text| text.len() >= 5 && !open.contains(text) && !is_ours(text))
        .collect();
    assert!(secret.len() > 100 && secret.iter().any(|text| text == "job-1.r1"), "{secret:?}");
    let shut = service.get("/").body;
    for (path, answer) in &found {
        let is_open = is_open("GET", path.split('?').next().unwrap_or_default());
        if !is_open && !matches!(path.as_str(), "/login" | "/logout") {
            assert_eq!((answer.status, &answer.body), (403, &shut), "{path}");
        }
        // Documents of the software use words that statements use too: they are those
        // of a log that holds nothing, to the byte.
        if path.starts_with("/docs") && is_open {
            let of_empty = empty.get(path);
            assert_eq!((answer.status, &answer.body), (of_empty.status, &of_empty.body), "{path}");
            continue;
        }
        for text in &secret {
            assert!(!holds(answer, text), "{path} says {text}");
        }
    }
    assert!(found.iter().filter(|(_, answer)| answer.status == 200).count() as u64 > 4 * size);
}

#[test]
fn an_open_log_has_no_dead_link_and_none_that_leads_elsewhere() {
    let told = Told::of(&guilty());
    let answers = crawl(|path| told.service.get(path), vec!["/".into()]);
    assert!(answers.len() > 100, "{} addresses", answers.len());
    let dead: Vec<_> =
        answers.iter().filter(|(_, answer)| answer.status != 200).map(|(path, a)| (path, a.status)).collect();
    assert!(dead.is_empty(), "{dead:?}");
    for (path, answer) in &answers {
        for elsewhere in ["src=\"http", "href=\"http", "url(http", "@import", "href=\"//", "src=\"//"] {
            assert!(!holds(answer, elsewhere) || !answer.header("content-type").starts_with("text/"), "{path}");
        }
    }
}
