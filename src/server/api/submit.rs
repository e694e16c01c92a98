//! Submission: `POST /v1/entries` and `POST /v1/entries:batch`.
//!
//! Admit on the pool, submit once, answer when a published checkpoint covers
//! everything. A bad line of a batch fails only itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::artifact::{Admitted, KeyCache, Together, admit, fits_in_log};
use crate::codes::{Code, service};
use crate::entry::PendingEntry;
use crate::receipt::tlog_proof;
use crate::sequence::COMMIT_ENTRIES_MAX;
use crate::server::addresses;
use crate::server::api::answers::Reserved;
use crate::server::api::problem::Problem;
use crate::server::api::query::{Param, Takes};
use crate::server::api::wire::{BatchLineJson, LoggedJson, Told};
use crate::server::api::{answer, intake, withholding};
use crate::server::config::Limits;
use crate::server::log::{Answered, Item, Log, Logged};
use crate::server::pool::Held;
use crate::server::state::AppState;
use crate::server::submitters::live::Submitter;

/// Where a single submission goes.
pub const ONE_PATH: &str = "/v1/entries";
/// Codes of every submission, beside those of admission.
pub static SUBMIT_CODES: &[&Code] = &[
    &service::TOKEN_MISSING,
    &service::TOKEN_UNKNOWN,
    &service::TOKEN_EXPIRED,
    &service::TOKEN_REVOKED,
    &service::TOKEN_NOT_REPLACED,
    &service::TOKENS_UNREADABLE,
    &service::TOKENS_MISSING,
    &service::CONTENT_ENCODING_REFUSED,
    &service::CONTENT_TYPE_REFUSED,
    &service::BODY_TOO_LARGE,
    &service::BODY_INCOMPLETE,
    &service::BODY_TOO_SLOW,
    &service::BATCH_TOO_LARGE,
    &service::WITHHOLDING_REFUSED,
    &service::WITHHELD_ALREADY,
    &service::QUEUE_FULL,
    &service::DISK_LOW,
    &service::READ_ONLY,
    &service::SERVED_READ_ONLY,
    &service::DEGRADED,
    &service::CLOCK_UNSOUND,
    &service::LOG_STOPPED,
];
/// Query of the single submission.
pub const ONE_QUERY: &[Param] = &[Param {
    name: "proof",
    takes: Takes::Flag,
    required: false,
    meaning: "add the tlog-proof at the answered tree size",
}];
/// Media type of a batch, both ways.
pub const NDJSON: &str = "application/x-ndjson";
/// A body of this size is admitted where it was read: it has room for a
/// handful of signatures, and handing one to another thread and back costs about
/// as much as checking it.
pub const ADMITTED_HERE_BYTES_MAX: usize = 4 << 10;
/// What the answer to one line of a batch may take.
const ANSWER_LINE_BYTES: usize = 512;
/// Lines that one worker takes at once: a few milliseconds of verification.
const LINES_PER_TASK: usize = 64;

/// `POST /v1/entries`.
///
/// # Errors
/// Intake, admission and [`SubmitError`](crate::server::log::SubmitError) codes.
pub async fn one(state: &AppState, request: Request) -> Result<Response, Problem> {
    let intake = intake::receive(state, request, answer::JSON, state.limits.body_bytes_max, ONE_QUERY).await?;
    let with_proof = intake.query.flag("proof")?;
    // First a place in the queue, then the work: who is refused is refused at once.
    let place = state.log.reserve([intake.bytes.len()].into_iter())?;
    let admission = Admission::new(state, intake.submitter);
    let (bytes, held) = (intake.bytes, intake.held);
    let Ready { item, told } = match bytes.len() {
        0..=ADMITTED_HERE_BYTES_MAX => {
            let _held = held;
            admission.admit(&admission.keys, &bytes)?
        }
        // Whoever goes away does not take along what is counted for its body.
        length => {
            let admit = move || {
                let _held = held;
                admission.admit(&admission.keys, &bytes)
            };
            state.pool.run_on(length, admit).await??
        }
    };
    // From here on only the item is kept, and after its commit not even that.
    let logged = state.log.submit_at(place, vec![item]).await?;
    // One item in, one answer out.
    let logged = logged.into_iter().next().ok_or_else(Problem::internal)??;
    let proof = if with_proof { Some(proof(state, &logged).await?) } else { None };
    let status = status(&logged);
    if logged.duplicate {
        state.metrics.duplicate();
    }
    let location = addresses::entry(logged.index);
    let mut response = answer::json_status(status, &LoggedJson::new(&logged, told, proof))?;
    let location = HeaderValue::from_str(&location).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// As [`one`], behind the router.
///
/// # Errors
/// As [`one`].
pub async fn routed(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    one(&state, request).await
}

/// `POST /v1/entries:batch`.
///
/// # Errors
/// As [`one`] for what concerns the whole request; a line's own problem is in
/// its answer line.
pub async fn batch(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let intake = intake::receive(&state, request, NDJSON, state.limits.batch_bytes_max, &[]).await?;
    let lines = split(&intake.bytes, state.limits.batch_items_max)?;
    let place = state.log.reserve(lines.iter().map(Bytes::len))?;
    let admission = Arc::new(Admission::new(&state, intake.submitter));
    let held = Arc::new(intake.held);
    let admitted = admit_all(&state, &admission, &lines, &held).await?;
    let answer_bytes = lines.len() * ANSWER_LINE_BYTES;
    drop((lines, intake.bytes));
    // The last of them: every worker is done. Room for the answer comes before
    // the commit, for what is logged has to be told.
    let mut held = Arc::into_inner(held).ok_or_else(Problem::internal)?;
    held.fit(answer_bytes)?;
    let mut items = Vec::with_capacity(admitted.len());
    let mut waiting = Vec::with_capacity(admitted.len());
    for result in admitted {
        waiting.push(result.map(|ready| {
            items.push(ready.item);
            ready.told
        }));
    }
    let logged = if items.is_empty() { Vec::new() } else { state.log.submit_at(place, items).await? };
    let mut response = answer_lines(&state, waiting, logged)?;
    response.extensions_mut().insert(Reserved::owed(held));
    Ok(response)
}

/// What admission needs of a request; shared by the workers of a batch.
struct Admission {
    submitter: Submitter,
    limits: Arc<Limits>,
    keys: Arc<KeyCache>,
    log: Log,
    /// Entries that the log had when the request came: no index of it is lower.
    size: u64,
}

/// An artifact that may be submitted.
struct Ready {
    item: Item,
    told: Told,
}

impl Admission {
    fn new(state: &AppState, submitter: Submitter) -> Self {
        let size = state.log.view().size().get();
        Self {
            submitter,
            limits: Arc::clone(&state.limits),
            keys: Arc::clone(&state.keys),
            log: state.log.clone(),
            size,
        }
    }

    fn admit(&self, keys: &KeyCache, bytes: &[u8]) -> Result<Ready, Problem> {
        let admitted = admit(bytes, &self.submitter.grant, &self.limits.artifact, keys)?;
        let Admitted { artifact, receipts, expanded, not_expanded, redacted } = admitted;
        fits_in_log(&artifact, self.size)?;
        withholding::check(&self.log, &artifact)?;
        let told = Told { kind: artifact.kind().name(), artifact: artifact.digest(), not_expanded, redacted };
        let name = &self.submitter.name;
        let mut entries: Vec<PendingEntry> =
            expanded.into_iter().map(|receipt| PendingEntry::new(receipt, None, name.clone())).collect();
        entries.push(PendingEntry::new(artifact, receipts, name.clone()));
        if entries.len() > COMMIT_ENTRIES_MAX {
            let detail = format!("{} entries after expansion, one commit holds {COMMIT_ENTRIES_MAX}", entries.len());
            return Err(Problem::new(&service::BATCH_TOO_LARGE, detail));
        }
        Ok(Ready { item: Item { entries }, told })
    }
}

/// Lines of a batch; the newline of the last one may be missing.
fn split(bytes: &Bytes, items_max: usize) -> Result<Vec<Bytes>, Problem> {
    let content = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if content.is_empty() {
        return Err(Problem::new(&service::BATCH_EMPTY, "send one artifact a line"));
    }
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', content).chain([content.len()]) {
        if lines.len() == items_max {
            return Err(Problem::new(&service::BATCH_TOO_LARGE, format!("a batch holds at most {items_max} lines")));
        }
        lines.push(bytes.slice(start..end));
        start = end + 1;
    }
    Ok(lines)
}

/// Admits all lines, as many at once as there are workers, in order.
async fn admit_all(
    state: &AppState,
    admission: &Arc<Admission>,
    lines: &[Bytes],
    held: &Arc<Held>,
) -> Result<Vec<Result<Ready, Problem>>, Problem> {
    // Dropped with the request of a client that has gone: what no worker has
    // begun is not begun any more.
    let mut tasks = JoinSet::new();
    let together = Arc::new(Together::new(KeyCache::clone(&admission.keys)));
    for (at, chunk) in lines.chunks(LINES_PER_TASK).enumerate() {
        let (pool, admission, chunk) = (state.pool.clone(), Arc::clone(admission), chunk.to_vec());
        let (together, held) = (Arc::clone(&together), Arc::clone(held));
        let longest = chunk.iter().map(Bytes::len).max().unwrap_or(0);
        let work = move || {
            let admitted = together.each(&chunk, |keys, line| admission.admit(keys, line));
            drop((chunk, held));
            admitted
        };
        tasks.spawn(async move { (at, pool.run_on(longest, work).await) });
    }
    let mut chunks = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        let (at, admitted) = task.map_err(|_| Problem::internal())?;
        chunks.push((at, admitted?));
    }
    chunks.sort_unstable_by_key(|(at, _)| *at);
    Ok(chunks.into_iter().flat_map(|(_, admitted)| admitted).collect())
}

fn answer_lines(
    state: &AppState,
    waiting: Vec<Result<Told, Problem>>,
    logged: Vec<Answered>,
) -> Result<Response, Problem> {
    let mut logged = logged.into_iter();
    let mut body = Vec::with_capacity(waiting.len() * 320);
    for (line, result) in (1..).zip(waiting) {
        let placed = match result {
            Ok(told) => {
                let answered = logged.next().ok_or_else(Problem::internal)?;
                answered.map(|logged| (logged, told)).map_err(Problem::from)
            }
            Err(problem) => Err(problem),
        };
        let answer = match placed {
            Ok((logged, told)) => {
                if logged.duplicate {
                    state.metrics.duplicate();
                }
                let status = status(&logged).as_u16();
                BatchLineJson { line, status, logged: Some(LoggedJson::new(&logged, told, None)), problem: None }
            }
            Err(problem) => {
                state.metrics.refused(problem.code());
                BatchLineJson { line, status: problem.status().as_u16(), logged: None, problem: Some(problem.body()) }
            }
        };
        serde_json::to_writer(&mut body, &answer).map_err(|_| Problem::internal())?;
        body.push(b'\n');
    }
    Ok(answer::bytes(NDJSON, answer::NO_CACHE, body))
}

fn status(logged: &Logged) -> StatusCode {
    if logged.duplicate { StatusCode::OK } else { StatusCode::CREATED }
}

/// The proof of what was logged, and of nothing else that may stand there.
async fn proof(state: &AppState, logged: &Logged) -> Result<String, Problem> {
    let (log, index, leaf, size) = (state.log.clone(), logged.index, logged.leaf_hash, logged.tree_size);
    state.pool.run(move || Ok(tlog_proof::encode(&log.view().inclusion_of(index, &leaf, Some(size))?))).await?
}
