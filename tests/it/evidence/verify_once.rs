//! One reading a verification: a packet and the document beside it are
//! authenticated together, and each signature is checked once.

use std::collections::BTreeSet;

use pulselog::artifact::json::{self, Value};
use pulselog::protocol::{Document, Options as Protocol};
use pulselog::verify::Options;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::Packet;
use pulselog::verify::report::Outcome;

use crate::make::audit::{START_MS, operator};
use crate::make::evidence::{Kept, attested_log};

/// Every signature in a value, with what it is of and by whom.
pub fn signatures(value: &Value, found: &mut BTreeSet<[String; 3]>) {
    let names = ["signer_did", "payload_hash_b64u", "signature_b64u"];
    if let [Some(who), Some(what), Some(signature)] = names.map(|name| value.text_at(name)) {
        found.insert([who, what, signature].map(str::to_owned));
    }
    value.as_object().into_iter().flat_map(|object| object.iter()).for_each(|(_, member)| signatures(member, found));
    value.as_array().unwrap_or_default().iter().for_each(|item| signatures(item, found));
}

/// The bundle of the story beside its whole packet.
fn beside(kept: &Kept) -> (Judge, String) {
    let mut judge = Judge::new(Protocol::at(START_MS + 60_000));
    judge.operator = Some(operator());
    let files = kept.files(0..kept.size());
    judge.evidence = Evidence::Packet(Box::new(Packet::read(&files, &Kept::policy()).expect("in order")));
    let bundle = kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    (judge, bundle.1.clone())
}

#[test]
fn verifying_a_bundle_with_its_packet_checks_each_signature_once() {
    let kept = attested_log();
    let (judge, bundle) = beside(&kept);
    let mut all = BTreeSet::new();
    for (_, body) in &kept.entries {
        signatures(&json::parse(body.as_bytes(), json::DEPTH_MAX).expect("JSON"), &mut all);
    }
    // Parsed here, and never again: what follows takes the value.
    let file = json::parse(bundle.as_bytes(), json::DEPTH_MAX).expect("JSON");
    let document = Document::of(&file).expect("a bundle");
    let proof = judge.proof_of(&file).expect("its proof");
    let report = judge.prove(&file, &proof, Kept::policy_text().as_bytes(), &Options::default());
    assert_eq!(report.verdict, Outcome::Pass, "{report:#?}");
    let verification = judge.judge(&document).with_proof(report);
    assert_eq!(verification.exit_code(), 0, "{verification:#?}");
    let checks = judge.keys().checks();
    assert!(checks > kept.size() as u64 / 2, "only {checks} checks of {} signatures", all.len());
    assert!(checks <= all.len() as u64, "{checks} checks of {} signatures", all.len());
    // The same again checks none again.
    let _ = judge.judge(&document);
    assert_eq!(judge.keys().checks(), checks);
}

#[test]
fn a_value_is_proven_as_its_bytes_are() {
    let kept = attested_log();
    let (judge, bundle) = beside(&kept);
    let policy = Kept::policy_text();
    for (_, body) in &kept.entries {
        let file = json::parse(body.as_bytes(), json::DEPTH_MAX).expect("JSON");
        let proof = judge.proof_of(&file).expect("its proof");
        let own = pulselog::verify::artifact(Some(body.as_bytes()), &proof, policy.as_bytes(), &Options::default());
        let said = |report: &pulselog::verify::report::Report| serde_json::to_string(report).expect("JSON");
        assert_eq!(said(&judge.prove(&file, &proof, policy.as_bytes(), &Options::default())), said(&own));
        // Another artifact than the entry names is refused in the same words.
        let other = json::parse(bundle.as_bytes(), json::DEPTH_MAX).expect("JSON");
        let own = pulselog::verify::artifact(Some(bundle.as_bytes()), &proof, policy.as_bytes(), &Options::default());
        assert_eq!(said(&judge.prove(&other, &proof, policy.as_bytes(), &Options::default())), said(&own));
    }
}
