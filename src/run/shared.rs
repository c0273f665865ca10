//! The same question at the same time is asked once: whoever comes while it is under way gets its answer, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Failure;

/// What a device said, as anyone may see it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub text: Arc<str>,
    pub notes: Vec<String>,
}

/// One question under way.
type Flight = OnceCell<Result<Said, Failure>>;

/// The questions under way, by what they ask of whom.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<String, Arc<Flight>>>,
}

/// Why a question's end is of use to its asker alone: the asker's time was up, or it cancelled.
pub(super) struct Own(pub Failure);

impl Flights {
    /// Asks, or waits for who asks already. Who gives up leaves it to the next one who waits.
    pub(super) async fn ask(
        &self,
        key: String,
        asking: impl Future<Output = Result<Result<Said, Failure>, Own>>,
    ) -> Result<Said, Failure> {
        let flight = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(under_way.entry(key.clone()).or_default())
        };
        let part = Leave { flights: self, key, flight };
        match part.flight.get_or_try_init(|| asking).await {
            Ok(said) => said.clone(),
            Err(Own(failure)) => Err(failure),
        }
    }
}

/// Takes a question that is answered, or that nobody waits for any more, from the list.
struct Leave<'f> {
    flights: &'f Flights,
    key: String,
    flight: Arc<Flight>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let same = under_way.get(&self.key).is_some_and(|known| Arc::ptr_eq(known, &self.flight));
        // Two hold it: the list and this one.
        if same && (self.flight.initialized() || Arc::strong_count(&self.flight) <= 2) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::error::FailureKind;

    fn said(text: &str) -> Said {
        Said { text: text.into(), notes: Vec::new() }
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once() {
        let (flights, asked) = (Flights::default(), AtomicUsize::new(0));
        let one = || {
            flights.ask("r1".to_owned(), async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(Ok(said("x")))
            })
        };
        let (a, b, c) = tokio::join!(one(), one(), one());
        assert!([a, b, c].into_iter().all(|said| &*said.unwrap().text == "x"));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        one().await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2, "an answer is not kept");
        assert!(flights.under_way.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_it_to_the_next() {
        let flights = Flights::default();
        let first = flights.ask("r1".to_owned(), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(Own(Failure::new(FailureKind::Cancelled, "enough")))
        });
        let second = flights.ask("r1".to_owned(), async { Ok(Ok(said("y"))) });
        let dropped = tokio::time::timeout(
            Duration::from_millis(1),
            flights.ask("r2".to_owned(), std::future::pending()),
        );
        let (first, second, _) = tokio::join!(first, second, dropped);
        assert_eq!(first.unwrap_err().message, "enough");
        assert_eq!(&*second.unwrap().text, "y");
        assert!(flights.under_way.lock().unwrap().is_empty());
    }
}
