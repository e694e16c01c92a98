//! A compact scoped token, as its holder may show it to a verifier (PEERS 5.1).
//!
//! ```text
//! b64u({"alg":"EdDSA","typ":"JWT","kid":"…"}) . b64u(claims) . b64u(Ed25519 signature)
//! ```
//!
//! A token is a secret: nothing here repeats it. What leaves is its hash and
//! its claims.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::artifact::check_claims;
use crate::artifact::digest::sha256;
use crate::artifact::json::{self, Value};
use crate::codes::{Code, verdict};
use crate::text::{base64url, hex};

/// Longest compact token that is read, bytes.
pub const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Deepest JSON inside a token or key set.
const DEPTH_MAX: usize = 8;
/// Most keys of one key set.
const KEYS_MAX: usize = 256;

/// A token whose form and claims are in order, and whose signature is not
/// looked at yet.
#[derive(Clone)]
pub struct ScopedToken {
    /// Lowercase hex SHA-256 of the compact text.
    pub hash: String,
    pub claims: Value<'static>,
    pub kid: String,
    signed: String,
    signature: Signature,
}

/// Never what is signed together with the signature: that is the token.
impl fmt::Debug for ScopedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedToken").field("hash", &self.hash).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Why a token or key set is refused. Never holds any of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("token must be three base64url parts joined by dots, at most {TOKEN_BYTES_MAX} bytes")]
    Form,
    #[error("token header must be an object with alg EdDSA, typ JWT and a kid of 16 hex digits, and nothing else")]
    Header,
    #[error("token claims: {0}")]
    Claims(String),
    #[error("token is signed by a key that the key set does not hold")]
    KeyUnknown,
    #[error("token signature does not verify under the key of its kid")]
    Signature,
    #[error("key set: {0}")]
    KeySet(String),
}

impl TokenError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Form => &verdict::TOKEN_FORM,
            Self::Header => &verdict::TOKEN_HEADER,
            Self::Claims(_) => &verdict::TOKEN_CLAIMS,
            Self::KeyUnknown => &verdict::TOKEN_KEY_UNKNOWN,
            Self::Signature => &verdict::TOKEN_SIGNATURE_INVALID,
            Self::KeySet(_) => &verdict::KEY_SET_INVALID,
        }
    }
}

impl ScopedToken {
    /// Reads one compact token; a line break at its end is allowed.
    ///
    /// # Errors
    /// Anything but the one spelling of header and claims that issuers write.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= TOKEN_BYTES_MAX);
        let text = text.ok_or(TokenError::Form)?.trim_end_matches(['\r', '\n']);
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Form)?;
        let signature = base64url::decode::<64>(signature).ok_or(TokenError::Form)?;
        let kid = kid_of(&part(header)?)?;
        let claims = part(claims)?;
        check_claims(&claims).map_err(|error| TokenError::Claims(error.to_string()))?;
        Ok(Self {
            hash: hex::encode(&sha256(text.as_bytes())),
            claims,
            kid,
            signed: signed.to_owned(),
            signature: Signature::from_bytes(&signature),
        })
    }

    /// Checks the signature under a key set (JWKS).
    ///
    /// # Errors
    /// [`TokenError::KeyUnknown`], [`TokenError::Signature`].
    pub fn verify(&self, keys: &KeySet) -> Result<(), TokenError> {
        let (_, key) = keys.keys.iter().find(|(kid, _)| *kid == self.kid).ok_or(TokenError::KeyUnknown)?;
        key.verify_strict(self.signed.as_bytes(), &self.signature).map_err(|_| TokenError::Signature)
    }
}

fn part(text: &str) -> Result<Value<'static>, TokenError> {
    let bytes = base64url::decode_all(text).ok_or(TokenError::Form)?;
    json::parse(&bytes, DEPTH_MAX).map(Value::into_owned).map_err(|_| TokenError::Form)
}

fn kid_of(header: &Value) -> Result<String, TokenError> {
    let closed = header.as_object().is_some_and(|object| object.len() == 3);
    let right = closed && header.text_at("alg") == Some("EdDSA") && header.text_at("typ") == Some("JWT");
    let kid = header.text_at("kid").filter(|kid| right && is_kid(kid));
    kid.map(str::to_owned).ok_or(TokenError::Header)
}

fn is_kid(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The issuer's public keys, by kid: the first 16 hex digits of the SHA-256 of
/// the key.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<(String, VerifyingKey)>,
    /// Keys of another kind, which sign no token of ours.
    others: usize,
}

/// Members of a JWK that hold a secret: RFC 7518 6.2.2, 6.3.2, 6.4 and RFC 8037 2.
const PRIVATE_MEMBERS: [&str; 2] = ["d", "k"];

impl KeySet {
    /// Keys of the set that are of another kind and were passed over.
    #[must_use]
    pub fn others(&self) -> usize {
        self.others
    }

    /// Reads a JWKS document. Keys that are not Ed25519 stand in many an
    /// issuer's set, for other uses; they are passed over and counted.
    ///
    /// # Errors
    /// It is no such document, holds no Ed25519 key, a kid is not that of its
    /// key, or a key is private.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let wrong = |why: &str| TokenError::KeySet(why.to_owned());
        let document = json::parse(bytes, DEPTH_MAX).map_err(|error| TokenError::KeySet(error.to_string()))?;
        let keys = document.get("keys").and_then(Value::as_array).filter(|keys| keys.len() <= KEYS_MAX);
        let keys = keys.ok_or_else(|| wrong("must hold at most 256 keys in a list called keys"))?;
        let key = |key: &Value| {
            let raw = key
                .text_at("x")
                .and_then(base64url::decode::<32>)
                .ok_or_else(|| wrong("x must be 32 bytes of base64url"))?;
            let kid = hex::encode(&sha256(&raw))[..16].to_owned();
            if key.text_at("kid") != Some(kid.as_str()) {
                return Err(wrong("kid must be the first 16 hex digits of the SHA-256 of the key"));
            }
            let point = VerifyingKey::from_bytes(&raw).ok().filter(|key| !key.is_weak());
            Ok((kid, point.ok_or_else(|| wrong("x must be a point of the curve, not of small order"))?))
        };
        if keys.iter().any(|key| PRIVATE_MEMBERS.iter().any(|name| key.get(name).is_some())) {
            return Err(wrong("a key holds its private part; whoever can read the file can sign as the issuer"));
        }
        let is_ours = |key: &&Value| key.text_at("kty") == Some("OKP") && key.text_at("crv") == Some("Ed25519");
        let ours: Vec<_> = keys.iter().filter(is_ours).map(key).collect::<Result<_, _>>()?;
        if ours.is_empty() {
            return Err(wrong("holds no key with kty OKP and crv Ed25519"));
        }
        Ok(Self { others: keys.len() - ours.len(), keys: ours })
    }
}
