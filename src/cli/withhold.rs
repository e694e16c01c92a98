//! `pulselog withhold`: the log shows a body no more, and erases it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Object, Value};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, complete, seal};
use pulselog::codes::service::WITHHELD_ALREADY;
use pulselog::server::config::{Place, RawConfig};
use pulselog::server::erase::erase;
use pulselog::server::faults::NoFaults;
use pulselog::server::log::clock::SystemClock;
use pulselog::server::opening;
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{Client, read_token};
use crate::cli::submit::belief::Belief;
use crate::cli::{input, print, print_json, serve, tell};

const AFTER: &str = "\
The operator's word that a body is not shown any more, logged like any other
statement. From the commit that logs it the log shows the body at no size, nor the
same statement in another envelope, nor a bundle that holds it; proofs hold, and the
page says who withholds it and why. It is for good: a model call or a report of Argo
CD that is withheld leaves every verdict of the log open. docs/OPERATE.md says more.

--erase deletes what is withheld already from the store in DIR, and compacts it: the
log must be stopped. Done again it deletes nothing more. What lies in backups and in
packets that were handed out stays there.

Exit codes: 0 withheld or erased, now or before, 1 refused, 2 wrong usage, 3 the log was
not reached.

Examples:
  pulselog withhold 6b2c… --reason 'erasure request 17' --by 'data protection office' \\
      --key mylog/operator.pem --url http://127.0.0.1:8080 --token-file mylog/operator.token
  pulselog withhold 6b2c… --erase mylog";

/// Show an artifact's body no more, as the operator; or erase it.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Digest of the artifact, as its entry's page gives it.
    #[arg(value_name = "DIGEST")]
    digest: String,
    /// Why; the page shows it for good.
    #[arg(long, value_name = "TEXT", required_unless_present = "erase")]
    reason: Option<String>,
    /// Whose decision it was; the page shows it for good.
    #[arg(long, value_name = "WHO", default_value = "operator")]
    by: String,
    /// File of the operator's key (PKCS#8 PEM, mode 0600).
    #[arg(long, value_name = "FILE", required_unless_present = "erase")]
    key: Option<PathBuf>,
    /// Address of the log.
    #[arg(long, value_name = "URL", required_unless_present = "erase")]
    url: Option<String>,
    /// File that holds a submitter's token.
    #[arg(long, value_name = "FILE", required_unless_present = "erase")]
    token_file: Option<PathBuf>,
    /// Whose checkpoints to believe (C2SP tlog-policy text): the answer's proof is
    /// verified under it [default: trust.policy beside the token file].
    #[arg(long, value_name = "trust.policy")]
    policy: Option<PathBuf>,
    /// Send the token over plain HTTP to another machine.
    #[arg(long)]
    allow_http: bool,
    /// Delete what is withheld from the store of the stopped log in DIR, and compact it.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["reason", "key", "url", "token_file", "policy"])]
    erase: Option<PathBuf>,
    /// Facts for machines.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let digest = ArtifactDigest::from_hex(&args.digest)
        .map_err(|error| Failure::usage(format!("DIGEST: {error}; copy it from the page of the entry")))?;
    match (&args.erase, &args.reason, &args.key, &args.url, &args.token_file) {
        (Some(dir), ..) => erased(args, dir, &digest),
        (None, Some(reason), Some(key), Some(url), Some(token)) => {
            let text = statement(args, &digest, reason, key)?;
            let client = Client::new(url, Some(read_token(token)?), args.allow_http)?;
            logged(args, &client, token, text.as_bytes())
        }
        _ => Err(Failure::usage("give --reason, --key, --url and --token-file; or --erase DIR")),
    }
}

/// The signed statement, as a log would admit it.
fn statement(args: &Args, digest: &ArtifactDigest, reason: &str, key: &Path) -> Result<String, Failure> {
    for (flag, text) in [("--reason", reason), ("--by", &args.by)] {
        if text.trim().is_empty() {
            return Err(Failure::usage(format!("{flag}: is empty; the page of the entry shows it")));
        }
    }
    let key = input::read_key("--key", key)?;
    let mut payload = Object::new();
    for (name, text) in
        [("artifact_digest", digest.to_string()), ("reason", reason.to_owned()), ("by", args.by.clone())]
    {
        payload.set(name, Value::from(text));
    }
    let payload = complete(Kind::Withholding, Value::Object(payload), input::random()?);
    let refused = |why: String| Failure::fail(format!("{why}; correct --reason or --by"));
    let envelope = seal(Kind::Withholding, payload, &key, &input::now())
        .map_err(|error| refused(format!("{error} [{}]", error.code())))?;
    admit(envelope.as_bytes(), &Grant::all(), &Limits::default(), &KeyCache::new())
        .map_err(|error| refused(format!("{error} [{}]", error.code())))?;
    Ok(envelope)
}

fn logged(args: &Args, client: &Client, token: &Path, sent: &[u8]) -> Result<Exit, Failure> {
    let beside = Some(token.with_file_name("trust.policy")).filter(|path| path.is_file());
    let belief = Belief::under(args.policy.clone().or(beside).as_deref())?;
    belief.meet(client)?;
    let answer = client.post("v1/entries", "application/json", sent, &|text| tell(&escape(text)))?;
    if answer.code().as_deref() == Some(WITHHELD_ALREADY.name) {
        return told(args, &serde_json::json!({ "withheld": true, "before": true }), &answer.problem());
    }
    if !answer.is_ok() {
        return Err(answer.refusal(&client.url("v1/entries"), ""));
    }
    let said: serde_json::Value = serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::incomplete(format!("{}: no log answers so", client.url("v1/entries"))))?;
    if let Err(error) = belief.holds(client, sent, &said)? {
        return Err(Failure::fail(format!("the answer is not true: {error} [{}]", error.code())));
    }
    let index = said["index"].as_u64().unwrap_or_default();
    let counts = client.get(&format!("v1/artifacts/{}", args.digest), "application/json")?;
    if counts.is_ok() {
        return Err(Failure::fail(format!(
            "entry {index} is logged and withholds nothing: --key is not the key of this log's operator"
        )));
    }
    let proven = if belief.verifies_proofs() {
        "; its proof was verified"
    } else {
        "; its proof was not read (--policy says whose checkpoints to believe)"
    };
    let text = format!("withheld by entry {index}{proven}");
    told(args, &serde_json::json!({ "withheld": true, "before": false, "index": index }), &text)
}

fn erased(args: &Args, dir: &Path, digest: &ArtifactDigest) -> Result<Exit, Failure> {
    let place = Place { dir: Some(dir.to_owned()), ..Place::default() };
    let config = serve::load(RawConfig { ..place.into() })?;
    if !pulselog::server::log::recovery::is_log(&config.data) {
        return Err(Failure::usage(format!("--erase {}: holds no log", dir.display())));
    }
    let opening = opening(config, Arc::new(SystemClock::default()), Arc::new(NoFaults));
    let erased = erase(opening, digest).map_err(|error| Failure::fail(format!("{error} [{}]", error.code())))?;
    let text = match (erased.now.len(), erased.before.len()) {
        (0, _) => format!("nothing was left to erase; entry {} withholds it", erased.by),
        (now, before) => {
            let before = if before == 0 { String::new() } else { format!(", {before} erased before") };
            format!("{now} erased{before}; entry {} withholds them. Backups and packets keep theirs", erased.by)
        }
    };
    let places = |at: &[pulselog::merkle::LeafIndex]| at.iter().map(|at| at.get()).collect::<Vec<_>>();
    let facts = serde_json::json!({
        "withheld_by": erased.by.get(), "erased": places(&erased.now), "erased_before": places(&erased.before),
    });
    told(args, &facts, &text)
}

fn told(args: &Args, facts: &serde_json::Value, text: &str) -> Result<Exit, Failure> {
    if args.json {
        print_json(facts)?;
    } else {
        print(&format!("{}\n", escape(text)))?;
    }
    Ok(Exit::Pass)
}
