//! Both verdicts on bundles beside the whole log of a story: what the judge
//! adds to the audit's own rules.

use std::collections::BTreeSet;

use pulselog::artifact::Did;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::{Absence, Coverage, Verdict};
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Frontier, leaf_hash};
use pulselog::note::{KeyName, SignerKey};
use pulselog::protocol::Options;
use pulselog::trust::TrustPolicy;
use pulselog::verify::judge::Judge;
use pulselog::verify::verification::{Allowlists, AuditStatus, Verification};
use pulselog::verify::whole_log::{LogCopy, WholeLog};

use crate::audit::goldens::authority::neighbours;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::{did, key, kind, seal_raw, set};

/// Codes that only the judge can give; each is shown below or in `documents`.
pub const SHOWN: &[&str] = &["EVIDENCE_NOT_GIVEN", "BUNDLE_NOT_LOGGED", "RUN_UNKNOWN", "DOCUMENTS_DISAGREE"];

const ORIGIN: &str = "log.example/test";

/// The log that a story leaves, read whole.
pub fn whole(story: &Story) -> WholeLog {
    let timeline = story.timeline();
    let signer = SignerKey::new(KeyName::parse(ORIGIN).expect("a name"), &[7; 32]).expect("a key");
    let mut frontier = Frontier::empty();
    let entries: Vec<_> = timeline
        .prefix(timeline.size())
        .map(|(_, seen)| (seen.entry.clone(), seen.body.as_ref().map(|body| body.compact().into_owned())))
        .collect();
    entries.iter().for_each(|(entry, _)| frontier.push(leaf_hash(&entry.encode()), &mut |_, _| {}));
    let head = TreeHead { size: frontier.size(), root: frontier.root() };
    let checkpoint = Checkpoint { origin: Origin::parse(ORIGIN).expect("an origin"), head };
    let note = checkpoint.sign(&signer).expect("signed");
    let policy = TrustPolicy::for_log(signer.vkey());
    let mut copy = LogCopy::open(&policy, note.as_bytes()).expect("believed");
    for (entry, body) in entries {
        let bytes = entry.encode();
        let decoded = copy.decode(&bytes).expect("an entry");
        copy.push(&bytes, decoded, body.as_deref().map(str::as_bytes)).expect("room");
    }
    copy.finish().expect("whole")
}

fn judge(story: &Story, operator: Option<Did>) -> Judge {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = operator;
    judge.with_log(whole(story))
}

/// A bundle of the story as it was logged, or as it was not.
fn bundle(story: &Story, name: &str, change: impl FnOnce(&mut Value<'static>)) -> Vec<u8> {
    let step = story.steps.iter().find(|step| step.name == format!("job-1.{name}")).expect("a bundle");
    let mut payload = step.payload.clone();
    change(&mut payload);
    to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent"))).into_bytes()
}

fn codes(verification: &Verification) -> BTreeSet<&'static str> {
    verification.audit.findings.iter().map(|finding| finding.rule.code).collect()
}

#[test]
fn a_logged_bundle_of_a_clean_run_passes_with_recomputed_absence() {
    let story = Story::clean();
    let judge = judge(&story, Some(operator()));
    for name in ["b1", "b2"] {
        let verification = judge.document(&bundle(&story, name, |_| {})).expect("a bundle");
        assert_eq!(codes(&verification), BTreeSet::new(), "{verification:#?}");
        assert_eq!((verification.exit_code(), verification.audit.status), (0, AuditStatus::Pass));
        let (protocol, coverage) =
            (verification.protocol.expect("a verdict"), verification.coverage.expect("coverage"));
        assert_eq!((protocol.status, protocol.allowlists), (pulselog::protocol::Status::Pass, Allowlists::Roots));
        assert_eq!(coverage.absence, Absence::Recomputed);
        assert_eq!(verification.document.expect("a name").job.as_deref(), Some("job-1"));
    }
}

#[test]
fn a_bundle_of_a_guilty_run_fails_and_beside_that_of_the_other_run_of_the_job_it_is_named() {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    let judge = judge(&story, Some(operator()));
    for (name, expected, code, beside) in
        [("b1", BTreeSet::from(["TOKEN_REVOKED"]), 1, false), ("b2", BTreeSet::new(), 0, true)]
    {
        let verification = judge.document(&bundle(&story, name, |_| {})).expect("a bundle");
        assert_eq!((codes(&verification), verification.exit_code()), (expected, code));
        let rows = verification.coverage.expect("coverage").not_judged;
        let other_run = |row: &Coverage| row.what.starts_with("another run of the job is found at fault");
        assert_eq!(rows.iter().any(other_run), beside, "{rows:#?}");
    }
}

/// Another agent with a token of the job, and an act under it.
fn shared(story: &mut Story, verdict: &str) {
    neighbours(story);
    story.job = "job-1".to_owned();
    story.token("t9");
    story.decide("theirs", verdict, "r9", "t9", "sync", None);
    story.signed_by("theirs", "other wrapper");
}

#[test]
fn what_another_agent_does_in_the_job_stands_beside_a_bundle_and_is_not_its_verdict() {
    for (verdict, status, job) in
        [("allow", AuditStatus::Pass, Verdict::Fail), ("deny", AuditStatus::Pass, Verdict::Pass)]
    {
        let mut story = Story::clean();
        shared(&mut story, verdict);
        let report = story.audit();
        let run = report.run(&did("agent"), "job-1.r1");
        assert_eq!((report.job("job-1"), run), (job, Verdict::Pass), "{report:#?}");
        let found = judge(&story, Some(operator())).document(&bundle(&story, "b1", |_| {})).expect("a bundle");
        assert_eq!((codes(&found), found.audit.status, found.exit_code()), (BTreeSet::new(), status, 0));
        let rows = found.coverage.expect("coverage").not_judged;
        let others = |row: &&Coverage| row.subject.agent == Some(did("other agent")) && row.what.contains("at fault");
        assert_eq!(rows.iter().any(|row| others(&row)), job == Verdict::Fail, "{rows:#?}");
    }
}

#[test]
fn what_another_agents_wrapper_does_in_no_run_of_the_job_is_not_the_verdict_on_a_bundle() {
    for (signer, code, agent) in [("other wrapper", 0, "another agent"), ("wrapper", 1, "")] {
        let mut story = Story::clean();
        shared(&mut story, "deny");
        story.signed_by("theirs", signer);
        ["run_id", "cst"].into_iter().for_each(|member| story.unset("theirs", member));
        story.receipt("theirs receipt", "theirs", "accepted", None);
        story.signed_by("theirs receipt", signer);
        story.set("theirs receipt", "request_digest", crate::make::hex("sync"));
        assert_eq!(story.audit().job("job-1"), Verdict::Fail);
        let found = judge(&story, Some(operator())).document(&bundle(&story, "b1", |_| {})).expect("a bundle");
        assert_eq!(found.exit_code(), code, "{signer}: {found:#?}");
        let rows = found.coverage.expect("coverage").not_judged;
        let is_beside = |row: &Coverage| row.what.starts_with("another agent of the job is found at fault");
        assert_eq!(rows.iter().any(is_beside), !agent.is_empty(), "{rows:#?}");
    }
}

#[test]
fn a_bundle_that_the_log_does_not_hold_is_incomplete() {
    let story = Story::clean();
    let other = bundle(&story, "b1", |payload| set(payload, "bundle_id", Some("another".into())));
    let verification = judge(&story, Some(operator())).document(&other).expect("a bundle");
    assert_eq!((codes(&verification), verification.exit_code()), (BTreeSet::from(["BUNDLE_NOT_LOGGED"]), 3));
}

#[test]
fn a_run_without_a_known_token_is_incomplete() {
    let mut story = Story::clean();
    story.bundle("b3", "r3", "t9", &[]);
    set(&mut story.steps.last_mut().expect("it").payload, "receipts", None);
    let verification = judge(&story, Some(operator())).document(&bundle(&story, "b3", |_| {})).expect("a bundle");
    assert!(codes(&verification).contains("RUN_UNKNOWN"), "{verification:#?}");
    assert_ne!(verification.exit_code(), 0);
}

#[test]
fn without_evidence_or_operator_the_audit_says_what_to_bring() {
    let story = Story::clean();
    let document = bundle(&story, "b1", |_| {});
    let mut alone = Judge::new(Options::at(START_MS));
    alone.operator = Some(operator());
    let verification = alone.document(&document).expect("a bundle");
    assert_eq!(
        (codes(&verification), verification.audit.status),
        (BTreeSet::from(["EVIDENCE_NOT_GIVEN"]), AuditStatus::Incomplete)
    );
    let verification = judge(&story, None).document(&document).expect("a bundle");
    assert!(codes(&verification).contains("ROOTS_UNPINNED") && verification.exit_code() != 0, "{verification:#?}");
    let verification = judge(&story, Did::parse(&did("stranger")).ok()).document(&document).expect("a bundle");
    assert!(codes(&verification).contains("ROOTS_MISSING") && verification.exit_code() != 0, "{verification:#?}");
}

#[test]
fn the_protocol_verdict_does_not_depend_on_what_the_log_holds() {
    let options = || {
        let mut options = Options::at(START_MS + 60_000);
        options.gateway_signers = Some(vec![did("gateway")]);
        options
    };
    let story = Story::clean();
    let document = bundle(&story, "b1", |_| {});
    let mut seen = BTreeSet::new();
    let mut guilty = Story::clean();
    guilty.move_after("revoked", "ok");
    for logged in [None, Some(&story), Some(&guilty)] {
        let mut judge = Judge::new(options());
        judge.has_config = true;
        judge.operator = Some(operator());
        let judge = match logged {
            Some(story) => judge.with_log(whole(story)),
            None => judge,
        };
        let verification = judge.document(&document).expect("a bundle");
        seen.insert(serde_json::to_string(&verification.protocol).expect("json"));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn what_is_no_document_of_a_verdict_gets_none() {
    let judge = Judge::new(Options::at(START_MS));
    for bytes in [&b"no json"[..], b"{}", b"[1]", br#"{"envelope_type":"approval"}"#] {
        assert!(judge.document(bytes).is_none());
    }
}

/// An export around bundles as a peer packs one; its own signature does not
/// matter to the audit.
fn export(bundle: &[u8]) -> Vec<u8> {
    let bundle = std::str::from_utf8(bundle).expect("text");
    format!(r#"{{"export_version":"1","artifacts":{{"proof_bundle_envelope":{bundle}}}}}"#).into_bytes()
}

fn aggregate(bundles: &[Vec<u8>]) -> Vec<u8> {
    let members: Vec<_> = bundles.iter().map(|bundle| std::str::from_utf8(bundle).expect("text")).collect();
    let artifacts = format!(r#"{{"member_bundles":[{}]}}"#, members.join(","));
    format!(r#"{{"envelope_type":"aggregate_bundle","payload":{{"artifacts":{artifacts}}}}}"#).into_bytes()
}

#[test]
fn the_audit_of_an_export_is_that_of_the_bundle_inside() {
    for (guilty, status) in [(false, AuditStatus::Pass), (true, AuditStatus::Fail)] {
        let mut story = Story::clean();
        if guilty {
            story.move_after("revoked", "ok");
        }
        let judge = judge(&story, Some(operator()));
        let verification = judge.document(&export(&bundle(&story, "b1", |_| {}))).expect("an export");
        assert_eq!(verification.audit.status, status, "{verification:#?}");
        assert_eq!(verification.document.expect("a name").job.as_deref(), Some("job-1"));
    }
}

#[test]
fn an_aggregate_is_as_bad_as_the_worst_of_its_members() {
    let mut story = Story::clean();
    let good = bundle(&story, "b1", |_| {});
    let from = story.steps.len();
    story.job("job-2", "agent");
    let guilty_at = story.steps[from..].iter().position(|step| step.name == "job-2.b1").expect("a bundle") + from;
    let other =
        to_compact(&seal_raw(kind("proof_bundle"), story.steps[guilty_at].payload.clone(), &key("agent"))).into_bytes();
    let clean = judge(&story, Some(operator()));
    let both = aggregate(&[good.clone(), other.clone()]);
    assert_eq!(clean.document(&both).expect("an aggregate").audit.status, AuditStatus::Pass);
    story.set("job-2.sync", "approvals", Value::Array(vec![]));
    let guilty = judge(&story, Some(operator()));
    for members in [[good.clone(), other.clone()], [other, good.clone()]] {
        let verification = guilty.document(&aggregate(&members)).expect("an aggregate");
        assert_eq!(verification.audit.status, AuditStatus::Fail, "{verification:#?}");
    }
    let unlogged = bundle(&story, "b1", |payload| set(payload, "bundle_id", Some("another".into())));
    let verification = clean.document(&aggregate(&[good, unlogged])).expect("an aggregate");
    assert_eq!(verification.audit.status, AuditStatus::Incomplete, "{verification:#?}");
    let empty = clean.document(&aggregate(&[])).expect("an aggregate");
    assert_eq!(empty.audit.status, AuditStatus::Incomplete, "{empty:#?}");
}
