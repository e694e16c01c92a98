//! Log lines and counters. Handlers and the follower of published checkpoints
//! call one method an event; nothing else knows prometheus.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::codes::{Code, service};
use crate::server::scrub::Progress;

/// Upper bounds of the duration buckets, seconds: from a cached tile to the
/// request limit.
const DURATION_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// Starts logging to standard error with a filter like `info` or
/// `pulselog=debug`. A second call in one process changes nothing.
///
/// # Errors
/// The filter's own message.
pub fn init(filter: &str) -> Result<(), String> {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;
    let filter: Targets = filter.parse().map_err(|e| format!("log: {e}"))?;
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal).with_target(false);
    // Where nobody can read that lines are lost, the log goes on.
    let lines = lines.log_internal_errors(false);
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}

/// Labels of a counter.
type Labels<const N: usize> = [(&'static str, String); N];

/// Labels of answers: the pattern of the route, so that they are few.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    route: Cow<'static, str>,
    status: u16,
}

/// Counters of the service. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    checkpoints: Counter,
    entries: Counter,
    duplicates: Counter,
    refusals: Family<Labels<1>, Counter>,
    requests: Family<Asked, Counter>,
    durations: Family<[(&'static str, Cow<'static, str>); 1], Histogram>,
    connections: Gauge<u64, AtomicU64>,
    connections_closed: Family<[(&'static str, &'static str); 1], Counter>,
    webhooks: Family<Labels<2>, Counter>,
    webhook_gaps: Family<Labels<1>, Counter>,
    user_headers_ignored: Counter,
    accesses_lost: Counter,
    gauges: Gauges,
}

/// Why the service closed a connection that its client did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its address held as many as one may; it was told 429.
    Address,
    /// It was silent and a new one needed its place.
    Room,
    /// Its head, its answer or its next request took too long.
    Slow,
}

impl Closed {
    const fn label(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Room => "room",
            Self::Slow => "slow",
        }
    }
}

/// What the service is like right now; set when the counters are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Published tree size.
    pub published_size: u64,
    /// Entries that have their search rows.
    pub indexed_size: u64,
    /// Entries that wait for the sequencer.
    pub queue_entries: u64,
    /// Whether the sequencer runs.
    pub sequencer_alive: bool,
    /// Whether writes are refused for good.
    pub read_only: bool,
    /// Whether a read or the scrub met damage in the store.
    pub store_damaged: bool,
    /// How far the scrub is.
    pub scrub: Progress,
}

#[derive(Clone, Default)]
struct Gauges {
    published_size: Gauge<u64, AtomicU64>,
    indexed_size: Gauge<u64, AtomicU64>,
    queue_entries: Gauge<u64, AtomicU64>,
    sequencer_alive: Gauge<u64, AtomicU64>,
    read_only: Gauge<u64, AtomicU64>,
    store_damaged: Gauge<u64, AtomicU64>,
    scrub_position: Gauge<u64, AtomicU64>,
    scrub_passes: Gauge<u64, AtomicU64>,
    scrub_last_pass: Gauge<u64, AtomicU64>,
    scrub_damaged: Gauge<u64, AtomicU64>,
    writes_refused: Family<Labels<1>, Gauge<u64, AtomicU64>>,
    webhook_size: Family<Labels<1>, Gauge<u64, AtomicU64>>,
    webhook_failing_since: Family<Labels<1>, Gauge<u64, AtomicU64>>,
}

/// What refuses writes while the service runs, each a gauge of its own.
static WRITE_REFUSALS: [&Code; 8] = [
    &service::CLOCK_UNSOUND,
    &service::DEGRADED,
    &service::DISK_LOW,
    &service::LOG_STOPPED,
    &service::READ_ONLY,
    &service::SERVED_READ_ONLY,
    &service::TOKENS_MISSING,
    &service::TOKENS_UNREADABLE,
];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pulselog");
        let mut new = Self {
            registry: Arc::new(Registry::default()),
            checkpoints: Counter::default(),
            entries: Counter::default(),
            duplicates: Counter::default(),
            refusals: Family::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            connections: Gauge::default(),
            connections_closed: Family::default(),
            webhooks: Family::default(),
            webhook_gaps: Family::default(),
            user_headers_ignored: Counter::default(),
            accesses_lost: Counter::default(),
            gauges: Gauges::default(),
        };
        registry.register("commits", "Checkpoints published, one a commit", new.checkpoints.clone());
        registry.register("entries", "Entries logged", new.entries.clone());
        registry.register("duplicates", "Submissions that were logged before", new.duplicates.clone());
        registry.register("refusals", "Refused requests and batch lines by code", new.refusals.clone());
        registry.register("requests", "Requests by route and status", new.requests.clone());
        registry.register("request_duration_seconds", "Request durations by route", new.durations.clone());
        registry.register("connections", "Connections now", new.connections.clone());
        let closed = "Connections that were closed by the service: address held too many, room for another, slow";
        registry.register("connections_closed", closed, new.connections_closed.clone());
        for why in [Closed::Address, Closed::Room, Closed::Slow] {
            drop(new.connections_closed.get_or_create(&[("why", why.label())]));
        }
        let ignored = "User headers of others than trusted proxies";
        registry.register("viewer_user_headers_ignored", ignored, new.user_headers_ignored.clone());
        let lost = "Readers' accesses that were not written down";
        registry.register("viewer_accesses_lost", lost, new.accesses_lost.clone());
        let gauges = &new.gauges;
        registry.register("published_size", "Published tree size", gauges.published_size.clone());
        registry.register("indexed_size", "Entries with search rows", gauges.indexed_size.clone());
        registry.register("queue_entries", "Entries waiting for the sequencer", gauges.queue_entries.clone());
        registry.register("sequencer_alive", "1 while the sequencer runs", gauges.sequencer_alive.clone());
        registry.register("read_only", "1 while writes are refused for good", gauges.read_only.clone());
        let damaged = "1 after a read or the scrub met damage in the store";
        registry.register("store_damaged", damaged, gauges.store_damaged.clone());
        registry.register(
            "scrub_position",
            "Entries that the scrub under way has recomputed",
            gauges.scrub_position.clone(),
        );
        registry.register("scrub_passes", "Scrubs of the whole log", gauges.scrub_passes.clone());
        let last = "Unix time at which the last scrub of the whole log ended, 0 before the first";
        registry.register("scrub_last_pass_seconds", last, gauges.scrub_last_pass.clone());
        let found = "Damaged parts that the scrub found, each once a pass";
        registry.register("scrub_damaged", found, gauges.scrub_damaged.clone());
        registry.register("writes_refused", "1 while this code refuses writes", gauges.writes_refused.clone());
        new.register_webhooks(&mut registry);
        new.registry = Arc::new(registry);
        new
    }
}

impl Metrics {
    fn register_webhooks(&self, registry: &mut Registry) {
        registry.register("webhook_attempts", "Attempts to tell a target, by outcome", self.webhooks.clone());
        registry.register("webhook_jumps", "Jumps of a cursor after 72 h of failures", self.webhook_gaps.clone());
        let size = "Tree size up to which a target was told everything";
        registry.register("webhook_told_size", size, self.gauges.webhook_size.clone());
        let since = "Unix time since which a target takes nothing, 0 while it does";
        registry.register("webhook_failing_since_seconds", since, self.gauges.webhook_failing_since.clone());
    }

    /// An attempt to tell a target: `delivered` or `failed`.
    pub fn webhook(&self, target: &str, outcome: &'static str) {
        let labels = [("target", target.to_owned()), ("outcome", outcome.to_owned())];
        self.webhooks.get_or_create(&labels).inc();
    }

    /// The cursor of a target jumped.
    pub fn webhook_jumped(&self, target: &str) {
        self.webhook_gaps.get_or_create(&[("target", target.to_owned())]).inc();
    }

    /// A target was told everything up to this size.
    pub fn webhook_at(&self, target: &str, size: u64) {
        self.gauges.webhook_size.get_or_create(&[("target", target.to_owned())]).set(size);
    }

    /// A target takes nothing since then, Unix seconds; 0 when it does again.
    pub fn webhook_failing(&self, target: &str, since: u64) {
        self.gauges.webhook_failing_since.get_or_create(&[("target", target.to_owned())]).set(since);
    }

    /// A checkpoint was published that covers `entries` more.
    pub fn published(&self, entries: u64) {
        self.checkpoints.inc();
        self.entries.inc_by(entries);
    }

    /// A submission was logged before.
    pub fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// Somebody who is no trusted proxy named a user.
    pub fn user_header_ignored(&self) {
        self.user_headers_ignored.inc();
    }

    /// A reader's access was not written down.
    pub fn access_lost(&self) {
        self.accesses_lost.inc();
    }

    /// How many were not.
    #[must_use]
    pub fn accesses_lost(&self) -> u64 {
        self.accesses_lost.get()
    }

    /// A request or a batch line was refused.
    pub fn refused(&self, code: &'static Code) {
        self.refusals.get_or_create(&[("code", code.name.to_owned())]).inc();
    }

    /// A request was answered.
    pub fn answered(&self, route: Cow<'static, str>, status: u16, took: Duration) {
        let asked = Asked { route, status };
        self.requests.get_or_create(&asked).inc();
        self.durations.get_or_create(&[("route", asked.route)]).observe(took.as_secs_f64());
    }

    /// A connection began.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// A connection ended, whoever ended it.
    pub fn disconnected(&self) {
        self.connections.dec();
    }

    /// The service closed a connection.
    pub fn closed(&self, why: Closed) {
        self.connections_closed.get_or_create(&[("why", why.label())]).inc();
    }

    /// All of it as text that Prometheus reads.
    ///
    /// # Errors
    /// Only when formatting itself fails.
    pub fn text(&self, now: Now, refused: &[&'static Code]) -> Result<String, std::fmt::Error> {
        self.gauges.published_size.set(now.published_size);
        self.gauges.indexed_size.set(now.indexed_size);
        self.gauges.queue_entries.set(now.queue_entries);
        self.gauges.sequencer_alive.set(u64::from(now.sequencer_alive));
        self.gauges.read_only.set(u64::from(now.read_only));
        self.gauges.store_damaged.set(u64::from(now.store_damaged));
        self.gauges.scrub_position.set(now.scrub.position);
        self.gauges.scrub_passes.set(now.scrub.passes);
        self.gauges.scrub_last_pass.set(now.scrub.last_pass_at);
        self.gauges.scrub_damaged.set(now.scrub.damaged);
        for code in WRITE_REFUSALS.iter().chain(refused) {
            let gauge = self.gauges.writes_refused.get_or_create(&[("code", code.name.to_owned())]);
            gauge.set(u64::from(refused.contains(code)));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
