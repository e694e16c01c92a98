//! `pulselog packet`: what a stranger needs to judge one job offline.

use std::path::{Path, PathBuf};

use pulselog::audit::{Absence, Effect};
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{File, MANIFEST, Packet};
use pulselog::verify::packing::{Packing, pack};
use pulselog::verify::plain_text::escape;
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::cli::bounds::Bounds;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{unread, why};
use crate::cli::log_source::LogSource;
use crate::cli::verify::{operator, policy as named, trust};
use crate::cli::{evidence, print, print_json};

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
    /// The whole log: a directory laid out as tlog-tiles with artifacts/<hex>, or an address.
    #[arg(long, value_name = "DIR|URL")]
    log: String,
    /// Whose checkpoints to believe; a copy goes into the packet.
    #[arg(long, value_name = "trust.policy")]
    policy: PathBuf,
    /// The operator whose statement makes the packet complete.
    #[arg(long, value_name = "DID")]
    operator: String,
    /// The job.
    #[arg(long, value_name = "JOB")]
    job: String,
    /// Directory to write: one that is not there, or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write what was made as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.bounds.watch(true);
    is_free(&args.out)?;
    let text = named(&args.policy)?;
    let (policy, pinned) = (trust(Some(&text))?, operator(&args.operator)?);
    let log = LogSource::parse(&args.log, args.bounds)?.read(&policy)?;
    if log.timeline().roots_of(&pinned).is_none() {
        return Err(Failure::incomplete(
            "--operator: the log holds no roots of this operator, so nothing is of any job",
        ));
    }
    let none = || {
        let why = "nothing in the log is of this job; is it spelled as the log has it?";
        Failure::incomplete(format!("--job {}: {why}", escape(&args.job)))
    };
    let mut packing = pack(&log, &args.job, &pinned).ok_or_else(none)?;
    packing.files.push(("trust.policy".to_owned(), text));
    packing.files.push(("README.txt".to_owned(), readme(args, &packing).into_bytes()));
    packing.files.push((MANIFEST.to_owned(), Packet::manifest_of(&packing.files).into_bytes()));
    write(&args.out, &packing.files)?;
    let mut judge = Judge::new(pulselog::protocol::Options::at(jiff::Timestamp::now().as_millisecond()));
    let packet = evidence::packet(std::slice::from_ref(&args.out), &policy, args.bounds.budget(), None)?;
    judge.operator = Some(pinned);
    judge.evidence = Evidence::Packet(Box::new(packet));
    let (read_back, jobs) = (judge.evidence_report(), judge.packed_jobs());
    if read_back.exit_code() == Exit::Fail.number() {
        let why = format!("--out {}: does not verify: {}", args.out.display(), read_back.checks_text());
        return Err(Failure::fail(why));
    }
    // As whoever gets the packet will judge it.
    let job = jobs.iter().find(|of| of.job == args.job).map(|of| &of.verification);
    let is_attested = job.is_some_and(is_attested);
    tell(args, &packing, log.head().size.get(), job)?;
    Ok(if is_attested && read_back.exit_code() == 0 && packing.withheld.is_empty() {
        Exit::Pass
    } else {
        Exit::Incomplete
    })
}

/// Whether the packet alone shows that nothing else of the log is needed.
pub(super) fn is_attested(job: &Verification) -> bool {
    matches!(job.coverage.as_ref().map(|coverage| coverage.absence), Some(Absence::Attested { .. }))
}

/// Nothing that lies there is written over, and nothing is mixed with it.
pub(super) fn is_free(dir: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(dir).map(|mut files| files.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Failure::fail(format!("--out {}: is not empty; name a directory that is not there", dir.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unread(&format!("--out {}", dir.display()), &error)),
    }
}

pub(super) fn write(dir: &Path, files: &[File]) -> Result<(), Failure> {
    let at = |error: std::io::Error| Failure::fail(format!("--out {}: {}", dir.display(), why(&error)));
    std::fs::create_dir_all(dir).map_err(at)?;
    files.iter().try_for_each(|(name, bytes)| std::fs::write(dir.join(name), bytes).map_err(at))
}

fn tell(args: &Args, packing: &Packing, size: u64, job: Option<&Verification>) -> Result<(), Failure> {
    let withheld: Vec<u64> = packing.withheld.iter().map(|at| at.get()).collect();
    let verdict = job.map_or(AuditStatus::Incomplete, |of| of.audit.status).name();
    let open = job.filter(|of| !is_attested(of)).map(why_open).unwrap_or_default();
    if args.json {
        return print_json(&serde_json::json!({
            "job": args.job, "directory": args.out, "size": size, "entries": packing.entries,
            "files": packing.files.len(), "statements": packing.statements, "withheld": withheld,
            "verdict": verdict, "incomplete": open,
        }));
    }
    let mut out = format!(
        "{} entries of {} with their proofs in {}, as of size {size}; read back, and every proof holds; its audit: {verdict}\n",
        packing.entries,
        escape(&args.job),
        escape(&args.out.display().to_string())
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
    out.push_str(&format!("Verify it offline:\n  {}\n", command(args, &quoted(&args.out))));
    print(&out)
}

/// Why the operator's statement does not make the packet whole.
pub(super) fn why_open(job: &Verification) -> Vec<String> {
    let open = job.audit.findings.iter().filter(|finding| finding.rule.effect == Effect::Incomplete);
    let why = open.filter(|finding| ["ATTESTATION_OUTDATED", "EVIDENCE_MISSING"].contains(&finding.rule.code));
    why.map(|finding| {
        let entries: Vec<_> = finding.entries.iter().map(ToString::to_string).collect();
        let (code, detail, to_do) = (finding.rule.code, &finding.detail, finding.words().what_to_do);
        format!("{code}, entries {}: {detail}. {to_do}", entries.join(", "))
    })
    .collect()
}

fn command(args: &Args, dir: &str) -> String {
    let policy = if dir == "." { "trust.policy".to_owned() } else { format!("{dir}/trust.policy") };
    format!("pulselog verify {dir} --policy {policy} --operator {}", args.operator)
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
        command(args, ".")
    )
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
