//! What a sort of devices offers to programs: `data/<name>.yaml` and the templates in `data/<name>/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Environment, Value};
use serde::Deserialize;

use super::select::{self, Content as Wanted};
use super::tree::{Module, Modules, Node};
use super::{json, library};
use crate::error::{Error, Result};
use crate::sim::cli::environment;
use crate::sim::files::{Files, yaml};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferFile {
    #[serde(default)]
    modules: BTreeMap<String, Module>,
    #[serde(default)]
    module_set: Option<String>,
    #[serde(default)]
    documents: BTreeMap<String, DocumentFile>,
    #[serde(default)]
    netconf: Option<NetconfOffer>,
    #[serde(default)]
    restconf: Option<RestconfOffer>,
    #[serde(default)]
    json_rpc: Option<JsonRpc>,
}

/// A top-level node: `module:name`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentFile {
    /// The template that prints what is in it, as JSON (RFC 7951).
    template: String,
    /// Whether it is configuration.
    #[serde(default)]
    config: bool,
    /// The names of the nodes in a configuration that are state.
    #[serde(default)]
    state: Vec<String>,
    /// The keys of its lists, by the lists' names.
    #[serde(default)]
    keys: BTreeMap<String, Vec<String>>,
}

/// The NETCONF server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetconfOffer {
    /// Capabilities beside the modules, as URIs.
    pub capabilities: Vec<String>,
    /// Operational RPCs: the command line that answers, a template with `rpc`.
    #[serde(default)]
    pub rpcs: BTreeMap<String, String>,
    /// The form of the command line that prints their replies.
    #[serde(default)]
    pub form: String,
}

/// The RESTCONF server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestconfOffer {
    /// Its root.
    pub root: String,
}

/// Command lines as JSON-RPC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonRpc {
    /// Where it is posted to.
    pub path: String,
    /// The method that runs commands.
    pub method: String,
    /// The form of the command line that prints JSON.
    pub form: String,
}

/// What a sort of devices offers; shared by all of them.
#[derive(Debug)]
pub struct Offer {
    name: String,
    /// Its modules.
    pub modules: Modules,
    /// The number of their set, where it has the YANG library.
    pub module_set: Option<String>,
    documents: BTreeMap<String, DocumentFile>,
    /// NETCONF, if it has that.
    pub netconf: Option<NetconfOffer>,
    /// RESTCONF, if it has that.
    pub restconf: Option<RestconfOffer>,
    /// JSON-RPC, if it has that.
    pub json_rpc: Option<JsonRpc>,
    templates: Environment<'static>,
}

impl Offer {
    /// Reads the file and its templates.
    pub fn load(files: &Files, name: &str) -> Result<Self> {
        let (source, text) = files.read(&format!("data/{name}.yaml"))?;
        let file: OfferFile = yaml(&source, &text)?;
        let mut templates = environment();
        for template in files.list(&format!("data/{name}/"), ".j2") {
            let (source, text) = files.read(&format!("data/{name}/{template}.j2"))?;
            templates
                .add_template_owned(template, text)
                .map_err(|error| Error::config(format!("{source}: {error:#}")))?;
        }
        for (top, document) in &file.documents {
            let known = top.split_once(':').is_some_and(|(module, _)| file.modules.contains_key(module));
            if !known {
                return Err(Error::config(format!("{source}: the module of `{top}` is not listed")));
            }
            templates.get_template(&document.template).map_err(|_| {
                Error::config(format!("{source}: `{top}` needs the template `{}`", document.template))
                    .hint(format!("write data/{name}/{}.j2", document.template))
            })?;
        }
        let modules = file.modules.into_iter().map(|(name, module)| (Arc::from(name), module)).collect();
        Ok(Self {
            name: name.to_owned(),
            modules,
            module_set: file.module_set,
            documents: file.documents,
            netconf: file.netconf,
            restconf: file.restconf,
            json_rpc: file.json_rpc,
            templates,
        })
    }

    /// Whether it offers anything over HTTPS.
    pub fn https(&self) -> bool {
        self.restconf.is_some() || self.json_rpc.is_some()
    }

    /// The documents: module and name of their top-level nodes.
    pub fn tops(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.documents.keys().filter_map(|top| top.split_once(':'));
        own.chain(library::TOPS.into_iter().filter(|(module, _)| self.modules.contains_key(*module)))
    }

    /// One document of a device, or the part of it that is wanted. None when there is no such
    /// document, or nothing of what is wanted in it.
    pub fn document(
        &self,
        (module, name): (&str, &str),
        context: &Value,
        want: Wanted,
    ) -> Result<Option<Node>> {
        if let Some(node) = library::document(self, (module, name)) {
            return Ok(if want == Wanted::Config { None } else { Some(node) });
        }
        let top = format!("{module}:{name}");
        let (Some(document), Some((module, _))) =
            (self.documents.get(&top), self.modules.get_key_value(module))
        else {
            return Ok(None);
        };
        if !document.config && want == Wanted::Config {
            return Ok(None);
        }
        let source = format!("data/{}/{}.j2", self.name, document.template);
        let printed = self.templates.get_template(&document.template);
        let printed = printed.and_then(|template| template.render(context));
        let printed = printed.map_err(|error| Error::config(format!("{source}: {error:#}")))?;
        let children = json::read(&printed, module, &self.modules, &document.keys)
            .map_err(|error| Error::config(format!("{source}: {}", error.message())))?;
        let node = Node::inner(module, name, children);
        if !document.config {
            return Ok(Some(node));
        }
        Ok(select::wanted(&node, want, &document.state))
    }

    /// The command line for an operational RPC. None when there is no such RPC.
    pub fn rpc(&self, name: &str, arguments: &BTreeMap<String, String>) -> Option<Result<String>> {
        let netconf = self.netconf.as_ref()?;
        let template = netconf.rpcs.get(name)?;
        let arguments = arguments.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str())));
        let context = Value::from_pairs([("rpc", Value::from_pairs(arguments))]);
        let line = self.templates.render_str(template, context);
        let line = line.map(|line| format!("{line} | {}", netconf.form));
        Some(line.map_err(|error| Error::config(format!("data/{}.yaml: `{name}`: {error:#}", self.name))))
    }
}
