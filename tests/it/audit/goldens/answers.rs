//! Golden logs about the answer of a call: what came of it cannot be what the
//! wrapper says, and a use of an approval is not shown to have come to nothing.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::acts::again;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::hex;

/// Members of the answer to the sync.
fn answered(story: &mut Story, members: &[(&str, u32)]) {
    members.iter().for_each(|(member, code)| story.set("sync receipt", member, *code));
}

/// The sync came to nothing with that answer, and is done under the same
/// approval once more.
fn used_again(story: &mut Story, outcome: &str, members: &[(&str, u32)]) {
    again(story, outcome);
    answered(story, members);
}

/// The wrapper does not know what came of the sync, and Argo CD reports it.
fn unknown(story: &mut Story, members: &[(&str, u32)]) {
    story.set("sync receipt", "outcome", "error_transport");
    answered(story, members);
}

pub static ROWS: &[Golden] = &[
    golden(
        "a call that was not sent was refused by a proxy's timeout, and its approval is used again",
        |story| used_again(story, "not_sent", &[("http_status", 504)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| again(story, "not_sent")),
    golden(
        "a call that was not sent was refused, and its approval is used again",
        |story| used_again(story, "not_sent", &[("http_status", 403), ("grpc_code", 7)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| used_again(story, "refused_rbac", &[("http_status", 403), ("grpc_code", 7)])),
    golden(
        "a call that was not sent was redirected, and its approval is used again",
        |story| used_again(story, "not_sent", &[("http_status", 302)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| used_again(story, "refused_rbac", &[("http_status", 302)])),
    golden(
        "a call was refused by a timeout, and its approval is used again",
        |story| used_again(story, "refused_precondition", &[("http_status", 504)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| used_again(story, "refused_precondition", &[("http_status", 400), ("grpc_code", 9)])),
    golden(
        "a call was refused by a server that was not there, and its approval is used again",
        |story| used_again(story, "refused_precondition", &[("http_status", 502), ("grpc_code", 14)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| used_again(story, "refused_precondition", &[("http_status", 200), ("grpc_code", 9)])),
    golden(
        "a call was refused with the code of success under a refusing status, and its approval is used again",
        |story| used_again(story, "refused_rbac", &[("http_status", 403), ("grpc_code", 0)]),
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| used_again(story, "refused_rbac", &[("http_status", 403)])),
    golden(
        "a call was refused, and its answer held the application, and its approval is used again",
        |story| {
            again(story, "refused_rbac");
            story.set("sync receipt", "resource_version", "99");
        },
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        again(story, "refused_rbac");
        story.set("sync receipt", "response_digest", hex("permission denied"));
    }),
    golden(
        "what came of a call is not known, and it was answered as taken",
        |story| unknown(story, &[("http_status", 200), ("grpc_code", 0)]),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| unknown(story, &[("http_status", 504)])),
];

/// A class of answers, some of each, and the outcomes that it may have.
type Class = (&'static str, &'static [&'static [(&'static str, u32)]], &'static [&'static str]);

const CLASSES: &[Class] = &[
    ("none", &[&[]], &["accepted", "refused_rbac", "refused_precondition", "not_sent", "error_transport"]),
    (
        "taken",
        &[
            &[("http_status", 200)],
            &[("http_status", 204)],
            &[("grpc_code", 0)],
            &[("http_status", 200), ("grpc_code", 0)],
        ],
        &["accepted"],
    ),
    (
        "refused",
        &[
            &[("http_status", 302)],
            &[("http_status", 401)],
            &[("http_status", 403), ("grpc_code", 7)],
            &[("http_status", 200), ("grpc_code", 9)],
            &[("http_status", 409), ("grpc_code", 10)],
            &[("http_status", 501), ("grpc_code", 12)],
            &[("grpc_code", 16)],
        ],
        &["refused_rbac", "refused_precondition", "error_transport"],
    ),
    (
        "unknown",
        &[
            &[("http_status", 101)],
            &[("http_status", 408)],
            &[("http_status", 429)],
            &[("http_status", 499)],
            &[("http_status", 500), ("grpc_code", 2)],
            &[("http_status", 500), ("grpc_code", 13)],
            &[("http_status", 502)],
            &[("http_status", 503), ("grpc_code", 14)],
            &[("http_status", 504), ("grpc_code", 4)],
            &[("http_status", 502), ("grpc_code", 7)],
            &[("http_status", 403), ("grpc_code", 0)],
            &[("http_status", 403), ("grpc_code", 14)],
            &[("http_status", 200), ("grpc_code", 1)],
            &[("grpc_code", 8)],
            &[("grpc_code", 15)],
        ],
        &["error_transport"],
    ),
];

const OUTCOMES: [&str; 5] = ["accepted", "refused_rbac", "refused_precondition", "not_sent", "error_transport"];

#[test]
fn an_answer_that_an_outcome_cannot_have_leaves_the_run_open_and_its_approval_used() {
    let mut wrong = Vec::new();
    for (class, answers, agree) in CLASSES {
        for (answer, outcome) in answers.iter().flat_map(|answer| OUTCOMES.map(|outcome| (answer, outcome))) {
            let mut story = Story::clean();
            let says_nothing_was_done = outcome == "not_sent" || outcome.starts_with("refused_");
            match says_nothing_was_done {
                true => used_again(&mut story, outcome, answer),
                false => {
                    story.set("sync receipt", "outcome", outcome);
                    answered(&mut story, answer);
                }
            }
            let (report, agrees) = (story.audit(), agree.contains(&outcome));
            let expected = if agrees { Pass } else { Incomplete };
            if report.job("job-1") != expected {
                wrong.push(format!("{class}: {outcome} {answer:?} is {}", report.job("job-1").name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_an_answer_has_speaks_against_a_call_that_was_not_sent() {
    for (member, value) in [("response_digest", Value::from(hex("an answer"))), ("resource_version", "12".into())] {
        let mut story = Story::clean();
        again(&mut story, "not_sent");
        story.set("sync receipt", member, value.clone());
        assert_eq!(story.audit().job("job-1"), Incomplete, "{member}");
        // Not knowing what came of a call releases nothing.
        let mut story = Story::clean();
        again(&mut story, "error_transport");
        story.set("sync receipt", member, value);
        assert_eq!(story.audit().job("job-1"), Fail, "{member}");
    }
}
