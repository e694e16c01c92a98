use super::{Field, Shape, Text};
use crate::artifact::json::{Object, Value, to_pretty};
use crate::artifact::kind::Kind;

/// JSON Schema 2020-12 of the payloads of `kind` that we define and take in, as committed
/// in `schemas/`; `None` for kinds whose schema is a peer's. Rules between
/// members (sorted lists, either-or) are beyond it: admission is stricter.
#[must_use]
pub fn json_schema(kind: Kind) -> Option<String> {
    let ours: Vec<_> = kind.row().taken_in().filter(|form| form.ours).collect();
    let (first, more) = ours.split_first()?;
    let mut root = header(kind.name(), &format!("{}: payload of kind {}", kind.row().title, kind.name()));
    if more.is_empty() {
        extend(&mut root, schema(first.payload));
    } else {
        root.set("anyOf", Value::Array(ours.iter().map(|form| schema(form.payload).into()).collect()));
    }
    Some(to_pretty(&root.into()))
}

/// JSON Schema 2020-12 of one shape of ours that is no kind's payload.
pub(crate) fn file_schema(name: &str, title: &str, shape: &Shape) -> String {
    let mut root = header(name, title);
    extend(&mut root, schema(shape));
    to_pretty(&root.into())
}

fn header(name: &str, title: &str) -> Object<'static> {
    let mut root = Object::new();
    root.set("$schema", "https://json-schema.org/draft/2020-12/schema".into());
    root.set("$id", format!("urn:pulselog:schema:{name}").into());
    root.set("title", title.into());
    root
}

fn extend<'a>(root: &mut Object<'a>, more: Object<'a>) {
    more.iter().for_each(|(name, value)| root.set(name, value.clone()));
}

fn schema(shape: &Shape) -> Object<'static> {
    let mut out = Object::new();
    match shape {
        Shape::Object { fields, open } => object_schema(fields, *open, &mut out),
        Shape::Map { name, of, max } => {
            out.set("type", "object".into());
            out.set("propertyNames", schema(&Shape::Text(*name)).into());
            out.set("additionalProperties", schema(of).into());
            out.set("maxProperties", count(*max));
        }
        Shape::Array { of, min, max } => {
            out.set("type", "array".into());
            out.set("items", schema(of).into());
            out.set("minItems", count(*min));
            out.set("maxItems", count(*max));
        }
        Shape::Text(Text::Word(word)) => out.set("const", (*word).into()),
        Shape::Text(rule) => text_schema(*rule, &mut out),
        Shape::Integer { min, max } => {
            out.set("type", "integer".into());
            out.set("minimum", integer(*min));
            out.set("maximum", integer(*max));
        }
        Shape::Number { min } => {
            out.set("type", "number".into());
            min.iter().for_each(|min| out.set("minimum", integer(*min)));
        }
        Shape::Bool => out.set("type", "boolean".into()),
        Shape::Exactly(value) => out.set("const", (*value).into()),
        Shape::Enum(words) => out.set("enum", Value::Array(words.iter().map(|word| (*word).into()).collect())),
        Shape::Nullable(inner) => {
            let null = Object::from_members(vec![("type".to_owned(), "null".into())]).unwrap_or_default();
            out.set("anyOf", Value::Array(vec![schema(inner).into(), null.into()]));
        }
        Shape::ByField { cases, .. } => {
            out.set("oneOf", Value::Array(cases.iter().map(|(_, case)| schema(case).into()).collect()));
        }
        Shape::OneOrMany { one, many } => {
            out.set("anyOf", Value::Array(vec![schema(one).into(), schema(many).into()]));
        }
        Shape::OpaqueObject { .. } => out.set("type", "object".into()),
        Shape::Opaque => {}
    }
    out
}

fn object_schema(fields: &[Field], open: bool, out: &mut Object) {
    out.set("type", "object".into());
    let mut properties = Object::new();
    fields.iter().for_each(|field| properties.set(field.name, schema(field.shape).into()));
    out.set("properties", properties.into());
    let required: Vec<Value> = fields.iter().filter(|field| field.required).map(|field| field.name.into()).collect();
    out.set("required", required.into());
    out.set("additionalProperties", open.into());
}

fn text_schema(rule: Text, out: &mut Object) {
    out.set("type", "string".into());
    if let Some((min, max)) = rule.lengths() {
        out.set("minLength", count(min));
        out.set("maxLength", count(max));
    }
    match rule.pattern() {
        Some(pattern) => out.set("pattern", pattern.into()),
        None if rule == Text::PeerTime => out.set("format", "date-time".into()),
        None => {}
    }
}

fn count(value: usize) -> Value<'static> {
    integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn integer(value: i64) -> Value<'static> {
    // Bounds in our shapes lie within ±(2^53 - 1), where this is exact.
    crate::artifact::json::Number::new(value as f64).map_or(Value::Null, Value::Number)
}
