//! A reader of Argo CD's REST API. It only asks with GET, follows no redirect,
//! reads of each answer no more than it may have, and gives up in time. Which
//! addresses it asks is made of names alone: no URL that an answer holds is
//! ever asked.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pulselog::argocd::round::items::{Items, ItemsError};
use pulselog::artifact::json::{self, DEPTH_MAX, Value};
use pulselog::server::outgoing::{self, Patience, is_this_machine};
use pulselog::text::percent;
use zeroize::Zeroizing;

use crate::cli::argocd::refused::Refused;
use crate::cli::failure::Failure;
use crate::cli::input;

/// Longest list of applications, bytes: 20,000 of 50 KB.
const LIST_BYTES_MAX: u64 = 1 << 30;
/// Longest list of projects or events, and longest single application.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Longest error that is read.
const ERROR_BYTES_MAX: u64 = 64 << 10;
const CHUNK_BYTES: usize = 64 << 10;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest wait that a server may ask for.
const RETRY_AFTER_MAX: u64 = 3_600;

/// How one Argo CD is reached.
pub struct Server {
    agent: ureq::Agent,
    base: String,
    token_file: PathBuf,
    seconds_max: u64,
}

/// What of an Argo CD is asked for.
pub struct Asked<'a> {
    pub url: &'a str,
    pub token_file: &'a Path,
    pub ca_file: Option<&'a Path>,
    pub allow_http: bool,
    pub seconds_max: u64,
}

impl Server {
    /// # Errors
    /// An address, root file or token file that cannot be used.
    pub fn new(asked: &Asked<'_>) -> Result<Self, Failure> {
        let base = asked.url.trim_end_matches('/').to_owned();
        let wrong = |why: &str| Err(Failure::usage(format!("--server {}: {why}", asked.url)));
        match base.split_once("://") {
            Some((_, rest)) if rest.contains(['?', '#', '@']) => {
                return wrong("must be an address alone, without user, query or fragment");
            }
            Some(("https", _)) => {}
            Some(("http", rest)) if asked.allow_http || is_this_machine(rest) => {}
            Some(("http", _)) => {
                return wrong("would send the token in clear to another machine; use https, or add --allow-http");
            }
            _ => return wrong("must begin with https:// or http://"),
        }
        // A wrong file is said at once and not after the first wait.
        read_token(asked.token_file).map_err(Failure::usage)?;
        let roots = input::read_roots("--ca-file", asked.ca_file)?;
        let patience = Patience { whole: Duration::from_secs(asked.seconds_max), connect: Some(CONNECT_TIME_MAX) };
        let agent = outgoing::client(roots, patience);
        Ok(Self { agent, base, token_file: asked.token_file.to_owned(), seconds_max: asked.seconds_max })
    }

    /// Who the token is, as the server sees it.
    pub fn user(&self) -> Result<String, Refused> {
        self.value("/api/v1/session/userinfo", |said| {
            let is_somebody = said.get("loggedIn").and_then(Value::as_bool) == Some(true);
            let name = said.text_at("username").filter(|name| is_somebody && !name.is_empty());
            name.map(str::to_owned).ok_or(Refused::Anonymous)
        })
    }

    /// Every application that the token may see, one after the other as it
    /// comes, so that a long list needs no more room than its longest; then what
    /// stands round them. Nothing counts before that is there.
    pub fn applications(&self, each: &mut dyn FnMut(&[u8])) -> Result<Value<'static>, Refused> {
        self.list("/api/v1/applications", LIST_BYTES_MAX, each)
    }

    /// Events of one application, one after the other.
    pub fn events(
        &self,
        name: &str,
        namespace: &str,
        project: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Refused> {
        let path = format!("/api/v1/applications/{}/events?{}", percent::encode(name), query(namespace, project));
        self.list(&path, ANSWER_BYTES_MAX, each).map(drop)
    }

    /// How many projects the token may see.
    pub fn projects(&self) -> Result<usize, Refused> {
        let mut count = 0;
        self.list("/api/v1/projects", ANSWER_BYTES_MAX, &mut |_| count += 1)?;
        Ok(count)
    }

    /// One application as Kubernetes has it now.
    pub fn application(&self, name: &str, namespace: &str, project: &str) -> Result<Vec<u8>, Refused> {
        let path = format!("/api/v1/applications/{}?{}", percent::encode(name), query(namespace, project));
        let body = self.bytes(&path)?;
        parsed(&body)?;
        Ok(body)
    }

    fn value<T>(&self, path: &str, read: impl FnOnce(&Value<'_>) -> Result<T, Refused>) -> Result<T, Refused> {
        let body = self.bytes(path)?;
        read(&parsed(&body)?)
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, Refused> {
        let mut body = Vec::new();
        self.read(path, ANSWER_BYTES_MAX, &mut |chunk| {
            body.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(body)
    }

    fn list(&self, path: &str, bytes_max: u64, each: &mut dyn FnMut(&[u8])) -> Result<Value<'static>, Refused> {
        let broken = |error: ItemsError| Refused::Broken { why: error.to_string() };
        let mut items = Items::new();
        self.read(path, bytes_max, &mut |chunk| items.push(chunk, each).map_err(broken))?;
        items.finish().map_err(broken)
    }

    /// One answer, handed over in pieces. A piece that is refused ends it.
    fn read(
        &self,
        path: &str,
        bytes_max: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let token = read_token(&self.token_file).map_err(|why| Refused::NoToken { why })?;
        let request = self.agent.get(format!("{}{path}", self.base));
        let request = request.header("accept", "application/json");
        let authorization = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut answer = request.header("authorization", authorization.as_str()).call().map_err(|e| self.unread(&e))?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (status, content_type) = (answer.status().as_u16(), header("content-type").to_ascii_lowercase());
        let to_https = header("location").starts_with("https://") && self.base.starts_with("http://");
        let retry_after = header("retry-after").parse().ok();
        if status != 200 {
            let mut said = Vec::new();
            // Whatever can be read of it; the status says the rest.
            let _ = answer.body_mut().as_reader().take(ERROR_BYTES_MAX).read_to_end(&mut said);
            return Err(refused(status, &content_type, &said, to_https, retry_after));
        }
        if content_type.starts_with("text/html") {
            return Err(Refused::Page { status });
        }
        if content_type.split(';').next() != Some("application/json") {
            return Err(Refused::NotJson { content_type });
        }
        let mut from = answer.body_mut().as_reader().take(bytes_max + 1);
        let (mut chunk, mut read) = (vec![0; CHUNK_BYTES], 0);
        loop {
            let got = from.read(&mut chunk).map_err(|error| self.cut(&ureq::Error::from(error)))?;
            read += got as u64;
            if read > bytes_max {
                return Err(Refused::TooLong { bytes_max });
            }
            if got == 0 {
                return Ok(());
            }
            take(&chunk[..got])?;
        }
    }

    fn unread(&self, error: &ureq::Error) -> Refused {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Refused::Unreached { why: format!("nobody answers there within {} s", CONNECT_TIME_MAX.as_secs()) }
            }
            ureq::Error::Timeout(_) => Refused::TooSlow { seconds: self.seconds_max },
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Refused::Unreached { why: "nobody listens there".to_owned() }
            }
            other => Refused::Unreached { why: other.to_string() },
        }
    }

    /// An answer that had begun and was not read to its end.
    fn cut(&self, error: &ureq::Error) -> Refused {
        match error {
            ureq::Error::Timeout(_) => Refused::TooSlow { seconds: self.seconds_max },
            other => Refused::Broken { why: format!("it broke off: {other}") },
        }
    }
}

fn query(namespace: &str, project: &str) -> String {
    format!("appNamespace={}&project={}", percent::encode(namespace), percent::encode(project))
}

fn parsed(body: &[u8]) -> Result<Value<'_>, Refused> {
    json::parse(body, DEPTH_MAX).map_err(|error| Refused::Broken { why: error.to_string() })
}

/// What a status other than 200 means.
fn refused(status: u16, content_type: &str, said: &[u8], to_https: bool, retry_after: Option<u64>) -> Refused {
    let error = json::parse(said, DEPTH_MAX).ok();
    let message = error.as_ref().and_then(|error| error.text_at("message")).map(str::to_owned);
    let code = error.as_ref().and_then(|error| error.get("code")?.as_i64()).and_then(|code| u64::try_from(code).ok());
    let is_argocds = message.is_some() && code.is_some();
    let said = message.unwrap_or_default();
    match status {
        300..=399 => Refused::Moved { status, to_https },
        401 if is_argocds || !content_type.starts_with("text/html") => Refused::Unauthorized { said },
        403 if is_argocds => Refused::Forbidden { is_bare: said == "permission denied", said },
        404 if is_argocds => Refused::Absent { said },
        429 => {
            let seconds = retry_after.map(|seconds| seconds.min(RETRY_AFTER_MAX));
            Refused::Throttled { retry_after: seconds.map(Duration::from_secs) }
        }
        500.. => Refused::Failed { status, said },
        _ if content_type.starts_with("text/html") => Refused::Page { status },
        // Whoever stands before Argo CD knows nothing of its rights.
        403 => Refused::Forbidden { is_bare: true, said },
        404 | 405 => Refused::NotServed { status },
        _ => Refused::Invalid { status, code, said },
    }
}

/// The token in a file that nobody else may read, read anew for every request:
/// whoever rotates it writes it there.
fn read_token(path: &Path) -> Result<Zeroizing<String>, String> {
    let at = |why: &str| format!("--token-file {}: {why}", path.display());
    let bytes = input::read_private("--token-file", "token", path).map_err(|failure| failure.message)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(at("must hold one token of Argo CD, alone"));
    }
    Ok(Zeroizing::new(token.to_owned()))
}
