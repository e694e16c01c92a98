//! docs/AUDIT.md: every rule, and what is missing when a kind is removed from
//! a log that tells everything. Both are made here and compared with the text.

use std::collections::BTreeSet;
use std::fmt::Write;

use pulselog::artifact::KINDS;
use pulselog::artifact::json::Value;
use pulselog::audit::{RULE_GROUPS, RULES_VERSION, Timeline, Verdict, audit, audit_packet, caused_by};
use pulselog::merkle::LeafIndex;

use crate::make::attest::append_statement;
use crate::make::audit::{START_MS, Story, operator, time};
use crate::make::{blessing, did, good_payload, kind, project, set, value};

/// The clean story with at least one entry of every kind but the statement,
/// and every window closed.
fn full() -> Story {
    let mut story = Story::clean();
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    let names = ["tool_receipt", "side_effect_receipt", "human_approval_receipt", "delegation_receipt"];
    for name in names {
        let mut payload = good_payload(kind(name));
        set(&mut payload, "binding.run_id", Some("job-1.r1".into()));
        story.log(name, kind(name).name(), "agent", payload);
        story.last_after("sync receipt");
    }
    let mut freeze = good_payload(kind("change_record"));
    set(&mut freeze, "job_id", Some("job-1".into()));
    story.log("freeze", "change_record", "recorder", freeze);
    story.last_after("revoked");
    story.wait(7_200_000);
    let pulse = value(&format!(
        r#"{{"trust_pulse_version":"1","run_id":"job-1.r1","agent_did":"{}","issued_at":"{}",
        "evidence_class":"self_reported","tier_uplift":false,"tools":[{{"name":"argocd.app.sync","calls":1}}],
        "files":[]}}"#,
        did("agent"),
        time(START_MS)
    ));
    story.log("pulse", "trust_pulse", "agent", pulse);
    story.log("snapshot", "argocd_snapshot", "", good_payload(kind("argocd_snapshot")));
    story.submitted_by("snapshot", "observer");
    story.log("withholding", "withholding", "operator", good_payload(kind("withholding")));
    story
}

/// The log of the story without a kind: the entries that are left, numbered
/// anew, under an honest statement of the operator about what is left.
fn without(left_out: Option<&str>) -> Timeline {
    let whole = full().timeline();
    let kept = whole.prefix(whole.size()).map(|(_, seen)| seen);
    let kept = kept.filter(|seen| Some(seen.entry.kind.name()) != left_out);
    let mut log = Timeline::new(
        kept.enumerate().map(|(at, seen)| (LeafIndex::new(at as u64), seen.entry.clone(), seen.body.clone())),
    );
    if left_out != Some("audit_statement") {
        let _ = append_statement(&mut log);
    }
    log
}

/// What the audit shows of such a log: codes; verdict on the log, on its job,
/// and on the job when the same entries come as a packet.
fn shown(left_out: Option<&str>) -> (BTreeSet<&'static str>, [Verdict; 3]) {
    let log = without(left_out);
    let report = audit(&log, Some(&operator()));
    let packet = audit_packet(&log, log.size(), "job-1", &operator());
    assert_eq!(report.pending, [], "{left_out:?}: every window is closed");
    (
        report.findings.iter().map(|finding| finding.rule.code).collect(),
        [report.verdict, report.job("job-1"), packet.job("job-1")],
    )
}

/// Why the removal shows as it does, or why it shows nothing.
const WHY: &[(&str, &str)] = &[
    (
        "gateway_receipt",
        "The bundles hold receipts that the log does not, so they count for nothing; the run acted and no gateway tells of its model calls.",
    ),
    (
        "tool_receipt",
        "The agent's own word: no rule asks for it, and nothing that others say rests on it. A Trust Pulse then has nothing to be compared with; coverage says so.",
    ),
    ("side_effect_receipt", "The agent's own word: no rule asks for it."),
    ("human_approval_receipt", "A peer's receipt that the agent vouches for; it never satisfies an approval gate."),
    ("delegation_receipt", "The agent's own word: no rule asks for it."),
    ("proof_bundle", "The policy asks for a bundle of each run within an hour of its token's end."),
    (
        "work_policy",
        "No policy stands before the tokens. Nothing then asks for approvals or bundles: the missing policy is the one finding.",
    ),
    ("trust_pulse", "Self-reported and asked for by nobody: it never raises trust, so its absence takes none."),
    (
        "cst_issuance",
        "Every decision and model call is then under a token that nobody issued. What the policy asks of runs is not owed by runs without a token.",
    ),
    (
        "cst_revocation",
        "A log without a revocation is that of a token that was never revoked. That one was left out shows only beside another copy of the log: a log proves what stands in it, and its checkpoints that nothing is removed later.",
    ),
    ("approval", "The writes name approvals that do not stand before them."),
    (
        "argocd_decision",
        "Each receipt tells of a call that nobody decided. It names no job, so it is charged to the log and to nobody's job; the job is left with what its bundles say.",
    ),
    ("argocd_receipt", "The wrapper owes a receipt for each allowed call."),
    (
        "argocd_observation",
        "Argo CD's own account: only a rule about two accounts could miss one, and what joins no decision is coverage. Coverage says that resource namespaces were not seen.",
    ),
    (
        "argocd_snapshot",
        "Looks at an instance show whether anything ran after a call that nobody reports: without them that is coverage.",
    ),
    ("change_record", "A freeze is evidence that people give; no rule asks for one."),
    ("audit_roots", "Nobody's word counts, so nothing is said of any job."),
    (
        "audit_statement",
        "Whoever reads the whole log needs no statement. A packet does: without one nothing in it passes.",
    ),
    ("withholding", "Whether a body is there is seen by looking; the statement says why it is not."),
];

/// What an auditor asks of Argo CD's reports, and what answers it.
const ASKED: &[(&str, &str)] = &[
    (
        "an act that nobody decided (F1)",
        "`UNREPORTED_ACTION`; two operations of one stated decision: `REPLAY_DECISION_REUSED`",
    ),
    ("outside the policy, by what was observed (F3)", "`POLICY_NONCOMPLIANT`"),
    (
        "another target (F4)",
        "`OBSERVED_UNLIKE_DECIDED`, `CLUSTER_NOT_COMPARED`; applications that a synced one makes are not shown by any channel",
    ),
    (
        "after revocation or expiry (F5)",
        "`TOKEN_REVOKED`, `TOKEN_EXPIRED`; accepted before and run after: `RAN_AFTER_REVOCATION`",
    ),
    ("before issuance (F6)", "`TOKEN_UNKNOWN` by position, `OPERATION_OUTSIDE_WINDOW` by time"),
    (
        "approval missing, used again, or of something else (F7, F8)",
        "`APPROVAL_MISSING`, `APPROVAL_REUSED`, `APPROVAL_UNEQUAL`",
    ),
    ("a token in another job or run (F9)", "`REPLAY_JOB_MISMATCH`, `TOKEN_REUSED`"),
    (
        "another outcome, revision or a dry run for a real one (F10)",
        "`OBSERVED_UNLIKE_DECIDED`, `CONTRADICTING_ACCOUNTS`",
    ),
    (
        "other parameters (F11)",
        "`OBSERVED_UNLIKE_DECIDED`, `RECEIPT_REQUEST_MISMATCH`; where nothing else ties the two: `UNREPORTED_ACTION`",
    ),
    ("denied and done (F12)", "`CONTRADICTING_ACCOUNTS`, `DENY_THEN_ACCEPTED`"),
    (
        "taken, and nothing came of it (F2)",
        "`PHANTOM_ACTION`, where two looks show that nothing ran between, whatever is told of later; else coverage",
    ),
    ("refused by Argo CD, and nobody told (F13)", "`UNLOGGED_ATTEMPT`"),
    (
        "what was not seen (F14)",
        "`COVERAGE_GAP`, where a channel fell silent and something may be hidden; `SERVER_LOG_GAP`, of the server's log; \
         coverage of every report; the grade of each call under `matched`",
    ),
    ("a freeze that did not hold (F15)", "`CONTROL_REVERTED`"),
    ("one name for two (F16)", "`IDENTITY_SHARED`"),
    ("several candidates (F17)", "`AMBIGUOUS_MATCH`"),
    ("evidence that came late (F18)", "`LATE_EVIDENCE`"),
    ("a user whom nobody lists", "`UNKNOWN_INITIATOR`"),
];

const INTRODUCTION: &str = "\
# The audit verdict

The audit says what the log, read from its beginning, shows about jobs and runs: **pass**, **fail**, **incomplete** or \
**not applicable**. It is a pure function of a prefix of the log, the bodies at hand and the operator whom the reader \
pins. Order is the leaf index; only statements whose signer held the role at their own index are facts. \
[JUDGING.md](JUDGING.md) says how it is computed, exactly; this page what each finding means. Made from the rules in \
`src/audit/` and by running them.

";

/// What could undo a finding, a line a place: kinds of one place stand together.
fn rests_of(rule: &pulselog::audit::Rule) -> String {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    for words in rule.rests_on.iter().copied().flatten().map(pulselog::audit::Rest::words) {
        let (kind, place) = match words.split_once("` ") {
            Some((kind, place)) => (format!("{kind}`"), place.to_owned()),
            None => (String::new(), words),
        };
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, kinds)) if kinds.contains(&kind) => {}
            Some((_, kinds)) => kinds.push(kind),
            None => places.push((place, vec![kind])),
        }
    }
    let line =
        |(place, kinds): &(String, Vec<String>)| format!("  - {} {place}", kinds.join(", ")).replace("-  ", "- ");
    places.iter().map(|row| line(row) + "\n").collect()
}

/// docs/AUDIT.md, whole.
fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    // Writing to a String cannot fail.
    let _ = writeln!(page, "## Rules\n\nVersion {RULES_VERSION}.\n");
    let _ = writeln!(
        page,
        "*Caused by* names which of its entries causes it, of the first of these kinds that is among them; without any, \
         of all. The others only show it. *Rests on* names what could undo a finding that fails. While a body or an \
         entry is missing that may be it, by its kind, signer and place, the finding leaves the verdict incomplete; \
         anything else that is missing changes nothing.\n"
    );
    for rule in RULE_GROUPS.iter().copied().flatten() {
        let effect = match rule.effect {
            pulselog::audit::Effect::Shown => "is shown and moves no verdict",
            pulselog::audit::Effect::Incomplete => "leaves the verdict incomplete",
            pulselog::audit::Effect::Fails => "fails",
        };
        let _ = writeln!(page, "### `{}`\n\n{}. Severity {}; {effect}.\n", rule.code, rule.title, rule.severity.name());
        let _ = writeln!(page, "- Why: {}\n- What to do: {}", rule.rationale, rule.what_to_do);
        let _ = writeln!(page, "- Does not prove: {}", rule.does_not_prove);
        let _ = writeln!(page, "- Caused by: {}", caused_by(rule));
        let rests = rests_of(rule);
        let rests = if rests.is_empty() { String::new() } else { format!("- Rests on:\n{rests}") };
        let _ = writeln!(page, "{rests}");
    }
    page.push_str(
        "## Argo CD beside what was said\n\nWhat an auditor asks of Argo CD's own reports, and the code that answers \
         it. An operation that nothing ties to a decision names no job: it is its agent's and its application's.\n\n| \
         question | code |\n|---|---|\n",
    );
    for (question, codes) in ASKED {
        let _ = writeln!(page, "| {question} | {codes} |");
    }
    page.push_str(
        "\n## What is missing when a kind is removed\n\nOne clean log with an entry of every kind, every window closed. \
         Each row: the same log with all entries of that kind left out, recomputed whole, under an honest statement of \
         the operator about what is left. The verdicts: on the log, on its job, and on the job for who holds the \
         entries as a packet.\n\n| kind removed | findings | log | job | packet | why |\n|---|---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let (codes, verdicts) = shown(Some(kind.name));
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        let codes = if codes.is_empty() { "nothing".to_owned() } else { codes.join(", ") };
        let why = WHY.iter().find(|(name, _)| *name == kind.name).map_or("", |(_, why)| why);
        let [log, job, packet] = verdicts.map(|verdict| verdict.name().replace('_', " "));
        let _ = writeln!(page, "| `{}` | {codes} | {log} | {job} | {packet} | {why} |", kind.name);
    }
    page
}

#[test]
fn the_full_story_is_clean_and_holds_every_kind() {
    assert_eq!(shown(None), (BTreeSet::new(), [Verdict::Pass; 3]));
    let log = without(None);
    let held: BTreeSet<_> = log.prefix(log.size()).map(|(_, seen)| seen.entry.kind.name()).collect();
    let kinds: BTreeSet<_> = KINDS.iter().map(|row| row.name).collect();
    assert_eq!(held, kinds);
    let explained: Vec<_> = WHY.iter().map(|(name, _)| *name).collect();
    assert_eq!(explained.iter().copied().collect::<BTreeSet<_>>(), kinds);
    assert_eq!(explained.len(), kinds.len());
}

/// docs/AUDIT.md is the rules' own word; `PULSELOG_BLESS=1` writes it anew.
#[test]
fn audit_reference_is_what_the_rules_say() {
    let path = project("docs/AUDIT.md");
    let made = reference();
    if blessing() {
        std::fs::write(&path, &made).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/AUDIT.md is not what the rules say: PULSELOG_BLESS=1 writes it anew");
}
