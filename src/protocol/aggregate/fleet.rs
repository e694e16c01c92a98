//! What the members have shown together, member by member (M1 to M11), and the
//! summary that must say the same (A20, A21).

use std::collections::HashSet;

use crate::artifact::json::Value;
use crate::protocol::aggregate::claims::Claims;
use crate::protocol::aggregate::member::Member;
use crate::protocol::aggregate::spans::Spans;
use crate::protocol::codes::{
    AGGREGATE_BUNDLE_INVALID, AGGREGATE_DUPLICATE_BUNDLE_ID, AGGREGATE_DUPLICATE_RUN_ID, AGGREGATE_MEMBER_INVALID,
    AGGREGATE_TTL_EXCEEDS_MEMBER, FLEET_SUMMARY_MISMATCH, IDENTITY_CONFLICT,
};
use crate::protocol::date;
use crate::protocol::envelope::text;
use crate::protocol::options::Context;
use crate::protocol::tiers::{ModelIdentityTier, ProofTier};
use crate::protocol::verdict::{Accepted, Failure, fail};

pub(super) struct Fleet<'a> {
    issuer: &'a str,
    expires: Option<i64>,
    bundle_ids: HashSet<&'a str>,
    run_ids: HashSet<&'a str>,
    agents: HashSet<&'a str>,
    proof_tier: ProofTier,
    model_identity_tier: ModelIdentityTier,
    spans: Spans<'a>,
    claims: Claims,
}

impl<'a> Fleet<'a> {
    /// No members yet; `expires` is the aggregate payload's own.
    pub(super) fn new(issuer: &'a str, expires: Option<i64>) -> Self {
        Fleet {
            issuer,
            expires,
            bundle_ids: HashSet::new(),
            run_ids: HashSet::new(),
            agents: HashSet::new(),
            proof_tier: ProofTier::WitnessedWeb,
            model_identity_tier: ModelIdentityTier::TeeMeasured,
            spans: Spans::default(),
            claims: Claims::default(),
        }
    }

    /// Takes in one member; all its checks come before the next one's.
    pub(super) fn add(&mut self, member: &'a Value<'a>, field: &str, context: &Context<'_>) -> Result<(), Failure> {
        let member = Member::of(member, field);
        let run_id = member.run_id(field)?;
        let expires = match member.expires_at().map(|expires| expires.as_str().and_then(date::parse)) {
            Some(None) => return fail(AGGREGATE_BUNDLE_INVALID, format!("{field}.expires_at")),
            known => known.flatten(),
        };
        let Ok(shown) = member.verify(context) else { return fail(AGGREGATE_MEMBER_INVALID, field) };
        self.spans.add(&member, run_id)?;
        let agent = text(member.payload, "agent_did");
        if agent == self.issuer {
            return fail(IDENTITY_CONFLICT, field);
        }
        if self.expires.zip(expires).is_some_and(|(aggregate, member)| aggregate > member) {
            return fail(AGGREGATE_TTL_EXCEEDS_MEMBER, format!("{field}.expires_at"));
        }
        if !self.bundle_ids.insert(text(member.payload, "bundle_id")) {
            return fail(AGGREGATE_DUPLICATE_BUNDLE_ID, field);
        }
        if !self.run_ids.insert(run_id) {
            return fail(AGGREGATE_DUPLICATE_RUN_ID, field);
        }
        self.claims.add(&member)?;
        self.agents.insert(agent);
        self.proof_tier = self.proof_tier.min(shown.proof_tier.unwrap_or(ProofTier::Unknown));
        let model = shown.model_identity_tier.unwrap_or(ModelIdentityTier::Unknown);
        self.model_identity_tier = self.model_identity_tier.min(model);
        Ok(())
    }

    /// Compares sums and summary with what the members have shown.
    pub(super) fn finish(self, payload: &Value, members: usize) -> Result<Accepted, Failure> {
        self.claims.check_sums()?;
        let summary = payload.at("metadata.fleet_summary").unwrap_or(payload);
        let counts =
            [("total_members", members), ("unique_agents", self.agents.len()), ("total_runs", self.run_ids.len())];
        let differs = |(name, count): &(&str, usize)| summary.get(name).and_then(Value::as_f64) != Some(*count as f64);
        let tier = summary.get("fleet_proof_tier").and_then(Value::as_str);
        let wrong = match counts.iter().find(|count| differs(count)) {
            Some((name, _)) => Some(*name),
            None => tier.filter(|tier| *tier != self.proof_tier.name()).map(|_| "fleet_proof_tier"),
        };
        if let Some(name) = wrong {
            return fail(FLEET_SUMMARY_MISMATCH, format!("payload.metadata.fleet_summary.{name}"));
        }
        Ok(Accepted {
            proof_tier: Some(self.proof_tier),
            model_identity_tier: Some(self.model_identity_tier),
            ..Accepted::default()
        })
    }
}
