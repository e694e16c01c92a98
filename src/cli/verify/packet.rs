//! `verify PACKET_DIR`: the packet judged as what it is a packet of. The jobs
//! that the operator attests in it get their verdict, its bundles get both, its
//! other artifacts their proofs. What is a job's and what a bundle is told by
//! what was read and proven: a file that is joined, renamed or hidden takes
//! nothing out of the verdict.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{self, DEPTH_MAX, Value};
use pulselog::protocol::Document;
use pulselog::receipt::Disclosure;
use pulselog::verify::judge::{Judge, PackedJobs};
use pulselog::verify::packet::MANIFEST;
use pulselog::verify::verification::Verification;
use pulselog::verify::{Options, disclosure};

use crate::cli::bounds::Bounds;
use crate::cli::documents::Source;
use crate::cli::failure::{Exit, Failure};
use crate::cli::folder::is_packet;
use crate::cli::verify::rows::Rows;
use crate::cli::verify::setup::{Said, unread, worse};
use crate::cli::{many as driver, print};

/// What is said of a packet in which nothing has a verdict: that each piece is
/// proven says nothing of any job.
const NOTHING_JUDGED: &str = "nothing in it was judged: it holds neither a statement of the operator about a job nor \
                              a bundle. What to do: of an incident, run the command in its incident.txt, as its \
                              incident.txt says, on the whole log; of anything else, ask whoever made it for the whole \
                              packet, and give --operator of its log";
/// A token is of a run, and a run has its bundle.
const TOKEN_LEFT: &str = "the token was not looked at: no bundle of the packet's job is here to compare it with";
/// What hides behind lines that are none.
const HIDDEN: &str = "holds a bundle, or another document, among lines that are none; give it a file of its own";

/// The one packet that the arguments name.
pub fn of(documents: &[PathBuf]) -> Option<&PathBuf> {
    let [dir] = documents else { return None };
    is_packet(dir).then_some(dir)
}

/// Judges everything in it.
pub fn judge(
    dir: &PathBuf,
    judge: &Judge,
    policy: Option<&[u8]>,
    bounds: Bounds,
    as_json: bool,
) -> Result<Exit, Failure> {
    let evidence = judge.evidence_report();
    if !as_json && !judge.protocol_only {
        print(&format!("Packet\n{}\n", evidence.checks_text()))?;
    }
    let room = bounds.budget().room_of_each(driver::workers());
    let judging = Judging {
        judge,
        jobs: if judge.protocol_only { PackedJobs::default() } else { judge.packed_jobs() },
        policy: policy.unwrap_or_default(),
        room,
        done: Mutex::default(),
    };
    let (mut rows, place) = (Rows::new(as_json), dir.display().to_string());
    let lost = |error: std::io::Error| Failure::fail(format!("documents: {error}"));
    for of in judging.jobs.iter() {
        rows.row(&place, Said::Job(of.job.clone(), Box::new(of.verification.clone()))).map_err(lost)?;
    }
    rows.judge(std::slice::from_ref(dir), |source, bytes| judging.said(source, bytes))?;
    for (source, said) in judging.left(&place) {
        rows.row(&source, said).map_err(lost)?;
    }
    let is_token_left = judge.token.is_some() && rows.counts.documents() == 0;
    let why = match (rows.counts.jobs() + rows.counts.documents(), is_token_left) {
        (0, _) => Some(NOTHING_JUDGED),
        (_, true) => Some(TOKEN_LEFT),
        _ => None,
    };
    if let Some(why) = why {
        rows.row(&place, Said::Unjudged { is_incomplete: true, why: why.to_owned() }).map_err(lost)?;
    }
    Ok(worse(rows.finish()?, evidence.exit_code()))
}

/// A packet under way.
struct Judging<'a> {
    judge: &'a Judge,
    jobs: PackedJobs,
    policy: &'a [u8],
    room: usize,
    /// Bundles that a file of their own brought to judgement.
    done: Mutex<BTreeSet<ArtifactDigest>>,
}

impl Judging<'_> {
    fn said(&self, source: &Source, bytes: &[u8]) -> Said {
        if matches!(source, Source::File(path) if path.ends_with(Path::new(MANIFEST))) {
            return Said::Evidence;
        }
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return self.hidden(bytes);
        }
        let file = match json::parse_within(bytes, DEPTH_MAX, self.room) {
            Ok(file) => file,
            Err(error) => return unread(&error),
        };
        match self.judge.protocol_only {
            true => Document::of(&file)
                .map_or(Said::Evidence, |document| Said::Judged(Box::new(self.judge.judge(&document)))),
            false => self.proven(bytes, &file),
        }
    }

    /// A file that is no JSON object: evidence, unless one of its lines is a
    /// document which the packet does not prove. Those that it does are judged
    /// wherever they stand.
    fn hidden(&self, bytes: &[u8]) -> Said {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| line.starts_with(b"{"));
        let is_document = |line: &[u8]| {
            let file = json::parse_within(line, DEPTH_MAX, self.room).ok();
            file.is_some_and(|file| Document::of(&file).is_some() && self.judge.proof_of(&file).is_none())
        };
        match lines.into_iter().any(is_document) {
            true => Said::Unjudged { is_incomplete: true, why: HIDDEN.to_owned() },
            false => Said::Evidence,
        }
    }

    fn proven(&self, bytes: &[u8], file: &Value) -> Said {
        let options = Options { room: Some(self.room), ..Options::default() };
        if Disclosure::is_in(file) {
            return Said::Judged(Box::new(Verification::of_proof(disclosure(bytes, self.policy, &options))));
        }
        if let Some(document) = Document::of(file) {
            return self.document(&document);
        }
        match self.judge.proof_of(file) {
            Some(proof) => {
                let report = self.judge.prove(file, &proof, self.policy, &options);
                Said::Judged(Box::new(Verification::of_proof(report)))
            }
            None if file.get("envelope_type").is_some() => {
                let why = "is an artifact, and no proof in the packet is of these bytes: they were changed, or the proof is not here".to_owned();
                Said::Unjudged { is_incomplete: true, why }
            }
            None => Said::Evidence,
        }
    }

    fn document(&self, document: &Document<'_>) -> Said {
        let options = Options { room: Some(self.room), ..Options::default() };
        let subject = document.subject().map(|bundle| bundle.value());
        let proof = subject.and_then(|subject| Some((subject, self.judge.proof_of(subject)?)));
        let report = proof.map(|(subject, proof)| self.judge.prove(subject, &proof, self.policy, &options));
        let digest = ArtifactDigest::of(json::to_compact(document.value()).as_bytes());
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        if self.jobs.are_others(self.judge, document) {
            return report.map_or(Said::Evidence, |report| Said::Beside(Box::new(Verification::of_proof(report))));
        }
        let verification = self.judge.judge(document);
        Said::Judged(Box::new(match report {
            Some(report) => verification.with_proof(report),
            None => verification,
        }))
    }

    /// The bundles that the packet proves and no file brought by itself.
    fn left(&self, place: &str) -> Vec<(String, Said)> {
        let done = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        let left = self.judge.packed_bundles().filter(|(_, body)| !done.contains(&body.digest()));
        let judged = left.map(|(at, body)| {
            let compact = body.compact();
            let said = match json::parse_within(compact.as_bytes(), DEPTH_MAX, self.room) {
                Ok(file) => Document::of(&file).map_or(Said::Evidence, |document| self.document(&document)),
                Err(error) => unread(&error),
            };
            (format!("{place} entry {at}"), said)
        });
        judged.collect()
    }
}
