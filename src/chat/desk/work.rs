//! One question, from accepted to delivered.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::answer::Answer;
use crate::bot::{Incoming, Progress};
use crate::chat::link::Backoff;
use crate::chat::{Asked, Connector, How, Part, Sign, Trouble, parts};
use crate::error::{Error, Kind};
use crate::store::Open;

/// A question that takes longer shows that somebody writes.
const TYPING: Duration = Duration::from_millis(400);
/// A question that takes longer says how far it is, and again this often.
const FIRST_PROGRESS: Duration = Duration::from_millis(1200);
const PROGRESS: Duration = Duration::from_secs(3);
/// The longest wait between two tries of one call.
pub(super) const MOST_WAIT: Duration = Duration::from_secs(20);

impl Desk {
    pub(super) async fn work_on(&self, connector: &dyn Connector, open: Open, resumed: bool) {
        let way = connector.name();
        let asked = match serde_json::from_str::<Asked>(&open.asked) {
            Ok(asked) => asked,
            Err(error) => {
                tracing::error!(%way, %error, "an open question cannot be read; it is dropped");
                return self.close(way, open.id, None).await;
            }
        };
        let stored =
            open.parts.as_ref().and_then(|parts| serde_json::from_str::<(Asked, Vec<Part>)>(parts).ok());
        if let Some((asked, parts)) = stored {
            self.deliver(connector, &asked, &open, parts, resumed).await;
            return;
        }
        let Some(asked) = self.complete(connector, asked).await else {
            return self.close(way, open.id, None).await;
        };
        let (parts, progress) = self.answer(connector, &asked, &open).await;
        let open = Open { progress, ..open };
        match serde_json::to_string(&(&asked, &parts)) {
            Ok(text) => {
                if let Err(error) = self.store.answered(open.id, text).await {
                    tracing::error!(%way, %error, "an answer could not be kept; it is sent all the same");
                }
            }
            Err(error) => tracing::error!(%way, %error, "an answer could not be written down"),
        }
        self.deliver(connector, &asked, &open, parts, resumed).await;
    }

    /// Fetches what is missing, and looks whether it is for us at all.
    async fn complete(&self, connector: &dyn Connector, asked: Asked) -> Option<Asked> {
        let mut backoff = Backoff::new(MOST_WAIT);
        let asked = loop {
            match connector.complete(asked.clone()).await {
                Ok(asked) => break asked?,
                Err(Trouble::Refused(why) | Trouble::Form(why)) => {
                    tracing::warn!(platform = connector.name(), %why, "a message could not be fetched");
                    return None;
                }
                Err(Trouble::Wait(_)) => {}
                Err(Trouble::Login(_)) => self.relogin(connector, &mut backoff).await,
                Err(Trouble::Unreachable { .. }) => tokio::time::sleep(backoff.wait()).await,
            }
        };
        if asked.how != How::Overheard {
            return Some(asked);
        }
        // In a room where nobody spoke to us, only `!vrf r1` is meant for us, and only if it is a question.
        let behind = asked.text.trim_start().strip_prefix('!')?;
        (!behind.starts_with('!') && self.partner.understands(behind)).then_some(asked)
    }

    /// Has a question answered, telling how far it is where that takes time. Gives the parts of the answer
    /// and the message that told.
    async fn answer(
        &self,
        connector: &dyn Connector,
        asked: &Asked,
        open: &Open,
    ) -> (Vec<Part>, Option<String>) {
        let way = connector.name();
        if let Some(why) = &asked.denied {
            let error = Error::new(Kind::Denied, why.clone());
            let answer = Answer::refused(asked.text.clone(), &error);
            let tag = tag(way, asked);
            let parts = parts::parts(&answer, &connector.shape(), connector.capabilities(), &tag, Vec::new());
            return (parts, None);
        }
        let heavy = self.partner.is_heavy(&asked.text);
        // `cancel` and `help` must not wait behind what is to be cancelled.
        let _turns = if heavy {
            let asker = self.asker(way, &asked.who.id);
            if asker.available_permits() == 0 || self.all.available_permits() == 0 {
                let _ = connector.react(asked, Sign::Seen).await;
            }
            let own = asker.acquire_owned().await.ok();
            Some((own, std::sync::Arc::clone(&self.all).acquire_owned().await.ok()))
        } else {
            None
        };
        let (sender, receiver) = watch::channel(Progress::default());
        let cancel = CancellationToken::new();
        let _guard = cancel.clone().drop_guard();
        let incoming = Incoming {
            who: asked.who.clone(),
            place: asked.place.channel.clone(),
            text: if blank(&asked.text) { "help".to_owned() } else { asked.text.clone() },
        };
        let tag = tag(way, asked);
        let done = CancellationToken::new();
        let telling = self.tell(connector, asked, open, &tag, receiver, done.clone());
        let answering = async {
            let answer = self.partner.answer(incoming, sender, cancel).await;
            done.cancel();
            answer
        };
        let (answer, progress) = tokio::join!(answering, telling);
        let choices = choices(&answer, || self.partner.choices(&asked.text));
        let parts = parts::parts(&answer, &connector.shape(), connector.capabilities(), &tag, choices);
        (parts, progress)
    }

    /// Posts and edits the message that tells how far a question is, until `done`. A call that is under way
    /// then is waited for, so that its message is known.
    async fn tell(
        &self,
        connector: &dyn Connector,
        asked: &Asked,
        open: &Open,
        tag: &str,
        mut progress: watch::Receiver<Progress>,
        done: CancellationToken,
    ) -> Option<String> {
        let mut message = open.progress.clone();
        // The last edits are kept for the answer.
        let Some(mut edits) = connector.capabilities().edits.map(|edits| edits.saturating_sub(3)) else {
            return message;
        };
        if done.run_until_cancelled(tokio::time::sleep(TYPING)).await.is_none() {
            return message;
        }
        let _ = done.run_until_cancelled(connector.typing(asked)).await;
        if done.run_until_cancelled(tokio::time::sleep(FIRST_PROGRESS)).await.is_none() {
            return message;
        }
        let mut tick = interval(PROGRESS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if done.run_until_cancelled(tick.tick()).await.is_none() {
                return message;
            }
            let now = progress.borrow_and_update().clone();
            if now.job.is_empty() {
                continue;
            }
            let text = parts::progress(&now, tag);
            match &message {
                None => match connector.reply(asked, &text).await {
                    Ok(id) => {
                        if let Err(error) = self.store.progressing(open.id, id.clone()).await {
                            tracing::warn!(%error, "a progress message was not noted");
                        }
                        message = Some(id);
                    }
                    Err(trouble) if trouble.is_ambiguous() => {
                        message = connector.find(asked, &text.tag).await.ok().flatten();
                        return message;
                    }
                    Err(_) => return None,
                },
                Some(id) if edits > 0 => {
                    edits -= 1;
                    // Only a courtesy: the answer itself is what counts.
                    let _ = connector.edit(asked, id, &text).await;
                }
                Some(_) => return message,
            }
            if done.run_until_cancelled(progress.changed()).await.is_none_or(|changed| changed.is_err()) {
                return message;
            }
        }
    }
}

/// Whether somebody only called us.
fn blank(text: &str) -> bool {
    crate::command::normalise(text).is_ok_and(|text| text.is_empty())
}

/// Whole questions for one that was refused because its end is missing.
fn choices(answer: &Answer, find: impl FnOnce() -> Vec<String>) -> Vec<String> {
    if answer.status == crate::answer::Status::Refused { find() } else { Vec::new() }
}

/// What the messages of an answer are known by on the platform: the same after a restart.
pub(super) fn tag(way: &str, asked: &Asked) -> String {
    let key = asked.keys.first().map_or("", String::as_str);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{way} {key}").as_bytes());
    let short = digest.as_ref().iter().take(8).fold(0_u64, |short, byte| short << 8 | u64::from(*byte));
    format!("nb-{short:016x}")
}
