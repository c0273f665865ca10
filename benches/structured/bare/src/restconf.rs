//! RESTCONF as bytes: one client with its pool for all servers, HTTP/2 by ALPN or HTTP/1.1.

use futures_util::future::join_all;
use reqwest::Client;
use reqwest::header::ACCEPT;

use crate::measure::{self, Job, Measured, Server, timed};

fn client(one: bool) -> Client {
    let builder = Client::builder().tls_danger_accept_invalid_certs(true);
    if one { builder.http1_only() } else { builder }.build().unwrap()
}

async fn ask(client: &Client, server: &Server, path: &str) -> Vec<u8> {
    let url = format!("https://{}:{}/restconf/data/{path}", server.host, server.https);
    let request = client.get(url).basic_auth(&server.username, Some(&server.password));
    let answer = request.header(ACCEPT, "application/yang-data+json").send().await.unwrap();
    answer.error_for_status().unwrap().bytes().await.unwrap().to_vec()
}

/// So many questions to each server; the last answers.
async fn all(client: &Client, job: &Job, questions: usize) -> Vec<Vec<u8>> {
    let tasks = job.servers.iter().cloned().map(|server| {
        let (client, path) = (client.clone(), job.path.clone());
        tokio::spawn(async move {
            let mut last = Vec::new();
            for _ in 0..questions {
                last = ask(&client, &server, &path).await;
            }
            last
        })
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// `one`: HTTP/1.1 only.
pub async fn run(job: &Job, one: bool) -> Measured {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let mut measured = Measured::default();
    for _ in 0..job.rounds {
        let round = timed(async {
            let client = client(one);
            let answers = all(&client, job, 1).await;
            drop(client);
            // For the connections' tasks to end.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            answers
        });
        measure::cold(&mut measured, round.await);
    }
    let client = client(one);
    all(&client, job, 1).await;
    for _ in 0..job.rounds {
        measure::warm(&mut measured, timed(all(&client, job, job.questions)).await);
    }
    measured
}
