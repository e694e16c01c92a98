//! Pulselog: an append-only transparency log for what deployment agents do on
//! Argo CD, and the verifier that needs no server.
//!
//! ```text
//!  submitted bytes                                                     reader's bytes
//!       |                                                                    |
//!       v                                                                    v
//!   artifact ─> entry ─> sequence ─> server/store ─> checkpoint · tile · receipt ─> verify
//!   parse,      leaf     pure step:  one synced      statements that leave          offline,
//!   authenticate bytes   -> Commit   batch           the house                      no server
//! ```
//!
//! Words, one per thing: *artifact* (what somebody signed), *envelope* (how),
//! *entry* (the leaf bytes about it), *body* (its compact form), *leaf index*,
//! *tree size*, *root hash*, *tile*, *entry bundle*, *checkpoint* (a signed
//! note over origin, size and root), *inclusion* and *consistency proof*,
//! *cosignature*, *witness*, *quorum*, *trust policy*, *head guard*.
//!
//! Rooms stand in import order; ARCHITECTURE.md says who may import whom.
// One file asks the kernel what the standard library does not: server/kernel.rs.
#![deny(unsafe_code)]

// Ring 1: mathematics and signed statements. No domain, no IO.
pub mod text;
pub mod merkle;
pub mod tile;
pub mod note;
pub mod checkpoint;
pub mod trust;

// Ring 2: our domain. No IO.
pub mod artifact;
pub mod protocol;
pub mod entry;
pub mod policy;
pub mod audit;
pub mod receipt;
pub mod verify;
pub mod sequence;
pub mod explain;

// Ring 3: the world.
#[cfg(feature = "server")]
pub mod server;
