//! What the stand-ins of platforms share: forms with files, and limits that are obeyed to the second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::chat::shared::server::Request;

/// A part of a form.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub file: Option<String>,
    pub body: Vec<u8>,
}

impl Field {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The parts of a `multipart/form-data` body (RFC 7578); nothing when it is not well formed.
pub fn fields(request: &Request) -> Option<Vec<Field>> {
    let kind = request.header("content-type");
    let boundary = kind.strip_prefix("multipart/form-data;")?.split("boundary=").nth(1)?.trim_matches('"');
    let mark = format!("\r\n--{boundary}");
    let mut body = b"\r\n".to_vec();
    body.extend(&request.body);
    let mut rest = after(&body, mark.as_bytes())?.1;
    let mut out = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, next) = after(rest, mark.as_bytes())?;
        let (head, body) = after(part.strip_prefix(b"\r\n")?, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(head).into_owned();
        let value = |key: &str| {
            let from = head.find(&format!("{key}=\""))? + key.len() + 2;
            Some(head[from..].split('"').next()?.to_owned())
        };
        out.push(Field { name: value(" name")?, file: value("filename"), body: body.to_vec() });
        rest = next;
    }
    Some(out)
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

/// What a call is made to do before it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is served.
    Served,
    /// It fails with this status, and is not carried out.
    Fails(u16),
    /// It is carried out, and then the connection is cut.
    CutAfter,
    /// It is carried out, and then this status is answered all the same.
    FailsAfter(u16),
    /// Too many calls: after this many seconds again.
    Limited(u64),
}

/// Which calls fail, how often and how; and whether a client that was told to wait has waited.
#[derive(Debug, Default)]
pub struct Fates {
    pub planned: BTreeMap<String, (usize, Fate)>,
    pub closed: BTreeMap<String, Instant>,
    /// All calls are counted together.
    pub together: bool,
    pub faults: Vec<String>,
    pub calls: BTreeMap<String, usize>,
}

impl Fates {
    /// The next `times` calls of this name end so.
    pub fn plan(&mut self, call: &str, times: usize, fate: Fate) {
        self.planned.insert(call.into(), (times, fate));
    }

    /// What becomes of a call.
    pub fn of(&mut self, call: &str) -> Fate {
        *self.calls.entry(call.into()).or_default() += 1;
        let lane = if self.together { "all" } else { call };
        if let Some(until) = self.closed.get(lane)
            && Instant::now() < *until
        {
            self.faults.push(format!("{call} came before its Retry-After was over"));
            return Fate::Limited(1);
        }
        let Some((times, fate)) = self.planned.get_mut(call).filter(|(times, _)| *times > 0) else {
            return Fate::Served;
        };
        *times -= 1;
        if let Fate::Limited(seconds) = *fate {
            self.closed.insert(lane.into(), Instant::now() + Duration::from_secs(seconds));
        }
        *fate
    }
}
