//! The stand-in for Slack against the vendor's own clients: what it says they understand, and what they do
//! breaks none of its rules. `tests/reference/slack` installs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::chat::slack::fake::{Running, start};
use crate::support::left_out;

/// An app of the vendor's library before our stand-in.
struct Client {
    running: Running,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chat/clients").join(name)
}

/// What an environment variable of `tests/reference/slack` names.
pub fn installed(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        left_out("the vendor's clients for Slack: eval \"$(tests/reference/slack)\"");
    }
    found
}

impl Client {
    async fn start(mut command: Command) -> Self {
        let running = start().await;
        let mut child = command
            .env("SLACK_API_URL", format!("http://{}/api/", running.server.address))
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .env_remove("https_proxy")
            .env_remove("HTTPS_PROXY")
            .env_remove("ALL_PROXY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { running, child, lines, seen: Vec::new() }
    }

    /// The next thing of this sort that the client saw; what comes before it is kept.
    async fn saw(&mut self, what: &str) -> Value {
        if let Some(at) = self.seen.iter().position(|seen| seen["saw"] == what) {
            return self.seen.remove(at);
        }
        let looking = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the client ended");
                let Ok(seen) = serde_json::from_str::<Value>(&line) else { continue };
                if seen["saw"] == what {
                    return seen;
                }
                self.seen.push(seen);
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
        assert!(found.is_ok(), "no {what}; faults: {:?}; seen: {:?}", self.running.slack.faults(), self.seen);
        found.unwrap()
    }

    /// Everything that an app does, once.
    async fn everything(mut self, refresh: &str) {
        let slack = std::sync::Arc::clone(&self.running.slack);
        self.saw("connected").await;
        let ts = slack.mention("U1", "C1", "edit");
        let mention = self.saw("mention").await;
        assert_eq!((mention["text"].as_str(), mention["user"].as_str()), (Some("<@UBOT> edit"), Some("U1")));
        assert_eq!(mention["bot"], "UBOT");
        assert_eq!(self.saw("thread").await["texts"], serde_json::json!(["the question", "two"]));
        let answer = slack.answer(&ts).await;
        assert_eq!((answer["text"].as_str(), slack.edits()), (Some("two"), 1));
        assert_eq!(slack.ephemeral()[0]["text"], "psst");

        slack.press("U2", &answer, "again");
        let press = self.saw("press").await;
        assert_eq!((press["value"].as_str(), press["user"].as_str()), (Some("vrf r1"), Some("U2")));
        slack.until("answer to a press", 10, |slack| (slack.thread(&ts).len() == 2).then_some(())).await;

        slack.direct("U1", "a file, please");
        assert_eq!(self.saw("message").await["channel_type"], "im");
        self.saw("file").await;
        let file = slack.files()[0].clone();
        assert_eq!((file["name"].as_str(), file["text"].as_str()), (Some("x.csv"), Some("a,b\n1,2\n")));

        slack.command("U3", "C1", "vrf r1");
        assert_eq!(self.saw("command").await["text"], "vrf r1");
        let told = |text: &str| slack.ephemeral().iter().any(|message| message["text"] == text);
        slack
            .until("both answers to a command", 10, |_| (told("working") && told("done")).then_some(()))
            .await;

        slack.mention("U1", "C1", "wrong");
        assert_eq!(self.saw("refused").await["error"], "thread_not_found");
        let known = slack.faults().len();
        assert_eq!(known, 1, "{:?}", slack.faults());

        // Waits as long as it is told, and not a moment less.
        slack.fail("chat.postMessage", 1, 429);
        slack.retry_after("1");
        let ts = slack.mention("U1", "C1", "limited");
        slack.answer(&ts).await;

        slack.refresh(refresh, Duration::from_millis(500));
        slack
            .until("a link after the refresh", 30, |slack| {
                (slack.opened() == 2 && slack.links() == 1).then_some(())
            })
            .await;
        let ts = slack.mention("U1", "C1", "after the refresh");
        slack.answer(&ts).await;
        slack.cut();
        let ts = slack.mention("U1", "C1", "after the cut");
        slack.until("answer after a cut", 30, |slack| slack.thread(&ts).into_iter().next()).await;
        slack.until("confirmations", 10, |slack| (slack.unconfirmed() == 0).then_some(())).await;
        assert_eq!((slack.faults().len(), slack.lost()), (known, 0), "{:?}", slack.faults());
        assert!(slack.confirmed() >= 8);
        drop(self.child.stdin.take());
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bolt_for_python_is_at_home_with_our_stand_in() {
    let Some(python) = installed("NOCBOT_SLACK_PYTHON") else { return };
    let mut command = Command::new(python);
    command.arg(program("bolt_app.py"));
    Client::start(command).await.everything("refresh_requested").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bolt_for_node_is_at_home_with_our_stand_in() {
    let Some(node) = installed("NOCBOT_SLACK_NODE") else { return };
    let mut command = Command::new("node");
    command.env("NOCBOT_SLACK_NODE", node).arg(program("bolt_app.mjs"));
    Client::start(command).await.everything("warning").await;
}
