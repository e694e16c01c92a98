//! Which entries the audit of one job, run, token or application needs: a plan that the
//! caller fetches for, link by link, from rows of a store or from memory.
//!
//! ```text
//! scope ─> links ─(caller: indexes below size)─> entries ─> their links ─> … until nothing is new
//!                                                   │
//!          a job: what its agents' users started while its tokens lived, aside (gather/aside.rs)
//!          a job, an application: looks that say when nobody looked (gather/watch.rs)
//!          what is said to be from before: the first looks (gather/firsts.rs)
//! ```

mod aside;
mod firsts;
mod watch;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::artifact::{Artifact, AuditRoots, Did, Kind, Node, Payload};
use crate::audit::links::{Filed, Link, RootsSaid, asked_by, links_of};
use crate::audit::scope::Scope;
use crate::audit::stated::Stated;
use crate::audit::timeline::{Seen, Timeline};
use crate::merkle::{LeafIndex, TreeSize};

use self::aside::Asides;
use self::firsts::Firsts;
use self::watch::Watch;

/// Which of the entries that are filed under a link are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    All,
    /// The first one at this index or above.
    From(LeafIndex),
    /// The last one below this index.
    Below(LeafIndex),
    /// The first so many.
    First(usize),
}

/// What a plan asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    pub link: Link,
    pub which: Which,
}

impl Wanted {
    const fn all(link: Link) -> Self {
        Self { link, which: Which::All }
    }

    /// Of all entries under the link, ascending, those that are wanted.
    fn of(self, all: &[LeafIndex]) -> &[LeafIndex] {
        let one = |place: usize| all.get(place..=place).unwrap_or_default();
        match self.which {
            Which::All => all,
            Which::From(first) => one(all.partition_point(|at| *at < first)),
            Which::First(most) => &all[..most.min(all.len())],
            Which::Below(end) => all.partition_point(|at| *at < end).checked_sub(1).map_or(&[], one),
        }
    }
}

/// One collection under way.
#[derive(Debug, Default)]
pub struct Gather {
    found: BTreeSet<LeafIndex>,
    asked: HashSet<Wanted>,
    open: Vec<Wanted>,
    /// Default policies of each agent, by any roots read so far.
    defaults: HashMap<String, BTreeSet<String>>,
    /// Agents of each token, grant and job, and the runs that wrappers and
    /// gateways tell of under it: what these agents say of these runs is wanted.
    agents: HashMap<Link, BTreeSet<String>>,
    runs: HashMap<Link, BTreeSet<String>>,
    /// Agents of tokens without a pin.
    unpinned: BTreeSet<String>,
    /// What a job is held against beside its own entries.
    asides: Option<Asides>,
    /// What says when nobody looked.
    watch: Option<Watch>,
    /// What says whether anybody looked before.
    firsts: Firsts,
    /// Looks that are asked for by that alone.
    looks: BTreeSet<LeafIndex>,
}

impl Gather {
    /// Starts from what every audit reads, and from the scope's own link.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        let mut gather = Self::default();
        let own = match scope {
            Scope::Run { agent, run } => Some(Link::own_run(agent, run)),
            // What a person records of an application names no instance.
            Scope::App(app) => app.find('/').map(|at| Link::app(&app[at..])),
            Scope::Log | Scope::Job(_) | Scope::Token(_) | Scope::Agent(_) => None,
        };
        let links = [Link::ROOTS, Link::UNREAD].into_iter().chain(scope.link()).chain(own);
        links.for_each(|link| gather.ask(link));
        gather.asides = match scope {
            Scope::Job(job) => Some(Asides::of(Some(job))),
            // Their reports say how their jobs are judged.
            Scope::Run { .. } | Scope::Token(_) => Some(Asides::of(None)),
            Scope::Log | Scope::Agent(_) | Scope::App(_) => None,
        };
        gather.watch = Watch::of(scope);
        gather
    }

    /// The same, from the links that one entry is filed under: everything that
    /// hangs together with it.
    #[must_use]
    pub fn around(filed: impl IntoIterator<Item = Link>) -> Self {
        let mut gather = Self::of(&Scope::Log);
        filed.into_iter().filter(Link::ties).for_each(|link| gather.ask(link));
        gather
    }

    /// What is said of one application alone, with what joins its calls, and not
    /// what its jobs did beside: a part of what the audit of it reads.
    #[must_use]
    pub fn of_app_alone(app: &str) -> Self {
        let mut gather = Self { asides: Some(Asides::begun()), ..Self::default() };
        // What a person records of it names no instance.
        let names = std::iter::once(app).chain(app.find('/').map(|at| &app[at..]));
        std::iter::once(Link::ROOTS).chain(names.map(Link::app)).for_each(|link| gather.ask(link));
        gather
    }

    /// What says whether a decision explains the operation or the refused call that
    /// this entry tells of: as it is taken aside for a job.
    #[must_use]
    pub fn explaining(at: LeafIndex, seen: &Seen, filed: impl IntoIterator<Item = Link>) -> Self {
        let mut gather = Self { asides: Some(Asides::begun()), ..Self::default() };
        gather.take(at, seen, filed);
        gather
    }

    /// What is wanted next; empty when all is found.
    pub fn wanted(&mut self) -> Vec<Wanted> {
        if self.open.is_empty() {
            self.ask_for_defaults();
        }
        if self.open.is_empty() {
            let links = self.asides.as_mut().map(Asides::begin).unwrap_or_default();
            links.into_iter().for_each(|link| self.ask(link));
        }
        if self.open.is_empty() {
            let wanted = self.watch.as_mut().map(Watch::wanted).unwrap_or_default();
            let wanted = wanted.into_iter().chain(self.firsts.wanted());
            self.open.extend(wanted.filter(|wanted| self.asked.insert(*wanted)));
        }
        std::mem::take(&mut self.open)
    }

    /// Whether this entry was not taken yet.
    #[must_use]
    pub fn is_new(&self, at: LeafIndex) -> bool {
        !self.found.contains(&at)
    }

    /// Takes an entry that one of the wanted links led to. `filed`: the links
    /// that it is filed under.
    pub fn take(&mut self, at: LeafIndex, seen: &Seen, filed: impl IntoIterator<Item = Link>) {
        if !self.found.insert(at) {
            return;
        }
        let Some(body) = &seen.body else { return };
        self.firsts.note(body);
        if let Some(watch) = &mut self.watch {
            watch.note(at, seen.entry.logged_at, body);
        }
        let filed: Vec<_> = filed.into_iter().collect();
        if body.kind() == Kind::ArgocdSnapshot && !filed.iter().any(|link| self.asked.contains(&Wanted::all(*link))) {
            self.looks.insert(at);
        }
        if let Some(asides) = self.asides.as_mut().filter(|asides| asides.are_begun()) {
            let links = asides.take(at, body, filed);
            links.into_iter().for_each(|link| self.ask(link));
            return;
        }
        if let Some(asides) = &mut self.asides {
            asides.note(body);
        }
        if let Payload::AuditRoots(roots) = body.says() {
            self.read_roots(roots);
            return;
        }
        // A policy is found by its users and leads to none of them.
        if body.kind() != Kind::WorkPolicy {
            filed.into_iter().filter(Link::ties).for_each(|link| self.ask(link));
        }
        asked_by(body).into_iter().for_each(|link| self.ask(link));
        self.ask_agents(body);
        if let Payload::CstIssuance(token) = body.says()
            && token.claims().policy_hash().is_none()
        {
            self.unpinned.extend(token.claims().sub().map(str::to_owned));
        }
    }

    /// Everything that was taken.
    #[must_use]
    pub fn found(&self) -> &BTreeSet<LeafIndex> {
        &self.found
    }

    /// The same, when nothing is wanted any more.
    #[must_use]
    pub fn into_found(self) -> BTreeSet<LeafIndex> {
        self.found
    }

    /// Those of them that no tie of the scope's leads to: what it is held against
    /// beside its own entries. They are of other jobs, or looks.
    #[must_use]
    pub fn asides(&self) -> BTreeSet<LeafIndex> {
        let of_others = self.asides.iter().flat_map(Asides::found);
        of_others.chain(&self.looks).copied().collect()
    }

    fn ask(&mut self, link: Link) {
        let wanted = Wanted::all(link);
        if link != Link::UNTRUSTED && self.asked.insert(wanted) {
            self.open.push(wanted);
        }
    }

    fn ask_for_defaults(&mut self) {
        let agents = std::mem::take(&mut self.unpinned);
        let hashes = agents.iter().filter_map(|agent| self.defaults.get(agent)).flatten();
        let links: Vec<_> = hashes.map(|hash| Link::policy(hash)).collect();
        links.into_iter().for_each(|link| self.ask(link));
    }

    /// Joins agents and runs by the token, grant or job that both are known by.
    fn ask_agents(&mut self, body: &Artifact) {
        let under = |token: Option<&str>, grant: Option<&str>, jobs: [Option<&str>; 2]| {
            let jobs = jobs.into_iter().flatten().map(Link::job);
            token.map(Link::token).into_iter().chain(grant.map(Link::grant)).chain(jobs).collect::<Vec<_>>()
        };
        let (under, agent, run) = match body.says() {
            Payload::CstIssuance(of) => {
                let claims = of.claims();
                (under(of.token_hash(), claims.scope_hash(), [claims.job(), None]), claims.sub(), None)
            }
            Payload::ArgocdDecision(of) => (under(of.token_hash(), None, [of.job(), of.binds().job()]), None, of.run()),
            Payload::GatewayReceipt(of) => {
                (under(None, of.binding().scope_hash(), [None; 2]), None, of.binding().run())
            }
            Payload::ToolReceipt(_)
            | Payload::SideEffectReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::DelegationReceipt(_)
            | Payload::ProofBundle(_)
            | Payload::WorkPolicy(_)
            | Payload::TrustPulse(_)
            | Payload::CstRevocation(_)
            | Payload::Approval(_)
            | Payload::ArgocdReceipt(_)
            | Payload::ChangeRecord(_)
            | Payload::AuditRoots(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_)
            | Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_) => return,
        };
        let mut wanted = Vec::new();
        for link in under {
            let (agents, runs) = (self.agents.entry(link).or_default(), self.runs.entry(link).or_default());
            if let Some(agent) = agent.filter(|agent| agents.insert((*agent).to_owned())) {
                wanted.extend(runs.iter().map(|run| Link::own_run(agent, run)));
            }
            if let Some(run) = run.filter(|run| runs.insert((*run).to_owned())) {
                wanted.extend(agents.iter().map(|agent| Link::own_run(agent, run)));
            }
        }
        wanted.into_iter().for_each(|link| self.ask(link));
    }

    fn read_roots(&mut self, roots: AuditRoots<'_>) {
        for row in roots.agents() {
            if let (Some(did), Some(policy)) = (row.did(), row.default_policy()) {
                self.defaults.entry(did.to_owned()).or_default().insert(policy.to_owned());
            }
        }
    }
}

/// Every entry that the audit of a scope reads below `size`; `timeline` must be
/// whole below it. Of a scope that no link leads to: what every audit reads.
#[must_use]
pub fn reached_from(timeline: &Timeline, scope: &Scope, size: TreeSize, operator: &Did) -> Gather {
    LinkMap::new(timeline, operator).gather(timeline, scope, size)
}

/// Entries by link, for a time line in memory.
#[derive(Debug)]
pub(super) struct LinkMap {
    by_link: HashMap<Link, Vec<LeafIndex>>,
    by_entry: HashMap<LeafIndex, Vec<Link>>,
}

impl LinkMap {
    /// Linear in the time line.
    pub(super) fn new(timeline: &Timeline, operator: &Did) -> Self {
        let mut map = Self { by_link: HashMap::new(), by_entry: HashMap::new() };
        let (mut roots, mut said, mut stated) = (None::<Node<'_>>, RootsSaid::default(), Stated::default());
        for (at, seen) in timeline.prefix(timeline.size()) {
            let mut links = links_of(&Filed::of(at, seen), roots, operator, timeline.origin());
            if let Some(body) = &seen.body {
                if stated.take(&seen.entry, body.payload_hash()) {
                    Link::drop_repeated(&mut links);
                }
                if said.take(body.payload_hash(), &mut links) {
                    roots = Some(body.payload_node());
                    stated.under_other_roots();
                }
            }
            links.iter().for_each(|link| map.by_link.entry(*link).or_default().push(at));
            map.by_entry.insert(at, links);
        }
        map
    }

    /// What one entry is filed under, but for what joins it with nothing.
    pub(super) fn of(&self, at: LeafIndex) -> impl Iterator<Item = Link> {
        let joins = |link: &Link| link.ties() && ![Link::ROOTS, Link::UNREAD, Link::UNTRUSTED].contains(link);
        self.by_entry.get(&at).into_iter().flatten().copied().filter(joins)
    }

    /// What is filed under a link.
    pub(super) fn under(&self, link: Link) -> impl Iterator<Item = LeafIndex> {
        self.by_link.get(&link).into_iter().flatten().copied()
    }

    /// The log that the newest roots below `size` are about.
    pub(super) fn origin_at<'t>(&self, timeline: &'t Timeline, size: TreeSize) -> Option<&'t str> {
        let below = self.by_link.get(&Link::ROOTS)?.iter().rfind(|at| at.get() < size.get())?;
        timeline.get(*below)?.body.as_ref()?.says().origin()
    }

    /// The entries below `size` that the audit of `scope` needs.
    pub(super) fn gather(&self, timeline: &Timeline, scope: &Scope, size: TreeSize) -> Gather {
        let mut gather = Gather::of(scope);
        loop {
            let wanted = gather.wanted();
            if wanted.is_empty() {
                return gather;
            }
            let of = |wanted: &Wanted| {
                let all = self.by_link.get(&wanted.link)?;
                Some(wanted.of(&all[..all.partition_point(|at| at.get() < size.get())]))
            };
            for at in wanted.iter().filter_map(of).flatten() {
                if gather.is_new(*at)
                    && let Some(seen) = timeline.get(*at)
                {
                    gather.take(*at, seen, self.by_entry.get(at).into_iter().flatten().copied());
                }
            }
        }
    }
}
