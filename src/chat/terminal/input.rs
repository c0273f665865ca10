//! The thread that reads: a terminal with editing, completion and history, or plain lines.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::mpsc;

use super::{Input, Partner};
use crate::command::{Completion, complete};
use crate::error::{Error, Result};

/// The prompt.
const PROMPT: &str = "nocbot> ";

/// The most questions that the history keeps.
const MAX_HISTORY: usize = 1_000;

/// The longest line that is taken from a pipe, in bytes; the rest of it is dropped and the parser
/// says that it is too long.
const MAX_LINE: u64 = 64 * 1_024;

/// What the input thread says.
pub(super) enum Event {
    /// A line, and the terminal's width in cells.
    Line { text: String, width: Option<usize> },
    /// Ctrl-C at the prompt.
    Interrupted,
    /// The end of the input, Ctrl-D.
    End,
    /// The input cannot be read.
    Failed(Error),
}

/// The conversation's end of the input thread.
pub(super) struct Reader {
    next: std::sync::mpsc::SyncSender<()>,
    events: mpsc::Receiver<Event>,
    asked: bool,
}

impl Reader {
    /// Starts the thread; it ends when the reader is dropped.
    pub(super) fn start<P: Partner>(input: Input, bot: Arc<P>) -> Result<Self> {
        let (next, wanted) = std::sync::mpsc::sync_channel(1);
        let (sender, events) = mpsc::channel(1);
        let mut source = match input {
            Input::Lines(lines) => Source::Lines(lines),
            Input::Terminal { history } => terminal(history, bot)?,
        };
        std::thread::Builder::new()
            .name("terminal-input".into())
            .spawn(move || {
                while wanted.recv().is_ok() {
                    if sender.blocking_send(source.read()).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| Error::io("starting the thread that reads the terminal", error))?;
        Ok(Self { next, events, asked: false })
    }

    /// The next event; may be called again after it was dropped half-way.
    pub(super) async fn next(&mut self) -> Event {
        if !self.asked {
            if self.next.try_send(()).is_err() {
                return Event::End;
            }
            self.asked = true;
        }
        let event = self.events.recv().await;
        self.asked = false;
        event.unwrap_or(Event::End)
    }
}

enum Source<P: Partner> {
    Lines(Box<dyn BufRead + Send>),
    Terminal { editor: Box<Editor<Typing<P>, DefaultHistory>>, history: Option<PathBuf> },
}

impl<P: Partner> Source<P> {
    fn read(&mut self) -> Event {
        match self {
            Self::Lines(lines) => read_line(lines.as_mut()),
            Self::Terminal { editor, history } => match editor.readline(PROMPT) {
                Ok(text) => {
                    remember(editor, history.as_ref(), &text);
                    let width = editor.dimensions().map(|(columns, _)| usize::from(columns));
                    Event::Line { text, width }
                }
                Err(ReadlineError::Interrupted) => Event::Interrupted,
                Err(ReadlineError::Eof) => Event::End,
                Err(ReadlineError::Io(error)) => Event::Failed(Error::io("reading the terminal", error)),
                Err(error) => {
                    let error = std::io::Error::other(error.to_string());
                    Event::Failed(Error::io("reading the terminal", error))
                }
            },
        }
    }
}

/// Keeps a question; a history that cannot be written is no reason to stop talking.
fn remember<P: Partner>(
    editor: &mut Editor<Typing<P>, DefaultHistory>,
    history: Option<&PathBuf>,
    text: &str,
) {
    if text.trim().is_empty() || !editor.add_history_entry(text).unwrap_or(false) {
        return;
    }
    if let Some(path) = history
        && let Err(error) = editor.append_history(path)
    {
        tracing::warn!(path = %path.display(), %error, "the history cannot be written");
    }
}

fn terminal<P: Partner>(history: Option<PathBuf>, bot: Arc<P>) -> Result<Source<P>> {
    let failed = |error: ReadlineError| match error {
        ReadlineError::Io(error) => Error::io("opening the terminal", error),
        other => Error::io("opening the terminal", std::io::Error::other(other.to_string())),
    };
    let config = Config::builder()
        .max_history_size(MAX_HISTORY)
        .map_err(failed)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Typing { bot }));
    if let Some(path) = &history
        && path.exists()
        && let Err(error) = editor.load_history(path)
    {
        tracing::warn!(path = %path.display(), %error, "the history cannot be read");
    }
    Ok(Source::Terminal { editor: Box::new(editor), history })
}

/// Reads one line; text that is not UTF-8 is mended, not refused.
fn read_line(lines: &mut dyn BufRead) -> Event {
    let mut bytes = Vec::new();
    match lines.take(MAX_LINE).read_until(b'\n', &mut bytes) {
        Ok(0) => return Event::End,
        Ok(_) => {}
        Err(error) => return Event::Failed(Error::io("reading a question", error)),
    }
    let rest = if bytes.ends_with(b"\n") { Ok(()) } else { skip_line(lines) };
    if let Err(error) = rest {
        return Event::Failed(Error::io("reading a question", error));
    }
    let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
    Event::Line { text, width: None }
}

fn skip_line(lines: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let available = lines.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(available.len(), |index| index + 1);
        lines.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Completion and hints while somebody types.
struct Typing<P: Partner> {
    bot: Arc<P>,
}

impl<P: Partner> Typing<P> {
    fn offers(&self, line: &str, position: usize) -> Vec<Completion> {
        line.get(..position).map(|typed| complete(&self.bot.catalogue(), typed)).unwrap_or_default()
    }
}

impl<P: Partner> Completer for Typing<P> {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let offers = self.offers(line, position);
        let start = offers.first().map_or(position, |offer| offer.start);
        let same: Vec<&Completion> = offers.iter().filter(|offer| offer.start == start).collect();
        // A word that is the only way to go on is whole, except for the key of a `key:value`.
        let blank = if same.len() == 1 { " " } else { "" };
        let pairs = same.into_iter().map(|offer| {
            let blank = if offer.text.ends_with(':') { "" } else { blank };
            Pair { display: offer.text.clone(), replacement: format!("{}{blank}", offer.text) }
        });
        Ok((start, pairs.collect()))
    }
}

impl<P: Partner> Hinter for Typing<P> {
    type Hint = String;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<String> {
        if position < line.len() {
            return None;
        }
        let offers = self.offers(line, position);
        let offer = offers.first()?;
        let typed = line.get(offer.start..).filter(|typed| !typed.is_empty())?;
        offer.text.strip_prefix(typed).map(str::to_owned)
    }
}

impl<P: Partner> Highlighter for Typing<P> {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\u{1b}[2m{hint}\u{1b}[0m"))
    }
}

impl<P: Partner> Validator for Typing<P> {}

impl<P: Partner> Helper for Typing<P> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut rest = bytes;
        let mut out = Vec::new();
        while let Event::Line { text, .. } = read_line(&mut rest) {
            out.push(text);
        }
        out
    }

    #[test]
    fn lines_of_a_pipe() {
        assert_eq!(lines(b"vrf r1\r\n\nbgp r1"), ["vrf r1", "", "bgp r1"]);
        assert_eq!(lines(b"\xff\n"), ["\u{fffd}"]);
        let mut long = vec![b'x'; 200_000];
        long.extend(b"\nvrf r1\n");
        let found = lines(&long);
        assert_eq!(found.len(), 2);
        assert_eq!(found.last().map(String::as_str), Some("vrf r1"));
    }
}
