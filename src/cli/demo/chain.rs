//! The agent runtime's event chain of one run (PEERS 2.9): each event holds
//! the hash of the one before.

use pulselog::artifact::json::{Value, to_compact};

use crate::cli::demo::value::{b64u_sha256, object, with};

/// Events of one run so far.
pub struct Chain {
    run_id: String,
    events: Vec<Value<'static>>,
    last: Option<String>,
}

impl Chain {
    pub const fn new(run_id: String) -> Self {
        Self { run_id, events: Vec::new(), last: None }
    }

    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Appends an event about a record with this payload hash and returns the
    /// event's hash. Member order is part of the formula.
    pub fn push(&mut self, event_type: &str, payload_hash_b64u: &str, timestamp: &str) -> String {
        let event = object([
            ("event_id", format!("evt-{:02}", self.events.len() + 1).into()),
            ("run_id", self.run_id.as_str().into()),
            ("event_type", event_type.into()),
            ("timestamp", timestamp.into()),
            ("payload_hash_b64u", payload_hash_b64u.into()),
            ("prev_hash_b64u", self.last.as_deref().map_or(Value::Null, Value::from)),
        ]);
        let hash = b64u_sha256(to_compact(&event).as_bytes());
        self.events.push(with(event, "event_hash_b64u", hash.as_str().into()));
        self.last = Some(hash.clone());
        hash
    }

    /// The chain as a bundle holds it.
    pub fn to_value(&self) -> Value<'static> {
        Value::Array(self.events.clone())
    }
}
