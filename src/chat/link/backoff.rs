//! When to try again: full jitter, doubling, and back to the start only by the platform's hello. A TCP
//! connection that a broken proxy accepts is no reason to hammer.

use std::time::Duration;

/// The first upper bound of a wait.
const FIRST: Duration = Duration::from_millis(500);

/// The waits of one link.
#[derive(Debug, Clone)]
pub struct Backoff {
    bound: Duration,
    most: Duration,
}

impl Backoff {
    /// Waits up to 0.5 s, 1 s, 2 s … `most`.
    pub fn new(most: Duration) -> Self {
        Self { bound: FIRST, most }
    }

    /// The next wait: somewhere between nothing and the bound.
    pub fn wait(&mut self) -> Duration {
        let wait = self.bound.mul_f64(random());
        self.bound = (self.bound * 2).min(self.most);
        wait
    }

    /// The longest wait, for what haste does not mend.
    pub fn longest(&self) -> Duration {
        self.most.mul_f64(0.5 + random() / 2.0)
    }

    /// The platform said hello.
    pub fn reset(&mut self) {
        self.bound = FIRST;
    }
}

/// Between 0 and 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers there is no TLS either; the middle is a safe stand-in.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_to_its_most_and_only_a_hello_brings_it_back() {
        let mut backoff = Backoff::new(Duration::from_secs(30));
        for bound in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let wait = backoff.wait().as_secs_f64();
            assert!((0.0..=bound).contains(&wait), "{wait} of {bound}");
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
        assert!(backoff.longest() >= Duration::from_secs(15));
    }
}
