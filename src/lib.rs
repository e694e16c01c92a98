#![forbid(unsafe_code)]

// Ring 1: mathematics and signed statements. No domain, no IO.
pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod receipt;
pub mod tile;
pub mod trust;

// Ring 2: our domain. No IO.
pub mod artifact;
pub mod entry;
pub mod sequence;

// Ring 3: the world.
#[cfg(feature = "server")]
pub mod server;
