//! The service: everything that touches the world.
//!
//! ```text
//! config ─> store ─> log ─> index ─> api ─> axum on its own runtime
//! ```
//!
//! `Server::start` composes them, `Server::wait` runs until a signal or until
//! the sequencer has a doubt, `Server::shutdown` ends them in reverse order.

pub mod api;
pub mod config;
pub mod faults;
pub mod fsck;
pub mod guard;
pub mod health;
pub mod index;
pub mod log;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod tokens;
