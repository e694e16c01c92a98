//! Somebody who is told by webhooks: a small server that takes events, or
//! answers wrongly when it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pulselog::server::config::webhooks::{Event, Target};
use pulselog::server::outgoing::roots_of_system;
use serde_json::Value;

use crate::make::listening::listening;

/// The key that both sides hold.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";
/// How long a test waits for an event.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// How it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    Takes,
    /// So many are taken, and then none.
    Few(u64),
    Status(u16),
    /// To this address.
    Redirect(String),
    /// Nothing, for longer than anybody waits.
    Hangs,
    /// 200 and a gigabyte.
    Gigabyte,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub signature: String,
    pub head: String,
    pub text: String,
    pub body: Value,
}

impl Call {
    pub fn is(&self, kind: &str) -> bool {
        self.body["type"] == kind
    }
}

#[derive(Default)]
pub struct Held {
    /// Those that were taken.
    pub taken: Vec<Call>,
    /// Those that were not.
    pub refused: Vec<Call>,
    answers: Option<Answers>,
    /// Bytes of the gigabyte that somebody read.
    pub sent: u64,
}

pub struct Hook {
    pub url: String,
    held: Arc<Mutex<Held>>,
}

impl Hook {
    pub fn start() -> Self {
        let (url, held) = listening(answer);
        let url = format!("{url}/events");
        Self { url, held }
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody fails while it is held")
    }

    pub fn answer(&self, answers: Answers) {
        self.held().answers = Some(answers);
    }

    /// A target that is told of everything, whose key lies in `dir`.
    pub fn target(&self, name: &str, dir: &Path) -> Target {
        let key_file = dir.join(format!("{name}.key"));
        write_key(&key_file);
        let events = Event::ALL.iter().copied().collect();
        Target { name: name.to_owned(), url: self.url.clone(), key_file, events, roots: roots_of_system() }
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&Held) -> bool) {
        let began = Instant::now();
        loop {
            let held = self.held();
            if is_so(&held) {
                return;
            }
            let said = || held.taken.iter().map(|call| call.text.clone()).collect::<Vec<_>>().join("\n");
            assert!(began.elapsed() < WAIT_MAX, "{what}: {}", said());
            drop(held);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub fn write_key(path: &Path) {
    std::fs::write(path, format!("{KEY}\n")).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}

fn answer(mut stream: TcpStream, held: &Mutex<Held>) -> Option<()> {
    let call = read(&stream)?;
    let answers = {
        let mut held = held.lock().ok()?;
        let answers = match held.answers.clone().unwrap_or(Answers::Takes) {
            Answers::Few(0) => Answers::Status(503),
            Answers::Few(left) => {
                held.answers = Some(Answers::Few(left - 1));
                Answers::Takes
            }
            answers => answers,
        };
        let of =
            if matches!(answers, Answers::Takes | Answers::Gigabyte) { &mut held.taken } else { &mut held.refused };
        of.push(call);
        answers
    };
    let end = "content-length: 0\r\nconnection: close\r\n\r\n";
    let head = match &answers {
        Answers::Takes | Answers::Few(_) => format!("HTTP/1.1 204 No Content\r\n{end}"),
        Answers::Status(status) => format!("HTTP/1.1 {status} X\r\n{end}"),
        Answers::Redirect(to) => format!("HTTP/1.1 307 X\r\nlocation: {to}\r\n{end}"),
        Answers::Hangs => {
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        Answers::Gigabyte => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1_u64 << 30),
    };
    stream.write_all(head.as_bytes()).ok()?;
    if answers == Answers::Gigabyte {
        let part = vec![b'x'; 64 << 10];
        for _ in 0..(1 << 14) {
            stream.write_all(&part).ok()?;
            held.lock().ok()?.sent += part.len() as u64;
        }
    }
    Some(())
}

fn read(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut signature) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        head.push_str(&line);
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "pulselog-signature" => signature = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).ok()?;
    let body = serde_json::from_str(&text).ok()?;
    Some(Call { signature, head, text, body })
}
