//! The chat platforms of a configuration: built, started together, and stopped together. One that fails
//! does not touch the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bot::Bot;
use crate::chat::link::Net;
use crate::chat::mattermost::{self, Mattermost};
use crate::chat::slack::{self, Slack};
use crate::chat::webex::{self, Webex};
use crate::chat::xmpp::{self, Xmpp};
use crate::chat::{Connector, Desk, Partner};
use crate::config::chat::{Chat, Way};
use crate::error::Result;
use crate::metrics::Board;
use crate::store::Store;

/// How often it is looked whether a link is up for the first time.
const FIRST_HELLO: Duration = Duration::from_millis(50);

/// The links that are held.
#[derive(Debug)]
pub struct Talking {
    /// The names of the platforms.
    pub platforms: Vec<&'static str>,
    desk: Arc<Desk>,
    tasks: TaskTracker,
}

impl Talking {
    /// Returns when every link and every task has ended, which they do soon after the shutdown token was
    /// cancelled.
    pub async fn stopped(self) {
        self.tasks.wait().await;
        self.desk.stopped().await;
    }
}

/// A platform's name, and its connector or why there is none.
pub type Built = (&'static str, Result<Arc<dyn Connector>>);

/// The connectors of a configuration; nothing is sent yet. `notes` is the store of the nocbot that runs with
/// it, for checks.
pub async fn connectors(chat: &Chat, board: &Arc<Board>, notes: Option<Store>) -> Vec<Built> {
    let mut out: Vec<Built> = Vec::new();
    if let Some(config) = chat.slack.clone() {
        let slack = net(&config.way).await.map(|net| {
            let settings = slack::Settings {
                net,
                api_url: config.api_url,
                bot_token: config.bot_token,
                app_token: config.app_token,
                allow: config.allow,
            };
            let slack = Slack::new(settings, Arc::clone(board));
            Arc::new(slack.checking(notes, config.config_token)) as Arc<dyn Connector>
        });
        out.push(("slack", slack));
    }
    if let Some(config) = chat.mattermost.clone() {
        let mattermost = net(&config.way).await.map(|net| {
            let settings = mattermost::Settings {
                net,
                url: config.url,
                token: config.token,
                team: config.team,
                allow: config.allow,
            };
            Arc::new(Mattermost::new(settings, Arc::clone(board))) as Arc<dyn Connector>
        });
        out.push(("mattermost", mattermost));
    }
    if let Some(config) = chat.webex.clone() {
        let webex = net(&config.way).await.map(|net| {
            let settings = webex::Settings {
                net,
                api_url: config.api_url,
                wdm_url: config.wdm_url,
                u2c_url: config.u2c_url,
                token: config.token,
                domains: config.domains,
                allow: config.allow,
            };
            Arc::new(Webex::new(settings, Arc::clone(board))) as Arc<dyn Connector>
        });
        out.push(("webex", webex));
    }
    if let Some(config) = chat.xmpp.clone() {
        let xmpp = net(&config.way).await.map(|net| {
            let settings = xmpp::Settings {
                net,
                url: config.url,
                jid: config.jid,
                password: config.password,
                rooms: config.rooms,
                room_password: config.room_password,
                nick: config.nick,
                allow: config.allow,
            };
            Arc::new(Xmpp::new(settings, Arc::clone(board))) as Arc<dyn Connector>
        });
        out.push(("xmpp", xmpp));
    }
    out
}

async fn net(way: &Way) -> Result<Net> {
    let proxy = match &way.proxy {
        Some(proxy) => Some(proxy.resolve().await?),
        None => None,
    };
    Net::new(way.ca_file.as_deref(), proxy.as_ref().map(crate::secret::Secret::expose))
}

/// Starts every connector of the configuration. One that cannot be made does not keep the others from running;
/// `status` and `/healthz` show it.
///
/// # Errors
/// When none can be made.
pub async fn start(
    chat: &Chat,
    bot: &Arc<Bot>,
    store: &Store,
    shutdown: CancellationToken,
) -> Result<Talking> {
    let board = bot.board();
    let (mut running, mut failed) = (Vec::new(), None);
    for (platform, built) in connectors(chat, &board, None).await {
        match built {
            Ok(connector) => running.push(connector),
            Err(error) => {
                tracing::error!(platform, %error, "this chat is left out until the next start");
                board.down(platform, error.message());
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if running.is_empty() => Err(error),
        _ => Ok(run(running, Arc::clone(bot) as Arc<dyn Partner>, store.clone(), board, shutdown)),
    }
}

/// Starts these connectors before `partner`.
pub fn run(
    connectors: Vec<Arc<dyn Connector>>,
    partner: Arc<dyn Partner>,
    store: Store,
    board: Arc<Board>,
    shutdown: CancellationToken,
) -> Talking {
    let (tasks, (recalled, ready)) = (TaskTracker::new(), watch::channel(false));
    let remembering = remember(Arc::clone(&board), store.clone(), recalled);
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(remembering));
    let desk = Arc::new(Desk::new(partner, store, Arc::clone(&board), shutdown.clone()));
    let mut platforms = Vec::new();
    for connector in connectors {
        let name = connector.name();
        platforms.push(name);
        board.down(name, "connecting");
        let (desk, stop) = (Arc::clone(&desk), shutdown.clone());
        let (resumed, board) = (Arc::clone(&connector), Arc::clone(&board));
        let (taking_up, stopping) = (Arc::clone(&desk), shutdown.clone());
        tasks.spawn(async move {
            // Before the first hello it is not known who we are there, nor whether the token works.
            let first = async {
                while !board.links().get(name).is_some_and(|link| link.up) {
                    tokio::time::sleep(FIRST_HELLO).await;
                }
            };
            if stopping.run_until_cancelled(first).await.is_some() {
                taking_up.resume(resumed).await;
            }
        });
        let mut ready = ready.clone();
        tasks.spawn(async move {
            // A closed channel has nothing to wait for either.
            let _ = ready.wait_for(|recalled| *recalled).await;
            connector.run(desk, stop).await;
        });
    }
    tasks.close();
    Talking { platforms, desk, tasks }
}

/// Keeps what platforms want to be left until later: whoever is told to wait must wait after a restart too.
async fn remember(board: Arc<Board>, store: Store, recalled: watch::Sender<bool>) {
    const WAY: &str = "chats";
    const KEY: &str = "closed";
    match store.note(WAY, KEY).await {
        Ok(noted) => {
            board.recall(noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default());
        }
        Err(error) => tracing::warn!(%error, "it is not known what platforms were to be left until later"),
    }
    recalled.send_replace(true);
    loop {
        let closed = board.closes().await;
        let text = serde_json::to_string(&closed).unwrap_or_default();
        if let Err(error) = store.set_note(WAY, KEY, text).await {
            tracing::warn!(%error, "it is not noted what a platform wants to be left until later");
        }
    }
}
