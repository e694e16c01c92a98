//! What is withheld stays so through crashes, restarts and logs of an earlier
//! version; and what is erased is gone from the store, once and for good.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::Value;
use pulselog::merkle::LeafIndex;
use pulselog::server::erase::{EraseError, Erased, erase};
use pulselog::server::faults::{Faults, NoFaults, WriteStep};
use pulselog::server::fsck;
use pulselog::server::log::clock::SystemClock;
use pulselog::server::log::{Log, default_guard_path};
use pulselog::server::opening;
use pulselog::server::store::layout::cf;
use pulselog::server::store::{Budget, Store, Way};

use crate::cli::run;
use crate::http::withholding::{digest_at, withhold, withholding};
use crate::make::audit::Story;
use crate::make::kind;
use crate::make::logs::{Failing, ORIGIN, is_held, item_of, patiently, receipt};
use crate::make::served::{Served, agent};
use crate::make::service::{Service, config};
use crate::make::told::Told;

const CALL: &str = "job-1.r1 call 1";
/// A follower that is alive is there by then, however busy the machine is.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(30);
/// More rows than the log of a test has.
const ROWS_MAX: usize = 100_000;

fn erased(service: &Service, digest: &str, faults: &Arc<dyn Faults>) -> Result<Erased, EraseError> {
    let digest = ArtifactDigest::from_hex(digest).expect("a digest");
    let erase =
        || erase(opening(config(service.data()), Arc::new(SystemClock::default()), Arc::clone(faults)), &digest);
    patiently(erase, |error| is_held(error.code()))
}

fn sound() -> Arc<dyn Faults> {
    Arc::new(NoFaults)
}

fn store(data: &Path) -> Store {
    let open = || Store::open(&data.join("store"), Budget::default(), sound());
    patiently(open, |error| is_held(error.code())).expect("a store")
}

/// Lengths of these bodies as they lie, and how many values of bodies files hold.
fn lying(data: &Path, at: &[u64]) -> (Vec<usize>, u64) {
    let store = store(data);
    let bodies = at.iter().map(|at| store.body(LeafIndex::new(*at)).expect("read").expect("a row").len()).collect();
    let family = store.database().cf_handle(cf::BODIES).expect("a family");
    let stated = store.database().property_value_cf(family, rocksdb::properties::AGGREGATED_TABLE_PROPERTIES);
    let stated = stated.expect("read").expect("properties");
    let entries = stated.split(';').find_map(|part| part.trim().strip_prefix("# entries=")).expect("a count");
    (bodies, entries.parse().expect("a number"))
}

fn problems(data: &Path) -> Vec<String> {
    let check = || fsck::check(data, &default_guard_path(data), &mut |_, _| {});
    let report = patiently(check, |error| is_held(error.code())).expect("checked");
    report.problems.iter().map(|p| format!("{}: {}", p.what, p.why)).collect()
}

fn found(service: &Service, name: &str) -> usize {
    let answer = service.get(&format!("/v1/lookup?q={}", name.replace(' ', "%20")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = |of: &str| answer.json().get(of).and_then(Value::as_array).map_or(0, <[_]>::len);
    rows("groups") + rows("begins")
}

#[test]
fn what_is_withheld_stays_so_after_a_restart_and_where_rows_of_it_are_lost() {
    let story = Story::clean();
    let Told { mut service, .. } = Told::of(&story);
    let (call, bundle) = (story.index(CALL), story.index("job-1.b1"));
    withhold(&service, call);
    let digests = [digest_at(&service, call), digest_at(&service, bundle)];
    let is_withheld = |service: &Service| {
        for digest in &digests {
            service.get(&format!("/v1/artifacts/{digest}")).is(451, "body_withheld");
        }
    };
    service.restart(|_| ());
    is_withheld(&service);
    // A log that an earlier version wrote has none of these rows.
    service.restart(|data| {
        let store = store(data);
        let meta = store.database().cf_handle(cf::META).expect("a family");
        store.database().delete_range_cf(meta, &b"withheld"[..], &b"withheld0"[..]).expect("deleted");
    });
    is_withheld(&service);
    // Nor rows of names, which are made anew as if the body had never been there.
    assert_eq!(found(&service, CALL), 0);
    service.restart(|data| store(data).search_clear().expect("cleared"));
    assert_eq!((found(&service, CALL), found(&service, "job-1.r1 cal")), (0, 0));
    is_withheld(&service);
    service.stop();
    assert_eq!(problems(&service.data()), Vec::<String>::new());
}

#[test]
fn fsck_names_a_withholding_whose_row_is_gone() {
    let story = Story::clean();
    let Told { mut service, .. } = Told::of(&story);
    let by = withhold(&service, story.index(CALL)).number("index");
    service.stop();
    {
        let store = store(&service.data());
        let meta = store.database().cf_handle(cf::META).expect("a family");
        store.database().delete_range_cf(meta, &b"withheld/"[..], &b"withheld0"[..]).expect("deleted");
    }
    let named = problems(&service.data());
    assert!(named.iter().any(|problem| problem.starts_with(&format!("withholding {by}:"))), "{named:?}");
}

#[test]
fn a_follower_that_is_behind_drops_the_names_when_it_comes_to_the_withholding() {
    let story = Story::clean();
    let Told { mut service, .. } = Told::of(&story);
    assert_ne!(found(&service, CALL), 0, "it is found while it may be");
    let digest = digest_at(&service, story.index(CALL));
    service.stop();
    // The withholding is committed, and the process ends before any row follows it.
    let opened = || Log::open(opening(config(service.data()), Arc::clone(&service.clock) as _, sound()));
    let (log, running) = patiently(opened, |error| is_held(error.code())).expect("a log");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let said = runtime.block_on(log.submit(vec![item_of(&withholding(&digest, "operator", "late"))]));
    assert!(said.expect("logged")[0].is_ok());
    drop(log);
    running.join().expect("a clean end");
    service.try_restart(|_| ()).expect("started");
    assert_eq!(found(&service, CALL), 0);
    service.get(&format!("/v1/artifacts/{digest}")).is(451, "body_withheld");
    // Names that others bear are found as before, by them.
    let runs = service.get("/v1/lookup?q=job-1.r1");
    let entries = crate::http::lookup::groups(&runs);
    let (_, bearing, _) = entries.iter().find(|(of, ..)| of == "run").expect("the run");
    let gone = [story.index(CALL), story.index("job-1.b1")].map(|at| i64::try_from(at).expect("small"));
    assert!(!bearing.is_empty() && gone.iter().all(|at| !bearing.contains(at)), "{bearing:?}");
    assert!(service.get("/runs").text().contains("job-1.r1"));
}

/// Every row for searching, with its value, of a log that has followed all it holds.
fn search_rows(service: &mut Service) -> Vec<(Vec<u8>, Vec<u8>)> {
    let until = Instant::now() + FOLLOWED_WITHIN;
    while {
        let read = service.get("/v1/lookup?q=job-1");
        read.number("indexed_size") < read.number("tree_size")
    } {
        assert!(Instant::now() < until, "the index stays behind");
        std::thread::sleep(Duration::from_millis(20));
    }
    service.stop();
    let store = store(&service.data());
    let keys = store.search_keys(&[], &[], Way::Up, ROWS_MAX).expect("read");
    assert!((1..ROWS_MAX).contains(&keys.len()));
    let value = |key: &[u8]| store.search_row(key).expect("read").expect("a row");
    keys.into_iter().map(|key| (key.clone(), value(&key))).collect()
}

/// What is dropped one by one is what nobody files who never had the bodies.
#[test]
fn rows_that_are_left_beside_withheld_bodies_are_those_of_a_log_that_never_had_them() {
    let Told { mut service, .. } = crate::pages::screens::log();
    let named = |at: u64| service.get(&format!("/v1/entries/{at}")).string("kind");
    let may = |at: &u64| kind(&named(*at)).row().withholdable;
    let withheld: Vec<u64> = (0..service.size()).filter(may).collect();
    assert!(withheld.len() > 5, "{withheld:?}");
    assert_ne!((found(&service, "PAY-7"), found(&service, "PAY-")), (0, 0), "they are found while they may be");
    for some in withheld.chunks(3) {
        for at in some {
            withhold(&service, *at);
        }
        let left = search_rows(&mut service);
        store(&service.data()).search_clear().expect("cleared");
        service.try_restart(|_| ()).expect("started");
        let made_anew = search_rows(&mut service);
        let more: Vec<_> = left.iter().filter(|row| !made_anew.contains(row)).collect();
        let fewer: Vec<_> = made_anew.iter().filter(|row| !left.contains(row)).collect();
        assert!(more.is_empty() && fewer.is_empty(), "{some:?}: {more:?} too many, {fewer:?} too few");
        service.try_restart(|_| ()).expect("started");
    }
    assert_eq!((found(&service, "PAY-7"), found(&service, "PAY-")), (0, 0));
}

#[test]
fn erasing_takes_bodies_out_of_the_store_and_nothing_else() {
    let story = Story::clean();
    let Told { mut service, .. } = Told::of(&story);
    let (call, bundle) = (story.index(CALL), story.index("job-1.b1"));
    let digest = digest_at(&service, call);
    let call_text = service.get(&format!("/v1/artifacts/{digest}")).text();
    service.stop();
    // Only what is withheld.
    let error = erased(&service, &digest, &sound()).expect_err("nobody withholds it");
    assert_eq!(error.code().name, "not_withheld");
    service.try_restart(|_| ()).expect("started");
    let by = withhold(&service, call).number("index");
    let size = service.size();
    let (entry, report) = (service.get(&format!("/v1/entries/{call}")).text(), service.get("/v1/jobs/job-1").text());
    service.stop();
    assert!(lying(&service.data(), &[call, bundle]).0.iter().all(|length| *length > 0), "withheld is not erased");
    let gone = erased(&service, &digest, &sound()).expect("erased");
    assert_eq!((gone.by.get(), gone.before.len()), (u64::try_from(by).expect("small"), 0));
    assert_eq!(gone.now, [call, bundle].map(LeafIndex::new));
    assert_eq!(lying(&service.data(), &[call, bundle]), (vec![0, 0], size), "no file keeps an older value");
    assert_eq!(problems(&service.data()), Vec::<String>::new());
    // Twice: nothing is left, and nothing is harmed.
    let again = erased(&service, &digest, &sound()).expect("erased before");
    assert_eq!((again.now.len(), again.before), (0, gone.now));
    service.try_restart(|_| ()).expect("started");
    for digest in [&digest, &digest_at(&service, bundle)] {
        service.get(&format!("/v1/artifacts/{digest}")).is(451, "body_withheld");
    }
    assert_eq!(service.get(&format!("/v1/entries/{call}")).text(), entry);
    assert_eq!(service.get(&format!("/v1/proofs/inclusion?index={call}&size={size}")).status, 200);
    assert_eq!(service.get("/v1/jobs/job-1").text(), report, "it was judged without the body before");
    assert_eq!(service.post("/v1/entries", &call_text).status, 200, "and it is not stored again");
    assert_eq!(found(&service, CALL), 0);
    // Rows that are made anew know no more of it.
    service.restart(|data| store(data).search_clear().expect("cleared"));
    assert_eq!(service.get("/v1/jobs/job-1").text(), report);
    service.stop();
    assert_eq!(lying(&service.data(), &[call, bundle]).0, [0, 0]);
}

#[test]
fn an_erasure_that_is_cut_off_anywhere_is_finished_by_doing_it_again() {
    for is_after in [false, true] {
        let story = Story::clean();
        let Told { mut service, .. } = Told::of(&story);
        let (call, bundle) = (story.index(CALL), story.index("job-1.b1"));
        withhold(&service, call);
        let digest = digest_at(&service, call);
        service.stop();
        let broken: Arc<dyn Faults> = if is_after { Arc::new(AfterErase) } else { failing() };
        erased(&service, &digest, &broken).expect_err("cut off");
        let (bodies, _) = lying(&service.data(), &[call, bundle]);
        assert!(bodies.iter().all(|length| (*length == 0) == is_after), "all of it or nothing: {bodies:?}");
        service.try_restart(|_| ()).expect("started");
        service.get(&format!("/v1/artifacts/{digest}")).is(451, "body_withheld");
        assert_eq!(found(&service, CALL), 0);
        let size = service.size();
        service.stop();
        let gone = erased(&service, &digest, &sound()).expect("erased");
        assert_eq!(gone.now.len() + gone.before.len(), 2);
        assert_eq!(lying(&service.data(), &[call, bundle]), (vec![0, 0], size));
        assert_eq!(problems(&service.data()), Vec::<String>::new());
    }
}

fn failing() -> Arc<dyn Faults> {
    let failing = Failing::new(WriteStep::Erase);
    failing.arm();
    failing
}

/// The process ends when the bodies are gone and nothing was compacted yet.
struct AfterErase;

impl Faults for AfterErase {
    fn after(&self, step: WriteStep) -> std::io::Result<()> {
        if step == WriteStep::Erase { Err(std::io::Error::other("ended on purpose")) } else { Ok(()) }
    }
}

/// What stands in files of the write-ahead log, uncompressed.
fn wal_says(store: &Path, what: &str) -> bool {
    let files = std::fs::read_dir(store).expect("a directory").map(|file| file.expect("a file").path());
    let mut logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.any(|path| {
        let bytes = std::fs::read(path).expect("read");
        bytes.windows(what.len()).any(|part| part == what.as_bytes())
    })
}

#[test]
fn kill_9_between_withholding_and_erasing_loses_neither() {
    let served = Served::start();
    let root = served.place.root().to_owned();
    let text = |path: &std::path::PathBuf| path.to_str().expect("UTF-8").to_owned();
    let token = root.join("token");
    std::fs::write(&token, &served.token).expect("written");
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("mode");
    served.submit_batch(0..3);
    let digest = ArtifactDigest::of(receipt(1).as_bytes()).to_string();
    let (key, token, url) = (text(&root.join("operator.key")), text(&token), served.url.clone());
    let withhold = |digest: &str, reason: &str| {
        run(&["withhold", digest, "--reason", reason, "--key", &key, "--url", &url, "--token-file", &token])
    };
    // Anybody's word is logged; whoever was obeyed by nobody must hear it.
    let strangers = text(&root.join("strangers.key"));
    assert_eq!(run(&["keygen", "--did", "--out", &strangers]).code, 0);
    let ran = run(&["withhold", &digest, "--reason", "r", "--key", &strangers, "--url", &url, "--token-file", &token]);
    assert!(ran.code == 1 && ran.err.contains("withholds nothing: --key"), "{} {}", ran.out, ran.err);
    assert_eq!(served.try_get(&format!("v1/artifacts/{digest}")).expect("an answer").status, 200);
    let first = withhold(&digest, "erasure request 17");
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.starts_with("withheld by entry 4"), "{}", first.out);
    served.kill();
    assert!(wal_says(&served.place.store(), &receipt(1)), "the test would find it");
    served.spawn();
    served.wait_ready();
    assert_eq!(served.try_get(&format!("v1/artifacts/{digest}")).expect("an answer").status, 451);
    let again = withhold(&digest, "another reason");
    assert!(again.code == 0 && again.out.contains("entry 4"), "{}{}", again.out, again.err);
    // While the log runs, and of what nobody withholds, nothing is erased.
    let data = text(&served.place.data());
    let toml = format!(
        "origin = \"{ORIGIN}\"\nkey = \"{}\"\noperator = \"{}\"\n",
        text(&root.join("log.key")),
        served.operator()
    );
    std::fs::write(served.place.data().join("pulselog.toml"), toml).expect("written");
    let erase = |digest: &str| run(&["withhold", digest, "--erase", &data]);
    assert_eq!(erase(&digest).code, 1);
    served.kill();
    let other = ArtifactDigest::of(receipt(2).as_bytes()).to_string();
    let refused = erase(&other);
    assert!(refused.code == 1 && refused.err.contains("not_withheld"), "{}", refused.err);
    let done = erase(&digest);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("1 erased"), "{}", done.out);
    assert!(!wal_says(&served.place.store(), &receipt(1)), "no write-ahead log keeps it");
    let twice = erase(&digest);
    assert!(twice.code == 0 && twice.out.contains("nothing was left"), "{}{}", twice.out, twice.err);
    served.spawn();
    served.wait_ready();
    assert_eq!(served.try_get(&format!("v1/artifacts/{digest}")).expect("an answer").status, 451);
    let answer = served.post(&agent(), "v1/entries", "application/json", receipt(1).as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(served.try_get(&format!("v1/artifacts/{digest}")).expect("an answer").status, 451);
    served.stop();
    assert_eq!(served.place.problems(), Vec::<String>::new());
}

#[test]
fn withhold_says_what_is_wrong_with_what_it_was_given() {
    let digest = "ab".repeat(32);
    let more = ["--key", "k", "--url", "http://127.0.0.1:9", "--token-file", "t"];
    for (args, code, word) in [
        (vec!["withhold", "ABC", "--reason", "r"], 2, "DIGEST"),
        (vec!["withhold", &digest, "--reason", ""], 2, "--reason"),
        (vec!["withhold", &digest, "--reason", "r", "--by", " "], 2, "--by"),
        (vec!["withhold", &digest], 2, "--reason"),
        (vec!["withhold", &digest, "--reason", "r", "--erase", "x"], 2, "--erase"),
    ] {
        let args: Vec<&str> = if args.contains(&"--erase") { args } else { args.into_iter().chain(more).collect() };
        let ran = run(&args);
        assert!(ran.code == code && ran.err.contains(word), "{args:?}: {} {}", ran.code, ran.err);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let ran = run(&["withhold", &digest, "--erase", dir.path().to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}
