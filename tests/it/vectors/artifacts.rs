//! Vectors of artifacts: one of each form, with everything that is derived
//! from it.

use pulselog::artifact::json::{Value as Json, to_compact};
use pulselog::artifact::{Admitted, Kind};
use pulselog::entry::{LoggedAt, PendingEntry, SequencedEntry, SubmitterName};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::make::{
    admit_any, did, good, good_bare, good_payload, key, kind, project, readmit_any, seal_raw, set, signer_of, value,
};
use crate::vectors::{Files, hex, json_file};

pub const SUBMITTER: &str = "tester";
pub const LOGGED_AT: u64 = 1_795_430_400_000;

/// File name and text of an artifact that is good today, or was on its day.
pub fn artifacts() -> Vec<(String, String)> {
    let of_kinds = Kind::ALL.into_iter().map(|kind| (format!("{kind}.json"), good(kind)));
    let bare = Kind::ALL.into_iter().filter(|kind| kind.row().unsigned);
    let bare = bare.map(|kind| (format!("{kind}--bare.json"), good_bare(kind.name())));
    let earlier = std::fs::read_to_string(project("tests/golden/logged/argocd_observation-1.json")).expect("a golden");
    let others = [
        ("work_policy--registry-1.json", sealed("work_policy", REGISTRY_1)),
        ("work_policy--registry-2.json", sealed("work_policy", REGISTRY_2)),
        ("tool_receipt--2-co-signed.json", co_signed()),
        ("proof_bundle--one-receipt.json", bundle(&["receipts"], None)),
        ("proof_bundle--no-receipt.json", bundle(&[], None)),
        ("proof_bundle--opaque-receipts.json", bundle(&["tool_receipts"], Some(OPAQUE))),
        ("proof_bundle--broken-receipts.json", broken_inside()),
        ("argocd_observation--version-1.json", to_compact(&value(&earlier))),
    ];
    of_kinds.chain(bare).chain(others.map(|(name, text)| (name.to_owned(), text))).collect()
}

const REGISTRY_1: &str = r#"{"policy_version":"1","policy_id":"p","issuer_did":"did:web:x","allowed_providers":["openai"],
    "allowed_models":["gpt-*"],"metadata":{"z":1,"a":{"10":1,"9":2}}}"#;
const REGISTRY_2: &str = r#"{"policy_version":"2","policy_id":"p","issuer_did":"did:web:x","statements":[{"sid":"s","effect":"Deny",
    "actions":["*"],"resources":["**"],"conditions":{"StringEquals":{"Agent:DID":"x"}}}]}"#;
const OPAQUE: &str = r#"{"vir_receipts":[{"any":1},{"thing":"\u00e9"}],"web_receipts":[{"10":1,"9":2}]}"#;

fn sealed(name: &str, payload: &str) -> String {
    to_compact(&seal_raw(kind(name), value(payload), &key(signer_of(kind(name)))))
}

/// A bundle with these of the arrays of the good one, and more members.
fn bundle(arrays: &[&str], more: Option<&str>) -> String {
    let of = kind("proof_bundle");
    let mut payload = good_payload(of);
    for array in Kind::ALL.into_iter().filter_map(|kind| kind.row().bundle_array) {
        if !arrays.contains(&array) {
            set(&mut payload, array, None);
        }
    }
    let more = more.map(value);
    for (name, member) in more.iter().flat_map(|more| more.as_object().expect("an object").iter()) {
        set(&mut payload, name, Some(member.clone()));
    }
    to_compact(&seal_raw(of, payload, &key("agent")))
}

/// A bundle with an envelope that was changed, and one in another's array.
fn broken_inside() -> String {
    let of = kind("proof_bundle");
    let mut payload = good_payload(of);
    set(&mut payload, "receipts[0].payload.tokens_input", Some(121.into()));
    let side_effect = value(&good(kind("side_effect_receipt")));
    set(&mut payload, "tool_receipts[0]", Some(side_effect));
    to_compact(&seal_raw(of, payload, &key("agent")))
}

pub fn co_signed() -> String {
    let tool = kind("tool_receipt");
    let mut payload = good_payload(tool);
    for (name, text) in
        [("receipt_version", "2"), ("args_salt_b64u", "c2FsdHNhbHQ"), ("result_salt_b64u", "c2FsdHNhbHQ")]
    {
        set(&mut payload, name, Some(text.into()));
    }
    let other = seal_raw(tool, payload.clone(), &key("wrapper"));
    let co_signature = format!(
        r#"[{{"signature_b64u":"{}","algorithm":"Ed25519","signer_did":"{}","issued_at":"2026-11-22T12:00:00Z","role":"proxy"}}]"#,
        other.text_at("signature_b64u").expect("text"),
        did("wrapper")
    );
    let mut envelope = seal_raw(tool, payload, &key("agent"));
    set(&mut envelope, "co_signatures", Some(value(&co_signature)));
    to_compact(&envelope)
}

/// What a log made of the text, today or on its day.
pub fn admitted(name: &str, text: &str) -> Admitted<'static> {
    if !name.contains("--version-1") {
        return admit_any(text).expect(name);
    }
    let artifact = readmit_any(text).expect(name);
    let receipts = artifact.receipts_root();
    Admitted { artifact, receipts, expanded: Vec::new(), not_expanded: Vec::new(), redacted: Vec::new() }
}

pub fn entry_of(name: &str, text: &str) -> SequencedEntry {
    let admitted = admitted(name, text);
    let submitter = SubmitterName::parse(SUBMITTER).expect("a name");
    PendingEntry::new(admitted.artifact, admitted.receipts, submitter).sequence(LoggedAt::from_unix_ms(LOGGED_AT))
}

/// FORMATS 3.2, in bytes.
pub fn statement_key(entry: &SequencedEntry, payload_hash: &[u8; 32]) -> Vec<u8> {
    let signer = entry.signer.as_ref().map_or("", |did| did.as_str());
    let who = Sha256::digest([entry.kind.name().as_bytes(), &[0], signer.as_bytes()].concat());
    [&payload_hash[..], &who[..8]].concat()
}

fn row(name: &str, text: &str) -> Value {
    let (admitted, entry) = (admitted(name, text), entry_of(name, text));
    let artifact = &admitted.artifact;
    let codes = admitted.not_expanded.iter().map(|one| json!({"path": one.path, "code": one.code}));
    json!({
        "file": format!("artifacts/{name}"),
        "kind": artifact.kind().name(),
        "signer": artifact.signer().map(ToString::to_string),
        "compact_bytes": artifact.compact().len(),
        "artifact_digest": artifact.digest().to_string(),
        "payload_hash": artifact.payload_hash().to_string(),
        "payload_hash_b64u": artifact.payload_hash().to_b64u(),
        "submitter": SUBMITTER,
        "statement_key": hex(&statement_key(&entry, artifact.payload_hash().as_bytes())),
        "identity": hex(entry.identity().as_bytes()),
        "expanded": admitted.expanded.iter().map(|one| one.digest().to_string()).collect::<Vec<_>>(),
        "not_expanded": codes.collect::<Vec<_>>(),
        "taken_in_today": !name.contains("--version-1"),
    })
}

pub fn files() -> Files {
    let artifacts = artifacts();
    let rows: Vec<_> = artifacts.iter().map(|(name, text)| row(name, text)).collect();
    let lists = [("artifacts.json".to_owned(), json_file(&rows.into()))];
    let texts = artifacts.into_iter().map(|(name, text)| (format!("artifacts/{name}"), text.into_bytes()));
    texts.chain(lists).collect()
}

/// The entry that FORMATS 3.5 prints: in hex, and taken apart.
pub fn entry_example() -> String {
    let name = "proof_bundle.json";
    let entry = entry_of(name, &good(kind("proof_bundle")));
    let bytes = entry.encode();
    let lines: Vec<_> = bytes.chunks(32).map(hex).collect();
    let receipts = entry.receipts.as_deref().expect("receipts");
    let rows = [
        ("1", "01".to_owned(), "1".to_owned()),
        ("2", "6c ‖ text".to_owned(), format!("`{}`", entry.kind)),
        ("3", "58 20 ‖ bytes".to_owned(), format!("`{}`", entry.digest)),
        ("4", "19 ‖ 2 bytes".to_owned(), entry.body_bytes.to_string()),
        ("5", "78 38 ‖ text".to_owned(), format!("`{}`", entry.signer.as_ref().expect("a signer"))),
        ("6", "66 ‖ text".to_owned(), format!("`{}`", entry.submitter)),
        ("7", "1b ‖ 8 bytes".to_owned(), entry.logged_at.unix_ms().to_string()),
        ("8", "58 20 ‖ bytes".to_owned(), format!("`{}`", hex(&receipts.root))),
        ("9", "06".to_owned(), receipts.count.to_string()),
    ];
    let rows: String = rows.iter().map(|(key, bytes, is)| format!("| {key} | {bytes} | {is} |\n")).collect();
    format!(
        "```text\n{}\n```\n\n{} bytes, leaf hash `{}`. The head a9 is a map of nine; behind each key (01 to 09):\n\n\
         | key | bytes | value |\n|---|---|---|\n{rows}\nThe artifact is `artifacts/{name}` of the vectors.\n",
        lines.join("\n"),
        bytes.len(),
        entry.leaf_hash().hash().to_hex(),
    )
}

/// Whether FORMATS 3.2 is what the store files statements under.
#[cfg(feature = "server")]
#[test]
fn the_statement_key_of_the_formats_is_the_stores() {
    for (name, text) in artifacts() {
        let (admitted, entry) = (admitted(&name, &text), entry_of(&name, &text));
        let hash = admitted.artifact.payload_hash();
        let stores = pulselog::server::store::layout::statement_key(&hash, entry.kind, entry.signer.as_ref());
        assert_eq!(statement_key(&entry, hash.as_bytes()), stores, "{name}");
    }
}

/// A value of the vectors as the project reads it.
pub fn parsed(text: &str) -> Json<'static> {
    value(text)
}
