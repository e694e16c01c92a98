//! What one target is told, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::{Map, json};
use tokio::sync::watch;

use crate::artifact::digest::ArtifactDigest;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses;
use crate::server::config::webhooks::{Event, Target};
use crate::server::judge::{AuditsError, Sitting, Touched};
use crate::server::log::Published;
use crate::server::log::view::ViewError;
use crate::server::webhooks::cursor::{self, Cursor, Gap, Moment};
use crate::server::webhooks::derive::{Between, Judged};
use crate::server::webhooks::event::{GAP, Of, Told, hash};
use crate::server::webhooks::sender::Sender;
use crate::server::webhooks::{Ends, LOOK_INTERVAL, Source};

/// Least time from one evaluation to the next.
const EVALUATE_INTERVAL: Duration = Duration::from_secs(1);
/// Waits between attempts: doubled from the first to the last.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(300);
/// How long a target may take nothing before its cursor jumps.
const FAILING_MAX: Duration = Duration::from_secs(72 * 3_600);
/// Jobs that are judged where new entries are of no one job, and whose
/// obligations are held against the clock: those that were met last.
const WATCHED_JOBS_MAX: usize = 256;
/// Bundles of one job that are judged with it: the newest.
const BUNDLES_OF_JOB_MAX: usize = 16;
/// Entries that one sitting looks through for whom they are about.
const TOUCH_ENTRIES: u64 = 256;

/// Why an evaluation ended before all was told.
enum Stop {
    /// The service ends.
    Ending,
    /// Nothing was taken for too long.
    GaveUp,
    /// The log or the disk does not answer; the same again, later.
    Unread(String),
}

impl From<AuditsError> for Stop {
    fn from(error: AuditsError) -> Self {
        Self::Unread(error.to_string())
    }
}

impl From<ViewError> for Stop {
    fn from(error: ViewError) -> Self {
        Self::Unread(error.to_string())
    }
}

/// One thread's work.
pub struct Teller<'a> {
    source: Source,
    sender: Sender,
    events: BTreeSet<Event>,
    name: String,
    published: watch::Receiver<Published>,
    ends: &'a Ends,
    path: PathBuf,
    /// What there was before anybody was served: where a new target begins.
    start: Moment,
    /// When the next obligation of a watched job is over; `None` until all of them
    /// were judged once.
    due: Option<BTreeMap<String, i64>>,
}

impl<'a> Teller<'a> {
    pub fn new(
        source: Source,
        target: Target,
        (start, published): (Moment, watch::Receiver<Published>),
        ends: &'a Ends,
    ) -> Self {
        let (events, name) = (target.events.clone(), target.name.clone());
        let path = cursor::path(&source.data, &name);
        Self { sender: Sender::new(target), source, events, name, published, ends, path, start, due: None }
    }

    /// Tells until the service ends.
    pub fn run(mut self) {
        crate::server::workers::Priority::Last.take();
        let mut wait = RETRY_MIN;
        let mut cursor = loop {
            match self.begin() {
                Ok(cursor) => break cursor,
                Err(error) => self.complain(&error.to_string()),
            }
            if !self.ends.rest(RETRY_MAX, &self.published) {
                return;
            }
        };
        loop {
            self.source.metrics.webhook_at(&self.name, cursor.told.size);
            let rest = match self.step(&mut cursor) {
                Ok(()) => {
                    wait = RETRY_MIN;
                    EVALUATE_INTERVAL
                }
                Err(Stop::Ending) => return,
                Err(Stop::GaveUp) => {
                    self.jump(&mut cursor);
                    RETRY_MIN
                }
                Err(Stop::Unread(why)) => {
                    self.complain(&why);
                    wait = (wait * 2).min(RETRY_MAX);
                    wait
                }
            };
            if !self.ends.rest(rest, &self.published) {
                return;
            }
        }
    }

    fn complain(&self, why: &str) {
        tracing::warn!(target = self.name, why, "a webhook waits");
    }

    fn now(&self) -> Moment {
        now(&self.source, &self.published)
    }

    /// The cursor that is there; one that nobody has begins at what was there at the start.
    fn begin(&self) -> std::io::Result<Cursor> {
        let now = self.now();
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut cursor = match Cursor::read(&self.path, &self.source.facts.origin) {
            Ok(Some(cursor)) => cursor,
            Ok(None) => Cursor::begin(&self.source.facts.origin, self.start),
            Err(error) => {
                self.complain(&format!("{}: {error}; it begins at the newest size", self.path.display()));
                Cursor::begin(&self.source.facts.origin, self.start)
            }
        };
        let was_under_way = cursor.under_way.map_or(Ok(true), |to| self.was(to))?;
        if !self.was(cursor.told)? || !was_under_way {
            cursor.gap = Some(Gap { from: now.size, to: now.size, since_ms: now.time_ms });
            (cursor.told, cursor.under_way) = (now, None);
        }
        cursor.write(&self.path)?;
        Ok(cursor)
    }

    /// Whether this log was ever so. One that was restored is smaller, or has grown
    /// into another by now.
    fn was(&self, moment: Moment) -> std::io::Result<bool> {
        match self.source.desks.open().view.checkpoint(TreeSize::new(moment.size)) {
            Ok((head, _)) => Ok(moment.root.is_none_or(|root| root == head.root)),
            Err(ViewError::NotPublished { .. }) => Ok(false),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
    }

    fn keep(&self, cursor: &Cursor) -> Result<(), Stop> {
        cursor.write(&self.path).map_err(|error| Stop::Unread(format!("{}: {error}", self.path.display())))
    }

    /// Tells what a jump left out, then everything to the size under way, or to
    /// the newest.
    fn step(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        if let Some(gap) = cursor.gap {
            let of = Of { origin: &self.source.facts.origin, size: gap.to };
            let more = Map::from_iter([("from".to_owned(), json!(gap.from)), ("to".to_owned(), json!(gap.to))]);
            let scope = json!({"gap": hash(&json!([gap.from, gap.to, gap.since_ms]))});
            self.deliver(cursor, &of.event(GAP, &scope, more))?;
            cursor.gap = None;
            self.keep(cursor)?;
        }
        let to = match cursor.under_way {
            Some(to) => to,
            None => {
                let now = self.now();
                let is_due = self.due.as_ref().is_none_or(|due| due.values().any(|until| is_over(*until, now.time_ms)));
                if now.size == cursor.told.size && !(is_due && self.judges()) {
                    return Ok(());
                }
                now
            }
        };
        cursor.under_way = Some(to);
        self.keep(cursor)?;
        self.evaluate(cursor, to)?;
        (cursor.told, cursor.under_way) = (to, None);
        self.keep(cursor)
    }

    /// Whether anything is wanted that rests on a judgement.
    fn judges(&self) -> bool {
        self.events.iter().any(|event| *event != Event::CheckpointPublished)
    }

    fn evaluate(&mut self, cursor: &mut Cursor, to: Moment) -> Result<(), Stop> {
        let from = cursor.told;
        if to.size > from.size && self.events.contains(&Event::CheckpointPublished) {
            let told = self.checkpoint(to)?;
            self.deliver(cursor, &told)?;
        }
        if !self.judges() {
            return Ok(());
        }
        let mut touched = self.touched(from, to)?;
        let (apps, jobs) = (std::mem::take(&mut touched.apps), std::mem::take(&mut touched.jobs));
        for job in jobs {
            let more = self.tell(cursor, &Judged::Job(job), from, to)?;
            more.into_iter().for_each(|(digest, at)| _ = touched.bundles.entry(digest).or_insert(at));
        }
        for (digest, at) in touched.bundles {
            self.tell(cursor, &Judged::Bundle(digest, at), from, to)?;
        }
        for app in apps {
            self.tell(cursor, &Judged::App(app), from, to)?;
        }
        Ok(())
    }

    /// Whom the entries between two moments are about, and whose obligations
    /// the time between them ends.
    fn touched(&mut self, from: Moment, to: Moment) -> Result<Touched, Stop> {
        let mut touched = Touched::default();
        let mut at = from.size;
        while at < to.size {
            let end = to.size.min(at + TOUCH_ENTRIES);
            let sitting = self.sit();
            self.paced(|| sitting.touch(at..end, TreeSize::new(to.size), &mut touched))??;
            self.go_on()?;
            at = end;
        }
        let sitting = self.sit();
        let watched = sitting.jobs_below(TreeSize::new(to.size), WATCHED_JOBS_MAX)?;
        match &mut self.due {
            Some(due) if !touched.is_loose => {
                due.retain(|job, _| watched.contains(job));
                // The log's own clock ends obligations too, and is never ahead of this one by much.
                let logged = match to.size.checked_sub(1) {
                    Some(last) => sitting.desk.view.entry(LeafIndex::new(last))?.entry.logged_at.unix_ms(),
                    None => 0,
                };
                let now = to.time_ms.max(logged);
                touched.jobs.extend(due.iter().filter(|(_, until)| is_over(**until, now)).map(|(job, _)| job.clone()));
            }
            due => {
                due.get_or_insert_default();
                touched.jobs.extend(watched);
            }
        }
        Ok(touched)
    }

    /// Judges one thing at both moments and tells the difference; the bundles of a job.
    fn tell(
        &mut self,
        cursor: &mut Cursor,
        of: &Judged,
        from: Moment,
        to: Moment,
    ) -> Result<Vec<(ArtifactDigest, LeafIndex)>, Stop> {
        let sitting = self.sit();
        let (before, _) = self.paced(|| of.said(&sitting, from.size))??;
        let (now, made) = self.paced(|| of.said(&sitting, to.size))??;
        let is_job = matches!(of, Judged::Job(_));
        let bundles = match made.filter(|_| is_job) {
            Some(made) => sitting.bundles_of(&made, BUNDLES_OF_JOB_MAX)?,
            None => Vec::new(),
        };
        // Nothing of the log is held while a target takes its time.
        drop(sitting);
        let (origin, public_url) = (self.source.facts.origin.clone(), self.source.facts.public_url.clone());
        let between = Between { before: from, now: to, origin: &origin, public_url: public_url.as_deref() };
        for (event, told) in between.events(of, &before, &now) {
            if self.events.contains(&event) {
                self.deliver(cursor, &told)?;
            }
        }
        if let (Judged::Job(job), Some(due)) = (of, &mut self.due) {
            match now.next_due(to.time_ms) {
                Some(until) => _ = due.insert(job.clone(), until),
                None => _ = due.remove(job),
            }
        }
        self.go_on()?;
        Ok(bundles)
    }

    fn sit(&self) -> Sitting {
        self.source.audits.sit(self.source.desks.open())
    }

    fn paced<T>(&self, make: impl FnOnce() -> T) -> Result<T, Stop> {
        self.ends.paced(&self.published, make).ok_or(Stop::Ending)
    }

    fn go_on(&self) -> Result<(), Stop> {
        if self.ends.rest(Duration::ZERO, &self.published) { Ok(()) } else { Err(Stop::Ending) }
    }

    fn checkpoint(&self, to: Moment) -> Result<Told, Stop> {
        let (head, _) = self.source.desks.open().view.checkpoint(TreeSize::new(to.size))?;
        let path = addresses::checkpoint(head.size);
        let link = self.source.facts.public_url.as_ref().map(|base| format!("{base}{path}"));
        let more = Map::from_iter([("root".to_owned(), json!(head.root)), ("link".to_owned(), json!(link))]);
        let of = Of { origin: &self.source.facts.origin, size: to.size };
        Ok(of.event(Event::CheckpointPublished.name(), &json!({}), more))
    }

    /// Sends one event until it is taken.
    fn deliver(&self, cursor: &mut Cursor, told: &Told) -> Result<(), Stop> {
        let mut wait = RETRY_MIN;
        loop {
            let now = self.source.clock.read().wall_ms;
            match self.attempt(told, now / 1_000)? {
                Ok(()) => {
                    self.source.metrics.webhook(&self.name, "delivered");
                    if cursor.failing_since_ms.take().is_some() {
                        self.source.metrics.webhook_failing(&self.name, 0);
                        self.keep(cursor)?;
                    }
                    return Ok(());
                }
                Err(why) => {
                    self.source.metrics.webhook(&self.name, "failed");
                    tracing::warn!(target = self.name, event = told.kind, id = told.id, why, "a webhook was not taken");
                }
            }
            let since = match cursor.failing_since_ms {
                Some(since) => since,
                None => {
                    cursor.failing_since_ms = Some(now);
                    self.keep(cursor)?;
                    now
                }
            };
            self.source.metrics.webhook_failing(&self.name, since / 1_000);
            if u128::from(now.saturating_sub(since)) >= FAILING_MAX.as_millis() {
                return Err(Stop::GaveUp);
            }
            if !self.ends.rest(wait, &self.published) {
                return Err(Stop::Ending);
            }
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    /// One attempt, which is not waited for once the service ends.
    fn attempt(&self, told: &Told, unix_seconds: u64) -> Result<Result<(), String>, Stop> {
        let answered = self.sender.begin(&told.body, unix_seconds);
        loop {
            match answered.recv_timeout(LOOK_INTERVAL) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Timeout) => self.go_on()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(Err("the attempt did not run".to_owned())),
            }
        }
    }

    /// Leaves out what nobody took, and says so by a number, a line and one event.
    fn jump(&mut self, cursor: &mut Cursor) {
        let now = self.now();
        let (from, since_ms) = cursor.gap.map_or((cursor.told.size, now.time_ms), |gap| (gap.from, gap.since_ms));
        cursor.gap = Some(Gap { from, to: now.size, since_ms });
        (cursor.told, cursor.under_way, cursor.failing_since_ms) = (now, None, Some(now.time_ms));
        self.due = None;
        self.source.metrics.webhook_jumped(&self.name);
        tracing::error!(target = self.name, from, to = now.size, "a webhook was not taken for 72 h: its cursor jumps");
        if let Err(Stop::Unread(why)) = self.keep(cursor) {
            self.complain(&why);
        }
    }
}

/// The newest size, and the time.
pub fn now(source: &Source, published: &watch::Receiver<Published>) -> Moment {
    let head = published.borrow().head;
    Moment { size: head.size.get(), time_ms: source.clock.read().wall_ms, root: Some(head.root) }
}

fn is_over(until_ms: i64, now_ms: u64) -> bool {
    until_ms < i64::try_from(now_ms).unwrap_or(i64::MAX)
}
