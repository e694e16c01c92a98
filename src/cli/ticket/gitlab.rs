//! GitLab: a note on a merge request, found again by its marker and edited.

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::ticket::call::{Done, Request, Tracker};
use crate::cli::ticket::evidence::Evidence;
use crate::cli::ticket::key::{Key, segment};

/// Notes of one look, and looks: more is not searched, and nothing is sent.
const NOTES_A_PAGE: usize = 10;
const PAGES_MAX: usize = 100;

pub fn plan(key: &Key, of: &Evidence) -> Vec<Request> {
    vec![user(), page(key, 1), Request::with("POST", notes(key), body(of))]
}

pub fn send(tracker: &Tracker, key: &Key, of: &Evidence) -> Result<Done, Failure> {
    let asked = user();
    let me = tracker.answered(&asked, &[200])?.body.get("id").and_then(Value::as_u64);
    let me = me.ok_or_else(|| tracker.strange(&asked, "the answer names no user"))?;
    let (body, found) = (body(of), find(tracker, key, of, me)?);
    let Some((id, said)) = found else {
        let request = Request::with("POST", notes(key), body);
        return named(tracker, &request, 201).map(|_| Done::Made);
    };
    if body.get("body").and_then(Value::as_str) == Some(said.as_str()) {
        return Ok(Done::Same);
    }
    let request = Request::with("PUT", format!("{}/{id}", notes(key)), body);
    if named(tracker, &request, 200)? != id {
        return Err(tracker.strange(&request, "the answer is of another note"));
    }
    Ok(Done::Updated)
}

fn named(tracker: &Tracker, request: &Request, good: u16) -> Result<u64, Failure> {
    let id = tracker.answered(request, &[good])?.body.get("id").and_then(Value::as_u64);
    id.ok_or_else(|| tracker.strange(request, "the answer names no note"))
}

/// Our own note with the marker: anybody may copy it into another.
fn find(tracker: &Tracker, key: &Key, of: &Evidence, me: u64) -> Result<Option<(u64, String)>, Failure> {
    for number in 1..=PAGES_MAX {
        let request = page(key, number);
        let answer = tracker.answered(&request, &[200])?;
        let rows = answer.body.as_array().ok_or_else(|| tracker.strange(&request, "the answer lists no notes"))?;
        for row in rows {
            let body = row.get("body").and_then(Value::as_str).unwrap_or_default();
            let is_mine = row.pointer("/author/id").and_then(Value::as_u64) == Some(me);
            if let (true, true, Some(id)) = (is_mine, body.contains(&of.link), row.get("id").and_then(Value::as_u64)) {
                return Ok(Some((id, body.to_owned())));
            }
        }
        if rows.len() < NOTES_A_PAGE {
            return Ok(None);
        }
    }
    let most = NOTES_A_PAGE * PAGES_MAX;
    Err(Failure::fail(format!("gitlab: {} has more than {most} notes; ours may be among them", key.text())))
}

fn user() -> Request {
    Request::get("/api/v4/user".to_owned())
}

fn notes(key: &Key) -> String {
    let (project, number) = key.two();
    format!("/api/v4/projects/{}/merge_requests/{number}/notes", segment(project))
}

fn page(key: &Key, number: usize) -> Request {
    Request::get(format!("{}?order_by=created_at&sort=asc&per_page={NOTES_A_PAGE}&page={number}", notes(key)))
}

fn body(of: &Evidence) -> Value {
    let head = format!("**Agent change evidence: {}** as of {} entries", of.badge.words(), of.size);
    json!({ "body": format!("{head}\n\n{}\n\n`{}`", escape(&of.note), of.link) })
}

/// A text as a code block, in which no mention, link or quick action is read.
/// Its fence is longer than any run of backticks inside.
pub fn escape(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_note_leaves_its_code_block() {
        assert_eq!(escape("a\n/close @all\n"), "```text\na\n/close @all\n```");
        assert_eq!(escape("````\n/close"), "`````text\n````\n/close\n`````");
    }
}
