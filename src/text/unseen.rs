//! The one table of characters that nobody sees.
//!
//! Controls can move a cursor and rewrite what stands already; characters that
//! turn, join or hide make one text look like another. Ids hold none of them,
//! pages and terminals show them by number.

/// Ranges, both ends included, of characters that act on a display or that a
/// reader cannot see: controls, blanks other than U+0020, line and paragraph
/// separators, what Unicode calls `Default_Ignorable_Code_Point`, interlinear
/// annotations, the blank Braille pattern, noncharacters of the first plane.
/// Sorted, apart; committed as `tests/golden/unseen.tsv`.
pub const UNSEEN: &[(char, char)] = &[
    ('\u{0}', '\u{1f}'),
    ('\u{7f}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a reader could not see this character, or it acts on a display.
/// U+0020 is seen.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return false;
    }
    let after = UNSEEN.partition_point(|(first, _)| *first <= c);
    UNSEEN[..after].last().is_some_and(|(_, last)| c <= *last)
}

/// Whether a text that is shown names this character instead of drawing it.
/// Two sorts of unseen ones are drawn: blanks of another width, which a
/// reader sees as blanks, and variation selectors, which dress the character
/// before them.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let is_drawn = matches!(c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        | '\u{fe00}'..='\u{fe0f}');
    is_unseen(c) && !is_drawn
}
