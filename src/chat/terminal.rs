//! `nocbot chat`: the conversation in a terminal, and line by line from a pipe.
//!
//! ```text
//!   input thread                     converse()                         bot
//!   (readline or lines) ──line──►  one question at a time  ──────►  answer()
//!                       ◄──next──  ▲ interrupts: cancel,   ◄──────  progress
//!                                  │ then end
//! ```
//!
//! The input thread waits to be asked for each line, so that the prompt appears behind the answer. It
//! ends with the conversation, except when it is blocked in a read of a pipe; then the process's end
//! ends it. Everything else happens in the one task that called [`converse`].

mod input;
mod progress;

use std::future::Future;
use std::io::{BufRead, ErrorKind, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::input::{Event, Reader};
use self::progress::Line;
use crate::answer::{Answer, FileFormat, csv, json, text};
use crate::bot::{Bot, Incoming, Progress, Who};
use crate::catalogue::Catalogue;
use crate::error::{Error, Result};

/// Who answers: the bot, or a stand-in in tests.
pub trait Partner: Send + Sync + 'static {
    /// Answers one message, as [`Bot::answer`] does.
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> impl Future<Output = Answer> + Send;

    /// What completion offers.
    fn catalogue(&self) -> Arc<Catalogue>;
}

impl Partner for Bot {
    async fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> Answer {
        Self::answer(self, incoming, progress, cancel).await
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Self::catalogue(self)
    }
}

/// Where questions come from.
pub enum Input {
    /// The terminal on stdin and stdout, with editing, completion and history.
    Terminal {
        /// The file that keeps the history; none keeps it for this conversation only.
        history: Option<PathBuf>,
    },
    /// One question per line; blank lines are skipped.
    Lines(Box<dyn BufRead + Send>),
}

/// How to converse.
pub struct Options {
    /// Where questions come from.
    pub input: Input,
    /// Where answers go.
    pub output: Box<dyn Write + Send>,
    /// Where progress is shown and edited in place: the terminal on stderr, or nothing.
    pub progress: Option<Box<dyn Write + Send>>,
    /// The width of answers in cells where the terminal does not tell; none means no limit.
    pub width: Option<usize>,
    /// Who asks.
    pub who: Who,
    /// Ctrl-C, one message each; none listens to the process's own interrupts.
    pub interrupts: Option<mpsc::Receiver<()>>,
}

/// Asks `bot` one question after the other until the input ends.
///
/// Ctrl-C cancels the running question, a second one ends the conversation; so does Ctrl-D, `exit` or
/// `quit` at the prompt.
///
/// # Errors
/// [`crate::error::Kind::Io`] when the input cannot be read or an answer cannot be written.
pub async fn converse<P: Partner>(bot: Arc<P>, options: Options) -> Result<()> {
    let terminal = matches!(options.input, Input::Terminal { .. });
    let mut conversation = Conversation {
        output: options.output,
        progress: Line::new(options.progress),
        width: options.width,
        who: options.who,
        interrupts: Interrupts::new(options.interrupts)?,
    };
    let mut reader = Reader::start(options.input, Arc::clone(&bot))?;
    let mut flow = if terminal { conversation.say(GREETING)? } else { Flow::On };
    let mut warned = false;
    while flow == Flow::On {
        let event = tokio::select! {
            event = reader.next() => event,
            // At its own prompt the terminal sends Ctrl-C as a key, not as an interrupt.
            () = conversation.interrupts.next(), if !terminal => Event::End,
        };
        let interrupted = matches!(event, Event::Interrupted);
        flow = match event {
            Event::Line { text, .. } if text.trim().is_empty() => Flow::On,
            Event::Line { text, .. } if matches!(text.trim(), "exit" | "quit") => Flow::End,
            Event::Line { text, width } => {
                conversation.width = width.or(conversation.width);
                conversation.ask(bot.as_ref(), text).await?
            }
            Event::Interrupted if warned => Flow::End,
            Event::Interrupted => conversation.say("Ctrl-C once more ends, so does Ctrl-D.\n")?,
            Event::End => Flow::End,
            Event::Failed(error) => return Err(error),
        };
        warned = interrupted;
    }
    Ok(())
}

/// The first line of a conversation in a terminal.
const GREETING: &str = "`help` shows what can be asked, Ctrl-D ends.\n";

/// How often progress is drawn.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

struct Conversation {
    output: Box<dyn Write + Send>,
    progress: Line,
    width: Option<usize>,
    who: Who,
    interrupts: Interrupts,
}

impl Conversation {
    /// Asks one question and writes its answer.
    async fn ask<P: Partner>(&mut self, bot: &P, text: String) -> Result<Flow> {
        let (sender, mut progress) = watch::channel(Progress::default());
        let cancel = CancellationToken::new();
        // Whatever ends this function ends the question.
        let _guard = cancel.clone().drop_guard();
        let incoming = Incoming { who: self.who.clone(), place: "terminal".into(), text };
        let mut answer = pin!(bot.answer(incoming, sender, cancel.clone()));
        let mut tick = tokio::time::interval(PAUSE);
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                () = self.interrupts.next() => {
                    if cancel.is_cancelled() {
                        self.progress.clear();
                        return Ok(Flow::End);
                    }
                    cancel.cancel();
                    self.progress.show("cancelling; Ctrl-C once more ends", self.width);
                }
                _ = tick.tick() => {
                    // An error means that the bot will tell no more.
                    if progress.has_changed().unwrap_or(false) && !cancel.is_cancelled() {
                        let line = progress::line(&progress.borrow_and_update());
                        self.progress.show(&line, self.width);
                    }
                }
            }
        };
        self.progress.clear();
        let shown = render(&answer, self.width);
        self.say(&shown)
    }

    /// Writes; the conversation ends when nobody reads it any more.
    fn say(&mut self, text: &str) -> Result<Flow> {
        let written = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
        match written {
            Ok(()) => Ok(Flow::On),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Flow::End),
            Err(error) => Err(Error::io("writing an answer", error)),
        }
    }
}

/// The answer as its file, where one was asked for, else as text; ends with a newline.
fn render(answer: &Answer, width: Option<usize>) -> String {
    let mut out = match answer.file {
        Some(FileFormat::Csv) => csv::render(answer),
        Some(FileFormat::Json) => json::render(answer),
        Some(FileFormat::Text) => text::render(answer, None),
        None => text::render(answer, width),
    };
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    // Device text is clean long before it gets here; a terminal is worth a second look.
    crate::text::clean(&out)
}

/// Ctrl-C from whoever passes it in, or from the process.
enum Interrupts {
    Passed(mpsc::Receiver<()>),
    Process(Signal),
}

impl Interrupts {
    fn new(passed: Option<mpsc::Receiver<()>>) -> Result<Self> {
        match passed {
            Some(receiver) => Ok(Self::Passed(receiver)),
            None => signal(SignalKind::interrupt())
                .map(Self::Process)
                .map_err(|error| Error::io("listening to Ctrl-C", error)),
        }
    }

    /// The next one; never when no more can come.
    async fn next(&mut self) {
        let came = match self {
            Self::Passed(receiver) => receiver.recv().await,
            Self::Process(signal) => signal.recv().await,
        };
        if came.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
