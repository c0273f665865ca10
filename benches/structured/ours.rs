//! nocbot's transports: as the product asks, with deadlines, pool, checked certificates and host keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nocbot::catalogue::Catalogue;
use nocbot::inventory::{Device, Fingerprint, HttpsLogin, Inventory, Login, NetconfLogin};
use nocbot::parse::Reader;
use nocbot::parse::paths::Paths;
use nocbot::profile::Platform;
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::http;
use nocbot::transport::netconf::{self, Filter, Netconf, Operation, Target};
use nocbot::transport::restconf::{self, Path, Query, Restconf};
use nocbot::transport::ssh::{self, HostKeyPolicy, Ssh};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::measure::{self, Job, Measured, Server, timed};

const TEMPLATE: &str = include_str!("interfaces.yaml");
const TIME: Duration = Duration::from_mins(1);

/// What a run is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Netconf,
    Restconf,
}

/// The transports, made anew for every cold round.
#[derive(Clone)]
enum Client {
    Netconf(Ssh, Netconf),
    Restconf(Restconf),
}

/// What one device is asked.
#[derive(Clone)]
struct Question {
    device: Arc<Device>,
    platform: Arc<Platform>,
    operation: Operation,
    path: Path,
    /// Reads the answer, too.
    reader: Option<Reader>,
}

impl Client {
    fn new(way: Way, job: &Job) -> Self {
        match way {
            Way::Restconf => Self::Restconf(Restconf::new(http::Settings::default())),
            Way::Netconf => {
                let ssh = Ssh::new(ssh::Settings {
                    known: job.known_hosts.clone(),
                    host_keys: HostKeyPolicy::Strict,
                    connect_timeout: TIME,
                    ..ssh::Settings::default()
                });
                let netconf = Netconf::new(&ssh, netconf::Settings::default());
                Self::Netconf(ssh, netconf)
            }
        }
    }

    async fn ask(&self, question: &Question) -> String {
        let (deadline, cancel) = (Instant::now() + TIME, CancellationToken::new());
        let device = Arc::clone(&question.device);
        let text = match self {
            Self::Netconf(_, netconf) => {
                let target = Target::new(device, Arc::clone(&question.platform), Vec::new());
                let operation = question.operation.clone();
                netconf.request(netconf::Request { target, operation, deadline, cancel }).await.unwrap().text
            }
            Self::Restconf(restconf) => {
                let (path, query) = (question.path.clone(), Query::default());
                restconf.get(restconf::Request { device, path, query, deadline, cancel }).await.unwrap().text
            }
        };
        if let Some(reader) = &question.reader {
            assert!(!reader.parse(&text).unwrap().rows.is_empty());
        }
        text
    }

    async fn close(&self) {
        match self {
            Self::Netconf(ssh, netconf) => {
                netconf.close_all().await;
                ssh.close_all().await;
            }
            Self::Restconf(restconf) => restconf.close_all().await,
        }
    }

    /// So many questions to each device; the last answers.
    async fn all(&self, questions: &[Question], count: usize) -> Vec<Vec<u8>> {
        let tasks = questions.iter().cloned().map(|question| {
            let client = self.clone();
            tokio::spawn(async move {
                let mut last = String::new();
                for _ in 0..count {
                    last = client.ask(&question).await;
                }
                last.into_bytes()
            })
        });
        join_all(tasks).await.into_iter().map(Result::unwrap).collect()
    }
}

fn device(server: &Server, fingerprint: &str, root: Option<&str>) -> Device {
    let (username, password) =
        (Some(server.username.clone()), Some(SecretRef::Plain(Secret::new(server.password.clone()))));
    let restconf = HttpsLogin {
        offered: true,
        port: Some(server.https),
        username: username.clone(),
        password: password.clone(),
        fingerprint: Fingerprint::read(fingerprint),
        root: root.map(str::to_owned),
        ..HttpsLogin::default()
    };
    Device {
        name: server.name.clone(),
        hostname: server.host.clone(),
        platform: "cisco_xe".to_owned(),
        groups: Vec::new(),
        data: BTreeMap::new(),
        login: Login {
            port: Some(server.ssh),
            username,
            password,
            netconf: NetconfLogin { offered: true, port: Some(server.ssh), ..NetconfLogin::default() },
            restconf,
            ..Login::default()
        },
    }
}

/// Measures `netconf` or `restconf`, `-records` with the answers read, `-discovering` without a known root.
pub async fn run(name: &str) -> Measured {
    let job = Job::read();
    let way = if name.starts_with("netconf") { Way::Netconf } else { Way::Restconf };
    let reader = name
        .ends_with("-records")
        .then(|| Reader::Paths(Arc::new(Paths::compile("interfaces.yaml", TEMPLATE).unwrap())));
    let root = (!name.ends_with("-discovering")).then_some("/restconf");
    let catalogue = Catalogue::builtin_with(Inventory::default()).unwrap();
    let platform = catalogue.platform("cisco_xe").unwrap();
    let question = |server: &Server| Question {
        device: Arc::new(device(server, &job.fingerprint, root)),
        platform: platform.clone(),
        operation: Operation::get(Filter::subtree(&job.filter).unwrap()),
        path: Path::parse(&job.path).unwrap(),
        reader: reader.clone(),
    };
    let questions: Vec<Question> = job.servers.iter().map(question).collect();
    let mut measured = Measured::default();
    for _ in 0..job.rounds {
        let round = timed(async {
            let client = Client::new(way, &job);
            let answers = client.all(&questions, 1).await;
            client.close().await;
            answers
        });
        measure::cold(&mut measured, round.await);
    }
    let client = Client::new(way, &job);
    client.all(&questions, 1).await;
    for _ in 0..job.rounds {
        measure::warm(&mut measured, timed(client.all(&questions, job.questions)).await);
    }
    client.close().await;
    measured
}
