//! Comments and documents cite headings of this repository's own specification
//! (`FORMATS 3.2`), and each heading that they cite is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 3] = ["FORMATS", "JUDGING", "PEERS"];
/// Names of documents that a reader of this repository does not have.
const ELSEWHERE: [&str; 7] = ["model", "model.md", "clawsig", "clawsig-verify", "argocd", "argocd-seen", "house"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the project that may cite.
fn texts() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| ["rs", "html", "md", "cddl"].iter().any(|known| end == *known))
            {
                found.push(path);
            }
        }
    }
    let mut files = vec![root().join("README.md"), root().join("ARCHITECTURE.md")];
    for dir in ["src", "templates", "tests", "docs", "benches", "schemas"] {
        walk(&root().join(dir), &mut files);
    }
    let name = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    files.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Numbers of a document's headings: `3`, `3.2`.
fn headings(document: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(format!("docs/{document}.md"))).unwrap();
    let number = |line: &str| line.trim_start_matches('#').split_whitespace().next().map(str::to_owned);
    let found: BTreeSet<_> = text.lines().filter(|line| line.starts_with("##")).filter_map(number).collect();
    assert!(found.len() > 10, "{document} has no numbered headings");
    found
}

/// The number that a word begins with, without the punctuation behind it.
fn number(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    Some(word[..end].trim_end_matches('.')).filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// What follows a document's name: numbers joined by commas, `to` and `and`.
fn numbers<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for word in words {
        match number(word) {
            Some(number) => found.push(number),
            None if ["to", "and"].contains(word) && !found.is_empty() => continue,
            None => break,
        }
        let goes_on =
            word.ends_with(',') || word.chars().all(|c| c.is_ascii_digit() || c == '.') && !word.ends_with('.');
        if !goes_on {
            break;
        }
    }
    found
}

/// Words of a text, comment marks and opening brackets taken off.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace()
        .filter(|word| !["//", "///", "//!", "*", ";", ";;"].contains(word))
        .map(|word| word.trim_start_matches(['(', '`', '[', '|', '"']))
        .collect()
}

#[test]
fn every_citation_of_the_specification_resolves() {
    let known = DOCUMENTS.map(|document| (document, headings(document)));
    let (mut wrong, mut cited) = (Vec::new(), 0);
    for (file, text) in texts() {
        let words = words(&text);
        for (at, word) in words.iter().enumerate() {
            let Some((document, headings)) = known.iter().find(|(name, _)| name == word) else { continue };
            for number in numbers(&words[at + 1..]) {
                cited += 1;
                if !headings.contains(number) {
                    wrong.push(format!("{file}: {document} {number}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no such heading:\n{}", wrong.join("\n"));
    assert!(cited > 100, "only {cited} citations were found");
}

#[test]
fn nothing_cites_a_document_that_is_not_here() {
    let mut wrong = Vec::new();
    for (file, text) in texts() {
        let words = words(&text);
        for pair in words.windows(2) {
            let is_elsewhere = ELSEWHERE.contains(&pair[0]) && number(pair[1]).is_some();
            // The peers' own words: a member `model` beside a number.
            if is_elsewhere && !file.starts_with("docs/PEERS") {
                wrong.push(format!("{file}: {} {}", pair[0], pair[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
