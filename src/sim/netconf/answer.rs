//! One request in, one `rpc-reply` out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{BASE, get};
use crate::sim::cli::Device;
use crate::sim::data::{Element, Offer, Problem, escaped, schema, wrong_number};

const MONITORING: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";

/// A reply, and whether the session ends with it.
pub struct Answer {
    pub text: String,
    pub close: bool,
}

/// What a reply holds, with the attributes that its root needs for it.
struct Content {
    attributes: String,
    inside: String,
}

impl From<String> for Content {
    fn from(inside: String) -> Self {
        Self { attributes: String::new(), inside }
    }
}

/// Answers one message.
pub fn answer(device: &Device, offer: &Offer, session: u32, message: &str) -> Answer {
    let rpc = match Element::parse(message) {
        Ok(rpc) => rpc,
        Err(why) => return reply("", Err(Problem::new("rpc", "malformed-message", why)), false),
    };
    let mut attributes = String::new();
    for (name, value) in &rpc.attributes {
        // Attributes with prefixes would need their declarations.
        if !name.contains(':') {
            let _ = write!(attributes, " {name}=\"{}\"", escaped(value));
        }
    }
    if rpc.name != "rpc" || rpc.namespace != BASE {
        let problem = Problem::new("rpc", "unknown-element", "an rpc is expected").about(&rpc.name);
        return reply(&attributes, Err(problem), false);
    }
    if rpc.attribute("message-id").is_none() {
        let problem = Problem::new("rpc", "missing-attribute", "message-id is missing").about("rpc");
        return reply(&attributes, Err(problem), false);
    }
    let [operation] = rpc.children.as_slice() else {
        let problem = Problem::new("rpc", "malformed-message", "one operation is expected");
        return reply(&attributes, Err(problem), false);
    };
    let close = operation.name == "close-session";
    let mut done = perform(device, offer, session, operation);
    if let Ok(content) = &mut done {
        spoil(device, content, close);
    }
    reply(&attributes, done, close)
}

fn reply(attributes: &str, done: Result<Content, Problem>, close: bool) -> Answer {
    let (more, inside) = match done {
        Ok(content) => (content.attributes, content.inside),
        Err(problem) => (String::new(), problem.rpc_error()),
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rpc-reply xmlns=\"{BASE}\"{more}{attributes}>{inside}</rpc-reply>"
    );
    Answer { text, close }
}

fn spoil(device: &Device, content: &mut Content, close: bool) {
    let faults = &device.faults;
    if close {
        return;
    }
    if faults.error_object {
        let problem = Problem::new("application", "resource-denied", "the process that knows is not there");
        content.inside = format!("<data>{}</data>", problem.rpc_error());
    }
    if faults.wrong_number {
        content.inside = wrong_number(&content.inside, '>', &['<']);
    }
}

fn perform(device: &Device, offer: &Offer, session: u32, operation: &Element) -> Result<Content, Problem> {
    let text = |name: &str| operation.child(name).map(|child| child.text.trim().to_owned());
    match (operation.namespace.as_str(), operation.name.as_str()) {
        (BASE, "get" | "get-config") => get::get(device, offer, operation).map(Content::from),
        (_, "get-data") => get::get_data(device, offer, operation).map(Content::from),
        (MONITORING, "get-schema") => get_schema(device, offer, operation).map(Content::from),
        (BASE, "close-session") => Ok("<ok/>".to_owned().into()),
        (BASE, "kill-session") => {
            let number = text("session-id").and_then(|number| number.parse::<u32>().ok());
            let number = number.filter(|number| *number != session && device.sessions.kill(*number));
            match number {
                Some(_) => Ok("<ok/>".to_owned().into()),
                None => Err(Problem::new(
                    "protocol",
                    "invalid-value",
                    "there is no other session with this number",
                )
                .about("session-id")),
            }
        }
        (
            BASE,
            "edit-config" | "copy-config" | "delete-config" | "lock" | "unlock" | "commit" | "validate",
        ) => {
            let message = "the configuration of this device is a file, and stays as it is";
            Err(Problem::new("protocol", "operation-not-supported", message).about(&operation.name))
        }
        (_, name) => operational(device, offer, operation).unwrap_or_else(|| {
            Err(Problem::new("protocol", "unknown-element", "there is no such operation").about(name))
        }),
    }
}

/// The schema of one of the modules, as far as there are data of it.
fn get_schema(device: &Device, offer: &Offer, operation: &Element) -> Result<String, Problem> {
    let text = |name: &str| operation.child(name).map(|child| child.text.trim().to_owned());
    let invalid = |element: &str, message: String| {
        Err(Problem::new("application", "invalid-value", message).about(element))
    };
    let name = text("identifier").unwrap_or_default();
    let Some((name, module)) = offer.modules.get_key_value(name.as_str()) else {
        return invalid("identifier", format!("there is no schema `{name}`"));
    };
    if text("version").is_some_and(|version| !version.is_empty() && version != module.revision) {
        return invalid("version", format!("`{name}` is of {}", module.revision));
    }
    if text("format").is_some_and(|format| format.rsplit(':').next() != Some("yang")) {
        return invalid("format", "schemas are in YANG".to_owned());
    }
    let mut tops = Vec::new();
    let own: Vec<(&str, &str)> = offer.tops().filter(|(module, _)| **module == **name).collect();
    for top in own {
        tops.extend(get::document(device, offer, top, crate::sim::data::Wanted::All)?);
    }
    let text = schema(name, module, &tops);
    Ok(format!("<data xmlns=\"{MONITORING}\">{}</data>", escaped(&text)))
}

/// An RPC that a command line answers. None when there is no such RPC.
fn operational(device: &Device, offer: &Offer, operation: &Element) -> Option<Result<Content, Problem>> {
    let arguments: BTreeMap<String, String> =
        operation.children.iter().map(|child| (child.name.clone(), child.text.trim().to_owned())).collect();
    let failed = |message: String| Problem::new("application", "operation-failed", message);
    let line = match offer.rpc(&operation.name, &arguments)? {
        Ok(line) => line,
        Err(error) => return Some(Err(failed(error.message().to_owned()))),
    };
    let mode = device.first_mode()?;
    let printed = device.run(&line, &mode);
    if printed.refused {
        return Some(Err(failed(printed.text.trim().to_owned())));
    }
    let Some((attributes, inside)) = unwrapped(&printed.text) else {
        return Some(Err(failed(format!("`{line}` printed no reply"))));
    };
    let inside = repeated(inside, device.faults.huge);
    Some(Ok(Content { attributes: attributes.to_owned(), inside }))
}

/// The inside of the reply that a command line prints, without the prompt that stands at its end, and the
/// attributes of its root.
fn unwrapped(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("<rpc-reply")?;
    let (attributes, rest) = rest.split_once('>')?;
    let inside = rest.split("<cli>").next()?;
    let inside = inside.rsplit_once("</rpc-reply>").map_or(inside, |(inside, _)| inside);
    Some((attributes, inside.trim()))
}

/// The children of the one element as often as so many bytes need.
fn repeated(text: &str, bytes: usize) -> String {
    let inner = text.find('>').zip(text.rfind("</")).filter(|(start, end)| start < end);
    let Some((start, end)) = inner.filter(|_| bytes > text.len()) else { return text.to_owned() };
    let (head, rest) = text.split_at(start + 1);
    let (inside, tail) = rest.split_at(end - start - 1);
    format!("{head}{}{tail}", inside.repeat(bytes / inside.len().max(1) + 1))
}
