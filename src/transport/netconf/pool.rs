//! The sessions that stay warm, who may use them, and how many there are.
//!
//! Unlike a shell, a session serves many askers at a time: one asks on the session that has least
//! under way, and another session is opened only when all are full. Whoever needs one that is not
//! there waits for the same attempt, and shares its failure.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::session::Session;
use super::settings::Settings;
use crate::error::Failure;

/// While requests wait for a slot, idle sessions are looked for so often.
const LOOK: Duration = Duration::from_millis(50);

/// The sessions of one device.
struct Place {
    /// Who may ask it something.
    turns: Arc<Semaphore>,
    sessions: Mutex<Vec<Arc<Session>>>,
    waiting: AtomicUsize,
    /// One attempt at a time; the last failure and when.
    dialling: tokio::sync::Mutex<Option<(Instant, Failure)>>,
}

/// The right to ask one device something; given back when dropped.
pub(super) struct Turn {
    place: Arc<Place>,
    _permit: OwnedSemaphorePermit,
}

/// The right to ask something on one session; given back when dropped.
pub(super) struct Lease {
    pub(super) session: Arc<Session>,
    /// Whether it was open already.
    pub(super) warm: bool,
}

impl Lease {
    /// To be called while no other asker looks for a session of the same device.
    fn new(session: &Arc<Session>, warm: bool) -> Self {
        session.askers.fetch_add(1, Ordering::SeqCst);
        Self { session: Arc::clone(session), warm }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.session.askers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Too many wait for the same device already.
pub(super) struct Crowded;

/// The sessions of all devices.
pub(super) struct Pool {
    settings: Arc<Settings>,
    slots: Arc<Semaphore>,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

impl Place {
    /// The session with least under way, if one has room.
    fn best(&self, room: usize, warm: bool) -> Option<Lease> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| session.usable());
        let best = sessions.iter().min_by_key(|session| session.load().0)?;
        (best.load().0 < room).then(|| Lease::new(best, warm))
    }

    fn take(&self, which: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.extract_if(.., |session| which(session)).collect()
    }
}

impl Pool {
    /// A pool with these bounds.
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let slots = Arc::new(Semaphore::new(settings.max_sessions.max(1)));
        Self { settings, slots, places: Mutex::default() }
    }

    /// Waits for the right to ask a device something.
    pub(super) async fn turn(&self, key: &str) -> Result<Turn, Crowded> {
        let place = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = places.get(key) {
                Arc::clone(place)
            } else {
                // Devices that nobody asks any more are forgotten.
                places.retain(|_, place| {
                    let idle = place.sessions.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
                    !idle || Arc::strong_count(place) > 1
                });
                let bound = self.settings.pipeline.max(1) * self.settings.max_per_device.max(1);
                let place = Arc::new(Place {
                    turns: Arc::new(Semaphore::new(bound)),
                    sessions: Mutex::default(),
                    waiting: AtomicUsize::new(0),
                    dialling: tokio::sync::Mutex::default(),
                });
                places.insert(key.to_owned(), Arc::clone(&place));
                place
            }
        };
        if let Ok(permit) = Arc::clone(&place.turns).try_acquire_owned() {
            return Ok(Turn { place, _permit: permit });
        }
        let waiting = Waiting(&place.waiting);
        if waiting.0.fetch_add(1, Ordering::SeqCst) >= self.settings.max_waiting {
            return Err(Crowded);
        }
        let permit = Arc::clone(&place.turns).acquire_owned().await.map_err(|_| Crowded)?;
        drop(waiting);
        Ok(Turn { place, _permit: permit })
    }

    /// A session of the device, and whether it was open already; `dial` opens one.
    pub(super) async fn session<F>(
        &self,
        turn: &Turn,
        dial: impl FnOnce(OwnedSemaphorePermit) -> F,
    ) -> Result<Lease, Failure>
    where
        F: Future<Output = Result<Arc<Session>, Failure>>,
    {
        let place = &turn.place;
        let room = self.settings.pipeline.max(1);
        if let Some(lease) = place.best(room, true) {
            return Ok(lease);
        }
        let arrived = Instant::now();
        let mut failed = place.dialling.lock().await;
        if let Some(lease) = place.best(room, false) {
            return Ok(lease);
        }
        // Full sessions are filled further rather than exceeding the bound.
        let open = place.sessions.lock().unwrap_or_else(PoisonError::into_inner).len();
        if open >= self.settings.max_per_device.max(1)
            && let Some(lease) = place.best(usize::MAX, true)
        {
            return Ok(lease);
        }
        if let Some((_, failure)) = failed.as_ref().filter(|(when, _)| *when >= arrived) {
            return Err(failure.clone());
        }
        let slot = self.slot().await;
        match dial(slot).await {
            Ok(session) => {
                *failed = None;
                let mut sessions = place.sessions.lock().unwrap_or_else(PoisonError::into_inner);
                let lease = Lease::new(&session, false);
                sessions.push(session);
                Ok(lease)
            }
            Err(failure) => {
                *failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    /// Waits for the right to open one more session; the one that was idle longest makes room.
    pub(super) async fn slot(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
                return permit;
            }
            if let Some(oldest) = self.oldest() {
                oldest.retire();
            }
            let wait = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(LOOK, wait).await {
                return permit;
            }
        }
    }

    fn places(&self) -> Vec<Arc<Place>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.values().map(Arc::clone).collect()
    }

    /// Takes out the session that was idle longest.
    fn oldest(&self) -> Option<Arc<Session>> {
        let idle = |session: &Session| session.load().0 == 0;
        let (since, place) = self
            .places()
            .into_iter()
            .filter_map(|place| {
                let sessions = place.sessions.lock().unwrap_or_else(PoisonError::into_inner);
                let since =
                    sessions.iter().filter(|session| idle(session)).map(|session| session.load().1).min();
                drop(sessions);
                Some((since?, place))
            })
            .min_by_key(|(since, _)| *since)?;
        place.take(|session| idle(session) && session.load().1 == since).pop()
    }

    /// Takes out the sessions that are dead or were idle for too long, and tells when to look again.
    pub(super) fn expired(&self) -> (Vec<Arc<Session>>, Option<Instant>) {
        let now = Instant::now();
        let mut out = Vec::new();
        let mut next: Option<Instant> = None;
        for place in self.places() {
            out.extend(place.take(|session| {
                let (load, since) = session.load();
                !session.usable() || (load == 0 && since + self.settings.keep_warm <= now)
            }));
            for session in place.sessions.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let (load, since) = session.load();
                let end = if load == 0 { since } else { now } + self.settings.keep_warm;
                next = Some(next.map_or(end, |next| next.min(end)));
            }
        }
        (out, next)
    }

    /// Takes out all sessions; those in use end when their askers are done.
    pub(super) fn clear(&self) -> Vec<Arc<Session>> {
        self.places().iter().flat_map(|place| place.take(|_| true)).collect()
    }
}

/// Counts a waiter, also when its request is cancelled.
struct Waiting<'p>(&'p AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
