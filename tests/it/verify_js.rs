//! `static/verify.js`, the verifier that runs in a reader's browser: it and the
//! Rust code are asked the same, in Node and in Chromium, and must agree on
//! every verdict. The asking side stands in `tests/verify_js`.

mod dice;
mod edges;
mod entries;
mod envelopes;
mod files;
mod mutations;
mod shape;
mod signatures;
mod texts;
mod trees;
mod verdicts;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::make::chrome::{Chrome, Screen};
use crate::make::{project, skipped};

/// What `verify.js` is asked, and the Rust code's verdict.
pub struct Ask {
    pub name: String,
    pub question: Value,
    pub verdict: Verdict,
}

pub enum Verdict {
    /// The same answer, with everything that was read.
    Same(Value),
    /// Refused by the Rust code alone: of a rule that `verify.js` says it does not check.
    Either,
}

impl Ask {
    pub fn new(name: impl Into<String>, question: Value, verdict: Value) -> Self {
        Self { name: name.into(), question, verdict: Verdict::Same(verdict) }
    }
}

pub fn refused() -> Value {
    json!({"ok": false})
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    crate::vectors::hex(bytes.as_ref())
}

pub fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

pub fn golden(path: &str) -> Vec<u8> {
    std::fs::read(project("tests/golden/vectors").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn golden_json(path: &str) -> Value {
    serde_json::from_slice(&golden(path)).expect("JSON")
}

pub fn rows(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub fn text_of<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("{name} in {row}"))
}

fn questions(asks: &[Ask]) -> Value {
    asks.iter().map(|ask| ask.question.clone()).collect()
}

/// Node's answers; `None`, said loudly, when there is no Node.
fn in_node(questions: &Value) -> Option<Vec<Value>> {
    let started = Command::new("node")
        .arg(project("tests/verify_js/node.js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let Ok(mut node) = started else {
        skipped("verify.js: no node is installed (apt-get install nodejs, 20 or later)");
        return None;
    };
    // Node reads all of it before it answers; dropped, so that it sees the end.
    node.stdin.take().expect("piped").write_all(questions.to_string().as_bytes()).expect("node reads");
    let ended = node.wait_with_output().expect("node ends");
    assert!(ended.status.success(), "node failed");
    Some(serde_json::from_slice(&ended.stdout).expect("a list of answers"))
}

/// Holds answers against verdicts; says how many there were, and how many accepted.
fn compare(of: &str, asks: &[Ask], answers: &[Value]) -> usize {
    assert_eq!(asks.len(), answers.len());
    let (mut taken, mut either, mut wrong, mut kinds) = (0, 0, Vec::new(), BTreeMap::new());
    for (ask, answer) in asks.iter().zip(answers) {
        let mut said = answer.clone();
        let code = said.as_object_mut().expect("an object").remove("code");
        taken += usize::from(said["ok"] == true);
        *kinds.entry(text_of(&ask.question, "ask")).or_insert(0) += 1;
        match &ask.verdict {
            Verdict::Same(verdict) if said != *verdict => {
                let question: String = ask.question.to_string().chars().take(2_000).collect();
                wrong.push(format!("{}: Rust {verdict}, {of} {said} {code:?}\n  {question}", ask.name));
            }
            Verdict::Same(_) => {}
            Verdict::Either => either += 1,
        }
    }
    assert!(wrong.is_empty(), "{} of {} disagree:\n{}", wrong.len(), asks.len(), wrong.join("\n"));
    println!("{of} agrees on {} cases, {taken} accepted, {either} not compared: {kinds:?}", asks.len());
    taken
}

/// Asks Node, and says how many it accepted.
fn agree(asks: &[Ask]) -> Option<usize> {
    Some(compare("Node", asks, &in_node(&questions(asks))?))
}

#[test]
fn node_and_rust_read_the_same_texts_numbers_and_keys() {
    agree(&texts::asks());
}

#[test]
fn node_and_rust_take_the_same_signatures() {
    let asks = signatures::asks();
    if let Some(taken) = agree(&asks) {
        assert!(taken * 3 >= asks.len(), "{taken} of {} taken: a verifier that refuses would agree", asks.len());
    }
}

#[test]
fn no_browser_that_takes_more_or_less_changes_what_a_signature_is() {
    agree(&signatures::asks_whatever_a_browser_takes());
}

#[test]
fn node_and_rust_judge_the_signatures_of_others_alike() {
    agree(&signatures::shared_asks());
}

#[test]
fn node_and_rust_judge_the_same_paths() {
    agree(&trees::asks());
}

#[test]
fn node_and_rust_judge_the_paths_of_others_alike() {
    agree(&trees::shared_asks());
}

#[test]
fn node_and_rust_judge_the_same_files() {
    agree(&files::asks());
}

#[test]
fn node_and_rust_judge_files_at_the_edges_of_the_rules_alike() {
    agree(&edges::asks());
}

#[test]
fn node_and_rust_judge_the_same_envelopes() {
    agree(&envelopes::asks());
}

#[test]
fn node_and_rust_judge_what_an_entry_says_of_an_artifact_alike() {
    agree(&entries::asks());
}

#[test]
fn node_and_rust_judge_random_and_damaged_files_alike() {
    agree(&mutations::asks());
}

/// Every case but the random ones and most of those of one class.
fn cases() -> Vec<Ask> {
    let parts = [
        texts::asks(),
        signatures::few_asks(),
        signatures::shared_asks(),
        trees::asks(),
        files::asks(),
        edges::asks(),
        envelopes::asks(),
        entries::asks(),
    ];
    parts.into_iter().flatten().collect()
}

#[test]
fn chromium_and_rust_agree_on_every_vector_and_constructed_signature() {
    let asks = cases();
    let Some(mut chrome) = Chrome::start() else { return };
    // A page from disk is a context that browsers lend their cryptography to.
    let dir = tempfile::tempdir().expect("a temporary directory");
    let script = |path: &str| format!("<script src=\"file://{}\"></script>", project(path).display());
    // It names no character set: verify.js must not need one.
    let scripts = ["static/verify.js", "tests/verify_js/policy.js", "tests/verify_js/ask.js"].map(script);
    std::fs::write(dir.path().join("page.html"), format!("<!doctype html>{}", scripts.concat())).expect("a page");
    chrome.with_scripts();
    let screen = Screen { width: 800, height: 600, dark: false };
    chrome.visit(&format!("file://{}", dir.path().join("page.html").display()), screen);
    assert_eq!(chrome.ask("PulselogVerify.unable()"), "");
    let mut answers = Vec::new();
    // Few enough that an answer comes before the browser is thought to be silent.
    for part in asks.chunks(500) {
        let told = chrome.ask(&format!("answerAll({})", questions(part)));
        answers.extend(rows(&told).to_vec());
    }
    compare("Chromium", &asks, &answers);
}
