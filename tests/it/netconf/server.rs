//! A NETCONF server on russh that does as it is told, wrong things above all.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nocbot::transport::netconf::frame::{Decoder, Framing, encode};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const BASE: &str = "urn:ietf:params:netconf:base:";
pub const NS: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

type Script = Arc<dyn Fn(Peer) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The server's side of one NETCONF channel.
pub struct Peer {
    stream: russh::ChannelStream<Msg>,
    decoder: Decoder,
    rest: Vec<u8>,
    pub framing: Framing,
    /// The session's number.
    pub session: usize,
    /// Messages that any session of this server received.
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Writes bytes as they are.
    pub async fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Writes a message.
    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        let bytes = encode(self.framing, text.as_ref());
        self.raw(bytes).await;
    }

    /// Writes a reply to this message-id.
    pub async fn reply(&mut self, id: impl std::fmt::Display, content: &str) {
        self.send(reply(id, content)).await;
    }

    /// Exchanges hellos with these capabilities besides base:1.0 and base:1.1.
    pub async fn hello(&mut self, capabilities: &[&str]) {
        let all = [&["urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1"], capabilities]
            .concat();
        self.hello_of(&all).await;
    }

    /// Exchanges hellos with exactly these capabilities.
    pub async fn hello_of(&mut self, capabilities: &[&str]) {
        self.send(hello(capabilities, self.session)).await;
        let theirs = self.message().await.unwrap_or_default();
        if theirs.contains("base:1.1") && capabilities.iter().any(|one| one.ends_with("base:1.1")) {
            self.framing = Framing::Chunked;
            self.decoder.switch(Framing::Chunked);
        }
    }

    /// The next message; `None` when the other end has gone.
    pub async fn message(&mut self) -> Option<String> {
        loop {
            let mut input = self.rest.as_slice();
            let found = self.decoder.next(&mut input).unwrap();
            self.rest = input.to_vec();
            if let Some(message) = found {
                let text = String::from_utf8(message).unwrap();
                self.heard.lock().unwrap().push(text.clone());
                return Some(text);
            }
            let mut piece = [0; 4096];
            let length = self.stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
            self.rest = piece[..length].to_vec();
        }
    }

    /// The message-id of the next request.
    pub async fn request(&mut self) -> Option<String> {
        let message = self.message().await?;
        message.split("message-id=\"").nth(1)?.split('"').next().map(str::to_owned)
    }

    /// Waits for the other end to go.
    pub async fn gone(&mut self) {
        while self.message().await.is_some() {}
    }
}

/// A hello.
pub fn hello(capabilities: &[&str], session: usize) -> String {
    let list: Vec<String> =
        capabilities.iter().map(|one| format!("<capability>{one}</capability>")).collect();
    let list = list.concat();
    format!(
        "<hello xmlns=\"{NS}\"><capabilities>{list}</capabilities><session-id>{session}</session-id></hello>"
    )
}

/// A reply.
pub fn reply(id: impl std::fmt::Display, content: &str) -> String {
    format!("<rpc-reply xmlns=\"{NS}\" message-id=\"{id}\">{content}</rpc-reply>")
}

/// A running server.
pub struct Server {
    pub port: u16,
    /// TCP connections so far.
    pub connections: Arc<AtomicUsize>,
    /// Messages received so far.
    pub heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts one that runs `script` for each channel.
    pub async fn start<F, R>(script: F) -> Self
    where
        F: Fn(Peer) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::with(Some(Arc::new(move |peer| Box::pin(script(peer))))).await
    }

    /// Starts one without the subsystem.
    pub async fn without() -> Self {
        Self::with(None).await
    }

    /// Starts one that says hello and answers each request with `answer`.
    pub async fn answering(
        capabilities: &'static [&'static str],
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        Self::start(move |mut peer| {
            let answer = Arc::clone(&answer);
            async move {
                peer.hello(capabilities).await;
                while let Some(message) = peer.message().await {
                    let id = message.split("message-id=\"").nth(1).unwrap().split('"').next().unwrap();
                    peer.reply(id, &answer(&message)).await;
                }
            }
        })
        .await
    }

    async fn with(script: Option<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let sessions = Arc::new(AtomicUsize::new(0));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let config = Arc::new(Config {
            methods: MethodSet::from(&[MethodKind::Password][..]),
            auth_rejection_time: Duration::from_millis(5),
            keys: vec![PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()],
            nodelay: true,
            ..Config::default()
        });
        let task = tokio::spawn({
            let (connections, heard) = (connections.clone(), heard.clone());
            async move {
                let mut tasks = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.set_nodelay(true);
                    let (sessions, heard) = (sessions.clone(), heard.clone());
                    let one = One { script: script.clone(), sessions, heard, channels: Vec::new() };
                    let config = config.clone();
                    tasks.spawn(async move {
                        if let Ok(session) = russh::server::run_stream(config, stream, one).await {
                            let _ = session.await;
                        }
                    });
                }
            }
        });
        Self { port, connections, heard, task }
    }

    /// How many messages with this text were received.
    pub fn count(&self, text: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|message| message.contains(text)).count()
    }
}

struct One {
    script: Option<Script>,
    sessions: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
    channels: Vec<Channel<Msg>>,
}

impl Handler for One {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        assert_eq!((user, password), ("admin", "hunter2"));
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        self.channels.push(channel);
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        assert_eq!(name, "netconf");
        let Some(script) = self.script.clone() else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        let place = self.channels.iter().position(|one| one.id() == channel).unwrap();
        let peer = Peer {
            stream: self.channels.remove(place).into_stream(),
            decoder: Decoder::new(1 << 20),
            rest: Vec::new(),
            framing: Framing::EndMark,
            session: self.sessions.fetch_add(1, Ordering::SeqCst) + 1,
            heard: Arc::clone(&self.heard),
        };
        tokio::spawn(script(peer));
        Ok(())
    }
}
