//! The service in a process of its own, on a free port.

#![allow(dead_code, reason = "each bench uses its part of this")]

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;
use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, TokenOptions};

const ORIGIN: &str = "bench.example.com/log";
/// The build that cargo made for this bench.
pub const OWN: &str = env!("CARGO_BIN_EXE_pulselog");

/// A process that ends with its owner.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Served {
    pub process: Process,
    pub addr: SocketAddr,
    pub token: String,
}

/// Starts this build on a new log and waits until it says where it listens.
pub fn serve(binary: &str, dir: &Path) -> Served {
    let data = dir.join("log");
    std::fs::create_dir_all(&data).expect("a directory");
    let key = dir.join("log.pem");
    let keygen = Command::new(binary).args(["keygen", "--origin", ORIGIN, "--out"]).arg(&key).output();
    assert!(keygen.expect("keygen").status.success());
    let token = submitters::create(&data, &SubmitterName::parse("bench").expect("a name"), TokenOptions::default());
    let operator = Did::of(&SigningKey::from_bytes(&[8; 32]).verifying_key());
    let mut serve = Command::new(binary);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--origin", ORIGIN, "--operator", operator.as_str()]);
    serve.arg("--data").arg(&data).arg("--key").arg(&key).stderr(Stdio::piped());
    let mut process = Process(serve.spawn().expect("the binary"));
    let mut lines = BufReader::new(process.0.stderr.take().expect("piped")).lines();
    let addr = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(" on http://").and_then(|(_, addr)| addr.trim().parse().ok()));
    std::thread::spawn(move || {
        lines.map_while(Result::ok).filter(|l| l.contains("ERROR")).for_each(|l| eprintln!("{l}"));
    });
    Served { process, addr: addr.expect("an address"), token: token.expect("a token").token }
}

/// A port that was free a moment ago.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// Waits until somebody listens.
pub fn await_listener(addr: SocketAddr) {
    for _ in 0..600 {
        if TcpStream::connect(addr).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nobody listens at {addr}");
}
