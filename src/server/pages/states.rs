//! States are data: one enum, one row each, used by every page. A state
//! without a row does not compile.

use crate::audit::Verdict;
use crate::verify::report;
use crate::verify::verification::{AuditStatus, ProtocolPart};

/// What a page says about how far its content holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No browser has checked anything.
    BrowserNotChecked,
    /// The search rows do not reach the size.
    NotJudgedYet,
    /// More hangs together than one page reads.
    NotJudgedHere,
    /// The verdict stands on another page.
    JudgedElsewhere,
    /// The artifact is no run and no bundle.
    NotApplicable,
    /// The entry causes findings that fail a verdict.
    Breaks,
    /// The entry causes findings that leave a verdict open.
    Open,
    /// What the entry causes moves no verdict.
    Noted,
    /// Findings rest on the entry, and others cause them.
    Witness,
    /// No finding rests on the entry.
    Unmarked,
    /// Somebody else signed it than the agent it names.
    InAnothersName,
    /// The operator withholds a body.
    Withheld,
    /// Something that a reader would expect is not in the log.
    NotInLog,
}

/// How a state looks and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The word.
    pub label: &'static str,
    /// Id of its icon's symbol.
    pub icon: &'static str,
    /// Class of its block.
    pub class: &'static str,
    /// The sentence under the word.
    pub sentence: &'static str,
}

impl State {
    /// Every state.
    #[cfg(test)]
    pub const ALL: [Self; 13] = [
        Self::BrowserNotChecked,
        Self::NotJudgedYet,
        Self::NotJudgedHere,
        Self::JudgedElsewhere,
        Self::NotApplicable,
        Self::Breaks,
        Self::Open,
        Self::Noted,
        Self::Witness,
        Self::Unmarked,
        Self::InAnothersName,
        Self::Withheld,
        Self::NotInLog,
    ];

    /// The row of this state.
    #[must_use]
    pub const fn row(self) -> Row {
        match self {
            Self::BrowserNotChecked => Row {
                label: "Not checked by your browser",
                icon: "not-checked",
                class: "neutral",
                sentence: "This server drew the page; a command below needs no server.",
            },
            Self::NotJudgedYet => Row {
                label: "Not judged yet",
                icon: "not-checked",
                class: "neutral",
                sentence: "The search rows of this server do not reach this size yet, so nothing is said of policy, \
                           tokens or approvals. Try again after a second; after a rebuild it takes minutes.",
            },
            Self::NotJudgedHere => Row {
                label: "Not judged here",
                icon: "not-checked",
                class: "neutral",
                sentence: "More entries hang together than one page reads. Audit the log yourself with pulselog \
                           verify --log.",
            },
            Self::JudgedElsewhere => Row {
                label: "Judged with its run",
                icon: "not-applicable",
                class: "neutral",
                sentence: "The verdicts stand on the page of the run or bundle, linked above, with coverage and \
                           findings. This page shows what was recorded and proves its position.",
            },
            Self::NotApplicable => Row {
                label: "Not applicable",
                icon: "not-applicable",
                class: "neutral",
                sentence: "The audit judges runs and bundles. This entry is proven to be in the log; nothing more is \
                           claimed.",
            },
            Self::Breaks => BREAKS,
            Self::Open => OPEN,
            Self::Noted => NOTED,
            Self::Witness => WITNESS,
            Self::Unmarked => UNMARKED,
            Self::InAnothersName => Row {
                label: "Incomplete",
                icon: "incomplete",
                class: "incomplete",
                sentence: "Somebody else signed this than the agent that it names. It is the signer's word, and no \
                           verdict on the agent's run is a verdict on it.",
            },
            Self::Withheld => Row {
                label: "Withheld",
                icon: "withheld",
                class: "withheld",
                sentence: "The operator withholds this body. Its digest, position and proof are unaffected; rules \
                           that need it answer incomplete.",
            },
            Self::NotInLog => Row {
                label: "Not in the log",
                icon: "not-applicable",
                class: "neutral",
                sentence: "No entry up to this size names it. It may still be logged.",
            },
        }
    }
}

// What the rules say of one entry, which is no verdict.
const BREAKS: Row = Row {
    label: "Breaks a rule",
    icon: "fail",
    class: "fail",
    sentence: "This entry causes what stands below. The verdict is on the job, run or bundle, linked \
               above.",
};
const OPEN: Row = Row {
    label: "Cannot be judged yet",
    icon: "incomplete",
    class: "incomplete",
    sentence: "This entry causes what stands below, which leaves a verdict open. The verdict is on the \
               job, run or bundle, linked above.",
};
const NOTED: Row = Row {
    label: "Noted",
    icon: "not-applicable",
    class: "neutral",
    sentence: "A rule finds something of this entry, below, that moves no verdict.",
};
const WITNESS: Row = Row {
    label: "Shows a finding",
    icon: "not-applicable",
    class: "neutral",
    sentence: "Findings rest on this entry as evidence, below. Other entries cause them; it is not to \
               blame.",
};
const UNMARKED: Row = Row {
    label: "No finding",
    icon: "not-applicable",
    class: "neutral",
    sentence: "No rule finds anything of this entry in what hangs together with it. That is no verdict: \
               verdicts are on jobs, runs and bundles.",
};

/// How a verdict of either kind ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing failed and nothing was missing.
    Pass,
    /// What was judged passes; a part was not judged.
    PassInPart,
    /// Something failed.
    Fail,
    /// Evidence is missing.
    Incomplete,
    /// Nothing failed, and whose signatures count was not said.
    NotChecked,
    /// There is nothing to judge.
    NotApplicable,
    /// Nobody asked.
    NotAsked,
}

/// How an outcome looks and reads. A part not judged looks like incomplete,
/// never like a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub label: &'static str,
    /// Id of its icon's symbol.
    pub icon: &'static str,
    /// Class of its block.
    pub class: &'static str,
}

impl Outcome {
    /// Every outcome.
    #[cfg(test)]
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::PassInPart,
        Self::Fail,
        Self::Incomplete,
        Self::NotChecked,
        Self::NotApplicable,
        Self::NotAsked,
    ];

    /// The word of this outcome.
    #[must_use]
    pub const fn word(self) -> Word {
        let (label, icon, class) = match self {
            Self::Pass => ("Pass", "pass", "pass"),
            Self::PassInPart => ("Pass, parts not checked", "incomplete", "incomplete"),
            Self::Fail => ("Fail", "fail", "fail"),
            Self::Incomplete => ("Incomplete", "incomplete", "incomplete"),
            Self::NotChecked => ("Not checked", "not-checked", "incomplete"),
            Self::NotApplicable => ("Not applicable", "not-applicable", "neutral"),
            Self::NotAsked => ("Not asked", "not-checked", "neutral"),
        };
        Word { label, icon, class }
    }

    /// Of the peer's rules, as far as they could be applied.
    #[must_use]
    pub fn of_protocol(part: &ProtocolPart) -> Self {
        match part.outcome() {
            report::Outcome::Pass => Self::Pass,
            report::Outcome::Fail => Self::Fail,
            report::Outcome::Incomplete => Self::PassInPart,
            report::Outcome::NotChecked => Self::NotChecked,
        }
    }
}

impl From<AuditStatus> for Outcome {
    fn from(status: AuditStatus) -> Self {
        match status {
            AuditStatus::Pass => Self::Pass,
            AuditStatus::Fail => Self::Fail,
            AuditStatus::Incomplete => Self::Incomplete,
            AuditStatus::NotApplicable => Self::NotApplicable,
            AuditStatus::NotAsked => Self::NotAsked,
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        AuditStatus::from(verdict).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_word_and_a_sentence_that_ends() {
        let mut labels: Vec<&str> = State::ALL.iter().map(|s| s.row().label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), State::ALL.len());
        assert!(State::ALL.iter().all(|s| s.row().sentence.ends_with('.')));
    }

    #[test]
    fn only_a_pass_looks_like_a_pass() {
        for outcome in Outcome::ALL {
            let word = outcome.word();
            assert_eq!(word.class == "pass", outcome == Outcome::Pass);
            assert_eq!(word.icon == "pass", outcome == Outcome::Pass);
        }
        let mut labels: Vec<&str> = Outcome::ALL.iter().map(|o| o.word().label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Outcome::ALL.len());
    }
}
