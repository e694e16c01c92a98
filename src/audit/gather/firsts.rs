//! The first looks at an instance. Who says that an operation began before its
//! observer was there is held against them: a plan that reads such a word reads
//! the first look of each who may look there.

use std::collections::BTreeSet;

use crate::artifact::{Artifact, Payload};
use crate::audit::gather::{Wanted, Which};
use crate::audit::links::Link;

#[derive(Debug, Default)]
pub(super) struct Firsts {
    /// Of which something is said to be from before.
    instances: BTreeSet<String>,
    /// Who may sign looks, by any roots.
    whos: BTreeSet<String>,
}

impl Firsts {
    pub(super) fn note(&mut self, body: &Artifact) {
        if let Payload::ArgocdObservation(says) = body.says() {
            let instance = says.instance().filter(|_| says.is_backfill() == Some(true));
            self.instances.extend(instance.map(str::to_owned));
        } else if let Payload::AuditRoots(roots) = body.says() {
            self.whos.extend(roots.observers().filter_map(|row| row.did().map(str::to_owned)));
        }
    }

    pub(super) fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let whos = || std::iter::once("").chain(self.whos.iter().map(String::as_str));
        let links = self.instances.iter().flat_map(move |instance| whos().map(|who| Link::looks(instance, who)));
        links.map(|link| Wanted { link, which: Which::First(1) })
    }
}
