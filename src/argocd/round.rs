//! One round of a poller (PEERS 7.15): what is known so far and what Argo CD
//! answers now, to observations, snapshots and marks.
//!
//! ```text
//! State ─> Round ── item, item, item ──> listed ─> Listed ── asked, events ──> ended ─> Ended
//!          the list, as it comes         its end    what the list leaves open            a new State
//! ```
//!
//! A list says nothing by being short: an application that lost its project, a
//! right that was taken, a server that has just started and one whose
//! Kubernetes API is away all answer 200. So a round counts only if something
//! that is read from Kubernetes itself answered too, what is not shown is asked
//! for by name after a second round, and what is older waits for a second round.
//!
//! Pure: the caller fetches, and says what time it is.

pub mod items;

mod compare;
mod events;
mod known;
mod look;
mod mark;
mod snapshot;

use std::collections::BTreeMap;

pub use self::known::State;
pub use self::mark::Mark;
pub use self::snapshot::HEARTBEAT_MS;

use self::compare::{By, Compared};
use self::events::Event;
use self::known::Known;
use self::look::Look;
use crate::argocd::application::lifecycle;
use crate::argocd::observation::Observation;
use crate::argocd::reading::read;
use crate::argocd::{App, Change, Channel, Seen};
use crate::artifact::json::{self, DEPTH_MAX, Value};

/// Longest time between two rounds that count without a mark: a heartbeat, and
/// a minute for a round that is slow.
const GAP_MS: i64 = 300_000;
/// Rounds in a row that must say what would take something away.
const ROUNDS_TO_CONFIRM: u32 = 2;
/// Rounds in a row that a missing application is asked for without an answer.
const ROUNDS_UNANSWERED_MAX: u32 = 5;
/// Applications of one round that are asked for by name, and whose events are.
const ASKED_MAX: usize = 64;
/// Memory that the values of one event may fill.
const EVENT_ROOM_BYTES_MAX: usize = 16 << 20;

/// A round whose list is being read.
pub struct Round<'s> {
    state: &'s State,
    now_ms: i64,
    /// What the list shows, by uid.
    shown: BTreeMap<String, Known>,
    /// Applications whose events are to be asked for.
    apps: BTreeMap<String, App>,
    said: Vec<Observation>,
    marks: Vec<Mark>,
    /// Uids whose name another uid has now.
    replaced: Vec<String>,
    items: u64,
}

/// Something to ask Argo CD for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub uid: String,
    pub name: String,
    pub namespace: String,
    pub project: String,
}

/// What was answered when an application was asked for that the list leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'b> {
    /// It is there, and this is it.
    There(&'b [u8]),
    /// 404: deleted, or moved to another project.
    Absent,
    /// 403: a right was taken, its namespace is closed, or Kubernetes is away.
    Hidden,
    /// 400: it is there, but its project is gone or does not admit it.
    NotAdmitted,
    /// Nothing that says anything.
    Nothing,
}

/// A round whose list was read to its end.
pub struct Listed<'s> {
    round: Round<'s>,
    list_version: Option<u64>,
    /// What an older list would have said waits for another round.
    is_held: bool,
    events: BTreeMap<String, Vec<Event>>,
}

/// What a round came to.
#[derive(Debug)]
pub struct Ended {
    pub state: State,
    /// Whether it said anything: else the state is what it was, but for how often
    /// in a row that was so.
    pub is_counted: bool,
    /// Payloads, in the order in which they are to be logged.
    pub observations: Vec<Value<'static>>,
    pub snapshots: Vec<Value<'static>>,
    pub marks: Vec<Mark>,
}

impl<'s> Round<'s> {
    /// A round that begins at `now_ms`, Unix ms.
    #[must_use]
    pub fn new(state: &'s State, now_ms: i64) -> Self {
        Self {
            state,
            now_ms,
            shown: BTreeMap::new(),
            apps: BTreeMap::new(),
            said: Vec::new(),
            marks: Vec::new(),
            replaced: Vec::new(),
            items: 0,
        }
    }

    fn by(&self) -> By<'s> {
        By { instance: self.state.instance(), is_first: self.state.is_new() }
    }

    /// Takes one application of the list. One that cannot be read is marked and
    /// hides no other.
    pub fn item(&mut self, bytes: &[u8]) {
        self.items += 1;
        let place = self.items;
        if let Err(why) = self.take(bytes) {
            self.marks.push(Mark::Unreadable { what: format!("application {place} of the list"), why });
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        let look = Look::read(self.state.instance(), bytes)?;
        let uid = look.uid.clone();
        if self.shown.contains_key(&uid) {
            return Err(format!("{} has a uid that stands in the list already", look.title()));
        }
        let before = self.state.apps.get(&uid);
        if let Some(held) = before.and_then(|before| self.held(before, &look)) {
            self.shown.insert(uid, held);
            return Ok(());
        }
        let replaced = if before.is_none() { self.replaced_by(&look) } else { None };
        let Compared { known, said, marks } = compare::with(self.by(), before, &look, replaced.as_deref());
        self.replaced.extend(replaced);
        if known.events_due {
            self.apps.insert(uid.clone(), look.application.app().clone());
        }
        self.said.extend(said);
        self.marks.extend(marks);
        self.shown.insert(uid, known);
        Ok(())
    }

    /// What is known already, where this round shows something older: a cache
    /// that lags passes by itself, an installation that went back does not.
    fn held(&mut self, before: &Known, look: &Look) -> Option<Known> {
        let (was, is) = before.version.zip(look.version).filter(|(was, is)| is < was)?;
        let older = before.older.max(self.state.lists_older) + 1;
        if older >= ROUNDS_TO_CONFIRM {
            return None;
        }
        self.marks.push(Mark::Older { app: look.title(), was, is });
        Some(Known { older, missing: 0, ..before.clone() })
    }

    /// The uid of another application that had the name of a new one.
    fn replaced_by(&self, look: &Look) -> Option<String> {
        let mut apps = self.state.apps.iter();
        let named = apps.find(|(uid, known)| **uid != look.uid && known.is_called(&look.namespace, &look.name));
        named.map(|(uid, _)| uid.clone())
    }

    /// The list has come to its end; `head` is what stands round its items.
    #[must_use]
    pub fn listed(mut self, head: &Value) -> Listed<'s> {
        let version = head.text_at("metadata.resourceVersion").and_then(|version| version.parse().ok());
        let older = self.state.list_version.zip(version).filter(|(was, is)| is < was);
        let mut is_held = false;
        if let Some((was, is)) = older {
            is_held = self.state.lists_older + 1 < ROUNDS_TO_CONFIRM;
            self.marks.push(if is_held { Mark::OlderList { was, is } } else { Mark::WentBack { was, is } });
        }
        for (uid, before) in &self.state.apps {
            if self.shown.contains_key(uid) || self.replaced.contains(uid) {
                continue;
            }
            // One that no list shows is asked for every time.
            let missing = if before.is_kept { ROUNDS_TO_CONFIRM } else { before.missing + 1 };
            if missing < ROUNDS_TO_CONFIRM {
                self.marks.push(Mark::Missing { app: format!("{}/{}", before.namespace, before.name) });
            }
            self.shown.insert(uid.clone(), Known { missing, older: 0, ..before.clone() });
        }
        Listed { round: self, list_version: version, is_held, events: BTreeMap::new() }
    }
}

impl Listed<'_> {
    /// Applications that two rounds did not show, to be asked for by name.
    #[must_use]
    pub fn to_ask(&self) -> Vec<Ask> {
        let missing = |known: &Known| known.missing >= ROUNDS_TO_CONFIRM && !self.is_held;
        self.asks(missing)
    }

    /// Applications whose events are to be asked for.
    #[must_use]
    pub fn to_ask_events(&self) -> Vec<Ask> {
        let due = |known: &Known| known.events_due && !known.is_held() && !self.is_held;
        self.asks(due)
    }

    fn asks(&self, which: impl Fn(&Known) -> bool) -> Vec<Ask> {
        let found = self.round.shown.iter().filter(|(_, known)| which(known)).take(ASKED_MAX);
        let ask = |(uid, known): (&String, &Known)| Ask {
            uid: uid.clone(),
            name: known.name.clone(),
            namespace: known.namespace.clone(),
            project: known.project.clone(),
        };
        found.map(ask).collect()
    }

    /// What was answered about one of [`Listed::to_ask`].
    pub fn asked(&mut self, ask: &Ask, found: Found<'_>) {
        let Some(known) = self.round.shown.get_mut(&ask.uid) else { return };
        let (app, missing, was_deleting) =
            (format!("{}/{}", ask.namespace, ask.name), known.missing, known.is_deleting);
        match found {
            Found::There(bytes) => {
                self.round.shown.remove(&ask.uid);
                let items = self.round.shown.len();
                if let Err(why) = self.round.take(bytes) {
                    self.round.marks.push(Mark::Unreadable { what: app, why });
                }
                // It has its place again, or another one has its name.
                if self.round.shown.len() == items {
                    self.hide(&ask.uid);
                }
            }
            Found::Absent => {
                if !was_deleting && let Some(gone) = self.gone(ask) {
                    self.round.said.push(gone);
                }
                self.hide(&ask.uid);
                self.round.marks.push(Mark::Gone { app });
            }
            Found::NotAdmitted => {
                known.missing = 0;
                if !std::mem::replace(&mut known.is_kept, true) {
                    self.round.marks.push(Mark::Kept { app });
                }
            }
            Found::Hidden => {
                self.hide(&ask.uid);
                self.round.marks.push(Mark::Hidden { app });
            }
            Found::Nothing if missing >= ROUNDS_UNANSWERED_MAX => {
                self.hide(&ask.uid);
                self.round.marks.push(Mark::Hidden { app });
            }
            Found::Nothing => self.round.marks.push(Mark::Missing { app }),
        }
    }

    fn hide(&mut self, uid: &str) {
        self.round.shown.remove(uid);
    }

    /// The last thing that is said of an application; its row says who it was.
    fn gone(&self, ask: &Ask) -> Option<Observation> {
        let known = self.round.state.apps.get(&ask.uid)?;
        let row = json::parse(known.row.as_bytes(), DEPTH_MAX).ok()?;
        let app = App::of_row(&row).ok()?;
        let seen = Seen { channel: Channel::Poll, instance: self.round.state.instance(), app: &app };
        Some(lifecycle(&seen, Change::Deleting, None, None))
    }

    /// Takes one event of one of [`Listed::to_ask_events`].
    pub fn event(&mut self, ask: &Ask, bytes: &[u8]) {
        let read = read(bytes, EVENT_ROOM_BYTES_MAX).map_err(|error| error.to_string());
        let read = read.and_then(|event| Event::read(&event).map_err(|error| error.to_string()));
        match read {
            Ok(Some(event)) => self.events.entry(ask.uid.clone()).or_default().push(event),
            Ok(None) => {}
            Err(why) => {
                let what = format!("an event of {}/{}", ask.namespace, ask.name);
                self.round.marks.push(Mark::Unreadable { what, why });
            }
        }
    }

    /// All events of one application were taken.
    pub fn events_read(&mut self, ask: &Ask) {
        let instance = self.round.state.instance();
        let (Some(known), Some(app)) = (self.round.shown.get_mut(&ask.uid), self.round.apps.get(&ask.uid)) else {
            return;
        };
        known.events_due = false;
        let mut events = self.events.remove(&ask.uid).unwrap_or_default();
        events.sort_by_key(|event| event.version);
        let after = known.events_after;
        for event in events.iter().filter(|event| event.version.is_none_or(|version| version > after)) {
            known.events_after = known.events_after.max(event.version.unwrap_or(0));
            match event.observed(&events, instance, app) {
                Ok(observed) => self.round.said.push(observed),
                Err(error) => {
                    let what = format!("an event of {}/{}", ask.namespace, ask.name);
                    self.round.marks.push(Mark::Unreadable { what, why: error.to_string() });
                }
            }
        }
    }

    /// Ends the round. `is_confirmed` says whether something that is read from
    /// Kubernetes itself answered beside the list; without it the list may be
    /// the memory of a server whose Kubernetes API is away, and nothing counts.
    /// The secret makes nonces that nobody else can guess, the same for the same
    /// content.
    #[must_use]
    pub fn ended(mut self, is_confirmed: bool, secret: &[u8]) -> Ended {
        let before = self.round.state;
        let mut state = before.clone();
        if !is_confirmed || self.is_held {
            if is_confirmed {
                state.lists_older += 1;
            }
            let is_kept = |mark: &Mark| matches!(mark, Mark::OlderList { .. });
            let marks = self.round.marks.into_iter().filter(|mark| is_confirmed && is_kept(mark)).collect();
            return Ended { state, is_counted: false, observations: Vec::new(), snapshots: Vec::new(), marks };
        }
        let gap = before.counted_ms.map_or(0, |counted| self.round.now_ms.saturating_sub(counted));
        if gap > GAP_MS {
            self.round.marks.insert(0, Mark::Gap { seconds: gap / 1000 });
        }
        state.rows_went |= before.apps.keys().any(|uid| !self.round.shown.contains_key(uid));
        state.apps = self.round.shown;
        state.lists_older = 0;
        state.list_version = self.list_version.or(before.list_version);
        state.counted_ms = Some(self.round.now_ms);
        let later = state.apps.values().filter(|known| known.events_due).count();
        if later > 0 {
            self.round.marks.push(Mark::EventsLater { apps: later });
        }
        let observations = self.round.said.into_iter().map(|said| said.named(secret)).collect();
        // A snapshot says what is there: while that is in doubt, none does.
        let is_in_doubt = state.apps.values().any(Known::is_held);
        let snapshots = if is_in_doubt { Vec::new() } else { snapshot::due(&mut state, self.round.now_ms, secret) };
        Ended { state, is_counted: true, observations, snapshots, marks: self.round.marks }
    }
}
