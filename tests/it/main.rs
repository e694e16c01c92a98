//! The one integration binary: it links once, however many files there are.

mod merkle;
mod merkle_vectors;
mod notes;
mod receipts;
mod trust;
