//! The end mark of hellos and base:1.0 sessions (RFC 6242, 4.3).

use memchr::memmem;

use super::{FrameError, append};

const MARK: &[u8] = b"]]>]]>";

/// Looks for the mark; the message itself is all the state there is.
#[derive(Debug)]
pub(super) struct EndMark;

impl EndMark {
    /// Takes bytes until the mark, which is taken as well; whether the message is whole.
    #[allow(clippy::unused_self, reason = "the same form as the other framing")]
    pub(super) fn feed(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, FrameError> {
        // The mark may stand across two pieces: that much of the last one is looked at again.
        let again = message.len().min(MARK.len() - 1);
        let tail = message.split_off(message.len() - again);
        let head = input.get(..MARK.len() - 1).unwrap_or(input);
        let seam = [tail.as_slice(), head].concat();
        let across = memmem::find(&seam, MARK).filter(|at| *at < again);
        if let Some(at) = across {
            append(message, tail.get(..at).unwrap_or_default(), limit)?;
            *input = input.get(at + MARK.len() - again..).unwrap_or_default();
            return Ok(true);
        }
        message.extend_from_slice(&tail);
        let found = memmem::find(input, MARK);
        let taken = input.get(..found.unwrap_or(input.len())).unwrap_or_default();
        // A mark that has begun does not count: it may be the very end of a message that fits.
        append(message, taken, limit.saturating_add(if found.is_some() { 0 } else { MARK.len() - 1 }))?;
        if found.is_some() && message.len() > limit {
            return Err(FrameError::TooLong { limit });
        }
        *input = found.and_then(|at| input.get(at + MARK.len()..)).unwrap_or_default();
        Ok(found.is_some())
    }
}

/// A message and its mark. The mark cannot stand in the message: the writer escapes `>`.
pub(super) fn encode(message: &[u8]) -> Vec<u8> {
    [message, MARK].concat()
}
