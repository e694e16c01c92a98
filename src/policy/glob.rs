//! Patterns of the registry's policies (PEERS 6.6), matched in bounded time.
//!
//! ```text
//! *    exactly this: anything          inside: any run without '/'
//! **   any run at all; a '/' right after it belongs to it
//! ?    one UTF-16 code unit, not '/'   everything else: itself, case-sensitive
//! ```
//! Code units, because that is what the peer's matcher counts.

const SLASH: u16 = b'/' as u16;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Unit(u16),
    /// One unit that is no slash.
    One,
    /// A run without slash.
    Run,
    /// Any run.
    Any,
}

/// The code units that patterns are matched against.
pub(super) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

impl Glob {
    /// Every text is a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        if pattern == "*" {
            return Self { tokens: vec![Token::Any] };
        }
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let (token, taken) = match first {
                '*' if rest.starts_with("**/") => (Token::Any, 3),
                '*' if rest.starts_with("**") => (Token::Any, 2),
                '*' => (Token::Run, 1),
                '?' => (Token::One, 1),
                _ => {
                    let mut buffer = [0; 2];
                    tokens.extend(first.encode_utf16(&mut buffer).iter().map(|unit| Token::Unit(*unit)));
                    rest = &rest[first.len_utf8()..];
                    continue;
                }
            };
            // A run beside "any" adds nothing; matching relies on no two in a row.
            if !(token.is_run() && tokens.last() == Some(&Token::Any)) {
                tokens.push(token);
            }
            rest = &rest[taken..];
        }
        Self { tokens }
    }

    /// Whether the whole of `text` fits. Cost: length of the pattern times
    /// length of the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_units(&units(text))
    }

    pub(super) fn matches_units(&self, text: &[u16]) -> bool {
        // Names that differ at once are most of all asked: no table for them.
        if let (Some(Token::Unit(first)), Some(unit)) = (self.tokens.first(), text.first())
            && first != unit
        {
            return false;
        }
        // live[i]: the text so far may stand before token i.
        let mut live = vec![false; self.tokens.len() + 1];
        live[0] = true;
        self.skip_runs(&mut live);
        for unit in text {
            let mut next = vec![false; live.len()];
            for (at, token) in self.tokens.iter().enumerate().filter(|(at, _)| live[*at]) {
                match token {
                    Token::Unit(own) => next[at + 1] |= own == unit,
                    Token::One => next[at + 1] |= *unit != SLASH,
                    Token::Run => next[at] |= *unit != SLASH,
                    Token::Any => next[at] = true,
                }
            }
            self.skip_runs(&mut next);
            live = next;
        }
        live[self.tokens.len()]
    }

    /// A run may be empty, so whoever stands before one also stands after it.
    fn skip_runs(&self, live: &mut [bool]) {
        for (at, token) in self.tokens.iter().enumerate() {
            live[at + 1] |= live[at] && token.is_run();
        }
    }
}

impl Token {
    fn is_run(self) -> bool {
        matches!(self, Self::Run | Self::Any)
    }
}
