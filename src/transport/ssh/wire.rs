//! A shell channel: bytes in with their rhythm, text out.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{Instant, timeout};

use super::screen::Screen;

/// The least silence after a prompt before it counts as the end.
const MIN_SETTLE: Duration = Duration::from_millis(10);
/// The most, however slowly a device drips.
const MAX_SETTLE: Duration = Duration::from_millis(400);
/// For the channel to take what is sent: a device that reads nothing is stuck.
const SEND_TIME: Duration = Duration::from_secs(10);

/// What the channel brought.
pub(super) enum Event {
    /// Bytes.
    Data(Bytes),
    /// Nothing for as long as was asked.
    Quiet,
    /// The end.
    Closed,
}

/// The channel of a shell.
pub(super) struct Wire {
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    /// The line under the cursor.
    pub(super) screen: Screen,
    /// The usual time between two pieces.
    gap: Duration,
    last: Instant,
}

impl Wire {
    /// Takes over a channel.
    pub(super) fn new(channel: Channel<Msg>) -> Self {
        let (read, write) = channel.split();
        Self { read, write, screen: Screen::default(), gap: Duration::ZERO, last: Instant::now() }
    }

    /// The writing half, for channel requests.
    pub(super) fn requests(&self) -> &ChannelWriteHalf<Msg> {
        &self.write
    }

    /// Waits up to `wait` for something to happen.
    pub(super) async fn next(&mut self, wait: Duration) -> Event {
        let until = Instant::now() + wait;
        loop {
            let Ok(message) = tokio::time::timeout_at(until, self.read.wait()).await else {
                return Event::Quiet;
            };
            match message {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    self.beat();
                    return Event::Data(data);
                }
                None | Some(ChannelMsg::Eof | ChannelMsg::Close) => return Event::Closed,
                Some(_) => {}
            }
        }
    }

    /// Takes what has come already; `false` when the channel has ended.
    pub(super) fn drain(&mut self, mut line: impl FnMut(String)) -> bool {
        while let Some(message) = self.read.wait().now_or_never() {
            match message {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    self.screen.feed(&data, &mut line);
                }
                None | Some(ChannelMsg::Eof | ChannelMsg::Close) => return false,
                Some(_) => {}
            }
        }
        true
    }

    /// Waits for the replies to `requests` channel requests; `false` when the last of them was
    /// refused. Data shows as well that the shell runs: some devices reply to nothing.
    pub(super) async fn ready(&mut self, requests: usize, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        let mut replies = 0;
        loop {
            let Ok(message) = tokio::time::timeout_at(until, self.read.wait()).await else { return true };
            match message {
                Some(ChannelMsg::Failure) if replies + 1 == requests => return false,
                // No PTY is odd, but a shell without one can be talked to as well.
                Some(ChannelMsg::Success | ChannelMsg::Failure) => replies += 1,
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    self.screen.feed(&data, &mut |_| {});
                    return true;
                }
                None | Some(ChannelMsg::Eof | ChannelMsg::Close) => return false,
                Some(_) => {}
            }
            if replies == requests {
                return true;
            }
        }
    }

    /// Sends text; `false` when the channel has ended.
    pub(super) async fn send(&mut self, text: &str) -> bool {
        self.gap = Duration::ZERO;
        self.last = Instant::now();
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        matches!(timeout(SEND_TIME, self.write.data_bytes(bytes)).await, Ok(Ok(())))
    }

    /// How long a prompt must stand still before it counts: a few of the device's own pauses, so
    /// that a slow one is not cut short and a quick one not waited for.
    pub(super) fn settle(&self) -> Duration {
        (self.gap * 4).clamp(MIN_SETTLE, MAX_SETTLE)
    }

    /// How long nothing has come, or was sent.
    pub(super) fn silence(&self) -> Duration {
        self.last.elapsed()
    }

    /// Asks the channel to close.
    pub(super) async fn close(&self) {
        let _ = timeout(Duration::from_secs(1), self.write.close()).await;
    }

    fn beat(&mut self) {
        let gap = self.last.elapsed().min(MAX_SETTLE);
        self.gap = (self.gap * 3 + gap) / 4;
        self.last = Instant::now();
    }
}
