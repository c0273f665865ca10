//! Yuma123's server behind a real sshd, on loopback.
//!
//! It runs in a network namespace of its own, because its modules can set addresses and names for
//! real; the subsystem reaches it by its socket in the file system. Debian's packages, root.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::ssh::sshd::Sshd;

/// A running server; ended by its pid.
pub struct Yuma {
    pub port: u16,
    folder: tempfile::TempDir,
    child: Child,
    _sshd: Sshd,
}

impl Drop for Yuma {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Yuma {
    /// Starts one with these arguments besides; `None` when this machine cannot.
    pub async fn start(arguments: &[&str]) -> Option<Self> {
        if !Path::new("/usr/sbin/netconfd").exists() {
            crate::support::left_out("there is no /usr/sbin/netconfd (Debian: apt install netconfd)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // The subsystem must name the port that the client has used, and the server the same.
        script(
            path,
            "subsystem",
            "set -- $SSH_CONNECTION \"$0\"\n\
             exec /usr/sbin/netconf-subsystem --ncxserver-sockname=\"$4@${5%/*}/ncx.sock\"",
        );
        // Debian's module for interfaces calls this helper, which its package does not have.
        script(path, "get-interface-ipv4", "exit 0");
        // Without a startup file there is nothing to roll back to.
        let startup = "<config xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"/>\n";
        std::fs::write(path.join("startup.xml"), startup).unwrap();
        let sshd = Sshd::start(&format!("Subsystem netconf {}/subsystem\n", path.display())).await?;
        let port = sshd.port;
        let run = "ip link set lo up && mount -t sysfs sysfs /sys && hostname r1 && cd \"$1\" || exit 1\n\
                   export HOME=\"$1\" PATH=\"$1:$PATH\"; shift\n\
                   exec /usr/sbin/netconfd \"$@\" >/dev/null 2>&1";
        let child = Command::new("unshare")
            .args(["--net", "--mount", "--uts", "sh", "-c", run, "yuma"])
            .arg(path)
            .args([
                format!("--ncxserver-sockname={}/ncx.sock", path.display()),
                format!("--port={port}"),
                format!("--log={}/log", path.display()),
                format!("--startup={}/startup.xml", path.display()),
            ])
            .args(["--module=ietf-system", "--superuser=admin"])
            .args(["--target=candidate"])
            .args(arguments)
            // With the datastores of RFC 8342 it wants another revision than the one it brings.
            .args((!arguments.contains(&"--with-nmda=true")).then_some("--module=ietf-interfaces"))
            .args(arguments.iter().all(|one| !one.starts_with("--log-level")).then_some("--log-level=info"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut yuma = Self { port, folder, child, _sshd: sshd };
        for _ in 0..400 {
            if yuma.folder.path().join("ncx.sock").exists() && yuma.log().contains("Running netconfd server")
            {
                return Some(yuma);
            }
            assert!(yuma.child.try_wait().unwrap().is_none(), "the server ended: {}", yuma.log());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the server does not start: {}", yuma.log());
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn script(folder: &Path, name: &str, body: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
