//! Ed25519: the vectors, everybody's hard cases, and those by construction.

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::{Ask, golden_json, hex, rows, text_of, unhex};
use crate::make::shared;
use crate::proofs::signatures::classes::{CLASSES, Case, Dice, good};

/// Cases of a class in Node, and in a browser beside it.
const CASES: usize = 48;
const FEW: usize = 16;

fn ask(name: &str, key: &[u8; 32], message: &[u8], signature: &[u8]) -> Ask {
    let strict = |signature: &Signature| {
        VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(message, signature).is_ok())
    };
    let holds = Signature::from_slice(signature).is_ok_and(|signature| strict(&signature));
    let question = json!({"ask": "signature", "key": hex(key), "message": hex(message), "signature": hex(signature)});
    Ask::new(name, question, json!({"ok": holds}))
}

fn of_vectors() -> Vec<Ask> {
    let of = |row: &Value| {
        let key = unhex(text_of(row, "public_key_hex")).try_into().expect("32 bytes");
        let asked =
            ask(text_of(row, "name"), &key, text_of(row, "message").as_bytes(), &unhex(text_of(row, "signature_hex")));
        let super::Verdict::Same(verdict) = &asked.verdict else { panic!("a verdict") };
        assert_eq!(verdict["ok"] == true, row["code"] == "ok", "{}", asked.name);
        asked
    };
    rows(&golden_json("signatures.json")).iter().map(of).collect()
}

/// So many of each class, each second one beside a good one of the same dice.
fn of_classes(cases: usize) -> Vec<Ask> {
    let mut asks = Vec::new();
    for class in CLASSES {
        let mut dice = Dice::new(class.name);
        for n in 0..cases {
            let Case { key, message, signature, taken } = (class.make)(&mut dice, n);
            let asked = ask(class.name, &key, &message, &signature);
            let super::Verdict::Same(verdict) = &asked.verdict else { panic!("a verdict") };
            assert!(taken.is_none_or(|taken| verdict["ok"] == taken), "{} {n}", class.name);
            asks.push(asked);
            // A verifier that refuses everything would agree on most of these.
            if n % 2 == 0 {
                let Case { key, message, signature, .. } = good(&mut dice);
                asks.push(ask("good", &key, &message, &signature));
            }
        }
    }
    asks
}

pub fn asks() -> Vec<Ask> {
    [of_vectors(), of_classes(CASES)].into_iter().flatten().collect()
}

/// The same in a browser whose own code takes everything, and in one whose takes nothing.
pub fn asks_whatever_a_browser_takes() -> Vec<Ask> {
    let browser = |takes: bool| Ask::new("browser", json!({"ask": "browser", "takes": takes}), json!({"ok": true}));
    let refused = |ask: Ask| {
        let super::Verdict::Same(verdict) = &ask.verdict else { panic!("a verdict") };
        // What holds and is refused by the browser is no verdict: it disagrees.
        let holds = verdict["ok"] == true;
        let verdict = if holds { json!({"ok": false, "disagrees": true}) } else { json!({"ok": false}) };
        Ask::new(ask.name, ask.question, verdict)
    };
    let lenient = [few_asks(), of_others("ed25519/cctv.json", "key", cctv_message, "sig")].into_iter().flatten();
    let strict = of_classes(4).into_iter().map(refused);
    [browser(true)].into_iter().chain(lenient).chain([browser(false)]).chain(strict).collect()
}

pub fn few_asks() -> Vec<Ask> {
    [of_vectors(), of_classes(FEW)].into_iter().flatten().collect()
}

fn read(path: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(shared(path)?).expect("a file")).expect("JSON"))
}

fn of_others(path: &str, key: &str, message: fn(&Value) -> Vec<u8>, signature: &str) -> Vec<Ask> {
    let of = |row: &Value| {
        let key = unhex(text_of(row, key)).try_into().expect("32 bytes");
        ask(path, &key, &message(row), &unhex(text_of(row, signature)))
    };
    read(path).map_or_else(Vec::new, |file| rows(&file).iter().map(of).collect())
}

fn of_wycheproof() -> Vec<Ask> {
    let Some(file) = read("ed25519/wycheproof.json") else { return Vec::new() };
    let mut asks = Vec::new();
    for group in rows(&file["testGroups"]) {
        let key = unhex(text_of(&group["publicKey"], "pk")).try_into().expect("32 bytes");
        for case in rows(&group["tests"]) {
            asks.push(ask("wycheproof", &key, &unhex(text_of(case, "msg")), &unhex(text_of(case, "sig"))));
        }
    }
    asks
}

fn cctv_message(row: &Value) -> Vec<u8> {
    text_of(row, "msg").as_bytes().to_vec()
}

/// Read from `../shared` where it is.
pub fn shared_asks() -> Vec<Ask> {
    [
        of_wycheproof(),
        of_others("ed25519/cctv.json", "key", cctv_message, "sig"),
        of_others("ed25519/twelve-cases.json", "pub_key", |row| unhex(text_of(row, "message")), "signature"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
