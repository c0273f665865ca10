//! Keeping what a command put out: bounded, streamed as it comes.

use std::fmt::Write as _;

use tokio::sync::mpsc;

use crate::error::{Failure, FailureKind};
use crate::profile::{Platform, Rejection};

/// Output this long is an answer even if a line in it looks like a refusal.
const REFUSAL_LINES: usize = 12;

/// The cleaned output of one command so far; outlives the attempt that fills it.
#[derive(Debug)]
pub(super) struct Capture {
    text: String,
    limit: usize,
    cut: bool,
    stream: Option<mpsc::Sender<String>>,
    /// What is being done, for the message when the time is up.
    pub(super) stage: Stage,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waiting for a free session.
    Queued,
    /// Connecting, logging in, finding the prompt.
    Connecting,
    /// The command has been sent.
    Running,
}

impl Capture {
    /// Keeps up to `limit` bytes and sends each line to `stream` as well.
    pub(super) fn new(limit: usize, stream: Option<mpsc::Sender<String>>) -> Self {
        Self { text: String::new(), limit, cut: false, stream, stage: Stage::Queued }
    }

    /// Forgets what was kept, for another attempt.
    pub(super) fn restart(&mut self) {
        self.text.clear();
        self.cut = false;
    }

    /// Adds a line of output.
    pub(super) fn line(&mut self, line: &str) {
        if self.cut {
            return;
        }
        if self.text.len() + line.len() + 1 > self.limit {
            let mut room = self.limit.saturating_sub(self.text.len()).min(line.len());
            while !line.is_char_boundary(room) {
                room -= 1;
            }
            self.text.push_str(line.get(..room).unwrap_or_default());
            self.cut = true;
            return;
        }
        self.text.push_str(line);
        self.text.push('\n');
        if let Some(stream) = &self.stream {
            // A reader that lags loses lines; the device must not wait for it.
            let _ = stream.try_send(line.to_owned());
        }
    }

    /// Whether the limit was reached.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether anything was kept.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The output: blank lines around it dropped, `preamble` (lines that a device shows before each
    /// prompt) taken from its end.
    pub(super) fn take(&mut self, preamble: &[String]) -> String {
        let mut text = std::mem::take(&mut self.text);
        text.truncate(text.trim_end().len());
        for line in preamble.iter().rev() {
            let (before, last) = text.rsplit_once('\n').unwrap_or(("", &text));
            if last.trim() == line {
                text.truncate(before.trim_end().len());
            }
        }
        let start = text.len() - text.trim_start_matches(['\n', ' ', '\t']).len();
        let first_line = text.get(..start).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
        text.drain(..first_line);
        text
    }

    /// Drops everything from the last line on that `is_prompt` says is the prompt: what came behind
    /// it is no output.
    pub(super) fn cut_at(&mut self, is_prompt: impl Fn(&str) -> bool) {
        let mut at = self.text.len();
        for line in self.text.split_inclusive('\n').rev() {
            at -= line.len();
            if is_prompt(line) {
                self.text.truncate(at);
                return;
            }
        }
    }

    /// Adds what was kept to a failure.
    pub(super) fn fail(&mut self, failure: Failure) -> Failure {
        let cut = self.cut;
        let text = self.take(&[]);
        let mut failure = if failure.partial.is_some() { failure } else { failure.partial(text) };
        if cut {
            let _ = write!(failure.message, "; the output was cut at {} bytes", self.limit);
        }
        failure
    }

    /// The failure of an answer that was longer than the limit.
    pub(super) fn too_long(&mut self, who: &str, command: &str) -> Failure {
        let limit = self.limit;
        let failure = Failure::new(
            FailureKind::Parse,
            format!("the answer of {who} to `{command}` is longer than {limit} bytes and was cut there"),
        )
        .hint("ask for less, with a more specific command")
        .partial(self.take(&[]));
        self.cut = false;
        failure
    }
}

/// The line by which a device refused a command, if its answer is a refusal.
pub(super) fn refusal<'p>(platform: &'p Platform, text: &str) -> Option<(String, &'p Rejection)> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first: Vec<&str> = lines.by_ref().take(REFUSAL_LINES).collect();
    if lines.next().is_some() {
        return None;
    }
    first.iter().find_map(|line| {
        platform.rejection(line.trim_end()).map(|rejection| (line.trim().to_owned(), rejection))
    })
}

/// The failure of a refused command.
pub(super) fn refused(who: &str, command: &str, line: &str, rejection: &Rejection, text: &str) -> Failure {
    Failure::new(FailureKind::Rejected, format!("{who} refused `{command}`: {line}"))
        .hint(rejection.meaning.clone())
        .partial(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn capture(limit: usize, lines: &[&str]) -> Capture {
        let mut capture = Capture::new(limit, None);
        for line in lines {
            capture.line(line);
        }
        capture
    }

    #[test]
    fn blank_lines_around_go_and_those_inside_stay() {
        assert_eq!(capture(100, &["", "  ", "  a", "", "b ", "", ""]).take(&[]), "  a\n\nb");
        assert_eq!(capture(100, &[]).take(&[]), "");
        assert_eq!(capture(100, &["", ""]).take(&[]), "");
    }

    #[test]
    fn a_preamble_of_the_prompt_goes() {
        let preamble = ["{master}".to_owned()];
        assert_eq!(capture(100, &["a", "", "{master}"]).take(&preamble), "a");
        assert_eq!(capture(100, &["a"]).take(&preamble), "a");
        assert_eq!(capture(100, &["{master}"]).take(&preamble), "");
    }

    #[test]
    fn what_comes_behind_the_prompt_is_no_output() {
        let mut pushed_up = capture(100, &["a", "r1#", "log"]);
        pushed_up.cut_at(|line| line.trim_end() == "r1#");
        assert_eq!(pushed_up.take(&[]), "a");
        let mut without = capture(100, &["a", "b"]);
        without.cut_at(|line| line.trim_end() == "r1#");
        assert_eq!(without.take(&[]), "a\nb");
    }

    #[test]
    fn the_limit_holds_and_is_said() {
        let mut capture = capture(10, &["12345", "ééééé", "more"]);
        assert!(capture.is_cut());
        let failure = capture.fail(Failure::new(FailureKind::Timeout, "too slow"));
        assert_eq!(failure.partial.as_deref(), Some("12345\néé"));
        assert!(failure.message.contains("cut at 10 bytes"));
    }

    #[tokio::test]
    async fn a_lagging_reader_stalls_nothing() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut capture = Capture::new(1000, Some(sender));
        for n in 0..50 {
            capture.line(&n.to_string());
        }
        assert_eq!(receiver.recv().await.as_deref(), Some("0"));
        assert_eq!(capture.take(&[]).lines().count(), 50);
    }
}
