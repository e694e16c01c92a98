//! Names as they stand in a line of RBAC, and the version that reads it.
//! A name that is a pattern to Argo CD would be a right to other things, so
//! only exact names are names here.

use std::fmt;

use crate::artifact::shape::Text;

/// Longest label of a DNS name.
const LABEL_BYTES_MAX: usize = 63;

/// Why a text is no name, or no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    #[error("must be an exact DNS-1123 name: a-z, 0-9, '-' and '.', without globs")]
    Name,
    #[error("must be one DNS-1123 label of at most {LABEL_BYTES_MAX} bytes: a-z, 0-9 and '-', without globs")]
    Role,
    #[error("must be a version such as 3.6 or v3.5.7")]
    Version,
}

/// A DNS-1123 name: of a project, or of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// # Errors
    /// It is anything else, a pattern too.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        if Text::Dns1123.is(text) { Ok(Self(text.to_owned())) } else { Err(NotAName::Name) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Name of a project's role. Argo CD takes no dots there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

impl RoleName {
    /// # Errors
    /// It is anything else, a pattern too.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let is_label = Text::Dns1123.is(text) && !text.contains('.');
        if is_label { Ok(Self(text.to_owned())) } else { Err(NotAName::Role) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A version of Argo CD, as far as RBAC differs by it. One before its release
/// stands below it: whether it has what the release has is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArgoVersion {
    major: u16,
    minor: u16,
    released: bool,
}

impl ArgoVersion {
    /// The first with the verb `rollback` (PEERS 7.12).
    pub const ROLLBACK: Self = Self::of(3, 6);
    /// The first where live resources have verbs of their own.
    pub const LIVE_RESOURCES: Self = Self::of(3, 0);
    /// What is taken for an unknown one: the most that nothing hinges on.
    pub const UNKNOWN: Self = Self::of(3, 0);

    const fn of(major: u16, minor: u16) -> Self {
        Self { major, minor, released: true }
    }

    /// From `3.6`, `v3.5.7`, `v3.6.0-rc1` or `v3.5.7+1a2b3c4`.
    ///
    /// # Errors
    /// It is anything else.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (core, build) = text.split_once('+').map_or((text, None), |(core, build)| (core, Some(build)));
        let (core, before) = core.split_once('-').map_or((core, None), |(core, before)| (core, Some(before)));
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        if ![before, build].into_iter().flatten().all(is_word) {
            return Err(NotAName::Version);
        }
        let numbers: Vec<u16> = core.split('.').map(number).collect::<Option<_>>().ok_or(NotAName::Version)?;
        let (major, minor, patch) = match *numbers.as_slice() {
            [major, minor] => (major, minor, 0),
            [major, minor, patch] => (major, minor, patch),
            _ => return Err(NotAName::Version),
        };
        Ok(Self { major, minor, released: before.is_none() || patch > 0 })
    }
}

impl fmt::Display for ArgoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.released { "" } else { " before its release" };
        write!(f, "{}.{}{before}", self.major, self.minor)
    }
}

/// Decimal, in the one spelling.
fn number(text: &str) -> Option<u16> {
    let one_spelling = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| one_spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_one_spelling_and_in_order() {
        let parse = |text: &str| ArgoVersion::parse(text).expect("a version");
        assert_eq!(parse("v3.6.0"), ArgoVersion::ROLLBACK);
        for later in ["3.6", "3.6.1-rc1", "v3.6.0+1a2b", "3.10", "4.0", "v3.7.0-rc2+x"] {
            assert!(parse(later) >= ArgoVersion::ROLLBACK, "{later}");
        }
        for earlier in ["3.5.7", "v3.6.0-rc1", "3.6-rc1+b", "2.14.1", "0.1"] {
            assert!(parse(earlier) < ArgoVersion::ROLLBACK, "{earlier}");
        }
        for no in
            ["", "3", "v", "3.", "3.06", "3.6.0.1", "vv3.6", "3.x", "3.6-", "3.6+", "3.6-a_b", "3.6 ", "-3.6", "٣.٦"]
        {
            assert_eq!(ArgoVersion::parse(no), Err(NotAName::Version), "{no}");
        }
        assert_eq!(ArgoVersion::parse("3.70000"), Err(NotAName::Version));
    }

    #[test]
    fn a_pattern_is_no_name() {
        for no in ["", "*", "pay*", "a/b", "a,b", "A", "a b", "[ab]", "{a,b}", "a\n", "-a", "a_b", "a..b"] {
            assert_eq!(Name::parse(no), Err(NotAName::Name), "{no}");
            assert_eq!(RoleName::parse(no), Err(NotAName::Role), "{no}");
        }
        assert!(Name::parse("a.b").is_ok());
        assert_eq!(RoleName::parse("a.b"), Err(NotAName::Role));
        assert_eq!(RoleName::parse("agent-role").map(|role| role.as_str().to_owned()), Ok("agent-role".to_owned()));
    }
}
