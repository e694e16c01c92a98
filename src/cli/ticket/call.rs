//! One ticket system over HTTP: addresses from the configuration, no redirect,
//! no proxy of the environment, answers of bounded size and time. What is sent
//! can be shown; what it is sent with cannot.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use pulselog::server::outgoing::{self, Patience};
use pulselog::verify::plain_text::escape_lines;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::ticket::System;
use crate::cli::ticket::config::Place;

/// Longest answer that is read, bytes, and longest time that one may take.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// What came of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Made,
    Updated,
    /// It says so already.
    Same,
}

/// One request, without what it is sent with.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    /// Below the system's address.
    pub path: String,
    pub body: Option<Value>,
}

/// An answer that was read whole.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Request {
    pub fn get(path: String) -> Self {
        Self { method: "GET", path, body: None }
    }

    pub fn with(method: &'static str, path: String, body: Value) -> Self {
        Self { method, path, body: Some(body) }
    }

    /// As it is printed: method, address and body, and no header.
    pub fn shown(&self, base: &str) -> String {
        let body = self.body.as_ref().and_then(|body| serde_json::to_string_pretty(body).ok());
        let body = body.map_or(String::new(), |body| format!("\n{}\n", escape_lines(&body)));
        format!("{} {base}{}\n{body}", self.method, self.path)
    }
}

/// How one system is reached.
pub struct Tracker {
    agent: ureq::Agent,
    system: System,
    base: String,
    token_file: PathBuf,
    user: Option<String>,
}

impl Tracker {
    /// # Errors
    /// A token or root file that cannot be used.
    pub fn new(system: System, place: &Place) -> Result<Self, Failure> {
        // A wrong file is said before anything is sent.
        read_token(place)?;
        let roots = input::read_roots("ca_file", place.ca_file.as_deref())?;
        let agent = outgoing::client(roots, Patience { whole: ANSWER_TIME_MAX, connect: None });
        let (base, user) = (place.url.clone(), place.user.clone());
        let token_file = place.token_file.clone();
        Ok(Self { agent, system, base, token_file, user })
    }

    /// Sends one request. Any status is an answer; what is no JSON, is too long
    /// or too slow, or leads elsewhere, is none.
    ///
    /// # Errors
    /// Nobody was reached, or no such system answers.
    pub fn call(&self, request: &Request) -> Result<Answer, Failure> {
        let (name, at) = (self.system.name(), format!("{} {}", request.method, request.path));
        let away = |why: String| Failure::incomplete(format!("{name}: {at}: {why}"));
        let (header, value) = self.credential()?;
        let url = format!("{}{}", self.base, request.path);
        let body = request.body.as_ref().map(serde_json::to_vec).transpose();
        let body = body.map_err(|_| away("the request cannot be written".to_owned()))?;
        let accept = if self.system == System::GitHub { "application/vnd.github+json" } else { "application/json" };
        let sent = match (request.method, body) {
            ("GET", _) => self.agent.get(&url).header(header, value.as_str()).header("accept", accept).call(),
            (method, body) => {
                let request = match method {
                    "PUT" => self.agent.put(&url),
                    "PATCH" => self.agent.patch(&url),
                    _ => self.agent.post(&url),
                };
                let request = request.header(header, value.as_str()).header("accept", accept);
                request.header("content-type", "application/json").send(body.unwrap_or_default())
            }
        };
        let mut answer = sent.map_err(|error| away(unreached(&error)))?;
        let status = answer.status().as_u16();
        if (300..400).contains(&status) {
            return Err(away(format!("status {status} leads elsewhere, and no redirect is followed; correct the url")));
        }
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|media| media.to_ascii_lowercase().starts_with("application/json"));
        let mut bytes = Vec::new();
        let mut from = answer.body_mut().as_reader().take(ANSWER_BYTES_MAX + 1);
        from.read_to_end(&mut bytes).map_err(|error| away(unreached(&ureq::Error::from(error))))?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(away(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
        }
        let is_good = (200..300).contains(&status);
        match serde_json::from_slice(&bytes) {
            Ok(body) if is_json || !is_good => Ok(Answer { status, body }),
            _ if is_good => Err(away(format!("status {status} without JSON; is this {name}’s own address?"))),
            _ => Ok(Answer { status, body: Value::Null }),
        }
    }

    /// The body of an answer of one of these statuses.
    ///
    /// # Errors
    /// Refused, or away. Nothing of the answer is repeated.
    pub fn answered(&self, request: &Request, good: &[u16]) -> Result<Answer, Failure> {
        let answer = self.call(request)?;
        let (status, name) = (answer.status, self.system.name());
        let at = format!("{name}: {} {}", request.method, request.path);
        match status {
            _ if good.contains(&status) => Ok(answer),
            401 | 403 => Err(Failure::fail(format!("{at}: status {status}: the token may not do this"))),
            404 => {
                Err(Failure::fail(format!("{at}: status 404: there is no such ticket, or the token may not see it")))
            }
            429 | 500.. => Err(Failure::incomplete(format!("{at}: status {status}; send again later"))),
            _ => Err(Failure::fail(format!("{at}: status {status}"))),
        }
    }

    /// An answer that is not what such a system answers.
    pub fn strange(&self, request: &Request, what: &str) -> Failure {
        Failure::incomplete(format!("{}: {} {}: {what}", self.system.name(), request.method, request.path))
    }

    /// Name and value of the header that says who sends.
    fn credential(&self) -> Result<(&'static str, Zeroizing<String>), Failure> {
        let place =
            Place { url: String::new(), token_file: self.token_file.clone(), user: self.user.clone(), ca_file: None };
        let token = read_token(&place)?;
        Ok(match (&self.user, self.system) {
            (Some(user), _) => {
                let both = Zeroizing::new(format!("{user}:{}", token.as_str()));
                let encoded = Zeroizing::new(Base64::encode_string(both.as_bytes()));
                ("authorization", Zeroizing::new(format!("Basic {}", encoded.as_str())))
            }
            (None, System::GitLab) => ("private-token", token),
            (None, System::Jira | System::ServiceNow | System::GitHub) => {
                ("authorization", Zeroizing::new(format!("Bearer {}", token.as_str())))
            }
        })
    }
}

/// The token, read anew for every request: whoever rotates it writes it there.
fn read_token(place: &Place) -> Result<Zeroizing<String>, Failure> {
    let bytes = input::read_private("token_file", "token", &place.token_file)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let path = place.token_file.display();
        return Err(Failure::usage(format!("token_file {path}: must hold one token, alone")));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

fn unreached(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no whole answer within {} s", ANSWER_TIME_MAX.as_secs()),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nobody listens there".to_owned()
        }
        other => other.to_string(),
    }
}
