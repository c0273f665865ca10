use super::*;
use crate::verb;

const VRF: &str = "verb: vrf\nhelp: h\nexamples: [vrf r1]\ncolumns: [{name: vrf}, {name: rd}]\n\
    arguments: [{name: name, type: word, help: h}, {name: prefix, type: prefix, help: h}, {name: v6, type: flag, help: h}]\n";

const ACME: &str = r"platform: acme_os
title: Acme OS
aliases: [acme]
ssh: {level: legacy, port: 2222}
prompts:
  - {mode: user, pattern: '^[\w.-]+>$'}
  - {mode: privileged, pattern: '[\w.-]+#'}
enable: {from: user, to: privileged, command: enable, ask: '^Password: ?$'}
open: [terminal length 0]
pagers: [{pattern: '^--More--$', answer: ' '}]
rejected: [{pattern: '^% Invalid', meaning: unknown command}]
show: {prefix: show, words: [show], deny: [tech-support]}
verbs:
  vrf:
    - when: {v6: yes, prefix.family: 6}
      ssh: show vrf [{name}] [{prefix.ip} {prefix.mask}]
      columns: {vrf: NAME, rd: {from: RD, map: {none: ''}}}
      also: [{ssh: show vrf detail}]
samples:
  prompts: {user: ['r1>']}
";

fn load_all(files: &[(&str, &str)]) -> (BTreeMap<String, Arc<Platform>>, Vec<String>) {
    let mut errors = Vec::new();
    let verbs = BTreeMap::from([("vrf".to_owned(), Node::read("verbs/vrf.yaml", VRF).unwrap())]);
    let verbs = verb::load::load(&verbs, &mut errors);
    let parsers = ["acme_os/show_vrf", "acme_os/show_vrf_detail", "acme_xe/show_vrf"];
    let parsers = parsers.into_iter().map(str::to_owned).collect();
    let files: BTreeMap<String, Node> = files
        .iter()
        .map(|(stem, text)| ((*stem).to_owned(), Node::read(&format!("{stem}.yaml"), text).unwrap()))
        .collect();
    let loaded =
        load(&files, Known { verbs: &verbs, verb_files: &BTreeSet::new(), parsers: &parsers }, &mut errors);
    let platforms = loaded.into_iter().map(|loaded| (loaded.platform.name.clone(), loaded.platform));
    (platforms.collect(), errors.iter().map(Error::report).collect())
}

#[test]
fn every_field_is_read() {
    let (platforms, errors) = load_all(&[("acme_os", ACME)]);
    assert!(errors.is_empty(), "{errors:?}");
    let acme = &platforms["acme_os"];
    assert_eq!((acme.port, acme.level, acme.session), (2222, Level::Legacy, SessionKind::Shell));
    assert_eq!(acme.mode_of("r1> "), Some("user"));
    assert_eq!(acme.mode_of("r1#"), Some("privileged"));
    assert_eq!(acme.mode_of("see r1#"), None, "a prompt without anchors is still the whole line");
    assert!(acme.show.deny[0].is_match("show TECH-support"));
    let source = &acme.verbs["vrf"][0];
    assert_eq!(source.parser, "acme_os/show_vrf");
    assert_eq!(source.when["v6"], "yes");
    assert_eq!(source.when["prefix.family"], "6");
    assert_eq!(source.columns["rd"].map["none"], "");
    assert_eq!(source.also[0].parser, "acme_os/show_vrf_detail");
}

#[test]
fn extends_fills_in_what_is_left_out() {
    let xe = "platform: acme_xe\nextends: acme_os\nssh: {level: modern}\nenable: ~\nopen: [width 0]\n";
    let (platforms, errors) = load_all(&[("acme_os", ACME), ("acme_xe", xe)]);
    assert!(errors.is_empty(), "{errors:?}");
    let xe = &platforms["acme_xe"];
    assert_eq!((xe.port, xe.level), (2222, Level::Modern));
    assert_eq!(xe.title, "acme_xe");
    assert!(xe.aliases.is_empty() && xe.enable.is_none());
    assert_eq!(xe.open, ["width 0"]);
    assert_eq!(xe.prompts.len(), 2);
    let source = &xe.verbs["vrf"][0];
    assert_eq!(source.parser, "acme_xe/show_vrf", "its own parser comes first");
    assert_eq!(source.also[0].parser, "acme_os/show_vrf_detail");
}

#[test]
fn every_mistake_is_found_where_it_stands() {
    for (from, to, wanted) in [
        ("platform: acme_os", "platform: acme", "1:11: the file is acme_os.yaml but its platform is acme"),
        ("title:", "titel:", "did you mean `title`?"),
        ("legacy", "legcy", "did you mean `legacy`?"),
        (r"'^[\w.-]+>$'", "'(^x'", "6:27: the pattern is wrong: unclosed group"),
        (r"'^[\w.-]+>$'", "'x*'", "the pattern matches an empty line"),
        ("from: user", "from: usr", "8:16: no prompt has the mode `usr`"),
        ("words: [show]", "words: [Show]", "`Show` is not one lower-case word"),
        ("prefix: show", "prefix: display", "the prefix's first word is none of `words`"),
        ("  vrf:", "  vfr:", "14:3: there is no verb `vfr`"),
        ("{v6: yes", "{v4: yes", "15:14: the verb `vrf` has no argument `v4`"),
        ("[{name}]", "[{nme}]", "did you mean `name`?"),
        (
            "{ssh: show vrf detail}",
            "{ssh: show vrf detail, when: {v6: yes}}",
            "`when` means nothing within `also`",
        ),
        ("[{name}]", "[{name.mask}]", "is no address with this attribute"),
        ("[{name}]", "[{name}", "16:12: in the command line, a `[` is not closed"),
        ("{vrf: NAME", "{vfr: NAME", "17:17: the verb `vrf` has no column `vfr`"),
        ("{from: RD,", "{form: RD,", "did you mean `from`?"),
        ("{from: RD, map", "{map", "nothing fills the column `rd`"),
        ("{from: RD,", "{from: '{RD}/{X',", "17:39: the braces of `{RD}/{X` are not paired"),
        ("show vrf detail", "show vrf detials", "there is no parser `acme_os/show_vrf_detials`"),
        ("title: Acme OS", "extends: acme_oz", "there is no platform `acme_oz`"),
        ("title: Acme OS", "extends: acme_os", "extends itself"),
        (
            "title: Acme OS",
            "extends: acme_os",
            "such as my_acme_os; a file of the same name replaces it whole",
        ),
        ("aliases: [acme]", "aliases: [ACME_os]", "3:11: `ACME_os` stands for the platform acme_os already"),
        (
            "ssh: show vrf [{name}] [{prefix.ip} {prefix.mask}]",
            "ssh: [a]",
            "16:12: a text is wanted, not a list",
        ),
        ("prompts: {user", "promts: {user", "did you mean `prompts`?"),
    ] {
        assert!(ACME.contains(from), "{from}");
        let (platforms, errors) = load_all(&[("acme_os", &ACME.replacen(from, to, 1))]);
        let all = errors.join("\n");
        assert!(all.contains(wanted), "{wanted}\n{all}");
        assert!(platforms.is_empty(), "{wanted}");
    }
}

#[test]
fn several_mistakes_are_reported_together() {
    let text = ACME.replace("from: user", "from: usr").replace("{vrf: NAME", "{vfr: NAME");
    assert_eq!(load_all(&[("acme_os", &text)]).1.len(), 2);
}
