//! Proven entries that say something else of an artifact than it does itself.

use pulselog::entry::SequencedEntry;

use super::Ask;
use super::verdicts::of_proof;
use crate::evidence::verify::World;
use crate::make::evidence::Kept;
use crate::make::kind;

/// One member of the entry, told wrongly.
const LIES: &[(&str, fn(&mut SequencedEntry))] = &[
    ("nothing", |_| {}),
    ("another length", |entry| entry.body_bytes += 1),
    ("another kind", |entry| (entry.kind, entry.receipts) = (kind("approval"), None)),
    ("another signer", |entry| entry.signer = pulselog::artifact::Did::parse(&crate::make::did("stranger")).ok()),
    ("no signer", |entry| entry.signer = None),
    ("no receipts", |entry| entry.receipts = None),
    ("one receipt more", |entry| entry.receipts.iter_mut().for_each(|receipts| receipts.count += 1)),
    ("another root", |entry| entry.receipts.iter_mut().for_each(|receipts| receipts.root[0] ^= 1)),
];

pub fn asks() -> Vec<Ask> {
    let world = World::new(1);
    let mut asks = Vec::new();
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
