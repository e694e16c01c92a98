//! Who switched automated sync, froze the application or ended that: what
//! persons record, what agents decided, and what Argo CD shows, in log order.

use std::collections::BTreeSet;

use crate::artifact::{Kind, Payload};
use crate::audit::Finding;
use crate::server::desk::Paper;
use crate::server::judge::ScopeReport;
use crate::server::pages::app::acts::{Step, is_of};
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::reader::Reader;
use crate::server::pages::rows::Mark;
use crate::server::pages::trouble::Trouble;

/// Rows of one page, the newest.
const CONTROLS_MAX: usize = 100;

/// One statement about a freeze, a switch or a spec.
pub(in crate::server::pages) struct Control {
    pub step: Step,
    pub what: &'static str,
    /// Who did it, by the statement itself.
    pub by: Option<Said>,
    pub signer: Option<Chip>,
    /// Of a freeze: what ended it, by entry.
    pub ended: Option<Option<u64>>,
    pub marks: Vec<Mark>,
    does: Does,
}

/// What it does to a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Freezes,
    Ends,
    Nothing,
}

/// The newest of them, in log order.
///
/// # Errors
/// Those of the view.
pub(super) fn controls(
    reader: &Reader,
    app: &str,
    uids: &BTreeSet<String>,
    made: &ScopeReport,
) -> Result<Vec<Control>, Trouble> {
    let mut found = Vec::new();
    for (at, kind) in made.told() {
        if !matches!(kind, Kind::ChangeRecord | Kind::ArgocdDecision | Kind::ArgocdObservation) {
            continue;
        }
        let paper = reader.desk().read(at)?;
        if is_of(&paper, app) || is_recorded(&paper, app, uids) {
            found.extend(Control::new(reader, &paper, &made.report.findings));
        }
    }
    for place in 0..found.len() {
        if found[place].does == Does::Freezes {
            let end = found[place + 1..].iter().find(|later| later.does == Does::Ends);
            found[place].ended = Some(end.map(|end| end.step.index));
        }
    }
    Ok(found.split_off(found.len().saturating_sub(CONTROLS_MAX)))
}

/// A record names no instance: it is of the application that has its uid.
fn is_recorded(paper: &Paper, app: &str, uids: &BTreeSet<String>) -> bool {
    let Some(Payload::ChangeRecord(says)) = paper.artifact().map(|body| body.says()) else { return false };
    let of = says.app();
    let named = of.namespace().zip(of.name()).map(|(namespace, name)| format!("{namespace}/{name}"));
    let is_named = app.split_once('/').map(|(_, rest)| rest) == named.as_deref();
    is_named && of.uid().is_some_and(|uid| uids.is_empty() || uids.contains(uid))
}

/// What a report says of the application itself.
fn life(change: Option<&str>) -> &'static str {
    match change {
        Some("seen") => "The application is seen for the first time",
        Some("deleting") => "The application is being deleted, and Argo CD does not show by whom",
        Some("uid_changed") => "Another application stands under this name: it was deleted and made again",
        _ => "Something changed of the application itself",
    }
}

impl Control {
    fn new(reader: &Reader, paper: &Paper, findings: &[Finding]) -> Option<Self> {
        let body = paper.artifact()?;
        let mut by = None;
        let (what, does) = match body.says() {
            Payload::ChangeRecord(says) => {
                by = body.facts().into_iter().find(|fact| fact.label == "By").map(|fact| Said::name(&fact.value));
                match says.what() {
                    Some("freeze") => ("A person froze it", Does::Freezes),
                    Some("unfreeze") => ("A person ended the freeze", Does::Ends),
                    Some("rotate_credential") => ("A person rotated a credential", Does::Nothing),
                    _ => ("A person changed something", Does::Nothing),
                }
            }
            Payload::ArgocdDecision(says) if says.binds().action() == Some("set_auto_sync") => {
                match (says.decision(), says.binds().params().auto_sync()) {
                    (Some("allow"), Some("off")) => ("Decided: automated sync off", Does::Freezes),
                    (Some("allow"), _) => ("Decided: automated sync on", Does::Ends),
                    _ => ("Refused: a switch of automated sync", Does::Nothing),
                }
            }
            Payload::ArgocdObservation(says) => match (says.event(), says.after()) {
                (Some("auto_sync"), Some("on")) => {
                    ("Argo CD shows automated sync on, and not who switched it", Does::Ends)
                }
                (Some("auto_sync"), Some("off")) => {
                    ("Argo CD shows automated sync off, and not who switched it", Does::Nothing)
                }
                (Some("auto_sync"), _) => ("Argo CD does not show whether automated sync is on", Does::Nothing),
                (Some("spec_change"), _) => ("Argo CD shows another spec, and not who changed it", Does::Nothing),
                (Some("lifecycle"), _) => (life(says.change()), Does::Nothing),
                _ => return None,
            },
            _ => return None,
        };
        let marks = Mark::of(findings, |at| *at == paper.stored.index);
        let signer = body.signer().map(|did| Chip::did(did.as_str()));
        Some(Self { step: Step::new(reader, paper), what, by, signer, ended: None, marks, does })
    }
}
