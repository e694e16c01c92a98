//! Looks at instances and lives of tokens, as a plan reads them that has only
//! what entries are filed under: by whoever held the role, whatever else is taken
//! for true. Whom the operator trusts no more has not looked.

use crate::artifact::Payload;
use crate::audit::looks::{Life, Look, look_of, who};
use crate::audit::scene::Scene;
use crate::audit::statement::Statement;

impl<'a> Scene<'a> {
    /// Notes what the times without a look are made of.
    pub(super) fn watch(&mut self, statement: &Statement<'a>) {
        let holds = || self.roots.last().is_some_and(|(_, roots)| roots.hold(statement, None));
        if let Payload::ArgocdSnapshot(says) = statement.payload {
            let look = look_of(says, statement.ms()).filter(|_| holds() && !self.disputes.is_distrusted(statement));
            if let Some((instance, taken)) = look {
                self.snapshots.push(statement.read_as(says));
                self.looks.add(instance, who(statement.signer()), Look { at: statement.at, taken });
            }
        } else if let Payload::CstIssuance(says) = statement.payload
            && let Some(hash) = says.token_hash().filter(|_| holds())
        {
            let life = Life::of((statement.at, statement.ms()), says.claims().iat(), says.claims().exp());
            life.file(self.lives.entry(hash).or_default());
        }
    }
}
