//! A report while it is written: each question is answered once, and none is
//! forgotten.

use crate::artifact::AdmitError;
use crate::artifact::json::JsonError;
use crate::codes::{Code, verdict};
use crate::entry::EntryError;
use crate::receipt::ReceiptError;
use crate::trust::{PolicyError, TrustError};
use crate::verify::Options;
use crate::verify::report::{ASKS, Ask, Check, Matter, Outcome, REPORT_VERSION, Report, Subject, advice_of};

/// A reason not to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Stable code.
    pub(super) code: &'static Code,
    /// In words.
    pub(super) why: String,
    /// Nothing is said against it: it is of another log than the policy.
    pub(super) is_elsewhere: bool,
}

impl Refusal {
    pub(super) fn new(code: &'static Code, why: impl Into<String>) -> Self {
        Self { code, why: why.into(), is_elsewhere: false }
    }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ReceiptError> for Refusal {
    fn from(error: ReceiptError) -> Self {
        Self { is_elsewhere: error.is_of_another_log(), ..Self::new(error.code(), error.to_string()) }
    }
}

impl From<TrustError> for Refusal {
    fn from(error: TrustError) -> Self {
        Self { is_elsewhere: error.is_of_another_log(), ..Self::new(error.code(), error.to_string()) }
    }
}

impl From<EntryError> for Refusal {
    fn from(error: EntryError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<AdmitError> for Refusal {
    fn from(error: AdmitError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// A report while it is written. Questions that were never answered become
/// `not_checked`, so that none can be forgotten.
pub(super) struct Draft {
    asked: Vec<Ask>,
    answers: Vec<(Ask, Check)>,
    subject: Option<Subject>,
}

impl Draft {
    pub(super) fn new(matter: Matter, options: &Options<'_>) -> Self {
        let asks = ASKS.iter().map(|(ask, ..)| *ask);
        let wanted = |ask: &Ask| {
            (*ask != Ask::Size || options.size_at_least.is_some())
                && (*ask != Ask::Consistency || options.older.is_some())
        };
        let asked = asks.filter(|ask| ask.is_about(matter)).filter(wanted);
        Self { asked: asked.collect(), answers: Vec::new(), subject: None }
    }

    pub(super) fn subject(&mut self, subject: Subject) {
        self.subject = Some(subject);
    }

    pub(super) fn take<T, E: Into<Refusal>>(
        &mut self,
        ask: Ask,
        result: Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.pass(ask, detail(&value));
                Some(value)
            }
            Err(error) => {
                self.refuse(ask, error.into());
                None
            }
        }
    }

    pub(super) fn pass(&mut self, ask: Ask, detail: String) {
        self.answer(ask, Outcome::Pass, &verdict::OK, detail);
    }

    pub(super) fn refuse(&mut self, ask: Ask, refusal: Refusal) {
        let outcome = if refusal.is_elsewhere { Outcome::Incomplete } else { Outcome::Fail };
        self.answer(ask, outcome, refusal.code, refusal.why);
    }

    pub(super) fn incomplete(&mut self, ask: Ask, code: &'static Code, detail: String) {
        self.answer(ask, Outcome::Incomplete, code, detail);
    }

    fn answer(&mut self, ask: Ask, outcome: Outcome, code: &'static Code, detail: String) {
        let (name, advice) = ask.row();
        let advice = advice_of(code).unwrap_or(advice);
        let advice = matches!(outcome, Outcome::Fail | Outcome::Incomplete).then_some(advice);
        self.answers.push((ask, Check { name, outcome, code: code.into(), detail, advice }));
    }

    pub(super) fn finish(mut self) -> Report {
        for ask in self.asked.clone() {
            if !self.answers.iter().any(|(answered, _)| *answered == ask) {
                let why = "something before it failed or was not shown".to_owned();
                self.answer(ask, Outcome::NotChecked, &verdict::NOT_CHECKED, why);
            }
        }
        self.answers.sort_by_key(|(ask, _)| ASKS.iter().position(|(row, ..)| row == ask));
        let checks: Vec<Check> = self.answers.into_iter().map(|(_, check)| check).collect();
        let any = |outcome| checks.iter().any(|check| check.outcome == outcome);
        let verdict = if any(Outcome::Fail) {
            Outcome::Fail
        } else if any(Outcome::Incomplete) || any(Outcome::NotChecked) {
            Outcome::Incomplete
        } else {
            Outcome::Pass
        };
        Report { report_version: REPORT_VERSION, verdict, subject: self.subject, checks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::trust;

    #[test]
    fn passes_only_when_every_question_was_answered_with_pass() {
        let mut draft = Draft::new(Matter::Artifact, &Options::default());
        draft.pass(Ask::Policy, String::new());
        assert_eq!(draft.finish().verdict, Outcome::Incomplete);
        let mut draft = Draft::new(Matter::Artifact, &Options::default());
        ASKS.iter().for_each(|(ask, ..)| draft.pass(*ask, String::new()));
        assert_eq!(draft.finish().verdict, Outcome::Pass);
    }

    #[test]
    fn fails_although_another_check_is_incomplete() {
        let mut draft = Draft::new(Matter::Artifact, &Options::default());
        draft.incomplete(Ask::Artifact, &verdict::BODY_NOT_SHOWN, String::new());
        draft.refuse(Ask::Checkpoint, Refusal::new(&trust::LOG_UNKNOWN, "\u{1b}[2J"));
        let report = draft.finish();
        assert_eq!((report.verdict, report.exit_code()), (Outcome::Fail, 1));
        assert!(!report.to_text().contains('\u{1b}'));
    }

    #[test]
    fn names_every_question_once() {
        let names: std::collections::HashSet<_> = ASKS.iter().map(|(_, name, _)| name).collect();
        assert_eq!(names.len(), ASKS.len());
    }
}
