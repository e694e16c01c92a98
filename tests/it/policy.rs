//! Work policies.

pub mod bad_input;
pub mod customers;
pub mod inherits;
pub mod properties;
pub mod registry;
pub mod words;
