//! A page of one scope in another form: as report, note or badge, for jobs,
//! applications, incidents and pulses alike.

use std::rc::Rc;

use crate::audit::Report;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::api::wire::audited::ScopeReportJson;
use crate::server::judge::ScopeReport;
use crate::server::pages::Answer;
use crate::server::pages::judging;
use crate::server::pages::note::{About, Note, Text};
use crate::server::pages::permalink::{self, Beside, Form};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;

/// What a page is about, in whatever form.
pub(super) struct Told<'a> {
    pub size: TreeSize,
    /// The names that say what it is: label and text.
    pub names: Vec<(&'static str, Text)>,
    pub tickets: Vec<(String, String, u64)>,
    /// Address of its page.
    pub path: String,
    pub command: Option<String>,
    /// Of the acts, which are told; absent: all.
    pub within: Option<&'a dyn Fn(LeafIndex) -> bool>,
}

/// The report that the page rests on, at a size.
pub(super) type Made<'a> = &'a dyn Fn(TreeSize) -> Result<Rc<ScopeReport>, Trouble>;

/// In one of the forms that are no page.
///
/// # Errors
/// Those of the view; 404 for what is not there.
pub(super) fn told(
    reader: &Reader,
    form: Form,
    of: Told<'_>,
    made: Made<'_>,
    verdicts: impl FnOnce(&ScopeReport) -> Result<Verdicts, Trouble>,
) -> Result<Answer, Trouble> {
    let (size, newest) = (of.size, reader.view().size());
    let report = made(size)?;
    let beside = Beside::of(reader, size, &report.report.pending);
    if form == Form::Report {
        return Ok(permalink::report(&ScopeReportJson::from(&*report), beside));
    }
    let badge = judging::badge_of_report(&report, beside.overdue.is_some());
    let now = (size < newest).then(|| made(newest)).transpose()?;
    let now = now.map(|now| {
        let is_overdue = Beside::of(reader, newest, &now.report.pending).overdue.is_some();
        judging::badge_of_report(&now, is_overdue)
    });
    let verdicts = verdicts(&report)?;
    let shown: Report;
    let acts = match of.within {
        Some(is_told) => {
            let mut own = report.report.clone();
            own.acts.retain(|act| is_told(act.entry));
            shown = own;
            &shown
        }
        None => &report.report,
    };
    let about = About {
        size,
        badge,
        now: now.filter(|now| *now != badge),
        verdicts: &verdicts,
        names: of.names,
        tickets: of.tickets,
        report: Some(acts),
        findings: &report.report.findings,
        pending: &report.report.pending,
        now_ms: (size == newest).then_some(reader.now_ms),
        command: of.command,
        path: of.path,
    };
    permalink::noted(reader, form, &Note::new(reader, about)?, beside)
}
