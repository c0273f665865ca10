//! Answers of all shapes, through the connectors, as the platforms get them: each one within the limits that
//! the stand-ins enforce, valid by the vendor's schema, and read back by parsers that nobody here wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use nocbot::answer::{Answer, Block, DeviceFailure, FileFormat, Status};
use nocbot::app::chats;
use nocbot::bot::{Incoming, Progress};
use nocbot::chat::link::Net;
use nocbot::chat::{Connector, Partner, mattermost, webex};
use nocbot::error::{Error, Failure, FailureKind};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use nocbot::table::{Column, Table, Type, Value as Cell};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::mattermost::fake as fake_mattermost;
use super::webex::fake as fake_webex;
use crate::chat::shared::kit::Kit;

/// Texts that mean something to one platform or the other.
const AWKWARD: [&str; 24] = [
    "a|b",
    "a\\|b",
    "\\",
    "NOC\\user",
    "*bold* _it_ ~~gone~~",
    "`code` ``two``",
    "```\nfence\n```",
    "@all @channel @here",
    "<@all> <@personEmail:a@b.example|Bob>",
    "<!channel> <script>alert(1)</script>",
    "[link](https://evil.example) ![x](http://y)",
    "&lt;b&gt; &amp; &#64;all",
    ":smile: 2001:db8:100::1",
    "# heading",
    "- list",
    "1. list",
    "$x$ $$y$$",
    "http://192.0.2.1/x www.example.com",
    "~town-square",
    "é ü ☃ 🚀 漢字",
    " padded ",
    "{{DATE(2026-11-21T12:00:00Z)}}",
    "",
    "--------",
];

fn rows(columns: &[(&str, Type)], rows: Vec<Vec<Cell>>) -> Table {
    let mut table = Table::new(columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect());
    for row in rows {
        table.push(row);
    }
    table
}

fn one(table: Table) -> Vec<Block> {
    vec![Block::Table { title: None, table }]
}

fn corpus() -> BTreeMap<String, Answer> {
    let text = |text: &str| Cell::text(text);
    let awkward = |question: &str| {
        let columns = [("device", Type::Text), ("what | it <is>", Type::Text), ("n", Type::Int)];
        let lines = AWKWARD.iter().enumerate().map(|(n, said)| vec![text("r1"), text(said), Cell::int(n)]);
        Answer { devices: 1, ..Answer::of(question, one(rows(&columns, lines.collect()))) }
    };
    let long = |question: &str, count: usize| {
        let columns =
            [("device", Type::Text), ("neighbor", Type::Ip), ("state", Type::State), ("up", Type::Duration)];
        let lines = (0..count).map(|n| {
            let neighbor = Cell::Ip(format!("192.0.2.{}", n % 250).parse().unwrap());
            vec![text(&format!("r{n}")), neighbor, text("Established"), Cell::int(n)]
        });
        Answer { devices: count, ..Answer::of(question, one(rows(&columns, lines.collect()))) }
    };
    let wide = |question: &str, count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("column{n}")).collect();
        let columns: Vec<(&str, Type)> = names.iter().map(|name| (name.as_str(), Type::Text)).collect();
        let lines = (0..12).map(|row| (0..count).map(|n| text(&format!("value {row}.{n}"))).collect());
        Answer { devices: 1, ..Answer::of(question, one(rows(&columns, lines.collect()))) }
    };
    let code = |question: &str, said: String| {
        let blocks = vec![Block::Code { title: "r1: show <x> *y* @all".into(), text: said }];
        Answer { devices: 1, ..Answer::of(question, blocks) }
    };
    let partial = |question: &str| {
        let failure = |message: &str| DeviceFailure {
            device: "r2".into(),
            failure: Failure::new(FailureKind::Timeout, message),
        };
        Answer {
            status: Status::Partial,
            failures: AWKWARD.iter().map(|said| failure(said)).collect(),
            notes: AWKWARD.iter().map(|said| (*said).to_owned()).collect(),
            ..long(question, 3)
        }
    };
    let refused = |question: &str| {
        let mut error = Error::question("`vrf` <@all> @all needs devices");
        for said in AWKWARD {
            error = error.hint(said);
        }
        Answer::refused(question, &error)
    };
    let said = |question: &str| {
        let blocks = AWKWARD.iter().map(|said| Block::Text { text: format!("{said}\n  {said}\n{said}") });
        Answer::of(question, blocks.collect())
    };
    let file = |question: &str, format| Answer { file: Some(format), ..long(question, 30) };
    let all = [
        awkward("awkward"),
        awkward("awkward @all `x` | *y*"),
        long("none", 0),
        long("single", 1),
        long("twenty", 20),
        long("ninety", 90),
        long("hundreds", 700),
        wide("six columns", 6),
        wide("seven columns", 7),
        wide("sixteen columns", 16),
        wide("thirty columns", 30),
        code("short code", "one line".into()),
        code("fences", AWKWARD.join("\n")),
        code("long code", "a line of `text`\n".repeat(900)),
        code("one long line", "x".repeat(30_000)),
        code("wide characters", "漢字🚀".repeat(4000)),
        partial("partial"),
        refused("refused"),
        refused("many"),
        said("said"),
        file("csv", FileFormat::Csv),
        file("json", FileFormat::Json),
        Answer { status: Status::Failed, blocks: Vec::new(), ..partial("failed") },
    ];
    all.into_iter().map(|answer| (answer.question.clone(), answer)).collect()
}

/// Answers from the corpus.
struct Corpus(BTreeMap<String, Answer>);

impl Partner for Corpus {
    fn answer(
        &self,
        incoming: Incoming,
        _: watch::Sender<Progress>,
        _: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(async move { self.0[&incoming.text].clone() })
    }

    fn understands(&self, _: &str) -> bool {
        true
    }

    fn is_heavy(&self, _: &str) -> bool {
        false
    }

    fn choices(&self, text: &str) -> Vec<String> {
        let count = if text == "many" { 8 } else { 3 };
        (0..count).map(|n| format!("vrf r{n}")).collect()
    }
}

fn net() -> Net {
    Net::new(None, None).unwrap()
}

/// The tables that a post for each question should show: header and cells.
fn expected(answer: &Answer) -> Vec<Vec<String>> {
    let clean = |text: String| text.replace(['\n', '\r'], " ").trim().to_owned();
    let mut out = Vec::new();
    for block in &answer.blocks {
        let Block::Table { table, .. } = block else { continue };
        let shown = table.without_empty_columns();
        if shown.columns.len() <= 16 {
            out.extend(shown.rows.iter().map(|row| row.iter().map(|cell| clean(cell.to_string())).collect()));
        }
    }
    out.truncate(if answer.file.is_some() { 10 } else { 200 });
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_is_valid_and_is_read_as_it_was_meant() {
    let corpus = Arc::new(Corpus(corpus()));
    let (mm, wx) = (fake_mattermost::start().await, fake_webex::start().await);
    mm.mattermost.may_whisper();
    let mattermost = mattermost::Settings {
        url: format!("http://{}", mm.server.address),
        token: SecretRef::Plain(Secret::new(fake_mattermost::TOKEN)),
        team: None,
        allow: Vec::new(),
        net: net(),
    };
    let webex = webex::Settings {
        api_url: format!("http://{}/v1", wx.server.address),
        wdm_url: Some(format!("http://{}/wdm/api/v1", wx.server.address)),
        u2c_url: None,
        token: SecretRef::Plain(Secret::new(fake_webex::TOKEN)),
        domains: Vec::new(),
        allow: Vec::new(),
        net: net(),
    };
    let board = Arc::new(Board::default());
    let connectors = vec![
        Arc::new(mattermost::Mattermost::new(mattermost, Arc::clone(&board))) as Arc<dyn Connector>,
        Arc::new(webex::Webex::new(webex, Arc::clone(&board))) as Arc<dyn Connector>,
    ];
    let stop = CancellationToken::new();
    let partner = Arc::clone(&corpus) as Arc<dyn Partner>;
    let talking =
        chats::run(connectors, partner, Store::in_memory().unwrap(), Arc::clone(&board), stop.clone());
    mm.mattermost.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    wx.webex.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    let mut roots = Vec::new();
    for question in corpus.0.keys() {
        roots.push((question, mm.mattermost.post("alice", "d1", question, &json!({}))));
        wx.webex.post(question, true);
        mm.mattermost.post("alice", "c1", &format!("@nocbot {question}"), &json!({}));
    }
    for name in ["mattermost", "webex"] {
        mm.mattermost
            .until("delivery", 30, |_| {
                let link = board.links()[name].clone();
                (link.open == 0 && link.questions >= corpus.0.len() as u64).then_some(())
            })
            .await;
        assert_eq!(board.links()[name].failed, 0);
    }
    assert_eq!((mm.mattermost.faults(), wx.webex.faults()), (Vec::new(), Vec::new()));

    let mut posts = Vec::new();
    let mut shown: Vec<(&String, Vec<usize>)> = Vec::new();
    for (question, root) in &roots {
        let thread = mm.mattermost.thread(root);
        let thread =
            thread.iter().filter_map(|post| post["message"].as_str().filter(|text| !text.is_empty()));
        let from = posts.len();
        posts.extend(thread.map(str::to_owned));
        shown.push((question, (from..posts.len()).collect()));
    }
    posts.extend(
        mm.mattermost.ephemeral().iter().map(|it| it["post"]["message"].as_str().unwrap().to_owned()),
    );
    let sent = wx.webex.posted();
    let attachments: Vec<Value> =
        sent.iter().filter_map(|message| message.pointer("/attachments/0/content").cloned()).collect();
    assert!(attachments.len() >= 8, "{}", attachments.len());
    crate::chat::schema::all_valid("adaptive-card-1.3.0.schema.json", &attachments);
    for message in &sent {
        let markdown = message["markdown"].as_str().unwrap_or_default();
        let outside: String = markdown.split("```").step_by(2).collect();
        assert!(!outside.contains('<') && markdown.matches("```").count() % 2 == 0, "{markdown}");
    }

    let Some(kit) = Kit::node("payloads.mjs", &[]) else { return };
    let read = kit.whole(&json!({"posts": posts, "attachments": attachments}));
    let mut cards = 0;
    for line in read.iter().filter(|line| line["card"].is_u64()) {
        assert_eq!(line["events"], json!([]), "{:#}", attachments[cards]);
        assert!(line["actions"].as_u64().unwrap() > 0);
        cards += 1;
    }
    assert_eq!(cards, attachments.len());
    assert!(read.iter().any(|line| line["inputs"] == json!(["ask"])));
    let posts_read: Vec<&Value> = read.iter().filter(|line| line["post"].is_u64()).collect();
    assert_eq!(posts_read.len(), posts.len());
    for line in &posts_read {
        let post = &posts[usize::try_from(line["post"].as_u64().unwrap()).unwrap()];
        let outside = line["outside"].as_str().unwrap();
        // An `@` with a blank of no width behind it calls nobody.
        let calls = outside.match_indices('@').any(|(at, _)| !outside[at + 1..].starts_with('\u{200b}'));
        assert!(!calls, "{outside}\n{post}");
        for kind in line["kinds"].as_array().unwrap() {
            let kind = kind.as_str().unwrap();
            assert!(["table", "paragraph", "code", "space"].contains(&kind), "{kind}\n{post}");
        }
    }
    for (question, numbers) in shown {
        let mut cells: Vec<Vec<String>> = Vec::new();
        for number in numbers {
            for table in posts_read[number]["tables"].as_array().unwrap() {
                for row in table["rows"].as_array().unwrap() {
                    assert_eq!(row.as_array().unwrap().len(), table["header"].as_array().unwrap().len());
                    let row = row.as_array().unwrap().iter();
                    cells.push(row.map(|cell| cell.as_str().unwrap().trim().to_owned()).collect());
                }
            }
        }
        assert_eq!(cells, expected(&corpus.0[question]), "{question}");
    }
    stop.cancel();
    talking.stopped().await;
}
