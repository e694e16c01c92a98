//! `pulselog show`: any file of ours in readable form. Shows, never vouches.

mod trust;

use std::fmt::Write as _;
use std::path::PathBuf;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{self, DEPTH_MAX, Value, room_for};
use pulselog::artifact::{AdmitError, Artifact, Grant, KeyCache, Kind, Limits, readmit};
use pulselog::checkpoint::Checkpoint;
use pulselog::entry::SequencedEntry;
use pulselog::merkle::{Hash, leaf_hash};
use pulselog::note::SignedNote;
use pulselog::receipt::{ConsistencyFile, Disclosure, tlog_proof};
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::plain_text::{escape, escape_lines};

use crate::cli::failure::{Exit, Failure};
use crate::cli::mistaken::{is_packet_list, is_policy};
use crate::cli::secret::is_secret;
use crate::cli::{input, print, print_json};
use pulselog::text::civil;

const AFTER: &str = "\
Knows artifacts, disclosures and packet.json (JSON), entries (CBOR), .tlog-proof,
checkpoints, consistency files and trust policies by their content; of a packet's
directory it shows what packet.json lists. An artifact's own signature is checked;
whether a log holds it is the question of `pulselog verify`.

Examples:
  pulselog show packet/20-proof_bundle.json
  pulselog show packet/20-proof_bundle.tlog-proof
  pulselog show packet/trust.policy
  pulselog show packet
  curl -s http://127.0.0.1:8080/checkpoint | pulselog show -

Exit codes: 0 shown, 1 cannot be read or is not authentic, 2 wrong usage.";

/// Show what a file says.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The file, or a packet's directory; - reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let bytes = match args.file.is_dir() {
        true => trust::read_packet(&args.file)?,
        false => input::read("file", &args.file, ARTIFACT_BYTES_MAX as u64)?,
    };
    if let Some(what) = secret(&bytes) {
        return Err(Failure::usage(format!("file {}: {what}, and nothing of it is shown", args.file.display())));
    }
    let sheet = decode(&bytes).map_err(|why| Failure::fail(format!("file {}: {why}", args.file.display())))?;
    if args.json {
        print_json(&sheet.to_json())?;
    } else {
        print(&sheet.to_text())?;
    }
    Ok(if sheet.refused { Exit::Fail } else { Exit::Pass })
}

/// What is nobody's to see.
fn secret(bytes: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    match () {
        () if text.starts_with("-----BEGIN") && text.contains(input::PRIVATE_KEY) => Some("is a private key"),
        () if is_secret(text) && !text.starts_with('{') => Some("is a submitter's token, or another"),
        () => None,
    }
}

/// What is shown: a title, labelled lines, and perhaps a document below them.
struct Sheet {
    title: String,
    lines: Vec<(String, String)>,
    body: Option<String>,
    refused: bool,
}

impl Sheet {
    fn new(title: &str) -> Self {
        Self { title: title.to_owned(), lines: Vec::new(), body: None, refused: false }
    }

    fn line(&mut self, label: &str, value: impl ToString) {
        self.lines.push((label.to_owned(), value.to_string()));
    }

    fn to_text(&self) -> String {
        let width = self.lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let mut out = format!("{}\n\n", escape(&self.title));
        for (label, value) in &self.lines {
            // Writing to a String never fails.
            let _ = writeln!(out, "  {label:<width$}  {}", escape(value));
        }
        if let Some(body) = &self.body {
            let _ = write!(out, "\n{}\n", escape_lines(body));
        }
        out
    }

    fn to_json(&self) -> serde_json::Value {
        let lines: Vec<_> =
            self.lines.iter().map(|(label, value)| serde_json::json!({"label": label, "value": value})).collect();
        serde_json::json!({"title": self.title, "lines": lines, "body": self.body, "refused": self.refused})
    }
}

fn decode(bytes: &[u8]) -> Result<Sheet, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Err("is empty".to_owned()),
        Some(b'{') if Disclosure::is_one(bytes) => disclosure(bytes),
        Some(b'{') if is_packet_list(bytes) => trust::packet(bytes),
        Some(b'{') => artifact(bytes),
        Some(0xa0..=0xbb | 0xd2) => entry(bytes),
        Some(_) if bytes.starts_with(b"c2sp.org/tlog-proof@") => proof(bytes),
        Some(_) if bytes.starts_with(b"old ") => consistency(bytes),
        Some(_) if is_policy(bytes) => trust::policy(bytes),
        Some(_) => checkpoint(bytes),
    }
}

fn artifact(bytes: &[u8]) -> Result<Sheet, String> {
    let value = json::parse_within(bytes, DEPTH_MAX, room_for(bytes.len()))
        .map_err(|error| format!("{error} [{}]", error.code()))?;
    let digest = ArtifactDigest::of(json::to_compact(&value).as_bytes());
    match authentic(bytes, &value) {
        Ok(artifact) => {
            let mut sheet = Sheet::new(artifact.kind().title());
            sheet.line("Kind", artifact.kind());
            sheet.line("Artifact digest", digest);
            sheet.line("Payload hash", artifact.payload_hash());
            match artifact.signer() {
                Some(did) => sheet.line("Signed by", format!("{did} (signature verifies)")),
                None => sheet.line("Signed by", "nobody: it counts as the word of whoever submitted it"),
            }
            artifact.issued_at().into_iter().for_each(|at| sheet.line("Issued at", format!("{at} (not signed)")));
            artifact.facts().iter().for_each(|fact| sheet.line(fact.label, &fact.value));
            sheet.body = Some(json::to_pretty(artifact.payload()));
            Ok(sheet)
        }
        Err(error) => {
            let mut sheet = Sheet::new("Not an artifact that a log would admit");
            sheet.line("Refused", format!("{error} [{}]", error.code()));
            sheet.line("Digest of its compact form", digest);
            sheet.body = Some(json::to_pretty(&value));
            sheet.refused = true;
            Ok(sheet)
        }
    }
}

/// Authentic whoever might have submitted it.
fn authentic<'a>(bytes: &'a [u8], value: &Value) -> Result<Artifact<'a>, AdmitError> {
    let room = room_for(bytes.len());
    let limits = Limits { artifact_bytes_max: ARTIFACT_BYTES_MAX, depth_max: DEPTH_MAX, room };
    let bare = Kind::ALL
        .into_iter()
        .filter(|kind| kind.row().unsigned)
        .find(|kind| kind.row().forms.iter().any(|form| value.get(form.version_field).is_some()));
    let is_bare = value.get("envelope_type").is_none();
    let grant = bare.filter(|_| is_bare).map_or_else(Grant::all, Grant::any_unsigned);
    readmit(bytes, &grant, &limits, &KeyCache::new())
}

fn entry(bytes: &[u8]) -> Result<Sheet, String> {
    let mut sheet = Sheet::new("Entry");
    entry_lines(&mut sheet, bytes)?;
    Ok(sheet)
}

fn entry_lines(sheet: &mut Sheet, bytes: &[u8]) -> Result<(), String> {
    let entry = SequencedEntry::decode(bytes).map_err(|error| format!("{error} [{}]", error.code()))?;
    sheet.line("Leaf hash", leaf_hash(bytes));
    sheet.line("Kind", entry.kind);
    sheet.line("Artifact digest", entry.digest);
    sheet.line("Compact length", format!("{} bytes", entry.body_bytes));
    sheet.line("Signed by", entry.signer.as_ref().map_or("nobody", |did| did.as_str()));
    sheet.line("Submitter", &entry.submitter);
    let logged_at = i64::try_from(entry.logged_at.unix_ms()).unwrap_or(i64::MAX);
    sheet.line("Logged at", civil::with_millis(logged_at));
    if let Some(receipts) = &entry.receipts {
        sheet.line("Receipts inside", receipts.count);
        sheet.line("Receipts root", Hash::from_bytes(receipts.root).to_hex());
    }
    Ok(())
}

fn proof(bytes: &[u8]) -> Result<Sheet, String> {
    let proof = tlog_proof::decode(bytes).map_err(|error| format!("{error} [{}]", error.code()))?;
    let mut sheet = Sheet::new("Inclusion proof (not verified: that needs a trust policy)");
    sheet.line("Leaf index", proof.index);
    match &proof.extra {
        Some(entry) => entry_lines(&mut sheet, entry)?,
        None => sheet.line("Entry", "not in this file"),
    }
    path_lines(&mut sheet, &proof.path);
    note_lines(&mut sheet, &proof.checkpoint)?;
    Ok(sheet)
}

fn disclosure(bytes: &[u8]) -> Result<Sheet, String> {
    let file = Disclosure::decode(bytes).map_err(|error| format!("{error} [{}]", error.code()))?;
    let mut sheet = Sheet::new("Disclosure (not verified: that needs a trust policy)");
    for shown in file.receipts() {
        let id = shown.id().unwrap_or("absent");
        sheet.line("Shows", format!("{}[{}], receipt id {id}", shown.array(), shown.index()));
    }
    sheet.line("Leaf index", file.proof().index);
    if let Some(entry) = &file.proof().extra {
        entry_lines(&mut sheet, entry)?;
    }
    note_lines(&mut sheet, &file.proof().checkpoint)?;
    let receipts: Vec<Value> = file.receipts().iter().map(|shown| shown.receipt().clone()).collect();
    sheet.body = Some(json::to_pretty(&receipts.into()));
    Ok(sheet)
}

fn consistency(bytes: &[u8]) -> Result<Sheet, String> {
    let file = ConsistencyFile::decode(bytes).map_err(|error| format!("{error} [{}]", error.code()))?;
    let mut sheet = Sheet::new("Consistency proof (not verified: that needs the older checkpoint)");
    sheet.line("From size", file.old);
    path_lines(&mut sheet, &file.path);
    note_lines(&mut sheet, &file.checkpoint)?;
    Ok(sheet)
}

fn checkpoint(bytes: &[u8]) -> Result<Sheet, String> {
    let note = SignedNote::parse(bytes).map_err(|error| {
        format!("is no artifact, entry, .tlog-proof, checkpoint, consistency file, trust policy or packet.json ({error} [{}])", error.code())
    })?;
    let mut sheet = Sheet::new("Checkpoint (not verified: that needs a trust policy)");
    note_lines(&mut sheet, &note)?;
    Ok(sheet)
}

fn path_lines(sheet: &mut Sheet, path: &[Hash]) {
    for (at, hash) in path.iter().enumerate() {
        sheet.line(&format!("Path {at}"), hash.to_hex());
    }
}

fn note_lines(sheet: &mut Sheet, note: &SignedNote) -> Result<(), String> {
    let checkpoint = Checkpoint::parse_text(note.text()).map_err(|error| format!("{error} [{}]", error.code()))?;
    sheet.line("Origin", &checkpoint.origin);
    sheet.line("Tree size", checkpoint.head.size);
    sheet.line("Root hash", checkpoint.head.root.hash().to_hex());
    for signature in note.signatures() {
        sheet.line("Signature line", format!("{} (key id {})", signature.name, signature.key_id));
    }
    Ok(())
}
