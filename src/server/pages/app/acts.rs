//! Operations of one application: each decision with what belongs to it, and
//! what Argo CD reports and no decision has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::artifact::{ArgocdDecision, ArgocdObservation, Kind, Payload};
use crate::audit::{self, Certainty, Effect, Finding, Matched, Pending, Report, Subject, Tie};
use crate::merkle::LeafIndex;
use crate::server::addresses::{self, page};
use crate::server::desk::Paper;
use crate::server::index::names::{Sort, names};
use crate::server::judge::ScopeReport;
use crate::server::pages::coverage::Due;
use crate::server::pages::document;
use crate::server::pages::finding::Charged;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::party::Party;
use crate::server::pages::reader::Reader;
use crate::server::pages::rows::Mark;
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::Trouble;

/// Operations of one page, the newest; each is a few rows.
const ACTS_MAX: usize = 200;
/// Steps that one operation shows.
const STEPS_MAX: usize = 24;

/// One operation, or a decision that there be none.
pub(in crate::server::pages) struct Act {
    pub index: u64,
    /// "sync, allowed".
    pub title: String,
    /// The application, with its page.
    pub app: Option<(String, Said)>,
    /// Who tells of it, with what that means.
    pub seen: Option<(&'static str, &'static str)>,
    /// What ties an operation to the decision, and how certain that is.
    pub tie: Option<(&'static str, &'static str)>,
    pub steps: Vec<Step>,
    /// Steps that are left out.
    pub more: usize,
    pub marks: Vec<Mark>,
    /// What is still owed of it.
    pub due: Vec<Due>,
    /// Absent where no finding moves a verdict.
    pub word: Option<Word>,
    pub charged: Charged,
}

/// One entry of an operation.
pub(in crate::server::pages) struct Step {
    pub index: u64,
    pub title: &'static str,
    pub says: Vec<(&'static str, Said)>,
    /// `None` when unsigned.
    pub signer: Option<Chip>,
    /// Who signed it, by role.
    pub party: Option<Party>,
    pub submitter: Said,
    pub logged: When,
    /// Its inclusion proof, as a file.
    pub proof: String,
}

/// The operations of a page.
pub(super) struct Acts {
    pub shown: Vec<Act>,
    /// How many earlier ones are left out.
    pub left: usize,
    /// Uids that the application had.
    pub uids: BTreeSet<String>,
}

impl Acts {
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, app: &str, made: &Rc<ScopeReport>) -> Result<Self, Trouble> {
        let papers = Papers::read(reader, made, |paper| is_of(paper, app))?;
        let uids = papers.own.values().filter_map(|paper| paper.keys().app_uid).collect();
        let (shown, left) = papers.acts(reader, &made.report, |_| true);
        Ok(Self { shown, left, uids })
    }
}

/// The application that an artifact names, with its instance.
pub(in crate::server::pages) fn app_of(paper: &Paper) -> Option<String> {
    let body = paper.artifact()?;
    let borne = names(body.kind(), body.signer(), &body.keys(), Some(body.payload()));
    borne.into_iter().find(|named| named.sort == Sort::App).map(|named| named.name)
}

/// Whether an artifact names the application.
pub(in crate::server::pages) fn is_of(paper: &Paper, app: &str) -> bool {
    app_of(paper).as_deref() == Some(app)
}

/// What operations are made from.
pub(in crate::server::pages) struct Papers {
    /// Decisions and observations that are asked for.
    own: BTreeMap<LeafIndex, Arc<Paper>>,
    /// Everything about Argo CD.
    all: BTreeMap<LeafIndex, Arc<Paper>>,
    /// Statements by the hash that others name them by.
    named: HashMap<String, LeafIndex>,
}

impl Papers {
    /// Those of a report; `is_own` picks the decisions and observations.
    ///
    /// # Errors
    /// Those of the view.
    pub(in crate::server::pages) fn read(
        reader: &Reader,
        made: &ScopeReport,
        is_own: impl Fn(&Paper) -> bool,
    ) -> Result<Self, Trouble> {
        let (mut own, mut all, mut named) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        for (at, kind) in made.told() {
            if !is_about_argocd(kind) {
                continue;
            }
            let paper = reader.desk().read(at)?;
            if let Some(body) = paper.artifact() {
                named.entry(body.payload_hash().to_string()).or_insert(at);
            }
            if matches!(kind, Kind::ArgocdDecision | Kind::ArgocdObservation) && is_own(&paper) {
                own.insert(at, Arc::clone(&paper));
            }
            all.insert(at, paper);
        }
        Ok(Self { own, all, named })
    }

    /// Operations in order, the newest where they are too many, and how many
    /// are left out. `is_shown` sees all entries of each.
    pub(in crate::server::pages) fn acts(
        &self,
        reader: &Reader,
        report: &Report,
        is_shown: impl Fn(&BTreeSet<LeafIndex>) -> bool,
    ) -> (Vec<Act>, usize) {
        let mut found: Vec<Found<'_>> = Vec::new();
        let matched: HashMap<LeafIndex, &Matched> =
            report.matched.iter().flat_map(|of| of.entries.iter().map(move |at| (*at, of))).collect();
        let (mut alone, mut events): (HashMap<String, usize>, _) = (HashMap::new(), Vec::new());
        for (at, paper) in &self.own {
            match paper.artifact().map(|body| body.says()) {
                Some(Payload::ArgocdDecision(says)) => found.push(self.decided(*at, says, matched.get(at).copied())),
                Some(Payload::ArgocdObservation(says)) if !matched.contains_key(at) => {
                    if !matches!(says.event(), Some("operation" | "denial")) {
                        continue;
                    }
                    if says.op_key().is_none() && says.channel() == Some("k8s_event") {
                        events.push((*at, says));
                        continue;
                    }
                    // Reports of one operation are one row.
                    let place = says.op_key().and_then(|key| alone.get(key).copied());
                    match place {
                        Some(place) => _ = found[place].entries.insert(*at),
                        None => {
                            if let Some(key) = says.op_key() {
                                alone.insert(key.to_owned(), found.len());
                            }
                            found.push(Found::reported(*at, says));
                        }
                    }
                }
                _ => {}
            }
        }
        self.place(events, &mut found);
        found.retain(|act| is_shown(&act.entries));
        found.sort_by_key(|act| act.entries.first().copied());
        let left = found.len().saturating_sub(ACTS_MAX);
        (found.into_iter().skip(left).map(|act| self.act(reader, report, act)).collect(), left)
    }

    /// An event of the cluster names no operation: it is told with the one of its
    /// application that started in its second, where there is one and no other;
    /// else events of one second are one row.
    fn place(&self, events: Vec<(LeafIndex, ArgocdObservation<'_>)>, found: &mut Vec<Found<'_>>) {
        let mut places: HashMap<(String, String), Option<usize>> = HashMap::new();
        for (place, act) in found.iter().enumerate() {
            for second in act.entries.iter().filter_map(|at| keyed_second(self.all.get(at)?)) {
                let of = places.entry(second).or_insert(Some(place));
                *of = of.filter(|of| *of == place);
            }
        }
        for (at, says) in events {
            let second = second_of(says);
            match second.as_ref().and_then(|second| places.get(second).copied()).flatten() {
                Some(place) => _ = found[place].entries.insert(at),
                None => {
                    if let Some(second) = second {
                        places.entry(second).or_insert(Some(found.len()));
                    }
                    found.push(Found::reported(at, says));
                }
            }
        }
    }

    fn decided<'a>(&self, at: LeafIndex, says: ArgocdDecision<'_>, matched: Option<&'a Matched>) -> Found<'a> {
        let mut entries: BTreeSet<LeafIndex> = matched.into_iter().flat_map(|of| of.entries.iter().copied()).collect();
        entries.insert(at);
        entries.extend(says.approvals().filter_map(|hash| self.named.get(hash)).copied());
        let word = if says.decision() == Some("allow") { "allowed" } else { "refused by the wrapper" };
        let title = format!("{}, {word}", words_of(says.binds().action()));
        let job = says.job().or_else(|| says.binds().job()).map(str::to_owned);
        Found { title, entries, matched, subject: Subject { job, ..Subject::default() } }
    }

    fn act(&self, reader: &Reader, report: &Report, of: Found<'_>) -> Act {
        let touching: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.entries.iter().any(|at| of.entries.contains(at))).collect();
        let worst = touching.iter().map(|finding| finding.effect).max();
        let owed = report.pending.iter().filter(|due| due.entries.iter().any(|at| of.entries.contains(at)));
        let owed: Vec<Pending> = owed.cloned().collect();
        // Only of the newest entries can anybody say that nothing came in time.
        let is_newest = report.as_of.size == reader.view().size();
        let due = Due::all(&owed, is_newest.then_some(reader.now_ms));
        let papers: Vec<_> = of.entries.iter().filter_map(|at| self.all.get(at)).collect();
        Act {
            index: of.entries.first().map_or(0, |at| at.get()),
            title: of.title,
            app: papers.iter().find_map(|paper| app_of(paper)).map(|app| (page::app(&app), Said::name(&app))),
            seen: of.matched.map(|of| of.grade).map(grade).or_else(|| reported(&papers)),
            tie: of.matched.and_then(|of| of.by.map(tie).zip(of.certainty.map(certainty))),
            more: papers.len().saturating_sub(STEPS_MAX),
            steps: papers.into_iter().take(STEPS_MAX).map(|paper| Step::new(reader, paper)).collect(),
            marks: Mark::of(&report.findings, |at| of.entries.contains(at)),
            word: match worst {
                Some(Effect::Fails) => Some(Outcome::Fail.word()),
                Some(Effect::Incomplete) => Some(Outcome::Incomplete.word()),
                Some(Effect::Shown) | None if !due.is_empty() => Some(Outcome::Incomplete.word()),
                Some(Effect::Shown) | None => None,
            },
            due,
            // The title names the application.
            charged: Charged { app: None, ..Charged::new(of.matched.map_or(&of.subject, |of| &of.subject)) },
        }
    }
}

/// An operation before it is shown.
struct Found<'a> {
    title: String,
    entries: BTreeSet<LeafIndex>,
    matched: Option<&'a Matched>,
    subject: Subject,
}

impl Found<'_> {
    /// What Argo CD reports and no decision has.
    fn reported(at: LeafIndex, says: ArgocdObservation<'_>) -> Self {
        let title = match says.event() {
            Some("denial") => "call refused by Argo CD".to_owned(),
            _ => format!("{}, tied to no decision", words_of(says.action())),
        };
        Self { title, entries: BTreeSet::from([at]), matched: None, subject: Subject::default() }
    }
}

/// Application and second of a start.
fn second_of(says: ArgocdObservation<'_>) -> Option<(String, String)> {
    let second = says.started_at()?.get(..19)?;
    Some((says.app().uid()?.to_owned(), second.to_owned()))
}

/// The same of a report that shows the operation itself.
fn keyed_second(paper: &Paper) -> Option<(String, String)> {
    let Payload::ArgocdObservation(says) = paper.artifact()?.says() else { return None };
    says.op_key().and_then(|_| second_of(says))
}

const fn is_about_argocd(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ArgocdDecision | Kind::ArgocdReceipt | Kind::ArgocdObservation | Kind::Approval | Kind::ChangeRecord
    )
}

fn words_of(action: Option<&str>) -> String {
    action.unwrap_or("operation").replace('_', " ")
}

/// Who saw it, with what that means.
fn grade(of: audit::Grade) -> (&'static str, &'static str) {
    match of {
        audit::Grade::Decided => ("decided", "nobody but the wrapper tells of it"),
        audit::Grade::Accepted => ("accepted", "the wrapper says that Argo CD’s API took it"),
        audit::Grade::Reported => ("reported", "Argo CD tells of it"),
        audit::Grade::Seen => ("seen", "an observer’s own identity looked and saw it"),
    }
}

/// The same of what no decision has.
fn reported(papers: &[&Arc<Paper>]) -> Option<(&'static str, &'static str)> {
    let channels = papers.iter().filter_map(|paper| match paper.artifact()?.says() {
        Payload::ArgocdObservation(says) if says.event() == Some("operation") => says.channel(),
        _ => None,
    });
    let best = channels.map(|of| if of == "poll" { audit::Grade::Seen } else { audit::Grade::Reported }).max();
    best.map(grade)
}

const fn tie(of: Tie) -> &'static str {
    match of {
        Tie::ResourceVersion => "the version of the Application in the call’s answer",
        Tie::Receipt => "the receipt, which names the operation",
        Tie::Stated => "the operation itself, which states the decision",
    }
}

const fn certainty(of: Certainty) -> &'static str {
    match of {
        Certainty::Exact => "exact",
        Certainty::Stated => "as stated",
        Certainty::Probable => "probable: the operation is in doubt",
        Certainty::Ambiguous => "ambiguous: several have it, and none is picked",
    }
}

impl Step {
    pub(in crate::server::pages) fn new(reader: &Reader, paper: &Paper) -> Self {
        let stored = &paper.stored;
        let mut says = Vec::new();
        let mut say = |label, text: Option<&str>| says.extend(text.map(|text| (label, Said::name(text))));
        match paper.artifact().map(|body| body.says()) {
            Some(Payload::ArgocdDecision(of)) => say("says", of.decision()),
            Some(Payload::Approval(of)) => say("says", of.decision()),
            Some(Payload::ArgocdReceipt(of)) => say("outcome", of.outcome()),
            Some(Payload::ChangeRecord(of)) => say("what", of.what()),
            Some(Payload::ArgocdObservation(of)) => {
                say("by channel", of.channel());
                say("phase", of.phase());
                say("by user", of.username().filter(|name| !name.is_empty()).or_else(|| of.subject()));
                say("method", of.method());
                say("started", of.started_at());
                say("ended", of.finished_at());
                let lists = [("deployed", of.deployed()), ("resolved", of.resolved()), ("asked for", of.requested())];
                let known = lists.into_iter().find_map(|(word, mut list)| Some((word, list.next()?.as_str()?)));
                known.into_iter().for_each(|(word, revision)| say(word, Some(revision)));
                say("automated sync", of.after());
            }
            Some(_) => {}
            None => say("body", Some("withheld by the operator")),
        }
        Self {
            index: stored.index.get(),
            title: stored.entry.kind.title(),
            says,
            signer: document::signer(stored),
            // Where the roots cannot be read, the DID stands alone: it claims no role.
            party: Party::of_row(reader, paper).ok().flatten(),
            submitter: Said::name(stored.entry.submitter.as_str()),
            logged: When::second(stored.entry.logged_at.unix_ms()),
            proof: addresses::proof(stored.index, reader.view().size()),
        }
    }
}
