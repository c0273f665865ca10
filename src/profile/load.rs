//! Reads the platforms' files: `extends` is filled in on the trees, so that every error still stands
//! in the file that holds the mistake; then each tree becomes a [`Platform`].

mod extend;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{
    Enable, JsonRpc, Level, LoginPrompts, Pager, Pattern, Platform, Prompt, Rejection, Samples, SessionKind,
    ShowGate, Source,
};
use crate::error::Error;
use crate::text::did_you_mean;
use crate::verb::{ArgumentType, Verb};
use crate::yaml::Node;
use crate::yang::Path;

/// What a platform's file may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The verbs by name.
    pub verbs: &'a BTreeMap<String, Arc<Verb>>,
    /// The verbs that have a file, also where it did not load.
    pub verb_files: &'a BTreeSet<String>,
    /// The parsers by `<platform>/<command_words>`.
    pub parsers: &'a BTreeSet<String>,
}

/// A platform's file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    platform: String,
    title: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default, rename = "extends")]
    _extends: Option<String>,
    #[serde(default)]
    ssh: Option<RawSsh>,
    #[serde(default)]
    prompts: Vec<RawPrompt>,
    login: Option<RawLogin>,
    enable: Option<RawEnable>,
    #[serde(default)]
    open: Vec<String>,
    close: Option<String>,
    #[serde(default)]
    pagers: Vec<RawPager>,
    #[serde(default)]
    rejected: Vec<RawRejection>,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    show: Option<RawShow>,
    jsonrpc: Option<RawJsonRpc>,
    #[serde(default)]
    paths: BTreeMap<String, String>,
    #[serde(default, rename = "verbs")]
    _verbs: Option<IgnoredAny>,
    #[serde(default)]
    samples: Option<Samples>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSsh {
    port: Option<u16>,
    level: Option<Level>,
    session: Option<SessionKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrompt {
    mode: String,
    pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLogin {
    user: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnable {
    from: String,
    to: String,
    command: String,
    ask: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPager {
    pattern: String,
    answer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRejection {
    pattern: String,
    meaning: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShow {
    prefix: Option<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJsonRpc {
    path: String,
    content_type: Option<String>,
    body: String,
    result: String,
}

/// A platform and what it was read from.
#[derive(Debug)]
pub struct Loaded {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Its own name, then the names of what it extends, nearest first.
    pub family: Vec<String>,
    /// Its tree with `extends` filled in, for the places of what is found out later.
    pub node: Node,
}

/// Reads all platforms; `files` are the trees by their names without `.yaml`. Errors are added to
/// `errors`, and a platform with one is left out.
pub fn load(files: &BTreeMap<String, Node>, known: Known<'_>, errors: &mut Vec<Error>) -> Vec<Loaded> {
    let mut platforms = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (stem, own) in files {
        let before = errors.len();
        let Some(family) = extend::family(stem, files, errors) else { continue };
        let node = extend::merged(own, &family);
        let raw: Raw = match node.decode() {
            Ok(raw) => raw,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let lineage: Vec<&str> = family.iter().map(|(name, _)| *name).collect();
        let platform = Reader { node: &node, lineage: &lineage, known, errors }.platform(stem, raw);
        claim(&node, &platform, &mut names, errors);
        if errors.len() == before {
            let family = lineage.into_iter().map(str::to_owned).collect();
            platforms.push(Loaded { platform: Arc::new(platform), family, node });
        }
    }
    platforms
}

/// Every name and alias stands for one platform, in any case.
fn claim(node: &Node, platform: &Platform, names: &mut BTreeMap<String, String>, errors: &mut Vec<Error>) {
    let own = std::iter::once((&platform.name, node.nearest(&["platform"])));
    let aliases = platform.aliases.iter().enumerate();
    let aliases = aliases.map(|(index, alias)| (alias, node.nearest(&["aliases", &index.to_string()])));
    for (name, place) in own.chain(aliases) {
        if let Some(other) = names.insert(name.to_ascii_lowercase(), platform.name.clone()) {
            errors.push(place.error(format!("`{name}` stands for the platform {other} already")));
        }
    }
}

/// Reads one platform's merged tree.
struct Reader<'a> {
    node: &'a Node,
    /// The platform itself, then what it extends: where its parsers are looked for.
    lineage: &'a [&'a str],
    known: Known<'a>,
    errors: &'a mut Vec<Error>,
}

impl Reader<'_> {
    fn platform(&mut self, stem: &str, raw: Raw) -> Platform {
        if raw.platform != stem {
            let error = format!("the file is {stem}.yaml but its platform is {}", raw.platform);
            self.wrong(&["platform"], error);
        }
        let ssh = raw.ssh.unwrap_or_default();
        let session = ssh.session.unwrap_or_default();
        let modes: BTreeSet<String> = raw.prompts.iter().map(|prompt| prompt.mode.clone()).collect();
        let prompts = self.prompts(raw.prompts);
        if modes.is_empty() && session == SessionKind::Shell {
            self.wrong(&["prompts"], "a platform with shell sessions needs `prompts`".to_owned());
        }
        let login = raw.login.and_then(|login| {
            let user = self.regex(&["login", "user"], &login.user, false)?;
            let password = self.regex(&["login", "password"], &login.password, false)?;
            Some(LoginPrompts { user, password })
        });
        let enable = raw.enable.map(|enable| self.enable(enable, &modes));
        for (index, line) in raw.open.iter().chain(&raw.close).enumerate() {
            if line.contains(char::is_control) {
                self.wrong(&["open", &index.to_string()], "a line holds a control character".to_owned());
            }
        }
        Platform {
            title: raw.title.unwrap_or_else(|| raw.platform.clone()),
            name: raw.platform,
            aliases: raw.aliases,
            port: ssh.port.unwrap_or(22),
            level: ssh.level.unwrap_or_default(),
            session,
            prompts,
            login,
            enable: enable.flatten(),
            open: raw.open,
            close: raw.close,
            pagers: self.pagers(raw.pagers),
            rejections: self.rejections(raw.rejected),
            secrets: self.secrets(&raw.secrets),
            show: self.show(raw.show.unwrap_or_default()),
            jsonrpc: raw.jsonrpc.and_then(|jsonrpc| self.jsonrpc(jsonrpc)),
            paths: self.paths(&raw.paths),
            verbs: self.verbs(),
            samples: raw.samples.unwrap_or_default(),
        }
    }

    fn prompts(&mut self, raw: Vec<RawPrompt>) -> Vec<Prompt> {
        let mut prompts = Vec::new();
        for (index, prompt) in raw.into_iter().enumerate() {
            let at = index.to_string();
            // A prompt is the whole line, also where the pattern forgot its anchors.
            if let Some(pattern) = self.regex(&["prompts", &at, "pattern"], &prompt.pattern, true) {
                prompts.push(Prompt { mode: prompt.mode, pattern });
            }
        }
        prompts
    }

    fn enable(&mut self, raw: RawEnable, modes: &BTreeSet<String>) -> Option<Enable> {
        for (key, mode) in [("from", &raw.from), ("to", &raw.to)] {
            if !modes.contains(mode) {
                self.wrong(&["enable", key], format!("no prompt has the mode `{mode}`"));
            }
        }
        let ask = self.regex(&["enable", "ask"], &raw.ask, false)?;
        Some(Enable { from: raw.from, to: raw.to, command: raw.command, ask })
    }

    fn pagers(&mut self, raw: Vec<RawPager>) -> Vec<Pager> {
        let mut pagers = Vec::new();
        for (index, pager) in raw.into_iter().enumerate() {
            let at = index.to_string();
            if let Some(pattern) = self.regex(&["pagers", &at, "pattern"], &pager.pattern, false) {
                pagers.push(Pager { pattern, answer: pager.answer });
            }
        }
        pagers
    }

    fn rejections(&mut self, raw: Vec<RawRejection>) -> Vec<Rejection> {
        let mut rejections = Vec::new();
        for (index, rejection) in raw.into_iter().enumerate() {
            let at = index.to_string();
            if let Some(pattern) = self.regex(&["rejected", &at, "pattern"], &rejection.pattern, false) {
                rejections.push(Rejection { pattern, meaning: rejection.meaning });
            }
        }
        rejections
    }

    fn secrets(&mut self, raw: &[String]) -> Vec<Pattern> {
        let mut secrets = Vec::new();
        for (index, pattern) in raw.iter().enumerate() {
            let at = index.to_string();
            // Devices mix case, and each line of an output is one to the patterns' anchors.
            let Some(pattern) = self.regex(&["secrets", &at], &format!("(?im){pattern}"), false) else {
                continue;
            };
            let groups = |pattern: &Pattern| pattern.regex().map_or(0, regex::Regex::captures_len);
            if !self.is_built_in() && groups(&pattern) < 2 {
                self.wrong(&["secrets", &at], "the pattern has no group around the secret".to_owned());
            }
            secrets.push(pattern);
        }
        secrets
    }

    fn show(&mut self, raw: RawShow) -> ShowGate {
        for (index, word) in raw.words.iter().enumerate() {
            let good = |letter: char| letter.is_ascii_graphic() && !letter.is_ascii_uppercase();
            if word.is_empty() || !word.chars().all(good) {
                let error = format!("`{word}` is not one lower-case word");
                self.wrong(&["show", "words", &index.to_string()], error);
            }
        }
        let first = raw.prefix.as_deref().and_then(|prefix| prefix.split(' ').next());
        if first.is_some_and(|first| !raw.words.iter().any(|word| word == first)) {
            self.wrong(&["show", "prefix"], "the prefix's first word is none of `words`".to_owned());
        }
        let mut deny = Vec::new();
        for (index, pattern) in raw.deny.iter().enumerate() {
            // A device takes its words in any case, so a refusal must hold in any case.
            let pattern = format!("(?i){pattern}");
            deny.extend(self.regex(&["show", "deny", &index.to_string()], &pattern, false));
        }
        ShowGate { prefix: raw.prefix, words: raw.words, deny }
    }

    fn jsonrpc(&mut self, raw: RawJsonRpc) -> Option<JsonRpc> {
        if !raw.path.starts_with('/') {
            self.wrong(&["jsonrpc", "path"], format!("`{}` does not begin with `/`", raw.path));
        }
        let body = match serde_json::from_str(&raw.body) {
            Ok(body) if raw.body.contains("{command}") => body,
            Ok(_) => {
                self.wrong(&["jsonrpc", "body"], "`{command}` does not stand in the body".to_owned());
                return None;
            }
            Err(error) => {
                self.wrong(&["jsonrpc", "body"], format!("the body is no JSON: {error}"));
                return None;
            }
        };
        let result = raw.result.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let content_type = raw.content_type.unwrap_or_else(|| "application/json".to_owned());
        Some(JsonRpc { path: raw.path, content_type, body, result })
    }

    fn paths(&mut self, raw: &BTreeMap<String, String>) -> BTreeMap<String, Path> {
        let mut paths = BTreeMap::new();
        for (name, text) in raw {
            if name.contains([':', '/', ' ']) {
                self.wrong(&["paths", name], format!("`{name}` looks like a path; a name is one word"));
            }
            match Path::parse(text) {
                Ok(path) => {
                    paths.insert(name.clone(), path);
                }
                Err(error) => self.errors.push(self.node.nearest(&["paths", name]).place_error(error)),
            }
        }
        paths
    }

    fn verbs(&mut self) -> BTreeMap<String, Vec<Source>> {
        let mut verbs = BTreeMap::new();
        let Some(node) = self.node.get("verbs") else { return verbs };
        let entries = match node.entries("`verbs`") {
            Ok(entries) => entries,
            Err(error) => {
                self.errors.push(error);
                return verbs;
            }
        };
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            let Some(verb) = self.known.verbs.get(name) else {
                if self.known.verb_files.contains(name) {
                    continue;
                }
                let error = key.error(format!("there is no verb `{name}`"));
                self.errors.push(match did_you_mean(name, self.known.verbs.keys().map(String::as_str)) {
                    Some(hint) => error.hint(hint),
                    None => error.hint(format!("add device-profiles/verbs/{name}.yaml first")),
                });
                continue;
            };
            if verb.arguments.iter().any(|argument| argument.kind == ArgumentType::Line) {
                self.errors
                    .push(key.error(format!("the verb `{name}` takes any command and has no sources")));
                continue;
            }
            if verb.asks.is_some() {
                self.errors.push(key.error(format!("the verb `{name}` needs no sources")));
                continue;
            }
            match value.items("the sources of a verb") {
                Ok(items) => {
                    let sources = items.iter().filter_map(|item| self.source(item, verb)).collect();
                    verbs.insert(name.to_owned(), sources);
                }
                Err(error) => self.errors.push(error),
            }
        }
        verbs
    }

    fn regex(&mut self, path: &[&str], pattern: &str, whole: bool) -> Option<Pattern> {
        let anchored = if whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
        if self.is_built_in() {
            return Some(Pattern::trusted(&anchored));
        }
        // An unpaired parenthesis may be paired with one of ours.
        let found = Pattern::new(pattern).and_then(|_| Pattern::new(&anchored));
        match found {
            Ok(regex) if regex.is_match("") => {
                self.wrong(path, "the pattern matches an empty line".to_owned());
                None
            }
            Ok(regex) => Some(regex),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let wrong = self.node.nearest(path).error(format!("the pattern is wrong: {reason}"));
                self.errors.push(match error {
                    regex::Error::CompiledTooBig(_) => {
                        wrong.hint("a count such as {1,255} of `\\w` is large: use `+`, or `[A-Za-z0-9_]`")
                    }
                    _ => wrong,
                });
                None
            }
        }
    }

    /// Whether the file is one of those in the binary.
    fn is_built_in(&self) -> bool {
        self.node.source().starts_with("built-in:")
    }

    fn wrong(&mut self, path: &[&str], message: String) {
        self.errors.push(self.node.nearest(path).error(message));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
