//! The words of the formats: names of members, and texts that a shape spells
//! out. Whoever keeps a value has them from here once, and not once a value.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::artifact::kind::Kind;
use crate::artifact::shape::{Shape, Text};

/// Every one of them, read off the shapes.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = BTreeSet::new();
    for form in Kind::ALL.into_iter().flat_map(|kind| kind.row().forms) {
        collect(form.envelope.shape, &mut words);
        collect(form.payload, &mut words);
    }
    let named = Kind::ALL.into_iter().map(|kind| kind.row().envelope_type);
    words.extend(named);
    let numbers = (0..).zip(&words).map(|(number, word)| (*word, number)).collect();
    Words { numbers, words: words.into_iter().collect() }
});

struct Words {
    words: Vec<&'static str>,
    /// Their places.
    numbers: HashMap<&'static str, u16>,
}

/// Longer than any word: what is longer is not looked for.
const WORD_BYTES_MAX: usize = 48;

/// The same text as the formats spell it, if it is one of their words.
pub(super) fn word(text: &str) -> Option<&'static str> {
    number(text).and_then(word_at)
}

/// Its number among all of them, if it is one: of this build, and of no other.
pub(super) fn number(text: &str) -> Option<u16> {
    if text.len() > WORD_BYTES_MAX { None } else { WORDS.numbers.get(text).copied() }
}

/// The word of a number.
pub(super) fn word_at(number: u16) -> Option<&'static str> {
    WORDS.words.get(usize::from(number)).copied()
}

fn collect(shape: &Shape, words: &mut BTreeSet<&'static str>) {
    match shape {
        Shape::Object { fields, open: _ } => {
            for field in *fields {
                words.insert(field.name);
                collect(field.shape, words);
            }
        }
        Shape::Map { name, of, max: _ } => {
            collect_text(*name, words);
            collect(of, words);
        }
        Shape::Array { of, min: _, max: _ } | Shape::Nullable(of) => collect(of, words),
        Shape::Text(text) => collect_text(*text, words),
        Shape::Enum(named) => words.extend(named.iter()),
        Shape::ByField { field, cases } => {
            words.insert(field);
            for (word, case) in *cases {
                words.insert(word);
                collect(case, words);
            }
        }
        Shape::OneOrMany { one, many } => {
            collect(one, words);
            collect(many, words);
        }
        Shape::Integer { .. }
        | Shape::Number { .. }
        | Shape::Bool
        | Shape::Exactly(_)
        | Shape::OpaqueObject { .. }
        | Shape::Opaque => {}
    }
}

fn collect_text(text: Text, words: &mut BTreeSet<&'static str>) {
    if let Text::Word(word) = text {
        words.insert(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_spelled_out_texts_of_every_kind_are_words_and_ids_are_not() {
        for known in ["payload", "op_key", "namespace", "Succeeded", "operation", "argocd_decision", "sync"] {
            assert_eq!(word(known), Some(known));
        }
        for own in ["payments-api", "", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"] {
            assert_eq!(word(own), None, "{own}");
        }
    }

    #[test]
    fn no_word_is_longer_than_what_is_looked_for() {
        assert!(WORDS.words.iter().all(|word| word.len() <= WORD_BYTES_MAX));
    }
}
