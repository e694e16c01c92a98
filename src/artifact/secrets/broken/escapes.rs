//! Characters that a text spells instead of holding them: `\n` as a program
//! prints a line end, `%2E` as an address writes a dot, `&#10;` and `<br>` as a
//! page does, `=2E` as mail does. Each is read as what it stands for.

use std::ops::RangeInclusive;

/// How often something may have escaped an escape again (`\\n`, `%250A`,
/// `&amp;#10;`). Further ones are read as text.
const AGAIN_MAX: usize = 4;
/// Longest reference of HTML, and longest tag, bytes.
const NAME_BYTES_MAX: usize = 32;

/// Characters that HTML has a name for and that may stand in a token or break
/// one.
const NAMED: &[(&str, char)] = &[
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("ZeroWidthSpace", '\u{200b}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("NoBreak", '\u{2060}'),
    ("period", '.'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("equals", '='),
];
/// Tags at which a page breaks a line or a word.
const TAGS: &[&str] = &["br", "wbr", "p", "/p", "div", "/div"];

/// The character that is spelled at the beginning of `text`, and how many bytes
/// that takes. Looks at no more than a few bytes.
pub(super) fn escape(text: &[u8]) -> Option<(char, usize)> {
    match text.first()? {
        b'\\' => backslash(text),
        b'%' => percent(text),
        b'&' => reference(text),
        b'=' => quoted(text),
        b'<' => tag(text),
        _ => None,
    }
}

/// `\n`, `\x2e`, `\u002e`, `\u{2e}`, `\056`, `\_`, and a line end that a shell
/// continues; behind as many backslashes as texts inside texts make of one.
fn backslash(text: &[u8]) -> Option<(char, usize)> {
    let slashes = text.iter().take(2 << AGAIN_MAX).take_while(|byte| **byte == b'\\').count();
    let rest = &text[slashes..];
    let (c, length) = match *rest.first()? {
        b'x' => (hex(rest.get(1..3)?)?, 3),
        b'u' if rest.get(1) == Some(&b'{') => {
            let end = rest.iter().take(10).position(|byte| *byte == b'}')?;
            (hex(&rest[2..end])?, end + 1)
        }
        b'u' => (hex(rest.get(1..5)?)?, 5),
        b'0'..=b'3' if rest.get(1..3).is_some_and(|two| two.iter().all(|byte| matches!(byte, b'0'..=b'7'))) => {
            let value = rest[..3].iter().fold(0, |value, byte| value * 8 + u32::from(byte - b'0'));
            (char::from_u32(value)?, 3)
        }
        b'0' | b'b' | b'f' | b'n' | b'r' | b'v' => ('\n', 1),
        b't' => ('\t', 1),
        byte @ (b'.' | b'-' | b'_' | b'=' | b' ') => (char::from(byte), 1),
        // The line end stands there itself and is read next.
        b'\n' | b'\r' => ('\n', 0),
        _ => return None,
    };
    Some((c, slashes + length))
}

/// `%0A`, and `%E2%80%8B` for a character of several bytes.
fn percent(text: &[u8]) -> Option<(char, usize)> {
    spelled(text, b'%', |first| first == b'%' || is_of_a_token(first) || is_break(first))
}

/// Quoted-printable, in its own upper case, and of what may stand in a token
/// only what a mail program would write so: `=` alone may be padding.
fn quoted(text: &[u8]) -> Option<(char, usize)> {
    let is_upper = text.get(1..3)?.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let found = spelled(text, b'=', |first| matches!(first, b'.' | b'-' | b'_' | b'=') || is_break(first))?;
    is_upper.then_some(found)
}

/// A character as its UTF-8 bytes, each as two hex digits behind `mark`; the
/// mark may itself be spelled so again. `takes`: which ASCII characters count.
fn spelled(text: &[u8], mark: u8, takes: impl Fn(u8) -> bool) -> Option<(char, usize)> {
    let (mut bytes, mut at) = ([0; 4], 0);
    let (mut have, mut want) = (0, 1);
    while have < want {
        if text.get(at) != Some(&mark) {
            return None;
        }
        at += 1;
        // `%250A`: the mark, spelled.
        for _ in 0..AGAIN_MAX {
            let is_mark = hex(text.get(at..at + 2)?) == Some(char::from(mark));
            let is_followed = text.get(at + 2..at + 4).is_some_and(|two| hex(two).is_some());
            at += if is_mark && is_followed { 2 } else { break };
        }
        let byte = u8::try_from(u32::from(hex(text.get(at..at + 2)?)?)).ok()?;
        at += 2;
        if have == 0 {
            want = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                ascii if takes(ascii) => 1,
                _ => return None,
            };
        }
        bytes[have] = byte;
        have += 1;
    }
    let c = std::str::from_utf8(&bytes[..want]).ok()?.chars().next()?;
    Some((c, at))
}

fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'=')
}

fn is_break(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control()
}

/// `&#10;`, `&#x2e;`, `&nbsp;`.
fn reference(text: &[u8]) -> Option<(char, usize)> {
    let mut at = 1;
    for _ in 0..AGAIN_MAX {
        at += if text[at..].starts_with(b"amp;") { 4 } else { break };
    }
    let name = &text[at..text.len().min(at + NAME_BYTES_MAX)];
    let end = memchr::memchr(b';', name)?;
    let c = match &name[..end] {
        [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
        [b'#', digits @ ..] => number(digits, 10, 1..=7)?,
        name => NAMED.iter().find(|(known, _)| known.as_bytes() == name)?.1,
    };
    Some((c, at + end + 1))
}

/// `<br>`, `<br />`, `<p class="x">`.
fn tag(text: &[u8]) -> Option<(char, usize)> {
    let inside = &text[1..text.len().min(1 + NAME_BYTES_MAX)];
    let end = memchr::memchr(b'>', inside)?;
    let name = inside[..end].split(|byte| byte.is_ascii_whitespace()).next()?;
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let is_known = TAGS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
    is_known.then_some(('\n', end + 2))
}

fn hex(digits: &[u8]) -> Option<char> {
    number(digits, 16, 1..=6)
}

fn number(digits: &[u8], radix: u32, length: RangeInclusive<usize>) -> Option<char> {
    let is_plain = length.contains(&digits.len()) && digits.iter().all(u8::is_ascii_alphanumeric);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_plain)?;
    char::from_u32(u32::from_str_radix(text, radix).ok()?)
}
