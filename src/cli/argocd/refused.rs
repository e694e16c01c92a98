//! What an Argo CD answers that is not what was asked for. Each says in one
//! line what it means and what to do, and how long it is worth waiting.

use std::time::Duration;

/// First wait after an answer that passes by itself; doubles up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_secs(5);
/// Longest wait between two rounds: as long as one heartbeat.
const WAIT_MAX: Duration = Duration::from_secs(240);
/// First wait after an answer that somebody must do something about.
const WAIT_FOR_SOMEBODY: Duration = Duration::from_secs(60);
/// Longest text of a server that is repeated, characters.
const SAID_CHARS_MAX: usize = 300;

/// Why an answer of Argo CD is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 401: the token is unknown, deleted or expired.
    Unauthorized { said: String },
    /// Who asks is nobody: with anonymous access a bad token is answered so.
    Anonymous,
    /// Status 403. Without words of its own it is no refusal: a server whose
    /// Kubernetes API is away answers the same.
    Forbidden { said: String, is_bare: bool },
    /// 404 of Argo CD itself: there is no such application or project.
    Absent { said: String },
    /// 404 or 405 of anything else: no Argo CD is served there.
    NotServed { status: u16 },
    /// 429, and how long to stay away where it says so.
    Throttled { retry_after: Option<Duration> },
    /// 400, 409 and other refusals of the request.
    Invalid { status: u16, code: Option<u64>, said: String },
    /// 5xx.
    Failed { status: u16, said: String },
    /// 3xx: never followed.
    Moved { status: u16, to_https: bool },
    /// A page for people: a login, a proxy's error.
    Page { status: u16 },
    /// Some other type of content.
    NotJson { content_type: String },
    /// JSON that ends early or is none.
    Broken { why: String },
    /// More bytes than such an answer has.
    TooLong { bytes_max: u64 },
    /// It did not come to its end in time.
    TooSlow { seconds: u64 },
    /// Nobody was reached.
    Unreached { why: String },
    /// The token could not be read.
    NoToken { why: String },
}

impl Refused {
    /// One word, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Anonymous => "anonymous",
            Self::Forbidden { is_bare: true, .. } => "unknown",
            Self::Forbidden { .. } => "forbidden",
            Self::Absent { .. } => "absent",
            Self::NotServed { .. } => "not_served",
            Self::Throttled { .. } => "throttled",
            Self::Invalid { .. } => "invalid",
            Self::Failed { .. } => "failed",
            Self::Moved { .. } => "moved",
            Self::Page { .. } => "page",
            Self::NotJson { .. } => "not_json",
            Self::Broken { .. } => "broken",
            Self::TooLong { .. } => "too_long",
            Self::TooSlow { .. } => "too_slow",
            Self::Unreached { .. } => "unreached",
            Self::NoToken { .. } => "no_token",
        }
    }

    /// What it means and what to do, in one line without a full stop.
    pub fn line(&self) -> String {
        match self {
            Self::Unauthorized { said } => format!(
                "401, the token is not taken ({}); put a valid one into the token file, it is read again every time",
                short(said)
            ),
            Self::Anonymous => "the token is nobody's: Argo CD takes who asks for an anonymous user; put a valid one \
                                into the token file"
                .to_owned(),
            Self::Forbidden { is_bare: true, .. } => "403 without a reason, so unknown: Argo CD answers this when a \
                                                      right is missing, and when its Kubernetes API is away"
                .to_owned(),
            Self::Forbidden { said, .. } => {
                format!("403, {}; give the poller's role applications, get and projects, get", short(said))
            }
            Self::Absent { said } => format!("404, {}", short(said)),
            Self::NotServed { status } => {
                format!("{status}, and not by Argo CD; correct --server (a server with --rootpath needs it there)")
            }
            Self::Throttled { retry_after: Some(wait) } => format!("429, stay away for {} s", wait.as_secs()),
            Self::Throttled { retry_after: None } => {
                "429, too many requests, or the answer is larger than Argo CD sends".to_owned()
            }
            Self::Invalid { status, said, .. } => format!("{status}, {}", short(said)),
            Self::Failed { status, said } => format!("{status}, Argo CD or what it needs fails ({})", short(said)),
            Self::Moved { status, to_https: true } => {
                format!("{status} to https, which is not followed; give --server https://…")
            }
            Self::Moved { status, to_https: false } => format!(
                "{status}, a redirect, which is never followed; give Argo CD's own address, or let the poller past \
                 what stands before it"
            ),
            Self::Page { status } => format!(
                "{status} with a page for people, a login or an error of a proxy; give Argo CD's own address, or let \
                 the poller past what stands before it"
            ),
            Self::NotJson { content_type } => {
                format!("the answer is {}, not JSON; correct --server", short(content_type))
            }
            Self::Broken { why } => format!("the answer is no whole JSON ({}): nothing in it counts", short(why)),
            Self::TooLong { bytes_max } => format!("the answer has more than {bytes_max} bytes: nothing in it counts"),
            Self::TooSlow { seconds } => {
                format!("the answer did not come to its end within {seconds} s; give more with --timeout")
            }
            Self::Unreached { why } => format!("not reached: {}", short(why)),
            Self::NoToken { why } => short(why),
        }
    }

    /// Whether it may pass without anybody's help.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unauthorized { .. }
            | Self::Anonymous
            | Self::Forbidden { is_bare: false, .. }
            | Self::NotServed { .. }
            | Self::Moved { .. }
            | Self::Page { .. }
            | Self::NotJson { .. }
            | Self::NoToken { .. } => false,
            Self::Forbidden { .. }
            | Self::Absent { .. }
            | Self::Throttled { .. }
            | Self::Invalid { .. }
            | Self::Failed { .. }
            | Self::Broken { .. }
            | Self::TooLong { .. }
            | Self::TooSlow { .. }
            | Self::Unreached { .. } => true,
        }
    }

    /// How long to stay away after so many rounds in a row that did not count:
    /// longer each time, and never less than the server asks for.
    pub fn wait(&self, in_a_row: u32) -> Duration {
        let first = if self.passes() { WAIT_FIRST } else { WAIT_FOR_SOMEBODY };
        let backoff = first.saturating_mul(1 << in_a_row.saturating_sub(1).min(16)).min(WAIT_MAX);
        match self {
            Self::Throttled { retry_after: Some(asked) } => backoff.max(*asked).min(WAIT_MAX),
            _ => backoff,
        }
    }
}

/// What a server said, cut and on one line.
fn short(said: &str) -> String {
    let mut chars = said.chars();
    let mut text: String = chars.by_ref().take(SAID_CHARS_MAX).collect();
    if chars.next().is_some() {
        text.push('…');
    }
    pulselog::verify::plain_text::escape(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_and_never_less_than_asked_nor_more_than_a_heartbeat() {
        let failed = Refused::Failed { status: 500, said: String::new() };
        let waits: Vec<_> = (1..10).map(|row| failed.wait(row)).collect();
        assert!(waits.is_sorted() && waits[0] == WAIT_FIRST && waits[8] == WAIT_MAX, "{waits:?}");
        assert_eq!(Refused::Anonymous.wait(1), WAIT_FOR_SOMEBODY);
        let asked = |seconds| Refused::Throttled { retry_after: Some(Duration::from_secs(seconds)) }.wait(1);
        assert_eq!((asked(30), asked(0), asked(1 << 40)), (Duration::from_secs(30), WAIT_FIRST, WAIT_MAX));
    }

    #[test]
    fn what_a_server_says_stays_on_one_line_and_short() {
        let line = Refused::Failed { status: 500, said: format!("a\n\u{1b}[31m{}", "x".repeat(9_999)) }.line();
        assert!(!line.contains('\n') && !line.contains('\u{1b}') && line.chars().count() < 400, "{line}");
    }
}
