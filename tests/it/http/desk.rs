//! One reading a request: whatever a page or an answer says of bodies, each of
//! them was read and parsed once, and each signature checked once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use pulselog::artifact::KeyCache;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Value, to_jcs};
use pulselog::merkle::LeafIndex;
use pulselog::server::desk::{Desks, Tally};

use crate::evidence::verify_once::signatures;
use crate::make::audit::Story;
use crate::make::logs::{Place, items};
use crate::make::story::pulse;
use crate::make::told::Told;
use crate::make::{did, value};

/// Longer than any request takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A served story with two pulses, and its pages and answers about bodies.
pub struct World {
    pub told: Told,
    pub paths: Vec<String>,
    /// Of the bundle's document, for POST /v1/verify.
    pub bundle: String,
    watch: Receiver<Tally>,
}

impl World {
    pub fn new() -> Self {
        let mut story = Story::clean();
        story.log("pulse", "trust_pulse", "agent", value(&pulse("job-1.r1", "[]", "[]")));
        let told = Told::of(&story);
        let texts = story.submissions();
        let text = |name: &str| texts[usize::try_from(story.index(name)).expect("small")].1.clone();
        let digest = |name: &str| ArtifactDigest::of(text(name).as_bytes()).to_string();
        let (bundle, pulse, agent) = (digest("job-1.b1"), digest("pulse"), did("agent").replace(':', "%3A"));
        let policy = ArtifactDigest::of(to_jcs(value(&text("policy")).get("payload").expect("a payload")).as_bytes());
        let token = value(&text("job-1.t1")).text_at("payload.token_hash").expect("a hash").to_owned();
        let mut paths = vec![
            "/".to_owned(),
            format!("/pulses/{pulse}"),
            format!("/b/{bundle}"),
            format!("/runs/{agent}/job-1.r1"),
            "/jobs/job-1".to_owned(),
            "/findings".to_owned(),
            "/findings?job=job-1".to_owned(),
            format!("/findings?agent={agent}"),
            "/v1/jobs/job-1".to_owned(),
            format!("/v1/runs/{agent}/job-1.r1"),
            format!("/v1/tokens/{token}"),
            "/v1/findings".to_owned(),
            format!("/v1/findings?agent={agent}"),
            format!("/v1/bundles/{bundle}/report"),
            format!("/v1/policies/{policy}"),
            format!("/v1/lookup?q={policy}"),
            "/v1/lookup?q=job-1".to_owned(),
        ];
        paths.extend((0..story.steps.len()).map(|at| format!("/entries/{at}")));
        let watch = told.service.server.as_ref().expect("it runs").state().desks.watch();
        Self { told, paths, bundle: text("job-1.b1"), watch }
    }

    /// What the request that was just answered has read.
    fn tally(&self) -> Tally {
        self.watch.recv_timeout(PATIENCE).expect("a request with a desk")
    }

    fn body(&self, at: LeafIndex) -> Value<'static> {
        let entry = self.told.service.get(&format!("/v1/entries/{at}"));
        value(&self.told.service.get(&format!("/v1/artifacts/{}", entry.string("artifact"))).text())
    }
}

#[test]
fn every_page_and_answer_reads_each_body_once_and_checks_each_signature_once() {
    let world = World::new();
    let mut read = 0;
    for path in &world.paths {
        let answer = world.told.service.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        read += is_once(&world, path);
    }
    assert!(read > 50, "only {read} bodies were read in all");
    assert_eq!(world.told.service.post("/v1/verify", &world.bundle).status, 200);
    let tally = world.tally();
    assert_eq!(tally.bodies.len(), tally.bodies.iter().collect::<BTreeSet<_>>().len(), "{tally:?}");
}

/// How many bodies a request has read, each once.
fn is_once(world: &World, path: &str) -> usize {
    let tally = world.tally();
    let bodies: BTreeSet<_> = tally.bodies.iter().copied().collect();
    assert_eq!(bodies.len(), tally.bodies.len(), "{path} read a body again: {tally:?}");
    let mut signed = BTreeSet::new();
    bodies.iter().for_each(|at| signatures(&world.body(*at), &mut signed));
    let most = signed.len() as u64;
    assert!(tally.signatures <= most, "{path} checked {} signatures of {most}", tally.signatures);
    bodies.len()
}

#[test]
fn what_a_page_shows_twice_is_read_once_by_the_whole_request() {
    let world = World::new();
    let service = &world.told.service;
    for path in &world.paths[1..3] {
        assert_eq!(service.get(path).status, 200, "{path}");
        let tally = world.tally();
        // The run's report, its job's, the time line and the panel all read them.
        assert!(tally.bodies.len() > 8, "{path}: {tally:?}");
        assert!(tally.signatures > 8, "{path}: {tally:?}");
    }
}

#[test]
fn what_a_stranger_sends_to_be_judged_changes_no_key_that_is_kept() {
    let world = World::new();
    let service = &world.told.service;
    let keys = std::sync::Arc::clone(&service.server.as_ref().expect("it runs").state().keys);
    let before = keys.held();
    assert!(before.0 > 3, "{before:?}");
    let strange = world.bundle.replace(&did("agent"), &did("a stranger"));
    assert_ne!(strange, world.bundle);
    for document in [&strange, &world.bundle, &strange] {
        assert_eq!(service.post("/v1/verify", document).status, 200);
        assert!(world.tally().signatures > 0);
        assert_eq!(keys.held(), before);
    }
}

/// Anybody reads: what is read changes neither which keys are kept nor which
/// have a table, however often it is read again.
#[test]
fn whoever_reads_teaches_the_cache_of_keys_nothing() {
    let place = Place::in_memory();
    let open = place.open();
    open.submit(items(0..10)).expect("entries");
    let keys = Arc::new(KeyCache::new());
    let desks = Desks::new(open.log.clone(), Arc::clone(&keys));
    for _ in 0..200 {
        let desk = desks.open();
        for at in 0..10 {
            let paper = desk.read(LeafIndex::new(at)).expect("an entry");
            assert!(paper.artifact().is_some(), "its signature was verified");
        }
    }
    assert_eq!(keys.held(), (0, 0));
    // The log ends when nobody holds it.
    drop(desks);
    open.close().expect("a clean end");
}
