//! Help and completion.

use std::sync::Arc;

use nocbot::answer::{Answer, Block, text};
use nocbot::catalogue::Parser;
use nocbot::command::{BUILTINS, Command, STAGES, complete, examples, help, parse, understand};

use super::{catalogue, device, small, verbs};

fn offered(text: &str) -> Vec<String> {
    let completions = complete(&small(), text);
    assert!(completions.len() <= 20);
    completions
        .into_iter()
        .map(|completion| format!("{}{}", &text[..completion.start], completion.text))
        .collect()
}

#[test]
fn what_is_offered() {
    for (text, first) in [
        ("v", vec!["version", "vlan", "vrf"]),
        ("VR", vec!["vrf"]),
        ("vrf", vec![]),
        ("nocbot, vr", vec!["nocbot, vrf"]),
        ("!vr", vec!["!vrf"]),
        ("hel", vec!["help"]),
        ("help vr", vec!["help vrf"]),
        ("help wh", vec!["help whoami", "help who", "help where"]),
        ("explain vr", vec!["explain vrf"]),
        ("vrf r", vec!["vrf r1", "vrf r2", "vrf r3", "vrf r4", "vrf r5", "vrf r10"]),
        ("vrf r1,core", vec!["vrf r1,core-sw-1", "vrf r1,core-sw-2"]),
        ("vrf r1, r2 & @c", vec!["vrf r1, r2 & @core"]),
        ("vrf all - r1", vec!["vrf all - r10"]),
        ("vrf all -core", vec!["vrf all -core-sw-1"]),
        ("vrf @", vec!["vrf @core", "vrf @edge", "vrf @lab", "vrf @switches"]),
        ("vrf sit", vec!["vrf site:"]),
        ("vrf site:", vec!["vrf site:ams", "vrf site:fra", "vrf site:lon"]),
        ("vrf r1 ", vec![]),
        ("ping r1 ", vec!["ping r1 count", "ping r1 size", "ping r1 vrf", "ping r1 src"]),
        ("ping r1 10.0.0.1 c", vec!["ping r1 10.0.0.1 count"]),
        ("ping r1 10.0.0.1 count ", vec!["ping r1 10.0.0.1 count 5"]),
        ("route r1 v", vec!["route r1 vrf", "route r1 v6"]),
        ("route r1 vrf RED v", vec!["route r1 vrf RED v6"]),
        ("show version on r1", vec!["show version on r10"]),
        ("devices @l", vec!["devices @lab"]),
        ("bgp all | ", vec!["bgp all | include", "bgp all | exclude", "bgp all | begin"]),
        ("bgp all | wh", vec!["bgp all | where"]),
        ("bgp all | mat", vec!["bgp all | match"]),
        ("bgp all | where ", vec!["bgp all | where neighbor", "bgp all | where vrf"]),
        ("bgp all | where st", vec!["bgp all | where state"]),
        ("bgp all | where state ", vec!["bgp all | where state ="]),
        ("bgp all | where state != ", vec!["bgp all | where state != Established"]),
        ("bgp all | where state != up ", vec!["bgp all | where state != up and"]),
        ("bgp all | where (state = up or v", vec!["bgp all | where (state = up or vrf"]),
        ("bgp all | select neighbor,s", vec!["bgp all | select neighbor,state"]),
        ("bgp all | count | sort -up", vec!["bgp all | count | sort -uptime"]),
        ("bgp all | top 5 pre", vec!["bgp all | top 5 prefixes"]),
        ("bgp all | include 'a|b", vec![]),
        ("explain bgp all | where st", vec!["explain bgp all | where state"]),
    ] {
        let found = offered(text);
        assert_eq!(
            found.iter().take(first.len()).collect::<Vec<_>>(),
            first.iter().collect::<Vec<_>>(),
            "{text}"
        );
        assert_eq!(found.is_empty(), first.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn commands_of_parsers_are_offered() {
    let mut catalogue = small();
    for name in ["frr/show_ip_route", "frr/show_ip_ospf_neighbor", "frr/show_version"] {
        let parser = Parser::new(name, "", "");
        catalogue.parsers.insert(name.into(), Arc::new(parser));
    }
    let texts = |text: &str| -> Vec<String> {
        complete(&catalogue, text).into_iter().map(|completion| completion.text).collect()
    };
    assert_eq!(texts("show r1 "), ["ip", "version"]);
    assert_eq!(texts("sh r1, r2 ip o"), ["ospf"]);
    assert_eq!(texts("show r1 ip ospf "), ["neighbor"]);
}

#[test]
fn help_is_made_of_the_verbs() {
    let catalogue = small();
    let overview = text::render(&Answer::of("help", help(None, &catalogue)), None);
    for verb in verbs().values() {
        assert!(overview.contains(&verb.help), "{}", verb.name);
        let page = text::render(&Answer::of("help", help(Some(&verb.name), &catalogue)), None);
        let words = verb.arguments.iter().map(|argument| &argument.help);
        for word in words.chain(verb.columns.iter().map(|column| &column.help)).chain(&verb.examples) {
            assert!(page.contains(word.as_str()), "{word}: {page}");
        }
    }
    for name in BUILTINS.iter().map(|builtin| builtin.name).chain(STAGES.iter().map(|stage| stage.name)) {
        assert!(overview.contains(name), "{name}");
        let Command::Help(Some(topic)) = parse(&format!("help {name}"), &verbs()).unwrap().command else {
            panic!()
        };
        assert!(!help(Some(&topic), &catalogue).is_empty());
    }
}

#[test]
fn examples_work_on_this_inventory() {
    let network = catalogue([device("lon-1", "10.0.0.1", "", "")]);
    let blocks = examples(&network);
    let [Block::Text { text }] = blocks.as_slice() else { panic!() };
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim).collect();
    assert!(lines.len() > verbs().len());
    for line in lines {
        let question = understand(line, &network).unwrap();
        nocbot::command::resolve(question.targets().unwrap(), &network)
            .unwrap_or_else(|error| panic!("{}", error.report()));
    }
}
