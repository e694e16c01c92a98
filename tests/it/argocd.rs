//! What Argo CD says, taken in.

pub mod applications;
pub mod notifications;
pub mod operations;
pub mod outcomes;
#[cfg(feature = "server")]
pub mod receiver;
#[cfg(feature = "server")]
pub mod receiver_bad_input;
pub mod recorded;
#[cfg(feature = "server")]
pub mod replay;
pub mod server_log;
pub mod polled;
pub mod polled_events;
pub mod rounds;
