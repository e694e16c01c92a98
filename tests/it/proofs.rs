//! The tree, notes and proofs.

#[cfg(feature = "server")]
pub mod entries;
pub mod merkle;
pub mod merkle_vectors;
pub mod notes;
pub mod receipts;
pub mod signatures;
pub mod trust;
