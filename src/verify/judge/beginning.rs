//! Other checkpoints beside the log that was read: one log has one tree, so
//! each of them is a beginning of it (JUDGING 12.1).

use crate::codes::verdict;
use crate::trust::{TrustPolicy, TrustedCheckpoint};
use crate::verify::judge::{Evidence, Judge};
use crate::verify::report::Check;
use crate::verify::whole_log::WholeLog;

impl Judge {
    /// Whether the log that was read begins with the tree of this checkpoint;
    /// `name` says whose it is. `None` when no log was read. Cost: the log's
    /// leaves once.
    #[must_use]
    pub fn begins_with(&self, name: &'static str, checkpoint: &[u8], policy: &TrustPolicy) -> Option<Check> {
        let Evidence::Log { log, .. } = &self.evidence else { return None };
        Some(match policy.open(checkpoint) {
            Ok(other) => begins(log, name, &other),
            Err(error) => Check::disbelieved("log", &error, name),
        })
    }
}

/// Whether a log begins with the tree of a believed checkpoint. Unlike, both
/// are signed by one key: two histories.
pub(super) fn begins(log: &WholeLog, name: &str, other: &TrustedCheckpoint) -> Check {
    let (held, size, root) = (log.head(), other.head().size, other.head().root);
    let origin = other.origin().to_string();
    if origin != log.origin {
        let detail = format!("{name}: is of {origin}, the log that was read is {}", log.origin);
        return Check::incomplete("log", &verdict::OTHER_ORIGIN, detail);
    }
    match log.root_at(size) {
        None => {
            let detail = format!("{name}: covers {size} entries, the log that was read has {}", held.size);
            Check::incomplete("log", &verdict::LOG_SHORTER, detail)
        }
        Some(here) if here == root => Check::pass("log", format!("it begins with the {size} entries of the {name}")),
        Some(here) => {
            let (kept, here, signed) = (root.hash().to_base64(), here.hash().to_base64(), held.root.hash().to_base64());
            let signed =
                if size == held.size { String::new() } else { format!(", signed as {} of {signed}", held.size) };
            let detail = format!(
                "{name}: its {size} entries are no beginning of the log that was read, two signed histories: root \
                 {kept} there, {here} here{signed}"
            );
            Check::fail("log", &verdict::FORK, detail)
        }
    }
}
