//! "Fields and encodings" of the reference, read off the schemas of the shapes.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::server::api::wire::shapes::{ARTIFACT, shapes};
use crate::shapes::{C2SP, UNIX_MS};

/// Every shape, one row a member.
pub(super) fn write(page: &mut String) {
    page.push_str("## Fields and encodings\n\n");
    for (name, shape) in shapes() {
        let _ = writeln!(page, "### {name}\n\n| field | encoding | always | meaning |\n|---|---|---|---|");
        for Member { name, schemas, always } in members(shape) {
            let mut encodings: Vec<_> = schemas.iter().map(|schema| encoding(schema)).collect();
            encodings.dedup();
            let (encoding, always) = (encodings.join(", "), if always { "yes" } else { "no" });
            let told = schemas.iter().find_map(|schema| schema["description"].as_str());
            let meaning = told.or(shape["description"].as_str()).unwrap_or_default();
            let _ = writeln!(page, "| `{name}` | {encoding} | {always} | {meaning} |");
        }
        page.push('\n');
    }
}

/// A member of a shape.
struct Member<'a> {
    name: &'a str,
    /// In each form of the shape that has it.
    schemas: Vec<&'a Value>,
    always: bool,
}

/// Those that every form has come first, in the order in which they are written.
fn members(shape: &Value) -> Vec<Member<'_>> {
    let forms = shape["oneOf"].as_array().map_or_else(|| vec![shape], |forms| forms.iter().collect());
    let required = |form: &Value| -> Vec<String> {
        let names = form["required"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let order = required(shape);
    let names: BTreeSet<_> =
        forms.iter().filter_map(|form| form["properties"].as_object()).flat_map(Map::keys).collect();
    let member = |name: &'_ String| {
        let place = order.iter().position(|one| one == name).unwrap_or(order.len());
        (place, forms.iter().all(|form| required(form).contains(name)))
    };
    let mut members: Vec<_> = names.into_iter().map(|name| (member(name), name)).collect();
    members.sort_by_key(|((place, always), _)| (!always, *place));
    let schemas =
        |name: &str| forms.iter().map(|form| &form["properties"][name]).filter(|one| !one.is_null()).collect();
    members.into_iter().map(|((_, always), name)| Member { name, schemas: schemas(name), always }).collect()
}

fn encoding(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap_or_default();
        let link = format!("[{name}](#{})", name.to_ascii_lowercase());
        return if path == ARTIFACT { "artifact in compact form".to_owned() } else { link };
    }
    if let Some(words) = words(schema) {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().map(encoding).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(types) => {
            let one = |name: &Value| {
                let mut schema = schema.clone();
                schema["type"] = name.clone();
                encoding(&schema)
            };
            types.iter().map(one).collect::<Vec<_>>().join(" or ")
        }
        kind => of_type(kind.as_str().unwrap_or_default(), schema),
    }
}

fn of_type(kind: &str, schema: &Value) -> String {
    let format = schema["format"].as_str();
    match kind {
        "null" => "null".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" if format == Some(UNIX_MS) => "Unix milliseconds".to_owned(),
        "integer" => "number".to_owned(),
        "string" if format == Some(C2SP) => "C2SP text, newlines included".to_owned(),
        "string" if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("a-f")) => {
            "lowercase hex".to_owned()
        }
        "string" => "text".to_owned(),
        "array" => match encoding(&schema["items"]) {
            one if one == "number" || one == "text" => format!("list of {one}s"),
            other => format!("list of {other}"),
        },
        "object" => format!("by name: {}", encoding(&schema["additionalProperties"])),
        other => other.to_owned(),
    }
}

/// The values that are all there are.
fn words(schema: &Value) -> Option<Vec<&str>> {
    let alone = schema["const"].as_str().map(|word| vec![word]);
    let listed = || Some(schema["enum"].as_array()?.iter().filter_map(Value::as_str).collect());
    let told = || Some(schema["oneOf"].as_array()?.iter().filter_map(words).flatten().collect());
    alone.or_else(listed).or_else(told)
}
