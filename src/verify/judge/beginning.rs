//! Other checkpoints beside the log that was read: one log has one tree, so
//! each of them is a beginning of it (model 9 "Absence").

use crate::trust::TrustPolicy;
use crate::verify::judge::{Evidence, Judge};
use crate::verify::report::Check;

impl Judge {
    /// Whether the log that was read begins with the tree of this checkpoint;
    /// `name` says whose it is. `None` when no log was read. Cost: the log's
    /// leaves once.
    #[must_use]
    pub fn begins_with(&self, name: &'static str, checkpoint: &[u8], policy: &TrustPolicy) -> Option<Check> {
        let Evidence::Log { log, .. } = &self.evidence else { return None };
        let other = match policy.open(checkpoint) {
            Ok(other) => other,
            Err(error) => return Some(Check::fail("log", error.code(), format!("{name}: {error}"))),
        };
        let (held, size) = (log.head().size, other.head().size);
        let origin = other.origin().to_string();
        Some(if origin != log.origin {
            Check::fail(
                "log",
                "other_origin",
                format!("{name}: is of {origin}, the log that was read is {}", log.origin),
            )
        } else if size > held {
            let detail = format!("{name}: covers {size} entries, the log that was read has {held}");
            Check::incomplete("log", "log_shorter", detail)
        } else if log.has_root(size, &other.head().root) {
            Check::pass("log", format!("it begins with the {size} entries of the {name}"))
        } else {
            Check::fail("log", "fork", format!("{name}: its {size} entries are no beginning of the log that was read"))
        })
    }
}
