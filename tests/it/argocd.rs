//! What Argo CD says, taken in.

pub mod operations;
pub mod recorded;
