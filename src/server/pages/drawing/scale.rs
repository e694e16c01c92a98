//! Two small scales: how much of a log is new, and how a log grew.

use crate::merkle::TreeSize;
use crate::server::pages::drawing::Svg;

/// Older and newer part of a log, to scale. Positions are percent, so that it
/// fills whatever width it is given; the numbers stand in the text beside it.
#[must_use]
pub fn share(from: TreeSize, to: TreeSize) -> Svg {
    let hundredths = u128::from(from.get()) * 10_000 / u128::from(to.get().max(1));
    let percent = |hundredths: u128| format!("{}.{:02}%", hundredths / 100, hundredths % 100);
    let (older, newer) = (percent(hundredths), percent(10_000 - hundredths.min(10_000)));
    Svg(format!(
        "<svg class=\"share\" width=\"100%\" height=\"14\" aria-hidden=\"true\">\n\
         <rect class=\"given\" x=\"0\" y=\"0\" width=\"{older}\" height=\"14\"/>\n\
         <rect class=\"new\" x=\"{older}\" y=\"0\" width=\"{newer}\" height=\"14\"/>\n</svg>\n"
    ))
}

/// Sizes over time as a line, 100 by 30, stretched to its place. Points are
/// (Unix ms, size), ascending; fewer than two points give no drawing.
#[must_use]
pub fn growth(points: &[(u64, u64)]) -> Option<Svg> {
    let (first, last) = (points.first()?, points.last()?);
    let (span, top) = (last.0.checked_sub(first.0)?, last.1);
    if span == 0 || top == 0 {
        return None;
    }
    // Hundredths of a unit: two digits are finer than any screen shows.
    let scaled = |value: u64, of: u64, to: u128| u128::from(value) * to * 100 / u128::from(of);
    let number = |hundredths: u128| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let point = |&(at, size): &(u64, u64)| {
        let x = scaled(at.saturating_sub(first.0).min(span), span, 100);
        let y = 2_900 - scaled(size.min(top), top, 28);
        format!("{},{}", number(x), number(y))
    };
    let line: Vec<String> = points.iter().map(point).collect();
    Some(Svg(format!(
        "<svg class=\"growth\" viewBox=\"0 0 100 30\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\n\
         <polyline class=\"curve\" vector-effect=\"non-scaling-stroke\" points=\"{}\"/>\n</svg>\n",
        line.join(" "),
    )))
}
