//! `pulselog verify`: files and a trust policy in, verdicts out. No network,
//! unless --log names an address.

mod packet;
mod rows;
mod setup;

use std::path::{Path, PathBuf};

use pulselog::artifact::json::{self, DEPTH_MAX, JsonError};
use pulselog::codes::artifact::WRONG_TYPE;
use pulselog::merkle::TreeSize;
use pulselog::protocol::Document;
use pulselog::receipt::{Disclosure, tlog_proof};
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::report::{Check, Outcome};
use pulselog::verify::verification::Verification;
use pulselog::verify::{ARTIFACT_BYTES_MAX, Older, Options, artifact, disclosure};

use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{SMALL_BYTES_MAX, read};
use crate::cli::mistaken::Looks;
use crate::cli::{print, print_json};

#[cfg(feature = "server")]
pub use self::setup::disbelieved;
pub use self::setup::{at_least, is_policy, operator, policy, trust};

const AFTER: &str = "\
Two verdicts, never mixed. Protocol: does the Clawsig verifier accept these bytes?
Audit: did the run stay inside policy, token and approvals, as far as the evidence
reaches? Without --operator nobody's word counts, so the audit stays incomplete;
take the operator's DID and the trust policy from the operator, never from a packet.

Whose gateways and attesters count in the protocol verdict stands in the pinned
operator's roots, or in the peer's own config file, --config FILE:
  {\"config_version\":\"1\",\"allowlists\":{\"gateway_receipt_signer_dids\":[\"did:key:z6Mk…\"]}}
with attestation_signer_dids, execution_attestation_signer_dids,
derivation_attestation_signer_dids and audit_result_attestation_signer_dids beside
it. A list that is missing and needed leaves that verdict not checked.

A packet's directory is judged as what it is a packet of: each job that the operator
attests in it gets a row with its audit, each bundle of these jobs both verdicts. Bundles
of other jobs are evidence, and named. With neither statement nor bundle nothing was
judged, and that is 3, however many of its files are proven.

Examples:
  pulselog verify 20-proof_bundle.json --config clawverify.config.json --protocol-only
  pulselog verify packet/20-proof_bundle.json --evidence packet --policy trust.policy \\
      --operator did:key:z6Mk…                         a packet: both verdicts, offline
  pulselog verify packet --policy trust.policy --operator did:key:z6Mk…     all of a packet
  pulselog verify bundles.ndjson --log /mirror --policy trust.policy --operator did:key:z6Mk…
  pulselog verify a.json --proof a.tlog-proof --policy trust.policy      any artifact
  pulselog verify --proof 20-proof_bundle.tlog-proof --policy trust.policy    entry only: 3
  pulselog verify shown.disclosure.json --policy trust.policy    some receipts of a bundle

Exit codes: 0 pass, 1 fail, 2 wrong usage or a file that is not there, 3 incomplete, or the
log was not reached. With many documents the worst.";

/// Verify bundles, artifacts and disclosures: proof, protocol and audit.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Bundle, export, aggregate, commit signature, any other artifact, or a
    /// disclosure file; several, a directory of them, a packet, or NDJSON; - reads standard input.
    #[arg(value_name = "DOCUMENT")]
    documents: Vec<PathBuf>,
    /// Inclusion proof of the document; packets and disclosures bring their own.
    #[arg(long, value_name = "F.tlog-proof", requires = "policy")]
    proof: Option<PathBuf>,
    /// Whose checkpoints to believe: C2SP tlog-policy text.
    #[arg(long, value_name = "trust.policy")]
    policy: Option<PathBuf>,
    /// Refuse a checkpoint that covers fewer entries.
    #[arg(long, value_name = "N", value_parser = size, requires = "proof")]
    size_at_least: Option<TreeSize>,
    /// A checkpoint kept from earlier, which the proof's checkpoint must extend.
    #[arg(long, value_name = "OLD.checkpoint")]
    consistent_with: Option<PathBuf>,
    /// Consistency file from that checkpoint to the proof's.
    #[arg(long, value_name = "F", requires = "consistent_with")]
    consistency: Option<PathBuf>,
    /// Write the report as JSON; one line a document when there are many.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: setup::JudgingArgs,
}

fn size(text: &str) -> Result<TreeSize, String> {
    TreeSize::parse(text).map_err(|error| error.to_string())
}

/// Files that one document is verified with.
struct Files {
    policy: Option<Vec<u8>>,
    proof: Option<Vec<u8>>,
    old: Option<Vec<u8>>,
    consistency: Option<Vec<u8>>,
}

impl Files {
    fn read(args: &Args) -> Result<Self, Failure> {
        let small =
            |flag, path: &Option<PathBuf>| path.as_ref().map(|path| read(flag, path, SMALL_BYTES_MAX)).transpose();
        let files = Self {
            policy: small("--policy", &args.policy)?,
            proof: small("--proof", &args.proof)?,
            old: small("--consistent-with", &args.consistent_with)?,
            consistency: small("--consistency", &args.consistency)?,
        };
        // What cannot be read at all is said first.
        if let (Some(path), Some(bytes)) = (&args.policy, &files.policy) {
            is_policy(path, bytes)?;
        }
        Ok(files)
    }

    fn policy(&self) -> Result<&[u8], Failure> {
        let missing = || Failure::usage("--policy: is required where something is proven to be logged");
        self.policy.as_deref().ok_or_else(missing)
    }
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.documents.is_empty() && args.proof.is_none() {
        let what = "DOCUMENT: give a bundle, another artifact or a disclosure, or --proof alone to see what it proves";
        return Err(Failure::usage(format!("{what}; see pulselog verify --help")));
    }
    let files = Files::read(args)?;
    let packet = packet::of(&args.documents);
    if packet.is_some() && args.judging.log.is_some() {
        return Err(Failure::usage("--log: a packet is judged by what it holds; give one of its documents with --log"));
    }
    if let Some(dir) = packet.filter(|_| files.policy.is_none() && !args.judging.protocol_only) {
        let dir = dir.display();
        return Err(Failure::usage(format!(
            "--policy: is required, since {dir} is a packet and its proofs are verified"
        )));
    }
    let judge = args.judging.judge(files.policy.as_deref(), files.proof.as_deref(), packet)?;
    if setup::are_many(&args.documents) {
        if args.proof.is_some() {
            return Err(Failure::usage("--proof: goes with one document; give the proofs of many with --evidence"));
        }
        if args.consistent_with.is_some() {
            return Err(Failure::usage("--consistent-with: goes with one document"));
        }
        return match packet {
            Some(dir) => packet::judge(dir, &judge, files.policy.as_deref(), args.judging.bounds, args.json),
            None => setup::many(&args.documents, setup::documents(&judge, args.judging.bounds), args.json),
        };
    }
    let bytes = args.documents.first().map(|path| read("document", path, ARTIFACT_BYTES_MAX as u64)).transpose()?;
    let verification = one(args, &files, &judge, bytes.as_deref())?;
    if args.json {
        print_json(&verification)?;
    } else {
        print(&verification.to_text())?;
    }
    Ok(exit(verification.exit_code()))
}

/// A document with verdicts of its own, another artifact, or a disclosure.
fn one(args: &Args, files: &Files, judge: &Judge, bytes: Option<&[u8]>) -> Result<Verification, Failure> {
    let older = files.old.as_ref().map(|checkpoint| Older { checkpoint, consistency: files.consistency.as_deref() });
    let room = |bytes: &[u8]| args.judging.bounds.budget().room_for(bytes.len());
    let options = Options { size_at_least: args.size_at_least, older, keys: Some(judge.keys()), room: bytes.map(room) };
    let parsed = bytes.map(|bytes| json::parse_within(bytes, DEPTH_MAX, room(bytes)));
    if let Some(Err(error @ JsonError::OverRoom { .. })) = &parsed {
        return Err(Failure::incomplete(format!("document: {error}; give more with --memory-max [{}]", error.code())));
    }
    if let Some(Ok(other)) = parsed.as_ref().filter(|file| matches!(file, Ok(file) if file.as_object().is_none())) {
        return Err(Failure::fail(format!(
            "document: holds no artifact but JSON {}; an artifact is an object [{WRONG_TYPE}]",
            other.type_name()
        )));
    }
    let is_disclosure = matches!(&parsed, Some(Ok(file)) if Disclosure::is_in(file));
    if let Some(bytes) = bytes.filter(|_| is_disclosure) {
        drop(parsed);
        if files.proof.is_some() {
            return Err(Failure::usage("--proof: a disclosure file carries its own proof; leave the flag out"));
        }
        return Ok(judge.proven(disclosure(bytes, files.policy()?, &options)));
    }
    let document = parsed.as_ref().and_then(|file| Document::of(file.as_ref().ok()?));
    // A proof is of a bundle: the document's one, without what is around it.
    let subject = document.as_ref().and_then(|document| Some(document.subject()?.value()));
    let shown = subject.or(parsed.as_ref().and_then(|file| file.as_ref().ok()));
    // Of a document with several bundles, none is the one that is proven.
    let packed = shown.filter(|_| document.is_none() || subject.is_some()).and_then(|shown| judge.proof_of(shown));
    let proof = files.proof.as_deref().or(packed.as_deref());
    let proven = |proof| -> Result<_, Failure> {
        let policy = files.policy()?;
        Ok(match shown {
            Some(shown) => judge.prove(shown, proof, policy, &options),
            None => artifact(bytes, proof, policy, &options),
        })
    };
    let report = proof.map(proven).transpose()?;
    if report.is_none() && files.old.is_some() && !matches!(judge.evidence, Evidence::Log { .. }) {
        return Err(Failure::usage("--consistent-with: is compared with a proof or with --log, and neither is here"));
    }
    match (&document, &parsed, report) {
        (Some(document), _, report) => {
            let verification = judge.judge(document);
            let verification = match report {
                Some(report) => verification.with_proof(report),
                None => verification,
            };
            Ok(one_log(files, judge)?.into_iter().fold(verification, Verification::with_check))
        }
        (_, _, Some(report)) => {
            Ok(one_log(files, judge)?.into_iter().fold(judge.proven(report), Verification::with_check))
        }
        (None, Some(Err(error)), None) => {
            let named = args.documents.first().map(|path| path.display().to_string()).unwrap_or_default();
            if let Some(what) = bytes.and_then(another_file) {
                return Err(Failure::usage(format!("document {named}: {what}")));
            }
            Err(Failure::fail(format!("document {named}: is not strict JSON: {error} [{}]", error.code())))
        }
        _ => match (args.documents.first(), bytes.map(Looks::of)) {
            (Some(path), Some(Looks::PacketList)) => Err(Failure::usage(of_packet(path))),
            (Some(path), _) if matches!(judge.evidence, Evidence::Packet(_)) => Err(unproven(path, judge)),
            _ => Err(Failure::usage(
                "--proof: is required for this artifact; only bundles, exports, aggregates, commit signatures and \
                 disclosures say something without one",
            )),
        },
    }
}

/// An artifact that must be proven, and that no proof of the evidence is of: it
/// was changed, where the evidence itself shows that a file was.
fn unproven(path: &Path, judge: &Judge) -> Failure {
    let unlike = "no proof in the evidence is of these bytes";
    let changed = |check: &&Check| check.outcome == Outcome::Fail;
    match judge.evidence_checks().iter().find(changed) {
        Some(check) => Failure::fail(format!(
            "document {}: {unlike}, and of the evidence: {} [{}]",
            path.display(),
            check.detail,
            check.code
        )),
        None => Failure::incomplete(format!(
            "document {}: {unlike}: it was changed, or its proof is elsewhere; name the proof with --proof FILE",
            path.display()
        )),
    }
}

/// What a file is that was taken for a document by a slip, and what to do with
/// it; `None` where it may be a damaged document.
fn another_file(bytes: &[u8]) -> Option<String> {
    let looks = Looks::of(bytes);
    let advice = match looks {
        Looks::Json => return None,
        Looks::Empty | Looks::PacketList => "",
        Looks::Proof => "; give it with --proof, beside the artifact that it is of",
        Looks::Policy => "; pulselog show reads it",
        Looks::Checkpoint => "; keep it, and give it with --at-least",
        Looks::PrivateKey | Looks::Token => ", which is nobody's to see; give a bundle, an artifact or a disclosure",
        Looks::Text | Looks::Binary => ", and documents are JSON; give a bundle, an artifact or a disclosure",
    };
    Some(format!("{}{advice}", looks.words()))
}

/// What is said where the list of a packet was named and not the packet.
fn of_packet(list: &Path) -> String {
    let dir = match list.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => dir.display().to_string(),
        None => ".".to_owned(),
    };
    let what = Looks::PacketList.words();
    format!(
        "document {}: {what}; name its directory: pulselog verify {dir} --policy trust.policy --operator DID",
        list.display()
    )
}

/// Shows that the other checkpoints which were given are of the log that was read.
fn one_log(files: &Files, judge: &Judge) -> Result<Vec<Check>, Failure> {
    if !matches!(judge.evidence, Evidence::Log { .. }) {
        return Ok(Vec::new());
    }
    let policy = trust(Some(files.policy()?))?;
    // One that cannot be read has failed as a proof.
    let proof = files.proof.as_deref().and_then(|proof| tlog_proof::decode(proof).ok());
    let proof = proof.and_then(|proof| judge.begins_with("proof", proof.checkpoint.as_bytes(), &policy));
    let old = files.old.as_deref().and_then(|old| judge.begins_with("older checkpoint", old, &policy));
    Ok(proof.into_iter().chain(old).collect())
}

fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Pass,
        3 => Exit::Incomplete,
        _ => Exit::Fail,
    }
}
