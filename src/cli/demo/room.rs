//! The room in which the demo plays against an Argo CD: the project's own
//! fixture, watched by the real poller and the real receiver.
//!
//! Its first run is clean. Two stories follow that cannot be told at once: a
//! sync round the wrapper, and one after revocation. What they need is time by
//! the log's own clock, since roots must be older than what they judge, and
//! nobody is accused before every honest word is due; so a later run on the same
//! data plays them, or the same one where it goes on serving.

mod argo;
mod book;
mod found;
mod night;
#[cfg(test)]
mod tests;
pub mod scene;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use pulselog::text::civil;

use self::book::{Book, Next};
use self::night::Night;
use crate::cli::demo::cast::Cast;
use crate::cli::demo::packet::Asking;
use crate::cli::demo::room::found::Told;
use crate::cli::demo::room::scene::{BATCH, LEDGER};
use crate::cli::demo::stage::Stage;
use crate::cli::demo::value::now_ms;
use crate::cli::failure::Failure;
use crate::cli::{input, print};

/// From one round of the poller to the next, as `pulselog argocd poll` has it.
const INTERVAL: Duration = Duration::from_secs(15);

/// The two stories, by the code that each is found under.
const BYPASS: &str = "UNREPORTED_ACTION";
const REVOKED: &str = "TOKEN_REVOKED";

/// The room, while the demo runs.
pub struct Room {
    night: Night,
    book: Book,
    path: PathBuf,
    /// How to ask the log, where somebody answers.
    asking: Option<Asking>,
}

impl Room {
    /// Opens the room of this data. A new one is played until its first job is
    /// clean. `None` where a run was cut off between what it did and its note of
    /// it: nobody knows how far it came, and nothing is done twice.
    ///
    /// # Errors
    /// Something does not answer, or the job is not clean.
    pub fn open(data: &Path, stage: Stage, cast: Cast, asking: Option<Asking>) -> Result<Option<Self>, Failure> {
        let dir = data.join("argocd");
        let (path, begun) = (dir.join("room.json"), dir.join("first-job.begun"));
        let kept = Book::open(&path)?;
        let cut = match &kept {
            Some(book) => book.is_acting.then_some("the two syncs that should not be"),
            None => begun.exists().then_some("the first job"),
        };
        if let Some(what) = cut {
            print(&format!(
                "\nAn earlier run was cut off while it played {what} against its Argo CD, so\n\
                 nothing is played there again. With another --data DIR it begins anew.\n"
            ))?;
            return Ok(None);
        }
        let mut night = Night::begin(&dir, stage, cast, kept.as_ref().map(|book| &book.world))?;
        let book = match kept {
            Some(book) => book,
            None => {
                print("\nAgainst an Argo CD, our own fixture, by its poller and its notifications:\n")?;
                std::fs::write(&begun, "")
                    .map_err(|error| Failure::fail(format!("demo: {}: {}", begun.display(), input::why(&error))))?;
                let book = night.first_job()?;
                book.write(&path)?;
                book
            }
        };
        Ok(Some(Self { night, book, path, asking }))
    }

    /// Plays what has become due, and says what is owed and until when. `command`
    /// goes on with this data later.
    pub fn advance(&mut self, command: &str) -> Result<(), Failure> {
        self.play_due(now_ms())?;
        let Some(owed) = self.owed() else { return self.say_found() };
        let then = match &self.asking {
            Some(_) => "It is played, and looked for, here then, while this serves. After a stop this goes on:",
            None => "Then, on the same data, run again:",
        };
        print(&format!("{owed}{then}\n  {command}\n"))
    }

    /// What comes next and why it cannot come now, in words.
    fn owed(&self) -> Option<String> {
        match self.book.next() {
            Next::Act(at) => Some(format!(
                "\nOwed until {}: a sync after revocation, which is found at once, and one round the\n\
                 wrapper, which is found ten minutes after it. Roots judge only what started six\n\
                 minutes after them.\n",
                clock(at)
            )),
            Next::Tell(at) => Some(format!(
                "\nOwed until {}: what is found of the sync of {BATCH} round the wrapper.\n\
                 For ten minutes from its start a decision of it may still be logged. A log's time\n\
                 is that of its last entry, so it is found with the first entry after that.\n",
                clock(at)
            )),
            Next::Nothing => None,
        }
    }

    /// Plays what is due at this time, and remembers it.
    fn play_due(&mut self, now_ms: i64) -> Result<(), Failure> {
        match self.book.next() {
            Next::Act(at) if at <= now_ms => self.act(),
            Next::Tell(at) if at <= now_ms => self.settle(),
            Next::Act(_) | Next::Tell(_) | Next::Nothing => Ok(()),
        }
    }

    /// Both syncs. What the second is found for needs no waiting.
    fn act(&mut self) -> Result<(), Failure> {
        print("\nAgainst the same Argo CD, what should not be done:\n")?;
        // Noted first: whoever is cut off from here on does not do it twice.
        self.book.is_acting = true;
        self.book.write(&self.path)?;
        let (round, after) = self.night.misdeeds(&self.book)?;
        self.book.acted_ms = Some((round.started_ms, after.started_ms));
        self.book.is_acting = false;
        self.book.world = self.night.kept();
        self.book.write(&self.path)?;
        self.must_be_found(LEDGER, REVOKED)?;
        let words = format!("found: {REVOKED}, a sync of {LEDGER} after its token was revoked");
        self.say_story(&words, &found::revoked(&self.book))
    }

    /// The window of the sync round the wrapper is over. A log's time is that of
    /// its last entry, so that entry has to lie beyond it too.
    fn settle(&mut self) -> Result<(), Failure> {
        self.night.watch()?;
        if !self.is_found(BATCH, BYPASS)? {
            return Ok(());
        }
        self.book.is_told = true;
        self.book.world = self.night.kept();
        self.book.write(&self.path)
    }

    fn is_found(&self, app: &str, code: &str) -> Result<bool, Failure> {
        Ok(found::codes(&self.night.stage.client, app)?.iter().any(|found| found == code))
    }

    fn must_be_found(&self, app: &str, code: &str) -> Result<(), Failure> {
        if self.is_found(app, code)? {
            return Ok(());
        }
        Err(Failure::fail(format!("demo: the log does not find {code} of {app}")))
    }

    fn say_found(&self) -> Result<(), Failure> {
        self.must_be_found(BATCH, BYPASS)?;
        self.must_be_found(LEDGER, REVOKED)?;
        let words = format!("found: {BYPASS}, a sync of {BATCH} that went round the wrapper");
        self.say_story(&words, &found::bypass(&self.book))?;
        let words = format!("found: {REVOKED}, a sync of {LEDGER} after its token was revoked");
        self.say_story(&words, &found::revoked(&self.book))
    }

    /// What is found, where it stands, and how anybody finds it again.
    fn say_story(&self, words: &str, told: &Told) -> Result<(), Failure> {
        let Some(asking) = &self.asking else {
            let lines: String = told.pages.iter().map(|page| format!("  {page}\n")).collect();
            return print(&format!("\n{words}, on these pages while pulselog demo serves:\n{lines}"));
        };
        let lines: String = told.pages.iter().map(|page| format!("  {}{page}\n", asking.base)).collect();
        let (audit, incident) = (asking.audit("--app", &told.app), asking.incident(&told.incident, told.called));
        print(&format!(
            "\n{words}:\n{lines}\
             Judged again from the whole log, while this serves; it ends with 1, for what is found:\n  {audit}\n\
             As a packet, with incident.txt to read; it ends with 3, since the operator attests no\n\
             job of it:\n  {incident}\n"
        ))
    }

    /// Goes on until both stories are told or somebody hangs up: the poller in
    /// its rounds, and each story when it is due.
    pub fn keep(mut self, ended: &Receiver<()>) -> Result<(), Failure> {
        let mut before = self.book.next();
        while before != Next::Nothing {
            if !matches!(ended.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout)) {
                return Ok(());
            }
            self.night.look()?;
            self.play_due(now_ms())?;
            let next = self.book.next();
            if next != before {
                match self.owed() {
                    Some(owed) => print(&owed)?,
                    None => self.say_found()?,
                }
            }
            before = next;
        }
        Ok(())
    }
}

/// A time of today, for people.
fn clock(ms: i64) -> String {
    let text = civil::to_the_second(ms.saturating_add(999));
    text.get(11..).unwrap_or(&text).to_owned()
}
