//! The questions that run: who asked, since when, and how to end them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::Who;
use crate::error::{Error, Kind, Result};

/// The most questions at once: of all askers, and of one.
const ALL: usize = 64;
const ONE: usize = 8;

/// A question that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its id, which `cancel` takes.
    pub id: String,
    /// Who asked.
    pub who: Who,
    /// The question as understood.
    pub question: String,
    /// Since when.
    pub since: Instant,
    /// Ends it.
    pub cancel: CancellationToken,
}

/// All questions that run.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    running: BTreeMap<u64, Running>,
}

/// A job's place in the list; leaves it when dropped, however the question ended.
#[derive(Debug)]
pub(super) struct Place {
    pub id: String,
    pub cancel: CancellationToken,
    number: u64,
    inner: Arc<Mutex<Inner>>,
}

impl Jobs {
    /// Enters a question; refused when too many run.
    pub(super) fn start(&self, who: &Who, question: &str, cancel: &CancellationToken) -> Result<Place> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let own = inner.running.values().filter(|job| job.who == *who).count();
        if own >= ONE || inner.running.len() >= ALL {
            let message = format!("{own} of your questions and {} in all run already", inner.running.len());
            return Err(Error::new(Kind::Limit, message).hint("wait for one, or say `cancel`"));
        }
        inner.next += 1;
        let number = inner.next;
        let id = format!("j{number}");
        let cancel = cancel.child_token();
        let running = Running {
            id: id.clone(),
            who: who.clone(),
            question: question.to_owned(),
            since: Instant::now(),
            cancel: cancel.clone(),
        };
        inner.running.insert(number, running);
        Ok(Place { id, cancel, number, inner: Arc::clone(&self.inner) })
    }

    /// All that run, oldest first.
    pub(super) fn list(&self) -> Vec<Running> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).running.values().cloned().collect()
    }

    /// Ends one of the asker's questions: the one named, or the newest.
    pub(super) fn cancel(&self, who: &Who, id: Option<&str>) -> Result<Running> {
        let own: Vec<Running> = self.list().into_iter().filter(|job| job.who == *who).collect();
        let found = match id {
            Some(id) => own.iter().find(|job| job.id.eq_ignore_ascii_case(id)),
            None => own.last(),
        };
        let Some(found) = found else {
            let ids: Vec<&str> = own.iter().map(|job| job.id.as_str()).collect();
            let error = Error::question(match id {
                Some(id) => format!("none of your questions that run is called `{id}`"),
                None => "none of your questions runs".to_owned(),
            });
            return Err(if ids.is_empty() {
                error.hint("a question is yours where you asked it")
            } else {
                error.hint(format!("these run: {}", ids.join(", ")))
            });
        };
        found.cancel.cancel();
        Ok(found.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).running.remove(&self.number);
    }
}
