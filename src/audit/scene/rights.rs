//! Tokens by which a run, or a model call, had its rights.

use crate::audit::renewals::Chain;
use crate::audit::scene::Scene;
use crate::audit::statement::{Call, Token};

impl<'a> Scene<'a> {
    /// The token that a run began with, for what all of its tokens share.
    pub(in crate::audit) fn token_of_run(&self, agent: &str, run: &str) -> Option<&Token<'a>> {
        self.run_tokens.get(&(agent, run)).map(|chain| &self.tokens[chain.first])
    }

    /// The chain of the run that a call names, by an agent of its grant.
    pub(in crate::audit) fn chain_of_call(&self, call: &Call<'a>) -> Option<&Chain> {
        self.run_tokens.get(&(self.tokens[call.grant?].agent, self.run_of(call)?))
    }

    /// The token that a call is judged against: one of its run's; else, of its
    /// grant, the one that lives longest, and `false`.
    pub(in crate::audit) fn token_of(&self, call: &Call<'a>) -> Option<(&Token<'a>, bool)> {
        let grant = &self.tokens[call.grant?];
        if let Some(chain) = self.chain_of_call(call) {
            let at = chain.token_for(&self.tokens, call.statement.at, call.signed_ms());
            return Some((&self.tokens[at], true));
        }
        let same = self.grant_at.get(grant.scope_hash).into_iter().flatten().map(|at| &self.tokens[*at]);
        same.max_by_key(|token| token.end_ms()).map(|token| (token, false))
    }

    /// Whether a call with this signed time lies in the life of the token that
    /// it is judged against, or of any token of its grant where that is unknown.
    pub(in crate::audit) fn called_in_life(&self, call: &Call<'a>, called: i64) -> bool {
        let Some((token, _)) = self.token_of(call) else { return true };
        match self.chain_of_call(call) {
            Some(chain) => chain.holds_at(token, called),
            None => {
                self.grant_at.get(token.scope_hash).into_iter().flatten().any(|at| self.tokens[*at].lives_at(called))
            }
        }
    }

    /// Tokens of the grant that a call is under, issued or not when it was logged.
    pub(in crate::audit) fn tokens_of_grant(&self, call: &Call<'a>) -> impl Iterator<Item = &Token<'a>> {
        let same = call.scope_hash.and_then(|hash| self.grant_at.get(hash));
        same.into_iter().flatten().map(|at| &self.tokens[*at])
    }

    /// Whether the agent was ever issued a token of this grant.
    pub(in crate::audit) fn has_grant(&self, agent: &str, scope_hash: Option<&str>) -> bool {
        let tokens = scope_hash.and_then(|hash| self.grant_at.get(hash));
        tokens.into_iter().flatten().any(|at| self.tokens[*at].agent == agent)
    }
}
