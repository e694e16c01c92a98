//! How fast bytes may come and go for people of whom nothing is known: bodies
//! without a token, and large answers.
//!
//! Moving bytes to and from the system costs as much as the network carries,
//! which on the machine itself is more than its cores can bear. All of one sort
//! share one rate; who wants more waits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What may be owed: timers go by the millisecond, and small pieces cost less.
const CREDIT: Duration = Duration::from_millis(20);

/// One rate for many.
pub struct Throttle {
    bytes_per_second: u64,
    /// When the next bytes may be taken.
    next: Mutex<Instant>,
}

impl Throttle {
    /// At most so many bytes a second, at least one.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits until `bytes` are paid for.
    pub async fn pay(&self, bytes: usize) {
        let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let due = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            *next = (*next).max(now) + cost;
            *next
        };
        if due.saturating_duration_since(Instant::now()) > CREDIT {
            let owed = Owed { throttle: self, cost };
            sleep_until(due).await;
            std::mem::forget(owed);
        }
    }
}

/// What somebody waits for. Whoever goes away owes nothing.
struct Owed<'a> {
    throttle: &'a Throttle,
    cost: Duration,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let mut next = self.throttle.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.checked_sub(self.cost).unwrap_or(*next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_goes_away_owes_nothing() {
        let throttle = Throttle::new(1_000);
        let begun = Instant::now();
        let gone = tokio::time::timeout(Duration::from_millis(1), throttle.pay(1_000_000)).await;
        assert!(gone.is_err());
        throttle.pay(10).await;
        assert!(begun.elapsed() < Duration::from_secs(100), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn bodies_together_get_the_rate_of_one() {
        let throttle = Throttle::new(10_000);
        let begun = Instant::now();
        let pay = || async {
            for _ in 0..5 {
                throttle.pay(100).await;
            }
        };
        tokio::join!(pay(), pay(), pay(), pay());
        // 2,000 bytes.
        assert!(begun.elapsed() >= Duration::from_millis(200) - CREDIT, "{:?}", begun.elapsed());
    }
}
