//! Signers whom the operator trusts no more (JUDGING 2.4).

use std::collections::BTreeMap;

use crate::artifact::Did;
use crate::audit::roots::Roots;
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

/// From which index on a signer is not trusted, and the roots that say so.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Row<'a> {
    pub from: u64,
    pub reason: &'a str,
    pub said_at: LeafIndex,
}

/// Of all that the operator ever stated about a signer the lowest index counts:
/// distrust never lifts.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Distrusted<'a>(BTreeMap<&'a str, Row<'a>>);

impl<'a> Distrusted<'a> {
    pub(in crate::audit) fn of(roots: impl IntoIterator<Item = (LeafIndex, Roots<'a>)>) -> Self {
        let mut distrusted = Self::default();
        roots.into_iter().for_each(|(at, roots)| distrusted.take(at, &roots));
        distrusted
    }

    pub(in crate::audit) fn take(&mut self, said_at: LeafIndex, roots: &Roots<'a>) {
        for (did, from, reason) in roots.distrusted() {
            let row = Row { from, reason, said_at };
            let lowest = self.0.entry(did).or_insert(row);
            if from < lowest.from {
                *lowest = row;
            }
        }
    }

    pub(in crate::audit) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds of a signer at an index.
    pub(in crate::audit) fn row(&self, at: LeafIndex, signer: &Did) -> Option<&Row<'a>> {
        self.0.get(signer.as_str()).filter(|row| at.get() >= row.from)
    }

    /// Whether the statement's signer is not trusted there.
    pub(in crate::audit) fn hits<P>(&self, statement: &Statement<'_, P>) -> bool {
        statement.signer().is_some_and(|signer| self.row(statement.at, signer).is_some())
    }
}
