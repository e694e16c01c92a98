//! Vectors of single values: JSON, texts, keys, hashes inside payloads.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{parse, to_compact, to_jcs};
use pulselog::artifact::shape::{Shape, Text, check};
use pulselog::artifact::spelling::is_spelled;
use pulselog::artifact::{Did, op_key, scope_hash_b64u};
use pulselog::note::{KeyName, KeyType, VerifierKey};
use serde_json::{Value, json};

use crate::make::{did, key, value};
use crate::vectors::{Files, hex, json_file};

/// Inputs of the strict parser, good and bad.
const TEXTS: &[(&str, &[u8])] = &[
    ("layout", b" { \"b\" : [ 1 , true , null ] ,\r\n\t\"a\" : \"x\" } "),
    ("index names first", br#"{"b":1,"10":2,"a":3,"9":4,"01":5,"4294967294":6,"4294967295":7,"-1":8,"":9}"#),
    ("escapes", br#"{"t":"\u0000\b\t\n\f\r\u001f\u007f\"\\\/\u2028\u00e9\ud83d\ude00"}"#),
    ("numbers", b"[0,-0,1.0,1E3,-1.5e-3,0.1,1e-6,1e-7,123456789.125,5e-324,1.7976931348623157e-300]"),
    ("large numbers", b"[9007199254740991,-9007199254740991,9007199254740990.5,4503599627370495.5,1e15]"),
    ("more digits than a double has", b"[0.1000000000000000055511151231257827,4.35,2.2250738585072011e-308]"),
    ("sorted by utf-16", "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"z\":{\"b\":1,\"a\":2}}".as_bytes()),
    ("scalar", b"\"x\""),
    ("not utf-8", b"\"\xff\""),
    ("encoded surrogate", b"\"\xed\xa0\x80\""),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("empty", b""),
    ("ends inside", b"{\"a\":"),
    ("two values", b"{} {}"),
    ("name twice", br#"{"a":{"b":1,"\u0062":2}}"#),
    ("lone surrogate", br#"["\ud800"]"#),
    ("low surrogate first", br#"["\udc00\ud800"]"#),
    ("beyond a double", b"[1e309]"),
    ("unsafe", b"[9007199254740992]"),
    ("unsafe with a point", b"[9007199254740993.0]"),
    ("unsafe with an exponent", b"[1e16]"),
    ("underflow", b"[1e-400]"),
    ("leading zero", b"[01]"),
    ("plus", b"[+1]"),
    ("bare point", b"[1.]"),
    ("not a number", b"[NaN]"),
    ("comma at the end", b"[1,]"),
    ("control character", b"[\"a\tb\"]"),
    ("unknown escape", br#"["\x41"]"#),
    ("single quotes", b"['a']"),
];

fn parsed(name: &str, input: &[u8]) -> Value {
    let mut row = match std::str::from_utf8(input) {
        Ok(text) => json!({"name": name, "input": text}),
        Err(_) => json!({"name": name, "input_hex": hex(input)}),
    };
    match parse(input, 64) {
        Ok(value) => {
            let compact = to_compact(&value);
            row["sha256"] = ArtifactDigest::of(compact.as_bytes()).to_string().into();
            row["compact"] = compact.into();
            row["jcs"] = to_jcs(&value).into();
        }
        Err(error) => row["code"] = error.code().name.into(),
    }
    row
}

fn json_texts() -> Value {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    let rows = TEXTS.iter().map(|(name, input)| parsed(name, input));
    rows.chain([parsed("64 deep", &nested(64)), parsed("65 deep", &nested(65))]).collect()
}

/// Rules of texts, each with texts at its edges.
const RULES: &[(&str, Text, &[&str])] = &[
    ("text(1..4)", Text::Plain { min: 1, max: 4 }, &["", "a", "abcd", "abcde", "éé", "ééé"]),
    ("id", Text::Id, &["job_1", "a b", " a", "a ", "", "a\u{200b}b", "a\tb", "é", "\u{e0001}"]),
    (
        "did",
        Text::Did,
        &["did:key:z6Mk", "did:web:a.example:x%20", "did:Key:x", "did:key:", "did::x", "key:x", "did:a:b/c"],
    ),
    ("did_key", Text::DidKey, &["did:key:z6Mk", "did:key:x", "did:web:z"]),
    ("hex16", Text::Kid, &["0123456789abcdef", "0123456789ABCDEF", "0123456789abcde"]),
    (
        "b64u(8..1024)",
        Text::B64u { min: 8 },
        &["c2FsdHNhbHQ", "AAAAAAAA", "AAAAAAA", "AAAAAAAAA", "AAAAAAAAAB", "AAAAAAAAAA", "AAAA+AAA", "AAAAAAAAAA=="],
    ),
    (
        "b64u43",
        Text::B64u43,
        &[
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ],
    ),
    (
        "time",
        Text::Time,
        &[
            "2026-02-12T00:00:00Z",
            "2026-02-12T00:00:00.1Z",
            "2024-02-29T23:59:59.999Z",
            "2026-02-29T00:00:00Z",
            "2026-02-12T00:00:60Z",
            "2026-02-12T24:00:00Z",
            "2026-02-12T00:00:00.1234Z",
            "2026-02-12T00:00:00.Z",
            "2026-02-12t00:00:00z",
            "2026-02-12T00:00:00+00:00",
        ],
    ),
    (
        "peer_time",
        Text::PeerTime,
        &[
            "2026-02-12T00:00:00Z",
            "2026-02-12 00:00:00.123456789z",
            "2000-02-29t12:00:00.5+01:00",
            "2026-02-12T00:00:00",
            "2026-02-12",
            "2026-02-12T00:00:00+24:00",
            "2026-02-12T00:00:00+1:00",
            "2026-13-01T00:00:00Z",
        ],
    ),
    ("dns1123", Text::Dns1123, &["payments-api", "a.b-c.9", "0", "", "-a", "a-", "a..b", "A", "a_b", "*"]),
    ("submitter", Text::Submitter, &["observer-prod", "a.b_c-9", "", "A", "a b"]),
    ("origin", Text::Origin, &["log.example/x", "a+b", "a b", "é", ""]),
    (
        "digits",
        Text::Digits,
        &["0", "00", "12345678901234567890123456789012", "123456789012345678901234567890123", "-1", ""],
    ),
    (
        "eip155",
        Text::Eip155,
        &[
            "eip155:1:0x00000000000000000000000000000000000000Ff",
            "eip155:1:00",
            "eip155::0x0000000000000000000000000000000000000000",
        ],
    ),
    ("relative_path", Text::RelativePath, &["a/b", "a/..b", "../a", "a/..", "/a", "~a", "a\\b", ""]),
];

fn texts() -> Value {
    let accepts = |rule: Text, text: &str| {
        let spelled = rule != Text::Id || is_spelled(text);
        spelled && check(&Shape::Text(rule), &text.into()).is_ok()
    };
    let row = |(name, rule, texts): &(&str, Text, &[&str])| {
        let (good, bad): (Vec<&str>, Vec<&str>) = texts.iter().partition(|text| accepts(*rule, text));
        assert!(!good.is_empty() && !bad.is_empty(), "{name}");
        json!({"rule": name, "accepted": good, "refused": bad})
    };
    RULES.iter().map(row).collect()
}

fn did_of(bytes: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode([&[0xed, 0x01], bytes].concat()).into_string())
}

fn keys() -> Value {
    let seeds = ["operator", "agent", "gateway", "issuer", "approver", "wrapper", "observer"];
    let dids = seeds.map(|seed| {
        let key = key(seed);
        json!({"name": seed, "seed_hex": hex(&key.to_bytes()), "public_key_hex": hex(key.verifying_key().as_bytes()),
            "did": did(seed)})
    });
    let mut one = [0; 32];
    one[0] = 1;
    let mut signed_one = one;
    signed_one[31] = 0x80;
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xf0, 0x7f);
    let bad = [
        did_of(&[7; 31]),
        did_of(&[7; 33]),
        did_of(&[2; 32]),
        did_of(&one),
        did_of(&signed_one),
        did_of(&[0; 32]),
        did_of(&unreduced),
        "did:web:gateway.example".to_owned(),
        "did:key:z0OIl".to_owned(),
    ];
    let refused = bad.map(|did| {
        let error = Did::parse(&did).and_then(|parsed| parsed.key().map(|_| ())).expect_err("refused");
        json!({"did": did, "code": error.code().name})
    });
    json!({"dids": dids, "refused": refused, "vkeys": vkeys(), "refused_vkeys": refused_vkeys()})
}

fn vkeys() -> Value {
    let of = |name: &str, key_type: KeyType| {
        let name = KeyName::parse(name).expect("a name");
        let vkey = VerifierKey::new(name.clone(), key_type, key("agent").verifying_key().as_bytes()).expect("a key");
        json!({"name": name.as_str(), "type": key_type.byte(), "key_id": vkey.key_id().to_string(),
            "public_key_hex": hex(vkey.public_key()), "vkey": vkey.to_string()})
    };
    json!([of("log.example/test", KeyType::Ed25519), of("witness.example/w1", KeyType::CosignatureV1)])
}

fn refused_vkeys() -> Value {
    let good = vkeys()[0]["vkey"].as_str().expect("a vkey").to_owned();
    let bad = [
        good.replacen("log", "lag", 1),
        good.replacen('+', " +", 1),
        good.replacen("+A", "+C", 1).replacen("+B", "+D", 1),
        good.trim_end_matches('=').to_owned() + "A",
        good.split_once('+').expect("a plus").0.to_owned(),
    ];
    let row = |vkey: String| {
        let error = VerifierKey::parse(&vkey).expect_err(&vkey);
        json!({"vkey": vkey, "code": error.code().name})
    };
    bad.into_iter().map(row).collect()
}

/// Claims of grants, with what trimming and sorting must do.
const CLAIMS: &[&str] = &[
    r#"{"token_version":"1","sub":"did:key:z6Mk","aud":"a","scope":["b","a"],"iat":1,"exp":2,"mission_id":"job_1"}"#,
    r#"{"token_version":"1","sub":" x ","aud":["b"," a","a",""],"scope":["\ufb33","\ud83d\ude00"],"iat":1,"exp":2,
        "mission_id":"\ufeffjob_1\u00a0","owner_ref":"\u0085o","policy_hash_b64u":" ","spend_cap":2.50,
        "delegation_spend_cap_minor":"0012","delegation_expires_at":1795436100.5,"jti":"left out"}"#,
];

fn hashes() -> Value {
    let grants = CLAIMS.iter().map(|claims| {
        let claims = value(claims);
        json!({"claims": to_compact(&claims), "token_scope_hash_b64u": scope_hash_b64u(&claims)})
    });
    let digest = crate::make::hex("operation");
    let op_keys = ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.123Z"].map(|started| {
        let (instance, uid) = ("argocd-prod", "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11");
        json!({"instance": instance, "app_uid": uid, "started_at": started, "operation_digest": digest,
            "op_key": op_key(instance, uid, started, &digest)})
    });
    json!({"grants": grants.collect::<Vec<_>>(), "op_keys": op_keys})
}

pub fn files() -> Files {
    Files::from([
        ("json.json".to_owned(), json_file(&json_texts())),
        ("texts.json".to_owned(), json_file(&texts())),
        ("keys.json".to_owned(), json_file(&keys())),
        ("hashes.json".to_owned(), json_file(&hashes())),
    ])
}
