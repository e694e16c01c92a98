//! Rate limit claims over all members (PEERS 4.15): the same window
//! has one limit, and what was observed adds up.

use std::collections::HashMap;

use crate::artifact::json::Value;
use crate::protocol::aggregate::member::Member;
use crate::protocol::codes::{RATE_LIMIT_CLAIM_INCONSISTENT, RATE_LIMIT_EXCEEDED};
use crate::protocol::envelope::text;
use crate::protocol::rate_limit::LIMITS;
use crate::protocol::verdict::{Failure, fail};

struct Sum {
    limits: [Option<f64>; 3],
    observed: [f64; 3],
    /// Field of the first claim.
    field: String,
}

#[derive(Default)]
pub(super) struct Claims {
    /// In the order of their first claims.
    sums: Vec<Sum>,
    /// By agent, scope, scope key and both ends of the window, as texts joined
    /// with bars: parts that contain bars meet, as in the peer.
    index: HashMap<String, usize>,
}

impl Claims {
    /// Takes in the claims of a member that verified.
    pub(super) fn add(&mut self, member: &Member<'_>) -> Result<(), Failure> {
        let agent = text(member.payload, "agent_did");
        for (at, claim) in member.list("rate_limit_claims").iter().enumerate() {
            let number = |name| claim.get(name).and_then(Value::as_f64);
            let parts = ["scope", "scope_key", "window_start", "window_end"].map(|name| text(claim, name));
            let key = format!("{agent}|{}", parts.join("|"));
            let limits = LIMITS.map(|(max, _)| number(max));
            let observed = LIMITS.map(|(_, observed)| number(observed).unwrap_or(0.0));
            let field = format!("{}.rate_limit_claims[{at}]", member.payload_field);
            let Some(known) = self.index.get(&key) else {
                self.index.insert(key, self.sums.len());
                self.sums.push(Sum { limits, observed, field });
                continue;
            };
            let sum = &mut self.sums[*known];
            if sum.limits != limits {
                return fail(RATE_LIMIT_CLAIM_INCONSISTENT, field);
            }
            sum.observed.iter_mut().zip(observed).for_each(|(sum, more)| *sum += more);
        }
        Ok(())
    }

    /// Whether every sum stays within its limit (A20).
    pub(super) fn check_sums(&self) -> Result<(), Failure> {
        let within =
            |sum: &Sum| sum.limits.iter().zip(sum.observed).all(|(max, seen)| max.is_none_or(|max| seen <= max));
        match self.sums.iter().find(|sum| !within(sum)) {
            Some(sum) => fail(RATE_LIMIT_EXCEEDED, sum.field.clone()),
            None => Ok(()),
        }
    }
}
