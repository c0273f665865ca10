//! `chat:` in `nocbot.yaml`: which platforms, and how each is reached.

use std::path::PathBuf;

use super::Reader;
use crate::secret::SecretRef;
use crate::yaml::Node;

/// Keys whose values are secrets: they are resolved when a link is opened.
pub(super) const SECRETS: [&str; 6] =
    ["token", "bot_token", "app_token", "config_token", "password", "room_password"];

/// The chat platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chat {
    /// Slack.
    pub slack: Option<Slack>,
    /// Mattermost.
    pub mattermost: Option<Mattermost>,
    /// Webex.
    pub webex: Option<Webex>,
    /// XMPP.
    pub xmpp: Option<Xmpp>,
}

impl Chat {
    /// Whether there is any platform.
    pub fn any(&self) -> bool {
        self.slack.is_some() || self.mattermost.is_some() || self.webex.is_some() || self.xmpp.is_some()
    }
}

/// How a platform is reached through the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Authorities besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// `http://[user:password@]host:port`.
    pub proxy: Option<SecretRef>,
}

/// Slack, by Socket Mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slack {
    /// The Web API.
    pub api_url: String,
    /// `xoxb-…`.
    pub bot_token: SecretRef,
    /// `xapp-…`.
    pub app_token: SecretRef,
    /// An app configuration token, for the check alone.
    pub config_token: Option<SecretRef>,
    /// Ids of people and user groups who may ask; everybody when empty.
    pub allow: Vec<String>,
    /// How to get there.
    pub way: Way,
}

/// Mattermost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mattermost {
    /// The server.
    pub url: String,
    /// A bot account's token.
    pub token: SecretRef,
    /// The team to serve; all of the bot's when none is named.
    pub team: Option<String>,
    /// Ids of people, channels and teams who may ask; everybody when empty.
    pub allow: Vec<String>,
    /// How to get there.
    pub way: Way,
}

/// Webex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webex {
    /// The REST API.
    pub api_url: String,
    /// Device registration; found by the catalog when not given.
    pub wdm_url: Option<String>,
    /// The catalog that names it; the platform's own when not given.
    pub u2c_url: Option<String>,
    /// A bot's token.
    pub token: SecretRef,
    /// Domains whose people may ask; with `allow` empty as well, everybody may.
    pub domains: Vec<String>,
    /// Ids of people and spaces who may ask, of whatever domain.
    pub allow: Vec<String>,
    /// How to get there.
    pub way: Way,
}

/// XMPP over WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xmpp {
    /// The WebSocket.
    pub url: String,
    /// Our address.
    pub jid: String,
    /// Its password.
    pub password: SecretRef,
    /// Rooms to be in.
    pub rooms: Vec<String>,
    /// For rooms that ask for a password.
    pub room_password: Option<SecretRef>,
    /// Our name in rooms.
    pub nick: String,
    /// Addresses, domains and rooms that may ask; everybody when empty.
    pub allow: Vec<String>,
    /// How to get there.
    pub way: Way,
}

const WAY: [&str; 2] = ["ca_file", "proxy"];

impl Reader<'_> {
    pub(super) fn chat(&mut self, root: &Node) -> Chat {
        let known = ["slack", "mattermost", "webex", "xmpp", "ca_file", "proxy"];
        let Some(node) = self.section(root, "chat", &known) else { return Chat::default() };
        let common = self.way(node, &Way::default());
        Chat {
            slack: self.slack(node, &common),
            mattermost: self.mattermost(node, &common),
            webex: self.webex(node, &common),
            xmpp: self.xmpp(node, &common),
        }
    }

    /// A platform's section, its keys checked.
    fn platform<'n>(&mut self, chat: &'n Node, key: &str, own: &[&str]) -> Option<&'n Node> {
        let known: Vec<&str> = own.iter().chain(&WAY).copied().collect();
        self.section(chat, key, &known)
    }

    fn slack(&mut self, chat: &Node, common: &Way) -> Option<Slack> {
        let node =
            self.platform(chat, "slack", &["api_url", "bot_token", "app_token", "config_token", "allow"])?;
        let api_url = self.url(node, "api_url", &["https", "http"], Some("https://slack.com/api"));
        let bot_token = self.needed_secret(node, "bot_token", "slack");
        let app_token = self.needed_secret(node, "app_token", "slack");
        let config_token = self.secret(node, "config_token");
        let allow = self.decode(Some(node), "allow").unwrap_or_default();
        let way = self.way(node, common);
        let (bot_token, app_token) = (bot_token?, app_token?);
        Some(Slack { api_url: api_url?, bot_token, app_token, config_token, allow, way })
    }

    fn mattermost(&mut self, chat: &Node, common: &Way) -> Option<Mattermost> {
        let node = self.platform(chat, "mattermost", &["url", "token", "team", "allow"])?;
        let url = self.url(node, "url", &["https", "http"], None);
        let token = self.needed_secret(node, "token", "mattermost");
        let team = self.decode(Some(node), "team");
        let allow: Vec<String> = self.decode(Some(node), "allow").unwrap_or_default();
        let id =
            |id: &&String| id.len() == 26 && id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if let Some(wrong) = allow.iter().find(|allowed| !id(allowed)) {
            let error = node.get("allow").unwrap_or(node).error(format!("`{wrong}` is no id"));
            self.errors
                .push(error.hint("26 letters and digits, of a person, a channel or a team: names change"));
        }
        let way = self.way(node, common);
        Some(Mattermost { url: url?, token: token?, team, allow, way })
    }

    fn webex(&mut self, chat: &Node, common: &Way) -> Option<Webex> {
        let node =
            self.platform(chat, "webex", &["api_url", "wdm_url", "u2c_url", "token", "domains", "allow"])?;
        let api_url = self.url(node, "api_url", &["https", "http"], Some("https://webexapis.com/v1"));
        let named = |key: &str| node.get(key).is_some_and(|node| !node.is_null());
        let wdm_url =
            if named("wdm_url") { self.url(node, "wdm_url", &["https", "http"], None) } else { None };
        let u2c_url =
            if named("u2c_url") { self.url(node, "u2c_url", &["https", "http"], None) } else { None };
        let token = self.needed_secret(node, "token", "webex");
        let domains = self.decode(Some(node), "domains").unwrap_or_default();
        let allow = self.decode(Some(node), "allow").unwrap_or_default();
        let way = self.way(node, common);
        Some(Webex { api_url: api_url?, wdm_url, u2c_url, token: token?, domains, allow, way })
    }

    fn xmpp(&mut self, chat: &Node, common: &Way) -> Option<Xmpp> {
        let own = ["url", "jid", "password", "rooms", "room_password", "nick", "allow"];
        let node = self.platform(chat, "xmpp", &own)?;
        let url = self.url(node, "url", &["wss", "ws"], None);
        let jid: Option<String> = self.decode(Some(node), "jid");
        let right =
            |jid: &str| jid.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        match jid.as_deref() {
            Some(jid) if right(jid) => {}
            _ => self.errors.push(
                node.get("jid")
                    .unwrap_or(node)
                    .error("`xmpp` needs `jid`, the bot's address")
                    .hint("nocbot@example.net"),
            ),
        }
        let password = self.needed_secret(node, "password", "xmpp");
        let rooms: Vec<String> = self.decode(Some(node), "rooms").unwrap_or_default();
        if let Some(room) = rooms.iter().find(|room| !right(room)) {
            let error = node.get("rooms").unwrap_or(node).error(format!("`{room}` is no room's address"));
            self.errors.push(error.hint("noc@conference.example.net"));
        }
        let nick = self.decode(Some(node), "nick").unwrap_or_else(|| "nocbot".to_owned());
        let room_password = self.secret(node, "room_password");
        let allow = self.decode(Some(node), "allow").unwrap_or_default();
        let way = self.way(node, common);
        let jid = jid.filter(|jid| right(jid))?;
        Some(Xmpp { url: url?, jid, password: password?, rooms, room_password, nick, allow, way })
    }

    fn way(&mut self, node: &Node, common: &Way) -> Way {
        Way {
            ca_file: self.path(node, "ca_file").or_else(|| common.ca_file.clone()),
            proxy: self.secret(node, "proxy").or_else(|| common.proxy.clone()),
        }
    }

    fn needed_secret(&mut self, node: &Node, key: &str, platform: &str) -> Option<SecretRef> {
        if node.get(key).is_none_or(Node::is_null) {
            let error = node.error(format!("`{platform}` needs `{key}`"));
            self.errors.push(error.hint(format!("docs/chat/{platform}.md shows where to get it")));
            return None;
        }
        self.secret(node, key)
    }

    /// An address of the right scheme; without TLS only this machine's.
    fn url(&mut self, node: &Node, key: &str, schemes: &[&str; 2], default: Option<&str>) -> Option<String> {
        let Some(given) = node.get(key).filter(|node| !node.is_null()) else {
            if default.is_none() {
                self.errors
                    .push(node.error(format!("`{key}` is missing")).hint(format!("{}://…", schemes[0])));
            }
            return default.map(str::to_owned);
        };
        let text = self.keep(given.scalar(&format!("`{key}`")))?.trim_end_matches('/');
        let [secure, plain] = schemes;
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        if host.is_empty() || host.contains('@') || (scheme != *secure && scheme != *plain) {
            let error = given.error(format!("`{key}` must be an address that begins with {secure}://"));
            self.errors.push(error);
            return None;
        }
        if scheme == *plain && !is_loopback(host) {
            let error = given.error(format!("{plain}:// is for this machine's own addresses only"));
            self.errors.push(error.hint(format!("write {secure}://{rest}")));
            return None;
        }
        Some(text.to_owned())
    }
}

/// Whether `host` or `host:port` is this machine by its very name.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
