//! The printed parts of docs/JUDGING.md and docs/PEERS.md: what the code says
//! stands between two marks, and is compared with the text.

use std::fmt::Write;

use pulselog::artifact::KINDS;
use pulselog::audit::{ANSWERS, AnswerRow, COUNTS, LINKS_VERSION, RULE_GROUPS, RULES_VERSION, WINDOWS};
use pulselog::policy::{ACTIONS, ANCESTORS_MAX, NAMESPACES_MAX, REGISTRY_BYTES_MAX};
use pulselog::protocol::{BLOCKS, CODES, RISK_FLAGS};
use pulselog::verify::budget::{ENTRY_BYTES, MEMORY_BYTES_MAX};
use pulselog::verify::scoped_token::TOKEN_BYTES_MAX;

use crate::make::{blessing, project};

/// Rows of a table under their heads.
fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "| {} |\n|{}", heads.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn windows() -> String {
    let rows = WINDOWS.iter().map(|of| [of.name.to_owned(), format!("{} s", of.ms / 1_000), of.means.to_owned()]);
    table(["name", "length", "what it is"], rows)
}

fn counts() -> String {
    let of_audit = COUNTS.iter().map(|of| [of.name.to_owned(), of.max.to_string(), of.means.to_owned()]);
    let others = [
        ("ANCESTORS", ANCESTORS_MAX, "policies that stand above one"),
        ("NAMESPACES", NAMESPACES_MAX, "namespaces that one action reaches"),
        ("REGISTRY", REGISTRY_BYTES_MAX, "bytes of a policy of the registry's forms, as RFC 8785 writes it"),
        ("TOKEN", TOKEN_BYTES_MAX, "bytes of a compact token that a verifier reads"),
        ("MEMORY", MEMORY_BYTES_MAX, "bytes that one run of a verifier fills, where its reader says nothing else"),
        ("ENTRY", ENTRY_BYTES, "bytes that each entry may take beside"),
    ];
    let others = others.map(|(name, max, means)| [name.to_owned(), max.to_string(), means.to_owned()]);
    table(["name", "most", "of what"], of_audit.chain(others))
}

fn answers() -> String {
    let ranges = |row: &AnswerRow| {
        let range = |range: &std::ops::RangeInclusive<i64>| match range.start() == range.end() {
            true => range.start().to_string(),
            false => format!("{}–{}", range.start(), range.end()),
        };
        row.http.iter().map(range).collect::<Vec<_>>().join(", ")
    };
    let codes = |row: &AnswerRow| row.grpc.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let rows = ANSWERS
        .iter()
        .map(|row| [format!("*{}*", row.name), row.means.to_owned(), ranges(row), codes(row), code(row.outcomes)]);
    table(["answer", "what it tells", "HTTP status", "gRPC code", "outcomes that it can have"], rows)
}

fn versions() -> String {
    format!("Rules: `{RULES_VERSION}`. Links: {LINKS_VERSION}.\n")
}

fn actions() -> String {
    let row = |row: &pulselog::policy::ActionRow| {
        let wider = if row.included_in.is_empty() { "–".to_owned() } else { code(row.included_in) };
        [code(&[row.name]), code(row.statement_names), wider, code(&[row.tool])]
    };
    table(["action", "names in statements", "denied by a Deny of", "`Tool:Name`"], ACTIONS.iter().map(row))
}

fn blocks() -> String {
    table(["block", "what it would say"], BLOCKS.iter().map(|row| [code(&[row.name]), row.means.to_owned()]))
}

/// File, mark, text.
fn sections() -> [(&'static str, &'static str, String); 6] {
    [
        ("docs/JUDGING.md", "versions", versions()),
        ("docs/JUDGING.md", "windows", windows()),
        ("docs/JUDGING.md", "counts", counts()),
        ("docs/JUDGING.md", "answers", answers()),
        ("docs/PEERS.md", "actions", actions()),
        ("docs/PEERS.md", "blocks", blocks()),
    ]
}

/// The text with its section of this mark written anew; `None` without the mark.
fn with_section(text: &str, mark: &str, section: &str) -> Option<String> {
    let (start, end) = (format!("<!-- made: {mark} -->\n"), format!("<!-- end: {mark} -->"));
    let (before, rest) = text.split_once(&start)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{start}{section}{end}{after}"))
}

/// `PULSELOG_BLESS=1` writes the sections anew.
#[test]
fn judging_reference_is_what_the_code_says() {
    for (file, mark, section) in sections() {
        let path = project(file);
        let text = std::fs::read_to_string(&path).expect("a document");
        let made = with_section(&text, mark, &section);
        let made = made.unwrap_or_else(|| panic!("{file} has no section {mark}"));
        if blessing() {
            std::fs::write(&path, &made).expect("written");
        } else {
            assert!(text == made, "{file}: section {mark} is not what the code says: PULSELOG_BLESS=1 writes it anew");
        }
    }
}

/// Whoever cites a heading by its number finds it: numbers are without gaps.
#[test]
fn judging_reference_has_headings_numbered_without_gaps() {
    for file in ["docs/JUDGING.md", "docs/PEERS.md"] {
        let text = std::fs::read_to_string(project(file)).expect("a document");
        let (mut chapter, mut section) = (0, 0);
        for line in text.lines().filter(|line| line.starts_with("##")) {
            let number = line.trim_start_matches('#').split_whitespace().next().unwrap_or_default();
            let want = if line.starts_with("###") {
                section += 1;
                format!("{chapter}.{section}")
            } else {
                (chapter, section) = (chapter + 1, 0);
                chapter.to_string()
            };
            assert_eq!(number, want, "{file}: {line}");
        }
    }
}

/// A rule, a role or a code of the peer's that the text leaves out could be
/// judged by nobody else.
#[test]
fn judging_reference_leaves_out_no_rule_kind_or_code() {
    let read = |file| std::fs::read_to_string(project(file)).expect("a document");
    let (judging, peers) = (read("docs/JUDGING.md"), read("docs/PEERS.md"));
    let rules = RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code);
    for name in rules.chain(KINDS.iter().map(|kind| kind.name)) {
        assert!(judging.contains(&format!("`{name}`")), "docs/JUDGING.md says nothing of {name}");
    }
    for row in CODES.iter().chain(RISK_FLAGS).filter(|row| row.code != "OK") {
        assert!(peers.contains(&format!("`{}`", row.code)), "docs/PEERS.md says nothing of {}", row.code);
    }
}
