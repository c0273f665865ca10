//! The catalogue from an operator's files: overlays, errors with their places, `nocbot check`.

use std::path::{Path, PathBuf};

use nocbot::catalogue::check::check;
use nocbot::catalogue::{Catalogue, Loaded};
use nocbot::cli::check::run_with;
use nocbot::config::Config;
use nocbot::error::Error;
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::profile::Level;
use nocbot::secret::Environment;

/// An operator's directory.
struct Site(tempfile::TempDir);

const PLATFORM: &str = r"platform: acme_os
aliases: [acme]
prompts: [{mode: user, pattern: '^[\w.-]+>$'}]
pagers: [{pattern: '^--More--$', answer: ' '}]
rejected: [{pattern: '^% Invalid', meaning: the device does not know this command}]
show: {prefix: show, words: [show]}
verbs:
  vrf:
    - ssh: show vrf
      columns: {vrf: NAME}
samples:
  prompts: {user: ['r1>']}
  not_prompts: ['see r1>']
  rejected: ['% Invalid input']
  accepted: ['% Connected']
  pagers: ['--More--']
";

const TEMPLATE: &str = "Value Required NAME (\\S+)\nValue RD (\\S+)\nValue List INTERFACES (\\S+)\n\nStart\n  ^${NAME} +${RD} +${INTERFACES}$$ -> Record\n  ^\\s*$$\n  ^. -> Error\n";

impl Site {
    /// A site with one platform of its own, one parser with three samples, and one device.
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        site.write("nocbot.yaml", "profiles: [profiles]\nparsers: [parsers]\n");
        site.write("inventory/hosts.yaml", "r1: {hostname: 192.0.2.1, platform: ACME}\n");
        site.write("profiles/platforms/acme_os.yaml", PLATFORM);
        site.write("parsers/acme_os/show_vrf/template.textfsm", TEMPLATE);
        for (case, raw, records) in [
            ("empty", "\n", "records: []\n"),
            ("one", "RED 65000:1 Gi0/1\n", "records:\n  - {NAME: RED, RD: 65000:1, INTERFACES: [Gi0/1]}\n"),
            (
                "two",
                "A 1:1 e1\nB 1:2 e2\n",
                "records:\n  - {NAME: A, RD: 1:1, INTERFACES: [e1]}\n  - {NAME: B, RD: 1:2, INTERFACES: [e2]}\n",
            ),
        ] {
            site.write(&format!("parsers/acme_os/show_vrf/{case}.raw"), raw);
            site.write(&format!("parsers/acme_os/show_vrf/{case}.yaml"), records);
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} holds no {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn load(&self) -> Result<Loaded, Vec<Error>> {
        let environment = Environment::empty();
        let config = Config::load(&self.path("nocbot.yaml"), &environment)?;
        Catalogue::load(&config, &environment)
    }

    /// All reports of a load that must fail.
    fn fails(&self) -> String {
        reports(&self.load().expect_err("the load must fail"))
    }

    /// What check has to say about a site that loads.
    fn checked(&self) -> String {
        reports(&check(&self.load().unwrap_or_else(|errors| panic!("{}", reports(&errors)))).errors)
    }
}

fn reports(errors: &[Error]) -> String {
    errors.iter().map(Error::report).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_site_adds_a_platform_with_files_only() {
    let loaded = Site::new().load().unwrap_or_else(|errors| panic!("{}", reports(&errors)));
    let catalogue = &loaded.catalogue;
    let device = catalogue.inventory.get("r1").unwrap();
    let platform = catalogue.platform(&device.platform).unwrap();
    assert_eq!(platform.name, "acme_os");
    assert_eq!(platform.verbs["vrf"][0].parser, "acme_os/show_vrf");
    assert!(catalogue.parser("acme_os/show_vrf").is_some());
    assert!(catalogue.verbs.contains_key("route"), "the built-in verbs are still there");
}

#[test]
fn templates_are_compiled_once_and_shared() {
    let loaded = Site::new().load().unwrap();
    let parser = loaded.catalogue.parser("acme_os/show_vrf").unwrap();
    assert!(std::sync::Arc::ptr_eq(&parser.compiled().unwrap(), &parser.compiled().unwrap()));
    assert_eq!(parser.reader().unwrap().header(), ["NAME", "RD", "INTERFACES"]);
}

#[test]
fn an_operators_file_lies_over_the_built_in_one() {
    let site = Site::new();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("device-profiles/verbs/vrf.yaml");
    let built_in = std::fs::read_to_string(built_in).unwrap();
    let vrf = &built_in.replace("help: The VRFs of a device", "help: ours");
    assert_ne!(*vrf, built_in);
    site.write("profiles/verbs/vrf.yaml", vrf);
    site.write("more/verbs/vrf.yaml", &vrf.replace("ours", "theirs"));
    site.write("nocbot.yaml", "profiles: [profiles, more]\nparsers: [parsers]\n");
    let loaded = site.load().unwrap_or_else(|errors| panic!("{}", reports(&errors)));
    assert!(loaded.catalogue.verbs["vrf"].help.starts_with("ours"));
    let ours = site.path("profiles/verbs/vrf.yaml").display().to_string();
    let theirs = site.path("more/verbs/vrf.yaml").display().to_string();
    let wanted = [
        format!("{theirs} overrides built-in:device-profiles/verbs/vrf.yaml"),
        format!("{ours} overrides {theirs}"),
    ];
    assert_eq!(loaded.overrides, wanted);
}

#[test]
fn all_errors_of_all_files_come_at_once() {
    let site = Site::new();
    site.replace("profiles/platforms/acme_os.yaml", "vrf: NAME", "vfr: NAME");
    site.write("profiles/verbs/broken.yaml", "verb: broken\n  help: x\n");
    site.write("inventory/hosts.yaml", "r1: {platform: acme, prt: 22}\nr2: {platform: cisco, groups: [x]}\n");
    site.write("inventory/groups.yaml", "y: {}\n");
    let all = site.fails();
    for part in [
        "platforms/acme_os.yaml:10:17: the verb `vrf` has no column `vfr`",
        "verbs/broken.yaml:2:",
        "hosts.yaml:1:22: there is no key `prt` here",
        "hosts.yaml:2:32: there is no group `x`",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let shown = site.path("inventory/hosts.yaml").display().to_string();
    assert!(all.contains(&shown), "the file as the operator named it: {all}");
}

#[test]
fn an_unknown_platform_is_an_error_at_the_line_that_says_so() {
    let site = Site::new();
    site.write("inventory/hosts.yaml", "r1: {groups: [g]}\nr2: {}\n");
    site.write("inventory/groups.yaml", "g:\n  platform: acme_so\n");
    let all = site.fails();
    assert!(all.contains("groups.yaml:2:13: the device `r1` has the platform `acme_so`"), "{all}");
    assert!(all.contains("did you mean `acme_os`"), "{all}");
    site.write("inventory/groups.yaml", "g:\n  platform: acme_os\n");
    let warnings = reports(&site.load().unwrap().warnings);
    assert!(warnings.contains("hosts.yaml:2:1: the device `r2` has no platform"), "{warnings}");
}

#[test]
fn a_mistake_in_a_platform_is_reported_once_though_others_extend_it() {
    let site = Site::new();
    site.replace("profiles/platforms/acme_os.yaml", "vrf: NAME", "vfr: NAME");
    site.write("profiles/platforms/acme_xe.yaml", "platform: acme_xe\nextends: acme_os\n");
    let all = site.fails();
    assert_eq!(all.matches("has no column `vfr`").count(), 1, "{all}");
}

#[test]
fn a_platform_uses_the_parsers_of_the_one_it_extends() {
    let site = Site::new();
    site.write("profiles/platforms/acme_xe.yaml", "platform: acme_xe\nextends: acme_os\n");
    let catalogue = site.load().unwrap().catalogue;
    assert_eq!(catalogue.platforms["acme_xe"].verbs["vrf"][0].parser, "acme_os/show_vrf");
    assert_eq!(catalogue.show_parser("acme_xe", "sh vrf").as_deref(), Some("acme_os/show_vrf"));
    assert_eq!(catalogue.show_parser("acme_xe", "show clock"), None);
}

#[test]
fn check_passes_on_a_good_site() {
    assert_eq!(Site::new().checked(), "");
}

#[test]
fn check_finds_every_kind_of_mistake() {
    let platform = "profiles/platforms/acme_os.yaml";
    let parser = "parsers/acme_os/show_vrf";
    let template = &format!("{parser}/template.textfsm");
    let one = &format!("{parser}/one.yaml");
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            platform,
            "['r1>']",
            "['r1#']",
            "acme_os.yaml:12:20: acme_os: no pattern recognises the prompt `r1#`",
        ),
        (platform, "['see r1>']", "['r2>']", "`r2>` is no prompt, but is taken for one"),
        (platform, "['% Invalid input']", "['% Unknown']", "`% Unknown` is a refusal, but no pattern"),
        (platform, "['% Connected']", "['% Invalid x']", "`% Invalid x` is no refusal, but is taken for one"),
        (platform, "['--More--']", "['<more>']", "`<more>` is a pager, but no pattern"),
        (platform, "vrf: NAME", "vrf: NAEM", "did you mean `NAME`?"),
        (platform, "vrf: NAME", "{vrf: NAME, rd: '{RD}:{XX}'}", "has no value `XX`"),
        (template, "Value RD (\\S+)", "Value RD (\\S+", "template.textfsm:2:"),
        (template, "${NAME} +", "${NAME}x +", "one.raw:1:1: the template refuses this line"),
        (one, "RED", "BLUE", "one.yaml:2:5: record 1 of 1 differs"),
        (one, "  - {", "  - {NAME: X}\n  - {", "makes 1 records of it, but 2 are expected"),
        (one, "RD:", "RT:", "the template has no value `RT`"),
    ];
    for (file, from, to, wanted) in cases {
        let site = Site::new();
        let to = if to.starts_with('{') { to.trim_start_matches('{').trim_end_matches('}') } else { to };
        site.replace(file, from, to);
        let all = site.checked();
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }
}

#[test]
fn check_tries_every_combination_of_arguments() {
    let site = Site::new();
    let route = "verbs:\n  route:\n    - when: {v6: ''}\n      ssh: show route {vrf} [{prefix.ip} {prefix.mask}]\n      parser: show_vrf\n      columns: {prefix: NAME}\n  vrf:";
    site.replace("profiles/platforms/acme_os.yaml", "verbs:\n  vrf:", route);
    site.replace("profiles/platforms/acme_os.yaml", "prefix: NAME", "protocol: NAME");
    let all = site.checked();
    assert!(all.contains("acme_os route: asked with no arguments, `show route {vrf}"), "{all}");
    site.replace("profiles/platforms/acme_os.yaml", " {vrf}", " [{vrf}]");
    assert_eq!(site.checked(), "");
}

#[test]
fn check_finds_samples_without_their_other_half() {
    let site = Site::new();
    std::fs::remove_file(site.path("parsers/acme_os/show_vrf/one.yaml")).unwrap();
    std::fs::remove_file(site.path("parsers/acme_os/show_vrf/two.raw")).unwrap();
    let all = site.checked();
    assert!(
        all.contains("one.raw has no one.yaml beside it") && all.contains("two.yaml has no two.raw"),
        "{all}"
    );
    let report = check(&site.load().unwrap());
    assert!(reports(&report.warnings).contains("the parser acme_os/show_vrf has 2 samples"), "{report:?}");
}

#[test]
fn check_finds_values_that_do_not_fit_their_column() {
    let site = Site::new();
    site.write(
        "profiles/verbs/tenants.yaml",
        "verb: tenants\nhelp: h\nexamples: [tenants r1]\ncolumns: [{name: vrf}, {name: rd, type: ip}]\nkey: [vrf]\n",
    );
    site.replace("profiles/platforms/acme_os.yaml", "  vrf:", "  tenants:");
    let all = site.checked();
    assert!(all.contains("acme_os tenants") && all.contains("`65000:1`") && all.contains("rd"), "{all}");
}

#[test]
fn the_command_writes_everything_down_and_says_whether_it_is_well() {
    let site = Site::new();
    let run = |site: &Site| {
        let mut out = Vec::new();
        let well = run_with(Some(&site.path("nocbot.yaml")), &Environment::empty(), &mut out).unwrap();
        (well, String::from_utf8(out).unwrap())
    };
    let (_, text) = run(&site);
    assert!(text.contains("1 device"), "{text}");
    site.write("inventory/hosts.yaml", "r1: {pasword: hunter2}\n");
    let (well, text) = run(&site);
    assert!(!well && text.contains("did you mean `password`?"), "{text}");
    assert!(text.contains("1 error; nothing was loaded") && !text.contains("hunter2"), "{text}");
    let mut out = Vec::new();
    assert!(!run_with(Some(Path::new("/no/such.yaml")), &Environment::empty(), &mut out).unwrap());
}

#[test]
fn the_configured_level_is_for_devices_without_one() {
    let site = Site::new();
    site.write("nocbot.yaml", "profiles: [profiles]\nparsers: [parsers]\nssh: {level: legacy}\n");
    site.write(
        "inventory/hosts.yaml",
        "r1: {platform: acme}\nr2: {platform: acme, data: {ssh: {level: modern}}}\n",
    );
    let catalogue = site.load().unwrap().catalogue;
    assert_eq!(catalogue.inventory.get("r1").unwrap().login.level, Some(Level::Legacy));
    assert_eq!(catalogue.inventory.get("r2").unwrap().login.level, Some(Level::Modern));
}

#[test]
fn an_inventory_of_ten_thousand_devices_loads() {
    let site = Site::new();
    let hosts = (0..10_000).map(|number| {
        format!(
            "d{number}: {{hostname: 10.0.{}.{}, groups: [g{}]}}\n",
            number / 250,
            number % 250,
            number % 50
        )
    });
    site.write("inventory/hosts.yaml", &hosts.collect::<String>());
    let groups =
        (0..50).map(|number| format!("g{number}: {{groups: [all-of-them], data: {{site: s{number}}}}}\n"));
    site.write("inventory/groups.yaml", &(groups.collect::<String>() + "all-of-them: {platform: acme}\n"));
    let catalogue = site.load().unwrap_or_else(|errors| panic!("{}", reports(&errors))).catalogue;
    assert_eq!(catalogue.inventory.devices().count(), 10_000);
}

#[test]
fn a_network_made_in_memory_needs_no_files() {
    let device = |platform: &str| Device {
        name: "r1".to_owned(),
        hostname: "127.0.0.1".to_owned(),
        platform: platform.to_owned(),
        groups: Vec::new(),
        data: std::collections::BTreeMap::new(),
        login: Login::default(),
    };
    let catalogue = Catalogue::builtin_with(Inventory::new([device("")])).unwrap();
    assert!(catalogue.inventory.get("r1").is_some());
    let errors = Catalogue::builtin_with(Inventory::new([device("no_such_os")])).unwrap_err();
    assert!(reports(&errors).contains("`no_such_os`"));
}

#[test]
fn files_that_nobody_reads_are_told() {
    let site = Site::new();
    site.write("profiles/vrbs/vrf.yaml", "x");
    site.write("profiles/verbs/vrf.yml", "x");
    site.write("profiles/README.md", "x");
    site.write("parsers/acme_os/notes.txt", "x");
    let warnings = reports(&site.load().unwrap().warnings);
    for part in ["vrbs/vrf.yaml", "verbs/vrf.yml", "acme_os/notes.txt"] {
        assert!(warnings.contains(part), "{part}\n{warnings}");
    }
    assert!(!warnings.contains("README"), "{warnings}");
}

#[test]
fn an_inventory_without_devices_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nocbot.yaml");
    std::fs::write(&file, "inventory: hosts.yaml\n").unwrap();
    std::fs::write(folder.path().join("hosts.yaml"), "---\n# nobody yet\n").unwrap();
    let mut out = Vec::new();
    assert!(run_with(Some(&file), &Environment::empty(), &mut out).unwrap());
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("there are no devices in this file"), "{out}");
    assert!(out.contains("1 warning"), "{out}");
}
