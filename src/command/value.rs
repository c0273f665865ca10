//! One argument's text into its typed value. Nothing else ever reaches a device's command line.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnetwork::IpNetwork;

use super::word::{self, Found};
use crate::table::{Type, Value};
use crate::verb::{Argument, ArgumentType, ArgumentValue};
use crate::yang::{Fields, Path};

/// The longest word.
const MAX_WORD: usize = 64;

/// Types and checks `text` for `argument`; the error says in one sentence why it does not fit.
///
/// A `prefix` argument without a length stays an address ([`ArgumentValue::Ip`]): `route r1 10.0.0.1` is
/// a question for the longest match, `10.0.0.1/32` one for that very route.
pub(super) fn read(argument: &Argument, text: &str) -> Result<ArgumentValue, String> {
    let name = &argument.name;
    match argument.kind {
        ArgumentType::Word => word(text).map(ArgumentValue::Word),
        ArgumentType::Mac => match Value::read(Type::Mac, text) {
            Some(mac @ Value::Mac(_)) => Ok(ArgumentValue::Word(mac.to_string())),
            _ => Err(format!("`{text}` is no hardware address such as 00:50:56:01:02:03")),
        },
        ArgumentType::Interface => {
            let folded: String = text.split_whitespace().collect();
            word(&folded).map(ArgumentValue::Word)
        }
        ArgumentType::Ip => {
            let address = text.parse().map_err(|_| format!("`{text}` is no address"))?;
            permitted(argument, IpNetwork::from(address), text)?;
            Ok(ArgumentValue::Ip(address))
        }
        ArgumentType::Prefix => prefix(argument, text),
        ArgumentType::Host => host(argument, text),
        ArgumentType::Int => int(argument, text).map(ArgumentValue::Int),
        ArgumentType::Choice => {
            let choices = argument.choices.iter().map(|choice| (choice.as_str(), choice));
            match word::find(text, choices) {
                Found::One(choice) => Ok(ArgumentValue::Word(choice.clone())),
                Found::Several(several) => {
                    Err(format!("`{text}` could be {} here", word::list(several.iter().map(String::as_str))))
                }
                Found::None => Err(format!(
                    "`{text}` is not one of {}",
                    word::list(argument.choices.iter().map(String::as_str))
                )),
            }
        }
        ArgumentType::Flag => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Ok(ArgumentValue::Flag),
            _ => Err(format!("`{name}` is given or not, it takes no `{text}`")),
        },
        ArgumentType::Duration => duration(text).map(ArgumentValue::Word),
        ArgumentType::Ports => ports(text).map(|_| ArgumentValue::Word(text.to_owned())),
        ArgumentType::Server => {
            let server = text.strip_prefix('@').unwrap_or(text);
            host(argument, server).map(|found| ArgumentValue::Word(format!("@{found}")))
        }
        ArgumentType::Targets => {
            super::targets::whole(text)?;
            Ok(ArgumentValue::Word(text.to_owned()))
        }
        ArgumentType::Path => path(text).map(ArgumentValue::Word),
        ArgumentType::Fields => match Fields::parse(text) {
            Ok(_) => Ok(ArgumentValue::Word(text.to_owned())),
            Err(error) => Err(error.message().to_owned()),
        },
        ArgumentType::Line => Err(format!("`{name}` cannot be given here")),
    }
}

/// The longest time that an argument may name.
const MAX_TIME: Duration = Duration::from_hours(1);

/// A time in its one form (`200ms`, `2s`): what [`crate::command::time`] reads.
fn duration(text: &str) -> Result<String, String> {
    let time = time(text).ok_or_else(|| format!("`{text}` is no time such as 500ms or 2s"))?;
    if time < Duration::from_millis(1) || time > MAX_TIME {
        return Err(format!("{text} is not between 1ms and {}s", MAX_TIME.as_secs()));
    }
    Ok(match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    })
}

/// Reads a time: `500ms`, `2s`, `0.5`.
pub fn time(text: &str) -> Option<Duration> {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = match lower.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (lower.strip_suffix('s').unwrap_or(&lower), 1.0),
    };
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| plain)? * unit;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The most ports in one list.
const MAX_PORTS: usize = 1024;

/// Reads a list of ports: `22,80,8000-8010`; each once, in the order given.
pub fn ports(text: &str) -> Result<Vec<u16>, String> {
    let one = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(format!("`{text}` is no port from 1 to 65535")),
    };
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (one(first)?, one(last)?);
        if first > last {
            return Err(format!("`{part}` runs backwards"));
        }
        for port in first..=last {
            if found.len() == MAX_PORTS {
                return Err(format!("these are more than {MAX_PORTS} ports"));
            }
            if !found.contains(&port) {
                found.push(port);
            }
        }
    }
    Ok(found)
}

/// A path as it was typed, known to be one; a single word may be a platform's name for one.
fn path(text: &str) -> Result<String, String> {
    if text.contains(':') {
        Path::parse(text).map_err(|error| error.message().to_owned())?;
        return Ok(text.to_owned());
    }
    word(text).map_err(|_| match Path::parse(text) {
        Err(error) => error.message().to_owned(),
        Ok(_) => format!("`{text}` is no path"),
    })
}

/// Whether the text of a flag's value means that it is not given after all.
pub(super) fn is_off(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "no" | "false" | "off" | "0")
}

fn word(text: &str) -> Result<String, String> {
    if let Some(bad) = text.chars().find(|found| !is_word(*found)) {
        return Err(format!("`{bad}` cannot stand in `{text}`: letters, digits and _ . : / + - @ can"));
    }
    if text.is_empty() {
        return Err("the value is empty".into());
    }
    if text.starts_with('-') {
        return Err(format!("`{text}` begins with a dash"));
    }
    if text.len() > MAX_WORD {
        return Err(format!("the value has {} characters, {MAX_WORD} is the most", text.len()));
    }
    Ok(text.to_owned())
}

fn is_word(found: char) -> bool {
    found.is_ascii_alphanumeric() || matches!(found, '_' | '.' | ':' | '/' | '+' | '-' | '@')
}

fn int(argument: &Argument, text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!("`{text}` is no whole number"));
    }
    let (least, most) = argument.range.unwrap_or((i64::MIN, i64::MAX));
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{text} is not between {least} and {most}")),
    }
}

fn prefix(argument: &Argument, text: &str) -> Result<ArgumentValue, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        permitted(argument, IpNetwork::from(address), text)?;
        return Ok(ArgumentValue::Ip(address));
    }
    let network: IpNetwork = Some(text)
        .filter(|text| text.contains('/'))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("`{text}` is no address and no prefix such as 10.0.0.0/8"))?;
    permitted(argument, network, text)?;
    Ok(ArgumentValue::Prefix(network))
}

fn host(argument: &Argument, text: &str) -> Result<ArgumentValue, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        permitted(argument, IpNetwork::from(address), text)?;
        return Ok(ArgumentValue::Ip(address));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // `127.1`, `0x7f000001` and `010.0.0.1` are addresses to some resolvers and would slip past `deny`.
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if name.len() > 253 || number || !name.split('.').all(label) {
        return Err(format!("`{text}` is no address and no DNS name"));
    }
    Ok(ArgumentValue::Word(text.to_owned()))
}

/// Refuses what lies in one of the argument's denied networks; IPv4 within IPv6 counts as IPv4.
fn permitted(argument: &Argument, network: IpNetwork, text: &str) -> Result<(), String> {
    let canonical = network.ip().to_canonical();
    let shift = if canonical.is_ipv4() && network.is_ipv6() { 96 } else { 0 };
    let length = network.prefix().saturating_sub(shift);
    let denied = argument
        .deny
        .iter()
        .find(|deny| deny.contains(canonical) && length >= deny.prefix() && same(deny, canonical));
    match denied {
        Some(deny) => Err(format!("{text} is not allowed here: it lies in {deny}")),
        None => Ok(()),
    }
}

fn same(network: &IpNetwork, address: IpAddr) -> bool {
    network.is_ipv4() == address.is_ipv4()
}

/// `10.0.0.0` and `255.0.0.0` as `10.0.0.0/8`, the way many devices write a prefix.
pub(super) fn with_mask(address: &str, mask: &str) -> Option<String> {
    address.parse::<Ipv4Addr>().ok()?;
    let bits = u32::from(mask.parse::<Ipv4Addr>().ok()?);
    let length = bits.leading_ones();
    (bits.checked_shl(length).unwrap_or(0) == 0).then(|| format!("{address}/{length}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn argument(kind: &str, more: &str) -> Argument {
        let text = format!("{{\"name\": \"x\", \"type\": \"{kind}\", \"help\": \"\"{more}}}");
        serde_json::from_str(&text).unwrap()
    }

    fn check(kind: &str, more: &str, good: &[(&str, &str)], bad: &[&str]) {
        let argument = argument(kind, more);
        for (text, shown) in good {
            assert_eq!(read(&argument, text).unwrap().to_string(), *shown, "{kind} {text}");
        }
        for text in bad {
            assert!(read(&argument, text).is_err(), "{kind} {text}");
        }
    }

    #[test]
    fn every_type() {
        let long = "x".repeat(65);
        check(
            "word",
            "",
            &[("RED", "RED"), ("a_b.c:d/e+f-g@h", "a_b.c:d/e+f-g@h")],
            &["", "-x", "a b", "a;b", "a|b", "$(id)", "é", "a\nb", "`id`", "a>b", &long],
        );
        check("interface", "", &[("Gi 0/1", "Gi0/1"), ("ge-0/0/0.0", "ge-0/0/0.0")], &["Gi0/1;", ""]);
        check(
            "ip",
            ", \"deny\": [\"224.0.0.0/4\"]",
            &[("10.0.0.1", "10.0.0.1"), ("2001:DB8::1", "2001:db8::1")],
            &["10.0.0", "10.0.0.1/8", "224.0.0.5", "::ffff:224.0.0.5", "fe80::1%eth0"],
        );
        check(
            "prefix",
            ", \"deny\": [\"0.0.0.0/8\"]",
            &[
                ("10.0.0.1", "10.0.0.1"),
                ("10.0.0.0/8", "10.0.0.0/8"),
                ("0.0.0.0/0", "0.0.0.0/0"),
                ("::/0", "::/0"),
            ],
            &["10.0.0.0/33", "0.1.0.0/16", "0.0.0.0", "x", "10"],
        );
        check(
            "host",
            ", \"deny\": [\"224.0.0.0/4\", \"::/128\"]",
            &[
                ("r1.example.net", "r1.example.net"),
                ("10.0.0.1", "10.0.0.1"),
                ("a_b", "a_b"),
                ("x.y.", "x.y."),
            ],
            &["127.1", "0x7f000001", "010.0.0.1", "224.1", "224.0.0.1", "::", "a..b", "-a", "a b", "a;b", ""],
        );
        check(
            "int",
            ", \"range\": [1, 10]",
            &[("1", "1"), ("010", "10")],
            &["0", "11", "+5", "-1", "1.5", "", "-", "99999999999999999999"],
        );
        check("int", "", &[("-5", "-5")], &[]);
        check(
            "choice",
            ", \"choices\": [\"udp\", \"icmp\", \"icmp6\"]",
            &[("U", "udp"), ("icmp", "icmp")],
            &["i", "tcp", ""],
        );
        check("flag", "", &[("yes", "yes")], &["maybe"]);
        check("line", "", &[], &["version"]);
        check(
            "duration",
            "",
            &[("500ms", "500ms"), ("0.5", "500ms"), ("2", "2s"), ("1500MS", "1500ms"), ("1.0s", "1s")],
            &["", "ms", "-1", "0", "1h", "1e3", "inf", "nan", "3601", "0.1ms"],
        );
        check(
            "ports",
            "",
            &[("22", "22"), ("22,80,8000-8010", "22,80,8000-8010")],
            &["", "0", "65536", "22,", "80-22", "1-2000", "+22", "ssh"],
        );
        check(
            "server",
            "",
            &[("@192.0.2.53", "@192.0.2.53"), ("dns.example.net", "@dns.example.net")],
            &["@", "@a b"],
        );
        check(
            "targets",
            "",
            &[("r1,@core", "r1,@core"), ("10.0.0.0/24", "10.0.0.0/24")],
            &["", "r1,", "r1 r2", "@"],
        );
    }

    #[test]
    fn masks() {
        assert_eq!(with_mask("10.0.0.0", "255.0.0.0").unwrap(), "10.0.0.0/8");
        assert_eq!(with_mask("0.0.0.0", "0.0.0.0").unwrap(), "0.0.0.0/0");
        assert_eq!(with_mask("10.0.0.1", "255.255.255.255").unwrap(), "10.0.0.1/32");
        assert_eq!(with_mask("10.0.0.0", "255.0.255.0"), None);
        assert_eq!(with_mask("RED", "255.0.0.0"), None);
    }
}
