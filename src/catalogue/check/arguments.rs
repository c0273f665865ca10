//! Arguments as somebody could give them, for trying out command lines.

use ipnetwork::IpNetwork;

use crate::verb::{Argument, ArgumentType, ArgumentValue, Arguments, By, Verb};

/// How many combinations are tried of one verb; no verb that people can remember has as many.
const MOST: usize = 4096;

/// Every combination of given and missing arguments and of address families.
pub(super) fn combinations(verb: &Verb) -> Vec<Arguments> {
    let mut all = vec![Arguments::new()];
    // How a device is asked is no part of what it is asked, and what the bot takes never reaches one.
    let asked = |argument: &&Argument| argument.name != Verb::VIA && argument.only != Some(By::Bot);
    for argument in verb.arguments.iter().filter(asked) {
        let values = values(argument);
        let optional = !argument.required && argument.default.is_none();
        let with = all.iter().flat_map(|arguments| {
            values.iter().map(|value| {
                let mut arguments = arguments.clone();
                arguments.insert(argument.name.clone(), value.clone());
                arguments
            })
        });
        let mut next: Vec<Arguments> = with.take(MOST).collect();
        if optional {
            next.splice(0..0, all);
        }
        next.truncate(MOST);
        all = next;
    }
    all
}

/// `prefix 192.0.2.0/24, vrf RED`, or `no arguments`.
pub(super) fn shown(arguments: &Arguments) -> String {
    if arguments.is_empty() {
        return "no arguments".to_owned();
    }
    arguments.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn values(argument: &Argument) -> Vec<ArgumentValue> {
    let word = |text: &str| ArgumentValue::Word(text.to_owned());
    let addresses = || ["192.0.2.1", "2001:db8::1"].iter().filter_map(|text| text.parse().ok());
    let prefixes =
        || ["192.0.2.0/24", "2001:db8::/64"].iter().filter_map(|text| text.parse::<IpNetwork>().ok());
    match argument.kind {
        ArgumentType::Word => vec![word("RED")],
        ArgumentType::Duration => vec![word("2s")],
        ArgumentType::Ports => vec![word("22")],
        ArgumentType::Server => vec![word("@192.0.2.53")],
        ArgumentType::Targets => vec![word("r2")],
        ArgumentType::Interface => vec![word("Ethernet1/0")],
        ArgumentType::Mac => vec![word("00:53:00:00:00:01")],
        ArgumentType::Path => vec![word("ietf-interfaces:interfaces")],
        ArgumentType::Fields => vec![word("name")],
        ArgumentType::Line => vec![word("version")],
        ArgumentType::Choice => argument.choices.iter().map(|choice| word(choice)).collect(),
        ArgumentType::Flag => vec![ArgumentValue::Flag],
        ArgumentType::Int => {
            let default = argument.default.as_ref().and_then(|text| text.parse().ok());
            vec![ArgumentValue::Int(default.or(argument.range.map(|(least, _)| least)).unwrap_or(1))]
        }
        ArgumentType::Ip => addresses().map(ArgumentValue::Ip).collect(),
        ArgumentType::Host => addresses().map(ArgumentValue::Ip).chain([word("r2.example")]).collect(),
        ArgumentType::Prefix => {
            addresses().map(ArgumentValue::Ip).chain(prefixes().map(ArgumentValue::Prefix)).collect()
        }
    }
}
