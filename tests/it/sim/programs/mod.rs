//! What the simulated devices tell programs, asked through the transports of the product.

mod faults;
mod jsonrpc;
mod netconf;
mod restconf;

use std::sync::Arc;
use std::time::Duration;

use nocbot::catalogue::Catalogue;
use nocbot::error::Failure;
use nocbot::sim::Running;
use nocbot::transport::http;
use nocbot::transport::netconf::{Netconf, Operation, Reply, Request, Settings, Target};
use nocbot::transport::restconf::{self as client, Path, Query, Restconf};
use nocbot::transport::ssh::{self, HostKeyPolicy, Ssh};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The transports over one running network.
struct Asker {
    running: Running,
    netconf: Netconf,
    restconf: Restconf,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

impl Asker {
    fn new(running: Running) -> Self {
        Self::with(running, Settings { idle_timeout: Duration::from_secs(10), ..Settings::default() })
    }

    fn with(running: Running, settings: Settings) -> Self {
        let ssh = ssh::Settings {
            known: running.known_hosts(),
            host_keys: HostKeyPolicy::Strict,
            known_hosts: None,
            ..ssh::Settings::default()
        };
        let netconf = Netconf::new(&Ssh::new(ssh), settings);
        Self { running, netconf, restconf: Restconf::new(http::Settings::default()) }
    }

    fn target(&self, name: &str) -> Target {
        let inventory = self.running.inventory();
        let device = Arc::clone(inventory.get(name).unwrap());
        let catalogue = Catalogue::builtin_with(inventory).unwrap();
        let platform = catalogue.platform(&device.platform).unwrap();
        Target { platform: platform.clone(), jumps: Vec::new(), device }
    }

    async fn rpc(&self, name: &str, operation: Operation) -> Result<Reply, Failure> {
        let target = self.target(name);
        let request = Request { target, operation, deadline: soon(), cancel: CancellationToken::new() };
        self.netconf.request(request).await
    }

    async fn get(&self, name: &str, path: &str, query: Query) -> Result<client::Reply, Failure> {
        let device = Arc::clone(self.running.inventory().get(name).unwrap());
        let path = Path::parse(path).unwrap();
        let request =
            client::Request { device, path, query, deadline: soon(), cancel: CancellationToken::new() };
        self.restconf.get(request).await
    }

    /// A document in JSON, whole.
    async fn json(&self, name: &str, path: &str) -> serde_json::Value {
        let reply = self.get(name, path, Query::default()).await.unwrap();
        serde_json::from_str(&reply.text).unwrap()
    }

    async fn stop(self) {
        self.netconf.close_all().await;
        self.restconf.close_all().await;
        self.running.stop().await;
    }
}
