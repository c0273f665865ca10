//! RESTCONF against a real server behind a real proxy, and against faulty ones.

#![allow(clippy::unnecessary_wraps, reason = "as the fields of a login want it")]

mod faults;
mod http2;
mod jetconf;
mod logins;
mod meaning;
pub mod server;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nocbot::error::Failure;
use nocbot::inventory::{Device, HttpsLogin, Login};
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::{Path, Query, Reply, Request, Restconf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use server::Server;

/// A file that lives as long as the test.
struct File(tempfile::NamedTempFile);

impl File {
    fn new(text: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Self(file)
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.0.path().to_owned())
    }
}

fn secret(text: &str) -> Option<SecretRef> {
    Some(SecretRef::Plain(Secret::new(text)))
}

/// A device on loopback with this login.
fn device(login: HttpsLogin) -> Device {
    Device {
        name: "r1".to_owned(),
        hostname: "127.0.0.1".to_owned(),
        platform: String::new(),
        groups: Vec::new(),
        data: std::collections::BTreeMap::new(),
        login: Login { restconf: login, ..Login::default() },
    }
}

/// `admin` with `hunter2` on a server whose root is known.
fn login(server: &Server, ca: &File) -> HttpsLogin {
    HttpsLogin {
        port: Some(server.port),
        username: Some("admin".to_owned()),
        password: secret("hunter2"),
        ca_file: ca.path(),
        root: Some("/restconf".to_owned()),
        ..HttpsLogin::default()
    }
}

fn request(device: &Device, path: &str) -> Request {
    Request {
        device: Arc::new(device.clone()),
        path: Path::parse(path).unwrap(),
        query: Query::default(),
        deadline: Instant::now() + Duration::from_secs(20),
        cancel: CancellationToken::new(),
    }
}

async fn get(restconf: &Restconf, device: &Device, path: &str) -> Result<Reply, Failure> {
    restconf.get(request(device, path)).await
}

/// Asks a server once, with everything as it is by default.
async fn ask(server: &Server, path: &str) -> Result<Reply, Failure> {
    let ca = File::new(&server.ca);
    get(&Restconf::new(Settings::default()), &device(login(server, &ca)), path).await
}
