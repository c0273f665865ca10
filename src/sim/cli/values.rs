//! Small functions for the templates: parts of prefixes, hardware addresses in groups.

use ipnetwork::IpNetwork;
use minijinja::{Environment, Error, ErrorKind};

/// Adds them.
pub fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("ip", |prefix: String| part(&prefix, |net| net.ip().to_string()));
    environment.add_filter("net", |prefix: String| {
        part(&prefix, |net| format!("{}/{}", net.network(), net.prefix()))
    });
    environment.add_filter("netip", |prefix: String| part(&prefix, |net| net.network().to_string()));
    environment.add_filter("len", |prefix: String| part(&prefix, |net| net.prefix().to_string()));
    environment.add_filter("mask", |prefix: String| part(&prefix, |net| net.mask().to_string()));
    environment.add_filter("broadcast", |prefix: String| part(&prefix, |net| net.broadcast().to_string()));
    environment.add_filter("masked", masked);
    environment.add_filter("wildcard", |prefix: String| part(&prefix, wildcard));
    environment.add_test("ip", |text: String| text.parse::<std::net::IpAddr>().is_ok());
    environment.add_filter("mac", mac);
    environment.add_filter("cut", cut);
    environment.add_filter("json", json);
    environment.add_filter("xml", |text: String| crate::sim::data::escaped(&text));
    environment
        .add_filter("shorter", |text: String, most: usize| -> String { text.chars().take(most).collect() });
}

fn part(prefix: &str, take: impl Fn(IpNetwork) -> String) -> Result<String, Error> {
    let net: IpNetwork = prefix
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("`{prefix}` is no prefix")))?;
    Ok(take(net))
}

/// The mask with its bits turned round, as access lists write it.
fn wildcard(net: IpNetwork) -> String {
    match net.mask() {
        std::net::IpAddr::V4(mask) => std::net::Ipv4Addr::from(!u32::from(mask)).to_string(),
        std::net::IpAddr::V6(mask) => std::net::Ipv6Addr::from(!u128::from(mask)).to_string(),
    }
}

/// An address and a mask as a prefix.
fn masked(ip: String, mask: String) -> Result<String, Error> {
    let wrong = || Error::new(ErrorKind::InvalidOperation, format!("{ip} {mask} is no prefix"));
    let (ip, mask) = (ip.parse().map_err(|_| wrong())?, mask.parse().map_err(|_| wrong())?);
    IpNetwork::with_netmask(ip, mask).map(|net| net.to_string()).map_err(|_| wrong())
}

/// Hexadecimal digits in groups: `mac(':', 2)`, `mac('.', 4)`.
fn mac(digits: String, between: String, group: usize) -> String {
    let digits: Vec<char> = digits.chars().collect();
    let groups: Vec<String> = digits.chunks(group.max(1)).map(|group| group.iter().collect()).collect();
    groups.join(&between)
}

/// A text without its ending, where it has it.
fn cut(text: String, ending: String) -> String {
    text.strip_suffix(ending.as_str()).map_or(text.clone(), str::to_owned)
}

/// A value as JSON.
fn json(value: minijinja::Value) -> Result<String, Error> {
    serde_json::to_string(&value).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}
