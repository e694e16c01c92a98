//! Vectors of packets, each with both verdicts on its bundles.

use std::collections::BTreeMap;

use pulselog::protocol::Options;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{File, MANIFEST, Manifest, Packet};
use pulselog::verify::report::Outcome;
use pulselog::verify::verification::Verification;
use serde_json::{Value, json};

use crate::audit_attest::attested;
use crate::audit_make::{START_MS, Story, operator};
use crate::evidence_make::Kept;
use crate::vectors::{Files, json_file};

const POLICY: &str = "packets/trust.policy";

/// The protocol verdict is made at this time; the audit reads no clock.
const AT_MS: i64 = START_MS + 60_000;

/// A packet as it was written, or with files left out and others in their place.
struct Case {
    name: &'static str,
    about: &'static str,
    /// Folder of the packet that it starts from.
    packet: &'static str,
    without: Vec<String>,
    replaced: Vec<File>,
}

impl Case {
    fn whole(packet: &'static str, about: &'static str) -> Case {
        Case { name: packet, about, packet, without: Vec::new(), replaced: Vec::new() }
    }

    /// The clean packet without these files, and without them in its list.
    fn without(name: &'static str, about: &'static str, files: &[File], without: Vec<String>) -> Case {
        let kept = files.iter().filter(|(name, _)| name != MANIFEST && !without.contains(name)).cloned();
        let list = Packet::manifest_of(&kept.collect::<Vec<_>>()).into_bytes();
        Case { name, about, packet: "clean", without, replaced: vec![(MANIFEST.to_owned(), list)] }
    }

    fn files(&self, whole: &[File]) -> Vec<File> {
        let kept = whole.iter().filter(|(name, _)| !self.without.contains(name));
        let new =
            |name: &str| self.replaced.iter().find(|(replaced, _)| replaced == name).map(|(_, bytes)| bytes.clone());
        kept.map(|(name, bytes)| (name.clone(), new(name).unwrap_or_else(|| bytes.clone()))).collect()
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
            about: "a listed file is not there",
            packet: "clean",
            without: vec![body],
            replaced: Vec::new(),
        },
        Case {
            name: "file-changed",
            about: "a listed file has one byte more",
            packet: "clean",
            without: Vec::new(),
            replaced: vec![longer],
        },
    ]
}

fn judged(files: &[File], bundle: &[u8]) -> Verification {
    let mut list = Manifest::default();
    files.iter().for_each(|(name, bytes)| list.take(name, bytes));
    let packet = Packet::read(files, &Kept::policy()).expect("in order").with(&list);
    let mut judge = Judge::new(Options::at(AT_MS));
    judge.operator = Some(operator());
    judge.evidence = Evidence::Packet(Box::new(packet));
    judge.document(bundle).expect("a bundle")
}

fn document(case: &Case, files: &[File], (name, bytes): &File) -> Value {
    let verification = judged(files, bytes);
    let open = verification.checks.iter().filter(|check| check.outcome != Outcome::Pass);
    let open = open.map(|check| json!({"check": check.name, "outcome": check.outcome, "code": check.code}));
    let findings: Vec<_> = verification.audit.findings.iter().map(|finding| finding.code).collect();
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
    let bundles = files.iter().filter(|(_, bytes)| is_bundle(bytes));
    let documents: Vec<_> = bundles.map(|file| document(case, files, file)).collect();
    let proofs = files.iter().filter(|(name, _)| name.ends_with(".tlog-proof")).count();
    let replaced: BTreeMap<_, _> =
        case.replaced.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    json!({"name": case.name, "about": case.about, "packet": format!("packets/{}", case.packet),
        "without": case.without, "replaced": replaced, "policy": POLICY, "operator": operator().as_str(),
        "protocol_at_unix_ms": AT_MS, "proven_entries": proofs, "documents": documents})
}

pub fn files() -> Files {
    let clean = crate::evidence_make::attested_log();
    let wholes = BTreeMap::from([("clean", whole(&clean)), ("revoked", whole(&revoked()))]);
    let cases = cases(&clean, &wholes["clean"]);
    let rows: Vec<_> = cases.iter().map(|case| row(case, &case.files(&wholes[case.packet]))).collect();
    let mut files = Files::from([
        (POLICY.to_owned(), Kept::policy_text().into_bytes()),
        ("packets.json".to_owned(), json_file(&rows.into())),
    ]);
    for (packet, held) in wholes {
        files.extend(held.into_iter().map(|(file, bytes)| (format!("packets/{packet}/{file}"), bytes)));
    }
    files
}
