use crate::artifact::secrets;
use crate::codes::{self, Code};

/// Longest path an error prints; deeper ones lose their middle.
const PATH_SEGMENTS_MAX: usize = 16;
/// Longest member name an error repeats.
const NAME_ECHO_BYTES_MAX: usize = 64;

/// Which kind of rule broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    UnknownVersion,
    RetiredVersion,
    MissingField,
    UnknownField,
    WrongType,
    InvalidValue,
    NonCanonicalBase64url,
    ScopeHashMismatch,
}

impl Broken {
    fn code(self) -> &'static Code {
        match self {
            Self::UnknownVersion => &codes::artifact::UNKNOWN_VERSION,
            Self::RetiredVersion => &codes::artifact::RETIRED_VERSION,
            Self::MissingField => &codes::artifact::MISSING_FIELD,
            Self::UnknownField => &codes::artifact::UNKNOWN_FIELD,
            Self::WrongType => &codes::artifact::WRONG_TYPE,
            Self::InvalidValue => &codes::artifact::INVALID_VALUE,
            Self::NonCanonicalBase64url => &codes::artifact::BASE64URL_NOT_CANONICAL,
            Self::ScopeHashMismatch => &codes::artifact::SCOPE_HASH_MISMATCH,
        }
    }
}

/// A value that is not of its shape: where, and which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {rule}", self.path())]
pub struct ShapeError {
    broken: Broken,
    rule: String,
    /// Innermost first: filled while returning, so that a good value costs nothing.
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
}

impl ShapeError {
    /// An error at `path`, a dotted path of member names below the checked value.
    pub fn at(path: &str, broken: Broken, rule: impl Into<String>) -> Self {
        let segments = path.split('.').rev().filter(|name| !name.is_empty());
        Self { broken, rule: rule.into(), segments: segments.map(|name| Segment::Name(name.to_owned())).collect() }
    }

    pub(super) fn here(broken: Broken, rule: impl Into<String>) -> Self {
        Self { broken, rule: rule.into(), segments: Vec::new() }
    }

    pub(super) fn below(mut self, name: &str) -> Self {
        self.segments.push(Segment::Name(echo(name)));
        self
    }

    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.segments.push(Segment::Index(index));
        self
    }

    /// The same error, for a value that stands in member `name` of something larger.
    #[must_use]
    pub fn within(self, name: &'static str) -> Self {
        self.below(name)
    }

    /// The same error, for a value that is element `index` of member `name`.
    #[must_use]
    pub fn within_element(self, name: &'static str, index: usize) -> Self {
        self.in_element(index).below(name)
    }

    /// Stable name of the broken rule.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.broken.code()
    }

    #[must_use]
    pub fn broken(&self) -> Broken {
        self.broken
    }

    /// The rule in words.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Where, as `claims.aud[2]`. Hostile member names are not repeated.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.segments.iter().rev().take(PATH_SEGMENTS_MAX) {
            match segment {
                Segment::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

/// A member name as an error may show it: names that are long, odd or hold a
/// token become a description.
pub(crate) fn echo(name: &str) -> String {
    let ordinary = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/:".contains(&byte));
    if ordinary && !name.is_empty() && name.len() <= NAME_ECHO_BYTES_MAX && !secrets::holds_token(name) {
        name.to_owned()
    } else {
        format!("<name of {} bytes>", name.len())
    }
}
