//! What a file is that was named by a slip where one of another kind belongs.
//! Said by what it holds, so that errors name the file and not a byte of it.

use pulselog::artifact::json::{self, DEPTH_MAX};
use pulselog::note::SignedNote;
use pulselog::verify::packet::Packet;

use crate::cli::input::PRIVATE_KEY;
use crate::cli::secret::is_secret;

/// How an inclusion proof begins.
const PROOF: &[u8] = b"c2sp.org/tlog-proof@v1\n";
/// Words that lines of a trust policy begin with.
const POLICY_WORDS: [&str; 4] = ["log", "witness", "group", "quorum"];
/// What a damaged document may still begin with.
const JSON_BEGINS: [char; 3] = ['{', '[', '"'];

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    Empty,
    PrivateKey,
    Token,
    Proof,
    Policy,
    Checkpoint,
    /// A packet's list of its files.
    PacketList,
    /// JSON, whole or damaged.
    Json,
    Text,
    /// No text at all.
    Binary,
}

impl Looks {
    pub fn of(bytes: &[u8]) -> Self {
        let begins = bytes.trim_ascii_start();
        let Ok(text) = std::str::from_utf8(bytes) else {
            // A document with a damaged byte is still one.
            let is_json = begins.first().is_some_and(|first| JSON_BEGINS.contains(&char::from(*first)));
            return if is_json { Self::Json } else { Self::Binary };
        };
        let words = text.trim_start_matches('\u{feff}').trim();
        match () {
            () if words.is_empty() => Self::Empty,
            () if words.contains(PRIVATE_KEY) => Self::PrivateKey,
            () if bytes.starts_with(PROOF) => Self::Proof,
            () if is_packet_list(bytes) => Self::PacketList,
            () if words.starts_with(JSON_BEGINS) || json::parse(bytes, DEPTH_MAX).is_ok() => Self::Json,
            () if is_secret(words) => Self::Token,
            () if is_policy(bytes) => Self::Policy,
            () if SignedNote::parse(bytes).is_ok() => Self::Checkpoint,
            () if text.chars().any(|char| char.is_control() && !char.is_ascii_whitespace()) => Self::Binary,
            () => Self::Text,
        }
    }

    /// Goes on after the name of the file.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::PrivateKey => "is a private key",
            Self::Token => "is a token",
            Self::Proof => "is a proof",
            Self::Policy => "is a trust policy",
            Self::Checkpoint => "is a checkpoint",
            Self::PacketList => "is the list of a packet",
            Self::Json => "is JSON",
            Self::Text => "is text of another kind",
            Self::Binary => "is no text",
        }
    }
}

/// Whether a text speaks like a trust policy: its first line that is neither
/// empty nor a comment begins with a word of one.
pub fn is_policy(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.and_then(|line| line.split_whitespace().next()).is_some_and(|word| POLICY_WORDS.contains(&word))
}

/// Whether a file lists what a packet has.
pub fn is_packet_list(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") && Packet::listed(bytes).is_ok()
}
