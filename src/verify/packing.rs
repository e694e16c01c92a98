//! The packet of a job, made from a whole log: every entry that the job's audit
//! uses, with its body and its proof, and what connects the operator's
//! statements about the job with the checkpoint (FORMATS 7.4).
//!
//! Nothing is taken from whoever served the log but what was proven: paths are
//! computed from the entries that lead to the signed root.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Artifact, AuditStatement, Did, Kind};
use crate::audit::used_by;
use crate::merkle::{Frontier, Hash, LeafIndex, Node, Plan, TreeSize, leaf_hash};
use crate::receipt::{ConsistencyFile, LogProof, tlog_proof};
use crate::verify::packet::File;
use crate::verify::whole_log::WholeLog;

/// The checkpoint's file.
pub const CHECKPOINT: &str = "checkpoint";

/// What goes into a packet, but for the reader's own files.
#[derive(Debug, Default)]
pub struct Packing {
    pub files: Vec<File>,
    /// Entries with their proofs.
    pub entries: usize,
    /// Those whose bodies the log does not show.
    pub withheld: Vec<LeafIndex>,
    /// Statements of the operator about the job.
    pub statements: usize,
    /// The names of the job's bundles.
    pub bundles: Vec<String>,
}

/// Packs one job; `None` when nothing in the log is of it.
#[must_use]
pub fn pack(log: &WholeLog, job: &str, operator: &Did) -> Option<Packing> {
    let size = log.head().size;
    let mut wanted = used_by(log.timeline(), size, job, operator);
    let is_of_job = |body: &Artifact| body.keys().job.as_deref() == Some(job);
    let bodies = wanted.iter().filter_map(|at| log.timeline().get(*at)?.body.as_ref());
    if !bodies.clone().any(is_of_job) {
        return None;
    }
    let statements: Vec<TreeSize> = bodies.filter_map(|body| attested(body, job, operator)).collect();
    // A statement over some size counts only where the last entry of it is here.
    wanted.extend(statements.iter().filter_map(|size| Some(LeafIndex::new(size.get().checked_sub(1)?))));
    let nodes = nodes(log);
    let mut packing = Packing { statements: statements.len(), ..Packing::default() };
    for at in wanted {
        packing.add(log, &nodes, at)?;
    }
    packing.files.push((CHECKPOINT.to_owned(), log.note.as_str().as_bytes().to_vec()));
    for old in BTreeSet::from_iter(statements).into_iter().filter(|old| *old < size) {
        let path = path(&Plan::consistency(old, size).ok()?, &nodes)?;
        let file = ConsistencyFile { old, path, checkpoint: log.note.clone() };
        packing.files.push((format!("{old}-to-{size}.consistency"), file.encode().into_bytes()));
    }
    Some(packing)
}

impl Packing {
    fn add(&mut self, log: &WholeLog, nodes: &BTreeMap<Node, Hash>, at: LeafIndex) -> Option<()> {
        let seen = log.timeline().get(at)?;
        let kind = seen.entry.kind.name();
        let stem = format!("{at}-{kind}");
        match &seen.body {
            Some(body) => self.files.push((format!("{stem}.json"), body.compact().as_bytes().to_vec())),
            None => self.withheld.push(at),
        }
        let path = path(&Plan::inclusion(at, log.head().size).ok()?, nodes)?;
        let extra = Some(seen.entry.encode());
        let proof = LogProof { index: at, path, checkpoint: log.note.clone(), extra };
        self.files.push((format!("{stem}.tlog-proof"), tlog_proof::encode(&proof).into_bytes()));
        if seen.entry.kind == Kind::ProofBundle && seen.body.is_some() {
            self.bundles.push(format!("{stem}.json"));
        }
        self.entries += 1;
        Some(())
    }
}

/// The size that a statement of the operator about the job speaks of.
fn attested(body: &Artifact, job: &str, operator: &Did) -> Option<TreeSize> {
    let says = AuditStatement::try_from(body.says()).ok()?;
    let is_its = body.signer() == Some(operator) && says.job() == Some(job);
    says.size().filter(|_| is_its).map(TreeSize::new)
}

/// Every node of the tree that has all its leaves.
fn nodes(log: &WholeLog) -> BTreeMap<Node, Hash> {
    let (mut frontier, mut nodes) = (Frontier::empty(), BTreeMap::new());
    for (_, seen) in log.timeline().prefix(log.head().size) {
        frontier.push(leaf_hash(&seen.entry.encode()), &mut |node, hash| {
            nodes.insert(node, hash);
        });
    }
    nodes
}

fn path(plan: &Plan, nodes: &BTreeMap<Node, Hash>) -> Option<Vec<Hash>> {
    let fetched: Option<Vec<Hash>> = plan.nodes().iter().map(|node| nodes.get(node).copied()).collect();
    plan.build(&fetched?).ok()
}
