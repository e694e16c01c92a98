//! One attempt to send one event. It runs on a thread that holds nothing of the
//! log, so that a target which hangs keeps neither the log nor its end.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::server::config::webhooks::{Target, read_key};
use crate::server::outgoing::{self, Patience};
use crate::server::webhooks::event::{SIGNATURE, signature};

/// From the first byte of an attempt to the head of its answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// How events reach one target.
#[derive(Clone)]
pub struct Sender {
    client: ureq::Agent,
    target: Target,
}

impl Sender {
    pub fn new(target: Target) -> Self {
        let patience = Patience { whole: ANSWER_TIME_MAX, connect: None };
        Self { client: outgoing::client(target.roots.clone(), patience), target }
    }

    /// Begins an attempt, signed at `unix_seconds`; what came of it comes by the
    /// channel, which is closed where no thread could be had.
    pub fn begin(&self, body: &str, unix_seconds: u64) -> Receiver<Result<(), String>> {
        let (answer, answered) = sync_channel(1);
        let (sender, body) = (self.clone(), body.to_owned());
        let work = move || {
            // Whoever waited may have ended.
            let _ = answer.send(sender.send(&body, unix_seconds));
        };
        if let Err(error) = std::thread::Builder::new().name("pulselog-hook-send".into()).spawn(work) {
            tracing::warn!(%error, "a webhook waits for a thread");
        }
        answered
    }

    /// The status alone says whether the event was taken: of the answer's head no
    /// more is read than the client allows (64 KiB), and nothing of its body.
    fn send(&self, body: &str, unix_seconds: u64) -> Result<(), String> {
        let key = read_key(&self.target.key_file).map_err(|error| error.to_string())?;
        let request = self.client.post(&self.target.url).header("content-type", "application/json");
        let request = request.header(SIGNATURE, signature(&key, unix_seconds, body));
        let answer = request.send(body).map_err(|error| match error {
            ureq::Error::Timeout(_) => format!("no answer within {} s", ANSWER_TIME_MAX.as_secs()),
            other => other.to_string(),
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status @ 300..=399 => Err(format!("status {status} leads elsewhere, and no redirect is followed")),
            status => Err(format!("status {status}")),
        }
    }
}
