//! `pulselog argocd poll`: asks an Argo CD, round after round, and logs what is
//! new.

use std::time::{Duration, Instant};

use pulselog::server::signals::Signals;
use pulselog::verify::plain_text::escape;

use crate::cli::argocd::poller::{Polled, Poller, Told};
use crate::cli::argocd::refused::Refused;
use crate::cli::failure::{Exit, Failure};
use crate::cli::{print, tell};

const AFTER: &str = "\
The poller asks with an identity of its own that may read and nothing else:

  p, role:audit-reader, applications, get, */*, allow
  p, role:audit-reader, projects, get, *, allow

Each round reads the applications, the projects, and the events of applications
that moved, and logs: each new phase of an operation, each new history id, each
change of a spec, each flip of automated sync, each application that comes or goes,
and a snapshot: what changed, every row once an hour, a heartbeat within four minutes.

Each snapshot is a look. Where none comes for longer than nine minutes, the audit names
the time (COVERAGE_GAP) and leaves open what may have been done there unseen, so keep it
running. A second poller fills the gaps of the first; it has a state file, a token of
the log and a row in the roots of its own.

A round counts only if Kubernetes answered too: a list alone may be the memory of a
server. An application that is not in the list, or is older than before, waits for a
second round; a 403 without a reason says nothing. Gaps are told on standard error.

FILE of --state keeps what is known and what the log has not taken yet. It is written
before anything is sent and after it was acknowledged, so a crash or a log that is
away costs nothing, and sending again gives duplicates. One process holds it. The
token files are read again when they change.

Examples:
  pulselog argocd poll --server https://argocd.example.com --token-file argocd.token \\
      --instance argocd-prod --log https://log.example.com --log-token-file poller.token \\
      --state /var/lib/pulselog/argocd-prod.state
  pulselog argocd poll … --once --json

Exit codes: 0 the round counted and is logged (--once), or stopped by a signal,
1 refused by the log, or another poller is at work, 2 wrong usage, 3 the round did not
count, or the log was not reached (--once).";

const USAGE: &str = "pulselog argocd poll --server URL --token-file FILE --instance NAME
           --log URL --log-token-file FILE --state FILE [OPTIONS]";
/// Most seconds from one round to the next: within a heartbeat.
const INTERVAL_MAX: u64 = 240;

/// Ask an Argo CD what happened, again and again, and log what is new.
#[derive(clap::Args)]
#[command(override_usage = USAGE, after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    polled: Polled,
    /// Seconds from the beginning of one round to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=INTERVAL_MAX))]
    interval: u64,
    /// One round, then exit.
    #[arg(long)]
    once: bool,
    /// Write one JSON line a round.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    // A stop at any moment leaves nothing half done: see memory.rs.
    let _signals = Signals::listen().map_err(|error| Failure::fail(format!("signals: {error}")))?;
    let mut poller = Poller::new(args.polled.clone())?;
    let interval = Duration::from_secs(args.interval);
    loop {
        let began = Instant::now();
        let round = poller.round()?;
        say(args, &poller, &round.told)?;
        if args.once {
            return Ok(round.exit);
        }
        std::thread::sleep(round.wait.unwrap_or_else(|| interval.saturating_sub(began.elapsed())));
    }
}

/// Said of a first look that shows nothing: mostly a right is missing, and Argo CD
/// leaves out what an account may not see.
const NO_APPLICATIONS: &str = "pulselog: Argo CD showed this account no application. Either there is none, or its role may \
                               see none: Argo CD leaves out what an account may not get, and gives no error. Check the \
                               line `p, ROLE, applications, get, */*, allow`, and with the same token: argocd app list";

/// Says what a round was.
fn say(args: &Args, poller: &Poller, told: &Told) -> Result<(), Failure> {
    let refused = told.refused.as_ref();
    if args.json {
        let marks: Vec<_> =
            told.marks.iter().map(|(name, line)| serde_json::json!({"mark": name, "line": line})).collect();
        let line = serde_json::json!({
            "instance": args.polled.instance, "counted": told.is_counted,
            "applications": poller.memory().state.apps(), "observations": told.observations,
            "snapshots": told.snapshots, "marks": marks,
            "answer": refused.map(Refused::name), "why": refused.map(Refused::line),
            "logged": told.logged.new, "known": told.logged.known, "refused": told.logged.refused,
            "waiting": poller.memory().waiting.len(), "log": told.log_away,
        });
        return print(&format!("{line}\n"));
    }
    for (_, line) in &told.marks {
        tell(&escape(&format!("pulselog: {line}")));
    }
    if let Some(refused) = refused {
        tell(&escape(&format!(
            "pulselog: --server {}: {}; this round does not count",
            args.polled.server,
            refused.line()
        )));
    }
    if let Some(why) = &told.log_away {
        tell(&escape(&format!("pulselog: {why}; {} artifacts wait for it", poller.memory().waiting.len())));
    }
    if told.is_counted && poller.memory().state.apps() == 0 && args.once {
        tell(NO_APPLICATIONS);
    }
    if told.observations + told.snapshots > 0 || args.once {
        print(&format!(
            "{} applications, {} observations, {} snapshots; {} logged, {} known before\n",
            poller.memory().state.apps(),
            told.observations,
            told.snapshots,
            told.logged.new,
            told.logged.known
        ))?;
    }
    Ok(())
}
