//! Values for whoever keeps them longer than the input.

use std::borrow::Cow;

use crate::artifact::vocabulary;

use super::{Member, Object, Value};

impl Value<'_> {
    /// The same with every text its own, for whoever keeps it longer than the
    /// input: words of the formats are there once, and lists have no spare room.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(kept(text)),
            Self::Array(items) => Value::Array(exactly(items, Self::into_owned)),
            Self::Object(object) => Value::Object(object.into_owned()),
        }
    }
}

impl Object<'_> {
    fn into_owned(self) -> Object<'static> {
        let owned = |(name, value): Member<'_>| (kept(name), value.into_owned());
        let mut object = Object { members: exactly(self.members, owned), index: None };
        if self.index.is_some() {
            object.rebuild_index();
        }
        object
    }
}

/// A text for longer than the input.
fn kept(text: Cow<'_, str>) -> Cow<'static, str> {
    match vocabulary::word(&text) {
        Some(word) => Cow::Borrowed(word),
        None => Cow::Owned(text.into_owned()),
    }
}

/// The list with no more room than it needs: collecting would keep the room
/// that the parser took ahead.
fn exactly<T, U>(items: Vec<T>, each: impl FnMut(T) -> U) -> Vec<U> {
    let mut kept = Vec::with_capacity(items.len());
    kept.extend(items.into_iter().map(each));
    kept
}
