//! Argo CD's server log, a JSON object a line (PEERS 7.14): what it refused,
//! which nothing else shows.
//!
//! ```text
//! received unary call …/Sync   {claims?}          who calls, where claims are logged
//! user tried to get application …: permission denied: applications, get, p/a, sub: S   a refusal
//! finished call, PermissionDenied: permission denied: applications, sync, p/a, sub: S  a refusal
//! finished call, PermissionDenied: permission denied                                   the end of the first
//! ```
//!
//! No id links the lines of a call. What was read is told too, part by part
//! ([`parts`]).

mod parts;

use std::collections::VecDeque;

use crate::argocd::members::{fitted, instant, text};
use crate::argocd::observation::{Channel, Observation};
use crate::argocd::reading::read;
use crate::artifact::json::{Value, parse};
use crate::artifact::time::unix_ms;

use self::parts::{Parts, Step};

pub use self::parts::{DISORDER_MS, PART_MS, SILENCE_MS};

/// Calls that are remembered until their refusal: those of a moment.
const CALLS_MAX: usize = 256;
/// Longest time that a refusal at look-up waits for the end of its call.
const WAIT_MS: i64 = 60_000;
/// Longest line that is read.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Memory that the values of one line may take.
const ROOM_BYTES: usize = 16 << 20;
/// Longest text of a denial (FORMATS 5.5).
const TEXT_BYTES_MAX: usize = 256;
const RECEIVED: &str = "received unary call /";
const TRIED: &str = "user tried to ";
const DENIED: &str = "permission denied: ";
/// A token of a role that is no longer on the project's list.
const REVOKED: &str = "invalid session: JWT token for role '";

/// What was read and what could not be: a log that lacks something is no
/// proof that it did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCoverage {
    pub lines: u64,
    /// Not JSON, or too long: another log format is configured.
    pub unread: u64,
    /// Calls whose claims were logged, and those without: their tokens are unseen.
    pub calls_with_claims: u64,
    pub calls_without_claims: u64,
    /// Refusals that do not name both user and call, among them those of an API
    /// server that is down.
    pub refusals_unnamed: u64,
    pub denials: u64,
    /// Where lines do not follow those before them: nobody can tell silence from
    /// lines that are missing.
    pub breaks: u64,
}

/// Reads lines in their order.
#[derive(Debug, Default)]
pub struct ServerLog {
    calls: VecDeque<Call>,
    /// Refusals at look-up whose call has not finished yet, and the time of the
    /// log when each was read.
    waiting: VecDeque<(i64, Denial)>,
    parts: Parts,
    coverage: LogCoverage,
}

/// A call whose claims were logged.
#[derive(Debug)]
struct Call {
    method: String,
    at: Option<String>,
    subject: String,
    token_id: String,
}

#[derive(Clone, Debug)]
struct Denial {
    at: Option<String>,
    method: Option<String>,
    code: &'static str,
    subject: String,
    verb: Option<String>,
    object: Option<String>,
    token_id: Option<String>,
    line: Vec<u8>,
    /// Whether somebody else waited with it: then nothing tells whose end is whose.
    is_beside: bool,
}

impl ServerLog {
    /// What a line makes known; most make nothing.
    #[must_use]
    pub fn line(&mut self, instance: &str, line: &[u8]) -> Vec<Observation> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Vec::new();
        }
        let value = if line.len() <= LINE_BYTES_MAX { read(line, ROOM_BYTES).ok() } else { None };
        let value = value.filter(|value| value.as_object().is_some());
        let at = value.as_ref().and_then(|value| instant(value, "time").ok().flatten()).and_then(|at| unix_ms(&at));
        let mut told = at.map(|ms| self.goes_to(instance, ms)).unwrap_or_default();
        self.parts.take(line);
        self.coverage.lines += 1;
        let Some(value) = value else {
            self.coverage.unread += 1;
            return told;
        };
        let said = text(&value, "msg").ok().flatten().unwrap_or_default();
        match () {
            () if said.starts_with(RECEIVED) => self.received(&value, &said[RECEIVED.len()..]),
            () if said.starts_with(TRIED) => {
                let now = self.parts.now_ms().unwrap_or(i64::MIN);
                Denial::named(said, &value, line).into_iter().for_each(|denial| self.waits(now, denial));
                // One that never finishes is told by the next.
                let is_over = self.waiting.len() > CALLS_MAX;
                told.extend(self.waiting.pop_front_if(|_| is_over).map(|(_, denial)| self.told(instance, denial)));
            }
            () if said.starts_with("finished") => {
                told.extend(self.finished(&value, line).map(|denial| self.told(instance, denial)));
            }
            () => {}
        }
        told
    }

    /// Waits for the end of its call. No id links the two: where two users wait, the
    /// ends say only that both were refused something.
    fn waits(&mut self, now: i64, denial: Denial) {
        let others = |(_, other): &(i64, Denial)| other.is_beside || other.subject != denial.subject;
        let is_beside = self.waiting.iter().any(others);
        self.waiting.push_back((now, denial));
        self.waiting.iter_mut().filter(|_| is_beside).for_each(|(_, denial)| denial.is_beside = true);
    }

    /// Goes on to a line of this time; what nothing is waited for any more.
    fn goes_to(&mut self, instance: &str, ms: i64) -> Vec<Observation> {
        let step = self.parts.step(ms);
        if step == Step::Break && self.parts.now_ms().is_some() {
            self.coverage.breaks += 1;
        }
        self.parts.go_to(instance, ms, step, self.coverage);
        let mut told = Vec::new();
        // After a break no call goes on.
        while let Some((_, denial)) =
            self.waiting.pop_front_if(|(since, _)| step == Step::Break || ms.saturating_sub(*since) > WAIT_MS)
        {
            told.push(self.told(instance, denial));
        }
        told.extend(self.parts.ready(self.waiting.front().map(|(since, _)| *since)));
        told
    }

    /// What still waits when the log has ended, and what was read.
    #[must_use]
    pub fn end(mut self, instance: &str) -> (Vec<Observation>, LogCoverage) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut told: Vec<_> = waiting.into_iter().map(|(_, denial)| self.told(instance, denial)).collect();
        self.parts.close(instance, self.coverage);
        told.extend(self.parts.ready(None));
        (told, self.coverage)
    }

    fn received(&mut self, value: &Value, method: &str) {
        // Claims are JSON in a text; the name of the member has dots.
        let claims = value.get("grpc.request.claims").and_then(Value::as_str);
        let claims = claims.and_then(|claims| parse(claims.as_bytes(), 8).ok());
        let member = |name: &str| claims.as_ref().and_then(|claims| claims.text_at(name)).map(str::to_owned);
        let (Some(subject), Some(token_id)) = (member("sub"), member("jti")) else {
            self.coverage.calls_without_claims += 1;
            return;
        };
        self.coverage.calls_with_claims += 1;
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        let at = instant(value, "time").ok().flatten();
        self.calls.push_back(Call { method: method.to_owned(), at, subject, token_id });
    }

    fn finished(&mut self, value: &Value, line: &[u8]) -> Option<Denial> {
        let member = |name: &str| value.get(name).and_then(Value::as_str);
        let code = member("grpc.code")?;
        let method = [member("grpc.service"), member("grpc.method")];
        let method = method.into_iter().flatten().collect::<Vec<_>>().join("/");
        let said = member("grpc.error").or_else(|| member("error")).unwrap_or_default();
        let said = said.split_once("desc = ").map_or(said, |(_, said)| said);
        let found = match code {
            "PermissionDenied" if said.starts_with(DENIED) => Denial::named(said, value, line),
            "PermissionDenied" if said == "permission denied" => self.waiting.pop_front().map(|(_, denial)| denial),
            "Unauthenticated" => Denial::revoked(said, value, line),
            "PermissionDenied" => None,
            _ => return None,
        };
        let Some(denial) = found else {
            self.coverage.refusals_unnamed += 1;
            return None;
        };
        if denial.is_beside {
            // It names its user and not its call.
            self.coverage.refusals_unnamed += 1;
            return Some(denial);
        }
        let token_id = self.token(&method, &denial);
        Some(Denial { method: Some(method), token_id, ..denial })
    }

    /// The token of a refused call, where only one can be meant.
    fn token(&self, method: &str, denial: &Denial) -> Option<String> {
        let same = |call: &&Call| call.method == method && call.subject == denial.subject && call.at == denial.at;
        let mut tokens: Vec<_> = self.calls.iter().filter(same).map(|call| call.token_id.clone()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        if tokens.len() == 1 { tokens.pop() } else { None }
    }

    fn told(&mut self, instance: &str, denial: Denial) -> Observation {
        self.coverage.denials += 1;
        let short = |text: &str| Value::from(fitted(text, TEXT_BYTES_MAX).into_owned());
        let mut said = Observation::of_none(Channel::ServerLog, instance, "denial", &denial.line)
            .with("method", short(denial.method.as_deref().unwrap_or("unknown")))
            .with("code", denial.code)
            .with("subject", short(&denial.subject));
        let members =
            [("verb", denial.verb), ("object", denial.object), ("token_id", denial.token_id), ("at", denial.at)];
        for (name, value) in members {
            if let Some(value) = value {
                said = said.with(name, short(&value));
            }
        }
        said
    }
}

impl Denial {
    /// `…permission denied: RESOURCE, VERB, OBJECT, sub: SUBJECT, iat: TIME`.
    fn named(said: &str, value: &Value, line: &[u8]) -> Option<Self> {
        let (_, rest) = said.split_once(DENIED)?;
        // The object is as the caller wrote it, and may hold these words: the subject
        // begins at the last of them. It may hold commas: it ends where the time begins.
        let (what, who) = rest.rsplit_once(", sub: ")?;
        let subject = who.rsplit_once(", iat: ").map_or(who, |(subject, _)| subject);
        let mut parts = what.splitn(3, ", ");
        let (resource, verb, object) = (parts.next()?, parts.next(), parts.next());
        Some(Self {
            at: instant(value, "time").ok().flatten(),
            method: None,
            code: "PermissionDenied",
            subject: subject.to_owned(),
            verb: verb.map(|verb| format!("{resource}, {verb}")),
            object: object.map(str::to_owned),
            token_id: None,
            line: line.to_owned(),
            is_beside: false,
        })
    }

    /// `invalid session: JWT token for role 'ROLE' issued at '…' does not exist in project 'PROJECT'`.
    fn revoked(said: &str, value: &Value, line: &[u8]) -> Option<Self> {
        let (role, rest) = said.strip_prefix(REVOKED)?.split_once('\'')?;
        let (_, project) = rest.split_once("in project '")?;
        Some(Self {
            at: instant(value, "time").ok().flatten(),
            method: None,
            code: "Unauthenticated",
            subject: format!("proj:{}:{role}", project.trim_end_matches('\'')),
            verb: None,
            object: None,
            token_id: None,
            line: line.to_owned(),
            is_beside: false,
        })
    }
}
