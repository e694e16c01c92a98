//! Runs that begin under a token of a grant after another token of it was
//! revoked: two runs of one grant may honestly do so, and so may one that goes
//! on under another name. It is shown.

use std::collections::HashMap;

use crate::audit::finding::Findings;
use crate::audit::renewals::{Terms, terms};
use crate::audit::scene::Scene;
use crate::audit::statement::Token;
use crate::merkle::LeafIndex;

/// Most revocations looked at for each run.
const LOOKED_AT_MAX: usize = 64;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut ended: HashMap<Terms<'_>, Vec<(LeafIndex, &Token<'_>)>> = HashMap::new();
    for token in &scene.tokens {
        if let Some((at, _)) = scene.revocation_of(token.hash) {
            ended.entry(terms(token)).or_default().push((at, token));
        }
    }
    ended.values_mut().for_each(|ended| ended.sort_by_key(|(at, _)| *at));
    for ((agent, run), chain) in &scene.run_tokens {
        let token = &scene.tokens[chain.first];
        let (Some(from), Some(ended)) = (scene.run_from((agent, run)), ended.get(&terms(token))) else { continue };
        let above = ended.partition_point(|(at, _)| *at < token.statement.at);
        let before = ended[above..].iter().take_while(|(at, _)| *at < from).take(LOOKED_AT_MAX);
        let is_renewed =
            |other: &Token<'_>| other.statement.at < token.statement.at && token.issued_ms < other.expires_ms;
        for (at, _) in before.filter(|(_, other)| is_renewed(other)) {
            let label =
                "another token of the run's grant was revoked between the issuance and the first use of its own";
            findings.uncover(label, &scene.subject_of_run(agent, run), *at);
        }
    }
}
