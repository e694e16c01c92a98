//! A checkpoint that the reader kept, beside a packet: one log has one tree.

use crate::codes::{self, verdict};
use crate::merkle::{RootHash, TreeSize, verify_consistency};
use crate::trust::TrustedCheckpoint;
use crate::verify::packet::Packet;
use crate::verify::report::Check;
use crate::verify::whole_log::root_of;

impl Packet {
    /// Whether a consistency file shows that the tree of `from` with this root
    /// is a beginning of the largest proven one.
    pub(super) fn leads(&self, from: TreeSize, root: &RootHash) -> bool {
        let Some(head) = self.head else { return false };
        let mut ways = self.ways.iter().filter(|way| way.old == from);
        from == head.size && *root == head.root
            || ways.any(|way| verify_consistency(from, head.size, &way.path, root, &head.root).is_ok())
    }

    /// Whether the packet's tree extends that of a checkpoint which the reader
    /// kept. `None` when nothing is proven, or only of a smaller tree.
    pub(in crate::verify) fn begins(&self, name: &str, kept: &TrustedCheckpoint) -> Option<Check> {
        let (head, size, root) = (self.head?, kept.head().size, kept.head().root);
        let origin = kept.origin().to_string();
        if let Some(of) = self.origin.as_ref().filter(|of| **of != origin) {
            // Of another log it says nothing about this one.
            return Some(Check::incomplete(
                "log",
                &verdict::OTHER_ORIGIN,
                format!("{name}: is of {origin}, the packet of {of}"),
            ));
        }
        if size > head.size {
            return None;
        }
        // Signed itself, or made of entries that are all proven.
        let other = self.heads.get(&size).copied().or_else(|| root_of(&self.timeline, size));
        Some(match other {
            Some(other) if other != root => {
                let (kept, other) = (root.hash().to_base64(), other.hash().to_base64());
                let detail = format!(
                    "{name}: two signed histories: its {size} entries have root {kept}, those of the packet {other}"
                );
                Check::fail("log", &verdict::FORK, detail)
            }
            Some(_) => Check::pass("log", format!("the packet's tree begins with the {size} entries of the {name}")),
            None if size == TreeSize::ZERO || self.leads(size, &root) => {
                Check::pass("log", format!("the packet's tree begins with the {size} entries of the {name}"))
            }
            None if self.ways.iter().any(|way| way.old == size) => {
                let detail = format!(
                    "{name}: the consistency file from {size} does not lead from its root {} to the packet's signed \
                     tree of {} with root {}",
                    root.hash().to_base64(),
                    head.size,
                    head.root.hash().to_base64()
                );
                Check::fail("log", &codes::proof::PROOF_OLD_ROOT_MISMATCH, detail)
            }
            None => {
                let detail = format!(
                    "{name}: only sizes were compared; nothing here shows that the packet's tree of {} extends its \
                     {size} entries",
                    head.size
                );
                Check::incomplete("log", &verdict::CONSISTENCY_FILE_MISSING, detail)
            }
        })
    }
}
