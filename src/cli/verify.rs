//! `pulselog verify`: files and a trust policy in, a verdict out. No network.

use std::path::PathBuf;

use pulselog::artifact::json::{self, DEPTH_MAX};
use pulselog::merkle::TreeSize;
use pulselog::receipt::Disclosure;
use pulselog::verify::report::Report;
use pulselog::verify::{ARTIFACT_BYTES_MAX, Older, Options, artifact, disclosure};

use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{SMALL_BYTES_MAX, read};
use crate::cli::{print, print_json};

const AFTER: &str = "\
Everything is decided from these files: no network, no clock, no trust in who
sent them. Take the trust policy from the log's operator, never from the packet.

Examples:
  pulselog verify 20-proof_bundle.json --proof 20-proof_bundle.tlog-proof --policy trust.policy
  pulselog verify --proof 20-proof_bundle.tlog-proof --policy trust.policy        entry only: exit 3
  pulselog verify a.json --proof a.tlog-proof --policy trust.policy \\
      --consistent-with old.checkpoint --consistency old-to-new.consistency
  pulselog verify shown.disclosure.json --policy trust.policy      some receipts of a bundle

Exit codes: 0 pass, 1 fail, 2 wrong usage, 3 incomplete.";

/// Verify an artifact offline against its .tlog-proof and a trust policy.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// File of the artifact, in any spelling of the same JSON, or a disclosure file; - reads standard input.
    #[arg(value_name = "ARTIFACT")]
    artifact: Option<PathBuf>,
    /// Its inclusion proof; a disclosure file carries its own.
    #[arg(long, value_name = "F.tlog-proof", required_unless_present = "artifact")]
    proof: Option<PathBuf>,
    /// Whom to believe: C2SP tlog-policy text.
    #[arg(long, value_name = "trust.policy")]
    policy: PathBuf,
    /// Refuse a checkpoint that covers fewer entries.
    #[arg(long, value_name = "N", value_parser = size)]
    size_at_least: Option<TreeSize>,
    /// A checkpoint kept from earlier, which the proof's checkpoint must extend.
    #[arg(long, value_name = "OLD.checkpoint")]
    consistent_with: Option<PathBuf>,
    /// Consistency file from that checkpoint to the proof's.
    #[arg(long, value_name = "F", requires = "consistent_with")]
    consistency: Option<PathBuf>,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

fn size(text: &str) -> Result<TreeSize, String> {
    TreeSize::parse(text).map_err(|error| error.to_string())
}

/// An artifact comes with a proof beside it, a disclosure with one inside.
fn report(bytes: Option<&[u8]>, proof: Option<&[u8]>, policy: &[u8], options: &Options<'_>) -> Result<Report, Failure> {
    match (bytes, proof) {
        (Some(bytes), Some(_)) if Disclosure::is_one(bytes) => {
            Err(Failure::usage("--proof: a disclosure file carries its own proof; leave the flag out"))
        }
        (bytes, Some(proof)) => Ok(artifact(bytes, proof, policy, options)),
        // What is no JSON at all is named as such by the report.
        (Some(bytes), None) if Disclosure::is_one(bytes) || json::parse(bytes, DEPTH_MAX).is_err() => {
            Ok(disclosure(bytes, policy, options))
        }
        (_, None) => {
            Err(Failure::usage("--proof: is required for an artifact; only a disclosure file carries its own"))
        }
    }
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let small = |flag, path: &PathBuf| read(flag, path, SMALL_BYTES_MAX);
    let bytes = args.artifact.as_ref().map(|path| read("artifact", path, ARTIFACT_BYTES_MAX as u64)).transpose()?;
    let proof = args.proof.as_ref().map(|path| small("--proof", path)).transpose()?;
    let policy = small("--policy", &args.policy)?;
    let old = args.consistent_with.as_ref().map(|path| small("--consistent-with", path)).transpose()?;
    let consistency = args.consistency.as_ref().map(|path| small("--consistency", path)).transpose()?;
    let older = old.as_ref().map(|checkpoint| Older { checkpoint, consistency: consistency.as_deref() });
    let options = Options { size_at_least: args.size_at_least, older };
    let report = report(bytes.as_deref(), proof.as_deref(), &policy, &options)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&report.to_text())?;
    }
    Ok(match report.exit_code() {
        0 => Exit::Pass,
        3 => Exit::Incomplete,
        _ => Exit::Fail,
    })
}
