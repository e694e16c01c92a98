//! One fault in an honest story: what is done wrong in one run, what has to be
//! found, and whom it may touch.

use super::world::World;

/// Whose the finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The run's job.
    Job,
    /// Nobody's: it is charged to no job and no run.
    Nobody,
    /// Whoever it is: everybody reads the same.
    Anybody,
    /// A run that only the fault tells of, of the same agent.
    Stray,
}

/// How the log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Whole,
    /// By somebody who pins no operator.
    Unpinned,
    /// Without the body of the run's first decision.
    Withheld,
    /// With the operator's statement about the job at its end, and one member
    /// of it changed.
    Stated(&'static str),
    /// As a packet under such a statement.
    Packet(&'static str),
    /// As a packet under a true statement, without the run's first decision.
    PacketWithout,
    /// The run's bundle without its envelope, and no log.
    Alone,
}

/// A row: the code, and what is done wrong. `None` when the run has nothing
/// that it could be done to.
pub struct Fault {
    pub code: &'static str,
    pub plant: fn(&mut World, usize) -> Option<()>,
    pub whose: Whose,
    pub read: Read,
    /// Whether every run of the agent is touched, not the one alone.
    pub of_agent: bool,
    /// Whether all that anybody did rests on it.
    pub of_all: bool,
}

/// A row about one run.
pub const fn fault(code: &'static str, plant: fn(&mut World, usize) -> Option<()>) -> Fault {
    Fault { code, plant, whose: Whose::Job, read: Read::Whole, of_agent: false, of_all: false }
}

impl Fault {
    pub const fn whose(mut self, whose: Whose) -> Self {
        self.whose = whose;
        self
    }

    pub const fn of_agent(mut self) -> Self {
        self.of_agent = true;
        self
    }

    /// Argo CD's own people are at fault, and what the roots say of clusters
    /// changes with them.
    pub const fn of_clusters(self) -> Self {
        self.of_all(Read::Whole)
    }

    pub const fn of_all(mut self, read: Read) -> Self {
        (self.of_all, self.read, self.whose) = (true, read, Whose::Anybody);
        self
    }
}

/// The run's first write that Argo CD accepted.
pub fn write_of(world: &World, run: usize) -> Option<super::world::Write> {
    world.runs[run].writes.first().cloned()
}

/// The first that some channel saw.
pub fn seen_write_of(world: &World, run: usize) -> Option<super::world::Write> {
    world.runs[run].writes.iter().find(|write| !write.seen.is_empty()).cloned()
}

/// The run's last bundle.
pub fn bundle_of(world: &World, run: usize) -> Option<String> {
    world.runs[run].bundles.last().cloned()
}

/// The run's first call that its bundle holds.
pub fn call_of(world: &World, run: usize) -> Option<String> {
    bundle_of(world, run)?;
    world.runs[run].calls.first().cloned()
}

/// Another agent's run that had begun to call models when this one was packed.
pub fn other_run(world: &mut World, run: usize) -> Option<usize> {
    let (agent, bundle) = (world.runs[run].agent, bundle_of(world, run)?);
    let packed = world.draft(&bundle).ms;
    let others = (0..world.runs.len()).filter(|other| world.runs[*other].agent != agent);
    let calls: Vec<_> = others.filter_map(|other| Some((other, world.runs[other].calls.first()?.clone()))).collect();
    calls.into_iter().find(|(_, call)| world.draft(call).ms < packed).map(|(other, _)| other)
}
