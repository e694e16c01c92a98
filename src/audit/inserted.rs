//! Sets and maps of what comes, one by one.
//!
//! `collect` into a `BTreeSet` or `BTreeMap` takes everything into a list, sorts
//! it and builds the tree in bulk: a sort and a builder for every type that is
//! collected, which was a twelfth of the offline binary. What a rule collects is
//! small, and most of these types are inserted elsewhere already.

/// Instead of `collect`, with the same outcome: of equal keys the last value.
pub(super) trait Inserted: Iterator + Sized {
    fn inserted<C: Default + Extend<Self::Item>>(self) -> C {
        let mut all = C::default();
        all.extend(self);
        all
    }
}

impl<I: Iterator> Inserted for I {}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn what_is_inserted_is_what_collect_makes() {
        let pairs = [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5)];
        let map: BTreeMap<_, _> = pairs.into_iter().inserted();
        assert_eq!(map, pairs.into_iter().collect());
        assert_eq!(map["b"], 3);
        let set: BTreeSet<_> = pairs.into_iter().inserted();
        assert_eq!(set, pairs.into_iter().collect());
    }
}
