//! What somebody meets who has only the README: words that fit, next steps
//! that lead on, and slips that are told apart from failures.

use std::path::Path;

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::audit::{Story, operator};
use crate::make::evidence::{Kept, attested_log};

fn packet(dir: &Path) -> Kept {
    let kept = attested_log();
    std::fs::create_dir_all(dir.join("packet")).expect("made");
    for (name, bytes) in kept.files(0..kept.size()) {
        std::fs::write(dir.join("packet").join(name), bytes).expect("written");
    }
    std::fs::write(dir.join("trust.policy"), Kept::policy_text()).expect("written");
    std::fs::write(dir.join("kept.checkpoint"), kept.note(kept.size()).as_bytes()).expect("written");
    kept
}

/// The last bundle of the packet, verified beside it.
fn verified(dir: &Path, kept: &Kept) -> Ran {
    let is_bundle = |(_, body): &&(Vec<u8>, String)| body.contains("\"proof_bundle\"") || body.contains("bundle_id");
    let at = kept.entries.iter().rposition(|entry| is_bundle(&entry)).expect("a bundle");
    let (packet, policy) = (dir.join("packet"), dir.join("trust.policy"));
    let document = packet.join(format!("{at:02}.json"));
    let (document, packet, policy) = (text(&document), text(&packet), text(&policy));
    run(&["verify", document, "--evidence", packet, "--policy", policy, "--operator", operator().as_str()])
}

#[test]
fn a_packet_whose_only_later_entry_is_the_statement_itself_is_not_called_older() {
    let dir = tempfile::tempdir().expect("a directory");
    let kept = packet(dir.path());
    let ran = verified(dir.path(), &kept);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("older") && !ran.out.contains("not judged]"), "{}", ran.out);
    assert!(ran.out.contains("attested by the operator in entry"), "{}", ran.out);
}

#[test]
fn a_name_that_the_log_does_not_have_leads_to_those_that_it_has() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy) = (dir.path().join("log"), dir.path().join("trust.policy"));
    Kept::of(&Story::clean()).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let (log, policy) = (text(&log), text(&policy));
    let audit = |operator: &str, more: &[&str]| {
        run(&[&["audit", "--log", log, "--policy", policy, "--operator", operator], more].concat())
    };
    for (more, says) in [
        (["--job", "job-2"], "did you mean job-1?"),
        (["--job", "PAY-2841-of-another-log"], "pulselog audit without --job names every one"),
        (["--app", "argocd-prod/argocd/payments-apis"], "did you mean argocd-prod/argocd/payments-api?"),
        (["--agent", "did:key:zNobody"], "is it spelled as the log has it?"),
    ] {
        let ran = audit(operator().as_str(), &more);
        assert_eq!((ran.code, ran.err.lines().count()), (3, 1), "{more:?}: {}{}", ran.out, ran.err);
        let name = format!("{} {}: nobody whose word counts", more[0], more[1]);
        assert!(ran.err.contains(&name) && ran.err.contains(says), "{more:?}: {}", ran.err);
        assert!(
            serde_json::from_str::<serde_json::Value>(
                &audit(operator().as_str(), &[&more[..], &["--json"]].concat()).out
            )
            .is_ok()
        );
    }
    let ran = run(&["explain", "nothing-like-it-at-all-in-here"]);
    assert!(ran.code == 2 && ran.err.contains("/docs/errors"), "{}", ran.err);
    let ran = run(&["wpc", "rbac", "x.json"]);
    assert!(ran.code == 2 && ran.err.contains("see pulselog wpc rbac --help"), "{}", ran.err);
    let ran = run(&["wpc", "check", policy]);
    assert!(ran.code == 1 && ran.err.contains("pulselog sign --kind work_policy --example"), "{}", ran.err);
}

#[test]
fn an_entry_whose_proof_is_gone_is_named_with_the_file_that_the_packet_lists() {
    let dir = tempfile::tempdir().expect("a directory");
    let kept = packet(dir.path());
    std::fs::remove_file(dir.path().join("packet/01.tlog-proof")).expect("removed");
    let ran = verified(dir.path(), &kept);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let row = ran.out.lines().find(|line| line.contains("entry 1 is not here")).unwrap_or_default();
    assert!(row.ends_with("01.tlog-proof, which packet.json lists, is not here"), "{}", ran.out);
}

#[test]
fn a_file_that_is_no_document_is_called_what_it_is_and_is_no_failure() {
    let dir = tempfile::tempdir().expect("a directory");
    packet(dir.path());
    for (name, says) in [
        ("trust.policy", "is a trust policy; pulselog show reads it"),
        ("kept.checkpoint", "is a checkpoint"),
        ("packet/01.tlog-proof", "is a proof; give it with --proof"),
    ] {
        let ran = run(&["verify", text(&dir.path().join(name))]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    let broken = dir.path().join("broken.json");
    std::fs::write(&broken, "{\"a\":").expect("written");
    assert_eq!(run(&["verify", text(&broken)]).code, 1, "may be a damaged document");
    let document = dir.path().join("packet/01.json");
    std::fs::write(dir.path().join("README.txt"), "Packet of a job\n\nNN-kind.json\n").expect("written");
    let ran = run(&["verify", text(&document), "--cst", text(&dir.path().join("README.txt"))]);
    assert!(ran.code == 2 && ran.err.contains("token_form"), "{} {}", ran.code, ran.err);
}

#[test]
fn an_application_is_named_in_its_three_parts() {
    let audit = ["audit", "--log", "/nowhere", "--policy", "/nowhere", "--operator", "o", "--app"];
    for wrong in ["payments-api", "argocd/payments-api", "a//b", "a/b/c/d"] {
        let ran = run(&[&audit[..], &[wrong]].concat());
        assert!(ran.code == 2 && ran.err.contains("--app: must be instance/namespace/name"), "{}", ran.err);
    }
}

#[test]
fn a_rule_is_explained_with_its_effect_and_with_what_it_does_not_prove() {
    let rule = pulselog::audit::explain("TOKEN_REVOKED").expect("a rule");
    let ran = run(&["explain", "TOKEN_REVOKED"]);
    assert!(ran.out.starts_with("TOKEN_REVOKED  (audit finding, critical, fails the verdict)\n"), "{}", ran.out);
    assert!(ran.out.contains("not proven") && ran.out.contains(rule.does_not_prove), "{}", ran.out);
    let json: serde_json::Value =
        serde_json::from_str(&run(&["explain", "TOKEN_REVOKED", "--json"]).out).expect("JSON");
    assert_eq!(json[0]["severity"], "critical");
    assert_eq!(json[0]["does_not_prove"], rule.does_not_prove);
}

#[test]
fn a_fork_and_what_may_be_one_ask_to_keep_both_checkpoints() {
    for code in ["fork", "consistency_file_missing", "proof_old_root_mismatch"] {
        let ran = run(&["explain", code]);
        assert!(ran.out.contains("eep both checkpoints"), "{}", ran.out);
    }
}

#[test]
fn help_lists_under_bounds_nothing_but_bounds() {
    for command in ["verify", "audit", "sign"] {
        let help = run(&[command, "--help"]).out;
        let bounds = help.split("Bounds:").nth(1).expect("a list").split("\n\n\n").next().unwrap_or_default();
        for flag in ["--json", "--all", "--yes"] {
            assert!(!bounds.split("Exit codes").next().unwrap_or_default().contains(&format!("  {flag}\n")), "{help}");
        }
    }
}
