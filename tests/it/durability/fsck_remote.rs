//! A log that serves a sound tree over entries that lie about their bodies.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::{Did, Kind};
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::entry::{LoggedAt, SequencedEntry, SubmitterName};
use pulselog::merkle::{RootHash, TreeSize};
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::fsck::Report;
use pulselog::server::fsck::remote::{Fetched, Limits, check};
use pulselog::tile::encode_bundle;

use crate::make::admit_any;
use crate::make::logs::{ORIGIN, receipt};

/// fsck of a log of one entry, whose tree, tile and checkpoint are sound.
fn check_one(body: &str, change: impl Fn(&mut SequencedEntry)) -> Report {
    let artifact = admit_any(body).unwrap().artifact;
    let mut entry = SequencedEntry {
        kind: artifact.kind(),
        digest: ArtifactDigest::of(body.as_bytes()),
        body_bytes: body.len() as u64,
        signer: artifact.signer().cloned(),
        submitter: SubmitterName::parse("tests").unwrap(),
        logged_at: LoggedAt::from_unix_ms(1),
        receipts: None,
    };
    change(&mut entry);
    let signer = SignerKey::new(KeyName::parse(ORIGIN).unwrap(), &[3; 32]).unwrap();
    let leaf = entry.leaf_hash().hash();
    let head = TreeHead { size: TreeSize::new(1), root: RootHash::new(leaf) };
    let note = Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), head }.sign(&signer).unwrap();
    let bundle = encode_bundle(&[&entry.encode()]).unwrap();
    let mut fetch = |path: &str, _: usize| {
        Ok(Fetched::Bytes(match path {
            "checkpoint" => note.as_bytes().to_vec(),
            "tile/entries/000.p/1" => bundle.clone(),
            "tile/0/000.p/1" => leaf.as_bytes().to_vec(),
            _ => body.as_bytes().to_vec(),
        }))
    };
    check(&mut fetch, signer.vkey(), Limits { body_bytes_max: 1 << 20, room: 1 << 20 }, &mut |_, _| {}).unwrap()
}

#[test]
fn a_sound_remote_log_is_clean() {
    let report = check_one(&receipt(1), |_| {});
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!((report.entries, report.bodies, report.tiles), (1, 1, 1));
}

#[test]
fn a_key_of_another_log_is_named_with_the_log_that_answers_and_accuses_nobody() {
    let key = |name: &str, seed| SignerKey::new(KeyName::parse(name).unwrap(), &[seed; 32]).unwrap();
    let head = TreeHead { size: TreeSize::ZERO, root: pulselog::merkle::Frontier::empty().root() };
    let note = Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), head }.sign(&key(ORIGIN, 3)).unwrap();
    let mut fetch = |_: &str, _: usize| Ok(Fetched::Bytes(note.as_bytes().to_vec()));
    let mut check =
        |vkey| check(&mut fetch, vkey, Limits { body_bytes_max: 1 << 20, room: 1 << 20 }, &mut |_, _| {}).unwrap_err();
    let error = check(key("log.example/another", 3).vkey());
    let said = error.to_string();
    assert!(error.is_incomplete() && error.code().name == "log_unknown", "{said}");
    assert!(said.starts_with("--vkey: is of log.example/another") && said.contains(ORIGIN), "{said}");
    let error = check(key(ORIGIN, 4).vkey());
    assert!(!error.is_incomplete() && error.code().name == "log_unknown", "{error}");
}

#[test]
fn names_an_entry_whose_signer_did_not_sign_its_body() {
    let other = Did::parse("did:key:z6MkneMkZqwqRiU5mJzSG3kDwzt9P8C59N4NGTfBLfSGE7c7").unwrap();
    let report = check_one(&receipt(1), |entry| entry.signer = Some(other.clone()));
    assert!(report.problems[0].why.contains("signer"), "{:?}", report.problems);
}

#[test]
fn names_an_entry_of_another_kind_than_its_body() {
    let report = check_one(&receipt(1), |entry| entry.kind = Kind::parse("tool_receipt").unwrap());
    assert!(report.problems[0].why.contains("kind"), "{:?}", report.problems);
}

#[test]
fn names_a_body_that_is_not_the_one_of_its_entry() {
    let other = receipt(1).replacen("anthropic", "anthropiC", 1);
    let sound = receipt(1);
    let report = check_one(&sound, |entry| entry.digest = ArtifactDigest::of(other.as_bytes()));
    assert!(!report.is_clean());
}
