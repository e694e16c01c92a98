//! What `--evidence` names: files, and folders that are packets. They are read
//! one after the other, and none is held longer than it is needed.

use std::io;
use std::path::PathBuf;

use pulselog::trust::TrustPolicy;
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::budget::Budget;
use pulselog::verify::packet::{FILES_MAX, Manifest, Packet, Reading};
use pulselog::verify::whole_log::CopyError;

use crate::cli::failure::Failure;
use crate::cli::folder::{Folder, name_below};
use crate::cli::input::{read, unread};

/// Most bytes of all evidence files together: reading a packet of 65,536
/// longest files would never end.
const EVIDENCE_BYTES_MAX: usize = 1 << 30;

/// Where evidence is.
#[derive(Default)]
struct Named {
    /// Names within the evidence, and paths.
    files: Vec<(String, PathBuf)>,
    /// Whether a folder is among it: a packet, which says which files it has.
    has_folder: bool,
    /// Paths in folders that are not read, and why.
    unread: Vec<(String, String)>,
}

/// Each path a file, or a folder whose files are all taken, in folders below it too.
fn named(paths: &[PathBuf]) -> Result<Named, Failure> {
    let mut all = Named::default();
    for path in paths {
        if !path.is_dir() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            all.files.push((name, path.clone()));
            continue;
        }
        all.has_folder = true;
        let wrong = |error: io::Error| unread(&format!("--evidence {}", path.display()), &error);
        let folder = Folder::read(path).map_err(wrong)?;
        all.files.extend(folder.files.into_iter().map(|file| (name_below(path, &file), file)));
        all.unread.extend(folder.unread.into_iter().map(|(at, why)| (name_below(path, &at), why)));
    }
    if all.files.len() > FILES_MAX {
        return Err(Failure::fail(format!("--evidence: holds more than {FILES_MAX} files")));
    }
    Ok(all)
}

/// Reads all of it as one packet; `proof` is the document's own, which joins it.
pub fn packet(
    paths: &[PathBuf],
    policy: &TrustPolicy,
    budget: Budget,
    proof: Option<&[u8]>,
) -> Result<Packet, Failure> {
    let wrong = |error: CopyError| {
        let why = match &error {
            CopyError::Trust(error) => format!("--policy: {error} [{}]", error.code()),
            error => format!("--evidence: {error} [{}]", error.code()),
        };
        if error.is_incomplete() { Failure::incomplete(why) } else { Failure::fail(why) }
    };
    let Named { files, has_folder, unread: left } = named(paths)?;
    // A folder is a packet, and a packet says which files it has.
    let (mut manifest, mut reading) = (Manifest::default(), Reading::new(policy, budget));
    let mut bytes_left = EVIDENCE_BYTES_MAX;
    for (name, path) in &files {
        let file = read("--evidence", path, ARTIFACT_BYTES_MAX as u64)?;
        let too_many = || Failure::fail(format!("--evidence: holds more than {EVIDENCE_BYTES_MAX} bytes"));
        bytes_left = bytes_left.checked_sub(file.len()).ok_or_else(too_many)?;
        manifest.take(name, &file);
        reading.take(name, &file).map_err(wrong)?;
    }
    proof.map_or(Ok(()), |proof| reading.take("--proof", proof)).map_err(wrong)?;
    let packet = reading.finish().map_err(wrong)?;
    let packet = left.iter().fold(packet, |packet, (name, why)| packet.without(name, why));
    Ok(match has_folder {
        true => packet.with(&manifest),
        false => packet,
    })
}
