//! Work policies.

pub mod bad_input;
pub mod customers;
pub mod inherits;
pub mod properties;
pub mod rbac;
pub mod rbac_oracle;
pub mod registry;
pub mod words;
