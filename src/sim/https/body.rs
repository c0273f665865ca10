//! A body that comes as the device's faults have it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::sim::cli::Device;

/// So that what was sent before a cut still leaves.
const BEFORE_CUT: Duration = Duration::from_millis(60);

/// Bytes that leave one by one, in part, or at once.
pub struct Spoiled {
    rest: Bytes,
    drip: Option<Duration>,
    /// Bytes that still leave before the end that a fault makes.
    left: Option<usize>,
    cut: bool,
    /// Fewer bytes than announced: the connection ends, whatever the protocol would do.
    short: bool,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Spoiled {
    /// A body; as it should be without a device.
    pub fn new(text: Bytes, device: Option<Arc<Device>>) -> Self {
        let Some(device) = device else {
            return Self { rest: text, drip: None, left: None, cut: false, short: false, wait: None };
        };
        let faults = &device.faults;
        let noise = (0..faults.garbage).map(|place| u8::try_from(place * 151 % 256).unwrap_or(0) | 0x80);
        let rest = if faults.garbage == 0 { text } else { noise.chain(text.iter().copied()).collect() };
        Self {
            rest,
            drip: faults.drip,
            left: faults.drop_after.or(faults.stall_after),
            cut: faults.drop_after.is_some(),
            short: faults.lying_length,
            wait: None,
        }
    }

    fn waited(&mut self, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(time)));
        let done = wait.as_mut().poll(cx);
        if done.is_ready() {
            self.wait = None;
        }
        done
    }
}

impl Body for Spoiled {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            if !self.short {
                return Poll::Ready(None);
            }
            std::task::ready!(self.waited(BEFORE_CUT, cx));
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        if self.left == Some(0) {
            if !self.cut {
                return Poll::Pending;
            }
            std::task::ready!(self.waited(BEFORE_CUT, cx));
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        if let Some(pause) = self.drip {
            std::task::ready!(self.waited(pause, cx));
        }
        let most = if self.drip.is_some() { 1 } else { self.rest.len() };
        let now = most.min(self.left.unwrap_or(most)).min(self.rest.len());
        let piece = self.rest.split_to(now);
        if let Some(left) = &mut self.left {
            *left -= now;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.short
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
