//! A small HTTP/1.1 client that costs little: it shares two cores with the
//! server that it measures.

#![allow(dead_code, reason = "each bench uses its part of this")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

/// What is read at once.
const READ_BYTES: usize = 8 << 10;

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
    filled: usize,
}

/// An answer, whole.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, bytes: Vec::new(), filled: 0 }
    }

    pub async fn get(&mut self, path: &str) -> Answer<'_> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: log\r\n\r\n").as_bytes()).await
    }

    /// Sends a whole request and reads its answer to the end.
    pub async fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        self.send(request).await;
        self.filled = 0;
        let (status, body, end) = loop {
            self.fill().await;
            let bytes = &self.bytes[..self.filled];
            if let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") {
                let (status, length) = head_of(&bytes[..head + 2]);
                break (status, head + 4, head + 4 + length);
            }
        };
        while self.filled < end {
            self.fill().await;
        }
        assert_eq!(self.filled, end, "more than one answer");
        Answer { status, body: &self.bytes[body..end] }
    }

    async fn send(&mut self, mut request: &[u8]) {
        while !request.is_empty() {
            match self.stream.try_write(request) {
                Ok(written) => request = &request[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await.expect("a socket"),
                Err(error) => panic!("not sent: {error}"),
            }
        }
    }

    /// Reads what comes next, into room that grows with what was read.
    async fn fill(&mut self) {
        if self.bytes.len() < self.filled + READ_BYTES / 2 {
            self.bytes.resize(self.filled + READ_BYTES, 0);
        }
        loop {
            self.stream.readable().await.expect("a socket");
            match self.stream.try_read(&mut self.bytes[self.filled..]) {
                Ok(0) => panic!("closed inside an answer: {:.300}", String::from_utf8_lossy(&self.bytes)),
                Ok(read) => return self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("not read: {error}"),
            }
        }
    }
}

/// Status and length of the body.
fn head_of(head: &[u8]) -> (u16, usize) {
    let text = std::str::from_utf8(head).expect("a head of text");
    let status = text.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    let length = text.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
    });
    (status, length.unwrap_or_else(|| panic!("an answer that says how long it is: {text}")))
}

/// As many open files as the system allows; what is started from here has them too.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("as many files as the system allows");
}

/// User and system time of a process, seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The median, and the least and the most beside it.
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

pub fn spread(samples: impl Iterator<Item = f64>) -> Spread {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    Spread { least: samples[0], median: samples[samples.len() / 2], most: samples[samples.len() - 1] }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = if self.most < 10.0 { 3 } else { 0 };
        let Self { least, median, most } = self;
        write!(f, "{median:.places$} ({least:.places$}-{most:.places$})")
    }
}
