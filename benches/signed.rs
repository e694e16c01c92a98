//! Keys, names and values of benches that sign statements.

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{DEPTH_MAX, Value, parse};

/// When envelopes say that they were made.
pub const ISSUED_AT: &str = "2026-11-22T12:00:00.000Z";

pub fn key(who: &str) -> SigningKey {
    SigningKey::from_bytes(ArtifactDigest::of(who.as_bytes()).as_bytes())
}

pub fn did(who: &str) -> Did {
    Did::of(&key(who).verifying_key())
}

pub fn hex(text: &str) -> String {
    ArtifactDigest::of(text.as_bytes()).to_string()
}

pub fn value(text: &str) -> Value<'static> {
    parse(text.as_bytes(), DEPTH_MAX).unwrap_or_else(|e| panic!("{e} in {text}")).into_owned()
}
