//! The protocol verdict.

pub mod bad_input;
pub mod events;
pub mod mutations;
pub mod packages;
pub mod profiles;
pub mod properties;
pub mod vectors;
