//! The Socket Mode link.
//!
//! ```text
//!   run ── connect: tokens, apps.connections.open, WebSocket, hello ──► read (a task per link)
//!    ▲                                                                   │ disconnect: refresh
//!    └──── opens the next link; the old one is read and confirmed until it closes by itself
//!
//!   read ──► a task per delivery: desk (store) ─► confirmed, within 2 s of its arrival
//! ```
//!
//! A reader ends with its link, or half a minute after its replacement said hello, or with `stop`.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderMap;
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wire::{self, Envelope};
use super::{Slack, ok, text};
use crate::chat::link::socket::{Sender, Unopened};
use crate::chat::link::{Ask, Backoff, Frame, Socket, Trouble};
use crate::chat::{Connector as _, Desk};

/// The longest wait between two tries: the platform's own trouble is over within minutes, and who asks
/// then does not want to wait for us.
const MOST: Duration = Duration::from_secs(8);
/// The same where the platform answers, and says no.
const REFUSED: Duration = Duration::from_secs(30);
/// The same where links are given and lost at once: a wait of its own, so that a link that is cut often is
/// still back soon, and one that is refused by closing it is not asked for in a loop.
const SHORT_LIVED: Duration = Duration::from_secs(2);
/// A link that lived so long was a good one.
const LIVED: Duration = Duration::from_secs(5);
/// What haste makes worse.
const PATIENCE: Duration = Duration::from_mins(1);
/// After wrong credentials, and where Socket Mode is switched off: haste mends nothing.
const LOGIN: Duration = Duration::from_mins(1);
/// For the hello.
const HELLO: Duration = Duration::from_secs(10);
/// How long a replaced link is still read.
const REPLACED: Duration = Duration::from_secs(30);
/// The platform wants its confirmation within 3 s.
const CONFIRM: Duration = Duration::from_secs(2);
/// Deliveries that are being written down at the same time.
const ACCEPTING: usize = 1024;

/// Why another link is needed.
enum Need {
    /// The platform asked for it; the old link still works.
    Refresh,
    /// The link is over.
    Over,
    /// Haste makes it worse: Socket Mode is switched off, or too many links are open.
    Patience(&'static str),
}

/// What a disconnect says that another link at once would not mend.
fn unwanted(reason: &str) -> Option<&'static str> {
    match reason {
        "link_disabled" => Some("Socket Mode is switched off in the app's settings (link_disabled)"),
        "too_many_websockets" => {
            Some("slack has ten links of this app open and takes no more (too_many_websockets)")
        }
        _ => None,
    }
}

pub(super) async fn run(slack: Arc<Slack>, desk: Arc<Desk>, stop: CancellationToken) {
    let (mut failed, mut short) = (Backoff::new(MOST), Backoff::new(SHORT_LIVED));
    let mut refused = Backoff::new(REFUSED);
    let tasks = TaskTracker::new();
    let accepting = Arc::new(Semaphore::new(ACCEPTING));
    let mut replaced = CancellationToken::new();
    loop {
        let connected = tokio::select! {
            connected = connect(&slack) => connected,
            () = stop.cancelled() => break,
        };
        let wait = match connected {
            Ok(socket) => {
                failed.reset();
                refused.reset();
                slack.board.up("slack");
                // From now on the link before is only read to its end.
                replaced.cancel();
                replaced = CancellationToken::new();
                let (tell, told) = oneshot::channel();
                let reader = Reader {
                    slack: Arc::clone(&slack),
                    desk: Arc::clone(&desk),
                    tasks: tasks.clone(),
                    accepting: Arc::clone(&accepting),
                    replaced: replaced.clone(),
                    stop: stop.clone(),
                };
                let since = Instant::now();
                tasks.spawn(reader.read(socket, tell));
                let need = tokio::select! {
                    need = told => need.unwrap_or(Need::Over),
                    () = stop.cancelled() => break,
                };
                match need {
                    Need::Patience(why) => {
                        tracing::error!(%why, "slack wants no link for now");
                        Backoff::new(PATIENCE).longest()
                    }
                    Need::Refresh | Need::Over if since.elapsed() >= LIVED => {
                        short.reset();
                        Duration::ZERO
                    }
                    Need::Refresh | Need::Over => short.wait(),
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
                    Trouble::Refused(_) => refused.wait(),
                    Trouble::Wait(wait) => wait,
                    _ => failed.wait(),
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
    let opened = match ok(&reply) {
        Err(Trouble::Wait(wait)) => return Err(slack.app.close(lane, wait)),
        other => other?,
    };
    // The address carries a ticket: it is never logged.
    let uri =
        text(&opened, "url").parse().map_err(|_| Trouble::unsent("slack gave no address for the link"))?;
    let mut socket = match Socket::open(&slack.settings.net, &uri, HeaderMap::new()).await {
        Ok(socket) => socket,
        Err(Unopened::Status(_, Some(wait))) => return Err(Trouble::Wait(wait)),
        Err(Unopened::Status(status, None)) => {
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
                        return Err(match unwanted(&reason) {
                            Some(why) => Trouble::Login(why.to_owned()),
                            None => Trouble::unsent(format!("slack ended the link at once: {reason}")),
                        });
                    }
                    Envelope::Delivery { .. } | Envelope::Other => {}
                },
                Frame::Closed(_, why) => return Err(Trouble::unsent(why)),
            }
        }
    };
    match tokio::time::timeout(HELLO, hello).await {
        Ok(links) => {
            let links = links?;
            tracing::info!(links, "slack said hello");
            // One more is the link that is being replaced.
            if links > 2 {
                tracing::warn!(
                    links,
                    "other links of this slack app are open: does another nocbot run with its tokens?"
                );
            }
            Ok(socket)
        }
        Err(_) => Err(Trouble::unsent("slack said no hello within 10 s")),
    }
}

struct Reader {
    slack: Arc<Slack>,
    desk: Arc<Desk>,
    tasks: TaskTracker,
    accepting: Arc<Semaphore>,
    replaced: CancellationToken,
    stop: CancellationToken,
}

impl Reader {
    /// Reads and confirms until the link is over. `tell` says once that another one is needed.
    async fn read(self, mut socket: Socket, tell: oneshot::Sender<Need>) {
        let own = self.slack.identity().user;
        let mut tell = Some(tell);
        let mut unwelcome = None;
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
            let arrived = Instant::now();
            let frame = match frame {
                Frame::Text(frame) => frame,
                Frame::Closed(_, why) => {
                    if !self.replaced.is_cancelled() {
                        tracing::warn!(%why, "the link to slack is over");
                        self.slack.board.down("slack", unwelcome.map_or(why, str::to_owned));
                    }
                    let _ = tell.take().map(|tell| tell.send(Need::Over));
                    return;
                }
            };
            match wire::read(&frame, &own) {
                Envelope::Hello(_) | Envelope::Other => {}
                Envelope::Disconnect(reason) => {
                    let need = unwanted(&reason).map_or(Need::Refresh, Need::Patience);
                    if let Need::Patience(why) = need {
                        unwelcome = Some(why);
                    }
                    let _ = tell.take().map(|tell| tell.send(need));
                }
                Envelope::Delivery { id, kind, asked } => {
                    self.slack.board.event("slack");
                    if let Some(kind) = kind {
                        self.heard(kind);
                    }
                    match asked {
                        None => confirm(&socket.sender(), &id).await,
                        Some(asked) => self.accept(*asked, socket.sender(), id, arrived + CONFIRM),
                    }
                }
            }
        }
        socket.close().await;
    }

    /// Has a question written down, and then confirmed, beside all others: when the store is slow, a
    /// hundred that come at once must not wait for one another. What takes longer than the platform waits is
    /// confirmed before it is written; it goes on being written.
    fn accept(&self, asked: crate::chat::Asked, sender: Sender, id: String, until: Instant) {
        let Ok(turn) = Arc::clone(&self.accepting).try_acquire_owned() else {
            // The store has hung for long: unconfirmed, an event comes again.
            return tracing::error!("so many questions wait for the store that one is left unconfirmed");
        };
        let (desk, slack) = (Arc::clone(&self.desk), Arc::clone(&self.slack));
        self.tasks.spawn(async move {
            let platform = slack.name();
            let accepting = tokio::spawn(async move {
                let _turn = turn;
                desk.accept(&slack, asked).await
            });
            match timeout_at(until, accepting).await {
                // Unconfirmed, an event comes again; whoever pressed or commanded sees that it failed.
                Ok(Ok(Err(error))) => tracing::error!(%error, platform, "a question could not be accepted"),
                Ok(Ok(Ok(())) | Err(_)) | Err(_) => confirm(&sender, &id).await,
            }
        });
    }

    /// Notes that such a thing was heard, for the check; once a minute is enough.
    fn heard(&self, kind: &'static str) {
        if !self.slack.hears(kind) {
            return;
        }
        let (desk, slack) = (Arc::clone(&self.desk), Arc::clone(&self.slack));
        self.tasks.spawn(async move {
            let now = jiff::Timestamp::now().to_string();
            if let Err(error) = desk.store().set_note(slack.name(), &format!("heard {kind}"), now).await {
                tracing::debug!(%error, "it was not noted what was heard");
            }
        });
    }
}

/// A link that cannot be written is over; what is not confirmed comes again.
async fn confirm(sender: &Sender, id: &str) {
    let _ = sender.text(json!({"envelope_id": id}).to_string()).await;
}
