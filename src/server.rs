//! The service: everything that touches the world.
//!
//! ```text
//! config ─> store ─> log ─> index ─> api ─> axum on its own runtime
//! ```
//!
//! `Server::start` composes them, `Server::wait` runs until a signal or until
//! the sequencer has a doubt, `Server::shutdown` ends them in reverse order.

pub mod access;
pub(crate) mod addresses;
pub(crate) mod answered;
pub mod api;
pub mod config;
pub mod desk;
pub mod erase;
pub mod faults;
pub mod fsck;
pub mod guard;
pub mod index;
pub mod judge;
pub mod kernel;
pub(crate) mod listener;
pub mod log;
pub(crate) mod lookup;
pub mod outgoing;
pub mod pages;
pub(crate) mod pool;
pub(crate) mod scrub;
pub mod signals;
mod starting;
pub(crate) mod state;
pub mod store;
pub mod submitters;
pub mod telemetry;
pub mod webhooks;
pub(crate) mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::artifact::KeyCache;
use crate::codes::{self, Code};
use crate::server::api::Api;
use crate::server::api::answers::Answers;
use crate::server::api::judges::Judges;
use crate::server::api::problem::Problem;
use crate::server::api::slots::Slots;
use crate::server::config::{Config, crowd};
use crate::server::desk::Desks;
use crate::server::faults::{Faults, NoFaults};
use crate::server::index::Index;
use crate::server::judge::Audits;
use crate::server::log::clock::{Clock, SystemClock};
use crate::server::log::publisher::Fatal;
use crate::server::log::recovery::OpenError;
use crate::server::log::sequencer::Running;
use crate::server::log::{Log, Opening};
use crate::server::pool::Pool;
use crate::server::scrub::Scrub;
use crate::server::signals::{Asked, Signals};
use crate::server::starting::{bind_metrics, facts, gate, scrub_settings, serve_counters};
use crate::server::state::{AppState, Shared};
use crate::server::submitters::Book;
use crate::server::submitters::live::Tokens;
use crate::server::telemetry::Metrics;
use crate::server::webhooks::{Source, Webhooks};

/// How long requests under way may take once the service ends.
const GRACE: Duration = Duration::from_secs(10);
/// The same after a doubt: no answer is worth waiting for that no checkpoint covers.
const FATAL_GRACE: Duration = Duration::from_secs(2);
/// How long log, follower and what blocks may take to end, each.
const END_MAX: Duration = Duration::from_secs(10);

/// A running service. Dropping it without `shutdown` or `wait` leaves requests
/// unanswered, which is safe and impolite.
pub struct Server {
    addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    state: AppState,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    running: Running,
    runtime: Runtime,
}

impl Server {
    /// Opens the log, starts the follower and serves on the machine's clocks.
    /// Blocks while the log recovers. Call it from a thread without a runtime.
    ///
    /// # Errors
    /// [`ServeError`]; nothing keeps running then.
    pub fn start(config: Config) -> Result<Self, ServeError> {
        Self::start_with(config, Arc::new(SystemClock::default()), Arc::new(NoFaults))
    }

    /// As [`Server::start`], with the clock and the fault hook of a test.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(config: Config, clock: Arc<dyn Clock>, faults: Arc<dyn Faults>) -> Result<Self, ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("pulselog")
            .build()
            .map_err(ServeError::Runtime)?;
        // The address comes first: a second process finds it taken before it touches the data.
        let bind = |source| ServeError::Bind { addr: config.listen, source };
        let listener = runtime.block_on(TcpListener::bind(config.listen)).map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let counters = runtime.block_on(bind_metrics(config.metrics_listen, addr))?;
        let metrics_addr = counters.as_ref().and_then(|counters| counters.local_addr().ok());
        let facts = facts(&config, addr);
        let tokens = Tokens::new(Book::Submitters, &config.data, Arc::clone(&clock));
        let metrics = Metrics::default();
        let gate = gate(&config, Arc::clone(&clock), metrics.clone()).map_err(ServeError::Accesses)?;
        let (limits, crowd) = (Arc::new(config.limits), config.crowd);
        let operator = config.operator.clone();
        let (targets, data) = (config.webhooks.clone(), config.data.clone());
        let (log, running) = Log::open(opening(config, Arc::clone(&clock), faults))?;
        let index = match log.is_shown() {
            true => Index::still(&log),
            false => Index::start(&log, operator.clone(), facts.origin.clone()),
        };
        let scrub = Scrub::start(&log, scrub_settings(&crowd));
        let keys = Arc::new(KeyCache::new());
        let desks = Desks::new(log.clone(), Arc::clone(&keys));
        let audits = Audits::new(index.clone(), operator, facts.origin.clone());
        let source = Source::of(&desks, &audits, &metrics, &clock, &facts, data);
        let webhooks = Webhooks::start(&log, source, targets);
        let state = AppState::new(Shared {
            gate,
            desks,
            audits,
            index,
            scrub,
            webhooks,
            log,
            tokens,
            told: Default::default(),
            keys,
            pool: Pool::new(
                crowd::count(crowd.submissions_held_bytes_max),
                limits.batch_bytes_max.max(limits.body_bytes_max),
            ),
            metrics,
            judges: Judges::start(&crowd),
            slots: Slots::new(&crowd),
            answers: Answers::new(&crowd),
            limits,
            crowd,
            facts,
            clock,
        });
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(count_published(state.log.follow(), state.metrics.clone()));
        let api = Api::new(state.clone(), pages::router(), any(lost));
        if let Some(counters) = counters {
            runtime.spawn(serve_counters(counters, state.clone(), stopped.clone()));
        }
        let waiting = state.answers.waiting();
        let serving = runtime.spawn(listener::serve(listener, api, crowd, state.metrics.clone(), waiting, stopped));
        let metrics = metrics_addr.map(tracing::field::display);
        tracing::info!(%addr, metrics, origin = state.facts.origin, size = state.log.published().head.size.get(), "serving");
        Ok(Self { addr, metrics_addr, state, stop, serving, running, runtime })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its counters are; nowhere, if that address was taken by somebody else.
    #[must_use]
    pub const fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// What handlers share. Whoever keeps a clone of its log keeps the store
    /// open beyond `shutdown`.
    #[must_use]
    pub const fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves until SIGINT or SIGTERM, or until the sequencer has a doubt. The
    /// caller then ends the process by [`kernel::exit_now`]: after a doubt a
    /// thread may still be at work on the store.
    ///
    /// # Errors
    /// [`ServeError::Stopped`], [`ServeError::Listener`], [`ServeError::Stuck`]:
    /// the process must exit non-zero.
    pub fn wait(mut self, mut signals: Signals) -> Result<(), ServeError> {
        signals.started();
        loop {
            let end = self.runtime.block_on(next_end(&mut signals, &mut self.running, &mut self.serving));
            match end {
                End::Asked(Asked::Stop) => return self.shutdown(),
                End::Asked(Asked::Reload) => {
                    self.state.tokens.reload();
                    self.state.gate.reload();
                    tracing::info!("SIGHUP: tokens are read again; any other setting needs a restart");
                }
                End::Log(ended) => {
                    self.stop_serving();
                    // Without a sequencer nothing can be written; say why it ended.
                    return ended.map_err(ServeError::Stopped);
                }
                End::Serving => {
                    self.stop_serving();
                    return Err(ServeError::Listener);
                }
            }
        }
    }

    /// Answers what is under way, then closes the log, then the store. The
    /// same data can be opened again when this returns.
    ///
    /// # Errors
    /// [`ServeError::Stopped`] when the sequencer had ended with a doubt,
    /// [`ServeError::Stuck`] when it does not end.
    pub fn shutdown(self) -> Result<(), ServeError> {
        let Self { state, stop, serving, running, runtime, .. } = self;
        finish_serving(&runtime, &stop, serving, GRACE);
        let index = state.index.ending();
        if !state.gate.end(END_MAX) {
            tracing::error!("some of readers' last accesses are not written");
        }
        if !state.scrub.end(END_MAX) {
            return Err(ServeError::Stuck { what: "the scrub" });
        }
        if !state.webhooks.end(END_MAX) {
            return Err(ServeError::Stuck { what: "the webhooks" });
        }
        drop(state);
        // Tasks hold clones of the log; the sequencer ends when the last is gone.
        runtime.shutdown_timeout(END_MAX);
        let ended = running.join_within(END_MAX).ok_or(ServeError::Stuck { what: "the log" })?;
        if !index.wait(END_MAX) {
            return Err(ServeError::Stuck { what: "the search index" });
        }
        tracing::info!("service ended");
        ended.map_err(ServeError::Stopped)
    }

    /// After a doubt: nothing is waited for that could keep the process.
    fn stop_serving(self) {
        let Self { state, stop, serving, runtime, .. } = self;
        finish_serving(&runtime, &stop, serving, FATAL_GRACE);
        let index = state.index.ending();
        let _ = state.gate.end(FATAL_GRACE);
        let _ = state.scrub.end(FATAL_GRACE);
        let _ = state.webhooks.end(FATAL_GRACE);
        drop(state);
        runtime.shutdown_timeout(FATAL_GRACE);
        index.wait(FATAL_GRACE);
    }
}

/// Why the service no longer just serves.
enum End {
    Asked(Asked),
    Log(Result<(), Fatal>),
    /// Nobody accepts connections any more.
    Serving,
}

async fn next_end(signals: &mut Signals, running: &mut Running, serving: &mut JoinHandle<()>) -> End {
    tokio::select! {
        asked = signals.next() => End::Asked(asked),
        ended = running.ended() => End::Log(ended),
        _ = serving => End::Serving,
    }
}

fn finish_serving(runtime: &Runtime, stop: &watch::Sender<bool>, serving: JoinHandle<()>, grace: Duration) {
    stop.send_replace(true);
    // What has ended already was looked at by whoever waited for it.
    let served = match serving.is_finished() {
        true => Ok(()),
        false => runtime.block_on(async { tokio::time::timeout(grace, serving).await.map(drop) }),
    };
    if served.is_err() {
        tracing::warn!("requests were cut off at the end");
    }
}

/// An address that nobody has: a page for people, a problem for programs.
async fn lost(state: State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return pages::not_found(state, uri).await;
    }
    Problem::new(&codes::service::NOT_FOUND, "there is nothing at this address").into_response()
}

async fn count_published(mut published: watch::Receiver<log::Published>, metrics: Metrics) {
    let mut size = published.borrow_and_update().head.size.get();
    while published.changed().await.is_ok() {
        let next = published.borrow_and_update().head.size.get();
        metrics.published(next.saturating_sub(size));
        size = next;
    }
}

/// What opening the log needs, from the configuration.
pub fn opening(config: Config, clock: Arc<dyn Clock>, faults: Arc<dyn Faults>) -> Opening {
    Opening {
        data: config.data,
        guard: config.guard,
        origin: config.origin,
        signer: config.signer,
        operator: config.operator,
        seen: config.seen,
        checkpoint_interval: config.checkpoint_interval,
        free_disk_bytes_min: config.free_disk_bytes_min,
        budget: config.budget,
        held: log::Held {
            queue_bytes: crowd::count(config.crowd.queue_held_bytes_max),
            commits_bytes: crowd::count(config.crowd.commits_held_bytes_max),
        },
        read_only: config.read_only,
        accept_clock: config.accept_clock,
        clock,
        faults,
    }
}

/// Why the service did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system gives no threads or signals.
    #[error("runtime: {0}")]
    Runtime(io::Error),
    /// Who reads cannot be written down.
    #[error("accesses: {0}")]
    Accesses(io::Error),
    /// The address is taken or not ours.
    #[error("listen {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The log refuses to open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The sequencer ended with a doubt.
    #[error("log stopped: {0}")]
    Stopped(Fatal),
    /// Connections are no longer accepted.
    #[error("listen: connections are no longer accepted; start the service again")]
    Listener,
    /// A part does not end.
    #[error("end: {what} did not end in time; the process ends without it, and the next start recovers")]
    Stuck {
        /// Which.
        what: &'static str,
    },
}

impl ServeError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Runtime(_) | Self::Accesses(_) => &codes::start::RUNTIME,
            Self::Bind { .. } => &codes::start::LISTEN,
            Self::Open(error) => error.code(),
            // Somebody can do something about it, and nothing else is wrong.
            Self::Stopped(Fatal::Store(error)) if error.code() == &codes::start::DISK_FULL => &codes::start::DISK_FULL,
            Self::Stopped(_) => &codes::service::LOG_STOPPED,
            Self::Listener => &codes::start::LISTEN,
            Self::Stuck { .. } => &codes::start::END_STUCK,
        }
    }
}
