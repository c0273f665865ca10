//! Builds everything from the configuration, starts it and stops it.
//!
//! ```text
//!   Config ─► Catalogue ─┐
//!          ─► Store ─────┼─► Bot ◄── console (web), terminal (chat), one question (cli)
//!          ─► Transport (Ssh, Netconf, Http) ─► Runner
//!          ─► links (chat) ────────┘
//!   demo:  Network (sim) ─► Inventory ─► Catalogue
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::bot::{Bot, Limits};
use crate::catalogue::Catalogue;
use crate::config::{Config, Console};
use crate::error::{Error, Result};
use crate::run::Runner;
use crate::secret::Environment;
use crate::sim;
use crate::store::Store;
use crate::transport::Transport;
use crate::transport::ssh::Ssh;
use crate::web;

pub mod chats;
mod parts;

pub use chats::Talking;

/// What the app may use of the machine; the library reads none of it by itself.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Environment variables.
    pub environment: Environment,
    /// The socket of an SSH agent.
    pub agent: Option<PathBuf>,
}

/// A running nocbot.
#[derive(Debug)]
pub struct App {
    /// Answers questions.
    pub bot: Arc<Bot>,
    transport: Transport,
    store: Store,
    chat: crate::config::chat::Chat,
    network: Option<sim::Running>,
}

impl App {
    /// Everything that a configuration names. All errors of its files are returned.
    pub fn from_config(config: Config, machine: &Machine) -> Result<Self, Vec<Error>> {
        let catalogue = Catalogue::load(&config, &machine.environment)?.catalogue;
        let ssh = parts::ssh(&config, machine);
        Self::build(catalogue, &config, ssh, None)
    }

    /// A simulated network on loopback instead of an inventory; a configuration adds the rest.
    pub async fn demo(config: Option<Config>, devices: Option<usize>) -> Result<Self, Vec<Error>> {
        let config = config.unwrap_or_else(|| Config::without_file(std::path::Path::new(".")));
        let network = sim::Network::builtin(devices).map_err(|error| vec![error])?;
        let running = network.start(sim::Options::default()).await.map_err(|error| vec![error])?;
        let inventory = running.inventory();
        let ssh = parts::demo_ssh(&running, inventory.devices().count());
        let catalogue = Catalogue::load_with(&config, inventory)?.catalogue;
        Self::build(catalogue, &config, ssh, Some(running))
    }

    fn build(
        catalogue: Catalogue,
        config: &Config,
        ssh: Ssh,
        network: Option<sim::Running>,
    ) -> Result<Self, Vec<Error>> {
        let store = match &config.store {
            Some(path) => Store::open(path),
            None => Store::in_memory(),
        };
        let transport = Transport::new(Arc::new(ssh), parts::netconf(config), parts::http(config));
        let runner = Runner::new(transport.clone(), config.limits.parallel);
        let limits = Limits { devices: config.limits.devices, timeout: config.limits.timeout };
        let store = store.map_err(|error| vec![error])?;
        let bot = Bot::new(Arc::new(catalogue), runner, store.clone(), limits).with_probe(config.probe);
        Ok(Self { bot: Arc::new(bot), transport, store, chat: config.chat.clone(), network })
    }

    /// Serves the web console until `shutdown` is cancelled.
    pub async fn serve(&self, console: &Console, shutdown: CancellationToken) -> Result<web::Serving> {
        let token = match &console.token {
            Some(token) => Some(token.resolve().await?),
            None => None,
        };
        let hosts = console.hosts.clone();
        let options = web::Options { listen: console.listen, token, hosts, ..web::Options::default() };
        web::serve(Arc::clone(&self.bot), options, shutdown).await
    }

    /// Opens the links to the chat platforms; they end soon after `shutdown` is cancelled.
    pub async fn talk(&self, shutdown: CancellationToken) -> Result<Talking> {
        chats::start(&self.chat, &self.bot, &self.store, shutdown).await
    }

    /// Ends sessions and the simulated network.
    pub async fn stop(self) {
        self.transport.close_all().await;
        if let Some(network) = self.network {
            network.stop().await;
        }
    }
}
