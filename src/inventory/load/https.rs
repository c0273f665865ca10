//! `connection_options.restconf` and `.jsonrpc`: the logins of a device's HTTPS servers.

use std::path::PathBuf;

use super::element::{Element, Reader};
use crate::inventory::{Fingerprint, HttpsLogin};
use crate::secret::{SecretRef, path_of};
use crate::yaml::Node;

/// The connections' names.
pub(super) const CONNECTIONS: [&str; 2] = ["restconf", "jsonrpc"];

/// What an element says of the connection.
#[derive(Default)]
pub(super) struct Options {
    hostname: Option<String>,
    port: Option<u16>,
    username: Option<String>,
    password: Option<SecretRef>,
    /// The fields of the login that stand in `extras`; taken whole, as Nornir does.
    extras: Option<HttpsLogin>,
}

const EXTRAS: [&str; 11] = [
    "transport",
    "scheme",
    "verify",
    "ca_file",
    "fingerprint",
    "server_name",
    "cert_file",
    "key_file",
    "token",
    "root",
    "connect_timeout",
];

pub(super) fn read(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Options> {
    reader.keep(node.entries(&format!("`{name}`")))?;
    let known = ["hostname", "port", "username", "password", "platform", "extras"];
    node.unknown_keys(&known, &mut reader.errors);
    let extras = node.get("extras").filter(|extras| !extras.is_null());
    Some(Options {
        hostname: reader.text(node, "hostname").filter(|name| reader.is_host(node, name)),
        port: reader.port(node),
        username: reader.text(node, "username"),
        password: reader.secret(node, "password"),
        extras: extras.and_then(|extras| login(reader, extras)),
    })
}

fn login(reader: &mut Reader<'_>, node: &Node) -> Option<HttpsLogin> {
    reader.keep(node.entries("`extras`"))?;
    node.unknown_keys(&EXTRAS, &mut reader.errors);
    for key in ["transport", "scheme"] {
        if reader.text(node, key).is_some_and(|scheme| !scheme.eq_ignore_ascii_case("https")) {
            let error = node.nearest(&[key]).error(format!("`{key}` can only be `https`"));
            reader.errors.push(error.hint("logins are not sent in the clear; enable HTTPS on the device"));
        }
    }
    let login = HttpsLogin {
        token: reader.secret(node, "token"),
        unverified: reader.decode(node, "verify") == Some(false),
        ca_file: file(reader, node, "ca_file"),
        fingerprint: fingerprint(reader, node),
        server_name: reader.text(node, "server_name").filter(|name| reader.is_host(node, name)),
        cert_file: file(reader, node, "cert_file"),
        key_file: file(reader, node, "key_file"),
        root: root(reader, node),
        connect_timeout: reader.seconds(node, "connect_timeout"),
        ..HttpsLogin::default()
    };
    if login.unverified {
        let verify = node.nearest(&["verify"]);
        if !reader.device {
            let error = verify.error("verification is turned off for single devices only");
            let hint = "say it in the device's own `extras`, or give the group a `ca_file`";
            reader.errors.push(error.hint(hint));
        }
        if login.ca_file.is_some() || login.fingerprint.is_some() {
            let error = verify.error("with `verify: false` nothing is checked against the rest of `extras`");
            reader.errors.push(error.hint("leave out `verify`, or `ca_file` and `fingerprint`"));
        }
    }
    if login.ca_file.is_some() && login.fingerprint.is_some() {
        let error = node.nearest(&["fingerprint"]).error("`ca_file` and `fingerprint` exclude each other");
        reader.errors.push(error.hint("a fingerprint is enough: it names the one certificate or key"));
    }
    if login.key_file.is_some() && login.cert_file.is_none() {
        let error = node.nearest(&["key_file"]).error("a `key_file` needs its `cert_file`");
        reader.errors.push(error.hint("both are PEM files; the key may stand in `cert_file`, too"));
    }
    Some(login)
}

fn fingerprint(reader: &mut Reader<'_>, node: &Node) -> Option<Fingerprint> {
    let text = reader.text(node, "fingerprint").filter(|text| !text.is_empty())?;
    let fingerprint = Fingerprint::read(&text);
    if fingerprint.is_none() {
        let error = node.nearest(&["fingerprint"]).error("this is no SHA-256 fingerprint");
        let hint = "64 hexadecimal digits, as `openssl x509 -noout -fingerprint -sha256` prints them";
        reader.errors.push(error.hint(hint));
    }
    fingerprint
}

fn root(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "root").filter(|text| !text.is_empty())?;
    let good = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if !text.starts_with('/') || text.starts_with("//") || !text.chars().all(good) {
        let error = node.nearest(&["root"]).error(format!("`{text}` is no path of a RESTCONF root"));
        reader.errors.push(error.hint("for example `/restconf`; without it the device is asked"));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn file(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<PathBuf> {
    let text = reader.text(node, key).filter(|text| !text.is_empty())?;
    let place = node.nearest(&[key]);
    let path = path_of(&text, reader.base, reader.environment).map_err(|error| place.place_error(error));
    let path = reader.keep(path)?;
    if !path.is_file() {
        let warning = place.error(format!("there is no file {}", path.display()));
        reader.warnings.push(warning.hint("relative paths count from the directory of nocbot.yaml"));
    }
    Some(path)
}

/// The login of a device's connection from itself, its groups and the defaults, in this order.
///
/// User and password are those of the device where the connection has none. The port is not: what
/// stands there is that of SSH.
pub(super) fn resolve(elements: &[&Element], connection: &str) -> HttpsLogin {
    let slot = CONNECTIONS.iter().position(|known| *known == connection).unwrap_or_default();
    let own = || elements.iter().filter_map(|element| element.https.get(slot)?.as_ref());
    let base = || elements.iter().map(|element| &element.login);
    HttpsLogin {
        offered: own().next().is_some(),
        hostname: own().find_map(|options| options.hostname.clone()).filter(|name| !name.is_empty()),
        port: own().find_map(|options| options.port),
        username: own()
            .find_map(|options| options.username.clone())
            .or_else(|| base().find_map(|options| options.username.clone())),
        password: own()
            .find_map(|options| options.password.clone())
            .or_else(|| base().find_map(|options| options.password.clone())),
        ..own().find_map(|options| options.extras.clone()).unwrap_or_default()
    }
}
