//! What documents and schemas say, and the house rules.

#[cfg(feature = "server")]
pub mod benchmarks;
pub mod citations;
pub mod explain;
pub mod formats;
pub mod formats_limits;
pub mod judging_reference;
#[cfg(feature = "server")]
pub mod readme;
pub mod schemas;
pub mod second;
pub mod paths;
pub mod tidy;
