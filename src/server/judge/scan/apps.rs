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
use crate::server::judge::scan::{Found, Scan};

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
        let mut found = Found::new();
        for app in self.apps_of(at) {
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
    /// each that any roots list observers of may be meant.
    fn apps_of(&self, at: LeafIndex) -> BTreeSet<String> {
        let Some(seen) = self.reading.seen(at) else { return BTreeSet::new() };
        let Some(Payload::ChangeRecord(says)) = seen.body.as_ref().map(|body| body.says()) else {
            return self.reading.named_by(at, Sort::App).into_iter().collect();
        };
        let Some((namespace, name)) = says.app().namespace().zip(says.app().name()) else { return BTreeSet::new() };
        let roots = self.reading.roots().filter_map(|(_, roots)| match roots.says() {
            Payload::AuditRoots(roots) => Some(roots),
            _ => None,
        });
        let instances = roots.flat_map(|roots| roots.observers().filter_map(|row| row.instance()).collect::<Vec<_>>());
        instances.map(|instance| format!("{instance}/{namespace}/{name}")).collect()
    }

    /// What looks and flips show of one application, from what is filed under it.
    fn app(&mut self, app: &str) -> Result<Arc<Found>, AuditsError> {
        if let Some(known) = self.apps.get(app) {
            return known.clone().ok_or_else(AuditsError::too_large);
        }
        let gathered = match self.reading.gather(Gather::of_app_alone(app)) {
            Ok(gathered) => gathered,
            Err(error) => {
                if matches!(error, AuditsError::TooLarge { .. }) {
                    self.apps.insert(app.to_owned(), None);
                }
                return Err(error);
            }
        };
        let mut entries = gathered.into_found();
        entries.extend(&self.shared);
        let found = self.reading.audit(&entries)?.findings.into_iter();
        let is_of_app = |name: &Option<String>| name.as_deref() == Some(app);
        let found = found.filter(|one| one.rests_on_an_application() && is_of_app(&one.subject.app));
        let found: Arc<Found> = Arc::new(found.collect());
        self.apps.insert(app.to_owned(), Some(Arc::clone(&found)));
        Ok(found)
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
