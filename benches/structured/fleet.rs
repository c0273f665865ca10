//! The simulated fleet, in a process of its own, so that its work is not the clients'.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use nocbot::inventory::Device;
use nocbot::secret::SecretRef;
use nocbot::sim;
use serde::{Deserialize, Serialize};

use crate::measure::Server;

/// One in so many devices of the network has NETCONF and RESTCONF on the same data.
const EVERY: usize = 6;

/// What the process says of itself.
#[derive(Serialize, Deserialize)]
pub struct Said {
    pub servers: Vec<Server>,
    pub fingerprint: String,
    pub known_hosts: String,
}

/// The running process; ends when dropped.
pub struct Fleet(Child);

impl Fleet {
    /// Starts so many devices that can be asked both ways.
    pub fn start(count: usize) -> (Self, Said) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["fleet", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn server(device: &Device) -> Server {
    let login = &device.login;
    let Some(SecretRef::Plain(password)) = &login.password else { panic!("{:?}", login.password) };
    Server {
        name: device.name.clone(),
        host: device.hostname.clone(),
        ssh: login.netconf.port.unwrap(),
        https: login.restconf.port.unwrap(),
        username: login.username.clone().unwrap(),
        password: password.expose().to_owned(),
    }
}

/// The process itself: until its standard input ends.
pub async fn run(count: usize) {
    let network = sim::Network::builtin(Some(count * EVERY)).unwrap();
    let network = network.start(sim::Options::default()).await.unwrap();
    let inventory = network.inventory();
    let both = |device: &&Device| device.login.netconf.offered && device.login.restconf.offered;
    let devices: Vec<&Device> = inventory.devices().map(AsRef::as_ref).filter(both).take(count).collect();
    let said = Said {
        servers: devices.iter().map(|device| server(device)).collect(),
        fingerprint: devices[0].login.restconf.fingerprint.unwrap().to_string(),
        known_hosts: network.known_hosts(),
    };
    println!("{}", serde_json::to_string(&said).unwrap());
    std::io::stdout().flush().unwrap();
    let waiting = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    waiting.await.unwrap().unwrap();
    network.stop().await;
}
