//! A small SSH server that does as it is told, for the faults that a proper one does not have.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Script = Arc<dyn Fn(Term) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
type Exec = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// What an exec request gives.
#[derive(Clone, Default)]
pub struct Reply {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub status: Option<u32>,
    /// Ends the connection instead of the channel.
    pub cut: bool,
}

/// How it lets people in.
#[derive(Clone)]
pub enum Door {
    /// `admin` and `hunter2` as a password.
    Password,
    /// Each round's questions, whether the answer is shown, and the answer wanted.
    Questions(Vec<Vec<(&'static str, bool, &'static str)>>),
    /// Password first, then questions as a second factor.
    Both(Vec<Vec<(&'static str, bool, &'static str)>>),
    /// Nobody, but it offers both password and questions.
    Shut,
    /// Anybody.
    Open,
    /// It never answers a login.
    Stuck,
}

/// The server's own terminal side of a shell.
pub struct Term {
    stream: russh::ChannelStream<Msg>,
    /// Where it echoes what it reads.
    pub echo: bool,
    handle: russh::server::Handle,
}

impl Term {
    /// Writes text.
    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(text.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Writes byte by byte.
    pub async fn drip(&mut self, text: &str, pause: Duration) {
        for byte in text.bytes() {
            self.send([byte]).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// One byte of input.
    pub async fn key(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).await.ok().map(|_| byte[0])
    }

    /// A line of input; `None` when the other end has gone.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.key().await? {
                b'\n' | b'\r' => break,
                byte => line.push(byte),
            }
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if self.echo {
            self.send(format!("{line}\r\n")).await;
        }
        Some(line)
    }

    /// Ends the whole connection.
    pub async fn cut(&mut self) {
        let _ = self
            .handle
            .disconnect(russh::Disconnect::ByApplication, "going down".into(), String::new())
            .await;
        std::future::pending::<()>().await;
    }
}

/// A server with its counters.
pub struct Server {
    pub port: u16,
    /// TCP connections so far.
    pub connections: Arc<AtomicUsize>,
    /// Passwords seen, as a password or as an answer that is not shown.
    pub passwords: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What to start.
#[derive(Clone)]
pub struct Plan {
    pub door: Door,
    pub script: Script,
    pub exec: Exec,
}

impl Plan {
    /// A server that runs `script` for each shell.
    pub fn shell<F, R>(script: F) -> Self
    where
        F: Fn(Term) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self {
            door: Door::Password,
            script: Arc::new(move |term| Box::pin(script(term))),
            exec: Arc::new(|_| Reply::default()),
        }
    }

    /// A server that answers each line of a shell at the prompt `r1#`.
    pub fn cli(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::shell(move |mut term| {
            let answer = Arc::clone(&answer);
            async move {
                term.send("r1#").await;
                while let Some(line) = term.line().await {
                    let text = answer(&line);
                    term.send(format!("{}r1#", text.replace('\n', "\r\n"))).await;
                }
            }
        })
    }

    /// A server for single commands.
    pub fn exec(exec: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self { exec: Arc::new(exec), ..Self::shell(|_| async {}) }
    }

    /// With another door.
    pub fn door(self, door: Door) -> Self {
        Self { door, ..self }
    }

    /// Starts it on a free port of loopback.
    pub async fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let passwords = Arc::new(AtomicUsize::new(0));
        let methods: &[MethodKind] = match self.door {
            Door::Password => &[MethodKind::Password],
            Door::Questions(_) => &[MethodKind::KeyboardInteractive],
            _ => &[MethodKind::Password, MethodKind::KeyboardInteractive],
        };
        let config = Arc::new(Config {
            methods: MethodSet::from(methods),
            auth_rejection_time: Duration::from_millis(5),
            keys: vec![PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()],
            nodelay: true,
            ..Config::default()
        });
        let task = tokio::spawn({
            let (connections, passwords) = (connections.clone(), passwords.clone());
            async move {
                let mut sessions = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.set_nodelay(true);
                    let one =
                        One { plan: self.clone(), passwords: passwords.clone(), round: 0, channel: None };
                    let config = config.clone();
                    sessions.spawn(async move {
                        if let Ok(session) = russh::server::run_stream(config, stream, one).await {
                            let _ = session.await;
                        }
                    });
                }
            }
        });
        Server { port, connections, passwords, task }
    }
}

struct One {
    plan: Plan,
    passwords: Arc<AtomicUsize>,
    round: usize,
    channel: Option<Channel<Msg>>,
}

fn refuse() -> Auth {
    Auth::Reject { proceed_with_methods: None, partial_success: false }
}

impl One {
    fn rounds(&self) -> &[Vec<(&'static str, bool, &'static str)>] {
        match &self.plan.door {
            Door::Questions(rounds) | Door::Both(rounds) => rounds,
            _ => &[],
        }
    }
}

impl Handler for One {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        match self.plan.door {
            Door::Stuck => std::future::pending().await,
            Door::Open => Ok(Auth::Accept),
            _ => Ok(refuse()),
        }
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.passwords.fetch_add(1, Ordering::SeqCst);
        let right = user == "admin" && password == "hunter2";
        Ok(match self.plan.door {
            Door::Password if right => Auth::Accept,
            Door::Both(_) if right => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::KeyboardInteractive][..])),
                partial_success: true,
            },
            _ => refuse(),
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        if let Some(response) = response {
            let answers: Vec<String> =
                response.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
            let wanted = self.rounds().get(self.round).cloned().unwrap_or_default();
            self.passwords.fetch_add(wanted.iter().filter(|(_, shown, _)| !shown).count(), Ordering::SeqCst);
            let right = answers.len() == wanted.len()
                && answers.iter().zip(&wanted).all(|(answer, (_, _, wanted))| answer == wanted);
            if !right {
                return Ok(refuse());
            }
            self.round += 1;
        }
        match self.rounds().get(self.round) {
            None if self.rounds().is_empty() => Ok(refuse()),
            None => Ok(Auth::Accept),
            Some(round) => {
                let prompts: Vec<(Cow<'static, str>, bool)> =
                    round.iter().map(|(text, shown, _)| (Cow::Borrowed(*text), *shown)).collect();
                Ok(Auth::Partial { name: "AAA".into(), instructions: "".into(), prompts: prompts.into() })
            }
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        self.channel = Some(channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        assert_eq!(columns, 511);
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        if let Some(channel) = self.channel.take() {
            let term = Term { stream: channel.into_stream(), echo: true, handle: session.handle() };
            tokio::spawn((self.plan.script)(term));
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(data).into_owned();
        let reply = (self.plan.exec)(&command);
        session.channel_success(channel)?;
        let handle = session.handle();
        self.channel = None;
        tokio::spawn(async move {
            let _ = handle.data(channel, reply.stdout).await;
            if !reply.stderr.is_empty() {
                let _ = handle.extended_data(channel, 1, reply.stderr).await;
            }
            if reply.cut {
                let _ = handle
                    .disconnect(russh::Disconnect::ByApplication, "going down".into(), String::new())
                    .await;
                return;
            }
            if let Some(status) = reply.status {
                let _ = handle.exit_status_request(channel, status).await;
            }
            let _ = handle.eof(channel).await;
            let _ = handle.close(channel).await;
        });
        Ok(())
    }
}
