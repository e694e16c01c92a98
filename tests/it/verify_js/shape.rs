//! `static/verify.js` is for people to read, and for any page to run.

use std::collections::BTreeSet;
use std::process::Command;

use crate::make::{project, skipped};

fn source() -> String {
    std::fs::read_to_string(project("static/verify.js")).expect("verify.js")
}

#[test]
fn verify_js_is_short_and_narrow_and_small_when_compressed() {
    let source = source();
    let lines = source.lines().count();
    assert!(lines < 900, "{lines} lines");
    let wide: Vec<_> = source.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let Ok(gzip) = Command::new("gzip").args(["-9", "-c"]).arg(project("static/verify.js")).output() else {
        skipped("no gzip is installed, so verify.js was not weighed");
        return;
    };
    let bytes = gzip.stdout.len();
    println!("verify.js: {lines} lines, {bytes} bytes compressed");
    assert!((1..=16 * 1024).contains(&bytes), "{bytes} bytes");
}

/// Any character set reads ASCII; a strict CSP forbids the words.
#[test]
fn verify_js_needs_no_character_set_and_nothing_that_a_strict_policy_forbids() {
    let source = source();
    let odd: Vec<_> = source.lines().filter(|line| !line.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd:#?}");
    for word in ["eval(", "Function(", "import(", "innerHTML", "document.write", "outerHTML", "atob(", "</", "<!--"] {
        assert!(!source.contains(word), "{word}");
    }
}

/// The first text in the arguments of every call of one function.
fn texts_in<'a>(source: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
    let is_code =
        |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    source
        .split(call)
        .skip(1)
        .filter_map(move |rest| rest.split(')').next()?.split('"').skip(1).step_by(2).find(is_code))
}

#[test]
fn every_code_that_verify_js_says_is_explained() {
    let source = source();
    let calls =
        [" refuse(", "(refuse(", " utf8(", " base64(", "base64url(", " hash64(", " decimal(", "keyName(", "didKey("];
    let said: BTreeSet<_> = calls.into_iter().flat_map(|call| texts_in(&source, call)).collect();
    assert!(said.len() > 60, "{said:?}");
    let known: BTreeSet<_> = pulselog::codes::all().map(|code| code.name).collect();
    // What only a browser can be the cause of.
    let left: Vec<_> = said.difference(&known).filter(|code| **code != "browser_disagrees").collect();
    assert!(left.is_empty(), "`pulselog explain` does not know {left:?}");
}
