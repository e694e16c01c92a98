//! Tokens of which two issuers say unlike things: nobody can say which account
//! is the true one, so the log is judged by each of them.
//!
//! ```text
//! a world = one account taken for the true one, for each such token
//!
//! fails in every world    fails
//! clean in every world    passes
//! anything else           is left open
//! ```
//!
//! Whether what distrusted signers say is true nobody can say either: each world
//! is judged once more as if they had said nothing. Their word convicts nobody
//! and excuses nobody: what fails there too fails, and what only one of the two
//! says is left open. What fails in both is asked of each speech alone
//! ([`speeches`]). What rests on their word has its own rule
//! ([`crate::audit::distrust`]). Without such tokens and signers there is one
//! world.
//!
//! Tokens that no chain of names joins change nothing of each other's, so they
//! take turns in the same worlds. Of those that are joined every combination is
//! judged, up to [`WORLDS_MAX`]; with more, some are not, nobody can say what
//! these would show, and everything that is joined with such tokens is left open.

mod findings;
mod speeches;

use std::collections::{BTreeSet, HashSet};

use crate::artifact::{Did, Kind};
use crate::audit::bundles;
use crate::audit::finding::{Finding, Subject};
use crate::audit::gather::LinkMap;
use crate::audit::inserted::Inserted;
use crate::audit::links::Link;
use crate::audit::replays::REPLAY_TOKEN_ISSUED_TWICE;
use crate::audit::report::{JudgedRun, Report};
use crate::audit::rule::Effect;
use crate::audit::scene::{Dispute, Disputes, Issuance, Unheard};
use crate::audit::timeline::Timeline;
use crate::audit::windows::WORLDS_MAX;
use crate::merkle::{LeafIndex, TreeSize};

/// Every world that a prefix is judged in.
pub(super) struct Worlds<'a> {
    timeline: &'a Timeline,
    disputes: Disputes<'a>,
    groups: Vec<Group<'a>>,
}

/// Tokens of unlike accounts that chains of names join.
struct Group<'a> {
    tokens: Vec<(&'a str, Vec<Issuance<'a>>)>,
    /// All issuances of these.
    issuances: BTreeSet<LeafIndex>,
    /// Everything that is joined with them, and by what.
    entries: HashSet<LeafIndex>,
    links: HashSet<Link>,
}

impl<'a> Worlds<'a> {
    pub(super) fn of(timeline: &'a Timeline, size: TreeSize, operator: Option<&Did>) -> Self {
        let disputes = Disputes::among(timeline.prefix(size), operator, timeline.origin());
        let unlike: Vec<_> = disputes.all().filter(|dispute| dispute.is_unlike()).cloned().collect();
        let mut groups: Vec<Group<'a>> = Vec::new();
        if let Some(operator) = operator.filter(|_| !unlike.is_empty()) {
            let links = LinkMap::new(timeline, operator);
            for dispute in unlike {
                let is_of = |group: &&mut Group<'_>| dispute.entries().any(|at| group.entries.contains(&at));
                match groups.iter_mut().find(is_of) {
                    Some(group) => group.add(&dispute),
                    None => groups.push(Group::around(&dispute, &links, size)),
                }
            }
        }
        Worlds { timeline, disputes, groups }
    }

    /// What is taken for true in each: accounts, then the same again without
    /// what the distrusted say.
    pub(super) fn each(&self) -> impl Iterator<Item = Disputes<'a>> {
        let is_any_said = self.disputes.speeches().len() > 0;
        let unheard = [Unheard::Nothing, Unheard::All].into_iter().take(1 + usize::from(is_any_said));
        unheard.flat_map(move |unheard| self.with(unheard))
    }

    /// Every account, where so much is taken for unsaid.
    fn with(&self, unheard: Unheard<'a>) -> impl Iterator<Item = Disputes<'a>> {
        (0..self.accounts()).map(move |world| self.world(world, unheard))
    }

    /// How many choices of accounts are judged.
    fn accounts(&self) -> usize {
        self.groups.iter().map(Group::worlds).max().unwrap_or(1)
    }

    fn world(&self, world: usize, unheard: Unheard<'a>) -> Disputes<'a> {
        let mut disputes = self.disputes.clone();
        disputes.unheard = unheard;
        for (token, account) in self.groups.iter().flat_map(|group| group.taken(world)) {
            disputes.take(token, account);
        }
        disputes
    }

    /// What they all say together; `judge` is asked for more of them, where words
    /// of the distrusted must be weighed one by one.
    pub(super) fn united(&self, mut reports: Vec<Report>, judge: impl FnMut(Disputes<'a>) -> Report) -> Report {
        if reports.len() > 1 {
            let mut findings = speeches::weighed(self, &reports, findings::united(self, &reports), judge);
            findings.extend(self.groups.iter().filter(|group| group.is_crowded()).flat_map(|of| of.all_open(&reports)));
            let silent = reports.split_off(self.accounts());
            let owed = silent.into_iter().flat_map(Report::into_pending);
            let owed: Vec<_> = owed.filter(|owed| findings::is_excused(&owed.subject, &findings)).collect();
            let findings = findings.into_iter().collect();
            reports[0].owe(owed);
            reports = Report::united(reports, findings).into_iter().collect();
        }
        // There is a world for every choice, and at least one choice.
        reports.swap_remove(0).judged()
    }

    /// What a finding is about, whoever else shows it: its act, the highest of its
    /// decisions and model calls, else its highest entry; of what is missing of a
    /// run, the run alone.
    fn act(&self, finding: &Finding) -> Option<LeafIndex> {
        if bundles::MISSING_OF_RUN.contains(&finding.rule) {
            return None;
        }
        let kind = |at: &LeafIndex| self.timeline.get(*at).map(|seen| seen.entry.kind);
        let is_act = |at: &&LeafIndex| matches!(kind(at), Some(Kind::ArgocdDecision | Kind::GatewayReceipt));
        finding.entries.iter().rev().find(is_act).or(finding.entries.last()).copied()
    }

    /// Whether not every combination that may speak of this was judged.
    fn leaves_out(&self, entries: &[LeafIndex], subject: &Subject) -> bool {
        self.groups.iter().any(|group| group.is_crowded() && group.is_joined(entries, subject))
    }

    /// Groups that these entries are of.
    fn groups_of(&self, entries: &[LeafIndex]) -> impl Iterator<Item = &Group<'a>> {
        self.groups.iter().filter(|group| entries.iter().any(|at| group.entries.contains(at)))
    }
}

impl<'a> Group<'a> {
    /// Follows the links that entries are filed under, each both ways.
    fn around(dispute: &Dispute<'a>, links: &LinkMap, size: TreeSize) -> Self {
        let (tokens, issuances) = (Vec::new(), BTreeSet::new());
        let mut group = Group { tokens, issuances, entries: HashSet::new(), links: HashSet::new() };
        let mut open: Vec<LeafIndex> = dispute.entries().collect();
        while let Some(at) = open.pop().filter(|at| at.get() < size.get()) {
            if group.entries.insert(at) {
                let new: Vec<_> = links.of(at).filter(|link| group.links.insert(*link)).collect();
                let beside = new.into_iter().flat_map(|link| links.under(link));
                open.extend(beside.filter(|at| at.get() < size.get()));
            }
        }
        group.add(dispute);
        group
    }

    fn add(&mut self, dispute: &Dispute<'a>) {
        self.issuances.extend(dispute.entries());
        self.tokens.push((dispute.token, dispute.accounts()));
    }

    /// Whether not every combination is judged.
    fn is_crowded(&self) -> bool {
        self.combinations() > WORLDS_MAX
    }

    fn combinations(&self) -> usize {
        self.tokens.iter().fold(1, |all, (_, accounts)| all.saturating_mul(accounts.len()))
    }

    fn worlds(&self) -> usize {
        match self.is_crowded() {
            true => self.tokens.iter().map(|(_, accounts)| accounts.len().min(WORLDS_MAX)).max().unwrap_or(1),
            false => self.combinations(),
        }
    }

    /// The account of each token in a world.
    fn taken(&self, world: usize) -> Vec<(&'a str, Issuance<'a>)> {
        let (mut left, is_crowded) = (world % self.worlds(), self.is_crowded());
        let mut turn = |accounts: usize| {
            let turn = if is_crowded { left.min(accounts - 1) } else { left % accounts };
            left = if is_crowded { left } else { left / accounts };
            turn
        };
        self.tokens.iter().map(|(token, accounts)| (*token, accounts[turn(accounts.len())])).collect()
    }

    /// Whether links join a finding with these tokens. Anybody can bring that
    /// about for anybody's job, so a crowd costs others a verdict; the other way
    /// it would hide from them what an account that nobody judged shows.
    fn is_joined(&self, entries: &[LeafIndex], subject: &Subject) -> bool {
        let has = |name: &Option<String>, link: fn(&str) -> Link| {
            name.as_deref().is_some_and(|name| self.links.contains(&link(name)))
        };
        entries.iter().any(|at| self.entries.contains(at))
            || has(&subject.job, Link::job)
            || has(&subject.run, Link::run)
            || has(&subject.token, Link::token)
    }

    /// Every job and run that is joined with these tokens.
    fn all_open(&self, reports: &[Report]) -> Vec<Finding> {
        let jobs = reports.iter().flat_map(Report::jobs_known);
        let jobs = jobs.map(|job| Subject { job: Some(job.to_owned()), ..Subject::default() });
        let of_run = |run: &JudgedRun| Subject {
            agent: Some(run.run.agent.clone()),
            run: Some(run.run.run.clone()),
            ..Subject::default()
        };
        let runs = reports.iter().flat_map(|report| &report.runs).filter(|run| {
            let names =
                run.jobs.iter().map(|job| Link::job(job)).chain(run.tokens.iter().map(|hash| Link::token(hash)));
            names.chain([Link::run(&run.run.run)]).any(|link| self.links.contains(&link))
        });
        let detail = format!(
            "issuers say unlike things of tokens that are joined by names, in more than {WORLDS_MAX} combinations: \
             they are not judged one by one"
        );
        let open = |subject: Subject| {
            let entries = self.issuances.iter().copied();
            let open = Finding::new(&REPLAY_TOKEN_ISSUED_TWICE, &subject, entries, detail.clone());
            Finding { effect: Effect::Incomplete, ..open }
        };
        let jobs = jobs.filter(|job| self.is_joined(&[], job));
        jobs.chain(runs.map(of_run)).inserted::<BTreeSet<_>>().into_iter().map(open).collect()
    }
}
