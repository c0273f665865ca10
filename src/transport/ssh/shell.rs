//! A shell on a PTY: finding the prompt, learning it, and running commands between two of them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::capture::Capture;
use super::connect::Link;
use super::echo::Echo;
use super::prompt::{Learned, MAX_PROMPT};
use super::wire::{Event, Wire};
use super::{Order, Trouble};
use crate::error::{Failure, FailureKind};
use crate::profile::Platform;

/// Wide, so that no device wraps a line or the echo of a command; tall, so that few ask for a key.
const COLUMNS: u32 = 511;
const ROWS: u32 = 1000;
/// For the device to allow the PTY and the shell.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The silence after which something is taken to be the first prompt.
const FIRST_PROMPT_SETTLE: Duration = Duration::from_millis(60);
/// The silence after which a device is poked with a newline, and how often.
const POKE: Duration = Duration::from_millis(1500);
const MAX_POKES: usize = 8;
/// Ctrl-C.
const INTERRUPT: &str = "\u{3}";
/// The silence after a prompt when no echo came before it.
const NO_ECHO_SETTLE: Duration = Duration::from_millis(500);
/// The silence after a prompt when the output had such a line in it before: it may have another.
const DOUBTFUL_SETTLE: Duration = Duration::from_millis(300);
/// A warm session that is silent for so long is asked whether it lives.
const SUSPICION: Duration = Duration::from_secs(3);
/// Lines kept for the message when no prompt is found.
const MAX_SEEN: usize = 50;
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
        let (prompt, mode, preamble) = find_prompt(&mut wire, link, order).await?;
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
                Err(Trouble::Dead(failure) | Trouble::Failed(failure)) => return Err(failure),
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
        let platform = order.platform;
        if !self.wire.drain(|_| {}) || !self.wire.send(&format!("{}\n", order.command)).await {
            return Err(Trouble::Dead(cut_off(link, order.command)));
        }
        let mut echo = Echo::new(order.command, &self.prompt);
        let mut lines = 0_usize;
        let mut bytes = 0_usize;
        let mut recent: VecDeque<bool> = VecDeque::with_capacity(LOOK_BACK);
        let mut suspected = false;
        let mut doubtful = false;
        let mut nudged = false;
        let mut interrupt = order.interrupt.map(|after| Instant::now() + after);
        loop {
            let line = self.last_line();
            let mode =
                line.as_deref().filter(|_| lines > 0).and_then(|line| self.prompt.mode(platform, line));
            let pager = line.as_deref().filter(|_| mode.is_none()).and_then(|line| pager(platform, line));
            let wait = match (mode, pager) {
                (Some(_), _) if doubtful => self.wire.settle().max(DOUBTFUL_SETTLE),
                (Some(_), _) if echo.found() || !self.echoes => self.wire.settle(),
                (Some(_), _) => self.wire.settle().max(NO_ECHO_SETTLE),
                (None, Some(_)) => self.wire.settle(),
                (None, None) => SUSPICION.min(order.idle.saturating_sub(self.wire.silence())),
            };
            if interrupt.take_if(|at| *at <= Instant::now()).is_some()
                && mode.is_none()
                && !self.wire.send(INTERRUPT).await
            {
                return Err(Trouble::Failed(cut_off(link, order.command)));
            }
            // Until it is interrupted such a command may be silent for as long as it likes.
            let due = interrupt.map(|at| at.saturating_duration_since(Instant::now()));
            let wait = match due {
                Some(due) if mode.is_none() && pager.is_none() => SUSPICION.min(due),
                _ => wait,
            };
            let left = order.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.keep_rest(&mut echo, capture);
                return Err(Trouble::Failed(out_of_time(link.who(), order.command)));
            }
            match self.wire.next(wait.min(left)).await {
                Event::Data(data) => {
                    bytes += data.len();
                    let prompt = &self.prompt;
                    self.wire.screen.feed(&data, &mut |line| {
                        lines += 1;
                        if recent.len() == LOOK_BACK {
                            recent.pop_front();
                        }
                        recent.push_back(prompt.is(&line));
                        doubtful |= echo.found() && prompt.mode(platform, &line).is_some();
                        echo.line(line, &mut |line| capture.line(&line));
                    });
                    if capture.is_cut() {
                        return Err(Trouble::Failed(capture.too_long(link.who(), order.command)));
                    }
                }
                Event::Closed => {
                    let answered = echo.found() && (!capture.is_empty() || self.wire.screen.width() > 0);
                    self.keep_rest(&mut echo, capture);
                    let failure = cut_off(link, order.command);
                    return Err(if answered { Trouble::Failed(failure) } else { Trouble::Dead(failure) });
                }
                // The wait was cut short by the deadline: look again.
                Event::Quiet if left < wait => {}
                Event::Quiet => {
                    if let (Some(mode), Some(line)) = (mode, &line) {
                        mode.clone_into(&mut self.mode);
                        self.prompt.saw(line);
                        echo.finish(&mut |line| capture.line(&line));
                        self.echoes = echo.found();
                        if nudged {
                            capture.cut_at(|line| self.prompt.is(line));
                        }
                        return Ok(());
                    }
                    if let Some(answer) = pager {
                        self.wire.screen.clear_line();
                        if !self.wire.send(answer).await {
                            return Err(Trouble::Failed(cut_off(link, order.command)));
                        }
                        continue;
                    }
                    let silent = self.wire.silence();
                    if silent >= order.idle && interrupt.is_none() {
                        self.keep_rest(&mut echo, capture);
                        return Err(Trouble::Failed(
                            Failure::new(
                                FailureKind::Timeout,
                                format!(
                                    "{} fell silent for {:?} while answering `{}`",
                                    link.who(),
                                    order.idle,
                                    order.command
                                ),
                            )
                            .hint("the command may ask a question or take longer than the idle timeout"),
                        ));
                    }
                    if warm && bytes == 0 && !suspected {
                        suspected = true;
                        if !link.answers(SUSPICION).await {
                            return Err(Trouble::Dead(cut_off(link, order.command)));
                        }
                    } else if !nudged && silent >= SUSPICION && recent.iter().any(|prompt| *prompt) {
                        // A log message came behind the prompt and pushed it up: ask for another.
                        nudged = true;
                        if !self.wire.send("\n").await {
                            return Err(Trouble::Failed(cut_off(link, order.command)));
                        }
                    }
                }
            }
        }
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

    /// Enters the privileged mode when there is a secret for it and the login left the session
    /// outside of it.
    async fn enable(&mut self, link: &Link, order: &Order<'_>) -> Result<(), Failure> {
        let (Some(enable), Some(secret)) = (&order.platform.enable, order.secret) else { return Ok(()) };
        if self.mode != enable.from {
            return Ok(());
        }
        let who = link.who();
        let secret = secret.resolve().await.map_err(|error| {
            Failure::new(FailureKind::Auth, format!("no enable secret for {who}: {}", error.message()))
        })?;
        let wrong = |said: &str| {
            // A device that echoes where it should not must not make the secret public.
            let said = said.replace(secret.expose(), "***");
            let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
            Failure::new(FailureKind::Auth, format!("{who} refused the enable secret{said}"))
                .hint("check `secret` in the device's connection options")
        };
        let until = Instant::now() + order.prompt_timeout;
        let mut asked = false;
        let mut ended = 0_usize;
        let mut said = String::new();
        if !self.wire.drain(|_| {}) || !self.wire.send(&format!("{}\n", enable.command)).await {
            return Err(closed_early(link));
        }
        loop {
            let line = self.last_line().unwrap_or_default();
            let asks = enable.ask.is_match(&line) || enable.ask.is_match(line.trim_end());
            let mode = if ended > 0 { self.prompt.mode(order.platform, &line) } else { None };
            let wait = if asks || mode.is_some() {
                self.wire.settle().max(FIRST_PROMPT_SETTLE)
            } else {
                order.prompt_timeout
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::new(
                    FailureKind::Auth,
                    format!("{who} did not answer `{}` within {:?}", enable.command, order.prompt_timeout),
                ));
            }
            match self.wire.next(wait.min(left)).await {
                Event::Data(data) => self.wire.screen.feed(&data, &mut |line| {
                    ended += 1;
                    if !line.trim().is_empty() && !enable.ask.is_match(line.trim()) {
                        said = line;
                    }
                }),
                Event::Closed => return Err(if asked { wrong(&said) } else { closed_early(link) }),
                Event::Quiet if asks && asked => return Err(wrong(&said)),
                Event::Quiet if asks => {
                    asked = true;
                    ended = 0;
                    said.clear();
                    self.wire.screen.clear_line();
                    if !self.wire.send(&format!("{}\n", secret.expose())).await {
                        return Err(closed_early(link));
                    }
                }
                Event::Quiet => match mode {
                    Some(mode) if mode == enable.to => {
                        mode.clone_into(&mut self.mode);
                        self.prompt.saw(&line);
                        return Ok(());
                    }
                    Some(_) => return Err(wrong(&said)),
                    // The time is up: the next round says so.
                    None => {}
                },
            }
        }
    }
}

/// Waits for the first prompt among banners, and learns it: the line that a newline brings again.
async fn find_prompt(
    wire: &mut Wire,
    link: &Link,
    order: &Order<'_>,
) -> Result<(Learned, String, Vec<String>), Failure> {
    let platform = order.platform;
    let until = Instant::now() + order.prompt_timeout;
    let mut seen: VecDeque<String> = VecDeque::new();
    let mut since: Vec<String> = Vec::new();
    let mut candidate: Option<String> = None;
    let mut pokes = 0;
    let mut ended = false;
    while !ended {
        let line = if wire.screen.width() <= MAX_PROMPT { wire.screen.line() } else { String::new() };
        let shown = line.trim_end();
        let mode = platform.mode_of(shown);
        let confirmed = mode.is_some() && candidate.as_deref() == Some(shown) && !since.is_empty();
        let waiting = candidate.as_deref() == Some(shown) && since.is_empty();
        let pager = if mode.is_none() { pager(platform, &line) } else { None };
        let wait = match mode {
            Some(_) if !waiting => wire.settle().max(FIRST_PROMPT_SETTLE),
            None if pager.is_some() => wire.settle().max(FIRST_PROMPT_SETTLE),
            _ => POKE,
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Also when data never stops coming.
            break;
        }
        match wire.next(wait.min(left)).await {
            Event::Data(data) => wire.screen.feed(&data, &mut |line| {
                if since.len() < MAX_SEEN {
                    since.push(line.trim_end().to_owned());
                }
                if seen.len() == MAX_SEEN {
                    seen.pop_front();
                }
                seen.push_back(line.chars().take(MAX_PROMPT).collect());
            }),
            Event::Closed => {
                let said = said(&seen, &wire.screen.line());
                return Err(closed_early(link).partial(said));
            }
            Event::Quiet if left <= wait => {}
            Event::Quiet => {
                if let (true, Some(mode)) = (confirmed, mode) {
                    since.retain(|line| !line.is_empty() && line != shown);
                    return Ok((Learned::new(shown), mode.to_owned(), since));
                }
                if let Some(answer) = pager {
                    wire.screen.clear_line();
                    ended = !wire.send(answer).await;
                } else if pokes < MAX_POKES {
                    pokes += 1;
                    candidate = mode.map(|_| shown.to_owned());
                    since.clear();
                    ended = !wire.send("\n").await;
                }
            }
        }
    }
    let last = wire.screen.line();
    Err(Failure::new(
        FailureKind::Prompt,
        format!(
            "{} showed no prompt of platform {} within {:?}; its last line is `{}`",
            link.who(),
            platform.name,
            order.prompt_timeout,
            super::session::plain(&last)
        ),
    )
    .hint("check the device's `platform`, or add the prompt to the platform's profile")
    .partial(said(&seen, &last)))
}

fn said(seen: &VecDeque<String>, last: &str) -> String {
    let mut lines: Vec<&str> = seen.iter().map(String::as_str).collect();
    lines.push(last);
    lines.join("\n").trim().to_owned()
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
