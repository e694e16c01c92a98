//! The `.tlog-proof` file (C2SP tlog-proof, version 1,
//! <https://c2sp.org/tlog-proof>).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra pGFhAQ==                                   optional, unauthenticated
//! index 5
//! 6p/Bob+mLNZsZCsvc1ZCRUnVjYSiAG9r3Aqb0UKxzTY=     siblings, leaf side first
//! OY698IOw6vvzyxn0qmxkEZqhC/yyQ1Ql2bD2CX7tOMo=
//!
//! example.com/log                                  the checkpoint, verbatim
//! 11
//! …
//! ```

use base64ct::{Base64, Encoding};

use super::{LogProof, ReceiptError, decode_path};
use crate::merkle::{LeafIndex, PATH_HASHES_MAX};
use crate::note::{NOTE_BYTES_MAX, SignedNote, decode_base64};

/// Most bytes in `extra`: the largest entry.
pub const EXTRA_BYTES_MAX: usize = 65_535;

/// Longest file: header, extra, index and path lines, then a whole note.
pub const TLOG_PROOF_BYTES_MAX: usize = 128 + EXTRA_BYTES_MAX.div_ceil(3) * 4 + PATH_HASHES_MAX * 45 + NOTE_BYTES_MAX;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Prints a proof. What exceeds the limits of this file is printed all the
/// same and refused by [`decode`].
#[must_use]
pub fn encode(proof: &LogProof) -> String {
    let mut text = format!("{HEADER}\n");
    if let Some(extra) = &proof.extra {
        text.push_str(&format!("extra {}\n", Base64::encode_string(extra)));
    }
    text.push_str(&format!("index {}\n", proof.index));
    for hash in &proof.path {
        text.push_str(&hash.to_base64());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(proof.checkpoint.as_str());
    text
}

/// Reads exactly what [`encode`] prints.
///
/// # Errors
/// Another header or version, a line out of place, another spelling of a
/// number or of base64, more than 63 hashes, or a checkpoint that is no
/// signed note. Nothing is proven yet: see [`super::prove`].
pub fn decode(bytes: &[u8]) -> Result<LogProof, ReceiptError> {
    if bytes.len() > TLOG_PROOF_BYTES_MAX {
        return Err(ReceiptError::TooLarge { got: bytes.len(), limit: TLOG_PROOF_BYTES_MAX });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::NotUtf8)?;
    // The note begins after the first empty line; it may hold others.
    let (head, checkpoint) =
        text.split_once("\n\n").ok_or(ReceiptError::Lines { rule: "must hold an empty line after its hashes" })?;
    let mut lines = head.split('\n').chain([""]);
    if lines.next() != Some(HEADER) {
        return Err(ReceiptError::Lines { rule: "must begin with the line c2sp.org/tlog-proof@v1" });
    }
    let mut line = lines.next();
    let extra = match line.and_then(|line| line.strip_prefix("extra ")) {
        Some(extra) => {
            line = lines.next();
            Some(decode_extra(extra)?)
        }
        None => None,
    };
    let index = line.and_then(|line| line.strip_prefix("index "));
    let index = index.ok_or(ReceiptError::Lines { rule: "must hold an index line before its hashes" })?;
    let index = LeafIndex::parse(index).map_err(ReceiptError::Index)?;
    let path = decode_path(&mut lines)?;
    let checkpoint = SignedNote::parse(checkpoint.as_bytes())?;
    Ok(LogProof { index, path, checkpoint, extra })
}

fn decode_extra(text: &str) -> Result<Vec<u8>, ReceiptError> {
    let extra = decode_base64(text).filter(|extra| extra.len() <= EXTRA_BYTES_MAX);
    extra.ok_or(ReceiptError::Extra { limit: EXTRA_BYTES_MAX })
}
