//! Platform profiles: how one network operating system does things. One file of
//! `device-profiles/platforms/` each; this module holds the model, [`load`] reads the files.

mod ask;
mod line;
pub mod load;
mod mask;
mod pattern;

pub use crate::verb::Via;
pub use ask::{Ask, fill};
pub use line::{ArgumentRef, Attribute, CommandLine};
pub use pattern::Pattern;

pub use crate::config::Level;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::verb::{ArgumentValue, Arguments};
use crate::yang::Path;
use serde::{Deserialize, Serialize};

/// How commands are sent over SSH.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// One interactive shell on a PTY, prompts recognised by pattern.
    #[default]
    Shell,
    /// One `exec` request per command.
    Exec,
}

/// One platform, with everything inherited by `extends` filled in.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its name, as netmiko and ntc-templates spell it.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Every other name by which an inventory may call it.
    pub aliases: Vec<String>,
    /// The SSH port when the inventory has none.
    pub port: u16,
    /// The algorithm level when the inventory has none.
    pub level: Level,
    /// Shell or exec.
    pub session: SessionKind,
    /// The prompts, tried in order against the last line.
    pub prompts: Vec<Prompt>,
    /// The questions of a device that asks for the login once more in its shell.
    pub login: Option<LoginPrompts>,
    /// How to reach the privileged mode, where there is one.
    pub enable: Option<Enable>,
    /// Lines sent after login (pager off, width); a refusal of one is no failure.
    pub open: Vec<String>,
    /// The line that ends a session politely.
    pub close: Option<String>,
    /// Pagers to survive when the opening lines did not switch them off.
    pub pagers: Vec<Pager>,
    /// Lines by which the device says that it refused a command.
    pub rejections: Vec<Rejection>,
    /// What in an output is a secret: each group of a pattern is shown as `***`.
    pub secrets: Vec<Pattern>,
    /// The read-only gate of `show`.
    pub show: ShowGate,
    /// How commands are sent over JSON-RPC, where they can be.
    pub jsonrpc: Option<JsonRpc>,
    /// Names for paths to data of YANG models, for `get`.
    pub paths: BTreeMap<String, Path>,
    /// Per verb its sources, best first: of each way the first whose `when` holds is used.
    pub verbs: BTreeMap<String, Vec<Source>>,
    /// Real lines that keep the patterns above honest; `nocbot check` runs them.
    pub samples: Samples,
}

/// How commands are sent over JSON-RPC (2.0) on HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonRpc {
    /// The path of the resource that takes requests by POST.
    pub path: String,
    /// The body's media type.
    pub content_type: String,
    /// The request's body, JSON; the text `{command}` in it stands for the command.
    pub body: serde_json::Value,
    /// Where in the answer the command's document is: names and numbers.
    pub result: Vec<String>,
}

/// A prompt in one mode.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The mode's name (`user`, `privileged`, `config`).
    pub mode: String,
    /// Matches the whole prompt line, without trailing blanks.
    pub pattern: Pattern,
}

/// What a device asks in its shell although SSH has logged in already.
#[derive(Debug, Clone)]
pub struct LoginPrompts {
    /// Matches the question for the user's name.
    pub user: Pattern,
    /// Matches the question for the password.
    pub password: Pattern,
}

/// The way into the privileged mode.
#[derive(Debug, Clone)]
pub struct Enable {
    /// The mode it starts from.
    pub from: String,
    /// The mode it leads to.
    pub to: String,
    /// The line to send.
    pub command: String,
    /// Matches the question for the secret.
    pub ask: Pattern,
}

/// A pager's question.
#[derive(Debug, Clone)]
pub struct Pager {
    /// Matches the last line when the pager waits.
    pub pattern: Pattern,
    /// What to send to see the rest, without a newline.
    pub answer: String,
}

/// A line by which a device refuses a command.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// Matches a line of the output.
    pub pattern: Pattern,
    /// What it means in plain words.
    pub meaning: String,
}

/// What `show` may send to this platform.
#[derive(Debug, Clone, Default)]
pub struct ShowGate {
    /// Put before the words when the first one is not an allowed first word (`show`).
    pub prefix: Option<String>,
    /// The first words allowed; unique prefixes of them count.
    pub words: Vec<String>,
    /// Matches of these anywhere in the command are refused (`redirect`, `tee`, `tech-support`).
    pub deny: Vec<Pattern>,
}

/// One way to answer a verb on a platform.
#[derive(Debug, Clone)]
pub struct Source {
    /// What is asked.
    pub ask: Ask,
    /// The parser: `<platform>/<command_words>` in `parsers/`.
    pub parser: String,
    /// Verb column → where its cell comes from. A column that is not listed takes the parser's
    /// value of the same name, in any case, or stays null.
    pub columns: BTreeMap<String, Mapping>,
    /// Conditions on arguments: `name` or `name.attribute` → value. All must hold.
    pub when: BTreeMap<String, String>,
    /// The `int` argument that says how many seconds the command runs until Ctrl-C ends it: for commands
    /// that never end by themselves, such as a ping without a count.
    pub interrupt: Option<String>,
    /// Further commands whose rows are appended.
    pub also: Vec<Source>,
    /// Further commands that fill empty cells of rows with the same key; rows of theirs without such a
    /// row are dropped, and a failure of one is a note.
    pub join: Vec<Source>,
    /// What is asked instead, in order, where the device refuses the command or its answer is no document:
    /// releases that cannot print JSON.
    pub otherwise: Vec<Source>,
}

/// Where a verb's cell comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The parser's value.
    pub from: Option<String>,
    /// Words to replace, whole and in any case.
    pub map: BTreeMap<String, String>,
    /// Used when the parser's value is empty.
    pub default: Option<String>,
    /// Put behind a value that is a bare number (`ms`).
    pub unit: Option<String>,
}

impl Mapping {
    /// The parser's values that it takes: one by its name, or those in the braces of a text such as
    /// `{ADDRESS}/{LENGTH}`.
    pub fn values(&self) -> Vec<&str> {
        let from = self.from.as_deref().unwrap_or_default();
        if from.contains('{') {
            return from.split('{').skip(1).filter_map(|piece| Some(piece.split_once('}')?.0)).collect();
        }
        Some(from).filter(|from| !from.is_empty()).into_iter().collect()
    }
}

/// Real lines of a platform, its own tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Mode → prompts that must be recognised as that mode.
    #[serde(default)]
    pub prompts: BTreeMap<String, Vec<String>>,
    /// Lines that must not be taken for a prompt.
    #[serde(default)]
    pub not_prompts: Vec<String>,
    /// Lines that must be taken for a refusal.
    #[serde(default)]
    pub rejected: Vec<String>,
    /// Lines that must not be taken for a refusal.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// Pager lines.
    #[serde(default)]
    pub pagers: Vec<String>,
    /// Lines with secrets, and what is shown of them.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
}

impl Source {
    /// Every source in it: itself, what stands for it, then `also`, then `join`.
    pub fn all(&self) -> Vec<&Self> {
        let further = self.otherwise.iter().chain(&self.also).chain(&self.join);
        std::iter::once(self).chain(further.flat_map(Self::all)).collect()
    }

    /// Whether every condition of `when` holds: an argument that was not given is the empty text.
    pub fn applies(&self, arguments: &Arguments) -> bool {
        self.when.iter().all(|(name, wanted)| {
            let value = ArgumentRef::parse(name).ok().and_then(|argument| argument.value(arguments));
            value.unwrap_or_default().eq_ignore_ascii_case(wanted)
        })
    }
}

impl Source {
    /// When Ctrl-C is due: half a second before the next packet of a command that sends one a second.
    pub fn interrupt_after(&self, arguments: &Arguments) -> Option<Duration> {
        let seconds = match arguments.get(self.interrupt.as_ref()?)? {
            ArgumentValue::Int(seconds) => u64::try_from(*seconds).ok()?,
            _ => return None,
        };
        Some(Duration::from_secs(seconds).saturating_sub(Duration::from_millis(500)))
    }
}

impl Platform {
    /// The mode whose prompt `line` is, if it is one; trailing blanks are ignored.
    pub fn mode_of(&self, line: &str) -> Option<&str> {
        let line = line.trim_end();
        self.prompts.iter().find(|prompt| prompt.pattern.is_match(line)).map(|prompt| prompt.mode.as_str())
    }

    /// What a line of output means if it is a refusal.
    pub fn rejection(&self, line: &str) -> Option<&Rejection> {
        self.rejections.iter().find(|rejection| rejection.pattern.is_match(line))
    }
}

/// A shared platform.
pub type SharedPlatform = Arc<Platform>;
