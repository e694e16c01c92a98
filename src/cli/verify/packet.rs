//! `verify PACKET_DIR`: the packet judged as one. Its documents get both
//! verdicts, its other artifacts their proofs, and what is evidence for them
//! counts where it is used.

use std::path::{Path, PathBuf};

use pulselog::artifact::json::{self, DEPTH_MAX, Value};
use pulselog::protocol::Document;
use pulselog::receipt::Disclosure;
use pulselog::verify::judge::Judge;
use pulselog::verify::packet::MANIFEST;
use pulselog::verify::verification::Verification;
use pulselog::verify::{Options, disclosure};

use crate::cli::bounds::Bounds;
use crate::cli::documents::Source;
use crate::cli::failure::{Exit, Failure};
use crate::cli::folder::is_packet;
use crate::cli::verify::setup::{Said, many, unread, worse};
use crate::cli::{many as driver, print};

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
    let room = bounds.budget().room_of_each(driver::workers());
    let work = |source: &Source, bytes: &[u8]| said(judge, policy, room, source, bytes);
    let evidence = judge.evidence_report();
    if !as_json && !judge.protocol_only {
        print(&format!("Packet\n{}\n", evidence.checks_text()))?;
    }
    Ok(worse(many(std::slice::from_ref(dir), work, as_json)?, evidence.exit_code()))
}

fn said(judge: &Judge, policy: Option<&[u8]>, room: usize, source: &Source, bytes: &[u8]) -> Said {
    let is_manifest = matches!(source, Source::File(path) if path.ends_with(Path::new(MANIFEST)));
    if is_manifest || !bytes.trim_ascii_start().starts_with(b"{") {
        return Said::Evidence;
    }
    let file = match json::parse_within(bytes, DEPTH_MAX, room) {
        Ok(file) => file,
        Err(error) => return unread(&error),
    };
    match judge.protocol_only {
        true => Document::of(&file).map_or(Said::Evidence, |document| Said::Judged(Box::new(judge.judge(&document)))),
        false => proven(judge, policy.unwrap_or_default(), room, bytes, &file),
    }
}

fn proven(judge: &Judge, policy: &[u8], room: usize, bytes: &[u8], file: &Value) -> Said {
    let options = Options { room: Some(room), ..Options::default() };
    if Disclosure::is_in(file) {
        return Said::Judged(Box::new(Verification::of_proof(disclosure(bytes, policy, &options))));
    }
    if let Some(document) = Document::of(file) {
        let subject = document.subject().map(|bundle| bundle.value());
        let proof = subject.and_then(|subject| Some((subject, judge.proof_of(subject)?)));
        let report = proof.map(|(subject, proof)| judge.prove(subject, &proof, policy, &options));
        let verification = judge.judge(&document);
        return Said::Judged(Box::new(match report {
            Some(report) => verification.with_proof(report),
            None => verification,
        }));
    }
    match judge.proof_of(file) {
        Some(proof) => Said::Judged(Box::new(Verification::of_proof(judge.prove(file, &proof, policy, &options)))),
        None if file.get("envelope_type").is_some() => {
            let why = "is an artifact of which the packet holds no proof".to_owned();
            Said::Unjudged { is_incomplete: true, why }
        }
        None => Said::Evidence,
    }
}
