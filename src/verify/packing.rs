//! The packet of a job, or of several, made from a whole log: every entry that
//! their audit uses, with its body and its proof, and what connects the operator's
//! statements about the job with the checkpoint (FORMATS 7.4).
//!
//! Nothing is taken from whoever served the log but what was proven: paths are
//! computed from the entries that lead to the signed root.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Artifact, AuditStatement, Did, Payload, ProofBundle};
use crate::audit::{Seen, audit_job, used_by};
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
    /// The jobs that these are about.
    pub attested: BTreeSet<String>,
    /// The names of the job's bundles.
    pub bundles: Vec<String>,
}

/// Packs one job; `None` when nothing in the log is of it.
#[must_use]
pub fn pack(log: &WholeLog, job: &str, operator: &Did) -> Option<Packing> {
    let used = used_by(log.timeline(), log.head().size, job, operator);
    let is_of_job = |body: &Artifact| body.keys().job.as_deref() == Some(job);
    used.iter().filter_map(|at| log.timeline().get(*at)?.body.as_ref()).find(|body| is_of_job(body))?;
    pack_jobs(log, &BTreeSet::from([job.to_owned()]), BTreeSet::new(), operator)
}

/// Packs what some jobs need for their verdicts, and other entries beside it.
#[must_use]
pub fn pack_jobs(
    log: &WholeLog,
    jobs: &BTreeSet<String>,
    beside: BTreeSet<LeafIndex>,
    operator: &Did,
) -> Option<Packing> {
    let size = log.head().size;
    let (mut wanted, mut sizes, mut audits) = (beside, Vec::new(), Vec::new());
    let mut attested_jobs = BTreeSet::new();
    for job in jobs {
        let used = used_by(log.timeline(), size, job, operator);
        let bodies = used.iter().filter_map(|at| log.timeline().get(*at)?.body.as_ref());
        let statements: Vec<_> = bodies.filter_map(|body| Some((attested(body, job, operator)?, body))).collect();
        let newest = statements.iter().max_by_key(|(size, _)| *size).map(|(_, body)| listed(body));
        if !statements.is_empty() {
            attested_jobs.insert(job.clone());
        }
        sizes.extend(statements.into_iter().map(|(size, _)| size));
        wanted.extend(used);
        wanted.extend(newest.into_iter().flatten());
        audits.push((job, audit_job(log.timeline(), size, job, operator)?));
    }
    // A statement over some size counts only where the last entry of it is here:
    // its place and time, whoever's it is.
    let last: BTreeSet<_> = sizes.iter().filter_map(|size| Some(LeafIndex::new(size.get().checked_sub(1)?))).collect();
    let nodes = nodes(log);
    let mut packing = Packing { statements: sizes.len(), attested: attested_jobs, ..Packing::default() };
    for at in last.difference(&wanted) {
        packing.add_proof(log, &nodes, *at)?;
    }
    for at in wanted {
        let is_of_one = |agent: &str, bundle: ProofBundle<'_>| {
            audits.iter().any(|(job, audit)| audit.may_be_of(job.as_str(), agent, bundle))
        };
        packing.add(log, &nodes, at, is_of_one)?;
    }
    packing.files.push((CHECKPOINT.to_owned(), log.note.as_str().as_bytes().to_vec()));
    for old in BTreeSet::from_iter(sizes).into_iter().filter(|old| *old < size) {
        let path = path(&Plan::consistency(old, size).ok()?, &nodes)?;
        let file = ConsistencyFile { old, path, checkpoint: log.note.clone() };
        packing.files.push((format!("{old}-to-{size}.consistency"), file.encode().into_bytes()));
    }
    Some(packing)
}

impl Packing {
    fn add(
        &mut self,
        log: &WholeLog,
        nodes: &BTreeMap<Node, Hash>,
        at: LeafIndex,
        is_of_job: impl FnOnce(&str, ProofBundle<'_>) -> bool,
    ) -> Option<()> {
        let seen = log.timeline().get(at)?;
        let name = format!("{}.json", stem(at, seen));
        match &seen.body {
            Some(body) => self.files.push((name.clone(), body.compact().as_bytes().to_vec())),
            None => self.withheld.push(at),
        }
        if let Some(body) = &seen.body
            && let Payload::ProofBundle(bundle) = body.says()
            && body.signer().is_some_and(|signer| is_of_job(signer.as_str(), bundle))
        {
            self.bundles.push(name);
        }
        self.add_proof(log, nodes, at)
    }

    /// The entry alone.
    fn add_proof(&mut self, log: &WholeLog, nodes: &BTreeMap<Node, Hash>, at: LeafIndex) -> Option<()> {
        let seen = log.timeline().get(at)?;
        let path = path(&Plan::inclusion(at, log.head().size).ok()?, nodes)?;
        let extra = Some(seen.entry.encode());
        let proof = LogProof { index: at, path, checkpoint: log.note.clone(), extra };
        self.files.push((format!("{}.tlog-proof", stem(at, seen)), tlog_proof::encode(&proof).into_bytes()));
        self.entries += 1;
        Some(())
    }
}

fn stem(at: LeafIndex, seen: &Seen) -> String {
    format!("{at}-{}", seen.entry.kind.name())
}

/// What a statement lists.
fn listed(body: &Artifact) -> Vec<LeafIndex> {
    let says = AuditStatement::try_from(body.says()).ok();
    let entries = says.into_iter().flat_map(AuditStatement::entries);
    entries.filter_map(|entry| Some(LeafIndex::new(entry.index()?))).collect()
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
