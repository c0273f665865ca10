//! OpenSSH's own server, on loopback, with a configuration, users and keys of its own.
//!
//! Its users live in a private mount namespace: the machine's /etc is not touched. That needs root;
//! without it, or without sshd, these tests are left out and say so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::keygen;

/// `hunter2`, as crypt(3) with SHA-512 has it.
const PASSWORD: &str =
    "$6$nocbotnocbot$BQrXhO28HBY4/8HojczpcYZGiqfk4xUOk30lMqSdmv/MDpNHnmVeok0/vCIgdS5f3gs0j5I9LZ6l95DogKXor0";

/// A running sshd; ended by its pid.
pub struct Sshd {
    pub port: u16,
    pub folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sshd {
    /// Starts one with an ed25519 host key and these lines on top of the basic configuration;
    /// `None` when this machine cannot.
    pub async fn start(extra: &str) -> Option<Self> {
        Self::with(&["ed25519"], extra).await
    }

    /// Starts one with host keys of these types; `rsa1024` is a short one.
    pub async fn with(keys: &[&str], extra: &str) -> Option<Self> {
        if let Some(reason) = impossible() {
            crate::support::left_out(&reason);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut config = String::new();
        for kind in keys {
            let file = path.join(format!("host_{kind}"));
            let (kind, bits): (&str, &[&str]) = match *kind {
                "rsa" => ("rsa", &["-b", "2048"]),
                "rsa1024" => ("rsa", &["-b", "1024"]),
                other => (other, &[]),
            };
            keygen(&[&["-t", kind, "-N", "", "-f", file.to_str().unwrap()], bits].concat());
            let _ = writeln!(config, "HostKey {}", file.display());
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        config.push_str(extra);
        let _ = write!(
            config,
            "\nPort {port}\nListenAddress 127.0.0.1\nPidFile none\nStrictModes no\nPermitRootLogin yes\n\
             AuthorizedKeysFile {}\nUsePAM no\nKbdInteractiveAuthentication no\nPasswordAuthentication yes\n\
             LogLevel VERBOSE\nPrintMotd no\nMaxStartups 100\n",
            path.join("authorized_keys").display()
        );
        write(path, "sshd_config", &config);
        let home = path.join("home");
        std::fs::create_dir(&home).unwrap();
        write(&home, ".profile", "PS1='r1$ '\n");
        // The same number as root's: only root may log in without changing users.
        write(
            path,
            "passwd",
            &format!(
                "root:x:0:0:root:/root:/bin/sh\nadmin:x:0:0:admin:{}:/bin/bash\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n",
                home.display()
            ),
        );
        write(path, "shadow", &format!("root:*:19000:0:99999:7:::\nadmin:{PASSWORD}:19000:0:99999:7:::\n"));
        let log = std::fs::File::create(path.join("log")).unwrap();
        let script = "mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount --bind \"$1/passwd\" /etc/passwd \
                      && mount --bind \"$1/shadow\" /etc/shadow && exec /usr/sbin/sshd -D -e -f \"$1/sshd_config\"";
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sshd"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut sshd = Self { port, folder, child };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(sshd);
            }
            assert!(sshd.child.try_wait().unwrap().is_none(), "sshd ended: {}", sshd.log());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("sshd does not listen: {}", sshd.log());
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets in who has the key of this `.pub` file.
    pub fn authorize(&self, public: &Path) {
        let mut keys = std::fs::read_to_string(self.path("authorized_keys")).unwrap_or_default();
        keys.push_str(&std::fs::read_to_string(public).unwrap());
        write(self.folder.path(), "authorized_keys", &keys);
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn impossible() -> Option<String> {
    if !Path::new("/usr/sbin/sshd").exists() {
        return Some("there is no /usr/sbin/sshd (Debian: apt install openssh-server)".to_owned());
    }
    let unshare = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !unshare.is_ok_and(|status| status.success()) {
        return Some("a mount namespace of one's own needs root".to_owned());
    }
    None
}
