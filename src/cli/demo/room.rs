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

#[cfg(test)]
mod tests {
    //! The room in a log whose clock the test moves, and nothing else: what is found
    //! is found by the rules as they stand. The product has no such door.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use pulselog::artifact::{Did, Kind};
    use pulselog::checkpoint::Origin;
    use pulselog::server::Server;
    use pulselog::server::config::Config;
    use pulselog::server::faults::NoFaults;
    use pulselog::server::log::clock::{Clock, Reading, SystemClock};

    use super::*;
    use crate::cli::demo::cast::log_key;
    use crate::cli::demo::roots::audit_roots;
    use crate::cli::demo::scene::{ORIGIN, work_policy};
    use crate::cli::demo::submitters::Submitters;
    use crate::cli::demo::value::now;
    use crate::cli::failure::Exit;
    use crate::cli::http::Client;
    use crate::cli::pasted;

    const MINUTE_MS: i64 = 60_000;

    /// The machine's clocks, moved.
    struct Moved {
        system: SystemClock,
        /// Milliseconds on the wall clock alone: when the log began.
        began_ms: i64,
        /// Milliseconds on both clocks: time that passed.
        passed_ms: AtomicU64,
    }

    impl Clock for Moved {
        fn read(&self) -> Reading {
            let (reading, passed) = (self.system.read(), self.passed_ms.load(Ordering::SeqCst));
            let wall_ms = reading.wall_ms.saturating_add_signed(self.began_ms).saturating_add(passed);
            Reading { wall_ms, monotonic_ms: reading.monotonic_ms.saturating_add(passed) }
        }
    }

    /// A demo's log, with its roots and nothing else.
    struct Begun {
        server: Server,
        clock: Arc<Moved>,
        dir: tempfile::TempDir,
        client: Client,
        submitters: Arc<Submitters>,
    }

    impl Begun {
        /// A log that began so long ago.
        fn ago(ms: i64) -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let origin = Origin::parse(ORIGIN).expect("an origin");
            let keys = dir.path().join("keys");
            let signer = log_key(&keys, &origin).expect("a key");
            let cast = Cast::load(&keys).expect("keys");
            let operator = Did::parse(cast.operator.did()).expect("a did:key");
            let log = dir.path().join("log");
            let config = Config { free_disk_bytes_min: 0, ..Config::local(log.clone(), origin, signer, operator) };
            let clock = Arc::new(Moved { system: SystemClock::default(), began_ms: -ms, passed_ms: AtomicU64::new(0) });
            let server = Server::start_with(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(NoFaults));
            let server = server.expect("it starts");
            let client = Client::new(&format!("http://{}", server.addr()), None, false).expect("a client");
            let submitters = Arc::new(Submitters::new(&log, "test").expect("tokens"));
            let begun = Self { server, clock, dir, client, submitters };
            let policy = cast.registry.sign(Kind::WorkPolicy, work_policy(), &now()).expect("a policy");
            let roots = audit_roots(&cast, &policy.payload_hash_b64u, &begun.submitters).expect("roots");
            let roots = cast.operator.sign(Kind::AuditRoots, roots, &now()).expect("signed");
            begun.stage().signed("operator", Kind::AuditRoots, &roots, "roots").expect("logged");
            begun
        }

        fn stage(&self) -> Stage {
            Stage::new(self.client.clone(), Arc::clone(&self.submitters))
        }

        fn reopened(&self) -> Option<Room> {
            let cast = Cast::load(&self.dir.path().join("keys")).expect("keys");
            Room::open(self.dir.path(), self.stage(), cast, None).expect("it opens")
        }

        fn room(&self) -> Room {
            self.reopened().expect("a room whose first job is clean")
        }

        fn pass(&self, ms: i64) {
            self.clock.passed_ms.fetch_add(ms.unsigned_abs(), Ordering::SeqCst);
        }

        /// Some entry, by which the log's time moves on.
        fn log_something(&self) {
            let cast = Cast::load(&self.dir.path().join("keys")).expect("keys");
            let policy = cast.registry.sign(Kind::WorkPolicy, work_policy(), &now()).expect("a policy");
            self.stage().signed("registry", Kind::WorkPolicy, &policy, "again").expect("logged");
        }

        fn size(&self) -> u64 {
            self.server.state().log.published().head.size.get()
        }

        fn page(&self, address: &str) -> String {
            let answer = self.client.get(address.trim_start_matches('/'), "text/html").expect("an answer");
            assert_eq!(answer.status, 200, "{address}");
            String::from_utf8(answer.body).expect("UTF-8")
        }
    }

    fn due(room: &Room) -> i64 {
        match room.book.next() {
            Next::Act(at) | Next::Tell(at) => at,
            Next::Nothing => panic!("nothing is owed any more"),
        }
    }

    #[test]
    fn the_first_job_is_joined_by_receiver_and_poller_and_nothing_is_played_before_its_time() {
        let begun = Begun::ago(0);
        let before = now_ms();
        let mut room = begun.room();
        let job = room.book.job.clone();
        // By notification, by the poller, and by its receipt: `is_clean` asked for both.
        found::is_clean(&begun.client, &job, 2).expect("clean");
        assert!(found::is_clean(&begun.client, &job, 3).is_err(), "two calls and no third");
        let page = begun.page(&format!("/jobs/{job}"));
        assert!(page.contains("pass"), "{page}");
        assert!(
            matches!(room.book.next(), Next::Act(at) if (6 * MINUTE_MS..7 * MINUTE_MS).contains(&(at - before))),
            "{:?}",
            room.book.next()
        );
        let (size, owed) = (begun.size(), due(&room));
        room.play_due(owed - 1).expect("nothing to play");
        assert_eq!((begun.size(), room.book.acted_ms), (size, None));
        // Another run goes on where this one stood, and plays no first job again.
        drop(room);
        let room = begun.room();
        assert_eq!((begun.size(), due(&room), room.book.job.as_str()), (size, owed, job.as_str()));
    }

    #[test]
    fn what_went_round_the_wrapper_and_what_came_after_revocation_stand_on_their_pages() {
        // Roots that are twenty minutes old, so that nothing has to be waited for.
        let begun = Begun::ago(20 * MINUTE_MS);
        begun.pass(20 * MINUTE_MS);
        let mut room = begun.room();
        room.play_due(due(&room)).expect("both are played");
        assert_eq!(found::codes(&begun.client, LEDGER).expect("codes"), [REVOKED]);
        let [job, app, incident] = found::revoked(&room.book).pages.try_into().expect("three pages");
        for page in [begun.page(&job), begun.page(&app), begun.page(&incident)] {
            assert!(page.contains(REVOKED), "{page}");
        }
        let (started, _) = room.book.acted_ms.expect("both started");
        assert_eq!(due(&room), started + 10 * MINUTE_MS);
        // A decision of it may still be logged: nobody is accused yet.
        assert_eq!(found::codes(&begun.client, BATCH).expect("codes"), [""; 0]);
        room.play_due(due(&room)).expect("a round");
        assert!(!room.book.is_told, "by the log's own time it is too early, whatever ours says");
        begun.pass(11 * MINUTE_MS);
        begun.log_something();
        room.play_due(due(&room)).expect("a round");
        assert!(room.book.is_told && room.book.next() == Next::Nothing);
        assert_eq!(found::codes(&begun.client, BATCH).expect("codes"), [BYPASS]);
        for address in found::bypass(&room.book).pages {
            let page = begun.page(&address);
            assert!(page.contains(BYPASS), "{address}: {page}");
        }
        says_what_it_prints(&begun, &room);
        // Of the first job nothing else is found, and the room stays as it is.
        let size = begun.size();
        drop(room);
        let again = begun.room();
        again.say_found().expect("both are there");
        assert_eq!((begun.size(), again.book.is_told), (size, true));
    }

    #[test]
    fn a_run_that_was_cut_off_between_act_and_note_is_not_played_again() {
        let begun = Begun::ago(20 * MINUTE_MS);
        begun.pass(20 * MINUTE_MS);
        let mut room = begun.room();
        let before = std::fs::read(&room.path).expect("a book");
        room.play_due(due(&room)).expect("both are played");
        let path = room.path.clone();
        drop(room);
        // As a kill leaves it: the acts are begun and noted as that, and no more.
        let mut book: serde_json::Value = serde_json::from_slice(&before).expect("JSON");
        book["is_acting"] = true.into();
        std::fs::write(&path, book.to_string()).expect("written");
        let size = begun.size();
        assert!(begun.reopened().is_none(), "nobody knows how far it came");
        // The same of a first job that never came to its book.
        std::fs::remove_file(&path).expect("removed");
        assert!(begun.reopened().is_none(), "its first job was begun");
        assert_eq!(begun.size(), size);
    }

    /// The commands beside both stories, as they are printed.
    fn says_what_it_prints(begun: &Begun, room: &Room) {
        let packet = begun.dir.path().join("packet");
        std::fs::create_dir(&packet).expect("a directory");
        let policy = begun.client.get("v1/trust-policy", "text/plain").expect("an answer").body;
        std::fs::write(packet.join("trust.policy"), policy).expect("written");
        let operator = Cast::load(&begun.dir.path().join("keys")).expect("keys").operator.did().to_owned();
        let base = format!("http://{}", begun.server.addr());
        let asking = Asking { base, operator, dir: begun.dir.path().to_owned() };
        for told in [found::bypass(&room.book), found::revoked(&room.book)] {
            let [audit, incident, again] = said(&asking, &told);
            assert_eq!(pasted(&audit).expect("it runs"), Exit::Fail, "{audit}");
            assert_eq!(pasted(&incident).expect("it runs"), Exit::Incomplete, "{incident}");
            let story = begun.dir.path().join(told.called).join("incident.txt");
            assert!(std::fs::read_to_string(story).expect("a story").contains("Verdict of the audit on it: fail"));
            assert_ne!(incident, again, "its directory is there already");
        }
    }

    /// What is printed beside a story, and what would be printed when it was run.
    fn said(asking: &Asking, told: &Told) -> [String; 3] {
        let incident = asking.incident(&told.incident, told.called);
        std::fs::create_dir(asking.dir.join(told.called)).expect("a directory");
        let again = asking.incident(&told.incident, told.called);
        std::fs::remove_dir(asking.dir.join(told.called)).expect("an empty directory");
        [asking.audit("--app", &told.app), incident, again]
    }
}
