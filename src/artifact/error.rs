//! Why an artifact is refused: one code a rule, the place, never the value.

use crate::artifact::did::DidError;
use crate::artifact::grant::GrantError;
use crate::artifact::json::JsonError;
use crate::artifact::shape::ShapeError;
use crate::codes::{self, Code};

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
    /// Stable name of the broken rule, one of [`ADMISSION`](codes::artifact::ADMISSION).
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::TooLarge { .. } => &codes::artifact::ARTIFACT_TOO_LARGE,
            Self::CompactTooLarge { .. } => &codes::artifact::COMPACT_TOO_LARGE,
            Self::Json(error) => error.code(),
            Self::UnknownKind => &codes::artifact::UNKNOWN_KIND,
            Self::UnsignedNotAllowed => &codes::artifact::UNSIGNED_NOT_ALLOWED,
            Self::Grant(error) => error.code(),
            Self::UnknownAlgorithm => &codes::artifact::UNKNOWN_ALGORITHM,
            Self::UnknownHashAlgorithm => &codes::artifact::UNKNOWN_HASH_ALGORITHM,
            Self::UnsupportedHashAlgorithm => &codes::artifact::UNSUPPORTED_HASH_ALGORITHM,
            Self::Shape { error, .. } => error.code(),
            Self::HashMismatch => &codes::artifact::HASH_MISMATCH,
            Self::Key { error, .. } => error.code(),
            Self::SignatureInvalid => &codes::artifact::SIGNATURE_INVALID,
            Self::CoSignatureInvalid { .. } => &codes::artifact::CO_SIGNATURE_INVALID,
            Self::Secret { .. } => &codes::artifact::SECRET_IN_ARTIFACT,
            Self::DistrustAhead { .. } => &codes::artifact::DISTRUST_AHEAD,
            Self::NotExpandable => &codes::artifact::KIND_NOT_EXPANDABLE,
        }
    }

    /// Field at fault, as `payload.claims.exp`, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Shape { path, .. }
            | Self::Key { path, .. }
            | Self::CoSignatureInvalid { path }
            | Self::DistrustAhead { path, .. }
            | Self::Secret { path } => Some(path),
            Self::Json(error) => error.path(),
            Self::UnknownAlgorithm => Some("algorithm"),
            Self::UnknownHashAlgorithm | Self::UnsupportedHashAlgorithm => Some("hash_algorithm"),
            Self::HashMismatch => Some("payload_hash_b64u"),
            Self::SignatureInvalid => Some("signature_b64u"),
            _ => None,
        }
    }
}

impl From<ShapeError> for AdmitError {
    fn from(error: ShapeError) -> Self {
        Self::Shape { path: error.path(), error }
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
        let kind = Kind::GatewayReceipt;
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
        let mut answered: Vec<_> = one_of_each().iter().map(|error| error.code().name).collect();
        let mut listed: Vec<_> = codes::artifact::ADMISSION.iter().map(|code| code.name).collect();
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
