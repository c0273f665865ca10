//! Every body that the connector sends, of all shapes of answers, against the vendor's own types: TypeScript's
//! with its check for fields that nobody knows.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::slack::Slack;
use nocbot::metrics::Board;
use nocbot::store::Store;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::clients::installed;
use super::settings;
use crate::chat::shared::stub::Stub;
use crate::chat::slack::fake::{Refuse, start};

/// Asks for every shape of answer in every way, with and without what a workspace may refuse.
async fn corpus() -> Vec<(String, Map<String, Value>)> {
    let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_test_writer().try_init();
    let running = start().await;
    let slack = &running.slack;
    let (board, stop) = (Arc::new(Board::default()), CancellationToken::new());
    let connector = Arc::new(Slack::new(settings(&running, &[]), Arc::clone(&board))) as Arc<dyn Connector>;
    let store = Store::in_memory().unwrap();
    let talking = chats::run(vec![connector], Stub::new() as _, store, Arc::clone(&board), stop.clone());
    slack.until("link", 10, |slack| (slack.links() > 0).then_some(())).await;
    let delivered = async |questions: u64| {
        let end = tokio::time::Instant::now() + Duration::from_secs(20);
        while board.links().get("slack").is_none_or(|link| link.open > 0 || link.questions < questions) {
            assert!(tokio::time::Instant::now() < end, "{:#?}; faults: {:?}", board.links(), slack.faults());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let texts = [
        "vrf r1",
        "bgp all",
        "evil r1",
        "big 220",
        "wide 90",
        "partial r1",
        "vrf",
        "many",
        "unknown",
        "help",
    ];
    let mut questions = 0;
    for refuse in [Refuse::Nothing, Refuse::Tables, Refuse::Blocks, Refuse::Messages] {
        slack.refuse(refuse);
        for text in texts {
            slack.mention("U1", "C1", text);
            slack.direct("U1", text);
            slack.command("U1", "C1", text);
            slack.command("U1", "CNOT", text);
            questions += 4;
        }
        delivered(questions).await;
    }
    slack.refuse(Refuse::Nothing);
    slack.mention("U1", "C1", "slow 3");
    delivered(questions + 1).await;
    assert_eq!(slack.faults(), Vec::<String>::new());
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), talking.stopped()).await.expect("it does not end");
    slack.bodies()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_has_the_vendors_types() {
    let corpus = corpus().await;
    let count = |method: &str| corpus.iter().filter(|(name, _)| name == method).count();
    for method in [
        "chat.postMessage",
        "chat.postEphemeral",
        "chat.update",
        "files.completeUploadExternal",
        "response_url",
    ] {
        assert!(count(method) > 0, "{method} is not in the corpus");
    }
    let all = corpus.iter().map(|(_, body)| Value::Object(body.clone()).to_string()).collect::<String>();
    for part in ["\"table\"", "rich_text_preformatted", "static_select", "\"button\"", "\"blocks\":[]"] {
        assert!(all.contains(part), "{part} is not in the corpus");
    }
    let Some(node) = installed("NOCBOT_SLACK_NODE") else { return };
    let directory = tempfile::tempdir_in(&node).unwrap();
    let mut source = String::from(
        "import type { KnownBlock, MessageMetadata } from '@slack/types';\n\
         import type { ChatPostMessageArguments, ChatPostEphemeralArguments, ChatUpdateArguments, \
         FilesCompleteUploadExternalArguments } from '@slack/web-api';\n\
         type Post = { channel: string; text: string; blocks: KnownBlock[]; thread_ts?: string; unfurl_links?: boolean; \
         unfurl_media?: boolean; metadata?: MessageMetadata };\n\
         type Private = { channel: string; user: string; text: string; blocks: KnownBlock[]; thread_ts?: string };\n\
         type Update = { channel: string; ts: string; text: string; blocks: KnownBlock[] };\n\
         type Respond = { response_type: 'ephemeral' | 'in_channel'; replace_original: boolean; text: string; \
         blocks: KnownBlock[] };\n\
         type File = { files: [{ id: string; title: string }]; channel_id: string; thread_ts: string; initial_comment?: string };\n\
         // Ours are within theirs.\n\
         export const post = (body: Post): ChatPostMessageArguments => body;\n\
         export const privately = (body: Private): ChatPostEphemeralArguments => body;\n\
         export const update = (body: Update): ChatUpdateArguments => body;\n\
         export const file = (body: File): FilesCompleteUploadExternalArguments => body;\n",
    );
    for (number, (method, body)) in corpus.iter().enumerate() {
        let kind = match method.as_str() {
            "chat.postMessage" => "Post",
            "chat.postEphemeral" => "Private",
            "chat.update" => "Update",
            "files.completeUploadExternal" => "File",
            "response_url" => "Respond",
            _ => continue,
        };
        let mut body = Value::Object(body.clone());
        if kind == "File" && body["thread_ts"].is_null() {
            body["thread_ts"] = "1.1".into();
        }
        let _ = writeln!(source, "export const b{number}: {kind} = {body};");
    }
    // What the types do not know must be found, or the check is worth nothing.
    source.push_str(
        "// @ts-expect-error\nexport const w1: KnownBlock = { type: 'divider', colour: 1 };\n\
         // @ts-expect-error\nexport const w2: KnownBlock = { type: 'table', rows: [[{ type: 'raw_text' }]] };\n",
    );
    std::fs::write(directory.path().join("corpus.ts"), source).unwrap();
    let output = Command::new("node")
        .arg(node.join("node_modules/typescript/bin/tsc"))
        .args([
            "--strict",
            "--noEmit",
            "--skipLibCheck",
            "--module",
            "nodenext",
            "--target",
            "es2022",
            "corpus.ts",
        ])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
