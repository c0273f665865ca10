//! A chain of namespaces: h1 - r1 - r2 - r3 - h2, IPv4 and IPv6, and the binary run in them.
//!
//! The names hold the process's number, so that two runs on one machine do not meet. The networks exist only
//! inside the namespaces.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::left_out;

const NODES: [&str; 5] = ["h1", "r1", "r2", "r3", "h2"];

/// A network that is taken down when it is dropped.
pub struct Net {
    prefix: String,
    directory: tempfile::TempDir,
    program: PathBuf,
    children: Vec<Child>,
}

/// As whom the binary runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Root,
    Nobody,
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

impl Net {
    /// The chain, or nothing where this machine has no namespaces for us; that is said.
    pub fn chain() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("nb{:x}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let first = format!("{prefix}-h1");
        if !Command::new("ip").args(["netns", "add", &first]).output().is_ok_and(|made| made.status.success())
        {
            left_out("network namespaces: root and iproute2 are needed");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let program = reachable(Path::new(env!("CARGO_BIN_EXE_nocbot")), directory.path());
        let net = Self { prefix, directory, program, children: Vec::new() };
        net.build();
        Some(net)
    }

    fn build(&self) {
        for node in &NODES[1..] {
            must("ip", &["netns", "add", &self.name(node)]);
        }
        for node in NODES {
            self.ip(node, "link set lo up");
            // Errors must not be rationed: that is measured elsewhere.
            let settings = "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 \
                net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000 \
                net.ipv4.icmp_errors_use_inbound_ifaddr=1";
            let words: Vec<&str> = ["sysctl", "-qw"].into_iter().chain(settings.split_whitespace()).collect();
            self.within(node, &words);
        }
        for (link, pair) in NODES.windows(2).enumerate() {
            let (left, right) = (pair[0], pair[1]);
            let (near, far) = (self.name(left), self.name(right));
            let made =
                ["link", "add", right, "netns", &near, "type", "veth", "peer", "name", left, "netns", &far];
            must("ip", &made);
            for (node, device, host) in [(left, right, 1), (right, left, 2)] {
                self.ip(node, &format!("addr add 10.77.{link}.{host}/24 dev {device}"));
                self.ip(node, &format!("addr add fd77:{link}::{host}/64 dev {device} nodad"));
                self.ip(node, &format!("link set {device} up"));
            }
        }
        let last = NODES.len() - 2;
        for (index, node) in NODES.iter().enumerate() {
            for link in 0..=last {
                if link > index {
                    self.ip(node, &format!("route add 10.77.{link}.0/24 via 10.77.{index}.2"));
                    self.ip(node, &format!("route add fd77:{link}::/64 via fd77:{index}::2"));
                } else if link + 1 < index {
                    self.ip(node, &format!("route add 10.77.{link}.0/24 via 10.77.{}.1", index - 1));
                    self.ip(node, &format!("route add fd77:{link}::/64 via fd77:{}::1", index - 1));
                }
            }
        }
        let path = self.directory.path();
        std::fs::create_dir_all(path.join("inventory")).unwrap();
        let hosts = "r2: {hostname: 10.77.1.2, platform: frr, data: {interfaces: {r1: 10.77.1.2/24, r3: 10.77.2.1/24}}}\n\
            h2: {hostname: 10.77.3.2, platform: linux}\n";
        std::fs::write(path.join("inventory/hosts.yaml"), hosts).unwrap();
        std::fs::write(path.join("nocbot.yaml"), "inventory: inventory\n").unwrap();
        must("chmod", &["-R", "a+rX", &path.display().to_string()]);
        // The first packets must not wait for neighbours.
        for target in ["10.77.3.2", "fd77:3::2"] {
            for _ in 0..20 {
                if run("ip", &["netns", "exec", &self.name("h1"), "ping", "-c1", "-W1", target])
                    .status
                    .success()
                {
                    break;
                }
            }
        }
    }

    pub fn name(&self, node: &str) -> String {
        format!("{}-{node}", self.prefix)
    }

    /// `ip` in a node.
    pub fn ip(&self, node: &str, line: &str) {
        let name = self.name(node);
        let words: Vec<&str> = ["-n", name.as_str()].into_iter().chain(line.split_whitespace()).collect();
        must("ip", &words);
    }

    /// A command in a node; its output.
    pub fn within(&self, node: &str, words: &[&str]) -> String {
        let name = self.name(node);
        let words: Vec<&str> =
            ["netns", "exec", name.as_str()].into_iter().chain(words.iter().copied()).collect();
        must("ip", &words)
    }

    /// Rules of a packet filter in a node: one per line, behind its hook (`output`, `forward`, `input`).
    pub fn filter(&self, node: &str, hook: &str, rules: &str) {
        let rules: Vec<String> = rules.lines().map(|line| format!("    {}", line.trim())).collect();
        let rules = rules.join("\n");
        let text = format!(
            "table inet t{hook} {{\n  chain c {{\n    type filter hook {hook} priority 0;\n{rules}\n  }}\n}}\n"
        );
        let file = self.directory.path().join(format!("{node}-{hook}.nft"));
        std::fs::write(&file, text).unwrap();
        self.within(node, &["nft", "-f", &file.display().to_string()]);
    }

    /// Whether everybody in the node may open ICMP datagram sockets.
    pub fn datagrams(&self, node: &str, allowed: bool) {
        let range = if allowed { "0 2147483647" } else { "1 0" };
        self.within(node, &["sysctl", "-qw", &format!("net.ipv4.ping_group_range={range}")]);
    }

    /// The command that asks in a node.
    fn asking(&self, node: &str, who: As, question: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(node)]);
        if who == As::Nobody {
            command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        command.arg(&self.program).args(["ask", "-c"]).arg(self.directory.path().join("nocbot.yaml"));
        command.args(["--format", "json", question]).stdin(Stdio::null());
        command
    }

    /// Asks in a node, and reads the answer.
    pub fn ask(&self, node: &str, who: As, question: &str) -> Value {
        answer(question, &self.asking(node, who, question).output().unwrap())
    }

    /// Starts to ask in a node.
    pub fn begin(&self, node: &str, who: As, question: &str) -> Child {
        self.asking(node, who, question).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a helper written in Python in a node until the network goes; waits for its first line.
    pub fn odd(&mut self, node: &str, arguments: &[&str]) {
        use std::io::Read as _;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/probe/odd.py");
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.name(node), "python3"])
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 1];
        child.stdout.as_mut().unwrap().read_exact(&mut ready).expect("the helper starts");
        self.children.push(child);
    }
}

/// Reads what `ask` printed.
pub fn answer(question: &str, output: &Output) -> Value {
    let out = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&out).unwrap_or_else(|error| {
        panic!("{question}: {error}: {out}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// The program where nobody can run it too: itself, or a copy beside the configuration.
fn reachable(program: &Path, directory: &Path) -> PathBuf {
    let text = program.display().to_string();
    let tried = run("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups", &text, "--version"]);
    if tried.status.success() {
        return program.to_owned();
    }
    let copy = directory.join("nocbot");
    std::fs::copy(program, &copy).unwrap();
    copy
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for node in NODES {
            let _ = run("ip", &["netns", "del", &self.name(node)]);
        }
    }
}

fn must(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    String::from_utf8(output.stdout).unwrap()
}
