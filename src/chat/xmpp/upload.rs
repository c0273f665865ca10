//! Files by HTTP upload (XEP-0363): the server gives a slot, we put the file there and send its address.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};

use super::element::{Element, escape};
use super::iq::Unanswered;
use super::{Xmpp, domain, lock};
use crate::answer::pages::File;
use crate::chat::Trouble;

const SPACE: &str = "urn:xmpp:http:upload:0";
const ITEMS: &str = "<query xmlns=\"http://jabber.org/protocol/disco#items\"/>";
const INFO: &str = "<query xmlns=\"http://jabber.org/protocol/disco#info\"/>";
/// Services of the server that are looked at.
const SERVICES: usize = 20;

/// The service that takes files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    address: String,
    most: Option<usize>,
}

impl Xmpp {
    /// Looks which service of the server takes files.
    pub(super) async fn find_upload(&self) {
        let server = domain(&self.settings.jid);
        let items = match self.ask(Some(server), "get", ITEMS).await {
            Ok(items) => items,
            Err(Unanswered::Error(..)) => Element::default(),
            Err(Unanswered::Lost) => return,
        };
        let services = items.child("query").map(|query| query.children.as_slice()).unwrap_or_default();
        let services = services.iter().filter_map(|item| item.attribute("jid")).take(SERVICES);
        let mut found = None;
        for address in std::iter::once(server).chain(services) {
            if let Ok(info) = self.ask(Some(address), "get", INFO).await
                && let Some(service) = service(address, &info)
            {
                found = Some(service);
                break;
            }
        }
        *lock(&self.upload) = found;
    }

    /// Puts a file on the server; gives its address.
    pub(super) async fn put(&self, file: &File) -> Result<String, Trouble> {
        let service = lock(&self.upload).clone();
        let service = service.ok_or_else(|| Trouble::Refused("the server takes no files".into()))?;
        let size = file.text.len();
        if service.most.is_some_and(|most| size > most) {
            return Err(Trouble::Refused(format!("a file of {size} bytes is too big for the server")));
        }
        let inner = format!(
            "<request xmlns=\"{SPACE}\" filename=\"{}\" size=\"{size}\" content-type=\"{}\"/>",
            escape(&file.name),
            escape(&file.kind)
        );
        let answer = self.ask(Some(&service.address), "get", &inner).await?;
        let slot = slot(&answer)
            .ok_or_else(|| Trouble::Refused("the server's place for a file cannot be read".into()))?;
        let uri: Uri =
            slot.put.parse().map_err(|_| Trouble::Refused("the place for a file has no address".into()))?;
        let mut headers = slot.headers;
        if let Ok(kind) = HeaderValue::from_str(&file.kind) {
            headers.insert(CONTENT_TYPE, kind);
        }
        let body = Bytes::from(file.text.clone().into_bytes());
        let reply = self.http.send(Method::PUT, &uri, headers, body).await?;
        if reply.status.is_success() {
            return Ok(slot.get);
        }
        let why = format!("the server answered {} to a file", reply.status.as_u16());
        if reply.status.is_server_error() || reply.status.as_u16() == 429 {
            return Err(Trouble::unsent(why));
        }
        Err(Trouble::Refused(why))
    }
}

fn service(address: &str, info: &Element) -> Option<Service> {
    let query = info.child("query")?;
    let has = query.children.iter().any(|c| c.name == "feature" && c.attribute("var") == Some(SPACE));
    let fields = query.children.iter().filter(|c| c.name == "x").flat_map(|form| &form.children);
    let most = fields
        .filter(|field| field.attribute("var") == Some("max-file-size"))
        .find_map(|field| field.child("value")?.text.trim().parse().ok());
    has.then(|| Service { address: address.to_owned(), most })
}

struct Slot {
    put: String,
    get: String,
    headers: HeaderMap,
}

fn slot(answer: &Element) -> Option<Slot> {
    let slot = answer.of("slot", SPACE)?;
    let put = slot.child("put")?;
    let mut headers = HeaderMap::new();
    for header in put.children.iter().filter(|child| child.name == "header") {
        let name = header.attribute("name").unwrap_or_default().to_ascii_lowercase();
        // No others may be set (XEP-0363, 5).
        if !matches!(name.as_str(), "authorization" | "cookie" | "expires") {
            continue;
        }
        let text: String = header.text.chars().filter(|c| !c.is_control()).collect();
        if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::from_str(text.trim())) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    let address = |element: &Element| element.attribute("url").map(str::to_owned);
    Some(Slot { put: address(put)?, get: address(slot.child("get")?)?, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_slots() {
        let info = "<iq><query xmlns='http://jabber.org/protocol/disco#info'>\
                    <feature var='urn:xmpp:http:upload:0'/><x xmlns='jabber:x:data' type='result'>\
                    <field var='max-file-size'><value>100</value></field></x></query></iq>";
        let found = service("up.x", &Element::read(info).unwrap()).unwrap();
        assert_eq!(found, Service { address: "up.x".into(), most: Some(100) });
        assert_eq!(service("up.x", &Element::read(&info.replace("upload:0", "other")).unwrap()), None);
        let answer = "<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='https://x/p'>\
                      <header name='Authorization'>Basic &#10;eA==</header><header name='Host'>evil</header>\
                      </put><get url='https://x/g'/></slot></iq>";
        let slot = slot(&Element::read(answer).unwrap()).unwrap();
        assert_eq!((slot.put.as_str(), slot.get.as_str()), ("https://x/p", "https://x/g"));
        assert_eq!((slot.headers.len(), slot.headers["authorization"].as_bytes()), (1, &b"Basic eA=="[..]));
    }
}
