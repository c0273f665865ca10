//! One command per channel (RFC 4254, 6.5): no prompt, no echo, an exit status.

use std::time::Duration;

use russh::ChannelMsg;
use tokio::time::Instant;

use super::capture::{self, Capture};
use super::connect::Link;
use super::screen::Screen;
use super::shell::{cut_off, out_of_time};
use super::{Order, Trouble};
use crate::error::{Failure, FailureKind};

/// Kept of the error output, in bytes.
const MAX_STDERR: usize = 64 * 1024;
/// For status and close after the output has ended; some servers send neither.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs one command on a channel of its own; its output goes to `capture`.
pub(super) async fn run(link: &Link, order: &Order<'_>, capture: &mut Capture) -> Result<(), Trouble> {
    let mut channel = link.open_session().await.map_err(Trouble::Dead)?;
    // Only a terminal turns Ctrl-C into an interrupt.
    if order.interrupt.is_some() && channel.request_pty(false, "dumb", 511, 0, 0, 0, &[]).await.is_err() {
        return Err(Trouble::Dead(cut_off(link, order.command)));
    }
    if channel.exec(true, order.command).await.is_err() {
        return Err(Trouble::Dead(cut_off(link, order.command)));
    }
    let mut screen = Screen::default();
    let mut errors = Vec::new();
    let mut status: Option<u32> = None;
    let mut signal: Option<String> = None;
    let mut ended = false;
    let mut last = Instant::now();
    let mut interrupt = order.interrupt.map(|after| Instant::now() + after);
    loop {
        if interrupt.is_some_and(|at| at <= Instant::now()) {
            interrupt = None;
            if channel.data(&b"\x03"[..]).await.is_err() {
                return Err(Trouble::Failed(cut_off(link, order.command)));
            }
        }
        let left = order.deadline.saturating_duration_since(Instant::now());
        let idle = if ended { LAST_WORDS } else { order.idle }.saturating_sub(last.elapsed());
        let until_interrupt = interrupt.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = idle.min(left).min(until_interrupt.unwrap_or(idle));
        let Ok(message) = tokio::time::timeout(wait, channel.wait()).await else {
            if until_interrupt.is_some_and(|until| until < idle.min(left)) {
                continue;
            }
            if ended {
                break;
            }
            keep_rest(&screen, capture);
            let _ = tokio::time::timeout(Duration::from_secs(1), channel.close()).await;
            return Err(Trouble::Failed(if left.is_zero() || left < idle {
                out_of_time(link.who(), order.command)
            } else {
                let (who, idle) = (link.who(), order.idle);
                Failure::new(
                    FailureKind::Timeout,
                    format!("{who} fell silent for {idle:?} while answering `{}`", order.command),
                )
                .hint("the command may take longer than the idle timeout")
            }));
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                last = Instant::now();
                screen.feed(&data, &mut |line| capture.line(&line));
                if capture.is_cut() {
                    let _ = tokio::time::timeout(Duration::from_secs(1), channel.close()).await;
                    return Err(Trouble::Failed(capture.too_long(link.who(), order.command)));
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                last = Instant::now();
                let room = MAX_STDERR.saturating_sub(errors.len());
                errors.extend(data.iter().take(room));
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => status = Some(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => signal = Some(format!("{signal_name:?}")),
            Some(ChannelMsg::Failure) => {
                let _ = tokio::time::timeout(Duration::from_secs(1), channel.close()).await;
                return Err(Trouble::NoExec(
                    Failure::new(FailureKind::Rejected, format!("{} runs no single commands", link.who()))
                        .hint("its platform's profile needs `session: shell`"),
                ));
            }
            Some(ChannelMsg::Eof) => {
                ended = true;
                last = Instant::now();
            }
            Some(ChannelMsg::Close) => break,
            None if ended || status.is_some() => break,
            None => {
                let nothing = capture.is_empty() && screen.width() == 0;
                keep_rest(&screen, capture);
                let failure = cut_off(link, order.command);
                return Err(if nothing { Trouble::Dead(failure) } else { Trouble::Failed(failure) });
            }
            Some(_) => {}
        }
    }
    keep_rest(&screen, capture);
    let _ = tokio::time::timeout(Duration::from_secs(1), channel.close()).await;
    judge(link, order, capture, status, signal, &errors).map_err(Trouble::Failed)
}

fn keep_rest(screen: &Screen, capture: &mut Capture) {
    if screen.width() > 0 {
        capture.line(&screen.line());
    }
}

/// Whether the command worked: error output is noise unless there is nothing else.
fn judge(
    link: &Link,
    order: &Order<'_>,
    capture: &Capture,
    status: Option<u32>,
    signal: Option<String>,
    errors: &[u8],
) -> Result<(), Failure> {
    let (who, command) = (link.who(), order.command);
    let mut error_lines = Vec::new();
    let mut screen = Screen::default();
    screen.feed(errors, &mut |line| error_lines.push(line));
    error_lines.push(screen.line());
    let text = error_lines.join("\n").trim().to_owned();
    if let Some(signal) = signal {
        return Err(Failure::new(
            FailureKind::Rejected,
            format!("`{command}` on {who} was ended by signal {signal}"),
        ));
    }
    let failed = status.is_some_and(|status| status != 0);
    if (failed || capture.is_empty())
        && let Some((line, rejection)) = capture::refusal(order.platform, &text)
    {
        return Err(capture::refused(who, command, &line, rejection, &text));
    }
    if failed && capture.is_empty() && !text.is_empty() {
        let line = text.lines().next().unwrap_or_default().to_owned();
        let status = status.unwrap_or_default();
        return Err(Failure::new(
            FailureKind::Rejected,
            format!("{who} refused `{command}`: {line} (exit status {status})"),
        )
        .partial(text));
    }
    Ok(())
}
