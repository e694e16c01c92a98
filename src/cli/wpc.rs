//! `pulselog wpc`: what a work policy says, and the rights that follow from it.

mod check;
mod rbac;

use std::path::{Path, PathBuf};

use pulselog::artifact::json::{self, DEPTH_MAX, Value};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, faults, marked};
use pulselog::codes::artifact as codes;
use pulselog::policy::Policy;
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, tell};

const AFTER: &str = "\
A work policy contract says what an agent may do, in one of three forms: that for
Argo CD (wpc_version v1) and the registry's versions 1 and 2 (policy_version).
FILE is its payload, or the envelope that a log holds; - reads standard input.

Examples:
  pulselog sign --kind work_policy --example > policy.json
  pulselog wpc check policy.json
  pulselog wpc rbac policy.json --project payments --role argo-deploy-assistant \\
      --argocd-version 3.6

Exit codes: 0 done, 1 no good policy or refused, 2 wrong usage, 3 not all of it could be said.";

/// Say a work policy in plain words, or as rights of Argo CD.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Check(check::Args),
    Rbac(rbac::Args),
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.action {
        Action::Check(args) => check::run(args),
        Action::Rbac(args) => rbac::run(args),
    }
}

/// What prints a policy to begin with.
const EXAMPLE: &str = "pulselog sign --kind work_policy --example";

/// What to do about a fault.
fn next(code: &str) -> String {
    format!("pulselog explain {code} says more")
}

/// What keeps a document from being a policy: a field and the rule it breaks.
struct Fault {
    path: String,
    rule: String,
    code: &'static str,
}

impl Fault {
    fn new(path: impl Into<String>, rule: impl Into<String>, code: &'static str) -> Self {
        Self { path: path.into(), rule: rule.into(), code }
    }

    fn to_text(&self) -> String {
        let at = if self.path.is_empty() { String::new() } else { format!("{}: ", escape(&self.path)) };
        format!("{at}{} [{}]", escape(&self.rule), self.code)
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"path": self.path, "rule": self.rule, "code": self.code})
    }
}

/// The policy in a file: a payload, or an envelope, which must be authentic.
fn read(file: &Path) -> Result<Result<Policy, Vec<Fault>>, Failure> {
    let bytes = input::read("file", file, Limits::default().artifact_bytes_max as u64)?;
    Ok(policy_of(&bytes))
}

fn policy_of(bytes: &[u8]) -> Result<Policy, Vec<Fault>> {
    let one = |fault| Err(vec![fault]);
    let document = match json::parse(bytes, DEPTH_MAX) {
        Ok(document) => document,
        Err(error) => {
            let rule = format!("is no JSON: {error}; a filled one is printed by: {EXAMPLE}");
            return one(Fault::new("", rule, error.code().name));
        }
    };
    if document.as_object().is_none() {
        return one(Fault::new("", "must be an object", codes::WRONG_TYPE.name));
    }
    let payload = match document.get("envelope_version") {
        None => document,
        Some(_) => match admit(bytes, &Grant::all(), &Limits::default(), &KeyCache::new()) {
            Ok(admitted) if admitted.artifact.kind() == Kind::WorkPolicy => admitted.artifact.payload().clone(),
            Ok(admitted) => {
                let kind = admitted.artifact.kind();
                let rule = format!("is of {}, so this is no work policy: give the file of one", kind.name());
                return one(Fault::new("envelope_type", rule, codes::INVALID_VALUE.name));
            }
            Err(error) => return one(Fault::new("", error.to_string(), error.code().name)),
        },
    };
    shaped(&payload)
}

fn shaped(payload: &Value) -> Result<Policy, Vec<Fault>> {
    let unfilled = marked(payload);
    let unfilled =
        unfilled.iter().map(|place| Fault::new(place.as_str(), "is still to be replaced", codes::INVALID_VALUE.name));
    let broken = faults(Kind::WorkPolicy, payload);
    let broken = broken.iter().map(|error| Fault::new(error.path(), error.rule(), error.code().name));
    let found: Vec<_> = unfilled.chain(broken).collect();
    if !found.is_empty() {
        return Err(found);
    }
    Policy::compile(payload).map_err(|error| vec![Fault::new("", error.to_string(), error.code().name)])
}

/// The policy, or its faults a line each and their number.
fn good(file: &Path) -> Result<Policy, Failure> {
    read(file)?.map_err(|faults| told(file, &faults))
}

fn told(file: &Path, faults: &[Fault]) -> Failure {
    let named = |what: &str| format!("file {}: {what}", file.display());
    match faults {
        [fault] => Failure::fail(named(&format!("{}; {}", fault.to_text(), next(fault.code)))),
        faults => {
            faults.iter().for_each(|fault| tell(&format!("  {}", fault.to_text())));
            let count = faults.len();
            Failure::fail(named(&format!(
                "{count} fields to correct in the policy, above; a filled one is printed by: {EXAMPLE}"
            )))
        }
    }
}

/// The file that both subcommands read.
#[derive(clap::Args)]
struct File {
    /// The policy: its payload or its envelope as JSON; - reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}
