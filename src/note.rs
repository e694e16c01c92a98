//! Signed notes: text and the lines of those who signed it (C2SP signed-note,
//! <https://c2sp.org/signed-note>).
//!
//! ```text
//! example.com/log                                       text, every line
//! 11                                                    ends in a newline
//! HbUiaggFKBb6QD856DLtKSgkMlQddA2KKPIO6KeG3xA=
//!                                                       the last empty line
//! — example.com/log Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAl…
//! — witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHe…
//! ```
//!
//! A signature line holds the key's name, then base64 of the 4-byte key id
//! and the signature. What is signed is the text with its final newline.
//! This room knows bytes and keys; what the text means is for others.
//! Not implemented: ECDSA (0x02), RFC 6962 tree heads (0x05) and ML-DSA
//! (0x06). Lines of such keys parse and are kept; nothing here trusts them.

use std::fmt;

use base64ct::{Base64, Encoding};

mod key;

pub(crate) use key::ED25519_SIGNATURE_BYTES;
pub use key::{KeyError, KeyId, KeyName, KeyType, NoteSigner, SignerError, SignerKey, VerifierKey};

use crate::codes::{self, Code};

/// Longest text. A checkpoint needs less than 400 bytes; the rest is room for
/// other people's notes.
pub const NOTE_TEXT_BYTES_MAX: usize = 65_536;

/// Most signature lines. The format asks for at least 16.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// Longest signature after its key id. The largest in use is ML-DSA-87 with
/// 4,627 bytes, and 8 for a timestamp.
pub const NOTE_SIGNATURE_BYTES_MAX: usize = 8_192;

/// Longest key name: what the one length byte of a subtree cosignature holds.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// Longest signature line: dash, name, base64 of key id and body, two spaces.
const LINE_BYTES_MAX: usize =
    SIGNATURE_MARK.len() + KEY_NAME_BYTES_MAX + 1 + (NOTE_SIGNATURE_BYTES_MAX + 4) * 4 / 3 + 4;

/// Longest note: text, the empty line, all lines with their newlines.
pub const NOTE_BYTES_MAX: usize = NOTE_TEXT_BYTES_MAX + 1 + NOTE_SIGNATURES_MAX * (LINE_BYTES_MAX + 1);

/// U+2014 and a space.
const SIGNATURE_MARK: &str = "— ";

/// A note that has the right shape. Nothing in it is verified yet: ask a
/// [`VerifierKey`] or, for checkpoints, a trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    bytes: String,
    text_length: usize,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: KeyName,
    pub key_id: KeyId,
    /// What follows the key id: 64 bytes for Ed25519, 72 for a cosignature.
    pub body: Vec<u8>,
}

impl SignedNote {
    /// Reads a whole note and keeps its exact bytes.
    ///
    /// # Errors
    /// Not UTF-8, a control character other than newline, no text, no empty
    /// line, no signature line, a line that would not print back exactly so,
    /// or one of the limits of this room.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge { field: "note", got: bytes.len(), limit: NOTE_BYTES_MAX });
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        let split = whole.rfind("\n\n").ok_or(NoteError::NoEmptyLine)?;
        let (text, lines) = (&whole[..=split], &whole[split + 2..]);
        check_text(text)?;
        let signatures = parse_lines(lines)?;
        Ok(Self { bytes: whole.to_owned(), text_length: text.len(), signatures })
    }

    /// Puts signature lines under a text.
    ///
    /// # Errors
    /// The result is no note that [`SignedNote::parse`] would read.
    pub fn assemble(text: &str, signatures: Vec<NoteSignature>) -> Result<Self, NoteError> {
        let mut bytes = format!("{text}\n");
        for signature in &signatures {
            bytes.push_str(&signature.to_string());
            bytes.push('\n');
        }
        let note = Self::parse(bytes.as_bytes())?;
        // A text that ends before its own last line would parse as another
        // text and other signatures.
        if note.text() != text || note.signatures != signatures {
            return Err(NoteError::TextEnd);
        }
        Ok(note)
    }

    /// What is signed, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.bytes[..self.text_length]
    }

    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The note as it was read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    /// The note as it was read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.bytes
    }
}

impl fmt::Display for NoteSignature {
    /// Prints the line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = self.key_id.as_bytes().to_vec();
        blob.extend_from_slice(&self.body);
        write!(f, "{SIGNATURE_MARK}{} {}", self.name, Base64::encode_string(&blob))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > NOTE_TEXT_BYTES_MAX {
        return Err(NoteError::TooLarge { field: "note text", got: text.len(), limit: NOTE_TEXT_BYTES_MAX });
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::ControlCharacter);
    }
    Ok(())
}

fn parse_lines(lines: &str) -> Result<Vec<NoteSignature>, NoteError> {
    let Some(lines) = lines.strip_suffix('\n') else {
        return Err(if lines.is_empty() { NoteError::NoSignature } else { NoteError::NoFinalNewline });
    };
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == NOTE_SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        signatures.push(parse_line(line)?);
    }
    Ok(signatures)
}

fn parse_line(line: &str) -> Result<NoteSignature, NoteError> {
    if line.len() > LINE_BYTES_MAX {
        return Err(NoteError::TooLarge { field: "signature line", got: line.len(), limit: LINE_BYTES_MAX });
    }
    let rest = line
        .strip_prefix(SIGNATURE_MARK)
        .ok_or(NoteError::SignatureLine { rule: "must begin with an em dash and a space" })?;
    let (name, blob) =
        rest.split_once(' ').ok_or(NoteError::SignatureLine { rule: "must hold a name and a signature" })?;
    let name = KeyName::parse(name)?;
    let blob =
        decode_base64(blob).ok_or(NoteError::SignatureLine { rule: "signature must be canonical padded base64" })?;
    let short = NoteError::SignatureLine { rule: "signature must be longer than its 4-byte key id" };
    let (key_id, body) = blob.split_first_chunk::<4>().filter(|(_, body)| !body.is_empty()).ok_or(short)?;
    // Behind a short name the line has room for more.
    if body.len() > NOTE_SIGNATURE_BYTES_MAX {
        let (got, limit) = (body.len(), NOTE_SIGNATURE_BYTES_MAX);
        return Err(NoteError::TooLarge { field: "signature", got, limit });
    }
    Ok(NoteSignature { name, key_id: KeyId::from_bytes(*key_id), body: body.to_vec() })
}

/// Standard padded base64 in its one canonical spelling; `None` otherwise.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64::decode_vec(text).ok()?;
    (Base64::encode_string(&bytes) == text).then_some(bytes)
}

/// A note that cannot be read, or that a key did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("{field} must be at most {limit} bytes, got {got}")]
    TooLarge { field: &'static str, got: usize, limit: usize },
    #[error("note must be UTF-8")]
    NotUtf8,
    #[error("note must hold no control character but newline")]
    ControlCharacter,
    #[error("note must part text and signatures by an empty line")]
    NoEmptyLine,
    #[error("note text must end in exactly one newline before its signatures")]
    TextEnd,
    #[error("note must hold a signature")]
    NoSignature,
    #[error("note must end in a newline")]
    NoFinalNewline,
    #[error("note must hold at most {NOTE_SIGNATURES_MAX} signatures")]
    TooManySignatures,
    #[error("signature line {rule}")]
    SignatureLine { rule: &'static str },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("note is not signed by key {name} {key_id}")]
    NotSigned { name: KeyName, key_id: KeyId },
    #[error("signature of key {name} {key_id} does not verify")]
    SignatureInvalid { name: KeyName, key_id: KeyId },
}

impl NoteError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::TooLarge { .. } => &codes::proof::NOTE_TOO_LARGE,
            Self::NotUtf8 => &codes::proof::NOTE_NOT_UTF8,
            Self::ControlCharacter => &codes::proof::NOTE_CONTROL_CHARACTER,
            Self::NoEmptyLine => &codes::proof::NOTE_NO_EMPTY_LINE,
            Self::TextEnd => &codes::proof::NOTE_TEXT_END,
            Self::NoSignature => &codes::proof::NOTE_NO_SIGNATURE,
            Self::NoFinalNewline => &codes::proof::NOTE_NO_FINAL_NEWLINE,
            Self::TooManySignatures => &codes::proof::NOTE_TOO_MANY_SIGNATURES,
            Self::SignatureLine { .. } => &codes::proof::NOTE_SIGNATURE_LINE,
            Self::Key(error) => error.code(),
            Self::NotSigned { .. } => &codes::proof::NOTE_NOT_SIGNED,
            Self::SignatureInvalid { .. } => &codes::proof::NOTE_SIGNATURE_INVALID,
        }
    }
}
