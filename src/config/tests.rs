use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Config, Vec<Error>> {
    let environment = Environment::new(|name| match name {
        "HOME" => Some("/home/noc".to_owned()),
        "PORT" => Some("9000".to_owned()),
        _ => None,
    });
    Config::read("nocbot.yaml", text, Path::new("/etc/nocbot"), &environment)
}

fn messages(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(Error::report).collect()
}

#[test]
fn everything_has_a_default() {
    for text in ["", "# nothing\n", "{}", "ssh:\nlimits: {}\nconsole: ~\n"] {
        let config = read(text).unwrap();
        assert_eq!(config.limits, Limits { devices: 200, timeout: Duration::from_secs(30), parallel: 100 });
        assert_eq!(config.ssh, Ssh::default());
        assert!(config.console.listen.ip().is_loopback());
        assert_eq!(config.inventory, None);
    }
}

#[test]
fn with_a_chat_there_is_a_store() {
    let chat = "chat: {mattermost: {url: 'https://chat.example.net', token: t}}\n";
    let store = |text: &str| read(text).unwrap().with_store_for_chats().store;
    assert_eq!(store(chat).as_deref(), Some(Path::new("/etc/nocbot/nocbot.db")));
    assert_eq!(store(&format!("store: /x.db\n{chat}")).as_deref(), Some(Path::new("/x.db")));
    assert_eq!(store("limits: {devices: 3}\n"), None);
}

#[test]
fn every_key_is_read() {
    let config = read(
        "inventory: {hosts: h.yaml, groups: ~/g.yaml}\nstore: /var/lib/nocbot.db\n\
         ssh: {known_hosts: ~/.ssh/known_hosts, host_keys: accept-new, level: legacy}\n\
         console: {listen: '127.0.0.1:${PORT}', token: '${TOKEN}', hosts: [noc.example.net]}\n\
         limits: {devices: 10, timeout: 5, parallel: 3}\n",
    )
    .unwrap();
    let files = config.inventory.unwrap();
    assert_eq!(files.hosts, Path::new("/etc/nocbot/h.yaml"));
    assert_eq!(files.groups.as_deref(), Some(Path::new("/home/noc/g.yaml")));
    assert_eq!(config.store.as_deref(), Some(Path::new("/var/lib/nocbot.db")));
    assert_eq!(config.ssh.known_hosts.as_deref(), Some(Path::new("/home/noc/.ssh/known_hosts")));
    assert_eq!((config.ssh.host_keys, config.ssh.level), (HostKeys::AcceptNew, Some(Level::Legacy)));
    assert_eq!(config.console.listen.port(), 9000);
    assert!(matches!(config.console.token, Some(SecretRef::Env { name, .. }) if name == "TOKEN"));
    assert_eq!(config.console.hosts, ["noc.example.net"]);
    assert_eq!(config.limits, Limits { devices: 10, timeout: Duration::from_secs(5), parallel: 3 });
}

#[test]
fn all_errors_of_a_file_are_reported_at_once() {
    let found = messages(
        "inventry: x\nssh: {host_keys: no, levle: modern}\nlimits: {devices: 0, timeout: soon}\n\
         console: {listen: 8080}\nprofiles: [/no/such/dir]\nparsers: here\nstore: '${NONE}'\n",
    );
    let all = found.join("\n");
    for part in [
        "nocbot.yaml:1:1: there is no key `inventry` here",
        "did you mean `inventory`?",
        "`no` is none of strict, accept-new",
        "did you mean `level`?",
        "`devices` must be from 1 to 100000",
        "`soon` is not a whole number",
        "`listen` must be an address and a port",
        "/no/such/dir is not a directory",
        "`parsers` must be a list, not a text",
        "nocbot.yaml:7:8: the environment variable NONE is not set",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert_eq!(found.len(), 9, "{all}");
}

#[test]
fn chat_platforms_are_read_with_their_secrets_unresolved() {
    let config = read(
        "chat:\n  proxy: 'env:PROXY'\n  ca_file: ca.pem\n\
         \x20 slack: {bot_token: 'env:BOT', app_token: 'file:app', allow: [S1], proxy: 'http://p:1'}\n\
         \x20 mattermost: {url: 'http://127.0.0.1:8065/', token: '${MM}', team: noc, allow: [abcdefghijklmnopqrstuvwxy1]}\n\
         \x20 webex: {token: plain, wdm_url: 'https://wdm.example/api', allow: [Y2lz]}\n\
         \x20 xmpp: {url: 'wss://x/ws', jid: a@b, password: p, rooms: [r@c], allow: [b], room_password: 'env:R'}\n",
    )
    .unwrap();
    let slack = config.chat.slack.unwrap();
    assert_eq!(
        (slack.api_url.as_str(), slack.allow.as_slice()),
        ("https://slack.com/api", &["S1".to_owned()][..])
    );
    assert!(matches!(slack.bot_token, SecretRef::Env { name, .. } if name == "BOT"));
    assert!(matches!(slack.way.proxy, Some(SecretRef::Plain(_))));
    let mattermost = config.chat.mattermost.unwrap();
    assert_eq!((mattermost.url.as_str(), mattermost.team.as_deref()), ("http://127.0.0.1:8065", Some("noc")));
    assert!(matches!(mattermost.way.proxy, Some(SecretRef::Env { .. })) && mattermost.way.ca_file.is_some());
    assert_eq!(mattermost.allow, ["abcdefghijklmnopqrstuvwxy1"]);
    let webex = config.chat.webex.unwrap();
    assert_eq!((webex.wdm_url.as_deref(), webex.u2c_url), (Some("https://wdm.example/api"), None));
    assert_eq!(webex.allow, ["Y2lz"]);
    let xmpp = config.chat.xmpp.unwrap();
    assert_eq!((xmpp.nick.as_str(), xmpp.allow.as_slice()), ("nocbot", &["b".to_owned()][..]));
}

#[test]
fn mistakes_under_chat_have_their_places() {
    let all = messages(
        "chat:\n  slack: {api_url: 'http://slack.example', bot_tokn: x}\n  matrix: {}\n\
         \x20 mattermost: {token: t, allow: [alice]}\n  xmpp: {url: 'https://x', jid: nobody, password: p, rooms: [r]}\n",
    )
    .join("\n");
    for part in [
        "http:// is for this machine's own addresses only",
        "did you mean `bot_token`?",
        "`slack` needs `bot_token`",
        "`alice` is no id",
        "`slack` needs `app_token`",
        "there is no key `matrix` here",
        "`url` is missing",
        "must be an address that begins with wss://",
        "`xmpp` needs `jid`",
        "`r` is no room's address",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
}

#[test]
fn an_inventory_directory_must_hold_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let environment = Environment::empty();
    let load = |text: &str| Config::read("nocbot.yaml", text, dir.path(), &environment);
    assert!(load("inventory: lab").unwrap_err()[0].message().contains("holds no hosts.yaml"));
    std::fs::create_dir(dir.path().join("inventory")).unwrap();
    std::fs::write(dir.path().join("inventory/hosts.yml"), "").unwrap();
    std::fs::write(dir.path().join("inventory/groups.yaml"), "").unwrap();
    let files = load("").unwrap().inventory.unwrap();
    assert!(files.hosts.ends_with("inventory/hosts.yml"));
    assert!(files.groups.is_some() && files.defaults.is_none());
    let one = load("inventory: inventory/hosts.yml").unwrap().inventory.unwrap();
    assert_eq!(one.groups, None);
}

#[test]
fn a_missing_file_says_what_to_do() {
    let errors = Config::load(Path::new("/no/such/nocbot.yaml"), &Environment::empty()).unwrap_err();
    assert!(errors[0].report().contains("-c FILE"));
}

proptest! {
    #[test]
    fn no_text_panics_and_every_error_has_a_place(
        text in "((inventory|profiles|parsers|store|ssh|console|limits|x): ?[a-z0-9\\[\\]{}:,~$'\"#/ -]{0,30}\n){0,5}"
    ) {
        if let Err(errors) = read(&text) {
            for error in errors {
                prop_assert!(error.place().is_some(), "{}", error.report());
            }
        }
    }
}
