//! `pulselog fsck`: recompute a log from its entries up.

use std::path::PathBuf;

use pulselog::codes::verdict::RATE_TOO_LOW;
use pulselog::note::VerifierKey;
use pulselog::server::config::{self, Place};
use pulselog::server::fsck::remote::{Fetched, Limits, Unfetched};
use pulselog::server::fsck::{FsckError, Report, check, remote};
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::plain_text::escape;

use crate::cli::bounds::{Bounds, too_slow};
use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{CLOSED, Client, Unread};
use crate::cli::progress::Bar;
use crate::cli::serve::{refused, variables};
use crate::cli::{print, print_json};

const AFTER: &str = "\
Recomputes every leaf, tile, root, identity and body digest, and authenticates
every artifact again. With --data the log must be stopped; with --url it reads
what anyone can read, and believes nothing but the verifier key.

Examples:
  pulselog fsck --data DIR
  pulselog fsck --url https://log.example.com --vkey 'log.example.com/argocd+530d903a+AekyeRrm…'

Exit codes: 0 clean, 1 something is wrong, 2 wrong usage or no log there, 3 the log was not
reached, or a bound was.";

/// Check a log: everything that can be recomputed is.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
#[command(group(clap::ArgGroup::new("log").required(true).args(["data", "url"])))]
pub struct Args {
    /// Data directory of a stopped log.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Its head guard [default: what DIR/pulselog.toml says, or DIR.guard].
    #[arg(long, value_name = "FILE", requires = "data")]
    guard: Option<PathBuf>,
    /// Address of a running log.
    #[arg(long, value_name = "URL", requires = "vkey")]
    url: Option<String>,
    /// Its verifier key, as keygen --origin printed it.
    #[arg(long, value_name = "VKEY", requires = "url")]
    vkey: Option<String>,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let bar = Bar::new(0, "entries");
    let mut told = |done: u64, all: u64| bar.of(done, all);
    let report = match (&args.data, &args.url, &args.vkey) {
        (Some(data), ..) => {
            let place = Place { data: Some(data.clone()), guard: args.guard.clone(), ..Place::default() };
            let guard = config::guard(place.into(), variables()?.into_iter()).map_err(|error| refused(&error))?;
            check(data, &guard, &mut told)
        }
        (None, Some(url), Some(vkey)) => {
            let vkey = VerifierKey::parse(vkey)
                .map_err(|error| Failure::usage(format!("--vkey: {error}; give the line that keygen printed")))?;
            let client = Client::of_reader(url)?;
            args.bounds.watch(true);
            let mut fetch = |path: &str, bytes_max| fetch(&client, path, bytes_max, args.bounds.least_rate());
            let room = args.bounds.budget().room_for(0);
            let limits = Limits { body_bytes_max: ARTIFACT_BYTES_MAX, room };
            remote::check(&mut fetch, vkey, limits, &mut told)
        }
        _ => return Err(Failure::usage("give --data DIR, or --url URL with --vkey VKEY")),
    };
    bar.done();
    let report = report.map_err(|error| {
        let why = format!("{error} [{}]", error.code());
        match error {
            FsckError::NoLog { .. } => Failure::usage(why),
            error if error.is_incomplete() => Failure::incomplete(why),
            _ => Failure::fail(why),
        }
    })?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&text(&report))?;
    }
    Ok(if report.is_clean() { Exit::Pass } else { Exit::Fail })
}

fn fetch(client: &Client, path: &str, bytes_max: usize, rate: u64) -> Result<Fetched, Unfetched> {
    match client.get_within(path, bytes_max, rate) {
        Ok(answer) if answer.status == 200 => Ok(Fetched::Bytes(answer.body)),
        Ok(answer) if matches!(answer.status, 404 | 410 | 451) => Ok(Fetched::Absent),
        Ok(answer) if answer.status == 403 => Err(Unfetched::Failed(CLOSED.to_owned())),
        // A proxy's answer, or that of a log that is busy, says nothing of the log.
        Ok(answer) if answer.code().is_none() || answer.passes() => Err(Unfetched::Lost(answer.problem())),
        Ok(answer) => Err(Unfetched::Failed(answer.problem())),
        Err(Unread::TooLong) => Ok(Fetched::TooLong),
        Err(Unread::TooSlow { rate }) => {
            Err(Unfetched::Ended { code: &RATE_TOO_LOW, why: format!("{}: {}", client.url(path), too_slow(rate)) })
        }
        Err(Unread::Failed(why)) => Err(Unfetched::Lost(why)),
    }
}

fn text(report: &Report) -> String {
    let verdict = if report.is_clean() { "CLEAN" } else { "NOT CLEAN" };
    let mut out = format!(
        "{verdict}  {} entries, {} bodies, {} tiles, {} checkpoints recomputed at size {}\n",
        report.entries, report.bodies, report.tiles, report.checkpoints, report.size
    );
    for problem in &report.problems {
        out.push_str(&format!("  {}: {}\n", escape(&problem.what), escape(&problem.why)));
    }
    if report.cut {
        out.push_str("  and more\n");
    }
    out
}
