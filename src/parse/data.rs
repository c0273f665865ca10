//! Data of YANG models that no parser of ours is for: a table where they are a list, else a tree to read.

use super::tree::{self, Tree, local};
use super::{Cell, Records};

/// How the data are best shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A list: one record per entry; containers within it by names such as `ipv4.mtu`. The names of lists within
    /// it, of which only the first value of each entry is shown.
    Table(Records, Vec<String>),
    /// Anything else, indented.
    Tree(String),
    /// There are no data.
    Nothing,
}

/// Reads a reply to `names`, the way to a node. `below` is as for [`super::Reader::parse_below`]; `one` says that an entry
/// of a list was asked for by its keys. `depth` counts levels, the node itself being the first.
///
/// # Errors
/// What is wrong with the document.
pub fn shown(
    text: &str,
    below: &[String],
    names: &[String],
    one: bool,
    depth: Option<usize>,
) -> Result<Shown, String> {
    let document = tree::yang(text, below).map_err(|error| error.message)?;
    let mut found = vec![&document];
    let mut is_list = false;
    for name in names {
        let mut next = Vec::new();
        is_list = false;
        for (key, value) in found.iter().flat_map(|tree| tree.entries()) {
            if local(key) == name.as_str() {
                is_list |= matches!(value, Tree::List(_));
                value.each(&mut |item| next.push(item));
            }
        }
        found = next;
    }
    found.retain(|tree| !tree.is_empty() || matches!(tree, Tree::Null) && names.is_empty());
    let leaves = |tree: &&Tree| tree.entries().iter().all(|(_, value)| is_leaf(value));
    let rows = found.iter().all(|tree| matches!(tree, Tree::Map(_)));
    match found.as_slice() {
        [] => Ok(Shown::Nothing),
        [Tree::Map(entries)] if entries.is_empty() => Ok(Shown::Nothing),
        [single] if one || names.is_empty() || !rows || !(is_list || leaves(single)) => {
            let mut out = String::new();
            write(single, 0, depth.unwrap_or(usize::MAX), &mut out);
            Ok(Shown::Tree(out))
        }
        several if rows => Ok(table(several, depth.unwrap_or(usize::MAX))),
        several => {
            let texts = several.iter().filter_map(|tree| tree.leaf()).map(str::to_owned);
            let name = names.last().cloned().unwrap_or_default();
            let rows = texts.map(|text| vec![Cell::Text(text)]).collect();
            Ok(Shown::Table(Records { header: vec![name], rows }, Vec::new()))
        }
    }
}

fn table(items: &[&Tree], depth: usize) -> Shown {
    let mut records = Records::default();
    let mut shortened = Vec::new();
    for item in items {
        let mut row = vec![Cell::Text(String::new()); records.header.len()];
        fill(item, "", depth, &mut records.header, &mut row, &mut shortened);
        records.rows.push(row);
    }
    for row in &mut records.rows {
        row.resize(records.header.len(), Cell::Text(String::new()));
    }
    Shown::Table(records, shortened)
}

fn fill(
    tree: &Tree,
    prefix: &str,
    depth: usize,
    header: &mut Vec<String>,
    row: &mut Vec<Cell>,
    shortened: &mut Vec<String>,
) {
    let mut done: Vec<&str> = Vec::new();
    for (key, _) in tree.entries() {
        // A list of XML is several entries of one name.
        if depth < 2 || done.contains(&key.as_str()) {
            continue;
        }
        done.push(key);
        let name = format!("{prefix}{}", local(key));
        let mut items = Vec::new();
        for (_, value) in tree.entries().iter().filter(|(other, _)| other == key) {
            value.each(&mut |item| items.push(item));
        }
        let several =
            items.len() > 1 || tree.entries().iter().any(|(k, v)| k == key && matches!(v, Tree::List(_)));
        match items.as_slice() {
            [container @ Tree::Map(_)] if !several && container.leaf().is_none() => {
                fill(container, &format!("{name}."), depth - 1, header, row, shortened);
            }
            items => {
                let texts: Vec<&str> = items.iter().filter_map(|item| first_leaf(item)).collect();
                if items.iter().any(|item| matches!(item, Tree::Map(_)) && item.leaf().is_none())
                    && !shortened.contains(&name)
                {
                    shortened.push(name.clone());
                }
                put(name, &texts, header, row);
            }
        }
    }
}

fn put(name: String, texts: &[&str], header: &mut Vec<String>, row: &mut Vec<Cell>) {
    let at = header.iter().position(|known| *known == name).unwrap_or_else(|| {
        header.push(name);
        header.len() - 1
    });
    row.resize(row.len().max(at + 1), Cell::Text(String::new()));
    if let Some(slot) = row.get_mut(at) {
        *slot = match texts {
            [] => Cell::Text(String::new()),
            [text] => Cell::Text((*text).to_owned()),
            several => Cell::List(several.iter().map(|text| Some((*text).to_owned())).collect()),
        };
    }
}

/// A leaf's text, or that of an entry's first leaf: most models have the key there.
fn first_leaf(tree: &Tree) -> Option<&str> {
    tree.leaf().or_else(|| tree.entries().iter().find_map(|(_, value)| value.leaf()))
}

fn is_leaf(tree: &Tree) -> bool {
    match tree {
        Tree::List(items) => items.iter().all(is_leaf),
        Tree::Map(_) => tree.leaf().is_some(),
        Tree::Null | Tree::Text(_) => true,
    }
}

/// Indented lines, a `-` before each entry of a list.
fn write(tree: &Tree, indent: usize, depth: usize, out: &mut String) {
    if let Some(text) = tree.leaf() {
        return line(indent, text, out);
    }
    match tree {
        Tree::Null | Tree::Text(_) => {}
        Tree::List(items) => items.iter().for_each(|item| entry(item, indent, depth, out)),
        Tree::Map(entries) => {
            for (key, value) in entries.iter().filter(|(key, _)| !key.starts_with('@')) {
                match value.leaf() {
                    Some(text) => line(indent, &format!("{key}: {text}"), out),
                    None if depth < 2 => {}
                    None => {
                        line(indent, &format!("{key}:"), out);
                        write(value, indent + 1, depth - 1, out);
                    }
                }
            }
        }
    }
}

fn entry(tree: &Tree, indent: usize, depth: usize, out: &mut String) {
    let mut inner = String::new();
    write(tree, 0, depth, &mut inner);
    for (index, text) in inner.lines().enumerate() {
        line(indent, &format!("{}{text}", if index == 0 { "- " } else { "  " }), out);
    }
}

fn line(indent: usize, text: &str, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", indent));
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const JSON: &str = r#"{"m:interface": [
        {"name": "eth0", "enabled": true, "m:ipv4": {"mtu": 1500, "address": [{"ip": "10.0.0.1", "prefix-length": 24}, {"ip": "10.0.0.2"}]}},
        {"name": "eth1", "tag": ["a", "b"]}]}"#;
    const XML: &str = "<rpc-reply><data><interfaces xmlns='urn:m'><interface><name>eth0</name><enabled>true</enabled>\
        <ipv4><mtu>1500</mtu><address><ip>10.0.0.1</ip><prefix-length>24</prefix-length></address><address><ip>10.0.0.2</ip></address></ipv4>\
        </interface><interface><name>eth1</name><tag>a</tag><tag>b</tag></interface></interfaces></data></rpc-reply>";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_list_is_a_table_however_it_came() {
        let way = names(&["interfaces", "interface"]);
        let json = shown(JSON, &way, &way, false, None).unwrap();
        assert_eq!(json, shown(XML, &[], &way, false, None).unwrap());
        let Shown::Table(records, shortened) = json else { panic!("a table is expected") };
        assert_eq!(records.header, ["name", "enabled", "ipv4.mtu", "ipv4.address", "tag"]);
        assert_eq!(records.rows.len(), 2);
        assert_eq!(shortened, ["ipv4.address"]);
        let Shown::Table(records, _) = shown(JSON, &way, &way, false, Some(2)).unwrap() else { panic!() };
        assert_eq!(records.header, ["name", "enabled", "tag"], "two levels: the entry and its leaves");
    }

    #[test]
    fn one_entry_is_a_tree() {
        let way = names(&["interfaces", "interface"]);
        let text =
            r#"{"m:interface": [{"name": "eth0", "ipv4": {"address": [{"ip": "10.0.0.1", "x": null}]}}]}"#;
        let wanted = "name: eth0\nipv4:\n  address:\n    - ip: 10.0.0.1\n      x:\n";
        assert_eq!(shown(text, &way, &way, true, None).unwrap(), Shown::Tree(wanted.to_owned()));
        let system = r#"{"m:system": {"contact": "a <b>", "clock": {"zone": "UTC"}}}"#;
        let way = names(&["system"]);
        let wanted = Shown::Tree("contact: a <b>\nclock:\n  zone: UTC\n".to_owned());
        assert_eq!(shown(system, &way, &way, false, None).unwrap(), wanted);
        let leaf = names(&["system", "contact"]);
        let wanted = Shown::Tree("x\n".to_owned());
        assert_eq!(shown(r#"{"m:contact": "x"}"#, &leaf, &leaf, false, None).unwrap(), wanted);
    }

    #[test]
    fn nothing_is_nothing_and_nonsense_is_told() {
        let way = names(&["a", "b"]);
        for text in ["{}", "<data/>", "<rpc-reply><data><a/></data></rpc-reply>"] {
            let below = if text.starts_with("<rpc") { &[][..] } else { &way[..] };
            assert_eq!(shown(text, below, &way, false, None).unwrap(), Shown::Nothing, "{text}");
        }
        assert!(shown("{", &way, &way, false, None).unwrap_err().contains("ends in the middle"));
    }
}
