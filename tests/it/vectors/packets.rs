//! Vectors of packets, each with both verdicts on its bundles.

use std::collections::BTreeMap;

use pulselog::checkpoint::{Checkpoint, Origin};
use pulselog::note::{KeyName, SignedNote, SignerKey};
use pulselog::protocol::Options;
use pulselog::receipt::ConsistencyFile;
use pulselog::trust::TrustPolicy;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{File, MANIFEST, Manifest, Packet};
use pulselog::verify::report::Outcome;
use pulselog::verify::verification::Verification;
use serde_json::{Value, json};

use crate::make::attest::attested;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::evidence::Kept;
use crate::vectors::{Files, json_file};

const POLICY: &str = "packets/trust.policy";
/// Believes another log beside this one.
const TWO_LOGS: &str = "packets/two-logs.policy";

const STRANGER: &str = "log.example/stranger";

/// The protocol verdict is made at this time; the audit reads no clock.
const AT_MS: i64 = START_MS + 60_000;

/// A packet as it was written, or with files left out and others in their place.
struct Case {
    name: &'static str,
    about: &'static str,
    /// Folder of the packet that it starts from.
    packet: &'static str,
    without: Vec<String>,
    /// In place of files, or beside them.
    replaced: Vec<File>,
    policy: &'static str,
    /// Proofs that prove nothing.
    broken: usize,
}

impl Case {
    fn whole(packet: &'static str, about: &'static str) -> Self {
        Self { name: packet, about, packet, without: Vec::new(), replaced: Vec::new(), policy: POLICY, broken: 0 }
    }

    /// The clean packet with these files and a list of all that are there.
    fn with(name: &'static str, about: &'static str, files: &[File], replaced: Vec<File>) -> Self {
        let mut case = Self { name, replaced, ..Self::whole("clean", about) };
        let held = case.files(files).into_iter().filter(|(name, _)| name != MANIFEST);
        case.replaced.push((MANIFEST.to_owned(), Packet::manifest_of(&held.collect::<Vec<_>>()).into_bytes()));
        case
    }

    /// The clean packet without these files, and without them in its list.
    fn without(name: &'static str, about: &'static str, files: &[File], without: Vec<String>) -> Self {
        let kept = files.iter().filter(|(name, _)| name != MANIFEST && !without.contains(name)).cloned();
        let list = Packet::manifest_of(&kept.collect::<Vec<_>>()).into_bytes();
        let replaced = vec![(MANIFEST.to_owned(), list)];
        Self { name, without, replaced, ..Self::whole("clean", about) }
    }

    fn files(&self, whole: &[File]) -> Vec<File> {
        let kept = whole.iter().filter(|(name, _)| !self.without.contains(name));
        let new =
            |name: &str| self.replaced.iter().find(|(replaced, _)| replaced == name).map(|(_, bytes)| bytes.clone());
        let kept = kept.map(|(name, bytes)| (name.clone(), new(name).unwrap_or_else(|| bytes.clone())));
        let beside = self.replaced.iter().filter(|(name, _)| whole.iter().all(|(held, _)| held != name));
        let mut files: Vec<_> = kept.chain(beside.cloned()).collect();
        // As a directory is read.
        files.sort();
        files
    }
}

fn whole(kept: &Kept) -> Vec<File> {
    kept.files(0..kept.size())
}

/// A story in which an act stands behind the revocation of its token.
fn revoked() -> Kept {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    Kept::of(&attested(story, |_| {}).0)
}

fn cases(clean: &Kept, files: &[File]) -> Vec<Case> {
    let approval =
        clean.entries.iter().position(|(_, body)| body.contains("\"approval_version\"")).expect("an approval");
    let body = format!("{approval:02}.json");
    let bytes = &files.iter().find(|(name, _)| *name == body).expect("a body").1;
    let longer = (body.clone(), [bytes, &b"\n"[..]].concat());
    let last = clean.size() - 1;
    let (name, bytes) = files.iter().rfind(|(name, _)| is_body(name)).expect("a body");
    let last_longer = (name.clone(), [bytes, &b"\n"[..]].concat());
    let statement = vec![format!("{last:02}.json"), format!("{last:02}.tlog-proof")];
    let without = |name, about, without| Case::without(name, about, files, without);
    vec![
        Case::whole("clean", "a job of two runs inside its policy, with the operator's statement"),
        Case::whole("revoked", "the same job, where acts follow the revocation of their token"),
        without("no-statement", "without the operator's statement absence is not shown", statement),
        without("body-missing", "the body of an approval is neither there nor listed", vec![body.clone()]),
        without(
            "consistency-missing",
            "nothing leads from the statement's size to the head",
            vec!["statement.consistency".to_owned()],
        ),
        Case {
            name: "file-missing",
            without: vec![body.clone()],
            ..Case::whole("clean", "a listed file is not there")
        },
        Case {
            name: "file-missing-before-a-changed-one",
            without: vec![body.clone()],
            replaced: vec![last_longer],
            ..Case::whole("clean", "a listed file is not there, one further down the list has one byte more")
        },
        Case {
            name: "file-changed",
            replaced: vec![longer],
            ..Case::whole("clean", "a listed file has one byte more")
        },
    ]
}

/// Packets under more than one checkpoint, and proofs that do not hold.
fn checkpoints(clean: &Kept, files: &[File]) -> Vec<Case> {
    let size = clean.size();
    let with = |name, about, replaced| Case::with(name, about, files, replaced);
    let last = ("statement.consistency".to_owned(), clean.consistency(size - 1, size));
    let way = ConsistencyFile::decode(last.1.as_bytes()).expect("a file");
    let under = |checkpoint: SignedNote| ConsistencyFile { checkpoint, ..way.clone() }.encode().into_bytes();
    let mut entries = clean.entries.clone();
    entries.swap(0, 1);
    let fork = Kept::over(entries).note(size);
    let strangers = SignerKey::new(KeyName::parse(STRANGER).expect("a name"), &[8; 32]).expect("a key");
    let own = Checkpoint::parse_text(way.checkpoint.text()).expect("a checkpoint");
    let other = Checkpoint { origin: Origin::parse(STRANGER).expect("an origin"), head: own.head };
    let other = under(other.sign(&strangers).expect("signed"));
    let proof = "03.tlog-proof".to_owned();
    let older = |at: usize| vec![(proof.clone(), clean.proof(3, at).into_bytes())];
    let hash = clean.proof(3, size).lines().nth(3).expect("a hash").to_owned();
    let broken = clean.proof(3, size).replacen(&hash, &own.head.root.hash().to_base64(), 1).into_bytes();
    vec![
        with("fork", "a second checkpoint of the same size and another root", vec![("zz".to_owned(), under(fork))]),
        Case {
            policy: TWO_LOGS,
            ..with("other-origin", "a believed checkpoint of another log", vec![("zz".to_owned(), other.clone())])
        },
        with("stranger", "a checkpoint of a log that the policy does not name", vec![("zz".to_owned(), other)]),
        with("older-proof", "one proof is under an older checkpoint, and nothing leads from it", older(size - 2)),
        with("older-proof-with-way", "one proof is under an older checkpoint, with a consistency file", {
            let way = clean.consistency(size - 2, size).into_bytes();
            older(size - 2).into_iter().chain([("zz".to_owned(), way)]).collect()
        }),
        with("older-proof-two-ways", "two consistency files in a row lead to the head", {
            let way = clean.consistency(size - 3, size - 1).into_bytes();
            older(size - 3).into_iter().chain([("zz".to_owned(), way)]).collect()
        }),
        Case { broken: 1, ..with("proof-broken", "a hash of one proof was changed", vec![(proof.clone(), broken)]) },
        Case {
            broken: 1,
            ..with("proof-cut", "one proof holds its first line alone", {
                vec![(proof.clone(), b"c2sp.org/tlog-proof@v1\n".to_vec())]
            })
        },
    ]
}

/// Bodies in lines, and lists of files of every kind.
fn layouts(files: &[File]) -> Vec<Case> {
    let bodies: Vec<&File> = files.iter().filter(|(name, _)| is_body(name)).collect();
    let lines: Vec<u8> = bodies.iter().flat_map(|(_, bytes)| [bytes.as_slice(), b"\n \n"].concat()).collect();
    let names: Vec<String> = bodies.iter().map(|(name, _)| name.clone()).collect();
    let in_lines = |name, about, bytes: Vec<u8>| {
        let mut case = Case { name, without: names.clone(), ..Case::whole("clean", about) };
        case.replaced.push(("bodies".to_owned(), bytes));
        let held = case.files(files).into_iter().filter(|(name, _)| name != MANIFEST);
        case.replaced.push((MANIFEST.to_owned(), Packet::manifest_of(&held.collect::<Vec<_>>()).into_bytes()));
        case
    };
    let (_, list) = files.iter().find(|(name, _)| name == MANIFEST).expect("a list");
    let list = String::from_utf8(list.clone()).expect("UTF-8");
    let listed = |name, about, text: String| {
        let replaced = vec![(MANIFEST.to_owned(), text.into_bytes())];
        Case { name, replaced, ..Case::whole("clean", about) }
    };
    let beside = |name, about, file: &str, text: &str| {
        let replaced = vec![(file.to_owned(), text.as_bytes().to_vec())];
        Case { name, replaced, ..Case::whole("clean", about) }
    };
    let version = list.replacen("\"packet_version\": \"1\"", "\"packet_version\": \"2\"", 1);
    assert_ne!(version, list);
    vec![
        in_lines("lines", "all bodies stand in one file, with blank lines between them", lines.clone()),
        in_lines("lines-one-bad", "one of the lines is no JSON", [b"{\n".as_slice(), &lines].concat()),
        beside("not-listed", "a file that is not listed", "zz.txt", "hello\n"),
        beside("list-below", "a file packet.json in a folder below", "below/packet.json", "{}"),
        listed("list-of-another-version", "a list of an unknown version", version),
        listed("list-of-nothing", "a list of no file", r#"{"packet_version":"1","files":[]}"#.to_owned()),
        listed("list-cut", "a list that is no JSON", list[..list.len() - 3].to_owned()),
        listed("list-with-more", "a list with a member more", list.replacen('{', "{\"made_by\": \"x\",", 1)),
    ]
}

fn is_body(name: &str) -> bool {
    name.ends_with(".json") && name != MANIFEST
}

fn policies() -> Vec<(&'static str, String)> {
    let other = SignerKey::new(KeyName::parse(STRANGER).expect("a name"), &[8; 32]).expect("a key");
    vec![(POLICY, Kept::policy_text()), (TWO_LOGS, format!("log {}\n{}", other.vkey(), Kept::policy_text()))]
}

fn judged(files: &[File], bundle: &[u8], policy: &str) -> Verification {
    let policy = policies().into_iter().find(|(name, _)| *name == policy).expect("a policy").1;
    let policy = TrustPolicy::of_reader(policy).expect("a policy");
    let mut list = Manifest::default();
    files.iter().for_each(|(name, bytes)| list.take(name, bytes));
    let packet = Packet::read(files, &policy).expect("in order").with(&list);
    let mut judge = Judge::new(Options::at(AT_MS));
    judge.operator = Some(operator());
    judge.evidence = Evidence::Packet(Box::new(packet));
    judge.document(bundle).expect("a bundle")
}

fn document(case: &Case, files: &[File], (name, bytes): &File) -> Value {
    let verification = judged(files, bytes, case.policy);
    let open = verification.checks.iter().filter(|check| check.outcome != Outcome::Pass);
    let open = open.map(|check| json!({"check": check.name, "outcome": check.outcome, "code": check.code}));
    let findings: Vec<_> = verification.audit.findings.iter().map(|finding| finding.rule.code).collect();
    let protocol = verification.protocol.as_ref().expect("a verdict");
    json!({
        "file": format!("packets/{}/{name}", case.packet),
        "protocol": {"status": protocol.status, "reason_code": protocol.reason_code},
        "audit": verification.audit.status,
        "findings": findings,
        "absence": verification.coverage.as_ref().map(|coverage| coverage.absence),
        "open_checks": open.collect::<Vec<_>>(),
        "exit": verification.exit_code(),
    })
}

fn row(case: &Case, files: &[File]) -> Value {
    let is_bundle = |body: &[u8]| body.windows(16).any(|at| at == b"\"bundle_version\"");
    let lines = files.iter().flat_map(|(name, bytes)| bytes.split(|byte| *byte == b'\n').map(move |line| (name, line)));
    let bundles = lines.filter(|(_, line)| is_bundle(line)).map(|(name, line)| (name.clone(), line.to_vec()));
    let documents: Vec<_> = bundles.map(|file| document(case, files, &file)).collect();
    let proofs = files.iter().filter(|(name, _)| name.ends_with(".tlog-proof")).count() - case.broken;
    let replaced: BTreeMap<_, _> =
        case.replaced.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    json!({"name": case.name, "about": case.about, "packet": format!("packets/{}", case.packet),
        "without": case.without, "replaced": replaced, "policy": case.policy, "operator": operator().as_str(),
        "protocol_at_unix_ms": AT_MS, "proven_entries": proofs, "documents": documents})
}

pub fn files() -> Files {
    let clean = crate::make::evidence::attested_log();
    let wholes = BTreeMap::from([("clean", whole(&clean)), ("revoked", whole(&revoked()))]);
    let mut cases = cases(&clean, &wholes["clean"]);
    cases.extend(checkpoints(&clean, &wholes["clean"]));
    cases.extend(layouts(&wholes["clean"]));
    let rows: Vec<_> = cases.iter().map(|case| row(case, &case.files(&wholes[case.packet]))).collect();
    let mut files = Files::from([("packets.json".to_owned(), json_file(&rows.into()))]);
    files.extend(policies().into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())));
    for (packet, held) in wholes {
        files.extend(held.into_iter().map(|(file, bytes)| (format!("packets/{packet}/{file}"), bytes)));
    }
    files
}
