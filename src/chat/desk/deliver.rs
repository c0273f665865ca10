//! Delivers the parts of an answer: each until the platform has taken it, or refuses it for good.

use std::time::Duration;

use super::Desk;
use super::work::{MOST_WAIT, tag};
use crate::chat::link::Backoff;
use crate::chat::{Asked, Connector, Part, Trouble};
use crate::store::Open;

/// An answer that was held up for longer says when it was asked.
const LATE: Duration = Duration::from_secs(15);
/// An answer that could not be delivered for so long helps nobody.
const GIVE_UP: i64 = 24 * 3600 * 1000;

impl Desk {
    /// Sends what is not yet sent. `resumed` says that an earlier run may have sent the next part without
    /// noting it.
    pub(super) async fn deliver(
        &self,
        connector: &dyn Connector,
        asked: &Asked,
        open: &Open,
        parts: Vec<Part>,
        resumed: bool,
    ) {
        let way = connector.name();
        let started = tokio::time::Instant::now();
        // Once the first part is taken, the message that told of the progress is the answer.
        let mut progress = open.progress.clone().filter(|_| open.sent == 0);
        let mut unsure = resumed && open.parts.is_some();
        let mut ok = true;
        for (number, part) in parts.iter().enumerate().skip(open.sent) {
            let mut backoff = Backoff::new(MOST_WAIT);
            loop {
                let late = resumed || started.elapsed() > LATE;
                let late = late.then(|| clock(open.at));
                let place = if number == 0 { &mut progress } else { &mut None };
                let trouble = match send(connector, asked, part, place, unsure, late).await {
                    Ok(()) => break,
                    Err(trouble) => trouble,
                };
                unsure |= trouble.is_ambiguous();
                match trouble {
                    Trouble::Refused(why) | Trouble::Form(why) => {
                        tracing::error!(%way, %why, place = %asked.place.channel, "an answer was refused for good");
                        ok = false;
                        break;
                    }
                    // The lane is closed for as long as was asked; the next call waits for it.
                    Trouble::Wait(_) => {}
                    Trouble::Login(_) => self.relogin(connector, &mut backoff).await,
                    Trouble::Unreachable { .. } => tokio::time::sleep(backoff.wait()).await,
                }
                if jiff::Timestamp::now().as_millisecond() - open.at > GIVE_UP {
                    tracing::error!(%way, "an answer could not be delivered for a day; it is dropped");
                    return self.close(way, open.id, Some(false)).await;
                }
            }
            unsure = false;
            if let Err(error) = self.store.delivered(open.id, number + 1).await {
                tracing::error!(%way, %error, "a delivered part was not noted");
            }
        }
        // What told of the progress and could not become the answer goes.
        if let Some(id) = progress {
            let _ = connector.remove(asked, &id).await;
        }
        self.close(way, open.id, Some(ok)).await;
    }

    /// Takes fresh credentials, and then time: wrong ones are not mended by haste.
    pub(super) async fn relogin(&self, connector: &dyn Connector, backoff: &mut Backoff) {
        if let Err(trouble) = connector.renew().await {
            tracing::error!(platform = connector.name(), %trouble, "no call is accepted");
        }
        tokio::time::sleep(backoff.wait()).await;
    }

    /// The question is done with: answered, given up, or not for us.
    pub(super) async fn close(&self, way: &'static str, id: i64, answered: Option<bool>) {
        self.board.update(way, |link| {
            link.open = link.open.saturating_sub(1);
            link.answers += u64::from(answered == Some(true));
            link.failed += u64::from(answered == Some(false));
        });
        if let Err(error) = self.store.close(id).await {
            tracing::error!(%way, %error, "a delivered answer was not noted");
        }
    }
}

async fn send(
    connector: &dyn Connector,
    asked: &Asked,
    part: &Part,
    progress: &mut Option<String>,
    unsure: bool,
    late: Option<String>,
) -> Result<(), Trouble> {
    let message = match part {
        Part::Message(message) => message,
        Part::File(file) => {
            let tag = format!("{}-f", tag(connector.name(), asked));
            return connector.file(asked, file, &tag).await;
        }
    };
    let mut message = message.clone();
    message.late = late;
    if let Some(id) = progress.as_deref().filter(|_| connector.editable(&message)) {
        match connector.edit(asked, id, &message).await {
            Ok(()) => {
                *progress = None;
                return Ok(());
            }
            // The message is gone, or may not be edited any more: a new one then.
            Err(Trouble::Refused(_) | Trouble::Form(_)) => {
                let _ = connector.remove(asked, id).await;
                *progress = None;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    if unsure {
        match connector.find(asked, &message.tag).await {
            Ok(Some(_)) => return Ok(()),
            // Where the platform lets nobody look, a second answer is better than none.
            Ok(None) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    connector.reply(asked, &message).await.map(drop)
}

/// `14:03:05 UTC`, with the date when that was another day.
fn clock(at: i64) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at) else { return "earlier".to_owned() };
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or(("", &text));
    let time = time.get(..8).unwrap_or(time);
    let today = jiff::Timestamp::now().to_string();
    if today.starts_with(day) { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}
