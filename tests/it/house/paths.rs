//! Payloads are read through the view of their kind: a path of a member stands
//! in the kind's own file, where a test asks it of the shape.

use crate::house::tidy::{code_of, sources};

/// Rooms that read what kinds say. `protocol` reads the peer's documents in
/// shapes of its own, and the command line has the public API alone.
const READERS: &[&str] = &[
    "audit",
    "entry",
    "explain",
    "policy",
    "receipt",
    "sequence",
    "verify",
    "server/desk",
    "server/fsck",
    "server/index",
    "server/judge",
    "server/log",
    "server/lookup",
    "server/pages",
    "server/scrub",
];

/// Files of these rooms that read JSON which is no kind's payload.
const OTHER_JSON: &[(&str, &str)] = &[
    ("receipt/disclosure.rs", "a disclosure file, and the envelope around its bundle"),
    ("server/log/filed.rs", "the envelope around a payload"),
    ("verify/packet/manifest.rs", "the list of files of a packet"),
    ("verify/scoped_token.rs", "the header of a token, and key sets"),
];

fn is_reader(file: &str) -> bool {
    READERS.iter().any(|room| file.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')))
}

/// Reads of a member by its name or path, as text.
fn reads(text: &str) -> usize {
    ["text_at(\"", ".at(\"", ".get(\""].iter().map(|read| code_of(text).matches(read).count()).sum()
}

#[test]
fn rooms_read_payloads_through_views() {
    let of_payloads = |file: &str| is_reader(file) && OTHER_JSON.iter().all(|(other, _)| *other != file);
    let wrong: Vec<_> =
        sources("src").into_iter().filter(|(file, text)| of_payloads(file) && reads(text) > 0).collect();
    let wrong: Vec<_> = wrong.iter().map(|(file, text)| format!("{file}: {} members by path", reads(text))).collect();
    assert!(wrong.is_empty(), "name the member in the view of its kind:\n{}", wrong.join("\n"));
}

#[test]
fn files_that_read_other_json_do() {
    let all = sources("src");
    for (name, what) in OTHER_JSON {
        let found = all.iter().find(|(file, _)| file == name);
        assert!(
            found.is_some_and(|(_, text)| reads(text) > 0),
            "{name} reads no {what} any more: take it off the list"
        );
    }
}
