//! What the reader knows of the log beside the evidence: a verdict about less
//! is incomplete, and evidence of another history than a kept one fails.

use crate::codes::verdict;
use crate::merkle::TreeSize;
use crate::trust::TrustedCheckpoint;
use crate::verify::judge::beginning::begins;
use crate::verify::judge::{Evidence, Judge};
use crate::verify::report::Check;
use crate::verify::whole_log::WholeLog;

/// As checks call a checkpoint that the reader kept.
const KEPT: &str = "kept checkpoint";

/// What the reader knows the log to have been.
#[derive(Clone, Debug)]
pub enum Known {
    /// So many entries.
    Size(TreeSize),
    /// Entries of this root: what is read must extend them.
    Checkpoint(Box<TrustedCheckpoint>),
}

impl Known {
    /// Entries that the log is known to have had.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        match self {
            Self::Size(size) => *size,
            Self::Checkpoint(kept) => kept.head().size,
        }
    }

    /// What is to be said of a verdict about the first entries of a whole log.
    #[must_use]
    pub fn checks(&self, log: &WholeLog, judged: TreeSize) -> Vec<Check> {
        self.begins(log).into_iter().chain([self.reached(judged.get())]).collect()
    }

    /// Whether as much was judged as is known to be there.
    pub(super) fn reached(&self, reach: u64) -> Check {
        let known = self.size();
        if reach < known.get() {
            let detail = format!("the verdict is of the first {reach} entries, and the log is known to have {known}");
            Check::incomplete("size", &verdict::JUDGED_BELOW_KNOWN, detail)
        } else {
            Check::pass("size", format!("the verdict is of {reach} entries, at least the {known} that are known"))
        }
    }

    /// Whether a log extends the kept checkpoint. A longer one is beyond the
    /// log: then too little was judged, and nothing contradicts it.
    fn begins(&self, log: &WholeLog) -> Option<Check> {
        let Self::Checkpoint(kept) = self else { return None };
        (kept.head().size <= log.head().size || kept.origin().to_string() != log.origin)
            .then(|| begins(log, KEPT, kept))
    }
}

impl Judge {
    /// Whether the evidence extends the checkpoint that the reader kept.
    pub(super) fn kept_check(&self) -> Option<Check> {
        match (self.known.as_ref()?, &self.evidence) {
            (known, Evidence::Log { log, .. }) => known.begins(log),
            (Known::Checkpoint(kept), Evidence::Packet(packet)) => packet.begins(KEPT, kept),
            _ => None,
        }
    }
}
