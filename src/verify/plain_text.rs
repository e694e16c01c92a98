//! Other people's text on its way to a terminal or a plain text file.
//!
//! Control characters can move the cursor and rewrite lines that were already
//! printed; bidirectional and invisible ones make one text look like another.
//! All of them print as `\u{…}`, so that what is seen is what is there. A
//! backslash prints as it is: nothing here is meant to be read back.

use std::fmt::Write as _;

use crate::text::unseen::is_hidden;

/// `text` with every character that a reader could not see, or that acts on a
/// terminal, as `\u{…}`. Line breaks and tabs too: one value, one line.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String never fails.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Many lines, each escaped on its own: for pretty-printed JSON.
#[must_use]
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_would_act_on_a_terminal_or_hide() {
        let hostile = [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\rb\nc\td", "a\\u{d}b\\u{a}c\\u{9}d"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("pay\u{202e}txt.exe", "pay\\u{202e}txt.exe"),
            ("a\u{200b}b\u{2066}c\u{feff}", "a\\u{200b}b\\u{2066}c\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("\u{7f}", "\\u{7f}"),
            ("a\u{2800}b\u{1bca0}c\u{1d173}", "a\\u{2800}b\\u{1bca0}c\\u{1d173}"),
            ("a\u{fdd0}\u{ffff}", "a\\u{fdd0}\\u{ffff}"),
        ];
        for (text, want) in hostile {
            assert_eq!(escape(text), want);
        }
        assert_eq!(escape("Zürich, 東京, ünï 😀"), "Zürich, 東京, ünï 😀");
        assert_eq!(escape_lines("{\n \"\u{1b}\"\n}"), "{\n \"\\u{1b}\"\n}");
    }
}
