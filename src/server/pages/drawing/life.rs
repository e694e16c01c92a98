//! The life of a token as a bar: what it claims as an outline, what the log has
//! of it filled, what came after its end dashed; uses above it, and those after
//! its end below, as what they are. Positions are percent, as in the time line.

use std::fmt::Write as _;

use crate::server::pages::drawing::Svg;
use crate::server::pages::drawing::lanes::{Shape, percent, shape};

/// Height of the drawing, px.
const HEIGHT: u64 = 64;
/// Top and height of the bar.
const BAR: (u64, u64) = (22, 12);
/// Length of a use above it.
const TICK: u64 = 8;
/// Where uses after the end stand.
const BELOW: u64 = 50;
/// The whole width, in hundredths of a percent; positions are these.
const WIDE: u64 = 10_000;
/// Before the first and after the last of it.
const MARGIN: u64 = 500;
/// Uses nearer than this are one.
const NEAR: u64 = 150;

/// When a token was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// While it lived.
    During,
    /// After its end, which no finding rests on: a denial does that.
    After,
    /// After its end, and that fails a verdict.
    Found,
}

/// What is drawn, Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    /// From when to when the token says that it holds.
    pub claimed: Option<(u64, u64)>,
    /// When its issuance was logged.
    pub issued: u64,
    /// When its revocation was.
    pub revoked: Option<u64>,
    pub uses: Vec<(u64, Use)>,
}

impl Bar {
    /// The end that the log has: a revocation, or the token's own.
    fn end(&self) -> Option<u64> {
        self.revoked.or(self.claimed.map(|(_, to)| to))
    }

    /// The drawing; none where no time passes.
    #[must_use]
    pub(crate) fn draw(&self) -> Option<Svg> {
        let end = self.end()?.max(self.issued);
        let (from, to) = self.claimed.unwrap_or((self.issued, end));
        let uses = || self.uses.iter().map(|(at, _)| *at);
        let first = uses().chain([from, self.issued]).min()?;
        let last = uses().chain([to, end]).max()?;
        let span = last.checked_sub(first).filter(|span| *span > 0)?;
        let place = |at: u64| {
            let part = u128::from(at.clamp(first, last) - first) * u128::from(WIDE - 2 * MARGIN);
            MARGIN + u64::try_from(part / u128::from(span)).unwrap_or(0)
        };
        let mut out = String::new();
        let mut bar = |class: &str, from: u64, to: u64| {
            let (x, width) = (percent(place(from)), percent(place(to).saturating_sub(place(from))));
            let (y, height) = BAR;
            let _ =
                writeln!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
        };
        bar("line", from, to);
        bar("mark", self.issued, end);
        if end < last {
            bar("boundary", end, last);
        }
        let mut before: Vec<(u64, Use)> = Vec::new();
        for (at, used) in &self.uses {
            let x = place(*at);
            if before.iter().any(|(seen, like)| like == used && x.abs_diff(*seen) < NEAR) {
                continue;
            }
            before.push((x, *used));
            let (x, top) = (percent(x), BAR.0 - TICK - 2);
            let octagon = match used {
                Use::During => None,
                Use::After => Some(shape(Shape::OpenOctagon)),
                Use::Found => Some(shape(Shape::Octagon)),
            };
            if let Some((class, path)) = octagon {
                let _ = writeln!(
                    out,
                    "<svg x=\"{x}\" y=\"{BELOW}\" width=\"1\" height=\"1\" overflow=\"visible\"><path class=\"{class}\" \
                     d=\"{path}\"/></svg>"
                );
            } else {
                let _ =
                    writeln!(out, "<line class=\"stroke\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{}\"/>", top + TICK);
            }
        }
        Some(Svg(format!(
            "<svg class=\"lanes\" width=\"100%\" height=\"{HEIGHT}\" aria-hidden=\"true\">\n{out}</svg>\n"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_795_351_267_000;

    #[test]
    fn uses_after_the_end_stand_below_and_the_rest_above() {
        let bar = Bar {
            claimed: Some((T, T + 1_800_000)),
            issued: T + 1_000,
            revoked: Some(T + 600_000),
            uses: vec![
                (T + 60_000, Use::During),
                (T + 60_100, Use::During),
                (T + 300_000, Use::During),
                (T + 700_000, Use::Found),
            ],
        };
        let svg = bar.draw().expect("a drawing");
        let count = |what: &str| svg.as_str().matches(what).count();
        assert_eq!(count("class=\"stroke\""), 2, "near ones are one: {}", svg.as_str());
        assert_eq!(count("class=\"mark found\""), 1);
        assert_eq!((count("class=\"line\""), count("class=\"mark\""), count("class=\"boundary\"")), (1, 1, 1));
        assert!(
            svg.as_str().contains("<rect class=\"line\" x=\"5.00%\" y=\"22\" width=\"90.00%\""),
            "{}",
            svg.as_str()
        );
    }

    #[test]
    fn a_token_that_lived_no_time_is_not_drawn() {
        assert!(Bar::default().draw().is_none());
        assert!(Bar { claimed: Some((T, T)), issued: T, ..Bar::default() }.draw().is_none());
        let far = Bar { claimed: Some((0, u64::MAX)), issued: T, revoked: Some(0), uses: vec![(u64::MAX, Use::After)] };
        assert!(far.draw().is_some_and(|svg| !svg.as_str().contains('-') || svg.as_str().contains("M-3")));
    }
}
