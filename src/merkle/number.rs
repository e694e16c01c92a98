//! Positions in a log: [`LeafIndex`] counts from 0, [`TreeSize`] says how many
//! leaves there are. Reached as `merkle::LeafIndex` and `merkle::TreeSize`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};

/// Position of a leaf, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct LeafIndex(u64);

impl LeafIndex {
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads the one decimal spelling.
    ///
    /// # Errors
    /// Empty text, a leading zero, a sign, any other character, or a number
    /// beyond 2^64 − 1.
    pub fn parse(text: &str) -> Result<Self, NumberTextError> {
        canonical_decimal(text).map(LeafIndex)
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LeafIndex {
    type Err = NumberTextError;

    fn from_str(text: &str) -> Result<Self, NumberTextError> {
        Self::parse(text)
    }
}

/// Number of leaves of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct TreeSize(u64);

impl TreeSize {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self(size)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads the one decimal spelling, as [`LeafIndex::parse`] does.
    ///
    /// # Errors
    /// Those of [`LeafIndex::parse`].
    pub fn parse(text: &str) -> Result<Self, NumberTextError> {
        canonical_decimal(text).map(TreeSize)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TreeSize {
    type Err = NumberTextError;

    fn from_str(text: &str) -> Result<Self, NumberTextError> {
        Self::parse(text)
    }
}

fn canonical_decimal(text: &str) -> Result<u64, NumberTextError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberTextError::NotDigits);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(NumberTextError::LeadingZero);
    }
    text.parse().map_err(|_| NumberTextError::TooLarge)
}

/// A text that is not the one decimal spelling of an index or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberTextError {
    #[error("number must be decimal digits only")]
    NotDigits,
    #[error("number must have no leading zero")]
    LeadingZero,
    #[error("number must be below 2^64")]
    TooLarge,
}

impl NumberTextError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NotDigits => &codes::proof::NUMBER_NOT_DIGITS,
            Self::LeadingZero => &codes::proof::NUMBER_LEADING_ZERO,
            Self::TooLarge => &codes::proof::NUMBER_TOO_LARGE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_the_spelling_it_prints() {
        for text in ["0", "1", "10", "18446744073709551615"] {
            assert_eq!(TreeSize::parse(text).map(|size| size.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "1_0", "١", "18446744073709551616"] {
            assert!(LeafIndex::parse(text).is_err(), "{text:?}");
        }
    }
}
