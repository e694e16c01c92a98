//! Readers who came in with a browser. A session is a random id that the
//! browser keeps; here stands its hash, and the hash of the token that it was
//! given for. They live in memory: a restart ends them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

/// How long a session lasts.
pub const LIFE_MS: u64 = 12 * 3_600 * 1_000;
/// Sessions at once; the oldest makes room.
const SESSIONS_MAX: usize = 4_096;
/// … of one token.
const OF_TOKEN_MAX: usize = 64;
/// Random bytes of an id.
const ID_BYTES: usize = 32;

/// SHA-256 of an id or token.
type Hashed = [u8; 32];

/// Every session.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Hashed, Session>>);

#[derive(Clone, Copy)]
struct Session {
    token: Hashed,
    begun_ms: u64,
}

impl Sessions {
    /// Begins one for whoever showed this token; `None` where the system gives
    /// no random bytes. The id is kept nowhere.
    pub fn begin(&self, token: Hashed, now_ms: u64) -> Option<String> {
        let mut secret = [0; ID_BYTES];
        getrandom::fill(&mut secret).ok()?;
        let id: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut held = self.held();
        held.retain(|_, session| is_alive(session, now_ms));
        while held.values().filter(|session| session.token == token).count() >= OF_TOKEN_MAX {
            end_oldest(&mut held, |session| session.token == token);
        }
        while held.len() >= SESSIONS_MAX {
            end_oldest(&mut held, |_| true);
        }
        held.insert(hash(&id), Session { token, begun_ms: now_ms });
        Some(id)
    }

    /// The token that this session was given for; whether that token still
    /// counts is asked of its file, each time.
    #[must_use]
    pub fn token_of(&self, id: &str, now_ms: u64) -> Option<Hashed> {
        self.held().get(&hash(id)).filter(|session| is_alive(session, now_ms)).map(|session| session.token)
    }

    /// Ends one.
    pub fn end(&self, id: &str) {
        self.held().remove(&hash(id));
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Hashed, Session>> {
        // Rows are put and taken whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_oldest(held: &mut HashMap<Hashed, Session>, of: impl Fn(&Session) -> bool) {
    let oldest = held.iter().filter(|(_, session)| of(session)).min_by_key(|(_, session)| session.begun_ms);
    if let Some(key) = oldest.map(|(key, _)| *key) {
        held.remove(&key);
    }
}

const fn is_alive(session: &Session, now_ms: u64) -> bool {
    now_ms.saturating_sub(session.begun_ms) < LIFE_MS
}

fn hash(id: &str) -> Hashed {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_twelve_hours_and_not_a_millisecond_longer() {
        let sessions = Sessions::default();
        let id = sessions.begin([1; 32], 5).expect("randomness");
        assert_eq!(id.len(), 64);
        assert_eq!(sessions.token_of(&id, 4 + LIFE_MS), Some([1; 32]));
        assert_eq!(sessions.token_of(&id, 5 + LIFE_MS), None);
        sessions.end(&id);
        assert_eq!(sessions.token_of(&id, 5), None);
        assert_eq!(sessions.token_of("", 5), None);
    }

    #[test]
    fn one_token_ends_its_own_oldest_sessions_and_nobody_elses() {
        let sessions = Sessions::default();
        let other = sessions.begin([2; 32], 0).expect("randomness");
        let first = sessions.begin([1; 32], 1).expect("randomness");
        for at in 0..OF_TOKEN_MAX as u64 {
            sessions.begin([1; 32], 2 + at).expect("randomness");
        }
        assert_eq!(sessions.token_of(&first, 100), None);
        assert!(sessions.token_of(&other, 100).is_some());
        assert_eq!(sessions.held().len(), OF_TOKEN_MAX + 1);
    }
}
