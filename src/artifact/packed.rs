//! Values in few bytes, for whoever keeps a million of them.
//!
//! ```text
//! units    one or a few of 16 bits each: words of the formats by number, texts by place and length
//! texts    every other text, one after the other
//! shared   what many statements say alike, once for all of them: applications, tokens, signers
//! ```
//!
//! A tree of values takes about 100 bytes a member; this takes its text alone
//! where another statement has the same members, with texts as long: then both
//! have the same units, and these are there once. Nothing is lost: equal values,
//! equal bytes.

mod packer;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::artifact::json::{Number, Object, Value};
use crate::artifact::node::Node;
use crate::artifact::vocabulary;

use self::packer::Packer;

/// One value, with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Packed {
    units: Arc<[u16]>,
    texts: Box<str>,
    shared: Arc<[Arc<Self>]>,
}

/// What a unit says by its highest bit that is set; below it stands how many,
/// which, or how long.
const WORD: u16 = 1 << 15;
const SHARED: u16 = 1 << 14;
/// A text, by its length; where it begins is the unit after.
const TEXT: u16 = 1 << 13;
/// An object or list, by its members or elements; the units that they take are
/// the unit after. Of an object all names come first, then how far from here
/// each value is: a name is found without a step through the values.
const OBJECT: u16 = 1 << 12;
const LIST: u16 = 1 << 11;
const SMALL: u16 = 1 << 10;
const NULL: u16 = 0;
const FALSE: u16 = 1;
const TRUE: u16 = 2;
/// Four units of a double follow.
const NUMBER: u16 = 3;

/// Longest compact form that is packed: each unit counts below 2^16 for sure,
/// and looking through the members of a value for one stays short.
const COMPACT_BYTES_MAX: usize = 8 * 1024;

/// What statements of one log say alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alike {
    parts: HashSet<Arc<Packed>>,
    units: HashSet<Arc<[u16]>>,
    /// Which of the parts one statement has, by their addresses.
    together: HashMap<Box<[usize]>, Arc<[Arc<Packed>]>>,
    bytes: usize,
}

/// What each thing takes that is there once, beside its own bytes.
const ONCE_BYTES: usize = 96;

impl Alike {
    /// Memory that all of it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Packed {
    /// `None` where it is too large: that is kept as it is. `bytes`: of its
    /// compact form.
    pub(crate) fn of(value: &Value, bytes: usize, alike: &mut Alike) -> Option<Self> {
        if bytes > COMPACT_BYTES_MAX {
            return None;
        }
        Packer::pack(value, Some(alike))
    }

    /// Memory that it takes beside what it has in common with others.
    pub(crate) fn own_bytes(&self) -> usize {
        let of = |count: usize, bytes: usize| if count == 1 { bytes } else { 0 };
        let units = of(Arc::strong_count(&self.units), size_of_val::<[u16]>(&self.units));
        let shared = of(Arc::strong_count(&self.shared), size_of_val::<[Arc<Self>]>(&self.shared));
        self.texts.len() + units + shared
    }

    /// All of it.
    pub(crate) fn node(&self) -> Node<'_> {
        self.node_at(0)
    }

    fn node_at(&self, at: u16) -> Node<'_> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::Shared(of) => self.shared[usize::from(of)].node(),
            _ => Node::Packed(self, at),
        }
    }

    fn second(&self, at: u16) -> u16 {
        self.units[usize::from(at) + 1]
    }

    /// Where the value after this one stands.
    fn after(&self, at: u16) -> u16 {
        at + match Unit::of(self.units[usize::from(at)]) {
            Unit::Text(_) => 2,
            Unit::Object(_) | Unit::List(_) => 2 + self.second(at),
            Unit::Number => 5,
            Unit::Word(_) | Unit::Shared(_) | Unit::Small(_) | Unit::Null | Unit::Bool(_) => 1,
        }
    }

    pub(super) fn text(&self, at: u16) -> Option<&str> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::Word(number) => vocabulary::word_at(number),
            Unit::Text(length) => {
                let from = usize::from(self.second(at));
                self.texts.get(from..from + usize::from(length))
            }
            _ => None,
        }
    }

    pub(super) fn truth(&self, at: u16) -> Option<bool> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::Bool(is) => Some(is),
            _ => None,
        }
    }

    pub(super) fn is_null(&self, at: u16) -> bool {
        matches!(Unit::of(self.units[usize::from(at)]), Unit::Null)
    }

    pub(super) fn number(&self, at: u16) -> Option<Number> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::Small(number) => Number::new(f64::from(number)),
            Unit::Number => {
                let from = usize::from(at) + 1;
                let units = &self.units[from..from + 4];
                let bits = units.iter().fold(0, |bits, unit| bits << 16 | u64::from(*unit));
                Number::new(f64::from_bits(bits))
            }
            _ => None,
        }
    }

    /// The elements, where it is a list.
    pub(super) fn list(&self, at: u16) -> Option<Elements<'_>> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::List(count) => Some(Elements { of: self, at: at + 2, left: count }),
            _ => None,
        }
    }

    /// The members, where it is an object.
    pub(super) fn members(&self, at: u16) -> Option<Members<'_>> {
        match Unit::of(self.units[usize::from(at)]) {
            Unit::Object(count) => Some(Members { of: self, object: at, count, next: 0 }),
            _ => None,
        }
    }

    /// The member of this name.
    pub(super) fn member(&self, at: u16, name: &str) -> Option<Node<'_>> {
        match vocabulary::number(name) {
            Some(number) => self.member_of(at, number),
            None => self.members(at)?.find(|(known, _)| *known == name).map(|(_, value)| value),
        }
    }

    /// The member whose name is the word of this number.
    pub(super) fn member_of(&self, at: u16, number: u16) -> Option<Node<'_>> {
        let Unit::Object(count) = Unit::of(self.units[usize::from(at)]) else { return None };
        let names = usize::from(at) + 2;
        let values = names + usize::from(count);
        let member = self.units[names..values].iter().position(|name| *name == WORD | number)?;
        Some(self.node_at(at + self.units[values + member]))
    }

    /// Name and value of a member by its place.
    fn member_at(&self, at: u16, count: u16, place: u16) -> (&str, Node<'_>) {
        let name = at + 2 + place;
        let value = at + self.units[usize::from(name + count)];
        match self.units[usize::from(name)] {
            // A name of its own stands before the value.
            NULL => (self.text(value).unwrap_or_default(), self.node_at(self.after(value))),
            _ => (self.text(name).unwrap_or_default(), self.node_at(value)),
        }
    }
}

/// What one unit says.
enum Unit {
    Word(u16),
    Shared(u16),
    Text(u16),
    Object(u16),
    List(u16),
    Small(u16),
    Number,
    Null,
    Bool(bool),
}

impl Unit {
    fn of(unit: u16) -> Self {
        match unit.leading_zeros() {
            0 => Self::Word(unit & !WORD),
            1 => Self::Shared(unit & !SHARED),
            2 => Self::Text(unit & !TEXT),
            3 => Self::Object(unit & !OBJECT),
            4 => Self::List(unit & !LIST),
            5 => Self::Small(unit & !SMALL),
            _ if unit == NUMBER => Self::Number,
            _ if unit == NULL => Self::Null,
            _ => Self::Bool(unit == TRUE),
        }
    }
}

/// The elements of a list, in order.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    of: &'a Packed,
    at: u16,
    left: u16,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.at = self.of.after(at);
        Some(self.of.node_at(at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

/// The members of an object, in order.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    of: &'a Packed,
    object: u16,
    count: u16,
    next: u16,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Node<'a>);

    fn next(&mut self) -> Option<(&'a str, Node<'a>)> {
        let place = Some(self.next).filter(|place| *place < self.count)?;
        self.next += 1;
        Some(self.of.member_at(self.object, self.count, place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.count - self.next);
        (left, Some(left))
    }
}

impl<'a> Packed {
    /// The values again, whose texts stand here.
    pub(super) fn unpacked(&'a self, at: u16) -> Value<'a> {
        if let Some(text) = self.text(at) {
            return Value::String(Cow::Borrowed(text));
        }
        if let Some(number) = self.number(at) {
            return Value::Number(number);
        }
        if let Some(elements) = self.list(at) {
            return Value::Array(elements.map(Node::to_value).collect());
        }
        if let Some(members) = self.members(at) {
            return Value::Object(Object::in_order(
                members.map(|(name, of)| (Cow::Borrowed(name), of.to_value())).collect(),
            ));
        }
        self.truth(at).map_or(Value::Null, Value::Bool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::example::example;
    use crate::artifact::json::{DEPTH_MAX, parse, to_compact, to_jcs};
    use crate::artifact::kind::Kind;

    fn value(text: &str) -> Value<'static> {
        parse(text.as_bytes(), DEPTH_MAX).expect("JSON").into_owned()
    }

    fn examples() -> Vec<String> {
        let own = [
            r#"{"app":{},"x":[null,true,false,0,1023,1024,-1,1.5,9007199254740991],"":"","\"é\n":{"2":[],"10":[[]]}}"#,
            r#"{"app":"sync","job_id":"sync","cst":{"token_hash":"of no shape"},"instance":["a","a","ab","b"]}"#,
            "[]",
            "1.5e-9",
            r#""text""#,
        ];
        let of_kinds = Kind::ALL.into_iter().map(|kind| to_compact(&value(example(kind))));
        own.into_iter().map(str::to_owned).chain(of_kinds).collect()
    }

    #[test]
    fn a_packed_value_is_the_same_to_the_byte_and_has_the_same_members() {
        let mut alike = Alike::default();
        for text in examples() {
            let tree = value(&text);
            // The second time, what is alike is there already.
            for _ in 0..2 {
                let packed = Packed::of(&tree, 0, &mut alike).expect("small enough");
                assert_eq!(to_compact(&packed.node().to_value()), to_compact(&tree), "{text}");
                assert!(packed.node() == Node::Tree(&tree), "{text}");
                for (name, of) in tree.as_object().into_iter().flat_map(Object::iter) {
                    assert!(packed.node().get(name) == Some(Node::Tree(of)), "{name} in {text}");
                }
            }
        }
    }

    #[test]
    fn two_packed_values_are_equal_where_their_canonical_forms_are() {
        let texts = [
            r#"{"a":1,"b":[1,2]}"#,
            r#"{"b":[1,2],"a":1}"#,
            r#"{"b":[2,1],"a":1}"#,
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":null}"#,
            r#"{"c":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":[]}"#,
            r#"{"a":""}"#,
            r#"{"a":false}"#,
        ];
        let mut alike = Alike::default();
        for (one, two) in texts.iter().flat_map(|one| texts.iter().map(move |two| (*one, *two))) {
            let [is, other] = [one, two].map(value);
            let [packed, beside] = [&is, &other].map(|value| Packed::of(value, 0, &mut alike).expect("small enough"));
            let are_equal = to_jcs(&is) == to_jcs(&other);
            assert_eq!(packed.node() == beside.node(), are_equal, "{one} {two}");
            assert_eq!(packed.node() == Node::Tree(&other), are_equal, "{one} {two}");
        }
    }

    #[test]
    fn what_is_too_large_to_count_is_not_packed() {
        let mut alike = Alike::default();
        let of = |text: &str, alike: &mut Alike| Packed::of(&value(text), text.len(), alike).is_some();
        assert!(of(&format!("\"{}\"", "a".repeat(COMPACT_BYTES_MAX - 2)), &mut alike));
        assert!(!of(&format!("\"{}\"", "a".repeat(COMPACT_BYTES_MAX - 1)), &mut alike));
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(of(&list(usize::from(LIST) - 1), &mut alike));
        assert!(!of(&list(usize::from(LIST)), &mut alike));
    }
}
