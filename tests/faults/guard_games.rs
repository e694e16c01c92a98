//! Games with the guard and with copies, again and again on one log: renamed,
//! unlinked, linked, replaced, flipped, older copies of guard and data put in
//! place. The log stops or refuses; whatever a person can mend runs again.

use super::{Counts, Plan};
use crate::durability::guard_moved::PARTINGS;
use crate::make::logs::{Memory, Open, Place, Random, copy_dir, items};

/// Entries of one commit, at most.
const COMMIT_MAX: u64 = 20;

struct Game {
    place: Place,
    memory: Memory,
    next: u64,
    counts: Counts,
}

impl Game {
    fn submit(&mut self, open: &Open, random: &mut Random) {
        let count = 1 + random.below(COMMIT_MAX);
        self.memory.submit(open, self.next..self.next + count);
        self.next += count;
    }

    fn open(&mut self, name: &str) -> Option<Open> {
        match self.place.try_open() {
            Ok(open) => Some(open),
            Err(error) => {
                eprintln!("{name}: {error}");
                self.counts.bricked += 1;
                None
            }
        }
    }

    /// Must not start; the other way round counts as a fork.
    fn refuses(&mut self, name: &str) {
        if let Ok(open) = self.place.try_open() {
            eprintln!("{name}: the log started at size {}", open.size());
            self.counts.forks += 1;
            let _ = open.close();
        }
    }

    /// Path and file of the guard part while the log runs.
    fn part(&mut self, random: &mut Random) -> Option<()> {
        let (name, part, mend) = PARTINGS[random.below(PARTINGS.len() as u64) as usize];
        let open = self.open(name)?;
        self.submit(&open, random);
        let bytes = std::fs::read(self.place.guard()).unwrap();
        part(&self.place, &bytes);
        if open.submit(items(self.next..self.next + 1)).is_ok() {
            eprintln!("{name}: acknowledged without its guard");
            self.counts.forks += 1;
        }
        self.next += 1;
        let _ = open.close();
        mend(&self.place, &bytes);
        self.open(name)?.close().ok()
    }

    /// One byte of the guard flips while the log runs.
    fn flip(&mut self, random: &mut Random) -> Option<()> {
        let open = self.open("flip")?;
        self.submit(&open, random);
        let mut bytes = std::fs::read(self.place.guard()).unwrap();
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        // In place: the file that is locked.
        let file = std::fs::File::options().write(true).open(self.place.guard()).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes[at..=at], at as u64).unwrap();
        if let Ok(logged) = open.submit(items(self.next..self.next + 1)) {
            self.memory.acknowledge(self.next, logged[0].index, logged[0].leaf_hash);
        }
        self.next += 1;
        let _ = open.close();
        self.open(&format!("guard flipped at {at}"))?.close().ok()
    }

    /// An older copy of the data, or of the guard, in place of the newest.
    fn older_copy(&mut self, random: &mut Random) -> Option<()> {
        let older = self.place.copy();
        let open = self.open("older copy")?;
        // Two commits: a guard one behind is what a crash leaves.
        (0..3).for_each(|_| self.submit(&open, random));
        open.close().ok()?;
        let newest = self.place.copy();
        match random.below(3) {
            0 => {
                self.place.replace_data(&older);
                self.refuses("older data");
            }
            1 => {
                std::fs::copy(older.guard(), self.place.guard()).unwrap();
                self.refuses("older guard");
            }
            _ => {
                // A backup that is copied over what is there: refused, or it
                // took nothing away (what it changed, the newest files give back).
                copy_dir(&older.data(), &self.place.data());
                if let Ok(open) = self.place.try_open() {
                    self.memory.check_open(&open);
                    open.close().ok()?;
                }
            }
        }
        self.place.replace_data(&newest);
        std::fs::copy(newest.guard(), self.place.guard()).unwrap();
        self.open("newest data and guard")?.close().ok()
    }
}

#[test]
fn faults_guard_games() {
    let Some(plan) = Plan::of("guard games", 60, &[]) else { return };
    let mut random = Random(plan.seed);
    let (place, memory) = Place::new().with_sizes(&[2, 5, 6]);
    let mut game = Game { place, memory, next: 6, counts: Counts::default() };
    while plan.goes_on(&game.counts) && game.counts.bricked == 0 {
        game.counts.rounds += 1;
        let played = match random.below(3) {
            0 => game.part(&mut random),
            1 => game.flip(&mut random),
            _ => game.older_copy(&mut random),
        };
        let Some(open) = played.and_then(|()| game.open("after the game")) else { break };
        // Panics where an acknowledged entry or a checkpoint seen is not there.
        game.memory.check_open(&open);
        open.close().unwrap();
    }
    if game.counts.bricked == 0 {
        game.memory.check_log(&game.place);
    }
    plan.end(game.counts);
}
