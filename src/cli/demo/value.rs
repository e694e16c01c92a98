//! Short ways to write payloads down, the two hash spellings they use, and the
//! time.

use std::time::{SystemTime, UNIX_EPOCH};

use pulselog::artifact::json::{Object, Value, to_jcs};
use pulselog::text::{base64url, civil, hex};
use sha2::{Digest as _, Sha256};

/// An object with these members in this order.
pub fn object<const N: usize>(members: [(&str, Value<'static>); N]) -> Value<'static> {
    let mut object = Object::new();
    for (name, value) in members {
        object.set(name, value);
    }
    object.into()
}

/// A list of texts.
pub fn texts(items: &[&str]) -> Value<'static> {
    Value::Array(items.iter().map(|item| Value::from(*item)).collect())
}

/// `value` with one more member.
pub fn with(value: Value<'static>, name: &str, more: Value<'static>) -> Value<'static> {
    match value {
        Value::Object(mut object) => {
            object.set(name, more);
            object.into()
        }
        other => other,
    }
}

/// SHA-256 as a peer writes it.
pub fn b64u_sha256(bytes: &[u8]) -> String {
    base64url::encode(&Sha256::digest(bytes))
}

/// SHA-256 as we write it.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}

/// Hex SHA-256 of the JCS of a value: our digests of requests and operations.
pub fn jcs_digest(value: &Value) -> String {
    hex_sha256(to_jcs(value).as_bytes())
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub fn now() -> String {
    civil::with_millis(now_ms())
}
