//! Crowds beside a real process: 600 hostile clients of each sort, and as many
//! harmless ones to compare with, slow ones and such that are as fast as the
//! hostile. `make crowd` runs this; it takes minutes.
//!
//! Somebody reads the checkpoint and somebody submits all the while; what they
//! wait is measured. `CROWD_SECONDS` says how long each crowd stays, and
//! `CROWD_ONLY` which come at all, by a part of their names.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::make::logs::receipt;
use crate::make::served::{Served, agent};

const CLIENTS: usize = 600;
const SECONDS: u64 = 10;
/// What a reader of the checkpoint waits at most, at the 99th percentile.
const CHECKPOINT_P99_MAX: Duration = Duration::from_millis(200);
/// What a submitter waits at most, or twice as long as beside harmless clients.
const SUBMISSION_P99_MAX: Duration = Duration::from_millis(50);
const MEMORY_KIB_MAX: u64 = 512 << 10;
const WAITING: u64 = 10_000;

/// What one client does with one connection, until it is closed or told to stop.
type Client = fn(&Served, &mut TcpStream, &AtomicBool) -> std::io::Result<()>;

/// Full, and ready after the first.
const TILE: &str = "/tile/entries/000";

/// Crowds of one pace. The first is harmless and what the others are held
/// against: whoever asks for something that costs no more than a checkpoint
/// takes of a machine what connections take, whatever it asks for.
struct Pace {
    /// The crowds come one after the other, so many times over, and the median
    /// of each counts. What hundreds wait who ask without a pause follows the
    /// system's scheduler, and swings tenfold from one time to the next.
    turns: usize,
    crowds: &'static [(&'static str, Client)],
}

const PACES: &[Pace] = &[
    Pace {
        turns: 1,
        crowds: &[
            ("harmless", harmless),
            ("documents: numeric names", numeric_documents),
            ("documents: many values", long_documents),
            ("unfinished bodies", unfinished),
            ("silent", silent),
            ("dribbled heads", dribble),
            ("answers not taken", take_nothing),
            ("listings", |_, stream, stop| fetch(stream, stop, "/v1/entries?limit=1000", "")),
            ("listings, packed", |_, stream, stop| fetch(stream, stop, "/v1/entries?limit=1000", PACKED)),
            ("home page, packed", |_, stream, stop| fetch(stream, stop, "/", PACKED)),
        ],
    },
    // One new connection after the other, as fast as they can.
    Pace {
        turns: 5,
        crowds: &[
            ("harmless, as fast as can be", |_, stream, stop| fetch(stream, stop, "/checkpoint", "")),
            ("description", |_, stream, stop| fetch(stream, stop, "/openapi.json", "")),
            ("description, packed", |_, stream, stop| fetch(stream, stop, "/openapi.json", PACKED)),
            ("error codes", |_, stream, stop| fetch(stream, stop, "/docs/errors", "")),
        ],
    },
    // The same over connections that are kept.
    Pace {
        turns: 3,
        crowds: &[
            ("harmless, kept open", |_, stream, stop| fetch_again(stream, stop, "/checkpoint", 1)),
            ("tiles, kept open", |_, stream, stop| fetch_again(stream, stop, TILE, 1)),
            ("tiles, 64 at once", |_, stream, stop| fetch_again(stream, stop, TILE, 64)),
        ],
    },
];

fn harmless(_: &Served, stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: log\r\n\r\n")?;
        if stream.read(&mut [0; 4096])? == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

fn document(members: &str) -> Vec<u8> {
    let body = format!("{{\"envelope_type\":\"proof_bundle\",\"payload\":{members}}}");
    let head = "POST /v1/verify HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: ";
    format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
}

fn numeric_documents(served: &Served, stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    static DOCUMENT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let members: Vec<String> = (0..220_000).map(|n| format!("\"{n}\":0")).collect();
        document(&format!("{{{}}}", members.join(",")))
    });
    post(served, stream, stop, &DOCUMENT)
}

fn long_documents(served: &Served, stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    static DOCUMENT: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| document(&format!("[{}0]", "{},".repeat(600_000))));
    post(served, stream, stop, &DOCUMENT)
}

fn post(_: &Served, stream: &mut TcpStream, stop: &AtomicBool, request: &[u8]) -> std::io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request)?;
        if stream.read(&mut [0; 8192])? == 0 {
            return Ok(());
        }
    }
    Ok(())
}

fn unfinished(_: &Served, stream: &mut TcpStream, _: &AtomicBool) -> std::io::Result<()> {
    let head =
        "POST /v1/verify HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n{";
    stream.write_all(head.as_bytes())?;
    stream.read(&mut [0; 4096]).map(|_| ())
}

fn silent(_: &Served, stream: &mut TcpStream, _: &AtomicBool) -> std::io::Result<()> {
    stream.read(&mut [0; 1]).map(|_| ())
}

fn dribble(_: &Served, stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    stream.write_all(b"GET /checkpoint HTTP/1.1\r\nx: ")?;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(b"x")?;
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn take_nothing(_: &Served, stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    for _ in 0..50 {
        stream.write_all(b"GET /v1/entries?limit=1000 HTTP/1.1\r\nhost: log\r\n\r\n")?;
    }
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(500));
        if stream.read(&mut [0; 1])? == 0 {
            return Ok(());
        }
    }
    Ok(())
}

const PACKED: &str = "accept-encoding: gzip\r\n";

fn fetch(stream: &mut TcpStream, stop: &AtomicBool, path: &str, header: &str) -> std::io::Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: log\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = vec![0; 64 << 10];
    while !stop.load(Ordering::Relaxed) && stream.read(&mut bytes)? > 0 {}
    Ok(())
}

/// So many requests at once over one connection, and again when all are answered.
fn fetch_again(stream: &mut TcpStream, stop: &AtomicBool, path: &str, at_once: usize) -> std::io::Result<()> {
    let requests = format!("GET {path} HTTP/1.1\r\nhost: log\r\n\r\n").repeat(at_once);
    let mut answers = BufReader::new(stream.try_clone()?);
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(requests.as_bytes())?;
        for _ in 0..at_once {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if answers.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                let stated = line.to_ascii_lowercase();
                length = stated.strip_prefix("content-length:").and_then(|of| of.trim().parse().ok()).unwrap_or(length);
            }
            std::io::copy(&mut answers.by_ref().take(length), &mut std::io::sink())?;
        }
    }
    Ok(())
}

/// Waits of one sort, the longest last.
struct Waits(Vec<Duration>);

impl Waits {
    fn at(&self, hundredth: usize) -> Duration {
        self.0[(self.0.len() * hundredth / 100).min(self.0.len() - 1)]
    }
}

fn measure(stop: &AtomicBool, mut act: impl FnMut()) -> Waits {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        act();
        waits.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
    waits.sort_unstable();
    Waits(waits)
}

/// One core for the calling thread, so that a crowd leaves the other to the log.
fn pin() {
    let Ok(name) = std::fs::read_link("/proc/thread-self") else { return };
    let thread = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let _ = Command::new("taskset").args(["-pc", "0", &thread]).output();
}

fn crowd(served: &Served, client: Client, next: &AtomicU64) -> (Waits, Waits) {
    let seconds = std::env::var("CROWD_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(SECONDS);
    let (stop, address) = (AtomicBool::new(false), served.url.trim_start_matches("http://"));
    std::thread::scope(|scope| {
        let stop = &stop;
        let hostile = move || {
            while !stop.load(Ordering::Relaxed) {
                let Ok(mut stream) = TcpStream::connect(address) else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(seconds)));
                let _ = stream.set_write_timeout(Some(Duration::from_secs(seconds)));
                // However it ends, the next one comes.
                let _ = client(served, &mut stream, stop);
            }
        };
        let begin = move || {
            pin();
            for _ in 0..CLIENTS {
                // Threads are born on the core of their parent.
                std::thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, hostile).expect("a thread");
            }
        };
        scope.spawn(begin);
        std::thread::sleep(Duration::from_secs(2));
        let (reader, writer) = (agent(), agent());
        let reads = scope.spawn(move || {
            measure(stop, || {
                let answer =
                    crate::make::served::get(&reader, &format!("{}/checkpoint", served.url)).expect("an answer");
                assert_eq!(answer.status, 200);
            })
        });
        let writes = scope.spawn(move || {
            measure(stop, || {
                let body = receipt(next.fetch_add(1, Ordering::Relaxed));
                let answer =
                    served.post(&writer, "v1/entries", "application/json", body.as_bytes()).expect("an answer");
                assert_eq!(answer.status, 201);
            })
        });
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Ordering::Relaxed);
        (reads.join().expect("a reader"), writes.join().expect("a writer"))
    })
}

/// Crowds take minutes and thousands of connections: `make crowd` asks for them.
fn is_asked_for() -> bool {
    let is_asked = std::env::var_os("CROWD").is_some();
    if !is_asked {
        println!("SKIPPED: takes minutes; make crowd runs it");
    }
    is_asked
}

#[test]
fn crowds_of_every_sort_hold_up_nobody() {
    if !is_asked_for() {
        return;
    }
    let (served, next) = (Served::start(), AtomicU64::new(1_000_000));
    served.submit_batch(0..2_000);
    let only = std::env::var("CROWD_ONLY").unwrap_or_default();
    let wrong: Vec<&str> = PACES.iter().flat_map(|pace| held_up_by(pace, &served, &next, &only)).collect();
    assert!(wrong.is_empty(), "held up by: {wrong:?}");
    served.stop();
}

/// The crowds of this pace beside which somebody waited too long.
fn held_up_by(pace: &Pace, served: &Served, next: &AtomicU64, only: &str) -> Vec<&'static str> {
    let harmless = pace.crowds[0].0;
    let asked = || pace.crowds.iter().filter(|(name, _)| *name == harmless || name.contains(only));
    if asked().all(|(name, _)| !name.contains(only)) {
        return Vec::new();
    }
    let turns: Vec<Vec<[Duration; 4]>> =
        (0..pace.turns).map(|_| asked().map(|(_, client)| waits(served, *client, next)).collect()).collect();
    let (mut beside, mut wrong) = (Duration::ZERO, Vec::new());
    for (of, (name, _)) in asked().enumerate() {
        let [read, read_late, write, write_late] = [0, 1, 2, 3].map(|which| {
            let mut all: Vec<_> = turns.iter().map(|turn| turn[of][which]).collect();
            all.sort_unstable();
            all
        });
        let memory = served.memory_peak_kib();
        println!(
            "{name:28} checkpoint p50 {:6.1?} p99 {}   submission p50 {:6.1?} p99 {}   peak {} MiB",
            middle(&read),
            spread(&read_late),
            middle(&write),
            spread(&write_late),
            memory >> 10
        );
        if *name == harmless {
            beside = middle(&write_late);
        }
        let is_good = middle(&read_late) <= CHECKPOINT_P99_MAX
            && middle(&write_late) <= SUBMISSION_P99_MAX.max(2 * beside)
            && memory <= MEMORY_KIB_MAX;
        if !is_good {
            wrong.push(*name);
        }
    }
    wrong
}

/// Beside these clients: the middle wait for a checkpoint and its 99th
/// percentile, and both of a submission.
fn waits(served: &Served, client: Client, next: &AtomicU64) -> [Duration; 4] {
    let (reads, writes) = crowd(served, client, next);
    [reads.at(50), reads.at(99), writes.at(50), writes.at(99)]
}

fn middle(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

/// The middle, and between which the others lie if there are any.
fn spread(sorted: &[Duration]) -> String {
    match sorted {
        [one] => format!("{one:6.1?}"),
        all => format!("{:6.1?} ({:.1?}-{:.1?})", middle(all), all[0], all[all.len() - 1]),
    }
}

#[test]
fn ten_thousand_submitters_wait_for_one_checkpoint() {
    if !is_asked_for() {
        return;
    }
    raise_open_files();
    let served = Served::start();
    served.stop();
    served.spawn_flagged(&["--checkpoint-interval-ms", "20000", "--request-timeout-ms", "60000"]);
    served.wait_ready();
    served.submit_batch(0..1);
    let begun = Instant::now();
    let streams: Vec<TcpStream> = (1..=WAITING)
        .map(|n| {
            let (body, token) = (receipt(n), &served.token);
            let mut stream = TcpStream::connect(served.url.trim_start_matches("http://")).expect("a connection");
            stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
            let head = format!(
                "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).expect("sent");
            stream
        })
        .collect();
    println!("{WAITING} submissions sent in {:.1?}, peak {} MiB", begun.elapsed(), served.memory_peak_kib() >> 10);
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let memory = served.memory_peak_kib();
    println!("all answered after {:.1?}, peak {} MiB", begun.elapsed(), memory >> 10);
    assert!(memory <= MEMORY_KIB_MAX, "{memory} KiB");
    served.stop();
}

fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("as many files as the system allows");
}
