//! The inline elements of a page: the only types, with [`Svg`], that print
//! markup of their own. Everything else is escaped by the template.
//!
//! [`Svg`]: super::drawing::Svg

use std::fmt;

use askama::filters::HtmlSafe;

use crate::server::pages::escape::{self, Lines, MESSAGE_CHARS_MAX, NAME_CHARS_MAX};
use crate::server::pages::words;

/// Names up to this long are kept on one line where there is room.
const SHORT_CHARS_MAX: usize = 24;

/// Text that somebody else wrote, isolated and cut:
/// `<bdi>payments-api</bdi>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// A name: at most [`NAME_CHARS_MAX`] characters.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self::cut(text, NAME_CHARS_MAX)
    }

    /// A message: at most [`MESSAGE_CHARS_MAX`] characters.
    #[must_use]
    pub fn message(text: &str) -> Self {
        Self::cut(text, MESSAGE_CHARS_MAX)
    }

    /// A name of parts with slashes between, which a narrow screen breaks there.
    #[must_use]
    pub fn path(text: &str) -> Self {
        let said = Self::name(text);
        let inner = said.0.split_once('>').and_then(|(open, rest)| Some((open, rest.strip_suffix("</bdi>")?)));
        match inner {
            // What stands out in it is markup already.
            Some((open, inner)) if !inner.contains('<') => {
                Self(format!("{open}>{}</bdi>", inner.replace('/', "/<wbr>")))
            }
            _ => said,
        }
    }

    /// A time among names.
    #[must_use]
    pub fn when(at: When) -> Self {
        Self(at.to_string())
    }

    /// Lines for a `<pre>`; the caller has cut them.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + 32);
        out.push_str("<bdi>");
        escape::html(text, Lines::Keep, &mut out);
        out.push_str("</bdi>");
        Self(out)
    }

    fn cut(text: &str, chars_max: usize) -> Self {
        let (kept, left) = escape::cut(text, chars_max);
        let is_short = kept.chars().count() <= SHORT_CHARS_MAX;
        let mut out = String::from(if is_short { "<bdi class=\"short\">" } else { "<bdi>" });
        escape::html(kept, Lines::Show, &mut out);
        out.push_str("</bdi>");
        if left > 0 {
            let left = words::quantity(left as u64);
            out.push_str(&format!(" <span class=\"cut\">… {left} more characters, in the body</span>"));
        }
        Self(out)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Said {}

/// A hash or key that shows its ends and holds the whole: one click selects
/// all of it, copying gives all of it, print and proof lists show all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip(String);

impl Chip {
    /// A hash in lowercase hex: first eight, last eight.
    #[must_use]
    pub fn hash(hex: &str) -> Self {
        Self::new(hex, 8, 8)
    }

    /// A DID: method and key type, six more, last eight.
    #[must_use]
    pub fn did(did: &str) -> Self {
        Self::new(did, "did:key:z6Mk".len() + 6, 8)
    }

    fn new(text: &str, head: usize, tail: usize) -> Self {
        // Splitting at bytes needs ASCII; anything else is no hash and no did:key.
        let is_short = !text.is_ascii() || text.len() <= head + tail + 1;
        let mut out = String::from("<code class=\"hash\"><bdi>");
        if is_short {
            escape::html(escape::cut(text, NAME_CHARS_MAX).0, Lines::Show, &mut out);
        } else {
            escape::html(&text[..head], Lines::Show, &mut out);
            out.push_str("<span class=\"mid\">");
            escape::html(&text[head..text.len() - tail], Lines::Show, &mut out);
            out.push_str("</span>");
            escape::html(&text[text.len() - tail..], Lines::Show, &mut out);
        }
        out.push_str("</bdi></code>");
        Self(out)
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Chip {}

/// A moment: `<time datetime="…">2026-11-22 12:41:07 UTC</time>`. Whose clock
/// it was stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    unix_ms: u64,
    with_ms: bool,
}

impl When {
    /// To the second.
    #[must_use]
    pub const fn second(unix_ms: u64) -> Self {
        Self { unix_ms, with_ms: false }
    }

    /// To the millisecond: entry pages only.
    #[must_use]
    pub const fn millisecond(unix_ms: u64) -> Self {
        Self { unix_ms, with_ms: true }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = words::time(self.unix_ms, self.with_ms);
        write!(f, "<time datetime=\"{}\">{shown}</time>", words::machine_time(self.unix_ms))
    }
}

impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_holds_the_whole_hash() {
        let hex = "8f1593cb92f429d9340b9bbc1f0bb122adf8026c42a4a42142e2168931727236";
        let chip = Chip::hash(hex).to_string();
        let text: String = chip.replace("<span class=\"mid\">", "").replace("</span>", "");
        assert!(text.contains(hex));
        assert!(chip.contains("8f1593cb<span"));
    }

    #[test]
    fn said_is_always_isolated_and_says_what_it_cut() {
        assert_eq!(Said::name("a").to_string(), "<bdi class=\"short\">a</bdi>");
        let long = Said::name(&"x".repeat(1_400)).to_string();
        assert!(
            long.ends_with("</bdi> <span class=\"cut\">… 1\u{202f}200 more characters, in the body</span>"),
            "{long}"
        );
    }

    #[test]
    fn a_path_breaks_at_its_slashes_and_stays_what_it_is() {
        let text = "argocd-production/argocd/payments-api";
        assert_eq!(Said::path(text).to_string(), "<bdi>argocd-production/<wbr>argocd/<wbr>payments-api</bdi>");
        for other in ["a/\u{202e}b/c", "</bdi>/<b>", ""] {
            let plain = Said::path(other).to_string().replace("/<wbr>", "/");
            assert_eq!(plain, Said::name(other).to_string());
        }
    }

    #[test]
    fn a_chip_of_something_else_is_still_text() {
        assert_eq!(Chip::did("<é>").to_string(), "<code class=\"hash\"><bdi>&lt;é&gt;</bdi></code>");
    }
}
