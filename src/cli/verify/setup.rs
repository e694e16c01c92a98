//! What both verdicts are judged with: flags in, a judge out; and the run over
//! many documents.

use std::path::{Path, PathBuf};

use pulselog::artifact::Did;
use pulselog::artifact::json::{self, DEPTH_MAX, JsonError, Value};
use pulselog::artifact::time::unix_ms;
use pulselog::merkle::TreeSize;
use pulselog::protocol::{self, Document};
use pulselog::trust::{TrustError, TrustPolicy};
use pulselog::verify::judge::{Evidence, Judge, Known};
use pulselog::verify::scoped_token::{KeySet, ScopedToken, TOKEN_BYTES_MAX};
use pulselog::verify::verification::Verification;

use crate::cli::bounds::Bounds;
use crate::cli::documents::Source;
use crate::cli::evidence;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{SMALL_BYTES_MAX, read};
use crate::cli::log_source::LogSource;
use crate::cli::many as driver;
use crate::cli::mistaken::Looks;
use crate::cli::verify::rows::Rows;

/// Flags about protocol, evidence and token.
#[derive(clap::Args)]
pub struct JudgingArgs {
    /// The operator whose roots count: take it from a source you trust.
    #[arg(long, value_name = "DID")]
    operator: Option<String>,
    /// The peer's config file: listed gateways and attesters. Without it the pinned roots list them.
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// The run manifest that the bundle refers to.
    #[arg(long, value_name = "F")]
    urm: Option<PathBuf>,
    /// Judge expiry at this time instead of now: 2026-11-22T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Only the protocol verdict.
    #[arg(long, conflicts_with_all = ["evidence", "log"])]
    pub protocol_only: bool,
    /// Artifacts with their .tlog-proofs and consistency files, or a packet's directory.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "policy", conflicts_with = "log")]
    evidence: Vec<PathBuf>,
    /// The whole log, a directory or an address: recomputes what is not in it.
    #[arg(long, value_name = "DIR|URL", requires = "policy")]
    pub log: Option<String>,
    /// The compact scoped token of the run; - reads standard input. It is checked, never shown or kept.
    #[arg(long, value_name = "F")]
    cst: Option<PathBuf>,
    /// The issuer's public keys, to check that token with.
    #[arg(long, value_name = "F", requires = "cst")]
    jwks: Option<PathBuf>,
    /// What you know the log to have had, a size or a checkpoint that you kept: a verdict about
    /// fewer entries is incomplete, and evidence that does not extend the checkpoint fails.
    #[arg(long, value_name = "SIZE|CHECKPOINT", requires = "policy", conflicts_with = "protocol_only")]
    at_least: Option<String>,
    /// Fail unless the run belongs to this job.
    #[arg(long, value_name = "JOB")]
    expect_job: Option<String>,
    #[command(flatten)]
    pub bounds: Bounds,
}

impl JudgingArgs {
    /// Reads everything that does not depend on the document. `proof`: the
    /// document's own, which joins the evidence; `packet`: the directory that is
    /// judged as one.
    pub fn judge(
        &self,
        policy: Option<&[u8]>,
        proof: Option<&[u8]>,
        packet: Option<&PathBuf>,
    ) -> Result<Judge, Failure> {
        self.bounds.watch(self.log.is_some());
        let mut judge = Judge::new(self.options()?);
        judge.has_config = self.config.is_some();
        judge.protocol_only = self.protocol_only;
        judge.operator = self.operator.as_deref().map(operator).transpose()?;
        judge.expect_job = self.expect_job.clone();
        judge.known = self.at_least.as_deref().map(|known| at_least(known, policy)).transpose()?;
        judge.token_keys = self
            .jwks
            .as_ref()
            .map(|path| {
                let bytes = read("--jwks", path, SMALL_BYTES_MAX)?;
                KeySet::parse(&bytes).map_err(|error| Failure::fail(format!("--jwks: {error} [{}]", error.code())))
            })
            .transpose()?;
        judge.token = self.cst.as_deref().map(token).transpose()?;
        // A packet is its own evidence, beside what else is given.
        let named: Vec<_> = packet.into_iter().chain(&self.evidence).cloned().collect();
        if !named.is_empty() && !self.protocol_only {
            judge.evidence =
                Evidence::Packet(Box::new(evidence::packet(&named, &trust(policy)?, self.bounds.budget(), proof)?));
        } else if let Some(log) = &self.log {
            judge = judge.with_log(LogSource::parse(log, self.bounds)?.read(&trust(policy)?)?);
        }
        Ok(judge)
    }

    fn options(&self) -> Result<protocol::Options, Failure> {
        let now = jiff::Timestamp::now().as_millisecond();
        let wrong = || Failure::usage("--at: must be a time such as 2026-11-22T12:00:00Z");
        let at = self.at.as_deref().map(|at| unix_ms(at).ok_or_else(wrong)).transpose()?.unwrap_or(now);
        let document = |flag: &'static str, path: &PathBuf| {
            let bytes = read(flag, path, SMALL_BYTES_MAX)?;
            json::parse(&bytes, DEPTH_MAX)
                .map(Value::into_owned)
                .map_err(|error| Failure::fail(format!("{flag} {}: {error} [{}]", path.display(), error.code())))
        };
        let mut options = match &self.config {
            Some(path) => protocol::Options::from_config(&document("--config", path)?, at).map_err(|error| {
                let (path, code) = (path.display(), error.code());
                let form = "pulselog verify --help shows the form of the peer's config file";
                Failure::usage(format!("--config {path}: {error}; {form} [{code}]"))
            })?,
            None => protocol::Options::at(at),
        };
        options.urm = self.urm.as_ref().map(|path| document("--urm", path)).transpose()?;
        Ok(options)
    }
}

/// A size, or a checkpoint which the trust policy believes.
pub fn at_least(known: &str, policy: Option<&[u8]>) -> Result<Known, Failure> {
    if let Ok(size) = TreeSize::parse(known) {
        return Ok(Known::Size(size));
    }
    let checkpoint = read("--at-least", Path::new(known), SMALL_BYTES_MAX)?;
    let opened = trust(policy)?.open(&checkpoint);
    opened
        .map(|checkpoint| Known::Checkpoint(Box::new(checkpoint)))
        .map_err(|error| disbelieved(&format!("--at-least {known}"), &error))
}

/// A checkpoint that the policy does not believe. One of another log says
/// nothing against anybody: the two do not belong together.
pub fn disbelieved(what: &str, error: &TrustError) -> Failure {
    let why = format!("{what}: {error} [{}]", error.code());
    if error.is_of_another_log() { Failure::incomplete(why) } else { Failure::fail(why) }
}

/// A pinned operator.
pub fn operator(text: &str) -> Result<Did, Failure> {
    let named = |error| match Path::new(text).is_file() {
        true => Failure::usage(format!("--operator: {error}; its file is given as --operator \"$(cat {text})\"")),
        false => Failure::usage(format!("--operator: {error}")),
    };
    Did::parse(text).map_err(named)
}

/// The file of a trust policy.
pub fn policy(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read("--policy", path, SMALL_BYTES_MAX)?;
    is_policy(path, &bytes)?;
    Ok(bytes)
}

/// Another kind of file was named by a slip, and says nothing against any log.
pub fn is_policy(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    match Looks::of(bytes) {
        Looks::Policy => Ok(()),
        other => Err(Failure::usage(format!(
            "--policy {}: {}, no trust policy; give the trust.policy that the log's operator publishes",
            path.display(),
            other.words()
        ))),
    }
}

/// A trust policy from its bytes.
pub fn trust(policy: Option<&[u8]>) -> Result<TrustPolicy, Failure> {
    let bytes = policy.ok_or_else(|| Failure::usage("--policy: is required where something is proven to be logged"))?;
    TrustPolicy::of_reader(bytes).map_err(|error| Failure::fail(format!("--policy: {error} [{}]", error.code())))
}

fn token(path: &Path) -> Result<ScopedToken, Failure> {
    let bytes = zeroize::Zeroizing::new(read("--cst", path, TOKEN_BYTES_MAX as u64)?);
    ScopedToken::parse(&bytes).map_err(|error| {
        let why = format!("--cst {}: {error} [{}]", path.display(), error.code());
        // A file of many words is no token at all: it was named by a slip.
        let words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
        if words > 1 { Failure::usage(why) } else { Failure::fail(why) }
    })
}

/// Whether the arguments name more than one document.
pub fn are_many(documents: &[PathBuf]) -> bool {
    let lines = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "ndjson" || ending == "jsonl");
    documents.len() > 1 || documents.iter().any(|path| path.is_dir() || lines(path))
}

/// What is said of one of many.
pub enum Said {
    Judged(Box<Verification>),
    /// It is evidence for others, and spoken of there.
    Evidence,
    /// The verdict on a job that a packet is of.
    Job(String, Box<Verification>),
    /// A bundle of another job than the packet's: proven, evidence, not judged.
    Beside(Box<Verification>),
    /// Nothing can be judged; whether that says anything against it.
    Unjudged {
        is_incomplete: bool,
        why: String,
    },
}

/// Judges all of them on all cores: a line each, then a summary.
pub fn many(
    documents: &[PathBuf],
    work: impl Fn(&Source, &[u8]) -> Said + Sync,
    as_json: bool,
) -> Result<Exit, Failure> {
    let mut rows = Rows::new(as_json);
    rows.judge(documents, work)?;
    if rows.counts.is_nothing_judged() {
        return Err(Failure::usage("documents: none was found, so nothing was verified"));
    }
    rows.finish()
}

/// Documents that are of no packet.
pub fn documents(judge: &Judge, bounds: Bounds) -> impl Fn(&Source, &[u8]) -> Said + Sync {
    let room = bounds.budget().room_of_each(driver::workers());
    move |source, bytes| match judged(judge, bytes, room) {
        Ok(verification) => Said::Judged(Box::new(verification)),
        Err(Said::Unjudged { is_incomplete, why }) => {
            Said::Unjudged { is_incomplete: is_incomplete || source.may_be_none(), why }
        }
        Err(other) => other,
    }
}

fn judged(judge: &Judge, bytes: &[u8], room: usize) -> Result<Verification, Said> {
    let value = json::parse_within(bytes, DEPTH_MAX, room).map_err(|error| unread(&error))?;
    // Merely another file than one with a verdict: that is no fault of it.
    let none = || "is no bundle, export, aggregate or commit signature".to_owned();
    let document = Document::of(&value).ok_or_else(|| Said::Unjudged { is_incomplete: true, why: none() })?;
    Ok(judge.judge(&document))
}

/// A document that is no JSON; or whose values are too many for this run, which
/// says nothing against it.
pub fn unread(error: &JsonError) -> Said {
    let is_incomplete = matches!(error, JsonError::OverRoom { .. });
    Said::Unjudged { is_incomplete, why: format!("{error} [{}]", error.code()) }
}

pub fn worse(one: Exit, code: u8) -> Exit {
    match (one, code) {
        (Exit::Fail, _) | (_, 1) => Exit::Fail,
        (Exit::Incomplete, _) | (_, 3) => Exit::Incomplete,
        _ => Exit::Pass,
    }
}
