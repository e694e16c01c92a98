//! A log in a directory of its own, artifacts to put into it, and the check
//! that every durability test ends with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use pulselog::artifact::{Did, Grant, KeyCache, Kind, Limits, admit, json, seal};
use pulselog::checkpoint::Origin;
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::merkle::{LeafHash, LeafIndex, TreeSize};
use pulselog::note::{KeyName, SignerKey};
use pulselog::receipt::prove;
use pulselog::server::faults::{Faults, NoFaults, WriteStep};
use pulselog::server::fsck;
use pulselog::server::guard::{FileGuard, GuardRecord, GuardState};
use pulselog::server::log::clock::{Clock, Reading, SystemClock};
use pulselog::server::log::publisher::Fatal;
use pulselog::server::log::recovery::OpenError;
use pulselog::server::log::sequencer::Running;
use pulselog::server::log::{Answered, Held, Item, Log, Logged, Opening, SubmitError, default_guard_path};
use pulselog::server::store::Budget;
use pulselog::trust::TrustPolicy;

pub const ORIGIN: &str = "log.example.com/durability";
pub const ISSUED_AT: &str = "2026-02-12T18:00:00Z";
const LOG_SEED: [u8; 32] = [7; 32];
const GATEWAY_SEED: [u8; 32] = [3; 32];
const AGENT_SEED: [u8; 32] = [4; 32];
const OPERATOR_SEED: [u8; 32] = [5; 32];

/// The log's own key under `origin`.
pub fn log_key(origin: &str) -> SignerKey {
    SignerKey::new(KeyName::parse(origin).unwrap(), &LOG_SEED).unwrap()
}

/// What readers of the test log trust.
pub fn policy() -> TrustPolicy {
    TrustPolicy::for_log(log_key(ORIGIN).vkey())
}

pub fn operator() -> Did {
    Did::of(&SigningKey::from_bytes(&OPERATOR_SEED).verifying_key())
}

fn b64u(label: &str, n: u64) -> String {
    use sha2::Digest as _;
    pulselog::artifact::digest::ArtifactDigest::from_bytes(sha2::Sha256::digest(format!("{label} {n}")).into())
        .to_b64u()
}

/// The n-th gateway receipt, signed. `issued_at` stands outside the signature:
/// two values make two envelopes of one statement.
pub fn receipt_issued_at(n: u64, issued_at: &str) -> String {
    let payload = format!(
        concat!(
            r#"{{"receipt_version":"1","receipt_id":"rcpt_{n}","gateway_id":"gw_1","provider":"anthropic","#,
            r#""model":"m-{m}","request_hash_b64u":"{q}","response_hash_b64u":"{r}","tokens_input":{n},"#,
            r#""tokens_output":{m},"latency_ms":7,"timestamp":"2026-02-12T18:00:00.000Z","#,
            r#""binding":{{"run_id":"run_{run}"}}}}"#
        ),
        n = n,
        m = n % 7,
        q = b64u("request", n),
        r = b64u("response", n),
        run = n / 50,
    );
    sealed("gateway_receipt", &payload, &GATEWAY_SEED, issued_at)
}

/// The n-th gateway receipt.
pub fn receipt(n: u64) -> String {
    receipt_issued_at(n, ISSUED_AT)
}

/// A signed proof bundle that contains these gateway receipts.
pub fn bundle(n: u64, receipts: &[u64]) -> String {
    let agent = Did::of(&SigningKey::from_bytes(&AGENT_SEED).verifying_key());
    let receipts: Vec<String> = receipts.iter().map(|n| receipt(*n)).collect();
    let payload = format!(
        r#"{{"bundle_version":"1","bundle_id":"bundle_{n}","agent_did":"{agent}","receipts":[{}]}}"#,
        receipts.join(",")
    );
    sealed("proof_bundle", &payload, &AGENT_SEED, ISSUED_AT)
}

fn sealed(kind: &str, payload: &str, seed: &[u8; 32], issued_at: &str) -> String {
    let payload = json::parse(payload.as_bytes(), 64).unwrap();
    seal(Kind::parse(kind).unwrap(), payload, &SigningKey::from_bytes(seed), issued_at).unwrap()
}

/// An artifact as the log takes it: admitted, expanded.
pub fn item_of(artifact: &str) -> Item {
    let submitter = SubmitterName::parse("tests").unwrap();
    let admitted = admit(artifact.as_bytes(), &Grant::all(), &Limits::unlimited(), &KeyCache::new()).unwrap();
    let expanded = admitted.expanded.into_iter().map(|a| PendingEntry::new(a, None, submitter.clone()));
    let mut entries: Vec<_> = expanded.collect();
    entries.push(PendingEntry::new(admitted.artifact, admitted.receipts, submitter));
    Item { entries }
}

pub fn item(n: u64) -> Item {
    item_of(&receipt(n))
}

pub fn items(range: std::ops::Range<u64>) -> Vec<Item> {
    range.map(item).collect()
}

/// A clock that stands where a test puts it.
#[derive(Default)]
pub struct TestClock {
    pub wall_ms: AtomicU64,
    pub monotonic_ms: AtomicU64,
    /// Nobody holds the wall clock right.
    pub unsynchronised: AtomicBool,
}

/// The machine's clocks, held right by nobody that we ask: tests run where
/// they are not, and on logs of any day.
#[derive(Default)]
struct Unasked(SystemClock);

impl Clock for Unasked {
    fn read(&self) -> Reading {
        self.0.read()
    }
}

impl Clock for TestClock {
    fn is_synchronised(&self) -> Option<bool> {
        Some(!self.unsynchronised.load(Ordering::SeqCst))
    }

    fn read(&self) -> Reading {
        Reading { wall_ms: self.wall_ms.load(Ordering::SeqCst), monotonic_ms: self.monotonic_ms.load(Ordering::SeqCst) }
    }
}

/// Fails one step before its effect, once armed.
pub struct Failing {
    step: WriteStep,
    armed: AtomicBool,
}

impl Failing {
    pub fn new(step: WriteStep) -> Arc<Self> {
        Arc::new(Self { step, armed: AtomicBool::new(false) })
    }

    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

impl Faults for Failing {
    fn before(&self, step: WriteStep) -> std::io::Result<()> {
        if step == self.step && self.armed.load(Ordering::SeqCst) {
            return Err(std::io::Error::other("broken on purpose"));
        }
        Ok(())
    }
}

/// Where one log lives: `data` and beside it `data.guard`.
pub struct Place {
    root: PathBuf,
    _owned: Option<tempfile::TempDir>,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { root: dir.path().to_owned(), _owned: Some(dir) }
    }

    /// A place in memory, for tests that make hundreds: what they damage are
    /// bytes, not disks.
    pub fn in_memory() -> Self {
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        Self { root: dir.path().to_owned(), _owned: Some(dir) }
    }

    /// A place that somebody else cleans up.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _owned: None }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn store(&self) -> PathBuf {
        self.data().join("store")
    }

    pub fn guard(&self) -> PathBuf {
        default_guard_path(&self.data())
    }

    pub fn opening(&self) -> Opening {
        Opening {
            data: self.data(),
            guard: self.guard(),
            origin: Origin::parse(ORIGIN).unwrap(),
            signer: log_key(ORIGIN),
            operator: operator(),
            seen: Vec::new(),
            checkpoint_interval: Duration::ZERO,
            free_disk_bytes_min: 0,
            budget: Budget::default(),
            held: Held::default(),
            read_only: false,
            accept_clock: None,
            clock: Arc::new(Unasked::default()),
            faults: Arc::new(NoFaults),
        }
    }

    pub fn try_open(&self) -> Result<Open, OpenError> {
        self.try_open_with(|_| {})
    }

    pub fn try_open_with(&self, change: impl Fn(&mut Opening)) -> Result<Open, OpenError> {
        let open = || {
            let mut opening = self.opening();
            change(&mut opening);
            let (log, running) = Log::open(opening)?;
            Ok(Open { log, running })
        };
        patiently(open, |error: &OpenError| crate::make::logs::is_held(error.code()))
    }

    pub fn open(&self) -> Open {
        self.try_open().unwrap()
    }

    /// Code of the refusal; panics when the log starts.
    pub fn refusal(&self) -> &'static str {
        match self.try_open() {
            Ok(_) => panic!("the log started"),
            Err(error) => error.code().name,
        }
    }

    /// Makes a log that grows to each of these sizes in one batch.
    pub fn with_sizes(self, sizes: &[u64]) -> (Self, Memory) {
        let mut memory = Memory::default();
        let open = self.open();
        let mut before = 0;
        for size in sizes {
            memory.submit(&open, before..*size);
            before = *size;
        }
        open.close().unwrap();
        (self, memory)
    }

    /// A whole copy elsewhere.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_dir(&self.root, &copy.root);
        copy
    }

    /// The data of `other` in place of what is here; the guard stays.
    pub fn replace_data(&self, other: &Self) {
        std::fs::remove_dir_all(self.data()).unwrap();
        copy_dir(&other.data(), &self.data());
    }

    pub fn guard_record(&self) -> GuardRecord {
        let open = || FileGuard::open(&self.guard(), Arc::new(NoFaults));
        match patiently(open, |error| crate::make::logs::is_held(error.code())).unwrap().unwrap().read().unwrap() {
            GuardState::Record(record) => record,
            other => panic!("the guard holds no record: {other:?}"),
        }
    }

    /// A guard file that holds `record` and nothing else.
    pub fn write_guard(&self, record: &GuardRecord) {
        let _ = std::fs::remove_file(self.guard());
        FileGuard::create(&self.guard(), record, Arc::new(NoFaults)).unwrap();
    }

    /// What fsck finds, as `what: why`.
    pub fn problems(&self) -> Vec<String> {
        let check = || fsck::check(&self.data(), &self.guard(), &mut |_, _| {});
        let checked = patiently(check, |error| crate::make::logs::is_held(error.code()));
        match checked {
            Ok(report) => report.problems.iter().map(|p| format!("{}: {}", p.what, p.why)).collect(),
            Err(error) => vec![format!("{}: {error}", error.code().name)],
        }
    }
}

/// Whether somebody holds a lock of the log: its guard's or its store's.
pub fn is_held(code: &pulselog::codes::Code) -> bool {
    ["guard_busy", "store_busy"].contains(&code.name)
}

/// Tries again for a while as long as a lock is held: another test's child
/// holds a copy of one that was let go between its fork and its exec.
pub fn patiently<T, E>(mut attempt: impl FnMut() -> Result<T, E>, is_busy: impl Fn(&E) -> bool) -> Result<T, E> {
    let mut last = attempt();
    for _ in 0..100 {
        match &last {
            Err(error) if is_busy(error) => std::thread::sleep(Duration::from_millis(5)),
            _ => break,
        }
        last = attempt();
    }
    last
}

pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A log that runs.
pub struct Open {
    pub log: Log,
    pub running: Running,
}

impl Open {
    pub fn submit(&self, items: Vec<Item>) -> Result<Vec<Logged>, SubmitError> {
        self.submit_each(items)?.into_iter().collect()
    }

    /// As [`Open::submit`], where an item may fail alone.
    pub fn submit_each(&self, items: Vec<Item>) -> Result<Vec<Answered>, SubmitError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.log.submit(items))
    }

    pub fn size(&self) -> u64 {
        self.log.published().head.size.get()
    }

    /// Ends the log and waits until its store is closed.
    pub fn close(self) -> Result<(), Fatal> {
        drop(self.log);
        self.running.join()
    }
}

/// What was acknowledged, and every checkpoint that was seen.
#[derive(Default)]
pub struct Memory {
    /// By number of the receipt.
    pub acknowledged: BTreeMap<u64, (LeafIndex, LeafHash)>,
    pub checkpoints: Vec<Vec<u8>>,
}

impl Memory {
    /// Submits receipts as one request and remembers the answer.
    pub fn submit(&mut self, open: &Open, numbers: std::ops::Range<u64>) -> Vec<Logged> {
        self.see(open);
        let logged = open.submit(items(numbers.clone())).unwrap();
        for (n, logged) in numbers.zip(&logged) {
            self.acknowledge(n, logged.index, logged.leaf_hash);
        }
        self.see(open);
        logged
    }

    /// An acknowledgement; one that contradicts an earlier one fails the test.
    pub fn acknowledge(&mut self, n: u64, index: LeafIndex, leaf: LeafHash) {
        let before = self.acknowledged.insert(n, (index, leaf));
        assert!(before.is_none_or(|b| b == (index, leaf)), "receipt {n} was acknowledged in two places");
    }

    pub fn see(&mut self, open: &Open) {
        self.see_note(&open.log.published().note);
    }

    pub fn see_note(&mut self, note: &[u8]) {
        if self.checkpoints.last().is_none_or(|last| **last != *note) {
            self.checkpoints.push(note.to_vec());
        }
    }

    /// Everything acknowledged is there and proven, every checkpoint ever seen
    /// is extended by the present one, resubmission gives the same places, and
    /// fsck is clean.
    pub fn check_log(&mut self, place: &Place) {
        let open = place.open();
        self.check_open(&open);
        for (n, known) in self.acknowledged.clone() {
            let again = open.submit(vec![item(n)]).unwrap().remove(0);
            assert_eq!((again.index, again.leaf_hash, again.duplicate), (known.0, known.1, true), "receipt {n}");
        }
        open.close().unwrap();
        assert_eq!(place.problems(), Vec::<String>::new());
    }

    /// The reading half of [`Memory::check_log`].
    pub fn check_open(&mut self, open: &Open) {
        self.see(open);
        let view = open.log.view();
        for (n, (index, leaf)) in &self.acknowledged {
            let entry = view.entry(*index).unwrap();
            assert_eq!(entry.leaf_hash, *leaf, "receipt {n} changed");
            let proof = view.inclusion(*index, None).unwrap();
            let proven = prove(&proof, &entry.bytes, &policy()).unwrap();
            assert_eq!((proven.index(), proven.leaf_hash()), (*index, *leaf), "receipt {n}");
        }
        for note in &self.checkpoints {
            let old = policy().open(note).unwrap();
            if old.head().size > TreeSize::ZERO {
                let file = view.consistency(old.head().size, None).unwrap();
                let newest = file.check(&old, &policy()).unwrap();
                assert_eq!(newest.head(), view.published().head);
            }
        }
    }
}

/// A small generator with a seed, so that a failure can be repeated.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
