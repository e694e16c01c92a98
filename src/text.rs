//! Spellings that more than one room reads or writes, each once: hex,
//! base64url, percent-encoding, characters that nobody sees, civil time. What
//! a text means is the business of whoever asks.

pub mod base64url;
pub mod civil;
pub mod hex;
pub mod percent;
pub mod unseen;
