//! Single adds over HTTP beside Tessera's POSIX conformance server: the same
//! pre-signed receipts, the same client, each server in a process of its own,
//! in turns in one run.
//!
//! `cargo bench --bench adds [-- TURNS [SECONDS]]`; with `PULSELOG_BESIDE=FILE`
//! another build of ours takes part too. Skipped, with a word, without Go.

#[path = "client.rs"]
mod client;
#[path = "process.rs"]
mod process;
#[path = "receipts.rs"]
mod receipts;
#[path = "tessera.rs"]
mod tessera;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;

use crate::client::{Connection, cpu_seconds, raise_open_files, spread};
use crate::process::{OWN, Served};
use crate::tessera::Tessera;

const WRITERS: [usize; 2] = [480, 1_024];
const TURNS: usize = 5;
const SECONDS: u64 = 5;
/// Before the clock starts.
const WARM: Duration = Duration::from_secs(1);
/// More than any server here adds in a second: a turn that runs out of them fails.
const RECEIPTS_A_SECOND: usize = 40_000;
/// How often the published checkpoint is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// After a server has nothing more to do.
const REST: Duration = Duration::from_millis(500);

/// One server.
struct Side {
    name: &'static str,
    addr: SocketAddr,
    pid: u32,
    /// The head of a request but for its length.
    head: String,
    /// Whether an answer says which published checkpoint covers it.
    says_size: bool,
}

/// What one turn of one server showed.
struct Turn {
    adds_a_second: f64,
    answered: [f64; 2],
    published: [f64; 2],
    cpu_us: f64,
}

/// One add, in the order of its answer.
struct Add {
    sent: Instant,
    answered: Instant,
    index: u64,
}

/// What the writers of one turn share.
struct Shared {
    lines: Arc<Vec<String>>,
    next: Cell<usize>,
    adds: RefCell<Vec<Add>>,
    is_over: Cell<bool>,
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let turns = numbers.next().map_or(TURNS, |turns| turns as usize);
    let time = Duration::from_secs(numbers.next().unwrap_or(SECONDS));
    let binary = match tessera::install() {
        Ok(binary) => binary,
        Err(why) => return println!("SKIPPED: adds: no Tessera to compare with: {why}"),
    };
    raise_open_files();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let place = |name: &str| {
        let place = dir.path().join(name);
        std::fs::create_dir_all(&place).expect("a directory");
        place
    };
    let own = process::serve(OWN, &place("own"));
    let peer = tessera::serve(&binary, &place("tessera"));
    let beside = std::env::var("PULSELOG_BESIDE").ok().map(|binary| process::serve(&binary, &place("beside")));
    println!(
        "Pulselog: checks every signature; default settings; answers when a published checkpoint covers the entry;"
    );
    println!("          store and head guard synced before it. Tessera: {}", peer.command);
    println!("{}", tessera::DURABILITY);
    let mut sides = vec![ours("Pulselog", &own), theirs(&peer)];
    sides.extend(beside.as_ref().map(|beside| ours("beside", beside)));
    let mut first = 0;
    for writers in WRITERS {
        let mut seen: Vec<Vec<Turn>> = sides.iter().map(|_| Vec::new()).collect();
        for turn in 0..turns {
            let lines = signed(first, RECEIPTS_A_SECOND * (time + WARM).as_secs() as usize);
            first += lines.len();
            let lines = Arc::new(lines);
            // Who comes first changes from turn to turn.
            for at in (0..sides.len()).map(|at| (at + turn) % sides.len()) {
                let new = run(&sides[at], writers, time, &lines);
                println!("{writers:5} writers, turn {turn}: {}", told(sides[at].name, &new));
                seen[at].push(new);
            }
        }
        summary(writers, &sides, &seen);
    }
}

fn ours(name: &'static str, served: &Served) -> Side {
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nHost: log\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        served.token
    );
    Side { name, addr: served.addr, pid: served.process.0.id(), head, says_size: true }
}

fn theirs(tessera: &Tessera) -> Side {
    let head = "POST /add HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\n".to_owned();
    Side { name: "Tessera", addr: tessera.addr, pid: tessera.process.0.id(), head, says_size: false }
}

/// Receipts of one gateway, each another one, signed on both cores.
fn signed(first: usize, count: usize) -> Vec<String> {
    let key = SigningKey::from_bytes(&[9; 32]);
    let did = Did::of(&key.verifying_key());
    let sign = |from: usize| {
        let (key, did) = (&key, did.as_str());
        move || (from..from + count / 2).map(|n| receipts::receipt(key, did, n).line).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let halves = [scope.spawn(sign(first)), scope.spawn(sign(first + count / 2))];
        halves.into_iter().flat_map(|half| half.join().expect("signed")).collect()
    })
}

/// One turn of one server; afterwards it has nothing left to do.
fn run(side: &Side, writers: usize, time: Duration, lines: &Arc<Vec<String>>) -> Turn {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shared = Rc::new(Shared {
        lines: Arc::clone(lines),
        next: Cell::new(0),
        adds: RefCell::new(Vec::with_capacity(lines.len())),
        is_over: Cell::new(false),
    });
    let cpu = cpu_seconds(side.pid);
    let begun = Instant::now();
    let heads = tokio::task::LocalSet::new().block_on(&runtime, async {
        let looking = tokio::task::spawn_local(look(side.addr, Rc::clone(&shared)));
        let writing: Vec<_> = (0..writers)
            .map(|_| tokio::task::spawn_local(write(side.addr, side.head.clone(), side.says_size, Rc::clone(&shared))))
            .collect();
        tokio::time::sleep(WARM + time).await;
        shared.is_over.set(true);
        for writer in writing {
            writer.await.expect("a writer");
        }
        looking.await.expect("the looker")
    });
    let adds = shared.adds.take();
    if side.says_size {
        runtime.block_on(settled(side.addr));
    }
    std::thread::sleep(REST);
    let cpu_us = (cpu_seconds(side.pid) - cpu) * 1e6 / adds.len() as f64;
    judged(side, begun, time, &adds, &heads, cpu_us)
}

/// Submits one receipt after the other until the turn is over.
async fn write(addr: SocketAddr, head: String, says_size: bool, shared: Rc<Shared>) {
    let mut connection = Connection::open(addr).await;
    let mut request = Vec::new();
    while !shared.is_over.get() {
        let at = shared.next.replace(shared.next.get() + 1);
        let line = shared.lines.get(at).expect("receipts for the whole turn");
        request.clear();
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", line.len()).as_bytes());
        request.extend_from_slice(line.as_bytes());
        let sent = Instant::now();
        let answer = connection.ask(&request).await;
        let answered = Instant::now();
        let text = std::str::from_utf8(answer.body).expect("text");
        assert_eq!(answer.status, if says_size { 201 } else { 200 }, "{text}");
        let index = if says_size { number(text, "\"index\":") } else { text.trim().parse().expect("an index") };
        assert!(!says_size || number(text, "\"tree_size\":") > index, "{text}");
        shared.adds.borrow_mut().push(Add { sent, answered, index });
    }
}

/// The number after this name.
fn number(text: &str, name: &str) -> u64 {
    let rest = text.split_once(name).map_or("", |(_, rest)| rest);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().unwrap_or_else(|_| panic!("{name} of {text}"))
}

/// Sizes of the published checkpoint and when each was first seen, until one
/// covers everything that was added.
async fn look(addr: SocketAddr, shared: Rc<Shared>) -> Vec<(Instant, u64)> {
    let mut connection = Connection::open(addr).await;
    let mut heads: Vec<(Instant, u64)> = Vec::new();
    loop {
        let answer = connection.get("/checkpoint").await;
        let text = String::from_utf8_lossy(answer.body);
        let size = text.lines().nth(1).and_then(|line| line.parse().ok());
        let size: u64 = if answer.status == 200 { size.expect("a size") } else { 0 };
        if heads.last().is_none_or(|(_, last)| *last < size) {
            heads.push((Instant::now(), size));
        }
        // Writers may still wait for answers after the end.
        let is_covered = shared.adds.borrow().iter().rev().take(2_048).all(|add| add.index < size);
        if shared.is_over.get() && is_covered && Rc::strong_count(&shared) == 2 {
            return heads;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the search rows follow what is published.
async fn settled(addr: SocketAddr) {
    // An older build beside ours has its counters where readers are.
    let apart = SocketAddr::new(addr.ip(), addr.port() + 1);
    let counters = if std::net::TcpStream::connect(apart).is_ok() { apart } else { addr };
    let mut connection = Connection::open(counters).await;
    loop {
        let answer = connection.get("/metrics").await;
        let text = String::from_utf8_lossy(answer.body).into_owned();
        if number(&text, "\npulselog_indexed_size ") == number(&text, "\npulselog_published_size ") {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn judged(side: &Side, begun: Instant, time: Duration, adds: &[Add], heads: &[(Instant, u64)], cpu_us: f64) -> Turn {
    let (from, until) = (begun + WARM, begun + WARM + time);
    let within: Vec<&Add> = adds.iter().filter(|add| (from..=until).contains(&add.answered)).collect();
    assert!(!within.is_empty(), "{}: nothing was added", side.name);
    let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
    let covered = |add: &Add| {
        let at = heads.partition_point(|(_, size)| *size <= add.index);
        heads.get(at).map_or(add.answered, |(at, _)| (*at).max(add.answered))
    };
    let answered = within.iter().map(|add| ms(add.sent, add.answered)).collect();
    // An answer of ours is that moment itself, since it names a published size.
    let published = match side.says_size {
        true => within.iter().map(|add| ms(add.sent, add.answered)).collect(),
        false => within.iter().map(|add| ms(add.sent, covered(add))).collect(),
    };
    Turn {
        adds_a_second: within.len() as f64 / (until - from).as_secs_f64(),
        answered: percentiles(answered),
        published: percentiles(published),
        cpu_us,
    }
}

/// 50th and 99th.
fn percentiles(mut samples: Vec<f64>) -> [f64; 2] {
    samples.sort_by(f64::total_cmp);
    [50, 99].map(|hundredth| samples[(samples.len() * hundredth / 100).min(samples.len() - 1)])
}

fn told(name: &str, turn: &Turn) -> String {
    let Turn { adds_a_second, answered, published, cpu_us } = turn;
    format!(
        "{name:8} {adds_a_second:6.0}/s   answered p50 {:4.0} p99 {:4.0} ms   published p50 {:4.0} p99 {:4.0} ms   \
         {cpu_us:4.0} us of processor an add",
        answered[0], answered[1], published[0], published[1],
    )
}

fn summary(writers: usize, sides: &[Side], seen: &[Vec<Turn>]) {
    for (side, turns) in sides.iter().zip(seen) {
        let of = |what: fn(&Turn) -> f64| spread(turns.iter().map(what));
        println!(
            "{writers} writers, {}: {} adds/s, answered p99 {} ms, published p99 {} ms, {} us an add",
            side.name,
            of(|turn| turn.adds_a_second),
            of(|turn| turn.answered[1]),
            of(|turn| turn.published[1]),
            of(|turn| turn.cpu_us),
        );
    }
    let ratio = |one: usize, other: usize, what: fn(&Turn) -> f64| {
        spread(seen[one].iter().zip(&seen[other]).map(|(one, other)| what(one) / what(other)))
    };
    println!(
        "{writers} writers: {} of Tessera's adds/s (floor 0.8, reach 1.0), published p99 {} of its (reach 0.2)",
        ratio(0, 1, |turn| turn.adds_a_second),
        ratio(0, 1, |turn| turn.published[1]),
    );
    if sides.len() > 2 {
        println!(
            "{writers} writers: {} of the adds/s of the build beside, {} of its processor time an add",
            ratio(0, 2, |turn| turn.adds_a_second),
            ratio(0, 2, |turn| turn.cpu_us),
        );
    }
}
