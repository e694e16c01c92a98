//! Jira: a remote link, whose `globalId` makes the same call an update.

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::ticket::call::{Done, Request, Tracker};
use crate::cli::ticket::evidence::Evidence;
use crate::cli::ticket::key::Key;

pub fn plan(key: &Key, of: &Evidence) -> Vec<Request> {
    let title = format!("Agent change evidence: {}", of.badge.words());
    let summary = format!("{}, as of {} entries", escape(&of.name), of.size);
    let body = json!({
        "globalId": of.link,
        "application": { "type": "dev.pulselog", "name": "Pulselog" },
        "relationship": "agent evidence",
        "object": { "url": of.page, "title": title, "summary": summary },
    });
    vec![Request::with("POST", format!("/rest/api/2/issue/{}/remotelink", key.text()), body)]
}

pub fn send(tracker: &Tracker, key: &Key, of: &Evidence) -> Result<Done, Failure> {
    let mut done = Done::Same;
    for request in plan(key, of) {
        let answer = tracker.answered(&request, &[200, 201])?;
        if !answer.body.get("id").is_some_and(Value::is_number) {
            return Err(tracker.strange(&request, "the answer names no link"));
        }
        done = if answer.status == 201 { Done::Made } else { Done::Updated };
    }
    Ok(done)
}

/// Text of others in fields that some versions read as wiki markup: no macro,
/// link, image or mention begins in it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '{' | '}' | '[' | ']' | '!' | '|' | '~' | '@' | '^') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_macro_link_image_or_mention_begins_in_a_text_of_others() {
        assert_eq!(escape("job-7 payments/api_2"), "job-7 payments/api_2");
        assert_eq!(escape("{html}[x|y]!i![~bob]@all\\"), "\\{html\\}\\[x\\|y\\]\\!i\\!\\[\\~bob\\]\\@all\\\\");
    }
}
