//! A validator for the part of JSON Schema that `schemas/` uses for reports;
//! a keyword that it does not know fails.

use serde_json::Value;

use crate::make::project;

/// Keywords that say nothing about the value.
const SAYS_NOTHING: &[&str] = &["$schema", "$id", "$defs", "title"];

/// Checks `value` against a file of `schemas/`.
#[track_caller]
pub fn is_valid(schema: &str, value: &Value) {
    let text = std::fs::read_to_string(project("schemas").join(schema)).expect("a schema");
    let root: Value = serde_json::from_str(&text).expect("JSON");
    if let Err(why) = check(&root, &root, value, "$") {
        panic!("{schema}: {why}\n{value:#}");
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let wrong = |rule: &str| Err(format!("{at}: {rule}"));
    let keywords = schema.as_object().expect("a schema is an object");
    for (keyword, rule) in keywords {
        let fine = match keyword.as_str() {
            known if SAYS_NOTHING.contains(&known) => true,
            "$ref" => {
                let name = rule.as_str().and_then(|name| name.strip_prefix('#')).expect("a local reference");
                check(root, root.pointer(name).expect("a definition"), value, at)?;
                true
            }
            "type" => match rule.as_array() {
                Some(types) => types.iter().any(|one| is_type(one, value)),
                None => is_type(rule, value),
            },
            "const" => rule == value,
            "enum" => rule.as_array().expect("values").contains(value),
            "anyOf" => rule.as_array().expect("schemas").iter().any(|one| check(root, one, value, at).is_ok()),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().expect("a pattern"), text)),
            "required" => {
                let names = rule.as_array().expect("names").iter().filter_map(Value::as_str);
                names.into_iter().all(|name| value.get(name).is_some())
            }
            "properties" | "additionalProperties" => {
                members(root, keywords, value, at)?;
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}[{index}]"))?;
                }
                true
            }
            other => panic!("the validator does not know {other}"),
        };
        if !fine {
            return wrong(keyword);
        }
    }
    Ok(())
}

fn members(root: &Value, keywords: &serde_json::Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
    let none = Value::Null;
    for (name, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match keywords.get("properties").and_then(|properties| properties.get(name)) {
            Some(schema) => check(root, schema, member, &at)?,
            None => match keywords.get("additionalProperties").unwrap_or(&none) {
                Value::Bool(false) => return Err(format!("{at}: is no member here")),
                Value::Null => {}
                schema => check(root, schema, member, &at)?,
            },
        }
    }
    Ok(())
}

fn is_type(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the validator does not know the type {other}"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[0-9a-f]{64}$" => text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        "^[A-Z_]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
        other => panic!("the validator does not know {other}"),
    }
}
