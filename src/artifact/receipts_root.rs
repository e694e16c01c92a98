//! The receipts root (FORMATS 3.4): one RFC 6962 root over the receipts of a proof
//! bundle, so that one of them can be shown to belong to the logged bundle
//! without showing the rest.
//!
//! ```text
//! leaf input = CBOR [array name, index in the array, SHA-256 of the receipt's compact form]
//! ```

use crate::artifact::digest::sha256;
use crate::artifact::json::{Value, to_compact};
use crate::artifact::proof_bundle::receipts;
use crate::merkle::SmallTree;

/// Root and number of the receipts in one bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptsRoot {
    pub root: [u8; 32],
    /// At least 1.
    pub count: u64,
}

impl ReceiptsRoot {
    /// The root over the receipts of a bundle's payload; `None` when it has none.
    #[must_use]
    pub fn of(payload: &Value) -> Option<Self> {
        let inputs = leaf_inputs(payload);
        let root = *SmallTree::root(&inputs)?.hash().as_bytes();
        let count = inputs.len() as u64;
        Some(Self { root, count })
    }
}

/// The leaf inputs of a bundle's payload, in tree order.
#[must_use]
pub fn leaf_inputs(payload: &Value) -> Vec<Vec<u8>> {
    let inputs = receipts(payload).map(|(array, index, receipt)| {
        let digest = sha256(to_compact(receipt).as_bytes());
        leaf_input(array, index as u64, &digest)
    });
    inputs.collect()
}

/// Deterministic CBOR of one leaf. Array names are shorter than 24 bytes plus
/// one length byte, indexes below 2^16: both by the limits of a bundle.
#[must_use]
pub fn leaf_input(array: &str, index: u64, digest: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![0x83];
    head(0x60, array.len() as u64, &mut out);
    out.extend_from_slice(array.as_bytes());
    head(0x00, index, &mut out);
    out.extend_from_slice(&[0x58, 32]);
    out.extend_from_slice(digest);
    out
}

/// Shortest head of a CBOR item (RFC 8949 3 and 4.2.1).
fn head(major: u8, value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    match value {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..0x1_0000 => out.extend_from_slice(&[major | 25, bytes[6], bytes[7]]),
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}
