//! Faults of bundles, of what agents say of themselves, and replays.

use pulselog::artifact::json::Value;

use super::cast::{AGENTS, did};
use super::faults::{Fault, Read, Whose, bundle_of, call_of, fault, other_run, write_of};
use super::faults_acts::later;
use super::world::World;
use crate::make::{b64u, good_payload, hex, kind, set, value};

pub const ROWS: &[Fault] = &[
    fault("RECEIPT_OF_ANOTHER_AGENT", |world, run| {
        let other = other_run(world, run)?;
        let other = world.runs[other].calls.first()?.clone();
        hold(world, run, &other)
    }),
    fault("RECEIPT_OF_ANOTHER_RUN", |world, run| {
        let call = call_of(world, run)?;
        let at = world.draft(&call).ms;
        let other = world.alike(&call, at);
        other.set("receipt_id", "of another run");
        other.set("binding.run_id", "stray");
        let other = other.name.clone();
        hold(world, run, &other)
    }),
    fault("RECEIPT_UNBOUND", |world, run| {
        let call = call_of(world, run)?;
        for member in ["run_id", "event_hash_b64u", "token_scope_hash_b64u"] {
            world.draft(&call).unset(&format!("binding.{member}"));
        }
        Some(())
    }),
    fault("RECEIPT_NOT_GENUINE", |world, run| {
        let call = call_of(world, run)?;
        "stranger".clone_into(&mut world.draft(&call).signer);
        Some(())
    }),
    fault("RECEIPT_EVENT_UNKNOWN", |world, run| {
        let call = call_of(world, run)?;
        world.draft(&call).set("binding.event_hash_b64u", b64u("an event of no chain"));
        Some(())
    }),
    fault("GATEWAY_RECEIPT_MISSING", |world, run| {
        // A receipt that only the gateway has, and that names no event, may be
        // this call's: that leaves the run open.
        if !world.runs[run].once_packed.is_empty() {
            return None;
        }
        let call = call_of(world, run)?;
        world.unsay(&call);
        let_go(world, run, &call)
    }),
    fault("MODEL_CALL_UNPLACED", |world, run| {
        let scope = &world.runs[run].token().scope;
        if world.runs.iter().filter(|other| other.token().scope == *scope).count() > 1 {
            return None;
        }
        let name = world.gateway_receipt(run, None);
        world.draft(&name).unset("binding.run_id");
        Some(())
    }),
    fault("GATEWAY_RECEIPT_DOUBLED", |world, run| {
        let call = call_of(world, run)?;
        world.draft(&call).payload.at("binding.event_hash_b64u")?;
        let at = world.draft(&call).ms;
        let second = world.alike(&call, at);
        second.set("receipt_id", "a second one");
        let second = second.name.clone();
        hold(world, run, &second)
    }),
    fault("RECEIPT_NOT_IN_BUNDLE", |world, run| {
        let call = call_of(world, run)?;
        let_go(world, run, &call)
    }),
    fault("CHAIN_BROKEN", |world, run| {
        let bundle = bundle_of(world, run)?;
        world.draft(&bundle).set("event_chain[0].payload_hash_b64u", b64u("something else"));
        Some(())
    }),
    fault("BUNDLE_MISSING", |world, run| {
        bundle_of(world, run)?;
        for bundle in world.runs[run].bundles.clone() {
            world.unsay(&bundle);
        }
        later(world, run);
        Some(())
    }),
    fault("RECEIPT_BINDING_MISMATCH", |world, run| tool_receipt(world, run, r#""binding":{"run_id":"stray"},"#)),
    fault("RECEIPT_NOT_BOUND", |world, run| tool_receipt(world, run, "")),
    fault("REVIEW_NOT_INDEPENDENT", |world, run| {
        let (bundle, agent) = (bundle_of(world, run)?, did(world.runs[run].agent));
        let review = value(&format!(r#"[{{"payload":{{"reviewer_did":"{agent}"}},"signer_did":"{agent}"}}]"#));
        world.draft(&bundle).set("metadata.reviewer_signoff_receipts", review);
        Some(())
    }),
    fault("PULSE_UNLIKE_RECEIPTS", |world, run| {
        let pulse = world.runs[run].pulses.first()?.clone();
        if world.runs[run].tools.is_empty() {
            return None;
        }
        // An unsigned one is nobody's word.
        let agent = world.runs[run].agent;
        agent.clone_into(&mut world.draft(&pulse).signer);
        world.draft(&pulse).set("tools[0].calls", value("99"));
        Some(())
    }),
    fault("TICKET_MISMATCH", |world, run| {
        let (bundle, job) = (bundle_of(world, run)?, world.runs[run].job.clone());
        let at = world.draft(&bundle).ms + 1_000;
        let refer = |key: &str| value(&format!(r#"{{"system":"servicenow","key":"{key}"}}"#));
        world.draft(&bundle).set("metadata.pulselog.change_ref", refer("CHG0000001"));
        let mut record = good_payload(kind("change_record"));
        for (path, new) in [("job_id", job.as_str().into()), ("change_ref", refer("CHG0000002"))] {
            set(&mut record, path, Some(new));
        }
        world.say("another ticket", "change_record", "recorder", record, at);
        Some(())
    }),
    fault("REPLAY_RUN_ID_REUSED", |world, run| {
        let bundle = bundle_of(world, run)?;
        let at = world.draft(&bundle).ms + 1_000;
        let second = world.alike(&bundle, at);
        second.set("bundle_id", "packed from less");
        second.unset("receipts");
        Some(())
    }),
    fault("REPLAY_RECEIPT_ID_REUSED", |world, run| {
        let call = call_of(world, run)?;
        let at = world.draft(&call).ms;
        world.alike(&call, at).set("request_hash_b64u", b64u("another request"));
        Some(())
    }),
    fault("REPLAY_TOKEN_ISSUED_TWICE", |world, run| {
        let (token, expires) = (world.runs[run].tokens[0].name.clone(), world.runs[run].tokens[0].expires_ms);
        let at = world.draft(&token).ms + 100;
        world.alike(&token, at).set("claims.exp", value(&(expires / 1_000 + 1).to_string()));
        Some(())
    }),
    fault("REPLAY_APPROVAL_ID_REUSED", |world, run| {
        let write = write_of(world, run)?;
        let at = world.draft(&write.approval).ms + 100;
        world.alike(&write.approval, at);
        Some(())
    }),
    fault("ATTESTATION_FALSE", |_, _| Some(())).of_all(Read::Stated("root_hash")),
    fault("ATTESTATION_OUTDATED", |_, _| Some(())).of_all(Read::Packet("rules_version")),
    fault("EVIDENCE_MISSING", |_, _| Some(())).of_all(Read::PacketWithout),
    fault("UNSIGNED_BUNDLE", |world, run| bundle_of(world, run).map(drop)).of_all(Read::Alone),
    fault("SELF_CONTRADICTION", |world, run| {
        let bundle = bundle_of(world, run)?;
        let (agent, id) = (did(world.runs[run].agent), world.runs[run].id.clone());
        let hash = b64u("one act");
        let common = format!(
            r#""receipt_version":"1","hash_algorithm":"SHA-256","agent_did":"{agent}","latency_ms":1,
            "timestamp":"2026-11-22T12:00:00Z","binding":{{"run_id":"{id}","span_id":"span-1"}}"#
        );
        let denied = value(&format!(
            r#"[{{"receipt_id":"denied","effect_class":"external_api_write","target_hash_b64u":"{hash}",
            "vendor_id":"argocd","request_hash_b64u":"{hash}","response_hash_b64u":"{hash}",
            "response_status":"denied",{common}}}]"#
        ));
        let done = value(&format!(
            r#"[{{"receipt_id":"done","tool_name":"argocd.app.sync","tool_version":"v3.1","args_hash_b64u":"{hash}",
            "result_hash_b64u":"{hash}","result_status":"success",{common}}}]"#
        ));
        world.draft(&bundle).set("side_effect_receipts", denied);
        world.draft(&bundle).set("tool_receipts", done);
        Some(())
    }),
    fault("ACT_UNPLACED", |world, run| {
        if world.runs[run].agent == AGENTS[2] {
            return None;
        }
        let read = world.runs[run].reads.first()?.clone();
        let at = world.draft(&read).ms + 1;
        let act = world.alike(&read, at);
        act.set("cst.token_hash", hex("a token that nobody issued"));
        for job in ["job_id", "binds.job_id"] {
            act.set(job, "a job that nobody issued");
        }
        act.set("run_id", "a run that nobody has");
        Some(())
    })
    .whose(Whose::Nobody),
];

/// The run's last bundle holds one receipt more.
fn hold(world: &mut World, run: usize, receipt: &str) -> Option<()> {
    let bundle = bundle_of(world, run)?;
    let mut held = world.draft(&bundle).payload.get("receipts").and_then(Value::as_array)?.to_vec();
    held.push(format!("@envelope:{receipt}").into());
    world.draft(&bundle).set("receipts", Value::Array(held));
    Some(())
}

/// None of the run's bundles holds a receipt.
fn let_go(world: &mut World, run: usize, receipt: &str) -> Option<()> {
    let named = format!("@envelope:{receipt}");
    for bundle in world.runs[run].bundles.clone() {
        let mut held = world.draft(&bundle).payload.get("receipts").and_then(Value::as_array)?.to_vec();
        held.retain(|one| one.as_str() != Some(&named));
        match held.is_empty() {
            true => world.draft(&bundle).unset("receipts"),
            false => world.draft(&bundle).set("receipts", Value::Array(held)),
        }
    }
    Some(())
}

/// One more receipt that the agent writes of itself.
fn tool_receipt(world: &mut World, run: usize, binding: &str) -> Option<()> {
    let (bundle, agent) = (bundle_of(world, run)?, did(world.runs[run].agent));
    let receipt = value(&format!(
        r#"{{"receipt_version":"1","receipt_id":"{}","tool_name":"argocd.app.get","tool_version":"v3.1",
        "args_hash_b64u":"{hash}","result_hash_b64u":"{hash}","result_status":"success",
        "hash_algorithm":"SHA-256","agent_did":"{agent}","timestamp":"2026-11-22T12:00:00Z",{binding}
        "latency_ms":12}}"#,
        &hex("one receipt more")[..16],
        hash = b64u("one receipt more"),
    ));
    let mut own =
        world.draft(&bundle).payload.get("tool_receipts").and_then(Value::as_array).unwrap_or_default().to_vec();
    own.push(receipt);
    world.draft(&bundle).set("tool_receipts", Value::Array(own));
    Some(())
}
