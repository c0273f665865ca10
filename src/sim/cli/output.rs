//! What a device writes to a session, with the faults that it has on the way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::device::Device;

/// What a terminal sends for an interrupt.
const CTRL_C: u8 = 0x03;
/// Bytes that are handed to the transport at once.
const CHUNK: usize = 16 * 1024;
/// So that what was written before a cut still leaves.
const BEFORE_CUT: Duration = Duration::from_millis(60);

/// Why a session ends before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The other side closed it.
    Closed,
    /// The device cuts the connection.
    Cut,
}

/// A session's two directions.
pub struct Output<S> {
    stream: S,
    device: Arc<Device>,
    crlf: bool,
    typed: VecDeque<u8>,
    after_cr: bool,
    /// Bytes of the current answer that still leave, when a fault ends it.
    left: Option<usize>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Output<S> {
    /// Takes a stream; with `crlf` each newline becomes CR LF.
    pub fn new(stream: S, device: Arc<Device>, crlf: bool) -> Self {
        Self { stream, device, crlf, typed: VecDeque::new(), after_cr: false, left: None }
    }

    /// The next typed byte.
    pub async fn byte(&mut self) -> Result<u8, Stop> {
        // CR LF is one Enter.
        if std::mem::take(&mut self.after_cr) && self.peek().await? == b'\n' {
            self.typed.pop_front();
        }
        self.peek().await?;
        let byte = self.typed.pop_front().ok_or(Stop::Closed)?;
        self.after_cr = byte == b'\r';
        Ok(byte)
    }

    async fn peek(&mut self) -> Result<u8, Stop> {
        while self.typed.is_empty() {
            let mut buffer = [0_u8; 4096];
            let count = self.stream.read(&mut buffer).await.map_err(|_| Stop::Closed)?;
            if count == 0 {
                return Err(Stop::Closed);
            }
            self.typed.extend(buffer.iter().take(count));
        }
        self.typed.front().copied().ok_or(Stop::Closed)
    }

    /// Some bytes as they came; for what is no terminal.
    pub async fn piece(&mut self) -> Result<Vec<u8>, Stop> {
        self.peek().await?;
        Ok(self.typed.drain(..).collect())
    }

    /// Whether more was typed already.
    pub fn has_typed(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Puts a byte back.
    pub fn untype(&mut self, byte: u8) {
        self.typed.push_front(byte);
    }

    /// Begins an answer: the faults that spoil answers count from here.
    pub async fn begin(&mut self) -> Result<(), Stop> {
        let faults = &self.device.faults;
        self.left = faults.drop_after.or(faults.stall_after);
        if faults.garbage > 0 {
            let noise: Vec<u8> = (0..faults.garbage)
                .map(|place| u8::try_from(place * 151 % 256).unwrap_or(0) | 0x80)
                .collect();
            self.bytes(&noise).await?;
        }
        Ok(())
    }

    /// Ends an answer.
    pub fn end(&mut self) {
        self.left = None;
    }

    /// Writes bytes as they are.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.bytes(bytes).await
    }

    /// Writes a text.
    pub async fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.crlf {
            self.bytes(text.replace('\n', "\r\n").as_bytes()).await
        } else {
            self.bytes(text.as_bytes()).await
        }
    }

    async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Some(left) = self.left else { return self.write(bytes).await };
        let now = left.min(bytes.len());
        self.write(bytes.get(..now).unwrap_or_default()).await?;
        self.left = Some(left - now);
        if now == bytes.len() {
            return Ok(());
        }
        if self.device.faults.drop_after.is_some() {
            tokio::time::sleep(BEFORE_CUT).await;
            return Err(Stop::Cut);
        }
        self.drain().await
    }

    /// Waits for Ctrl-C; gives the seconds that it took, begun ones counted.
    pub async fn interrupt(&mut self) -> Result<u64, Stop> {
        let started = tokio::time::Instant::now();
        while self.byte().await? != CTRL_C {}
        Ok(started.elapsed().as_secs() + 1)
    }

    /// Reads and forgets until the other side closes.
    pub async fn drain(&mut self) -> Result<(), Stop> {
        let mut buffer = [0_u8; 1024];
        while self.stream.read(&mut buffer).await.map_err(|_| Stop::Closed)? > 0 {}
        Err(Stop::Closed)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let size = if self.device.faults.drip.is_some() { 1 } else { CHUNK };
        for chunk in bytes.chunks(size) {
            if let Some(pause) = self.device.faults.drip {
                tokio::time::sleep(pause).await;
            }
            self.stream.write_all(chunk).await.map_err(|_| Stop::Closed)?;
            self.stream.flush().await.map_err(|_| Stop::Closed)?;
        }
        Ok(())
    }
}
