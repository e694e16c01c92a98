//! One document, one subject: protocol verdict, audit verdict, proof and token
//! speak of one document, run and signer, or the answer is incomplete.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::DOCUMENTS_DISAGREE;
use pulselog::protocol::Options;
use pulselog::verify::judge::Judge;
use pulselog::verify::report::Outcome;
use pulselog::verify::scoped_token::{KeySet, ScopedToken};
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::audit::goldens::renewals::{in_time, renew, renewed};
use crate::evidence::cli::{jwks, kid, token};
use crate::evidence::judging::whole;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::{did, good_payload, hex, key, kind, seal_raw, set, value};
use crate::protocol::packages::{TWO, aggregate, export};

fn judge(story: &Story) -> Judge {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(operator());
    judge.with_log(whole(story))
}

fn judged(story: &Story, file: &Value) -> Verification {
    judge(story).document(to_compact(file).as_bytes()).expect("a document")
}

/// A bundle of the clean story as its agent signed it.
fn clean(name: &str) -> Value<'static> {
    seal_raw(kind("proof_bundle"), Story::clean().said(name).clone(), &key("agent"))
}

/// A bundle in which one span is denied and done.
fn guilty(signer: &str) -> Value<'static> {
    let mut payload = Story::clean().said("b1").clone();
    set(&mut payload, "agent_did", Some(did(signer).into()));
    set(&mut payload, "receipts", None);
    let binding = value(r#"{"run_id":"job-1.r1","span_id":"s"}"#);
    let receipt = |id: &str, status: &str| {
        let mut receipt = good_payload(kind("side_effect_receipt"));
        for (path, text) in [("receipt_id", id), ("response_status", status), ("agent_did", &did(signer))] {
            set(&mut receipt, path, Some(text.into()));
        }
        set(&mut receipt, "binding", Some(binding.clone()));
        receipt
    };
    let receipts = Value::Array(vec![receipt("1", "denied"), receipt("2", "success")]);
    set(&mut payload, "side_effect_receipts", Some(receipts));
    seal_raw(kind("proof_bundle"), payload, &key(signer))
}

fn around(members: &[(&str, &Value<'static>)]) -> Value<'static> {
    let mut file = value("{}");
    members.iter().for_each(|(name, member)| set(&mut file, name, Some((*member).clone())));
    file
}

fn codes(verification: &Verification) -> Vec<&'static str> {
    verification.audit.findings.iter().map(|finding| finding.rule.code).collect()
}

#[track_caller]
fn disagrees(verification: &Verification) {
    let of = |finding: &&pulselog::audit::Finding| finding.rule == &DOCUMENTS_DISAGREE;
    let finding = verification.audit.findings.iter().find(of).expect("a disagreement");
    assert_eq!(finding.subject, pulselog::audit::Subject::default(), "charged to nobody who is only named");
    assert_ne!(verification.verdict, Outcome::Pass, "{verification:#?}");
    assert_ne!(verification.audit.status, AuditStatus::Pass, "{verification:#?}");
}

#[test]
fn a_wrapped_bundle_an_export_and_an_aggregate_of_a_clean_run_pass() {
    let story = Story::clean();
    for file in [
        clean("b1"),
        around(&[("envelope", &clean("b1"))]),
        around(&[("envelope", &clean("b1")), ("note", &"for the ticket".into())]),
        export(&clean("b1"), &[]),
        around(&[("bundle", &export(&clean("b1"), &[]))]),
    ] {
        let verification = judged(&story, &file);
        assert_eq!((verification.exit_code(), codes(&verification)), (0, vec![]), "{verification:#?}");
        let name = verification.document.expect("a name");
        assert_eq!(
            (name.agent, name.signer, name.run.as_deref()),
            (Some(did("agent")), Some(did("agent")), Some("job-1.r1"))
        );
    }
    let many = aggregate(
        vec![clean("b1"), export(&clean("b2"), &[])],
        &TWO.replace(r#""unique_agents":2"#, r#""unique_agents":1"#),
    );
    let verification = judged(&story, &many);
    assert_eq!((verification.audit.status, codes(&verification)), (AuditStatus::Pass, vec![]), "{verification:#?}");
}

#[test]
fn an_export_beside_a_clean_bundle_is_judged_as_one_document_and_says_so() {
    let story = Story::clean();
    let (guilty, clean) = (guilty("stranger"), clean("b1"));
    let exported = export(&guilty, &[]);
    for file in [
        around(&[("bundle", &exported), ("envelope", &clean)]),
        around(&[("envelope", &clean), ("bundle", &exported)]),
        around(&[("bundle", &exported), ("other", &clean)]),
        around(&[("bundle", &exported), ("others", &Value::Array(vec![value("{}"), clean.clone()]))]),
    ] {
        let verification = judged(&story, &file);
        disagrees(&verification);
        let name = verification.document.as_ref().expect("a name");
        assert_eq!((name.kind, name.agent.as_deref()), ("export_bundle", Some(did("stranger").as_str())));
        assert!(codes(&verification).contains(&"SELF_CONTRADICTION"), "{verification:#?}");
        assert_eq!(verification.exit_code(), 1, "the judged one is the guilty one");
    }
    // The other way round the clean one is judged, and that is said.
    let verification = judged(&story, &around(&[("bundle", &export(&clean, &[])), ("envelope", &guilty)]));
    disagrees(&verification);
    assert_eq!((verification.exit_code(), codes(&verification)), (3, vec![DOCUMENTS_DISAGREE.code]));
}

#[test]
fn a_document_that_is_carried_at_any_depth_is_seen() {
    let story = Story::clean();
    let deep = |depth: usize, other: &Value<'static>| {
        let level = |inside: Value<'static>, at: usize| match at % 3 {
            0 => Value::Array(vec![value("1"), inside]),
            1 => around(&[("files", &inside)]),
            _ => around(&[("metadata", &inside)]),
        };
        (0..depth).fold(other.clone(), level)
    };
    for depth in [1, 2, 3, 7, 40] {
        for other in
            [guilty("agent"), export(&guilty("agent"), &[]), guilty("agent").get("payload").expect("it").clone()]
        {
            let more = deep(depth, &other);
            for file in [
                around(&[("envelope", &clean("b1")), ("more", &more)]),
                around(&[("bundle", &export(&clean("b1"), &[])), ("more", &more)]),
                around(&[("more", &more), ("envelope", &clean("b1"))]),
            ] {
                let verification = judged(&story, &file);
                assert_eq!(
                    (verification.exit_code(), codes(&verification)),
                    (3, vec![DOCUMENTS_DISAGREE.code]),
                    "{depth}"
                );
            }
        }
        // What is no document is anybody's.
        let file =
            around(&[("envelope", &clean("b1")), ("more", &deep(depth, &value(r#"{"note":"for the ticket"}"#)))]);
        assert_eq!(judged(&story, &file).exit_code(), 0, "{depth}");
    }
    let inside = around(&[("deeper", &Value::Array(vec![around(&[("evidence", &clean("b1"))])]))]);
    let mut file = guilty("stranger");
    set(&mut file, "payload.more", Some(inside));
    disagrees(&judged(&story, &file));
}

#[test]
fn a_bundle_that_carries_another_is_not_judged_as_that_other() {
    let story = Story::clean();
    for (at, other) in [
        ("bundle", export(&clean("b1"), &[])),
        ("envelope", clean("b1")),
        ("artifacts", around(&[("proof_bundle_envelope", &clean("b1"))])),
        ("payload.artifacts", around(&[("member_bundles", &Value::Array(vec![clean("b1")]))])),
        ("payload", clean("b1")),
    ] {
        for bare in [false, true] {
            let mut file = guilty("stranger");
            if bare {
                file = file.get("payload").expect("a payload").clone();
                set(&mut file, "payload", Some(value("{}")));
            }
            set(&mut file, at, Some(other.clone()));
            let verification = judged(&story, &file);
            disagrees(&verification);
        }
    }
    // Named by nobody who unwraps: what the format leaves open stays the peer's.
    let mut payload = Story::clean().said("b1").clone();
    set(&mut payload, "metadata.earlier", Some(clean("b2")));
    let file = seal_raw(kind("proof_bundle"), payload, &key("agent"));
    assert!(!codes(&judged(&story, &file)).contains(&DOCUMENTS_DISAGREE.code));
}

#[test]
fn what_somebody_signs_in_an_agents_name_gets_none_of_its_verdict() {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    let forged = seal_raw(kind("proof_bundle"), story.said("b1").clone(), &key("stranger"));
    for story in [&story, &Story::clean()] {
        let verification = judged(story, &forged);
        disagrees(&verification);
        assert_eq!(codes(&verification), [DOCUMENTS_DISAGREE.code], "neither a pass nor a finding of the agent's");
        assert_eq!((verification.audit.status, verification.exit_code()), (AuditStatus::Incomplete, 1));
        assert!(
            verification.to_text().contains(&format!("signed by {}", did("stranger"))),
            "{}",
            verification.to_text()
        );
    }
    // A contradiction inside is charged to the agent only under its signature.
    let mut spoiled = guilty("agent");
    set(&mut spoiled, "signature_b64u", Some(crate::make::b64u("x").into()));
    let findings = judged(&Story::clean(), &spoiled).audit.findings;
    let contradiction = findings.iter().find(|finding| finding.rule.code == "SELF_CONTRADICTION").expect("it");
    assert_eq!(contradiction.subject, pulselog::audit::Subject::default());
}

/// Puts a real token in the place of one that the story issues.
fn made_real(story: &mut Story, name: &str) -> String {
    let compact = token(story.said(name).get("claims").expect("claims"), "issuer");
    let (before, after) = (story.token_hash(name), hex(&compact));
    for step in &mut story.steps {
        step.payload = value(&to_compact(&step.payload).replace(&before, &after));
    }
    story.set(name, "kid", kid("issuer"));
    compact
}

/// The clean story with a real token in the place of the first run's.
fn with_token() -> (Story, String) {
    let mut story = Story::clean();
    let compact = made_real(&mut story, "t1");
    (story, compact)
}

fn token_codes(story: &Story, file: &Value, compact: &str) -> (u8, Vec<&'static str>) {
    let mut judge = judge(story);
    judge.token = Some(ScopedToken::parse(compact.as_bytes()).expect("a token"));
    judge.token_keys = Some(KeySet::parse(jwks("issuer").as_bytes()).expect("keys"));
    let verification = judge.document(to_compact(file).as_bytes()).expect("a document");
    let checks = verification.checks.iter().filter(|check| check.name == "token" && check.outcome != Outcome::Pass);
    (verification.exit_code(), checks.map(|check| check.code.name()).collect())
}

#[test]
fn only_the_runs_own_token_says_something_of_the_run() {
    let (story, own) = with_token();
    let bundle = |name: &str| seal_raw(kind("proof_bundle"), story.said(name).clone(), &key("agent"));
    assert_eq!(token_codes(&story, &bundle("b1"), &own), (0, vec![]));
    assert_eq!(token_codes(&story, &export(&bundle("b1"), &[]), &own), (0, vec![]));
    // The other run of the job had another token.
    assert!(token_codes(&story, &bundle("b2"), &own).1.contains(&"token_not_of_run"));
    let summary = TWO.replace(r#""unique_agents":2"#, r#""unique_agents":1"#);
    let both = aggregate(vec![bundle("b1"), bundle("b2")], &summary);
    assert!(token_codes(&story, &both, &own).1.contains(&"token_not_of_run"));
    // One of the same grant, issued and used by no run.
    let (mut story, _) = with_token();
    let mut claims = story.said("t1").get("claims").expect("claims").clone();
    set(&mut claims, "nonce", Some("another".into()));
    let other = token(&claims, "issuer");
    let mut issuance = story.said("t1").clone();
    set(&mut issuance, "nonce", Some(crate::make::audit::nonce("other").into()));
    set(&mut issuance, "token_hash", Some(hex(&other).into()));
    set(&mut issuance, "claims", Some(claims));
    story.log("other", "cst_issuance", "issuer", issuance);
    assert_eq!(token_codes(&story, &bundle("b1"), &other), (3, vec!["token_not_of_run"]));
}

#[test]
fn every_token_of_a_renewed_run_is_the_runs() {
    let mut story = Story::clean();
    renewed(&mut story, in_time);
    let tokens = ["t2", "t3"].map(|name| made_real(&mut story, name));
    let bundle = |name: &str| seal_raw(kind("proof_bundle"), story.said(name).clone(), &key("agent"));
    for token in &tokens {
        assert_eq!(token_codes(&story, &bundle("b2"), token), (0, vec![]));
        assert_eq!(token_codes(&story, &export(&bundle("b2"), &[]), token), (0, vec![]));
        assert!(token_codes(&story, &bundle("b1"), token).1.contains(&"token_not_of_run"), "the other run's bundle");
    }
    // One that would renew the run's, was issued in time and is named by nobody.
    let iat = in_time(&story) - 1;
    let bundle = bundle("b2");
    renew(&mut story, "t4", iat);
    let idle = made_real(&mut story, "t4");
    assert_eq!(token_codes(&story, &bundle, &idle), (3, vec!["token_not_of_run"]));
}
