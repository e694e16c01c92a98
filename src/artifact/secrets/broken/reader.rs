//! Text as parts between dots: runs of base64url characters, and what breaks
//! them.

use crate::artifact::secrets::broken::escapes::escape;
use crate::text::base64url;
use crate::text::unseen::is_unseen;

/// What stands between two runs of base64url characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    #[default]
    Nothing,
    /// `=` alone: padding belongs to a part.
    Padding,
    /// Ordinary blanks: what follows belongs to the token only if the part
    /// before was broken by what no writer of a sentence puts there.
    Blank,
    /// A line end, a wrap or a character that nobody sees.
    Line,
}

/// Characters of one byte each without a break inside, or one that the text
/// spells with more.
pub(super) struct Run {
    pub(super) before: Break,
    /// Of its first character among those of the part.
    pub(super) from: usize,
    /// Of its first byte in the text.
    pub(super) at: usize,
    /// Byte behind it.
    pub(super) to: usize,
}

/// What stands between two dots.
#[derive(Default)]
pub(super) struct Part {
    pub(super) chars: Vec<u8>,
    pub(super) runs: Vec<Run>,
    /// Byte behind it, and behind the dot that ended it.
    pub(super) end: usize,
    after: Break,
    /// Where the dot stands that ended it.
    pub(super) dot: Option<usize>,
}

impl Part {
    pub(super) fn is_ended_by_dot(&self) -> bool {
        self.dot.is_some()
    }

    pub(super) fn leading(&self) -> Break {
        self.runs.first().map_or(self.after, |run| run.before)
    }

    /// Number of characters up to the end of a run.
    pub(super) fn run_end(&self, run: usize) -> usize {
        self.runs.get(run + 1).map_or(self.chars.len(), |next| next.from)
    }

    /// Whether the part is broken, when all of it from this run on belongs
    /// together; `None` when it does not. `broken`: whether it is before.
    pub(super) fn joins(&self, run: usize, broken: bool) -> Option<bool> {
        let later = self.runs.iter().skip(run + 1).map(|run| run.before);
        later.chain([self.after]).try_fold(broken, |broken, is| match is {
            Break::Blank if !broken => None,
            is => Some(broken || is == Break::Line),
        })
    }

    /// The run that holds a character, and its byte in the text.
    pub(super) fn place(&self, character: usize) -> (usize, usize) {
        let run = self.runs.partition_point(|run| run.from <= character).saturating_sub(1);
        self.runs.get(run).map_or((run, self.end), |found| (run, found.at + character - found.from))
    }
}

/// What a character is to a token.
enum Is {
    Character(u8),
    Dot,
    Break(Break),
}

impl Is {
    fn of(c: char) -> Option<Self> {
        let character = u8::try_from(c).ok().filter(|byte| base64url::value(*byte).is_some());
        if let Some(byte) = character {
            return Some(Self::Character(byte));
        }
        match c {
            '.' => Some(Self::Dot),
            '=' => Some(Self::Break(Break::Padding)),
            ' ' => Some(Self::Break(Break::Blank)),
            c => is_unseen(c).then_some(Self::Break(Break::Line)),
        }
    }
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Reader<'_> {
    /// The part that starts here. Ends behind a dot, or before whatever
    /// belongs to no token.
    pub(super) fn part(&mut self) -> Part {
        let (mut part, mut before) = (Part::default(), Break::Nothing);
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().take_while(|byte| base64url::value(**byte).is_some()).count();
            if plain > 0 {
                self.run(&mut part, std::mem::take(&mut before), &rest[..plain], plain);
                continue;
            }
            let Some((is, length)) = self.here() else { break };
            match is {
                Is::Character(byte) => self.run(&mut part, std::mem::take(&mut before), &[byte], length),
                Is::Dot => {
                    part.dot = Some(self.at);
                    self.at += length;
                    break;
                }
                Is::Break(is) => {
                    self.at += length;
                    before = before.max(is);
                }
            }
        }
        (part.after, part.end) = (before, self.at);
        part
    }

    /// Takes characters that have so many bytes in the text.
    fn run(&mut self, part: &mut Part, before: Break, chars: &[u8], length: usize) {
        let (from, at) = (part.chars.len(), self.at);
        self.at += length;
        part.runs.push(Run { before, from, at, to: self.at });
        part.chars.extend_from_slice(chars);
    }

    /// What stands here, and how many bytes it has.
    fn here(&self) -> Option<(Is, usize)> {
        let rest = &self.text[self.at..];
        if let Some((c, length)) = escape(rest.as_bytes()) {
            return Is::of(c).map(|is| (is, length));
        }
        let c = rest.chars().next()?;
        Is::of(c).map(|is| (is, c.len_utf8()))
    }

    /// Steps over the character that ended the last part; false at the end.
    pub(super) fn skip(&mut self) -> bool {
        let next = self.text[self.at..].chars().next();
        self.at += next.map_or(0, char::len_utf8);
        next.is_some()
    }
}
