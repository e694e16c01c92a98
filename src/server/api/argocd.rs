//! What Argo CD's notification controller tells: `POST /v1/ingest/argocd`.
//!
//! The controller has one worker for all applications, waits for an answer
//! without end, tries again after 5xx alone, and leaves every connection open.
//! So an answer comes within a second whatever the log does, whatever is our
//! own trouble is 503, and each answer closes its connection (PEERS 7.13).
//!
//! What was told before is the same artifact, since the nonce follows from the
//! content: the log's own answer to a duplicate tells it, after a restart too.
//! One whose message alone is another is known by [`told`].

pub(crate) mod told;

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::timeout;

use crate::argocd::{Event, Notification, read};
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{room_for, to_compact};
use crate::artifact::{AdmitError, Admitted, GrantError, admit};
use crate::codes::service;
use crate::entry::PendingEntry;
use crate::merkle::TreeSize;
use crate::server::addresses;
use crate::server::api::argocd::told::{Account, Place};
use crate::server::api::problem::Problem;
use crate::server::api::submit::ADMITTED_HERE_BYTES_MAX;
use crate::server::api::wire::ObservedJson;
use crate::server::api::{answer, intake};
use crate::server::log::Item;
use crate::server::state::AppState;
use crate::server::submitters::live::Submitter;

/// Largest body; a notification has a few kilobytes.
const BODY_BYTES_MAX: usize = 2 << 20;
/// How long the log may take before the controller is told to try again.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(900);

/// `POST /v1/ingest/argocd`.
pub async fn ingest(State(state): State<AppState>, request: Request) -> Response {
    let taken = take(&state, request).await.map_err(in_our_trouble);
    let mut response = taken.unwrap_or_else(Problem::into_response);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    // Its own pace lasts 17 seconds; asked to come back after one, it gives up after five.
    response.headers_mut().remove(header::RETRY_AFTER);
    response
}

/// The controller gives up on everything but 5xx, and would not know what to
/// make of the others of these.
fn in_our_trouble(problem: Problem) -> Problem {
    let status = problem.status();
    if !status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE {
        return problem;
    }
    let code = problem.code();
    Problem::new(&service::NOT_TAKEN_NOW, format!("{code}: {}; the same notification is taken later", code.means))
}

async fn take(state: &AppState, request: Request) -> Result<Response, Problem> {
    // Read before the request is used up; who it is of is asked next.
    let secret = intake::bearer(request.headers()).unwrap_or_default().to_owned();
    let intake = intake::receive(state, request, answer::JSON, BODY_BYTES_MAX, &[]).await?;
    let late = |_| Problem::new(&service::TIMEOUT, "the log takes longer than a notification may wait; send it again");
    let work = async {
        let room = state.log.reserve([intake.bytes.len()].into_iter())?;
        let admission = Admission { state: state.clone(), submitter: intake.submitter, secret };
        let bytes = intake.bytes;
        let Ready { item, heard, artifact, account } = match bytes.len() {
            0..=ADMITTED_HERE_BYTES_MAX => admission.admit(&bytes)?,
            _ => state.pool.run(move || admission.admit(&bytes)).await??,
        };
        drop(intake.held);
        // An account that is remembered was answered, so it is published.
        if let Some(place) = state.told.find(&account).filter(|place| place.artifact != artifact) {
            return Ok(Answered { place, tree_size: state.log.view().size(), is_known: true, heard });
        }
        let logged = state.log.submit_at(room, vec![item]).await?;
        let logged = logged.into_iter().next().ok_or_else(Problem::internal)??;
        let place = Place { index: logged.index, leaf_hash: logged.leaf_hash, artifact };
        state.told.add(account, place);
        Ok::<_, Problem>(Answered { place, tree_size: logged.tree_size, is_known: logged.duplicate, heard })
    };
    timeout(ANSWER_TIME_MAX, work).await.map_err(late)??.answer(state)
}

/// Where a notification stands in the log.
pub struct Answered {
    pub place: Place,
    pub tree_size: TreeSize,
    /// Whether it stood there before.
    pub is_known: bool,
    pub heard: Heard,
}

impl Answered {
    fn answer(self, state: &AppState) -> Result<Response, Problem> {
        if self.is_known {
            state.metrics.duplicate();
        }
        let status = if self.is_known { StatusCode::OK } else { StatusCode::CREATED };
        let location = HeaderValue::from_str(&addresses::entry(self.place.index)).map_err(|_| Problem::internal())?;
        let mut response = answer::json_status(status, &ObservedJson::new(self))?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}

/// What admission needs of a request.
struct Admission {
    state: AppState,
    submitter: Submitter,
    /// The token itself: nonces follow from it.
    secret: String,
}

struct Ready {
    item: Item,
    heard: Heard,
    artifact: ArtifactDigest,
    account: Account,
}

/// What a notification was about, for the answer.
pub struct Heard {
    pub event: &'static str,
    pub op_key: Option<String>,
    pub backfill: bool,
    pub redacted: Vec<String>,
}

impl Admission {
    fn admit(&self, bytes: &Bytes) -> Result<Ready, Problem> {
        let body = read(bytes, room_for(bytes.len())).map_err(AdmitError::from)?;
        let refused = |error: crate::artifact::shape::ShapeError| {
            Problem::new(&service::NOTIFICATION_REFUSED, error.to_string()).at(error.path())
        };
        let notification = Notification::read(&body).map_err(refused)?;
        let grant = &self.submitter.grant;
        // Said before anything else of it: the token is of one instance.
        let observes = grant.unsigned.as_ref().and_then(|unsigned| unsigned.instance.as_deref());
        if observes.is_some_and(|instance| instance != notification.instance()) {
            return Err(AdmitError::from(GrantError::InstanceNotGranted).into());
        }
        let since_ms = i64::try_from(self.submitter.created_at.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let backfill = notification.happened_ms().is_some_and(|at| at < since_ms);
        let event = Event::ALL.into_iter().find(|(event, _)| *event == notification.event());
        let op_key = notification.op_key().map(str::to_owned);
        let marks = backfill && notification.event() == Event::Operation;
        let observation = notification.into_observation();
        let observation = if marks { observation.backfilled() } else { observation };
        let account = observation.account(self.submitter.name.as_str());
        let payload = to_compact(&observation.named(self.secret.as_bytes()));
        let admitted = admit(payload.as_bytes(), grant, &self.state.limits.artifact, &self.state.keys)?;
        let Admitted { artifact, receipts, redacted, .. } = admitted;
        let digest = artifact.digest();
        let entries = vec![PendingEntry::new(artifact, receipts, self.submitter.name.clone())];
        let heard = Heard { event: event.map_or("", |(_, name)| name), op_key, backfill, redacted };
        Ok(Ready { item: Item { entries }, heard, artifact: digest, account })
    }
}
