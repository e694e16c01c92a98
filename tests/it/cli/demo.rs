//! The demo end to end: its packet verifies offline, a second run continues
//! the same log, and the data is true in itself: every hash that a statement
//! names is that of the statement it means.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use pulselog::artifact::json::{self, Value, to_compact, to_jcs};
use pulselog::artifact::{Artifact, holds_token, scope_hash_b64u};
use pulselog::audit::{Timeline, audit};
use pulselog::entry::SequencedEntry;
use sha2::{Digest as _, Sha256};

use crate::cli::{Ran, command, run};
use crate::make::{admit_any, good, kind};

const STORY: [&str; 25] = [
    "audit_roots",
    "work_policy",
    "cst_issuance",
    "gateway_receipt",
    "argocd_decision",
    "argocd_receipt",
    "gateway_receipt",
    "approval",
    "argocd_decision",
    "argocd_receipt",
    "argocd_observation",
    "argocd_decision",
    "cst_revocation",
    "change_record",
    "cst_issuance",
    "gateway_receipt",
    "approval",
    "argocd_decision",
    "argocd_receipt",
    "argocd_observation",
    "proof_bundle",
    "proof_bundle",
    "trust_pulse",
    "trust_pulse",
    "audit_statement",
];

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn play(dir: &Path) -> Ran {
    run(&["demo", "--once", "--data", text(dir)])
}

fn stem(packet: &Path, step: usize) -> PathBuf {
    packet.join(format!("{step:02}-{}", STORY[step]))
}

fn verify(packet: &Path, step: usize, older: bool) -> Ran {
    let stem = stem(packet, step);
    let (body, proof) = (stem.with_extension("json"), stem.with_extension("tlog-proof"));
    let policy = packet.join("trust.policy");
    let (old, file) = (packet.join("previous.checkpoint"), packet.join("previous-to-now.consistency"));
    let operator = operator(packet);
    let mut args = vec!["verify", text(&body), "--proof", text(&proof), "--policy", text(&policy), "--json"];
    args.extend(["--evidence", text(packet), "--operator", &operator]);
    if older {
        args.extend(["--consistent-with", text(&old), "--consistency", text(&file)]);
    }
    run(&args)
}

/// Who signed the roots.
fn operator(packet: &Path) -> String {
    let roots = std::fs::read_to_string(stem(packet, 0).with_extension("json")).expect("roots");
    json::parse(roots.as_bytes(), 64).expect("JSON").text_at("signer_did").expect("a signer").to_owned()
}

fn statements(packet: &Path) -> Vec<Artifact<'static>> {
    let read = |step| std::fs::read_to_string(stem(packet, step).with_extension("json")).expect("an artifact");
    (0..STORY.len()).map(|step| admit_any(&read(step)).expect("admitted").artifact).collect()
}

#[test]
fn plays_the_story_twice_into_one_log_and_leaves_packets_that_verify() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let first = play(dir);
    assert_eq!(first.code, 0, "{}", first.err);
    let packet = dir.join("packet");
    let keys = |name: &str| std::fs::read(dir.join("keys").join(name)).expect("a key");
    let kept = [keys("log.pem"), keys("operator.pem"), keys("agent.pem")];
    for step in 0..STORY.len() {
        let ran = verify(&packet, step, false);
        assert_eq!(ran.code, 0, "{}", ran.out);
        let report: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(report["subject"]["index"], step);
        assert_eq!(report["subject"]["tree_size"], STORY.len());
    }
    let before = statements(&packet);
    is_true_in_itself(&before);
    is_bound(&before);
    audits_clean(&packet);
    let room = entries(dir) - STORY.len();
    assert!(first.out.contains("each reported by notification and seen by the poller: audit pass"), "{}", first.out);

    let second = play(dir);
    assert_eq!(second.code, 0, "{}", second.err);
    // Too early for what is owed, so nothing of it is played, and both say when.
    assert!(
        owed(&first).contains("a sync after revocation, which is found at once, and one round the\nwrapper"),
        "{}",
        first.out
    );
    assert_eq!(owed(&first), owed(&second));
    assert_eq!(entries(dir), 2 * STORY.len() + room);
    let after = statements(&packet);
    is_true_in_itself(&after);
    for step in 0..STORY.len() {
        assert_eq!(verify(&packet, step, true).code, 0);
        assert_ne!(before[step].digest(), after[step].digest(), "step {step} is new");
    }
    assert_eq!(kept, [keys("log.pem"), keys("operator.pem"), keys("agent.pem")]);
    assert_ne!(before[2].keys().job, after[2].keys().job);
    assert_eq!(before[1].payload_hash(), after[1].payload_hash(), "one policy, two jobs");
    // No token of the story works any more.
    let tokens = run(&["token", "list", "--data", text(&dir.join("log")), "--json"]);
    let tokens: serde_json::Value = serde_json::from_str(&tokens.out).expect("JSON");
    let rows = tokens.as_array().expect("rows");
    assert_eq!(rows.len(), 22);
    assert!(rows.iter().all(|row| row["revoked_at"].is_u64()));
}

/// How many entries the demo's log has, all of them whole.
fn entries(dir: &Path) -> usize {
    let checked = run(&["fsck", "--data", text(&dir.join("log"))]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    let words = checked.out.split_once(" entries").expect("a count").0;
    words.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a number")
}

/// What a run says that it owes, with the command to run again.
fn owed(ran: &Ran) -> &str {
    let from = ran.out.find("\nOwed until ").unwrap_or_else(|| panic!("owes nothing: {}", ran.out));
    ran.out[from..].split("\nVerify offline:").next().unwrap_or_default()
}

/// The story as the audit sees it: whoever pins its operator finds nothing in
/// it, the denied edit included.
fn audits_clean(packet: &Path) {
    let entry = |step| {
        let proof = std::fs::read(stem(packet, step).with_extension("tlog-proof")).expect("a proof");
        let proof = pulselog::receipt::tlog_proof::decode(&proof).expect("a proof");
        let entry = SequencedEntry::decode(&proof.extra.expect("the entry")).expect("an entry");
        (proof.index, entry)
    };
    let log = statements(packet).into_iter().enumerate().map(|(step, artifact)| {
        let (index, entry) = entry(step);
        (index, entry, Some(artifact))
    });
    let timeline = Timeline::new(log);
    let operator = statements(packet)[0].signer().cloned().expect("the operator signed the roots");
    let report = audit(&timeline, Some(&operator));
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(format!("{:?}", report.verdict), "Pass", "{:#?} {:#?}", report.pending, report.coverage);
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn b64u(bytes: &[u8]) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    Base64UrlUnpadded::encode_string(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn at<'a>(artifact: &'a Artifact<'static>, path: &str) -> &'a Value<'static> {
    artifact.payload().at(path).unwrap_or_else(|| panic!("{} has no {path}", artifact.kind().name()))
}

fn said<'a>(artifact: &'a Artifact<'static>, path: &str) -> &'a str {
    at(artifact, path).as_str().unwrap_or_else(|| panic!("{path} is text"))
}

/// Nothing secret, everything pinned to what it names.
fn is_true_in_itself(story: &[Artifact<'static>]) {
    assert_eq!(story.iter().map(|s| s.kind().name()).collect::<Vec<_>>(), STORY);
    assert!(story.iter().all(|statement| !holds_token(&statement.compact())));
    let policy = story[1].payload_hash().to_b64u();
    assert_eq!(b64u(&sha256(to_jcs(story[1].payload()).as_bytes())), policy);
    let signer = |step: usize| story[step].signer().expect("signed").as_str();
    let roots = &story[0];
    for (list, step) in
        [("policy_signers", 1), ("cst_issuers", 2), ("cst_revokers", 12), ("gateways", 3), ("recorders", 13)]
    {
        assert_eq!(at(roots, list), &Value::Array(vec![signer(step).into()]), "{list}");
    }
    for (list, step) in [("approvers", 7), ("wrappers", 4), ("agents", 20)] {
        assert_eq!(at(roots, list).as_array().expect("rows")[0].text_at("did"), Some(signer(step)), "{list}");
    }
    for step in [2, 14] {
        let claims = at(&story[step], "claims");
        assert_eq!(claims.text_at("policy_hash_b64u"), Some(policy.as_str()));
        assert_eq!(claims.text_at("token_scope_hash_b64u"), Some(scope_hash_b64u(claims).as_str()));
        assert_eq!(claims.text_at("sub"), Some(signer(20)));
    }
    assert_eq!(said(&story[12], "token_hash"), said(&story[2], "token_hash"));
    assert_ne!(said(&story[2], "token_hash"), said(&story[14], "token_hash"));
    assert_ne!(said(&story[2], "claims.token_scope_hash_b64u"), said(&story[14], "claims.token_scope_hash_b64u"));
    for (decision, receipt) in [(4, 5), (8, 9), (17, 18)] {
        assert_eq!(said(&story[decision], "decision"), "allow");
        assert_eq!(said(&story[receipt], "decision_digest"), story[decision].payload_hash().to_string());
        assert_eq!(said(&story[receipt], "request_digest"), said(&story[decision], "request_digest"));
    }
    assert_eq!((said(&story[11], "decision"), said(&story[11], "binds.action")), ("deny", "edit_app_spec"));
    for (approval, decision) in [(7, 8), (16, 17)] {
        let named = at(&story[decision], "approvals").as_array().expect("a list");
        assert_eq!(named, [Value::from(story[approval].payload_hash().to_string())]);
        assert_eq!(to_jcs(at(&story[approval], "binds")), to_jcs(at(&story[decision], "binds")));
    }
    for (decision, issuance) in [(4, 2), (8, 2), (11, 2), (17, 14)] {
        assert_eq!(said(&story[decision], "cst.token_hash"), said(&story[issuance], "token_hash"));
        assert_eq!(said(&story[decision], "policy_hash_b64u"), policy);
        assert_eq!(said(&story[decision], "job_id"), said(&story[issuance], "claims.mission_id"));
    }
}

/// Operations, event chains, receipts and bundles.
fn is_bound(story: &[Artifact<'static>]) {
    for (receipt, seen) in [(9, 10), (18, 19)] {
        let operation = Value::Array(vec![
            at(&story[seen], "instance").clone(),
            at(&story[seen], "app.uid").clone(),
            at(&story[seen], "started_at").clone(),
            at(&story[seen], "operation_digest").clone(),
        ]);
        let op_key = hex(&sha256(to_jcs(&operation).as_bytes()));
        assert_eq!(said(&story[seen], "op_key"), op_key);
        assert_eq!(said(&story[receipt], "op_key"), op_key);
        assert!(story[seen].signer().is_none(), "an observer's word is its token");
    }
    assert_ne!(said(&story[10], "op_key"), said(&story[19], "op_key"));
    let info = at(&story[10], "info").as_array().expect("pairs");
    let named = info.iter().find(|pair| pair.text_at("name") == Some("claw.decision")).expect("the decision");
    assert_eq!(named.text_at("value"), Some(story[8].payload_hash().to_string().as_str()));
    let hash = |step: usize| story[step].payload_hash().to_b64u();
    let runs = [
        (
            20,
            vec![3, 6],
            2,
            vec![
                (4, "policy_decision"),
                (5, "tool_call"),
                (8, "policy_decision"),
                (9, "tool_call"),
                (11, "policy_decision"),
            ],
        ),
        (21, vec![15], 14, vec![(17, "policy_decision"), (18, "tool_call")]),
    ];
    for (bundle, receipts, token, records) in runs {
        let chain = at(&story[bundle], "event_chain").as_array().expect("events");
        let events = holds_together(chain);
        assert_eq!(chain.len(), receipts.len() + records.len());
        for (step, event_type) in records {
            assert!(events.contains(&(event_type.to_owned(), hash(step))), "step {step} is in the chain");
        }
        let packed = at(&story[bundle], "receipts").as_array().expect("receipts");
        let logged: Vec<_> = receipts.iter().map(|step| story[*step].value().clone()).collect();
        assert_eq!(packed, logged, "the receipts are those that were logged");
        for step in receipts {
            assert!(events.contains(&("llm_call".to_owned(), said(&story[step], "request_hash_b64u").to_owned())));
            let event = chain
                .iter()
                .find(|e| e.text_at("event_hash_b64u") == Some(said(&story[step], "binding.event_hash_b64u")));
            assert_eq!(event.and_then(|e| e.text_at("run_id")), Some(said(&story[step], "binding.run_id")));
            let grant = said(&story[token], "claims.token_scope_hash_b64u");
            assert_eq!(said(&story[step], "binding.token_scope_hash_b64u"), grant);
        }
        let tokens = at(&story[bundle], "metadata.pulselog.token_hashes").as_array().expect("tokens");
        assert_eq!(tokens, [at(&story[token], "token_hash").clone()]);
        assert_eq!(said(&story[bundle], "metadata.pulselog.job_id"), said(&story[token], "claims.mission_id"));
        assert_eq!(story[bundle].keys().runs, story[bundle + 2].keys().runs, "the pulse is of the same run");
    }
}

/// Recomputes an event chain; returns (event type, payload hash) of each.
fn holds_together(chain: &[Value]) -> Vec<(String, String)> {
    let mut previous = Value::Null;
    let mut events = Vec::new();
    for event in chain {
        let mut object = event.as_object().expect("an event").clone();
        let hash = object.remove("event_hash_b64u").expect("its hash");
        assert_eq!(object.get("prev_hash_b64u"), Some(&previous));
        assert_eq!(hash, b64u(&sha256(to_compact(&object.into()).as_bytes())).into());
        previous = hash;
        let text = |name: &str| event.text_at(name).expect("text").to_owned();
        events.push((text("event_type"), text("payload_hash_b64u")));
    }
    events
}

/// `pulselog serve` on a free port.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(dir: &Path) -> Self {
        let made = |args: &[&str]| run(args).out.trim_end().to_owned();
        let (key, operator) = (dir.join("log.pem"), dir.join("operator.pem"));
        made(&["keygen", "--origin", "example.com/log", "--out", text(&key)]);
        let did = made(&["keygen", "--did", "--out", text(&operator)]);
        let data = dir.join("data");
        let mut child = command()
            .args(["serve", "--data", text(&data), "--listen", "127.0.0.1:0", "--origin", "example.com/log"])
            .args(["--key", text(&key), "--operator", &did, "--log", "error"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let line = lines.map_while(Result::ok).find(|line| line.contains("http://")).expect("it says where it serves");
        let url = line[line.find("http://").expect("a URL")..].trim().to_owned();
        Self { child, url }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn submits_directories_and_lines_and_says_what_was_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let serving = Serving::start(dir);
    let token = dir.join("token.txt");
    let made = run(&["token", "new", "tester", "--data", text(&dir.join("data"))]);
    assert_eq!((made.code, made.out.lines().count()), (0, 1), "{}", made.err);
    std::fs::write(&token, &made.out).expect("written");
    let again = run(&["token", "new", "tester", "--data", text(&dir.join("data"))]);
    assert_eq!((again.code, again.err.lines().count(), again.out.as_str()), (1, 1, ""));

    let files = dir.join("files");
    std::fs::create_dir_all(files.join("deeper")).expect("directories");
    let pretty = json::to_pretty(&json::parse(good(kind("approval")).as_bytes(), 64).expect("JSON"));
    std::fs::write(files.join("a.json"), pretty).expect("written");
    std::fs::write(files.join("notes.txt"), "passed over").expect("written");
    let lines =
        [good(kind("gateway_receipt")), "{\"no\":\"kind\"}".to_owned(), String::new(), good(kind("cst_issuance"))];
    std::fs::write(files.join("deeper/b.ndjson"), lines.join("\n")).expect("written");
    let submit = |paths: &[&str]| {
        let args = [&["submit", "--url", &serving.url, "--token-file", text(&token)], paths].concat();
        run(&args)
    };
    let ran = submit(&[text(&files)]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "3 logged, 0 known before, 1 refused\n"), "{}", ran.err);
    assert!(ran.err.contains("b.ndjson:2") && ran.err.contains("unknown_kind"), "{}", ran.err);
    // The same statement in a new envelope; what is in none is not renewed.
    let ran = submit(&["--renew", text(&files.join("a.json"))]);
    let expected = "1 logged, 0 known before, 0 refused, each in a new envelope\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, expected), "{}", ran.err);
    let ran = submit(&["--renew", text(&files.join("deeper"))]);
    assert!(ran.code == 1 && ran.err.contains("b.ndjson:2") && ran.err.contains("not_renewable"), "{}", ran.err);
    let ran = submit(&[text(&files.join("a.json")), "--json"]);
    let line: serde_json::Value = serde_json::from_str(&ran.out).expect("one JSON line");
    assert_eq!((ran.code, &line["status"]), (0, &200.into()), "{}", ran.out);

    std::fs::write(&token, "plg_0000").expect("written");
    let ran = submit(&[text(&files)]);
    assert_eq!((ran.code, ran.err.lines().count()), (1, 1));
    assert!(ran.err.contains("token"), "{}", ran.err);
    let ran = submit(&["/nowhere/at-all"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1));

    let vkey = run(&["keygen", "--origin", "other.example/log", "--out", text(&dir.join("other.pem"))]).out;
    let ran = run(&["fsck", "--url", &serving.url, "--vkey", vkey.trim_end()]);
    assert_eq!((ran.code, ran.err.lines().count()), (3, 1), "another log's key: {}", ran.err);
}

#[test]
fn refuses_a_listener_that_others_reach_and_a_second_demo_on_the_same_data() {
    let dir = tempfile::tempdir().expect("a directory");
    let ran = run(&["demo", "--once", "--data", text(dir.path()), "--listen", "0.0.0.0:0"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1));
    assert!(ran.err.contains("--listen"), "{}", ran.err);
    let serving = Serving::start(dir.path());
    let operator = run(&["keygen", "--did", "--out", text(&dir.path().join("second.pem"))]).out;
    let second = run(&[
        "serve",
        "--data",
        text(&dir.path().join("data")),
        "--listen",
        "127.0.0.1:0",
        "--origin",
        "example.com/log",
        "--key",
        text(&dir.path().join("log.pem")),
        "--operator",
        operator.trim_end(),
        "--log",
        "off",
    ]);
    assert_eq!((second.code, second.err.lines().count()), (1, 1), "{}", second.err);
    drop(serving);
}

#[test]
fn refuses_to_serve_without_settings_or_with_a_key_that_others_may_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("log.pem");
    run(&["keygen", "--origin", "example.com/log", "--out", text(&key)]);
    let did = run(&["keygen", "--did", "--out", text(&dir.path().join("operator.pem"))]).out;
    let data = dir.path().join("data");
    let serve = |more: &[&str]| {
        let ran = run(&[&["serve", "--data", text(&data), "--log", "off"], more].concat());
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        (ran.code, ran.err)
    };
    let (code, line) = serve(&[]);
    assert!(code == 2 && line.contains("--origin"), "{line}");
    let all = ["--origin", "example.com/log", "--key", text(&key), "--operator", did.trim_end()];
    let (code, line) = serve(&[&all[..], &["--listen", "0.0.0.0:0"]].concat());
    assert!(code == 2 && line.contains("public"), "{line}");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("a mode");
    let (code, line) = serve(&[&all[..], &["--listen", "127.0.0.1:0"]].concat());
    assert!(code == 1 && line.contains("600"), "{line}");
    assert!(!data.exists(), "nothing was initialised");
}
