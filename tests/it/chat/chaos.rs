//! A day of trouble in a minute: a thousand questions on three platforms at once, while links are cut, frozen
//! and refreshed, calls fail or are told to wait, and nocbot is killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::form::Fate;
use super::process::Nocbot;
use super::{fake_mattermost, fake_slack, fake_webex};
use crate::textfsm::dice::Dice;

const QUESTIONS: u32 = 1000;
/// Questions are asked for so long; then there is peace.
const TROUBLE: Duration = Duration::from_secs(45);
const KILLS: u32 = 4;

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

    /// Asks on one of the platforms; gives the key of its thread.
    fn ask(&self, dice: &mut Dice, number: usize) -> (&'static str, String) {
        let device = number % 3 + 1;
        let text = match dice.below(4) {
            0 => format!("vrf r{device}"),
            1 => format!("bgp r{device}"),
            2 => format!("route r{device} 10.255.0.{}", number % 6 + 1),
            _ => format!("version r{device}"),
        };
        let user = format!("U{}", number % 17);
        match dice.below(3) {
            0 if number.is_multiple_of(2) => ("slack", self.slack.slack.direct(&user, &text)),
            0 => ("slack", self.slack.slack.mention(&user, &format!("C{}", number % 5), &text)),
            1 => ("mattermost", self.mattermost.mattermost.ask(&format!("user{}", number % 17), "c1", &text)),
            _ => ("webex", self.webex.webex.post_as(&user, &text, number.is_multiple_of(2), None)),
        }
    }

    /// The answers in the thread of a question.
    fn answers(&self, (platform, key): &(&'static str, String)) -> usize {
        match *platform {
            "slack" => self.slack.slack.thread(key).len(),
            "mattermost" => self.mattermost.mattermost.thread(key).len(),
            _ => self.webex.webex.thread(key).len(),
        }
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

    let (started, mut asked, mut log) = (Instant::now(), Vec::new(), Vec::new());
    let (mut next_trouble, mut kills) = (Duration::from_secs(1), 0);
    let mut whole = BTreeSet::new();
    while asked.len() < QUESTIONS as usize {
        let now = started.elapsed();
        while asked.len() < QUESTIONS as usize
            && TROUBLE * u32::try_from(asked.len()).unwrap() / QUESTIONS <= now
        {
            asked.push(platforms.ask(&mut dice, asked.len()));
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

    let end = Instant::now() + Duration::from_mins(2);
    let missing = loop {
        let missing: Vec<_> = asked.iter().filter(|question| platforms.answers(question) == 0).collect();
        for platform in ["slack", "mattermost", "webex"] {
            if whole.insert(platform) {
                if missing.iter().any(|question| question.0 == platform) {
                    whole.remove(platform);
                } else {
                    log.push(format!(
                        "{:5.1} s: {platform}: everything is answered",
                        started.elapsed().as_secs_f64()
                    ));
                }
            }
        }
        if missing.is_empty() || Instant::now() > end {
            break missing;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // Whatever would come twice comes now.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let several: Vec<_> =
        asked.iter().filter(|q| platforms.answers(q) > 1).map(|q| (q, platforms.answers(q))).collect();
    let status = bot.get("/healthz").await;
    assert!(
        missing.is_empty() && several.is_empty(),
        "NOCBOT_SEED={seed}: {} without an answer: {missing:?}\n{} \
        with several: {several:?}\n{}\n{status}",
        missing.len(),
        several.len(),
        log.join("\n")
    );
    let mut each: BTreeMap<&str, usize> = BTreeMap::new();
    for (platform, _) in &asked {
        *each.entry(platform).or_default() += 1;
    }
    eprintln!("{each:?}\n{}\n{}", log.join("\n"), status.lines().last().unwrap_or_default());
    assert_eq!(platforms.slack.slack.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    assert_eq!(platforms.mattermost.mattermost.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    assert_eq!(platforms.webex.webex.faults(), Vec::<String>::new(), "NOCBOT_SEED={seed}");
    drop(bot);
}
