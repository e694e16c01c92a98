//! The second reader, `tests/second`: the formats in another language, from
//! the text alone. A change of bytes that the text does not say breaks here.

use std::process::Command;

use crate::make::{project, skipped};

/// Where the second reader can run: python3 that knows `cryptography`, the
/// machine's own or the one that `make second` has made.
fn python() -> Option<String> {
    let made = std::env::var("HOME").map(|home| format!("{home}/.cache/pulselog/second/bin/python3"));
    let can = |python: &String| {
        Command::new(python).args(["-c", "import cryptography"]).output().is_ok_and(|ended| ended.status.success())
    };
    ["python3".to_owned()].into_iter().chain(made).find(can)
}

#[test]
fn the_second_reader_agrees_with_every_vector() {
    let Some(python) = python() else {
        skipped("the second reader: no python3 with the package cryptography; `make second` installs it");
        return;
    };
    let ended = Command::new(python)
        .arg(project("tests/second/check.py"))
        .arg("--vectors")
        .arg(project("tests/golden/vectors"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("everything agrees"), "{said}");
}
