//! Faults that only Argo CD's own reports show.

use pulselog::artifact::json::to_compact;

use super::argo::Seen;
use super::cast::{APPS, username_of};
use super::drafts::time;
use super::faults::{Fault, Whose, fault, seen_write_of, write_of};
use super::faults_acts::later;
use super::world::World;
use crate::make::{hex, value};

/// How long after its roots a story's silent acts begin: whatever honest word
/// could be said of them would count.
const SETTLED_MS: i64 = 600_000;

/// The agent's own user does something that nobody decided.
fn silently(world: &mut World, run: usize, action: &str, params: &str) -> String {
    let username = username_of(world.runs[run].agent);
    let started = world.start_ms().max(world.drafts.iter().map(|draft| draft.ms).min().unwrap_or(0)) + SETTLED_MS;
    let seen =
        Seen { app: &APPS[1], action, username: &username, is_automated: false, started, params, channel: "notify" };
    let name = world.operation(&seen, started + 5_000);
    later(world, run);
    name
}

/// Nobody but Argo CD writes the applications, and everybody has a name.
fn locked(world: &mut World) {
    let row = r#"[{"instance":"argocd-prod","closed_writes":true,"humans_complete":true,"clusters":[]}]"#;
    let roots = world.drafts.iter_mut().filter(|draft| draft.kind == "audit_roots");
    roots.for_each(|roots| roots.set("instances", value(row)));
}

pub const ROWS: &[Fault] = &[
    fault("UNREPORTED_ACTION", |world, run| {
        silently(world, run, "sync", "{}");
        Some(())
    })
    .whose(Whose::Nobody),
    fault("UNREPORTED_ACTION", |world, run| {
        silently(world, run, "rollback", "{}");
        Some(())
    })
    .whose(Whose::Nobody),
    fault("UNREPORTED_ACTION", |world, run| {
        silently(world, run, "sync", r#"{"dry_run":true}"#);
        Some(())
    })
    .whose(Whose::Nobody),
    // Over before anybody looked: nothing but its entry in the history is left.
    fault("UNREPORTED_ACTION", |world, run| {
        let name = silently(world, run, "sync", "{}");
        world.leave_its_entry(&name);
        Some(())
    })
    .whose(Whose::Nobody),
    // It names a decision that nobody logged.
    fault("UNREPORTED_ACTION", |world, run| {
        let name = silently(world, run, "sync", "{}");
        let info = value(&format!(r#"[{{"name":"claw.decision","value":"{}"}}]"#, hex("a decision of nobody's")));
        world.draft(&name).set("info", info);
        Some(())
    })
    .whose(Whose::Nobody),
    // Another operation has used the only decision that could explain it.
    fault("UNREPORTED_ACTION", |world, run| {
        let write = seen_write_of(world, run)?;
        let (seen, at) = (write.seen[0].clone(), world.draft(&write.seen[0]).ms + 3_000);
        if world.draft(&write.decision).ms < world.start_ms() + SETTLED_MS {
            return None;
        }
        let again = world.alike(&seen, at);
        again.set("operation_digest", hex(&again.name));
        let own = format!("@op:{}", again.name);
        again.set("op_key", own);
        if again.payload.get("info").is_some() {
            again.unset("info");
        }
        later(world, run);
        Some(())
    })
    .whose(Whose::Nobody),
    // Two decisions alike, and nothing says which of them it was.
    fault("AMBIGUOUS_MATCH", |world, run| {
        let write = seen_write_of(world, run)?;
        let at = world.draft(&write.decision).ms + 1_000;
        if at < world.start_ms() + SETTLED_MS {
            return None;
        }
        let second = world.alike(&write.decision, at).name.clone();
        let receipt = world.alike(&write.receipt, at + 1_000);
        receipt.set("decision_digest", format!("@hash:{second}"));
        let mut named = vec![(receipt.name.clone(), "op_key"), (write.receipt.clone(), "op_key")];
        named.extend(write.seen.iter().map(|seen| (seen.clone(), "info")));
        for draft in world.drafts.iter_mut() {
            let of = draft.copy_of.as_ref().unwrap_or(&draft.name);
            if let Some((_, path)) =
                named.iter().find(|(name, _)| of == name || of.starts_with(&format!("{name} alike")))
                && draft.payload.get(path).is_some()
            {
                draft.unset(path);
            }
        }
        Some(())
    })
    .whose(Whose::Nobody),
    fault("UNKNOWN_INITIATOR", |world, run| {
        locked(world);
        let name = silently(world, run, "sync", "{}");
        world.draft(&name).set("initiator.username", "somebody");
        // Whom the honest story could not name either.
        for draft in world.drafts.iter_mut().filter(|draft| draft.kind == "argocd_observation") {
            if draft.payload.text_at("initiator.username") == Some("ci-bot") {
                draft.set("initiator.username", "sre");
            }
        }
        Some(())
    })
    .of_clusters(),
    fault("RAN_AFTER_REVOCATION", |world, run| {
        let write = seen_write_of(world, run)?;
        let (token, decided) = (world.runs[run].tokens[0].name.clone(), world.draft(&write.decision).ms);
        let is_first = world.draft(&write.decision).text("cst.token_hash") == hex(&token);
        let ends = world.drafts.iter().filter(|draft| draft.kind == "cst_revocation" && draft.copy_of.is_none());
        let named = hex(&token);
        let ended =
            ends.filter(|draft| draft.payload.text_at("token_hash") == Some(&named)).map(|draft| draft.ms).min();
        let ended = ended.filter(|ended| is_first && *ended > decided)?;
        let late = world.shows("argo cd", ended) + 660_000;
        world.draft(&write.seen[0]).set("finished_at", time(late));
        Some(())
    }),
    fault("PHANTOM_ACTION", |world, run| {
        let write = write_of(world, run)?;
        let binds = world.draft(&write.decision).payload.get("binds").cloned()?;
        let is_whole = binds.at("params").is_some_and(|params| to_compact(params) == "{}");
        let is_sync = binds.text_at("action") == Some("sync");
        if !is_whole || !is_sync {
            return None;
        }
        let decided = world.draft(&write.decision).ms;
        if world.draft(&write.receipt).payload.get("op_key").is_some() {
            world.draft(&write.receipt).unset("op_key");
        }
        let is_of = |name: &str| write.seen.iter().any(|seen| name.starts_with(seen.as_str()));
        world.drafts.retain(|draft| draft.kind != "argocd_snapshot" && !is_of(&draft.name));
        // A stranger may have repeated the receipt.
        for draft in &mut world.drafts {
            let named = draft.payload.text_at("op_key").and_then(|key| key.strip_prefix("@op:"));
            if named.is_some_and(is_of) {
                draft.unset("op_key");
            }
        }
        let before = hex("an operation of last week");
        world.snapshot(decided - 1_000, 7, Some(&before));
        world.snapshot(decided + 900_000, 7, Some(&before));
        later(world, run);
        Some(())
    })
    .whose(Whose::Nobody),
    fault("CONTROL_REVERTED", |world, run| {
        world.switch_off(run);
        let off = world.drafts.last().expect("a draft").clone();
        let mut on = off.clone();
        on.name = world.fresh("switched on again");
        on.ms += 120_000;
        on.set("nonce", super::cast::nonce(&on.name));
        on.set("before", "off");
        on.set("after", "on");
        world.drafts.push(on);
        Some(())
    })
    .whose(Whose::Nobody),
    fault("UNLOGGED_ATTEMPT", |world, run| {
        let (username, at) = (username_of(world.runs[run].agent), world.runs[run].now);
        world.denial(&username, "Delete", "other-api", at);
        later(world, run);
        Some(())
    })
    .whose(Whose::Nobody),
    fault("IDENTITY_SHARED", |world, run| {
        let username = username_of(world.runs[run].agent);
        for roots in world.drafts.iter_mut().filter(|draft| draft.kind == "audit_roots") {
            roots.set("humans[0].username", username.as_str());
        }
        silently(world, run, "sync", "{}");
        Some(())
    })
    .whose(Whose::Nobody),
    fault("COVERAGE_GAP", |world, run| {
        world.drafts.retain(|draft| draft.kind != "argocd_snapshot");
        let from = world.runs[run].now;
        world.snapshot(from, 91, Some(&hex("an operation of last week")));
        world.snapshot(from + 900_000, 92, Some(&hex("an operation of today")));
        later(world, run);
        Some(())
    })
    .whose(Whose::Anybody),
    // Nobody reads the server's log for a quarter of an hour.
    fault("SERVER_LOG_GAP", |world, run| {
        let at = world.runs[run].now;
        world.log_part(at, 0);
        world.log_part(at, 1_140_000);
        Some(())
    })
    .whose(Whose::Nobody),
];
