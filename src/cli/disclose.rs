//! `pulselog disclose`: some receipts of a logged bundle, without the rest.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pulselog::artifact::json::{self, DEPTH_MAX, room_for};
use pulselog::receipt::{self, Disclosure, Nameable, ReceiptError, tlog_proof};
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{self, SMALL_BYTES_MAX, read};
use crate::cli::print;

const AFTER: &str = "\
Without --receipt it lists what can be named: a receipt has a place in the bundle,
as in tool_receipts[0], mostly a receipt id, and the hex SHA-256 of its compact
form; each of the three names it. The file shows how many receipts the bundle
holds and where the chosen ones stand; the others, the event chain and everything
else of the bundle stay hidden.

Examples:
  pulselog disclose 20-proof_bundle.json --proof 20-proof_bundle.tlog-proof     lists
  pulselog disclose 20-proof_bundle.json --proof 20-proof_bundle.tlog-proof \\
      --receipt rcpt_1 --receipt 'tool_receipts[0]' --out shown.disclosure.json
  pulselog verify shown.disclosure.json --policy trust.policy

Exit codes: 0 written or listed, 1 refused, 2 wrong usage.";

/// Show chosen receipts of a logged bundle without the rest.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// File of the proof bundle; - reads standard input.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The bundle's inclusion proof, with its entry.
    #[arg(long, value_name = "F.tlog-proof")]
    proof: PathBuf,
    /// Receipt to show; repeatable. Without one, what can be named is listed.
    #[arg(long = "receipt", value_name = "ID", num_args = 0..)]
    receipts: Vec<String>,
    /// File to write, never overwritten; standard output when absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let bytes = read("bundle", &args.bundle, ARTIFACT_BYTES_MAX as u64)?;
    let bundle = json::parse_within(&bytes, DEPTH_MAX, room_for(bytes.len()))
        .map_err(|error| Failure::fail(format!("bundle {}: {error} [{}]", args.bundle.display(), error.code())))?;
    let refused = |error: ReceiptError| Failure::fail(format!("{error} [{}]", error.code()));
    let proof = tlog_proof::decode(&read("--proof", &args.proof, SMALL_BYTES_MAX)?)
        .map_err(|error| Failure::fail(format!("--proof {}: {error} [{}]", args.proof.display(), error.code())))?;
    if args.receipts.is_empty() {
        if args.out.is_some() {
            return Err(Failure::usage("--receipt: name what is shown in the file; without --out they are listed"));
        }
        print(&listed(&receipt::nameable(&bundle, &proof).map_err(refused)?))?;
        return Ok(Exit::Pass);
    }
    let wanted: Vec<&str> = args.receipts.iter().map(String::as_str).collect();
    let text = Disclosure::of(&bundle, proof, &wanted).map_err(refused)?.encode();
    match &args.out {
        Some(path) => write_new(path, &text)?,
        None => print(&text)?,
    }
    Ok(Exit::Pass)
}

/// A line for each receipt: place, digest, whether it carries a signature, id.
fn listed(receipts: &[Nameable]) -> String {
    let width = receipts.iter().map(|receipt| receipt.place.len()).max().unwrap_or(0);
    let line = |receipt: &Nameable| {
        let signed = if receipt.is_signed { "signed  " } else { "unsigned" };
        let id = receipt.id.as_deref().unwrap_or("(no receipt id)");
        format!("{:<width$}  {}  {signed}  {}\n", receipt.place, receipt.digest, escape(id))
    };
    let lines: String = receipts.iter().map(line).collect();
    format!("{lines}\nName one or more with --receipt: by place, digest or id.\n")
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        let named = format!("--out {}", path.display());
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::fail(format!("{named}: is there already and is never overwritten"))
            }
            std::io::ErrorKind::NotFound => Failure::usage(format!("{named}: its directory does not exist")),
            _ => input::unread(&named, &error),
        }
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)
}
