//! The one spelling of ids.
//!
//! Ids join statements. Two ids that look alike and are not would put a
//! finding on somebody else, so an id of our own kinds has one spelling: no
//! blank at either end, and no character anywhere that nobody sees
//! ([`crate::text::unseen`]). Nothing is
//! normalised: what is not in that spelling refuses at intake, and what was
//! logged before joins nothing.

use crate::text::unseen::is_unseen;

/// Whether `id` is in the one spelling of ids. Linear.
#[must_use]
pub fn is_spelled(id: &str) -> bool {
    !id.is_empty() && !id.starts_with(' ') && !id.ends_with(' ') && !id.chars().any(is_unseen)
}

/// An id that may join something: none where it is not in that spelling.
#[must_use]
pub(crate) fn spelled(id: Option<&str>) -> Option<&str> {
    id.filter(|id| is_spelled(id))
}
