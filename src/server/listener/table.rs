//! Who is connected, since when they are silent, and who has to go.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::server::config::crowd::{Crowd, count};
use crate::server::telemetry::{Closed, Metrics};

/// One in so many connections makes room at once when there is none, so that a
/// crowd of newcomers costs one look at the table for many of them.
const ROOM_SHARE: usize = 64;
/// A connection that never asked for anything has this long before it makes
/// room for another: whoever came a moment ago is about to ask.
const NEW_TIME: Duration = Duration::from_millis(500);
/// While readers wait for room, whoever takes less than this a second …
const CROWDED_BYTES_PER_SECOND_MIN: u64 = 64 << 10;
/// … for so long is let go.
const CROWDED_TIME: Duration = Duration::from_secs(1);
/// How often slow connections are looked for: so many times in the shortest
/// time that one may take.
const LOOKS: u32 = 8;
/// … but not more often than this.
const LOOK_MIN: Duration = Duration::from_millis(10);
/// … and not more rarely.
const LOOK_MAX: Duration = Duration::from_millis(500);
/// Bits of an IPv6 address that one household or machine has for itself.
const IPV6_PREFIX_BITS: u32 = 64;

/// Every connection.
pub struct Table {
    rules: Rules,
    connections_max: usize,
    per_address_max: usize,
    lines: Mutex<Lines>,
    changed: Notify,
    metrics: Metrics,
}

struct Rules {
    head_time_max: Duration,
    idle_time_max: Duration,
    stall_time_max: Duration,
    answer_rate_min: u64,
}

#[derive(Default)]
struct Lines {
    open: HashMap<u64, Arc<Line>>,
    of_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// One connection.
pub struct Line {
    address: IpAddr,
    state: Mutex<State>,
    close: Notify,
}

struct State {
    phase: Phase,
    since: Instant,
    /// Whether it ever had an answer.
    was_served: bool,
    /// Output that the other side does not take as fast as it could come.
    output: Option<Output>,
    is_closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is due, whole, a while after `since`.
    Head,
    /// A request is worked on, or its answer is written.
    Busy,
    /// Between two requests.
    Idle,
}

struct Output {
    since: Instant,
    bytes: u64,
    is_blocked: bool,
}

/// Holds a connection's row in the table.
pub struct Entered {
    table: Arc<Table>,
    line: Arc<Line>,
    id: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is whole when it is made; a panic elsewhere leaves none half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Addresses that count as one.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS)),
        },
    }
}

impl Table {
    /// An empty table for `connections_max` connections.
    pub fn new(crowd: &Crowd, connections_max: usize, metrics: Metrics) -> Self {
        let rules = Rules {
            head_time_max: Duration::from_millis(crowd.head_time_max_ms),
            idle_time_max: Duration::from_millis(crowd.idle_time_max_ms),
            stall_time_max: Duration::from_millis(crowd.stall_time_max_ms),
            answer_rate_min: crowd.answer_bytes_per_second_min,
        };
        let per_address_max = count(crowd.connections_per_address_max);
        Self { rules, connections_max, per_address_max, lines: Mutex::default(), changed: Notify::new(), metrics }
    }

    /// Whether one more fits. If not, those that were silent longest are told to
    /// go, and there will be room when they have gone.
    pub fn make_room(&self) -> bool {
        let lines = lock(&self.lines);
        if lines.open.len() < self.connections_max {
            return true;
        }
        self.close_silent(lines.open.values(), (self.connections_max / ROOM_SHARE).max(1));
        false
    }

    /// Adds a connection; `None` when its address has as many as one may, and
    /// none of them is silent.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Entered> {
        let address = household(address);
        let mut lines = lock(&self.lines);
        let held = lines.of_address.get(&address).copied().unwrap_or(0);
        if held >= self.per_address_max {
            let of_address = lines.open.values().filter(|line| line.address == address);
            // Those that go make room for the next; there is none for this one yet
            // where all of the crowd are at work.
            if self.close_silent(of_address, (self.per_address_max / ROOM_SHARE).max(1)) == 0 {
                self.metrics.closed(Closed::Address);
                return None;
            }
        }
        let state =
            State { phase: Phase::Head, since: Instant::now(), was_served: false, output: None, is_closing: false };
        let line = Arc::new(Line { address, state: Mutex::new(state), close: Notify::new() });
        let id = lines.next;
        lines.next += 1;
        lines.open.insert(id, Arc::clone(&line));
        *lines.of_address.entry(address).or_default() += 1;
        self.metrics.connected();
        Some(Entered { table: Arc::clone(self), line, id })
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        lock(&self.lines).open.is_empty()
    }

    /// Waits until a connection ended.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Closes, again and again, whoever is too slow; of those that take their
    /// answers slowly also the ones that only a crowd makes too slow, while
    /// anybody is `waiting` for room.
    pub async fn watch(self: Arc<Self>, waiting: Arc<AtomicUsize>) {
        let shortest = self.rules.head_time_max.min(self.rules.idle_time_max).min(self.rules.stall_time_max);
        let mut looks = tokio::time::interval((shortest / LOOKS).clamp(LOOK_MIN, LOOK_MAX));
        loop {
            looks.tick().await;
            let (now, is_crowded) = (Instant::now(), waiting.load(Ordering::Relaxed) > 0);
            for line in lock(&self.lines).open.values() {
                let mut state = lock(&line.state);
                if !state.is_closing
                    && (state.is_overdue(&self.rules, now) || is_crowded && state.stands_in_the_way(now))
                {
                    state.is_closing = true;
                    line.close.notify_one();
                    self.metrics.closed(Closed::Slow);
                }
            }
        }
    }

    /// Tells up to `number` connections to go that nobody is answering: those that
    /// never asked for anything first, then those that were silent longest. Returns
    /// how many are on their way.
    fn close_silent<'a>(&self, lines: impl Iterator<Item = &'a Arc<Line>>, number: usize) -> usize {
        let mut silent = Vec::new();
        let mut going = 0;
        for line in lines {
            let state = lock(&line.state);
            if state.is_closing {
                going += 1;
            } else if state.phase != Phase::Busy
                && state.output.is_none()
                && (state.was_served || state.since.elapsed() >= NEW_TIME)
            {
                silent.push((state.was_served, state.since, line));
            }
        }
        silent.sort_unstable_by_key(|(was_served, since, _)| (*was_served, *since));
        for (_, _, line) in silent.iter().take(number.saturating_sub(going)) {
            lock(&line.state).is_closing = true;
            line.close.notify_one();
            self.metrics.closed(Closed::Room);
            going += 1;
        }
        going
    }
}

impl State {
    fn is_overdue(&mut self, rules: &Rules, now: Instant) -> bool {
        if self.is_taken_too_slowly(rules, now) {
            return true;
        }
        // What is still being written is not silent.
        if self.output.is_some() && self.phase == Phase::Idle {
            self.since = now;
        }
        let lasted = now.saturating_duration_since(self.since);
        match self.phase {
            Phase::Head => lasted >= rules.head_time_max,
            Phase::Idle => lasted >= rules.idle_time_max,
            Phase::Busy => false,
        }
    }

    /// Whether it takes its answer so slowly that others should not wait for it.
    fn stands_in_the_way(&self, now: Instant) -> bool {
        let Some(output) = self.output.as_ref().filter(|output| output.is_blocked) else { return false };
        let lasted = now.saturating_duration_since(output.since);
        let least = u128::from(CROWDED_BYTES_PER_SECOND_MIN) * lasted.as_millis() / 1_000;
        lasted >= CROWDED_TIME && u128::from(output.bytes) < least
    }

    /// Measured over one stretch of blocked output after the other.
    fn is_taken_too_slowly(&mut self, rules: &Rules, now: Instant) -> bool {
        let Some(output) = &self.output else { return false };
        if !output.is_blocked {
            self.output = None;
            return false;
        }
        let lasted = now.saturating_duration_since(output.since);
        if lasted < rules.stall_time_max {
            return false;
        }
        let least = u128::from(rules.answer_rate_min) * lasted.as_millis() / 1_000;
        if u128::from(output.bytes) < least {
            return true;
        }
        self.output = Some(Output { since: now, bytes: 0, is_blocked: true });
        false
    }
}

impl Line {
    /// Bytes came in.
    pub fn heard(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Idle {
            state.enter(Phase::Head);
        }
    }

    /// The head of a request is whole.
    pub fn begun(&self) {
        lock(&self.state).enter(Phase::Busy);
    }

    /// Its answer is written, or as good as.
    pub fn finished(&self) {
        let mut state = lock(&self.state);
        state.was_served = true;
        state.enter(Phase::Idle);
    }

    /// The other side took bytes.
    pub fn wrote(&self, bytes: usize) {
        if let Some(output) = &mut lock(&self.state).output {
            output.bytes += bytes as u64;
            output.is_blocked = false;
        }
    }

    /// The other side takes none now.
    pub fn blocked(&self) {
        let mut state = lock(&self.state);
        let blocked = || Output { since: Instant::now(), bytes: 0, is_blocked: true };
        state.output.get_or_insert_with(blocked).is_blocked = true;
    }

    /// Waits until the table wants it closed.
    pub async fn closed(&self) {
        self.close.notified().await;
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        (self.phase, self.since) = (phase, Instant::now());
    }
}

impl Entered {
    /// The connection's row.
    pub fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut lines = lock(&self.table.lines);
        lines.open.remove(&self.id);
        if let Some(held) = lines.of_address.get_mut(&self.line.address) {
            *held -= 1;
            if *held == 0 {
                lines.of_address.remove(&self.line.address);
            }
        }
        drop(lines);
        self.table.metrics.disconnected();
        self.table.changed.notify_one();
    }
}
