//! The way into the privileged mode.

use tokio::time::Instant;

use super::{FIRST_PROMPT_SETTLE, Shell, closed_early};
use crate::error::{Failure, FailureKind};
use crate::transport::ssh::Order;
use crate::transport::ssh::connect::Link;
use crate::transport::ssh::wire::Event;

impl Shell {
    /// Enters the privileged mode when there is a secret for it and the login left the session
    /// outside of it.
    pub(super) async fn enable(&mut self, link: &Link, order: &Order<'_>) -> Result<(), Failure> {
        let (Some(enable), Some(secret)) = (&order.platform.enable, &order.login.secret) else {
            return Ok(());
        };
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
