//! The badge: one word as an image, for tickets. It holds our own words and
//! numbers and nothing else, loads nothing, and never says it by colour alone.

use crate::merkle::TreeSize;
use crate::server::pages::words;
use crate::verify::badge::Badge;

const LABEL: &str = "agent evidence";
/// Width of a character and of the space round a text, px at 11 px type.
const CHAR_WIDTH: usize = 7;
const PADDING: usize = 8;
const HEIGHT: usize = 20;
const LABEL_FILL: &str = "#434b55";

/// Ink that white text is read on (the pages' own, at least 4.5 to 1).
const fn fill(badge: Badge) -> &'static str {
    match badge {
        Badge::Verified => "#13592c",
        Badge::Findings(_) => "#9c1c1c",
        Badge::Incomplete => "#744a00",
        Badge::Pending { .. } | Badge::Unknown => "#505863",
    }
}

/// The badge of one size; `now`: what the newest entries make of it, where that
/// is another word.
#[must_use]
pub fn svg(badge: Badge, at: Option<TreeSize>, now: Option<Badge>) -> String {
    let own = badge.words();
    let (shown, said) = match (at, now) {
        (Some(size), Some(now)) => {
            let now = now.words();
            (format!("{own} at {size}, now {now}"), format!("{own} as of {}, now {now}", entries(size)))
        }
        (Some(size), None) => (own.clone(), format!("{own}, as of {}", entries(size))),
        (None, _) => (own.clone(), own),
    };
    // What is true now gives the colour: nothing stays silently green.
    let fill = fill(now.unwrap_or(badge));
    let (left, right) = (width(LABEL), width(&shown));
    let text = |x: usize, text: &str| {
        let length = text.chars().count() * CHAR_WIDTH;
        format!("<text x=\"{x}\" y=\"14\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>")
    };
    let total = left + right;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"{HEIGHT}\" viewBox=\"0 0 {total} {HEIGHT}\" \
         role=\"img\" aria-labelledby=\"t\"><title id=\"t\">Agent evidence: {said}</title>\
         <rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"{LABEL_FILL}\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana, DejaVu Sans, sans-serif\" font-size=\"11\">{}{}</g></svg>\n",
        text(PADDING, LABEL),
        text(left + PADDING, &shown)
    )
}

/// Without the no-break space of pages: some readers spell it out.
fn entries(size: TreeSize) -> String {
    words::entries(size.get()).replace(['\u{a0}', '\u{202f}'], " ")
}

fn width(text: &str) -> usize {
    text.chars().count() * CHAR_WIDTH + 2 * PADDING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_stands_in_text_and_title_and_gives_the_colour() {
        let drawn = svg(Badge::Findings(2), Some(TreeSize::new(24)), None);
        assert!(drawn.contains(">findings 2</text>"), "{drawn}");
        assert!(drawn.contains("<title id=\"t\">Agent evidence: findings 2, as of 24 entries</title>"), "{drawn}");
        assert!(drawn.contains("#9c1c1c") && !drawn.contains("#13592c"), "{drawn}");
    }

    #[test]
    fn an_old_verdict_never_stays_green_by_itself() {
        let drawn = svg(Badge::Verified, Some(TreeSize::new(24)), Some(Badge::Findings(1)));
        assert!(drawn.contains(">verified at 24, now findings 1</text>"), "{drawn}");
        assert!(!drawn.contains("#13592c"), "{drawn}");
    }
}
