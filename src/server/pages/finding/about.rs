//! What the entries of a finding know of the operation that it is about: what
//! was done, when, by whom, with which revision, and what each of them adds.

use std::collections::BTreeSet;

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdDecision, ArgocdObservation, Node, Nodes, Payload};
use crate::audit::Finding;
use crate::merkle::LeafIndex;
use crate::server::desk::Paper;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;

/// Entries of one finding that are read for it, the first.
const READ_MAX: usize = 12;
/// Revisions that one operation shows: an application may have many sources.
const REVISIONS_SHOWN: usize = 3;

/// One operation, as entries of a finding tell of it.
#[derive(Clone)]
pub(crate) struct Operation {
    /// "sync, as Argo CD reports it".
    pub title: String,
    /// When it started, by Argo CD's clock, or when it was decided.
    pub times: Vec<(&'static str, Said)>,
    /// Who started it.
    pub by: Option<(&'static str, Said)>,
    /// "deployed", with the revisions.
    pub revisions: Option<(&'static str, Vec<Chip>, Option<String>)>,
    is: Identity,
}

/// What tells operations apart, as far as an entry says it.
#[derive(Clone, Default, PartialEq, Eq)]
struct Identity {
    uid: Option<String>,
    /// Second of the start.
    second: Option<String>,
    key: Option<String>,
}

/// One entry about an operation or what it was done under, with what it alone says.
#[derive(Clone)]
pub(crate) struct Shown {
    pub index: u64,
    pub title: &'static str,
    pub says: Vec<(&'static str, Said)>,
    pub logged: When,
}

/// What a finding is about.
#[derive(Clone, Default)]
pub(super) struct About {
    pub operations: Vec<Operation>,
    pub shown: Vec<Shown>,
    decisions: BTreeSet<LeafIndex>,
    /// What was decided, where no report of it is among the entries.
    decided: Vec<Operation>,
}

impl About {
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, finding: &Finding) -> Result<Self, Trouble> {
        let first: Vec<LeafIndex> = finding.entries.iter().take(READ_MAX).copied().collect();
        let mut about = Self::default();
        for paper in reader.desk().read_all(&first)? {
            about.add(&paper);
        }
        Ok(about)
    }

    fn add(&mut self, paper: &Paper) {
        let mut says = Vec::new();
        let mut say = |label, text: Option<&str>| says.extend(text.map(|text| (label, Said::name(text))));
        match paper.artifact().map(|body| body.says()) {
            Some(Payload::ArgocdDecision(of)) => {
                say("says", of.decision());
                self.decisions.insert(paper.stored.index);
                self.decided.push(Operation::decided(of, paper));
            }
            Some(Payload::Approval(of)) => say("says", of.decision()),
            Some(Payload::ArgocdReceipt(of)) => say("outcome", of.outcome()),
            Some(Payload::ArgocdObservation(of)) if of.event() == Some("operation") => {
                say("by channel", of.channel());
                say("phase", of.phase());
                self.report(Operation::reported(of));
            }
            Some(Payload::CstIssuance(_) | Payload::CstRevocation(_)) => {}
            _ => return,
        }
        let stored = &paper.stored;
        let logged = When::second(stored.entry.logged_at.unix_ms());
        self.shown.push(Shown { index: stored.index.get(), title: stored.entry.kind.title(), says, logged });
    }

    /// One more report: of an operation that is here already, or of another.
    fn report(&mut self, told: Operation) {
        match self.operations.iter_mut().find(|known| known.is.fits(&told.is)) {
            Some(known) => known.join(told),
            None => self.operations.push(told),
        }
    }

    /// Whether both are surely of one act: of the same decisions, and of no two
    /// operations.
    pub(super) fn is_one_act_with(&self, other: &Self) -> bool {
        let is_known = !self.decisions.is_empty() || !(self.operations.is_empty() || other.operations.is_empty());
        let mut all = self.operations.iter().chain(&other.operations);
        let is_one = all.next().is_none_or(|first| all.all(|next| first.is.fits(&next.is)));
        is_known && self.decisions == other.decisions && is_one
    }

    /// What another finding of the same act adds.
    pub(super) fn join(&mut self, other: Self) {
        for operation in other.operations {
            self.report(operation);
        }
        for shown in other.shown {
            if self.shown.iter().all(|known| known.index != shown.index) {
                self.shown.push(shown);
            }
        }
        self.shown.sort_by_key(|shown| shown.index);
    }

    /// What is told: the reports, or without any of them what was decided. A
    /// finding about no operation tells of none.
    pub(super) fn told(self) -> (Vec<Operation>, Vec<Shown>) {
        let operations = if self.operations.is_empty() { self.decided } else { self.operations };
        let shown = if operations.is_empty() { Vec::new() } else { self.shown };
        (operations, shown)
    }
}

impl Identity {
    /// Whether both may be one operation. An event of the cluster has no key.
    fn fits(&self, other: &Self) -> bool {
        let is_key_alike = self.key.is_none() || other.key.is_none() || self.key == other.key;
        self.second.is_some() && (&self.uid, &self.second) == (&other.uid, &other.second) && is_key_alike
    }
}

impl Operation {
    fn reported(of: ArgocdObservation<'_>) -> Self {
        let mut times = Vec::new();
        times.extend(of.started_at().map(|at| ("started", moment(at))));
        times.extend(of.finished_at().map(|at| ("ended", moment(at))));
        let by = match (of.username().filter(|name| !name.is_empty()), of.is_automated()) {
            (Some(name), _) => Some(("by user", Said::name(name))),
            (None, Some(true)) => Some(("by", Said::name("Argo CD itself"))),
            (None, _) => None,
        };
        let lists = [("deployed", of.deployed()), ("resolved", of.resolved()), ("asked for", of.requested())];
        Self {
            title: format!("{}, as Argo CD reports it", words_of(of.action())),
            times,
            by,
            revisions: lists.into_iter().find_map(|(word, list)| revisions(word, list)),
            is: Identity {
                uid: of.app().uid().map(str::to_owned),
                second: of.started_at().and_then(|at| at.get(..19)).map(str::to_owned),
                key: of.op_key().map(str::to_owned),
            },
        }
    }

    fn decided(of: ArgocdDecision<'_>, paper: &Paper) -> Self {
        let logged = When::second(paper.stored.entry.logged_at.unix_ms());
        Self {
            title: format!("{}, as decided", words_of(of.binds().action())),
            times: vec![("logged", Said::when(logged))],
            by: None,
            revisions: revisions("asked for", of.binds().revisions()),
            is: Identity::default(),
        }
    }

    /// A later report of it: it knows the end, and what came out.
    fn join(&mut self, later: Self) {
        let has_key = self.is.key.is_some();
        for (label, at) in later.times {
            match self.times.iter_mut().find(|(known, _)| *known == label) {
                Some(known) => known.1 = at,
                None => self.times.push((label, at)),
            }
        }
        self.by = later.by.or_else(|| self.by.take());
        self.revisions = later.revisions.or_else(|| self.revisions.take());
        if !has_key {
            self.is.key = later.is.key;
        }
    }
}

/// A time of somebody's, as text where it is none.
fn moment(text: &str) -> Said {
    match unix_ms(text).and_then(|ms| u64::try_from(ms).ok()) {
        Some(ms) => Said::when(When::second(ms)),
        None => Said::name(text),
    }
}

fn revisions(word: &'static str, list: Nodes<'_>) -> Option<(&'static str, Vec<Chip>, Option<String>)> {
    let named = list.filter_map(Node::as_str).filter(|text| !text.is_empty());
    let chips: Vec<Chip> = named.map(Chip::hash).collect();
    let left = chips.len().saturating_sub(REVISIONS_SHOWN) as u64;
    let shown: Vec<Chip> = chips.into_iter().take(REVISIONS_SHOWN).collect();
    (!shown.is_empty()).then(|| (word, shown, (left > 0).then(|| words::quantity(left))))
}

fn words_of(action: Option<&str>) -> String {
    action.unwrap_or("operation").replace('_', " ")
}
