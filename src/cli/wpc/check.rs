//! `pulselog wpc check`: a policy in plain words, or what is wrong with it.

use std::fmt::Write as _;

use pulselog::artifact::digest::PayloadHash;
use pulselog::codes::artifact as codes;
use pulselog::policy::{Line, NOT_UNDERSTOOD, Policy, PolicyForm, clauses_in_words, slips};
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::wpc::{Fault, File, read, told};
use crate::cli::{print, print_json};

const AFTER: &str = "\
Every clause in a line, with the place where it stands; who signs the policy is the
question of `pulselog show`. What a log would refuse is a fault, and so is a clause
that can only refuse because nobody understands it: each names its field and the
rule. `Look at` is no fault: a clause that does nothing, perhaps by a slip.

Examples:
  pulselog wpc check policy.json
  pulselog wpc check policy.signed.json --json
  pulselog sign --kind work_policy --example | pulselog wpc check -

Exit codes: 0 a policy, 1 none, or not authentic, 2 wrong usage.";

/// Say a work policy in plain words, or name each fault with its field and rule.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    file: File,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let File { file, json } = &args.file;
    let judged = read(file)?.and_then(understood);
    match (judged, json) {
        (Ok(policy), false) => print(&to_text(&policy))?,
        (Ok(policy), true) => print_json(&to_json(&policy))?,
        (Err(faults), false) => return Err(told(file, &faults)),
        (Err(faults), true) => {
            let faults: Vec<_> = faults.iter().map(Fault::to_json).collect();
            print_json(&serde_json::json!({"ok": false, "faults": faults}))?;
            return Ok(Exit::Fail);
        }
    }
    Ok(Exit::Pass)
}

/// A log takes a clause whose condition compares with nothing, and judges every
/// action that it is about as refused; nobody means that.
fn understood(policy: Policy) -> Result<Policy, Vec<Fault>> {
    let lines = clauses_in_words(&policy);
    let lost = lines.iter().filter(|line| line.text == NOT_UNDERSTOOD);
    let faults: Vec<_> =
        lost.map(|line| Fault::new(line.path.as_str(), NOT_UNDERSTOOD, codes::INVALID_VALUE.name)).collect();
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

pub const fn form_in_words(form: PolicyForm) -> &'static str {
    match form {
        PolicyForm::Customers => "the form for Argo CD (wpc_version v1)",
        PolicyForm::RegistryV1 => "the registry's version 1",
        PolicyForm::RegistryV2 => "the registry's version 2",
    }
}

fn to_text(policy: &Policy) -> String {
    let hash = policy.hash();
    let mut out = format!("Work policy, {}: {}\n\n", form_in_words(policy.form()), policy.form().governs());
    // Writing to a String never fails.
    let _ = writeln!(out, "  Hash {hash}, in tokens {}", hash.to_b64u());
    let mut label = "";
    for line in clauses_in_words(policy).iter().chain(&slips(policy)) {
        if line.label != label {
            label = line.label;
            let _ = writeln!(out, "\n  {label}");
        }
        let place = if line.path.is_empty() { String::new() } else { format!("  ({})", escape(&line.path)) };
        let _ = writeln!(out, "    {}{place}", escape(&line.text));
    }
    out
}

fn to_json(policy: &Policy) -> serde_json::Value {
    let hash: PayloadHash = policy.hash();
    let line = |line: &Line| serde_json::json!({"label": line.label, "text": line.text, "path": line.path});
    serde_json::json!({
        "ok": true,
        "form": form_in_words(policy.form()),
        "governs": policy.form().governs(),
        "policy_id": policy.policy_id(),
        "inherits": policy.inherits(),
        "hash": hash.to_string(),
        "hash_b64u": hash.to_b64u(),
        "clauses": clauses_in_words(policy).iter().map(line).collect::<Vec<_>>(),
        "look_at": slips(policy).iter().map(line).collect::<Vec<_>>(),
        "faults": [],
    })
}
