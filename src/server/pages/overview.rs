//! What the overview of a time line shows of entries: which lane, which shape, when.

use std::collections::BTreeMap;

use crate::artifact::{Kind, Payload};
use crate::audit::{Effect, Finding};
use crate::merkle::LeafIndex;
use crate::server::desk::Paper;
use crate::server::pages::drawing::Svg;
use crate::server::pages::drawing::lanes::{self, Lane, Life, Mark, Shape};

/// Collects what is drawn.
#[derive(Default)]
pub(super) struct Overview {
    marks: Vec<Mark>,
    /// By token hash.
    tokens: BTreeMap<String, Told>,
}

/// What entries tell of a token's life, Unix milliseconds.
#[derive(Default)]
struct Told {
    issued: Option<u64>,
    ends_by_itself: Option<u64>,
    revoked: Option<u64>,
}

impl Overview {
    /// One entry of the time line; `caused` are those that cause findings.
    pub(super) fn add(&mut self, paper: &Paper, caused: &BTreeMap<LeafIndex, Effect>) {
        let entry = &paper.stored.entry;
        let at_ms = entry.logged_at.unix_ms();
        let found = match caused.get(&paper.stored.index) {
            Some(Effect::Fails) => Some(Shape::Octagon),
            Some(Effect::Incomplete) => Some(Shape::OpenOctagon),
            Some(Effect::Shown) | None => None,
        };
        self.marks.extend(found.map(|shape| Mark { lane: Lane::Findings, shape, at_ms }));
        if let Some(Payload::CstIssuance(of)) = paper.artifact().map(|body| body.says()) {
            let ends = of.claims().exp().and_then(|seconds| u64::try_from(seconds).ok());
            let token = self.tokens.entry(of.token_hash().unwrap_or_default().to_owned()).or_default();
            token.issued = token.issued.or(Some(at_ms));
            token.ends_by_itself = token.ends_by_itself.or(ends.map(|seconds| seconds.saturating_mul(1_000)));
        }
        let (lane, shape) = match entry.kind {
            Kind::WorkPolicy => (Lane::Policy, Shape::Square),
            Kind::GatewayReceipt => (Lane::Calls, Shape::Dot),
            Kind::ArgocdDecision => {
                (Lane::Decisions, if is_denied(paper) { Shape::OpenDiamond } else { Shape::Diamond })
            }
            Kind::Approval => (Lane::Decisions, Shape::Triangle),
            Kind::ArgocdReceipt => (Lane::ArgoCd, Shape::Square),
            Kind::ArgocdObservation => (Lane::ArgoCd, Shape::OpenSquare),
            Kind::CstRevocation => {
                if let Some(hash) = paper.keys().token_hash {
                    let token = self.tokens.entry(hash).or_default();
                    token.revoked = token.revoked.or(Some(at_ms));
                }
                return;
            }
            _ => return,
        };
        self.marks.push(Mark { lane, shape, at_ms });
    }

    /// The drawing, where there is anything to see.
    pub(super) fn draw(&self) -> Option<Svg> {
        let life = |token: &Told| {
            let from_ms = token.issued?;
            let to_ms = token.revoked.or(token.ends_by_itself)?.max(from_ms);
            Some(Life { from_ms, to_ms, is_revoked: token.revoked.is_some() })
        };
        let lives: Vec<Life> = self.tokens.values().filter_map(life).collect();
        lanes::draw(&self.marks, &lives)
    }
}

/// Entries that cause findings, with the worst that these do.
pub(super) fn caused(findings: &[Finding]) -> BTreeMap<LeafIndex, Effect> {
    let mut caused = BTreeMap::new();
    for finding in findings {
        for at in &finding.causes {
            let worst = caused.entry(*at).or_insert(finding.effect);
            *worst = finding.effect.max(*worst);
        }
    }
    caused
}

fn is_denied(paper: &Paper) -> bool {
    let says = paper.artifact().map(|body| body.says());
    matches!(says, Some(Payload::ArgocdDecision(of)) if of.decision() != Some("allow"))
}
