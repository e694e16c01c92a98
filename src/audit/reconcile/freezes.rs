//! Freezes that did not hold: what was decided and recorded of an application's
//! automated sync, held against what was seen of it.
//!
//! ```text
//! freeze ─ from (a call's decision, or days before a record) … by (its first sure receipt, or the record)
//! thaw   ─ from … until, the same way
//! on     ─ seen after `by`: told, unless a thaw is between; in coverage where one may be
//! ```
//!
//! A call has a time of its own. A person writes down later what was done, and says
//! no time: whether a thaw recorded below a freeze came before it, nobody can say.

mod ended;
mod seen;

use std::collections::HashMap;

use crate::artifact::{AppRef, ArgocdSnapshot, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Receipt};
use crate::audit::windows::{RECEIPT_MS, RECORDED_MS, SKEW_MS};
use crate::merkle::LeafIndex;

use self::ended::{Ended, Ends};
use self::seen::{On, Seen};

/// Where nobody can say which came first.
const MAYBE: &str = "freeze that did not hold, or that a call or a person's change of about its time ended";

pub(super) static CONTROL_REVERTED: Rule = Rule {
    code: "CONTROL_REVERTED",
    title: "A freeze did not hold",
    severity: Severity::Medium,
    effect: Effect::Shown,
    rationale: "Automated sync was switched off by a decision or by a person's record, and no decision and no record \
                switches it on. All the same it is on: the channel that saw it off saw it on again, or a look at the \
                application shows it on after the time that the switch may take. An ApplicationSet that owns the \
                application writes its spec back by itself, within a moment. A person writes down later what was done: \
                where something may have ended the freeze, and nobody can say which came first, it stands in coverage.",
    what_to_do: "Freeze where the spec is written: in the ApplicationSet or in Git; or log who switched it on.",
    does_not_prove: "Who switched it on, or that it was ever off; or of a person's record, which names no instance, that it \
                     was about this one.",
    rests_on: NOTHING,
};

/// An application by namespace, name and uid, as a person names it: without its
/// instance.
type Named<'a> = [&'a str; 3];

/// An application: its instance, and what it is called and is there.
pub(super) type App<'a> = (&'a str, Named<'a>);

fn named(app: AppRef<'_>) -> Option<Named<'_>> {
    Some([app.namespace()?, app.name()?, app.uid()?])
}

/// Only what names all of it is about it: by its name everything about it is
/// filed, and one uid on two instances is two applications.
pub(super) fn app_of<'a>(instance: Option<&'a str>, app: AppRef<'a>) -> Option<App<'a>> {
    instance.zip(named(app))
}

#[derive(Clone, Copy, Debug)]
struct Freeze {
    at: LeafIndex,
    /// What says that it was done: the record itself, or the first sure receipt.
    done_at: LeafIndex,
    /// It was done no earlier, and no later.
    from: i64,
    by: i64,
}

/// What ends freezes.
#[derive(Clone, Copy, Debug)]
struct Thaw {
    at: LeafIndex,
    from: i64,
    until: i64,
    /// None of a person's record.
    is_sure: Option<bool>,
}

/// What was decided of one application, or recorded of all that are called so.
#[derive(Debug, Default)]
struct Words {
    freezes: Vec<Freeze>,
    thaws: Vec<Thaw>,
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let (decided, recorded) = (decided(scene), recorded(scene));
    if decided.is_empty() && recorded.is_empty() {
        return;
    }
    let is_frozen = |app: &App<'_>| decided.contains_key(app) || recorded.contains_key(&app.1);
    for (app, seen) in seen::all(scene, is_frozen) {
        let words = || decided.get(&app).into_iter().chain(recorded.get(&app.1));
        let mut freezes: Vec<Freeze> = words().flat_map(|words| &words.freezes).copied().collect();
        freezes.sort_unstable_by_key(|freeze| freeze.at);
        let ends = Ends::of(words().flat_map(|words| &words.thaws), &freezes);
        freezes.iter().for_each(|freeze| of_freeze(scene, &app, freeze, &ends, &seen, findings));
    }
}

/// By calls that Argo CD took, where any of them freezes.
fn decided<'a>(scene: &Scene<'a>) -> HashMap<App<'a>, Words> {
    let mut all: HashMap<App<'a>, Words> = HashMap::new();
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let binds = decision.statement.payload.binds();
        let Some(app) = app_of(binds.instance(), binds.app()) else { continue };
        match (binds.action(), binds.params().auto_sync()) {
            (Some("set_auto_sync"), Some("off")) => {
                let freeze = freeze_of(scene, decision);
                freeze.into_iter().for_each(|freeze| all.entry(app).or_default().freezes.push(freeze));
            }
            (Some("set_auto_sync" | "edit_app_spec" | "delete_app"), _) if !scene.is_undone(decision) => {
                all.entry(app).or_default().thaws.push(thaw_of(scene, decision));
            }
            _ => {}
        }
    }
    all
}

/// Frozen is from the first word that Argo CD took it: a wrapper may call long
/// after it decided.
fn freeze_of<'a>(scene: &Scene<'a>, decision: &Decision<'a>) -> Option<Freeze> {
    let sure = || scene.receipts_of(decision).filter(|receipt| receipt.is_sure());
    let from = decision.statement.ms();
    let by = sure().map(|receipt| receipt.statement.ms()).min()?.max(from);
    let done_at = sure().map(|receipt| receipt.statement.at).min()?;
    Some(Freeze { at: decision.statement.at, done_at, from, by })
}

/// One of which nobody knows whether Argo CD took it may have been made while its
/// receipt was owed.
fn thaw_of<'a>(scene: &Scene<'a>, decision: &Decision<'a>) -> Thaw {
    let said = || scene.receipts_of(decision).filter(|receipt| !receipt.says_nothing_was_done());
    let from = decision.statement.ms();
    let until = said().map(|receipt| receipt.statement.ms()).max();
    Thaw {
        at: decision.statement.at,
        from,
        until: until.unwrap_or(from.saturating_add(RECEIPT_MS).saturating_add(SKEW_MS)).max(from),
        is_sure: Some(said().any(Receipt::is_sure)),
    }
}

/// By people.
fn recorded<'a>(scene: &Scene<'a>) -> HashMap<Named<'a>, Words> {
    let mut all: HashMap<Named<'a>, Words> = HashMap::new();
    for fact in &scene.facts {
        let Payload::ChangeRecord(says) = fact.payload else { continue };
        let Some(app) = named(says.app()) else { continue };
        let (at, by) = (fact.at, fact.ms());
        let from = by.saturating_sub(RECORDED_MS);
        match says.what() {
            Some("freeze") => {
                all.entry(app).or_default().freezes.push(Freeze { at, done_at: at, from, by });
            }
            Some("unfreeze" | "other") => {
                all.entry(app).or_default().thaws.push(Thaw { at, from, until: by, is_sure: None });
            }
            _ => {}
        }
    }
    all
}

/// The first time it was seen on tells: what ended the freeze before then explains
/// every later one too.
fn of_freeze(scene: &Scene<'_>, app: &App<'_>, freeze: &Freeze, ends: &Ends, seen: &Seen<'_>, findings: &mut Findings) {
    let mut maybe = None;
    for on in seen.on(freeze, None) {
        match ends.by(freeze, on.ms) {
            Ended::Surely => {}
            Ended::Not => return tell(scene, app, freeze, on, findings),
            Ended::Maybe(until) => maybe = maybe.max(Some(until)),
        }
    }
    let Some(until) = maybe else { return };
    // Seen off since then, it was frozen still, or anew.
    let mut again = seen.on(freeze, Some(until)).into_iter();
    match again.find(|on| ends.by(freeze, on.ms) == Ended::Maybe(until)) {
        Some(on) => tell(scene, app, freeze, on, findings),
        None => findings.uncover(MAYBE, &charged(app), freeze.at),
    }
}

fn tell(scene: &Scene<'_>, app: &App<'_>, freeze: &Freeze, on: On, findings: &mut Findings) {
    let detail = match on.off {
        Some(_) => "automated sync was switched off, seen to be off, and is on again".to_owned(),
        None => {
            let look = scene.fact(on.at).and_then(|fact| ArgocdSnapshot::try_from(fact.payload).ok());
            let taken = look.and_then(|look| look.taken_at()).unwrap_or_default();
            format!("automated sync was switched off, and is on in the look of {taken}")
        }
    };
    let entries = [Some(freeze.at), on.off, Some(on.at)];
    findings.add(&CONTROL_REVERTED, &charged(app), entries.into_iter().flatten(), detail);
}

fn charged((instance, [namespace, name, _]): &App<'_>) -> Subject {
    Subject { app: Some(format!("{instance}/{namespace}/{name}")), ..Subject::default() }
}
