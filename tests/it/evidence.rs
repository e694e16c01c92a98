//! Verdicts on documents beside evidence.

pub mod attacks;
pub mod bad_input;
pub mod bounds;
#[cfg(feature = "server")]
pub mod bounds_served;
pub mod cli;
pub mod documents;
pub mod folders;
pub mod judging;
pub mod kept;
pub mod known;
pub mod lacking;
pub mod order;
pub mod other_logs;
pub mod packet_jobs;
pub mod packet_unlisted;
#[cfg(feature = "server")]
pub mod packets;
pub mod incidents_made;
pub mod packets_made;
pub mod properties;
pub mod readers_say;
pub mod tampering;
pub mod times;
pub mod verify;
pub mod verify_once;
