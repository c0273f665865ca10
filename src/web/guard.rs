//! What every request must pass before anything else looks at it, and the headers of every response.
//!
//! * `Host` must be a name of ours. A foreign page can point its own name at our address (DNS
//!   rebinding); it cannot make the browser send another name than its own.
//! * `Origin`, where there is one, must be the page that we served: the same host and port. This is
//!   what refuses a foreign page's WebSocket, to which the same-origin policy does not apply.
//! * `Sec-Fetch-Site`, where there is one, must not be that of another site: another service on this
//!   machine has another port, and for cookies that is the same site.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;

/// No inline code, nothing from elsewhere, no frame around it, and no text that becomes HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of every response.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// The hosts under which the console may be asked for.
#[derive(Debug)]
pub(super) struct Hosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    /// For a console that listens on `listen`, with further `names` from the configuration.
    pub(super) fn new(listen: IpAddr, names: Vec<String>) -> Self {
        let names = names.iter().map(|name| bare(name).to_ascii_lowercase()).collect();
        Self { listen, names }
    }

    /// Whether `host`, a `Host` header's value, is ours. The port is free: there may be a tunnel or a
    /// proxy in between. An address is no name that could be rebound, so any will do unless the
    /// console listens on loopback only.
    fn know(&self, host: &str) -> bool {
        let name = bare(host).trim_end_matches('.').to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") || self.names.contains(&name) {
            return true;
        }
        name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || !self.listen.is_loopback())
    }
}

/// `host` without its port and without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

/// Refuses what does not come from our page, and puts [`HEADERS`] on every response.
pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match verdict(&site.hosts, request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason + "\n").into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `Err` with a sentence for whoever asked.
fn verdict(hosts: &Hosts, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let host = one(headers, &header::HOST)?.ok_or("refused: the request names no host")?;
    let absolute = uri.authority().map(axum::http::uri::Authority::as_str);
    if !hosts.know(host) || absolute.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
        return Err(format!(
            "refused: this console does not know itself as `{}`; \
             if it should, add that name to `console.hosts` in nocbot.yaml",
            bare(host).chars().filter(char::is_ascii_graphic).take(100).collect::<String>()
        ));
    }
    if let Some(origin) = one(headers, &header::ORIGIN)? {
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !from.is_some_and(|from| from.eq_ignore_ascii_case(host)) {
            return Err("refused: the request comes from another site's page".to_owned());
        }
    }
    // A link to the page itself may stand anywhere.
    let page = uri.path() == "/";
    match one(headers, &HeaderName::from_static("sec-fetch-site"))? {
        Some("cross-site" | "same-site") if !page => Err("refused: another site asked for it".to_owned()),
        _ => Ok(()),
    }
}

/// The value of a header that may stand once, as text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    match (value, values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(format!("refused: the header `{name}` cannot be understood")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn ask(hosts: &Hosts, path: &str, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        verdict(hosts, &path.parse().unwrap(), &headers).is_ok()
    }

    #[test]
    fn loopback_knows_only_loopback() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), vec!["noc.example.net".into()]);
        for host in [
            "localhost",
            "localhost:8008",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:8008",
            "LOCALHOST.",
            "NOC.example.net:443",
        ] {
            assert!(hosts.know(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "192.0.2.1:8008",
            "[2001:db8::1]",
            "notlocalhost",
            "[",
            ":",
            "127.0.0.1.evil.example",
        ] {
            assert!(!hosts.know(host), "{host}");
        }
    }

    proptest::proptest! {
        /// Whatever the header says, on loopback only loopback gets through.
        #[test]
        fn no_other_host_gets_through(host in r"[\[\]:.a-z0-9%@/ -]{0,40}|\PC{0,40}") {
            let hosts = Hosts::new("127.0.0.1".parse().unwrap(), Vec::new());
            if hosts.know(&host) {
                let name = bare(&host).to_ascii_lowercase();
                let name = name.trim_end_matches('.');
                let address = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
                proptest::prop_assert!(address || name == "localhost" || name.ends_with(".localhost"), "{host}");
            }
        }
    }

    #[test]
    fn elsewhere_addresses_are_known_and_names_are_not() {
        let hosts = Hosts::new("0.0.0.0".parse().unwrap(), Vec::new());
        assert!(hosts.know("192.0.2.1:8008"));
        assert!(hosts.know("[2001:db8::1]:8008"));
        assert!(!hosts.know("rebound.example:8008"));
    }

    #[test]
    fn the_origin_must_be_the_host() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), Vec::new());
        let host = ("host", "localhost:8008");
        assert!(ask(&hosts, "/socket", &[host]));
        assert!(ask(&hosts, "/socket", &[host, ("origin", "http://localhost:8008")]));
        assert!(ask(&hosts, "/socket", &[host, ("origin", "https://localhost:8008")]));
        for origin in [
            "http://evil.example",
            "null",
            "",
            "http://localhost:8009",
            "http://localhost",
            "file://localhost:8008",
            "http://127.0.0.1:8008",
        ] {
            assert!(!ask(&hosts, "/socket", &[host, ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn doubled_headers_and_other_sites_are_refused() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), Vec::new());
        let host = ("host", "localhost");
        assert!(!ask(&hosts, "/", &[]));
        assert!(!ask(&hosts, "/", &[host, host]));
        assert!(!ask(
            &hosts,
            "/",
            &[host, ("origin", "http://localhost"), ("origin", "http://evil.example")]
        ));
        assert!(!ask(&hosts, "/answers/1.csv", &[host, ("sec-fetch-site", "same-site")]));
        assert!(!ask(&hosts, "/socket", &[host, ("sec-fetch-site", "cross-site")]));
        assert!(ask(&hosts, "/", &[host, ("sec-fetch-site", "cross-site")]));
        assert!(ask(&hosts, "/app.js", &[host, ("sec-fetch-site", "same-origin")]));
        assert!(!ask(&hosts, "http://evil.example/socket", &[host]));
    }
}
