//! A parser folder: its template, compiled when first asked for.

use std::sync::{Arc, OnceLock};

use super::parsing::template_error;
use crate::error::Result;
use crate::parse::textfsm::{Template, TemplateError};

/// One parser folder; its template is compiled when first asked for and then shared.
#[derive(Debug)]
pub struct Parser {
    /// `<platform>/<command_words>`.
    pub name: String,
    /// Where the template came from, for errors.
    pub origin: String,
    /// The template's text.
    pub text: String,
    compiled: OnceLock<Result<Arc<Template>, TemplateError>>,
}

impl Parser {
    /// A parser whose template is not yet compiled.
    pub fn new(name: impl Into<String>, origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), origin: origin.into(), text: text.into(), compiled: OnceLock::new() }
    }

    /// The compiled template; who comes first compiles it, everybody else shares it.
    pub fn template(&self) -> Result<Arc<Template>> {
        let compiled = self.compiled.get_or_init(|| Template::compile(&self.text).map(Arc::new));
        compiled.as_ref().map(Arc::clone).map_err(|error| template_error(&self.origin, &self.text, error))
    }
}
