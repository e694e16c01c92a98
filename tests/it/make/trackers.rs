//! A small server that speaks what Jira, ServiceNow, GitHub and GitLab do of
//! their own, as far as links need it, and answers wrongly when it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use crate::make::listening::listening;

/// The record of the change, and the user that the token is of.
pub const SYS_ID: &str = "0123456789abcdef0123456789abcdef";
pub const CHANGE: &str = "CHG0030052";
const ME: u64 = 7;

/// How an answer is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    Status(u16),
    /// To this address.
    Redirect(String),
    /// A page for people, and 200.
    Page,
    /// JSON of more than is read.
    Long,
    /// The head, and then nothing.
    Hangs,
    /// Half of an answer.
    Cut,
    /// JSON of something else.
    Other,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// What the systems hold.
#[derive(Default)]
pub struct Held {
    pub calls: Vec<Call>,
    /// Remote links of Jira.
    pub links: Vec<Value>,
    /// Work notes of ServiceNow, newest last.
    pub journal: Vec<String>,
    /// Statuses of GitHub, newest last.
    pub statuses: Vec<Value>,
    /// Notes of GitLab: author and body.
    pub notes: Vec<(u64, String)>,
    /// What is answered instead.
    pub wrong: Option<Wrong>,
}

pub struct Trackers {
    pub url: String,
    held: Arc<Mutex<Held>>,
}

impl Trackers {
    pub fn start() -> Self {
        let (url, held) = listening(answer);
        Self { url, held }
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody fails while it is held")
    }

    pub fn answer_wrongly(&self, wrong: Option<Wrong>) {
        self.held().wrong = wrong;
    }

    /// Everything that stands there by now.
    pub fn count(&self) -> usize {
        let held = self.held();
        held.links.len() + held.journal.len() + held.statuses.len() + held.notes.len()
    }
}

fn answer(mut stream: TcpStream, held: &Mutex<Held>) -> Option<()> {
    let call = read(&stream)?;
    let wrong = {
        let mut held = held.lock().ok()?;
        held.calls.push(call.clone());
        held.wrong.clone()
    };
    let (status, media, body) = match &wrong {
        None => {
            let (status, body) = told(&mut *held.lock().ok()?, &call);
            (status, "application/json; charset=utf-8", body.to_string())
        }
        Some(Wrong::Status(status)) => {
            (*status, "application/json", json!({"message": "secret-of-theirs"}).to_string())
        }
        Some(Wrong::Page) => (200, "text/html", "<!doctype html><p>Please log in".to_owned()),
        Some(Wrong::Long) => (200, "application/json", format!("[\"{}\"]", "x".repeat(1 << 20))),
        Some(Wrong::Other) => {
            (if call.method == "POST" { 201 } else { 200 }, "application/json", r#"{"ok":true}"#.into())
        }
        Some(Wrong::Redirect(to)) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            return stream.write_all(head.as_bytes()).ok();
        }
        Some(Wrong::Hangs | Wrong::Cut) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":";
            stream.write_all(head.as_bytes()).ok()?;
            if wrong == Some(Wrong::Hangs) {
                std::thread::sleep(Duration::from_secs(30));
            }
            return Some(());
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

fn read(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Call { method, path, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

/// What the system answers of its own.
fn told(held: &mut Held, call: &Call) -> (u16, Value) {
    let path = call.path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["rest", "api", "2", "issue", _, "remotelink"]) => jira(held, call),
        ("GET", ["api", "now", "table", "change_request"]) => {
            let is_it = call.path.contains(&format!("number%3D{CHANGE}&"));
            let rows = if is_it { json!([{"sys_id": SYS_ID, "number": CHANGE}]) } else { json!([]) };
            (200, json!({ "result": rows }))
        }
        ("GET", ["api", "now", "table", "sys_journal_field"]) => {
            let wanted = call.path.split("valueLIKE").nth(1).and_then(|rest| rest.split("%5E").next());
            let wanted = wanted.unwrap_or_default().replace("%3A", ":");
            let rows: Vec<Value> = held
                .journal
                .iter()
                .rev()
                .filter(|note| note.contains(&wanted))
                .take(10)
                .map(|note| json!({"value": note}))
                .collect();
            (200, json!({ "result": rows }))
        }
        ("PATCH", ["api", "now", "table", "change_request", id]) if *id == SYS_ID => {
            held.journal.push(call.body["work_notes"].as_str().unwrap_or_default().to_owned());
            (200, json!({"result": {"sys_id": SYS_ID}}))
        }
        ("GET", ["repos", _, _, "commits", _, "statuses"]) => {
            (200, Value::Array(held.statuses.iter().rev().take(30).cloned().collect()))
        }
        ("POST", ["repos", _, _, "statuses", _]) => {
            let mut status = call.body.clone();
            status["id"] = json!(held.statuses.len() + 1);
            status["creator"] = json!({"login": "pulselog[bot]"});
            held.statuses.push(status.clone());
            (201, status)
        }
        ("GET", ["api", "v4", "user"]) => (200, json!({"id": ME, "username": "pulselog"})),
        (_, ["api", "v4", "projects", _, "merge_requests", _, "notes", rest @ ..]) => gitlab(held, call, rest),
        _ => (404, json!({"message": "404 Not Found"})),
    }
}

fn jira(held: &mut Held, call: &Call) -> (u16, Value) {
    let known = held.links.iter().position(|link| link["globalId"] == call.body["globalId"]);
    let status = if known.is_some() { 200 } else { 201 };
    let id = known.unwrap_or_else(|| {
        held.links.push(Value::Null);
        held.links.len() - 1
    });
    held.links[id] = call.body.clone();
    (status, json!({"id": 10_000 + id, "self": format!("https://jira.example/rest/api/issue/X/remotelink/{id}")}))
}

fn gitlab(held: &mut Held, call: &Call, rest: &[&str]) -> (u16, Value) {
    let body = call.body["body"].as_str().unwrap_or_default().to_owned();
    let note =
        |id: usize, (author, body): &(u64, String)| json!({"id": id + 1, "body": body, "author": {"id": author}});
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let number = |name: &str| {
                let value = call.path.split(&format!("{name}=")).nth(1).and_then(|rest| rest.split('&').next());
                value.and_then(|value| value.parse::<usize>().ok()).unwrap_or(1)
            };
            let (size, page) = (number("&per_page"), number("&page"));
            let rows = held.notes.iter().enumerate().skip(size * (page - 1)).take(size);
            (200, rows.map(|(id, own)| note(id, own)).collect())
        }
        ("POST", []) => {
            held.notes.push((ME, body));
            (201, note(held.notes.len() - 1, &held.notes[held.notes.len() - 1]))
        }
        ("PUT", [id]) => {
            let at = id.parse::<usize>().unwrap_or(0).wrapping_sub(1);
            match held.notes.get_mut(at).filter(|(author, _)| *author == ME) {
                Some(own) => {
                    own.1 = body;
                    (200, note(at, own))
                }
                None => (403, json!({"message": "403 Forbidden"})),
            }
        }
        _ => (404, json!({"message": "404 Not Found"})),
    }
}
