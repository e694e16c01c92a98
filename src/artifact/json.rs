//! Strict I-JSON in, the compact form and JCS out (RFC 7493, ECMA-262 25.5,
//! RFC 8785; FORMATS 1.1 to 1.3).
//!
//! ```text
//! { "b": 1.0, "10": "\u00e9" }      what somebody sent
//! {"10":"é","b":1}                  its compact form: what is hashed, stored and served
//! ```
//!
//! The compact form is `JSON.stringify(JSON.parse(text))` to the byte, so any
//! browser can recompute a digest. Refused, never repaired: duplicate keys,
//! lone surrogates, numbers that a double cannot carry, text after the value.

mod error;
mod kept;
mod parse;
mod room;
mod write;

use std::borrow::Cow;
use std::collections::HashMap;

pub use self::error::JsonError;
pub use self::parse::{parse, parse_within};
pub use self::room::{ROOM_BYTES, room_for};
pub(crate) use self::write::{
    append_compact, append_in_pieces, compact_in_pieces, compact_size_within, compact_with_payload, utf16_order,
    write_escaped, write_string,
};
pub use self::write::{to_compact, to_jcs, to_pretty};

/// Deepest nesting of arrays and objects taken in; the root container is 1.
pub const DEPTH_MAX: usize = 64;

/// Largest integer magnitude that survives every JSON reader: 2^53 - 1.
pub const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// Objects larger than this carry a hash index beside their members; a linear
/// look through fewer names is faster than hashing one.
const INDEXED_FROM: usize = 16;

/// One JSON value. Equal values have equal compact forms. Texts and names that
/// were parsed stand in the input, but for those with escapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// The text, when this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, when this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as an integer, when it is one (always within ±(2^53 - 1)).
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The number, when this is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The elements, when this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, when this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member called `name`; `None` also when this is no object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The value at a dotted path of member names, e.g. `binds.app.name`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Self> {
        // Paths are a few short names: nothing is gained by a searcher.
        let (mut value, mut rest) = (self, path);
        while let Some(end) = rest.bytes().position(|byte| byte == b'.') {
            value = value.get(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        value.get(rest)
    }

    /// The text at a dotted path.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// What JSON calls this type of value, for error texts.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl From<&str> for Value<'_> {
    fn from(text: &str) -> Self {
        Self::String(Cow::Owned(text.to_owned()))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Number(Number(f64::from(value)))
    }
}

impl From<Vec<Self>> for Value<'_> {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

impl<'a> From<Object<'a>> for Value<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

/// A number that every I-JSON reader agrees on: a finite double, never -0, and
/// within ±(2^53 - 1) when integral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(f64);

impl Number {
    /// `value` as a JSON number; `None` when it is not finite, or integral and
    /// beyond ±(2^53 - 1).
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        if !value.is_finite() || (value.abs() > SAFE_INTEGER_MAX && value.fract() == 0.0) {
            return None;
        }
        // Adding zero turns -0 into 0, which is how ECMAScript prints it.
        Some(Self(value + 0.0))
    }

    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// The value when it is integral.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        // In range: integral numbers are within ±(2^53 - 1) by construction.
        (self.0.fract() == 0.0).then_some(self.0 as i64)
    }
}

/// The members of a JSON object in ECMAScript order: array-index names first,
/// ascending, then the others as they were written. Names are unique.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
    /// Boxed, since few objects have one: values stay small, and parsing moves
    /// each a few times.
    index: Option<Box<Index<'a>>>,
}

type Member<'a> = (Cow<'a, str>, Value<'a>);

/// Places of members by name.
#[derive(Clone, Debug)]
struct Index<'a>(HashMap<Cow<'a, str>, usize>);

/// Equal when the same names hold the same values in the same order: exactly
/// when the compact forms are equal.
impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl<'a> Object<'a> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the member called `name`. Constant time however large the
    /// object is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.position(name).map(|at| &self.members[at].1)
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Members in ECMAScript order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> + DoubleEndedIterator {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Sets a member as `object[name] = value` does in ECMAScript: an existing
    /// name keeps its place. Linear when the name is a new array index.
    pub fn set(&mut self, name: &str, value: Value<'a>) {
        match self.position(name) {
            Some(at) => self.members[at].1 = value,
            None => {
                self.push(Cow::Owned(name.to_owned()), value);
                if array_index(name).is_some() {
                    self.restore_order();
                }
            }
        }
    }

    /// Removes a member and returns its value. Linear.
    pub fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        let at = self.position(name)?;
        let (_, value) = self.members.remove(at);
        self.rebuild_index();
        Some(value)
    }

    pub(crate) fn members_mut(&mut self) -> &mut [Member<'a>] {
        &mut self.members
    }

    /// Builds an object from members in any order.
    ///
    /// # Errors
    /// The first name that occurs twice.
    pub fn from_members(members: Vec<(String, Value<'a>)>) -> Result<Self, String> {
        let mut object = Self::new();
        let mut has_index_names = false;
        for (name, value) in members {
            if object.contains(&name) {
                return Err(name);
            }
            has_index_names |= array_index(&name).is_some();
            object.push(Cow::Owned(name), value);
        }
        if has_index_names {
            object.restore_order();
        }
        Ok(object)
    }

    /// The object of members that are in order already.
    pub(crate) fn in_order(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        let mut object = Self { members, index: None };
        object.rebuild_index();
        object
    }

    fn position(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.0.get(name).copied(),
            // Names of one length are often alike at the beginning, seldom at the end.
            None => self.members.iter().position(|(known, _)| {
                known.len() == name.len() && known.as_bytes().last() == name.as_bytes().last() && known == name
            }),
        }
    }

    fn push(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        if let Some(index) = &mut self.index {
            index.0.insert(name.clone(), self.members.len());
        }
        self.members.push((name, value));
        if self.index.is_none() && self.members.len() > INDEXED_FROM {
            self.rebuild_index();
        }
    }

    /// Array-index names first, ascending; the sort is stable, so the others
    /// keep their order.
    fn restore_order(&mut self) {
        self.members.sort_by_key(|(name, _)| array_index(name).map_or(u64::MAX, u64::from));
        self.rebuild_index();
    }

    fn rebuild_index(&mut self) {
        self.index = (self.members.len() > INDEXED_FROM).then(|| {
            let names = self.members.iter().enumerate();
            Box::new(Index(names.map(|(at, (name, _))| (name.clone(), at)).collect()))
        });
    }
}

/// The array index a property name stands for in ECMAScript: decimal without
/// leading zero, 0 to 2^32 - 2.
fn array_index(name: &str) -> Option<u32> {
    let bytes = name.as_bytes();
    if !bytes.first()?.is_ascii_digit() || bytes.len() > 10 || (bytes.len() > 1 && bytes[0] == b'0') {
        return None;
    }
    name.parse::<u32>().ok().filter(|index| *index < u32::MAX)
}
