//! Up to when everything that was asked is known, and the looking back for what may be missing.
//!
//! ```text
//!   a question at 14:03 is accepted ─► note 14:03
//!   the link was new, or skipped a number ─► the note stands still ─► what came since is looked up by REST,
//!                                            again until that works ─► the note goes on
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::link::{Backoff, Trouble};
use crate::store::Store;

/// How far back questions are still answered that were asked while nobody listened, in milliseconds.
const BACK: i64 = 15 * 60 * 1000;
/// What is looked at twice, because a platform's servers do not agree on the time.
const OVERLAP: i64 = 10 * 1000;
/// Between two tries.
const MOST: Duration = Duration::from_secs(20);
/// The key of the note.
const KEY: &str = "since";

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// Before this everything is known, in milliseconds since 1970; nothing before the first start.
    at: Option<i64>,
    /// The newest question.
    latest: i64,
    /// How often looking back was asked for, and for which of these it was done.
    wanted: u64,
    done: u64,
}

/// The time up to which a platform's questions are known; it survives a restart.
#[derive(Debug, Default)]
pub struct Since {
    state: Mutex<State>,
    wanted: Notify,
}

impl Since {
    /// Reads what an earlier run has noted. The first run begins now: nothing was missed.
    pub async fn load(&self, store: &Store, way: &str) {
        let noted = store.note(way, KEY).await.ok().flatten().and_then(|note| note.parse().ok());
        let at = noted.unwrap_or_else(now);
        self.change(|state| state.at = Some(at));
        if noted.is_none() {
            self.write(store, way, at).await;
        }
    }

    /// Something may be missing: it is looked up, and until then the note stands still.
    pub fn look_back(&self) {
        self.change(|state| state.wanted += 1);
        self.wanted.notify_one();
    }

    /// A question of this time, by the platform's clock, was accepted.
    pub async fn heard(&self, store: &Store, way: &str, at: i64) {
        let note = self.change(|state| {
            state.latest = state.latest.max(at);
            (state.wanted == state.done).then(|| state.advance()).flatten()
        });
        if let Some(at) = note {
            self.write(store, way, at).await;
        }
    }

    /// Looks back whenever that is wanted, by `look`, which gets the time from which on questions may be
    /// missing. Ends with `stop`.
    pub async fn keep<'a>(
        &'a self,
        store: &'a Store,
        way: &'static str,
        stop: &CancellationToken,
        look: impl Fn(i64) -> BoxFuture<'a, Result<(), Trouble>>,
    ) {
        let keeping = async {
            loop {
                self.wanted.notified().await;
                let mut backoff = Backoff::new(MOST);
                loop {
                    let (wanted, at) = self.change(|state| (state.wanted, state.at.unwrap_or_else(now)));
                    let trouble = match look(at.max(now() - BACK) - OVERLAP).await {
                        Ok(()) => {
                            self.looked(store, way, wanted).await;
                            break;
                        }
                        Err(trouble) => trouble,
                    };
                    tracing::warn!(%way, %trouble, "what was asked meanwhile could not be looked up yet");
                    match trouble {
                        Trouble::Wait(wait) => sleep(wait).await,
                        _ => sleep(backoff.wait()).await,
                    }
                }
            }
        };
        stop.run_until_cancelled(keeping).await;
    }

    async fn looked(&self, store: &Store, way: &str, wanted: u64) {
        let note = self.change(|state| {
            state.done = wanted;
            (state.wanted == state.done).then(|| state.advance()).flatten()
        });
        if let Some(at) = note {
            self.write(store, way, at).await;
        }
    }

    async fn write(&self, store: &Store, way: &str, at: i64) {
        if let Err(error) = store.set_note(way, KEY, at.to_string()).await {
            tracing::warn!(%way, %error, "it was not noted up to when questions are known");
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// The note's new time, if it has one.
    fn advance(&mut self) -> Option<i64> {
        let new = self.latest > self.at.unwrap_or(i64::MIN) && self.latest > 0;
        if new {
            self.at = Some(self.latest);
        }
        new.then_some(self.latest)
    }
}

/// In milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_note_stands_still_until_it_was_looked_back() {
        let store = Store::in_memory().unwrap();
        let since = Since::default();
        since.load(&store, "x").await;
        let first = now();
        since.heard(&store, "x", first + 5).await;
        let note = || async { store.note("x", "since").await.unwrap().unwrap().parse::<i64>().unwrap() };
        assert_eq!(note().await, first + 5);
        since.look_back();
        since.heard(&store, "x", first + 9).await;
        assert_eq!(note().await, first + 5);
        let stop = CancellationToken::new();
        let (tries, from) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(0)));
        let look = |at: i64| {
            let (tries, from, stop) = (Arc::clone(&tries), Arc::clone(&from), stop.clone());
            Box::pin(async move {
                from.store(at, Ordering::SeqCst);
                if tries.fetch_add(1, Ordering::SeqCst) < 2 {
                    return Err(Trouble::unsent("away"));
                }
                tokio::spawn(async move {
                    sleep(Duration::from_millis(50)).await;
                    stop.cancel();
                });
                Ok(())
            }) as BoxFuture<'_, _>
        };
        since.keep(&store, "x", &stop, look).await;
        assert_eq!(tries.load(Ordering::SeqCst), 3);
        assert_eq!(from.load(Ordering::SeqCst), first + 5 - OVERLAP);
        assert_eq!(note().await, first + 9);
    }
}
