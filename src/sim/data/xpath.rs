//! The part of XPath that filters of programs use: paths with predicates on leaves, and unions.

use std::collections::BTreeMap;

use super::tree::{Modules, Node};

/// An expression such as `/if:interfaces/if:interface[if:name='eth1']/if:mtu | /a:b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XPath {
    paths: Vec<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// `//` stands in front of it.
    deep: bool,
    name: Name,
    equal: Vec<(Name, String)>,
}

/// A namespace, if the name had a prefix, and a name; `*` for any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name(Option<String>, String);

impl XPath {
    /// Reads an expression with the prefixes that hold where it stands.
    pub fn parse(text: &str, prefixes: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut paths = Vec::new();
        let mut reader = Reader { rest: text.trim(), prefixes };
        loop {
            paths.push(reader.path()?);
            match reader.rest.trim_start().strip_prefix('|') {
                Some(rest) => reader.rest = rest.trim_start(),
                None if reader.rest.trim().is_empty() => return Ok(Self { paths }),
                None => return Err(format!("`{}` is not understood", reader.rest)),
            }
        }
    }

    /// What it picks of a document, with the nodes around it and their keys.
    pub fn pick(&self, node: &Node, modules: &Modules) -> Option<Node> {
        let paths: Vec<&[Step]> = self.paths.iter().map(Vec::as_slice).collect();
        pick(node, &paths, modules)
    }

    /// The names of the documents that it needs; None for any.
    pub fn tops(&self) -> Option<Vec<&str>> {
        let first = |path: &Vec<Step>| match path.first() {
            Some(step) if !step.deep && step.name.1 != "*" => Some(()),
            _ => None,
        };
        self.paths.iter().map(first).collect::<Option<Vec<()>>>()?;
        Some(self.paths.iter().filter_map(|path| path.first()).map(|step| step.name.1.as_str()).collect())
    }
}

fn pick(node: &Node, paths: &[&[Step]], modules: &Modules) -> Option<Node> {
    let mut below: Vec<&[Step]> = Vec::new();
    for path in paths {
        let Some((first, rest)) = path.split_first() else { continue };
        if first.deep {
            below.push(path);
        }
        if first.fits(node, modules) {
            if rest.is_empty() {
                return Some(node.clone());
            }
            below.push(rest);
        }
    }
    if below.is_empty() {
        return None;
    }
    let mut found = false;
    let mut kept = Vec::new();
    for (place, child) in node.children().iter().enumerate() {
        if let Some(picked) = pick(child, &below, modules) {
            found = true;
            kept.push(picked);
        } else if place < node.keys {
            kept.push(child.clone());
        }
    }
    found.then(|| node.with(kept))
}

impl Step {
    fn fits(&self, node: &Node, modules: &Modules) -> bool {
        let equal = |(name, value): &(Name, String)| {
            if name.1 == "." {
                return node.value().as_deref() == Some(value);
            }
            let mut leaves = node.children().iter().filter(|child| name.fits(child, modules));
            leaves.any(|leaf| leaf.value().as_deref() == Some(value))
        };
        self.name.fits(node, modules) && self.equal.iter().all(equal)
    }
}

impl Name {
    fn fits(&self, node: &Node, modules: &Modules) -> bool {
        let namespace = modules.get(&node.module).map(|module| &module.namespace);
        (self.1 == "*" || self.1 == node.name)
            && self.0.as_ref().is_none_or(|wanted| Some(wanted) == namespace)
    }
}

struct Reader<'t> {
    rest: &'t str,
    prefixes: &'t BTreeMap<String, String>,
}

impl Reader<'_> {
    fn path(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        loop {
            let deep = self.rest.starts_with("//");
            let slashes = if deep { 2 } else { usize::from(self.rest.starts_with('/')) };
            if slashes == 0 && !steps.is_empty() {
                return Ok(steps);
            }
            self.rest = self.rest.get(slashes..).unwrap_or_default();
            let name = self.name()?;
            let mut equal = Vec::new();
            while let Some(rest) = self.rest.strip_prefix('[') {
                self.rest = rest;
                equal.extend(self.predicate()?);
            }
            steps.push(Step { deep, name, equal });
        }
    }

    fn name(&mut self) -> Result<Name, String> {
        self.rest = self.rest.trim_start();
        let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '*');
        let end = self.rest.find(|c| !good(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if text.is_empty() {
            return Err(format!("a name is missing before `{}`", self.rest));
        }
        self.rest = rest.trim_start();
        match text.split_once(':') {
            None => Ok(Name(None, text.to_owned())),
            Some((prefix, local)) => {
                let namespace = self.prefixes.get(prefix);
                let namespace = namespace.ok_or_else(|| format!("the prefix `{prefix}` is not declared"))?;
                Ok(Name(Some(namespace.clone()), local.to_owned()))
            }
        }
    }

    /// `a='x' and b='y']`.
    fn predicate(&mut self) -> Result<Vec<(Name, String)>, String> {
        let mut equal = Vec::new();
        loop {
            let name = self.name()?;
            let rest = self.rest.strip_prefix('=').map(str::trim_start);
            let quote = rest.and_then(|rest| rest.chars().next()).filter(|c| matches!(c, '\'' | '"'));
            let (Some(rest), Some(quote)) = (rest, quote) else {
                return Err(format!("only `[leaf='value']` is understood, not `{}`", self.rest));
            };
            let inner = rest.get(1..).unwrap_or_default();
            let (value, rest) = inner.split_once(quote).ok_or("a quote is not closed")?;
            equal.push((name, value.to_owned()));
            self.rest = rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("and ") {
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Ok(equal);
            } else {
                return Err(format!("a `]` is missing before `{}`", self.rest));
            }
        }
    }
}
