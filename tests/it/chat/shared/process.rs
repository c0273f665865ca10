//! The binary itself with `nocbot.yaml` in a directory, over the simulated network.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A running nocbot; dropping it is a SIGKILL.
pub struct Nocbot {
    child: Child,
    address: String,
    /// Kept open: what it prints must go somewhere.
    _out: Lines<BufReader<ChildStdout>>,
}

impl Nocbot {
    pub fn start(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nocbot"))
            .args(["demo", "--devices", "3", "-c", "nocbot.yaml", "--listen", "127.0.0.1:0"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address =
            lines.find_map(|line| line.unwrap().strip_prefix("The console is at http://").map(str::to_owned));
        Self { child, address: address.unwrap().trim_end_matches('/').to_owned(), _out: lines }
    }

    pub async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }
}

impl Drop for Nocbot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
