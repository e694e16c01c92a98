//! Why an artifact is refused: one code a rule, the place, never the value.

use crate::artifact::did::DidError;
use crate::artifact::grant::GrantError;
use crate::artifact::json::JsonError;
use crate::artifact::shape::ShapeError;

/// Every code this room answers, and what it means. The API reference prints
/// this table.
pub const CODES: &[(&str, &str)] = &[
    ("artifact_too_large", "the artifact has more bytes than the limit"),
    ("compact_too_large", "the artifact's compact form has more bytes than the limit"),
    ("json_not_utf8", "the bytes are not UTF-8"),
    ("json_bom", "the text starts with a byte order mark"),
    ("json_syntax", "the text is not JSON"),
    ("json_truncated", "the text ends inside a JSON value"),
    ("json_trailing_data", "there are bytes after the JSON value"),
    ("json_duplicate_key", "an object names a member twice"),
    ("json_lone_surrogate", "a \\u escape is half of a surrogate pair"),
    ("json_too_deep", "arrays and objects nest deeper than 64"),
    ("json_over_room", "the values would take more memory than their reader gives them"),
    ("json_number_overflow", "a number is beyond the range of a double"),
    ("json_number_unsafe", "an integral number is beyond ±(2^53-1)"),
    ("json_number_underflow", "a number other than zero is too close to zero for a double"),
    ("unknown_kind", "envelope_type or version field names no kind of this log"),
    ("unsigned_not_allowed", "this kind must come in a signed envelope"),
    ("kind_not_granted", "the token may not submit this kind"),
    ("unsigned_not_granted", "the token may not submit this kind unsigned"),
    ("instance_not_granted", "the token observes another Argo CD instance"),
    ("channel_not_granted", "the token observes by another channel"),
    ("unknown_version", "the version of the envelope or payload is not known"),
    ("retired_version", "the version of the payload is only read where it was logged before"),
    ("unknown_algorithm", "the signature algorithm is not Ed25519"),
    ("unknown_hash_algorithm", "the hash algorithm is not known"),
    ("unsupported_hash_algorithm", "BLAKE3 is known but not supported"),
    ("missing_field", "a required field is absent"),
    ("unknown_field", "a field is not known here"),
    ("wrong_type", "a value is of another JSON type than its field"),
    ("invalid_value", "a value breaks the rule of its field"),
    ("base64url_not_canonical", "base64url is not the one spelling of its bytes"),
    ("scope_hash_mismatch", "token_scope_hash_b64u is not the hash of the claims beside it"),
    ("hash_mismatch", "payload_hash_b64u is not the hash of the payload"),
    ("invalid_did", "the signer is not a did:key of an Ed25519 key"),
    ("key_wrong_length", "the did:key does not hold 32 bytes of key"),
    ("key_not_a_point", "the did:key holds no canonical curve point"),
    ("key_small_order", "the did:key holds a point of small order"),
    ("signature_invalid", "the signature does not verify under the signer's key"),
    ("co_signature_invalid", "a co-signature does not verify under its signer's key"),
    ("secret_in_artifact", "a text or field name holds a signed token"),
    ("distrust_ahead", "roots withdraw trust from an index that lies above their own"),
    ("kind_not_expandable", "an envelope inside a bundle is not of the kind of its array"),
];

/// Why [`admit`](crate::artifact::admit) refuses an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    #[error("artifact has {got} bytes, at most {max} are allowed")]
    TooLarge { got: usize, max: usize },
    #[error("compact form has {got} bytes, at most {max} are allowed")]
    CompactTooLarge { got: usize, max: usize },
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("artifact is of no known kind: envelope_type names none; a payload is signed first (pulselog sign)")]
    UnknownKind,
    #[error("this kind must come in a signed envelope")]
    UnsignedNotAllowed,
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error("algorithm: must be Ed25519")]
    UnknownAlgorithm,
    #[error("hash_algorithm: must be SHA-256")]
    UnknownHashAlgorithm,
    #[error("hash_algorithm: BLAKE3 is not supported, must be SHA-256")]
    UnsupportedHashAlgorithm,
    #[error("{path}: {}", error.rule())]
    Shape { path: String, error: ShapeError },
    #[error("payload_hash_b64u: must be the hash of the payload")]
    HashMismatch,
    #[error("{path}: {error}")]
    Key { path: String, error: DidError },
    #[error("signature_b64u: does not verify under the key of signer_did")]
    SignatureInvalid,
    #[error("{path}: does not verify under the key of its signer_did")]
    CoSignatureInvalid { path: String },
    #[error("{path}: holds a signed token; revoke that token, it may have been seen")]
    Secret { path: String },
    #[error("{path}: must not lie above the index that the roots get; the log has {size} entries")]
    DistrustAhead { path: String, size: u64 },
    #[error("an envelope inside a bundle must be of the kind of its array")]
    NotExpandable,
}

impl AdmitError {
    /// Stable name of the broken rule, one of [`CODES`].
    pub fn code(&self) -> &'static str {
        match self {
            AdmitError::TooLarge { .. } => "artifact_too_large",
            AdmitError::CompactTooLarge { .. } => "compact_too_large",
            AdmitError::Json(error) => error.code(),
            AdmitError::UnknownKind => "unknown_kind",
            AdmitError::UnsignedNotAllowed => "unsigned_not_allowed",
            AdmitError::Grant(error) => error.code(),
            AdmitError::UnknownAlgorithm => "unknown_algorithm",
            AdmitError::UnknownHashAlgorithm => "unknown_hash_algorithm",
            AdmitError::UnsupportedHashAlgorithm => "unsupported_hash_algorithm",
            AdmitError::Shape { error, .. } => error.code(),
            AdmitError::HashMismatch => "hash_mismatch",
            AdmitError::Key { error, .. } => error.code(),
            AdmitError::SignatureInvalid => "signature_invalid",
            AdmitError::CoSignatureInvalid { .. } => "co_signature_invalid",
            AdmitError::Secret { .. } => "secret_in_artifact",
            AdmitError::DistrustAhead { .. } => "distrust_ahead",
            AdmitError::NotExpandable => "kind_not_expandable",
        }
    }

    /// Field at fault, as `payload.claims.exp`, where there is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            AdmitError::Shape { path, .. }
            | AdmitError::Key { path, .. }
            | AdmitError::CoSignatureInvalid { path }
            | AdmitError::DistrustAhead { path, .. }
            | AdmitError::Secret { path } => Some(path),
            AdmitError::Json(error) => error.path(),
            AdmitError::UnknownAlgorithm => Some("algorithm"),
            AdmitError::UnknownHashAlgorithm | AdmitError::UnsupportedHashAlgorithm => Some("hash_algorithm"),
            AdmitError::HashMismatch => Some("payload_hash_b64u"),
            AdmitError::SignatureInvalid => Some("signature_b64u"),
            _ => None,
        }
    }
}

impl From<ShapeError> for AdmitError {
    fn from(error: ShapeError) -> Self {
        AdmitError::Shape { path: error.path(), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::kind::Kind;
    use crate::artifact::shape::Broken;

    fn one_of_each() -> Vec<AdmitError> {
        let at = 0;
        let json = [
            JsonError::NotUtf8 { at },
            JsonError::Bom { at },
            JsonError::Syntax { at, expected: "x" },
            JsonError::Truncated { at },
            JsonError::TrailingData { at },
            JsonError::DuplicateKey { at, path: "x".to_owned() },
            JsonError::LoneSurrogate { at },
            JsonError::TooDeep { at, max: 64 },
            JsonError::OverRoom { at, max: 64 },
            JsonError::NumberOverflow { at },
            JsonError::NumberUnsafe { at },
            JsonError::NumberUnderflow { at },
        ];
        let kind = Kind::all().next().expect("the table is not empty");
        let grant = [
            GrantError::KindNotGranted { kind },
            GrantError::UnsignedNotGranted { kind },
            GrantError::InstanceNotGranted,
            GrantError::ChannelNotGranted,
        ];
        let broken = [
            Broken::UnknownVersion,
            Broken::MissingField,
            Broken::UnknownField,
            Broken::WrongType,
            Broken::InvalidValue,
            Broken::NonCanonicalBase64url,
            Broken::ScopeHashMismatch,
            Broken::RetiredVersion,
        ];
        let key = [DidError::Invalid, DidError::WrongLength { got: 1 }, DidError::NotAPoint, DidError::SmallOrder];
        let path = String::new;
        let mut all = vec![
            AdmitError::TooLarge { got: 2, max: 1 },
            AdmitError::CompactTooLarge { got: 2, max: 1 },
            AdmitError::UnknownKind,
            AdmitError::UnsignedNotAllowed,
            AdmitError::UnknownAlgorithm,
            AdmitError::UnknownHashAlgorithm,
            AdmitError::UnsupportedHashAlgorithm,
            AdmitError::HashMismatch,
            AdmitError::SignatureInvalid,
            AdmitError::CoSignatureInvalid { path: path() },
            AdmitError::Secret { path: path() },
            AdmitError::DistrustAhead { path: path(), size: 0 },
            AdmitError::NotExpandable,
        ];
        all.extend(json.map(AdmitError::Json));
        all.extend(grant.map(AdmitError::Grant));
        all.extend(broken.map(|broken| ShapeError::at("x", broken, "rule").into()));
        all.extend(key.map(|error| AdmitError::Key { path: path(), error }));
        all
    }

    #[test]
    fn code_table_lists_every_code_once_and_no_other() {
        let mut answered: Vec<_> = one_of_each().iter().map(AdmitError::code).collect();
        let mut listed: Vec<_> = CODES.iter().map(|(code, _)| *code).collect();
        answered.sort_unstable();
        listed.sort_unstable();
        assert_eq!(answered, listed);
    }

    #[test]
    fn messages_are_lower_case_without_full_stop() {
        for error in one_of_each() {
            let text = error.to_string();
            assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
        }
    }
}
