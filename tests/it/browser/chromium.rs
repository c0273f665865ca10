//! Chromium without a window, driven by its DevTools protocol.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(20);

/// Where Debian and others install it.
pub fn executable() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|file| file.is_file())
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A browser with one page; its process ends with the value.
pub struct Browser {
    process: Child,
    _profile: tempfile::TempDir,
    out: mpsc::UnboundedSender<Message>,
    waiting: Waiting,
    next: AtomicU64,
    session: String,
    /// Complaints of the page: exceptions, console errors, violations of its policy.
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the browser said on its way out, kept for the complaint when it does not start.
async fn endpoint(profile: &Path, process: &mut Child) -> String {
    let file = profile.join("DevToolsActivePort");
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Ok(text) = std::fs::read_to_string(&file)
            && let Some((port, path)) = text.split_once('\n')
        {
            return format!("ws://127.0.0.1:{port}{}", path.trim());
        }
        assert!(process.try_wait().unwrap().is_none(), "chromium ended at once");
        sleep(Duration::from_millis(50)).await;
    }
    panic!("chromium did not start within {PATIENCE:?}");
}

impl Browser {
    pub async fn start(executable: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new(executable)
            .args(["--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"])
            // A container has neither user namespaces for the sandbox nor much of /dev/shm.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = endpoint(profile.path(), &mut process).await;
        let (socket, _) = connect_async(&url).await.unwrap();
        let (mut sink, mut stream) = socket.split();
        let (out, mut queue) = mpsc::unbounded_channel::<Message>();
        tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        let waiting: Waiting = Arc::default();
        let complaints: Arc<Mutex<Vec<String>>> = Arc::default();
        tokio::spawn({
            let (waiting, complaints) = (Arc::clone(&waiting), Arc::clone(&complaints));
            async move {
                while let Some(Ok(message)) = stream.next().await {
                    let Ok(text) = message.to_text() else { continue };
                    let Ok(event) = serde_json::from_str::<Value>(text) else { continue };
                    if let Some(id) = event["id"].as_u64() {
                        if let Some(waiter) = waiting.lock().unwrap().remove(&id) {
                            let _ = waiter.send(event);
                        }
                    } else if let Some(complaint) = complaint(&event) {
                        complaints.lock().unwrap().push(complaint);
                    }
                }
            }
        });
        let mut browser = Self {
            process,
            _profile: profile,
            out,
            waiting,
            next: AtomicU64::new(1),
            session: String::new(),
            complaints,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method of the protocol on the page.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, tell);
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.out.send(Message::text(message.to_string())).unwrap();
        let mut reply =
            timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{method}: no reply")).unwrap();
        assert!(reply["error"].is_null(), "{method}: {}", reply["error"]);
        reply["result"].take()
    }

    /// The value of an expression in the page; a promise is waited for.
    pub async fn eval(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut result = self.call("Runtime.evaluate", params).await;
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    /// Waits until an expression is truthy, and gives its value.
    pub async fn until(&self, expression: &str) -> Value {
        let since = Instant::now();
        loop {
            let value = self.eval(expression).await;
            if !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) && value != json!("") {
                return value;
            }
            if since.elapsed() > PATIENCE {
                let page = self.eval("document.body.innerText.slice(0, 2000)").await;
                panic!("never true: {expression}\ncomplaints: {:?}\npage: {page}", self.complaints());
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn open(&self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete' && location.protocol === 'http:'").await;
    }

    /// The size of the screen in CSS pixels, at two device pixels each.
    pub async fn screen(&self, width: u32, height: u32) {
        let phone = width < 600;
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", params).await;
        let touch = json!({"enabled": phone, "maxTouchPoints": if phone { 5 } else { 1 }});
        self.call("Emulation.setTouchEmulationEnabled", touch).await;
    }

    /// `dark` or `light`.
    pub async fn scheme(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Types letters as a keyboard does.
    pub async fn type_text(&self, text: &str) {
        for letter in text.chars() {
            let params = json!({"type": "char", "text": letter});
            self.call("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Presses a key such as `Enter`, `Tab`, `ArrowUp`, `Escape`.
    pub async fn press(&self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            other => panic!("no key {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if key == "Enter" && kind == "keyDown" {
                params["text"] = "\r".into();
            }
            self.call("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Clicks the middle of the first element that matches, as a mouse does.
    pub async fn click(&self, selector: &str) {
        let find = format!(
            "(() => {{ const element = document.querySelector({selector:?}); if (!element) return null; \
             element.scrollIntoView({{block: 'nearest'}}); const box = element.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let place = self.until(&find).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let params =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", params).await;
        }
    }

    /// Cuts the page off the network, or joins it again.
    pub async fn offline(&self, offline: bool) {
        let params =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", params).await;
    }

    pub async fn screenshot(&self, file: &Path) {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }
}

/// What a page should never have: an exception, an error in its console, a violation of its policy.
fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "warning" => {
            Some(params["args"].to_string())
        }
        "Log.entryAdded" if params["entry"]["source"] != "network" => {
            let level = &params["entry"]["level"];
            (level == "error" || level == "warning").then(|| params["entry"].to_string())
        }
        _ => None,
    }
}
