//! The NETCONF server of a device (RFC 6241 over RFC 6242): the subsystem `netconf` of its SSH server.
//!
//! A session is one task: it reads a message, answers it, and reads the next one, so pipelined requests
//! are answered in their order. It ends at `close-session`, when another session kills it, with the
//! channel, or at stop.

mod answer;
mod get;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use self::answer::{Answer, answer};
use super::cli::{Device, Output, Stop};
use super::data::{Element, NetconfOffer, Offer, escaped};
use crate::transport::netconf::frame::{Decoder, Framing, encode};

pub(super) const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
const CHUNKS: &str = "urn:ietf:params:netconf:base:1.1";

/// A longer request is none.
const LONGEST: usize = 1024 * 1024;

/// The sessions of one device.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u32,
    open: HashMap<u32, CancellationToken>,
}

impl Sessions {
    fn begin(&self) -> (u32, CancellationToken) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.last = sessions.last.wrapping_add(1).max(1);
        let (number, killed) = (sessions.last, CancellationToken::new());
        sessions.open.insert(number, killed.clone());
        (number, killed)
    }

    fn end(&self, number: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&number);
    }

    /// Ends a session; whether there was one.
    fn kill(&self, number: u32) -> bool {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.open.get(&number).map(CancellationToken::cancel).is_some()
    }
}

/// Serves one channel.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(device: Arc<Device>, stream: S) -> Result<u32, Stop> {
    let (number, killed) = device.sessions.begin();
    let session =
        Session { out: Output::new(stream, Arc::clone(&device), false), device: Arc::clone(&device) };
    let ended = tokio::select! {
        () = killed.cancelled() => Err(Stop::Closed),
        ended = session.run(number) => ended,
    };
    device.sessions.end(number);
    ended
}

struct Session<S> {
    device: Arc<Device>,
    out: Output<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    async fn run(mut self, number: u32) -> Result<u32, Stop> {
        let device = Arc::clone(&self.device);
        let Some((offer, netconf)) = device.offer().and_then(|offer| Some((offer, offer.netconf.as_ref()?)))
        else {
            return Ok(1);
        };
        if device.faults.silent {
            self.out.drain().await?;
        }
        let hello = hello(offer, netconf, number);
        self.out.raw(&encode(Framing::EndMark, hello.as_bytes())).await?;
        let mut decoder = Decoder::new(LONGEST);
        let mut waiting = Vec::new();
        let theirs = self.message(&mut decoder, &mut waiting).await?;
        let Some(framing) = framing(&theirs, netconf) else { return Ok(1) };
        decoder.switch(framing);
        loop {
            let message = self.message(&mut decoder, &mut waiting).await?;
            tokio::time::sleep(device.faults.slow.unwrap_or_default()).await;
            let Answer { text, close } = answer(&device, offer, number, &String::from_utf8_lossy(&message));
            let mut bytes = encode(framing, text.as_bytes());
            if device.faults.lying_length && framing == Framing::Chunked {
                let lie = format!("\n#{}\n", text.len().saturating_sub(7).max(1));
                bytes = [lie.as_bytes(), text.as_bytes(), b"\n##\n"].concat();
            }
            self.out.begin().await?;
            self.out.raw(&bytes).await?;
            self.out.end();
            if close {
                return Ok(0);
            }
        }
    }

    async fn message(&mut self, decoder: &mut Decoder, waiting: &mut Vec<u8>) -> Result<Vec<u8>, Stop> {
        loop {
            let mut input = waiting.as_slice();
            // Broken framing ends the session (RFC 6242, 4.2).
            let found = decoder.next(&mut input).map_err(|_| Stop::Closed)?;
            let left = input.len();
            waiting.drain(..waiting.len() - left);
            match found {
                Some(message) => return Ok(message),
                None => waiting.extend(self.out.piece().await?),
            }
        }
    }
}

fn hello(offer: &Offer, netconf: &NetconfOffer, number: u32) -> String {
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hello xmlns=\"{BASE}\"><capabilities>");
    let mut capability = |uri: &str| {
        let _ = write!(text, "<capability>{}</capability>", escaped(uri));
    };
    for uri in &netconf.capabilities {
        capability(uri);
    }
    if let (Some(set), Some(library)) = (&offer.module_set, offer.modules.get("ietf-yang-library")) {
        for (version, word) in [("1.0", "module-set-id"), ("1.1", "content-id")] {
            let uri = "urn:ietf:params:netconf:capability:yang-library";
            capability(&format!("{uri}:{version}?revision={}&{word}={set}", library.revision));
        }
    }
    for (name, module) in offer.modules.iter().filter(|(_, module)| !module.library_only) {
        let mut uri = format!("{}?module={name}&revision={}", module.namespace, module.revision);
        for (word, list) in [("features", &module.features), ("deviations", &module.deviations)] {
            if !list.is_empty() {
                let _ = write!(uri, "&{word}={}", list.join(","));
            }
        }
        capability(&uri);
    }
    let _ = write!(text, "</capabilities><session-id>{number}</session-id></hello>");
    text
}

/// How both sides frame from now on. None when the client said no hello.
fn framing(theirs: &[u8], netconf: &NetconfOffer) -> Option<Framing> {
    let theirs = Element::parse(&String::from_utf8_lossy(theirs)).ok()?;
    let capabilities = theirs.child("capabilities").filter(|_| theirs.name == "hello")?;
    let both = capabilities.children.iter().any(|one| one.text.trim() == CHUNKS)
        && netconf.capabilities.iter().any(|one| one == CHUNKS);
    Some(if both { Framing::Chunked } else { Framing::EndMark })
}
