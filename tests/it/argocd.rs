//! What Argo CD says, taken in.

pub mod applications;
pub mod notifications;
pub mod operations;
pub mod outcomes;
pub mod polled;
pub mod polled_events;
#[cfg(feature = "server")]
pub mod polling;
#[cfg(feature = "server")]
pub mod polling_faults;
#[cfg(feature = "server")]
pub mod polling_recorded;
#[cfg(feature = "server")]
pub mod receiver;
#[cfg(feature = "server")]
pub mod receiver_bad_input;
pub mod recorded;
#[cfg(feature = "server")]
pub mod replay;
pub mod rounds;
pub mod server_log;
