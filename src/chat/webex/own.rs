//! Own messages that came back over the link. In a space a bot may list nothing but what mentions it, so
//! after a call that may have been carried out this is how it is known whether it was.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Own messages that are kept.
const KEPT: usize = 2000;

/// An own message that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// The root of its thread.
    pub parent: String,
    /// Its own activity.
    pub id: String,
    /// Where its public id is told.
    pub address: Option<String>,
}

/// The last own messages.
#[derive(Debug, Default)]
pub(super) struct Echoes(Mutex<VecDeque<Own>>);

impl Echoes {
    /// A message of ours came back.
    pub(super) fn heard(&self, own: Own) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(own);
    }

    /// Those of a thread.
    pub(super) fn of(&self, parent: &str) -> Vec<Own> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|own| own.parent == parent).cloned().collect()
    }
}
