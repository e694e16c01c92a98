//! A poller: asks an Argo CD what happened since the round before, and logs
//! what is new. Who runs it says when.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use pulselog::argocd::round::{Ask, Ended, Found, Listed, Round as Looking, State};
use pulselog::artifact::json::to_compact;

use crate::cli::argocd::client::{Asked, Server};
use crate::cli::argocd::logging::{Logged, polled_before, send, stands_alone, submitter};
use crate::cli::argocd::memory::{Memory, MemoryFile, WAITING_MAX};
use crate::cli::argocd::refused::Refused;
use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{Client, read_token};
use crate::cli::tell;

/// Whom to ask, and where to log it.
#[derive(Clone, clap::Args)]
pub struct Polled {
    /// Address of Argo CD, with its root path where it has one.
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// File that holds the poller's token of Argo CD, mode 0600.
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
    /// Certificates of the authorities to believe, in PEM [default: those of the system].
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Our name for this Argo CD, as the roots have it.
    #[arg(long, value_name = "NAME", value_parser = instance)]
    pub instance: String,
    /// Address of the log.
    #[arg(long, value_name = "URL")]
    pub log: String,
    /// File that holds the poller's token of the log.
    #[arg(long, value_name = "FILE")]
    pub log_token_file: PathBuf,
    /// File for what is known, kept from round to round.
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// Longest time that one answer may take, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
    /// Send the tokens over plain HTTP to other machines.
    #[arg(long)]
    pub allow_http: bool,
}

fn instance(text: &str) -> Result<String, String> {
    let is_name = |part: &str| {
        let is_of_it = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_of_it) && !part.starts_with('-') && !part.ends_with('-')
    };
    let is_one = text.len() <= 253 && text.split('.').all(is_name);
    if is_one { Ok(text.to_owned()) } else { Err("must be a DNS-1123 name, such as argocd-prod".to_owned()) }
}

/// A poller between two rounds.
pub struct Poller {
    of: Polled,
    server: Server,
    log: Client,
    file: MemoryFile,
    memory: Memory,
    /// Rounds in a row that did not count.
    uncounted: u32,
}

/// One round, over.
pub struct Round {
    pub told: Told,
    pub exit: Exit,
    /// How long to stay away, where that is longer than the interval.
    pub wait: Option<Duration>,
}

/// What one round is told to have been.
#[derive(Default)]
pub struct Told {
    pub observations: usize,
    pub snapshots: usize,
    pub marks: Vec<(&'static str, String)>,
    pub is_counted: bool,
    /// What was answered, where that is why it did not count.
    pub refused: Option<Refused>,
    pub logged: Logged,
    /// Why not all of it is logged yet.
    pub log_away: Option<String>,
}

impl Poller {
    /// # Errors
    /// An address or token file that cannot be used; a state file that another
    /// poller holds, or that is of another instance.
    pub fn new(of: Polled) -> Result<Self, Failure> {
        let server = Server::new(&Asked {
            url: &of.server,
            token_file: &of.token_file,
            ca_file: of.ca_file.as_deref(),
            allow_http: of.allow_http,
            seconds_max: of.timeout,
        })?;
        let log = Client::new(&of.log, Some(read_token(&of.log_token_file)?), of.allow_http)?;
        let (file, memory) = MemoryFile::take(&of.state, &of.instance)?;
        Ok(Self { of, server, log, file, memory, uncounted: 0 })
    }

    /// One round: asks, writes down, sends. How it ended, and how long to stay
    /// away where that is longer than the interval.
    ///
    /// # Errors
    /// The log refuses the token, another poller is at work, or the state file
    /// cannot be written.
    pub fn round(&mut self) -> Result<Round, Failure> {
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
        Ok(Round { told, exit, wait })
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
        let log = self.log.with_token(read_token(&self.of.log_token_file)?);
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
                self.of.state.display()
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
        let mut round = Looking::new(state, jiff::Timestamp::now().as_millisecond());
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
        read_token(&self.of.log_token_file).unwrap_or_default()
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

    /// What is known of the instance, and what the log has not taken yet.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
}
