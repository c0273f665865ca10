//! Reading data: `get`, `get-config` (RFC 6241, 7) and `get-data` (RFC 8526, 3.1).

use crate::sim::cli::Device;
use crate::sim::data::{Element, Node, Offer, Problem, Wanted, XPath, depth, enlarge, subtree, to_xml};

const NMDA: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda";

/// Which data are wanted.
enum Filter<'e> {
    Everything,
    Subtree(&'e [Element]),
    XPath(XPath),
}

/// `get` and `get-config`.
pub fn get(device: &Device, offer: &Offer, operation: &Element) -> Result<String, Problem> {
    let config = operation.name == "get-config";
    if config {
        let source = operation.child("source").and_then(|source| source.children.first());
        let source = source.ok_or_else(|| {
            Problem::new("protocol", "missing-element", "the source is missing").about("source")
        })?;
        if source.name != "running" {
            let message = format!("there is no datastore `{}`", source.name);
            return Err(Problem::new("protocol", "invalid-value", message).about(&source.name));
        }
    }
    let filter = filter(operation.child("filter"))?;
    let data = data(device, offer, &filter, if config { Wanted::Config } else { Wanted::All })?;
    Ok(format!("<data>{}</data>", written(device, offer, data, None)))
}

/// `get-data`.
pub fn get_data(device: &Device, offer: &Offer, operation: &Element) -> Result<String, Problem> {
    if operation.namespace != NMDA || !offer.modules.contains_key("ietf-netconf-nmda") {
        let message = "there is no such operation";
        return Err(Problem::new("protocol", "unknown-element", message).about("get-data"));
    }
    let text = |name: &str| operation.child(name).map(|child| child.text.trim());
    let store = text("datastore").and_then(|store| store.rsplit(':').next()).unwrap_or_default();
    let invalid =
        |element: &str, message: &str| Problem::new("protocol", "invalid-value", message).about(element);
    let want = match (store, text("config-filter")) {
        ("running" | "intended", _) | ("operational", Some("true")) => Wanted::Config,
        ("operational", None) => Wanted::All,
        ("operational", Some("false")) => Wanted::State,
        ("operational", Some(_)) => return Err(invalid("config-filter", "true or false is expected")),
        _ => return Err(invalid("datastore", "there is no such datastore")),
    };
    let levels = match text("max-depth") {
        None | Some("unbounded") => None,
        Some(levels) => {
            let levels: Option<usize> = levels.parse().ok().filter(|levels| *levels > 0);
            Some(levels.ok_or_else(|| invalid("max-depth", "a number or `unbounded` is expected"))?)
        }
    };
    let filter = if let Some(filter) = operation.child("subtree-filter") {
        Filter::Subtree(&filter.children)
    } else if let Some(filter) = operation.child("xpath-filter") {
        Filter::XPath(xpath(filter.text.trim(), filter)?)
    } else {
        Filter::Everything
    };
    let data = data(device, offer, &filter, want)?;
    Ok(format!("<data xmlns=\"{NMDA}\">{}</data>", written(device, offer, data, levels)))
}

fn filter(filter: Option<&Element>) -> Result<Filter<'_>, Problem> {
    let Some(filter) = filter else { return Ok(Filter::Everything) };
    let attribute = |name: &str| {
        let found = filter.attributes.iter().find(|(other, _)| other.rsplit(':').next() == Some(name));
        found.map(|(_, value)| value.as_str())
    };
    match attribute("type") {
        None | Some("subtree") => Ok(Filter::Subtree(&filter.children)),
        Some("xpath") => {
            let select = attribute("select").ok_or_else(|| {
                Problem::new("protocol", "missing-attribute", "an XPath filter selects something")
                    .about("filter")
            })?;
            Ok(Filter::XPath(xpath(select, filter)?))
        }
        Some(_) => {
            Err(Problem::new("protocol", "bad-attribute", "a filter is a subtree or an XPath")
                .about("filter"))
        }
    }
}

fn xpath(text: &str, element: &Element) -> Result<XPath, Problem> {
    XPath::parse(text, &element.prefixes)
        .map_err(|why| Problem::new("protocol", "invalid-value", format!("the XPath: {why}")).about("filter"))
}

/// The parts of the documents that a filter picks.
fn data(device: &Device, offer: &Offer, filter: &Filter<'_>, want: Wanted) -> Result<Vec<Node>, Problem> {
    let needed = |name: &str| match filter {
        Filter::Everything => true,
        Filter::Subtree(filters) => filters.iter().any(|filter| filter.name == name),
        Filter::XPath(xpath) => xpath.tops().is_none_or(|tops| tops.contains(&name)),
    };
    let mut picked = Vec::new();
    for top in offer.tops().filter(|(_, name)| needed(name)) {
        let Some(node) = document(device, offer, top, want)? else { continue };
        picked.extend(match filter {
            Filter::Everything => Some(node),
            Filter::Subtree(filters) => subtree(&node, filters, &offer.modules),
            Filter::XPath(xpath) => xpath.pick(&node, &offer.modules),
        });
    }
    Ok(picked)
}

/// One document.
pub fn document(
    device: &Device,
    offer: &Offer,
    top: (&str, &str),
    want: Wanted,
) -> Result<Option<Node>, Problem> {
    offer.document(top, &device.context(&[]), want).map_err(|error| {
        tracing::error!(device = %device.name, "{error}");
        Problem::new("application", "operation-failed", error.message())
    })
}

fn written(device: &Device, offer: &Offer, mut data: Vec<Node>, levels: Option<usize>) -> String {
    if let Some(levels) = levels {
        data = data.iter().map(|node| depth(node, levels)).collect();
    }
    let write = |data: &[Node]| {
        let mut text = String::new();
        to_xml(data, &offer.modules, None, &mut text);
        text
    };
    let text = write(&data);
    if device.faults.huge <= text.len() {
        return text;
    }
    if let Some(first) = data.first_mut() {
        enlarge(first, text.len(), device.faults.huge);
    }
    write(&data)
}
