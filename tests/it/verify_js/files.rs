//! Entries, notes, policies, proofs, disclosures and artifacts: every vector.

use serde_json::Value;

use super::verdicts::{of_artifact, of_disclosure, of_entry, of_extension, of_lines, of_note, of_policy, of_proof};
use super::{Ask, Verdict, golden, golden_json, rows, text_of, unhex};
use crate::evidence::verify::World;

/// The verdict is also the one that the vector's file names.
fn held(ask: Ask, row: &Value) -> Ask {
    let Verdict::Same(verdict) = &ask.verdict else { panic!("a verdict of {}", ask.name) };
    assert_eq!(verdict["ok"] == true, row["code"].is_null() || row["code"] == "ok", "{}", ask.name);
    ask
}

pub fn entry_asks() -> Vec<Ask> {
    let entries = golden_json("entries.json");
    let lists = ["good", "odd", "refused"].map(|list| rows(&entries[list]).iter());
    let name = |row: &Value| row["name"].as_str().unwrap_or("good").to_owned();
    lists.into_iter().flatten().map(|row| held(of_entry(name(row), &unhex(text_of(row, "hex"))), row)).collect()
}

fn note_asks() -> Vec<Ask> {
    let notes = golden_json("notes.json");
    let note = |row: &Value| {
        let file = text_of(row, "file");
        held(of_note(file, &golden(file), &golden(text_of(row, "policy"))), row)
    };
    let policy = |row: &Value| held(of_policy(text_of(row, "name"), text_of(row, "text").as_bytes()), row);
    let policies = ["odd_policies", "refused_policies"].map(|list| rows(&notes[list]).iter().map(policy));
    let lines = |row: &Value| of_lines(text_of(row, "file"), &golden(text_of(row, "file")));
    let read = rows(&notes["notes"]).iter().map(lines);
    rows(&notes["notes"]).iter().map(note).chain(read).chain(policies.into_iter().flatten()).collect()
}

fn proof_asks() -> Vec<Ask> {
    let proofs = golden_json("proofs.json");
    let proof = |row: &Value| {
        let (file, body) = (text_of(row, "file"), row["artifact"].as_str().map(golden));
        held(of_proof(file, body.as_deref(), &golden(file), &golden(text_of(row, "policy"))), row)
    };
    let extension = |row: &Value| {
        let (file, older) = (text_of(row, "file"), golden(text_of(row, "older")));
        held(of_extension(file, &older, &golden(file), &golden(text_of(row, "policy"))), row)
    };
    let disclosure = |row: &Value| {
        let file = text_of(row, "file");
        held(of_disclosure(file, &golden(file), &golden(text_of(row, "policy"))), row)
    };
    let proofs_and_files =
        rows(&proofs["proofs"]).iter().map(proof).chain(rows(&proofs["consistency"]).iter().map(extension));
    proofs_and_files.chain(rows(&golden_json("disclosures.json")).iter().map(disclosure)).collect()
}

/// An artifact of every kind with its proof, and every disclosure of the goldens.
fn world_asks() -> Vec<Ask> {
    let world = World::new(1);
    let policy = world.policy();
    let proof = |(at, body): (usize, &String)| {
        of_proof(format!("kind {at}"), Some(body.as_bytes()), &world.proof(at), policy.as_bytes())
    };
    let disclosures = crate::artifact::disclosure::goldens(&world).into_iter();
    let disclosures = disclosures.map(|(name, text)| of_disclosure(name, text.as_bytes(), policy.as_bytes()));
    world.bodies.iter().enumerate().map(proof).chain(disclosures).collect()
}

fn artifact_asks() -> Vec<Ask> {
    let refused = golden_json("refused.json");
    let refused = rows(&refused).iter().map(|row| of_artifact(text_of(row, "name"), text_of(row, "text")));
    let good = golden_json("artifacts.json");
    let good = rows(&good).iter().map(|row| {
        let file = text_of(row, "file");
        of_artifact(file, std::str::from_utf8(&golden(file)).expect("UTF-8"))
    });
    refused.chain(good).collect()
}

pub fn asks() -> Vec<Ask> {
    [entry_asks(), note_asks(), proof_asks(), world_asks(), artifact_asks()].into_iter().flatten().collect()
}
