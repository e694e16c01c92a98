//! What a submitter without any role, the maker of a packet or the writer of a
//! document can try, and what comes of it.

use pulselog::artifact::Did;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::{Scope, Verdict, audit};
use pulselog::protocol::Options;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{MANIFEST, Packet};
use pulselog::verify::report::Outcome;
use pulselog::verify::scoped_token::ScopedToken;
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::audit::slices::gathered;
use crate::evidence::judging::whole;
use crate::make::audit::{START_MS, Story, nonce, operator};
use crate::make::evidence::{Kept, attested_log};
use crate::make::{did, hex, key, kind, seal_raw, set, value};

fn judge(story: &Story) -> Judge {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(operator());
    judge.with_log(whole(story))
}

/// The bundle of the first run as its agent says it, sealed by `signer`.
fn sealed(story: &Story, signer: &str, change: impl FnOnce(&mut Value<'static>)) -> Vec<u8> {
    let mut payload = story.said("b1").clone();
    change(&mut payload);
    to_compact(&seal_raw(kind("proof_bundle"), payload, &key(signer))).into_bytes()
}

fn tool_receipt(agent: &str, id: u32) -> Value<'static> {
    value(&format!(
        r#"{{"receipt_version":"1","receipt_id":"tr-{agent}-{id}","tool_name":"kubectl","args_hash_b64u":"{hash}",
        "result_hash_b64u":"{hash}","hash_algorithm":"SHA-256","agent_did":"{}","timestamp":"2026-11-22T12:00:00Z",
        "latency_ms":1,"binding":{{"run_id":"job-1.r1"}}}}"#,
        did(agent),
        hash = crate::make::b64u("tool"),
    ))
}

/// Everything that somebody can log who only has a token for submissions: a
/// made-up agent whose statements name another's runs and tokens.
fn crowded(copies: u32) -> Story {
    let mut story = Story::clean();
    let tokens = Value::Array(vec![story.token_hash("t1").into(), story.token_hash("t2").into()]);
    for id in 0..copies {
        story.log(&format!("tool {id}"), "tool_receipt", "stranger", tool_receipt("stranger", id));
        let mut bundle = story.said("b1").clone();
        set(&mut bundle, "agent_did", Some(did("stranger").into()));
        set(&mut bundle, "bundle_id", Some(format!("copy {id}").into()));
        set(&mut bundle, "metadata.pulselog.token_hashes", Some(tokens.clone()));
        story.log(&format!("copy {id}"), "proof_bundle", "stranger", bundle);
    }
    story
}

#[test]
fn nobody_makes_anothers_audit_longer_or_worse() {
    let (clean, crowded) = (Story::clean(), crowded(5));
    let scopes = [
        Scope::Job("job-1".to_owned()),
        Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() },
        Scope::Token(clean.token_hash("t1")),
    ];
    let (alone, among) = (clean.timeline(), crowded.timeline());
    for scope in &scopes {
        let read = gathered(&among, scope, among.size());
        let own = gathered(&alone, scope, alone.size());
        let at =
            |timeline: &pulselog::audit::Timeline| timeline.prefix(among.size()).map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(at(&read), at(&own), "{scope}");
        assert_eq!(audit(&among, Some(&operator())).of(scope).verdict, Verdict::Pass, "{scope}");
        crate::audit::slices::same_from_its_own_entries(&among, among.size(), &scopes);
    }
    let thief = Scope::Run { agent: did("stranger"), run: "job-1.r1".to_owned() };
    crate::audit::slices::same_from_its_own_entries(&among, among.size(), std::slice::from_ref(&thief));
    assert_eq!(audit(&among, Some(&operator())).of(&thief).verdict, Verdict::Fail);
}

#[test]
fn a_body_that_an_agent_vouches_for_softens_nobodys_findings_but_its_own_missing_bundle() {
    let mut story = Story::clean();
    story.set("sync", "approvals", Value::Array(Vec::new()));
    story.log("tool", "tool_receipt", "stranger", tool_receipt("stranger", 0));
    let report = audit(&story.timeline_without(&["tool"]), Some(&operator()));
    assert_eq!(report.job("job-1"), Verdict::Fail, "{report:#?}");
    let timeline = story.timeline_without(&["tool"]);
    let scopes = [Scope::Job("job-1".to_owned()), Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() }];
    crate::audit::slices::same_from_its_own_entries(&timeline, timeline.size(), &scopes);
    // The bundle that is missed may be the one that cannot be read.
    let mut story = Story::clean();
    story.wait(3 * 3_600_000);
    story.log("late", "tool_receipt", "stranger", tool_receipt("stranger", 0));
    let report = audit(&story.timeline_without(&["b1"]), Some(&operator()));
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.rule.code).collect();
    assert!(codes.contains(&"BUNDLE_MISSING"), "{report:#?}");
    assert_eq!(report.job("job-1"), Verdict::Incomplete, "{report:#?}");
}

#[test]
fn what_a_stranger_signs_in_an_agents_name_is_not_the_agents_bundle() {
    let mut story = Story::clean();
    let payload = story.said("b1").clone();
    story.log("forged", "proof_bundle", "stranger", payload);
    let verification = judge(&story).document(&sealed(&story, "stranger", |_| {})).expect("a bundle");
    assert_ne!(verification.audit.status, AuditStatus::Pass, "{verification:#?}");
    assert_eq!(verification.exit_code(), 1);
}

#[test]
fn a_bundle_is_of_the_run_that_the_audit_charges_it_with() {
    let mut story = Story::clean();
    let mut payload = story.said("b1").clone();
    let genuine = payload.at("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
    let bare = value(r#"{"binding":{"run_id":"job-9.r9"}}"#);
    set(&mut payload, "event_chain", None);
    set(&mut payload, "bundle_id", Some("two faces".into()));
    set(&mut payload, "receipts", Some(Value::Array(vec![bare, genuine])));
    story.log("two faces", "proof_bundle", "agent", payload.clone());
    let document = to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent")));
    let verification = judge(&story).document(document.as_bytes()).expect("a bundle");
    assert_ne!(verification.audit.status, AuditStatus::Pass, "{verification:#?}");
    assert_eq!(verification.document.expect("a name").run.as_deref(), Some("job-9.r9"));
}

#[test]
fn the_report_of_a_token_is_no_better_than_that_of_its_run() {
    let mut story = Story::clean();
    story.set("b1", "event_chain[0].timestamp", "2026-11-22T12:00:59Z");
    let report = story.audit();
    assert_eq!(report.run(&did("agent"), "job-1.r1"), Verdict::Fail);
    assert_eq!(report.of(&Scope::Token(story.token_hash("t1"))).verdict, Verdict::Fail);
    assert_eq!(report.of(&Scope::Token(story.token_hash("t2"))).verdict, Verdict::Pass);
}

#[test]
fn a_shown_token_is_never_repeated_in_debug_output() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let claims = to_compact(&Story::clean().claims("t1"));
    let header = r#"{"alg":"EdDSA","typ":"JWT","kid":"0123456789abcdef"}"#;
    let compact = format!("{}.{}.{}", part(header), part(&claims), Base64UrlUnpadded::encode_string(&[1; 64]));
    let token = ScopedToken::parse(compact.as_bytes()).expect("a token");
    let mut judge = Judge::new(Options::at(START_MS));
    judge.token = Some(token.clone());
    for text in [format!("{token:?}"), format!("{judge:#?}")] {
        assert!(!text.contains(&part(&claims)) && !text.contains("Signature"), "{text}");
    }
}

fn token_check(story: &Story, compact: &str) -> Vec<(&'static str, Outcome)> {
    let mut judge = judge(story);
    judge.token = Some(ScopedToken::parse(compact.as_bytes()).expect("a token"));
    let verification = judge.document(&sealed(story, "agent", |_| {})).expect("a bundle");
    verification.checks.iter().filter(|check| check.name == "token").map(|c| (c.code.name(), c.outcome)).collect()
}

#[test]
fn an_issuance_by_somebody_without_the_role_says_nothing_of_a_token() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let mut story = Story::clean();
    let claims = story.claims("t9");
    let header = r#"{"alg":"EdDSA","typ":"JWT","kid":"0123456789abcdef"}"#;
    let compact =
        format!("{}.{}.{}", part(header), part(&to_compact(&claims)), Base64UrlUnpadded::encode_string(&[1; 64]));
    let mut issuance = story.said("t1").clone();
    set(&mut issuance, "nonce", Some(nonce("self made").into()));
    set(&mut issuance, "token_hash", Some(hex(&compact).into()));
    set(&mut issuance, "claims", Some(claims));
    story.log("self made", "cst_issuance", "stranger", issuance.clone());
    assert!(token_check(&story, &compact).contains(&("token_not_issued_here", Outcome::Incomplete)));
    set(&mut issuance, "nonce", Some(nonce("real").into()));
    story.log("real", "cst_issuance", "issuer", issuance.clone());
    assert!(token_check(&story, &compact).contains(&("ok", Outcome::Pass)));
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    set(&mut issuance, "nonce", Some(nonce("another").into()));
    set(&mut issuance, "claims.exp", Some(1_800_000_000_u32.into()));
    story.log("another", "cst_issuance", "second issuer", issuance);
    assert!(token_check(&story, &compact).contains(&("token_issuers_disagree", Outcome::Incomplete)));
    let distrusting = |who: &str, from: u64| {
        let mut story = story.clone();
        let row = format!(r#"[{{"did":"{}","from_index":{from},"reason":"stolen key"}}]"#, did(who));
        story.roots_again("later roots", "distrusted", crate::make::value(&row));
        token_check(&story, &compact)
    };
    let unlike = ("token_issuers_disagree", Outcome::Incomplete);
    assert!(!distrusting("second issuer", 0).contains(&unlike), "the word of the distrusted disputes nothing");
    assert!(distrusting("second issuer", 0).contains(&("ok", Outcome::Pass)));
    assert!(distrusting("second issuer", 1_000).contains(&unlike), "it was trusted when it spoke");
    assert!(distrusting("issuer", 0).contains(&("token_other_claims", Outcome::Fail)));
}

#[test]
fn a_manifest_that_lists_one_file_without_end_costs_one_look() {
    let big = " ".repeat(1 << 20);
    let digest = hex(&big);
    let rows: Vec<_> = (0..20_000).map(|_| format!(r#"{{"name":"a","sha256":"{digest}"}}"#)).collect();
    let manifest = format!(r#"{{"packet_version":"1","files":[{}]}}"#, rows.join(","));
    let files = vec![("a".to_owned(), big.into_bytes()), (MANIFEST.to_owned(), manifest.into_bytes())];
    let begun = std::time::Instant::now();
    assert_eq!(Packet::manifest(&files).outcome, Outcome::Pass);
    assert!(begun.elapsed().as_secs() < 3, "{:?}", begun.elapsed());
}

/// The bundle of the story beside a packet of these files.
fn beside(kept: &Kept, files: &[(String, Vec<u8>)], pinned: Did) -> Verification {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(pinned);
    judge.evidence = Evidence::Packet(Box::new(Packet::read(files, &Kept::policy()).expect("in order")));
    let bundle = kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    judge.document(bundle.1.as_bytes()).expect("a bundle")
}

#[test]
fn a_packet_passes_by_the_operators_statement_and_not_by_anybody_elses() {
    let kept = attested_log();
    let files = kept.files(0..kept.size());
    let verification = beside(&kept, &files, operator());
    assert_eq!(verification.exit_code(), 0, "{verification:#?}");
    assert_ne!(beside(&kept, &files, Did::parse(&did("stranger")).expect("a did")).exit_code(), 0);
    // The same statement, by somebody else.
    let (mut story, _) = crate::make::attest::attested(Story::clean(), |_| {});
    story.signed_by("statement", "stranger");
    let kept = Kept::of(&story);
    let mut part: Vec<_> = (0..kept.size()).collect();
    part.remove(1);
    assert_ne!(beside(&kept, &kept.files(part), operator()).exit_code(), 0);
}

#[test]
fn evidence_after_the_statement_outdates_it_and_older_statements_cover_less() {
    let (mut story, _) = crate::make::attest::attested(Story::clean(), |_| {});
    story.log("late", "cst_revocation", "issuer", story.revocation("t2"));
    let kept = Kept::of(&story);
    let verification = beside(&kept, &kept.files(0..kept.size()), operator());
    assert!(verification.audit.status != AuditStatus::Fail, "{verification:#?}");
    // Whole, it is recomputed or attested below; it never passes by the old word.
    let part: Vec<_> = (0..kept.size()).filter(|at| *at != 3).collect();
    assert_ne!(beside(&kept, &kept.files(part), operator()).exit_code(), 0);
}

#[test]
fn a_gateway_whose_key_was_replaced_signed_what_it_signed() {
    let mut story = Story::clean();
    let verdicts = |story: &Story| {
        let verification = judge(story).document(&sealed(story, "agent", |_| {})).expect("a bundle");
        (verification.verdict, verification.exit_code())
    };
    assert_eq!(verdicts(&story), (Outcome::Pass, 0));
    story.roots_again("later roots", "gateways", Value::Array(vec![did("second gateway").into()]));
    assert_eq!(verdicts(&story), (Outcome::Pass, 0), "{:#?}", judge(&story).document(&sealed(&story, "agent", |_| {})));
    let never = format!(r#"[{{"did":"{}","from_index":0,"reason":"stolen key"}}]"#, did("gateway"));
    story.roots_again("latest roots", "distrusted", crate::make::value(&never));
    assert_eq!(verdicts(&story).1, 1, "a gateway that was never to be trusted");
}
