//! A directory with an `index`, as it is.

use std::path::Path;

use nocbot::catalogue::{Catalogue, Lookup};
use nocbot::config::Config;
use nocbot::inventory::Inventory;

use super::{TEMPLATE, TEXT, with_input};
use crate::support::nocbot;
use crate::textfsm::Reference;

const INDEX: &str = "\
# Words in brackets may be abbreviated.
Template, Hostname, Platform, Command

acme_interface_brief.textfsm, .*, acme_os, sh[[ow]] ip int[[erface]] br[[ief]]
acme_interface.textfsm, .*, acme_os, sh[[ow]] ip int[[erface]](?: \\S+)?
acme_route.textfsm, .*, acme_os, sh[[ow]] ip ro[[ute]]
acme_rip.textfsm, .*, acme_os, sh[[ow]] ip ri[[p]]
acme_ports.textfsm:acme_more.textfsm, .*, acme_os, sh[[ow]] po[[rts]]
acme_comma.textfsm, .*, acme_os, sh[[ow]] x\\d{1,3}
acme_broken.textfsm, .*, acme_os, sh[[ow]] broken
acme_missing.textfsm, .*, acme_os, sh[[ow]] missing
acme_ports.textfsm, .*, acme_os, sh[[ow]] ver[[sion]]
acme_other.textfsm, .*, acme_os_two, sh[[ow]] two
";

fn value(name: &str) -> String {
    format!("Value {name} (.+)\n\nStart\n ^${{{name}}}$$ -> Record\n")
}

/// A site with its own folders, a collection, and a second collection below it.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = site.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("nocbot.yaml", "parsers: [own, first, second]\n");
    put("own/acme_os/show_version/template.textfsm", &value("OWN"));
    put("first/index", INDEX);
    put("first/README.md", "Templates.\n");
    for name in ["interface_brief", "interface", "route", "rip", "other"] {
        put(&format!("first/acme_{name}.textfsm"), &value(&name.to_uppercase()));
    }
    put("first/acme_ports.textfsm", TEMPLATE);
    put(
        "first/acme_more.textfsm",
        "Value Required,Key PORT (e\\d)\nValue LAST (\\d+)\n\nStart\n ^${PORT}.*?${LAST}\\s*$$ -> Record\n",
    );
    put("first/acme_broken.textfsm", "Value A (a\n\nStart\n ^${A}\n");
    put(
        "second/index",
        "Template, Platform, Command\nlate.textfsm, acme_os, sh[[ow]] ip rip\nlate.textfsm, acme_os, sh[[ow]] late\n",
    );
    put("second/late.textfsm", &value("LATE"));
    put("a.txt", TEXT);
    put("line.txt", "a line\n");
    site
}

fn load(site: &Path) -> nocbot::catalogue::Loaded {
    let mut config = Config::without_file(site);
    config.parsers = ["own", "first", "second"].map(|name| site.join(name)).to_vec();
    Catalogue::load_with(&config, Inventory::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn abbreviated_commands_find_their_row_or_none() {
    let site = site();
    let catalogue = load(site.path()).catalogue;
    let template = |command: &str| match catalogue.find_parser("acme_os", command) {
        Lookup::Found(name) => name.rsplit('/').next().unwrap().to_owned(),
        Lookup::Ambiguous(commands) => format!("? {}", commands.join(", ")),
        Lookup::Unknown => "-".to_owned(),
    };
    for (command, wanted) in [
        ("show ip interface brief", "acme_interface_brief.textfsm"),
        ("sh ip int br", "acme_interface_brief.textfsm"),
        ("sh ip int b", "acme_interface_brief.textfsm"),
        ("s i i b", "acme_interface_brief.textfsm"),
        ("SHOW IP INT", "acme_interface.textfsm"),
        ("sh ip int e1", "acme_interface.textfsm"),
        ("sh ip int vrf RED", "acme_interface.textfsm"),
        ("sh ip int detail", "-"),
        ("sh ip int br | include up", "-"),
        ("sh ip r", "? show ip route, show ip rip"),
        ("sh ip ro 10.0.0.0", "acme_route.textfsm"),
        ("sh ip ri", "acme_rip.textfsm"),
        ("sh po", "acme_ports.textfsm:acme_more.textfsm"),
        ("sh ver", "show_version"),
        ("sh late", "late.textfsm"),
        ("sh two", "-"),
        ("show", "-"),
        ("", "-"),
    ] {
        assert_eq!(template(command), wanted, "{command}");
    }
}

#[test]
fn a_collection_by_the_command_line() {
    let site = site();
    let run = |command: &str, file: &str| {
        with_input(
            &["parse", "--platform", "acme_os", "--command", command, "--format", "csv", file],
            site.path(),
            b"",
        )
    };
    let chained = run("sh po", "a.txt");
    assert_eq!(
        chained.out, "PORT,STATE,VLANS,LAST\r\ne1,up,\"10, 20\",20\r\ne2,down,30,30\r\n",
        "{}",
        chained.err
    );
    assert_eq!(run("sh ip rip", "line.txt").out, "RIP\r\na line\r\n", "the earlier collection wins");
    assert_eq!(run("sh ver", "line.txt").out, "OWN\r\na line\r\n", "a folder wins");
    let ambiguous = run("sh ip r", "line.txt");
    assert_eq!(ambiguous.status.code(), Some(2));
    for part in ["ambiguous", "`show ip route`", "`show ip rip`"] {
        assert!(ambiguous.err.contains(part), "{}", ambiguous.err);
    }
    let broken = run("sh broken", "line.txt");
    assert_eq!(broken.status.code(), Some(2));
    assert!(broken.err.contains("first/acme_broken.textfsm:1:"), "{}", broken.err);
    let named = ["parse", "--parser", "acme_os/show_version", "--explain", "line.txt"];
    assert!(nocbot(&named, site.path()).out.contains("= Start line 4: ^${OWN}$$ -> Record"));
}

#[test]
fn check_warns_of_lines_and_templates() {
    let site = site();
    let run = nocbot(&["check"], site.path());
    assert_eq!(run.status.code(), Some(0), "{}{}", run.out, run.err);
    let warnings: Vec<&str> = run.out.lines().filter(|line| line.starts_with("warning: first")).collect();
    let has = |part: &str| warnings.iter().any(|line| line.contains(part));
    assert!(has("first/index:9:1: this line of the index is left out"), "{}", run.out);
    assert!(has("first/acme_broken.textfsm:1:"), "{}", run.out);
    assert!(has("acme_missing.textfsm"), "{}", run.out);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(!run.out.contains("nobody reads"), "{}", run.out);
    assert!(run.out.contains("the index in first gives 9 commands to"), "{}", run.out);
    std::fs::write(site.path().join("second/index"), "Template, Command\nlate.textfsm, sh(\n").unwrap();
    let run = nocbot(&["check"], site.path());
    assert_eq!(run.status.code(), Some(2));
    assert!(run.out.contains("second/index:2:15:"), "{}", run.out);
}

#[test]
fn the_public_collection_s_own_commands_find_their_rows() {
    let Some(reference) = Reference::find() else { return };
    let mut config = Config::without_file(Path::new(""));
    config.parsers = vec![reference.templates.clone()];
    let loaded = Catalogue::load_with(&config, Inventory::default()).unwrap();
    let mut catalogue = loaded.catalogue;
    catalogue.parsers.clear();
    let paths = [reference.templates.to_str().unwrap(), reference.samples.to_str().unwrap()];
    let index = std::fs::read_to_string(reference.templates.join("index")).unwrap();
    let index = nocbot::parse::index::Index::read(&index).unwrap();
    let (mut asked, mut found, mut wrong) = (0, 0, Vec::new());
    for output in reference.ask(&["outputs", paths[0], paths[1]], "") {
        let (platform, command) = (output["platform"].as_str().unwrap(), output["command"].as_str().unwrap());
        let wanted = index.find(&[("Platform", platform), ("Command", command)]).unwrap().templates.join(":");
        asked += 1;
        match catalogue.find_parser(platform, command) {
            Lookup::Found(name) if name.ends_with(&format!("/{wanted}")) => found += 1,
            Lookup::Unknown => {}
            other => wrong.push(format!("{platform}: {command}: {wanted}, not {other:?}")),
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found * 100 >= asked * 95, "{found} of {asked}");
}
