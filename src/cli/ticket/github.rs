//! GitHub: a commit status, sent when the newest of its context says otherwise.

use pulselog::verify::badge::Badge;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::ticket::call::{Done, Request, Tracker};
use crate::cli::ticket::evidence::Evidence;
use crate::cli::ticket::key::{Key, segment};

/// Statuses of a commit that one look reads, newest first.
const STATUSES_MAX: usize = 30;
/// Most characters of a description, as GitHub says.
const DESCRIPTION_CHARS_MAX: usize = 140;

pub fn plan(key: &Key, of: &Evidence) -> Vec<Request> {
    vec![newest(key), status(key, of)]
}

pub fn send(tracker: &Tracker, key: &Key, of: &Evidence) -> Result<Done, Failure> {
    let (asked, request) = (newest(key), status(key, of));
    let answer = tracker.answered(&asked, &[200])?;
    let rows = answer.body.as_array().ok_or_else(|| tracker.strange(&asked, "the answer lists no statuses"))?;
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let context = context(of);
    let own = rows.iter().find(|row| text(row, "context").as_deref() == Some(context.as_str()));
    let says = |row: &Value| (text(row, "state"), text(row, "description"));
    if own.is_some_and(|own| request.body.as_ref().is_some_and(|body| says(own) == says(body))) {
        return Ok(Done::Same);
    }
    let answer = tracker.answered(&request, &[201])?;
    if text(&answer.body, "context").as_deref() != Some(context.as_str()) {
        return Err(tracker.strange(&request, "the answer is of another status"));
    }
    Ok(if own.is_some() { Done::Updated } else { Done::Made })
}

fn path(key: &Key) -> (String, String) {
    let (repository, commit) = key.two();
    let repository: Vec<String> = repository.split('/').map(segment).collect();
    (format!("/repos/{}", repository.join("/")), commit.to_owned())
}

fn newest(key: &Key) -> Request {
    let (repository, commit) = path(key);
    Request::get(format!("{repository}/commits/{commit}/statuses?per_page={STATUSES_MAX}"))
}

fn status(key: &Key, of: &Evidence) -> Request {
    let (repository, commit) = path(key);
    // Without the size: what says the same is the same.
    let description = escape(&format!("Agent change evidence: {}", of.badge.words()));
    let body = json!({
        "state": state(of.badge), "target_url": of.page, "description": description, "context": context(of),
    });
    Request::with("POST", format!("{repository}/statuses/{commit}"), body)
}

fn context(of: &Evidence) -> String {
    format!("agent-evidence/{}", of.short_link())
}

const fn state(badge: Badge) -> &'static str {
    match badge {
        Badge::Verified => "success",
        Badge::Findings(_) => "failure",
        Badge::Incomplete | Badge::Pending { .. } => "pending",
        Badge::Unknown => "error",
    }
}

/// A description: one line without a mention, cut to what GitHub takes.
pub fn escape(text: &str) -> String {
    let plain = text.chars().map(|c| if c == '@' || c.is_control() { ' ' } else { c });
    plain.take(DESCRIPTION_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_mentions_nobody_and_is_one_short_line() {
        assert_eq!(escape("a @all\nb"), "a  all b");
        assert_eq!(escape(&"x".repeat(400)).len(), DESCRIPTION_CHARS_MAX);
    }
}
