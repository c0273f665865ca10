//! What could not be had of a device a moment ago: a way, or one command that it refused. It is passed over for a while where
//! there is something else to ask, so that a closed port or an old release costs one question its time and not every one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::verb::Via;

/// How long a way is passed over.
const WAY: Duration = Duration::from_mins(1);
/// How long a refused command is: releases do not change by themselves.
const COMMAND: Duration = Duration::from_mins(10);

/// What is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// A way to ask.
    Way(Via),
    /// What is asked by a way.
    Command(Via, String),
}

/// Shared by all questions.
#[derive(Debug, Default)]
pub(super) struct Reach {
    down: Mutex<HashMap<(String, What), (Instant, String)>>,
}

impl Reach {
    /// Why something is passed over, if it is.
    pub(super) fn down(&self, device: &str, what: What) -> Option<String> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, why) = down.get(&(device.to_owned(), what))?;
        (*until > Instant::now()).then(|| why.clone())
    }

    /// Something could not be had.
    pub(super) fn failed(&self, device: &str, what: What, why: &str) {
        let now = Instant::now();
        let time = if matches!(what, What::Way(_)) { WAY } else { COMMAND };
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.retain(|_, (until, _)| *until > now);
        down.insert((device.to_owned(), what), (now + time, why.to_owned()));
    }
}
