//! ServiceNow: a work note, which nobody can change. The newest of ours is read
//! first: the same verdict is not said twice, another says which it replaces.

use pulselog::text::percent::encode;
use pulselog::verify::badge::Badge;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::ticket::call::{Done, Request, Tracker};
use crate::cli::ticket::evidence::Evidence;
use crate::cli::ticket::key::Key;

/// Notes of ours that one look reads.
const NOTES_MAX: usize = 10;
/// What stands for the record's id while nobody was asked.
const UNKNOWN: &str = "SYS_ID";

pub fn plan(key: &Key, of: &Evidence) -> Vec<Request> {
    let id = if key.is_sys_id() { key.text() } else { UNKNOWN };
    let lookup = (!key.is_sys_id()).then(|| record(key));
    lookup.into_iter().chain([notes(id, of), note(id, of, None)]).collect()
}

pub fn send(tracker: &Tracker, key: &Key, of: &Evidence) -> Result<Done, Failure> {
    let id = if key.is_sys_id() { key.text().to_owned() } else { id_of(tracker, key)? };
    let asked = notes(&id, of);
    let answer = tracker.answered(&asked, &[200])?;
    let rows = answer.body.get("result").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| tracker.strange(&asked, "the answer lists no notes"))?;
    let said = rows.iter().filter_map(|row| marked(row.get("value")?.as_str()?, of));
    let newest = said.max_by_key(|(size, _)| *size);
    if newest.is_some_and(|(_, badge)| badge == of.badge) {
        return Ok(Done::Same);
    }
    let request = note(&id, of, newest.map(|(size, _)| size));
    let answer = tracker.answered(&request, &[200])?;
    let is_it = answer.body.pointer("/result/sys_id").and_then(Value::as_str) == Some(id.as_str());
    match (is_it, newest) {
        (false, _) => Err(tracker.strange(&request, "the answer names another record")),
        (true, Some(_)) => Ok(Done::Updated),
        (true, None) => Ok(Done::Made),
    }
}

/// The record of a change's number.
fn record(key: &Key) -> Request {
    let query = encode(&format!("number={}", key.text()));
    Request::get(format!(
        "/api/now/table/change_request?sysparm_query={query}&sysparm_fields=sys_id,number&sysparm_limit=2"
    ))
}

fn id_of(tracker: &Tracker, key: &Key) -> Result<String, Failure> {
    let request = record(key);
    let answer = tracker.answered(&request, &[200])?;
    let rows = answer.body.get("result").and_then(Value::as_array).map(Vec::as_slice);
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match rows {
        Some([row]) if text(row, "number") == key.text() => {
            let id = text(row, "sys_id");
            let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_id { Ok(id) } else { Err(tracker.strange(&request, "the answer names no record")) }
        }
        Some([]) => Err(Failure::fail(format!("--key {}: servicenow has no such change", key.text()))),
        _ => Err(tracker.strange(&request, "the answer does not name one change")),
    }
}

/// The newest notes that hold the link's key.
fn notes(id: &str, of: &Evidence) -> Request {
    let query = format!("element_id={id}^element=work_notes^valueLIKE{}^ORDERBYDESCsys_created_on", of.link);
    Request::get(format!(
        "/api/now/table/sys_journal_field?sysparm_query={}&sysparm_fields=value&sysparm_limit={NOTES_MAX}",
        encode(&query)
    ))
}

fn note(id: &str, of: &Evidence, replaces: Option<u64>) -> Request {
    let replaces = replaces.map_or(String::new(), |size| format!("This replaces the note of size {size}.\n"));
    let text = format!("{replaces}{}\n{}\n", escape(of.note.trim_end()), mark(of));
    let path = format!("/api/now/table/change_request/{id}?sysparm_fields=sys_id");
    Request::with("PATCH", path, json!({ "work_notes": text }))
}

/// The last line of a note: whose it is, of which size, and what it says.
fn mark(of: &Evidence) -> String {
    format!("{} size {}: {}", of.link, of.size, of.badge.words())
}

fn marked(note: &str, of: &Evidence) -> Option<(u64, Badge)> {
    let line = note.trim_end().lines().next_back()?.trim();
    let (size, badge) = line.strip_prefix(&of.link)?.strip_prefix(" size ")?.split_once(": ")?;
    Some((size.parse().ok()?, Badge::read(badge)?))
}

/// Text in which no `[code]` begins, inside which markup would be read.
pub fn escape(text: &str) -> String {
    text.replace('[', "[ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_block_begins_in_a_note() {
        assert_eq!(escape("job [code]<script>[/code]"), "job [ code]<script>[ /code]");
    }
}
