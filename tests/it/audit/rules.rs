//! The audit over logs that show one thing each, beside a clean twin.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::{Absence, Effect, RULE_GROUPS, Report, Verdict, audit, explain};

use crate::make::audit::{START_MS, Story, binds, nonce, operator, time};
use crate::make::{b64u, did, good_payload, hex, kind, rehash_scope, value};

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.rule.code).collect()
}

/// The change to the clean story shows these codes and no others; the job
/// fails when one of them says so, and is incomplete when one says that.
#[track_caller]
fn shows(expected: &[&str], change: impl FnOnce(&mut Story)) {
    let mut story = Story::clean();
    change(&mut story);
    let report = story.audit();
    assert_eq!(codes(&report), expected.iter().copied().collect(), "{report:#?}");
    let effects = report.findings_of("job-1").map(|finding| finding.effect);
    let verdict = match effects.max() {
        Some(Effect::Fails) => Verdict::Fail,
        Some(Effect::Incomplete) => Verdict::Incomplete,
        _ => Verdict::Pass,
    };
    assert_eq!(report.job("job-1"), verdict, "{report:#?}");
    assert!(expected.iter().all(|code| explain(code).is_some()));
}

#[test]
fn the_clean_story_gives_no_findings_and_passes() {
    let report = Story::clean().audit();
    assert_eq!(report.findings, [], "{report:#?}");
    assert_eq!(report.pending, [], "{report:#?}");
    let passed = (report.job("job-1"), report.verdict, report.absence);
    assert_eq!(passed, (Verdict::Pass, Verdict::Pass, Absence::Recomputed));
    assert_eq!(report.runs.len(), 2);
    assert!(report.runs.iter().all(|run| run.verdict == Verdict::Pass));
    assert_eq!(report.job("job-2"), Verdict::NotApplicable);
}

#[test]
fn without_a_pinned_operator_the_audit_is_incomplete() {
    let report = audit(&Story::clean().timeline(), None);
    assert_eq!((codes(&report), report.verdict), (BTreeSet::from(["ROOTS_UNPINNED"]), Verdict::Incomplete));
}

#[test]
fn roots_by_anybody_else_are_no_roots() {
    let mut story = Story::clean();
    story.signed_by("roots", "stranger");
    let report = story.audit();
    assert_eq!((codes(&report), report.verdict), (BTreeSet::from(["ROOTS_MISSING"]), Verdict::Incomplete));
    assert_eq!(report.job("job-1"), Verdict::NotApplicable);
}

#[test]
fn an_agent_outside_the_roots_and_a_token_of_tomorrow_fail() {
    let mut story = Story::clean();
    story.set("roots", "agents[0].did", did("other agent"));
    assert!(codes(&story.audit()).contains("AGENT_UNKNOWN"));
    let later = (START_MS / 1_000 + 600) as u32;
    shows(&["LATE_EVIDENCE", "TOKEN_NOT_YET_VALID"], |story| story.set("t1", "claims.iat", later));
}

#[test]
fn receipts_in_a_bundle_are_its_runs_own_and_one_an_event() {
    shows(&["RECEIPT_EVENT_UNKNOWN", "RECEIPT_OF_ANOTHER_RUN"], |story| {
        let receipts = ["b1", "b2"].map(|name| {
            let step = story.steps.iter().find(|step| step.name == story.named(name)).expect("a bundle");
            step.payload.get("receipts").and_then(Value::as_array).expect("receipts")[0].clone()
        });
        story.set("b1", "receipts", Value::Array(receipts.to_vec()));
    });
    shows(&["RECEIPT_UNBOUND"], |story| {
        let event = story.chain("r1", 1)[0].text_at("event_hash_b64u").unwrap_or_default().to_owned();
        let binding = format!(r#"{{"run_id":"job-1.r1","event_hash_b64u":"{event}"}}"#);
        story.set("r1 call 1", "binding", value(&binding));
        story.remove("b1");
        story.bundle("b1", "r1", "t1", &[1]);
    });
    shows(&["GATEWAY_RECEIPT_DOUBLED", "GATEWAY_RECEIPT_MISSING"], |story| {
        let event = story.chain("r1", 1)[0].text_at("event_hash_b64u").unwrap_or_default().to_owned();
        story.call("r1", "t1", 2);
        story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
        story.set("r1 call 2", "binding.event_hash_b64u", event);
        story.last_after("r1 call 1");
        story.remove("b1");
        story.bundle("b1", "r1", "t1", &[1, 2]);
    });
}

#[test]
fn an_action_under_an_unknown_token_fails() {
    let others = ["TOKEN_UNKNOWN", "GATEWAY_RECEIPT_MISSING"];
    let mut story = Story::clean();
    story.signed_by("t1", "agent");
    let codes = codes(&story.audit());
    assert!(codes.contains(others[0]) && codes.contains("UNTRUSTED_STATEMENT"), "{codes:?}");
}

#[test]
fn an_action_after_revocation_fails_by_position() {
    shows(&["TOKEN_REVOKED"], |story| story.move_after("revoked", "ok"));
}

#[test]
fn a_revocation_by_a_stranger_has_no_effect_and_is_shown() {
    shows(&["UNTRUSTED_STATEMENT"], |story| {
        story.signed_by("revoked", "stranger");
        story.move_after("revoked", "ok");
    });
}

#[test]
fn an_action_after_expiry_fails() {
    shows(&["TOKEN_EXPIRED"], |story| {
        story.wait(901_000);
        let digest = story.token_hash("t2");
        story.decide("late", "allow", "r2", "t2", "read", None);
        story.receipt("late receipt", "late", "accepted", None);
        // The story's clock has moved on, the grant has not.
        story.set("late", "cst.token_hash", digest.as_str());
        story.set("late receipt", "request_digest", hex("read"));
    });
}

#[test]
fn a_call_logged_after_revocation_is_late_unless_its_gateway_dates_it_later() {
    shows(&["LATE_EVIDENCE", "RECEIPT_NOT_IN_BUNDLE"], |story| story.call("r1", "t1", 2));
    shows(&["RECEIPT_NOT_IN_BUNDLE", "TOKEN_REVOKED"], |story| {
        story.wait(300_000);
        story.call("r1", "t1", 2);
    });
}

#[test]
fn a_token_in_two_runs_and_two_tokens_in_a_run_are_replays() {
    shows(&["TOKEN_REUSED"], |story| {
        story.set("back", "run_id", "job-1.r1");
        story.set("b2", "metadata.pulselog.token_hashes", Value::Array(vec![hex("job-1.t2").into()]));
    });
    let mut story = Story::clean();
    story.decide("more", "allow", "r3", "t2", "read", None);
    assert!(codes(&story.audit()).contains("TOKEN_REUSED"));
}

#[test]
fn a_decision_for_another_job_or_grant_fails() {
    shows(&["REPLAY_JOB_MISMATCH", "REPLAY_RUN_ID_REUSED"], |story| story.set("sync", "job_id", "job-x"));
    shows(&["TOKEN_CONTROL_SCOPE_HASH_MISMATCH"], |story| story.set("sync", "cst.scope_hash_b64u", b64u("x")));
    shows(&["REPLAY_JOB_MISMATCH"], |story| story.set("b1", "metadata.pulselog.job_id", "job-x"));
}

#[test]
fn a_token_is_held_to_its_policy() {
    let expires = (START_MS / 1_000 + 90_000) as u32;
    shows(&["TOKEN_LIFETIME_TOO_LONG"], |story| story.set("t1", "claims.exp", expires));
    shows(&["POLICY_MISMATCH"], |story| story.set("sync", "policy_hash_b64u", b64u("another policy")));
    let mut story = Story::clean();
    story.move_after("policy", "t1");
    let codes = codes(&story.audit());
    assert_eq!(codes, BTreeSet::from(["POLICY_MISSING"]));
}

#[test]
fn a_policy_that_the_agent_signed_is_none() {
    let mut story = Story::clean();
    story.signed_by("policy", "agent");
    assert_eq!(codes(&story.audit()), BTreeSet::from(["POLICY_MISSING", "UNTRUSTED_STATEMENT"]));
}

#[test]
fn a_pin_outside_the_agents_policies_fails() {
    let mut story = Story::clean();
    let mut step = story.remove("t1");
    step.payload = {
        let mut payload = step.payload;
        crate::make::set(&mut payload, "claims.policy_hash_b64u", Some(b64u("wide").into()));
        rehash_scope(&mut payload);
        payload
    };
    story.insert_after("policy", step);
    let codes = codes(&story.audit());
    assert!(codes.contains("POLICY_NOT_LISTED") && codes.contains("POLICY_MISSING"), "{codes:?}");
}

#[test]
fn an_action_outside_the_policy_names_the_clause() {
    let mut story = Story::clean();
    story.set("edit", "decision", "allow");
    story.receipt("edit receipt", "edit", "not_sent", None);
    let report = story.audit();
    assert_eq!(codes(&report), BTreeSet::from(["POLICY_NONCOMPLIANT"]), "{report:#?}");
    assert!(report.findings[0].detail.contains("tools.argo_cd.deny[0]"), "{}", report.findings[0].detail);
}

#[test]
fn an_approval_must_be_there_equal_in_time_and_by_somebody_else() {
    shows(&["APPROVAL_MISSING"], |story| story.set("sync", "approvals", Value::Array(vec![])));
    shows(&["APPROVAL_MISSING", "UNTRUSTED_STATEMENT"], |story| story.signed_by("ok", "agent"));
    shows(&["APPROVAL_MISSING"], |story| story.move_after("ok", "sync"));
    shows(&["APPROVAL_UNEQUAL"], |story| story.set("ok", "binds.revisions[0]", hex("another").as_str()));
    shows(&["APPROVAL_UNEQUAL"], |story| story.set("ok", "binds.job_id", "job-x"));
    shows(&["APPROVAL_UNEQUAL"], |story| story.set("ok", "agent_did", did("other agent")));
    shows(&["APPROVAL_EXPIRED"], |story| story.set("ok", "expires_at", time(START_MS)));
    shows(&["APPROVAL_UNBOUND_REVISION"], |story| {
        story.set("ok", "binds.revisions[0]", "main");
        story.set("sync", "binds.revisions[0]", "main");
    });
    shows(&["APPROVAL_BY_ACTOR"], |story| {
        story.signed_by("ok", "wrapper");
        story.set("roots", "approvers[0].did", did("wrapper"));
        story.set("roots", "approvers[1].did", did("approver"));
    });
}

#[test]
fn a_deny_voids_earlier_approvals_and_no_earlier_decisions() {
    shows(&["APPROVAL_DENIED"], |story| {
        story.approve("no", "deny", "sync");
        story.last_after("ok");
    });
    shows(&["APPROVAL_DENIED_LATER"], |story| {
        story.approve("no", "deny", "sync");
        story.last_after("sync");
    });
    shows(&[], |story| {
        story.approve("no", "deny", "sync");
        story.last_after("read");
    });
}

#[test]
fn an_approval_is_used_once_unless_the_call_was_refused() {
    let again = |story: &mut Story, outcome: &str| {
        story.set("sync receipt", "outcome", outcome);
        story.remove("seen");
        story.decide("again", "allow", "r1", "t1", "sync", Some("ok"));
        story.set("again", "cst.scope_hash_b64u", story.decided_scope("sync"));
        story.last_after("sync receipt");
        story.receipt("again receipt", "again", "accepted", None);
        story.set("again receipt", "request_digest", hex("sync"));
        story.last_after("again");
    };
    shows(&[], |story| again(story, "refused_sync_window"));
    shows(&[], |story| again(story, "not_sent"));
    shows(&["APPROVAL_REUSED"], |story| again(story, "error_transport"));
    shows(&["APPROVAL_REUSED"], |story| again(story, "accepted"));
}

#[test]
fn two_people_may_approve() {
    shows(&[], |story| {
        story.approve("second", "approve", "sync");
        story.signed_by("second", "second approver");
        story.last_after("ok");
        story.set("sync", "approvals", Value::Array(vec!["@job-1.ok".into(), "@job-1.second".into()]));
    });
}

#[test]
fn decisions_and_receipts_belong_together() {
    shows(&["DENY_THEN_ACCEPTED"], |story| story.receipt("edit receipt", "edit", "accepted", None));
    shows(&["RECEIPT_REQUEST_MISMATCH"], |story| story.set("sync receipt", "request_digest", hex("other")));
    shows(&["DECISION_AFTER_ACT"], |story| story.move_after("read", "read receipt"));
    let mut story = Story::clean();
    story.set("read receipt", "decision_digest", hex("nothing"));
    story.wait(360_000);
    story.approve("tick", "deny", "read");
    let report = story.audit();
    assert_eq!(codes(&report), BTreeSet::from(["RECEIPT_MISSING", "RECEIPT_WITHOUT_DECISION"]), "{report:#?}");
}

#[test]
fn an_obligation_is_pending_until_its_window_closes() {
    let mut story = Story::clean();
    story.remove("back receipt");
    story.remove("back seen");
    story.remove("b2");
    let report = story.audit();
    assert_eq!(report.findings, [], "{report:#?}");
    let pending: Vec<_> = report.pending.iter().map(|pending| pending.rule.code).collect();
    assert_eq!((pending.len(), report.job("job-1")), (2, Verdict::Incomplete), "{pending:?}");
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
    assert_eq!(codes(&story.audit()), BTreeSet::from(["BUNDLE_MISSING", "RECEIPT_MISSING"]));
}

#[test]
fn what_argo_cd_reports_must_be_what_was_decided() {
    shows(&["OBSERVED_UNLIKE_DECIDED"], |story| story.set("seen", "destination.namespace", "prod"));
    shows(&["TOKEN_REVOKED"], |story| story.set("seen", "started_at", time(START_MS + 900_000)));
    shows(&["OPERATION_OUTSIDE_WINDOW"], |story| story.set("back seen", "started_at", time(START_MS + 900_000)));
    shows(&["REPLAY_DECISION_REUSED"], |story| {
        story.observe("twice", "sync", "sync", true);
        story.set("twice", "operation_digest", hex("another operation"));
    });
}

#[test]
fn an_operation_by_another_user_joins_nothing_unless_a_receipt_names_it() {
    let mut story = Story::clean();
    story.set("seen", "initiator.username", "somebody");
    assert_eq!(codes(&story.audit()), BTreeSet::from(["OBSERVED_UNLIKE_DECIDED"]));
    story.unset("sync receipt", "op_key");
    let report = story.audit();
    assert_eq!(
        (
            report.findings.len(),
            report.coverage.iter().filter(|c| c.what == "operation by a user whom the roots do not list").count()
        ),
        (0, 1)
    );
}

#[test]
fn a_bundle_holds_its_own_run_and_all_of_it() {
    shows(&["RECEIPT_NOT_IN_BUNDLE"], |story| {
        story.call("r1", "t1", 2);
        story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
        story.last_after("r1 call 1");
    });
    shows(&["RECEIPT_NOT_GENUINE", "RECEIPT_NOT_IN_BUNDLE"], |story| {
        story.set("b1", "receipts[0].payload.model", "another");
    });
    shows(&["CHAIN_BROKEN"], |story| story.set("b1", "event_chain[0].timestamp", time(START_MS + 1_000)));
    shows(&["REPLAY_RUN_ID_REUSED"], |story| {
        story.bundle("b3", "r1", "t1", &[1]);
        story.set("b3", "metadata.pulselog.token_hashes", Value::Array(vec![]));
    });
}

#[test]
fn a_stolen_bundle_is_the_finding_of_who_signed_it() {
    let mut story = Story::clean();
    story.bundle("stolen", "r1", "t1", &[1]);
    story.signed_by("stolen", "thief");
    story.set("stolen", "agent_did", did("thief"));
    let report = story.audit();
    let expected = BTreeSet::from(["RECEIPT_OF_ANOTHER_AGENT", "TOKEN_CONTROL_SUBJECT_MISMATCH"]);
    assert_eq!(codes(&report), expected, "{report:#?}");
    assert_eq!(report.job("job-1"), Verdict::Pass);
    assert_eq!(report.run(&did("thief"), "job-1.r1"), Verdict::Fail);
}

#[test]
fn ids_are_used_once_by_those_who_own_them() {
    shows(&["REPLAY_APPROVAL_ID_REUSED"], |story| story.set("back ok", "approval_id", "job-1.ok"));
    // The same claims under a new nonce are one account of the token: an issuer that tries again says no more.
    let issued_again = |story: &mut Story, claim: &str, new: Option<Value<'static>>| {
        let mut twice = story.remove("t2");
        let first = twice.clone();
        twice.name = "twice".to_owned();
        crate::make::set(&mut twice.payload, "nonce", Some(nonce("twice").into()));
        if new.is_some() {
            crate::make::set(&mut twice.payload, claim, new);
        }
        story.insert_after("revoked", first);
        story.insert_after("t2", twice);
    };
    shows(&["REPLAY_TOKEN_ISSUED_TWICE"], |story| issued_again(story, "claims.jti", Some("another".into())));
    shows(&[], |story| issued_again(story, "claims.jti", None));
    let mut story = Story::clean();
    issued_again(&mut story, "claims.jti", None);
    let said = story.audit().coverage.iter().any(|row| row.what == "issuance that its issuer logged again");
    assert!(said, "{:?}", story.audit().coverage);
    let mut story = Story::clean();
    story.call("r1", "t1", 2);
    story.set("r1 call 2", "receipt_id", "job-1.r1 call 1");
    assert!(codes(&story.audit()).contains("REPLAY_RECEIPT_ID_REUSED"));
}

#[test]
fn a_withheld_body_makes_what_needs_it_incomplete() {
    let story = Story::clean();
    let report = audit(&story.timeline_without(&["b1"]), Some(&operator()));
    assert!(codes(&report).contains("EVIDENCE_WITHHELD"));
    assert_ne!(report.job("job-1"), Verdict::Pass);
    // An observation could speak against any job; a Trust Pulse moves none.
    let report = audit(&story.timeline_without(&["seen"]), Some(&operator()));
    assert!(codes(&report).contains("EVIDENCE_WITHHELD"));
    assert_ne!(report.job("job-1"), Verdict::Pass);
    let mut story = story;
    story.log("pulse", "trust_pulse", "agent", good_payload(kind("trust_pulse")));
    let report = audit(&story.timeline_without(&["pulse"]), Some(&operator()));
    assert_eq!(report.job("job-1"), Verdict::Pass, "no rule needs it: {report:#?}");
}

#[test]
fn a_signer_distrusted_later_adds_findings_only() {
    let mut story = Story::clean();
    story.roots(&["agent"]);
    let row =
        format!(r#"[{{"did":"{}","from_index":{},"reason":"stolen key"}}]"#, did("gateway"), story.index("r2 call 1"));
    let last = story.steps.len() - 1;
    story.steps[last].name = "later roots".to_owned();
    story.set("later roots", "distrusted", value(&row));
    story.set("later roots", "nonce", nonce("later"));
    assert_eq!(codes(&story.audit()), BTreeSet::from(["DISTRUSTED_SIGNER", "RESTS_ON_DISTRUSTED"]));
    story.set("later roots", "distrusted", Value::Array(vec![]));
    story.set("later roots", "cst_issuers", Value::Array(vec![]));
    assert_eq!(story.audit().job("job-1"), Verdict::Pass, "roots never change what stands before them");
}

#[test]
fn every_rule_is_complete_and_its_code_is_its_own() {
    let rules: Vec<_> = RULE_GROUPS.iter().copied().flatten().collect();
    let codes: BTreeSet<_> = rules.iter().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), rules.len());
    for rule in rules {
        let code = rule.code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let texts = [rule.title, rule.rationale, rule.what_to_do, rule.does_not_prove];
        assert!(code && texts.iter().all(|text| !text.is_empty()) && rule.rationale.ends_with('.'), "{}", rule.code);
    }
    assert!(binds("job-1", "sync").contains("job-1"));
}

#[test]
fn what_somebody_speaks_of_passes_or_fails_and_what_nobody_speaks_of_is_not_applicable() {
    use pulselog::audit::Scope;
    let mut story = Story::clean();
    story.token("t3");
    let report = story.audit();
    let verdict = |scope: Scope| report.of(&scope).verdict;
    assert_eq!(verdict(Scope::Token(hex("job-1.t3"))), Verdict::Pass, "issued and never used");
    assert_eq!(verdict(Scope::Token(hex("job-1.t1"))), Verdict::Pass);
    assert_eq!(verdict(Scope::Agent(did("agent"))), Verdict::Pass);
    assert_eq!(verdict(Scope::App("argocd-prod/argocd/payments-api".to_owned())), Verdict::Pass);
    assert_eq!(verdict(Scope::Token(hex("nobody's"))), Verdict::NotApplicable);
    assert_eq!(verdict(Scope::App("argocd-prod/argocd/other".to_owned())), Verdict::NotApplicable);
    assert_eq!(verdict(Scope::Agent(did("nobody"))), Verdict::NotApplicable);
}
