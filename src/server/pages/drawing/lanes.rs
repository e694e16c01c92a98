//! The time line as an overview: lanes under each other, marks along the log's
//! clock. The list below it is the truth; this shows at a glance what came before
//! what. Positions are percent, so that it fills whatever width it is given and
//! nothing in it stretches.

use std::fmt::Write as _;

use crate::server::pages::drawing::Svg;
use crate::server::pages::words;

/// Height of one lane, px: its label, and its marks below.
const LANE: u64 = 36;
/// Where the marks of a lane stand.
const MIDDLE: u64 = 25;
/// Height of the ticks.
const AXIS: u64 = 22;
/// The whole width, in hundredths of a percent; positions are these.
const WIDE: u64 = 10_000;
/// Before the first and after the last mark.
const MARGIN: u64 = 500;
/// Marks of one lane nearer than this are one, with their count.
const NEAR: u64 = 400;
/// A silence longer than this share of the time, of hundred, is cut …
const SILENCE: u64 = 60;
/// … to this width.
const CUT: u64 = 800;

/// What a lane is about, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Policy,
    Token,
    Calls,
    Decisions,
    ArgoCd,
    Findings,
}

/// What a mark looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A policy, and what a wrapper says came of a call.
    Square,
    /// What Argo CD shows.
    OpenSquare,
    /// A model call.
    Dot,
    /// An allowed decision.
    Diamond,
    /// A denied one.
    OpenDiamond,
    /// An approval.
    Triangle,
    /// An act that causes a finding which fails a verdict.
    Octagon,
    /// One that leaves a verdict open.
    OpenOctagon,
}

/// One thing at its time, Unix milliseconds of the log's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub lane: Lane,
    pub shape: Shape,
    pub at_ms: u64,
}

/// A token: from its issuance to its end, and whether it was revoked there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub from_ms: u64,
    pub to_ms: u64,
    pub is_revoked: bool,
}

/// The drawing; none where there is no time between the first and the last.
#[must_use]
pub(crate) fn draw(marks: &[Mark], lives: &[Life]) -> Option<Svg> {
    let scale = Scale::of(marks, lives)?;
    let mut lanes: Vec<Lane> = marks.iter().map(|mark| mark.lane).collect();
    lanes.extend((!lives.is_empty()).then_some(Lane::Token));
    lanes.sort_unstable();
    lanes.dedup();
    let bottom = LANE * lanes.len() as u64;
    let mut out = String::new();
    for (row, lane) in lanes.iter().enumerate() {
        let top = LANE * row as u64;
        let earlier = marks.iter().filter(|mark| mark.lane == *lane && mark.at_ms < scale.from).count();
        let before = if earlier > 0 { format!(" ◂ {earlier} earlier") } else { String::new() };
        let _ = writeln!(out, "<text x=\"0\" y=\"{}\">{}{before}</text>", top + 12, label(*lane));
        let y = top + MIDDLE;
        let _ = writeln!(out, "<line class=\"line\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>");
        if *lane == Lane::Token {
            lives.iter().for_each(|life| bar(&mut out, &scale, life, y));
        }
        row_of(&mut out, &scale, marks, *lane, y);
    }
    for life in lives.iter().filter(|life| life.is_revoked) {
        let x = percent(scale.place(life.to_ms));
        let _ = writeln!(out, "<line class=\"boundary\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{bottom}\"/>");
    }
    scale.axis(&mut out, bottom);
    let height = bottom + AXIS;
    Some(Svg(format!("<svg class=\"lanes\" width=\"100%\" height=\"{height}\" aria-hidden=\"true\">\n{out}</svg>\n")))
}

const fn label(lane: Lane) -> &'static str {
    match lane {
        Lane::Policy => "Policy",
        Lane::Token => "Token",
        Lane::Calls => "Model calls",
        Lane::Decisions => "Decisions and approvals",
        Lane::ArgoCd => "Argo CD",
        Lane::Findings => "Findings",
    }
}

fn bar(out: &mut String, scale: &Scale, life: &Life, y: u64) {
    let (from, to) = (scale.place(life.from_ms), scale.place(life.to_ms));
    let (x, width) = (percent(from), percent(to.saturating_sub(from).max(50)));
    let _ = writeln!(out, "<rect class=\"given\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"10\"/>", y - 5);
}

/// The marks of one lane; those too near to each other are one, and those before
/// the drawing are counted beside its name.
fn row_of(out: &mut String, scale: &Scale, marks: &[Mark], lane: Lane, y: u64) {
    let mut own: Vec<&Mark> = marks.iter().filter(|mark| mark.lane == lane && mark.at_ms >= scale.from).collect();
    own.sort_by_key(|mark| mark.at_ms);
    let mut left = own.as_slice();
    while let Some(first) = left.first() {
        let x = scale.place(first.at_ms);
        let near = left.iter().take_while(|mark| scale.place(mark.at_ms) < x + NEAR).count();
        let (class, path) = shape(first.shape);
        let count = if near > 1 { format!("<text x=\"9\" y=\"4\">{near}</text>") } else { String::new() };
        let _ = writeln!(
            out,
            "<svg x=\"{}\" y=\"{y}\" width=\"1\" height=\"1\" overflow=\"visible\"><path class=\"{class}\" \
             d=\"{path}\"/>{count}</svg>",
            percent(x)
        );
        left = &left[near..];
    }
}

pub(super) const fn shape(of: Shape) -> (&'static str, &'static str) {
    match of {
        Shape::Square => ("mark", "M-5 -5H5V5H-5Z"),
        Shape::OpenSquare => ("mark open", "M-5 -5H5V5H-5Z"),
        Shape::Dot => ("mark", "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z"),
        Shape::Diamond => ("mark", "M0 -7L7 0L0 7L-7 0Z"),
        Shape::OpenDiamond => ("mark open", "M0 -7L7 0L0 7L-7 0Z"),
        Shape::Triangle => ("mark", "M0 -6L6 5H-6Z"),
        Shape::Octagon => ("mark found", "M-3 -7H3L7 -3V3L3 7H-3L-7 3V-3Z"),
        Shape::OpenOctagon => ("mark open", "M-3 -7H3L7 -3V3L3 7H-3L-7 3V-3Z"),
    }
}

/// Hundredths of a percent as a percentage.
pub(super) fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// From times to places. What lies before the first token is not on it.
struct Scale {
    from: u64,
    to: u64,
    /// A silence that is cut, both ends.
    silence: Option<(u64, u64)>,
}

impl Scale {
    fn of(marks: &[Mark], lives: &[Life]) -> Option<Self> {
        let of_marks = marks.iter().map(|mark| mark.at_ms);
        let issued = lives.iter().map(|life| life.from_ms).min();
        let from = issued.or_else(|| of_marks.clone().min())?;
        // Where a token would have ended by itself is drawn as far as there is room.
        let ended = lives.iter().filter(|life| life.is_revoked).map(|life| life.to_ms);
        let mut times: Vec<u64> = of_marks.chain(ended).filter(|at| *at >= from).chain(issued).collect();
        times.sort_unstable();
        let to = *times.last()?;
        let span = to.checked_sub(from).filter(|span| *span > 0)?;
        let longest = times.windows(2).map(|pair| (pair[1] - pair[0], pair[0], pair[1])).max();
        let is_long = |gap: u64| u128::from(gap) * 100 > u128::from(span) * u128::from(SILENCE);
        let silence = longest.filter(|(gap, ..)| is_long(*gap) && times.len() > 2).map(|(_, from, to)| (from, to));
        Some(Self { from, to, silence })
    }

    fn place(&self, at: u64) -> u64 {
        let at = at.clamp(self.from, self.to);
        let room = WIDE - 2 * MARGIN;
        let share = |part: u64, of: u64, room: u64| {
            u64::try_from(u128::from(part) * u128::from(room) / u128::from(of.max(1))).unwrap_or(room)
        };
        let Some((begin, end)) = self.silence else {
            return MARGIN + share(at - self.from, self.to - self.from, room);
        };
        let (heard, room) = (self.to - self.from - (end - begin), room - CUT);
        let before = share(begin.min(at) - self.from, heard, room);
        let cut = if at <= begin { 0 } else { share(at.min(end) - begin, end - begin, CUT) };
        let after = share(at.saturating_sub(end), heard, room);
        MARGIN + before + cut + after
    }

    /// The first and the last time, and how long nothing was logged where that is cut.
    fn axis(&self, out: &mut String, bottom: u64) {
        let y = bottom + 14;
        let _ = writeln!(out, "<text x=\"0\" y=\"{y}\">{}</text>", time_of_day(self.from));
        let _ = writeln!(out, "<text class=\"last\" x=\"100%\" y=\"{y}\">{}</text>", time_of_day(self.to));
        if let Some((begin, end)) = self.silence {
            let x = percent(u64::midpoint(self.place(begin), self.place(end)));
            let _ = writeln!(out, "<text class=\"middle\" x=\"{x}\" y=\"{y}\">⫽ {}</text>", words::age(begin, end));
        }
    }
}

/// "12:41:07".
fn time_of_day(unix_ms: u64) -> String {
    words::time(unix_ms, false).get(11..19).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_795_351_267_000;

    fn dots(times: &[u64]) -> Vec<Mark> {
        times.iter().map(|at| Mark { lane: Lane::Calls, shape: Shape::Dot, at_ms: T + at }).collect()
    }

    #[test]
    fn marks_stand_in_order_inside_the_drawing_and_near_ones_are_counted() {
        let svg = draw(&dots(&[0, 10_000, 10_100, 10_200, 20_000]), &[]).expect("a drawing");
        assert_eq!(svg.as_str().matches("class=\"mark\"").count(), 3, "{}", svg.as_str());
        assert!(svg.as_str().contains("x=\"5.00%\"") && svg.as_str().contains("x=\"95.00%\""));
        assert!(svg.as_str().contains(">3</text>"), "{}", svg.as_str());
        assert!(svg.as_str().contains(">12:41:07</text>") && svg.as_str().contains(">12:41:27</text>"));
    }

    #[test]
    fn what_lies_before_the_token_is_counted_at_the_edge_and_its_end_is_drawn() {
        let marks: Vec<Mark> = dots(&[0, 5, 60_000, 90_000]);
        let life = Life { from_ms: T + 50_000, to_ms: T + 80_000, is_revoked: true };
        let svg = draw(&marks, &[life]).expect("a drawing");
        assert!(svg.as_str().contains("◂ 2 earlier"), "{}", svg.as_str());
        assert_eq!(svg.as_str().matches("class=\"boundary\"").count(), 1);
        assert_eq!(svg.as_str().matches("class=\"given\"").count(), 1);
    }

    #[test]
    fn a_long_silence_is_cut_and_says_how_long_it_was() {
        let scale = Scale::of(&dots(&[0, 1_000, 11_401_000, 11_402_000]), &[]).expect("a scale");
        assert_eq!(scale.silence, Some((T + 1_000, T + 11_401_000)));
        let places: Vec<u64> = [0, 1_000, 11_401_000, 11_402_000].iter().map(|at| scale.place(T + at)).collect();
        assert!(places.is_sorted() && places[0] == MARGIN && places[3] == WIDE - MARGIN, "{places:?}");
        assert_eq!(places[2] - places[1], CUT);
        let svg = draw(&dots(&[0, 1_000, 11_401_000, 11_402_000]), &[]).expect("a drawing");
        assert!(svg.as_str().contains("⫽ 3\u{a0}h 10\u{a0}min"), "{}", svg.as_str());
    }

    #[test]
    fn every_place_is_inside_whatever_the_times() {
        for times in [[0, 1, u64::MAX - T], [0, 1, 2], [0, 0, 1]] {
            let scale = Scale::of(&dots(&times), &[]).expect("a scale");
            for at in [0, 1, u64::MAX / 2, u64::MAX] {
                assert!((MARGIN..=WIDE - MARGIN).contains(&scale.place(at)), "{times:?}");
            }
        }
        assert!(draw(&dots(&[7, 7]), &[]).is_none() && draw(&[], &[]).is_none(), "no time passes");
    }
}
