//! The room in a log whose clock the test moves, and nothing else: what is found
//! is found by the rules as they stand. The product has no such door.
#![cfg(test)]

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
