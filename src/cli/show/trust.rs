//! What a reader brings or is handed beside artifacts and proofs: a trust
//! policy, and the list of a packet's files.

use std::path::Path;

use pulselog::trust::TrustPolicy;
use pulselog::verify::packet::{MANIFEST, Packet};

use crate::cli::failure::Failure;
use crate::cli::input::{SMALL_BYTES_MAX, read};

use super::Sheet;

pub fn policy(bytes: &[u8]) -> Result<Sheet, String> {
    let policy = TrustPolicy::parse(bytes).map_err(|error| format!("{error} [{}]", error.code()))?;
    let mut sheet = Sheet::new("Trust policy (whose checkpoints to believe; compare its keys with another channel)");
    // Printed anew: comments say nothing that is believed.
    for line in policy.to_string().lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let label = match word {
            "log" => "Believes log",
            "witness" => "Knows witness",
            "group" => "Group",
            _ => "Asks for quorum",
        };
        sheet.line(
            label,
            if (word, rest) == ("quorum", "none") { "none: the log's own signature is enough" } else { rest },
        );
    }
    Ok(sheet)
}

pub fn packet(bytes: &[u8]) -> Result<Sheet, String> {
    let listed = Packet::listed(bytes)?;
    let mut sheet = Sheet::new("Packet (not verified: pulselog verify FILE --evidence DIR --policy P --operator DID)");
    sheet.line("Files", listed.len());
    for (name, digest) in listed {
        sheet.line(&name, format!("SHA-256 {digest}"));
    }
    Ok(sheet)
}

/// The list of files in a packet's directory.
pub fn read_packet(dir: &Path) -> Result<Vec<u8>, Failure> {
    let path = dir.join(MANIFEST);
    if !path.exists() {
        let why = "is a directory without packet.json; give a file, or a packet's directory";
        return Err(Failure::usage(format!("file {}: {why}", dir.display())));
    }
    read("file", &path, SMALL_BYTES_MAX)
}
