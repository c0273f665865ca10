//! Notifications (RFC 5277): a subscription holds a session of its own, and a bounded queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use tokio::sync::mpsc;

use super::capability::Capabilities;
use super::element::Element;
use super::filter::{Filter, needs};
use super::session::Session;
use crate::error::Failure;

/// The namespace of subscriptions (RFC 5277, 4).
const NAMESPACE: &str = "urn:ietf:params:xml:ns:netconf:notification:1.0";

/// What to be told (RFC 5277, 2.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The stream; `NETCONF` if there is none.
    pub stream: Option<String>,
    /// Which of its events.
    pub filter: Option<Filter>,
    /// From when on, for replay: a time of RFC 3339.
    pub start: Option<String>,
    /// Until when.
    pub stop: Option<String>,
}

impl Subscription {
    pub(super) fn element(&self, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        needs(capabilities, who, "notification")?;
        let leaf = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| Element::known(name).text(value.as_str()))
        };
        let filter = self.filter.as_ref().map(|filter| filter.element(capabilities, who)).transpose()?;
        Ok(Element::known("create-subscription")
            .namespace(NAMESPACE)
            .children(leaf("stream", &self.stream))
            .children(filter)
            .children(leaf("startTime", &self.start))
            .children(leaf("stopTime", &self.stop)))
    }
}

/// One event.
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// When it happened, as the device says (RFC 5277, 2.2.1).
    pub time: String,
    /// What happened: the name of the event's element.
    pub event: String,
    /// The whole message.
    pub text: String,
    /// Events before this one that were dropped because nobody read them in time.
    pub lost: usize,
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification")
            .field("time", &self.time)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// Where a session puts notifications: a queue that never makes the session wait.
pub(super) struct Sink {
    queue: Mutex<Option<mpsc::Sender<Notification>>>,
    lost: AtomicUsize,
}

impl Sink {
    /// A queue of this length, and its other end.
    pub(super) fn new(length: usize) -> (Self, mpsc::Receiver<Notification>) {
        let (queue, receiver) = mpsc::channel(length.max(1));
        (Self { queue: Mutex::new(Some(queue)), lost: AtomicUsize::new(0) }, receiver)
    }

    /// Gives a message, or drops it and counts.
    pub(super) fn give(&self, text: String) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = &*queue else { return };
        let (time, event) = describe(&text);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if queue.try_send(Notification { time, event, text, lost }).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The time of an event and its name; what cannot be read is empty.
fn describe(text: &str) -> (String, String) {
    let mut reader = Reader::from_str(text);
    let (mut time, mut event, mut depth) = (String::new(), String::new(), 0_usize);
    let mut in_time = false;
    while let Ok(next) = reader.read_event() {
        match next {
            Event::Start(start) => {
                depth += 1;
                in_time = depth == 2 && start.local_name().as_ref() == "eventTime";
                if depth == 2 && !in_time && event.is_empty() {
                    start.local_name().as_ref().clone_into(&mut event);
                }
            }
            Event::Empty(start) if depth == 1 && event.is_empty() => {
                start.local_name().as_ref().clone_into(&mut event);
            }
            Event::Text(piece) if in_time => time.push_str(piece.trim()),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                in_time = false;
            }
            Event::Eof => break,
            _ => {}
        }
        if !time.is_empty() && !event.is_empty() {
            break;
        }
    }
    (time, event)
}

/// The events of one subscription. Its session ends when it is dropped.
pub struct Notifications {
    pub(super) session: Arc<Session>,
    pub(super) queue: mpsc::Receiver<Notification>,
}

impl std::fmt::Debug for Notifications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifications").field("device", &self.session.shared.who).finish_non_exhaustive()
    }
}

impl Notifications {
    /// The next event; waits for it as long as it takes, and may be dropped meanwhile.
    ///
    /// # Errors
    /// The session ended: no more events come.
    pub async fn next(&mut self) -> Result<Notification, Failure> {
        match self.queue.recv().await {
            Some(notification) => Ok(notification),
            None => Err(self.session.why_ended()),
        }
    }

    /// Ends the subscription politely.
    pub fn close(self) {
        self.session.retire();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const EVENT: &str = "<notification xmlns='urn:x'><eventTime>2026-01-01T00:00:00Z</eventTime><link-down xmlns='urn:y'><a/></link-down></notification>";

    #[test]
    fn what_nobody_reads_is_dropped_and_counted() {
        let (sink, mut queue) = Sink::new(2);
        for _ in 0..5 {
            sink.give(EVENT.to_owned());
        }
        let first = queue.try_recv().unwrap();
        assert_eq!(
            (first.time.as_str(), first.event.as_str(), first.lost),
            ("2026-01-01T00:00:00Z", "link-down", 0)
        );
        queue.try_recv().unwrap();
        sink.give(EVENT.to_owned());
        assert_eq!(queue.try_recv().unwrap().lost, 3);
        sink.close();
        assert!(queue.try_recv().is_err());
    }
}
