//! A small HTTP client of the log's own API: bearer token, limits, retries.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use pulselog::codes::service::passes;
use pulselog::codes::verdict::RATE_TOO_LOW;
use pulselog::server::api::problem::MEDIA_TYPE;
use pulselog::server::outgoing::is_this_machine;

use crate::cli::bounds::{Pace, too_slow};
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::mistaken::Looks;

/// Longest answer that is read, bytes: a batch answers about 400 bytes a line,
/// a proof with it less than 100 KB.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Of a problem this much is read.
const PROBLEM_BYTES_MAX: usize = 64 << 10;
/// Time that an answer may take before its rate is looked at.
const GRACE: Duration = Duration::from_secs(10);
/// Read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Time from the last byte of a submission to the first of its answer: the log
/// itself gives up after 30 s.
const WORK_TIME_MAX: Duration = Duration::from_secs(45);
/// An answer to a submission has at most as many bytes as it, and so many more
/// a line.
const LINE_BYTES_MAX: usize = 4 << 10;
/// Tries before giving up: with the delays below about two minutes.
const ATTEMPTS_MAX: u32 = 9;
/// Tries when nobody answers at all: a wrong address is more likely than a pause.
const ATTEMPTS_UNREACHABLE_MAX: u32 = 4;
/// First delay; doubles up to [`DELAY_MAX`].
const DELAY_FIRST: Duration = Duration::from_millis(500);
const DELAY_MAX: Duration = Duration::from_secs(30);
/// Names the file with a reader's token, for logs that are closed to strangers:
/// every command that reads one at an address takes it.
pub const READER_TOKEN_FILE: &str = "PULSELOG_READER_TOKEN_FILE";
/// What is said where such a log asks for one.
pub const CLOSED: &str = "this log is closed to strangers; set PULSELOG_READER_TOKEN_FILE to the file of a reader's \
    token (its operator makes one: pulselog token new NAME --reader) [access_closed]";
/// Longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// What was answered, by a log or by whatever stands before it.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether it is a problem as logs write them.
    is_problem: bool,
    retry_after: Option<Duration>,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        matches!(self.status, 200 | 201)
    }

    /// The code of the log's problem; none when it is no log that speaks.
    pub fn code(&self) -> Option<String> {
        let said: serde_json::Value = serde_json::from_slice(&self.body).ok().filter(|_| self.is_problem)?;
        said.get("code")?.as_str().map(str::to_owned)
    }

    /// Whether the same request may succeed later, without anybody's help: the
    /// log's code says so, or a proxy says that the log is away.
    pub fn passes(&self) -> bool {
        let is_away = matches!(self.status, 429 | 502 | 503 | 504);
        self.code().map_or(is_away, |code| passes(&code))
    }

    /// What a problem says, in one line.
    pub fn problem(&self) -> String {
        let said: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok().filter(|_| self.is_problem);
        let text = |name: &str| said.as_ref().and_then(|s| s.get(name)?.as_str()).map(str::to_owned);
        match (text("code"), text("detail").or_else(|| text("title"))) {
            (Some(code), Some(detail)) => format!("{detail} [{code}]"),
            (Some(code), None) => format!("[{code}]"),
            _ => format!("status {}", self.status),
        }
    }

    /// How a run ends that was answered this and not what it asked for.
    pub fn refusal(&self, at: &str, advice: &str) -> Failure {
        let said = self.problem();
        if self.code().is_none() {
            return Failure::incomplete(format!(
                "{at}: {said}, and no log says so; correct the address, or look at what stands before the log"
            ));
        }
        if self.passes() {
            return Failure::incomplete(format!("{at}: {said}; submit again later, nothing is logged twice"));
        }
        Failure::fail(format!("{at}: {said}{advice}"))
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
    /// What reads show to a log that is closed to strangers.
    reader: Option<String>,
    /// Fewest bytes a second that it must send.
    rate: u64,
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
            .timeout_connect(Some(GRACE))
            .build();
        let rate = Pace::default().least_rate();
        Ok(Self { agent: ureq::Agent::new_with_config(config), base, token, reader: None, rate })
    }

    /// A client of the log at `url` that only reads, with the reader's token of
    /// the file that [`READER_TOKEN_FILE`] names, if it is set.
    pub fn of_reader(url: &str) -> Result<Self, Failure> {
        let Some(path) = std::env::var_os(READER_TOKEN_FILE).filter(|path| !path.is_empty()) else {
            return Self::new(url, None, true);
        };
        let reader = Some(token_of(READER_TOKEN_FILE, Path::new(&path))?);
        // The same rule as for any token: in clear to this machine alone.
        Ok(Self { token: None, reader: reader.clone(), ..Self::new(url, reader, false)? })
    }

    /// The same log, which must send so many bytes a second.
    pub fn at_rate(self, rate: u64) -> Self {
        Self { rate, ..self }
    }

    /// The same log with another token.
    pub fn with_token(&self, token: String) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// The address that `path` has.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Reads `path` once.
    pub fn get(&self, path: &str, accept: &str) -> Result<Answer, Failure> {
        self.read(path, accept, ANSWER_BYTES_MAX, self.rate).map_err(|unread| self.unread(path, unread))
    }

    /// Reads `path` once, of what it holds no more than `bytes_max`.
    pub fn get_bounded(&self, path: &str, bytes_max: usize) -> Result<Answer, Unread> {
        self.get_within(path, bytes_max, self.rate)
    }

    /// Reads `path` once, of what it holds no more than `bytes_max`, and no
    /// longer than so much takes at `rate` bytes a second.
    pub fn get_within(&self, path: &str, bytes_max: usize, rate: u64) -> Result<Answer, Unread> {
        self.read(path, "*/*", bytes_max, rate)
    }

    fn read(&self, path: &str, accept: &str, bytes_max: usize, rate: u64) -> Result<Answer, Unread> {
        let mut request = self.agent.get(self.url(path)).header("accept", accept);
        if let Some(reader) = &self.reader {
            request = request.header("authorization", format!("Bearer {reader}"));
        }
        let config = request.config();
        let config = config.timeout_global(Some(GRACE + time_of(bytes_max, rate)));
        let request = config.timeout_recv_response(Some(GRACE)).build();
        received(Instant::now(), request.call(), bytes_max, rate)
    }

    fn send(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Answer, Unread> {
        let lines = body.iter().filter(|byte| **byte == b'\n').count().max(1);
        let bytes_max = body.len().saturating_add(lines.saturating_mul(LINE_BYTES_MAX)).min(ANSWER_BYTES_MAX);
        let mut request = self.agent.post(self.url(path)).header("content-type", content_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let sending = GRACE + time_of(body.len(), self.rate);
        let config = request.config().timeout_send_body(Some(sending)).timeout_recv_response(Some(WORK_TIME_MAX));
        let config = config.timeout_global(Some(sending + WORK_TIME_MAX + GRACE + time_of(bytes_max, self.rate)));
        let answered = config.build().send(body);
        received(Instant::now(), answered, bytes_max, self.rate)
    }

    /// Sends `body`; tries again while the log is busy or cannot be reached,
    /// and tells of each wait. Safe, since the log answers a known artifact
    /// with its first index.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8], tell: &dyn Fn(&str)) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let answer = self.send(path, content_type, body);
            let (why, attempts_max, retry_after) = match &answer {
                Ok(said) if said.passes() => match said.code() {
                    Some(code) => (format!("the log says {code}"), ATTEMPTS_MAX, said.retry_after),
                    None => (format!("no log answers, status {}", said.status), ATTEMPTS_UNREACHABLE_MAX, None),
                },
                Err(Unread::Failed(why)) => (why.clone(), ATTEMPTS_UNREACHABLE_MAX, None),
                _ => return answer.map_err(|unread| self.unread(path, unread)),
            };
            if attempt >= attempts_max {
                return answer.map_err(|unread| self.unread(path, unread));
            }
            let wait = delay(attempt, retry_after)?;
            tell(&again(&why, wait));
            std::thread::sleep(wait);
            attempt += 1;
        }
    }

    fn unread(&self, path: &str, unread: Unread) -> Failure {
        let why = match unread {
            Unread::TooLong => "the answer has more bytes than such an answer has".to_owned(),
            Unread::TooSlow { rate } => format!("the answer {} [{RATE_TOO_LOW}]", too_slow(rate)),
            Unread::Failed(why) => why,
        };
        Failure::incomplete(format!("{}: {why}", self.url(path)))
    }
}

/// What is told of a wait; what to do about it is said when waiting has ended.
pub fn again(why: &str, wait: Duration) -> String {
    let why = why.split(';').next().unwrap_or(why);
    let tenths = (wait.as_secs_f64() * 10.0).round() / 10.0;
    format!("{why}, trying again in {tenths} s")
}

fn time_of(bytes: usize, rate: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate as f64)
}

/// The answer, of which no more than `bytes_max` are read, and those no slower
/// than `rate` from `began` on.
fn received(
    began: Instant,
    got: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    bytes_max: usize,
    rate: u64,
) -> Result<Answer, Unread> {
    let mut response = got.map_err(|error| unread(&error, rate))?;
    let status = response.status().as_u16();
    let is_ok = matches!(status, 200 | 201);
    let bytes_max = if is_ok { bytes_max } else { PROBLEM_BYTES_MAX };
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let said = header("content-length").and_then(|said| said.parse::<u64>().ok());
    let is_problem = header("content-type").is_some_and(|said| said.starts_with(MEDIA_TYPE));
    let retry_after = header("retry-after").and_then(|said| said.parse().ok()).map(Duration::from_secs);
    if is_ok && said.is_some_and(|said| said > bytes_max as u64) {
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
    if body.len() > bytes_max && is_ok {
        return Err(Unread::TooLong);
    }
    body.truncate(bytes_max);
    Ok(Answer { status, body, is_problem, retry_after })
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
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Unread::Failed(format!("nobody answers there within {} s", GRACE.as_secs()))
        }
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

/// Reads a submitter's token from a file.
pub fn read_token(path: &Path) -> Result<String, Failure> {
    token_of("--token-file", path)
}

fn token_of(named: &str, path: &Path) -> Result<String, Failure> {
    let bytes = input::read(named, path, input::SMALL_BYTES_MAX)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let looks = Looks::of(&bytes);
    if !matches!(looks, Looks::Token | Looks::Text) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = looks.words();
        let why = "must hold one token, as pulselog token new prints it";
        return Err(Failure::usage(format!("{named} {}: {what}; {why}", path.display())));
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
