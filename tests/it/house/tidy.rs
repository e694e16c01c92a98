//! The house rules that a compiler does not check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Room → rooms it may import. The same table stands in ARCHITECTURE.md.
const IMPORTS: &[(&str, &[&str])] = &[
    ("codes", &[]),
    ("text", &[]),
    ("shapes", &[]),
    ("merkle", &["text"]),
    ("tile", &["merkle"]),
    ("note", &[]),
    ("checkpoint", &["merkle", "note"]),
    ("trust", &["merkle", "note", "checkpoint"]),
    ("signature", &[]),
    ("artifact", &["text", "shapes", "merkle", "signature"]),
    ("protocol", &["text", "artifact"]),
    ("entry", &["shapes", "merkle", "artifact"]),
    ("policy", &["artifact", "protocol"]),
    ("argocd", &["text", "artifact"]),
    ("audit", &["text", "shapes", "merkle", "artifact", "entry", "policy"]),
    ("receipt", &["merkle", "tile", "note", "checkpoint", "trust", "artifact", "entry"]),
    (
        "verify",
        &[
            "text",
            "shapes",
            "merkle",
            "tile",
            "note",
            "checkpoint",
            "trust",
            "artifact",
            "protocol",
            "entry",
            "policy",
            "audit",
            "receipt",
        ],
    ),
    ("sequence", &["merkle", "tile", "checkpoint", "entry", "artifact"]),
    ("explain", &["protocol", "audit"]),
    ("server/faults", &[]),
    ("server/kernel", &[]),
    ("server/outgoing", &[]),
    ("server/workers", &[]),
    ("server/guard", &["merkle", "checkpoint", "server/faults"]),
    ("server/store", &["merkle", "tile", "checkpoint", "entry", "artifact", "sequence", "server/faults"]),
    (
        "server/log",
        &[
            "text",
            "merkle",
            "tile",
            "note",
            "checkpoint",
            "trust",
            "artifact",
            "entry",
            "receipt",
            "sequence",
            "server/faults",
            "server/guard",
            "server/kernel",
            "server/store",
        ],
    ),
    ("server/access", &[]),
    ("server/index", &["text", "merkle", "artifact", "entry", "audit", "sequence", "server/store", "server/log"]),
    ("server/desk", &["merkle", "artifact", "audit", "server/log"]),
    (
        "server/judge",
        &[
            "merkle",
            "artifact",
            "protocol",
            "entry",
            "audit",
            "verify",
            "server/store",
            "server/log",
            "server/index",
            "server/desk",
        ],
    ),
    (
        "server/lookup",
        &[
            "text",
            "merkle",
            "artifact",
            "audit",
            "explain",
            "server/log",
            "server/index",
            "server/desk",
            "server/judge",
        ],
    ),
    ("server/addresses", &["text", "merkle", "artifact", "server/index", "server/lookup"]),
    (
        "server/fsck",
        &[
            "merkle",
            "tile",
            "note",
            "checkpoint",
            "trust",
            "artifact",
            "entry",
            "server/faults",
            "server/guard",
            "server/store",
            "server/log",
            "server/submitters",
        ],
    ),
    (
        "server/scrub",
        &[
            "merkle",
            "tile",
            "checkpoint",
            "artifact",
            "entry",
            "server/store",
            "server/log",
            "server/fsck",
            "server/workers",
        ],
    ),
];

/// What every room may import: an error says its code.
const EVERYWHERE: &str = "codes";

/// Rings 1 and 2: no IO, no clock, no randomness, no logging, no async.
const PURE: &[&str] = &[
    "codes",
    "text",
    "shapes",
    "merkle",
    "tile",
    "note",
    "checkpoint",
    "trust",
    "signature",
    "artifact",
    "protocol",
    "entry",
    "policy",
    "argocd",
    "audit",
    "receipt",
    "verify",
    "sequence",
    "explain",
];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::io",
    "SystemTime",
    "Instant::now",
    "tokio",
    "getrandom",
    "tracing::",
    "println!",
    "eprintln!",
    "async fn",
    "rocksdb",
    "axum",
];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn sources(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(dir)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a directory").flatten().map(|e| e.path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root().join("src")).unwrap_or(&path).display().to_string();
            found.push((name, std::fs::read_to_string(&path).expect("a source file")));
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources under {dir}");
    found
}

fn room_of(file: &str) -> String {
    let file = file.trim_end_matches(".rs");
    let mut parts = file.split('/');
    match (parts.next(), parts.next()) {
        (Some("server"), Some(second)) => format!("server/{second}"),
        (Some(first), _) => first.to_owned(),
        _ => String::new(),
    }
}

/// Rooms named by `crate::a::b` anywhere in the code part of a file, braces included.
fn imported(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
        let mut parts = path.split("::");
        match (parts.next(), parts.next()) {
            (Some("server"), Some(second)) if !second.is_empty() => {
                rooms.insert(format!("server/{second}"));
            }
            (Some(first), _) if !first.is_empty() => {
                rooms.insert(first.to_owned());
            }
            _ => {}
        }
    }
    rooms
}

/// The file without comments and without its tests.
pub(super) fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_import_only_what_stands_above_them() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let room = room_of(&file);
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == room) else { continue };
        for used in imported(&code_of(&text)) {
            if used != room && used != EVERYWHERE && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{file}: {room} may not import {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_the_table_and_in_the_architecture() {
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let free = ["lib", "main", "cli", "server", "server/api", "server/pages"];
    for (file, _) in sources("src") {
        let room = room_of(&file);
        let known = IMPORTS.iter().any(|(name, _)| *name == room);
        if known || free.contains(&room.as_str()) {
            assert!(
                ["lib", "main"].contains(&room.as_str()) || architecture.contains(&format!("`{room}`")),
                "{room} is not in ARCHITECTURE.md"
            );
        } else {
            // Small rooms of the service's own plumbing.
            assert!(room.starts_with("server/"), "{room} ({file}) is in no table");
        }
    }
}

#[test]
fn kinds_are_named_by_variant_and_rooms_that_judge_pass_over_none() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let code = code_of(text.split("#[cfg(test)]").next().unwrap_or_default());
        // What is one word is also a word of its own; the protocol's documents
        // and each kind's own row say the names as they are written.
        for name in pulselog::artifact::KINDS.map(|row| row.name).into_iter().filter(|name| name.contains('_')) {
            let is_own = file.ends_with(&format!("artifact/{name}.rs")) || room_of(&file) == "protocol";
            if !is_own && code.contains(&format!("\"{name}\"")) {
                wrong.push(format!("{file}: {name} as text"));
            }
        }
        if code.contains("allow(clippy::wildcard_enum_match_arm") {
            wrong.push(format!("{file}: passes over variants"));
        }
    }
    for room in ["audit", "policy", "verify"] {
        let text = std::fs::read_to_string(root().join(format!("src/{room}.rs"))).expect("a room");
        if !text.contains("#![deny(clippy::wildcard_enum_match_arm)]") {
            wrong.push(format!("{room}: may pass over variants"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_nothing_of_the_world() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        if PURE.contains(&room_of(&file).as_str()) {
            let code = code_of(&text);
            wrong.extend(IMPURE.iter().filter(|w| code.contains(**w)).map(|w| format!("{file}: {w}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_names_rocksdb_and_only_http_writes_addresses() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let (room, code) = (room_of(&file), code_of(&text));
        if room != "server/store" && code.contains("rocksdb") {
            wrong.push(format!("{file}: rocksdb"));
        }
        let is_http = ["server/addresses", "server/api", "cli"].contains(&room.as_str());
        if !is_http && code.contains("\"/v1/") {
            wrong.push(format!("{file}: an address of the API"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_stay_short() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{file}: {lines} lines hold two nouns"));
        }
        wrong.extend(long_functions(&text).into_iter().map(|f| format!("{file}: {f}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A function ends at the closing brace of its own indentation.
fn long_functions(text: &str) -> Vec<String> {
    let mut long = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|p| trimmed.starts_with(p));
        if !is_function || trimmed.ends_with(';') {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - trimmed.len()]);
        let length = lines[start..].iter().position(|l| *l == end).unwrap_or(0);
        if length > FUNCTION_LINES_MAX {
            long.push(format!("{} is {length} lines long", trimmed.split('(').next().unwrap_or(trimmed)));
        }
    }
    long
}

#[test]
fn sources_hold_no_leftovers() {
    let words = [
        "todo!(",
        "unimplemented!(",
        "dbg!(",
        "#[ignore",
        "should_panic",
        "FIXME",
        "XXX",
        "mod.rs",
        "anyhow",
        "use crate::{",
    ];
    let mut wrong = Vec::new();
    for dir in ["src", "tests", "benches"] {
        for (file, text) in sources(dir) {
            if Path::new(&file).ends_with("tests/it/house/tidy.rs") {
                continue;
            }
            wrong.extend(words.iter().filter(|w| text.contains(**w)).map(|w| format!("{file}: {w}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unwraps_in_sources_say_why_they_cannot_fail() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        // What stands below either is compiled into tests alone.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.split("#![cfg(test)]").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_comment = |l: &str| l.trim_start().starts_with("//");
            let unwraps = line.contains(".unwrap()") || line.contains(".expect(");
            let explained = at > 0 && lines[..at].iter().rev().take(3).any(|l| is_comment(l));
            if unwraps && !is_comment(line) && !explained {
                wrong.push(format!("{file}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule that its file's `RULES` leave out is found and explained nowhere.
#[test]
fn every_rule_that_is_written_stands_in_its_table() {
    let known: BTreeSet<&str> = pulselog::audit::RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code).collect();
    let left: Vec<_> = sources("src/audit")
        .into_iter()
        .flat_map(|(_, text)| {
            let rows = text.split(": Rule = Rule {").skip(1);
            let codes = rows.filter_map(|row| Some(row.split_once("code: \"")?.1.split('"').next()?.to_owned()));
            codes.collect::<Vec<_>>()
        })
        .filter(|code| !known.contains(code.as_str()))
        .collect();
    assert!(left.is_empty(), "no RULES hold {left:?}");
}
