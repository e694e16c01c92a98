//! JSON Schema (2020-12) read off the types that are written: one struct says
//! names, meanings and encodings, and serialises.
//!
//! A member that is written always is required, also as null; one that is left
//! out when there is nothing to say is never null.

use std::borrow::Cow;

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::codes::Code;

/// Largest number that JSON readers keep exact, RFC 8259 section 6: 2^53 − 1.
/// Larger ones are refused wherever the interface takes a number.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
/// `format` of a whole C2SP text.
pub const C2SP: &str = "c2sp";
/// `format` of a time.
pub const UNIX_MS: &str = "unix-ms";

/// How members are written whose Rust type does not say it.
macro_rules! encodings {
    ($($(#[$doc:meta])* $name:ident: $schema:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

encodings! {
    /// 32 bytes in lowercase hex.
    HashText: {"type": "string", "pattern": "^[0-9a-f]{64}$"};
    /// Bytes in lowercase hex.
    HexText: {"type": "string", "pattern": "^([0-9a-f]{2})+$"};
    /// A C2SP text, newlines included.
    C2spText: {"type": "string", "format": C2SP};
    /// Unix milliseconds.
    UnixMs: {"type": "integer", "format": UNIX_MS};
    /// A name of a table.
    Name: {"type": "string"};
}

/// `TYPE: OTHER`: the one is written as the other.
macro_rules! written_as {
    ($($name:ty: $other:ty;)*) => {$(
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                <$other>::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other>::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$other>::json_schema(generator)
            }
        }
    )*};
}
pub(crate) use written_as;

written_as! {
    Code: Name;
}

/// The settings of every schema of ours.
fn generator(definitions_path: &'static str) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = definitions_path.into();
        settings.contract = Contract::Serialize;
        settings.transforms.push(Box::new(RecursiveTransform(exact)));
    });
    settings.into_generator()
}

/// Numbers within what every reader takes, and null only where it is written.
fn exact(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::String(meaning)) = object.get_mut("description") {
        *meaning = meaning.replace('\n', " ");
    }
    if let Some("uint64" | "uint" | "uint16") = object.get("format").and_then(Value::as_str) {
        object.remove("format");
        object.insert("maximum".to_owned(), NUMBER_MAX.into());
    }
    let required: Vec<Value> = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(Value::Object(members)) = object.get_mut("properties") else { return };
    for (name, member) in members {
        if !required.iter().any(|always| always == name) {
            never_null(member);
        }
    }
}

fn never_null(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("default");
    if let Some(types) = object.get_mut("type").filter(|types| types.is_array()) {
        let other = types.as_array().into_iter().flatten().find(|name| *name != "null").cloned();
        *types = other.unwrap_or_default();
    }
    let either = object.get("anyOf").and_then(Value::as_array);
    let other = either.and_then(|either| either.iter().find(|one| one["type"] != "null")).cloned();
    if let Some(Value::Object(other)) = other {
        object.remove("anyOf");
        object.extend(other);
    }
}

/// The shapes that these types and what they hold write, by name.
#[must_use]
pub fn components(path: &'static str, roots: &[fn(&mut SchemaGenerator)]) -> Map<String, Value> {
    let mut generator = generator(path);
    for root in roots {
        root(&mut generator);
    }
    generator.take_definitions(true)
}

/// Adds a type to the shapes.
pub fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// A file of `schemas/`: closed, so that a reader notices a member that it does
/// not know.
#[must_use]
pub fn file<T: JsonSchema>(name: &str, title: &str) -> Value {
    let mut schema = generator("/$defs").into_root_schema_for::<T>();
    RecursiveTransform(closed).transform(&mut schema);
    schema.insert("$id".to_owned(), format!("urn:pulselog:schema:{name}").into());
    schema.insert("title".to_owned(), title.into());
    schema.into()
}

fn closed(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut().filter(|object| object.contains_key("properties")) {
        object.entry("additionalProperties").or_insert(json!(false));
    }
}
