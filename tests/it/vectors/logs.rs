//! Vectors of whole logs as directories: one of more entries than a bundle
//! holds, and what is wrong with others.

use std::collections::BTreeMap;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::to_compact;
use pulselog::checkpoint::Checkpoint;
use pulselog::entry::{LoggedAt, SequencedEntry, SubmitterName};
use pulselog::merkle::{Frontier, leaf_hash};
use pulselog::note::SignedNote;
use pulselog::tile::{TileId, TilePath, decode_bundle, encode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::whole_log::LogCopy;
use serde_json::{Value, json};

use crate::make::evidence::Kept;
use crate::make::{JWS, good_payload, kind, set};
use crate::vectors::artifacts::LOGGED_AT;
use crate::vectors::{Files, hex, json_file};

const BUNDLE: usize = 256;
const SIZE: usize = 258;

/// The shortest entries there are: unsigned, of bodies that nobody keeps.
fn entry(number: u64, logged_at: u64) -> (Vec<u8>, String) {
    let entry = SequencedEntry {
        kind: kind("trust_pulse"),
        digest: ArtifactDigest::of(format!("body {number}").as_bytes()),
        body_bytes: 8,
        signer: None,
        submitter: SubmitterName::parse("t").expect("a name"),
        logged_at: LoggedAt::from_unix_ms(logged_at),
        receipts: None,
    };
    (entry.encode(), String::new())
}

/// A log of one bare observation that holds a token, which no log takes in.
pub fn with_token() -> (String, Kept) {
    let of = kind("argocd_observation");
    let mut payload = good_payload(of);
    set(&mut payload, "message", Some(JWS.into()));
    let body = to_compact(&payload);
    let entry = SequencedEntry {
        kind: of,
        digest: ArtifactDigest::of(body.as_bytes()),
        body_bytes: body.len() as u64,
        signer: None,
        submitter: SubmitterName::parse("t").expect("a name"),
        logged_at: LoggedAt::from_unix_ms(LOGGED_AT),
        receipts: None,
    };
    (body.clone(), Kept::over([(entry.encode(), body)]))
}

/// A log as files below a folder, without bodies.
fn laid_out(log: &Kept) -> Files {
    let mut files = Files::from([("checkpoint".to_owned(), log.note(log.size()).as_bytes().to_vec())]);
    let mut frontier = Frontier::empty();
    let mut roots = Vec::new();
    for (index, entries) in log.entries.chunks(BUNDLE).enumerate() {
        let (index, width) = (index as u64, entries.len() as u16);
        let bytes: Vec<&[u8]> = entries.iter().map(|(bytes, _)| bytes.as_slice()).collect();
        let path = TilePath::Entries { index, width };
        files.insert(format!("tile/{path}"), encode_bundle(&bytes).expect("a bundle"));
        let hashes = bytes.iter().flat_map(|bytes| *leaf_hash(bytes).hash().as_bytes()).collect();
        let path = TilePath::Hashes { tile: TileId { level: 0, index }, width };
        files.insert(format!("tile/{path}"), hashes);
        bytes.iter().for_each(|bytes| frontier.push(leaf_hash(bytes), &mut |_, _| {}));
        if index == 0 && entries.len() == BUNDLE {
            roots.extend(*frontier.root().hash().as_bytes());
        }
    }
    if !roots.is_empty() {
        let path = TilePath::Hashes { tile: TileId { level: 1, index: 0 }, width: 1 };
        files.insert(format!("tile/{path}"), roots);
    }
    files
}

/// The code of a directory, and how many bodies are missing from a good one.
fn read(files: &Files, policy: &str) -> (&'static str, Option<u64>) {
    let policy = TrustPolicy::of_reader(policy).expect("a policy");
    let mut copy = match LogCopy::open(&policy, &files["checkpoint"]) {
        Ok(copy) => copy,
        Err(error) => return (error.code().name, None),
    };
    let size = copy.size().get() as usize;
    for (index, first) in (0..size).step_by(BUNDLE).enumerate() {
        let width = (size - first).min(BUNDLE);
        let path = TilePath::Entries { index: index as u64, width: width as u16 };
        let entries = match decode_bundle(&files[&format!("tile/{path}")], width) {
            Ok(entries) => entries,
            Err(error) => return (error.code().name, None),
        };
        for bytes in entries {
            let entry = match copy.decode(&bytes) {
                Ok(entry) => entry,
                Err(error) => return (error.code().name, None),
            };
            let body = files.get(&format!("artifacts/{}", entry.digest)).map(Vec::as_slice);
            copy.push(&bytes, entry, body).expect("room");
        }
    }
    copy.finish().map_or_else(|error| (error.code().name, None), |whole| ("ok", Some(whole.bodies_missing)))
}

struct Case {
    name: &'static str,
    log: &'static str,
    without: Vec<String>,
    replaced: Files,
}

fn changed(name: &'static str, log: &'static str, file: &str, bytes: Vec<u8>) -> Case {
    Case { name, log, without: Vec::new(), replaced: Files::from([(file.to_owned(), bytes)]) }
}

/// Bytes with one of them changed.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

fn cases(small: &Files) -> Vec<Case> {
    let whole = |name, log| Case { name, log, without: Vec::new(), replaced: Files::new() };
    let body = small.keys().find(|name| name.starts_with("artifacts/")).expect("a body").clone();
    let bundle = "tile/entries/000.p/19";
    let (head, entries) = (&small["checkpoint"], &small[bundle]);
    let note = SignedNote::parse(head).expect("a note");
    let size = Checkpoint::parse_text(note.text()).expect("a checkpoint").head.size.get();
    let larger = note.as_str().replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1);
    let back = Kept::over([entry(0, LOGGED_AT), entry(1, LOGGED_AT - 1)]);
    let same = Kept::over([entry(0, LOGGED_AT), entry(1, LOGGED_AT)]);
    vec![
        whole("one of each kind", "log"),
        whole("more entries than a bundle holds, and no bodies", "log-258"),
        changed("a body has one more byte", "log", &body, [&small[&body], &b"\n"[..]].concat()),
        changed("a body is another entry's", "log", &body, {
            small.iter().rfind(|(name, _)| name.starts_with("artifacts/")).expect("a body").1.clone()
        }),
        Case { without: vec![body.clone()], ..whole("a body is not there", "log") },
        // The last byte of the first entry, its time.
        changed("a time was changed", "log", bundle, flipped(entries, 1 + usize::from(entries[1]))),
        changed("the last entry is cut", "log", bundle, entries[..entries.len() - 1].to_vec()),
        changed("a byte behind the last entry", "log", bundle, [&entries[..], &[0]].concat()),
        changed("an entry is no entry", "log", bundle, flipped(entries, 2)),
        changed("the checkpoint's size was changed", "log", "checkpoint", larger.into_bytes()),
        Case {
            replaced: {
                let (body, log) = with_token();
                let name = format!("artifacts/{}", ArtifactDigest::of(body.as_bytes()));
                laid_out(&log).into_iter().chain([(name, body.into_bytes())]).collect()
            },
            ..whole("a bare observation holds a token", "log-258")
        },
        Case { replaced: laid_out(&back), ..whole("times go back", "log-258") },
        Case { replaced: laid_out(&same), ..whole("times stand still", "log-258") },
    ]
}

fn row(case: &Case, files: &Files, policy: &str) -> Value {
    let mut files = files.clone();
    case.without.iter().for_each(|name| drop(files.remove(name)));
    files.extend(case.replaced.clone());
    let (code, missing) = read(&files, policy);
    let replaced: BTreeMap<_, _> = case.replaced.iter().map(|(name, bytes)| (name, hex(bytes))).collect();
    json!({"name": case.name, "log": case.log, "policy": format!("{}/trust.policy", case.log),
        "without": case.without, "replaced": replaced, "code": code, "bodies_missing": missing})
}

pub fn files() -> Files {
    let of = |(name, bytes): (String, Vec<u8>)| name.strip_prefix("log/").map(|name| (name.to_owned(), bytes));
    let small: Files = crate::vectors::proofs::log_files().into_iter().filter_map(of).collect();
    let mut big = laid_out(&Kept::over((0..SIZE as u64).map(|number| entry(number, LOGGED_AT + number / 100))));
    big.insert("trust.policy".to_owned(), Kept::policy_text().into_bytes());
    let logs = BTreeMap::from([("log", &small), ("log-258", &big)]);
    let policy = |log: &str| String::from_utf8(logs[log]["trust.policy"].clone()).expect("UTF-8");
    let rows: Vec<_> = cases(&small).iter().map(|case| row(case, logs[case.log], &policy(case.log))).collect();
    let mut files = Files::from([("logs.json".to_owned(), json_file(&rows.into()))]);
    files.extend(big.into_iter().map(|(name, bytes)| (format!("log-258/{name}"), bytes)));
    files
}
