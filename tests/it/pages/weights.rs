//! How much a page weighs on its way: compressed, as a browser asks for it. Our
//! stylesheet is weighed as it is, since a reader's device takes it apart whole.

use std::io::Read as _;

use crate::make::told::Told;
use crate::pages::screens::{log, of_log};

const KIB: usize = 1_024;
/// Artifacts that an entry shows are its own; this is what stands around them.
const ENTRY_MAX: usize = 14 * KIB;

/// Most that a page may weigh, by the beginning of its address.
const MOST: &[(&str, usize)] = &[
    ("/pulses/", 60 * KIB),
    ("/b/", 60 * KIB),
    ("/runs/", 20 * KIB),
    ("/jobs/", 20 * KIB),
    ("/entries/", ENTRY_MAX),
    ("/checkpoints", 12 * KIB),
    ("/tree", 10 * KIB),
    ("/policies/", 16 * KIB),
    ("/tokens/", 14 * KIB),
    ("/agents/", 14 * KIB),
    ("/apps/", 16 * KIB),
    ("/tickets/", 10 * KIB),
    ("/findings/", 8 * KIB),
    ("/findings", 16 * KIB),
    ("/incidents", 20 * KIB),
    ("/entries", 12 * KIB),
    ("/jobs", 12 * KIB),
    ("/runs", 12 * KIB),
    ("/search", 12 * KIB),
    ("/docs", 20 * KIB),
    ("/", 12 * KIB),
];

fn weight(told: &Told, path: &str) -> usize {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{}{path}", told.service.base())).header("accept-encoding", "gzip");
    let mut answer = request.call().expect("an answer");
    let mut bytes = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut bytes).expect("bytes");
    bytes.len()
}

#[test]
fn pages_keep_to_their_weights() {
    let told = log();
    for (name, path) in of_log(&told).into_iter().map(|page| (page.name, page.path)) {
        let most = MOST.iter().find(|(begin, _)| path.starts_with(begin)).expect("a weight").1;
        let got = weight(&told, &path);
        assert!(got <= most, "{name} {path} weighs {got} bytes, at most {most}");
        println!("{got:>6} of {most:>6} {name}");
    }
}
