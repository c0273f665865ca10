//! Who may talk to which device, and the sessions that stay warm in between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A session of one device can be used for another request of the same key and no other.
pub(super) type Key = String;

/// The right to talk to one device; given back when dropped.
pub(super) struct Turn {
    key: Key,
    _permit: OwnedSemaphorePermit,
}

/// The right to keep one session open; given back when dropped.
pub(super) struct Slot(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// Too many wait for the same device already.
pub(super) struct Crowded;

struct Idle<S> {
    session: S,
    slot: Slot,
    since: Instant,
}

struct Entry<S> {
    turns: Arc<Semaphore>,
    waiting: usize,
    idle: Vec<Idle<S>>,
}

struct State<S> {
    entries: HashMap<Key, Entry<S>>,
    /// Requests waiting for a slot: while there are any, no session stays warm.
    waiting: usize,
    /// Sessions taken out before this was last raised do not come back.
    generation: u64,
}

/// The sessions of all devices.
pub(super) struct Pool<S> {
    state: Mutex<State<S>>,
    slots: Arc<Semaphore>,
    per_device: usize,
    max_waiting: usize,
}

impl<S> Pool<S> {
    /// At most `sessions` open, `per_device` to one device, `max_waiting` requests in each queue.
    pub(super) fn new(sessions: usize, per_device: usize, max_waiting: usize) -> Self {
        let state = State { entries: HashMap::new(), waiting: 0, generation: 0 };
        Self {
            state: Mutex::new(state),
            slots: Arc::new(Semaphore::new(sessions.max(1))),
            per_device: per_device.max(1),
            max_waiting,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State<S>) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the right to talk to a device.
    pub(super) async fn turn(&self, key: &Key) -> Result<Turn, Crowded> {
        let turns = self.with(|state| {
            // Devices that nobody asks any more are forgotten.
            state.entries.retain(|other, entry| {
                other == key
                    || entry.waiting > 0
                    || !entry.idle.is_empty()
                    || entry.turns.available_permits() < self.per_device
            });
            let entry = state.entries.entry(key.clone()).or_insert_with(|| Entry {
                turns: Arc::new(Semaphore::new(self.per_device)),
                waiting: 0,
                idle: Vec::new(),
            });
            if entry.turns.available_permits() == 0 && entry.waiting >= self.max_waiting {
                return Err(Crowded);
            }
            entry.waiting += 1;
            Ok(Arc::clone(&entry.turns))
        })?;
        let _waiting = Waiting { pool: self, key: Some(key) };
        match turns.acquire_owned().await {
            Ok(permit) => Ok(Turn { key: key.clone(), _permit: permit }),
            Err(_) => Err(Crowded),
        }
    }

    /// A warm session of the device, if there is one, with its slot and the generation to hand
    /// back; the youngest first.
    pub(super) fn warm(&self, turn: &Turn) -> Option<(S, Slot, u64)> {
        self.with(|state| {
            let generation = state.generation;
            let idle = state.entries.get_mut(&turn.key)?.idle.pop()?;
            Some((idle.session, idle.slot, generation))
        })
    }

    /// Waits for the right to open one more session. The session that was idle longest makes
    /// room; it is given to `evicted`.
    pub(super) async fn slot(&self, evicted: impl FnOnce(S)) -> (Slot, u64) {
        let mut old = None;
        let taken = self.with(|state| {
            if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
                return Some((Slot(permit), state.generation));
            }
            state.waiting += 1;
            old = oldest(state);
            None
        });
        if let Some(taken) = taken {
            return taken;
        }
        let _waiting = Waiting { pool: self, key: None };
        if let Some(old) = old {
            evicted(old.session);
            drop(old.slot);
        }
        loop {
            // The semaphore is never closed; should it be, waiting is what its users expect.
            if let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
                let generation = self.with(|state| state.generation);
                return (Slot(permit), generation);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Gives a session back to stay warm; returned when it must be closed instead.
    pub(super) fn keep(&self, turn: &Turn, session: S, slot: Slot, generation: u64) -> Option<S> {
        self.with(|state| {
            if state.waiting > 0 || state.generation != generation {
                return Some(session);
            }
            match state.entries.get_mut(&turn.key) {
                Some(entry) => {
                    entry.idle.push(Idle { session, slot, since: Instant::now() });
                    None
                }
                None => Some(session),
            }
        })
    }

    /// Takes out the sessions that were idle for `limit`, or that `dead` says are of no use; gives
    /// them, and when to look again (`None`: nothing is idle).
    pub(super) fn expired(&self, limit: Duration, dead: impl Fn(&S) -> bool) -> (Vec<S>, Option<Instant>) {
        self.with(|state| {
            let now = Instant::now();
            let mut out = Vec::new();
            let mut next: Option<Instant> = None;
            for entry in state.entries.values_mut() {
                for idle in std::mem::take(&mut entry.idle) {
                    let end = idle.since + limit;
                    if end <= now || dead(&idle.session) {
                        out.push(idle.session);
                    } else {
                        next = Some(next.map_or(end, |next| next.min(end)));
                        entry.idle.push(idle);
                    }
                }
            }
            (out, next)
        })
    }

    /// Takes out all idle sessions; those in use are not kept either when they come back.
    pub(super) fn clear(&self) -> Vec<S> {
        self.with(|state| {
            state.generation += 1;
            state
                .entries
                .values_mut()
                .flat_map(|entry| entry.idle.drain(..))
                .map(|idle| idle.session)
                .collect()
        })
    }
}

fn oldest<S>(state: &mut State<S>) -> Option<Idle<S>> {
    let entry = state
        .entries
        .values_mut()
        .filter(|entry| !entry.idle.is_empty())
        .min_by_key(|entry| entry.idle.first().map(|idle| idle.since))?;
    Some(entry.idle.remove(0))
}

/// Counts a waiter, also when its request is cancelled.
struct Waiting<'p, S> {
    pool: &'p Pool<S>,
    key: Option<&'p Key>,
}

impl<S> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        self.pool.with(|state| match self.key {
            None => state.waiting = state.waiting.saturating_sub(1),
            Some(key) => {
                if let Some(entry) = state.entries.get_mut(key) {
                    entry.waiting = entry.waiting.saturating_sub(1);
                }
            }
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        name.to_owned()
    }

    #[tokio::test]
    async fn a_session_comes_back_warm_to_its_own_device() {
        let pool = Pool::new(4, 1, 8);
        let turn = pool.turn(&key("r1")).await.ok().unwrap();
        assert!(pool.warm(&turn).is_none());
        let (slot, generation) = pool.slot(|_| {}).await;
        assert!(pool.keep(&turn, "session", slot, generation).is_none());
        let other = pool.turn(&key("r2")).await.ok().unwrap();
        assert!(pool.warm(&other).is_none());
        assert_eq!(pool.warm(&turn).unwrap().0, "session");
    }

    #[tokio::test]
    async fn turns_are_bounded_and_a_crowd_is_refused() {
        let pool: Pool<()> = Pool::new(4, 1, 1);
        let first = pool.turn(&key("r1")).await.ok().unwrap();
        let name = key("r1");
        let second = pool.turn(&name);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut second).await.is_err());
        assert!(pool.turn(&key("r1")).await.is_err(), "one waits already");
        assert!(pool.turn(&key("r2")).await.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn the_oldest_idle_session_makes_room() {
        let pool = Pool::new(1, 1, 8);
        let turn = pool.turn(&key("r1")).await.ok().unwrap();
        let (slot, generation) = pool.slot(|_| {}).await;
        pool.keep(&turn, "old", slot, generation);
        let mut evicted = None;
        let limit = Duration::from_secs(5);
        let (slot, _) = tokio::time::timeout(limit, pool.slot(|old| evicted = Some(old))).await.unwrap();
        assert_eq!(evicted, Some("old"));
        drop(slot);
        assert_eq!(pool.slots.available_permits(), 1);
    }

    #[tokio::test]
    async fn nothing_stays_warm_while_somebody_waits() {
        let pool = Arc::new(Pool::new(1, 1, 8));
        let turn = pool.turn(&key("r1")).await.ok().unwrap();
        let (slot, generation) = pool.slot(|_: &str| {}).await;
        let waiter = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.slot(|_| {}).await.1 }
        });
        while pool.with(|state| state.waiting) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.keep(&turn, "busy", slot, generation).is_some());
        tokio::time::timeout(Duration::from_secs(5), waiter).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn clear_also_reaches_sessions_in_use() {
        let pool = Pool::new(4, 2, 8);
        let turn = pool.turn(&key("r1")).await.ok().unwrap();
        let (slot, generation) = pool.slot(|_| {}).await;
        assert!(pool.clear().is_empty());
        assert_eq!(pool.keep(&turn, "in use", slot, generation), Some("in use"));
    }
}
