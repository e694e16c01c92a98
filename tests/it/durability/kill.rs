//! kill -9 at random moments under load, with an observer in a process of its
//! own that remembers every checkpoint it ever saw.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding as _};

use crate::make::logs::{Random, receipt};
use crate::make::reader::Follower;
use crate::make::served::{Served, agent, get, placed};

const ROUNDS: u64 = 50;
/// Change it to see other moments; a failure prints it.
const SEED: u64 = 20_260_213;
/// Load runs at most this long between ready and kill.
const LOAD_MS_MAX: u64 = 350;
/// A start that is killed is killed at most this long after it began.
const START_KILLED_MS_MAX: u64 = 60;
/// Lines of one batch request, at most.
const BATCH_MAX: u64 = 60;

const ENV_URL: &str = "PULSELOG_TEST_OBSERVED_URL";
const ENV_FILE: &str = "PULSELOG_TEST_OBSERVED_FILE";

/// The observer. Does nothing unless a test set it up; ends when its parent does.
#[test]
fn observer() {
    let (Ok(url), Ok(path)) = (std::env::var(ENV_URL), std::env::var(ENV_FILE)) else { return };
    let parent = std::os::unix::process::parent_id();
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    let agent = agent();
    let mut last = Vec::new();
    while std::os::unix::process::parent_id() == parent {
        if let Some(answer) = get(&agent, &format!("{url}/checkpoint"))
            && answer.status == 200
            && answer.body != last
        {
            // Remembered for good before it counts as seen.
            writeln!(file, "{}", Base64::encode_string(&answer.body)).unwrap();
            file.sync_data().unwrap();
            last = answer.body;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Observer(Child);

impl Observer {
    fn start(url: &str, file: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &crate::make::name_of(module_path!(), "observer"), "--nocapture"])
            .env(ENV_URL, url)
            .env(ENV_FILE, file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn observed(file: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may still be under way.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| Base64::decode_vec(line).unwrap()).collect()
}

/// What the submitters share.
struct Load<'a> {
    served: &'a Served,
    next: AtomicU64,
    stop: AtomicBool,
    /// Index and leaf hash by receipt, only when acknowledged.
    acknowledged: Mutex<BTreeMap<u64, (u64, String)>>,
    errors: AtomicU64,
}

impl Load<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn acknowledge(&self, n: u64, place: (u64, String)) {
        let before = self.acknowledged.lock().unwrap().insert(n, place.clone());
        assert!(before.is_none_or(|b| b == place), "receipt {n} was acknowledged in two places");
    }

    /// Submits receipts one by one or in batches, again and again until each
    /// is acknowledged, as a submitter does who must not lose any.
    fn submit(&self, batch_max: u64, seed: u64) {
        let agent = agent();
        let mut random = Random(seed);
        while !self.is_over() {
            let count = 1 + random.below(batch_max);
            let first = self.next.fetch_add(count, Ordering::SeqCst);
            let receipts: Vec<String> = (first..first + count).map(receipt).collect();
            while !self.is_over() && !self.try_submit(&agent, first, &receipts) {
                self.errors.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn try_submit(&self, agent: &ureq::Agent, first: u64, receipts: &[String]) -> bool {
        let (path, content_type) = match receipts {
            [_] => ("v1/entries", "application/json"),
            _ => ("v1/entries:batch", "application/x-ndjson"),
        };
        let body = receipts.join("\n");
        let Some(answer) = self.served.post(agent, path, content_type, body.as_bytes()) else { return false };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status {
            200 | 201 => {}
            500.. | 429 => return false,
            other => panic!("{path} answered {other}: {text}"),
        }
        let lines: Vec<Option<(u64, String)>> = match receipts {
            [_] => vec![placed(&text)],
            _ => text.lines().map(placed).collect(),
        };
        for (n, place) in (first..).zip(&lines) {
            place.iter().for_each(|place| self.acknowledge(n, place.clone()));
        }
        lines.len() == receipts.len() && lines.iter().all(Option::is_some)
    }
}

/// Everything acknowledged so far is in the tree that the tiles give, and
/// every checkpoint that the observer saw is a prefix of it.
fn check(load: &Load<'_>, follower: &mut Follower, file: &Path, name: &str) -> usize {
    // Taken before the tree is read: what is acknowledged later may be newer.
    let acknowledged = load.acknowledged.lock().unwrap().clone();
    let seen = observed(file);
    follower.update(&mut |path| load.served.get(path)).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (n, (index, leaf)) in &acknowledged {
        let hash = follower.leaves.get(*index as usize);
        let hash = hash.unwrap_or_else(|| panic!("{name}: receipt {n} at {index} was lost"));
        let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, *leaf, "{name}: receipt {n} at {index}");
    }
    follower.check_seen(&seen).unwrap_or_else(|e| panic!("{name}: {e}"));
    seen.len()
}

#[test]
fn fifty_kills_under_load_lose_nothing_and_fork_nothing() {
    assert_eq!(kills(SEED, &mut |rounds| rounds < ROUNDS), ROUNDS);
}

/// Kills as long as `goes_on` says after so many rounds; panics where anything
/// was lost, and gives the rounds.
pub fn kills(seed: u64, goes_on: &mut dyn FnMut(u64) -> bool) -> u64 {
    let mut rounds = 0;
    let served = Served::start();
    let file = served.place.root().join("observed");
    let observer = Observer::start(&served.url, &file);
    let load = Load {
        served: &served,
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        acknowledged: Mutex::new(BTreeMap::new()),
        errors: AtomicU64::new(0),
    };
    let mut follower = Follower::new(&served.vkey);
    let mut random = Random(seed);
    std::thread::scope(|scope| {
        for (batch_max, nth) in [(1, 1), (1, 2), (BATCH_MAX, 3), (BATCH_MAX, 4)] {
            let load = &load;
            scope.spawn(move || load.submit(batch_max, seed + nth));
        }
        // Whatever fails below, the submitters must end with it.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            while goes_on(rounds) {
                check(&load, &mut follower, &file, &format!("round {rounds}, seed {seed}"));
                rounds += 1;
                std::thread::sleep(Duration::from_micros(1_000 * random.below(LOAD_MS_MAX) + random.below(1_000)));
                served.kill();
                if random.below(4) == 0 {
                    // Killed again while it starts.
                    served.spawn();
                    std::thread::sleep(Duration::from_millis(random.below(START_KILLED_MS_MAX)));
                    served.kill();
                }
                served.spawn();
                served.wait_ready();
            }
        }));
        load.stop.store(true, Ordering::SeqCst);
        if let Err(panic) = result {
            eprintln!("{}", served.log_text());
            std::panic::resume_unwind(panic);
        }
    });
    // One more start after all load has ended, then everything at once.
    served.kill();
    served.spawn();
    served.wait_ready();
    let seen = check(&load, &mut follower, &file, &format!("after {rounds} rounds, seed {seed}"));
    drop(observer);
    let size = follower.leaves.len() as u64;
    assert_eq!(follower.check_entries(&mut |path| served.get(path), 0, size), Ok(size));
    let acknowledged = load.acknowledged.into_inner().unwrap();
    check_resubmission(&served, &acknowledged, &mut random);
    served.stop();
    assert_eq!(served.place.problems(), Vec::<String>::new());
    println!(
        "{rounds} kills: {size} entries, {} acknowledged, {seen} checkpoints observed, {} requests failed and were repeated",
        acknowledged.len(),
        load.errors.into_inner()
    );
    assert!(acknowledged.len() as u64 > rounds && seen as u64 > rounds, "there was hardly any load");
    rounds
}

/// A submitter who asks again is told the same place.
fn check_resubmission(served: &Served, acknowledged: &BTreeMap<u64, (u64, String)>, random: &mut Random) {
    let agent = agent();
    let numbers: Vec<&u64> = acknowledged.keys().collect();
    for _ in 0..200 {
        let n = *numbers[random.below(numbers.len() as u64) as usize];
        let answer = served.post(&agent, "v1/entries", "application/json", receipt(n).as_bytes()).unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, placed(&text).as_ref()), (200, Some(&acknowledged[&n])), "receipt {n}: {text}");
    }
}
