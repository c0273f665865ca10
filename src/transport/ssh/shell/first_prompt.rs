//! From login to the first prompt, through banners that look like one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::{FIRST_PROMPT_SETTLE, closed_early, pager};
use crate::error::{Failure, FailureKind};
use crate::profile::Platform;
use crate::transport::ssh::Order;
use crate::transport::ssh::connect::Link;
use crate::transport::ssh::prompt::{Learned, MAX_PROMPT};
use crate::transport::ssh::session::plain;
use crate::transport::ssh::wire::{Event, Wire};

/// The silence after which a device is poked with a newline, and how often.
const POKE: Duration = Duration::from_millis(1500);
const MAX_POKES: usize = 8;
/// How often the login is repeated: a name and a password, and once more for a line that was lost.
const MAX_QUESTIONS: usize = 4;
/// Lines kept for the message when no prompt is found.
const MAX_SEEN: usize = 50;

/// Waits for the first prompt among banners, and learns it: the line that a newline brings again.
pub(super) async fn find_prompt(
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
    let mut asked = 0;
    while !ended {
        let line = if wire.screen.width() <= MAX_PROMPT { wire.screen.line() } else { String::new() };
        let shown = line.trim_end();
        let mode = platform.mode_of(shown);
        let confirmed = mode.is_some() && candidate.as_deref() == Some(shown) && !since.is_empty();
        let waiting = candidate.as_deref() == Some(shown) && since.is_empty();
        let pager = if mode.is_none() { pager(platform, &line) } else { None };
        let question = if mode.is_none() { question(platform, shown) } else { None };
        let wait = match mode {
            Some(_) if !waiting => wire.settle().max(FIRST_PROMPT_SETTLE),
            None if pager.is_some() || question.is_some() => wire.settle().max(FIRST_PROMPT_SETTLE),
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
                if let Some(question) = question {
                    asked += 1;
                    if asked > MAX_QUESTIONS {
                        return Err(refused(link).partial(said(&seen, shown)));
                    }
                    let answer = answer(question, link, order).await?;
                    wire.screen.clear_line();
                    ended = !wire.send(&answer).await;
                } else if let Some(answer) = pager {
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
            plain(&last)
        ),
    )
    .hint("check the device's `platform`, or add the prompt to the platform's profile")
    .partial(said(&seen, &last)))
}

/// What a device asks that wants the login once more.
#[derive(Clone, Copy)]
enum Question {
    User,
    Password,
}

fn question(platform: &Platform, line: &str) -> Option<Question> {
    let login = platform.login.as_ref()?;
    if login.user.is_match(line) {
        return Some(Question::User);
    }
    login.password.is_match(line).then_some(Question::Password)
}

/// The line that answers a question.
async fn answer(question: Question, link: &Link, order: &Order<'_>) -> Result<String, Failure> {
    let missing = |what: &str| {
        Failure::new(FailureKind::Auth, format!("{} asks for {what} once more in its shell", link.who()))
            .hint(format!("set `{what}` for the device in the inventory"))
    };
    match question {
        Question::User => {
            let user = order.login.username.as_deref().ok_or_else(|| missing("username"))?;
            Ok(format!("{user}\n"))
        }
        Question::Password => {
            let secret = order.login.password.as_ref().ok_or_else(|| missing("password"))?;
            let secret = secret.resolve().await.map_err(|error| {
                Failure::new(
                    FailureKind::Auth,
                    format!("no password for {}: {}", link.who(), error.message()),
                )
            })?;
            Ok(format!("{}\n", secret.expose()))
        }
    }
}

fn refused(link: &Link) -> Failure {
    Failure::new(FailureKind::Auth, format!("{} refuses in its shell the login that SSH took", link.who()))
        .hint("check `username` and `password`, and the controller's AAA server")
}

fn said(seen: &VecDeque<String>, last: &str) -> String {
    let mut lines: Vec<&str> = seen.iter().map(String::as_str).collect();
    lines.push(last);
    lines.join("\n").trim().to_owned()
}
