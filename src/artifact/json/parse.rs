use std::borrow::Cow;

use super::room::Room;
use super::{JsonError, Number, Object, SAFE_INTEGER_MAX, Value, array_index};
use crate::artifact::shape::echo;

/// Longest path an error prints, in bytes; deeper ones lose their end.
const PATH_BYTES_MAX: usize = 256;

/// Parses exactly one JSON value (RFC 8259 grammar, RFC 7493 limits). Linear in
/// `bytes`; recursion is bounded by `max_depth`. Texts without escapes stand in
/// `bytes`.
///
/// # Errors
/// The first broken rule and its byte offset; nothing is repaired.
pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Value<'_>, JsonError> {
    parse_within(bytes, max_depth, usize::MAX)
}

/// The same for bytes that nobody vouches for: stops where the values would
/// take more than `room` bytes of memory, each text its own.
///
/// # Errors
/// Those of [`parse`], and [`JsonError::OverRoom`].
pub fn parse_within(bytes: &[u8], max_depth: usize, room: usize) -> Result<Value<'_>, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::Bom { at: 0 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 { at: error.valid_up_to() })?;
    let mut parser = Parser { text, bytes, at: 0, max_depth, room: Room::new(room) };
    let value = parser.value(1)?;
    parser.skip_space();
    if parser.at < bytes.len() {
        return Err(JsonError::TrailingData { at: parser.at });
    }
    Ok(value)
}

/// Room that an object starts with.
const USUAL_MEMBERS: usize = 8;

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    max_depth: usize,
    room: Room,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not white space, not yet consumed.
    fn peek(&mut self) -> Result<u8, JsonError> {
        self.skip_space();
        self.bytes.get(self.at).copied().ok_or(JsonError::Truncated { at: self.at })
    }

    /// Goes on only where there was room.
    fn within(&self, taken: Option<()>) -> Result<(), JsonError> {
        taken.ok_or(JsonError::OverRoom { at: self.at, max: self.room.max })
    }

    fn syntax(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax { at: self.at, expected }
    }

    /// `depth` is that of the container which this value would open.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        match self.peek()? {
            b'"' => Ok(Value::String(self.string()?)),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            _ => Err(self.syntax("a value")),
        }
    }

    fn literal(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        if word.as_bytes().starts_with(rest) {
            return Err(JsonError::Truncated { at: self.bytes.len() });
        }
        Err(self.syntax("true, false or null"))
    }

    fn open(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > self.max_depth {
            return Err(JsonError::TooDeep { at: self.at, max: self.max_depth });
        }
        self.at += 1;
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.open(depth)?;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            let item = self.value(depth + 1).map_err(|error| error.below(|| format!("[{}]", items.len())))?;
            let taken = self.room.take_element(&items);
            self.within(taken)?;
            items.push(item);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.syntax("',' or ']'")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.open(depth)?;
        let mut object = Object { members: Vec::with_capacity(USUAL_MEMBERS), index: None };
        let mut has_index_names = false;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Object(Object::new()));
        }
        let taken = self.room.take_members(USUAL_MEMBERS);
        self.within(taken)?;
        loop {
            if self.peek()? != b'"' {
                return Err(self.syntax("a member name"));
            }
            let name_at = self.at;
            let name = self.string()?;
            if object.contains(&name) {
                return Err(JsonError::DuplicateKey { at: name_at, path: echo(&name) });
            }
            if self.peek()? != b':' {
                return Err(self.syntax("':'"));
            }
            self.at += 1;
            let value = self.value(depth + 1).map_err(|error| error.below(|| echo(&name)))?;
            has_index_names |= array_index(&name).is_some();
            let taken = self.room.take_member(&object, &name);
            self.within(taken)?;
            object.push(name, value);
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    break;
                }
                _ => return Err(self.syntax("',' or '}'")),
            }
        }
        if has_index_names {
            object.restore_order();
        }
        Ok(Value::Object(object))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let plain_from = self.at;
        let run = self.plain_run()?;
        if self.bytes[run] == b'"' {
            self.at = run + 1;
            let taken = self.room.take_text(&self.text[plain_from..run]);
            self.within(taken)?;
            return Ok(Cow::Borrowed(&self.text[plain_from..run]));
        }
        // Escapes only ever shrink, so what is left up to the next quote is a
        // good guess at the length.
        let mut text = String::with_capacity(run - plain_from + 32);
        text.push_str(&self.text[plain_from..run]);
        self.at = run;
        loop {
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    let taken = self.room.take_text(&text);
                    self.within(taken)?;
                    return Ok(Cow::Owned(text));
                }
                _ => text.push(self.escape()?),
            }
            let run = self.plain_run()?;
            text.push_str(&self.text[self.at..run]);
            self.at = run;
        }
    }

    /// Offset of the next quote or backslash; everything before it stands for
    /// itself. Both are ASCII, so slices that end there are whole characters.
    fn plain_run(&self) -> Result<usize, JsonError> {
        let rest = &self.bytes[self.at..];
        // Blocks without a way out let the compiler look at all their bytes at once.
        let is_plain = |block: &&[u8; 16]| !block.iter().fold(false, |ends, byte| ends | ends_run(*byte));
        let plain = 16 * rest.as_chunks::<16>().0.iter().take_while(is_plain).count();
        let Some(offset) = rest[plain..].iter().position(|byte| ends_run(*byte)) else {
            return Err(JsonError::Truncated { at: self.bytes.len() });
        };
        let at = self.at + plain + offset;
        match self.bytes[at] {
            b'"' | b'\\' => Ok(at),
            _ => Err(JsonError::Syntax { at, expected: "control characters to be escaped" }),
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let escape_at = self.at;
        let Some(letter) = self.bytes.get(self.at + 1) else {
            return Err(JsonError::Truncated { at: self.bytes.len() });
        };
        self.at += 2;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(escape_at),
            _ => {
                return Err(JsonError::Syntax { at: escape_at, expected: "a known escape" });
            }
        })
    }

    fn unicode_escape(&mut self, escape_at: usize) -> Result<char, JsonError> {
        let lone = JsonError::LoneSurrogate { at: escape_at };
        let first = self.hex4()?;
        let code = match first {
            0xd800..0xdc00 => {
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return Err(lone);
                }
                self.at += 2;
                match self.hex4()? {
                    second @ 0xdc00..0xe000 => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err(lone),
                }
            }
            code => code,
        };
        char::from_u32(code).ok_or(lone)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.bytes.get(self.at).ok_or(JsonError::Truncated { at: self.at })?;
            let digit = char::from(*byte).to_digit(16).ok_or(self.syntax("four hex digits"))?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let from = self.at;
        let negative = self.bytes[self.at] == b'-';
        self.at += usize::from(negative);
        let digits_from = self.at;
        let first = self.bytes.get(self.at).copied();
        let mut integer = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            // Wraps only beyond 15 digits, where it is not used.
            integer = integer.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - digits_from;
        if digits == 0 {
            return Err(self.after_number("a digit"));
        }
        if digits > 1 && first == Some(b'0') {
            return Err(JsonError::Syntax { at: digits_from, expected: "no leading zero" });
        }
        if digits <= 15 && !matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            let value = integer as f64;
            return Ok(Value::Number(Number(if negative && integer != 0 { -value } else { value })));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mantissa_to = self.at;
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.double(from, mantissa_to)
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == from { Err(self.after_number("a digit")) } else { Ok(()) }
    }

    fn after_number(&self, expected: &'static str) -> JsonError {
        match self.bytes.get(self.at) {
            None => JsonError::Truncated { at: self.at },
            Some(_) => self.syntax(expected),
        }
    }

    fn double(&self, from: usize, mantissa_to: usize) -> Result<Value<'a>, JsonError> {
        // The JSON grammar is a subset of what `f64` reads; the arm is for a
        // mistake in the scanner above.
        let value: f64 = self.text[from..self.at].parse().map_err(|_| self.syntax("a number"))?;
        if !value.is_finite() {
            return Err(JsonError::NumberOverflow { at: from });
        }
        if value.fract() == 0.0 && value.abs() > SAFE_INTEGER_MAX {
            return Err(JsonError::NumberUnsafe { at: from });
        }
        if value == 0.0 && self.bytes[from..mantissa_to].iter().any(|byte| (b'1'..=b'9').contains(byte)) {
            return Err(JsonError::NumberUnderflow { at: from });
        }
        Number::new(value).map(Value::Number).ok_or(JsonError::NumberUnsafe { at: from })
    }
}

impl JsonError {
    /// The same error, of a value that stands in a container at `step`. Filled
    /// in while returning, so that a good value costs nothing.
    fn below(self, step: impl FnOnce() -> String) -> Self {
        let Self::DuplicateKey { at, path } = self else { return self };
        let (mut outer, inner) = (step(), if path.len() > PATH_BYTES_MAX { "…" } else { &path });
        if !inner.starts_with('[') {
            outer.push('.');
        }
        Self::DuplicateKey { at, path: outer + inner }
    }
}

/// Whether a byte inside a text does not stand for itself.
fn ends_run(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::super::DEPTH_MAX;
    use super::*;

    fn stands_in(text: &str, input: &[u8]) -> bool {
        input.as_ptr_range().contains(&text.as_ptr())
    }

    #[test]
    fn a_text_or_name_stands_in_the_input_unless_it_has_an_escape() {
        let input = r#"{"plain":["as it is","é",""],"esc\u0061ped":"a\tb"}"#.as_bytes();
        let value = parse(input, DEPTH_MAX).expect("JSON");
        for (name, member) in value.as_object().expect("an object").iter() {
            let texts = member.as_array().unwrap_or(std::slice::from_ref(member)).iter();
            let mut texts = texts.filter_map(Value::as_str).chain([name]);
            assert!(texts.all(|text| stands_in(text, input) == (name == "plain")), "{name}");
        }
        assert_eq!(value.text_at("escaped"), Some("a\tb"));
    }

    #[test]
    fn what_is_made_its_own_is_equal_and_stands_nowhere_in_the_input() {
        let many: String = (0..40).map(|n| format!("\"name {n}\":\"text {n}\",")).collect();
        let input = format!("{{{many}\"7\":[\"x\",null,true,1.5]}}");
        let value = parse(input.as_bytes(), DEPTH_MAX).expect("JSON");
        let owned = value.clone().into_owned();
        assert_eq!(owned, value);
        for (name, member) in owned.as_object().expect("an object").iter() {
            let text = member.as_str().unwrap_or(name);
            assert!(!stands_in(name, input.as_bytes()) && !stands_in(text, input.as_bytes()), "{name}");
            assert_eq!(owned.get(name), value.get(name), "{name}");
        }
    }

    #[test]
    fn a_value_takes_four_words_and_a_member_seven() {
        assert_eq!((size_of::<Value<'_>>(), size_of::<(Cow<'_, str>, Value<'_>)>()), (32, 56));
    }
}
