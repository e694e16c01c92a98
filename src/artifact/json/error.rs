//! Which rule of strict I-JSON bytes break.

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
    pub fn code(&self) -> &'static str {
        match self {
            JsonError::NotUtf8 { .. } => "json_not_utf8",
            JsonError::Bom { .. } => "json_bom",
            JsonError::Syntax { .. } => "json_syntax",
            JsonError::Truncated { .. } => "json_truncated",
            JsonError::TrailingData { .. } => "json_trailing_data",
            JsonError::DuplicateKey { .. } => "json_duplicate_key",
            JsonError::LoneSurrogate { .. } => "json_lone_surrogate",
            JsonError::TooDeep { .. } => "json_too_deep",
            JsonError::OverRoom { .. } => "json_over_room",
            JsonError::NumberOverflow { .. } => "json_number_overflow",
            JsonError::NumberUnsafe { .. } => "json_number_unsafe",
            JsonError::NumberUnderflow { .. } => "json_number_underflow",
        }
    }

    /// Where, as `payload.receipts[0].model`: of a doubled name. The other
    /// rules say their byte only.
    pub fn path(&self) -> Option<&str> {
        match self {
            JsonError::DuplicateKey { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Byte offset at which the rule broke.
    pub fn offset(&self) -> usize {
        match self {
            JsonError::NotUtf8 { at }
            | JsonError::Bom { at }
            | JsonError::Syntax { at, .. }
            | JsonError::Truncated { at }
            | JsonError::TrailingData { at }
            | JsonError::DuplicateKey { at, .. }
            | JsonError::LoneSurrogate { at }
            | JsonError::TooDeep { at, .. }
            | JsonError::OverRoom { at, .. }
            | JsonError::NumberOverflow { at }
            | JsonError::NumberUnsafe { at }
            | JsonError::NumberUnderflow { at } => *at,
        }
    }
}
