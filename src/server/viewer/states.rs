//! States are data: one enum, one row each, used by every page. A state
//! without a row does not compile.

/// What a page says about how far its content holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No browser has checked anything.
    BrowserNotChecked,
    /// Actions are recorded, not judged.
    NotJudged,
    /// The artifact is no run and no bundle.
    NotApplicable,
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
    pub const ALL: [Self; 5] =
        [Self::BrowserNotChecked, Self::NotJudged, Self::NotApplicable, Self::Withheld, Self::NotInLog];

    /// The row of this state.
    #[must_use]
    pub const fn row(self) -> Row {
        match self {
            Self::BrowserNotChecked => Row {
                label: "Not checked by your browser",
                icon: "not-checked",
                class: "neutral",
                sentence: "The server drew this page. Run the command below on your own machine to check it.",
            },
            Self::NotJudged => Row {
                label: "Not judged",
                icon: "not-checked",
                class: "neutral",
                sentence: "This version of the log shows what was recorded and proves its position. It does not yet \
                           judge actions: whether the agent kept to its policy is not said here.",
            },
            Self::NotApplicable => Row {
                label: "Not applicable",
                icon: "not-applicable",
                class: "neutral",
                sentence: "Only runs and bundles are ever judged. This entry is proven to be in the log; nothing more \
                           is claimed.",
            },
            Self::Withheld => Row {
                label: "Withheld",
                icon: "withheld",
                class: "withheld",
                sentence: "The operator withholds this body. Its digest, position and proof are unaffected.",
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
}
