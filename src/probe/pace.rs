//! The bound on packets per second, shared by everything that the bot sends.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Packets that are due within this time go out together: timers are no finer.
pub const TOGETHER: Duration = Duration::from_millis(1);
/// After a pause as many packets go at once as are due in this time: a trace is a few packets, and should not
/// wait for the pace of a sweep.
const BURST: Duration = Duration::from_millis(20);

/// Gives every packet its time.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// At most this many packets per second, over all questions.
    pub fn new(packets_per_second: u32) -> Self {
        let gap = Duration::from_secs(1) / packets_per_second.max(1);
        Self { gap, next: Mutex::new(Instant::now()) }
    }

    /// When the next packet may leave. Each call takes one place.
    pub fn reserve(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let slot = (*next).max(now.checked_sub(BURST).unwrap_or(now));
        *next = slot + self.gap;
        slot
    }

    /// Waits for the next packet's time.
    pub async fn wait(&self) {
        let slot = self.reserve();
        if slot > Instant::now() + TOGETHER {
            tokio::time::sleep_until(slot).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_holds_no_more_than_was_said() {
        let pace = Pace::new(500);
        let start = Instant::now();
        for _ in 0..100 {
            pace.wait().await;
        }
        let took = start.elapsed();
        // 100 packets are 198 ms, less what may go at once.
        assert!(took >= Duration::from_millis(175), "{took:?}");
    }
}
