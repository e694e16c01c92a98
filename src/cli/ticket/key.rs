//! Keys of tickets: each system has its own pattern, and nothing else gets into
//! an address.

use pulselog::text::percent::encode;

use crate::cli::failure::Failure;
use crate::cli::ticket::System;

/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 255;

/// A key in the pattern of its system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    text: String,
    parts: Parts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Parts {
    Whole,
    /// Repository and commit, project and number.
    Two(String, String),
}

impl Key {
    /// # Errors
    /// A key that is none of this system.
    pub fn parse(system: System, text: &str) -> Result<Self, Failure> {
        let wrong = |rule: &str| Failure::usage(format!("--key {text}: must be {rule}"));
        if text.len() > KEY_BYTES_MAX {
            return Err(Failure::usage(format!("--key: has more than {KEY_BYTES_MAX} bytes")));
        }
        let parts =
            match system {
                System::Jira if is_jira(text) => Parts::Whole,
                System::Jira => return Err(wrong("a Jira key such as PAY-4711")),
                System::ServiceNow if is_change(text) || is_sys_id(text) => Parts::Whole,
                System::ServiceNow => return Err(wrong("a change such as CHG0030052, or a sys_id of 32 hex digits")),
                System::GitHub => two(text, '@', is_repository, is_commit)
                    .ok_or_else(|| wrong("OWNER/REPO@COMMIT with 40 hex digits"))?,
                System::GitLab => two(text, '!', is_project, is_number)
                    .ok_or_else(|| wrong("GROUP/PROJECT!NUMBER of a merge request"))?,
            };
        Ok(Self { text: text.to_owned(), parts })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Both parts of a key that has two, as it was parsed.
    pub fn two(&self) -> (&str, &str) {
        match &self.parts {
            Parts::Whole => (&self.text, ""),
            Parts::Two(first, second) => (first, second),
        }
    }

    /// Whether it is the id of a record, and not its number.
    pub fn is_sys_id(&self) -> bool {
        is_sys_id(&self.text)
    }
}

fn two(text: &str, at: char, first: fn(&str) -> bool, second: fn(&str) -> bool) -> Option<Parts> {
    let (one, other) = text.rsplit_once(at).filter(|(one, other)| first(one) && second(other))?;
    Some(Parts::Two(one.to_owned(), other.to_owned()))
}

fn is_jira(text: &str) -> bool {
    let Some((project, number)) = text.rsplit_once('-') else { return false };
    let is_of_it = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = project.len() >= 2 && project.as_bytes()[0].is_ascii_uppercase();
    begins && project.bytes().all(is_of_it) && is_number(number)
}

fn is_change(text: &str) -> bool {
    text.strip_prefix("CHG").is_some_and(|number| (7..=20).contains(&number.len()) && all_digits(number))
}

fn is_sys_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_repository(text: &str) -> bool {
    text.split_once('/').is_some_and(|(owner, name)| is_segment(owner) && is_segment(name))
}

fn is_project(text: &str) -> bool {
    text.contains('/') && text.split('/').all(is_segment)
}

/// A name in a path, which is not a step up or down in it.
fn is_segment(text: &str) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_it) && !text.bytes().all(|byte| byte == b'.')
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_number(text: &str) -> bool {
    (1..=18).contains(&text.len()) && all_digits(text) && !text.starts_with('0')
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A part of a key as one segment of an address.
pub fn segment(part: &str) -> String {
    encode(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_their_system_and_no_others() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let (repo, long) = (format!("o/r@{commit}"), format!("PAY-{}", "1".repeat(300)));
        let sys_id = "0123456789abcdef0123456789abcdef";
        for (system, good) in [
            (System::Jira, "PAY-4711"),
            (System::Jira, "P2_X-1"),
            (System::ServiceNow, "CHG0030052"),
            (System::ServiceNow, sys_id),
            (System::GitHub, repo.as_str()),
            (System::GitLab, "shop/payments!12"),
            (System::GitLab, "a/b/c.d!1"),
        ] {
            assert!(Key::parse(system, good).is_ok(), "{good}");
        }
        for (system, bad) in [
            (System::Jira, "pay-1"),
            (System::Jira, "PAY-0"),
            (System::Jira, "PAY-1/../../x"),
            (System::Jira, "PAY-1?x"),
            (System::Jira, "../PAY-1"),
            (System::Jira, ""),
            (System::Jira, long.as_str()),
            (System::ServiceNow, "CHG1"),
            (System::ServiceNow, "INC0030052"),
            (System::ServiceNow, "CHG0030052^ORactive=true"),
            (System::GitHub, "o/r@main"),
            (System::GitHub, "../r@0123456789abcdef0123456789abcdef01234567"),
            (System::GitHub, "o/r/x@0123456789abcdef0123456789abcdef01234567"),
            (System::GitLab, "shop!1"),
            (System::GitLab, "shop/..!1"),
            (System::GitLab, "shop/payments#1"),
        ] {
            assert!(Key::parse(system, bad).is_err(), "{bad}");
        }
    }
}
