//! The first looks at an instance. Who says that an operation began before its
//! observer was there is held against them: a plan that reads such a word reads
//! the first look of each who may look there.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Artifact, Payload};
use crate::audit::gather::{Wanted, Which};
use crate::audit::links::Link;

#[derive(Debug, Default)]
pub(super) struct Firsts {
    /// Of which something is said to be from before.
    instances: BTreeSet<String>,
    /// Who may sign looks at an instance, by any roots.
    whos: BTreeMap<String, BTreeSet<String>>,
    /// Whose first look is wanted and was not asked for yet. Each pair is once: roots
    /// may list a thousand observers, and plans ask often.
    open: Vec<Wanted>,
}

impl Firsts {
    pub(super) fn note(&mut self, body: &Artifact) {
        if let Payload::ArgocdObservation(says) = body.says() {
            if let Some(instance) = says.instance().filter(|_| says.is_backfill() == Some(true))
                && self.instances.insert(instance.to_owned())
            {
                let whos = self.whos.get(instance).into_iter().flatten().map(String::as_str);
                self.open.extend(std::iter::once("").chain(whos).map(|who| first(instance, who)));
            }
        } else if let Payload::AuditRoots(roots) = body.says() {
            for (instance, did) in roots.observers().filter_map(|row| row.instance().zip(row.did())) {
                let is_new = self.whos.entry(instance.to_owned()).or_default().insert(did.to_owned());
                self.open.extend((is_new && self.instances.contains(instance)).then(|| first(instance, did)));
            }
        }
    }

    pub(super) fn wanted(&mut self) -> Vec<Wanted> {
        std::mem::take(&mut self.open)
    }
}

fn first(instance: &str, who: &str) -> Wanted {
    Wanted { link: Link::looks(instance, who), which: Which::First(1) }
}
