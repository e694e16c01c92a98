//! Which rule of strict I-JSON bytes break.

use crate::codes::{self, Code};

/// Why bytes are no strict I-JSON. Offsets are bytes from the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("JSON is not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("JSON starts with a byte order mark")]
    Bom { at: usize },
    #[error("JSON syntax error at byte {at}: expected {expected}")]
    Syntax { at: usize, expected: &'static str },
    #[error("JSON ends too early, at byte {at}")]
    Truncated { at: usize },
    #[error("bytes after the JSON value at byte {at}")]
    TrailingData { at: usize },
    #[error("{path}: object member name occurs twice at byte {at}")]
    DuplicateKey { at: usize, path: String },
    #[error("lone surrogate escape at byte {at}")]
    LoneSurrogate { at: usize },
    #[error("arrays and objects nest deeper than {max} at byte {at}")]
    TooDeep { at: usize, max: usize },
    #[error("values would take more than {max} bytes of memory, at byte {at}")]
    OverRoom { at: usize, max: usize },
    #[error("number beyond the range of a double at byte {at}")]
    NumberOverflow { at: usize },
    #[error("integral number beyond 2^53-1 at byte {at}")]
    NumberUnsafe { at: usize },
    #[error("number too close to zero for a double at byte {at}")]
    NumberUnderflow { at: usize },
}

impl JsonError {
    /// Stable name of the broken rule.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NotUtf8 { .. } => &codes::artifact::JSON_NOT_UTF8,
            Self::Bom { .. } => &codes::artifact::JSON_BOM,
            Self::Syntax { .. } => &codes::artifact::JSON_SYNTAX,
            Self::Truncated { .. } => &codes::artifact::JSON_TRUNCATED,
            Self::TrailingData { .. } => &codes::artifact::JSON_TRAILING_DATA,
            Self::DuplicateKey { .. } => &codes::artifact::JSON_DUPLICATE_KEY,
            Self::LoneSurrogate { .. } => &codes::artifact::JSON_LONE_SURROGATE,
            Self::TooDeep { .. } => &codes::artifact::JSON_TOO_DEEP,
            Self::OverRoom { .. } => &codes::artifact::JSON_OVER_ROOM,
            Self::NumberOverflow { .. } => &codes::artifact::JSON_NUMBER_OVERFLOW,
            Self::NumberUnsafe { .. } => &codes::artifact::JSON_NUMBER_UNSAFE,
            Self::NumberUnderflow { .. } => &codes::artifact::JSON_NUMBER_UNDERFLOW,
        }
    }

    /// Where, as `payload.receipts[0].model`: of a doubled name. The other
    /// rules say their byte only.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::DuplicateKey { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Byte offset at which the rule broke.
    #[must_use]
    pub fn offset(&self) -> usize {
        match self {
            Self::NotUtf8 { at }
            | Self::Bom { at }
            | Self::Syntax { at, .. }
            | Self::Truncated { at }
            | Self::TrailingData { at }
            | Self::DuplicateKey { at, .. }
            | Self::LoneSurrogate { at }
            | Self::TooDeep { at, .. }
            | Self::OverRoom { at, .. }
            | Self::NumberOverflow { at }
            | Self::NumberUnsafe { at }
            | Self::NumberUnderflow { at } => *at,
        }
    }
}
