//! `pulselog ticket`: links evidence where the change is kept: one link, note
//! or status a job or bundle, made once and kept up to date.

mod call;
mod config;
mod evidence;
mod github;
mod gitlab;
mod jira;
mod key;
mod servicenow;

use std::path::PathBuf;
use std::time::Duration;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::server::signals::Signals;

use crate::cli::failure::{Exit, Failure};
use crate::cli::ticket::call::{Done, Request, Tracker};
use crate::cli::ticket::config::Config;
use crate::cli::ticket::evidence::{Evidence, Source, What};
use crate::cli::ticket::key::Key;
use crate::cli::{print, tell};

const AFTER: &str = "\
FILE of --config names the log and the systems; an address comes from it and from
nowhere else, and no proxy of the environment is used:

  log = \"https://log.example.com\"
  [jira]
  url = \"https://jira.example.com\"
  token_file = \"jira.token\"             # mode 0600; user = \"NAME\" beside it: Basic
  [servicenow]
  url = \"https://example.service-now.com\"
  user = \"pulselog\"
  token_file = \"servicenow.token\"
  [github]
  url = \"https://api.github.com\"
  token_file = \"github.token\"
  [gitlab]
  url = \"https://gitlab.example.com\"
  token_file = \"gitlab.token\"

Keys: jira PAY-4711; servicenow CHG0030052 or a sys_id; github OWNER/REPO@COMMIT;
gitlab GROUP/PROJECT!NUMBER. Without --key the ticket is taken that the evidence names.

Without --send the requests are printed and nothing but the log is asked. With it: a
remote link in Jira that is the same one each time; a work note in ServiceNow, another
only when the verdict is another; a commit status in GitHub, when the newest says
otherwise; a note in GitLab, which is edited. What one sender repeats is not doubled;
two senders at the same moment may make two. Tokens and headers are never printed.

Examples:
  pulselog ticket jira --config tickets.toml --job job-7
  pulselog ticket jira --config tickets.toml --job job-7 --send --follow
  pulselog ticket gitlab --config tickets.toml --bundle 3fe1… --key shop/payments!12 --send

Exit codes: 0 printed or sent, 1 refused: by the system, or the evidence names another
ticket, 2 wrong usage, 3 log or system was not reached.";

/// Link a job's or bundle's evidence in its change ticket.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
#[command(group(clap::ArgGroup::new("what").args(["job", "bundle"]).required(true)))]
pub struct Args {
    /// Where the ticket is.
    #[arg(value_name = "SYSTEM")]
    system: System,
    /// File that names the log and the systems.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// The proof bundle, by its digest.
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    bundle: Option<ArtifactDigest>,
    /// The ticket [default: the one that the evidence names].
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Send it, not only print it.
    #[arg(long)]
    send: bool,
    /// Go on, and send again whenever the verdict changes.
    #[arg(long, requires = "send")]
    follow: bool,
    /// Seconds from one look at the log to the next, with --follow.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
}

/// Where tickets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum System {
    Jira,
    #[value(name = "servicenow")]
    ServiceNow,
    #[value(name = "github")]
    GitHub,
    #[value(name = "gitlab")]
    GitLab,
}

impl System {
    /// As flags, settings and change references call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::ServiceNow => "servicenow",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    /// The requests that link it, as far as nobody was asked.
    fn plan(self, key: &Key, of: &Evidence) -> Vec<Request> {
        match self {
            Self::Jira => jira::plan(key, of),
            Self::ServiceNow => servicenow::plan(key, of),
            Self::GitHub => github::plan(key, of),
            Self::GitLab => gitlab::plan(key, of),
        }
    }

    fn send(self, tracker: &Tracker, key: &Key, of: &Evidence) -> Result<Done, Failure> {
        match self {
            Self::Jira => jira::send(tracker, key, of),
            Self::ServiceNow => servicenow::send(tracker, key, of),
            Self::GitHub => github::send(tracker, key, of),
            Self::GitLab => gitlab::send(tracker, key, of),
        }
    }
}

fn digest(text: &str) -> Result<ArtifactDigest, String> {
    ArtifactDigest::from_hex(text).map_err(|_| "must be 64 lowercase hex digits".to_owned())
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::read(&args.config)?;
    let place = config.place(args.system)?;
    let what = match (&args.job, &args.bundle) {
        (Some(job), _) => What::Job(job.clone()),
        (None, Some(bundle)) => What::Bundle(*bundle),
        (None, None) => return Err(Failure::usage("--job or --bundle: one is required")),
    };
    let source = Source::new(&config.log, what)?;
    let given = args.key.as_deref().map(|text| Key::parse(args.system, text)).transpose()?;
    let of = source.read()?;
    let key = of.key(args.system, given.as_ref())?;
    if !args.send {
        let requests: Vec<String> =
            args.system.plan(&key, &of).iter().map(|request| request.shown(&place.url)).collect();
        print(&requests.join("\n"))?;
        return Ok(Exit::Pass);
    }
    let tracker = Tracker::new(args.system, place)?;
    say(args.system, &key, &of, args.system.send(&tracker, &key, &of)?)?;
    if args.follow {
        follow(args, &source, &tracker, of)?;
    }
    Ok(Exit::Pass)
}

/// Looks again and again; what is told is what was sent.
fn follow(args: &Args, source: &Source, tracker: &Tracker, mut sent: Evidence) -> Result<(), Failure> {
    // A stop at any moment leaves nothing half done: the next run looks first.
    let _signals = Signals::listen().map_err(|error| Failure::fail(format!("signals: {error}")))?;
    let given = args.key.as_deref().map(|text| Key::parse(args.system, text)).transpose()?;
    loop {
        std::thread::sleep(Duration::from_secs(args.interval));
        let step = || -> Result<Option<Evidence>, Failure> {
            let of = source.read()?;
            if of.badge == sent.badge {
                return Ok(None);
            }
            let key = of.key(args.system, given.as_ref())?;
            say(args.system, &key, &of, args.system.send(tracker, &key, &of)?)?;
            Ok(Some(of))
        };
        match step() {
            Ok(Some(of)) => sent = of,
            Ok(None) => {}
            // What was not reached may be there at the next look.
            Err(failure) if failure.exit == Exit::Incomplete => {
                tell(&format!("pulselog: {}; trying again in {} s", failure.message, args.interval));
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn say(system: System, key: &Key, of: &Evidence, done: Done) -> Result<(), Failure> {
    let what = match done {
        Done::Made => "made",
        Done::Updated => "updated",
        Done::Same => "nothing to send: it says so already",
    };
    let (badge, size) = (of.badge.words(), of.size);
    print(&format!("{} {}: {badge}, as of {size} entries: {what}\n", system.name(), key.text()))
}
