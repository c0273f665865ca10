//! Which ways of which devices could not be had a moment ago: they are passed over for a while where there is another
//! one, so that a closed port costs one question its time and not every question.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::verb::Via;

/// How long a way is passed over.
const PASSED_OVER: Duration = Duration::from_mins(1);

/// Shared by all questions.
#[derive(Debug, Default)]
pub(super) struct Reach {
    down: Mutex<HashMap<(String, Via), (Instant, String)>>,
}

impl Reach {
    /// Why a way is passed over, if it is.
    pub(super) fn down(&self, device: &str, via: Via) -> Option<String> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, why) = down.get(&(device.to_owned(), via))?;
        (*until > Instant::now()).then(|| why.clone())
    }

    /// A way could not be had.
    pub(super) fn failed(&self, device: &str, via: Via, why: &str) {
        let now = Instant::now();
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.retain(|_, (until, _)| *until > now);
        down.insert((device.to_owned(), via), (now + PASSED_OVER, why.to_owned()));
    }
}
