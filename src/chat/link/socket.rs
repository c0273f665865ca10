//! A WebSocket (RFC 6455) to a platform: it pings, and drops a link that has gone silent. A half-open
//! link delivers no error by itself.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Uri;
use hyper::header::HeaderMap;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::net::Stream;
use super::{Net, Trouble};

/// For the upgrade.
const UPGRADE: Duration = Duration::from_secs(10);
/// Between two pings.
const PING: Duration = Duration::from_secs(3);
/// Without any frame for so long the link is dead.
pub const SILENCE: Duration = Duration::from_secs(10);
/// A frame that cannot be written within this time ends the link.
const WRITE: Duration = Duration::from_secs(10);
/// For the close handshake; some platforms never answer it.
const CLOSE: Duration = Duration::from_secs(1);
/// The longest message.
const MESSAGE: usize = 4 * 1024 * 1024;
/// Frames that wait to be written.
const QUEUE: usize = 256;

/// What came over the link.
#[derive(Debug)]
pub enum Frame {
    /// A text.
    Text(String),
    /// The link is over: the close code, where there was one, and what happened.
    Closed(Option<u16>, String),
}

/// The reading half; dropping it ends the link.
pub struct Socket {
    stream: SplitStream<WebSocketStream<Stream>>,
    sender: Sender,
    heard: Instant,
    ticks: tokio::time::Interval,
    over: Option<String>,
    /// Nobody is there any more to say goodbye to.
    dead: bool,
    writer: tokio::task::AbortHandle,
}

/// The writing half; clones share the link.
#[derive(Debug, Clone)]
pub struct Sender(mpsc::Sender<Message>);

impl Sender {
    /// Puts a text on the link's queue.
    ///
    /// # Errors
    /// [`Trouble::Unreachable`] when the link is over.
    pub async fn text(&self, text: impl Into<String>) -> Result<(), Trouble> {
        let text = Message::Text(Utf8Bytes::from(text.into()));
        match timeout(WRITE, self.0.send(text)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Trouble::unsent("the link is over")),
        }
    }
}

/// Why a WebSocket was not opened.
#[derive(Debug)]
pub enum Unopened {
    /// The server answered with another status than 101.
    Status(u16, Option<Duration>),
    /// Anything else.
    Trouble(Trouble),
}

impl Socket {
    /// Opens a WebSocket. The address may carry a ticket: it is in no error.
    ///
    /// # Errors
    /// [`Unopened`].
    pub async fn open(net: &Net, uri: &Uri, headers: HeaderMap) -> Result<Self, Unopened> {
        let host = uri.host().unwrap_or_default().to_owned();
        let broken = |why: String| Unopened::Trouble(Trouble::unsent(format!("{host}: {why}")));
        let mut request = uri
            .clone()
            .into_client_request()
            .map_err(|_| broken("the WebSocket's address cannot be used".into()))?;
        request.headers_mut().extend(headers);
        let stream = net.connect(uri).await.map_err(Unopened::Trouble)?;
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
        let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        let socket = match timeout(UPGRADE, upgrade).await {
            Ok(Ok((socket, _))) => socket,
            Ok(Err(WsError::Http(response))) => {
                let wait = response.headers().contains_key("retry-after");
                let wait = wait.then(|| super::rest::wait_of(response.headers()));
                return Err(Unopened::Status(response.status().as_u16(), wait));
            }
            Ok(Err(error)) => return Err(broken(error.to_string())),
            Err(_) => return Err(broken("no WebSocket within 10 s".into())),
        };
        let (sink, stream) = socket.split();
        let (sender, queue) = mpsc::channel(QUEUE);
        let writer = tokio::spawn(write(sink, queue)).abort_handle();
        let mut ticks = interval(PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        Ok(Self {
            stream,
            sender: Sender(sender),
            heard: Instant::now(),
            ticks,
            over: None,
            dead: false,
            writer,
        })
    }

    /// The writing half.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The next text, or the link's end. Must be polled all the time: pings are answered and sent here.
    pub async fn next(&mut self) -> Frame {
        if let Some(over) = &self.over {
            return Frame::Closed(None, over.clone());
        }
        loop {
            let message = tokio::select! {
                // What waits to be read was heard, however late it is looked at.
                biased;
                message = self.stream.next() => message,
                () = sleep_until(self.heard + SILENCE) => {
                    self.dead = true;
                    return self.end(None, format!("nothing came for {} s", SILENCE.as_secs()));
                }
                _ = self.ticks.tick() => {
                    // A full queue is noticed by the writer's own time limit.
                    let _ = self.sender.0.try_send(Message::Ping(Bytes::new()));
                    continue;
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Frame::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let why = frame.map(|frame| crate::text::clean_line(&frame.reason)).unwrap_or_default();
                    let code_text = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
                    return self.end(code, format!("closed by the platform ({code_text}) {why}"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.dead = true;
                    return self.end(None, format!("the link broke: {error}"));
                }
                None => {
                    self.dead = true;
                    return self.end(None, "the link was cut".into());
                }
            }
        }
    }

    fn end(&mut self, code: Option<u16>, why: String) -> Frame {
        self.over = Some(why.clone());
        Frame::Closed(code, why)
    }

    /// Says goodbye, for at most a second.
    pub async fn close(mut self) {
        if self.dead {
            return;
        }
        let goodbye = async {
            let _ = self.sender.0.send(Message::Close(None)).await;
            while let Some(Ok(_)) = self.stream.next().await {}
        };
        let _ = timeout(CLOSE, goodbye).await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

/// Writes what is queued; ends with the link or with the last sender.
async fn write(mut sink: SplitSink<WebSocketStream<Stream>, Message>, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        if !matches!(timeout(WRITE, sink.send(message)).await, Ok(Ok(()))) {
            break;
        }
    }
}
