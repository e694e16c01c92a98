//! Vectors of strict Ed25519: signatures that some verifiers take and this one
//! does not. Made once by curve arithmetic from the seed 0909…09 (the last two
//! keys with a point of order 8 added); the verdict is the code's.

use pulselog::note::{KeyName, KeyType, NoteSignature, SignedNote, VerifierKey};
use serde_json::{Value, json};

use crate::vectors::{Files, hex, json_file};

const KEY: &str = "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618";
const MIXED: &str = "641034cc8126e0c47b25ead437da64962a17840ca764095da5131a7a2aaf92ee";

/// Name, key, number in the message, R, S.
const CASES: &[(&str, &str, u8, &str, &str)] = &[
    (
        "good",
        KEY,
        0,
        "65cac71e788a7bfabf9f4fb8b8fc2a1167d2e5c8bc657723a814b30d27e37906",
        "f8c41be6de77e833560a8d75335ebd36f760c951a5512bd2b876c8ab7e9a0408",
    ),
    (
        "S plus the group order",
        KEY,
        0,
        "65cac71e788a7bfabf9f4fb8b8fc2a1167d2e5c8bc657723a814b30d27e37906",
        "e5981143f9dafa8b2ca7841812589c4bf760c951a5512bd2b876c8ab7e9a0418",
    ),
    (
        "R is the identity",
        KEY,
        0,
        "0100000000000000000000000000000000000000000000000000000000000000",
        "7bcf2f632d83f79dfbc629fa01d8f31acd3675a233562b401232ff9aac84e40b",
    ),
    (
        "R is the identity, with a sign bit",
        KEY,
        0,
        "0100000000000000000000000000000000000000000000000000000000000080",
        "fb71289925e6fc0c7191a1e3c08df4a71f5a916acd82ff76bc8f818b34570a02",
    ),
    (
        "R is the identity, y above the prime",
        KEY,
        0,
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c9dd53cd3caa01e51d6645e464adfed4dc1b486b9b304e4a2c357d5478fb160b",
    ),
    (
        "R has a part of small order",
        KEY,
        0,
        "e9f6f3d7631c3e173b1cee550dc333db9f9a8676cc3408c28b20ccfc82d3dc2c",
        "0d5f0d1268df8ae6ecaef39d25bc012088486519834d86c3e3ecebab2dfc9300",
    ),
    (
        "R is no point",
        KEY,
        0,
        "0200000000000000000000000000000000000000000000000000000000000000",
        "a66ca7de9e44c166b1596d22c001f38430122beacda3b93077bcc98e8d42560b",
    ),
    (
        "the key has a part of small order, only the equation with the cofactor holds",
        MIXED,
        3,
        "288eac9ff0067977e1f006971c1fcc19346abcb8efa9e04efa4b71cf78cdea77",
        "2024c21f3278111687d4131dc51e1d23b880abc088871dee4f26155a33b63507",
    ),
    (
        "the key has a part of small order, which this message takes away",
        MIXED,
        5,
        "be75a24499d0ba69cdefa5d1591197e3927001c540a74c10d8fba2332416b9f7",
        "226a756201c9857777c78701dedf8a2b799f5fd16dc2a40bfe50f7fd635dda0e",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn row((name, key, number, r, s): &(&str, &str, u8, &str, &str)) -> Value {
    let message = format!("signature {number}\n");
    let public: [u8; 32] = bytes(key).try_into().expect("32 bytes");
    let named = KeyName::parse("signer.example").expect("a name");
    let vkey = VerifierKey::new(named.clone(), KeyType::Ed25519, &public).expect("a key");
    let body = [bytes(r), bytes(s)].concat();
    let signature = hex(&body);
    let line = NoteSignature { name: named, key_id: vkey.key_id(), body };
    let code = vkey.verify(&SignedNote::assemble(&message, vec![line]).expect("a note"));
    json!({"name": name, "public_key_hex": key, "message": message, "signature_hex": signature,
        "code": code.map_or_else(|error| error.code().name, |()| "ok")})
}

pub fn files() -> Files {
    let rows: Vec<_> = CASES.iter().map(row).collect();
    Files::from([("signatures.json".to_owned(), json_file(&rows.into()))])
}
