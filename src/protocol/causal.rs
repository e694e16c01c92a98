//! Causal rules over gateway receipts (PEERS 4.9). Every receipt
//! of the bundle takes part, also one whose signature failed.
//!
//! ```text
//! binding ─ normalise ─> entries ─ replay ─ rules ─ connectivity ─ anchoring of side effects and approvals
//! ```

mod anchor;
mod connectivity;
mod entry;
mod profile;
mod rules;

use std::collections::{HashMap, HashSet};

use crate::artifact::json::{Value, to_jcs};
use crate::protocol::codes::{
    CAUSAL_HUMAN_APPROVAL_ORPHANED, CAUSAL_RECEIPT_REPLAY_DETECTED, CAUSAL_SIDE_EFFECT_ORPHANED,
};
use crate::protocol::envelope::text;
use crate::protocol::verdict::{Failure, fail};

pub(super) use self::entry::{Spelled, identifier};
pub(super) use self::profile::{Modes, resolve};

/// All causal checks of one bundle. Linear in the receipts.
pub(super) fn check(
    receipts: &[Value],
    side_effects: &[Value],
    approvals: &[Value],
    modes: Modes,
) -> Result<(), Failure> {
    let entries = entry::collect(receipts)?;
    check_replay(receipts)?;
    let known: HashSet<&str> = entries.iter().filter_map(|entry| Some(entry.span.as_ref()?.value)).collect();
    if !entries.is_empty() {
        let meanings = rules::check(&entries, &known)?;
        if modes.enforces_connectivity {
            connectivity::check(&meanings)?;
        }
    }
    if modes.enforces_connectivity {
        anchor::check("payload.side_effect_receipts", CAUSAL_SIDE_EFFECT_ORPHANED, side_effects, &known)?;
        anchor::check("payload.human_approval_receipts", CAUSAL_HUMAN_APPROVAL_ORPHANED, approvals, &known)?;
    }
    Ok(())
}

/// One receipt id, one content; exact repeats pass.
fn check_replay(receipts: &[Value]) -> Result<(), Failure> {
    let mut first_with: HashMap<&str, &Value> = HashMap::with_capacity(receipts.len());
    for (at, receipt) in receipts.iter().enumerate() {
        let Some(payload) = receipt.get("payload") else { continue };
        let id = text(payload, "receipt_id");
        if id.is_empty() {
            continue;
        }
        match first_with.get(id) {
            None => {
                first_with.insert(id, payload);
            }
            Some(first) if to_jcs(first) == to_jcs(payload) => {}
            Some(_) => {
                return fail(CAUSAL_RECEIPT_REPLAY_DETECTED, format!("payload.receipts[{at}].payload.receipt_id"));
            }
        }
    }
    Ok(())
}
