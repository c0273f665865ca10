//! The SSH side of a session (RFC 6242, 3): a channel with the subsystem `netconf`, messages in.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{Instant, timeout};

use super::frame::{Decoder, FrameError, Framing, Standing, encode};
use super::hello::{self, Hello};
use super::rpc_error::line;
use super::settings::Settings;
use crate::error::{Failure, FailureKind};
use crate::transport::ssh::connect::Link;

/// Kept of the error output, in bytes.
const MAX_STDERR: usize = 4096;

/// When bytes last came, and where in a message they ended: shared with those who wait.
#[derive(Debug)]
pub(super) struct Progress(Mutex<(Instant, Standing)>);

impl Default for Progress {
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), Standing { bytes: 0, missing: None })))
    }
}

impl Progress {
    fn note(&self, change: impl FnOnce(&mut (Instant, Standing))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// When bytes last came, and where the last message stands.
    pub(super) fn now(&self) -> (Instant, Standing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no more messages come.
pub(super) enum End {
    /// The bytes make no sense.
    Frame(FrameError),
    /// The channel has ended.
    Closed,
}

/// Messages of a channel.
pub(super) struct Wire {
    read: ChannelReadHalf,
    decoder: Decoder,
    /// What has come and is not decoded yet.
    rest: Bytes,
    errors: Vec<u8>,
    /// How far it has come.
    pub(super) progress: Arc<Progress>,
}

/// An open channel after both hellos.
pub(super) struct Opened {
    /// Messages in.
    pub(super) wire: Wire,
    /// Bytes out.
    pub(super) write: ChannelWriteHalf<Msg>,
    /// What the server said.
    pub(super) hello: Hello,
}

impl Wire {
    /// The next message. May be dropped while it waits; nothing is lost then.
    pub(super) async fn message(&mut self) -> Result<Vec<u8>, End> {
        loop {
            let mut input = &self.rest[..];
            let found = self.decoder.next(&mut input).map_err(End::Frame)?;
            let left = input.len();
            self.rest.advance(self.rest.len() - left);
            let standing = self.decoder.standing();
            self.progress.note(|(_, place)| *place = standing);
            if let Some(message) = found {
                return Ok(message);
            }
            match self.read.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    self.progress.note(|(heard, _)| *heard = Instant::now());
                    self.rest = data;
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = MAX_STDERR.saturating_sub(self.errors.len());
                    self.errors.extend(data.iter().take(room));
                }
                None | Some(ChannelMsg::Eof | ChannelMsg::Close) => return Err(End::Closed),
                Some(_) => {}
            }
        }
    }

    /// The failure of a channel that ended, with what the server said about it.
    pub(super) fn failure(&self, who: &str, goodbye: Option<String>, end: End) -> Failure {
        match end {
            End::Frame(error) => {
                let failure =
                    Failure::new(FailureKind::Parse, format!("the NETCONF session with {who}: {error}"));
                match error {
                    FrameError::TooLong { .. } => failure.hint("ask for less: a narrower filter"),
                    FrameError::NoHeader { .. } => {
                        failure.hint("the server's framing is at fault; `chunks: false` avoids it")
                    }
                }
            }
            End::Closed => {
                let standing = self.decoder.standing();
                let words = [line(&String::from_utf8_lossy(&self.errors)), goodbye.unwrap_or_default()];
                let words: Vec<&str> =
                    words.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
                let why = if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) };
                Failure::new(FailureKind::Connect, format!("{who} ended the NETCONF session {standing}{why}"))
            }
        }
    }
}

/// Opens the subsystem and exchanges hellos (RFC 6242, 3; RFC 6241, 8.1).
pub(super) async fn open(link: &Link, settings: &Settings) -> Result<Opened, Failure> {
    let limit = settings.hello_timeout;
    let who = link.who();
    let channel = link.open_session().await?;
    let progress = Arc::<Progress>::default();
    let greeting = greet(link, channel, settings, Arc::clone(&progress));
    if let Ok(done) = timeout(limit, greeting).await {
        return done;
    }
    let standing = progress.now().1;
    let place = if standing.bytes > 0 { format!(" ({standing})") } else { String::new() };
    let message = format!("{who} sent no NETCONF hello within {limit:?}{place}");
    Err(Failure::new(FailureKind::Timeout, message)
        .hint("another service may stand behind that port, or the device is overloaded"))
}

async fn greet(
    link: &Link,
    mut channel: Channel<Msg>,
    settings: &Settings,
    progress: Arc<Progress>,
) -> Result<Opened, Failure> {
    let who = link.who();
    let cut_off = || {
        let why = link.goodbye().map(|words| format!(": {words}")).unwrap_or_default();
        Failure::new(FailureKind::Connect, format!("{who} ended the connection before NETCONF began{why}"))
    };
    channel.request_subsystem(true, "netconf").await.map_err(|_| cut_off())?;
    let mut early = None;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => break,
            // Some servers speak without having said that they will.
            Some(ChannelMsg::Data { data }) => {
                early = Some(data);
                break;
            }
            Some(ChannelMsg::Failure) => {
                return Err(Failure::new(
                    FailureKind::Unsupported,
                    format!("{who} has no subsystem `netconf`"),
                )
                .hint("switch NETCONF over SSH on, or set the port where it is on; it is usually 830"));
            }
            None | Some(ChannelMsg::Close) => return Err(cut_off()),
            Some(_) => {}
        }
    }
    let (read, write) = channel.split();
    let mut wire = Wire {
        read,
        decoder: Decoder::new(settings.max_message),
        rest: early.unwrap_or_default(),
        errors: Vec::new(),
        progress,
    };
    let ours = hello::ours(settings.chunks)
        .map_err(|error| Failure::new(FailureKind::Rejected, error.to_string()))?;
    let bytes = Bytes::from(encode(Framing::EndMark, &ours));
    write.data_bytes(bytes).await.map_err(|_| cut_off())?;
    let message = match wire.message().await {
        Ok(message) => message,
        // What it said instead, if it said anything, tells more than that it ended.
        Err(End::Closed) if !wire.decoder.partial().is_empty() => wire.decoder.partial().to_vec(),
        Err(end) => return Err(wire.failure(who, link.goodbye(), end)),
    };
    let hello = hello::theirs(&message, settings.chunks).map_err(|error| {
        Failure::new(FailureKind::Connect, format!("{who} {error}"))
            .hint("see whether NETCONF, and not another service, is on that port")
    })?;
    wire.decoder.switch(hello.framing);
    Ok(Opened { wire, write, hello })
}
