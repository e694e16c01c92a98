//! Every code that the program can print is explained, in words of its own.

use std::collections::BTreeSet;

use pulselog::explain::{Explanation, all, explain, nearest};
use pulselog::{artifact, audit, policy, protocol};

use crate::cli::run;
use crate::make::project;

/// Rooms whose sources are read for codes.
const ROOMS: &[&str] = &[
    "merkle",
    "tile",
    "note",
    "checkpoint",
    "trust",
    "artifact",
    "audit",
    "entry",
    "protocol/config",
    "receipt",
    "verify",
    "sequence",
    "server",
];

/// Texts in the same places that are no codes.
const NO_CODES: &[&str] = &[
    "snake_case",
    "agent_did",
    "bundle_id",
    "cst_issuance",
    "event_chain",
    "mission_id",
    "run_id",
    "token_hash",
    "token_scope_hash_b64u",
    "packet_version",
    "not_applicable",
    "not_asked",
    "pass_except_not_checked",
];

fn sources() -> Vec<(String, String)> {
    let (root, mut found) = (project("src"), Vec::new());
    let mut waiting = vec![root.clone()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a directory").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let name = path.strip_prefix(&root).expect("below src").with_extension("").display().to_string();
            let text = std::fs::read_to_string(&path).expect("a source file");
            found.push((name, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()));
        }
    }
    found.retain(|(name, _)| {
        ROOMS.iter().any(|room| name.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    });
    found
}

fn is_code(word: &&str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The texts in quotes that could be codes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2).filter(is_code)
}

/// The texts right after `mark`, when they are in quotes and could be codes.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let first = |rest: &'a str| rest.trim_start().strip_prefix('"')?.split('"').next();
    text.split(mark).skip(1).filter_map(first).filter(is_code)
}

/// Codes as the sources write them: in functions called `code`, members called
/// `code`, problems, and the rows of the service's table.
fn codes_in(name: &str, text: &str) -> BTreeSet<String> {
    let mut codes: BTreeSet<String> =
        after(text, "code: ").chain(after(text, "Problem::new(")).map(Into::into).collect();
    for (at, _) in text.match_indices("fn code(") {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let indent = text[line..].len() - text[line..].trim_start().len();
        let end = format!("\n{}}}", " ".repeat(indent));
        let body = text[at..].split(&end).next().unwrap_or_default();
        codes.extend(quoted(body).map(Into::into));
    }
    for mark in ["Trouble::not_found(", "Trouble::bad(", "Trouble::unsound(", "Self::not_found(", "Self::unsound("] {
        codes.extend(after(text, mark).map(Into::into));
    }
    if name == "server/api/problem" {
        for status in text.split("row(").skip(1) {
            codes.extend(after(status, ", ").next().map(Into::into));
        }
    }
    if name.starts_with("verify") {
        codes.extend(after(text, "equal(").chain(after(text, "incomplete(Ask::")).map(Into::into));
        codes.extend(after(text, "Refusal::new(").map(Into::into));
        codes.extend(quoted(text).filter(|word| word.contains('_')).map(Into::into));
    }
    codes.retain(|code| !NO_CODES.contains(&code.as_str()));
    codes
}

#[test]
fn every_code_in_the_sources_is_explained() {
    let known: BTreeSet<&str> = all().map(|row| row.code).collect();
    let (mut found, mut wrong) = (BTreeSet::new(), Vec::new());
    for (name, text) in sources() {
        for code in codes_in(&name, &text) {
            if !known.contains(code.as_str()) {
                wrong.push(format!("{name}: {code}"));
            }
            found.insert(code);
        }
    }
    assert!(wrong.is_empty(), "not explained:\n{}", wrong.join("\n"));
    // The search itself works: one code of every way of writing them.
    for code in ["proof_path_length", "fork", "digest_mismatch", "body_not_shown", "batch_empty", "queue_full"] {
        assert!(found.contains(code), "{code}");
    }
    assert!(found.len() > 150, "{}", found.len());
}

#[test]
fn every_code_of_the_tables_is_explained_in_the_words_of_its_table() {
    let has = |code: &str, means: &str| explain(code).iter().any(|row| row.means == means);
    for (code, means) in artifact::CODES {
        assert!(has(code, means), "{code}");
    }
    for row in policy::REASONS {
        assert!(has(row.code, row.meaning), "{}", row.code);
    }
    for rule in audit::RULE_GROUPS.iter().copied().flatten() {
        assert!(has(rule.code, rule.rationale), "{}", rule.code);
    }
    for row in protocol::CODES.iter().chain(protocol::RISK_FLAGS) {
        assert!(has(row.code, row.means), "{}", row.code);
    }
    let service = std::fs::read_to_string(project("src/server/api/problem.rs")).expect("the service's table");
    let rows: Vec<_> = service.lines().filter(|line| line.trim_start().starts_with("row(")).collect();
    assert!(rows.len() > 30);
    for line in rows {
        let words: Vec<_> = line.split('"').collect();
        assert!(has(words[1], words[3]), "{}: the explanation says something else than the API", words[1]);
    }
}

#[test]
fn no_row_is_dead_and_every_row_says_something() {
    let mut said = BTreeSet::new();
    let written: String = sources().into_iter().map(|(_, text)| text).collect();
    let of_tables: BTreeSet<_> = policy::REASONS
        .iter()
        .map(|row| row.code)
        .chain(protocol::CODES.iter().chain(protocol::RISK_FLAGS).map(|row| row.code))
        .collect();
    for Explanation { code, area, title, means, action, .. } in all() {
        assert!(said.insert((code, area)), "{code} stands twice in {area}");
        assert!(title.len() > 1 && means.len() > 10 && action.len() > 5, "{code}");
        assert!(of_tables.contains(code) || written.contains(&format!("\"{code}\"")), "{code} is said nowhere");
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
