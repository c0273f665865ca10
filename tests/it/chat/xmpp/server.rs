//! A real Prosody of its own, people with a client, and a link that can be cut.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use nocbot::chat::link::Net;
use nocbot::chat::xmpp::Settings;
use nocbot::secret::{Secret, SecretRef};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::left_out;

pub const ROOM: &str = "noc@conference.noc.test";

/// A server of its own; it ends with the value.
pub struct Prosody {
    pub directory: tempfile::TempDir,
    pub plain: u16,
    pub secure: u16,
    child: Option<Child>,
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Prosody {
    /// One with all that we make use of.
    pub fn new() -> Option<Self> {
        Self::with(r#""smacks", "mam""#, r#"modules_enabled = { "muc_mam" }"#, true)
    }

    /// One that has only what it must.
    pub fn bare() -> Option<Self> {
        Self::with(r#""version""#, "", false)
    }

    fn with(modules: &str, muc: &str, upload: bool) -> Option<Self> {
        if !Path::new("/usr/bin/prosody").exists() {
            left_out("prosody is not installed (Debian: apt install prosody)");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let (plain, secure) = (free_port(), free_port());
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(path("key.pem"), made.key_pair.serialize_pem()).unwrap();
        std::fs::create_dir(path("data")).unwrap();
        let upload = if upload {
            "Component \"upload.noc.test\" \"http_file_share\"\nhttp_host = \"localhost\"\n"
        } else {
            ""
        };
        let config = format!(
            r#"
run_as_root = true
pidfile = "{pid}"
data_path = "{data}"
log = {{ info = "{log}" }}
modules_enabled = {{ "roster", "saslauth", "websocket", "ping", "disco", {modules} }}
modules_disabled = {{ "s2s" }}
c2s_ports = {{}}
s2s_ports = {{}}
http_ports = {{ {plain} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ {secure} }}
https_interfaces = {{ "127.0.0.1" }}
https_ssl = {{ certificate = "{cert}", key = "{key}" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_websocket_secure = true
authentication = "internal_plain"
VirtualHost "noc.test"
http_host = "localhost"
Component "conference.noc.test" "muc"
restrict_room_creation = false
muc_room_locking = false
muc_room_default_public_jids = true
muc_room_default_persistent = true
muc_tombstones = false
{muc}
{upload}
"#,
            pid = path("pid"),
            data = path("data"),
            log = path("log"),
            cert = path("cert.pem"),
            key = path("key.pem"),
        );
        std::fs::write(path("prosody.cfg.lua"), config).unwrap();
        for user in ["nocbot", "alice", "bob"] {
            let made = Command::new("prosodyctl")
                .args(["--config", &path("prosody.cfg.lua"), "register", user, "noc.test", "pw-of-it"])
                .output()
                .unwrap();
            let said =
                String::from_utf8_lossy(&made.stdout).into_owned() + &String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{said}");
        }
        let mut prosody = Self { directory, plain, secure, child: None };
        prosody.start();
        Some(prosody)
    }

    pub fn start(&mut self) {
        let config = self.directory.path().join("prosody.cfg.lua");
        let child = Command::new("prosody")
            .args(["--config", &config.display().to_string(), "-F"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        for _ in 0..400 {
            let up = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            if up(self.plain) && up(self.secure) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("prosody does not listen: {}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// At once, as by SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn settings(&self, password: &str) -> Settings {
        Settings {
            url: format!("wss://localhost:{}/xmpp-websocket", self.secure),
            jid: "nocbot@noc.test".into(),
            password: SecretRef::Plain(Secret::new(password)),
            rooms: vec![ROOM.into()],
            nick: "nocbot".into(),
            room_password: None,
            allow: Vec::new(),
            net: self.net(),
        }
    }

    pub fn net(&self) -> Net {
        Net::new(Some(&self.directory.path().join("cert.pem")), None).unwrap()
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Another server, in a node that nobody knows: it needs no name service.
pub struct Ejabberd {
    pub directory: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Ejabberd {
    pub fn new() -> Option<Self> {
        if !Path::new("/usr/sbin/ejabberdctl").exists() {
            left_out("ejabberd is not installed (Debian: apt install ejabberd)");
            return None;
        }
        // On a machine with much else to do it may need long.
        let mut said = String::new();
        for _ in 0..2 {
            match Self::start() {
                Ok(server) => return Some(server),
                Err(log) => said = log,
            }
        }
        left_out(&format!("ejabberd does not start in time: {said}"));
        None
    }

    fn start() -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let config = format!(
            "hosts: [noc.test]\nloglevel: info\nauth_password_format: scram\nauth_scram_hash: sha256\n\
             listen:\n- port: {port}\n  ip: 127.0.0.1\n  module: ejabberd_http\n  request_handlers:\n\
             \x20   /xmpp-websocket: ejabberd_http_ws\n    /upload: mod_http_upload\n\
             modules:\n  mod_disco: {{}}\n  mod_mam: {{default: always}}\n  mod_offline: {{}}\n  mod_ping: {{}}\n\
             \x20 mod_roster: {{}}\n  mod_stream_mgmt: {{}}\n\
             \x20 mod_muc: {{default_room_options: {{mam: true, anonymous: false, persistent: true}}}}\n\
             \x20 mod_http_upload: {{put_url: 'http://localhost:{port}/upload', docroot: '{}', access: all}}\n",
            path("files")
        );
        std::fs::write(path("ejabberd.yml"), config).unwrap();
        let accounts = "[ejabberd_auth:try_register(U, <<\"noc.test\">>, <<\"pw-of-it\">>) || \
                        U <- [<<\"nocbot\">>, <<\"alice\">>, <<\"bob\">>]], \
                        file:write_file(os:getenv(\"READY\"), <<>>).";
        let libraries = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
        let child = Command::new("erl")
            .args(["-noinput", "-mnesia", "dir", &format!("{:?}", path("db")), "-s", "ejabberd"])
            .args(["-eval", accounts])
            .env("EJABBERD_CONFIG_PATH", path("ejabberd.yml"))
            .env("EJABBERD_LOG_PATH", path("log"))
            .env("ERL_LIBS", libraries.join(":"))
            .env("HOME", directory.path())
            .env("READY", path("ready"))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { directory, port, child };
        for _ in 0..500 {
            if server.directory.path().join("ready").exists()
                && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(std::fs::read_to_string(server.directory.path().join("log")).unwrap_or_default())
    }

    pub fn settings(&self) -> Settings {
        Settings {
            url: format!("ws://localhost:{}/xmpp-websocket", self.port),
            jid: "nocbot@noc.test".into(),
            password: SecretRef::Plain(Secret::new("pw-of-it")),
            rooms: vec![ROOM.into()],
            nick: "nocbot".into(),
            room_password: None,
            allow: Vec::new(),
            net: Net::new(None, None).unwrap(),
        }
    }
}

impl Drop for Ejabberd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person with a client.
pub struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Person {
    pub async fn login(prosody: &Prosody, user: &str) -> Self {
        Self::login_at(prosody.plain, user).await
    }

    pub async fn login_at(port: u16, user: &str) -> Self {
        for _ in 0..5 {
            if let Some(person) = Self::try_login(port, user).await {
                return person;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{user} cannot log in");
    }

    /// Logs in with a resource that is always the same; nothing when the server is away.
    pub async fn try_login(port: u16, user: &str) -> Option<Self> {
        let mut request = format!("ws://localhost:{port}/xmpp-websocket").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "xmpp".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let mut person = Self { socket };
        let open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='noc.test' version='1.0'/>";
        person.try_send(open).await?;
        person.within(5, "mechanisms").await?;
        let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0pw-of-it"));
        person
            .try_send(&format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
            ))
            .await?;
        person.within(5, "<success").await?;
        person.try_send(open).await?;
        person.within(5, "xmpp-bind").await?;
        person
            .try_send(
                "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                 <resource>desk</resource></bind></iq>",
            )
            .await?;
        person.within(5, "<jid>").await?;
        person.try_send("<presence xmlns='jabber:client'/>").await?;
        Some(person)
    }

    pub async fn enter(&mut self) {
        self.try_enter("alice").await.expect("not in the room");
    }

    pub async fn try_enter(&mut self, nick: &str) -> Option<()> {
        self.try_send(&format!(
            "<presence xmlns='jabber:client' to='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ))
        .await?;
        self.within(10, "code='110'").await.map(drop)
    }

    pub async fn send(&mut self, text: &str) {
        self.try_send(text).await.unwrap();
    }

    pub async fn try_send(&mut self, text: &str) -> Option<()> {
        self.socket.send(Message::text(text.to_owned())).await.ok()
    }

    pub async fn say(&mut self, to: &str, kind: &str, id: &str, body: &str) {
        self.try_say(to, kind, id, body).await.unwrap();
    }

    pub async fn try_say(&mut self, to: &str, kind: &str, id: &str, body: &str) -> Option<()> {
        self.try_send(&format!(
            "<message xmlns='jabber:client' to='{to}' type='{kind}' id='{id}'><body>{body}</body></message>"
        ))
        .await
    }

    /// The next frame with this in it.
    pub async fn until(&mut self, part: &str) -> String {
        self.within(15, part).await.unwrap_or_else(|| panic!("no frame with {part}"))
    }

    /// Frames with each of these in it, in whatever order they come.
    pub async fn until_all(&mut self, parts: &[&str]) {
        let mut parts = parts.to_vec();
        while !parts.is_empty() {
            let frame = self.within(15, "<body>").await.unwrap_or_else(|| panic!("no frame with {parts:?}"));
            parts.retain(|part| !frame.contains(part));
        }
    }

    /// The next frame with this in it; nothing when none comes, or the link is cut.
    pub async fn within(&mut self, seconds: u64, part: &str) -> Option<String> {
        let looking = async {
            loop {
                let Message::Text(text) = self.socket.next().await?.ok()? else { continue };
                if text.contains(part) {
                    return Some(text.to_string());
                }
            }
        };
        timeout(Duration::from_secs(seconds), looking).await.ok().flatten()
    }

    /// Every message of an archive (XEP-0313): of a room, or one's own.
    pub async fn archive(&mut self, room: Option<&str>) -> Option<Vec<String>> {
        let to = room.map(|room| format!(" to='{room}'")).unwrap_or_default();
        let (mut out, mut after, mut page) = (Vec::new(), String::new(), 0);
        loop {
            page += 1;
            let id = format!("mam{page}");
            let after_part = if after.is_empty() { String::new() } else { format!("<after>{after}</after>") };
            self.try_send(&format!(
                "<iq xmlns='jabber:client' type='set' id='{id}'{to}><query xmlns='urn:xmpp:mam:2' queryid='{id}'>\
                 <set xmlns='http://jabber.org/protocol/rsm'><max>50</max>{after_part}</set></query></iq>"
            ))
            .await?;
            let last = loop {
                let frame = self.within(10, &id).await?;
                if frame.contains("<fin") {
                    break frame;
                }
                out.push(frame);
            };
            if last.contains("complete='true'") {
                return Some(out);
            }
            last.split("<last>").nth(1)?.split('<').next()?.clone_into(&mut after);
        }
    }
}

/// A TCP way to the server that can be cut, or go silent.
pub struct Wire {
    pub port: u16,
    state: Arc<watch::Sender<(u64, bool)>>,
}

impl Wire {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(watch::channel((0, true)).0);
        let own = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = own.subscribe();
                if !cut.borrow_and_update().1 {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { port, state }
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.0 += 1);
    }

    /// Cuts every connection and lets none through, or again some.
    pub fn open(&self, open: bool) {
        self.state.send_modify(|state| *state = (state.0 + 1, open));
    }
}
