//! A stream over a WebSocket (RFC 7395): open, log in, bind or resume.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::Xmpp;
use super::element::{Element, escape};
use super::scram::{Hash, Scram};
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Frame, Socket, Trouble};

/// For each step.
const STEP: Duration = Duration::from_secs(20);
pub(super) const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const SM: &str = "urn:xmpp:sm:3";

/// A stream that is logged in.
pub(super) struct Stream {
    pub socket: Socket,
    domain: String,
    features: Element,
    /// Where the server sends us instead.
    pub other: Option<String>,
}

/// What the server said to a resumption.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    /// It goes on; the server has so many of our stanzas.
    Yes(u32),
    /// It is lost; perhaps the server still knows how many it had.
    No(Option<u32>),
}

impl Stream {
    /// Opens a stream and logs in. An address to go to instead is put into `other`.
    pub(super) async fn open(xmpp: &Xmpp, url: &str, other: &mut Option<String>) -> Result<Self, Trouble> {
        let password = xmpp.settings.password.resolve().await;
        let password = password.map_err(|error| Trouble::Login(error.message().to_owned()))?;
        let uri = url.parse().map_err(|_| Trouble::Refused("the server's address cannot be used".into()))?;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("sec-websocket-protocol"), HeaderValue::from_static("xmpp"));
        let socket =
            Socket::open(&xmpp.settings.net, &uri, headers).await.map_err(|unopened| match unopened {
                Unopened::Status(429, Some(wait)) => Trouble::Wait(wait),
                Unopened::Status(status, _) => {
                    Trouble::unsent(format!("the server refused the WebSocket with {status}"))
                }
                Unopened::Trouble(trouble) => trouble,
            })?;
        let domain = super::domain(&xmpp.settings.jid).to_owned();
        let mut stream = Self { socket, domain, features: Element::default(), other: None };
        let opening = async {
            stream.start().await?;
            stream.login(&xmpp.settings.jid, password.expose()).await?;
            stream.start().await
        };
        let opened = timeout(STEP, opening).await.unwrap_or_else(|_| Err(late()));
        other.clone_from(&stream.other);
        opened.map(|()| stream)
    }

    async fn next(&mut self) -> Result<Element, Trouble> {
        loop {
            match self.socket.next().await {
                Frame::Text(frame) => {
                    let Some(element) = Element::read(&frame) else { continue };
                    if let Some(end) = End::of(&element) {
                        self.other = end.other;
                        return Err(Trouble::unsent(end.why));
                    }
                    return Ok(element);
                }
                Frame::Closed(_, why) => return Err(Trouble::unsent(why)),
            }
        }
    }

    /// Opens (again, after the login) and takes the server's features.
    async fn start(&mut self) -> Result<(), Trouble> {
        let open = format!("<open xmlns=\"{FRAMING}\" to=\"{}\" version=\"1.0\"/>", escape(&self.domain));
        self.socket.sender().text(open).await?;
        loop {
            let element = self.next().await?;
            if element.name == "features" {
                self.features = element;
                return Ok(());
            }
        }
    }

    async fn login(&mut self, jid: &str, password: &str) -> Result<(), Trouble> {
        let offered: Vec<String> = self
            .features
            .child("mechanisms")
            .map(|list| list.children.iter().map(|mechanism| mechanism.text.trim().to_owned()).collect())
            .unwrap_or_default();
        let offers = |name: &str| offered.iter().any(|offered| offered == name);
        let user = jid.split('@').next().unwrap_or_default();
        // The variants with channel binding do not come over a WebSocket: its TLS is HTTP's, often ended by
        // another host (RFC 7395, 3.9).
        let hash = [Hash::Sha256, Hash::Sha1].into_iter().find(|hash| offers(hash.mechanism()));
        let Some(hash) = hash else {
            // `Net` takes no address without TLS but this machine's own, so nobody listens.
            if !offers("PLAIN") {
                let list = offered.join(", ");
                return Err(Trouble::Login(format!("the server offers no login that we know: {list}")));
            }
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            self.auth("PLAIN", &plain).await?;
            let answer = self.next().await?;
            return if answer.name == "success" { Ok(()) } else { Err(failure(&answer)) };
        };
        let broken = |why: &str| Trouble::Login(format!("the login failed: {why}"));
        let (scram, first) = Scram::begin(hash, user).ok_or_else(|| broken("no random numbers"))?;
        self.auth(hash.mechanism(), &STANDARD.encode(first)).await?;
        let challenge = self.next().await?;
        if challenge.name != "challenge" {
            return Err(failure(&challenge));
        }
        let challenge = decode(&challenge.text).ok_or_else(|| broken("the challenge cannot be read"))?;
        let proof = scram.answer(&challenge, password).map_err(broken)?;
        let response = format!("<response xmlns=\"{SASL}\">{}</response>", STANDARD.encode(&proof.message));
        self.socket.sender().text(response).await?;
        let mut last = self.next().await?;
        let mut right = false;
        if last.name == "challenge" {
            // Some servers send their proof as one more challenge.
            right = decode(&last.text).is_some_and(|text| proof.verify(&text));
            self.socket.sender().text(format!("<response xmlns=\"{SASL}\"/>")).await?;
            last = self.next().await?;
        }
        match last.name.as_str() {
            "success" if right || decode(&last.text).is_some_and(|text| proof.verify(&text)) => Ok(()),
            "success" => Err(broken("the server does not know the password; is it the right one?")),
            _ => Err(failure(&last)),
        }
    }

    async fn auth(&mut self, mechanism: &str, text: &str) -> Result<(), Trouble> {
        let auth = format!("<auth xmlns=\"{SASL}\" mechanism=\"{mechanism}\">{text}</auth>");
        self.socket.sender().text(auth).await
    }

    /// Whether sessions can be resumed here.
    pub(super) fn has_management(&self) -> bool {
        self.features.of("sm", SM).is_some()
    }

    /// Binds a resource; gives our whole address.
    pub(super) async fn bind(&mut self, resource: Option<&str>) -> Result<String, Trouble> {
        let resource =
            resource.map(|name| format!("<resource>{}</resource>", escape(name))).unwrap_or_default();
        let bind = format!(
            "<iq xmlns=\"jabber:client\" type=\"set\" id=\"bind\">\
             <bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\">{resource}</bind></iq>"
        );
        self.socket.sender().text(bind).await?;
        let binding = async {
            loop {
                let answer = self.next().await?;
                if answer.attribute("id") != Some("bind") {
                    continue;
                }
                let jid = answer.child("bind").and_then(|bind| bind.child("jid"));
                let jid = jid.map(|jid| jid.text.trim().to_owned());
                return jid.ok_or_else(|| {
                    Trouble::unsent(format!("the server binds no resource: {}", condition(&answer)))
                });
            }
        };
        timeout(STEP, binding).await.unwrap_or_else(|_| Err(late()))
    }

    /// Begins stream management; gives the name to resume by, where that is possible.
    pub(super) async fn enable(&mut self) -> Result<Option<String>, Trouble> {
        self.socket.sender().text(format!("<enable xmlns=\"{SM}\" resume=\"true\"/>")).await?;
        let enabling = async {
            loop {
                let answer = self.next().await?;
                match (answer.name.as_str(), answer.attribute("resume")) {
                    ("enabled", Some("true" | "1")) => {
                        return Ok(answer.attribute("id").map(str::to_owned));
                    }
                    ("enabled" | "failed", _) if answer.name == "failed" => {
                        return Err(Trouble::unsent("the server refused stream management"));
                    }
                    ("enabled", _) => return Ok(None),
                    _ => {}
                }
            }
        };
        timeout(STEP, enabling).await.unwrap_or_else(|_| Err(late()))
    }

    /// Asks to go on with a session of which we have `handled` stanzas.
    pub(super) async fn resume(&mut self, previous: &str, handled: u32) -> Result<Resumed, Trouble> {
        let resume = format!("<resume xmlns=\"{SM}\" previd=\"{}\" h=\"{handled}\"/>", escape(previous));
        self.socket.sender().text(resume).await?;
        let resuming = async {
            loop {
                let answer = self.next().await?;
                let h = answer.attribute("h").and_then(|h| h.parse().ok());
                match (answer.name.as_str(), h) {
                    ("resumed", Some(h)) => return Ok(Resumed::Yes(h)),
                    ("resumed" | "failed", h) => return Ok(Resumed::No(h)),
                    _ => {}
                }
            }
        };
        timeout(STEP, resuming).await.unwrap_or_else(|_| Err(late()))
    }
}

/// How a server ends a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub why: String,
    /// The condition of a stream error.
    pub condition: String,
    /// Where to go instead.
    pub other: Option<String>,
}

impl End {
    pub(super) fn of(element: &Element) -> Option<Self> {
        match element.name.as_str() {
            "close" => {
                let other = element.attribute("see-other-uri").map(str::to_owned);
                let why = "the server closed the stream".to_owned();
                Some(Self { why, other, ..Self::default() })
            }
            "error" if element.space != "jabber:client" => {
                let condition = element.children.first().map_or("unknown", |child| child.name.as_str());
                let said = said(element);
                let why = format!("the server ended the stream: {condition}{said}");
                Some(Self { why, condition: condition.to_owned(), other: None })
            }
            _ => None,
        }
    }
}

/// The condition of a stanza error.
pub(super) fn condition(stanza: &Element) -> String {
    let what = stanza.child("error").and_then(|error| error.children.iter().find(|c| c.name != "text"));
    what.map_or("unknown", |what| what.name.as_str()).to_owned()
}

/// The server's own words, for people.
fn said(element: &Element) -> String {
    let text = element.child("text").map(|text| crate::text::clean_line(&text.text)).unwrap_or_default();
    let text: String = text.chars().take(200).collect();
    if text.is_empty() { text } else { format!(" ({text})") }
}

fn late() -> Trouble {
    Trouble::unsent("the stream was not open within 20 s")
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

fn failure(answer: &Element) -> Trouble {
    let what = answer.children.iter().find(|child| child.name != "text");
    let what = what.map_or(answer.name.as_str(), |child| child.name.as_str());
    let why = format!("{what}{}", said(answer));
    if what == "temporary-auth-failure" {
        return Trouble::unsent(format!("the server cannot check logins for now: {why}"));
    }
    Trouble::Login(format!("the server does not take the login: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_streams() {
        let end = |frame: &str| End::of(&Element::read(frame).unwrap());
        let close = end("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='wss://b/x'/>");
        assert_eq!(close.unwrap().other.as_deref(), Some("wss://b/x"));
        let error = "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>\
                     <conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
                     <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text></stream:error>";
        let error = end(error).unwrap();
        assert_eq!(error.condition, "conflict");
        assert!(error.why.ends_with("conflict (Replaced)"), "{error:?}");
        assert_eq!(end("<message xmlns='jabber:client'/>"), None);
        let refused = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><text>no&#10;way</text>\
                       <account-disabled/></failure>";
        let Trouble::Login(why) = failure(&Element::read(refused).unwrap()) else { panic!("no login") };
        assert!(why.ends_with("account-disabled (no way)"), "{why}");
    }
}
