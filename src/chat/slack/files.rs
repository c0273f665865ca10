//! Files into a thread, and the look whether something of ours stands there already.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hyper::Method;
use serde_json::{Value, json};

use super::Slack;
use super::call::text;
use crate::answer::pages::File;
use crate::chat::link::{Ask, Trouble, put};
use crate::chat::{Asked, How};

/// Messages in one page of a look, and the most pages.
const PAGE: &str = "200";
const PAGES: usize = 10;
/// Uploads of unknown end that are remembered.
const UNSURE: usize = 1000;

/// Uploads whose end is not known.
#[derive(Debug)]
pub(super) struct Uploads {
    unsure: Mutex<BTreeSet<String>>,
    /// In seconds since 1970: what was asked before may have been answered by an earlier run.
    started: i64,
}

impl Uploads {
    pub(super) fn new() -> Self {
        Self { unsure: Mutex::default(), started: jiff::Timestamp::now().as_second() }
    }

    fn is_unsure(&self, tag: &str, asked: Option<&str>) -> bool {
        let seconds = asked.and_then(|ts| ts.split('.').next()?.parse::<i64>().ok());
        let earlier = seconds.is_some_and(|seconds| seconds < self.started);
        earlier || self.unsure.lock().unwrap_or_else(PoisonError::into_inner).contains(tag)
    }

    fn note(&self, tag: &str) {
        let mut unsure = self.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        if unsure.len() >= UNSURE {
            unsure.clear();
        }
        unsure.insert(tag.to_owned());
    }
}

impl Slack {
    /// Uploads a file into the thread of the question, with a line of text where there is one.
    pub(super) async fn upload(
        &self,
        to: &Asked,
        file: &File,
        tag: &str,
        comment: Option<&str>,
    ) -> Result<(), Trouble> {
        if self.uploads.is_unsure(tag, to.place.message.as_deref()) {
            match self.sent_before(to, tag).await {
                Ok(Some(_)) => return Ok(()),
                // Where nobody may look, a second file is better than none.
                Ok(None) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let length = file.text.len().to_string();
        let fields = [("filename", file.name.as_str()), ("length", length.as_str())];
        let place = self.read("files.getUploadURLExternal", &fields).await?;
        let (address, id) = (text(&place, "upload_url"), text(&place, "file_id"));
        let upload = Ask {
            method: Method::POST,
            path: address,
            body: Some(("application/octet-stream".into(), bytes::Bytes::from(file.text.clone()))),
            login: false,
            lane: "upload",
        };
        self.bot.call(upload).await?;
        let title = format!("{} {}", file.name, mark(tag));
        let mut body = json!({"files": [{"id": id, "title": title}], "channel_id": to.place.channel});
        if let Some(thread) = &to.place.thread {
            put(&mut body, "thread_ts", thread.as_str());
        }
        if let Some(comment) = comment {
            put(&mut body, "initial_comment", comment);
        }
        match self.write("files.completeUploadExternal", &body).await {
            Err(trouble) if trouble.is_ambiguous() => {
                self.uploads.note(tag);
                Err(trouble)
            }
            other => other.map(drop),
        }
    }

    /// A message of ours in the place of a question, by its tag: in its metadata, in the names of its
    /// blocks, in the title of its file.
    pub(super) async fn sent_before(&self, to: &Asked, tag: &str) -> Result<Option<String>, Trouble> {
        let (begins, mark) = (format!("{tag}."), mark(tag));
        let ours = |message: &&Value| {
            let noted = message.pointer("/metadata/event_payload/tag").and_then(Value::as_str);
            let block = message.pointer("/blocks/0/block_id").and_then(Value::as_str);
            let mut files = message.get("files").and_then(Value::as_array).into_iter().flatten();
            noted == Some(tag)
                || block.is_some_and(|block| block.starts_with(&begins))
                || files.any(|file| text(file, "title").ends_with(&mark))
        };
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut fields = vec![
                ("channel", to.place.channel.as_str()),
                ("include_all_metadata", "true"),
                ("limit", PAGE),
            ];
            if !cursor.is_empty() {
                fields.push(("cursor", &cursor));
            }
            let method = if let Some(thread) = &to.place.thread {
                fields.push(("ts", thread));
                // An answer never stands before its question. What a button hangs on is no question.
                if let Some(question) = to.place.message.as_deref().filter(|_| to.how != How::Button) {
                    fields.push(("oldest", question));
                }
                "conversations.replies"
            } else {
                "conversations.history"
            };
            let found = match self.read(method, &fields).await {
                Ok(found) => found,
                Err(trouble) => {
                    if matches!(trouble, Trouble::Refused(_)) {
                        self.blind_in(&to.place.channel);
                    }
                    return Err(trouble);
                }
            };
            let messages = found.get("messages").and_then(Value::as_array);
            if let Some(message) = messages.into_iter().flatten().find(ours) {
                return Ok(Some(text(message, "ts")));
            }
            let next = found.pointer("/response_metadata/next_cursor").and_then(Value::as_str);
            next.unwrap_or_default().clone_into(&mut cursor);
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }
}

/// What the title of a file ends with: enough of the tag to know it by.
fn mark(tag: &str) -> String {
    let tag = tag.strip_prefix("nb-").unwrap_or(tag);
    let (hash, part) = tag.split_once('-').unwrap_or((tag, ""));
    format!("#{}{part}", hash.get(..8).unwrap_or(hash))
}
