//! A small HTTP client of the log's own API: bearer token, limits, retries.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::failure::Failure;
use crate::cli::input;

/// Longest answer that is read, bytes: a batch answers about 400 bytes a line,
/// a proof with it less than 100 KB.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Of a problem this much is read.
const PROBLEM_BYTES_MAX: usize = 64 << 10;
/// Time that an answer may take before its rate is looked at.
const GRACE: Duration = Duration::from_secs(10);
/// Read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Longest time for one request; the log itself gives up after 30 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Tries before giving up: with the delays below about two minutes.
const ATTEMPTS_MAX: u32 = 9;
/// Tries when nobody answers at all: a wrong address is more likely than a pause.
const ATTEMPTS_UNREACHABLE_MAX: u32 = 4;
/// First delay; doubles up to [`DELAY_MAX`].
const DELAY_FIRST: Duration = Duration::from_millis(500);
const DELAY_MAX: Duration = Duration::from_secs(30);
/// Longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// What a log answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        matches!(self.status, 200 | 201)
    }

    /// Whether the same request may succeed later.
    pub fn is_busy(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// What a problem says, in one line.
    pub fn problem(&self) -> String {
        let said: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let text = |name: &str| said.as_ref().and_then(|s| s.get(name)?.as_str()).map(str::to_owned);
        match (text("code"), text("detail").or_else(|| text("title"))) {
            (Some(code), Some(detail)) => format!("{detail} [{code}]"),
            (Some(code), None) => format!("[{code}]"),
            _ => format!("status {}", self.status),
        }
    }
}

/// Why an answer was not read to its end.
pub enum Unread {
    /// It has more bytes than it may have.
    TooLong,
    /// It came slower than a log must send, or not at all.
    TooSlow {
        rate: u64,
    },
    Failed(String),
}

/// One log, reached over HTTP. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client of the log at `url`. A token goes over plain HTTP to this
    /// machine only, unless `allow_http` says otherwise.
    pub fn new(url: &str, token: Option<String>, allow_http: bool) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/').to_owned();
        let is_plain = match base.split_once("://") {
            Some(("http", rest)) => !is_this_machine(rest),
            Some(("https", _)) => false,
            _ => return Err(Failure::usage(format!("--url {url}: must begin with http:// or https://"))),
        };
        if is_plain && token.is_some() && !allow_http {
            return Err(Failure::usage(format!(
                "--url {url}: would send the token in clear to another machine; use https, or add --allow-http"
            )));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build();
        Ok(Self { agent: ureq::Agent::new_with_config(config), base, token })
    }

    /// The same log with another token.
    pub fn with_token(&self, token: String) -> Self {
        Self { agent: self.agent.clone(), base: self.base.clone(), token: Some(token) }
    }

    /// The address that `path` has.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Reads `path` once.
    pub fn get(&self, path: &str, accept: &str) -> Result<Answer, Failure> {
        self.read(self.agent.get(self.url(path)).header("accept", accept).call(), path)
    }

    /// Reads `path` once, of what it holds no more than `bytes_max`, and no
    /// longer than so much takes at `rate` bytes a second.
    pub fn get_within(&self, path: &str, bytes_max: usize, rate: u64) -> Result<Answer, Unread> {
        let began = Instant::now();
        let longest = GRACE + Duration::from_secs_f64(bytes_max as f64 / rate as f64);
        let config = self.agent.get(self.url(path)).header("accept", "*/*").config();
        let request = config.timeout_global(Some(longest)).timeout_recv_response(Some(GRACE)).build();
        let mut response = request.call().map_err(|error| unread(&error, rate))?;
        let status = response.status().as_u16();
        let bytes_max = if status == 200 { bytes_max } else { PROBLEM_BYTES_MAX };
        let said = response.headers().get("content-length").and_then(|said| said.to_str().ok()?.parse::<u64>().ok());
        if status == 200 && said.is_some_and(|said| said > bytes_max as u64) {
            return Err(Unread::TooLong);
        }
        let (mut body, mut from) = (Vec::new(), response.body_mut().as_reader().take(bytes_max as u64 + 1));
        let mut chunk = vec![0; CHUNK_BYTES.min(bytes_max + 1)];
        loop {
            let read = from.read(&mut chunk).map_err(|error| unread(&ureq::Error::from(error), rate))?;
            if read == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..read]);
            let counted = began.elapsed().saturating_sub(GRACE).as_secs_f64();
            if (body.len() as f64) < counted * rate as f64 {
                return Err(Unread::TooSlow { rate });
            }
        }
        if body.len() > bytes_max && status == 200 {
            return Err(Unread::TooLong);
        }
        body.truncate(bytes_max);
        Ok(Answer { status, body, retry_after: None })
    }

    /// Sends `body`; tries again while the log is busy or cannot be reached.
    /// Safe, since the log answers a known artifact with its first index.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let mut request = self.agent.post(self.url(path)).header("content-type", content_type);
            if let Some(token) = &self.token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = self.read(request.send(body), path);
            let is_final = answer.as_ref().is_ok_and(|answer| !answer.is_busy());
            let attempts_max = if answer.is_ok() { ATTEMPTS_MAX } else { ATTEMPTS_UNREACHABLE_MAX };
            if is_final || attempt >= attempts_max {
                return answer;
            }
            let retry_after = answer.ok().and_then(|answer| answer.retry_after);
            std::thread::sleep(delay(attempt, retry_after)?);
            attempt += 1;
        }
    }

    fn read(&self, got: Result<ureq::http::Response<ureq::Body>, ureq::Error>, path: &str) -> Result<Answer, Failure> {
        let at = |why: String| Failure::incomplete(format!("{}: {why}", self.url(path)));
        let mut response = got.map_err(|error| at(unreached(&error)))?;
        let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX as u64).read_to_vec();
        Ok(Answer {
            status: response.status().as_u16(),
            body: body.map_err(|error| at(error.to_string()))?,
            retry_after: retry_after.map(Duration::from_secs),
        })
    }
}

/// Why nobody was reached.
fn unreached(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "no log listens there; start it with pulselog serve DIR, or correct the address".to_owned()
        }
        other => other.to_string(),
    }
}

fn unread(error: &ureq::Error, rate: u64) -> Unread {
    match error {
        ureq::Error::Timeout(_) => Unread::TooSlow { rate },
        other => Unread::Failed(unreached(other)),
    }
}

/// Exponential with jitter, never less than the server asked for: submitters
/// that were refused together must not come back together.
pub fn delay(attempt: u32, retry_after: Option<Duration>) -> Result<Duration, Failure> {
    let backoff = DELAY_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(DELAY_MAX);
    let [byte] = input::random::<1>()?;
    let jittered = backoff.mul_f64(0.5 + f64::from(byte) / 510.0);
    Ok(jittered.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX)))
}

fn is_this_machine(authority_and_path: &str) -> bool {
    let authority = authority_and_path.split('/').next().unwrap_or_default();
    // What stands before an @ is a user's name, however much it looks like a host.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads a submitter's token from a file.
pub fn read_token(path: &Path) -> Result<String, Failure> {
    let bytes = input::read("--token-file", path, input::SMALL_BYTES_MAX)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "must hold one token, as token new prints it";
        return Err(Failure::fail(format!("--token-file {}: {why}", path.display())));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_tokens_in_clear_to_this_machine_only() {
        let made = |url: &str, allow| Client::new(url, Some("plg_x".into()), allow).is_ok();
        for url in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/", "https://log.example"] {
            assert!(made(url, false), "{url}");
        }
        for url in [
            "http://log.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1:80@evil.example/",
            "http://[2001:db8::1]:80",
            "ftp://log.example",
        ] {
            assert!(!made(url, false), "{url}");
        }
        assert!(made("http://log.example", true));
    }

    #[test]
    fn waits_longer_each_time_and_never_less_than_asked() {
        for attempt in 1..ATTEMPTS_MAX {
            let waited = delay(attempt, None).expect("random bytes");
            assert!(waited >= DELAY_FIRST / 2 && waited <= DELAY_MAX, "{attempt}: {waited:?}");
        }
        let asked = Duration::from_secs(7);
        assert!(delay(1, Some(asked)).expect("random bytes") >= asked);
        assert!(delay(1, Some(Duration::from_secs(100_000))).expect("random bytes") <= RETRY_AFTER_MAX);
    }
}
