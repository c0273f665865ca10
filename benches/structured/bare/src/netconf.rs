//! NETCONF as bytes: what is sent is written down, what comes is read to its end mark.

use std::sync::Arc;

use futures_util::future::join_all;
use russh::client::{self, Handle, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, Disconnect};

use crate::measure::{self, Job, Measured, Server, timed};

const HELLO: &str = "<hello xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><capabilities>\
<capability>urn:ietf:params:netconf:base:1.0</capability><capability>urn:ietf:params:netconf:base:1.1</capability>\
</capabilities></hello>]]>]]>";
const CLOSE: &str = "<close-session/>";

struct Anybody;

impl client::Handler for Anybody {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

struct Session {
    handle: Handle<Anybody>,
    channel: Channel<Msg>,
    id: usize,
}

impl Session {
    async fn open(server: &Server) -> Self {
        let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
        let mut handle =
            client::connect(config, (server.host.as_str(), server.ssh), Anybody).await.unwrap();
        let done = handle.authenticate_password(&server.username, &server.password).await.unwrap();
        assert!(done.success());
        let channel = handle.channel_open_session().await.unwrap();
        channel.request_subsystem(false, "netconf").await.unwrap();
        let mut session = Self { handle, channel, id: 0 };
        session.channel.data_bytes(HELLO).await.unwrap();
        session.read(b"]]>]]>").await;
        session
    }

    async fn read(&mut self, end: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        while !all.ends_with(end) {
            match self.channel.wait().await.unwrap() {
                ChannelMsg::Data { data } => all.extend_from_slice(&data),
                ChannelMsg::Eof | ChannelMsg::Close => panic!("the session ended"),
                _ => {}
            }
        }
        all
    }

    async fn ask(&mut self, operation: &str) -> Vec<u8> {
        self.id += 1;
        let id = self.id;
        let rpc = format!(
            "<rpc xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"{id}\">{operation}</rpc>"
        );
        self.channel.data_bytes(format!("\n#{}\n{rpc}\n##\n", rpc.len())).await.unwrap();
        self.read(b"\n##\n").await
    }

    async fn close(mut self) {
        self.ask(CLOSE).await;
        self.handle.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
        let _ = self.handle.await;
    }
}

pub async fn run(job: &Job) -> Measured {
    let get = format!("<get><filter type=\"subtree\">{}</filter></get>", job.filter);
    let mut measured = Measured::default();
    for _ in 0..job.rounds {
        let all = job.servers.iter().cloned().map(|server| {
            let get = get.clone();
            tokio::spawn(async move {
                let mut session = Session::open(&server).await;
                let answer = session.ask(&get).await;
                session.close().await;
                answer
            })
        });
        let all = join_all(all);
        let (answers, cpu, wall) = timed(all).await;
        measure::cold(&mut measured, (answers.into_iter().map(Result::unwrap).collect(), cpu, wall));
    }
    let mut sessions = join_all(job.servers.iter().map(Session::open)).await;
    let questions = job.questions;
    for round in 0..=job.rounds {
        let all = sessions.into_iter().map(|mut session| {
            let get = get.clone();
            tokio::spawn(async move {
                let mut last = Vec::new();
                for _ in 0..questions {
                    last = session.ask(&get).await;
                }
                (session, last)
            })
        });
        let (done, cpu, wall) = timed(join_all(all)).await;
        let answers;
        (sessions, answers) = done.into_iter().map(Result::unwrap).unzip();
        if round > 0 {
            measure::warm(&mut measured, (answers, cpu, wall));
        }
    }
    join_all(sessions.into_iter().map(Session::close)).await;
    measured
}
