//! Argo CD as a witness: from what Argo CD says to observations (PEERS 7,
//! FORMATS 5.4).
//!
//! ```text
//! Application ──────┐                      ┌─ Operation ──┐
//!                   ├─ App, instance: Seen ┤              ├─> Observation ─named─> payload
//! notification body ┘                      └─ other event ┘
//! ```
//!
//! Two channels see one operation and must give it one `op_key`: both go
//! through [`Operation::read`]. Members that are read here are read strictly,
//! and an error names the member; what Argo CD adds with a version is passed
//! over. What an agent can make as long as it likes never makes an observation
//! impossible: it is cut, or stands there by its digest, so that nobody hides
//! an operation behind a name that is too long.
//!
//! Pure: whoever fetches or receives the bytes is elsewhere.

mod action;
mod app;
mod application;
mod members;
mod notification;
pub mod notifications;
mod observation;
mod operation;
mod outcome;
mod params;
mod reading;
pub mod round;
mod server_log;

pub use self::app::{App, is_instance};
pub use self::application::{Application, AutoSync, Change};
pub use self::notification::{Event, Notification, SCHEMA};
pub use self::observation::{Channel, Observation, Seen};
pub use self::operation::{History, Operation, Phase};
pub use self::outcome::{CallAnswer, CallOutcome, OUTCOMES, OutcomeRow, outcome};
pub use self::reading::{DEPTH_MAX, read};
pub use self::server_log::{DISORDER_MS, LINE_BYTES_MAX, LogCoverage, PART_MS, SILENCE_MS, ServerLog};
