//! The way in of a submission: who, what was asked, then the bytes, bounded.
//!
//! A body that will not be taken is answered before it has arrived. What still
//! arrives is read and dropped for a while, since closing at once would throw
//! the answer away with the connection.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::argocd::notifications::TOKEN_PLACE;
use crate::codes::service;
use crate::server::api::answer::JSON;
use crate::server::api::problem::Problem;
use crate::server::api::query::{Param, Query};
use crate::server::api::throttle::Throttle;
use crate::server::config::crowd::Crowd;
use crate::server::pool::Held;
use crate::server::state::AppState;
use crate::server::submitters::live::Submitter;

/// Bytes of a refused body that are read and dropped.
const DRAIN_BYTES_MAX: usize = 256 << 20;
/// How long that may take.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
type Frame = hyper::body::Frame<Bytes>;

/// Room made for a body with its first byte.
const FIRST_ROOM_BYTES: usize = 16 << 10;

/// A submission that may be read.
pub struct Intake {
    /// Who submits.
    pub submitter: Submitter,
    /// What was asked.
    pub query: Query,
    /// The body.
    pub bytes: Bytes,
    /// Its memory, given back with the answer.
    pub held: Held,
}

/// Authenticates, reads the query, then at most `bytes_max` of the body.
///
/// # Errors
/// In this order: token codes, `invalid_parameter`, `content_encoding_refused`,
/// `content_type_refused`,
/// `body_too_large`, `body_incomplete`, `body_too_slow`.
pub async fn receive(
    state: &AppState,
    request: Request,
    media: &'static str,
    bytes_max: usize,
    known: &[Param],
) -> Result<Intake, Problem> {
    let (parts, mut body) = request.into_parts();
    let submitter = match authenticate(state, &parts.headers) {
        Ok(submitter) => submitter,
        Err(problem) => {
            tokio::spawn(drain(body, Some(Arc::clone(&state.judges.throttle))));
            return Err(problem);
        }
    };
    let received = async {
        let query = Query::read(&parts.uri, known)?;
        let reading = Reading { throttle: None, media, pace: Pace::begin(&state.crowd), bytes_max };
        let held = state.pool.memory.hold(submitter.name.as_str());
        let Sent { bytes, held } = reading.hold(&parts.headers, &mut body, held).await?;
        // A body may take minutes: a token that was revoked meanwhile submits nothing.
        let submitter = authenticate(state, &parts.headers)?;
        Ok(Intake { submitter, query, bytes, held })
    }
    .await;
    if received.is_err() {
        tokio::spawn(drain(body, None));
    }
    received
}

/// A body that nobody signs for: it is looked at and forgotten.
pub struct Sent {
    /// The body.
    pub bytes: Bytes,
    /// Its memory, given back with the answer.
    pub held: Held,
}

/// Reads at most `bytes_max` of a body that needs no token.
///
/// # Errors
/// `content_encoding_refused`, `content_type_refused`, what `memory` says when it is full,
/// `body_too_large`, `body_incomplete`, `body_too_slow`.
pub async fn look_at(state: &AppState, headers: &HeaderMap, mut body: Body, bytes_max: usize) -> Result<Sent, Problem> {
    let judges = &state.judges;
    let (pace, throttle) = (Pace::begin(&state.crowd), Some(&*judges.throttle));
    let reading = Reading { throttle, media: JSON, pace, bytes_max };
    let received = reading.hold(headers, &mut body, judges.memory.hold()).await;
    if received.is_err() {
        tokio::spawn(drain(body, Some(Arc::clone(&judges.throttle))));
    }
    received
}

/// The form in which a body comes: of the route's media type, where it says
/// one, and not packed in any way.
fn check_form(headers: &HeaderMap, media: &'static str) -> Result<(), Problem> {
    let is = |value: &HeaderValue, what: &[u8]| value.as_bytes().trim_ascii().eq_ignore_ascii_case(what);
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(|value| is(value, b"identity")) {
        return Err(Problem::new(&service::CONTENT_ENCODING_REFUSED, "send the body without Content-Encoding"));
    }
    let mut transfer = headers.get_all(header::TRANSFER_ENCODING).iter();
    if transfer.next().is_some_and(|value| !is(value, b"chunked")) || transfer.next().is_some() {
        return Err(Problem::new(
            &service::CONTENT_ENCODING_REFUSED,
            "send the body with no Transfer-Encoding but chunked",
        ));
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_right = types.next().is_none_or(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        essence.eq_ignore_ascii_case(media.as_bytes())
    });
    if is_right && types.next().is_none() {
        return Ok(());
    }
    Err(Problem::new(&service::CONTENT_TYPE_REFUSED, format!("send the body as Content-Type: {media}")))
}

/// The token that a request shows, whatever it is worth.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Submitter, Problem> {
    let missing = || Problem::new(&service::TOKEN_MISSING, "send Authorization: Bearer and a token of this log");
    let token = bearer(headers).ok_or_else(missing)?;
    // A reference that whoever sends it should have replaced; no token begins so.
    if token.starts_with('$') {
        let detail =
            "the header holds the name of a secret and not its value: is the key in argocd-notifications-secret?";
        return Err(Problem::new(&service::TOKEN_NOT_REPLACED, detail));
    }
    if token == TOKEN_PLACE {
        let detail =
            "argocd-notifications-secret still holds the place of the token: put the token of this instance there";
        return Err(Problem::new(&service::TOKEN_NOT_REPLACED, detail));
    }
    Ok(state.tokens.authenticate(token)?)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok())
}

/// How far a body may lie behind. What came fast earns no more than one stall:
/// a sender that stops is let go that long after its last byte, however much
/// it sent before.
struct Pace {
    due: Instant,
    stall_max: Duration,
    bytes_per_second: u64,
}

impl Pace {
    fn begin(crowd: &Crowd) -> Self {
        let stall_max = Duration::from_millis(crowd.stall_time_max_ms);
        Self { due: Instant::now() + stall_max, stall_max, bytes_per_second: crowd.body_bytes_per_second_min.max(1) }
    }

    /// `bytes` more came at `now`: when the next must be there.
    fn arrived(&mut self, bytes: usize, now: Instant) {
        let earned = Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / self.bytes_per_second);
        self.due = (self.due + earned).min(now + self.stall_max);
    }
}

/// What each piece of a body counts at least: a piece of one byte costs as much
/// to take as one of many, and a sender chooses how many there are.
const FRAME_BYTES_MIN: usize = 256;

/// How one body is read. Memory is taken as bytes arrive: who only announces
/// them holds none, and who stops sending them loses it soon.
struct Reading<'a> {
    /// Unless somebody stands behind the body.
    throttle: Option<&'a Throttle>,
    media: &'static str,
    pace: Pace,
    bytes_max: usize,
}

impl Reading<'_> {
    async fn hold(mut self, headers: &HeaderMap, body: &mut Body, mut held: Held) -> Result<Sent, Problem> {
        check_form(headers, self.media)?;
        let announced = announced(headers);
        if announced.is_some_and(|length| length > self.bytes_max) {
            return Err(self.too_large());
        }
        let mut bytes = Vec::new();
        while let Some(frame) = self.next(body, bytes.len()).await? {
            let frame =
                frame.map_err(|_| Problem::new(&service::BODY_INCOMPLETE, "the connection ended inside the body"))?;
            let Ok(data) = frame.into_data() else { continue };
            self.pace.arrived(data.len(), Instant::now());
            if let Some(throttle) = self.throttle {
                throttle.pay(data.len().max(FRAME_BYTES_MIN)).await;
            }
            let length = bytes.len() + data.len();
            if length > self.bytes_max {
                return Err(self.too_large());
            }
            if length > bytes.capacity() {
                let room = (2 * length).max(FIRST_ROOM_BYTES).min(announced.unwrap_or(self.bytes_max)).max(length);
                held.grow_to(room)?;
                bytes.reserve_exact(room - bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Sent { bytes: bytes.into(), held })
    }

    async fn next(&self, body: &mut Body, arrived: usize) -> Result<Option<Result<Frame, axum::Error>>, Problem> {
        timeout_at(self.pace.due, body.frame()).await.map_err(|_| {
            let least = self.pace.bytes_per_second;
            Problem::new(&service::BODY_TOO_SLOW, format!("{arrived} bytes arrived, at least {least} a second must"))
        })
    }

    fn too_large(&self) -> Problem {
        Problem::new(&service::BODY_TOO_LARGE, format!("the body may have at most {} bytes", self.bytes_max))
    }
}

async fn drain(mut body: Body, throttle: Option<Arc<Throttle>>) {
    let dropped = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            if let Some(throttle) = &throttle {
                throttle.pay(length.max(FRAME_BYTES_MIN)).await;
            }
            bytes += length;
            if bytes > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME_MAX, dropped).await;
}
