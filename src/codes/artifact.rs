//! Why an artifact is refused.

use super::Code;

rows! {
    /// Why an artifact is refused: what admission answers.
    pub ADMISSION "artifact":
    ARTIFACT_TOO_LARGE "artifact_too_large" 413: "Artifact too large", "the artifact has more bytes than the limit", "submit less in one artifact, or ask the operator for a higher limit";
    COMPACT_TOO_LARGE "compact_too_large" 413: "Compact form too large", "the artifact's compact form has more bytes than the limit", "submit less in one artifact, or ask the operator for a higher limit";
    JSON_NOT_UTF8 "json_not_utf8" 400: "Not UTF-8", "the bytes are not UTF-8", "write the file as UTF-8";
    JSON_BOM "json_bom" 400: "Byte order mark", "the text starts with a byte order mark", "write the file without a byte order mark";
    JSON_SYNTAX "json_syntax" 400: "Not JSON", "the text is not JSON", "look at the named byte; the file is no JSON there";
    JSON_TRUNCATED "json_truncated" 400: "JSON cut short", "the text ends inside a JSON value", "get the whole file again";
    JSON_TRAILING_DATA "json_trailing_data" 400: "Bytes after the JSON", "there are bytes after the JSON value", "give one JSON value and nothing after it";
    JSON_DUPLICATE_KEY "json_duplicate_key" 400: "Member named twice", "an object names a member twice", "have the producer name each member once; readers would disagree about it";
    JSON_LONE_SURROGATE "json_lone_surrogate" 400: "Half a character", "a \\u escape is half of a surrogate pair", "have the producer write whole characters";
    JSON_TOO_DEEP "json_too_deep" 400: "Nested too deep", "arrays and objects nest deeper than 64", "have the producer nest less";
    JSON_OVER_ROOM "json_over_room" 400: "Too many small values", "the values would take more memory than their reader gives them", "give --memory-max if you want to read it all the same; have the producer write fewer, longer values";
    JSON_NUMBER_OVERFLOW "json_number_overflow" 400: "Number too large", "a number is beyond the range of a double", "write the number as text";
    JSON_NUMBER_UNSAFE "json_number_unsafe" 400: "Integer not exact", "an integral number is beyond ±(2^53-1)", "write the number as text; readers would round it differently";
    JSON_NUMBER_UNDERFLOW "json_number_underflow" 400: "Number too small", "a number other than zero is too close to zero for a double", "write the number as text, or write 0";
    UNKNOWN_KIND "unknown_kind" 422: "Kind unknown", "envelope_type or version field names no kind of this log", "check that this is an artifact that the log takes, and how its envelope_type is spelled";
    UNSIGNED_NOT_ALLOWED "unsigned_not_allowed" 422: "Signature missing", "this kind must come in a signed envelope", "submit the signed envelope, not the payload alone";
    KIND_NOT_GRANTED "kind_not_granted" 403: "Kind not granted", "the token may not submit this kind", "ask the operator for a token that may submit this kind";
    UNSIGNED_NOT_GRANTED "unsigned_not_granted" 403: "Unsigned not granted", "the token may not submit this kind unsigned", "sign it, or ask the operator for a token that may submit it unsigned";
    INSTANCE_NOT_GRANTED "instance_not_granted" 403: "Instance not granted", "the token observes another Argo CD instance", "use the token of the observer of this Argo CD instance";
    CHANNEL_NOT_GRANTED "channel_not_granted" 403: "Channel not granted", "the token observes by another channel", "use the token of the observer of this channel";
    UNKNOWN_VERSION "unknown_version" 422: "Version unknown", "the version of the envelope or payload is not known", "ask the producer for a known version, or use a newer pulselog";
    RETIRED_VERSION "retired_version" 422: "Version no longer taken in", "the version of the payload is only read where it was logged before", "have the producer write the named version and sign again";
    UNKNOWN_ALGORITHM "unknown_algorithm" 422: "Signature algorithm unknown", "the signature algorithm is not Ed25519", "have it signed with Ed25519";
    UNKNOWN_HASH_ALGORITHM "unknown_hash_algorithm" 422: "Hash algorithm unknown", "the hash algorithm is not known", "have it hashed with SHA-256 and signed again";
    UNSUPPORTED_HASH_ALGORITHM "unsupported_hash_algorithm" 422: "Hash algorithm not supported", "BLAKE3 is known but not supported", "have it hashed with SHA-256 and signed again";
    MISSING_FIELD "missing_field" 422: "Field missing", "a required field is absent", "have the producer add the named field and sign again";
    UNKNOWN_FIELD "unknown_field" 422: "Field not known", "a field is not known here", "have the producer leave the named field out and sign again";
    WRONG_TYPE "wrong_type" 422: "Field of the wrong type", "a value is of another JSON type than its field", "have the producer correct the named field and sign again";
    INVALID_VALUE "invalid_value" 422: "Field breaks its rule", "a value breaks the rule of its field", "have the producer correct the named field and sign again";
    BASE64URL_NOT_CANONICAL "base64url_not_canonical" 422: "Base64url not canonical", "base64url is not the one spelling of its bytes", "have the producer write unpadded base64url without stray bits";
    SCOPE_HASH_MISMATCH "scope_hash_mismatch" 422: "Scope hash does not fit", "token_scope_hash_b64u is not the hash of the claims beside it", "compare the claims with the token; the issuer has to log the scope that was granted";
    HASH_MISMATCH "hash_mismatch" 422: "Payload changed after signing", "payload_hash_b64u is not the hash of the payload", "get the artifact as it was signed; do not rely on this one";
    INVALID_DID "invalid_did" 422: "Signer gives no key", "the signer is not a did:key of an Ed25519 key", "have it signed under a did:key of an Ed25519 key";
    KEY_WRONG_LENGTH "key_wrong_length" 422: "Signer's key of the wrong length", "the did:key does not hold 32 bytes of key", "check the signer's DID; it was cut or altered";
    KEY_NOT_A_POINT "key_not_a_point" 422: "Signer's key is no key", "the did:key holds no canonical curve point", "check the signer's DID; no private key belongs to it";
    KEY_SMALL_ORDER "key_small_order" 422: "Signer's key is weak", "the did:key holds a point of small order", "do not rely on it: under such a key one signature fits many messages";
    SIGNATURE_INVALID "signature_invalid" 422: "Signature does not verify", "the signature does not verify under the signer's key", "do not rely on it; ask the named signer for the original";
    CO_SIGNATURE_INVALID "co_signature_invalid" 422: "Co-signature does not verify", "a co-signature does not verify under its signer's key", "ask the named co-signer; do not count that signature";
    SECRET_IN_ARTIFACT "secret_in_artifact" 422: "Token inside", "a text or field name holds a signed token", "revoke that token, it may have been seen; submit again without it";
    DISTRUST_AHEAD "distrust_ahead" 422: "Distrust ahead of the log", "roots withdraw trust from an index that lies above their own", "give an index that the log has, at most its size; what a signer says later is covered by any lower one";
    KIND_NOT_EXPANDABLE "kind_not_expandable" 422: "Envelope in the wrong array", "an envelope inside a bundle is not of the kind of its array", "look at the bundle: a receipt stands in an array for another kind";
}

rows! {
    /// What else is said of artifacts.
    pub(super) MORE "artifact":
    NOT_RENEWABLE "not_renewable": "Cannot be renewed", "the artifact is in no signed envelope, so every date in it is part of what it says", "submit it as it is, or have it made again";
    INVALID_HEX "invalid_hex": "Digest not hex", "a digest is not 64 lowercase hex characters", "give the digest as 64 lowercase hex characters";
}
