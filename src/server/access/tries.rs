//! How often one address may try to come in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Tries of one address in a minute.
pub const TRIES_MAX: u32 = 5;
const MINUTE_MS: u64 = 60_000;
/// Addresses that are remembered; the oldest makes room.
const ADDRESSES_MAX: usize = 4_096;

/// Tries by address (IPv6: by /64).
#[derive(Default)]
pub struct Tries(Mutex<HashMap<IpAddr, Tried>>);

#[derive(Clone, Copy)]
struct Tried {
    begun_ms: u64,
    count: u32,
}

impl Tries {
    /// Counts a try; whether it may be made.
    pub fn take(&self, from: IpAddr, now_ms: u64) -> bool {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = whose(from);
        if tried.len() >= ADDRESSES_MAX && !tried.contains_key(&key) {
            tried.retain(|_, row| now_ms.saturating_sub(row.begun_ms) < MINUTE_MS);
            let oldest = tried.iter().min_by_key(|(_, row)| row.begun_ms).map(|(key, _)| *key);
            if let Some(oldest) = oldest.filter(|_| tried.len() >= ADDRESSES_MAX) {
                tried.remove(&oldest);
            }
        }
        let row = tried.entry(key).or_insert(Tried { begun_ms: now_ms, count: 0 });
        if now_ms.saturating_sub(row.begun_ms) >= MINUTE_MS {
            *row = Tried { begun_ms: now_ms, count: 0 };
        }
        row.count = row.count.saturating_add(1);
        row.count <= TRIES_MAX
    }

    /// A try that succeeded counts for nothing: behind one proxy or gateway many
    /// readers have one address.
    pub fn give_back(&self, from: IpAddr) {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = tried.get_mut(&whose(from)) {
            row.count = row.count.saturating_sub(1);
        }
    }
}

/// Whoever has one address of a /64 has all of them.
fn whose(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_of_a_minute_is_refused_and_the_first_of_the_next_is_not() {
        let (tries, from) = (Tries::default(), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..TRIES_MAX {
            assert!(tries.take(from, 7));
        }
        assert!(!tries.take(from, 7 + MINUTE_MS - 1));
        assert!(tries.take(IpAddr::from([10, 0, 0, 2]), 7), "another address");
        assert!(tries.take(from, 7 + MINUTE_MS));
        let six = |text: &str| text.parse::<IpAddr>().expect("an address");
        for at in 0..TRIES_MAX {
            assert!(tries.take(six(&format!("2001:db8::{at}")), 0));
        }
        assert!(!tries.take(six("2001:db8::ffff"), 0), "the same /64");
        assert!(tries.take(six("2001:db8:0:1::1"), 0), "another /64");
    }

    #[test]
    fn addresses_are_remembered_in_bounds() {
        let tries = Tries::default();
        for at in 0..2 * ADDRESSES_MAX as u32 {
            tries.take(IpAddr::from(at.to_be_bytes()), 0);
        }
        assert_eq!(tries.0.lock().expect("a lock").len(), ADDRESSES_MAX);
    }
}
