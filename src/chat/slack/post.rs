//! How an answer gets into a conversation: which call, at which pace, and what comes next when the platform
//! refuses it.
//!
//! ```text
//!   for the asker alone ─ chat.postEphemeral ─ refused ─┐
//!   for everybody ───────────────────────────────────── chat.postMessage: native, code blocks, plain text
//!        no form accepted ─► as a file in the thread         │ refused
//!                                                       a command's own address ─► a message to the asker
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::call::text;
use super::{Slack, render};
use crate::answer::pages::File;
use crate::chat::link::{Ask, Trouble, put};
use crate::chat::{Asked, How, Message};

/// A message a second in one channel is what the platform promises to take.
const PACE: Duration = Duration::from_millis(1050);
/// For how long that is minded: short at first, for many limits are passing, and twice as long each time.
const MINDED: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(3);

/// Channels whose turns are kept although nobody waits.
const TURNS: usize = 1000;
/// Channels that are remembered for having refused a look.
const BLIND: usize = 1000;
/// Courtesies at once, and the time in which another one grows.
const COURTESIES: u32 = 12;
const COURTESY: Duration = Duration::from_secs(3);

/// Calls that may be left out, at most so many: a bucket of tokens, kept as the time at which it is full.
#[derive(Debug, Default)]
pub(super) struct Courtesies(Mutex<Option<Instant>>);

impl Courtesies {
    /// Whether there is one left.
    fn take(&self, now: Instant) -> bool {
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full.unwrap_or(now).max(now) + COURTESY;
        let left = next <= now + COURTESY * COURTESIES;
        if left {
            *full = Some(next);
        }
        left
    }

    /// The platform wants no more for a while.
    fn none_before(&self, until: Instant) {
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *full = Some(full.unwrap_or(until).max(until + COURTESY * (COURTESIES - 1)));
    }
}

/// Channels that were too fast, and the turn of each: one message at a time, so that those that wait learn what
/// the platform said to the one before them.
#[derive(Debug, Default)]
pub(super) struct Paced {
    slow: Mutex<HashMap<String, Slow>>,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Slow {
    /// When the next message may go.
    next: Instant,
    /// Until when that is minded, and how long that was.
    until: Instant,
    minded: Duration,
}

impl Paced {
    /// The platform said to wait.
    fn slow(&self, channel: &str, wait: Duration, now: Instant) {
        let mut paced = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        paced.retain(|_, slow| slow.until + slow.minded > now);
        let minded = paced.get(channel).map_or(MINDED, |slow| (slow.minded * 2).min(LONGEST));
        let next = now + wait;
        paced.insert(channel.to_owned(), Slow { next, until: next + minded, minded });
    }

    /// When the next message may go. Short bursts pass; a channel that was once too fast gets a message a
    /// second for a while, so that the others need not wait with it.
    fn turn(&self, channel: &str, now: Instant) -> Option<Instant> {
        let mut paced = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = paced.get_mut(channel)?;
        if slow.until < now {
            return None;
        }
        let at = slow.next.max(now);
        // What would wait past the end need not wait longer than to it.
        slow.next = (at + PACE).min(slow.until);
        Some(at)
    }

    /// Waits for the turn of a message; it lasts as long as what is given back.
    async fn wait(&self, channel: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= TURNS {
                turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(turns.entry(channel.to_owned()).or_default())
        };
        let turn = turn.lock_owned().await;
        if let Some(at) = self.turn(channel, Instant::now()) {
            tokio::time::sleep_until(at).await;
        }
        turn
    }
}

impl Slack {
    /// Sends a message where the question was asked; gives its ts, or nothing where it has none.
    pub(super) async fn answer(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        // In a conversation of two, everything is for the asker's eyes only anyway.
        if message.private && to.how != How::Direct {
            match self.privately(to, message).await {
                Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                other => return other,
            }
        }
        match self.openly(to, message).await {
            // How far a question is helps nobody in a file, nor where it cannot be edited.
            Err(Trouble::Refused(why)) if to.place.reply.is_some() && !is_progress(message) => {
                // We are not in that channel; the command's own address works for half an hour.
                tracing::info!(%why, "a command is answered by its own address");
                match self.by_address(to, message).await {
                    Err(Trouble::Refused(why)) => {
                        tracing::info!(%why, "a command is answered by a direct message");
                        self.directly(to, message).await
                    }
                    other => other,
                }
            }
            Err(Trouble::Form(why)) if !is_progress(message) => {
                self.as_file(to, message).await.map_err(|trouble| match trouble {
                    Trouble::Refused(_) | Trouble::Form(_) => Trouble::Form(why),
                    other => other,
                })
            }
            other => other,
        }
    }

    /// For the asker alone.
    async fn privately(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let mut body = json!({"channel": to.place.channel, "user": to.who.id});
        // In a thread that only begins with the question nobody would see it: the platform shows such a message
        // where a thread is already. Then it stands in the channel, and its buttons lead into the thread.
        let begins = to.place.thread.is_some() && to.place.thread == to.place.message;
        let mut home = None;
        match &to.place.thread {
            Some(thread) if begins => home = Some(thread.as_str()),
            Some(thread) => put(&mut body, "thread_ts", thread.as_str()),
            None => {}
        }
        match self.post_to("chat.postEphemeral", &body, message, home).await {
            Ok(sent) => Ok(text(&sent, "message_ts")),
            Err(Trouble::Refused(_)) if to.place.reply.is_some() => self.by_address(to, message).await,
            Err(trouble) => Err(trouble),
        }
    }

    /// For everybody in the conversation.
    async fn openly(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let mut body = json!({"channel": to.place.channel, "unfurl_links": false, "unfurl_media": false});
        put(
            &mut body,
            "metadata",
            json!({"event_type": "nocbot_answer", "event_payload": {"tag": message.tag}}),
        );
        let Some(thread) = &to.place.thread else {
            return self.post("chat.postMessage", &body, message).await.map(|sent| text(&sent, "ts"));
        };
        let mut threaded = body.clone();
        put(&mut threaded, "thread_ts", thread.as_str());
        match self.post("chat.postMessage", &threaded, message).await {
            // Some messages take no thread.
            Err(Trouble::Refused(why))
                if ["cannot_reply_to_message", "thread_not_found"].iter().any(|code| why.contains(code)) =>
            {
                self.post("chat.postMessage", &body, message).await.map(|sent| text(&sent, "ts"))
            }
            sent => sent.map(|sent| text(&sent, "ts")),
        }
    }

    /// By the address that came with a command or a press: five messages, within half an hour, for the
    /// asker alone.
    async fn by_address(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let address = to.place.reply.clone().unwrap_or_default();
        let mut refused = Trouble::Refused("there is no address to answer to".into());
        for form in render::forms(message) {
            let mut body = json!({"response_type": "ephemeral", "replace_original": false});
            extend(&mut body, form);
            let ask = Ask::json("response_url", Method::POST, address.clone(), &body).without_login();
            let reply = self.bot.call(ask).await;
            // It answers `ok` as plain text, and a failure as JSON.
            let failed = match &reply {
                Ok(reply) if reply.body.starts_with(b"{") => super::ok(reply).err(),
                Ok(_) => None,
                Err(trouble) => Some(trouble.clone()),
            };
            match failed {
                None => return Ok(String::new()),
                Some(Trouble::Form(why)) => refused = Trouble::Form(why),
                Some(trouble) => return Err(trouble),
            }
        }
        Err(refused)
    }

    /// To the asker, in the conversation with us.
    async fn directly(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let body = json!({"channel": to.who.id, "unfurl_links": false, "unfurl_media": false});
        self.post("chat.postMessage", &body, message).await?;
        // It stands in another channel: by its ts alone nothing could be done with it.
        Ok(String::new())
    }

    /// The last resort: no form of the message is accepted.
    async fn as_file(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let file =
            File { name: "answer.txt".into(), kind: "text/plain".into(), text: render::whole(message) };
        self.upload(to, &file, &message.tag, Some(&render::line(message))).await?;
        Ok(String::new())
    }

    /// Sends a message by a method, in the first form that is accepted.
    async fn post(&self, method: &'static str, to: &Value, message: &Message) -> Result<Value, Trouble> {
        self.post_to(method, to, message, None).await
    }

    /// The same; what is asked by its buttons is answered in the thread `home`.
    async fn post_to(
        &self,
        method: &'static str,
        to: &Value,
        message: &Message,
        home: Option<&str>,
    ) -> Result<Value, Trouble> {
        let mut refused = Trouble::Form("no form of the answer is short enough".into());
        let channel = to.get("channel").and_then(Value::as_str).unwrap_or_default();
        let update = method == "chat.update";
        for (number, form) in render::forms(message).into_iter().enumerate() {
            if update && !render::fits_update(&form) {
                continue;
            }
            let mut body = to.clone();
            extend(&mut body, form);
            if let Some(home) = home {
                render::lead(&mut body, home);
            }
            if method == "chat.postMessage" && !self.sees(channel) {
                put(&mut body, "client_msg_id", key(&message.tag, number));
            }
            let turn = if update { None } else { Some(self.paced.wait(channel).await) };
            let written = self.write(method, &body).await;
            if let Err(Trouble::Wait(wait)) = &written {
                self.paced.slow(channel, *wait, Instant::now());
            }
            drop(turn);
            match written {
                Err(Trouble::Form(why)) => {
                    tracing::warn!(%why, "slack refuses a form of an answer; a plainer one is tried");
                    refused = Trouble::Form(why);
                }
                // It was there already, and somebody has removed it since.
                Err(Trouble::Refused(why)) if why.contains("`duplicate_") => return Ok(json!({})),
                other => return other,
            }
        }
        Err(refused)
    }

    /// Edits a message of ours. One that tells how far a question is only goes while edits are plenty: the
    /// platform takes some fifty in a minute, and those are for answers.
    pub(super) async fn replace(&self, to: &Asked, id: &str, message: &Message) -> Result<(), Trouble> {
        if id.is_empty() {
            return Err(Trouble::Refused("an answer to a command's own address cannot be edited".into()));
        }
        if is_progress(message) && !self.courtesies.take(Instant::now()) {
            return Ok(());
        }
        let body = json!({"channel": to.place.channel, "ts": id});
        let edited = self.post("chat.update", &body, message).await;
        if let Err(Trouble::Wait(wait)) = &edited {
            self.courtesies.none_before(Instant::now() + *wait);
        }
        edited.map(drop)
    }

    /// A look at what stands in a channel was refused.
    pub(super) fn blind_in(&self, channel: &str) {
        let mut blind = self.blind.lock().unwrap_or_else(PoisonError::into_inner);
        if blind.len() >= BLIND {
            blind.clear();
        }
        blind.insert(channel.to_owned());
    }

    /// Whether it can be looked what stands in a channel. Where not, messages carry a key by which the
    /// platform may know one that comes twice: its documentation has error codes for that and no word
    /// about the argument, so it is a hope and nothing more.
    fn sees(&self, channel: &str) -> bool {
        if self.blind.lock().unwrap_or_else(PoisonError::into_inner).contains(channel) {
            return false;
        }
        let Some(scopes) = self.identity().scopes else { return true };
        let has = |scope: &str| scopes.iter().any(|granted| granted == scope);
        match channel.chars().next() {
            Some('D' | 'U') => has("im:history"),
            // Private channels begin with either letter.
            _ => has("channels:history") && has("groups:history"),
        }
    }
}

fn is_progress(message: &Message) -> bool {
    message.tag.ends_with("-w")
}

fn extend(body: &mut Value, form: Value) {
    if let (Some(body), Value::Object(form)) = (body.as_object_mut(), form) {
        body.extend(form);
    }
}

/// The same for the same message in the same form, written as a UUID (RFC 9562, version 8).
fn key(tag: &str, form: usize) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{tag} {form}").as_bytes());
    let number = digest.as_ref().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let number = number & !(0xf_u128 << 76) & !(0x3_u128 << 62) | 0x8_u128 << 76 | 0x2_u128 << 62;
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_was_too_fast_is_slow_for_a_while_and_longer_each_time() {
        let (paced, begun) = (Paced::default(), Instant::now());
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        assert_eq!(paced.turn("C1", begun), None);
        paced.slow("C1", Duration::from_secs(2), begun);
        assert_eq!(paced.turn("C1", begun), Some(after(2)));
        assert_eq!(paced.turn("C1", begun), Some(after(2) + PACE));
        assert_eq!(paced.turn("C2", begun), None);
        assert_eq!(paced.turn("C1", after(8)), None);
        paced.slow("C1", Duration::ZERO, after(8));
        assert!(paced.turn("C1", after(17)).is_some());
        paced.slow("C1", Duration::ZERO, after(77));
        assert_eq!(paced.turn("C1", after(83)), None, "long ago is forgotten");
    }

    #[test]
    fn courtesies_end_and_grow_again() {
        let (courtesies, begun) = (Courtesies::default(), Instant::now());
        assert!((0..COURTESIES).all(|_| courtesies.take(begun)));
        assert!(!courtesies.take(begun));
        assert!(courtesies.take(begun + COURTESY) && !courtesies.take(begun + COURTESY));
        let later = begun + Duration::from_mins(10);
        courtesies.none_before(later + Duration::from_secs(5));
        assert!(!courtesies.take(later));
        assert!(courtesies.take(later + Duration::from_secs(5)));
    }

    #[test]
    fn a_key_is_the_same_for_the_same_message_alone() {
        let one = key("nb-1-0", 0);
        assert_eq!(one, key("nb-1-0", 0));
        assert!(one != key("nb-1-1", 0) && one != key("nb-1-0", 1));
        assert_eq!((one.len(), one.as_bytes()[14], one.matches('-').count()), (36, b'8', 4));
        assert!(b"89ab".contains(&one.as_bytes()[19]));
    }
}
