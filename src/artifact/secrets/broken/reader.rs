//! Text as parts between dots: runs of base64url characters, and what breaks
//! them.

use crate::artifact::digest::b64u_value;
use crate::artifact::spelling::is_unseen;

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

/// Characters without a break inside.
pub(super) struct Run {
    pub(super) before: Break,
    /// Of its first character among those of the part.
    pub(super) from: usize,
    /// Of its first byte in the text.
    pub(super) at: usize,
}

/// What stands between two dots.
#[derive(Default)]
pub(super) struct Part {
    pub(super) chars: Vec<u8>,
    pub(super) runs: Vec<Run>,
    /// Byte behind it, and behind the dot that ended it.
    pub(super) end: usize,
    after: Break,
    ended_by_dot: bool,
}

impl Part {
    pub(super) fn is_ended_by_dot(&self) -> bool {
        self.ended_by_dot
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

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Reader<'_> {
    /// The part that starts here. Ends behind a dot, or before whatever
    /// belongs to no token.
    pub(super) fn part(&mut self) -> Part {
        let (mut part, mut before, mut is_open) = (Part::default(), Break::Nothing, false);
        while let Some(c) = self.text[self.at..].chars().next() {
            if let Some(byte) = u8::try_from(c).ok().filter(|byte| b64u_value(*byte).is_some()) {
                if !is_open {
                    part.runs.push(Run { before, from: part.chars.len(), at: self.at });
                    (before, is_open) = (Break::Nothing, true);
                }
                part.chars.push(byte);
                self.at += 1;
                continue;
            }
            if c == '.' {
                (part.ended_by_dot, self.at) = (true, self.at + 1);
                break;
            }
            let Some((is, length)) = self.break_here(c) else { break };
            self.at += length;
            (before, is_open) = (before.max(is), false);
        }
        (part.after, part.end) = (before, self.at);
        part
    }

    /// What kind of break stands here, and how many bytes it has.
    fn break_here(&self, c: char) -> Option<(Break, usize)> {
        match c {
            '=' => Some((Break::Padding, 1)),
            ' ' => Some((Break::Blank, 1)),
            // A line end as programs spell it, or as a shell continues one.
            '\\' => match self.text.as_bytes().get(self.at + 1) {
                Some(b'n' | b'r') => Some((Break::Line, 2)),
                Some(b'\n' | b'\r') => Some((Break::Line, 1)),
                _ => None,
            },
            c => is_unseen(c).then_some((Break::Line, c.len_utf8())),
        }
    }

    /// Steps over the character that ended the last part; false at the end.
    pub(super) fn skip(&mut self) -> bool {
        let next = self.text[self.at..].chars().next();
        self.at += next.map_or(0, char::len_utf8);
        next.is_some()
    }
}
