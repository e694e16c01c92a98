//! `verify` over documents that bring their verdicts, alone and in numbers;
//! tokens beside them; what is asked wrongly.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::Signer as _;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::scope_hash_b64u;
use serde_json::json;

use crate::cli::{Ran, run, run_with};
use crate::house::schemas::is_valid;
use crate::make::audit::Story;
use crate::make::{did, hex, key, kind, seal_raw, set, shared, value};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn report(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
}

/// A file in a directory of its own.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

/// The bundle of the story's first run, sealed by its agent.
fn bundle() -> Value<'static> {
    let story = Story::clean();
    let step = story.steps.iter().find(|step| step.name == "job-1.b1").expect("a bundle");
    seal_raw(kind("proof_bundle"), step.payload.clone(), &key("agent"))
}

fn config() -> String {
    json!({"config_version": "1", "allowlists": {"gateway_receipt_signer_dids": [did("gateway")]}}).to_string()
}

#[test]
fn the_shared_argo_bundles_get_the_peers_verdict_and_an_audit_that_says_what_is_missing() {
    let Some(path) = shared("clawsig/argo") else { return };
    let files = Files::new();
    for file in std::fs::read_dir(path).expect("a directory").flatten() {
        let name = file.file_name().into_string().expect("UTF-8");
        let text = std::fs::read_to_string(file.path()).expect("a vector");
        // Order of members matters for the document, and for nothing else.
        let document = files.put("bundle.json", &to_compact(value(&text).get("envelope").expect("an envelope")));
        let vector: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let config = files.put("config.json", &json!({"config_version":"1","allowlists":vector["config"]}).to_string());
        let ran = run(&["verify", &document, "--config", &config, "--json"]);
        let report = report(&ran);
        is_valid("verification.schema.json", &report);
        let (peer, protocol, audit) = (&vector["peer_verdict"], &report["protocol"], &report["audit"]);
        assert_eq!(protocol["status"] == "pass", peer["status"] == "VALID", "{name}: {report:#}");
        assert_eq!(protocol["reason_code"], peer["reason_code"], "{name}");
        for tier in ["proof_tier", "trust_tier"] {
            assert_eq!(protocol[tier], peer[tier], "{name}");
        }
        let codes: Vec<_> = audit["findings"].as_array().expect("findings").iter().map(|f| &f["code"]).collect();
        assert!(
            codes.contains(&&"EVIDENCE_NOT_GIVEN".into()) && codes.contains(&&"ROOTS_UNPINNED".into()),
            "{codes:?}"
        );
        let denies = name.contains("explicit_deny");
        assert_eq!(audit["status"], if denies { "fail" } else { "incomplete" }, "{name}: {report:#}");
        let fails = denies || peer["status"] != "VALID";
        assert_eq!(ran.code, if fails { 1 } else { 3 }, "{name}");
        // The same in words.
        let words = run(&["verify", &document, "--config", &config]);
        assert!(words.out.contains("protocol") && words.out.contains("not checked: nobody looked"), "{}", words.out);
    }
}

#[test]
fn only_the_protocol_verdict_when_only_that_is_asked() {
    let files = Files::new();
    let (document, config) = (files.put("b.json", &to_compact(&bundle())), files.put("c.json", &config()));
    let ran = run(&["verify", &document, "--config", &config, "--protocol-only", "--json"]);
    let report = report(&ran);
    assert_eq!((ran.code, &report["audit"]["status"]), (0, &"not_asked".into()), "{report:#}");
    is_valid("verification.schema.json", &report);
}

#[test]
fn a_list_that_nobody_gave_leaves_the_protocol_verdict_open_unless_something_else_fails() {
    let files = Files::new();
    let document = files.put("b.json", &to_compact(&bundle()));
    // Nobody is believed without a list: the peer refuses, and we have not checked.
    let ran = run(&["verify", &document, "--protocol-only", "--json"]);
    let (report, protocol) = (report(&ran), report(&ran)["protocol"].clone());
    is_valid("verification.schema.json", &report);
    assert_eq!((&protocol["status"], &protocol["reason_code"]), (&"fail".into(), &"DEPENDENCY_NOT_CONFIGURED".into()));
    assert_eq!(protocol["lacks"], json!(["gateway_receipt_signer_dids"]));
    assert_eq!((ran.code, &report["verdict"]), (3, &"incomplete".into()));
    let ran = run(&["verify", &document, "--protocol-only"]);
    assert_eq!(ran.code, 3);
    for words in ["INCOMPLETE", "not checked", "DEPENDENCY_NOT_CONFIGURED", "--config", "--operator"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    // A receipt that does not verify fails whoever is trusted.
    let mut forged = bundle();
    let payload = forged.get("payload").cloned().expect("a payload");
    let mut payload = payload;
    set(&mut payload, "receipts[0].payload.model", Some("gpt-6".into()));
    forged = seal_raw(kind("proof_bundle"), payload, &key("agent"));
    let document = files.put("forged.json", &to_compact(&forged));
    let ran = run(&["verify", &document, "--protocol-only", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &json["protocol"]["lacks"]), (1, &json!([])), "{json:#}");
    assert_eq!(json["protocol"]["reason_code"], "DEPENDENCY_NOT_CONFIGURED", "the peer's own code");
}

#[test]
fn expiry_is_judged_at_the_given_time() {
    let files = Files::new();
    let mut bundle = bundle();
    set(&mut bundle, "expires_at", Some("2026-11-22T13:00:00Z".into()));
    let (document, config) = (files.put("b.json", &to_compact(&bundle)), files.put("c.json", &config()));
    let at = |time| run(&["verify", &document, "--config", &config, "--protocol-only", "--at", time]).code;
    assert_eq!((at("2026-11-22T12:30:00Z"), at("2026-11-22T13:30:00Z"), at("yesterday")), (0, 1, 2));
}

#[test]
fn many_documents_get_a_line_each_and_the_worst_exit_code() {
    let files = Files::new();
    let config = files.put("c.json", &config());
    let good = to_compact(&bundle());
    let bad = good.replacen("gpt-5", "gpt-6", 1);
    let lines = files.put("day.ndjson", &format!("{good}\n{bad}\nno json\n{good}\n"));
    let ran = run(&["verify", &lines, "--config", &config, "--protocol-only"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let words: Vec<_> = ran.out.lines().map(|line| line.split_whitespace().next().unwrap_or_default()).collect();
    assert_eq!(words[..4], ["pass", "FAIL", "FAIL", "pass"], "{}", ran.out);
    assert!(
        ran.out.contains("line 2")
            && ran.out.ends_with("\n3 documents judged: 1 FAIL, 2 pass\n1 file that could not be judged: 1 FAIL\n"),
        "{}",
        ran.out
    );
    let ran = run(&["verify", &lines, "--config", &config, "--protocol-only", "--json"]);
    let verdicts: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        verdicts.iter().map(|v| v["verdict"].as_str()).collect::<Vec<_>>(),
        [Some("pass"), Some("fail"), Some("fail"), Some("pass")]
    );
    is_valid("verification.schema.json", &verdicts[0]);
    // A directory, and only good ones.
    let dir = Files::new();
    for name in ["1.json", "2.json"] {
        dir.put(name, &good);
    }
    assert_eq!(run(&["verify", text(dir.0.path()), "--config", &config, "--protocol-only"]).code, 0);
}

/// A compact token over these claims, signed as its issuer signs.
pub fn token(claims: &Value, signer: &str) -> String {
    token_under(claims, signer, &kid(signer))
}

/// The same under the kid of somebody's key.
fn token_under(claims: &Value, signer: &str, kid: &str) -> String {
    let key = key(signer);
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#);
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let signed = format!("{}.{}", part(&header), part(&to_compact(claims)));
    let signature = Base64UrlUnpadded::encode_string(&key.sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

pub fn kid(signer: &str) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(key(signer).verifying_key().as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub fn jwks(signer: &str) -> String {
    let x = Base64UrlUnpadded::encode_string(key(signer).verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid(signer), "x": x}]}).to_string()
}

/// The claims of the story's first token.
fn claims() -> Value<'static> {
    let story = Story::clean();
    let step = story.steps.iter().find(|step| step.name == "job-1.t1").expect("a token");
    step.payload.get("claims").expect("claims").clone()
}

fn checked(token: &str, keys: Option<&str>, more: &[&str]) -> (i32, Vec<String>, Ran) {
    let files = Files::new();
    let (document, config) = (files.put("b.json", &to_compact(&bundle())), files.put("c.json", &config()));
    let cst = files.put("token", token);
    let mut args = vec!["verify", &document, "--config", &config, "--protocol-only", "--json", "--cst", &cst];
    let keys = keys.map(|keys| files.put("jwks.json", keys));
    if let Some(keys) = &keys {
        args.extend(["--jwks", keys]);
    }
    args.extend(more);
    let ran = run(&args);
    for part in token.split('.').filter(|part| part.len() > 10) {
        assert!(!ran.out.contains(part) && !ran.err.contains(part), "no part of a token is ever repeated");
    }
    let codes = match ran.out.is_empty() {
        true => Vec::new(),
        false => {
            let report = report(&ran);
            is_valid("verification.schema.json", &report);
            let checks = report["checks"].as_array().expect("checks").clone();
            checks
                .iter()
                .filter(|c| c["outcome"] != "pass")
                .map(|c| c["code"].as_str().unwrap_or("").to_owned())
                .collect()
        }
    };
    (ran.code, codes, ran)
}

#[test]
fn a_token_is_checked_against_keys_bundle_and_job_and_never_repeated() {
    let good = token(&claims(), "issuer");
    let keys = jwks("issuer");
    // Its issuance is not at hand: that alone is missing.
    assert_eq!(checked(&good, Some(&keys), &[]).1, ["token_not_issued_here"]);
    assert_eq!(checked(&good, None, &[]).1, ["token_keys_not_given", "token_not_issued_here"]);
    assert_eq!(checked(&good, Some(&jwks("stranger")), &[]).1[0], "token_key_unknown");
    let forged = token_under(&claims(), "stranger", &kid("issuer"));
    assert_eq!(checked(&forged, Some(&keys), &[]).1[0], "token_signature_invalid");
    let mut tampered = good.clone().into_bytes();
    let last = tampered.len() - 10;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let (code, codes, _) = checked(std::str::from_utf8(&tampered).expect("ASCII"), Some(&keys), &[]);
    assert_eq!((code, codes[0].as_str()), (1, "token_signature_invalid"));
    let change = |path: &str, new: &str| {
        let mut claims = claims();
        set(&mut claims, path, Some(new.into()));
        let hash = scope_hash_b64u(&claims);
        set(&mut claims, "token_scope_hash_b64u", Some(hash.into()));
        checked(&token(&claims, "issuer"), Some(&keys), &["--expect-job", "job-1"])
    };
    assert_eq!(change("sub", &did("other agent")).1[..2], ["token_other_agent", "token_other_grant"]);
    assert_eq!(change("mission_id", "job-2").1[..2], ["token_other_job", "token_other_grant"]);
}

#[test]
fn what_is_no_token_or_key_set_is_refused_in_one_line() {
    for (text, code) in [
        ("", "token_form"),
        ("a.b", "token_form"),
        ("a.b.c.d", "token_form"),
        (&token(&claims(), "issuer").replacen('.', ".x", 1), "token_form"),
        (&token(&value("{}"), "issuer"), "token_claims"),
    ] {
        let (exit, _, ran) = checked(text, None, &[]);
        assert!(exit == 1 && ran.err.contains(code), "{text}: {} {}", ran.err, ran.out);
    }
    let files = Files::new();
    let cst = files.put("token", &token(&claims(), "issuer"));
    let document = files.put("b.json", &to_compact(&bundle()));
    for keys in ["{}", r#"{"keys":[{"kty":"RSA"}]}"#, &jwks("issuer").replacen(&kid("issuer"), &hex("x")[..16], 1)] {
        let keys = files.put("jwks.json", keys);
        let ran = run(&["verify", &document, "--cst", &cst, "--jwks", &keys]);
        assert!(ran.code == 1 && ran.err.contains("key_set_invalid"), "{} {}", ran.code, ran.err);
    }
    // From standard input.
    let ran = run_with(&["verify", &document, "--protocol-only", "--cst", "-"], token(&claims(), "issuer").as_bytes());
    assert!(ran.out.contains("no key set was given"), "{} {}", ran.out, ran.err);
    // A token in an argument is a mistake that is not repeated.
    let secret = token(&claims(), "issuer");
    for args in [
        &["verify", &document, "--cst", &secret][..],
        &["verify", &document, "--jwks", &secret, "--cst", &document],
        &["verify", &secret],
        &["verify", &document, "--frobnicate", &secret],
        &["audit", "--log", "x", "--policy", &secret, "--operator", "y"],
        &[&secret],
    ] {
        let ran = run(args);
        let said = format!("{}{}", ran.out, ran.err);
        assert!([1, 2].contains(&ran.code) && !secret.split('.').any(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn wrong_usage_names_the_flag() {
    for (args, words) in [
        (&["verify", "b.json", "--evidence", "x"][..], "--policy"),
        (&["verify", "b.json", "--log", "x"], "--policy"),
        (&["verify", "b.json", "--operator", "did:web:x", "--protocol-only"], "--operator"),
        (&["verify", "b.json", "--jwks", "x"], "--cst"),
        (&["verify", "b.json", "--protocol-only", "--evidence", "x", "--policy", "p"], "--protocol-only"),
        (&["audit", "--log", "x"], "--policy"),
        (&["audit", "--log", "x", "--policy", "p", "--operator", "o", "--run", "r"], "--agent"),
        (&["audit", "--log", "x", "--policy", "p", "--operator", "o", "--attest"], "--job"),
    ] {
        let ran = run(args);
        assert!(ran.code == 2 && ran.err.contains(words) && ran.err.lines().count() == 1, "{args:?}: {}", ran.err);
    }
}

#[test]
fn names_of_files_cannot_write_to_the_terminal_and_nothing_is_no_pass() {
    let files = Files::new();
    let nowhere = run(&["verify", text(files.0.path())]);
    assert_eq!((nowhere.code, nowhere.err.contains("none was found")), (2, true), "{}{}", nowhere.out, nowhere.err);
    let empty = files.put("empty.ndjson", "\n \n");
    assert_eq!(run(&["verify", &empty, "--protocol-only", "--json"]).code, 2);
    files.put("\u{1b}[2Ja\u{202e}.json", &to_compact(&bundle()));
    let ran = run(&["verify", text(files.0.path())]);
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'), "{:?}", ran.out);
    assert!(ran.out.contains("\\u{1b}[2Ja\\u{202e}.json"), "{:?}", ran.out);
}

#[test]
fn checkpoints_beside_a_log_must_be_beginnings_of_it() {
    use crate::make::evidence::Kept;
    let files = Files::new();
    let (kept, mut other) = (Kept::of(&Story::clean()), Story::clean());
    other.submitted_by("policy", "another");
    let (other, log) = (Kept::of(&other), files.0.path().join("log"));
    kept.write(&log);
    let size = kept.size();
    let document = files.put("b.json", &kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("b").1);
    let at = kept.entries.iter().position(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    let policy = files.put("trust.policy", &Kept::policy_text());
    let pinned = did("operator");
    let verify = |more: &[&str]| {
        let mut args =
            vec!["verify", &document, "--log", text(&log), "--policy", &policy, "--operator", &pinned, "--json"];
        args.extend(more);
        run(&args)
    };
    assert_eq!(verify(&[]).code, 0, "{}", verify(&[]).out);
    let (own, foreign) = (files.put("own", &kept.proof(at, size - 1)), files.put("foreign", &other.proof(at, size)));
    assert_eq!(verify(&["--proof", &own]).code, 0, "{}", verify(&["--proof", &own]).out);
    let ran = verify(&["--proof", &foreign]);
    assert_eq!((ran.code, ran.out.contains("\"fork\"")), (1, true), "{}", ran.out);
    let note = |kept: &Kept, size| String::from_utf8(kept.note(size).as_bytes().to_vec()).expect("text");
    let (old, forked) = (files.put("old", &note(&kept, 7)), files.put("forked", &note(&other, 7)));
    assert_eq!(verify(&["--consistent-with", &old]).code, 0, "{}", verify(&["--consistent-with", &old]).out);
    assert_eq!(verify(&["--consistent-with", &forked]).code, 1);
    let ran = run(&["verify", &document, "--consistent-with", &old]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}
