//! Other people's text on its way into HTML.
//!
//! Whatever an artifact says may be hostile: markup, characters that turn the
//! line around, characters that nobody sees, towers of accents, a megabyte of
//! them. Here it becomes text and nothing but text. Characters without a
//! picture of their own show as a visible token, `‹U+202E›`.
//!
//! Not done: normalisation. Two names that differ only in code points stay
//! two names.

use crate::text::unseen::is_hidden;

/// Most characters of a name.
pub const NAME_CHARS_MAX: usize = 200;
/// Most characters of a message.
pub const MESSAGE_CHARS_MAX: usize = 2_000;
/// Most combining marks in a row; the rest shows as tokens.
const MARKS_MAX: usize = 8;

/// Whether line breaks and tabs stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Inside `<pre>`.
    Keep,
    /// Everywhere else they are tokens like other control characters.
    Show,
}

/// Appends `text` as HTML text: escaped, with visible tokens.
pub fn html(text: &str, lines: Lines, out: &mut String) {
    let (mut marks, mut rest) = (0, text);
    loop {
        // Most of any text goes as it is, run by run.
        let (plain, other) = rest.split_at(rest.bytes().take_while(is_plain).count());
        out.push_str(plain);
        let Some(c) = other.chars().next() else { return };
        rest = &other[c.len_utf8()..];
        marks = match is_mark(c) {
            true if plain.is_empty() => marks + 1,
            is_first => usize::from(is_first),
        };
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' if lines == Lines::Keep => out.push(c),
            _ if is_hidden(c) || marks > MARKS_MAX => {
                out.push_str(&format!("<code class=\"token\">‹U+{:04X}›</code>", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
}

/// ASCII that is no mark, not hidden and nothing of HTML.
const fn is_plain(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

/// `text` cut to `chars_max` characters, never between a letter and its marks,
/// and how many characters were left out.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> (&str, usize) {
    let Some((mut end, _)) = text.char_indices().nth(chars_max) else { return (text, 0) };
    let joins = |end: usize| {
        let next = text[end..].chars().next();
        let previous = text[..end].chars().next_back();
        next.is_some_and(|c| is_mark(c) || c == ZERO_WIDTH_JOINER) || previous == Some(ZERO_WIDTH_JOINER)
    };
    // A tower of marks would be cut away whole; past this many it is no letter.
    for _ in 0..4 * MARKS_MAX {
        let Some(previous) = text[..end].chars().next_back().filter(|_| joins(end)) else { break };
        end -= previous.len_utf8();
    }
    (&text[..end], text[end..].chars().count())
}

/// `text` for a title or an attribute: cut, tokens without markup. The template
/// escapes it.
#[must_use]
pub fn plain(text: &str, chars_max: usize) -> String {
    let (kept, left) = cut(text, chars_max);
    let mut out = String::with_capacity(kept.len());
    for c in kept.chars() {
        if is_hidden(c) {
            out.push_str(&format!("‹U+{:04X}›", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    if left > 0 {
        out.push('…');
    }
    out
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Combining marks: characters that stand on the one before.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}'
        | '\u{711}' | '\u{730}'..='\u{74a}' | '\u{7a6}'..='\u{7b0}' | '\u{7eb}'..='\u{7f3}'
        | '\u{816}'..='\u{82d}' | '\u{859}'..='\u{85b}' | '\u{8d3}'..='\u{903}' | '\u{93a}'..='\u{93c}'
        | '\u{93e}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ecd}'
        | '\u{f71}'..='\u{f84}' | '\u{f90}'..='\u{fbc}' | '\u{135d}'..='\u{135f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{302a}'..='\u{302f}' | '\u{3099}'..='\u{309a}' | '\u{a66f}'..='\u{a67d}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1e000}'..='\u{1e02a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        html(text, Lines::Show, &mut out);
        out
    }

    #[test]
    fn escapes_everything_that_could_be_markup() {
        assert_eq!(shown("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
    }

    #[test]
    fn shows_characters_that_turn_or_hide_as_tokens() {
        for c in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{200d}', '\0', '\n', '\u{7f}', '\u{feff}', '\u{e0041}'] {
            let token = format!("<code class=\"token\">‹U+{:04X}›</code>", u32::from(c));
            assert_eq!(shown(&format!("a{c}b")), format!("a{token}b"));
        }
    }

    #[test]
    fn keeps_lines_only_where_asked() {
        let mut out = String::new();
        html("a\n\tb\u{202e}", Lines::Keep, &mut out);
        assert_eq!(out, "a\n\tb<code class=\"token\">‹U+202E›</code>");
    }

    #[test]
    fn keeps_eight_marks_and_shows_the_rest() {
        let text = format!("e{}", "\u{301}".repeat(10));
        let shown = shown(&text);
        assert_eq!(shown.matches('\u{301}').count(), 8);
        assert_eq!(shown.matches("‹U+0301›").count(), 2);
    }

    #[test]
    fn cuts_between_letters_and_counts_the_rest() {
        assert_eq!(cut("abc", 3), ("abc", 0));
        assert_eq!(cut("abcd", 3), ("abc", 1));
        assert_eq!(cut("abe\u{301}d", 3), ("ab", 3), "the accent stays with its letter");
    }
}
