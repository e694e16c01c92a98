//! Admission: from bytes to an authentic artifact, in the order of FORMATS 4.1.
//! The first step that fails answers. Authentication of the submitter comes
//! before this room, duplicates after it.

use std::ops::Range;

use crate::artifact::did::Did;
use crate::artifact::digest::{ArtifactDigest, PayloadHash, sha256};
use crate::artifact::envelope::{self, ALGORITHM, HASH_ALGORITHM, HASH_ALGORITHM_UNSUPPORTED};
use crate::artifact::error::AdmitError;
use crate::artifact::expansion::{NotExpanded, expand};
use crate::artifact::grant::Grant;
use crate::artifact::json::{self, Value, compact_with_payload, to_jcs};
use crate::artifact::key_cache::{KeyCache, KnownKey};
use crate::artifact::kind::{Form, HashForm, Kind};
use crate::artifact::receipts_root::ReceiptsRoot;
use crate::artifact::shape::{Broken, ShapeError, check, check_ids};
use crate::artifact::{Artifact, Said, secrets};
use crate::text::base64url;

/// Bounds on one artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the input, and of its compact form.
    pub artifact_bytes_max: usize,
    /// Deepest nesting; the root container is 1.
    pub depth_max: usize,
    /// Most memory that its values may take, bytes.
    pub room: usize,
}

impl Limits {
    /// For bytes that were admitted before and are checked again.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { artifact_bytes_max: usize::MAX, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { artifact_bytes_max: 2 * 1024 * 1024, depth_max: json::DEPTH_MAX, room: usize::MAX }
    }
}

/// Which refusals apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of today's: the bytes are to be logged.
    Intake,
    /// Those of every day: the bytes may be logged already, and a log that
    /// exists stays readable. What only newer rules refuse is read.
    Logged,
}

/// What one submission brings.
#[derive(Clone, Debug)]
pub struct Admitted<'a> {
    pub artifact: Artifact<'a>,
    /// Root over a bundle's receipts; absent for other kinds and empty bundles.
    pub receipts: Option<ReceiptsRoot>,
    /// Receipts inside a bundle that are authentic on their own, in the order
    /// of FORMATS 3.4. Those already logged are for the caller to leave out.
    pub expanded: Vec<Artifact<'a>>,
    /// Enveloped receipts inside a bundle that are not, and why.
    pub not_expanded: Vec<NotExpanded>,
    /// Where tokens were replaced by their hash in an unsigned observation.
    pub redacted: Vec<String>,
}

/// Admits one artifact. Costs a strict parse, two hashes and one Ed25519
/// verification for each signature it carries; linear in `bytes`.
///
/// # Errors
/// The first admission step that fails, see [`ADMISSION`](crate::codes::artifact::ADMISSION).
pub fn admit<'a>(bytes: &'a [u8], grant: &Grant, limits: &Limits, keys: &KeyCache) -> Result<Admitted<'a>, AdmitError> {
    let (artifact, redacted) = read(bytes, grant, limits, keys, Reading::Intake)?;
    let (expanded, not_expanded) = expand(&artifact, keys);
    let receipts = artifact.receipts_root();
    Ok(Admitted { artifact, receipts, expanded, not_expanded, redacted })
}

/// One artifact from bytes that were logged before, perhaps under older rules:
/// retired versions and ids in odd spellings are read. What stands inside a
/// bundle was judged where it was logged on its own, and is not judged again.
/// Costs a strict parse, two hashes and one Ed25519 verification for each
/// signature on the artifact itself; linear in `bytes`.
///
/// # Errors
/// The first step that fails, see [`ADMISSION`](crate::codes::artifact::ADMISSION).
pub fn readmit<'a>(
    bytes: &'a [u8],
    grant: &Grant,
    limits: &Limits,
    keys: &KeyCache,
) -> Result<Artifact<'a>, AdmitError> {
    read(bytes, grant, limits, keys, Reading::Logged).map(|(artifact, _)| artifact)
}

/// The same for a value that was parsed already.
///
/// # Errors
/// As [`readmit`].
pub fn readmit_parsed<'a>(
    value: Value<'a>,
    grant: &Grant,
    limits: &Limits,
    keys: &KeyCache,
) -> Result<Artifact<'a>, AdmitError> {
    believe(value, 0, grant, limits, keys, Reading::Logged).map(|(artifact, _)| artifact)
}

fn read<'a>(
    bytes: &'a [u8],
    grant: &Grant,
    limits: &Limits,
    keys: &KeyCache,
    reading: Reading,
) -> Result<(Artifact<'a>, Vec<String>), AdmitError> {
    let max = limits.artifact_bytes_max;
    if bytes.len() > max {
        return Err(AdmitError::TooLarge { got: bytes.len(), max });
    }
    let value = json::parse_within(bytes, limits.depth_max, limits.room)?;
    believe(value, bytes.len(), grant, limits, keys, reading)
}

/// The steps after the parse: the artifact, and where tokens were replaced.
fn believe<'a>(
    value: Value<'a>,
    size_guess: usize,
    grant: &Grant,
    limits: &Limits,
    keys: &KeyCache,
    reading: Reading,
) -> Result<(Artifact<'a>, Vec<String>), AdmitError> {
    let max = limits.artifact_bytes_max;
    let mut candidate = Candidate::new(value, size_guess);
    candidate.check_size(max)?;
    let (kind, signed) = recognise(&candidate.value)?;
    grant.allows(kind, signed, candidate.payload(signed))?;
    let redacted = candidate.redact(kind, signed, reading);
    if !redacted.is_empty() {
        candidate.check_size(max)?;
    }
    Ok((authenticate(kind, signed, candidate, keys, reading)?, redacted))
}

/// A parsed value with its compact form, not yet believed.
pub(super) struct Candidate<'a> {
    value: Value<'a>,
    compact: String,
    /// Where the member `payload` stands in `compact`.
    payload_at: Option<Range<usize>>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(value: Value<'a>, size_guess: usize) -> Self {
        let (compact, payload_at) = compact_with_payload(&value, size_guess);
        Self { value, compact, payload_at }
    }

    fn check_size(&self, max: usize) -> Result<(), AdmitError> {
        let got = self.compact.len();
        if got > max { Err(AdmitError::CompactTooLarge { got, max }) } else { Ok(()) }
    }

    /// The value to ask about when nothing is known to be there yet.
    fn payload(&self, signed: bool) -> &Value<'a> {
        if signed { self.value.get("payload").unwrap_or(&Value::Null) } else { &self.value }
    }

    /// Observers pass on what Argo CD wrote, tokens included: only there, and
    /// only unsigned, is a token replaced instead of refused.
    fn redact(&mut self, kind: Kind, signed: bool, reading: Reading) -> Vec<String> {
        if signed || kind != Kind::ArgocdObservation {
            return Vec::new();
        }
        let redacted = secrets::redact(&mut self.value, reading);
        if redacted.is_empty() {
            return redacted;
        }
        (self.compact, self.payload_at) = compact_with_payload(&self.value, self.compact.len());
        redacted
    }

    fn payload_hash(&self, kind: Kind) -> [u8; 32] {
        match (kind.row().hash_form, &self.payload_at) {
            (HashForm::Compact, Some(range)) => sha256(self.compact[range.clone()].as_bytes()),
            (HashForm::Compact, None) => sha256(self.compact.as_bytes()),
            (HashForm::Jcs, _) => sha256(to_jcs(self.payload(true)).as_bytes()),
        }
    }
}

/// The kind of a value and whether it claims to be signed.
pub(super) fn recognise(value: &Value) -> Result<(Kind, bool), AdmitError> {
    if let Some(envelope_type) = value.get("envelope_type") {
        let kind = envelope_type.as_str().and_then(Kind::of_envelope).ok_or(AdmitError::UnknownKind)?;
        return Ok((kind, true));
    }
    if value.get("envelope_version").is_some() || value.get("signature_b64u").is_some() {
        return Err(ShapeError::at("envelope_type", Broken::MissingField, "is required").into());
    }
    let named = |kind: &Kind| kind.row().forms.iter().any(|form| value.get(form.version_field).is_some());
    let mut kinds = Kind::ALL.into_iter().filter(named).peekable();
    if kinds.peek().is_none() {
        return Err(AdmitError::UnknownKind);
    }
    Ok((kinds.find(|kind| kind.row().unsigned).ok_or(AdmitError::UnsignedNotAllowed)?, false))
}

/// The form of a payload by its version field, in an envelope of the given
/// version where there is one. Paths are below the payload.
pub(super) fn form_of(kind: Kind, envelope: Option<&str>, payload: &Value) -> Result<&'static Form, ShapeError> {
    let forms = kind.row().forms;
    let mut named = None;
    for form in forms.iter().filter(|form| envelope.is_none_or(|version| form.envelope.version == version)) {
        let Some(version) = payload.get(form.version_field) else {
            continue;
        };
        named = Some(form.version_field);
        if version.as_str() == Some(form.version) {
            return Ok(form);
        }
    }
    let Some(field) = named else {
        return Err(ShapeError::at(forms[0].version_field, Broken::MissingField, "is required"));
    };
    Err(ShapeError::at(field, Broken::UnknownVersion, "names no known version"))
}

/// Version, algorithm, shape, hash, key, signature, secrets: the steps that
/// turn a candidate of a known kind into an artifact. The only maker of
/// [`Artifact`].
pub(super) fn authenticate<'a>(
    kind: Kind,
    signed: bool,
    candidate: Candidate<'a>,
    keys: &KeyCache,
    reading: Reading,
) -> Result<Artifact<'a>, AdmitError> {
    let (payload_hash, signer) = if signed {
        let form = check_versions(kind, &candidate)?;
        check_algorithms(&candidate.value)?;
        check(form.envelope.shape, &candidate.value)?;
        check_payload(kind, form, candidate.payload(true), reading).map_err(|error| error.within("payload"))?;
        let (hash, signer) = check_signatures(kind, &candidate, keys)?;
        (Some(hash), Some(signer))
    } else {
        let form = form_of(kind, None, &candidate.value)?;
        check_payload(kind, form, &candidate.value, reading)?;
        (None, None)
    };
    let Candidate { value, compact, .. } = candidate;
    if let Some(path) = secrets::find_in(&value, &compact, reading) {
        return Err(AdmitError::Secret { path });
    }
    let digest = sha256(compact.as_bytes());
    Ok(Artifact {
        kind,
        said: Said::Values(value, Some(compact)),
        digest: ArtifactDigest::from_bytes(digest),
        payload_hash: PayloadHash::from_bytes(payload_hash.unwrap_or(digest)),
        signer,
    })
}

fn check_versions(kind: Kind, candidate: &Candidate) -> Result<&'static Form, AdmitError> {
    let version = required_text(&candidate.value, "envelope_version")?;
    if !kind.row().forms.iter().any(|form| form.envelope.version == version) {
        return Err(ShapeError::at("envelope_version", Broken::UnknownVersion, "names no known version").into());
    }
    let Some(payload) = candidate.value.get("payload") else {
        return Err(ShapeError::at("payload", Broken::MissingField, "is required").into());
    };
    if payload.as_object().is_none() {
        return Err(ShapeError::at("payload", Broken::WrongType, "must be an object").into());
    }
    Ok(form_of(kind, Some(version), payload).map_err(|error| error.within("payload"))?)
}

fn check_algorithms(envelope: &Value) -> Result<(), AdmitError> {
    if required_text(envelope, "algorithm")? != ALGORITHM {
        return Err(AdmitError::UnknownAlgorithm);
    }
    match required_text(envelope, "hash_algorithm")? {
        HASH_ALGORITHM => Ok(()),
        HASH_ALGORITHM_UNSUPPORTED => Err(AdmitError::UnsupportedHashAlgorithm),
        _ => Err(AdmitError::UnknownHashAlgorithm),
    }
}

/// The shape of a payload and the rules between its members.
pub(super) fn check_payload(kind: Kind, form: &Form, payload: &Value, reading: Reading) -> Result<(), ShapeError> {
    if reading == Reading::Intake && form.retired {
        return Err(ShapeError::at(form.version_field, Broken::RetiredVersion, retired(kind)));
    }
    check(form.payload, payload)?;
    // Ids in peers' kinds are theirs to spell.
    if reading == Reading::Intake && form.ours {
        check_ids(form.payload, payload)?;
    }
    (kind.row().check)(payload)
}

fn retired(kind: Kind) -> String {
    let taken: Vec<_> = kind.row().taken_in().map(|form| form.version).collect();
    format!("is read where it is logged and no longer taken in; must be {}", taken.join(" or "))
}

fn check_signatures(kind: Kind, candidate: &Candidate, keys: &KeyCache) -> Result<([u8; 32], Did), AdmitError> {
    let envelope = &candidate.value;
    let hash = candidate.payload_hash(kind);
    let hash_text = required_text(envelope, "payload_hash_b64u")?;
    if base64url::encode(&hash) != hash_text {
        return Err(AdmitError::HashMismatch);
    }
    let (signer, key) = key_in(envelope, "signer_did".to_owned(), keys)?;
    if !envelope::verifies(keys, &key, hash_text, required_text(envelope, "signature_b64u")?) {
        return Err(AdmitError::SignatureInvalid);
    }
    let co_signatures = envelope.get("co_signatures").and_then(Value::as_array).unwrap_or_default();
    for (at, co_signature) in co_signatures.iter().enumerate() {
        let (_, key) = key_in(co_signature, format!("co_signatures[{at}].signer_did"), keys)?;
        if !envelope::verifies(keys, &key, hash_text, required_text(co_signature, "signature_b64u")?) {
            return Err(AdmitError::CoSignatureInvalid { path: format!("co_signatures[{at}].signature_b64u") });
        }
    }
    Ok((hash, signer))
}

fn key_in(signed: &Value, path: String, keys: &KeyCache) -> Result<(Did, KnownKey), AdmitError> {
    keys.get(required_text(signed, "signer_did")?).map_err(|error| AdmitError::Key { path, error })
}

fn required_text<'a>(value: &'a Value<'a>, name: &'static str) -> Result<&'a str, AdmitError> {
    match value.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ShapeError::at(name, Broken::WrongType, "must be a string").into()),
        None => Err(ShapeError::at(name, Broken::MissingField, "is required").into()),
    }
}
