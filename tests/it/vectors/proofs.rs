//! Vectors of proofs as files, good and forged, of disclosures, and of a whole
//! log laid out as tiles.

use pulselog::entry::SequencedEntry;
use pulselog::merkle::leaf_hash;
use pulselog::receipt::ConsistencyFile;
use pulselog::tile::{TileId, TilePath, encode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::report::{Outcome, Report};
use pulselog::verify::{Options, artifact, disclosure};
use serde_json::{Value, json};

use crate::evidence::verify::World;
use crate::make::evidence::Kept;
use crate::vectors::{Files, json_file};

const POLICY: &str = "log/trust.policy";

/// `ok`, or the code of the first check that failed, else of the first that is incomplete.
fn outcome(report: &Report) -> &'static str {
    let first = |outcome| report.checks.iter().find(|check| check.outcome == outcome);
    first(Outcome::Fail).or_else(|| first(Outcome::Incomplete)).map_or("ok", |check| check.code.name())
}

/// A text with one occurrence of something else in it.
fn edited(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

/// Lines of the head of a proof, and the note behind them.
fn lines(proof: &[u8]) -> (Vec<String>, String) {
    let text = std::str::from_utf8(proof).expect("UTF-8");
    let (head, note) = text.split_once("\n\n").expect("an empty line");
    (head.split('\n').map(str::to_owned).collect(), note.to_owned())
}

fn with_lines(proof: &[u8], change: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
    let (mut head, note) = lines(proof);
    change(&mut head);
    format!("{}\n\n{note}", head.join("\n")).into_bytes()
}

/// Name of the proof, the artifact shown with it if any, proof.
fn proofs(world: &World) -> Vec<(&'static str, Option<usize>, Vec<u8>)> {
    let at = world.index_of("approval");
    let good = world.proof(at);
    let bundle = world.index_of("proof_bundle");
    let stranger = World::new(2);
    let index = format!("index {at}");
    vec![
        ("good", Some(at), good.clone()),
        ("good-older-checkpoint", Some(at), world.proof_of(at, at + 1, Some(world.entries[at].clone()))),
        ("good-tree-of-one", Some(0), world.proof_of(0, 1, Some(world.entries[0].clone()))),
        ("good-bundle", Some(bundle), world.proof(bundle)),
        ("body-not-shown", None, good.clone()),
        ("another-artifact", Some(at + 1), good.clone()),
        ("no-entry", Some(at), world.proof_of(at, world.size(), None)),
        ("entry-of-another-leaf", Some(at), world.proof_of(at, world.size(), Some(world.entries[at + 1].clone()))),
        ("entry-is-no-entry", Some(at), world.proof_of(at, world.size(), Some(vec![0x80]))),
        ("another-index", Some(at), edited(&good, &index, &format!("index {}", at - 1))),
        ("index-beyond-the-tree", Some(at), edited(&good, &index, "index 19")),
        ("index-with-zero", Some(at), edited(&good, &index, &format!("index 0{at}"))),
        ("hash-missing", Some(at), with_lines(&good, |head| drop(head.pop()))),
        ("hash-more", Some(at), with_lines(&good, |head| head.push(head[3].clone()))),
        ("hashes-swapped", Some(at), with_lines(&good, |head| head.swap(2 + 1, 2 + 2))),
        ("hash-not-canonical", Some(at), with_lines(&good, |head| head[3] = head[3].replace('=', ""))),
        ("lines-swapped", Some(at), with_lines(&good, |head| head.swap(1, 2))),
        ("another-version", Some(at), edited(&good, "@v1", "@v2")),
        (
            "carriage-returns",
            Some(at),
            String::from_utf8(good.clone()).expect("UTF-8").replace('\n', "\r\n").into_bytes(),
        ),
        ("checkpoint-of-another-log", Some(at), stranger.proof(at)),
        ("checkpoint-size-changed", Some(at), edited(&good, "\n19\n", "\n20\n")),
        ("checkpoint-of-another-size", Some(at), {
            let (head, _) = lines(&good);
            format!("{}\n\n{}", head.join("\n"), world.note(world.size() - 1).as_str()).into_bytes()
        }),
    ]
}

/// Names of consistency files, the older size, file.
fn consistency(world: &World) -> Vec<(&'static str, usize, Vec<u8>)> {
    let size = world.size();
    let good = world.consistency(6, size);
    vec![
        ("good", 6, good.clone()),
        ("good-power-of-two", 8, world.consistency(8, size)),
        ("good-same-size", size, world.consistency(size, size)),
        ("good-from-0", 0, world.consistency(0, size)),
        ("from-another-size", 7, good.clone()),
        ("hash-missing", 6, with_lines(&good, |head| drop(head.pop()))),
        ("hash-more", 6, with_lines(&good, |head| head.push(head[1].clone()))),
        ("hashes-swapped", 6, with_lines(&good, |head| head.swap(1, 2))),
        ("hashes-from-0", 0, edited(&good, "old 6", "old 0")),
        ("newer-of-another-log", 6, World::new(2).consistency(6, size)),
        ("sizes-reversed", size, edited(&world.consistency(6, 7), "old 6", &format!("old {size}"))),
        ("no-old-line", 6, edited(&good, "old 6", "new 6")),
    ]
}

fn consistency_row(world: &World, name: &str, old: usize, file: &[u8]) -> Value {
    let policy = TrustPolicy::parse(world.policy()).expect("a policy");
    let older = policy.open(world.note(old).as_bytes()).expect("believed");
    let read = ConsistencyFile::decode(file).and_then(|file| file.check(&older, &policy));
    let code = read.map_or_else(|error| error.code().name, |_| "ok");
    assert_eq!(code == "ok", name.starts_with("good"), "{name}: {code}");
    json!({"file": format!("proofs/{name}.consistency"), "policy": POLICY, "older": format!("proofs/older-{old}.checkpoint"),
        "code": code})
}

fn proof_files(world: &World) -> Files {
    let (mut files, mut rows) = (Files::new(), Vec::new());
    for (name, shown, proof) in proofs(world) {
        let body = shown.map(|at| world.bodies[at].as_bytes());
        let report = artifact(body, &proof, world.policy().as_bytes(), &Options::default());
        assert_eq!(outcome(&report) == "ok", name.starts_with("good"), "{name}: {}", report.to_text());
        rows.push(json!({"file": format!("proofs/{name}.tlog-proof"), "policy": POLICY, "code": outcome(&report),
            "artifact": shown.map(|at| format!("log/artifacts/{}", digest(world, at))), "exit": report.exit_code()}));
        files.insert(format!("proofs/{name}.tlog-proof"), proof);
    }
    let (body, log) = crate::vectors::logs::with_token();
    let proof = log.proof(0, 1).into_bytes();
    let report = artifact(Some(body.as_bytes()), &proof, Kept::policy_text().as_bytes(), &Options::default());
    let (file, shown) = ("proofs/body-holds-a-token.tlog-proof", "proofs/body-holds-a-token.json");
    rows.push(json!({"file": file, "policy": "log-258/trust.policy", "code": outcome(&report), "artifact": shown,
        "exit": report.exit_code()}));
    files.extend([(file.to_owned(), proof), (shown.to_owned(), body.into_bytes())]);
    let mut paths = Vec::new();
    for (name, old, file) in consistency(world) {
        paths.push(consistency_row(world, name, old, &file));
        files.insert(format!("proofs/{name}.consistency"), file);
        files.insert(format!("proofs/older-{old}.checkpoint"), world.note(old).as_bytes().to_vec());
    }
    files.insert("proofs.json".to_owned(), json_file(&json!({"proofs": rows, "consistency": paths})));
    files
}

fn digest(world: &World, at: usize) -> String {
    SequencedEntry::decode(&world.entries[at]).expect("an entry").digest.to_string()
}

/// The world as a directory that `pulselog audit --log` reads.
fn log(world: &World) -> Files {
    let width = world.size() as u16;
    let entries: Vec<&[u8]> = world.entries.iter().map(Vec::as_slice).collect();
    let leaves = world.entries.iter().flat_map(|entry| *leaf_hash(entry).hash().as_bytes());
    let tile = TilePath::Hashes { tile: TileId { level: 0, index: 0 }, width };
    let mut files = Files::from([
        (POLICY.to_owned(), world.policy().into_bytes()),
        ("log/checkpoint".to_owned(), world.note(world.size()).as_bytes().to_vec()),
        (format!("log/tile/{}", TilePath::Entries { index: 0, width }), encode_bundle(&entries).expect("a bundle")),
        (format!("log/tile/{tile}"), leaves.collect()),
    ]);
    for (at, body) in world.bodies.iter().enumerate() {
        files.insert(format!("log/artifacts/{}", digest(world, at)), body.clone().into_bytes());
    }
    files
}

/// Those of the disclosure goldens that other implementations are held against.
const DISCLOSURES: &[&str] = &[
    "good",
    "good--one",
    "receipt_without_envelope--bare-receipt",
    "proof_path_length--missing-hash",
    "proof_path_length--trailing-hash",
    "disclosure_not_in_bundle--other-hash",
    "disclosure_not_in_bundle--forged-receipt",
    "disclosure_count--smaller",
    "disclosure_other_array--another-array",
    "disclosure_other_index--next",
    "disclosure_swapped--two-receipts",
    "disclosure_order--one-receipt-twice",
    "disclosure_no_receipts_root--entry-of-an-approval",
    "entry_missing--proof",
    "log_unknown--another-log",
    "unknown_version--2",
    "unknown_field--extra",
];

fn disclosures(world: &World) -> Files {
    let (mut files, mut rows) = (Files::new(), Vec::new());
    let goldens = crate::artifact::disclosure::goldens(world);
    for name in DISCLOSURES {
        let text = &goldens.iter().find(|(known, _)| known == name).expect(name).1;
        let report = disclosure(text.as_bytes(), world.policy().as_bytes(), &Options::default());
        let file = format!("disclosures/{name}.json");
        rows.push(json!({"file": file, "policy": POLICY, "code": outcome(&report), "exit": report.exit_code()}));
        files.insert(file, text.clone().into_bytes());
    }
    files.insert("disclosures.json".to_owned(), json_file(&rows.into()));
    files
}

/// The directory `log/`.
pub fn log_files() -> Files {
    log(&World::new(1))
}

pub fn files() -> Files {
    let world = World::new(1);
    [log(&world), proof_files(&world), disclosures(&world)].into_iter().flatten().collect()
}
