//! Vectors of entries and receipts roots, and the CDDL held against the code.

use std::collections::BTreeSet;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::to_compact;
use pulselog::artifact::receipts_root::{ReceiptsRoot, leaf_input, leaf_inputs};
use pulselog::entry::SequencedEntry;
use pulselog::merkle::leaf_hash;
use serde_json::{Value, json};

use crate::make::{did, project};
use crate::vectors::artifacts::{artifacts, entry_of, parsed};
use crate::vectors::{Files, hex, json_file};

fn entry_row(name: &str, text: &str) -> Value {
    let entry = entry_of(name, text);
    let mut row = json!({
        "artifact": format!("artifacts/{name}"),
        "hex": hex(&entry.encode()),
        "leaf_hash": entry.leaf_hash().hash().to_hex(),
        "kind": entry.kind.name(),
        "digest": entry.digest.to_string(),
        "body_bytes": entry.body_bytes,
        "submitter": entry.submitter.as_str(),
        "logged_at": entry.logged_at.unix_ms(),
    });
    if let Some(signer) = &entry.signer {
        row["signer"] = signer.as_str().into();
    }
    if let Some(receipts) = &entry.receipts {
        row["receipts_root"] = hex(&receipts.root).into();
        row["receipts_count"] = receipts.count.into();
    }
    row
}

/// One value of a map, in bytes.
fn head(major: u8, value: usize) -> Vec<u8> {
    match value {
        0..24 => vec![major | value as u8],
        24..256 => vec![major | 24, value as u8],
        _ => [&[major | 25][..], &(value as u16).to_be_bytes()].concat(),
    }
}

fn text(value: &str) -> Vec<u8> {
    [head(0x60, value.len()), value.as_bytes().to_vec()].concat()
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [head(0x40, value.len()), value.to_vec()].concat()
}

fn number(value: usize) -> Vec<u8> {
    head(0, value)
}

/// Members of a good entry, to be changed.
fn members() -> Vec<(u8, Vec<u8>)> {
    let signer = did("agent");
    vec![
        (1, number(1)),
        (2, text("proof_bundle")),
        (3, bytes(&[0x11; 32])),
        (4, number(1200)),
        (5, text(&signer)),
        (6, text("tester")),
        (7, number(7)),
        (8, bytes(&[0x22; 32])),
        (9, number(6)),
    ]
}

fn map(members: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let inside = members.iter().flat_map(|(key, value)| [&[*key][..], value].concat());
    [head(0xa0, members.len()), inside.collect()].concat()
}

fn with(key: u8, value: Vec<u8>) -> Vec<u8> {
    let changed = members().into_iter().map(|(name, old)| (name, if name == key { value.clone() } else { old }));
    map(&changed.collect::<Vec<_>>())
}

fn without(keys: &[u8]) -> Vec<u8> {
    map(&members().into_iter().filter(|(key, _)| !keys.contains(key)).collect::<Vec<_>>())
}

fn bad_entries() -> Vec<(&'static str, Vec<u8>)> {
    let good = map(&members());
    let swapped = {
        let mut members = members();
        members.swap(2, 3);
        map(&members)
    };
    let doubled = {
        let mut members = members();
        members.insert(4, (4, number(1200)));
        map(&members)
    };
    let more = [members(), vec![(10, number(0))]].concat();
    vec![
        ("empty", Vec::new()),
        ("an array", vec![0x80]),
        ("cose_sign1", vec![0xd2, 0x84]),
        ("a byte behind", [&good[..], &[0]].concat()),
        ("a byte short", good[..good.len() - 1].to_vec()),
        ("keys not ascending", swapped),
        ("a key twice", doubled),
        ("a long head", with(1, vec![0x18, 0x01])),
        ("a long head of a text", with(6, [&[0x78, 6][..], b"tester"].concat())),
        ("indefinite length", [&[0xbf][..], &good[1..], &[0xff]].concat()),
        ("an unknown key", map(&more)),
        ("another version", with(1, number(2))),
        ("an unknown kind", with(2, text("scoped_token"))),
        ("an envelope type instead of the kind", with(2, text("work_policy_contract"))),
        ("a short digest", with(3, bytes(&[0x11; 31]))),
        ("a digest as text", with(3, text(&"1".repeat(32)))),
        ("a negative length", with(4, vec![0x20])),
        ("a signer of another method", with(5, text("did:web:agent.example"))),
        ("a signer with a letter that base58 has not", with(5, text(&format!("{}0", did("agent"))))),
        ("a signer of 31 bytes of key", with(5, text(&did_of(&[&[0xed, 1][..], &[7; 31]].concat())))),
        ("a signer of another kind of key", with(5, text(&did_of(&[&[0xe7, 1][..], &[7; 32]].concat())))),
        ("a signer of 300 bytes", with(5, text(&format!("did:key:z{}", "6".repeat(291))))),
        ("a submitter in upper case", with(6, text("Tester"))),
        ("no submitter", without(&[6])),
        ("no time", without(&[7])),
        ("root without count", without(&[9])),
        ("count without root", without(&[8])),
        ("no receipts counted", with(9, number(0))),
        ("receipts of another kind", with(2, text("approval"))),
    ]
}

/// What is an entry, and would be refused by a reader that asks more of it.
fn odd_entries() -> Vec<(&'static str, Vec<u8>)> {
    let most = [&[0x1b][..], &[0xff; 8]].concat();
    vec![
        ("no signer, of a kind that is never bare", without(&[5])),
        ("a signer whose bytes are no point", with(5, text(&did_of(&[&[0xed, 1][..], &[2; 32]].concat())))),
        ("a signer whose point has small order", with(5, text(&did_of(&[&[0xed, 1][..], &[0; 32]].concat())))),
        ("no bytes of body", with(4, number(0))),
        ("the beginning of 1970", with(7, number(0))),
        ("the last millisecond of 64 bits", with(7, most.clone())),
        ("as many receipts as 64 bits count", with(9, most)),
        ("a bundle without receipts", without(&[8, 9])),
    ]
}

fn did_of(bytes: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode(bytes).into_string())
}

fn entries() -> Value {
    let good: Vec<_> = artifacts().iter().map(|(name, text)| entry_row(name, text)).collect();
    let refused = bad_entries().into_iter().map(|(name, bytes)| {
        let error = SequencedEntry::decode(&bytes).expect_err(name);
        json!({"name": name, "hex": hex(&bytes), "code": error.code().name})
    });
    let refused: Vec<_> = refused.collect();
    assert!(SequencedEntry::decode(&map(&members())).is_ok());
    let odd = odd_entries().into_iter().map(|(name, bytes)| {
        assert_eq!(SequencedEntry::decode(&bytes).map(|entry| entry.encode()), Ok(bytes.clone()), "{name}");
        json!({"name": name, "hex": hex(&bytes)})
    });
    json!({"good": good, "odd": odd.collect::<Vec<_>>(), "refused": refused})
}

fn receipts_roots() -> Value {
    let bundles = artifacts().into_iter().filter(|(name, _)| name.starts_with("proof_bundle"));
    let row = |(name, text): (String, String)| {
        let bundle = parsed(&text);
        let payload = bundle.get("payload").expect("a payload");
        let mut inputs = leaf_inputs(payload).into_iter();
        let arrays = ["receipts", "tool_receipts", "side_effect_receipts", "human_approval_receipts"];
        let arrays = arrays.into_iter().chain(["delegation_receipts", "vir_receipts", "web_receipts"]);
        let places = arrays.flat_map(|array| {
            let items = payload.get(array).and_then(|items| items.as_array()).unwrap_or_default();
            items.iter().enumerate().map(move |(index, item)| (array, index, to_compact(item)))
        });
        let leaves: Vec<_> = places
            .map(|(array, index, compact)| {
                let digest = ArtifactDigest::of(compact.as_bytes());
                let input = leaf_input(array, index as u64, digest.as_bytes());
                assert_eq!(Some(&input), inputs.next().as_ref());
                json!({"array": array, "index": index, "digest": digest.to_string(), "input": hex(&input),
                    "leaf_hash": leaf_hash(&input).hash().to_hex()})
            })
            .collect();
        assert_eq!(inputs.next(), None);
        let root = ReceiptsRoot::of(payload);
        json!({"artifact": format!("artifacts/{name}"), "leaves": leaves,
            "root": root.map(|root| hex(&root.root)), "count": root.map_or(0, |root| root.count)})
    };
    bundles.map(row).collect()
}

pub fn files() -> Files {
    Files::from([
        ("entries.json".to_owned(), json_file(&entries())),
        ("receipts_roots.json".to_owned(), json_file(&receipts_roots())),
    ])
}

/// Keys of an encoded entry, in order. Knows the items that entries hold.
fn keys_of(bytes: &[u8]) -> Vec<u8> {
    let (mut keys, mut at) = (Vec::new(), 1);
    while at < bytes.len() {
        keys.push(bytes[at]);
        let (major, short) = (bytes[at + 1] >> 5, usize::from(bytes[at + 1] & 31));
        let (value, length) = match short {
            24 => (usize::from(bytes[at + 2]), 2),
            25 => (usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]), 3),
            26 => (0, 5),
            27 => (0, 9),
            short => (short, 1),
        };
        at += 1 + length + if matches!(major, 2 | 3) { value } else { 0 };
    }
    keys
}

/// The CDDL and the table of FORMATS 3.1 name the keys that entries have.
#[test]
fn cddl_and_table_name_the_keys_of_entries() {
    let entries: Vec<_> = artifacts().iter().map(|(name, text)| keys_of(&entry_of(name, text).encode())).collect();
    let all: BTreeSet<u8> = entries.iter().flatten().copied().collect();
    let always: BTreeSet<u8> =
        all.iter().copied().filter(|key| entries.iter().all(|keys| keys.contains(key))).collect();
    let cddl = std::fs::read_to_string(project("schemas/entry.cddl")).expect("the CDDL");
    let rows = cddl.lines().map(|line| line.split(';').next().unwrap_or_default().trim());
    let (mut named, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let is_optional = row.starts_with('?');
        let Some((key, _)) = row.trim_start_matches(['?', ' ']).split_once(" =>") else { continue };
        let Ok(key) = key.trim().parse::<u8>() else { continue };
        named.insert(key);
        if !is_optional {
            needed.insert(key);
        }
    }
    // The pair of 8 and 9 is a group of its own in the CDDL.
    needed.retain(|key| ![8, 9].contains(key));
    assert_eq!((&named, &needed), (&all, &always));
    let page = std::fs::read_to_string(project("docs/FORMATS.md")).expect("FORMATS.md");
    let table = page.split_once("### 3.1").expect("3.1").1.split_once("### 3.2").expect("3.2").0;
    let keys = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u8>().ok());
    assert_eq!(keys.collect::<BTreeSet<_>>(), all);
    let example = artifacts().into_iter().find(|(name, _)| name == "proof_bundle.json").expect("a bundle");
    let printed = hex(&entry_of(&example.0, &example.1).encode());
    assert!(page.replace('\n', "").contains(&printed), "FORMATS 3.5 prints the entry");
}

/// The names of the CDDL's kinds are the table's.
#[test]
fn cddl_names_every_kind() {
    let cddl = std::fs::read_to_string(project("schemas/entry.cddl")).expect("the CDDL");
    let kinds = cddl.split_once("kind =").expect("kinds").1.split_once("\n\n").expect("an end").0;
    let named: BTreeSet<_> = kinds.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let known: BTreeSet<_> = pulselog::artifact::KINDS.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(named, known);
}
