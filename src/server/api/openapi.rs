//! `/openapi.json`: OpenAPI 3.1 made from the route table, the shapes and the
//! schemas of the artifacts. Nothing in it is written by hand.

use std::sync::LazyLock;

use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::artifact::KINDS;
use crate::artifact::Kind;
use crate::artifact::shape::json_schema;
use crate::audit::RULE_GROUPS;
use crate::codes::{Code, artifact, service};
use crate::server::answered::status_of;
use crate::server::api::answer::Answer;
use crate::server::api::fixed::Fixed;
use crate::server::api::problem::{MEDIA_TYPE, Problem};
use crate::server::api::query::{NAME_BYTES_MAX, Param, Query, Takes};
use crate::server::api::submit::NDJSON;
use crate::server::api::wire::shapes::shapes;
use crate::server::api::{COMMON_CODES, ROUTES, Route, STORE_CODES, answer};
use crate::server::config::Limits;
use crate::shapes::NUMBER_MAX;
use crate::tile::TILE_LEVEL_MAX;

/// 32 bytes as we write them.
const HASH_PATTERN: &str = "^[0-9a-f]{64}$";
/// The last part of a tile's number, which is all of it below 1,000.
const TILE_PATTERN: &str = "^[0-9]{3}$";
const TILE_FORM: &str = "The tile's number in groups of three digits, all but the last after an x and before a slash, \
    and for a partial tile its width: 067, x001/x234/067, 000.p/17 (C2SP tlog-tiles).";

/// `GET /openapi.json`.
///
/// # Errors
/// `invalid_parameter`.
pub async fn document(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    static DOCUMENT: LazyLock<Fixed> =
        LazyLock::new(|| Fixed::new(answer::JSON, answer::NO_CACHE, build().to_string()));
    Query::read(&uri, &[])?;
    Ok(DOCUMENT.answer(&headers))
}

/// The document.
#[must_use]
pub fn build() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    let mut schemas = shapes().clone();
    schemas.insert("Artifact".into(), artifact());
    for row in KINDS {
        if let Some(schema) = Kind::parse(row.name).and_then(json_schema)
            && let Ok(schema) = serde_json::from_str(&schema)
        {
            schemas.insert(format!("{}_payload", row.name), schema);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pulselog",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Append-only transparency log for what AI deployment agents do on Argo CD. \
                Hashes are lowercase hex; every number is a non-negative integer.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "responses": responses(route),
    });
    let parameters: Vec<Value> = path_parameters(route.path).chain(route.query.iter().map(parameter)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(media) = route.takes {
        operation["requestBody"] = request_body(media);
    }
    if route.token {
        operation["security"] = json!([{ "token": [] }]);
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.fold(route.method.to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn request_body(media: &str) -> Value {
    let limits = Limits::default();
    let (description, schema) = if media == NDJSON {
        let (bytes, items) = (limits.batch_bytes_max, limits.batch_items_max);
        let said = format!("One artifact a line. Unless configured otherwise at most {bytes} bytes and {items} lines.");
        (said, json!({ "type": "string", "minLength": 1 }))
    } else {
        let (body, artifact) = (limits.body_bytes_max, limits.artifact.artifact_bytes_max);
        let said = format!("Unless configured otherwise at most {body} bytes, of which {artifact} after white space.");
        (said, json!({ "$ref": "#/components/schemas/Artifact" }))
    };
    json!({ "required": true, "description": description, "content": { media: { "schema": schema } } })
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = Value> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(move |(name, _)| {
        let schema = match name {
            "index" | "size" => number(0),
            "level" => json!({ "type": "integer", "minimum": 0, "maximum": TILE_LEVEL_MAX }),
            "tile" => json!({ "type": "string", "pattern": TILE_PATTERN }),
            "hash" | "digest" | "leaf_hash" => json!({ "type": "string", "pattern": HASH_PATTERN }),
            _ => json!({ "type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX }),
        };
        let mut parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
        if name == "tile" {
            parameter["description"] = TILE_FORM.into();
        }
        parameter
    })
}

fn number(minimum: u64) -> Value {
    json!({ "type": "integer", "minimum": minimum, "maximum": NUMBER_MAX })
}

fn parameter(param: &Param) -> Value {
    let schema = match param.takes {
        Takes::Number => number(0),
        Takes::Size => number(1),
        Takes::UpTo(max) => json!({ "type": "integer", "minimum": 1, "maximum": max }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Kind => json!({ "type": "string", "enum": KINDS.iter().map(|k| k.name).collect::<Vec<_>>() }),
        Takes::Code => {
            let codes: Vec<&str> = RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code).collect();
            json!({ "type": "string", "enum": codes })
        }
        Takes::OneOf(words) => json!({ "type": "string", "enum": words }),
        Takes::Hash => json!({ "type": "string", "pattern": HASH_PATTERN }),
        Takes::Text(max) => json!({ "type": "string", "minLength": 1, "maxLength": max }),
    };
    json!({
        "name": param.name, "in": "query", "required": param.required,
        "description": param.meaning, "schema": schema,
    })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for answer in route.answers {
        let response = responses
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({ "description": route.summary, "headers": headers(answer) }));
        if !answer.media.is_empty() {
            response["content"][answer.media] = match answer.shape {
                Some(shape) => json!({ "schema": { "$ref": format!("#/components/schemas/{shape}") } }),
                None => json!({}),
            };
        }
    }
    for code in all_codes(route) {
        let response = responses.entry(status_of(code).as_u16().to_string()).or_insert_with(|| {
            let problem = json!({ "$ref": "#/components/schemas/Problem" });
            let codes = json!({ "properties": { "code": { "enum": [] } } });
            json!({
                "description": "",
                "content": { MEDIA_TYPE: { "schema": { "allOf": [problem, codes] } } },
            })
        });
        let known = response["description"].as_str().unwrap_or_default();
        let separator = if known.is_empty() { "" } else { ", " };
        response["description"] = format!("{known}{separator}{code}").into();
        let path = format!("/content/{}/schema/allOf/1/properties/code/enum", MEDIA_TYPE.replace('/', "~1"));
        if let Some(Value::Array(codes)) = response.pointer_mut(&path) {
            codes.push(code.name.into());
        }
    }
    if route.path.contains("hash}") || route.path.contains("digest}") {
        let said = "The hash in another spelling: the address in lowercase hex is in Location.";
        responses.insert("308".into(), json!({ "description": said }));
    }
    Value::Object(responses)
}

fn headers(answer: &Answer) -> Value {
    let mut headers = json!({ "Cache-Control": { "schema": { "const": answer.cache } } });
    for (name, meaning) in answer.headers {
        headers[*name] = json!({ "description": meaning, "schema": { "type": "integer", "minimum": 0 } });
    }
    headers
}

/// Codes that a route can answer.
pub fn all_codes(route: &Route) -> impl Iterator<Item = &'static Code> {
    let is_read = !route.token && route.path.starts_with("/v1/") || route.path.starts_with("/tile/");
    let store = if is_read { STORE_CODES } else { &[] };
    let submit = if route.token { crate::server::api::SUBMIT_CODES } else { &[] };
    let admit = if route.token { artifact::ADMISSION } else { &[] };
    let access: &[&Code] = if route.shows { &[&service::ACCESS_CLOSED] } else { &[] };
    let mut codes: Vec<&'static Code> = [route.codes, COMMON_CODES, store, submit, access, admit].concat();
    codes.sort_unstable_by_key(|code| code.name);
    codes.dedup();
    codes.into_iter()
}

/// An envelope of a known type, or one of the bare forms.
fn artifact() -> Value {
    let types: Vec<&str> = KINDS.iter().map(|k| k.envelope_type).collect();
    let bare: Vec<&str> =
        KINDS.iter().filter(|k| k.unsigned).flat_map(|k| k.taken_in().map(|f| f.version_field)).collect();
    let bare: Vec<Value> = bare.iter().map(|field| json!({ "type": "object", "required": [field] })).collect();
    let envelope = json!({
        "type": "object",
        "required": ["envelope_version", "envelope_type", "payload", "payload_hash_b64u", "signature_b64u", "signer_did"],
        "properties": { "envelope_type": { "enum": types } },
    });
    let forms: Vec<Value> = [envelope].into_iter().chain(bare).collect();
    json!({ "anyOf": forms })
}
