//! One signature, one answer: `verify_strict` of ed25519-dalek, ours, and ours
//! with multiples of the key, of the base point too or not.
//!
//! `SIGNATURES=n` asks for n cases of each class.

pub mod classes;

use std::collections::HashMap;

use ed25519_dalek::{Signature, VerifyingKey};
use pulselog::signature::{StrictKey, Sum, TabledBase, TabledKey};
use serde_json::Value;

use crate::make::shared;
use classes::{CLASSES, Case, Dice};

/// Cases of a class where nobody asks for more.
const CASES: usize = 150;
/// Keys whose tables are kept for their next case.
const TABLES_MAX: usize = 1_000;

/// Asks everybody about the same cases.
struct Panel {
    base: TabledBase,
    keys: HashMap<[u8; 32], Option<(VerifyingKey, Option<TabledKey>)>>,
    /// Sums that are compared together later, and whether each is to hold.
    open: Vec<(Sum, bool)>,
    cases: usize,
    taken: usize,
}

impl Drop for Panel {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.compare();
        }
    }
}

impl Panel {
    fn new() -> Self {
        Self { base: TabledBase::new(), keys: HashMap::new(), open: Vec::new(), cases: 0, taken: 0 }
    }

    fn compare(&mut self) {
        let (sums, expected): (Vec<_>, Vec<_>) = self.open.drain(..).unzip();
        assert_eq!(Sum::which_hold(&sums), expected, "together as each alone");
    }

    /// The one answer.
    fn ask(&mut self, name: &str, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        if self.keys.len() >= TABLES_MAX {
            self.keys.clear();
        }
        let held = self.keys.entry(*key).or_insert_with(|| {
            let key = VerifyingKey::from_bytes(key).ok()?;
            Some((key, StrictKey::new(key).map(TabledKey::new)))
        });
        let signature = Signature::from_bytes(signature);
        let (mut strict, mut ours) = (false, [false; 3]);
        if let Some((key, tabled)) = held {
            strict = key.verify_strict(message, &signature).is_ok();
            ours = [
                StrictKey::new(*key).is_some_and(|key| key.verifies(message, &signature)),
                tabled.as_ref().is_some_and(|key| key.verifies(message, &signature, None)),
                tabled.as_ref().is_some_and(|key| key.verifies(message, &signature, Some(&self.base))),
            ];
            let strict_key = StrictKey::new(*key);
            let untabled = strict_key.map(|key| key.sum(message, &signature));
            let with_table = tabled.as_ref().map(|key| key.sum(message, &signature, Some(&self.base)));
            for sum in [untabled, with_table].into_iter().flatten() {
                assert!(sum.is_some() || !strict, "{name}: refused before its last step");
                self.open.extend(sum.map(|sum| (sum, strict)));
            }
        }
        assert_eq!(ours, [strict; 3], "{name}: key {key:02x?}, message {message:02x?}, signature {signature:?}");
        // Of few, and of more than any group has.
        if self.open.len() > self.cases % 300 {
            self.compare();
        }
        self.cases += 1;
        self.taken += usize::from(strict);
        strict
    }
}

#[test]
fn signatures_of_every_class_are_judged_as_verify_strict_judges_them() {
    let wanted = std::env::var("SIGNATURES").map_or(CASES, |n| n.parse().expect("SIGNATURES: a number"));
    let mut panel = Panel::new();
    for class in CLASSES {
        let mut dice = Dice::new(class.name);
        for n in 0..wanted {
            let Case { key, message, signature, taken } = (class.make)(&mut dice, n);
            let answer = panel.ask(class.name, &key, &message, &signature);
            assert_eq!(Some(answer), taken.or(Some(answer)), "{}, case {n}", class.name);
            // A verifier that refuses everything would agree on most of these.
            let good = classes::good(&mut dice);
            assert!(panel.ask("good", &good.key, &good.message, &good.signature));
        }
    }
    assert!(panel.taken * 3 >= panel.cases, "{} of {} taken", panel.taken, panel.cases);
    println!("{} cases of {} classes, {} taken", panel.cases, CLASSES.len(), panel.taken);
}

fn read(path: &str) -> Option<Value> {
    let path = shared(path)?;
    Some(serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON"))
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hex").as_bytes();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).expect("ASCII"), 16).expect("hex");
    hex.chunks(2).map(byte).collect()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[test]
fn the_signatures_of_wycheproof_are_judged_as_verify_strict_judges_them() {
    let Some(file) = read("ed25519/wycheproof.json") else { return };
    let mut panel = Panel::new();
    for group in list(&file["testGroups"]) {
        let key = bytes(&group["publicKey"]["pk"]).try_into().expect("32 bytes");
        for case in list(&group["tests"]) {
            // Shorter and longer ones are none here: a signature is 64 bytes.
            let Ok(signature) = bytes(&case["sig"]).try_into() else { continue };
            let taken = panel.ask("wycheproof", &key, &bytes(&case["msg"]), &signature);
            assert_eq!(taken, case["result"] == "valid", "{}", case["tcId"]);
        }
    }
    assert!(panel.cases > 100 && panel.taken > 50, "{} of {}", panel.taken, panel.cases);
}

#[test]
fn the_signatures_of_cctv_are_judged_as_verify_strict_judges_them() {
    let Some((cases, expected)) = read("ed25519/cctv.json").zip(read("ed25519/cctv-expected-strict.json")) else {
        return;
    };
    let mut panel = Panel::new();
    for (case, expected) in list(&cases).iter().zip(list(&expected)) {
        assert_eq!(case["number"], expected["number"]);
        let key = bytes(&case["key"]).try_into().expect("32 bytes");
        let signature = bytes(&case["sig"]).try_into().expect("64 bytes");
        let taken = panel.ask("cctv", &key, case["msg"].as_str().expect("a text").as_bytes(), &signature);
        assert_eq!(taken, expected["accept_strict"] == true, "{}", case["number"]);
    }
    assert!(panel.cases > 900 && panel.taken > 40, "{} of {}", panel.taken, panel.cases);
}

#[test]
fn the_twelve_cases_are_judged_as_verify_strict_judges_them() {
    let Some(cases) = read("ed25519/twelve-cases.json") else { return };
    let mut panel = Panel::new();
    for case in list(&cases) {
        let key = bytes(&case["pub_key"]).try_into().expect("32 bytes");
        let signature = bytes(&case["signature"]).try_into().expect("64 bytes");
        panel.ask("twelve", &key, &bytes(&case["message"]), &signature);
    }
    assert_eq!(panel.cases, 12);
}
