//! Full tiles and entry bundles over loopback beside nginx over the same files,
//! in turns in one run: uniform over 4,000 of each, and one hot tile.
//!
//! `cargo bench --bench tiles [-- TURNS [DIR]]`; the load comes from wrk, where
//! it is there, or from a client of our own. A DIR is kept and used again.
//! Skipped, with a word, without nginx.

#[path = "client.rs"]
mod client;
#[path = "fixture.rs"]
mod fixture;
#[path = "nginx.rs"]
mod nginx;
#[path = "process.rs"]
mod process;

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;

use crate::client::{Connection, spread};
use crate::process::Process;

const TILES: u64 = 4_000;
const TURNS: usize = 5;
const SECONDS: u64 = 4;
const CONNECTIONS: usize = 32;
/// Entries that are submitted at once while the log is made.
const AT_ONCE: u64 = 4_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let [mode, dir] = &args[..]
        && mode == "hold"
    {
        return hold(Path::new(dir));
    }
    let version = match nginx::version() {
        Ok(version) => version,
        Err(why) => return println!("SKIPPED: tiles: no nginx to compare with: {why}"),
    };
    let turns = args.first().and_then(|turns| turns.parse().ok()).unwrap_or(TURNS);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = args.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("a directory");
    fill(&dir.join("log"));
    let (own, addr) = start(&dir.join("log"));
    let files = dir.join("files");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(save(addr, &files));
    let nginx = nginx::serve(&dir, &files);
    let bytes = runtime.block_on(compare(addr, nginx.addr));
    let has_wrk = Command::new("wrk").arg("-v").output().is_ok();
    println!("{version}; load: {}, {CONNECTIONS} connections", if has_wrk { "wrk" } else { "our own client" });
    println!("{TILES} tiles and as many bundles of {bytes} bytes in all are the same from both; default settings");
    let paths = |prefix: &str| (0..TILES).map(|tile| format!("{prefix}/{}", name(tile))).collect::<Vec<_>>();
    let loads =
        [("tiles", paths("/tile/0")), ("bundles", paths("/tile/entries")), ("one tile", vec!["/tile/0/007".into()])];
    for (what, paths) in &loads {
        let rate = |addr| if has_wrk { wrk(&dir, addr, paths) } else { ask(&runtime, addr, paths) };
        let seen: Vec<(f64, f64)> = (0..turns).map(|_| (rate(addr), rate(nginx.addr))).collect();
        println!(
            "{what:8}: {} requests/s, nginx {}: ratio {} (floor 0.4, reach 0.5)",
            spread(seen.iter().map(|(own, _)| *own)),
            spread(seen.iter().map(|(_, nginx)| *nginx)),
            spread(seen.iter().map(|(own, nginx)| own / nginx)),
        );
    }
    drop(own);
}

/// A tile's own path (C2SP tlog-tiles).
fn name(tile: u64) -> String {
    match tile {
        0..1_000 => format!("{tile:03}"),
        _ => format!("x{:03}/{:03}", tile / 1_000, tile % 1_000),
    }
}

/// Makes the log, or what of it is missing.
fn fill(data: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (log, running) = fixture::open(data);
    let mut size = log.published().head.size.get();
    while size < TILES * 256 {
        let next = (size + AT_ONCE).min(TILES * 256);
        runtime.block_on(log.submit(fixture::items(size..next))).expect("logged");
        size = next;
    }
    drop(log);
    running.join().expect("a clean end");
}

/// Serves a log that was made until the input ends: this program again, in a
/// process of its own.
fn hold(data: &Path) {
    let name = KeyName::parse(fixture::ORIGIN).expect("a key name");
    let signer = SignerKey::new(name, &[7; 32]).expect("a key");
    let operator = Did::parse(fixture::SIGNER).expect("a DID");
    let origin = Origin::parse(fixture::ORIGIN).expect("an origin");
    let mut config = Config::local(data.to_owned(), origin, signer, operator);
    config.free_disk_bytes_min = 0;
    let server = Server::start(config).expect("serving");
    println!("{}", server.addr());
    let _ = std::io::stdin().read(&mut [0; 1]);
    server.shutdown().expect("a clean end");
}

fn start(data: &Path) -> (Process, SocketAddr) {
    let mut hold = Command::new(std::env::current_exe().expect("a path"));
    hold.arg("hold").arg(data).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = Process(hold.spawn().expect("this program"));
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    (process, line.trim().parse().expect("an address"))
}

/// Every tile and bundle as a file.
async fn save(addr: SocketAddr, files: &Path) {
    let mut connection = Connection::open(addr).await;
    for path in all() {
        let file = files.join(&path[1..]);
        // Compared with both below, whoever made it.
        if file.is_file() {
            continue;
        }
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a directory");
        let answer = connection.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        std::fs::write(file, answer.body).expect("a file");
    }
}

/// Both answer every address with the same bytes; how many.
async fn compare(own: SocketAddr, nginx: SocketAddr) -> usize {
    let paths: Rc<[String]> = all().collect();
    let part = |first: usize| {
        let paths = Rc::clone(&paths);
        async move {
            let (mut own, mut nginx) = (Connection::open(own).await, Connection::open(nginx).await);
            let mut bytes = 0;
            for path in paths.iter().skip(first).step_by(CONNECTIONS) {
                let (ours, theirs) = (own.get(path).await, nginx.get(path).await);
                assert!((ours.status, ours.body) == (theirs.status, theirs.body) && ours.status == 200, "{path}");
                bytes += ours.body.len();
            }
            bytes
        }
    };
    let local = tokio::task::LocalSet::new();
    let parts: Vec<_> = (0..CONNECTIONS).map(|first| local.spawn_local(part(first))).collect();
    let sum = async {
        let mut bytes = 0;
        for part in parts {
            bytes += part.await.expect("compared");
        }
        bytes
    };
    local.run_until(sum).await
}

fn all() -> impl Iterator<Item = String> {
    ["/tile/0", "/tile/entries"].into_iter().flat_map(|prefix| (0..TILES).map(move |t| format!("{prefix}/{}", name(t))))
}

/// Requests a second by wrk, each for a random one of these.
fn wrk(dir: &Path, addr: SocketAddr, paths: &[String]) -> f64 {
    let script = dir.join("paths.lua");
    let made: String = paths.iter().map(|path| format!("  made[#made + 1] = wrk.format('GET', '{path}')\n")).collect();
    let text = format!(
        "local made = {{}}\ninit = function(args)\n{made}end\n\
         request = function() return made[math.random(#made)] end\n"
    );
    std::fs::write(&script, text).expect("a file");
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", &CONNECTIONS.to_string(), "-d", &format!("{SECONDS}s"), "-s"]).arg(&script);
    let output = wrk.arg(format!("http://{addr}/")).output().expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// The same by a client of our own.
fn ask(runtime: &tokio::runtime::Runtime, addr: SocketAddr, paths: &[String]) -> f64 {
    let paths: Rc<[String]> = paths.into();
    let (begun, answered) = (Instant::now(), Rc::new(Cell::new(0_u64)));
    let reader = |seed: usize| {
        let (paths, answered) = (Rc::clone(&paths), Rc::clone(&answered));
        async move {
            let (mut connection, mut random) = (Connection::open(addr).await, seed as u64 + 1);
            while begun.elapsed() < Duration::from_secs(SECONDS) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let path = &paths[(random >> 33) as usize % paths.len()];
                assert_eq!(connection.get(path).await.status, 200);
                answered.set(answered.get() + 1);
            }
        }
    };
    tokio::task::LocalSet::new().block_on(runtime, async {
        let readers: Vec<_> = (0..CONNECTIONS).map(|seed| tokio::task::spawn_local(reader(seed))).collect();
        for reader in readers {
            reader.await.expect("a reader");
        }
    });
    answered.get() as f64 / begun.elapsed().as_secs_f64()
}
