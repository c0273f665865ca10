//! RESTCONF (RFC 8040), the reading half of it, on [`super::http`].
//!
//! Once a device's root is known and a connection is warm, a question is one round trip. Data
//! are given as the text that came, known to be one whole document of its format and no `errors`
//! resource; reading them is the business of `parse`.
//!
//! JSON is asked for first, and XML from a server that says 406 or 415; which one it was is remembered
//! per device, as the root is.

mod answer;
mod errors;
mod json;
mod message;
mod root;

pub use crate::yang::{Content, Depth, Fields, Path, Query};
pub use errors::{RpcError, errors};
pub use message::{Format, Reply, Request};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::Method;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::answer::Meaning;
use super::http::{Ask, Endpoint, Http, Settings};
use super::library::{self, Capabilities};
use crate::error::{Failure, FailureKind};
use crate::inventory::Device;

#[derive(Debug, Clone, Default)]
struct Known {
    root: Option<String>,
    format: Format,
}

/// RESTCONF to all devices. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Restconf {
    http: Http,
    known: Arc<Mutex<HashMap<String, Known>>>,
}

impl Restconf {
    /// With these settings; connects nowhere yet.
    pub fn new(settings: Settings) -> Self {
        Self::over(Http::new(settings))
    }

    /// On a client that others use, too.
    pub fn over(http: Http) -> Self {
        Self { http, known: Arc::default() }
    }

    /// Reads one resource.
    ///
    /// Ends by the request's deadline or as soon as its token is cancelled.
    pub async fn get(&self, request: Request) -> Result<Reply, Failure> {
        let endpoint = Endpoint::restconf(&request.device);
        let login = &request.device.login.restconf;
        let who = endpoint.who();
        let mut known = self.known(&who);
        let mut warm = true;
        let root = if let Some(root) = login.root.clone().or(known.root.take()) {
            root
        } else {
            let found = root::discover(&self.http, &endpoint, &request).await?;
            warm &= found.warm;
            if found.lasting {
                self.learn(&who, |known| known.root = Some(found.root.clone()));
            }
            found.root
        };
        let path = request.path.to_string();
        let slash = if path.is_empty() { "" } else { "/" };
        let mut ask = Ask {
            method: Method::GET,
            path: format!("{root}/data{slash}{path}{}", request.query),
            accept: known.format.media_type(),
            body: None,
            deadline: request.deadline,
            cancel: request.cancel.clone(),
        };
        let mut format = known.format;
        let mut tried_both = false;
        loop {
            let answer = self.http.send(&endpoint, &ask).await?;
            warm &= answer.warm;
            let reply = |text: String, format, nothing, note: Option<String>| {
                let mut notes = endpoint.notes();
                notes.extend(note.map(|said| format!("nothing there: {said}")));
                Reply { text, format, nothing, took: answer.took, warm, notes }
            };
            match answer::judge(&endpoint, &path, &answer)? {
                Meaning::Data(text, came) => {
                    if format != known.format {
                        self.learn(&who, |known| known.format = format);
                    }
                    return Ok(reply(text, came, false, None));
                }
                Meaning::Nothing(said) => {
                    return Ok(reply(format.nothing().to_owned(), format, true, said));
                }
                Meaning::OtherFormat(_) if !tried_both => {
                    tried_both = true;
                    format = format.other();
                    ask.accept = format.media_type();
                }
                Meaning::OtherFormat(failure) => return Err(failure),
                Meaning::NoSuchPath(failure) => {
                    // The root may have moved with an upgrade: it is asked for again the next time.
                    self.learn(&who, |known| known.root = None);
                    return Err(failure);
                }
            }
        }
    }

    /// The modules of a device, or what else it tells of itself.
    pub async fn capabilities(
        &self,
        device: Arc<Device>,
        deadline: Instant,
        cancel: CancellationToken,
    ) -> Result<Capabilities, Failure> {
        let get = |path: &'static str| {
            let (device, cancel) = (Arc::clone(&device), cancel.clone());
            async move {
                let path = Path::parse(path)
                    .map_err(|error| Failure::new(FailureKind::Unsupported, error.message()))?;
                self.get(Request { device, path, query: Query::default(), deadline, cancel }).await
            }
        };
        let mut last = None;
        for path in library::LIBRARIES {
            match get(path).await {
                Ok(reply) => {
                    let modules = library::modules(&reply.text);
                    if !modules.is_empty() {
                        return Ok(Capabilities { modules, uris: Vec::new(), notes: reply.notes });
                    }
                }
                // The server does not have this one; anything else would not be better with another.
                Err(failure) if failure.kind == FailureKind::Rejected => last = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        match get(library::MONITORING).await {
            Ok(reply) => {
                Ok(Capabilities { uris: library::uris(&reply.text), modules: Vec::new(), notes: reply.notes })
            }
            Err(failure) => Err(last.unwrap_or(failure)),
        }
    }

    /// The text of a module, from where the device's YANG library says that it is (RFC 8040, 3.7).
    pub async fn schema(
        &self,
        device: Arc<Device>,
        name: &str,
        revision: Option<&str>,
        deadline: Instant,
        cancel: CancellationToken,
    ) -> Result<Reply, Failure> {
        let endpoint = Endpoint::restconf(&device);
        let who = endpoint.who();
        let known = self.capabilities(device, deadline, cancel.clone()).await?;
        let lacking =
            |what: String| Failure::new(FailureKind::Unsupported, format!("{who} {what} over RESTCONF"));
        let wanted = |module: &&library::Module| {
            module.name == name
                && revision.is_none_or(|revision| module.revision.as_deref() == Some(revision))
        };
        let module = known.modules.iter().find(wanted).ok_or_else(|| {
            lacking(format!("has no module `{name}`")).hint("`capabilities` lists the modules of a device")
        })?;
        // Another host may be named: nothing is asked but of the device itself.
        let path = module.locations.iter().find_map(|url| {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            rest.get(rest.find('/')?..)
        });
        let path = path.ok_or_else(|| {
            lacking(format!("does not offer the text of `{name}`")).hint("`via=netconf` may have it")
        })?;
        let ask = Ask {
            method: Method::GET,
            path: path.to_owned(),
            accept: "application/yang, text/plain, */*",
            body: None,
            deadline,
            cancel,
        };
        let answer = self.http.send(&endpoint, &ask).await?;
        if !answer.status.is_success() {
            return Err(lacking(format!("answered {} to the text of `{name}`", answer.status)));
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let notes = endpoint.notes();
        let (took, warm) = (answer.took, answer.warm);
        Ok(Reply { text, format: Format::default(), nothing: false, took, warm, notes })
    }

    /// Closes all idle connections.
    pub async fn close_all(&self) {
        self.http.close_all().await;
    }

    fn known(&self, who: &str) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(who).cloned().unwrap_or_default()
    }

    fn learn(&self, who: &str, what: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        what(known.entry(who.to_owned()).or_default());
    }
}
