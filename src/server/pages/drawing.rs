//! The drawings: two proofs, two small scales and the time line, as SVG text.
//!
//! Each is made in two steps, both pure: sizes and indexes give blocks, blocks
//! give geometry. Hashes only label the list beside a drawing, and no text of
//! evidence ever enters one. Units are px at 1:1; every drawing of a proof is
//! 288 wide, which is what a phone of 320 px leaves.
//!
//! Growth is drawn from numbers only. A proof that does not fold is not drawn.

pub mod ladder;
pub(crate) mod lanes;
pub(crate) mod life;
pub mod scale;
pub mod strip;

use std::fmt;
use std::ops::Range;

/// Width of a proof drawing.
pub const WIDTH: u64 = 288;

/// SVG made here, and only here: the one markup that templates print as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Every character of an `Svg` is written by this room from numbers.
impl askama::filters::HtmlSafe for Svg {}

impl Svg {
    /// The SVG text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a box may say.
enum Label {
    /// "4", "6–7".
    Range,
    /// "1 leaf", "2³⁹ leaves", "to the end".
    Count,
}

/// Entries of a block in words: "4" or "6–7", both ends included.
#[must_use]
pub fn range_words(range: &Range<u64>) -> String {
    if range.end - range.start == 1 {
        return range.start.to_string();
    }
    format!("{}–{}", range.start, range.end - 1)
}

/// The label of a block within `chars_max` characters: its range, or how many
/// leaves it has. A block that is no power of two is the one at the right edge.
#[must_use]
pub fn block_label(range: &Range<u64>, chars_max: usize) -> String {
    let words = range_words(range);
    let label = if words.chars().count() <= chars_max { Label::Range } else { Label::Count };
    let count = range.end - range.start;
    match label {
        Label::Range => words,
        Label::Count if !count.is_power_of_two() => "to the end".to_owned(),
        Label::Count if count == 1 => "1 leaf".to_owned(),
        Label::Count if count <= 512 => format!("{count} leaves"),
        Label::Count => format!("2{} leaves", superscript(count.trailing_zeros())),
    }
}

fn superscript(number: u32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    number.to_string().bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect()
}

/// `text` when it fits, else the shorter word for it.
fn fitting(text: String, chars_max: usize, else_say: &str) -> String {
    if text.chars().count() <= chars_max { text } else { else_say.to_owned() }
}

/// Height of every box.
const BOX_HEIGHT: u64 = 28;
/// From the middle of a line of 12 px text to its baseline.
const BASELINE: u64 = 4;

/// SVG text under construction: lines first, so that boxes lie on top.
struct Canvas {
    lines: String,
    boxes: String,
}

impl Canvas {
    fn new() -> Self {
        Self { lines: String::new(), boxes: String::new() }
    }

    fn line(&mut self, path: fmt::Arguments<'_>) {
        self.lines.push_str(&format!("<path class=\"line\" d=\"{path}\"/>\n"));
    }

    fn boundary(&mut self, y: u64, label: &str) {
        let half = label.chars().count() as u64 * 4 + 6;
        self.boxes.push_str(&format!("<path class=\"boundary\" d=\"M8 {y}H280\"/>\n"));
        self.boxes.push_str(&format!(
            "<rect class=\"gap\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\"/>\n<text x=\"144\" y=\"{}\">{label}</text>\n",
            144 - half,
            y - 8,
            2 * half,
            y + BASELINE,
        ));
    }

    fn labelled_box(&mut self, class: &str, x: u64, y: u64, width: u64, label: &str) {
        self.boxes.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"4\"/>\n\
             <text x=\"{}\" y=\"{}\">{label}</text>\n",
            x + width / 2,
            y + BOX_HEIGHT / 2 + BASELINE,
        ));
    }

    fn joint(&mut self, x: u64, y: u64, number: usize) {
        self.boxes.push_str(&format!(
            "<circle class=\"joint\" cx=\"{x}\" cy=\"{y}\" r=\"9\"/>\n<text x=\"{x}\" y=\"{}\">{number}</text>\n",
            y + BASELINE,
        ));
    }

    fn finish(self, name: &str, title: &str, height: u64) -> Svg {
        Svg(format!(
            "<svg class=\"drawing\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-labelledby=\"{name}-title\" aria-describedby=\"{name}-steps\">\n\
             <title id=\"{name}-title\">{title}</title>\n{}{}</svg>\n",
            self.lines, self.boxes,
        ))
    }
}
