//! How far a report can say that nothing else stands in the log.

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::report::Report;
use crate::audit::scope::Scope;
use crate::merkle::LeafIndex;

/// How it was checked that nothing else stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Absence {
    /// Every entry of the prefix was read and matched.
    Recomputed,
    /// The operator says so in this entry, and everything that it lists is
    /// here.
    Attested {
        /// The operator's statement.
        entry: LeafIndex,
    },
    /// Neither: nothing passes.
    NotChecked,
}

impl Report {
    /// How absence was checked for `scope`: what the operator attests of one job
    /// says nothing of what else a packet happens to hold.
    pub(super) fn absence_of(&self, scope: &Scope) -> Absence {
        let Some(job) = &self.attested else { return self.absence };
        let is_its = match scope {
            Scope::Job(of) => of == job,
            Scope::Run { agent, run } => {
                self.judged_run(agent, run).is_some_and(|run| run.jobs.iter().eq(std::iter::once(job)))
            }
            Scope::Token(hash) => {
                let of = self.tokens.get(hash);
                of.is_some_and(|of| of.iter().all(|(of, _)| of.as_ref() == Some(job)))
            }
            Scope::Log | Scope::Agent(_) | Scope::App(_) => false,
        };
        if is_its { self.absence } else { Absence::NotChecked }
    }
}
