//! Memory for answers that wait for their readers.
//!
//! Room for an answer is taken before it is made, so that whoever waits for
//! room holds nothing. Listings and bodies, which may take a megabyte, have
//! memory apart from everything else: those who ask for many and take none
//! stand in the way of each other. While somebody waits, connections that take
//! their answers slowest are let go (see [`listener`](crate::server::listener)).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Frame;

use crate::codes::service;
use crate::server::api::problem::Problem;
use crate::server::api::throttle::Throttle;
use crate::server::config::crowd::{Crowd, count};
use crate::server::pool::{Held, Memory};

/// Answers up to this size are not counted: a connection costs as much.
const ANSWER_BYTES_FREE: u64 = 8 << 10;
/// Answers beyond this share a rate: moving them costs more than making them.
const ANSWER_BYTES_PACED: u64 = 64 << 10;
/// Room that is taken for a large answer before it is made …
const LARGE_BYTES: usize = 1 << 20;
/// … and for any other.
const USUAL_BYTES: usize = 64 << 10;
/// How long a reader waits for room.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The sorts of answers, each with memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Listings, entry bundles, bodies.
    Large,
    /// Pages, proofs, reports, everything else.
    Usual,
}

impl Sort {
    const fn bytes(self) -> usize {
        match self {
            Self::Large => LARGE_BYTES,
            Self::Usual => USUAL_BYTES,
        }
    }
}

/// Memory of answers, and how many readers wait for some.
pub struct Answers {
    large: Memory,
    usual: Memory,
    waiting: Arc<AtomicUsize>,
    pace: Throttle,
}

/// Room that goes with an answer to where it is written.
#[derive(Clone)]
pub struct Reserved {
    held: Arc<Mutex<Option<Held>>>,
    /// Whether the answer goes out even where it needs more than there is: it
    /// tells what was logged.
    is_owed: bool,
}

impl Reserved {
    /// For an answer that could still be refused.
    #[must_use]
    pub fn new(held: Held) -> Self {
        Self { held: Arc::new(Mutex::new(Some(held))), is_owed: false }
    }

    /// For an answer that has to be given.
    #[must_use]
    pub fn owed(held: Held) -> Self {
        Self { is_owed: true, ..Self::new(held) }
    }

    fn take(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Bytes of an answer with the memory that is counted for it.
struct Counted {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Counts whoever waits, also where it stops waiting because its client went.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `bytes` of it, if they are there.
fn now(memory: &Memory, bytes: usize) -> Option<Held> {
    let mut held = memory.hold();
    held.grow_to(bytes).ok().map(|()| held)
}

impl Answers {
    /// As much as the settings say.
    #[must_use]
    pub fn new(crowd: &Crowd) -> Self {
        let full = || Problem::new(&service::ANSWERS_FULL, "answers wait for their readers; try again in a second");
        Self {
            large: Memory::new(count(crowd.answers_held_bytes_max), full),
            usual: Memory::new(count(crowd.pages_held_bytes_max), full),
            waiting: Arc::default(),
            pace: Throttle::new(crowd.answers_bytes_per_second_max),
        }
    }

    /// How many readers wait for room now.
    #[must_use]
    pub fn waiting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.waiting)
    }

    const fn of(&self, sort: Sort) -> &Memory {
        match sort {
            Sort::Large => &self.large,
            Sort::Usual => &self.usual,
        }
    }

    /// Room for an answer of this sort, if there is some now.
    #[must_use]
    pub fn try_reserve(&self, sort: Sort) -> Option<Held> {
        now(self.of(sort), sort.bytes())
    }

    /// Room for an answer of this sort, in turn.
    ///
    /// # Errors
    /// `answers_full` when there was none in time.
    pub async fn reserve(&self, sort: Sort) -> Result<Held, Problem> {
        self.wait_for(self.of(sort), sort.bytes()).await
    }

    async fn wait_for(&self, memory: &Memory, bytes: usize) -> Result<Held, Problem> {
        // Only who really waits has others let go.
        if let Some(held) = now(memory, bytes) {
            return Ok(held);
        }
        let _waits = Waits::begin(&self.waiting);
        memory.hold_within(bytes, WAIT_MAX).await.ok_or_else(|| memory.full())
    }

    /// Counts an answer until its last byte was taken over by the system, and
    /// hands a large one out at the rate of all such answers.
    pub async fn hold(&self, mut response: Response) -> Response {
        let reserved = response.extensions_mut().remove::<Reserved>();
        let Some(bytes) = response.body().size_hint().exact().filter(|bytes| *bytes > ANSWER_BYTES_FREE) else {
            return response;
        };
        let held = match reserved.and_then(|reserved| Some((reserved.take()?, reserved.is_owed))) {
            Some((mut held, is_owed)) => match held.fit(count(bytes)) {
                Ok(()) => held,
                Err(_) if is_owed => held,
                Err(full) => return full.into_response(),
            },
            // It stands in memory anyway: waiting costs no more of it.
            None => match self.wait_for(&self.usual, count(bytes)).await {
                Ok(held) => held,
                Err(full) => return full.into_response(),
            },
        };
        if bytes > ANSWER_BYTES_PACED {
            self.pace.pay(count(bytes)).await;
        }
        let held = Arc::new(held);
        response.map(|body| {
            Body::new(body.map_frame(move |frame: Frame<Bytes>| {
                frame.map_data(|bytes| Bytes::from_owner(Counted { bytes, _held: Arc::clone(&held) }))
            }))
        })
    }
}
