//! Keys, hashes and envelopes, by docs/FORMATS.md 1.4, 1.8 and 2.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::json::Json;

pub fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex SHA-256 of a text.
pub fn hex_of(text: &str) -> String {
    hex(&hash(text.as_bytes()))
}

/// 32 digits that stand for chance.
pub fn nonce(of: &str) -> String {
    hex_of(of)[..32].to_owned()
}

pub fn b64u(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..=three.len() {
            out.push(char::from(LETTERS[(word >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}

/// Base58 in Bitcoin's letters. What is written here begins with no zero byte.
fn base58(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| char::from(LETTERS[*digit as usize])).collect()
}

/// Everybody's keys, made from their names.
#[derive(Default)]
pub struct Keys(BTreeMap<String, (SigningKey, String)>);

impl Keys {
    fn of(&mut self, name: &str) -> &(SigningKey, String) {
        self.0.entry(name.to_owned()).or_insert_with(|| {
            let key = SigningKey::from_bytes(&hash(format!("a busy week: {name}").as_bytes()));
            let mut bytes = vec![0xed, 0x01];
            bytes.extend_from_slice(key.verifying_key().as_bytes());
            (key, format!("did:key:z{}", base58(&bytes)))
        })
    }

    pub fn did(&mut self, name: &str) -> String {
        self.of(name).1.clone()
    }

    /// The envelope of a payload.
    pub fn seal(&mut self, kind: &str, who: &str, issued_at: &str, payload: Json) -> Sealed {
        let digest = hash(payload.compact().as_bytes());
        let text = b64u(&digest);
        let (key, did) = self.of(who);
        let signature = b64u(&key.sign(text.as_bytes()).to_bytes());
        let envelope = Json::map([
            ("envelope_version", "1".into()),
            ("envelope_type", kind.into()),
            ("payload", payload),
            ("payload_hash_b64u", (&text).into()),
            ("hash_algorithm", "SHA-256".into()),
            ("signature_b64u", signature.into()),
            ("algorithm", "Ed25519".into()),
            ("signer_did", did.into()),
            ("issued_at", issued_at.into()),
        ]);
        Sealed { envelope, hash: hex(&digest), hash_b64u: text }
    }
}

/// A signed statement and its payload hash in both spellings.
pub struct Sealed {
    pub envelope: Json,
    pub hash: String,
    pub hash_b64u: String,
}

/// The week's first moment, 2026-11-16T00:00:00Z, in Unix milliseconds.
pub const MONDAY_MS: i64 = 1_794_787_200_000;

/// `YYYY-MM-DDTHH:MM:SSZ`, the fraction cut.
pub fn time(ms: i64) -> String {
    let seconds = ms.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil_from_days, for years after 1970.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}
