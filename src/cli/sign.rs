//! `pulselog sign`: the signed envelope of a statement written by hand.

mod withdrawal;

use std::path::PathBuf;

use pulselog::artifact::json::{self, DEPTH_MAX};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, complete, example, faults, marked, seal};
use pulselog::verify::plain_text::escape;

use crate::cli::bounds::Bounds;
use crate::cli::failure::{Exit, Failure};
use crate::cli::tell;
use crate::cli::{input, print};

const AFTER: &str = "\
--example prints a payload of the kind to begin with: replace every value that
begins with REPLACE, keep or change the rest. `<kind>_version`, `nonce` and what
follows from other members are filled in when the payload of one of our kinds
lacks them. What a log would refuse is refused here, every wrong or missing field
at once, before anything is signed for others to see. The envelope goes to
standard output in compact form. docs/CONNECT.md shows it for each party.

Roots that distrust somebody do so for good. With --log the jobs that this hits are
shown; it is asked for twice, or taken as said with --yes.

Exit codes: 0 signed, 1 refused, 2 wrong usage.

Examples:
  pulselog sign --kind approval --example > approval.json
  pulselog sign --kind audit_roots --key operator.pem roots.json > roots.signed.json
  pulselog sign --kind approval --key approver.pem - < approval.json
  pulselog submit --url http://127.0.0.1:8080 --token-file token.txt roots.signed.json";

/// Sign a statement as operator, approver, issuer, wrapper, recorder …
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Kind of the statement, e.g. approval, cst_revocation, change_record.
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// File of the signer's key (PKCS#8 PEM, mode 0600), as keygen --did writes it.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    key: Option<PathBuf>,
    /// Print an example of the kind's payload and sign nothing.
    #[arg(long, conflicts_with_all = ["key", "payload", "log"])]
    example: bool,
    /// For audit_roots: the log whose jobs distrust may hit, as audit --log takes it.
    #[arg(long, value_name = "DIR|URL", requires = "policy")]
    log: Option<String>,
    /// Whose checkpoints of --log to believe: C2SP tlog-policy text.
    #[arg(long, value_name = "trust.policy", requires = "log")]
    policy: Option<PathBuf>,
    /// Withdraw trust without being asked.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    bounds: Bounds,
    /// File of the payload as JSON; - reads standard input.
    #[arg(value_name = "PAYLOAD", required_unless_present = "example")]
    payload: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.bounds.watch(false);
    let kind = Kind::parse(&args.kind).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.into_iter().map(Kind::name).collect();
        Failure::usage(format!("--kind {}: is no kind; choose one of {}", args.kind, names.join(", ")))
    })?;
    let (Some(key), Some(path)) = (&args.key, &args.payload) else {
        print(example(kind))?;
        return Ok(Exit::Pass);
    };
    let limits = Limits::default();
    let key = input::read_key("--key", key)?;
    let bytes = input::read("payload", path, limits.artifact_bytes_max as u64)?;
    let payload = json::parse(&bytes, DEPTH_MAX)
        .map_err(|error| Failure::fail(format!("payload {}: {error} [{}]", path.display(), error.code())))?;
    let unfilled = marked(&payload).into_iter().map(|place| format!("{place}: is still to be replaced"));
    all_at_once(unfilled.collect())?;
    let payload = complete(kind, payload, input::random()?);
    all_at_once(faults(kind, &payload).iter().map(|error| format!("{error} [{}]", error.code())).collect())?;
    let envelope = seal(kind, payload, &key, &input::now())
        .map_err(|error| Failure::fail(format!("{error} [{}]; correct the payload", error.code())))?;
    // Signing is easily done and never undone: what no log would take is not handed out.
    let admitted = admit(envelope.as_bytes(), &Grant::all(), &limits, &KeyCache::new())
        .map_err(|error| Failure::fail(format!("{error} [{}]; correct the payload", error.code())))?;
    if kind == Kind::AuditRoots {
        withdrawal::confirm(args, &admitted.artifact)?;
    }
    print(&format!("{envelope}\n"))?;
    Ok(Exit::Pass)
}

/// Whoever writes a payload by hand mends all of it in one go: one fault is one
/// line, several are a line each and their number.
fn all_at_once(faults: Vec<String>) -> Result<(), Failure> {
    match faults.as_slice() {
        [] => Ok(()),
        [fault] => Err(Failure::fail(format!("{fault}; correct the payload"))),
        faults => {
            faults.iter().for_each(|fault| tell(&format!("  {}", escape(fault))));
            Err(Failure::fail(format!("{} fields to correct in the payload", faults.len())))
        }
    }
}
