//! Whoever watches is told what each request has read.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use crate::merkle::LeafIndex;

/// What one request has read and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries whose bodies were read, each of which is one parse, in order.
    pub bodies: Vec<LeafIndex>,
    /// Signatures that were checked.
    pub signatures: u64,
}

/// The end that is told; nobody's until somebody watches.
#[derive(Clone, Default)]
pub struct Watch(Arc<OnceLock<Sender<Tally>>>);

impl Watch {
    /// Tells this receiver from now on; the first that asks is the one.
    pub fn begin(&self) -> Receiver<Tally> {
        let (sender, receiver) = channel();
        self.0.get_or_init(|| sender);
        receiver
    }

    pub fn is_on(&self) -> bool {
        self.0.get().is_some()
    }

    /// Tells whoever still listens.
    pub fn tell(&self, tally: impl FnOnce() -> Tally) {
        if let Some(sender) = self.0.get() {
            _ = sender.send(tally());
        }
    }
}
