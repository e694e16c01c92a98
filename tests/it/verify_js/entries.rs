//! Proven entries that say something else of an artifact than it does itself,
//! and receipts that are not what their array is for.

use pulselog::entry::SequencedEntry;
use pulselog::receipt::{Disclosure, tlog_proof};

use super::verdicts::{of_disclosure, of_proof};
use super::{Ask, golden};
use crate::evidence::verify::World;
use crate::make::evidence::Kept;
use crate::make::{kind, value};
use crate::vectors::artifacts::entry_of;

type Lie = (&'static str, fn(&mut SequencedEntry));

/// One member of the entry, told wrongly.
const LIES: &[Lie] = &[
    ("nothing", |_| {}),
    ("another length", |entry| entry.body_bytes += 1),
    ("another kind", |entry| (entry.kind, entry.receipts) = (kind("approval"), None)),
    ("another signer", |entry| entry.signer = pulselog::artifact::Did::parse(&crate::make::did("stranger")).ok()),
    ("no signer", |entry| entry.signer = None),
    ("no receipts", |entry| entry.receipts = None),
    ("one receipt more", |entry| entry.receipts.iter_mut().for_each(|receipts| receipts.count += 1)),
    ("another root", |entry| entry.receipts.iter_mut().for_each(|receipts| receipts.root[0] ^= 1)),
];

/// Each receipt of bundles whose receipts are not all what their arrays are for, shown alone.
fn shown_asks() -> Vec<Ask> {
    let mut asks = Vec::new();
    for file in ["proof_bundle.json", "proof_bundle--opaque-receipts.json", "proof_bundle--broken-receipts.json"] {
        let body = String::from_utf8(golden(&format!("artifacts/{file}"))).expect("UTF-8");
        let proof = Kept::over([(entry_of(file, &body).encode(), body.clone())]).proof(0, 1);
        let payload = value(&body);
        let payload = payload.get("payload").expect("a payload");
        for array in ["receipts", "tool_receipts", "side_effect_receipts", "vir_receipts", "web_receipts"] {
            for at in 0..payload.get(array).and_then(|list| list.as_array()).map_or(0, |list| list.len()) {
                let wanted = format!("{array}[{at}]");
                let proof = tlog_proof::decode(proof.as_bytes()).expect("a proof");
                let shown = Disclosure::of(&value(&body), proof, &[&wanted]).expect("a disclosure").encode();
                let policy = Kept::policy_text();
                asks.push(of_disclosure(format!("{file}, {wanted}"), shown.as_bytes(), policy.as_bytes()));
            }
        }
    }
    asks
}

pub fn asks() -> Vec<Ask> {
    let world = World::new(1);
    let mut asks = shown_asks();
    for of in ["proof_bundle", "gateway_receipt", "trust_pulse"] {
        let at = world.index_of(of);
        for (lie, tell) in LIES {
            let mut entry = SequencedEntry::decode(&world.entries[at]).expect("an entry");
            tell(&mut entry);
            let body = world.bodies[at].clone();
            let proof = Kept::over([(entry.encode(), body.clone())]).proof(0, 1).into_bytes();
            let name = format!("{of}, its entry says {lie}");
            asks.push(of_proof(name, Some(body.as_bytes()), &proof, Kept::policy_text().as_bytes()));
        }
    }
    asks
}
