//! A shell on a PTY, and the commands that run in it between two prompts.

mod enable;
mod first_prompt;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Failure, FailureKind};
use crate::profile::Platform;
use crate::transport::ssh::capture::Capture;
use crate::transport::ssh::connect::Link;
use crate::transport::ssh::echo::Echo;
use crate::transport::ssh::prompt::{Learned, MAX_PROMPT};
use crate::transport::ssh::wire::{Event, Wire};
use crate::transport::ssh::{Order, Trouble};

/// What ends a command that runs on and on.
const CTRL_C: &str = "\x03";
/// Wide, so that no device wraps a line or the echo of a command; tall, so that few ask for a key.
const COLUMNS: u32 = 511;
const ROWS: u32 = 1000;
/// For the device to allow the PTY and the shell.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The silence after which something is taken to be the first prompt.
const FIRST_PROMPT_SETTLE: Duration = Duration::from_millis(60);
/// The silence after a prompt when no echo came before it.
const NO_ECHO_SETTLE: Duration = Duration::from_millis(500);
/// The silence after a prompt when the output had such a line in it before: it may have another.
const DOUBTFUL_SETTLE: Duration = Duration::from_millis(300);
/// The silence after a prompt that stands behind other text: it may be a line of output that has not ended.
const GLUED_SETTLE: Duration = Duration::from_secs(1);
/// A warm session that is silent for so long is asked whether it lives.
const SUSPICION: Duration = Duration::from_secs(3);
/// Lines looked back for a prompt that a log message has pushed up.
const LOOK_BACK: usize = 4;

/// An open shell that stands at its prompt.
pub(super) struct Shell {
    wire: Wire,
    prompt: Learned,
    mode: String,
    /// Lines that the device shows above each prompt (`{master}`).
    preamble: Vec<String>,
    /// Whether the device repeats what is typed.
    echoes: bool,
}

impl Shell {
    /// Opens a shell on `link` and brings it to its prompt, ready for commands.
    pub(super) async fn open(link: &Link, order: &Order<'_>) -> Result<Self, Failure> {
        let mut wire = Wire::new(link.open_session().await?);
        let gone = |_| closed_early(link);
        wire.requests().request_pty(true, "vt100", COLUMNS, ROWS, 0, 0, &[]).await.map_err(gone)?;
        wire.requests().request_shell(true).await.map_err(gone)?;
        if !wire.ready(2, REQUEST_TIME).await {
            return Err(Failure::new(FailureKind::Connect, format!("{} refuses a shell", link.who()))
                .hint("if the platform takes one command per request, its profile needs `session: exec`"));
        }
        let (prompt, mode, preamble) = first_prompt::find_prompt(&mut wire, link, order).await?;
        let mut shell = Self { wire, prompt, mode, preamble, echoes: true };
        shell.enable(link, order).await?;
        for line in &order.platform.open {
            let mut ignored = Capture::new(64 * 1024, None);
            let opening = Order {
                command: line,
                interrupt: None,
                idle: order.idle.min(order.prompt_timeout),
                ..*order
            };
            match shell.command(link, &opening, &mut ignored, false).await {
                Ok(()) => {}
                Err(Trouble::Dead(failure) | Trouble::Failed(failure) | Trouble::NoExec(failure)) => {
                    return Err(failure);
                }
            }
        }
        Ok(shell)
    }

    /// Lines to take from the end of each output.
    pub(super) fn preamble(&self) -> &[String] {
        &self.preamble
    }

    /// Runs one command; its output goes to `capture`.
    pub(super) async fn command(
        &mut self,
        link: &Link,
        order: &Order<'_>,
        capture: &mut Capture,
        warm: bool,
    ) -> Result<(), Trouble> {
        if !self.wire.drain(|_| {}) || !self.wire.send(&format!("{}\n", order.command)).await {
            return Err(Trouble::Dead(cut_off(link, order.command)));
        }
        let mut answer = Answer::new(order.command, &self.prompt);
        let mut interrupt = order.interrupt.map(|after| Instant::now() + after);
        loop {
            if interrupt.is_some_and(|at| at <= Instant::now()) {
                interrupt = None;
                self.type_on(link, order, CTRL_C).await?;
            }
            let left = order.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.keep_rest(&mut answer.echo, capture);
                return Err(Trouble::Failed(out_of_time(link.who(), order.command)));
            }
            let stand = self.stand(order.platform, &answer);
            let wait = match &stand {
                Stand::Prompt(..) => answer.settle(self.wire.settle(), self.echoes),
                Stand::Glued(..) => GLUED_SETTLE,
                Stand::Pager(_) => self.wire.settle(),
                Stand::Output => SUSPICION.min(order.idle.saturating_sub(self.wire.silence())),
            };
            let until_interrupt = interrupt.map(|at| at.saturating_duration_since(Instant::now()));
            let cut = until_interrupt.is_some_and(|until| until < wait);
            match self.wire.next(wait.min(left).min(until_interrupt.unwrap_or(wait))).await {
                Event::Data(data) => {
                    answer.bytes += data.len();
                    let prompt = &self.prompt;
                    self.wire
                        .screen
                        .feed(&data, &mut |line| answer.line(line, prompt, order.platform, capture));
                    if capture.is_cut() {
                        return Err(Trouble::Failed(capture.too_long(link.who(), order.command)));
                    }
                }
                Event::Closed => {
                    let begun = answer.echo.found() && (!capture.is_empty() || self.wire.screen.width() > 0);
                    self.keep_rest(&mut answer.echo, capture);
                    let failure = cut_off(link, order.command);
                    return Err(if begun { Trouble::Failed(failure) } else { Trouble::Dead(failure) });
                }
                // The wait was cut short by the deadline or for Ctrl-C: the next round sees to it.
                Event::Quiet if left < wait || cut => {}
                Event::Quiet => match stand {
                    Stand::Prompt(mode, line) => {
                        mode.clone_into(&mut self.mode);
                        self.prompt.saw(&line);
                        self.echoes = answer.end(&self.prompt, capture);
                        return Ok(());
                    }
                    Stand::Glued(mode, rest) => {
                        mode.clone_into(&mut self.mode);
                        // The next echo comes behind the prompt, and this line is none of it.
                        self.wire.screen.clear_line();
                        answer.line(rest, &self.prompt, order.platform, capture);
                        self.echoes = answer.end(&self.prompt, capture);
                        return Ok(());
                    }
                    Stand::Pager(reply) => {
                        self.wire.screen.clear_line();
                        self.type_on(link, order, reply).await?;
                    }
                    Stand::Output => self.silence(link, order, capture, &mut answer, warm).await?,
                },
            }
        }
    }

    /// Nothing has come for a while in the middle of an answer.
    async fn silence(
        &mut self,
        link: &Link,
        order: &Order<'_>,
        capture: &mut Capture,
        answer: &mut Answer,
        warm: bool,
    ) -> Result<(), Trouble> {
        let silent = self.wire.silence();
        if silent >= order.idle {
            self.keep_rest(&mut answer.echo, capture);
            let (who, idle) = (link.who(), order.idle);
            let message = format!("{who} fell silent for {idle:?} while answering `{}`", order.command);
            return Err(Trouble::Failed(
                Failure::new(FailureKind::Timeout, message)
                    .hint("the command may ask a question or take longer than the idle timeout"),
            ));
        }
        if warm && answer.bytes == 0 && !answer.suspected {
            answer.suspected = true;
            if !link.answers(SUSPICION).await {
                return Err(Trouble::Dead(cut_off(link, order.command)));
            }
        } else if !answer.nudged && silent >= SUSPICION && answer.recent.contains(&true) {
            // A log message came behind the prompt and pushed it up: ask for another.
            answer.nudged = true;
            self.type_on(link, order, "\n").await?;
        }
        Ok(())
    }

    async fn type_on(&mut self, link: &Link, order: &Order<'_>, text: &str) -> Result<(), Trouble> {
        if self.wire.send(text).await { Ok(()) } else { Err(Trouble::Failed(cut_off(link, order.command))) }
    }

    /// What the last line is.
    fn stand<'p>(&self, platform: &'p Platform, answer: &Answer) -> Stand<'p> {
        let Some(line) = self.last_line() else { return Stand::Output };
        if answer.lines > 0
            && let Some(mode) = self.prompt.mode(platform, &line)
        {
            return Stand::Prompt(mode, line);
        }
        if answer.lines > 0
            && let Some((before, mode)) = self.prompt.behind(platform, &line)
        {
            return Stand::Glued(mode, before);
        }
        pager(platform, &line).map_or(Stand::Output, Stand::Pager)
    }

    /// Leaves politely.
    pub(super) async fn close(mut self, platform: &Platform) {
        if let Some(close) = &platform.close {
            self.wire.send(&format!("{close}\n")).await;
        }
        self.wire.close().await;
    }

    fn last_line(&self) -> Option<String> {
        (self.wire.screen.width() <= MAX_PROMPT).then(|| self.wire.screen.line())
    }

    /// What came of an answer that never ended, its unfinished line included.
    fn keep_rest(&self, echo: &mut Echo, capture: &mut Capture) {
        echo.finish(&mut |line| capture.line(&line));
        let rest = self.wire.screen.line();
        if !rest.trim().is_empty() && !self.prompt.is(&rest) {
            capture.line(&rest);
        }
    }
}

/// What the last line of the screen is, while a command runs.
enum Stand<'p> {
    /// The device's prompt, in this mode: the end, if it stands still.
    Prompt(&'p str, String),
    /// The very prompt behind an output whose last line has no end, and that line.
    Glued(&'p str, String),
    /// A pager's question, and what to reply.
    Pager(&'p str),
    /// A line of output that may not have ended.
    Output,
}

/// What is known of an answer while it comes.
struct Answer {
    echo: Echo,
    /// Lines that have ended since the command was sent, and bytes.
    lines: usize,
    bytes: usize,
    /// Whether each of the last lines was the very prompt.
    recent: VecDeque<bool>,
    /// There was a line like the prompt in the output.
    doubtful: bool,
    /// The connection has been asked whether it lives.
    suspected: bool,
    /// A newline was sent for another prompt.
    nudged: bool,
}

impl Answer {
    fn new(command: &str, prompt: &Learned) -> Self {
        Self {
            echo: Echo::new(command, prompt),
            lines: 0,
            bytes: 0,
            recent: VecDeque::with_capacity(LOOK_BACK),
            doubtful: false,
            suspected: false,
            nudged: false,
        }
    }

    fn line(&mut self, line: String, prompt: &Learned, platform: &Platform, capture: &mut Capture) {
        self.lines += 1;
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(prompt.is(&line));
        self.doubtful |= self.echo.found() && prompt.mode(platform, &line).is_some();
        self.echo.line(line, &mut |line| capture.line(&line));
    }

    /// How long the prompt must stand still to be the end.
    fn settle(&self, usual: Duration, echoes: bool) -> Duration {
        if self.doubtful {
            usual.max(DOUBTFUL_SETTLE)
        } else if self.echo.found() || !echoes {
            usual
        } else {
            usual.max(NO_ECHO_SETTLE)
        }
    }

    /// The prompt has come; gives whether there was an echo.
    fn end(&mut self, prompt: &Learned, capture: &mut Capture) -> bool {
        self.echo.finish(&mut |line| capture.line(&line));
        if self.nudged {
            capture.cut_at(|line| prompt.is(line));
        }
        self.echo.found()
    }
}

/// What to answer if the last line is a pager's question.
fn pager<'p>(platform: &'p Platform, line: &str) -> Option<&'p str> {
    if line.trim().is_empty() {
        return None;
    }
    let found = platform
        .pagers
        .iter()
        .find(|pager| pager.pattern.is_match(line) || pager.pattern.is_match(line.trim_end()));
    found.map(|pager| pager.answer.as_str())
}

fn closed_early(link: &Link) -> Failure {
    let why = link.goodbye().map_or_else(String::new, |goodbye| format!(": {goodbye}"));
    Failure::new(FailureKind::Connect, format!("{} closed the session before it was ready{why}", link.who()))
        .hint("see the device's log; the account may not be allowed a shell, or no line is free")
}

/// The connection ended before the answer did.
pub(super) fn cut_off(link: &Link, command: &str) -> Failure {
    let why = link.goodbye().map_or_else(String::new, |goodbye| format!(": {goodbye}"));
    Failure::new(
        FailureKind::Connect,
        format!("the connection to {} ended while it answered `{command}`{why}", link.who()),
    )
    .hint("the device may have reloaded, or something on the way cut the session; ask again")
}

/// The deadline came first.
pub(super) fn out_of_time(who: &str, command: &str) -> Failure {
    Failure::new(FailureKind::Timeout, format!("{who} did not finish answering `{command}` in time"))
        .hint("give it more time, or ask for less")
}
