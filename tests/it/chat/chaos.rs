//! A day of trouble in a minute: a thousand questions on three platforms at once, while links are cut, frozen
//! and refreshed, calls fail or are told to wait, and nocbot is killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::mattermost::fake as fake_mattermost;
use super::slack::fake as fake_slack;
use super::webex::fake as fake_webex;
use crate::chat::shared::form::Fate;
use crate::chat::shared::process::Nocbot;
use crate::textfsm::dice::Dice;

const QUESTIONS: u32 = 1000;
/// Questions are asked for so long; then there is peace.
const TROUBLE: Duration = Duration::from_secs(45);
const KILLS: u32 = 4;
const PLATFORMS: [&str; 3] = ["slack", "mattermost", "webex"];
/// Some answers are one message, some have a file beside it.
const TEXTS: [&str; 8] = [
    "vrf r1",
    "bgp r2",
    "route r3 10.255.0.1",
    "version r1",
    "vrf r3",
    "route r1 10.255.0.2",
    "interfaces all",
    "interfaces r1 | csv",
];

struct Platforms {
    slack: fake_slack::Running,
    mattermost: fake_mattermost::Running,
    webex: fake_webex::Running,
}

impl Platforms {
    async fn start() -> Self {
        Self {
            slack: fake_slack::start().await,
            mattermost: fake_mattermost::start().await,
            webex: fake_webex::start().await,
        }
    }

    fn config(&self) -> String {
        let webex = self.webex.server.address;
        format!(
            "store: nocbot.db\nchat:\n\
             \x20 slack: {{api_url: 'http://{}/api', bot_token: xoxb-1, app_token: xapp-1}}\n\
             \x20 mattermost: {{url: 'http://{}', token: {}}}\n\
             \x20 webex: {{api_url: 'http://{webex}/v1', u2c_url: 'http://{webex}/u2c/api/v1/catalog', token: {}}}\n",
            self.slack.server.address,
            self.mattermost.server.address,
            fake_mattermost::TOKEN,
            fake_webex::TOKEN
        )
    }

    fn ask(&self, platform: &'static str, number: usize, text: &str) -> Asked {
        let (user, even) = (format!("U{}", number % 17), number.is_multiple_of(2));
        let key = match platform {
            "slack" if even => self.slack.slack.direct(&user, text),
            "slack" => self.slack.slack.mention(&user, &format!("C{}", number % 5), text),
            "mattermost" => self.mattermost.mattermost.ask(&format!("user{}", number % 17), "c1", text),
            // In spaces a second copy is possible, as docs/chat/webex.md says; `killed.rs` has them.
            _ => self.webex.webex.post_as(&user, text, true, None),
        };
        Asked { platform, key, text: text.to_owned() }
    }

    /// How many messages and files stand in each thread.
    fn parts(&self) -> BTreeMap<String, usize> {
        let mut out = BTreeMap::new();
        let mut count = |messages: Vec<Value>, thread: &str| {
            for message in messages {
                if let Some(thread) = message[thread].as_str() {
                    *out.entry(thread.to_owned()).or_default() += 1;
                }
            }
        };
        count(self.slack.slack.messages(), "thread_ts");
        count(self.mattermost.mattermost.posts(), "root_id");
        count(self.webex.webex.posted(), "parentId");
        out
    }

    fn trouble(&self, dice: &mut Dice) -> &'static str {
        let (slack, mattermost, webex) = (&self.slack.slack, &self.mattermost.mattermost, &self.webex.webex);
        match dice.below(16) {
            0 => (slack.cut(), "slack: links cut"),
            1 => (slack.freeze(), "slack: links half-open"),
            2 => (slack.refresh("refresh_requested", Duration::from_millis(300)), "slack: refresh"),
            3 => (slack.fail("chat.postMessage", 3, 503), "slack: posts fail"),
            4 => (slack.fail("chat.postMessage", 1, 429), "slack: posts wait"),
            5 => (slack.fail("chat.postMessage", 2, 0), "slack: posts are taken, and then the line is cut"),
            6 => (slack.fail("apps.connections.open", 3, 503), "slack: no new links"),
            7 => (mattermost.cut(), "mattermost: links cut"),
            8 => (mattermost.forget(), "mattermost: the server starts again"),
            9 => (mattermost.plan("POST /posts", 3, Fate::Fails(503)), "mattermost: posts fail"),
            10 => {
                (mattermost.plan("POST /posts", 2, Fate::CutAfter), "mattermost: posts are taken, then a cut")
            }
            11 => (webex.cut(), "webex: links cut"),
            12 => (webex.stale_devices(), "webex: the device is gone"),
            13 => (
                webex.plan("POST /v1/messages", 2, Fate::FailsAfter(502)),
                "webex: posts are taken and denied",
            ),
            14 => (mattermost.half_open(), "mattermost: links half-open"),
            _ => (webex.plan("POST /v1/messages", 2, Fate::Limited(1)), "webex: posts wait"),
        }
        .1
    }
}

/// A question, and the thread of its answer.
#[derive(Debug)]
struct Asked {
    platform: &'static str,
    key: String,
    text: String,
}

/// Waits until each question has as many parts as `expected` says; gives those that have fewer.
async fn answered<'a>(
    platforms: &Platforms,
    asked: &'a [Asked],
    expected: impl Fn(&Asked) -> usize,
    log: &mut Vec<String>,
    started: Instant,
) -> Vec<&'a Asked> {
    let end = Instant::now() + Duration::from_mins(2);
    let mut whole = BTreeSet::new();
    loop {
        let parts = platforms.parts();
        let missing = |asked: &&Asked| parts.get(&asked.key).copied().unwrap_or(0) < expected(asked);
        let missing: Vec<_> = asked.iter().filter(missing).collect();
        for platform in PLATFORMS {
            if missing.iter().all(|asked| asked.platform != platform) && whole.insert(platform) {
                let at = started.elapsed().as_secs_f64();
                log.push(format!("{at:5.1} s: {platform}: everything is answered"));
            }
        }
        if missing.is_empty() || Instant::now() > end {
            return missing;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_questions_through_a_day_of_trouble_are_answered_once_each() {
    let (mut dice, seed) = Dice::fresh();
    let platforms = Platforms::start().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("nocbot.yaml"), platforms.config()).unwrap();
    let mut bot = Nocbot::start(directory.path());
    platforms.slack.slack.until("link", 20, |slack| (slack.links() > 0).then_some(())).await;
    platforms.mattermost.mattermost.until("link", 20, |it| (it.links() > 0).then_some(())).await;
    platforms.webex.webex.until("link", 20, |it| (it.links() > 0).then_some(())).await;

    // In peace, to see how many messages and files each answer has.
    let (started, mut log) = (Instant::now(), Vec::new());
    let each = PLATFORMS.iter().flat_map(|platform| TEXTS.map(|text| (*platform, text)));
    let peace: Vec<Asked> =
        each.enumerate().map(|(number, (platform, text))| platforms.ask(platform, number, text)).collect();
    assert!(answered(&platforms, &peace, |_| 1, &mut log, started).await.is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let parts = platforms.parts();
    let expected: BTreeMap<_, _> =
        peace.iter().map(|asked| ((asked.platform, asked.text.as_str()), parts[&asked.key])).collect();
    assert!(expected.values().any(|parts| *parts > 1), "{expected:?}");
    let expected = |asked: &Asked| expected[&(asked.platform, asked.text.as_str())];

    let (started, mut asked) = (Instant::now(), Vec::new());
    let (mut next_trouble, mut kills) = (Duration::from_secs(1), 0);
    while asked.len() < QUESTIONS as usize {
        let now = started.elapsed();
        while asked.len() < QUESTIONS as usize
            && TROUBLE * u32::try_from(asked.len()).unwrap() / QUESTIONS <= now
        {
            let platform = PLATFORMS[dice.below(PLATFORMS.len())];
            asked.push(platforms.ask(platform, asked.len(), dice.one(&TEXTS)));
        }
        if now > next_trouble {
            log.push(format!("{:5.1} s: {}", now.as_secs_f64(), platforms.trouble(&mut dice)));
            next_trouble += Duration::from_millis(300 + dice.below(900) as u64);
        }
        if kills < KILLS && now > TROUBLE * (kills + 1) / (KILLS + 1) {
            kills += 1;
            log.push(format!("{:5.1} s: killed", now.as_secs_f64()));
            drop(bot);
            bot = Nocbot::start(directory.path());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let missing = answered(&platforms, &asked, expected, &mut log, started).await;
    // Whatever would come twice comes now.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let parts = platforms.parts();
    let several: Vec<_> =
        asked.iter().filter(|asked| parts.get(&asked.key).is_some_and(|n| *n > expected(asked))).collect();
    let status = bot.get("/healthz").await;
    assert!(
        missing.is_empty() && several.is_empty(),
        "NOCBOT_SEED={seed}: {} without an answer: {missing:?}\n{} with more than one: {several:?}\n{}\n{status}",
        missing.len(),
        several.len(),
        log.join("\n")
    );
    eprintln!("{}\n{}", log.join("\n"), status.lines().last().unwrap_or_default());
    assert_eq!(platforms.slack.slack.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    assert_eq!(platforms.mattermost.mattermost.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    assert_eq!(platforms.webex.webex.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    drop(bot);
}
