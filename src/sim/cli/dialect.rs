//! One command line as data: `cli/<name>.yaml` and the templates in `cli/<name>/`.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Deserialize;

use super::pipe::Filter;
use super::values;
use super::words::Words;
use crate::error::{Error, Result};
use crate::sim::data::Offer;
use crate::sim::files::{Files, yaml};
use crate::sim::net::Traits;

/// The file, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialectFile {
    /// What the network must know of it.
    pub traits: Traits,
    /// The SSH identification string (RFC 4253, 4.2).
    pub ssh_id: String,
    /// The question of keyboard-interactive logins.
    #[serde(default = "question")]
    pub question: String,
    /// Shown before the login.
    #[serde(default)]
    pub login_banner: Option<String>,
    /// Shown when a shell starts: a template.
    #[serde(default)]
    pub banner: String,
    /// The modes; the first one named is the mode after login.
    pub modes: Vec<Mode>,
    /// The pager of shells.
    #[serde(default)]
    pub pager: Option<Pager>,
    /// How it refuses: templates with `word`, `line`, `column`, `number`, `choices`, `prompt`.
    pub refusals: Refusals,
    /// Long beginning of an interface's name → short one.
    #[serde(default)]
    pub short: BTreeMap<String, String>,
    /// Words behind a bar.
    #[serde(default)]
    pub pipes: BTreeMap<String, Filter>,
    /// Words behind a bar that ask for another form of the output, for programs.
    #[serde(default)]
    pub forms: Vec<String>,
    /// What `count` prints, with `#` for the number.
    #[serde(default)]
    pub count_text: String,
    /// Requests without a shell.
    #[serde(default)]
    pub exec: Exec,
    /// What its variants offer to programs: files of `data/`, `all` for those without a line of their
    /// own. Where there is none, nothing is offered.
    #[serde(default)]
    pub programs: BTreeMap<String, String>,
    /// Pattern → what it does.
    pub commands: BTreeMap<String, Does>,
}

fn question() -> String {
    "Password: ".to_owned()
}

/// One mode.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// Its name.
    pub name: String,
    /// Its prompt: a template.
    pub prompt: String,
}

/// The pager.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pager {
    /// Lines of a screen, when the client's terminal says none.
    pub lines: usize,
    /// What stands on the last line while it waits.
    pub text: String,
    /// What takes that away.
    pub erase: String,
}

/// Refusals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusals {
    /// A word that no command has.
    pub unknown: String,
    /// A word that stands for several.
    pub ambiguous: String,
    /// Words are missing.
    pub incomplete: String,
    /// A wrong secret.
    #[serde(default)]
    pub secret: String,
    /// A command that has not the form asked for.
    #[serde(default)]
    pub form: String,
}

/// Requests without a shell.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// Programs that take commands as quoted words: `program -c 'show version'`.
    #[serde(default)]
    pub wrappers: Vec<String>,
    /// The mode in which commands run, when it is not the first one.
    #[serde(default)]
    pub mode: Option<String>,
    /// Whether lines end in CR LF.
    #[serde(default)]
    pub crlf: bool,
    /// The exit status of a refused command.
    #[serde(default)]
    pub refused: u32,
}

/// What a command does: the name of a template, or more than that.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Does {
    /// Prints a template.
    Show(String),
    /// Anything else.
    More(Box<Action>),
}

/// What a command does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Prints this template.
    #[serde(default)]
    pub show: Option<String>,
    /// What it prints in other forms: a template for each.
    #[serde(default)]
    pub forms: BTreeMap<String, String>,
    /// Values for the template, beside the command's arguments.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// Prints this text: a template.
    #[serde(default)]
    pub print: Option<String>,
    /// Only in these modes.
    #[serde(default)]
    pub modes: Vec<String>,
    /// Goes to this mode.
    #[serde(default)]
    pub enter: Option<String>,
    /// Asks for the secret first, with this question.
    #[serde(default)]
    pub ask: Option<String>,
    /// The argument that sets the lines of the pager; 0 switches it off.
    #[serde(default)]
    pub page: Option<String>,
    /// Switches the pager off (`false`) or on again.
    #[serde(default)]
    pub pager: Option<bool>,
    /// Ends the session.
    #[serde(default)]
    pub leave: bool,
    /// Milliseconds that it takes.
    #[serde(default)]
    pub takes: u64,
    /// In an exec request it runs until Ctrl-C, if this stands in what it prints; its template then gets the
    /// number of seconds as `count`.
    #[serde(default)]
    pub endless: Option<String>,
}

/// A command line, ready for use; shared by all devices that have it.
#[derive(Debug)]
pub struct Dialect {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: DialectFile,
    /// The tree of commands.
    pub words: Words,
    /// What they do, by number.
    pub actions: Vec<Action>,
    /// What its variants offer to programs.
    pub offers: BTreeMap<String, Offer>,
    templates: Environment<'static>,
}

impl Dialect {
    /// Reads `cli/<name>.yaml`, its templates, and those in `cli/shared/`.
    pub fn load(files: &Files, name: &str) -> Result<Self> {
        let (source, text) = files.read(&format!("cli/{name}.yaml"))?;
        let file: DialectFile = yaml(&source, &text)?;
        if file.modes.is_empty() {
            return Err(
                Error::config(format!("{source}: `modes` is empty")).hint("give it one mode with a prompt")
            );
        }
        let mut templates = environment();
        // What several command lines print alike; a file of its own wins.
        for dir in ["shared", name] {
            for template in files.list(&format!("cli/{dir}/"), ".j2") {
                let (source, text) = files.read(&format!("cli/{dir}/{template}.j2"))?;
                templates
                    .add_template_owned(template, text)
                    .map_err(|error| Error::config(format!("{source}: {error:#}")))?;
            }
        }
        let mut words = Words::new();
        let mut actions = Vec::with_capacity(file.commands.len());
        for (pattern, does) in &file.commands {
            let action = match does {
                Does::Show(template) => Action { show: Some(template.clone()), ..Action::default() },
                Does::More(action) => action.as_ref().clone(),
            };
            for template in action.show.iter().chain(action.forms.values()) {
                templates.get_template(template).map_err(|_| {
                    Error::config(format!("{source}: `{pattern}` needs the template `{template}`"))
                        .hint(format!("write cli/{name}/{template}.j2"))
                })?;
            }
            words.add(pattern, actions.len())?;
            actions.push(action);
        }
        let mut offers = BTreeMap::new();
        for (variant, offer) in &file.programs {
            offers.insert(variant.clone(), Offer::load(files, offer)?);
        }
        Ok(Self { name: name.to_owned(), file, words, actions, offers, templates })
    }

    /// A mode by name; the first one when there is none of that name.
    pub fn mode(&self, name: Option<&str>) -> Option<&Mode> {
        let named = name.and_then(|name| self.file.modes.iter().find(|mode| mode.name == name));
        named.or_else(|| self.file.modes.first())
    }

    /// The short form of an interface's name.
    pub fn short(&self, interface: &str) -> String {
        for (long, short) in &self.file.short {
            if let Some(rest) = interface.strip_prefix(long.as_str())
                && rest.starts_with(|c: char| c.is_ascii_digit())
            {
                return format!("{short}{rest}");
            }
        }
        interface.to_owned()
    }

    /// Prints a template file.
    pub fn render(&self, template: &str, context: Value) -> Result<String> {
        let printed = self.templates.get_template(template).and_then(|template| template.render(context));
        printed.map_err(|error| Error::config(format!("cli/{}/{template}.j2: {error:#}", self.name)))
    }

    /// Prints a short template that stands in the YAML file.
    pub fn render_text(&self, text: &str, context: Value) -> Result<String> {
        let printed = self.templates.render_str(text, context);
        printed.map_err(|error| Error::config(format!("cli/{}.yaml: {error:#}", self.name)))
    }
}

/// What all templates of the simulator have: their syntax and their filters.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    if let Ok(syntax) =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_recursion_limit(200);
    values::add_filters(&mut environment);
    environment
}
