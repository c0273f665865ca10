//! Chunks of base:1.1 sessions (RFC 6242, 4.2): `\n#LENGTH\n` and so many bytes, at the end `\n##\n`.

use super::{FrameError, append};

/// The greatest length that a header may announce (RFC 6242, 4.2).
const MAX_CHUNK: u64 = 4_294_967_295;
/// How much of a wrong header is shown.
const SHOWN: usize = 24;

/// Where in the framing the next byte stands.
#[derive(Debug, Default)]
enum State {
    /// Before a header. White space is passed over here between messages: servers put line ends
    /// behind the hello's end mark.
    #[default]
    Start,
    /// Behind the header's line feed.
    Hash,
    /// Behind `\n#`.
    First,
    /// In the length.
    Length(u64),
    /// In the bytes, with so many to come.
    Data(usize),
    /// Behind `\n##`.
    End,
}

/// A chunk decoder.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    /// Whether a chunk of this message has come.
    begun: bool,
}

impl Chunked {
    /// Takes bytes until a message is whole; whether it is.
    pub(super) fn feed(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, FrameError> {
        loop {
            if let State::Data(left) = self.state {
                let (now, rest) = input.split_at(left.min(input.len()));
                append(message, now, limit)?;
                *input = rest;
                let left = left - now.len();
                if left > 0 {
                    self.state = State::Data(left);
                    return Ok(false);
                }
                self.state = State::Start;
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(false) };
            self.state = match (&self.state, byte) {
                (State::Start, b'\n') => State::Hash,
                (State::Start, byte) if !self.begun && byte.is_ascii_whitespace() => State::Start,
                // Only a line feed that stands right before the header is the header's.
                (State::Hash, b'\n') if !self.begun => State::Hash,
                (State::Hash, byte) if !self.begun && byte.is_ascii_whitespace() => State::Start,
                (State::Hash, b'#') => State::First,
                (State::First, b'1'..=b'9') => State::Length(u64::from(byte - b'0')),
                (State::First, b'#') if self.begun => State::End,
                (State::Length(length), b'0'..=b'9') => {
                    let length = length.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                    if length > MAX_CHUNK {
                        return Err(self.wrong(input));
                    }
                    State::Length(length)
                }
                (State::Length(length), b'\n') => {
                    // Refused before the first byte of it: the announcement alone says that it is too long.
                    let length = usize::try_from(*length).unwrap_or(usize::MAX);
                    if length > limit.saturating_sub(message.len()) {
                        return Err(FrameError::TooLong { limit });
                    }
                    self.begun = true;
                    State::Data(length)
                }
                (State::End, b'\n') => {
                    *input = rest;
                    *self = Self::default();
                    return Ok(true);
                }
                _ => return Err(self.wrong(input)),
            };
            *input = rest;
        }
    }

    /// How many bytes of a chunk have been announced and not come.
    pub(super) fn missing(&self) -> Option<usize> {
        match self.state {
            State::Data(left) => Some(left),
            _ => None,
        }
    }

    /// The error for bytes that are no header, with what had been taken of it.
    fn wrong(&self, input: &[u8]) -> FrameError {
        let mut found = match &self.state {
            State::Start | State::Data(_) => String::new(),
            State::Hash => "\n".to_owned(),
            State::First => "\n#".to_owned(),
            State::Length(length) => format!("\n#{length}"),
            State::End => "\n##".to_owned(),
        };
        found.push_str(&String::from_utf8_lossy(input.get(..SHOWN).unwrap_or(input)));
        let found = found.chars().take(SHOWN).flat_map(char::escape_default).collect();
        FrameError::NoHeader { found }
    }
}

/// A message as one chunk.
pub(super) fn encode(message: &[u8]) -> Vec<u8> {
    [format!("\n#{}\n", message.len()).as_bytes(), message, b"\n##\n"].concat()
}
