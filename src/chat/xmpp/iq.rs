//! Questions to the server and to others (RFC 6120, 8.2.3), and answers to theirs.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Xmpp;
use super::element::{Element, escape};
use super::stream::condition;
use super::wire::bare;
use crate::chat::Trouble;

/// For an answer, over as many links as that takes.
const ANSWER: Duration = Duration::from_secs(20);

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Who was asked; nobody stands for our account.
    to: Option<String>,
    tell: oneshot::Sender<Element>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// An error: its condition, and whether to try again later.
    Error(String, bool),
    /// Nothing came.
    Lost,
}

impl From<Unanswered> for Trouble {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Error(what, false) => Self::Refused(format!("the server answers {what}")),
            Unanswered::Error(what, true) => Self::unsent(format!("the server answers {what}")),
            Unanswered::Lost => Self::unsent("the server gave no answer"),
        }
    }
}

impl Xmpp {
    /// Asks and waits. `to` is our account when there is none.
    pub(super) async fn ask(&self, to: Option<&str>, kind: &str, inner: &str) -> Result<Element, Unanswered> {
        let id = self.id();
        let (tell, told) = oneshot::channel();
        super::lock(&self.waiting).insert(id.clone(), Waiting { to: to.map(str::to_owned), tell });
        let address = to.map(|to| format!(" to=\"{}\"", escape(to))).unwrap_or_default();
        let iq = format!("<iq xmlns=\"jabber:client\" type=\"{kind}\" id=\"{id}\"{address}>{inner}</iq>");
        let answer = match self.out.push(iq) {
            Ok(()) => timeout(ANSWER, told).await.ok().and_then(Result::ok),
            Err(_) => None,
        };
        super::lock(&self.waiting).remove(&id);
        let answer = answer.ok_or(Unanswered::Lost)?;
        if answer.attribute("type") == Some("result") {
            return Ok(answer);
        }
        let wait = answer.child("error").and_then(|error| error.attribute("type")) == Some("wait");
        Err(Unanswered::Error(condition(&answer), wait))
    }

    /// The session is lost: nobody answers what was asked in it.
    pub(super) fn unanswered(&self) {
        super::lock(&self.waiting).clear();
    }

    /// Takes an iq: an answer to us, or a question that we answer.
    pub(super) fn iq(&self, iq: &Element) {
        let id = iq.attribute("id").unwrap_or_default();
        match iq.attribute("type") {
            Some("result" | "error") if self.out.pong(id) => {}
            Some("result" | "error") => self.answered(id, iq),
            Some("get" | "set") => {
                let answer = answer(iq, id);
                // A full queue answers nobody.
                let _ = self.out.push(answer);
            }
            _ => {}
        }
    }

    fn answered(&self, id: &str, iq: &Element) {
        let mut waiting = super::lock(&self.waiting);
        let from = iq.attribute("from");
        let asked = waiting.get(id).is_some_and(|one| match &one.to {
            Some(to) => from == Some(to) || (from.is_none() && *to == super::domain(&self.settings.jid)),
            None => from.is_none_or(|from| bare(from).eq_ignore_ascii_case(&self.settings.jid)),
        });
        if asked && let Some(one) = waiting.remove(id) {
            // Whoever asked may have given up.
            let _ = one.tell.send(iq.clone());
        }
    }
}

fn answer(iq: &Element, id: &str) -> String {
    let to = iq.attribute("from").map(|from| format!(" to=\"{}\"", escape(from))).unwrap_or_default();
    let get = iq.attribute("type") == Some("get");
    let inner = if get && iq.of("ping", "urn:xmpp:ping").is_some() {
        String::new()
    } else if get
        && let Some(query) = iq.of("query", "http://jabber.org/protocol/disco#info")
        && query.attribute("node").is_none()
    {
        about()
    } else {
        return format!(
            "<iq xmlns=\"jabber:client\" type=\"error\" id=\"{}\"{to}><error type=\"cancel\">\
             <service-unavailable xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>",
            escape(id)
        );
    };
    format!("<iq xmlns=\"jabber:client\" type=\"result\" id=\"{}\"{to}>{inner}</iq>", escape(id))
}

/// What we are and know (XEP-0030).
fn about() -> String {
    const FEATURES: [&str; 5] = [
        "http://jabber.org/protocol/chatstates",
        "http://jabber.org/protocol/disco#info",
        "urn:xmpp:message-correct:0",
        "urn:xmpp:ping",
        "urn:xmpp:receipts",
    ];
    let features = FEATURES.map(|feature| format!("<feature var=\"{feature}\"/>")).concat();
    format!(
        "<query xmlns=\"http://jabber.org/protocol/disco#info\">\
         <identity category=\"client\" type=\"bot\" name=\"nocbot\"/>{features}</query>"
    )
}
