//! Golden logs that are read without some of their bodies: what stands all the
//! same, and what is then said of nobody.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete};

use crate::audit::goldens::{Golden, Read, golden};
use crate::make::audit::{POLICY, Story};
use crate::make::{set, value};

fn outside_the_policy(story: &mut Story) {
    let mut policy = value(POLICY);
    set(&mut policy, "tools.argo_cd.allow[2].namespaces", Some(value(r#"["staging"]"#)));
    *story = Story::under(policy, &[]);
}

fn roots_again(story: &mut Story) {
    story.roots_again("later roots", "recorders", Value::Array(Vec::new()));
}

pub static ROWS: &[Golden] = &[
    golden(
        "an act outside the policy, and a model call of another run withheld",
        outside_the_policy,
        &["EVIDENCE_WITHHELD", "GATEWAY_RECEIPT_MISSING", "POLICY_NONCOMPLIANT", "RECEIPT_NOT_GENUINE"],
        Fail,
    )
    .read(Read::Withheld(&["r1 call 1"])),
    golden("a model call withheld that a bundle holds", |_| {}, HELD, Incomplete).read(Read::Withheld(&["r1 call 1"])),
    golden("roots withheld after a statement", roots_again, &["EVIDENCE_WITHHELD"], Incomplete)
        .read(Read::WithheldLater(&["later roots"]))
        .beside(roots_again),
    golden("a statement of the operator withheld", |_| {}, &["EVIDENCE_WITHHELD"], Incomplete)
        .read(Read::WithheldLater(&["statement"])),
];

const HELD: &[&str] = &["EVIDENCE_WITHHELD", "GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_GENUINE"];
