//! Framing of NETCONF messages over SSH (RFC 6242, 4): bytes to messages and back.
//!
//! The decoder is fed whatever the channel brings and gives one message at a time; what stands
//! behind the message stays with the caller, because the first message decides how the next ones
//! are framed. It never holds more than the limit, and what it refuses it refuses at the byte that
//! is wrong, so that a lying server costs nothing but its session.

mod chunked;
mod end_mark;

use std::fmt;

use self::chunked::Chunked;
use self::end_mark::EndMark;

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `]]>]]>` behind each message (RFC 6242, 4.3): every hello, and base:1.0 sessions.
    EndMark,
    /// Chunks with their length in front (RFC 6242, 4.2): base:1.1 sessions after the hello.
    Chunked,
}

/// Why bytes are no NETCONF messages. The session is of no use afterwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message is longer than the limit.
    #[error("a message is longer than the limit of {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Something else stands where a chunk header must be: the chunk before was longer or shorter
    /// than its header said, or the server does not speak chunks.
    #[error("the chunk framing is broken: `{found}` stands where a chunk header must be")]
    NoHeader {
        /// What stands there, escaped and cut.
        found: String,
    },
}

/// Takes the framing off messages.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    message: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    EndMark(EndMark),
    Chunked(Chunked),
}

impl Decoder {
    /// A decoder for messages of at most `limit` bytes, in the framing of the hello.
    pub fn new(limit: usize) -> Self {
        Self { limit, message: Vec::new(), state: State::EndMark(EndMark) }
    }

    /// Changes the framing for the messages to come; to be called between messages.
    pub fn switch(&mut self, framing: Framing) {
        self.state = match framing {
            Framing::EndMark => State::EndMark(EndMark),
            Framing::Chunked => State::Chunked(Chunked::default()),
        };
    }

    /// Takes bytes from the front of `input` until a message is whole; `None` when all are taken
    /// and none is.
    ///
    /// # Errors
    /// The bytes are not framed as they should be, or the message is too long.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        let whole = match &mut self.state {
            State::EndMark(state) => state.feed(input, &mut self.message, self.limit)?,
            State::Chunked(state) => state.feed(input, &mut self.message, self.limit)?,
        };
        Ok(whole.then(|| std::mem::take(&mut self.message)))
    }

    /// What has come of a message that is not whole.
    pub fn partial(&self) -> &[u8] {
        &self.message
    }

    /// What is missing, for the failure of a session that ends or stands still here.
    pub fn standing(&self) -> Standing {
        let missing = match &self.state {
            State::EndMark(_) => None,
            State::Chunked(state) => state.missing(),
        };
        Standing { bytes: self.message.len(), missing }
    }
}

/// Where a decoder stands in the middle of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Bytes of the message that have come.
    pub bytes: usize,
    /// Bytes that the last chunk's header promised and that have not come.
    pub missing: Option<usize>,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bytes, self.missing) {
            (0, None) => write!(f, "between two messages"),
            (bytes, None) => write!(f, "in the middle of a message, {bytes} bytes of it had come"),
            (bytes, Some(missing)) => write!(
                f,
                "in the middle of a chunk, {bytes} bytes of the message had come and {missing} more were \
                 announced"
            ),
        }
    }
}

/// Frames a message for the wire.
pub fn encode(framing: Framing, message: &[u8]) -> Vec<u8> {
    match framing {
        Framing::EndMark => end_mark::encode(message),
        Framing::Chunked => chunked::encode(message),
    }
}

/// Appends as much as the limit allows.
fn append(message: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), FrameError> {
    if bytes.len() > limit.saturating_sub(message.len()) {
        return Err(FrameError::TooLong { limit });
    }
    message.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests;
