//! Every code that the program can print is explained, in words of its own.

use std::collections::BTreeSet;

use pulselog::codes;
use pulselog::explain::{Explanation, all, explain, nearest};

use crate::cli::run;
use crate::make::project;

/// All sources but the tables, in one text.
fn sources() -> String {
    let (mut text, mut waiting) = (String::new(), vec![project("src")]);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a directory").flatten().map(|entry| entry.path()));
        } else if !path.starts_with(project("src/codes")) {
            text += &std::fs::read_to_string(&path).expect("a source file");
        }
    }
    text
}

/// The compiler knows that whatever is said is a row; not that every row is said.
#[test]
fn no_row_is_dead() {
    let text = sources();
    let said: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for code in codes::all() {
        assert!(said.contains(code.name.to_ascii_uppercase().as_str()), "{code} is said nowhere");
    }
}

#[test]
fn every_row_says_something_and_stands_once_in_its_area() {
    let mut stands = BTreeSet::new();
    for Explanation { code, area, title, means, action, .. } in all() {
        assert!(stands.insert((code, area)), "{code} stands twice in {area}");
        assert!(title.len() > 1 && means.len() > 10 && action.len() > 5, "{code}");
    }
}

#[test]
fn every_answer_and_page_has_a_status() {
    for code in codes::all() {
        let is_answered = ["log service", "pages"].contains(&code.area) || codes::artifact::ADMISSION.contains(&code);
        assert_eq!(code.status.is_some(), is_answered, "{code}");
        assert!(code.status.is_none_or(|status| (400..600).contains(&status)), "{code}");
    }
}

#[test]
fn one_code_of_two_parts_has_both_meanings() {
    let areas: Vec<_> = explain("policy_too_large").iter().map(|row| row.area).collect();
    assert_eq!(areas, ["work policy", "trust policy"]);
    assert_eq!(explain("PROOF_PATH_LENGTH").first().map(|row| row.code), Some("proof_path_length"));
    assert_eq!(explain("SIGNATURE_INVALID").first().map(|row| row.area), Some("protocol verdict"));
    assert!(explain("").is_empty());
}

#[test]
fn unknown_codes_get_the_nearest_ones() {
    assert_eq!(nearest("proof_path_lenght").first(), Some(&"proof_path_length"));
    assert_eq!(nearest("Quorum-Unmet").first(), Some(&"quorum_unmet"));
    assert!(nearest("zzzzzzzzzzzzzzzzzzzz").is_empty());
    assert!(nearest(&"a".repeat(10_000)).is_empty());
    for row in all() {
        let close = nearest(row.code);
        assert!(
            close.first().is_some_and(|code| code.eq_ignore_ascii_case(row.code)) && close.len() <= 3,
            "{}",
            row.code
        );
    }
}

#[test]
fn the_binary_explains_and_suggests() {
    let ran = run(&["explain", "disclosure_swapped"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("disclosure_swapped  (disclosure file)\n\n  Receipts swapped.\n"), "{}", ran.out);
    assert!(ran.out.contains("what to do  Do not rely on the file"), "{}", ran.out);
    let both: serde_json::Value =
        serde_json::from_str(&run(&["explain", "key_not_a_point", "--json"]).out).expect("JSON");
    assert_eq!(both.as_array().map(Vec::len), Some(2));
    let unknown = run(&["explain", "quorum_unmeet"]);
    assert_eq!((unknown.code, unknown.out.as_str(), unknown.err.lines().count()), (2, "", 1));
    assert!(unknown.err.contains("did you mean quorum_unmet"), "{}", unknown.err);
    let hostile = run(&["explain", "\u{1b}[2J\nx"]);
    assert!(hostile.code == 2 && hostile.err.lines().count() == 1 && !hostile.err.contains('\u{1b}'));
    assert_eq!(run(&["explain"]).code, 2);
    assert!(run(&["explain", "--help"]).out.contains("Examples:"));
}
