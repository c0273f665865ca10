//! SSH sessions (RFC 4251 to 4254) on russh.
//!
//! # Sessions: who owns what, and when it ends
//!
//! ```text
//!   run(Request) ──┐        one future per request, no task of its own
//!   run(Request) ──┤
//!   run(Request) ──┤   turn: max_per_device at a time, max_waiting in the queue
//!                  ▼
//!            ┌── pool ──┐   slot: max_sessions open over all devices
//!            │ idle  … ◄├──────────── reaper (task, while anything is idle): keep_warm is over
//!            └────┬─────┘                        │ retire (task): goodbye, then closed
//!          warm?  │  none: dial                  ▼
//!                 ▼
//!   Session = Shell or exec on ── Link ── via ──► Link ── via ──► …      (jump hosts, shared)
//!                 │   ▲            │ Tap: first bytes kept, can be cut
//!       send()    │   │ Event      ▼
//!                 ▼   │        russh task (one per connection) ◄──► TCP, or a channel of the Link before
//!              channels, bounded: a reader that lags slows the device, nobody else
//! ```
//!
//! A request is a future and nothing else. Cancelling it, or its deadline, drops the future; the
//! session in it drops its `connect::Link`, whose guard cuts the connection, and the library's
//! task ends. Nothing that was interrupted goes back to the pool: a shell in the middle of an answer
//! is of no use to the next command. What had arrived until then lives outside of that future (in
//! `capture::Capture`) and goes into the failure.
//!
//! A shell session is a conversation with a person's interface, and the only hard part of it is to
//! know when an answer is over:
//!
//! * After login the platform's prompt patterns are held against the last line. Banners have such
//!   lines too, so what is found is confirmed with a newline: only a line that comes again is the
//!   prompt. It is learned, and from then on only a line with the same name in it counts, in
//!   whatever mode.
//! * A command is over when its echo has been seen, a line has ended since, the last line is the
//!   prompt, and it stands still for a few of the device's own pauses: a configuration that
//!   contains the prompt goes on behind it.
//! * The screen (`screen`) keeps one line as a terminal would, so whatever a device draws, erases
//!   and redraws comes out as what a person would have read.
//!
//! A warm session may have died unnoticed. If it ends, or does not even answer a ping, before a
//! byte of the answer has come, one fresh session takes over; after the first byte a repetition
//! could do harm, and the failure says what happened.
//!
//! Secrets are resolved between the connection and the login (`auth`), or at the device's question
//! (`shell`), and are dropped there.

mod algorithms;
mod auth;
mod capture;
pub(super) mod connect;
mod echo;
mod exec;
mod explain;
mod host_key;
mod known_hosts;
mod offer;
mod pool;
mod prompt;
mod screen;
mod session;
mod settings;
mod shell;
mod wire;

pub use settings::{HostKeyPolicy, Settings};

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::capture::{Capture, Stage};
use self::connect::{Dialer, Link};
use self::pool::Pool;
use self::shell::Shell;
use super::{Output, Request};
use crate::error::{Failure, FailureKind};
use crate::inventory::{Device, Login};
use crate::profile::{Platform, SessionKind};

/// A command at its deadline gets this much longer to hand over what it has.
const GRACE: Duration = Duration::from_millis(50);
/// The reaper looks at idle sessions at least so often, for those that died.
const REAP: Duration = Duration::from_secs(15);
/// For idle sessions to say goodbye at the end.
const GOODBYE: Duration = Duration::from_secs(3);

/// The SSH transport: dials devices, keeps sessions warm, runs commands. Cheap to clone.
#[derive(Clone)]
pub struct Ssh {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ssh").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

struct Inner {
    settings: Arc<Settings>,
    dialer: Arc<Dialer>,
    pool: Pool<Session>,
    reaper: Mutex<Option<AbortHandle>>,
    goodbyes: TaskTracker,
}

/// What a command needs to know, without the way to its device.
#[derive(Clone, Copy)]
struct Order<'a> {
    platform: &'a Platform,
    command: &'a str,
    login: &'a Login,
    interrupt: Option<Duration>,
    deadline: Instant,
    idle: Duration,
    prompt_timeout: Duration,
}

/// How a command can fail as far as its session is concerned.
enum Trouble {
    /// The session was dead: nothing of the answer has come.
    Dead(Failure),
    /// The session is not to be used again.
    Failed(Failure),
    /// The device does not take single commands.
    NoExec(Failure),
}

/// An open session: a shell at its prompt, or a connection that takes one command per channel.
struct Session {
    shell: Option<Shell>,
    link: Link,
    platform: Arc<Platform>,
}

impl Ssh {
    /// A transport with these settings; connects nowhere yet.
    pub fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let pool = Pool::new(settings.max_sessions, settings.max_per_device, settings.max_waiting);
        let inner = Inner {
            dialer: Arc::new(Dialer::new(Arc::clone(&settings))),
            pool,
            reaper: Mutex::default(),
            goodbyes: TaskTracker::new(),
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Runs one command on one device and gives its cleaned output.
    ///
    /// Ends by the request's deadline or as soon as its token is cancelled; the failure then keeps
    /// what had arrived.
    pub async fn run(&self, request: Request) -> Result<Output, Failure> {
        let mut capture = Capture::new(self.inner.settings.max_output, request.stream.clone());
        let done = tokio::select! {
            biased;
            () = request.cancel.cancelled() => Err(Failure::new(
                FailureKind::Cancelled,
                format!("`{}` on {} was cancelled", request.command, request.device.name),
            )),
            () = tokio::time::sleep_until(request.deadline + GRACE) => Err(late(&request, capture.stage)),
            done = self.attempt(&request, &mut capture) => done,
        };
        done.map_err(|failure| capture.fail(failure))
    }

    /// What dials: other protocols over SSH share it, with its jump connections and known hosts.
    pub(super) fn dialer(&self) -> Arc<Dialer> {
        Arc::clone(&self.inner.dialer)
    }

    /// Closes all idle sessions; those in use are closed when their command is done.
    pub async fn close_all(&self) {
        for session in self.inner.pool.clear() {
            self.inner.retire(session);
        }
        self.inner.goodbyes.close();
        let _ = tokio::time::timeout(GOODBYE, self.inner.goodbyes.wait()).await;
        self.inner.goodbyes.reopen();
    }

    async fn attempt(&self, request: &Request, capture: &mut Capture) -> Result<Output, Failure> {
        let inner = &self.inner;
        if request.command.chars().any(char::is_control) {
            return Err(Failure::new(FailureKind::Rejected, "a command is one line")
                .hint("this should have been refused before"));
        }
        let order = Order {
            platform: &request.platform,
            command: &request.command,
            login: &request.device.login,
            interrupt: request.interrupt,
            deadline: request.deadline,
            idle: inner.settings.idle_timeout,
            prompt_timeout: inner.settings.prompt_timeout,
        };
        let key = key(&request.device, &request.platform, &request.jumps);
        let turn = inner.pool.turn(&key).await.map_err(|_| {
            Failure::new(
                FailureKind::Timeout,
                format!("too many requests wait for {} already", request.device.name),
            )
            .hint("ask again in a moment")
        })?;
        let mut may_be_warm = true;
        // Set where the device does not take single commands: why.
        let mut no_exec: Option<Failure> = None;
        loop {
            let mut found = None;
            while let Some((session, slot, generation)) = inner.pool.warm(&turn).filter(|_| may_be_warm) {
                if !session.link.is_closed() {
                    found = Some((session, slot, generation));
                    break;
                }
            }
            let warm = found.is_some();
            let (mut session, slot, generation) = if let Some(found) = found {
                found
            } else {
                let (slot, generation) = inner.pool.slot(|old| inner.retire(old)).await;
                capture.stage = Stage::Connecting;
                let session = match (Session::open(inner, request, &order, no_exec.is_some()).await, &no_exec)
                {
                    (Err(other), Some(failure)) => {
                        let message = format!("{}, and in a shell {}", failure.message, other.message);
                        return Err(Failure { message, ..failure.clone() });
                    }
                    (opened, _) => opened?,
                };
                (session, slot, generation)
            };
            capture.stage = Stage::Running;
            let begun = Instant::now();
            let (result, healthy) = match session.run(&order, capture, warm).await {
                Ok(text) => (Ok(Output { text, took: begun.elapsed(), warm, notes: Vec::new() }), true),
                Err(Ended::Refused(failure)) => (Err(failure), true),
                Err(Ended::Trouble(Trouble::Dead(_))) if warm => {
                    tracing::debug!(device = request.device.name, "a warm session was dead; dialling again");
                    capture.restart();
                    may_be_warm = false;
                    continue;
                }
                // The same login may have a shell, on a connection of its own: some servers allow one channel.
                Err(Ended::Trouble(Trouble::NoExec(failure))) if no_exec.is_none() => {
                    inner.retire(session);
                    no_exec = Some(failure);
                    may_be_warm = false;
                    continue;
                }
                Err(Ended::Trouble(
                    Trouble::Dead(failure) | Trouble::Failed(failure) | Trouble::NoExec(failure),
                )) => (Err(failure), false),
            };
            if healthy {
                match inner.pool.keep(&turn, session, slot, generation) {
                    Some(session) => inner.retire(session),
                    None => Inner::reap(inner),
                }
            }
            return result;
        }
    }
}

/// How a command ended other than with an answer.
enum Ended {
    /// The device refused it; the session is as good as before.
    Refused(Failure),
    /// The session is of no use any more.
    Trouble(Trouble),
}

impl Session {
    /// Dials; opens a shell where the platform wants one, or `shell` says so.
    async fn open(inner: &Inner, request: &Request, order: &Order<'_>, shell: bool) -> Result<Self, Failure> {
        let link = inner.dialer.dial(&request.device, &request.platform, &request.jumps).await?;
        let shell = match request.platform.session {
            SessionKind::Exec if !shell => None,
            _ => Some(Shell::open(&link, order).await?),
        };
        Ok(Self { shell, link, platform: Arc::clone(&request.platform) })
    }

    async fn run(&mut self, order: &Order<'_>, capture: &mut Capture, warm: bool) -> Result<String, Ended> {
        if self.shell.is_none() {
            match exec::run(&self.link, order, capture).await {
                Err(Trouble::Failed(failure)) if failure.kind == FailureKind::Rejected => {
                    return Err(Ended::Refused(failure));
                }
                done => done.map_err(Ended::Trouble)?,
            }
        }
        if let Some(shell) = &mut self.shell {
            shell.command(&self.link, order, capture, warm).await.map_err(Ended::Trouble)?;
        }
        let preamble = self.shell.as_ref().map_or(&[][..], Shell::preamble);
        let text = capture.take(preamble);
        match capture::refusal(order.platform, &text) {
            Some((line, rejection)) => {
                Err(Ended::Refused(capture::refused(self.link.who(), order.command, &line, rejection, &text)))
            }
            None => Ok(text),
        }
    }
}

impl Inner {
    /// Closes a session politely, on a task of its own that ends within seconds.
    fn retire(&self, session: Session) {
        self.goodbyes.spawn(async move {
            let polite = async {
                if let Some(shell) = session.shell {
                    shell.close(&session.platform).await;
                }
                session.link.close().await;
            };
            let _ = tokio::time::timeout(GOODBYE, polite).await;
        });
    }

    /// Starts the reaper unless it runs. It ends by itself when nothing is idle.
    fn reap(inner: &Arc<Self>) {
        let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_none() {
            let task = tokio::spawn(Self::reaper(Arc::downgrade(inner)));
            *reaper = Some(task.abort_handle());
        }
    }

    async fn reaper(inner: Weak<Self>) {
        while let Some(inner) = inner.upgrade() {
            let next = {
                // Under the lock, so that a session that becomes idle now starts another reaper.
                let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
                let (expired, next) =
                    inner.pool.expired(inner.settings.keep_warm, |session| session.link.is_closed());
                for session in expired {
                    inner.retire(session);
                }
                if next.is_none() {
                    *reaper = None;
                }
                next
            };
            drop(inner);
            let Some(next) = next else { return };
            tokio::time::sleep_until(next.min(Instant::now() + REAP)).await;
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(reaper) = self.reaper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            reaper.abort();
        }
    }
}

/// Everything that makes a session fit for a request. Secrets print as `***` and do not count: a
/// session that is logged in stays good when the password is rotated.
pub(super) fn key(device: &Device, platform: &Platform, jumps: &[(Arc<Device>, Arc<Platform>)]) -> String {
    let login = &device.login;
    let mut key = format!(
        "{} {} {} {:?}",
        device.name,
        connect::address(device, platform),
        platform.name,
        (
            &login.username,
            &login.password,
            login.use_keys,
            &login.key_file,
            &login.passphrase,
            &login.secret,
            login.level,
            login.connect_timeout,
        )
    );
    for (hop, platform) in jumps {
        let user = hop.login.username.as_deref().unwrap_or_default();
        let _ = write!(key, " via {user}@{}", connect::address(hop, platform));
    }
    key
}

/// The failure of a request whose time was up.
fn late(request: &Request, stage: Stage) -> Failure {
    let name = &request.device.name;
    match stage {
        Stage::Queued => {
            Failure::new(FailureKind::Timeout, format!("no session to {name} became free in time"))
                .hint("other requests keep its sessions busy; ask again in a moment")
        }
        Stage::Connecting => {
            Failure::new(FailureKind::Timeout, format!("{name} was not connected and logged in in time"))
                .hint("check the way to the device, or give it more time")
        }
        Stage::Running => shell::out_of_time(name, &request.command),
    }
}
