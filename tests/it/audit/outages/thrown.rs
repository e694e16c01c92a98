//! Looks and accounts of tokens as chance has them: a part says what the whole
//! says.

use pulselog::artifact::json::Value;
use pulselog::audit::{Scope, audit_at};

use super::{distrust, observed_by};
use crate::audit::looked::{APP, HOUR, MINUTE, gaps, look, ticked};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{START_MS, Story, nonce, operator};
use crate::make::{did, hex};

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::from(u32::try_from(self.0 >> 33).expect("31 bits")) % end
    }
}

/// Two observers, one of whom signs and is distrusted from some look on, and two
/// issuers who give few tokens many accounts; clocks lie a little, or hours.
fn thrown(seed: u64) -> Story {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut story = ticked(Story::clean(), 1);
    observed_by(&mut story, &["observer"], &["thief"]);
    let issuers = Value::Array(vec![did("issuer").as_str().into(), did("second issuer").as_str().into()]);
    story.set("roots", "cst_issuers", issuers.clone());
    story.set("the last roots", "cst_issuers", issuers);
    for n in 0..3 + dice.below(6) {
        story.wait(dice.below(14 * HOUR));
        (story.job, story.agent) = (format!("job-{}", 2 + dice.below(3)), "agent".to_owned());
        let hash = hex(&format!("hash {}", dice.below(4)));
        let issued = story.now_ms() / 1_000 + dice.below(7_200) - 3_600;
        story.token("t");
        let (at, name) = (story.steps.len() - 1, format!("issue {n}"));
        story.steps[at].name = name.clone();
        story.set(&name, "token_hash", hash);
        story.set(&name, "nonce", nonce(&format!("{seed} {n}")));
        story.set(&name, "claims.iat", u32::try_from(issued).expect("a time"));
        let long = [900, 3_600, 86_400, 200_000][usize::try_from(dice.below(4)).expect("small")];
        story.set(&name, "claims.exp", u32::try_from(issued + long).expect("a time"));
        if dice.below(2) == 0 {
            story.signed_by(&name, "second issuer");
        }
    }
    story.wait(dice.below(3 * HOUR));
    let (end, mut at) = (story.now_ms(), START_MS + 2_000);
    let mut signed = Vec::new();
    for n in 0..400 {
        let by = if dice.below(3) == 0 { "thief" } else { "observer" };
        let off = match dice.below(20) {
            0 => dice.below(6 * HOUR) - 3 * HOUR,
            1 => -dice.below(30 * MINUTE),
            _ => dice.below(4 * MINUTE) - 2 * MINUTE,
        };
        let op = format!("operation {}", (at - START_MS) / (2 * HOUR));
        look(&mut story, by, (at, (at + off).max(START_MS - HOUR)), &op, dice.below(2) == 0);
        if by == "thief" {
            story.signed_by(&format!("thief {at}"), "thief");
            signed.push(format!("thief {at}"));
        }
        at += 1_000
            + match dice.below(30) {
                0 => dice.below(9 * HOUR),
                1..=3 => 8 * MINUTE + dice.below(5 * MINUTE),
                _ => dice.below(9 * MINUTE),
            };
        if at >= end || n == 399 {
            break;
        }
    }
    if dice.below(2) == 0 && !signed.is_empty() {
        let from = signed[usize::try_from(dice.below(i64::try_from(signed.len()).expect("few"))).expect("few")].clone();
        distrust(&mut story, &from);
    }
    story
}

#[test]
fn whoever_looks_and_issues_a_part_says_what_the_whole_says() {
    let mut scopes: Vec<Scope> = (1..5).map(|n| Scope::Job(format!("job-{n}"))).collect();
    scopes.extend((0..4).map(|n| Scope::Token(hex(&format!("hash {n}")))));
    scopes.push(Scope::App(APP.to_owned()));
    let mut open = 0;
    for seed in 0..8 {
        let whole = thrown(seed).timeline();
        same_from_its_own_entries(&whole, whole.size(), &scopes);
        let report = audit_at(&whole, whole.size(), Some(&operator()));
        open += scopes.iter().filter(|scope| !gaps(&report, scope).is_empty()).count();
    }
    assert!(open > 8, "chance leaves some open: {open}");
}
