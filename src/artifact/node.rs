//! A value as rules read it, whichever way it is kept.

use std::borrow::Cow;
use std::slice::Iter;
use std::sync::OnceLock;

use crate::artifact::json::{self, Number, Value};
use crate::artifact::packed::{Elements, Members, Packed};
use crate::artifact::vocabulary;

/// One value: of a tree, or packed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'a> {
    Tree(&'a Value<'a>),
    /// At a place that holds no shared one.
    Packed(&'a Packed, u16),
}

/// A dotted path of member names.
#[derive(Debug)]
pub(crate) struct Path {
    text: &'static str,
    names: OnceLock<Box<[Name]>>,
}

/// A name, and its number where it is a word of the formats.
#[derive(Debug)]
struct Name {
    text: &'static str,
    number: Option<u16>,
}

impl Path {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, names: OnceLock::new() }
    }

    fn names(&self) -> &[Name] {
        self.names
            .get_or_init(|| self.text.split('.').map(|text| Name { text, number: vocabulary::number(text) }).collect())
    }
}

impl<'a> From<&'a Value<'a>> for Node<'a> {
    fn from(value: &'a Value<'a>) -> Self {
        Node::Tree(value)
    }
}

impl<'a> Node<'a> {
    pub(crate) fn as_str(self) -> Option<&'a str> {
        match self {
            Node::Tree(value) => value.as_str(),
            Node::Packed(of, at) => of.text(at),
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self {
            Node::Tree(value) => value.as_bool(),
            Node::Packed(of, at) => of.truth(at),
        }
    }

    fn as_number(self) -> Option<Number> {
        match self {
            Node::Tree(Value::Number(number)) => Some(*number),
            Node::Tree(_) => None,
            Node::Packed(of, at) => of.number(at),
        }
    }

    pub(crate) fn as_i64(self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    fn is_null(self) -> bool {
        match self {
            Node::Tree(value) => *value == Value::Null,
            Node::Packed(of, at) => of.is_null(at),
        }
    }

    /// The elements, when this is a list.
    pub(crate) fn elements(self) -> Option<Nodes<'a>> {
        match self {
            Node::Tree(value) => value.as_array().map(|items| Nodes::Tree(items.iter())),
            Node::Packed(of, at) => of.list(at).map(Nodes::Packed),
        }
    }

    /// The members, when this is an object.
    pub(crate) fn members(self) -> Option<impl Iterator<Item = (&'a str, Self)> + use<'a>> {
        let (tree, packed): (_, Option<Members<'a>>) = match self {
            Node::Tree(value) => (Some(value.as_object()?.iter()), None),
            Node::Packed(of, at) => (None, Some(of.members(at)?)),
        };
        let tree = tree.into_iter().flatten().map(|(name, value)| (name, Node::Tree(value)));
        Some(tree.chain(packed.into_iter().flatten()))
    }

    pub(crate) fn get(self, name: &str) -> Option<Self> {
        match self {
            Node::Tree(value) => value.get(name).map(Node::Tree),
            Node::Packed(of, at) => of.member(at, name),
        }
    }

    /// The value at a dotted path of member names.
    pub(crate) fn at(self, path: &str) -> Option<Self> {
        let (mut node, mut rest) = (self, path);
        while let Some(end) = rest.bytes().position(|byte| byte == b'.') {
            node = node.get(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        node.get(rest)
    }

    /// The same along a path that is known ahead: its names are looked up by number.
    pub(crate) fn along(self, path: &Path) -> Option<Self> {
        match self {
            Node::Tree(_) => self.at(path.text),
            Node::Packed(..) => path.names().iter().try_fold(self, |node, name| match (node, name.number) {
                (Node::Packed(of, at), Some(number)) => of.member_of(at, number),
                _ => node.get(name.text),
            }),
        }
    }

    pub(crate) fn text_at(self, path: &str) -> Option<&'a str> {
        self.at(path)?.as_str()
    }

    /// The values themselves.
    pub(crate) fn to_value(self) -> Value<'a> {
        match self {
            Node::Tree(value) => value.clone(),
            Node::Packed(of, at) => of.unpacked(at),
        }
    }

    /// The same without a copy where they are there already.
    pub(crate) fn value(self) -> Cow<'a, Value<'a>> {
        match self {
            Node::Tree(value) => Cow::Borrowed(value),
            Node::Packed(..) => Cow::Owned(self.to_value()),
        }
    }

    pub(crate) fn to_jcs(self) -> String {
        json::to_jcs(&self.value())
    }
}

/// Equal when the canonical forms are equal: the order of members tells nothing.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        if let (Node::Packed(one, at), Node::Packed(two, place)) = (self, other)
            && std::ptr::eq(*one, *two)
            && at == place
        {
            return true;
        }
        if let (Some(one), Some(two)) = (self.members(), other.members()) {
            let (mut count, mut is_same) = (0, true);
            for (name, value) in one {
                count += 1;
                is_same = is_same && other.get(name) == Some(value);
            }
            return is_same && count == two.count();
        }
        if let (Some(one), Some(two)) = (self.elements(), other.elements()) {
            return one == two;
        }
        let alike = |node: &Self| (node.as_str(), node.as_bool(), node.as_number(), node.is_null());
        let is_flat = |node: &Self| node.members().is_none() && node.elements().is_none();
        is_flat(self) && is_flat(other) && alike(self) == alike(other)
    }
}

/// The elements of a list, in order; none where there is no list.
#[derive(Clone, Debug)]
pub(crate) enum Nodes<'a> {
    Tree(Iter<'a, Value<'a>>),
    Packed(Elements<'a>),
}

impl Default for Nodes<'_> {
    fn default() -> Self {
        Nodes::Tree([].iter())
    }
}

impl Nodes<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        match self {
            Nodes::Tree(items) => items.next().map(Node::Tree),
            Nodes::Packed(items) => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Nodes::Tree(items) => items.size_hint(),
            Nodes::Packed(items) => items.size_hint(),
        }
    }
}

impl ExactSizeIterator for Nodes<'_> {}

impl PartialEq for Nodes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.clone().zip(other.clone()).all(|(one, two)| one == two)
    }
}
