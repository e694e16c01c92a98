//! What a submitter remembers of a served log, held against it after a fault.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Counts;
use crate::make::logs::receipt;
use crate::make::reader::Follower;
use crate::make::served::{Served, agent, placed};

/// Most receipts of one batch.
const BATCH_MAX: u64 = 40;
/// After a refusal, before the next try.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

pub struct Kept {
    follower: Follower,
    acknowledged: BTreeMap<u64, (u64, String)>,
    checkpoints: Vec<Vec<u8>>,
    next: u64,
    agent: ureq::Agent,
}

impl Kept {
    pub fn new(served: &Served) -> Self {
        let follower = Follower::new(&served.vkey);
        Self { follower, acknowledged: BTreeMap::new(), checkpoints: Vec::new(), next: 0, agent: agent() }
    }

    /// Submits until `most` has passed or the log is no longer ready; whether it
    /// is. Only what was acknowledged counts.
    pub fn submit(&mut self, served: &Served, most: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < most {
            let (first, count) = (self.next, 1 + self.next % BATCH_MAX);
            let body = (first..first + count).map(receipt).collect::<Vec<_>>().join("\n");
            let sent = served.post(&self.agent, "v1/entries:batch", "application/x-ndjson", body.as_bytes());
            self.next += count;
            let Some(answer) = sent else {
                // A connection may fail alone; the log is asked.
                if !served.is_ready_within(super::END_MAX) {
                    return false;
                }
                continue;
            };
            if answer.status == 200 {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let places = (first..).zip(text.lines().map(placed));
                self.acknowledged.extend(places.filter_map(|(n, place)| Some((n, place?))));
            } else if !served.is_running() {
                return false;
            } else {
                std::thread::sleep(REFUSED_PAUSE);
            }
            self.see(served);
        }
        true
    }

    /// Remembers the newest checkpoint.
    pub fn see(&mut self, served: &Served) {
        if let Some(note) = served.get("checkpoint")
            && self.checkpoints.last() != Some(&note)
        {
            self.checkpoints.push(note);
        }
    }

    /// Counts what a log that runs again has lost.
    pub fn check(&mut self, served: &Served, counts: &mut Counts, name: &str) {
        if let Err(why) = self.follower.update(&mut |path| served.get(path)) {
            eprintln!("{name}: {why}");
            counts.forks += 1;
            return;
        }
        if let Err(why) = self.follower.check_seen(&self.checkpoints) {
            eprintln!("{name}: {why}");
            counts.forks += 1;
        }
        for (n, (index, leaf)) in &self.acknowledged {
            let found = self.follower.leaves.get(*index as usize);
            let found = found.map(|hash| hash.iter().map(|b| format!("{b:02x}")).collect::<String>());
            if found.as_ref() != Some(leaf) {
                eprintln!("{name}: receipt {n} at {index} was lost");
                counts.lost += 1;
            }
        }
    }

    /// Starts the log again and counts; whether it is back.
    pub fn restart(&mut self, served: &Served, counts: &mut Counts, name: &str) -> bool {
        served.kill();
        served.spawn();
        if !served.is_ready_within(super::START_MAX) {
            eprintln!("{name}: the log does not start: {}", served.log_text());
            counts.bricked += 1;
            return false;
        }
        self.check(served, counts, name);
        true
    }

    /// The last word: every entry is what its leaf says, and fsck is clean.
    pub fn end(mut self, served: &Served, counts: &mut Counts) {
        self.check(served, counts, "at the end");
        let size = self.follower.leaves.len() as u64;
        assert_eq!(self.follower.check_entries(&mut |path| served.get(path), 0, size), Ok(size));
        served.stop();
        assert_eq!(served.place.problems(), Vec::<String>::new());
        println!("  {size} entries, {} acknowledged, {} checkpoints", self.acknowledged.len(), self.checkpoints.len());
    }
}
