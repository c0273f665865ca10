//! jetconf, a RESTCONF server that checks everything against its YANG models, behind haproxy as a device
//! would have it: TLS, HTTP/2 and HTTP/1.1, a login. `tests/prepare` installs both.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::inventory::HttpsLogin;
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::{Depth, Restconf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::server::Authority;
use super::{File, device, get, request, secret};
use crate::support::left_out;

const MODELS: &str = "/usr/share/yuma/modules/ietf";

const LIBRARY: &str = r#"{"ietf-yang-library:modules-state": {"module-set-id": "1", "module": [
    {"name": "ietf-interfaces", "revision": "2014-05-08", "namespace": "urn:ietf:params:xml:ns:yang:ietf-interfaces", "conformance-type": "implement"},
    {"name": "iana-if-type", "revision": "2014-05-08", "namespace": "urn:ietf:params:xml:ns:yang:iana-if-type", "conformance-type": "implement"},
    {"name": "ietf-ip", "revision": "2014-06-16", "namespace": "urn:ietf:params:xml:ns:yang:ietf-ip", "conformance-type": "implement"},
    {"name": "ietf-yang-library", "revision": "2016-06-21", "namespace": "urn:ietf:params:xml:ns:yang:ietf-yang-library", "conformance-type": "implement"},
    {"name": "ietf-netconf-acm", "revision": "2018-02-14", "namespace": "urn:ietf:params:xml:ns:yang:ietf-netconf-acm", "conformance-type": "implement"},
    {"name": "ietf-yang-types", "revision": "2013-07-15", "namespace": "urn:ietf:params:xml:ns:yang:ietf-yang-types", "conformance-type": "import"},
    {"name": "ietf-inet-types", "revision": "2013-07-15", "namespace": "urn:ietf:params:xml:ns:yang:ietf-inet-types", "conformance-type": "import"}]}}"#;

const DATA: &str = r#"{"ietf-interfaces:interfaces": {"interface": [
    {"name": "eth1", "description": "<&> Zürich", "type": "iana-if-type:ethernetCsmacd", "enabled": true,
     "ietf-ip:ipv4": {"address": [{"ip": "192.0.2.1", "prefix-length": 24}]}},
    {"name": "Ethernet0/1, \"x\"", "type": "iana-if-type:ethernetCsmacd", "enabled": false}]}}"#;

/// Both processes; ended with the test.
struct Jetconf {
    port: u16,
    ca: String,
    folder: tempfile::TempDir,
    children: Vec<Child>,
}

impl Drop for Jetconf {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn python() -> Result<PathBuf, String> {
    let python = std::env::var_os("NOCBOT_JETCONF_PYTHON").map(PathBuf::from);
    let python = python.ok_or("jetconf (NOCBOT_JETCONF_PYTHON is not set; see tests/prepare)")?;
    for path in ["/usr/sbin/haproxy", MODELS] {
        if !Path::new(path).exists() {
            return Err(format!("jetconf: there is no {path} (Debian: apt install haproxy libyuma-base)"));
        }
    }
    Ok(python)
}

impl Jetconf {
    async fn start() -> Option<Self> {
        let python = python().map_err(|why| left_out(&why)).ok()?;
        let folder = tempfile::tempdir().unwrap();
        let listeners: Vec<TcpListener> =
            (0..2).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let (port, inner) = (ports[0], ports[1]);
        let authority = Authority::new();
        let signed = authority.sign(&["127.0.0.1"], 2100);
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("lab_backend")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("lab_backend/__init__.py", "");
        write(
            "lab_backend/usr_datastore.py",
            "from jetconf.data import JsonDatastore\nclass UserDatastore(JsonDatastore):\n    pass\n",
        );
        write("lab_backend/yang-library-data.json", LIBRARY);
        write("data.json", DATA);
        let here = folder.path().display();
        write(
            "jetconf.yaml",
            &format!(
                "GLOBAL: {{LOGFILE: '-', PIDFILE: {here}/pid, PERSISTENT_CHANGES: false, YANG_LIB_DIR: {MODELS}, \
                 DATA_JSON_FILE: {here}/data.json, BACKEND_PACKAGE: lab_backend}}\n\
                 HTTP_SERVER: {{DOC_ROOT: {here}, LISTEN_LOCALHOST_ONLY: true, PORT: {inner}, DISABLE_SSL: true, \
                 DBG_DISABLE_CERT: true}}\nNACM: {{ENABLED: false, ALLOWED_USERS: [test-user]}}\n"
            ),
        );
        write("server.pem", &format!("{}{}", signed.certificate.pem(), signed.key.serialize_pem()));
        write("haproxy.cfg", &proxy(&folder.path().display().to_string(), port, inner));
        let log = || std::fs::File::create(folder.path().join("log")).unwrap();
        let spawn = |command: &mut Command| {
            command
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .stdout(log())
                .stderr(log())
                .spawn()
                .unwrap()
        };
        let server = spawn(
            Command::new(python)
                .args(["-m", "jetconf", "-c", "jetconf.yaml"])
                .env("PYTHONPATH", folder.path()),
        );
        let front = spawn(Command::new("/usr/sbin/haproxy").args(["-db", "-f", "haproxy.cfg"]));
        let mut jetconf = Self { port, ca: authority.pem(), folder, children: vec![server, front] };
        for _ in 0..600 {
            if [port, inner].iter().all(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
                return Some(jetconf);
            }
            for child in &mut jetconf.children {
                assert!(child.try_wait().unwrap().is_none(), "it ended: {}", jetconf.folder_log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("jetconf or haproxy does not listen: {}", jetconf.folder_log());
    }
}

impl Jetconf {
    fn folder_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn login(&self, ca: &File) -> HttpsLogin {
        HttpsLogin {
            port: Some(self.port),
            username: Some("admin".to_owned()),
            password: secret("hunter2"),
            ca_file: ca.path(),
            ..HttpsLogin::default()
        }
    }
}

/// jetconf speaks a draft's media type and HTTP/2 only, and knows no host-meta: the proxy mends that.
fn proxy(folder: &str, port: u16, inner: u16) -> String {
    format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
         userlist people\n user admin insecure-password hunter2\n\
         frontend device\n bind 127.0.0.1:{port} ssl crt {folder}/server.pem alpn h2,http/1.1\n\
         http-request auth realm restconf unless {{ http_auth(people) }}\n\
         http-request return status 200 content-type application/xrd+xml string \
         \"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel='restconf' href='/restconf'/></XRD>\" \
         if {{ path /.well-known/host-meta }}\n\
         http-response replace-header Content-Type application/yang.api\\+json application/yang-data+json\n\
         default_backend jetconf\n\
         backend jetconf\n server j 127.0.0.1:{inner} proto h2\n"
    )
}

#[tokio::test]
async fn a_real_server_is_read() {
    let Some(jetconf) = Jetconf::start().await else { return };
    let ca = File::new(&jetconf.ca);
    let (restconf, device) = (Restconf::new(Settings::default()), device(jetconf.login(&ca)));
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();

    let all = get(&restconf, &device, "ietf-interfaces:interfaces").await.unwrap();
    assert_eq!(value(&all.text)["ietf-interfaces:interfaces"]["interface"][0]["description"], "<&> Zürich");
    assert!(!all.warm && all.notes.is_empty() && !all.nothing);

    let one = get(&restconf, &device, "ietf-interfaces:interfaces/interface[name='eth1']").await.unwrap();
    assert!(one.warm && one.text.contains("192.0.2.1") && !one.text.contains("Ethernet0"), "{}", one.text);
    let odd = "ietf-interfaces:interfaces/interface='Ethernet0/1, \"x\"'/enabled";
    let odd = get(&restconf, &device, odd).await.unwrap();
    assert!(odd.text.contains("false"), "{}", odd.text);

    let mut shallow = request(&device, "ietf-interfaces:interfaces");
    shallow.query.depth = Some(Depth::parse("1").unwrap());
    let shallow = restconf.get(shallow).await.unwrap();
    assert!(!shallow.text.contains("eth1"), "{}", shallow.text);

    let gone = get(&restconf, &device, "ietf-interfaces:interfaces/interface=eth9").await.unwrap();
    assert!(gone.nothing && gone.notes[0].contains("invalid-value"), "{gone:?}");

    let many = futures_util::future::join_all(
        (0..20).map(|_| get(&restconf, &device, "ietf-interfaces:interfaces")),
    );
    assert!(many.await.into_iter().all(|reply| reply.is_ok_and(|reply| reply.warm)), "over one connection");

    let wrong = HttpsLogin { password: secret("hunter3"), ..jetconf.login(&ca) };
    let failure = get(&Restconf::new(Settings::default()), &super::device(wrong), "m:a").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);

    let deadline = Instant::now() + Duration::from_secs(10);
    let found = restconf.capabilities(Arc::new(device), deadline, CancellationToken::new()).await;
    assert_eq!(found.map(|found| found.modules.len()).map_err(|failure| failure.message), Ok(7));
}
