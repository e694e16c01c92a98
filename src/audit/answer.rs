//! What the answer of a call tells of what came of it: one table, whatever the
//! wrapper says that it was (JUDGING 4.4).

use std::ops::RangeInclusive;

use crate::audit::statement::Receipt;

/// What an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    Refused,
    /// Whoever reads it does not know whether the call was taken.
    Unknown,
}

/// A class of answers.
#[derive(Debug)]
pub struct AnswerRow {
    pub answer: Answer,
    pub name: &'static str,
    /// What such an answer tells, in words.
    pub means: &'static str,
    pub http: &'static [RangeInclusive<i64>],
    pub grpc: &'static [i64],
    /// What a wrapper may say of a call with such an answer.
    pub outcomes: &'static [&'static str],
}

/// Argo CD's server gives HTTP 500 and gRPC codes 2 and 13 for whatever went
/// wrong while it wrote, 408 and 1 to clients that went away, and 429 and 8
/// also for an answer that was too large.
pub static ANSWERS: [AnswerRow; 3] = [
    AnswerRow {
        answer: Answer::Taken,
        name: "taken",
        means: "the call was taken",
        http: &[200..=299],
        grpc: &[0],
        outcomes: &["accepted"],
    },
    AnswerRow {
        answer: Answer::Refused,
        name: "refused",
        means: "the call was refused",
        http: &[300..=407, 409..=428, 430..=498, 501..=501],
        grpc: &[3, 5, 6, 7, 9, 10, 11, 12, 16],
        outcomes: &["refused_rbac", "refused_sync_window", "refused_precondition", "error_transport"],
    },
    AnswerRow {
        answer: Answer::Unknown,
        name: "unknown",
        means: "nobody knows what came of the call",
        http: &[100..=199, 408..=408, 429..=429, 499..=500, 502..=599],
        grpc: &[1, 2, 4, 8, 13, 14, 15],
        outcomes: &["error_transport"],
    },
];

impl Answer {
    /// By its members; `None` where it has neither. Over a status of success
    /// the gRPC code tells. Under another one a code can only agree: where it
    /// does not, nobody knows.
    #[must_use]
    pub fn of(http: Option<i64>, grpc: Option<i64>) -> Option<Self> {
        let http = http.map(|status| class(|row| row.http.iter().any(|range| range.contains(&status))));
        let grpc = grpc.map(|code| class(|row| row.grpc.contains(&code)));
        match (http, grpc) {
            (Some(Self::Taken) | None, Some(grpc)) => Some(grpc),
            (http, None) => http,
            (Some(http), Some(grpc)) if http == grpc => Some(http),
            (Some(_), Some(_)) => Some(Self::Unknown),
        }
    }

    fn row(self) -> &'static AnswerRow {
        let [taken, refused, unknown] = &ANSWERS;
        match self {
            Self::Taken => taken,
            Self::Refused => refused,
            Self::Unknown => unknown,
        }
    }
}

/// What no row has tells nothing.
fn class(is_in: impl Fn(&AnswerRow) -> bool) -> Answer {
    ANSWERS.iter().find(|row| is_in(row)).map_or(Answer::Unknown, |row| row.answer)
}

impl Receipt<'_> {
    /// Where what the wrapper says came of the call is not what its answer
    /// tells, in words. A call that was not sent got no answer, and none but
    /// the answer of a call that was taken holds the application's version.
    pub(super) fn contradiction(&self) -> Option<String> {
        let says = self.statement.payload;
        let (http, grpc) = (says.http_status(), says.grpc_code());
        let answer = Answer::of(http, grpc).map(Answer::row).filter(|row| !row.outcomes.contains(&self.outcome));
        let stands_only = |member: Option<&str>, words: &'static str, outcomes: &[&str]| {
            (member.is_some() && outcomes.contains(&self.outcome)).then(|| words.to_owned())
        };
        let shown = answer.map(|row| {
            let http = http.map(|status| format!("HTTP status {status}"));
            let grpc = grpc.map(|code| format!("gRPC code {code}"));
            let members: Vec<_> = http.into_iter().chain(grpc).collect();
            format!("{}, by which {}", members.join(" and "), row.means)
        });
        let digest = stands_only(says.response_digest(), "the digest of an answer", &["not_sent"]);
        let version = || {
            let words = "the version of the application in an answer that took the call";
            let others = ["not_sent", "refused_rbac", "refused_sync_window", "refused_precondition", "error_transport"];
            stands_only(says.resource_version(), words, &others)
        };
        let what = shown.or(digest).or_else(version)?;
        Some(format!("the receipt says {}, and gives {what}", self.outcome))
    }

    /// Whether it says that nothing was done, and its answer tells otherwise.
    pub(super) fn denies_its_answer(&self) -> bool {
        self.says_nothing_was_done() && self.contradiction().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{ANSWERS, Answer};

    #[test]
    fn every_status_and_every_code_is_of_one_class() {
        let of = |is_in: &dyn Fn(&super::AnswerRow) -> bool| ANSWERS.iter().filter(|row| is_in(row)).count();
        for status in 100..=599 {
            assert_eq!(of(&|row| row.http.iter().any(|range| range.contains(&status))), 1, "{status}");
        }
        for code in 0..=16 {
            assert_eq!(of(&|row| row.grpc.contains(&code)), 1, "{code}");
        }
        for row in &ANSWERS {
            assert_eq!(row.answer.row().name, row.name);
        }
    }

    #[test]
    fn an_answer_is_known_to_have_done_nothing_only_where_all_of_it_says_so() {
        for (http, grpc, answer) in [
            (None, None, None),
            (Some(200), None, Some(Answer::Taken)),
            (Some(200), Some(0), Some(Answer::Taken)),
            (None, Some(0), Some(Answer::Taken)),
            (Some(200), Some(7), Some(Answer::Refused)),
            (Some(403), Some(7), Some(Answer::Refused)),
            (Some(302), None, Some(Answer::Refused)),
            (None, Some(9), Some(Answer::Refused)),
            (Some(403), Some(0), Some(Answer::Unknown)),
            (Some(403), Some(14), Some(Answer::Unknown)),
            (Some(504), Some(7), Some(Answer::Unknown)),
            (Some(200), Some(4), Some(Answer::Unknown)),
            (Some(500), None, Some(Answer::Unknown)),
            (Some(408), None, Some(Answer::Unknown)),
        ] {
            assert_eq!(Answer::of(http, grpc), answer, "{http:?} {grpc:?}");
        }
    }
}
