//! JSON, base64, times and keys: the vectors, and texts at the edges.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use pulselog::artifact::Did;
use pulselog::note::VerifierKey;
use serde_json::{Value, json};

use super::verdicts::of_json;
use super::{Ask, golden_json, hex, refused, rows, text_of, unhex};

/// Spellings of JSON that the vectors leave out.
const TEXTS: &[&str] = &[
    "{\"__proto__\":{\"a\":1},\"constructor\":2,\"toJSON\":3}",
    "{\"__proto__\":1,\"__proto__\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"4294967294\":1,\"4294967295\":2,\"0\":3,\"00\":4,\"-0\":5,\"1e3\":6}",
    "[\"\\ud83d\\ude00\",\"\\u2028\",\"\u{2029}\",\"\\/\",\"\\u007f\"]",
    "[\"\\ude00\\ud83d\"]",
    "[\"\\uD83D\\u0041\"]",
    "[\"\\ud83d\u{1f600}\"]",
    "[\"\\u00zz\"]",
    "[\"\\",
    "[\"\\\"",
    "[\"\u{1}\"]",
    "[\"\u{7f}\u{80}\"]",
    "\u{feff}[]",
    "[]\u{feff}",
    "[\u{a0}1]",
    "[\u{b}1]",
    "[\u{c}1]",
    "[1]\0",
    "[1 2]",
    "[1,,2]",
    "[,1]",
    "[",
    "]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "{]",
    "[}",
    "truefalse",
    "True",
    "nul",
    "null",
    "-",
    "-0",
    "-0.0e-5",
    "0e999",
    "1e",
    "1e+",
    "1.e1",
    "-01",
    "0x10",
    "1_000",
    "Infinity",
    "// a\n1",
    "9007199254740991",
    "9007199254740992",
    "-9007199254740991.0",
    "9007199254740991.4999",
    "9007199254740991.5",
    "1e22",
    "1e300",
    "123456789012345680000",
    "0.1e17",
    "5e-324",
    "2e-324",
    "1e-400",
    "0.0000000000e-400",
    "0.00000000001e-400",
    "1.7976931348623159e308",
    "0.000001",
    "0.0000001",
    "1.5e-7",
    "4.35e2",
    "  \t\r\n1\n",
];

/// Base64 that a lenient decoder takes, and some that is good.
const CODED: &[&str] = &[
    "",
    "AA",
    "AA==",
    "AA=",
    "AB==",
    "AAA=",
    "AAB=",
    "AAA",
    "AAAA",
    "AAAA=",
    "AAAA==",
    "====",
    "=",
    "A===",
    "A",
    "A=A=",
    "AA==AA==",
    " AAAA",
    "AAAA ",
    "AA\nAA",
    "AA AA",
    "AAAA\n",
    "+/+/",
    "-_-_",
    "AA-A",
    "AA+A",
    "QUJD",
    "QUJDRA==",
    "QUJDRA",
    "\u{c1}AAA",
    "AAAA\0",
    "A\u{200b}AAA",
    "zz==",
    "zw==",
    "zw",
];

const TIMES: &[&str] = &[
    "0000-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2000-02-29T23:59:59+23:59",
    "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T00:00:00-24:00",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.123456789012345Z",
    "2026-01-01T00:00:00.12345678901234Z",
    "2026-01-01T00:00:00.123456789+01:00\n",
    "2026-01-01T00:60:00Z",
    "\u{663}026-01-01T00:00:00Z",
    "2026-01-01_00:00:00Z",
];

fn json_asks() -> Vec<Ask> {
    let vectors = golden_json("json.json");
    let mut asks: Vec<_> = rows(&vectors)
        .iter()
        .map(|row| {
            let bytes =
                row["input"].as_str().map_or_else(|| unhex(text_of(row, "input_hex")), |text| text.as_bytes().to_vec());
            of_json(text_of(row, "name"), &bytes)
        })
        .collect();
    asks.extend(TEXTS.iter().map(|text| of_json(*text, text.as_bytes())));
    let bytes: [&[u8]; 5] = [b"\"\xc0\x80\"", b"\"\xf4\x90\x80\x80\"", b"\"\xe2\x82\"", b"\xfe\xff", b"[1]\xff"];
    asks.extend(bytes.iter().map(|bytes| of_json("bytes", bytes)));
    let deep = |open: &str, close: &str, depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        asks.extend([64, 65, 100_000].map(|depth| of_json("deep", deep(open, close, depth).as_bytes())));
    }
    if let Some(folder) = crate::make::shared("jcs/testdata/input") {
        let files = std::fs::read_dir(folder).expect("a folder").flatten();
        asks.extend(files.map(|file| of_json("jcs", &std::fs::read(file.path()).expect("readable"))));
    }
    asks
}

fn coded_asks() -> Vec<Ask> {
    let of = |ask: &str, text: &str, decoded: Option<Vec<u8>>| {
        let verdict = decoded.map_or_else(refused, |bytes| json!({"ok": true, "hex": hex(bytes)}));
        Ask::new(text, json!({"ask": ask, "text": text}), verdict)
    };
    let each = |text: &&str| {
        [
            of("base64", text, Base64::decode_vec(text).ok()),
            of("base64url", text, Base64UrlUnpadded::decode_vec(text).ok()),
        ]
    };
    CODED.iter().flat_map(each).collect()
}

fn time_asks() -> Vec<Ask> {
    let vectors = golden_json("texts.json");
    let rule = rows(&vectors).iter().find(|row| row["rule"] == "peer_time").expect("peer_time");
    let mut texts: Vec<&str> = TIMES.to_vec();
    for side in ["accepted", "refused"] {
        texts.extend(rows(&rule[side]).iter().map(|text| text.as_str().expect("a text")));
    }
    use pulselog::artifact::shape::{Shape, Text, check};
    let of = |text: &str| {
        let holds = check(&Shape::Text(Text::PeerTime), &text.into()).is_ok();
        Ask::new(text, json!({"ask": "time", "text": text}), json!({"ok": holds}))
    };
    texts.into_iter().map(of).collect()
}

fn did_ask(did: &str) -> Ask {
    let read = Did::parse(did).ok().and_then(|did| did.key().ok().map(|key| hex(key.as_bytes())));
    let verdict = read.map_or_else(refused, |key| json!({"ok": true, "hex": key}));
    Ask::new(did, json!({"ask": "did", "did": did}), verdict)
}

fn vkey_ask(vkey: &str) -> Ask {
    let verdict = VerifierKey::parse(vkey).map_or_else(
        |_| refused(),
        |read| {
            json!({"ok": true, "name": read.name().as_str(), "id": read.key_id().to_string(),
                "type": read.key_type().byte(), "hex": hex(read.public_key())})
        },
    );
    Ask::new(vkey, json!({"ask": "vkey", "vkey": vkey}), verdict)
}

fn key_asks() -> Vec<Ask> {
    let vectors = golden_json("keys.json");
    let of = |list: &str, name: &str| -> Vec<String> {
        rows(&vectors[list]).iter().map(|row: &Value| text_of(row, name).to_owned()).collect()
    };
    let mut dids = [of("dids", "did"), of("refused", "did")].concat();
    let good = dids[0].clone();
    dids.extend([
        good.replace("z6Mk", "z16Mk"),
        format!("{good}1"),
        good[..good.len() - 1].to_owned(),
        format!("{good} "),
        good.replace("did:key:", "did:key"),
        format!("did:key:z{}", "1".repeat(300)),
        "did:key:z".to_owned(),
        String::new(),
    ]);
    let typed = |kind: u8, key: &[u8]| {
        use sha2::{Digest as _, Sha256};
        let id = Sha256::new().chain_update(b"k\n").chain_update([kind]).chain_update(key).finalize();
        format!("k+{}+{}", hex(&id[..4]), Base64::encode_string(&[&[kind][..], key].concat()))
    };
    let key = unhex(text_of(&rows(&vectors["dids"])[0], "public_key_hex"));
    let mut vkeys = [of("vkeys", "vkey"), of("refused_vkeys", "vkey")].concat();
    let good = vkeys[0].clone();
    vkeys.extend([
        good.to_uppercase(),
        format!("{good}\n"),
        format!(" {good}"),
        good.replacen("log", "l\u{a0}g", 1),
        good.replacen("log", "l\u{85}g", 1),
        good.replacen("log", "", 1),
        format!("+{good}"),
        typed(1, &key),
        typed(4, &key),
        typed(0, &key),
        typed(2, &key),
        typed(6, &key),
        typed(1, &key[1..]),
        typed(1, &[&key[..], &[0]].concat()),
        typed(1, &[2; 32]),
        typed(4, &[0; 32]),
        typed(1, &[0xff; 32]),
        String::new(),
    ]);
    dids.iter().map(|did| did_ask(did)).chain(vkeys.iter().map(|vkey| vkey_ask(vkey))).collect()
}

pub fn asks() -> Vec<Ask> {
    [json_asks(), coded_asks(), time_asks(), key_asks()].into_iter().flatten().collect()
}
