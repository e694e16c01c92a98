//! One member: a proof bundle envelope, or an export that holds one.

use crate::artifact::json::Value;
use crate::protocol::codes::INCONSISTENT_RUN_ID;
use crate::protocol::envelope::text;
use crate::protocol::options::Context;
use crate::protocol::verdict::{Accepted, Failure, fail};
use crate::protocol::{bundle, event_chain, export};

/// Where the proof bundle of a member is.
pub(super) struct Member<'a> {
    whole: &'a Value<'a>,
    is_export: bool,
    /// Field of the proof bundle's payload.
    pub(super) payload_field: String,
    pub(super) payload: &'a Value<'a>,
}

impl<'a> Member<'a> {
    pub(super) fn of(whole: &'a Value<'a>, field: &str) -> Self {
        let inner = whole.at("artifacts.proof_bundle_envelope");
        let payload = inner.unwrap_or(whole).get("payload").unwrap_or(whole);
        let payload_field = match inner {
            Some(_) => format!("{field}.artifacts.proof_bundle_envelope.payload"),
            None => format!("{field}.payload"),
        };
        Member { whole, is_export: inner.is_some(), payload_field, payload }
    }

    pub(super) fn list(&self, name: &str) -> &'a [Value<'a>] {
        self.payload.get(name).and_then(Value::as_array).unwrap_or_default()
    }

    pub(super) fn expires_at(&self) -> Option<&'a Value<'a>> {
        self.whole.get("expires_at")
    }

    /// M1: the one run of its events.
    pub(super) fn run_id(&self, field: &str) -> Result<&'a str, Failure> {
        let events = self.list("event_chain");
        let one = event_chain::run_of(events).filter(|run| events.iter().all(|event| text(event, "run_id") == *run));
        match one {
            Some(run) => Ok(run),
            None if self.is_export => fail(INCONSISTENT_RUN_ID, format!("{}.event_chain", self.payload_field)),
            None => fail(INCONSISTENT_RUN_ID, field),
        }
    }

    /// M3: its own verification, without the strict layer.
    pub(super) fn verify(&self, context: &Context<'_>) -> Result<Accepted, Failure> {
        match self.is_export {
            true => export::verify(self.whole, context),
            false => bundle::verify(self.whole, &Context { nested: true, ..*context }),
        }
    }
}
