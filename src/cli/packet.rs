//! `pulselog packet`: what a stranger needs to judge one job offline.

pub(super) mod making;

use pulselog::verify::packing::{Packing, pack};
use pulselog::verify::plain_text::escape;
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::cli::failure::{Exit, Failure};
use crate::cli::packet::making::{Making, is_attested, why_open};
use crate::cli::{print, print_json};

const AFTER: &str = "\
The directory holds every entry that the job's audit uses, each with its body and its
inclusion proof, the checkpoint that covers them, your trust policy, and packet.json,
the list of all files. Whoever gets it runs pulselog verify DIR, with no network. The
whole log is read and verified first, and the packet is read back before it counts.

Only the operator's statement about the job says that nothing else of the log is
needed. Without one, or where entries of the job stand above the newest, the verdict on
the packet stays incomplete: make it with pulselog audit --attest, then the packet. A
job that fails has a whole packet too: its verdict stands in the first line.

Examples:
  pulselog audit --log http://127.0.0.1:8080 --policy trust.policy --job job-7 \\
      --attest --key operator.pem --token-file operator.token
  pulselog packet --log http://127.0.0.1:8080 --policy trust.policy --operator did:key:z6Mk… \\
      --job job-7 --out packet-of-job-7
  pulselog verify packet-of-job-7 --policy trust.policy --operator did:key:z6Mk…

Exit codes: 0 written and read back, 1 refused or the log does not verify, 2 wrong usage, 3 the
log was not reached, or the packet is written and something that a verdict needs is not in it.";

/// Make the packet of one job: files that verify offline.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The job.
    #[arg(long, value_name = "JOB")]
    job: String,
    // Last: what stands below its bounds would be told as one of them.
    #[command(flatten)]
    making: Making,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let read = args.making.read()?;
    let none = || {
        let why = "nothing in the log is of this job; is it spelled as the log has it?";
        Failure::incomplete(format!("--job {}: {why}", escape(&args.job)))
    };
    let mut packing = pack(&read.log, &args.job, &read.pinned).ok_or_else(none)?;
    let size = read.log.head().size.get();
    let told = vec![("README.txt".to_owned(), readme(args, &packing).into_bytes())];
    let read_back = args.making.write(read, &mut packing, told)?;
    // As whoever gets the packet will judge it.
    let job = read_back.jobs.iter().find(|of| of.job == args.job).map(|of| &of.verification);
    tell(args, &packing, size, job)?;
    let is_whole = job.is_some_and(is_attested) && read_back.is_whole && packing.withheld.is_empty();
    Ok(if is_whole { Exit::Pass } else { Exit::Incomplete })
}

fn tell(args: &Args, packing: &Packing, size: u64, job: Option<&Verification>) -> Result<(), Failure> {
    let withheld: Vec<u64> = packing.withheld.iter().map(|at| at.get()).collect();
    let verdict = job.map_or(AuditStatus::Incomplete, |of| of.audit.status).name();
    let open = job.filter(|of| !is_attested(of)).map(why_open).unwrap_or_default();
    if args.making.json {
        return print_json(&serde_json::json!({
            "job": args.job, "directory": args.making.out, "size": size, "entries": packing.entries,
            "files": packing.files.len(), "statements": packing.statements, "withheld": withheld,
            "verdict": verdict, "incomplete": open,
        }));
    }
    let mut out = format!(
        "{} entries of {} with their proofs in {}, as of size {size}; read back, and every proof holds; its audit: {verdict}\n",
        packing.entries,
        escape(&args.job),
        escape(&args.making.out.display().to_string())
    );
    if packing.statements == 0 {
        out.push_str(
            "incomplete: no statement of the operator says that nothing else of the log is needed; make one with \
             pulselog audit --attest, then the packet again\n",
        );
    }
    open.iter().for_each(|why| out.push_str(&format!("incomplete: {}\n", escape(why))));
    if !withheld.is_empty() {
        out.push_str(&format!("incomplete: the log does not show the bodies of entries {withheld:?}\n"));
    }
    out.push_str(&format!("Verify it offline:\n  {}\n", args.making.command()));
    print(&out)
}

fn readme(args: &Args, packing: &Packing) -> String {
    let bundles: String = packing.bundles.iter().map(|name| format!("  {name}\n")).collect();
    let statement = match packing.statements {
        0 => "No statement of the operator is among them, so every verdict stays incomplete.",
        _ => "The operator's audit_statement lists every entry that the audit of the job used.",
    };
    format!(
        "Packet of {}\n\n\
         INDEX-KIND.json is an artifact as it was logged, INDEX-KIND.tlog-proof its\n\
         inclusion proof, checkpoint the signed tree head that covers all of them, and\n\
         a .consistency file shows that the log of a statement is the beginning of this\n\
         one. packet.json lists all files.\n{statement}\n\n\
         trust.policy says whose checkpoints to believe, and --operator whose roots:\n\
         compare both with what the log's operator says elsewhere before you rely on\n\
         them.\n\n\
         All of it, in this directory, with no network:\n\n  {}\n\n\
         Bundles of the job, which get both verdicts:\n\n{bundles}",
        escape(&args.job),
        args.making.command_inside()
    )
}
