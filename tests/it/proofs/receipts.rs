//! Proof files: what they say, what they prove, and how they are refused.

use proptest::prelude::*;
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Frontier, Hash, LeafIndex, Node, Plan, TreeSize, leaf_hash};
use pulselog::note::{KeyName, SignedNote, SignerKey};
use pulselog::receipt::{ConsistencyFile, LogProof, prove, tlog_proof};
use pulselog::trust::{TrustPolicy, TrustedCheckpoint};

const ORIGIN: &str = "example.com/log";

/// A log of `size` entries with the texts `leaf-0`, `leaf-1`, ….
struct Log {
    origin: &'static str,
    nodes: std::collections::HashMap<Node, Hash>,
    heads: Vec<TreeHead>,
}

impl Log {
    fn of(origin: &'static str, size: u64) -> Self {
        let mut frontier = Frontier::empty();
        let mut nodes = std::collections::HashMap::new();
        let mut heads = vec![TreeHead { size: frontier.size(), root: frontier.root() }];
        for index in 0..size {
            frontier.push(leaf_hash(&entry(index)), &mut |node, hash| {
                nodes.insert(node, hash);
            });
            heads.push(TreeHead { size: frontier.size(), root: frontier.root() });
        }
        Self { origin, nodes, heads }
    }

    fn key(&self) -> SignerKey {
        SignerKey::new(KeyName::parse(self.origin).unwrap(), &[1; 32]).unwrap()
    }

    fn policy(&self) -> TrustPolicy {
        TrustPolicy::for_log(self.key().vkey())
    }

    fn note(&self, size: usize) -> SignedNote {
        let checkpoint = Checkpoint { origin: Origin::parse(self.origin).unwrap(), head: self.heads[size] };
        checkpoint.sign(&self.key()).unwrap()
    }

    fn trusted(&self, size: usize) -> TrustedCheckpoint {
        self.policy().open(self.note(size).as_bytes()).unwrap()
    }

    fn build(&self, plan: &Plan) -> Vec<Hash> {
        let fetched: Vec<Hash> = plan.nodes().iter().map(|node| self.nodes[node]).collect();
        plan.build(&fetched).unwrap()
    }

    fn proof(&self, index: u64, size: usize) -> LogProof {
        let plan = Plan::inclusion(LeafIndex::new(index), TreeSize::new(size as u64)).unwrap();
        let (path, extra) = (self.build(&plan), Some(entry(index)));
        LogProof { index: LeafIndex::new(index), path, checkpoint: self.note(size), extra }
    }

    fn consistency(&self, from: usize, to: usize) -> ConsistencyFile {
        let (old, new) = (TreeSize::new(from as u64), TreeSize::new(to as u64));
        let path = if from == 0 { Vec::new() } else { self.build(&Plan::consistency(old, new).unwrap()) };
        ConsistencyFile { old, path, checkpoint: self.note(to) }
    }
}

fn entry(index: u64) -> Vec<u8> {
    format!("leaf-{index}").into_bytes()
}

fn decode_code(text: &str) -> &'static str {
    tlog_proof::decode(text.as_bytes()).unwrap_err().code().name
}

#[test]
fn proves_every_entry_at_every_size_and_nothing_else() {
    let log = Log::of(ORIGIN, 20);
    for size in 1..=20 {
        for index in 0..size as u64 {
            let file = tlog_proof::encode(&log.proof(index, size));
            let proof = tlog_proof::decode(file.as_bytes()).unwrap();
            assert_eq!(tlog_proof::encode(&proof), file);
            let proven = prove(&proof, &entry(index), &log.policy()).unwrap();
            assert_eq!((proven.entry(), proven.index().get()), (entry(index).as_slice(), index));
            assert_eq!(proven.leaf_hash(), leaf_hash(&entry(index)));
            assert_eq!(proven.checkpoint().head(), log.heads[size]);
            let other = prove(&proof, &entry(index + 1), &log.policy());
            assert_eq!(other.unwrap_err().code().name, "proof_root_mismatch");
        }
    }
}

#[test]
fn proof_file_has_the_lines_of_the_specification() {
    let log = Log::of(ORIGIN, 11);
    let file = tlog_proof::encode(&log.proof(5, 11));
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra bGVhZi01", "index 5"]);
    assert_eq!(lines[3..9].iter().map(|line| line.len()).collect::<Vec<_>>(), [44, 44, 44, 44, 0, ORIGIN.len()]);
    assert!(file.ends_with(log.note(11).as_str()));
    let bare = LogProof { extra: None, ..log.proof(0, 1) };
    assert!(tlog_proof::encode(&bare).starts_with("c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log\n1\n"));
    assert_eq!(tlog_proof::decode(tlog_proof::encode(&bare).as_bytes()), Ok(bare));
}

#[test]
fn a_proof_file_is_read_as_it_was_written() {
    let proof = Log::of(ORIGIN, 11).proof(5, 11);
    assert_eq!(tlog_proof::decode(tlog_proof::encode(&proof).as_bytes()), Ok(proof));
}

#[test]
fn refuses_proof_files_by_the_rule_they_break() {
    let file = tlog_proof::encode(&Log::of(ORIGIN, 11).proof(5, 11));
    let hash = file.lines().nth(3).unwrap().to_owned();
    let edit = |from: &str, to: &str| file.replacen(from, to, 1);
    let table: &[(&str, String, &str)] = &[
        ("empty", String::new(), "receipt_lines"),
        ("other version", edit("@v1", "@v2"), "receipt_lines"),
        ("blank line first", format!("\n{file}"), "receipt_lines"),
        ("space after header", edit("@v1", "@v1 "), "receipt_lines"),
        ("carriage returns", file.replace('\n', "\r\n"), "receipt_lines"),
        ("byte order mark", format!("\u{feff}{file}"), "receipt_lines"),
        ("no index", edit("index 5\n", ""), "receipt_lines"),
        ("index twice", edit("index 5\n", "index 5\nindex 5\n"), "receipt_hash"),
        ("extra after index", edit("extra bGVhZi01\nindex 5\n", "index 5\nextra bGVhZi01\n"), "receipt_hash"),
        ("extra twice", edit("extra bGVhZi01\n", "extra bGVhZi01\nextra bGVhZi01\n"), "receipt_lines"),
        ("extra without padding", edit("bGVhZi01", "bGVhZg"), "receipt_extra"),
        ("extra with spare bits", edit("bGVhZi01", "bGVhZh=="), "receipt_extra"),
        ("leading zero", edit("index 5", "index 05"), "receipt_index"),
        ("negative index", edit("index 5", "index -5"), "receipt_index"),
        ("short hash", edit(&hash, &hash[4..]), "receipt_hash"),
        ("hex hash", edit(&hash, &"ab".repeat(32)), "receipt_hash"),
        ("64 hashes", edit(&hash, &[hash.as_str(); 61].join("\n")), "receipt_path_too_long"),
        ("no empty line", file.split("\n\n").next().unwrap().to_owned(), "receipt_lines"),
        ("no checkpoint", format!("{}\n\n", file.split("\n\n").next().unwrap()), "note_no_empty_line"),
        ("trailing line", format!("{file}more\n"), "note_signature_line"),
    ];
    for (defect, text, want) in table {
        assert_eq!(decode_code(text), *want, "{defect}");
    }
    // A note may begin with an empty line; no checkpoint does.
    let proof = tlog_proof::decode(edit("\n\n", "\n\n\n").as_bytes()).unwrap();
    assert_eq!(prove(&proof, &entry(5), &Log::of(ORIGIN, 1).policy()).unwrap_err().code().name, "extension_line");
    let large = LogProof { extra: Some(vec![0; 65_536]), ..Log::of(ORIGIN, 1).proof(0, 1) };
    assert_eq!(decode_code(&tlog_proof::encode(&large)), "receipt_extra");
    assert_eq!(tlog_proof::decode(&[0xff]).unwrap_err().code().name, "receipt_not_utf8");
    assert_eq!(tlog_proof::decode(&vec![b'a'; 4 << 20]).unwrap_err().code().name, "receipt_too_large");
}

#[test]
fn proof_under_another_policy_or_checkpoint_is_refused() {
    let log = Log::of(ORIGIN, 11);
    let stranger = Log::of("example.com/else", 11).policy();
    assert_eq!(prove(&log.proof(5, 11), &entry(5), &stranger).unwrap_err().code().name, "log_unknown");
    let moved = LogProof { checkpoint: log.note(10), ..log.proof(5, 11) };
    assert!(prove(&moved, &entry(5), &log.policy()).is_err());
    let beyond = LogProof { index: LeafIndex::new(11), ..log.proof(5, 11) };
    assert_eq!(prove(&beyond, &entry(5), &log.policy()).unwrap_err().code().name, "proof_index_outside_tree");
    let empty = LogProof { index: LeafIndex::new(0), path: vec![], checkpoint: log.note(0), extra: None };
    assert_eq!(prove(&empty, b"", &log.policy()).unwrap_err().code().name, "proof_size_zero");
}

#[test]
fn consistency_files_lead_from_every_size_to_every_later_one() {
    let log = Log::of(ORIGIN, 12);
    for to in 0..=12 {
        for from in 0..=to {
            let text = if to == 0 {
                ConsistencyFile { old: TreeSize::ZERO, path: vec![], checkpoint: log.note(0) }.encode()
            } else {
                log.consistency(from, to).encode()
            };
            let file = ConsistencyFile::decode(text.as_bytes()).unwrap();
            assert_eq!(file.encode(), text);
            assert_eq!(file.check(&log.trusted(from), &log.policy()).unwrap(), log.trusted(to), "{from} to {to}");
        }
    }
    assert!(log.consistency(6, 11).encode().starts_with("old 6\n"));
}

#[test]
fn refuses_consistency_files_that_do_not_hold() {
    let log = Log::of(ORIGIN, 12);
    let check =
        |file: &ConsistencyFile, old: usize| file.check(&log.trusted(old), &log.policy()).unwrap_err().code().name;
    let good = log.consistency(6, 11);
    assert_eq!(check(&good, 7), "receipt_other_old_size");
    assert_eq!(check(&ConsistencyFile { checkpoint: log.note(12), ..good.clone() }, 6), "proof_new_root_mismatch");
    let mut longer = good.clone();
    longer.path.push(good.path[0]);
    assert_eq!(check(&longer, 6), "proof_path_length");
    let backwards = ConsistencyFile { old: TreeSize::new(11), path: vec![], checkpoint: log.note(6) };
    assert_eq!(check(&backwards, 11), "proof_sizes_reversed");
    let vanished = ConsistencyFile { old: TreeSize::new(6), path: vec![], checkpoint: log.note(0) };
    assert_eq!(check(&vanished, 6), "proof_size_zero");
    let padded = ConsistencyFile { old: TreeSize::ZERO, ..good.clone() };
    assert_eq!(check(&padded, 0), "proof_path_length");
    assert_eq!(ConsistencyFile::decode(padded.encode().as_bytes()).unwrap_err().code().name, "proof_path_length");
    let both = format!("{}{}", log.policy(), "").replace("quorum none\n", "");
    let else_log = Log::of("example.com/else", 12);
    let else_key = SignerKey::new(KeyName::parse("example.com/else").unwrap(), &[2; 32]).unwrap();
    let both = TrustPolicy::parse(format!("{both}log {}\nquorum none\n", else_key.vkey())).unwrap();
    let checkpoint = Checkpoint { origin: Origin::parse("example.com/else").unwrap(), head: else_log.heads[11] };
    let foreign = ConsistencyFile { checkpoint: checkpoint.sign(&else_key).unwrap(), ..good };
    assert_eq!(foreign.check(&log.trusted(6), &both).unwrap_err().code().name, "receipt_other_origin");
}

#[test]
fn refuses_consistency_texts_by_the_rule_they_break() {
    let file = Log::of(ORIGIN, 11).consistency(6, 11).encode();
    let table: &[(&str, String, &str)] = &[
        ("no old line", file.replacen("old 6\n", "", 1), "receipt_lines"),
        ("size line of another name", file.replacen("old", "size", 1), "receipt_lines"),
        ("leading zero", file.replacen("old 6", "old 06", 1), "receipt_old_size"),
        ("two spaces", file.replacen("old 6", "old  6", 1), "receipt_old_size"),
        ("no hash padding", file.replacen('=', "", 1), "receipt_hash"),
        ("no empty line", file.replacen("\n\n", "\n", 1), "receipt_hash"),
        ("trailing line", format!("{file}\n"), "note_no_signature"),
    ];
    for (defect, text, want) in table {
        assert_eq!(ConsistencyFile::decode(text.as_bytes()).unwrap_err().code().name, *want, "{defect}");
    }
}

proptest! {
    #[test]
    fn proof_parsers_never_panic(bytes: Vec<u8>) {
        let _ = tlog_proof::decode(&bytes);
        let _ = ConsistencyFile::decode(&bytes);
    }

    #[test]
    fn edited_proof_files_are_refused_or_print_back(at: usize, byte: u8, cut: usize) {
        let log = Log::of(ORIGIN, 11);
        let mut bytes = tlog_proof::encode(&log.proof(5, 11)).into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(bytes.len() - cut % 2);
        if let Ok(proof) = tlog_proof::decode(&bytes) {
            prop_assert_eq!(tlog_proof::encode(&proof).into_bytes(), bytes.clone());
        }
        let mut bytes = log.consistency(6, 11).encode().into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(file) = ConsistencyFile::decode(&bytes) { prop_assert_eq!(file.encode().into_bytes(), bytes) }
    }

    #[test]
    fn any_flipped_bit_that_a_signature_or_hash_covers_is_refused(at: usize, bit in 0_u8..8) {
        let log = Log::of(ORIGIN, 11);
        let bare = LogProof { extra: None, ..log.proof(5, 11) };
        let mut bytes = tlog_proof::encode(&bare).into_bytes();
        let place = at % bytes.len();
        bytes[place] ^= 1 << bit;
        let outcome = tlog_proof::decode(&bytes).and_then(|proof| prove(&proof, &entry(5), &log.policy()));
        prop_assert!(outcome.is_err());
    }
}
