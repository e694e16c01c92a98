//! Faults of approvals, decisions, receipts, and of what Argo CD reports.

use pulselog::artifact::json::{Value, to_compact};

use super::cast::{APPROVERS, did, wrapper_of};
use super::drafts::time;
use super::faults::{Fault, Whose, fault, seen_write_of, write_of};
use super::world::{HOUR_MS, World};
use crate::make::{hex, value};

pub const ROWS: &[Fault] = &[
    fault("APPROVAL_MISSING", |world, run| {
        let write = write_of(world, run)?;
        world.draft(&write.decision).set("approvals", Value::Array(Vec::new()));
        Some(())
    }),
    fault("APPROVAL_UNEQUAL", |world, run| {
        let write = only_approval(world, run)?;
        world.draft(&write.approval).set("binds.revisions[0]", &hex("another revision")[..40]);
        Some(())
    }),
    fault("APPROVAL_UNBOUND_REVISION", |world, run| {
        let write = only_approval(world, run)?;
        for said in [&write.approval, &write.decision] {
            world.draft(said).set("binds.revisions[0]", "main");
        }
        Some(())
    }),
    fault("APPROVAL_EXPIRED", |world, run| {
        let write = only_approval(world, run)?;
        let decided = world.draft(&write.decision).ms;
        world.draft(&write.approval).set("expires_at", time(decided - 1_000));
        Some(())
    }),
    fault("APPROVAL_BY_ACTOR", |world, run| {
        let (write, wrapper) = (only_approval(world, run)?, wrapper_of(world.runs[run].agent));
        wrapper.clone_into(&mut world.draft(&write.approval).signer);
        let third = APPROVERS.len() - 1;
        for roots in world.drafts.iter_mut().filter(|draft| draft.kind == "audit_roots") {
            roots.set(&format!("approvers[{third}].did"), did(wrapper));
        }
        Some(())
    }),
    fault("APPROVAL_DENIED", |world, run| {
        let write = only_approval(world, run)?;
        let at = world.draft(&write.decision).ms - 1;
        let denied = world.alike(&write.approval, at);
        denied.set("approval_id", "denied in between");
        denied.set("decision", "deny");
        "second approver".clone_into(&mut denied.signer);
        Some(())
    }),
    fault("APPROVAL_DENIED_LATER", |world, run| {
        let write = only_approval(world, run)?;
        let at = world.draft(&write.decision).ms + 1;
        let denied = world.alike(&write.approval, at);
        denied.set("approval_id", "denied afterwards");
        denied.set("decision", "deny");
        Some(())
    }),
    fault("APPROVAL_REUSED", |world, run| {
        let write = write_of(world, run)?;
        let at = world.draft(&write.decision).ms + 2_000;
        let second = world.alike(&write.decision, at).name.clone();
        let receipt = world.alike(&write.receipt, at + 1_000);
        receipt.set("decision_digest", format!("@hash:{second}"));
        Some(())
    }),
    fault("DENY_THEN_ACCEPTED", |world, run| {
        let write = write_of(world, run)?;
        world.draft(&write.decision).set("decision", "deny");
        Some(())
    }),
    fault("RECEIPT_WITHOUT_DECISION", |world, run| {
        let write = write_of(world, run)?;
        let at = world.draft(&write.receipt).ms;
        let receipt = world.alike(&write.receipt, at);
        receipt.set("decision_digest", hex("a decision that nobody logged"));
        if receipt.payload.get("op_key").is_some() {
            receipt.unset("op_key");
        }
        Some(())
    })
    .whose(Whose::Nobody),
    fault("DECISION_AFTER_ACT", |world, run| {
        let write = write_of(world, run)?;
        let at = world.draft(&write.receipt).ms + 1;
        let named = write.decision.as_str();
        let is_same = |name: &str, copy: Option<&str>| name == named || copy == Some(named);
        let said = world.drafts.iter_mut().filter(|draft| is_same(&draft.name, draft.copy_of.as_deref()));
        said.for_each(|draft| draft.ms = at);
        Some(())
    }),
    fault("RECEIPT_REQUEST_MISMATCH", |world, run| {
        let write = write_of(world, run)?;
        world.draft(&write.receipt).set("request_digest", hex("another request"));
        Some(())
    }),
    fault("RECEIPT_MISSING", |world, run| {
        let write = write_of(world, run)?;
        world.unsay(&write.receipt);
        later(world, run);
        Some(())
    }),
    fault("OBSERVED_UNLIKE_DECIDED", |world, run| {
        let write = seen_write_of(world, run)?;
        for seen in &write.seen {
            world.draft(seen).set("params", value(r#"{"prune":true,"dry_run":true}"#));
        }
        Some(())
    }),
    fault("OPERATION_OUTSIDE_WINDOW", |world, run| {
        let write = seen_write_of(world, run)?;
        let later = world.draft(&write.decision).ms + 900_000;
        for seen in &write.seen {
            world.draft(seen).set("started_at", time(later));
        }
        Some(())
    }),
    fault("REPLAY_DECISION_REUSED", |world, run| {
        let write = seen_write_of(world, run)?;
        let (seen, at) = (write.seen[0].clone(), world.draft(&write.seen[0]).ms + 3_000);
        // Only what states its decision joins it a second time.
        world.draft(&seen).payload.get("info")?;
        let started = world.draft(&write.decision).ms + 40_000;
        let again = world.alike(&seen, at);
        again.set("started_at", time(started));
        let own = format!("@op:{}", again.name);
        again.set("op_key", own);
        Some(())
    }),
    fault("CONTRADICTING_ACCOUNTS", |world, run| {
        let write = seen_write_of(world, run)?;
        world.draft(&write.seen[0]).payload.get("info")?;
        world.draft(&write.receipt).set("outcome", "not_sent");
        Some(())
    }),
    fault("CONTRADICTING_ACCOUNTS", |world, run| {
        let write = write_of(world, run)?;
        let at = world.draft(&write.receipt).ms + 1_000;
        let unsent = world.alike(&write.receipt, at);
        unsent.set("outcome", "not_sent");
        Some(())
    }),
    fault("CONTRADICTING_ACCOUNTS", |world, run| {
        let write = seen_write_of(world, run)?;
        world.draft(&write.seen[0]).payload.get("info")?;
        world.draft(&write.receipt).set("op_key", hex("an operation that nobody reports"));
        Some(())
    }),
    fault("CONTRADICTING_ACCOUNTS", |world, run| {
        let write = write_of(world, run)?;
        world.draft(&write.receipt).payload.get("op_key")?;
        let at = world.draft(&write.receipt).ms + 1_000;
        let second = world.alike(&write.decision, at).name.clone();
        let receipt = world.alike(&write.receipt, at + 1_000);
        receipt.set("decision_digest", format!("@hash:{second}"));
        Some(())
    }),
    fault("CONTRADICTING_ACCOUNTS", |world, run| {
        let write = write_of(world, run)?;
        world.draft(&write.receipt).set("http_status", 504_u32);
        Some(())
    }),
    fault("CLUSTER_NOT_COMPARED", |world, run| {
        let write = seen_write_of(world, run)?;
        if world.knows_clusters {
            return None;
        }
        for seen in &write.seen {
            let namespace = world.draft(seen).text("destination.namespace").to_owned();
            let by_name = format!(r#"{{"name":"in-cluster","namespace":"{namespace}"}}"#);
            world.draft(seen).set("destination", value(&by_name));
        }
        Some(())
    }),
];

/// A write that rests on one approval.
pub fn only_approval(world: &mut World, run: usize) -> Option<super::world::Write> {
    let write = write_of(world, run)?;
    let approvals = world.draft(&write.decision).payload.get("approvals").and_then(Value::as_array)?;
    let is_alone = approvals.len() == 1;
    // A parameter is allowed by its approval alone: without, the policy refuses.
    let params = to_compact(world.draft(&write.decision).payload.at("binds.params")?);
    (is_alone && params == "{}").then_some(write)
}

/// A long time later somebody writes something down; the others have packed
/// their runs by then.
pub fn later(world: &mut World, run: usize) {
    for other in (0..world.runs.len()).filter(|other| *other != run) {
        if world.runs[other].bundles.is_empty() {
            let row = world.runs[other].row("BUNDLE_MISSING", "pending");
            world.expected.retain(|expected| *expected != row);
            world.pack_at(other, world.runs[other].end_ms + HOUR_MS - 1_000);
        }
    }
    let last = world.drafts.iter().map(|draft| draft.ms).max().expect("a draft");
    let roots = world.drafts.iter().rev().find(|draft| draft.kind == "audit_roots").expect("roots").name.clone();
    world.alike(&roots, last + 2 * HOUR_MS);
}
