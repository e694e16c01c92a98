//! What looks and flips show of applications: no link joins these with what was
//! decided, so it is read by application, and answered at the decision or record
//! that it is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::artifact::{CallParams, Kind, Payload};
use crate::audit::{Gather, Grade, Link, Report, Tie};
use crate::merkle::LeafIndex;
use crate::server::index::names::Sort;
use crate::server::judge::reading::AuditsError;
use crate::server::judge::scan::{Found, SCAN_APPS_MAX, Scan};

impl Scan<'_, '_> {
    /// What is about the application that was asked for: all of it, on the first
    /// page, for not every statement about it bears its whole name.
    pub(super) fn of_asked_app(&mut self) -> Result<Found, AuditsError> {
        let app = self.filter.app.clone().filter(|_| self.asks_of_apps());
        Ok(app.map(|app| self.app(&app)).transpose()?.map(|found| (*found).clone()).unwrap_or_default())
    }

    /// What this decision or record of an application is answered with.
    pub(super) fn of_apps(&mut self, at: LeafIndex) -> Result<Found, AuditsError> {
        if self.filter.app.is_some() || !self.asks_of_apps() || !self.is_candidate(at) {
            return Ok(Found::new());
        }
        if self.filter.agent.is_some() {
            return self.of_calls_beside(at);
        }
        // Strangers make nobody's list longer.
        let is_strange = self.reading.links(at) == [Link::UNTRUSTED];
        if is_strange || !self.may_move_an_app(at) || self.reading.is_again(at)? {
            return Ok(Found::new());
        }
        self.at(at)
    }

    /// A decision does not bear its agent's name: it is answered at the first entry
    /// of its component that does.
    fn of_calls_beside(&mut self, at: LeafIndex) -> Result<Found, AuditsError> {
        let calls: Vec<_> = self.component(at)?.into_iter().filter(|call| self.silent.contains(call)).collect();
        let mut found = Found::new();
        for call in calls {
            if self.told_calls.contains(&call) || !self.may_move_an_app(call) {
                continue;
            }
            let component = self.component(call)?;
            let home = component.into_iter().find(|one| self.is_candidate(*one));
            if home.is_some_and(|home| home <= at) {
                self.told_calls.insert(call);
            }
            if home == Some(at) {
                found.extend(self.at(call)?);
            }
        }
        Ok(found)
    }

    /// What is about this decision or record.
    fn at(&mut self, at: LeafIndex) -> Result<Found, AuditsError> {
        let is_decision = self.reading.kind(at) == Some(Kind::ArgocdDecision);
        // A freeze comes first in what it did not hold against.
        let is_of =
            |entries: &[LeafIndex]| if is_decision { entries.contains(&at) } else { entries.first() == Some(&at) };
        let (mut found, apps) = (Found::new(), self.apps_of(at)?);
        for app in apps {
            found.extend(self.app(&app)?.iter().filter(|finding| is_of(&finding.entries)).cloned());
        }
        Ok(found)
    }

    fn asks_of_apps(&self) -> bool {
        self.filter.rule.is_none_or(crate::audit::rests_on_an_application)
    }

    /// Whether an entry that was read switches automated sync off, or decides a sync
    /// of which its wrapper alone tells.
    fn may_move_an_app(&self, at: LeafIndex) -> bool {
        let Some(seen) = self.reading.seen(at) else { return false };
        match seen.body.as_ref().map(|body| body.says()) {
            Some(Payload::ChangeRecord(says)) => says.what() == Some("freeze"),
            Some(Payload::ArgocdDecision(says)) if says.decision() == Some("allow") => {
                let (action, params) = (says.binds().action(), says.binds().params());
                let is_off = action == Some("set_auto_sync") && params.auto_sync() == Some("off");
                is_off || action == Some("sync") && is_full(params) && self.silent.contains(&at)
            }
            _ => false,
        }
    }

    /// Names of the application that an entry is about. A record names no instance:
    /// each that any roots list observers of may be meant, where anything is filed
    /// about an application of these names.
    fn apps_of(&mut self, at: LeafIndex) -> Result<BTreeSet<String>, AuditsError> {
        let Some(seen) = self.reading.seen(at) else { return Ok(BTreeSet::new()) };
        let Some(Payload::ChangeRecord(says)) = seen.body.as_ref().map(|body| body.says()) else {
            return Ok(self.reading.named_by(at, Sort::App).into_iter().collect());
        };
        let Some((namespace, name)) = says.app().namespace().zip(says.app().name()) else {
            return Ok(BTreeSet::new());
        };
        let named: Vec<String> =
            self.instances().iter().map(|instance| format!("{instance}/{namespace}/{name}")).collect();
        let mut apps = BTreeSet::new();
        for app in named {
            self.judged = self.judged.saturating_add(1);
            if self.apps.contains_key(&app) || self.reading.is_any_under(Link::app(&app))? {
                apps.insert(app);
            }
        }
        if apps.len() > SCAN_APPS_MAX { Err(AuditsError::too_large()) } else { Ok(apps) }
    }

    /// Every instance that any roots list observers of, found once.
    fn instances(&mut self) -> Arc<BTreeSet<String>> {
        if let Some(known) = &self.instances {
            return Arc::clone(known);
        }
        let mut found = BTreeSet::new();
        for (_, roots) in self.reading.roots() {
            if let Payload::AuditRoots(roots) = roots.says() {
                found.extend(roots.observers().filter_map(|row| row.instance().map(str::to_owned)));
            }
        }
        let found = Arc::new(found);
        self.instances = Some(Arc::clone(&found));
        found
    }

    /// What looks and flips show of one application, from what is filed under it.
    fn app(&mut self, app: &str) -> Result<Arc<Found>, AuditsError> {
        if let Some(known) = self.apps.get(app) {
            return known.clone().ok_or_else(AuditsError::too_large);
        }
        let found = match self.shown_of(app) {
            Ok(found) => Some(Arc::new(found)),
            Err(AuditsError::TooLarge { .. }) => None,
            Err(error) => return Err(error),
        };
        self.apps.insert(app.to_owned(), found.clone());
        found.ok_or_else(AuditsError::too_large)
    }

    /// Anybody who may record or decide can name applications that nobody ever saw:
    /// each of these costs a question, and no audit.
    fn shown_of(&mut self, app: &str) -> Result<Found, AuditsError> {
        let mut entries = self.reading.gather(Gather::of_app_alone(app))?.into_found();
        let is_seen = |kind: Option<Kind>| matches!(kind, Some(Kind::ArgocdObservation | Kind::ArgocdSnapshot));
        if !entries.iter().any(|at| is_seen(self.reading.kind(*at))) {
            self.judged = self.judged.saturating_add(entries.len());
            return Ok(Found::new());
        }
        entries.extend(&self.shared);
        let found = self.audit(&entries)?.findings.into_iter();
        let is_of_app = |name: &Option<String>| name.as_deref() == Some(app);
        Ok(found.filter(|one| one.rests_on_an_application() && is_of_app(&one.subject.app)).collect())
    }
}

fn is_full(params: CallParams<'_>) -> bool {
    params.dry_run().is_none() && params.resources().len() == 0
}

/// Decisions that a wrapper says were taken, and no operation joins: all entries of
/// these calls.
pub(super) fn silent(report: &Report) -> impl Iterator<Item = LeafIndex> {
    let is_silent = |tie: Option<Tie>| tie.is_none_or(|tie| tie == Tie::ResourceVersion);
    let calls = report.matched.iter().filter(move |call| call.grade != Grade::Decided && is_silent(call.by));
    calls.flat_map(|call| call.entries.iter().copied())
}
