//! What a server says of itself before anything is encrypted: its identification line and its
//! list of algorithms (RFC 4253, 4.2 and 7.1), read from a copy of the first bytes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// More than any identification and KEXINIT need; what comes later is not kept.
const KEEP: usize = 64 * 1024;

/// The algorithms a server offers, in its order; ciphers and MACs towards the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// Key exchanges.
    pub(super) kex: Vec<String>,
    /// Host key algorithms.
    pub(super) host_keys: Vec<String>,
    /// Ciphers.
    pub(super) ciphers: Vec<String>,
    /// MACs.
    pub(super) macs: Vec<String>,
}

/// The first bytes that a server sent, shared between the connection and whoever explains its
/// failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Opening(Arc<Mutex<Vec<u8>>>);

impl Opening {
    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEEP.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }

    /// Whether the server sent anything at all.
    pub(super) fn is_silent(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The first line if it is no SSH identification: what answered instead.
    pub(super) fn not_ssh(&self) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() || identification(&kept).is_some() {
            return None;
        }
        let line = kept.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line: String =
            String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(60).collect();
        Some(line)
    }

    /// The identification of a server that speaks SSH 1 and nothing newer.
    pub(super) fn version_one(&self) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, _) = identification(&kept)?;
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        (line.starts_with("SSH-1.") && !line.starts_with("SSH-1.99")).then_some(line)
    }

    /// The server's algorithms, once they have arrived.
    pub(super) fn offer(&self) -> Option<Offer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, rest) = identification(&kept)?;
        parse_packets(rest)
    }
}

/// The identification line (`SSH-2.0-...`) and what follows it; lines before it are allowed.
fn identification(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = rest.get(..end.unwrap_or(rest.len()))?;
        if line.starts_with(b"SSH-") {
            return Some((line, end.and_then(|end| rest.get(end + 1..)).unwrap_or_default()));
        }
        rest = rest.get(end? + 1..)?;
    }
}

/// The KEXINIT among unencrypted packets.
fn parse_packets(mut bytes: &[u8]) -> Option<Offer> {
    const KEXINIT: u8 = 20;
    loop {
        let (length, rest) = take_u32(bytes)?;
        let packet = rest.get(..length)?;
        bytes = rest.get(length..)?;
        let padding = usize::from(*packet.first()?);
        let payload = packet.get(1..packet.len().checked_sub(padding)?)?;
        if payload.first() == Some(&KEXINIT) {
            return parse_kexinit(payload);
        }
    }
}

fn parse_kexinit(payload: &[u8]) -> Option<Offer> {
    // One byte of type and sixteen of cookie stand before the lists.
    let mut rest = payload.get(17..)?;
    let mut list = || {
        let (length, tail) = take_u32(rest)?;
        let names = tail.get(..length)?;
        rest = tail.get(length..)?;
        Some(
            String::from_utf8_lossy(names)
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let mut kex = list()?;
    kex.retain(|name| !name.starts_with("ext-info-") && !name.starts_with("kex-strict-"));
    let host_keys = list()?;
    let ciphers = list()?;
    list()?;
    let macs = list()?;
    Some(Offer { kex, host_keys, ciphers, macs })
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*head)).ok()?, rest))
}

/// A connection whose first bytes are kept, and which can be cut from outside.
///
/// The cut matters because the SSH library runs each connection in a task of its own: when a
/// handshake is given up, that task would wait for a silent server for ever.
pub(super) struct Tap<S> {
    stream: S,
    opening: Opening,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> Tap<S> {
    /// Taps `stream`; it ends when `cut` is cancelled.
    pub(super) fn new(stream: S, opening: Opening, cut: CancellationToken) -> Self {
        Self { stream, opening, cut: Box::pin(cut.cancelled_owned()) }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "given up")),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        this.poll_cut(cx)?;
        let before = buf.filled().len();
        let poll = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Some(new) = buf.filled().get(before..)
            && !new.is_empty()
        {
            this.opening.keep(new);
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        this.poll_cut(cx)?;
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kexinit(lists: &[&str]) -> Vec<u8> {
        let mut payload = vec![20];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 5]);
        let mut packet = u32::try_from(payload.len() + 5).unwrap().to_be_bytes().to_vec();
        packet.push(4);
        packet.extend(payload);
        packet.extend([0; 4]);
        packet
    }

    #[test]
    fn reads_what_a_server_offers() {
        let opening = Opening::default();
        opening.keep(b"Welcome\r\nSSH-2.0-Old_1.25\r\n");
        assert_eq!(opening.offer(), None);
        opening.keep(&kexinit(&["a,b,ext-info-s", "k", "c1,c2", "x", "m", "x", "none", "none", "", ""]));
        let offer = opening.offer().unwrap();
        assert_eq!(offer.kex, ["a", "b"]);
        assert_eq!(offer.ciphers, ["c1", "c2"]);
        assert_eq!(offer.macs, ["m"]);
        assert_eq!(opening.not_ssh(), None);
    }

    #[test]
    fn says_what_answered_instead() {
        let opening = Opening::default();
        assert!(opening.is_silent());
        opening.keep(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        assert_eq!(opening.not_ssh().as_deref(), Some("HTTP/1.1 400 Bad Request"));
        let opening = Opening::default();
        opening.keep(b"SSH-1.5-Old\r\n");
        assert_eq!(opening.version_one().as_deref(), Some("SSH-1.5-Old"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let opening = Opening::default();
            opening.keep(b"SSH-2.0-x\n");
            opening.keep(&bytes);
            let _ = opening.offer();
            let _ = opening.not_ssh();
            let _ = parse_kexinit(&bytes);
        }
    }
}
