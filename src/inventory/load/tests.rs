use proptest::prelude::*;

use super::*;
use crate::inventory::Device;
use crate::profile::Level;
use crate::secret::SecretRef;

fn load_texts(hosts: &str, groups: Option<&str>, defaults: &str) -> (Loaded, Vec<Error>) {
    let environment = Environment::new(|name| match name {
        "USER" => Some("from-env".to_owned()),
        "HOME" => Some("/home/noc".to_owned()),
        _ => None,
    });
    let hosts = Node::read("hosts.yaml", hosts).unwrap();
    let groups = groups.map(|text| Node::read("groups.yaml", text).unwrap());
    let defaults = Node::read("defaults.yaml", defaults).unwrap();
    let files = Files {
        hosts: &hosts,
        groups: groups.as_ref(),
        defaults: Some(&defaults),
        base: Path::new("/etc/nocbot"),
        environment: &environment,
    };
    let mut errors = Vec::new();
    let loaded = load(&files, &mut errors);
    (loaded, errors)
}

fn good(hosts: &str, groups: &str, defaults: &str) -> Loaded {
    let (loaded, errors) = load_texts(hosts, Some(groups), defaults);
    assert!(errors.is_empty(), "{errors:?}");
    loaded
}

fn device(loaded: &Loaded, name: &str) -> Device {
    Device::clone(loaded.inventory.get(name).unwrap())
}

async fn password(device: &Device) -> String {
    device.login.password.as_ref().unwrap().resolve().await.unwrap().expose().to_owned()
}

const GROUPS: &str = "
group_a: {groups: [group_1, group_2], data: {site: a}}
group_b: {groups: [group_2, group_3], username: b, platform: frr}
group_1: {groups: [group_x], data: {site: one, role: one}}
group_2: {data: {role: two, nested: {a: 1, list: [x, y]}}, port: 2022}
group_3: {username: three, password: p3}
group_x: {data: {role: x, x: yes}}
";

#[tokio::test]
async fn inheritance_goes_depth_first_in_nornirs_order() {
    let defaults = "username: d\npassword: pd\ndata: {site: d, tz: utc}\nplatform: linux\n";
    let loaded = good(
        "r1: {groups: [group_a, group_b], data: {own: 1}}\nr2: {hostname: 10.0.0.2}\n",
        GROUPS,
        defaults,
    );
    let r1 = device(&loaded, "r1");
    assert_eq!(r1.groups, ["group_a", "group_b", "group_1", "group_x", "group_2", "group_3"]);
    assert_eq!(r1.login.username.as_deref(), Some("b"));
    assert_eq!(password(&r1).await, "p3");
    assert_eq!((r1.platform.as_str(), r1.login.port), ("frr", Some(2022)));
    assert_eq!(r1.hostname, "r1", "a device without an address is dialled by its name");
    let data: Vec<(&str, &str)> = r1.data.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let wanted = [
        ("nested.a", "1"),
        ("nested.list", "x,y"),
        ("own", "1"),
        ("role", "one"),
        ("site", "a"),
        ("tz", "utc"),
        ("x", "yes"),
    ];
    assert_eq!(data, wanted);
    let r2 = device(&loaded, "r2");
    assert_eq!(
        (r2.hostname.as_str(), r2.login.username.as_deref(), r2.platform.as_str()),
        ("10.0.0.2", Some("d"), "linux")
    );
    assert_eq!(loaded.inventory.groups().find(|(name, _)| *name == "group_x").unwrap().1, ["r1"]);
}

#[tokio::test]
async fn connection_options_are_filled_field_by_field_and_extras_whole() {
    let hosts = "
r1:
  groups: [g]
  password: base
  connection_options:
    netmiko: {port: 2222, extras: {secret: s1}}
    napalm: {port: 1}
r2:
  groups: [g]
  connection_options: {ssh: {username: ssh-user, hostname: 192.0.2.2}, scrapli: {username: other}}
";
    let groups = "g: {connection_options: {netmiko: {username: gu, password: gp, extras: {use_keys: yes, key_file: ~/.ssh/id}}}}";
    let loaded = good(hosts, groups, "port: 22\n");
    let r1 = device(&loaded, "r1");
    assert_eq!((r1.login.port, r1.login.username.as_deref()), (Some(2222), Some("gu")));
    assert_eq!(password(&r1).await, "gp", "a connection's password comes before the base one");
    assert!(!r1.login.use_keys && r1.login.key_file.is_none(), "extras are taken whole, as Nornir does");
    assert!(r1.login.secret.is_some());
    let r2 = device(&loaded, "r2");
    assert_eq!((r2.hostname.as_str(), r2.login.username.as_deref()), ("192.0.2.2", Some("ssh-user")));
    assert!(r2.login.use_keys);
    assert_eq!(r2.login.key_file.as_deref(), Some(Path::new("/home/noc/.ssh/id")));
    assert!(loaded.notes.iter().any(|note| note.contains("`napalm`")), "{:?}", loaded.notes);
    assert!(loaded.warnings.iter().any(|warning| warning.message().contains("there is no key file")));
}

#[test]
fn scrapli_and_netmiko_spellings_of_extras() {
    let hosts = "
r1: {connection_options: {scrapli: {extras: {auth_private_key: k, auth_private_key_passphrase: p, auth_secondary: s, timeout_socket: 7.5, transport: ssh2}}}}
r2: {connection_options: {netmiko: {extras: {key_file: k, use_keys: false, conn_timeout: 3, session_log: x.log}}}}
";
    let loaded = good(hosts, "", "");
    let r1 = device(&loaded, "r1").login;
    assert!(r1.use_keys && r1.passphrase.is_some() && r1.secret.is_some());
    assert_eq!(r1.connect_timeout, Some(8));
    let r2 = device(&loaded, "r2").login;
    assert_eq!((r2.use_keys, r2.connect_timeout), (false, Some(3)));
    assert_eq!(
        loaded.notes,
        ["`session_log` in `extras` is not used", "`transport` in `extras` is not used"]
    );
}

#[tokio::test]
async fn credentials_are_what_was_written() {
    for (written, meant) in [
        ("0123", "0123"),
        ("yes", "yes"),
        ("#x", "#x"),
        ("#x y # z", "#x y # z"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("'it''s'", "it's"),
        ("\"a\\tb\"", "a\tb"),
        ("a#b", "a#b"),
        ("${USER}", "from-env"),
        ("x${USER}-${NONE:-d}", "xfrom-env-d"),
        ("env:USER", "from-env"),
        ("plain:env:USER", "env:USER"),
        ("2001-12-14", "2001-12-14"),
        (".inf", ".inf"),
        ("p@ss!w%rd", "p@ss!w%rd"),
    ] {
        let loaded = good(&format!("r1:\n  username: {written}\n  password: {written}\n"), "", "");
        assert_eq!(password(&device(&loaded, "r1")).await, meant, "{written}");
    }
}

#[test]
fn no_password_is_no_password() {
    let loaded = good("r1:\n  password:\n  username: ~\n  hostname: # none yet\nr2:\nr3: {}\n", "", "");
    let r1 = device(&loaded, "r1");
    assert_eq!((r1.login.password, r1.login.username, r1.hostname.as_str()), (None, None, "r1"));
    assert!(loaded.inventory.get("r2").is_some() && loaded.inventory.get("r3").is_some());
}

#[test]
fn secrets_are_not_expanded_at_load() {
    let loaded = good("r1: {username: '${USER}', password: '${LATER}'}\n", "", "");
    let login = device(&loaded, "r1").login;
    assert_eq!(login.username.as_deref(), Some("from-env"));
    assert!(matches!(login.password, Some(SecretRef::Env { name, .. }) if name == "LATER"));
}

#[test]
fn data_ssh_is_merged_key_by_key() {
    let hosts = "bastion: {groups: [g]}\nr1: {groups: [g], data: {ssh: {level: legacy}}}\n";
    let loaded = good(hosts, "g: {data: {ssh: {level: modern, jump: bastion, connect_timeout: 5}}}", "");
    let r1 = device(&loaded, "r1");
    assert_eq!(r1.login.level, Some(Level::Legacy));
    assert_eq!((r1.login.jump.as_deref(), r1.login.connect_timeout), (Some("bastion"), Some(5)));
    assert_eq!(device(&loaded, "bastion").login.jump, None, "a jump host of a group may be in the group");
    assert_eq!(loaded.inventory.jumps(&r1).len(), 1);
}

#[test]
fn every_mistake_is_found_where_it_stands() {
    let groups = "core: {groups: [edge]}\nedge: {groups: [core]}\nempty: {}\n";
    for (hosts, wanted) in [
        ("r1: {hostnam: a}", "hosts.yaml:1:6: there is no key `hostnam` here"),
        ("r1: {port: ssh}", "1:12: `ssh` is not a whole number"),
        ("r1: {port: 0}", "port 0 cannot be dialled"),
        ("r1: {hostname: '10.0.0.1:22'}\nr2: {hostname: 'a b'}", "2:16: `a b` is no address and no DNS name"),
        ("r1: {groups: [cor]}", "did you mean `core`?"),
        ("r1: {groups: core}", "`groups` must be a list"),
        ("all: {}", "1:1: `all` cannot be a name: it is a word of the grammar"),
        ("'r 1': {}", "`r 1` cannot be a name"),
        ("-r1: {}", "`-r1` cannot be a name"),
        ("r1: {}\nR1: {}", "2:1: `R1` and `r1` differ by their case only"),
        ("r1: {data: {ssh: {levl: modern}}}", "did you mean `level`?"),
        ("r1: {data: {ssh: {level: moderm}}}", "did you mean `modern`?"),
        ("r1: {data: {ssh: {jump: r9}}}", "1:25: there is no device `r9` to jump through"),
        ("r1: {data: {ssh: {jump: r2}}}\nr2: {data: {ssh: {jump: r1}}}", "in a circle: r1 → r2 → r1"),
        ("r1: {data: {ssh: {jump: r1}}}", "in a circle: r1 → r1"),
        ("r1: {connection_options: {netmiko: {extras: {use_key: yes}}}}", "did you mean `use_keys`?"),
        ("r1: {connection_options: {netmiko: {extras: {use_keys: maybe}}}}", "`maybe` is not true or false"),
        ("r1: {password: 'exec:'}", "1:16: `exec:` needs a command"),
        ("r1: {username: '${NONE}'}", "the environment variable NONE is not set"),
        ("r1: [a]", "`r1` must be a mapping, not a list"),
        ("- r1", "a file of hosts must be a mapping, not a list"),
        ("r1: {groups: [empty]}", "groups.yaml:1:17: the group `core` is in itself by way of `edge`"),
    ] {
        let (_, errors) = load_texts(hosts, Some(groups), "");
        let all = errors.iter().map(Error::report).collect::<Vec<_>>().join("\n");
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }
}

#[test]
fn without_a_file_of_groups_any_group_is_an_empty_one() {
    let (loaded, errors) = load_texts("r1: {groups: [core]}", None, "");
    assert!(errors.is_empty());
    assert_eq!(device(&loaded, "r1").groups, ["core"]);
}

#[test]
fn an_unused_group_is_a_warning() {
    let loaded = good("r1: {}", "spare: {}", "");
    assert_eq!(loaded.warnings[0].message(), "no device is in the group `spare`");
}

#[test]
fn no_error_shows_a_secret() {
    let hosts = "r1: {password: hunter2, prt: 22}\nr2: {connection_options: {ssh: {extras: {secret: 'hunter2', use_kys: 1}}}}\nr3:\n  password: hunter2: x\n";
    let environment = Environment::empty();
    let mut reports: Vec<Error> = Vec::new();
    match Node::read("hosts.yaml", hosts) {
        Err(errors) => reports.extend(errors),
        Ok(_) => panic!("the third host is not YAML"),
    }
    let hosts = Node::read("hosts.yaml", &hosts[..hosts.find("r3").unwrap()]).unwrap();
    let files =
        Files { hosts: &hosts, groups: None, defaults: None, base: Path::new(""), environment: &environment };
    let loaded = load(&files, &mut reports);
    assert_eq!(reports.len(), 3);
    for error in &reports {
        assert!(!format!("{error:?} {}", error.report()).contains("hunter2"), "{}", error.report());
    }
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn no_inventory_panics_and_every_error_has_a_place(
        hosts in "(r[1-3]: ?\\{?(hostname|port|groups|data|password|platform|connection_options|x): ?[\\[\\]{}a-z0-9:,~$#' ]{0,20}\\}?\n){0,4}",
        groups in "(g[1-3]: ?\\{groups: ?\\[g[1-3](, g[1-3])?\\]\\}\n){0,3}",
    ) {
        let environment = Environment::empty();
        let (Ok(hosts), Ok(groups)) = (Node::read("h", &hosts), Node::read("g", &groups)) else { return Ok(()) };
        let files = Files { hosts: &hosts, groups: Some(&groups), defaults: None, base: Path::new(""), environment: &environment };
        let mut errors = Vec::new();
        load(&files, &mut errors);
        for error in errors {
            prop_assert!(error.place().is_some(), "{}", error.report());
        }
    }
}

#[test]
fn a_secret_that_nobody_has_is_a_warning_before_the_night() {
    let hosts = "
r1: {password: '${NIGHT_PASSWORD}', platform: frr}
r2: {password: 'file:no/such/file', platform: frr}
r3: {password: '${NIGHT_PASSWORD:-spare}', platform: frr}
r4: {password: 'a-${USER}-${NIGHT_PASSWORD}', platform: frr}
";
    let loaded = good(hosts, "", "");
    let said: Vec<String> = loaded.warnings.iter().map(Error::report).collect();
    assert_eq!(loaded.warnings.len(), 3, "{said:#?}");
    assert!(said[0].starts_with("hosts.yaml:2:16: `password` cannot be had"), "{}", said[0]);
    assert!(said[0].contains("the environment variable NIGHT_PASSWORD is not set"), "{}", said[0]);
    assert!(said[1].contains("there is no file /etc/nocbot/no/such/file"), "{}", said[1]);
}

#[tokio::test]
async fn the_login_of_restconf() {
    let hosts = "
r1:
  groups: [g]
  port: 2022
  connection_options: {restconf: {port: 8443, hostname: 192.0.2.9, extras: {verify: false, scheme: https}}}
r2:
  groups: [g]
  connection_options: {restconf: {password: own}}
r3: {port: 2022}
";
    let pin = "AB:".repeat(31) + "CD";
    let groups = format!(
        "g: {{username: u, password: p, connection_options: {{restconf: {{port: 444, username: web, extras: {{fingerprint: '{pin}', token: '${{LATER}}', root: /rc/, cert_file: c.pem, key_file: k.pem, connect_timeout: 3}}}}}}}}"
    );
    let loaded = good(hosts, &groups, "username: d\n");
    let r1 = device(&loaded, "r1").login;
    assert_eq!((r1.port, r1.restconf.port), (Some(2022), Some(8443)));
    assert!(r1.restconf.unverified && r1.restconf.token.is_none(), "extras are taken whole, as Nornir does");
    assert_eq!(r1.restconf.hostname.as_deref(), Some("192.0.2.9"));
    let r2 = device(&loaded, "r2").login;
    assert_eq!((r2.username.as_deref(), r2.restconf.username.as_deref()), (Some("u"), Some("web")));
    assert_eq!(r2.restconf.password.as_ref().unwrap().resolve().await.unwrap().expose(), "own");
    assert_eq!((r2.restconf.root.as_deref(), r2.restconf.connect_timeout), (Some("/rc"), Some(3)));
    assert!(matches!(r2.restconf.token, Some(SecretRef::Env { .. })));
    assert_eq!(r2.restconf.cert_file.as_deref(), Some(Path::new("/etc/nocbot/c.pem")));
    assert!(format!("{:?}", r2.restconf.fingerprint).contains(&format!("sha256:{}cd", "ab".repeat(31))));
    let r3 = device(&loaded, "r3").login.restconf;
    assert_eq!((r3.port, r3.username.as_deref()), (None, Some("d")), "the port of SSH is not that of HTTPS");
}

#[test]
fn mistakes_in_the_login_of_restconf() {
    let pin = "ab".repeat(32);
    for (extras, wanted) in [
        ("{verfy: false}".to_owned(), "did you mean `verify`?"),
        ("{verify: maybe}".to_owned(), "`maybe` is not true or false"),
        ("{scheme: http}".to_owned(), "`scheme` can only be `https`"),
        ("{fingerprint: 'ab:cd'}".to_owned(), "this is no SHA-256 fingerprint"),
        ("{root: restconf}".to_owned(), "`restconf` is no path of a RESTCONF root"),
        ("{key_file: k}".to_owned(), "a `key_file` needs its `cert_file`"),
        (format!("{{ca_file: c, fingerprint: {pin}}}"), "exclude each other"),
        ("{verify: false, ca_file: c}".to_owned(), "with `verify: false` nothing is checked"),
        ("[a]".to_owned(), "`extras` must be a mapping"),
    ] {
        let hosts = format!("r1: {{connection_options: {{restconf: {{extras: {extras}}}}}}}");
        let (_, errors) = load_texts(&hosts, None, "");
        let all = errors.iter().map(Error::report).collect::<Vec<_>>().join("\n");
        assert!(all.contains(wanted) && all.contains("hosts.yaml:1:"), "{wanted}\n{all}");
    }
    let off = "connection_options: {restconf: {extras: {verify: false}}}";
    for (groups, defaults) in [(format!("g: {{{off}}}"), ""), ("g: {}".to_owned(), off)] {
        let (_, errors) = load_texts("r1: {groups: [g]}", Some(&groups), defaults);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].message().contains("for single devices only"));
    }
}
