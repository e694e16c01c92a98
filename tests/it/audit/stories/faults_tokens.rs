//! Faults of tokens, policies and of those whom the audit believes.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_jcs};

use super::cast::{AGENTS, did, nonce, policy};
use super::drafts::time;
use super::faults::{Fault, Read, Whose, bundle_of, fault, other_run, write_of};
use super::faults_acts::only_approval;
use super::world::World;
use crate::make::{b64u, hex, rehash_scope, value};

pub const ROWS: &[Fault] = &[
    fault("ROOTS_UNPINNED", |_, _| Some(())).of_all(Read::Unpinned),
    fault("ROOTS_MISSING", |world, _| {
        world.drafts.retain(|draft| draft.kind != "audit_roots");
        Some(())
    })
    .of_all(Read::Whole),
    fault("UNTRUSTED_STATEMENT", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        let at = world.draft(&decision).ms;
        let said = world.alike(&decision, at);
        "stranger".clone_into(&mut said.signer);
        "passer-by".clone_into(&mut said.submitter);
        Some(())
    })
    .whose(Whose::Nobody),
    fault("DISTRUSTED_SIGNER", distrust_the_approver).whose(Whose::Nobody),
    fault("RESTS_ON_DISTRUSTED", distrust_the_approver),
    fault("EVIDENCE_WITHHELD", |_, _| Some(())).of_all(Read::Withheld),
    fault("TOKEN_UNKNOWN", |world, run| {
        let token = world.runs[run].tokens[0].name.clone();
        world.unsay(&token);
        Some(())
    })
    // Without the token nothing says that the job is this wrapper's business.
    .whose(Whose::Anybody),
    fault("TOKEN_REVOKED", |world, run| {
        let (write, token) = (write_of(world, run)?, world.runs[run].tokens[0].name.clone());
        let at = world.draft(&write.decision).ms - 1;
        let payload = value(&format!(
            r#"{{"cst_revocation_version":"1","nonce":"{}","token_hash":"{}","revoked_at":"{}","reason":"stop",
            "policy_hash_b64u":"{}"}}"#,
            nonce("revoked before"),
            hex(&token),
            time(at),
            world.policy
        ));
        world.say("revoked before", "cst_revocation", "issuer", payload, at);
        Some(())
    }),
    fault("TOKEN_EXPIRED", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        let after = world.runs[run].token().expires_ms + 1_000;
        world.alike(&decision, after);
        Some(())
    }),
    fault("TOKEN_NOT_YET_VALID", |world, run| {
        let first = world.runs[run].reads.first()?.clone();
        let issued = world.draft(&first).ms / 1_000 + 600;
        let name = world.runs[run].tokens[0].name.clone();
        let token = world.draft(&name);
        token.set("claims.iat", value(&issued.to_string()));
        token.set("claims.exp", value(&(issued + 1_200).to_string()));
        Some(())
    }),
    fault("LATE_EVIDENCE", |world, run| {
        bundle_of(world, run)?;
        let name = world.gateway_receipt(run, None);
        let after = world.runs[run].end_ms + 1_000;
        world.draft(&name).ms = after;
        Some(())
    }),
    fault("TOKEN_REUSED", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        world.draft(&decision).set("run_id", "stray");
        Some(())
    }),
    fault("REPLAY_JOB_MISMATCH", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        world.draft(&decision).set("job_id", "elsewhere");
        world.draft(&decision).set("binds.job_id", "elsewhere");
        Some(())
    }),
    fault("TOKEN_CONTROL_SCOPE_HASH_MISMATCH", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        world.draft(&decision).set("cst.scope_hash_b64u", b64u("another grant"));
        Some(())
    }),
    fault("TOKEN_CONTROL_SUBJECT_MISMATCH", |world, run| {
        let (bundle, other) = (bundle_of(world, run)?, other_run(world, run)?);
        let other = world.runs[other].tokens[0].hash.clone();
        world.draft(&bundle).set("metadata.pulselog.token_hashes", Value::Array(vec![other.into()]));
        Some(())
    }),
    fault("RUN_WITHOUT_TOKEN", |world, run| {
        let bundle = bundle_of(world, run)?;
        let at = world.draft(&bundle).ms + 1;
        let stray = world.alike(&bundle, at);
        stray.set("bundle_id", "stray");
        stray.set("metadata.pulselog.token_hashes", Value::Array(Vec::new()));
        stray.unset("receipts");
        stray.set("event_chain[0].run_id", "stray");
        Some(())
    })
    .whose(Whose::Stray),
    fault("POLICY_MISSING", pin_what_nobody_logged),
    fault("POLICY_NOT_LISTED", pin_what_nobody_logged),
    fault("POLICY_NONCOMPLIANT", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        world.draft(&decision).set("binds.action", "edit_app_spec");
        Some(())
    }),
    fault("POLICY_MISMATCH", |world, run| {
        let decision = world.runs[run].reads.first()?.clone();
        world.draft(&decision).set("policy_hash_b64u", b64u("another policy"));
        Some(())
    }),
    fault("POLICY_NOT_PINNED", |world, run| {
        let at = AGENTS.iter().position(|agent| *agent == world.runs[run].agent)?;
        if world.runs[run].is_pinned {
            return None;
        }
        let mut strict = policy();
        crate::make::set(&mut strict, "token.cst.policy_hash_pinning", Some("required".into()));
        let hash = PayloadHash::of(to_jcs(&strict).as_bytes()).to_b64u();
        let start = world.start_ms();
        world.say("strict policy", "work_policy", "policy signer", strict, start + 1_000);
        let old = world.policy.clone();
        for roots in world.drafts.iter_mut().filter(|draft| draft.kind == "audit_roots") {
            roots.set(&format!("agents[{at}].default_policy"), hash.as_str());
            let both = Value::Array(vec![hash.as_str().into(), old.as_str().into()]);
            roots.set(&format!("agents[{at}].policies"), both);
        }
        Some(())
    })
    .of_agent(),
    fault("TOKEN_LIFETIME_TOO_LONG", |world, run| {
        let (token, expires) = (world.runs[run].tokens[0].name.clone(), world.runs[run].tokens[0].expires_ms);
        let later = expires / 1_000 + 1_801;
        world.draft(&token).set("claims.exp", value(&later.to_string()));
        Some(())
    }),
    fault("AGENT_UNKNOWN", |world, run| {
        let at = AGENTS.iter().position(|agent| *agent == world.runs[run].agent)?;
        for roots in world.drafts.iter_mut().filter(|draft| draft.kind == "audit_roots") {
            roots.unset(&format!("agents[{at}]"));
        }
        Some(())
    })
    .of_agent(),
];

fn pin_what_nobody_logged(world: &mut World, run: usize) -> Option<()> {
    let name = world.runs[run].tokens[0].name.clone();
    let token = world.draft(&name);
    token.set("claims.policy_hash_b64u", b64u("a policy that nobody logged"));
    rehash_scope(&mut token.payload);
    Some(())
}

/// An approver who signed this once, and is trusted no more from there on.
fn distrust_the_approver(world: &mut World, run: usize) -> Option<()> {
    let write = only_approval(world, run)?;
    let approval = world.draft(&write.approval);
    "third approver".clone_into(&mut approval.signer);
    let last = world.drafts.iter().map(|draft| draft.ms).max()?;
    let roots = world.drafts.iter().rev().find(|draft| draft.kind == "audit_roots")?.name.clone();
    let row = format!(r#"[{{"did":"{}","from_index":2,"reason":"key lost"}}]"#, did("third approver"));
    world.alike(&roots, last + 1_000).set("distrusted", value(&row));
    Some(())
}
