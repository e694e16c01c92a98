//! One event: what it is about, its id, its bytes and their signature.
//!
//! The bytes are canonical JSON (RFC 8785). `id` is the hex SHA-256 of the
//! canonical JSON of `[origin, type, scope, size]`, each as it stands in the
//! event: an event that is derived again has the id that it had.

use ring::hmac;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::artifact::json::{DEPTH_MAX, parse, to_jcs};
use crate::text::hex;

/// Most bytes of one event.
pub const BODY_BYTES_MAX: usize = 64 << 10;
/// Name of the header that signs.
pub const SIGNATURE: &str = "Pulselog-Signature";
/// What is told once instead of what lay in a jump.
pub const GAP: &str = "delivery.gap";

/// An event as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: String,
    pub kind: &'static str,
    pub body: String,
}

/// What every event says.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub origin: &'a str,
    pub size: u64,
}

impl Of<'_> {
    /// An event of this type about `scope`; `more` are members beside the common ones.
    pub fn event(&self, kind: &'static str, scope: &Value, more: Map<String, Value>) -> Told {
        let id = hash(&json!([self.origin, kind, scope, self.size]));
        let common = |more: Map<String, Value>| {
            let mut all = more;
            all.insert("id".into(), json!(id));
            all.insert("type".into(), json!(kind));
            all.insert("origin".into(), json!(self.origin));
            all.insert("scope".into(), scope.clone());
            all.insert("size".into(), json!(self.size));
            canonical(&Value::Object(all))
        };
        let body = common(more);
        // Names are bounded where they are admitted, lists here; what would be too
        // long all the same is said to be cut, and is never left out whole.
        let cut = || common(Map::from_iter([("cut".to_owned(), json!(true))]));
        let body = if body.len() > BODY_BYTES_MAX { cut() } else { body };
        Told { id, kind, body }
    }
}

/// Hex SHA-256 of canonical JSON.
pub fn hash(value: &Value) -> String {
    hex::encode(&Sha256::digest(canonical(value)))
}

fn canonical(value: &Value) -> String {
    let text = value.to_string();
    // What was just written is JSON of few levels; if not, it is told as it is.
    parse(text.as_bytes(), DEPTH_MAX).map_or_else(|_| text.clone(), |value| to_jcs(&value))
}

/// The value of the header: `t=SECONDS,v1=HEX`, over `SECONDS.BODY`.
pub fn signature(key: &str, unix_seconds: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{unix_seconds}.{body}").as_bytes());
    format!("t={unix_seconds},v1={}", hex::encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_of_origin_type_scope_and_size_alone() {
        let of = Of { origin: "log.example/argocd", size: 7 };
        let scope = json!({"job": "job-1"});
        let one = of.event("verdict.changed", &scope, Map::new());
        let other = of.event("verdict.changed", &scope, Map::from_iter([("verdict".to_owned(), json!("fail"))]));
        assert_eq!(one.id, other.id);
        // printf '["log.example/argocd","verdict.changed",{"job":"job-1"},7]' | sha256sum
        assert_eq!(one.id, "5a69951bb8a58044850700ab4ef56872d92897de999305c2890f7d6b7535f5c2");
        for (size, kind, job) in
            [(8, "verdict.changed", "job-1"), (7, "finding.opened", "job-1"), (7, "verdict.changed", "job-2")]
        {
            let third = Of { size, ..of }.event(kind, &json!({"job": job}), Map::new());
            assert_ne!(third.id, one.id, "{size} {kind} {job}");
        }
    }

    #[test]
    fn the_signature_is_the_hmac_of_time_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let expected = "t=1700000000,v1=f05f2539e3ae1c49aec5f8cfdad75ef6b06480b133973ffbb7ec9e18827af177";
        assert_eq!(signature("0123456789abcdef0123456789abcdef", 1_700_000_000, "{\"a\":1}"), expected);
    }

    #[test]
    fn an_event_that_would_be_too_long_says_that_it_is_cut() {
        let long = Map::from_iter([("detail".to_owned(), json!("x".repeat(BODY_BYTES_MAX)))]);
        let told = Of { origin: "o", size: 1 }.event("finding.opened", &json!({"job": "j"}), long);
        assert!(told.body.len() < 1_000 && told.body.contains("\"cut\":true"), "{}", told.body.len());
    }
}
