//! What a payload may look like, as data: one checker judges every kind, and
//! the published JSON Schemas are printed from the same tables.
//!
//! ```text
//! const BODY: Shape = object(&[required("token_hash", &HEX64), optional("kid", &KID)]);
//! check(&BODY, value)  ->  invalid_value at claims.exp: must be an integer from 0 to ...
//! ```
//!
//! Errors name a place and a rule, never a value: values may be secrets.

mod error;
mod faults;
mod schema;
mod text;

use crate::artifact::json::{Object, Value, compact_size_within};

pub(crate) use self::error::echo;
pub use self::error::{Broken, ShapeError};
pub(crate) use self::faults::faults;
pub(crate) use self::schema::file_schema;
pub use self::schema::json_schema;
pub use self::text::{DID_BYTES_MAX, Text};

/// One rule for one value.
#[derive(Debug)]
pub enum Shape {
    /// Named members; others refuse unless `open`.
    Object {
        fields: &'static [Field],
        open: bool,
    },
    /// Any names that fit `name`, all values of one shape.
    Map {
        name: Text,
        of: &'static Self,
        max: usize,
    },
    Array {
        of: &'static Self,
        min: usize,
        max: usize,
    },
    Text(Text),
    /// An integral number, both ends included.
    Integer {
        min: i64,
        max: i64,
    },
    /// Any number not below `min`, when given.
    Number {
        min: Option<i64>,
    },
    Bool,
    /// Exactly this truth value.
    Exactly(bool),
    /// Exactly one of these texts.
    Enum(&'static [&'static str]),
    Nullable(&'static Self),
    /// The text in member `field` chooses the shape of the whole object.
    ByField {
        field: &'static str,
        cases: &'static [(&'static str, &'static Self)],
    },
    /// A text, or an array of texts.
    OneOrMany {
        one: &'static Self,
        many: &'static Self,
    },
    /// Any object of at most so many bytes in compact form: somebody else's business.
    OpaqueObject {
        bytes_max: usize,
    },
    /// Any value at all, within the limits of the artifact.
    Opaque,
}

/// One member of an object.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub required: bool,
    pub shape: &'static Shape,
}

/// A closed object.
#[must_use]
pub const fn object(fields: &'static [Field]) -> Shape {
    Shape::Object { fields, open: false }
}

/// A member that must be there.
#[must_use]
pub const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: true, shape }
}

/// A member that may be absent (absent, never null).
#[must_use]
pub const fn optional(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: false, shape }
}

/// A list of `min` to `max` elements.
#[must_use]
pub const fn list(of: &'static Shape, min: usize, max: usize) -> Shape {
    Shape::Array { of, min, max }
}

/// Free text of at most `max` bytes, `min` at least.
#[must_use]
pub const fn plain(min: usize, max: usize) -> Shape {
    Shape::Text(Text::Plain { min, max })
}

/// Checks `value` against `shape`. Linear in the value.
///
/// # Errors
/// The first broken rule in document order; missing members come last.
pub fn check(shape: &Shape, value: &Value) -> Result<(), ShapeError> {
    match (shape, value) {
        (Shape::Opaque, _) => Ok(()),
        (Shape::Object { fields, open }, Value::Object(object)) => check_object(fields, *open, object),
        (Shape::Map { name, of, max }, Value::Object(object)) => check_map(*name, of, *max, object),
        (Shape::Array { of, min, max }, Value::Array(items)) => check_array(of, *min, *max, items),
        (Shape::Text(rule), Value::String(text)) => {
            rule.check(text).map_err(|broken| ShapeError::here(broken, rule.rule()))
        }
        (Shape::Integer { min, max }, Value::Number(number)) => match number.as_i64() {
            Some(integer) if (*min..=*max).contains(&integer) => Ok(()),
            _ => Err(invalid(format!("must be an integer from {min} to {max}"))),
        },
        (Shape::Number { min }, Value::Number(number)) => match min {
            Some(min) if number.as_f64() < *min as f64 => Err(invalid(format!("must not be below {min}"))),
            _ => Ok(()),
        },
        (Shape::Bool, Value::Bool(_)) => Ok(()),
        (Shape::Exactly(wanted), Value::Bool(got)) if wanted == got => Ok(()),
        (Shape::Exactly(wanted), Value::Bool(_)) => Err(invalid(format!("must be {wanted}"))),
        (Shape::Enum(words), Value::String(text)) if words.contains(&&**text) => Ok(()),
        (Shape::Enum(words), Value::String(_)) => Err(invalid(format!("must be one of {}", words.join(", ")))),
        (Shape::Nullable(_), Value::Null) => Ok(()),
        (Shape::Nullable(shape), value) => check(shape, value),
        (Shape::ByField { field, cases }, Value::Object(object)) => check_by_field(field, cases, object, value),
        (Shape::OneOrMany { one, .. }, Value::String(_)) => check(one, value),
        (Shape::OneOrMany { many, .. }, Value::Array(_)) => check(many, value),
        (Shape::OpaqueObject { bytes_max }, Value::Object(_)) => {
            let fits = compact_size_within(value, *bytes_max);
            if fits { Ok(()) } else { Err(invalid(format!("must have at most {bytes_max} bytes in compact form"))) }
        }
        (shape, value) => Err(ShapeError::here(
            Broken::WrongType,
            format!("must be {}, not {}", shape.type_words(), value.type_name()),
        )),
    }
}

/// Checks that every id in `value`, which fits `shape`, is in the one spelling.
/// Linear in the value.
///
/// # Errors
/// The first one in document order that is not.
pub(crate) fn check_ids(shape: &Shape, value: &Value) -> Result<(), ShapeError> {
    match (shape, value) {
        (Shape::Text(rule), Value::String(text)) => {
            rule.check_id(text).map_err(|broken| ShapeError::here(broken, rule.rule()))
        }
        (Shape::Object { fields, .. }, Value::Object(object)) => object.iter().try_for_each(|(name, member)| {
            let field = fields.iter().find(|field| field.name == name);
            field.map_or(Ok(()), |field| check_ids(field.shape, member)).map_err(|error| error.below(name))
        }),
        (Shape::Map { of, .. }, Value::Object(object)) => {
            object.iter().try_for_each(|(name, member)| check_ids(of, member).map_err(|error| error.below(name)))
        }
        (Shape::Array { of, .. } | Shape::OneOrMany { many: Shape::Array { of, .. }, .. }, Value::Array(items)) => {
            items
                .iter()
                .enumerate()
                .try_for_each(|(at, item)| check_ids(of, item).map_err(|error| error.in_element(at)))
        }
        (Shape::OneOrMany { one, .. }, value) => check_ids(one, value),
        (Shape::Nullable(shape), value) => check_ids(shape, value),
        (Shape::ByField { field, cases }, value) => {
            let chosen = cases.iter().find(|(name, _)| value.text_at(field) == Some(name));
            chosen.map_or(Ok(()), |(_, shape)| check_ids(shape, value))
        }
        _ => Ok(()),
    }
}

fn invalid(rule: impl Into<String>) -> ShapeError {
    ShapeError::here(Broken::InvalidValue, rule)
}

fn check_object(fields: &[Field], open: bool, object: &Object) -> Result<(), ShapeError> {
    let mut known = 0;
    for (name, member) in object.iter() {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => {
                known += usize::from(field.required);
                check(field.shape, member).map_err(|error| error.below(name))?;
            }
            None if open => {}
            None => {
                return Err(ShapeError::here(Broken::UnknownField, "is not a field here").below(name));
            }
        }
    }
    // Names are unique, so counting is enough to know that none is missing.
    if known == fields.iter().filter(|field| field.required).count() {
        return Ok(());
    }
    let missing = fields.iter().find(|field| field.required && !object.contains(field.name));
    missing.map_or(Ok(()), |field| Err(ShapeError::here(Broken::MissingField, "is required").below(field.name)))
}

fn check_map(rule: Text, of: &Shape, max: usize, object: &Object) -> Result<(), ShapeError> {
    if object.len() > max {
        return Err(invalid(format!("must have at most {max} members")));
    }
    for (name, member) in object.iter() {
        rule.check(name).map_err(|broken| ShapeError::here(broken, rule.rule()).below(name))?;
        check(of, member).map_err(|error| error.below(name))?;
    }
    Ok(())
}

fn check_array(of: &Shape, min: usize, max: usize, items: &[Value]) -> Result<(), ShapeError> {
    if items.len() < min || items.len() > max {
        return Err(invalid(format!("must have {min} to {max} elements")));
    }
    items.iter().enumerate().try_for_each(|(at, item)| check(of, item).map_err(|error| error.in_element(at)))
}

fn check_by_field(
    field: &'static str,
    cases: &[(&str, &Shape)],
    object: &Object,
    value: &Value,
) -> Result<(), ShapeError> {
    let Some(chosen) = object.get(field) else {
        return Err(ShapeError::here(Broken::MissingField, "is required").below(field));
    };
    let Some(word) = chosen.as_str() else {
        return Err(ShapeError::here(Broken::WrongType, "must be a string").below(field));
    };
    match cases.iter().find(|(name, _)| *name == word) {
        Some((_, shape)) => check(shape, value),
        None => {
            let words: Vec<_> = cases.iter().map(|(name, _)| *name).collect();
            Err(invalid(format!("must be one of {}", words.join(", "))).below(field))
        }
    }
}

impl Shape {
    fn type_words(&self) -> &'static str {
        match self {
            Self::Object { .. } | Self::Map { .. } | Self::ByField { .. } | Self::OpaqueObject { .. } => "an object",
            Self::Array { .. } => "an array",
            Self::Text(_) | Self::Enum(_) => "a string",
            Self::Integer { .. } | Self::Number { .. } => "a number",
            Self::Bool | Self::Exactly(_) => "true or false",
            Self::OneOrMany { .. } => "a string or an array",
            Self::Nullable(shape) => shape.type_words(),
            Self::Opaque => "any value",
        }
    }
}
