//! Why an artifact is refused: titles and advice for the codes of admission.

use super::{Advice, Explanation};

advice! {
    ADVICE:
    artifact_too_large, "Artifact too large", "submit less in one artifact, or ask the operator for a higher limit";
    compact_too_large, "Compact form too large", "submit less in one artifact, or ask the operator for a higher limit";
    json_not_utf8, "Not UTF-8", "write the file as UTF-8";
    json_bom, "Byte order mark", "write the file without a byte order mark";
    json_syntax, "Not JSON", "look at the named byte; the file is no JSON there";
    json_truncated, "JSON cut short", "get the whole file again";
    json_trailing_data, "Bytes after the JSON", "give one JSON value and nothing after it";
    json_duplicate_key, "Member named twice", "have the producer name each member once; readers would disagree about it";
    json_lone_surrogate, "Half a character", "have the producer write whole characters";
    json_too_deep, "Nested too deep", "have the producer nest less";
    json_over_room, "Too many small values", "give --memory-max if you want to read it all the same; have the producer write fewer, longer values";
    json_number_overflow, "Number too large", "write the number as text";
    json_number_unsafe, "Integer not exact", "write the number as text; readers would round it differently";
    json_number_underflow, "Number too small", "write the number as text, or write 0";
    unknown_kind, "Kind unknown", "check that this is an artifact that the log takes, and how its envelope_type is spelled";
    unsigned_not_allowed, "Signature missing", "submit the signed envelope, not the payload alone";
    kind_not_granted, "Kind not granted", "ask the operator for a token that may submit this kind";
    unsigned_not_granted, "Unsigned not granted", "sign it, or ask the operator for a token that may submit it unsigned";
    instance_not_granted, "Instance not granted", "use the token of the observer of this Argo CD instance";
    channel_not_granted, "Channel not granted", "use the token of the observer of this channel";
    unknown_version, "Version unknown", "ask the producer for a known version, or use a newer pulselog";
    retired_version, "Version no longer taken in", "have the producer write the named version and sign again";
    unknown_algorithm, "Signature algorithm unknown", "have it signed with Ed25519";
    unknown_hash_algorithm, "Hash algorithm unknown", "have it hashed with SHA-256 and signed again";
    unsupported_hash_algorithm, "Hash algorithm not supported", "have it hashed with SHA-256 and signed again";
    missing_field, "Field missing", "have the producer add the named field and sign again";
    unknown_field, "Field not known", "have the producer leave the named field out and sign again";
    wrong_type, "Field of the wrong type", "have the producer correct the named field and sign again";
    invalid_value, "Field breaks its rule", "have the producer correct the named field and sign again";
    base64url_not_canonical, "Base64url not canonical", "have the producer write unpadded base64url without stray bits";
    scope_hash_mismatch, "Scope hash does not fit", "compare the claims with the token; the issuer has to log the scope that was granted";
    hash_mismatch, "Payload changed after signing", "get the artifact as it was signed; do not rely on this one";
    invalid_did, "Signer gives no key", "have it signed under a did:key of an Ed25519 key";
    key_wrong_length, "Signer's key of the wrong length", "check the signer's DID; it was cut or altered";
    key_not_a_point, "Signer's key is no key", "check the signer's DID; no private key belongs to it";
    key_small_order, "Signer's key is weak", "do not rely on it: under such a key one signature fits many messages";
    signature_invalid, "Signature does not verify", "do not rely on it; ask the named signer for the original";
    co_signature_invalid, "Co-signature does not verify", "ask the named co-signer; do not count that signature";
    secret_in_artifact, "Token inside", "revoke that token, it may have been seen; submit again without it";
    distrust_ahead, "Distrust ahead of the log", "give an index that the log has, at most its size; what a signer says later is covered by any lower one";
    kind_not_expandable, "Envelope in the wrong array", "look at the bundle: a receipt stands in an array for another kind";
}

rows! {
    MORE "artifact":
    not_renewable, "Cannot be renewed", "the artifact is in no signed envelope, so every date in it is part of what it says", "submit it as it is, or have it made again";
    invalid_hex, "Digest not hex", "a digest is not 64 lowercase hex characters", "give the digest as 64 lowercase hex characters";
}
