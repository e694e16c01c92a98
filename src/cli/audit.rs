//! `pulselog audit`: reads a whole log, recomputes every rule, and says what
//! holds of the log, a job, a run, a token, an agent or an application.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use pulselog::artifact::Did;
use pulselog::artifact::{Kind, complete, seal};
use pulselog::audit::{Finding, Report, Scope, Verdict, attest, audit_at, audit_job};
use pulselog::explain::nearest_of;
use pulselog::merkle::TreeSize;
use pulselog::verify::plain_text::escape;
use pulselog::verify::report::{Check, Outcome};
use pulselog::verify::verification::audit_text;
use pulselog::verify::whole_log::WholeLog;

use crate::cli::bounds::Bounds;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{now, random, read_key};
use crate::cli::log_source::LogSource;
use crate::cli::verify::{at_least, operator, policy, trust};
use crate::cli::{print, print_json, tell};

const AFTER: &str = "\
Every entry and every body is read, so what is not in the log is known not to be
there: absence is recomputed. Whoever reads the same log at the same size under the
same rules gets the same findings, byte for byte.

With --attest the operator says so for one job: an audit_statement that lists every
entry of the job, so that a packet of these entries can be verified alone.

Examples:
  pulselog audit --log https://log.example.com --policy trust.policy --operator did:key:z6Mk…
  pulselog audit --log /mirror --policy trust.policy --operator did:key:z6Mk… --job job-7 --json
  pulselog audit --log http://127.0.0.1:8080 --policy trust.policy --job job-7 \\
      --attest --key operator.pem --token-file operator.token

Exit codes: 0 pass, 1 fail, 2 wrong usage or a file that is not there, 3 incomplete, or the
log was not reached.";

const USAGE: &str = "\
pulselog audit --log <DIR|URL> --policy <trust.policy> --operator <DID> [OPTIONS]
       pulselog audit --log <DIR|URL> --policy <trust.policy> --attest --job <JOB> --key <operator.pem> [OPTIONS]";

/// Audit a log, or one job, run, token, agent or application in it.
#[derive(clap::Args)]
#[command(after_help = AFTER, override_usage = USAGE)]
#[command(group(clap::ArgGroup::new("scope").args(["job", "run", "token", "app"])))]
pub struct Args {
    /// The whole log: a directory laid out as tlog-tiles with artifacts/<hex>, or an address.
    #[arg(long, value_name = "DIR|URL")]
    log: String,
    /// Whose checkpoints to believe: C2SP tlog-policy text.
    #[arg(long, value_name = "trust.policy")]
    policy: PathBuf,
    /// The operator whose roots count: take it from a source you trust.
    #[arg(long, value_name = "DID", required_unless_present = "attest")]
    operator: Option<String>,
    /// One job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// One run; with --agent.
    #[arg(long, value_name = "RUN", requires = "agent")]
    run: Option<String>,
    /// One agent, or the agent of --run.
    #[arg(long, value_name = "DID", conflicts_with_all = ["job", "token", "app"])]
    agent: Option<String>,
    /// One token, by the hex SHA-256 of its compact form.
    #[arg(long, value_name = "HASH")]
    token: Option<String>,
    /// One application: instance/namespace/name.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// As the log was when it had this size.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    at: Option<TreeSize>,
    /// What you know the log to have had, a size or a checkpoint that you kept: a verdict about
    /// fewer entries is incomplete, and a log that does not extend the checkpoint fails.
    #[arg(long, value_name = "SIZE|CHECKPOINT", conflicts_with = "attest")]
    at_least: Option<String>,
    /// Make the operator's statement about --job, and submit it when --token-file is given.
    #[arg(long, requires = "job", requires = "key", conflicts_with = "at")]
    attest: bool,
    /// The operator's key, for --attest.
    #[arg(long, value_name = "operator.pem", requires = "attest")]
    key: Option<PathBuf>,
    /// Token to submit the statement with, to the log at --log.
    #[arg(long, value_name = "F", requires = "attest")]
    token_file: Option<PathBuf>,
    /// Show each finding; without it those that name nobody but a submitter
    /// are told once a submitter and code.
    #[arg(long, conflicts_with = "json")]
    all: bool,
    /// Write the report as JSON, whole.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

fn size(text: &str) -> Result<TreeSize, String> {
    TreeSize::parse(text).map_err(|error| error.to_string())
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.bounds.watch(true);
    let scope = scope(args)?;
    let policy = policy(&args.policy)?;
    let known = args.at_least.as_deref().map(|known| at_least(known, Some(&policy))).transpose()?;
    let policy = trust(Some(&policy))?;
    let key = args.key.as_ref().map(|path| read_key("--key", path)).transpose()?;
    let pinned = match (&args.operator, &key) {
        (Some(text), _) => operator(text)?,
        (None, Some(key)) => Did::of(&key.verifying_key()),
        (None, None) => return Err(Failure::usage("--operator: is required")),
    };
    if key.as_ref().is_some_and(|key| Did::of(&key.verifying_key()) != pinned) {
        return Err(Failure::usage("--key: is not the key of --operator"));
    }
    // Goes with the process: to free it text by text takes longer than to end.
    let mut log = ManuallyDrop::new(LogSource::parse(&args.log, args.bounds)?.read(&policy)?);
    let size = args.at.unwrap_or(log.head().size);
    if size > log.head().size {
        let held = log.head().size;
        return Err(Failure::usage(format!("--at: the log has {held} entries, so there is no tree of {size}")));
    }
    if let (true, Some(key), Some(job)) = (args.attest, &key, &args.job) {
        return statement(args, &mut log, key, &pinned, job);
    }
    let whole = audit_at(log.timeline(), size, Some(&pinned));
    let mut report = whole.of(&scope).under(log.head().size);
    let checks = known.map(|known| known.checks(&log, size)).unwrap_or_default();
    let worst = checks.iter().find(|check| check.outcome == Outcome::Fail);
    let worst = worst.or_else(|| checks.iter().find(|check| check.outcome == Outcome::Incomplete));
    match (worst.map(|check| check.outcome), report.verdict) {
        (Some(Outcome::Fail), _) => report.verdict = Verdict::Fail,
        (Some(_), Verdict::Pass) => report.verdict = Verdict::Incomplete,
        _ => {}
    }
    let exit = show(args, &report, &checks)?;
    if report.verdict == Verdict::NotApplicable && !args.json {
        tell(&format!("pulselog: {}", not_there(&whole, &scope)));
    }
    let Some(worst) = worst else { return Ok(exit) };
    let why = format!("--at-least: {} [{}]", worst.detail, worst.code);
    match worst.outcome {
        Outcome::Fail => Err(Failure::fail(why)),
        _ if exit == Exit::Fail => Ok(exit),
        _ => Err(Failure::incomplete(why)),
    }
}

fn scope(args: &Args) -> Result<Scope, Failure> {
    Ok(match (&args.job, &args.run, &args.agent, &args.token, &args.app) {
        (Some(job), ..) => Scope::Job(job.clone()),
        (_, Some(run), Some(agent), ..) => Scope::Run { agent: agent.clone(), run: run.clone() },
        (_, _, Some(agent), ..) => Scope::Agent(agent.clone()),
        (_, _, _, Some(token), _) => Scope::Token(token_hash(token)?),
        (.., Some(app)) => Scope::App(application(app)?),
        _ => Scope::Log,
    })
}

/// An application as the audit names it.
pub(super) fn application(text: &str) -> Result<String, Failure> {
    let parts: Vec<_> = text.split('/').collect();
    if parts.len() != 3 || parts.contains(&"") {
        return Err(Failure::usage("--app: must be instance/namespace/name, as findings and pages spell it"));
    }
    Ok(text.to_owned())
}

/// The hash that a token is known by. What else was typed may be the token
/// itself, and is not repeated.
pub(super) fn token_hash(text: &str) -> Result<String, Failure> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(
            "--token: must be 64 hex digits, the SHA-256 of the compact token; printf %s \"$(cat FILE)\" | sha256sum \
             makes it",
        ));
    }
    Ok(text.to_ascii_lowercase())
}

fn show(args: &Args, report: &Report, checks: &[Check]) -> Result<Exit, Failure> {
    if args.json {
        print_json(report)?;
    } else {
        print(&audit_text(report, args.all, checks))?;
    }
    Ok(match report.verdict {
        Verdict::Pass => Exit::Pass,
        Verdict::Fail => Exit::Fail,
        Verdict::Incomplete | Verdict::NotApplicable => Exit::Incomplete,
    })
}

/// What to do where nobody speaks of what was asked for.
fn not_there(whole: &Report, scope: &Scope) -> String {
    let apps: BTreeSet<&str> = whole.matched.iter().filter_map(|call| call.subject.app.as_deref()).collect();
    let (flag, name, known): (_, _, Vec<&str>) = match scope {
        Scope::Job(job) => ("--job", job, whole.jobs.keys().map(String::as_str).collect()),
        Scope::App(app) => ("--app", app, apps.into_iter().collect()),
        Scope::Run { run, .. } => ("--run", run, whole.runs.iter().map(|judged| judged.run.run.as_str()).collect()),
        Scope::Token(hash) => ("--token", hash, Vec::new()),
        Scope::Agent(agent) => ("--agent", agent, Vec::new()),
        Scope::Log => {
            return "the log holds nothing that counts: are --operator and the log those of each other?".to_owned();
        }
    };
    let near = nearest_of(name, known.iter().copied());
    let hint = match near.as_slice() {
        [] if known.is_empty() => "pulselog audit without it tells of everything that the log holds".to_owned(),
        [] => format!("pulselog audit without {flag} names every one that there is"),
        near => format!("did you mean {}?", near.iter().map(|name| escape(name)).collect::<Vec<_>>().join(", ")),
    };
    format!(
        "{flag} {}: nobody whose word counts under this operator speaks of it; is it spelled as the log has it? {hint}",
        escape(name)
    )
}

/// Makes the operator's statement about a job, as of the whole log.
fn statement(
    args: &Args,
    log: &mut WholeLog,
    key: &ed25519_dalek::SigningKey,
    pinned: &Did,
    job: &str,
) -> Result<Exit, Failure> {
    let size = log.head().size;
    log.know(size).map_err(|error| Failure::fail(format!("--attest: {error} [{}]", error.code())))?;
    let none = || Failure::fail("--attest: the log holds no roots of this operator, so there is nothing to attest");
    // A name that nobody speaks of is a slip, and a statement stands for good.
    let report = audit_job(log.timeline(), size, job, pinned).map(|report| report.of(&Scope::Job(job.to_owned())));
    let report = report.filter(|_| log.timeline().roots_of(pinned).is_some()).ok_or_else(none)?;
    if report.verdict == Verdict::NotApplicable {
        let why = "nothing in the log is of this job, so nothing was signed; is it spelled as the log has it?";
        return Err(Failure::incomplete(format!("--job {}: {why}", escape(job))));
    }
    // Who lacks a body may list too little, and be called false by whoever has it.
    let lacks = |finding: &&Finding| !finding.not_here.is_empty();
    if let Some(lacking) = report.findings.iter().find(lacks) {
        let why = "so nothing was signed; bring what is missing, or attest from a copy that has it";
        return Err(Failure::incomplete(format!("--attest: {}: {why} [{}]", lacking.detail, lacking.rule.code)));
    }
    let payload = attest(log.timeline(), size, job, pinned).ok_or_else(none)?;
    let payload = complete(Kind::AuditStatement, payload, random()?);
    let sealed = seal(Kind::AuditStatement, payload, key, &now())
        .map_err(|error| Failure::fail(format!("--attest: {error}")))?;
    match &args.token_file {
        None => print(&format!("{sealed}\n"))?,
        Some(path) => submit(args, path, &sealed, size, &report)?,
    }
    Ok(Exit::Pass)
}

#[cfg(not(feature = "server"))]
fn submit(_: &Args, _: &std::path::Path, _: &str, _: TreeSize, _: &Report) -> Result<(), Failure> {
    Err(Failure::usage("--token-file: this build has no network; leave the flag out and submit what is printed"))
}

#[cfg(feature = "server")]
fn submit(args: &Args, token: &std::path::Path, sealed: &str, size: TreeSize, report: &Report) -> Result<(), Failure> {
    let token = crate::cli::http::read_token(token)?;
    let client = crate::cli::http::Client::new(&args.log, Some(token), false)?;
    let client = client.at_rate(args.bounds.least_rate());
    let tell = |text: &str| crate::cli::tell(&pulselog::verify::plain_text::escape(text));
    let answer = client.post("v1/entries", "application/json", sealed.as_bytes(), &tell)?;
    if !answer.is_ok() {
        return Err(answer.refusal("--attest", ""));
    }
    let said: serde_json::Value = serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::fail(format!("--attest: the log's answer is no JSON: {error}")))?;
    if args.json {
        return print_json(&said);
    }
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.rule.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let codes: String = codes.into_iter().map(|code| format!(" {code}")).collect();
    let (what, verdict) = (escape(&report.scope.to_string()), report.verdict.name());
    print(&format!("{what} attested at size {size}, entry {}: audit {verdict}{codes}\n", said["index"]))
}
