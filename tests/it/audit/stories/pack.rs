//! The end of a run: its rights end, and what happened is packed.

use pulselog::artifact::json::Value;

use super::cast::{did, nonce};
use super::drafts::time;
use super::world::{HOUR_MS, STOP_MS, World};
use crate::make::{set, value};

impl World {
    /// The issuer takes the rights back once the work is done.
    pub fn revoke(&mut self, run: usize) {
        let of = &self.runs[run];
        let (hash, name, expires) = (of.token().hash.clone(), of.token().name.clone(), of.token().expires_ms);
        let at = of.now + STOP_MS + 240_000;
        if at >= expires {
            return;
        }
        let payload = value(&format!(
            r#"{{"cst_revocation_version":"1","nonce":"{}","token_hash":"{hash}","revoked_at":"{}","reason":"done",
            "policy_hash_b64u":"{}"}}"#,
            nonce(&format!("{name} revoked")),
            time(self.shows("issuer", at)),
            self.policy
        ));
        self.say(&format!("{name} revoked"), "cst_revocation", "issuer", payload, at);
        self.maybe_again(10);
        self.runs[run].end_ms = at;
    }

    /// Packs the run: at once, some time later, or when the hour is nearly
    /// over; rarely after it.
    pub fn pack(&mut self, run: usize) {
        let of = &self.runs[run];
        let (now, end) = (of.now.max(of.packs_from), of.end_ms);
        let at = match self.dice.between(1, 40) {
            1..=24 => now + self.dice.between(1, 60) * 1_000,
            25..=32 => now.max(end) + self.dice.between(1, 1_800) * 1_000,
            33..=38 => end + HOUR_MS - self.dice.between(1, 60) * 1_000,
            _ => {
                self.is_tardy = true;
                end + HOUR_MS + self.dice.between(1, 3_600) * 1_000
            }
        };
        self.pack_at(run, at);
        if self.dice.chance(40) {
            self.pulse(run, at + 2_000);
        }
    }

    /// Packs what there is of the run so far.
    pub fn pack_at(&mut self, run: usize, at: i64) {
        let name = self.fresh(&format!("{} bundle", self.runs[run].id));
        let payload = self.bundle(run, &name);
        let agent = self.runs[run].agent;
        self.say(&name, "proof_bundle", agent, payload, at);
        self.maybe_again(10);
        self.runs[run].bundles.push(name);
    }

    fn bundle(&mut self, run: usize, name: &str) -> Value<'static> {
        let is_listed_twice = self.may("listed twice", 10);
        let of = &self.runs[run];
        let hashes = of.tokens.iter().map(|token| token.hash.as_str().into()).collect();
        let mut payload = value(&format!(
            r#"{{"bundle_version":"1","bundle_id":"{name}","agent_did":"{}","event_chain":[],
            "metadata":{{"pulselog":{{"job_id":"{}","policy_hash_b64u":"{}","token_hashes":[]}}}}}}"#,
            did(of.agent),
            of.job,
            self.policy,
        ));
        set(&mut payload, "metadata.pulselog.token_hashes", Some(Value::Array(hashes)));
        set(&mut payload, "event_chain", Some(Value::Array(of.events.clone())));
        let twice = of.calls.iter().filter(|_| is_listed_twice).take(1);
        let receipts = of.calls.iter().chain(twice).map(|call| format!("@envelope:{call}").into()).collect();
        if !of.calls.is_empty() {
            set(&mut payload, "receipts", Some(Value::Array(receipts)));
        }
        for array in ["tool_receipts", "side_effect_receipts"] {
            let own: Vec<_> = of.own.iter().filter(|(of, _)| *of == array).map(|(_, own)| own.clone()).collect();
            if !own.is_empty() {
                set(&mut payload, array, Some(Value::Array(own)));
            }
        }
        payload
    }

    /// What the agent publishes of the run, signed or not.
    fn pulse(&mut self, run: usize, at: i64) {
        let name = self.fresh(&format!("{} pulse", self.runs[run].id));
        let of = &self.runs[run];
        let tools = of.tools.iter().map(|(tool, calls)| format!(r#"{{"name":"{tool}","calls":{calls}}}"#));
        let payload = value(&format!(
            r#"{{"trust_pulse_version":"1","trust_pulse_id":"{name}","run_id":"{}","agent_did":"{}",
            "issued_at":"{}","evidence_class":"self_reported","tier_uplift":false,"duration_ms":90000,
            "tools":[{}],"files":[]}}"#,
            of.id,
            did(of.agent),
            self.time_of(of.agent, at),
            tools.collect::<Vec<_>>().join(","),
        ));
        let signer = if self.dice.chance(50) { of.agent } else { "" };
        self.say(&name, "trust_pulse", signer, payload, at);
        self.runs[run].pulses.push(name);
    }
}
