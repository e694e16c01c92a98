//! `pulselog argocd poll`: asks an Argo CD, round after round, and logs what is
//! new.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pulselog::argocd::round::{Ask, Ended, Found, Listed, Round, State};
use pulselog::artifact::json::to_compact;
use pulselog::server::signals::Signals;
use pulselog::verify::plain_text::escape;

use crate::cli::argocd::client::{Asked, Server};
use crate::cli::argocd::logging::{Logged, polled_before, send, stands_alone, submitter};
use crate::cli::argocd::memory::{Memory, MemoryFile, WAITING_MAX};
use crate::cli::argocd::refused::Refused;
use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{Client, read_token};
use crate::cli::{print, tell};

const AFTER: &str = "\
The poller asks with an identity of its own that may read and nothing else:

  p, role:audit-reader, applications, get, */*, allow
  p, role:audit-reader, projects, get, *, allow

Each round reads the applications, the projects, and the events of applications
that moved, and logs: each new phase of an operation, each new history id, each
change of a spec, each flip of automated sync, each application that comes or goes,
and a snapshot: what changed, every row once an hour, a heartbeat within five minutes.

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
    /// Address of Argo CD, with its root path where it has one.
    #[arg(long, value_name = "URL")]
    server: String,
    /// File that holds the poller's token of Argo CD, mode 0600.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Certificates of the authorities to believe, in PEM [default: those of the system].
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Our name for this Argo CD, as the roots have it.
    #[arg(long, value_name = "NAME", value_parser = instance)]
    instance: String,
    /// Address of the log.
    #[arg(long, value_name = "URL")]
    log: String,
    /// File that holds the poller's token of the log.
    #[arg(long, value_name = "FILE")]
    log_token_file: PathBuf,
    /// File for what is known, kept from round to round.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Seconds from the beginning of one round to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=INTERVAL_MAX))]
    interval: u64,
    /// Longest time that one answer may take, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// One round, then exit.
    #[arg(long)]
    once: bool,
    /// Send the tokens over plain HTTP to other machines.
    #[arg(long)]
    allow_http: bool,
    /// Write one JSON line a round.
    #[arg(long)]
    json: bool,
}

fn instance(text: &str) -> Result<String, String> {
    let is_name = |part: &str| {
        let is_of_it = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_of_it) && !part.starts_with('-') && !part.ends_with('-')
    };
    let is_one = text.len() <= 253 && text.split('.').all(is_name);
    if is_one { Ok(text.to_owned()) } else { Err("must be a DNS-1123 name, such as argocd-prod".to_owned()) }
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    // A stop at any moment leaves nothing half done: see memory.rs.
    let _signals = Signals::listen().map_err(|error| Failure::fail(format!("signals: {error}")))?;
    let server = Server::new(&Asked {
        url: &args.server,
        token_file: &args.token_file,
        ca_file: args.ca_file.as_deref(),
        allow_http: args.allow_http,
        seconds_max: args.timeout,
    })?;
    let log = Client::new(&args.log, Some(read_token(&args.log_token_file)?), args.allow_http)?;
    let (file, memory) = MemoryFile::take(&args.state, &args.instance)?;
    let mut poller = Poller { args, server, log, file, memory, uncounted: 0 };
    loop {
        let began = Instant::now();
        let (exit, wait) = poller.round()?;
        if args.once {
            return Ok(exit);
        }
        let interval = Duration::from_secs(args.interval);
        std::thread::sleep(wait.unwrap_or_else(|| interval.saturating_sub(began.elapsed())));
    }
}

struct Poller<'a> {
    args: &'a Args,
    server: Server,
    log: Client,
    file: MemoryFile,
    memory: Memory,
    /// Rounds in a row that did not count.
    uncounted: u32,
}

/// What one round is told to have been.
#[derive(Default)]
struct Told {
    observations: usize,
    snapshots: usize,
    marks: Vec<(&'static str, String)>,
    is_counted: bool,
    /// What was answered, where that is why it did not count.
    refused: Option<Refused>,
    logged: Logged,
    /// Why not all of it is logged yet.
    log_away: Option<String>,
}

impl Poller<'_> {
    /// One round: asks, writes down, sends. How it ended, and how long to stay
    /// away where that is longer than the interval.
    fn round(&mut self) -> Result<(Exit, Option<Duration>), Failure> {
        let mut told = Told::default();
        // What waits from before goes first, so that order is kept.
        self.send(&mut told)?;
        if self.memory.waiting.len() >= WAITING_MAX {
            let why = format!("{} artifacts wait for the log, so nobody looks", self.memory.waiting.len());
            told.log_away.get_or_insert(why);
        } else {
            match self.look(&mut told) {
                Ok(ended) => self.keep(ended, &mut told)?,
                Err(refused) => told.refused = Some(refused),
            }
        }
        self.say(&told)?;
        let wait = match &told.refused {
            Some(refused) => {
                self.uncounted += 1;
                Some(refused.wait(self.uncounted))
            }
            None => {
                self.uncounted = 0;
                None
            }
        };
        let is_whole = told.is_counted && told.log_away.is_none();
        let exit = match is_whole {
            true if told.logged.refused > 0 => Exit::Fail,
            true => Exit::Pass,
            false => Exit::Incomplete,
        };
        Ok((exit, wait))
    }

    /// Writes down what follows from a round and sends it.
    fn keep(&mut self, ended: Ended, told: &mut Told) -> Result<(), Failure> {
        told.is_counted = ended.is_counted;
        told.observations = ended.observations.len();
        told.snapshots = ended.snapshots.len();
        told.marks.extend(ended.marks.iter().map(|mark| (mark.name(), mark.line())));
        let payloads = ended.observations.iter().chain(&ended.snapshots);
        self.memory.waiting.extend(payloads.map(to_compact));
        self.memory.state = ended.state;
        self.file.write(&self.memory)?;
        self.send(told)
    }

    /// Sends what waits. A log that is away costs nothing yet; one that refuses
    /// our token ends the run, since nobody would log anything.
    fn send(&mut self, told: &mut Told) -> Result<(), Failure> {
        if self.memory.waiting.is_empty() {
            return Ok(());
        }
        // It may have been rotated.
        let log = self.log.with_token(read_token(&self.args.log_token_file)?);
        if let Some(last) = self.memory.snapshot_index
            && let Some(name) = submitter(&log, last)
        {
            stands_alone(&log, &name, last, &self.memory.waiting)?;
        }
        let sent = send(&log, &mut self.memory, &|text| tell(&format!("pulselog: {text}")));
        match sent {
            Ok(logged) => {
                self.tell_if_polled_before(&log, &logged, told);
                self.memory.snapshot_index = logged.snapshots.iter().max().copied().or(self.memory.snapshot_index);
                self.file.write(&self.memory)?;
                told.logged.new += logged.new;
                told.logged.known += logged.known;
                told.logged.refused += logged.refused;
                Ok(())
            }
            Err(failure) if failure.exit == Exit::Incomplete => {
                self.file.write(&self.memory)?;
                told.log_away = Some(failure.message);
                Ok(())
            }
            Err(failure) => {
                self.file.write(&self.memory)?;
                Err(failure)
            }
        }
    }

    /// Says so where the log holds what this state file does not know of: what
    /// happened since then counts as found there at a first look.
    fn tell_if_polled_before(&self, log: &Client, logged: &Logged, told: &mut Told) {
        let (None, Some(first)) = (self.memory.snapshot_index, logged.snapshots.iter().min()) else { return };
        let before = submitter(log, *first).and_then(|name| polled_before(log, &name, *first));
        if let Some(index) = before {
            let line = format!(
                "this token polled before (entry {index}) and {} does not know of it: what happened in between is \
                 marked as found at a first look, and the audit takes it for coverage alone; bring the state file back \
                 if there is one",
                self.args.state.display()
            );
            told.marks.push(("polled_before", line));
        }
    }

    /// Asks Argo CD.
    fn look(&self, told: &mut Told) -> Result<Ended, Refused> {
        let state: &State = &self.memory.state;
        if self.uncounted > 0 || state.is_new() || state.is_in_doubt() {
            self.server.user()?;
        }
        let mut round = Round::new(state, jiff::Timestamp::now().as_millisecond());
        let head = self.server.applications(&mut |item| round.item(item))?;
        let mut listed = round.listed(&head);
        let projects = self.server.projects();
        let confirmed = Cell::new(projects.is_ok());
        for ask in listed.to_ask() {
            self.ask(&mut listed, &ask)?;
        }
        for ask in listed.to_ask_events() {
            if let Err(refused) = self.ask_events(&mut listed, &ask, &confirmed) {
                let line = format!("events of {}/{}: {}", ask.namespace, ask.name, refused.line());
                told.marks.push(("events_unread", line));
                if !refused.passes() {
                    break;
                }
            }
        }
        let ended = listed.ended(confirmed.get(), self.secret().as_bytes());
        match projects {
            Err(refused) if !confirmed.get() => Err(refused),
            _ => Ok(ended),
        }
    }

    /// Of nonces: known to us and the log's operator alone, and the same as long
    /// as the token is.
    fn secret(&self) -> String {
        read_token(&self.args.log_token_file).unwrap_or_default()
    }

    fn ask(&self, listed: &mut Listed<'_>, ask: &Ask) -> Result<(), Refused> {
        match self.server.application(&ask.name, &ask.namespace, &ask.project) {
            Ok(bytes) => listed.asked(ask, Found::There(&bytes)),
            Err(Refused::Absent { .. }) => listed.asked(ask, Found::Absent),
            Err(Refused::Forbidden { .. }) => listed.asked(ask, Found::Hidden),
            Err(Refused::Invalid { code: Some(3), .. }) => listed.asked(ask, Found::NotAdmitted),
            Err(refused) if refused.passes() => listed.asked(ask, Found::Nothing),
            Err(refused) => return Err(refused),
        }
        Ok(())
    }

    fn ask_events(&self, listed: &mut Listed<'_>, ask: &Ask, confirmed: &Cell<bool>) -> Result<(), Refused> {
        self.server.events(&ask.name, &ask.namespace, &ask.project, &mut |item| listed.event(ask, item))?;
        listed.events_read(ask);
        confirmed.set(true);
        Ok(())
    }

    fn say(&self, told: &Told) -> Result<(), Failure> {
        let refused = told.refused.as_ref();
        if self.args.json {
            let marks: Vec<_> =
                told.marks.iter().map(|(name, line)| serde_json::json!({"mark": name, "line": line})).collect();
            let line = serde_json::json!({
                "instance": self.args.instance, "counted": told.is_counted,
                "applications": self.memory.state.apps(), "observations": told.observations,
                "snapshots": told.snapshots, "marks": marks,
                "answer": refused.map(Refused::name), "why": refused.map(Refused::line),
                "logged": told.logged.new, "known": told.logged.known, "refused": told.logged.refused,
                "waiting": self.memory.waiting.len(), "log": told.log_away,
            });
            return print(&format!("{line}\n"));
        }
        for (_, line) in &told.marks {
            tell(&escape(&format!("pulselog: {line}")));
        }
        if let Some(refused) = refused {
            tell(&escape(&format!(
                "pulselog: --server {}: {}; this round does not count",
                self.args.server,
                refused.line()
            )));
        }
        if let Some(why) = &told.log_away {
            tell(&escape(&format!("pulselog: {why}; {} artifacts wait for it", self.memory.waiting.len())));
        }
        if told.observations + told.snapshots > 0 || self.args.once {
            print(&format!(
                "{} applications, {} observations, {} snapshots; {} logged, {} known before\n",
                self.memory.state.apps(),
                told.observations,
                told.snapshots,
                told.logged.new,
                told.logged.known
            ))?;
        }
        Ok(())
    }
}
