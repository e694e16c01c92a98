//! The peer's JSON Schemas as data, and the walk that names the first fault
//! the way the peer's engine does (PEERS 4.2): at one node first type,
//! constant and alternatives, then missing members in declared order, then
//! undeclared members in data order, then declared members in declared order.
//!
//! Looser than the shapes of admission on purpose: here base64url is only an
//! alphabet, and a DID only a prefix.

mod fault;
mod text;

use crate::artifact::json::{Object, Value};

pub(super) use self::fault::Fault;
pub(super) use self::text::{Text, is_b64u};

/// One rule for one value.
pub(super) enum Schema {
    Any,
    /// Exactly this text.
    Const(&'static str),
    Text(Text),
    Enum(&'static [&'static str]),
    /// A number, not below `min` where given.
    Number(Option<f64>),
    /// An integral number not below this.
    Integer(f64),
    Bool,
    /// The rule, or null.
    Nullable(&'static Self),
    Array {
        of: &'static Self,
        min: usize,
        max: usize,
    },
    Object(Members),
    /// Members of any name, all of one shape.
    Map(&'static Self),
    /// Exactly one of these fits.
    OneOf(&'static [&'static Self]),
    /// The rule, with a quick look for values as producers write them: what
    /// the look takes fits the rule, and the rule names the faults of others.
    Usual {
        fits: fn(&Value) -> bool,
        rule: &'static Self,
    },
}

/// The members of an object.
pub(super) struct Members {
    pub(super) fields: &'static [Field],
    /// Others than these refuse.
    pub(super) closed: bool,
    /// When not empty: at least one of these must be there.
    pub(super) any_of: &'static [&'static str],
    /// A rule between members, judged before all others.
    pub(super) condition: Option<fn(&Object) -> Option<Fault>>,
}

/// One declared member.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    schema: &'static Schema,
}

pub(super) const fn required(name: &'static str, schema: &'static Schema) -> Field {
    Field { name, required: true, schema }
}

pub(super) const fn optional(name: &'static str, schema: &'static Schema) -> Field {
    Field { name, required: false, schema }
}

/// An object without other members.
pub(super) const fn closed(fields: &'static [Field]) -> Schema {
    Schema::Object(Members { fields, closed: true, any_of: &[], condition: None })
}

/// An object that may hold more.
pub(super) const fn open(fields: &'static [Field]) -> Schema {
    Schema::Object(Members { fields, closed: false, any_of: &[], condition: None })
}

/// A list of at least `min` elements.
pub(super) const fn list(of: &'static Schema, min: usize) -> Schema {
    Schema::Array { of, min, max: usize::MAX }
}

pub(super) const STRING: Schema = Schema::Text(Text::Length { min: 0, max: usize::MAX });
pub(super) const NONEMPTY: Schema = Schema::Text(Text::Length { min: 1, max: usize::MAX });
pub(super) const B64U8: Schema = Schema::Text(Text::B64u { min: 8 });
pub(super) const DID: Schema = Schema::Text(Text::Did);
pub(super) const DATE_TIME: Schema = Schema::Text(Text::DateTime);
pub(super) const ONE: Schema = Schema::Const("1");
pub(super) const SHA256: Schema = Schema::Enum(&["SHA-256"]);
pub(super) const SHA256_OR_BLAKE3: Schema = Schema::Enum(&["SHA-256", "BLAKE3"]);
pub(super) const ED25519: Schema = Schema::Enum(&["Ed25519"]);
pub(super) const COUNT: Schema = Schema::Number(Some(0.0));
pub(super) const NATURAL: Schema = Schema::Integer(0.0);
pub(super) const OPEN_OBJECT: Schema = open(&[]);

/// The first fault of `value`, or nothing. Linear in the value, times the
/// number of alternatives where there are any.
pub(super) fn first_fault(schema: &Schema, value: &Value) -> Option<Fault> {
    let fits = match (schema, value) {
        (Schema::Any, _) | (Schema::Bool, Value::Bool(_)) | (Schema::Nullable(_), Value::Null) => true,
        (Schema::Const(word), Value::String(text)) => text == word,
        (Schema::Text(rule), Value::String(text)) => rule.fits(text),
        (Schema::Enum(words), Value::String(text)) => words.contains(&&**text),
        (Schema::Number(min), Value::Number(number)) => min.is_none_or(|min| number.as_f64() >= min),
        (Schema::Integer(min), Value::Number(number)) => number.as_f64() >= *min && number.as_f64().fract() == 0.0,
        (Schema::Nullable(schema), value) => return first_fault(schema, value),
        (Schema::Array { of, min, max }, Value::Array(items)) => return fault_in_array(of, *min, *max, items),
        (Schema::Object(members), Value::Object(object)) => return fault_in_object(members, object),
        (Schema::Map(of), Value::Object(object)) => return fault_in_map(of, object),
        (Schema::OneOf(branches), value) => return fault_in_branches(branches, value),
        (Schema::Usual { fits, rule }, value) => return if fits(value) { None } else { first_fault(rule, value) },
        _ => false,
    };
    if fits { None } else { Some(Fault::here()) }
}

fn fault_in_array(of: &Schema, min: usize, max: usize, items: &[Value]) -> Option<Fault> {
    if items.len() < min || items.len() > max {
        return Some(Fault::here());
    }
    let mut items = items.iter().enumerate();
    items.find_map(|(at, item)| first_fault(of, item).map(|fault| fault.in_element(at)))
}

fn fault_in_object(members: &Members, object: &Object) -> Option<Fault> {
    if let Some([first, ..]) =
        Some(members.any_of).filter(|any| !any.is_empty() && !any.iter().any(|n| object.contains(n)))
    {
        return Some(Fault::property(first));
    }
    if let Some(fault) = members.condition.and_then(|condition| condition(object)) {
        return Some(fault);
    }
    let mut known = 0;
    let mut inner = None;
    // Producers write members in declared order, mostly: then the next member
    // is the one looked for.
    let mut ahead = object.iter().peekable();
    for field in members.fields {
        let next = ahead.next_if(|(name, _)| *name == field.name).map(|(_, value)| value);
        match next.or_else(|| object.get(field.name)) {
            Some(value) => {
                known += 1;
                inner = inner.or_else(|| first_fault(field.schema, value).map(|fault| fault.in_member(field.name)));
            }
            None if field.required => return Some(Fault::property(field.name)),
            None => {}
        }
    }
    if members.closed && known < object.len() {
        let declared = |name: &str| members.fields.iter().any(|field| field.name == name);
        let extra = object.iter().find(|(name, _)| !declared(name));
        return extra.map(|(name, _)| Fault::property(name));
    }
    inner
}

fn fault_in_map(of: &Schema, object: &Object) -> Option<Fault> {
    object.iter().find_map(|(name, value)| first_fault(of, value).map(|fault| fault.in_member(name)))
}

fn fault_in_branches(branches: &[&Schema], value: &Value) -> Option<Fault> {
    let faults: Vec<Option<Fault>> = branches.iter().map(|branch| first_fault(branch, value)).collect();
    match faults.iter().filter(|fault| fault.is_none()).count() {
        1 => None,
        0 => faults.into_iter().next().flatten().or_else(|| Some(Fault::here())),
        _ => Some(Fault::here()),
    }
}
