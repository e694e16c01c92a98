//! `pulselog sign`: the signed envelope of a statement written by hand.

mod withdrawal;

use std::path::PathBuf;

use pulselog::artifact::json::{self, DEPTH_MAX};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, complete, seal};

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, print};

const AFTER: &str = "\
`<kind>_version` and `nonce` are filled in when the payload of one of our kinds
lacks them. What a log would refuse is refused here, before anything is signed
for others to see. The envelope goes to standard output in compact form.

Roots that distrust somebody do so for good. With --log the jobs that this hits are
shown; it is asked for twice, or taken as said with --yes.

Examples:
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
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// For audit_roots: the log whose jobs distrust may hit, as audit --log takes it.
    #[arg(long, value_name = "DIR|URL", requires = "policy")]
    log: Option<String>,
    /// Whose checkpoints of --log to believe: C2SP tlog-policy text.
    #[arg(long, value_name = "trust.policy", requires = "log")]
    policy: Option<PathBuf>,
    /// Withdraw trust without being asked.
    #[arg(long)]
    yes: bool,
    /// File of the payload as JSON; - reads standard input.
    #[arg(value_name = "PAYLOAD")]
    payload: PathBuf,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let kind = Kind::parse(&args.kind).ok_or_else(|| {
        let names: Vec<_> = Kind::all().map(Kind::name).collect();
        Failure::usage(format!("--kind {}: is no kind; choose one of {}", args.kind, names.join(", ")))
    })?;
    let limits = Limits::default();
    let key = input::read_key("--key", &args.key)?;
    let bytes = input::read("payload", &args.payload, limits.artifact_bytes_max as u64)?;
    let payload = json::parse(&bytes, DEPTH_MAX)
        .map_err(|error| Failure::fail(format!("payload {}: {error} [{}]", args.payload.display(), error.code())))?;
    let payload = complete(kind, payload, input::random()?);
    let envelope = seal(kind, payload, &key, &input::now())
        .map_err(|error| Failure::fail(format!("{error} [{}]; correct the payload", error.code())))?;
    // Signing is easily done and never undone: what no log would take is not handed out.
    let admitted = admit(envelope.as_bytes(), &Grant::all(), &limits, &KeyCache::new())
        .map_err(|error| Failure::fail(format!("{error} [{}]; correct the payload", error.code())))?;
    if kind.name() == "audit_roots" {
        withdrawal::confirm(args, &admitted.artifact)?;
    }
    print(&format!("{envelope}\n"))?;
    Ok(Exit::Pass)
}
