//! The Socket Mode link.
//!
//! ```text
//!   run ── connect: tokens, apps.connections.open, WebSocket, hello ──► read (a task per link)
//!    ▲                                                                   │ disconnect: refresh
//!    └──── opens the next link; the old one is read and confirmed until it closes by itself
//! ```
//!
//! A reader ends with its link, or half a minute after its replacement said hello, or with `stop`.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderMap;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wire::{self, Envelope};
use super::{Slack, ok, text};
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Ask, Backoff, Frame, Socket, Trouble};
use crate::chat::{Connector as _, Desk};

/// The longest wait between two tries.
const MOST: Duration = Duration::from_secs(30);
/// After wrong credentials: haste mends nothing.
const LOGIN: Duration = Duration::from_mins(1);
/// For the hello.
const HELLO: Duration = Duration::from_secs(10);
/// How long a replaced link is still read.
const REPLACED: Duration = Duration::from_secs(30);
/// The platform wants its confirmation within 3 s.
const CONFIRM: Duration = Duration::from_secs(2);

/// Why another link is needed.
enum Need {
    /// The platform asked for it; the old link still works.
    Refresh,
    /// The link is over.
    Over,
    /// Haste makes it worse: Socket Mode is switched off, or too many links are open.
    Patience(String),
}

pub(super) async fn run(slack: Arc<Slack>, desk: Arc<Desk>, stop: CancellationToken) {
    let mut backoff = Backoff::new(MOST);
    let tasks = TaskTracker::new();
    let mut replaced = CancellationToken::new();
    loop {
        let connected = tokio::select! {
            connected = connect(&slack) => connected,
            () = stop.cancelled() => break,
        };
        let wait = match connected {
            Ok(socket) => {
                backoff.reset();
                slack.board.up("slack");
                // From now on the link before is only read to its end.
                replaced.cancel();
                replaced = CancellationToken::new();
                let (tell, told) = oneshot::channel();
                let reader = Reader {
                    slack: Arc::clone(&slack),
                    desk: Arc::clone(&desk),
                    replaced: replaced.clone(),
                    stop: stop.clone(),
                };
                tasks.spawn(reader.read(socket, tell));
                tokio::select! {
                    need = told => match need {
                        Ok(Need::Refresh) => Duration::ZERO,
                        Ok(Need::Patience(why)) => {
                            tracing::error!(%why, "slack wants no link for now");
                            backoff.longest()
                        }
                        Ok(Need::Over) | Err(_) => backoff.wait(),
                    },
                    () = stop.cancelled() => break,
                }
            }
            Err(trouble) => {
                if !matches!(trouble, Trouble::Wait(_)) {
                    tracing::warn!(%trouble, "no link to slack");
                    slack.board.update("slack", |link| {
                        if !link.up {
                            link.error = Some(trouble.to_string());
                        }
                    });
                }
                match trouble {
                    Trouble::Login(_) => LOGIN,
                    // The lane is closed for as long as was asked.
                    Trouble::Wait(_) => Duration::ZERO,
                    _ => backoff.wait(),
                }
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// A link that has said hello.
async fn connect(slack: &Slack) -> Result<Socket, Trouble> {
    slack.login().await?;
    let lane = "apps.connections.open";
    let reply = slack.app.call(Ask::form(lane, "/apps.connections.open", &[])).await?;
    let opened = match ok(&reply.body) {
        Err(Trouble::Wait(wait)) => return Err(slack.app.close(lane, wait)),
        other => other?,
    };
    // The address carries a ticket: it is never logged.
    let uri =
        text(&opened, "url").parse().map_err(|_| Trouble::unsent("slack gave no address for the link"))?;
    let mut socket = match Socket::open(&slack.settings.net, &uri, HeaderMap::new()).await {
        Ok(socket) => socket,
        Err(Unopened::Status(status, _)) => {
            return Err(Trouble::unsent(format!("slack refused the WebSocket with {status}")));
        }
        Err(Unopened::Trouble(trouble)) => return Err(trouble),
    };
    let hello = async {
        loop {
            match socket.next().await {
                Frame::Text(frame) => match wire::read(&frame, "") {
                    Envelope::Hello(links) => return Ok(links),
                    Envelope::Disconnect(reason) => {
                        return Err(Trouble::unsent(format!("slack ended the link at once: {reason}")));
                    }
                    Envelope::Delivery { .. } | Envelope::Other => {}
                },
                Frame::Closed(_, why) => return Err(Trouble::unsent(why)),
            }
        }
    };
    match timeout(HELLO, hello).await {
        Ok(links) => {
            let links = links?;
            tracing::info!(links, "slack said hello");
            Ok(socket)
        }
        Err(_) => Err(Trouble::unsent("slack said no hello within 10 s")),
    }
}

struct Reader {
    slack: Arc<Slack>,
    desk: Arc<Desk>,
    replaced: CancellationToken,
    stop: CancellationToken,
}

impl Reader {
    /// Reads and confirms until the link is over. `tell` says once that another one is needed.
    async fn read(self, mut socket: Socket, tell: oneshot::Sender<Need>) {
        let own = self.slack.identity().user;
        let mut tell = Some(tell);
        let retired = async {
            self.replaced.cancelled().await;
            sleep(REPLACED).await;
        };
        let mut retired = std::pin::pin!(retired);
        loop {
            let frame = tokio::select! {
                frame = socket.next() => frame,
                () = &mut retired => break,
                () = self.stop.cancelled() => break,
            };
            let frame = match frame {
                Frame::Text(frame) => frame,
                Frame::Closed(_, why) => {
                    if !self.replaced.is_cancelled() {
                        tracing::warn!(%why, "the link to slack is over");
                        self.slack.board.down("slack", why);
                    }
                    let _ = tell.take().map(|tell| tell.send(Need::Over));
                    return;
                }
            };
            match wire::read(&frame, &own) {
                Envelope::Hello(_) | Envelope::Other => {}
                Envelope::Disconnect(reason) => {
                    let need = match reason.as_str() {
                        "link_disabled" | "too_many_websockets" => Need::Patience(reason),
                        _ => Need::Refresh,
                    };
                    let _ = tell.take().map(|tell| tell.send(need));
                }
                Envelope::Delivery { id, asked } => {
                    if let Some(asked) = asked
                        && !self.accept(*asked).await
                    {
                        continue;
                    }
                    let confirmation = json!({"envelope_id": id}).to_string();
                    // A link that cannot be written is over; what is not confirmed comes again.
                    let _ = socket.sender().text(confirmation).await;
                    self.slack.board.event("slack");
                }
            }
        }
        socket.close().await;
    }

    /// Whether the question may be confirmed. It goes on being written when that takes longer than the
    /// platform waits.
    async fn accept(&self, asked: crate::chat::Asked) -> bool {
        let (desk, slack) = (Arc::clone(&self.desk), Arc::clone(&self.slack));
        let accepting = tokio::spawn(async move { desk.accept(&slack, asked).await });
        match timeout(CONFIRM, accepting).await {
            Ok(Ok(Err(error))) => {
                tracing::error!(%error, platform = self.slack.name(), "a question could not be accepted");
                false
            }
            Ok(Ok(Ok(())) | Err(_)) | Err(_) => true,
        }
    }
}
