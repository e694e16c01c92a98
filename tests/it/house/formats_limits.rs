//! The limits of the formats, printed from where they stand.

use pulselog::artifact::Limits;
use pulselog::artifact::json::{DEPTH_MAX, SAFE_INTEGER_MAX};
use pulselog::artifact::shape::DID_BYTES_MAX;
use pulselog::artifact::time::PEER_TIME_BYTES_MAX;
use pulselog::entry::SUBMITTER_BYTES_MAX;
use pulselog::merkle::{PATH_HASHES_MAX, TREE_SIZE_MAX};
use pulselog::note::{
    KEY_NAME_BYTES_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURE_BYTES_MAX, NOTE_SIGNATURES_MAX, NOTE_TEXT_BYTES_MAX,
};
use pulselog::receipt::CONSISTENCY_FILE_BYTES_MAX;
use pulselog::receipt::disclosure::DISCLOSURE_BYTES_MAX;
use pulselog::receipt::tlog_proof::{EXTRA_BYTES_MAX, TLOG_PROOF_BYTES_MAX};
use pulselog::tile::{ENTRY_MAX, TILE_LEVEL_MAX, TILE_WIDTH};
use pulselog::trust::{POLICY_BYTES_MAX, POLICY_GROUPS_MAX, POLICY_LOGS_MAX, POLICY_WITNESSES_MAX};
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::packet::FILES_MAX;

/// The table of FORMATS 8.
pub fn limits() -> String {
    let rows: [(&str, String); 24] = [
        ("bytes of an artifact and of its compact form that a log takes in, unless set otherwise", {
            Limits::default().artifact_bytes_max.to_string()
        }),
        ("bytes of an artifact that a verifier reads", ARTIFACT_BYTES_MAX.to_string()),
        ("depth of JSON", DEPTH_MAX.to_string()),
        ("magnitude of an integral number", format!("{SAFE_INTEGER_MAX:.0}")),
        ("bytes of a DID", DID_BYTES_MAX.to_string()),
        ("bytes of a peer's time", PEER_TIME_BYTES_MAX.to_string()),
        ("bytes of a submitter's name", SUBMITTER_BYTES_MAX.to_string()),
        ("bytes of an entry", ENTRY_MAX.to_string()),
        ("hashes of one path", PATH_HASHES_MAX.to_string()),
        ("leaves of a tree", TREE_SIZE_MAX.to_string()),
        ("hashes of a tile, entries of a bundle", TILE_WIDTH.to_string()),
        ("level of a tile", TILE_LEVEL_MAX.to_string()),
        ("bytes of a note's text", NOTE_TEXT_BYTES_MAX.to_string()),
        ("signature lines of a note", NOTE_SIGNATURES_MAX.to_string()),
        ("bytes of a note's signature behind its key id", NOTE_SIGNATURE_BYTES_MAX.to_string()),
        ("bytes of a key name", KEY_NAME_BYTES_MAX.to_string()),
        ("bytes of a note", NOTE_BYTES_MAX.to_string()),
        ("bytes of `extra`", EXTRA_BYTES_MAX.to_string()),
        ("bytes of a tlog-proof", TLOG_PROOF_BYTES_MAX.to_string()),
        ("bytes of a consistency file", CONSISTENCY_FILE_BYTES_MAX.to_string()),
        ("bytes of a disclosure file", DISCLOSURE_BYTES_MAX.to_string()),
        ("files of a packet", FILES_MAX.to_string()),
        ("bytes of a trust policy", POLICY_BYTES_MAX.to_string()),
        (
            "logs, witnesses, groups of a trust policy",
            format!("{POLICY_LOGS_MAX}, {POLICY_WITNESSES_MAX}, {POLICY_GROUPS_MAX}"),
        ),
    ];
    let rows = rows.iter().map(|(what, most)| format!("| {what} | {most} |\n"));
    format!("| at most | |\n|---|---|\n{}", rows.collect::<String>())
}
