//! People with a role, but none for this run, who speak of it all the same.

use pulselog::artifact::json::Value;

use super::cast::{AGENTS, GATEWAYS, wrapper_of};
use super::faults::{bundle_of, call_of, seen_write_of, write_of};
use super::world::World;
use crate::make::{b64u, hex};

/// What is said, and by whom. `None` when the run has nothing to speak of.
pub struct Busybody {
    pub name: &'static str,
    pub say: fn(&mut World, usize) -> Option<()>,
}

pub const ROWS: &[Busybody] = &[
    Busybody {
        name: "another agent's wrapper repeats the decision",
        say: |world, run| {
            let write = write_of(world, run)?;
            other_wrapper(world, run, &write.decision, 500).map(|_| ())
        },
    },
    Busybody {
        name: "another agent's wrapper decides under a token that nobody issued",
        say: |world, run| {
            let write = write_of(world, run)?;
            let name = other_wrapper(world, run, &write.decision, 500)?;
            world.draft(&name).set("cst.token_hash", hex("a token that nobody issued"));
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper decides under that agent's token",
        say: |world, run| {
            let other = other_agents_run(world, run)?;
            let (hash, scope) = (world.runs[other].token().hash.clone(), world.runs[other].token().scope.clone());
            let (read, job, id) =
                (world.runs[run].reads.first()?.clone(), world.runs[run].job.clone(), world.runs[run].id.clone());
            let name = other_wrapper(world, run, &read, 500)?;
            let said = world.draft(&name);
            said.set("cst.token_hash", hash);
            said.set("cst.scope_hash_b64u", scope);
            said.set("job_id", job);
            said.set("run_id", id);
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper denies, and says that it was accepted",
        say: |world, run| {
            let write = write_of(world, run)?;
            let denied = other_wrapper(world, run, &write.decision, 500)?;
            world.draft(&denied).set("decision", "deny");
            let receipt = other_wrapper(world, run, &write.receipt, 500)?;
            world.draft(&receipt).set("decision_digest", format!("@hash:{denied}"));
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper has a receipt for the decision first",
        say: |world, run| {
            let write = write_of(world, run)?;
            let at = world.draft(&write.decision).ms - 1;
            let receipt = other_wrapper(world, run, &write.receipt, 0)?;
            let said = world.draft(&receipt);
            said.ms = at;
            said.set("request_digest", hex("another request"));
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper says that the call was never sent",
        say: |world, run| {
            let write = seen_write_of(world, run)?;
            let receipt = other_wrapper(world, run, &write.receipt, 100)?;
            world.draft(&receipt).set("outcome", "not_sent");
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper claims the operation",
        say: |world, run| {
            let write = seen_write_of(world, run)?;
            world.draft(&write.receipt).payload.get("op_key")?;
            let claiming = other_wrapper(world, run, &write.decision, 500)?;
            let receipt = other_wrapper(world, run, &write.receipt, 500)?;
            world.draft(&receipt).set("decision_digest", format!("@hash:{claiming}"));
            Some(())
        },
    },
    Busybody {
        name: "another agent's wrapper uses up the approval",
        say: |world, run| {
            let write = write_of(world, run)?;
            let at = world.draft(&write.approval).ms + 1;
            let name = other_wrapper(world, run, &write.decision, 0)?;
            world.draft(&name).ms = at;
            Some(())
        },
    },
    Busybody {
        name: "an approver of another instance uses one id twice",
        say: |world, run| {
            let write = write_of(world, run)?;
            let at = world.draft(&write.approval).ms;
            for after in 1..=2 {
                let approval = world.alike(&write.approval, at + after);
                approval.set("approval_id", "said twice");
                "elsewhere approver".clone_into(&mut approval.signer);
            }
            Some(())
        },
    },
    Busybody {
        name: "an approver of another instance denies",
        say: |world, run| {
            let write = write_of(world, run)?;
            let at = world.draft(&write.approval).ms;
            let approval = world.alike(&write.approval, at + 1);
            approval.set("approval_id", "denied elsewhere");
            approval.set("decision", "deny");
            "elsewhere approver".clone_into(&mut approval.signer);
            Some(())
        },
    },
    Busybody {
        name: "a gateway names the run under a grant that nobody issued",
        say: |world, run| {
            bundle_of(world, run)?;
            let name = world.gateway_receipt(run, None);
            world.draft(&name).set("binding.token_scope_hash_b64u", b64u("a grant that nobody issued"));
            Some(())
        },
    },
    Busybody {
        name: "a gateway names the run under another agent's grant",
        say: |world, run| {
            bundle_of(world, run)?;
            let other = other_agents_run(world, run)?;
            // Else the call belongs to a run of the other agent.
            let scope = world.runs[other].token().scope.clone();
            let name = world.gateway_receipt(run, None);
            world.draft(&name).set("binding.token_scope_hash_b64u", scope);
            Some(())
        },
    },
    Busybody {
        name: "another agent packs the run as its own",
        say: |world, run| {
            let bundle = bundle_of(world, run)?;
            let other = agent_elsewhere(world, run)?;
            let at = world.draft(&bundle).ms + 1;
            let stolen = world.alike(&bundle, at);
            other.clone_into(&mut stolen.signer);
            stolen.set("agent_did", super::cast::did(other));
            Some(())
        },
    },
    Busybody {
        name: "another agent packs the run's calls without naming its token",
        say: |world, run| {
            let (bundle, _) = (bundle_of(world, run)?, call_of(world, run)?);
            let other = agent_elsewhere(world, run)?;
            let at = world.draft(&bundle).ms - 1;
            let stolen = world.alike(&bundle, at);
            other.clone_into(&mut stolen.signer);
            stolen.set("agent_did", super::cast::did(other));
            stolen.set("metadata.pulselog.token_hashes", Value::Array(Vec::new()));
            Some(())
        },
    },
    Busybody {
        name: "a gateway says that it decided",
        say: |world, run| {
            let write = write_of(world, run)?;
            let at = world.draft(&write.decision).ms + 1;
            let said = world.alike(&write.decision, at);
            GATEWAYS[0].clone_into(&mut said.signer);
            Some(())
        },
    },
];

/// An agent without any token of the run's job: one that has one speaks of
/// that job against itself, and the job fails with it.
fn agent_elsewhere(world: &World, run: usize) -> Option<&'static str> {
    let has_role = |agent: &str| world.runs.iter().any(|of| of.job == world.runs[run].job && of.agent == agent);
    AGENTS.iter().copied().find(|agent| !has_role(agent))
}

/// The same said by the wrapper of other agents, a moment later; of a job in
/// which it covers nobody.
fn other_wrapper(world: &mut World, run: usize, name: &str, after: i64) -> Option<String> {
    let (own, job) = (wrapper_of(world.runs[run].agent), world.runs[run].job.clone());
    if world.runs.iter().any(|beside| beside.job == job && wrapper_of(beside.agent) != own) {
        return None;
    }
    let other = AGENTS.iter().map(|agent| wrapper_of(agent)).find(|wrapper| *wrapper != own)?;
    let at = world.draft(name).ms + after;
    let said = world.alike(name, at);
    other.clone_into(&mut said.signer);
    Some(said.name.clone())
}

/// A run, in another job, of an agent that has another wrapper.
fn other_agents_run(world: &World, run: usize) -> Option<usize> {
    let (own, job) = (wrapper_of(world.runs[run].agent), &world.runs[run].job);
    world.runs.iter().position(|other| wrapper_of(other.agent) != own && other.job != *job)
}
