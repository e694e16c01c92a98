//! For every envelope under the shared vectors: admitted, or refused with which
//! code, and why. The table is committed and compared; a changed row is a
//! changed promise.

use std::fmt::Write as _;
use std::path::Path;

use pulselog::artifact::json::{self, Value, to_compact};

use crate::make::{admit_any, blessing, project, shared};

const TABLE: &str = "tests/golden/clawsig-envelopes.tsv";
const HEADER: &str = "file\tpath\tkind\toutcome\twhy\n";

fn json_files(folder: &Path, out: &mut Vec<std::path::PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("readable");
    for path in entries.map(|entry| entry.expect("readable").path()) {
        if path.is_dir() {
            json_files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            out.push(path);
        }
    }
}

fn envelopes<'a>(value: &'a Value<'static>, path: &str, out: &mut Vec<(String, &'a Value<'static>)>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| envelopes(item, &format!("{path}/{at}"), out));
        }
        Value::Object(object) => {
            if ["envelope_version", "payload", "signature_b64u"].iter().all(|name| object.contains(name)) {
                out.push((path.to_owned(), value));
            }
            object.iter().for_each(|(name, member)| envelopes(member, &format!("{path}/{name}"), out));
        }
        _ => {}
    }
}

fn row(file: &str, path: &str, envelope: &Value) -> String {
    let kind = envelope.text_at("envelope_type").unwrap_or("none");
    let (outcome, why) = match admit_any(&to_compact(envelope)) {
        Err(error) if error.code().name == "unknown_kind" => ("unknown_kind", "not a kind of this log".to_owned()),
        Err(error) => (error.code().name, error.to_string()),
        Ok(admitted) => {
            let mut why = "every step passes".to_owned();
            if !admitted.expanded.is_empty() {
                let _ = write!(why, "; expands {}", admitted.expanded.len());
            }
            for left in &admitted.not_expanded {
                let _ = write!(why, "; {} {}", left.path, left.code);
            }
            ("admitted", why)
        }
    };
    format!("{file}\t{path}\t{kind}\t{outcome}\t{why}\n")
}

#[test]
fn every_shared_envelope_is_admitted_or_refused_as_the_table_says() {
    let Some(folder) = shared("clawsig") else {
        return;
    };
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    files.sort();
    let mut table = HEADER.to_owned();
    for file in &files {
        let bytes = std::fs::read(file).expect("readable");
        let name = file.strip_prefix(&folder).expect("below").display().to_string();
        // Only an envelope can be in the table, and all of them are strict JSON.
        let value = json::parse(&bytes, 64).unwrap_or_else(|error| panic!("{name}: {error}")).into_owned();
        let mut found = Vec::new();
        envelopes(&value, "", &mut found);
        found.iter().for_each(|(path, envelope)| table.push_str(&row(&name, path, envelope)));
    }
    if blessing() {
        std::fs::write(project(TABLE), &table).expect("writable");
    }
    let committed = std::fs::read_to_string(project(TABLE)).expect("the table is committed");
    for (ours, theirs) in table.lines().zip(committed.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(table.lines().count(), committed.lines().count());
    assert!(table.lines().count() > 150, "the walk finds the vectors");
}
