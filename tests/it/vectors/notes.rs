//! Vectors of signed notes, trust policies and what they believe.

use pulselog::checkpoint::cosignature::{CosignatureTime, CosignerKey};
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{EMPTY_ROOT, Hash, RootHash, TreeSize};
use pulselog::note::{KeyName, NoteSignature, SignedNote, SignerKey};
use pulselog::trust::TrustPolicy;
use serde_json::{Value, json};

use crate::vectors::{Files, json_file};

const ORIGIN: &str = "log.example/notes";

fn log_key(name: &str, seed: u8) -> SignerKey {
    SignerKey::new(KeyName::parse(name).expect("a name"), &[seed; 32]).expect("a key")
}

fn witness_key(number: u8) -> CosignerKey {
    let name = KeyName::parse(&format!("witness.example/w{number}")).expect("a name");
    CosignerKey::new(name, &[100 + number; 32]).expect("a key")
}

fn checkpoint(size: u64) -> Checkpoint {
    let root = if size == 0 { EMPTY_ROOT } else { RootHash::new(Hash::from_bytes([7; 32])) };
    Checkpoint { origin: Origin::parse(ORIGIN).expect("an origin"), head: TreeHead { size: TreeSize::new(size), root } }
}

fn cosign(number: u8, seconds: u64) -> NoteSignature {
    let time = CosignatureTime::from_unix_seconds(seconds).expect("a time");
    witness_key(number).cosign(&checkpoint(11), time)
}

fn signed(text: &str, lines: Vec<NoteSignature>) -> String {
    SignedNote::assemble(text, lines).expect("a note").as_str().to_owned()
}

fn log_line() -> NoteSignature {
    log_key(ORIGIN, 1).sign(&checkpoint(11).to_text())
}

/// Policies by name: one log, and one that asks for two of three witnesses.
pub fn policies() -> Vec<(&'static str, String)> {
    let log = format!("log {}\n", log_key(ORIGIN, 1).vkey());
    let witnesses: String = (1..=3).map(|n| format!("witness w{n} {}\n", witness_key(n).vkey())).collect();
    vec![
        ("log", format!("# one log, no witness\n{log}quorum none\n")),
        ("two-of-three", format!("{log}{witnesses}group all 2 w1 w2 w3\nquorum all\n")),
        ("another-log", format!("log {}\nquorum none\n", log_key("log.example/other", 2).vkey())),
        ("same-key-another-name", format!("log {}\nquorum none\n", log_key("log.example/other", 1).vkey())),
    ]
}

/// Name of the policy, name of the note, note.
fn notes() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = checkpoint(11).to_text();
    let good = signed(&text, vec![log_line()]);
    let all = |witnesses: &[u8]| {
        let lines = witnesses.iter().map(|n| cosign(*n, 1_700_000_000 + u64::from(*n)));
        signed(&text, [log_line()].into_iter().chain(lines).collect())
    };
    let mut forged = log_line();
    forged.body[0] ^= 1;
    let mut bad_witness = cosign(2, 1_700_000_000);
    bad_witness.body[71] ^= 1;
    let mut other_time = cosign(2, 1_700_000_000);
    other_time.body[7] ^= 1;
    let mut short = cosign(2, 1_700_000_000);
    short.body.pop();
    let mut at_zero = cosign(2, 1_700_000_000);
    at_zero.body[..8].fill(0);
    let empty = checkpoint(0).to_text();
    // A root of the empty tree under another size.
    let odd = text.replacen(&checkpoint(11).head.root.hash().to_base64(), &EMPTY_ROOT.hash().to_base64(), 1);
    let foreign = log_key("log.example/other", 2);
    let changed = |from: &str, to: &str| good.replacen(from, to, 1).into_bytes();
    let extended = format!("{text}more\n");
    vec![
        ("log", "good", good.clone().into_bytes()),
        ("log", "size-0", signed(&empty, vec![log_key(ORIGIN, 1).sign(&empty)]).into_bytes()),
        ("log", "witnesses-unknown", all(&[1, 2]).into_bytes()),
        ("two-of-three", "two-witnesses", all(&[1, 3]).into_bytes()),
        ("two-of-three", "one-witness", all(&[1]).into_bytes()),
        (
            "two-of-three",
            "a-witness-does-not-verify",
            signed(&text, vec![log_line(), cosign(1, 1), cosign(3, 1), bad_witness]).into_bytes(),
        ),
        (
            "two-of-three",
            "a-witness-twice",
            signed(&text, vec![log_line(), cosign(1, 8), cosign(1, 9), cosign(3, 7), cosign(3, 6)]).into_bytes(),
        ),
        ("two-of-three", "another-time", signed(&text, vec![log_line(), cosign(1, 1), other_time]).into_bytes()),
        ("two-of-three", "cosignature-too-short", signed(&text, vec![log_line(), cosign(1, 1), short]).into_bytes()),
        ("two-of-three", "cosignature-at-0", signed(&text, vec![log_line(), cosign(1, 1), at_zero]).into_bytes()),
        ("log", "empty-root-of-another-size", signed(&odd, vec![log_key(ORIGIN, 1).sign(&odd)]).into_bytes()),
        ("log", "empty-text", signed("\n", vec![log_key(ORIGIN, 1).sign("\n")]).into_bytes()),
        ("another-log", "log-not-listed", good.clone().into_bytes()),
        ("same-key-another-name", "key-under-another-name", good.clone().into_bytes()),
        ("log", "signature-changed", signed(&text, vec![forged.clone()]).into_bytes()),
        ("log", "one-good-one-bad-line", signed(&text, vec![log_line(), forged]).into_bytes()),
        ("log", "line-of-a-stranger-too", signed(&text, vec![foreign.sign(&text), log_line()]).into_bytes()),
        ("log", "size-changed", changed("\n11\n", "\n12\n")),
        ("log", "leading-zero", changed("\n11\n", "\n011\n")),
        ("log", "extension-line", signed(&extended, vec![log_key(ORIGIN, 1).sign(&extended)]).into_bytes()),
        ("log", "no-final-newline", good.trim_end().as_bytes().to_vec()),
        ("log", "carriage-returns", good.replace('\n', "\r\n").into_bytes()),
        ("log", "hyphen", changed("—", "-")),
        ("log", "no-signature", format!("{text}\n").into_bytes()),
        ("log", "not-utf-8", [good.as_bytes(), b"\xff"].concat()),
    ]
}

fn judged(policy: &str, note: &[u8]) -> Value {
    let trusted = match TrustPolicy::of_reader(policy).expect("a policy").open(note) {
        Ok(trusted) => trusted,
        Err(error) => return json!({"code": error.code().name}),
    };
    let witnesses = trusted.witnesses().iter();
    let witnesses = witnesses.map(|one| json!({"name": one.name().as_str(), "time": one.time().unix_seconds()}));
    json!({"code": "ok", "origin": trusted.origin().as_str(), "size": trusted.head().size.get(),
        "root": trusted.head().root.hash().to_hex(), "witnesses": witnesses.collect::<Vec<_>>()})
}

fn bad_policies() -> Value {
    let log = format!("log {}\n", log_key(ORIGIN, 1).vkey());
    let witness = |n: u8| format!("witness w{n} {}\n", witness_key(n).vkey());
    let rows = [
        ("no quorum", log.clone()),
        ("two quorums", format!("{log}quorum none\nquorum none\n")),
        ("no log", "quorum none\n".to_owned()),
        ("log twice", format!("{log}{log}quorum none\n")),
        ("unknown word", format!("{log}logs x\nquorum none\n")),
        ("quorum not defined", format!("{log}quorum w1\n")),
        ("group before its member", format!("{log}group g any w1\n{}quorum g\n", witness(1))),
        ("threshold above members", format!("{log}{}group g 2 w1\nquorum g\n", witness(1))),
        ("threshold 0", format!("{log}{}group g 0 w1\nquorum g\n", witness(1))),
        ("member of two groups", format!("{log}{}group g any w1\ngroup h any w1 g\nquorum h\n", witness(1))),
        ("name twice", format!("{log}{}{}quorum w1\n", witness(1), witness(2).replace("w2 ", "w1 "))),
        ("name none", format!("{log}{}quorum none\n", witness(1).replace("w1 ", "none "))),
        ("witness key as log", format!("log {}\nquorum none\n", witness_key(1).vkey())),
        ("carriage return", format!("{log}quorum none\r\n")),
        ("control character in a comment", format!("# \u{7f}\n{log}quorum none\n")),
        ("log with a word more", format!("{} https://log.example more\nquorum none\n", log.trim_end())),
        ("quorum with a word more", format!("{log}{}quorum w1 w1\n", witness(1))),
        ("quorum of nothing", format!("{log}quorum\n")),
        ("group without members", format!("{log}group g all\nquorum g\n")),
        ("member twice in one group", format!("{log}{}group g any w1 w1\nquorum g\n", witness(1))),
        ("threshold with a zero before it", format!("{log}{}group g 01 w1\nquorum g\n", witness(1))),
        ("one key under two names", format!("{log}log {}\nquorum none\n", log_key("log.example/other", 1).vkey())),
    ];
    let row = |(name, text): (&str, String)| {
        let error = TrustPolicy::of_reader(&text).expect_err(name);
        json!({"name": name, "text": text, "code": error.code().name, "line": error.line})
    };
    rows.map(row).to_vec().into()
}

/// Spellings of a policy that are read, and how many logs and witnesses it then has.
fn odd_policies() -> Value {
    let log = format!("log {}", log_key(ORIGIN, 1).vkey());
    let witness = format!("witness w1 {}", witness_key(1).vkey());
    let rows = [
        ("no newline at the end", format!("{log}\nquorum none")),
        ("tabs, blanks at both ends, empty lines", format!("\n \t{log}\t \n\n\tquorum \t none \n")),
        ("a comment behind blanks", format!("  # here\n{log}\n#quorum x\nquorum none\n")),
        ("any word is a URL", format!("{log} x\n{witness} #y\nquorum w1\n")),
        ("a blank of Unicode is no blank", format!("{log} a\u{a0}b\nquorum none\n")),
        ("a key may bear the name of a group", format!("{log}\n{witness}\ngroup {ORIGIN} all w1\nquorum {ORIGIN}\n")),
    ];
    let row = |(name, text): (&str, String)| {
        let policy = TrustPolicy::of_reader(&text).expect(name);
        json!({"name": name, "text": text, "logs": policy.logs().count()})
    };
    rows.map(row).to_vec().into()
}

pub fn files() -> Files {
    let policies = policies();
    let mut files = Files::new();
    let mut rows = Vec::new();
    for (policy, name, note) in notes() {
        let text = &policies.iter().find(|(known, _)| *known == policy).expect("a policy").1;
        let mut row = judged(text, &note);
        row["file"] = format!("notes/{name}.note").into();
        row["policy"] = format!("notes/{policy}.policy").into();
        rows.push(row);
        files.insert(format!("notes/{name}.note"), note);
    }
    files.extend(policies.into_iter().map(|(name, text)| (format!("notes/{name}.policy"), text.into_bytes())));
    files.insert(
        "notes.json".to_owned(),
        json_file(&json!({"notes": rows, "odd_policies": odd_policies(), "refused_policies": bad_policies()})),
    );
    files
}
