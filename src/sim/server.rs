//! The SSH server of one device.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{self, Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty, SshId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use super::cli::{Device, Shell, Size, Stop, exec};
use super::netconf;

/// A connection on which nothing happens ends after this.
const IDLE: Duration = Duration::from_hours(1);
/// What a wrong login costs.
const REJECTION: Duration = Duration::from_millis(150);
/// A client that does not finish the key exchange is given up.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Channels of one connection.
const MOST_CHANNELS: usize = 16;

/// The russh configuration of a device.
pub fn config(device: &Device, key: PrivateKey) -> Config {
    let questions = MethodKind::KeyboardInteractive;
    let methods: &[MethodKind] =
        if device.faults.questions_only { &[questions] } else { &[MethodKind::Password, questions] };
    Config {
        server_id: SshId::Standard(Cow::Owned(device.dialect().file.ssh_id.clone())),
        methods: MethodSet::from(methods),
        auth_rejection_time: REJECTION,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        inactivity_timeout: Some(IDLE),
        max_auth_attempts: 6,
        nodelay: true,
        ..Config::default()
    }
}

/// Accepts connections until `stop`; every connection is a task of `tasks`.
pub async fn serve(
    device: Arc<Device>,
    config: Arc<Config>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let (device, config) = (Arc::clone(&device), Arc::clone(&config));
                let cut = stop.child_token();
                tasks.spawn(connection(device, config, stream, from, cut, tasks.clone()));
            }
            Err(error) => {
                // Out of descriptors, most likely: others may close some meanwhile.
                tracing::warn!(device = %device.name, "accept failed: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    device: Arc<Device>,
    config: Arc<Config>,
    stream: TcpStream,
    from: SocketAddr,
    cut: CancellationToken,
    tasks: TaskTracker,
) {
    if device.faults.hang {
        // Reading notices when the other side gives up.
        let _ = tokio::io::copy(&mut Cuttable::new(stream, &cut), &mut tokio::io::sink()).await;
        return;
    }
    let _ = stream.set_nodelay(true);
    let name = device.name.clone();
    let connection = Connection { device, cut: cut.clone(), tasks, channels: HashMap::new() };
    let stream = Cuttable::new(stream, &cut);
    let session = tokio::time::timeout(HANDSHAKE, server::run_stream(config, stream, connection)).await;
    let ended = match session {
        Ok(Ok(session)) => session.await,
        Ok(Err(error)) => Err(error),
        Err(_) => return,
    };
    if let Err(error) = ended {
        tracing::debug!(device = %name, %from, "session ended: {error}");
    }
    cut.cancel();
}

/// What russh asks of one connection.
struct Connection {
    device: Arc<Device>,
    cut: CancellationToken,
    tasks: TaskTracker,
    channels: HashMap<ChannelId, Waiting>,
}

/// What runs on a channel.
enum Program {
    Shell,
    Exec(String),
    Netconf,
}

/// A channel on which nothing runs yet, and its terminal.
struct Waiting {
    channel: Option<Channel<Msg>>,
    size: Arc<Size>,
    terminal: bool,
}

impl Connection {
    fn right(&self, user: &str, password: &str) -> bool {
        let device = &self.device;
        !device.faults.wrong_password && user == device.username && password == device.password.expose()
    }

    /// Starts a program on a channel, as a task of its own.
    fn start(&mut self, id: ChannelId, program: Program, handle: Handle) -> bool {
        let Some(waiting) = self.channels.get_mut(&id) else { return false };
        let Some(channel) = waiting.channel.take() else { return false };
        let (device, size, terminal) =
            (Arc::clone(&self.device), Arc::clone(&waiting.size), waiting.terminal);
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            let stream = channel.into_stream();
            let work = async {
                match program {
                    Program::Netconf => netconf::serve(device, stream).await,
                    Program::Exec(command) => exec(device, stream, &command, terminal).await,
                    Program::Shell => match Shell::new(device, stream, size, terminal) {
                        Some(shell) => shell.run().await.map(|()| 0),
                        None => Ok(1),
                    },
                }
            };
            let ended = tokio::select! {
                () = cut.cancelled() => Err(Stop::Closed),
                ended = work => ended,
            };
            match ended {
                Ok(status) => {
                    let _ = handle.exit_status_request(id, status).await;
                    let _ = handle.eof(id).await;
                    let _ = handle.close(id).await;
                }
                Err(Stop::Closed) => {
                    let _ = handle.close(id).await;
                }
                Err(Stop::Cut) => cut.cancel(),
            }
        });
        true
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.device.dialect().file.login_banner.clone())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let accepted = !self.device.faults.questions_only && self.right(user, password);
        Ok(if accepted { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            let question = self.device.dialect().file.question.clone();
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Owned(vec![(Cow::Owned(question), false)]),
            });
        };
        let password = response.next().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let accepted = password.is_some_and(|password| self.right(user, &password));
        Ok(if accepted { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.channels.len() >= MOST_CHANNELS {
            reply.reject(russh::ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let waiting = Waiting { size: Arc::new(Size::default()), terminal: false, channel: None };
        self.channels.insert(channel.id(), Waiting { channel: Some(channel), ..waiting });
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(waiting) = self.channels.get_mut(&channel) {
            waiting.terminal = true;
            waiting.size.set(rows);
        }
        session.channel_success(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        _columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(waiting) = self.channels.get(&channel) {
            waiting.size.set(rows);
        }
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let handle = session.handle();
        session.channel_success(channel)?;
        if !self.start(channel, Program::Shell, handle) {
            session.close(channel)?;
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let handle = session.handle();
        let command = String::from_utf8_lossy(data).into_owned();
        session.channel_success(channel)?;
        if !self.start(channel, Program::Exec(command), handle) {
            session.close(channel)?;
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let offered = self.device.offer().is_some_and(|offer| offer.netconf.is_some());
        if name != "netconf" || !offered {
            return session.channel_failure(channel);
        }
        let handle = session.handle();
        session.channel_success(channel)?;
        if !self.start(channel, Program::Netconf, handle) {
            session.close(channel)?;
        }
        Ok(())
    }
}

/// A TCP stream that reads as closed once its token is cancelled.
struct Cuttable {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cuttable {
    fn new(stream: TcpStream, cut: &CancellationToken) -> Self {
        Self { stream, cut: Box::pin(cut.clone().cancelled_owned()) }
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
