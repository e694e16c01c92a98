//! The offline verifier: what passes, and that nothing else does.

use std::collections::HashMap;

use pulselog::artifact::Kind;
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::entry::{LoggedAt, PendingEntry, SubmitterName};
use pulselog::merkle::{Frontier, Hash, LeafIndex, Node, Plan, TreeSize, leaf_hash};
use pulselog::note::{KeyName, SignedNote, SignerKey};
use pulselog::receipt::{ConsistencyFile, LogProof, tlog_proof};
use pulselog::trust::TrustPolicy;
use pulselog::verify::report::{Outcome, Report};
use pulselog::verify::{Older, Options, artifact};

use crate::make::{admit_any, good};

const ORIGIN: &str = "example.com/log";

/// A log that holds one good artifact of every kind.
pub struct World {
    seed: u8,
    pub bodies: Vec<String>,
    pub entries: Vec<Vec<u8>>,
    nodes: HashMap<Node, Hash>,
    heads: Vec<TreeHead>,
}

impl World {
    pub fn new(seed: u8) -> Self {
        let mut world =
            Self { seed, bodies: Vec::new(), entries: Vec::new(), nodes: HashMap::new(), heads: Vec::new() };
        let mut frontier = Frontier::empty();
        world.heads.push(TreeHead { size: frontier.size(), root: frontier.root() });
        for kind in Kind::ALL {
            let admitted = admit_any(&good(kind)).expect("good artifacts are admitted");
            let submitter = SubmitterName::parse("tester").expect("a name");
            world.bodies.push(admitted.artifact.compact().into_owned());
            let pending = PendingEntry::new(admitted.artifact, admitted.receipts, submitter);
            let entry = pending.sequence(LoggedAt::from_unix_ms(1_795_430_400_000)).encode();
            frontier.push(leaf_hash(&entry), &mut |node, hash| {
                world.nodes.insert(node, hash);
            });
            world.entries.push(entry);
            world.heads.push(TreeHead { size: frontier.size(), root: frontier.root() });
        }
        world
    }

    fn key(&self) -> SignerKey {
        SignerKey::new(KeyName::parse(ORIGIN).unwrap(), &[self.seed; 32]).unwrap()
    }

    pub fn policy(&self) -> String {
        TrustPolicy::for_log(self.key().vkey()).to_string()
    }

    pub fn note(&self, size: usize) -> SignedNote {
        let origin = Origin::parse(ORIGIN).unwrap();
        Checkpoint { origin, head: self.heads[size] }.sign(&self.key()).unwrap()
    }

    fn build(&self, plan: &Plan) -> Vec<Hash> {
        let fetched: Vec<Hash> = plan.nodes().iter().map(|node| self.nodes[node]).collect();
        plan.build(&fetched).unwrap()
    }

    pub fn size(&self) -> usize {
        self.entries.len()
    }

    pub fn proof_of(&self, index: usize, size: usize, extra: Option<Vec<u8>>) -> Vec<u8> {
        let index = LeafIndex::new(index as u64);
        let path = self.build(&Plan::inclusion(index, TreeSize::new(size as u64)).unwrap());
        tlog_proof::encode(&LogProof { index, path, checkpoint: self.note(size), extra }).into_bytes()
    }

    pub fn proof(&self, index: usize) -> Vec<u8> {
        self.proof_of(index, self.size(), Some(self.entries[index].clone()))
    }

    pub fn consistency(&self, from: usize, to: usize) -> Vec<u8> {
        let (old, new) = (TreeSize::new(from as u64), TreeSize::new(to as u64));
        let path = if from == 0 { Vec::new() } else { self.build(&Plan::consistency(old, new).unwrap()) };
        ConsistencyFile { old, path, checkpoint: self.note(to) }.encode().into_bytes()
    }

    fn verify(&self, body: Option<&[u8]>, proof: &[u8]) -> Report {
        artifact(body, proof, self.policy().as_bytes(), &Options::default())
    }

    pub fn index_of(&self, kind: &str) -> usize {
        Kind::ALL.into_iter().position(|row| row.name() == kind).unwrap()
    }
}

fn code(report: &Report, check: &str) -> &'static str {
    report.checks.iter().find(|row| row.name == check).unwrap_or_else(|| panic!("no check {check}")).code.name()
}

#[test]
fn passes_an_artifact_of_every_kind_in_any_spelling() {
    let world = World::new(1);
    for (index, body) in world.bodies.iter().enumerate() {
        let report = world.verify(Some(body.as_bytes()), &world.proof(index));
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
        let subject = report.subject.expect("a proven entry");
        assert_eq!((subject.index, subject.tree_size), (index as u64, world.size() as u64));
    }
    let pretty: serde_json::Value = serde_json::from_str(&world.bodies[0]).unwrap();
    let spaced = format!(" {}\n", world.bodies[0]);
    assert_eq!(world.verify(Some(spaced.as_bytes()), &world.proof(0)).exit_code(), 0);
    // serde_json sorts members, which is another artifact.
    let sorted = serde_json::to_vec_pretty(&pretty).unwrap();
    assert_eq!(code(&world.verify(Some(&sorted), &world.proof(0)), "digest"), "digest_mismatch");
}

#[test]
fn never_passes_with_any_single_byte_changed() {
    let world = World::new(1);
    let index = world.index_of("proof_bundle");
    let (body, proof, policy) =
        (world.bodies[index].clone().into_bytes(), world.proof(index), world.policy().into_bytes());
    let passes = |body: &[u8], proof: &[u8], policy: &[u8]| {
        artifact(Some(body), proof, policy, &Options::default()).exit_code() == 0
    };
    assert!(passes(&body, &proof, &policy));
    let changed = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    for at in 0..body.len() {
        assert!(!passes(&changed(&body, at), &proof, &policy), "body byte {at}");
    }
    for at in 0..proof.len() {
        assert!(!passes(&body, &changed(&proof, at), &policy), "proof byte {at}");
    }
    for at in 0..policy.len() {
        assert!(!passes(&body, &proof, &changed(&policy, at)), "policy byte {at}");
    }
    for (body, proof) in
        [(&body[1..], &proof[..]), (&body[..body.len() - 1], &proof), (&body, &proof[..proof.len() - 1])]
    {
        assert!(!passes(body, proof, &policy));
    }
    assert!(!passes(&body, &[&proof[..], b"\n"].concat(), &policy));
}

#[test]
fn names_the_broken_check_and_its_reason() {
    let world = World::new(1);
    let (last, other) = (world.size() - 1, World::new(2));
    let body = world.bodies[0].as_bytes();
    let proof = world.proof(0);
    let text = String::from_utf8(proof.clone()).unwrap();
    let re_extra = |extra: Option<Vec<u8>>| world.proof_of(0, world.size(), extra);
    let forged = text.replace(&format!("\n{}\n", world.size()), &format!("\n{}\n", world.size() + 1));
    let table: Vec<(Report, &str, &str)> = vec![
        (artifact(Some(body), &proof, b"log nonsense\nquorum none\n", &Options::default()), "policy", "vkey_invalid"),
        (artifact(Some(body), &proof, other.policy().as_bytes(), &Options::default()), "checkpoint", "log_unknown"),
        (world.verify(Some(body), b"c2sp.org/tlog-proof@v2\n\n"), "proof", "receipt_lines"),
        (world.verify(Some(body), forged.as_bytes()), "checkpoint", "note_signature_invalid"),
        (world.verify(Some(body), &re_extra(None)), "entry", "entry_missing"),
        (world.verify(Some(body), &re_extra(Some(b"\xd2\x00".to_vec()))), "entry", "entry_cose_reserved"),
        (world.verify(Some(body), &re_extra(Some(world.entries[1].clone()))), "inclusion", "proof_root_mismatch"),
        (world.verify(Some(b"{\"a\":1,\"a\":2}"), &proof), "artifact", "json_duplicate_key"),
        (world.verify(Some(world.bodies[last].as_bytes()), &proof), "digest", "digest_mismatch"),
        (world.verify(Some(b"{}"), &proof), "signature", "unknown_kind"),
    ];
    for (report, check, want) in table {
        let row = report.checks.iter().find(|row| row.name == check).unwrap();
        assert_eq!((row.outcome, report.exit_code()), (Outcome::Fail, 1), "{check}: {}", report.to_text());
        assert!(row.advice.is_some() && !row.detail.is_empty());
        assert_eq!(row.code.name(), want, "{}", report.to_text());
    }
}

#[test]
fn says_entry_proven_body_not_shown_without_the_artifact() {
    let world = World::new(1);
    let report = world.verify(None, &world.proof(3));
    assert_eq!((report.verdict, report.exit_code()), (Outcome::Incomplete, 3));
    assert_eq!(code(&report, "artifact"), "body_not_shown");
    assert!(report.to_text().contains("the entry is proven, its body was not shown"));
    // A proof that fails is a failure, body or not.
    let other = World::new(2);
    assert_eq!(artifact(None, &world.proof(3), other.policy().as_bytes(), &Options::default()).exit_code(), 1);
}

#[test]
fn shows_nothing_as_proven_when_inclusion_is_not() {
    let world = World::new(1);
    let report = artifact(Some(world.bodies[0].as_bytes()), &world.proof(0), b"", &Options::default());
    assert_eq!(report.subject, None);
    assert!(
        report.checks.iter().all(|row| row.outcome != Outcome::Pass || row.name == "proof"),
        "{}",
        report.to_text()
    );
    assert!(report.to_text().starts_with("FAIL  nothing is proven"));
}

#[test]
fn asks_for_a_size_and_for_growth_only_when_told_to() {
    let world = World::new(1);
    let (body, proof, policy) = (world.bodies[0].as_bytes(), world.proof(0), world.policy());
    let at_least = |size: u64| {
        let options = Options { size_at_least: Some(TreeSize::new(size)), older: None, ..Options::default() };
        artifact(Some(body), &proof, policy.as_bytes(), &options)
    };
    assert_eq!(at_least(world.size() as u64).exit_code(), 0);
    let short = at_least(world.size() as u64 + 1);
    assert_eq!((short.exit_code(), code(&short, "size")), (1, "size_too_small"));

    let since = |checkpoint: &[u8], consistency: Option<&[u8]>| {
        let options =
            Options { size_at_least: None, older: Some(Older { checkpoint, consistency }), ..Options::default() };
        let report = artifact(Some(body), &proof, policy.as_bytes(), &options);
        (report.exit_code(), code(&report, "consistency"))
    };
    let (old, now) = (world.note(7), world.note(world.size()));
    let file = world.consistency(7, world.size());
    assert_eq!(since(old.as_bytes(), Some(&file)), (0, "ok"));
    assert_eq!(since(old.as_bytes(), None), (3, "consistency_file_missing"));
    assert_eq!(since(now.as_bytes(), None), (0, "ok"));
    assert_eq!(since(world.note(0).as_bytes(), None), (0, "ok"));
    assert_eq!(since(world.note(0).as_bytes(), Some(&world.consistency(0, world.size()))), (0, "ok"));
    let short = world.consistency(7, world.size() - 1);
    assert_eq!(since(old.as_bytes(), Some(&short)), (1, "consistency_other_checkpoint"));
    assert_eq!(since(world.note(6).as_bytes(), Some(&file)), (1, "receipt_other_old_size"));
    assert_eq!(since(World::new(2).note(7).as_bytes(), Some(&file)).0, 1);
    let mut bent = file.clone();
    bent[10] ^= 1;
    assert_eq!(since(old.as_bytes(), Some(&bent)).0, 1);
}

#[test]
fn finds_a_fork_at_the_same_size_and_a_tree_that_shrank() {
    let world = World::new(1);
    let (body, proof, policy) =
        (world.bodies[0].as_bytes(), world.proof_of(0, 5, Some(world.entries[0].clone())), world.policy());
    let since = |checkpoint: &[u8]| {
        let options =
            Options { size_at_least: None, older: Some(Older { checkpoint, consistency: None }), ..Options::default() };
        let report = artifact(Some(body), &proof, policy.as_bytes(), &options);
        (report.exit_code(), code(&report, "consistency"))
    };
    let head = TreeHead { size: TreeSize::new(5), root: world.heads[6].root };
    let origin = Origin::parse(ORIGIN).unwrap();
    let forked = Checkpoint { origin, head }.sign(&world.key()).unwrap();
    assert_eq!(since(forked.as_bytes()), (1, "fork"));
    // A shorter tree contradicts nothing.
    assert_eq!(since(world.note(6).as_bytes()), (3, "log_shorter"));
}

#[test]
fn escapes_hostile_text_in_the_report() {
    let world = World::new(1);
    let report = world.verify(Some("{\"\u{1b}[2J\u{202e}\":1}".as_bytes()), &world.proof(0));
    let text = report.to_text();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    assert_eq!(report.exit_code(), 1);
}
