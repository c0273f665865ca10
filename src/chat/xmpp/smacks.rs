//! What goes out (XEP-0198): a stanza stands in a queue until the server has confirmed it, over as many
//! links as that takes.
//!
//! ```text
//!   push ─► queue ─► pump ─► link ─► server
//!             ▲  resumed: from the first unconfirmed      │
//!             └──────────── ack: how many it has ◄────────┘
//!   session lost: never written ─► the next session; written ─► nobody knows, so it is looked up
//! ```
//!
//! A server without stream management is asked by a ping behind the stanzas: it answers in order.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use super::element::escape;
use crate::chat::link::Trouble;
use crate::chat::link::socket::Sender;

/// A message that was not written for so long is given back.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that confirms nothing for so long is not there.
const CONFIRM: Duration = Duration::from_secs(12);
/// The pump looks this often without being called.
const LOOK: Duration = Duration::from_secs(1);
/// Stanzas that wait.
const MOST: usize = 8192;
/// Pings that stand for confirmations.
const PING: &str = "nback-";

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has it.
    Taken,
    /// It was written, and the session is lost.
    Unknown,
}

#[derive(Debug)]
struct Item {
    number: u64,
    text: String,
    /// Whether it is still worth sending in another session.
    keep: bool,
    /// Whether it was ever written in this session.
    touched: bool,
    tell: Option<oneshot::Sender<Outcome>>,
}

/// How the server confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Down,
    Managed,
    Pinged,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest unconfirmed first.
    queue: VecDeque<Item>,
    /// So many of them were written to this link.
    written: usize,
    /// Confirmed in this session, modulo 2³².
    acked: u32,
    next: u64,
    mode: Mode,
    /// Counts links, so that a pump of an older one takes nothing.
    link: u64,
    /// Since when the server owes a confirmation.
    asking: Option<Instant>,
    domain: String,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    due: Notify,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, text: String, keep: bool, tell: Option<oneshot::Sender<Outcome>>) -> Result<u64, Trouble> {
        let mut state = self.state();
        if state.queue.len() >= MOST {
            return Err(Trouble::unsent("too many stanzas wait for the server"));
        }
        state.next += 1;
        let number = state.next;
        state.queue.push_back(Item { number, text, keep, touched: false, tell });
        drop(state);
        self.due.notify_one();
        Ok(number)
    }

    /// Sends a stanza that concerns this session only.
    pub(super) fn push(&self, text: String) -> Result<(), Trouble> {
        self.put(text, false, None).map(drop)
    }

    /// Sends a message, and waits until the server has it.
    pub(super) async fn deliver(&self, text: String) -> Result<(), Trouble> {
        let (tell, mut told) = oneshot::channel();
        let number = self.put(text, true, Some(tell))?;
        loop {
            match timeout(PATIENCE, &mut told).await {
                Ok(Ok(Outcome::Taken)) => return Ok(()),
                Ok(Ok(Outcome::Unknown) | Err(_)) => {
                    let why = "the session was lost before the server confirmed".into();
                    return Err(Trouble::Unreachable { why, sent: true });
                }
                Err(_) if self.withdraw(number) => {
                    return Err(Trouble::unsent("the link to xmpp is not up"));
                }
                // It was written: the link ends soon or is resumed, and then it is known.
                Err(_) => {}
            }
        }
    }

    /// Takes back what was never written.
    fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        let at = state.queue.iter().position(|item| item.number == number && !item.touched);
        at.is_some_and(|at| state.queue.remove(at).is_some())
    }

    /// A new session: `first` goes before everything that waits. Gives the link's number.
    pub(super) fn begin(&self, managed: bool, domain: &str, first: Vec<String>) -> u64 {
        let mut state = self.state();
        for text in first.into_iter().rev() {
            state.queue.push_front(Item { number: 0, text, keep: false, touched: false, tell: None });
        }
        state.mode = if managed { Mode::Managed } else { Mode::Pinged };
        domain.clone_into(&mut state.domain);
        (state.acked, state.written, state.asking) = (0, 0, None);
        state.link += 1;
        state.link
    }

    /// The session goes on over another link; the server has `h`. Gives the link's number, or nothing when
    /// the numbers do not fit.
    pub(super) fn resume(&self, h: u32) -> Option<u64> {
        if !self.ack(h) {
            return None;
        }
        let mut state = self.state();
        (state.mode, state.written, state.asking) = (Mode::Managed, 0, None);
        state.link += 1;
        Some(state.link)
    }

    /// The link is over; the session may go on.
    pub(super) fn down(&self) {
        let mut state = self.state();
        (state.mode, state.written, state.asking) = (Mode::Down, 0, None);
        state.link += 1;
    }

    /// The session is lost; `h` is what the server had, where it still says so.
    pub(super) fn lose(&self, h: Option<u32>) {
        let known = h.is_some_and(|h| self.ack(h));
        let mut state = self.state();
        let queue = std::mem::take(&mut state.queue);
        for mut item in queue {
            if !item.keep {
                continue;
            }
            if known || !item.touched {
                item.touched = false;
                state.queue.push_back(item);
            } else if let Some(tell) = item.tell {
                // Whoever asked may have given up.
                let _ = tell.send(Outcome::Unknown);
            }
        }
        (state.acked, state.written, state.asking) = (0, 0, None);
    }

    /// The server has `h` stanzas of this session; false when it cannot have.
    pub(super) fn ack(&self, h: u32) -> bool {
        let mut state = self.state();
        let more = h.wrapping_sub(state.acked) as usize;
        let touched = state.queue.iter().take_while(|item| item.touched).count();
        if more > touched {
            return false;
        }
        let done: Vec<Item> = state.queue.drain(..more).collect();
        state.acked = h;
        state.written = state.written.saturating_sub(more);
        state.asking = None;
        drop(state);
        for tell in done.into_iter().filter_map(|item| item.tell) {
            let _ = tell.send(Outcome::Taken);
        }
        true
    }

    /// The answer to a ping that stands for a confirmation; false for any other id.
    pub(super) fn pong(&self, id: &str) -> bool {
        let Some(rest) = id.strip_prefix(PING) else { return false };
        let link = self.state().link;
        let parsed =
            rest.split_once('-').and_then(|(of, h)| Some((of.parse::<u64>().ok()?, h.parse().ok()?)));
        if let Some((of, h)) = parsed
            && of == link
        {
            self.ack(h);
        }
        true
    }

    /// Whether the server owes a confirmation for too long.
    pub(super) fn is_stuck(&self) -> bool {
        self.state().asking.is_some_and(|since| since.elapsed() > CONFIRM)
    }

    /// The question for a confirmation.
    pub(super) fn request(&self, link: u64) -> Option<String> {
        let mut state = self.state();
        if state.link != link {
            return None;
        }
        let text = match state.mode {
            Mode::Down => return None,
            Mode::Managed => "<r xmlns=\"urn:xmpp:sm:3\"/>".to_owned(),
            Mode::Pinged => {
                let total = state.acked.wrapping_add(u32::try_from(state.written).unwrap_or(u32::MAX));
                format!(
                    "<iq xmlns=\"jabber:client\" type=\"get\" to=\"{}\" id=\"{PING}{link}-{total}\">\
                     <ping xmlns=\"urn:xmpp:ping\"/></iq>",
                    escape(&state.domain)
                )
            }
        };
        state.asking.get_or_insert_with(Instant::now);
        Some(text)
    }

    fn take(&self, link: u64) -> Option<String> {
        let mut state = self.state();
        if state.link != link || state.mode == Mode::Down {
            return None;
        }
        loop {
            let at = state.written;
            let item = state.queue.get_mut(at)?;
            // Nobody waits for it any more, and nobody has seen it.
            if !item.touched && item.tell.as_ref().is_some_and(oneshot::Sender::is_closed) {
                state.queue.remove(at);
                continue;
            }
            item.touched = true;
            let text = item.text.clone();
            state.written += 1;
            return Some(text);
        }
    }

    /// Writes what waits, until the link is over.
    pub(super) async fn pump(&self, link: u64, sender: Sender) {
        loop {
            let due = self.due.notified();
            let mut some = false;
            while let Some(text) = self.take(link) {
                some = true;
                if sender.text(text).await.is_err() {
                    return;
                }
            }
            if some
                && let Some(request) = self.request(link)
                && sender.text(request).await.is_err()
            {
                return;
            }
            // A wake-up may have gone to the pump of the link before.
            let _ = timeout(LOOK, due).await;
        }
    }
}

#[cfg(test)]
mod tests;
