//! The XMPP connector against a real Prosody on loopback, with its own configuration and data.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use nocbot::app::Talking;
use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::xmpp::{Settings, Xmpp};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::stub::Stub;
use crate::support::left_out;

const ROOM: &str = "noc@conference.noc.test";

/// A server of its own; it ends with the value.
struct Prosody {
    directory: tempfile::TempDir,
    plain: u16,
    secure: u16,
    child: Option<Child>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Prosody {
    fn new() -> Option<Self> {
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
        let config = format!(
            r#"
run_as_root = true
pidfile = "{pid}"
data_path = "{data}"
log = {{ info = "{log}" }}
modules_enabled = {{ "roster", "saslauth", "websocket", "ping", "disco" }}
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
"#,
            pid = path("pid"),
            data = path("data"),
            log = path("log"),
            cert = path("cert.pem"),
            key = path("key.pem"),
        );
        std::fs::write(path("prosody.cfg.lua"), config).unwrap();
        for user in ["nocbot", "alice"] {
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

    fn start(&mut self) {
        let config = self.directory.path().join("prosody.cfg.lua");
        let child = Command::new("prosody")
            .args(["--config", &config.display().to_string(), "-F"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        for _ in 0..200 {
            let up = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            if up(self.plain) && up(self.secure) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        panic!("prosody does not listen: {log}");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn settings(&self, password: &str) -> Settings {
        let ca = self.directory.path().join("cert.pem");
        Settings {
            url: format!("wss://localhost:{}/xmpp-websocket", self.secure),
            jid: "nocbot@noc.test".into(),
            password: SecretRef::Plain(Secret::new(password)),
            rooms: vec![ROOM.into()],
            nick: "nocbot".into(),
            room_password: None,
            allow: Vec::new(),
            net: Net::new(Some(&ca), None).unwrap(),
        }
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A person with a client.
struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Person {
    async fn login(prosody: &Prosody, user: &str) -> Self {
        let mut request =
            format!("ws://localhost:{}/xmpp-websocket", prosody.plain).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "xmpp".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut person = Self { socket };
        let open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='noc.test' version='1.0'/>";
        person.send(open).await;
        person.until("mechanisms").await;
        let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0pw-of-it"));
        person
            .send(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"))
            .await;
        person.until("<success").await;
        person.send(open).await;
        person.until("xmpp-bind").await;
        person.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>").await;
        person.until("<jid>").await;
        person.send("<presence xmlns='jabber:client'/>").await;
        person
    }

    async fn enter(&mut self) {
        self.send(&format!(
            "<presence xmlns='jabber:client' to='{ROOM}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ))
        .await;
        self.until("code='110'").await;
    }

    async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text.to_owned())).await.unwrap();
    }

    async fn say(&mut self, to: &str, kind: &str, id: &str, body: &str) {
        self.send(&format!(
            "<message xmlns='jabber:client' to='{to}' type='{kind}' id='{id}'><body>{body}</body></message>"
        ))
        .await;
    }

    /// The next frame with this in it.
    async fn until(&mut self, part: &str) -> String {
        self.within(15, part).await.unwrap_or_else(|| panic!("no frame with {part}"))
    }

    async fn within(&mut self, seconds: u64, part: &str) -> Option<String> {
        let looking = async {
            loop {
                let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
                if text.contains(part) {
                    return text.to_string();
                }
            }
        };
        timeout(Duration::from_secs(seconds), looking).await.ok()
    }
}

struct Bot {
    stub: Arc<Stub>,
    board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

async fn connect(prosody: &Prosody) -> Bot {
    let board = Arc::new(Board::default());
    let connector =
        Arc::new(Xmpp::new(prosody.settings("pw-of-it"), Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let store = Store::in_memory().unwrap();
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    let bot = Bot { stub, board, stop, talking };
    bot.up().await;
    bot
}

impl Bot {
    async fn up(&self) {
        for _ in 0..600 {
            if self.board.healthy() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the link is not up: {:?}", self.board.links());
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_and_people_over_a_real_server() {
    let Some(mut prosody) = Prosody::new() else { return };
    let mut alice = Person::login(&prosody, "alice").await;
    // Said before the bot is there: it is delivered later, with a stamp, and is no question any more.
    alice.say("nocbot@noc.test", "chat", "old", "vrf old").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bot = connect(&prosody).await;
    alice.enter().await;
    alice.say("nocbot@noc.test", "chat", "m1", "vrf r1").await;
    let answer = alice.until("▸ vrf r1").await;
    assert!(
        answer.contains("neighbor")
            && answer.contains("```")
            && answer.contains("type: vrf r1 · vrf r1 | csv"),
        "{answer}"
    );
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, "alice@noc.test");

    alice.say(ROOM, "groupchat", "m2", "what a night").await;
    alice.say(ROOM, "groupchat", "m3", "vrf r2").await;
    alice.say(ROOM, "groupchat", "m4", "nocbot: bgp &lt;all&gt; | where a &lt; 5").await;
    let answer = alice.until("▸ bgp").await;
    assert!(
        answer.contains("type='groupchat'") && answer.contains(&format!("from='{ROOM}/nocbot'")),
        "{answer}"
    );
    // A wrong question is answered to the asker alone.
    alice.say(ROOM, "groupchat", "m5", "nocbot: unknown thing").await;
    let error = alice.until("no verb").await;
    assert!(error.contains("type='chat'"), "{error}");
    // The same stanza again is no second question.
    alice.say("nocbot@noc.test", "chat", "m1", "vrf r1").await;
    alice.say("nocbot@noc.test", "chat", "m6", "evil r1").await;
    let evil = alice.until("▸ evil").await;
    assert!(evil.contains("&lt;/body&gt;"), "{evil}");
    for (text, times) in [("vrf old", 0), ("vrf r1", 1), ("vrf r2", 0), ("what a night", 0)] {
        assert_eq!(bot.stub.times(text), times, "{text}");
    }

    prosody.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!bot.board.healthy());
    prosody.start();
    bot.up().await;
    let mut alice = Person::login(&prosody, "alice").await;
    alice.enter().await;
    alice.say(ROOM, "groupchat", "n1", "nocbot, arp r1").await;
    alice.until("▸ arp r1").await;
    alice.say("nocbot@noc.test", "chat", "n2", "mac r1").await;
    alice.until("▸ mac r1").await;
    assert_eq!(bot.board.links()["xmpp"].reconnects, 1);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_wrong() {
    let Some(prosody) = Prosody::new() else { return };
    let findings = Xmpp::new(prosody.settings("pw-of-it"), Arc::default()).check().await;
    assert!(findings.iter().all(|f| f.ok) && findings.iter().any(|f| f.what.contains(ROOM)), "{findings:?}");
    let findings = Xmpp::new(prosody.settings("wrong"), Arc::default()).check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("not-authorized")), "{findings:?}");
    let stranger = Settings { net: Net::new(None, None).unwrap(), ..prosody.settings("pw-of-it") };
    let findings = Xmpp::new(stranger, Arc::default()).check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("TLS")), "{findings:?}");
}
