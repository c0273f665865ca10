//! From text to a [`Question`]. Knows the verbs and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtin::{self, Kind};
use super::columns::Columns;
use super::cursor::Cursor;
use super::fault::{About, Fault};
use super::normalise::normalise;
use super::word::{self, Found};
use super::{Command, Question, Targets, arguments, show, stage, targets};
use crate::error::{Error, Result};
use crate::text::nearest;
use crate::verb::{ArgumentType, Native, Verb};

/// The verbs of a catalogue.
pub(super) type Verbs = BTreeMap<String, Arc<Verb>>;

/// Understands a message as far as that is possible without the inventory.
///
/// # Errors
/// [`crate::error::Kind::Question`] or [`crate::error::Kind::Limit`], always with a place in the
/// normalised text and with hints, the last of which is an example that is a question itself.
pub fn parse(text: &str, verbs: &Verbs) -> Result<Question> {
    read(text, verbs).map_err(|unread| {
        let example = unread.example(verbs);
        unread.into_error().hint(format!("for example: `{example}`"))
    })
}

/// A message that was not understood, before the example is chosen.
#[derive(Debug)]
pub(super) struct Unread {
    /// The normalised text.
    pub(super) text: String,
    pub(super) trouble: Trouble,
    /// The verb, if that much was understood.
    pub(super) verb: Option<Arc<Verb>>,
    /// The devices, if that much was understood.
    pub(super) targets: Option<Targets>,
}

#[derive(Debug)]
pub(super) enum Trouble {
    Normalise(Error),
    Read(Fault),
}

impl Unread {
    /// What the trouble is about.
    pub(super) fn about(&self) -> About {
        match &self.trouble {
            Trouble::Normalise(_) => About::Other,
            Trouble::Read(fault) => fault.about,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self.trouble {
            Trouble::Normalise(error) => error,
            Trouble::Read(fault) => fault.into_error(&self.text),
        }
    }

    /// The example that helps most: of the verb that was meant, with a bar if a stage was the trouble.
    pub(super) fn example(&self, verbs: &Verbs) -> String {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        let near =
            || nearest(first, verbs.keys().map(String::as_str), 1).first().and_then(|name| verbs.get(*name));
        let verb =
            self.verb.as_ref().or_else(near).or_else(|| verbs.get("vrf")).or_else(|| verbs.values().next());
        let Some(verb) = verb else { return "help".into() };
        let staged =
            verb.examples.iter().find(|example| self.about() == About::Stage && example.contains('|'));
        staged.or_else(|| verb.examples.first()).cloned().unwrap_or_else(|| format!("help {}", verb.name))
    }
}

/// As [`parse`], with the fault itself.
pub(super) fn read(text: &str, verbs: &Verbs) -> Result<Question, Box<Unread>> {
    let text = match normalise(text) {
        Ok(text) => text,
        Err(error) => {
            let text = text.chars().take(60).collect();
            return Err(Box::new(Unread {
                text,
                trouble: Trouble::Normalise(error),
                verb: None,
                targets: None,
            }));
        }
    };
    let characters: Vec<char> = text.chars().collect();
    let question: Arc<str> = text.as_str().into();
    let mut reader = Reader { verbs, question, cursor: Cursor::new(&characters), verb: None, targets: None };
    let whole = match text.chars().position(|found| found == '\n') {
        Some(index) => Err(targets::one_command(index + 1, "\n")),
        None => reader.question(false),
    };
    whole.map_err(|fault| {
        let (verb, targets) = (reader.verb.take(), reader.targets.take());
        Box::new(Unread { text, trouble: Trouble::Read(fault), verb, targets })
    })
}

/// What a first word stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum First {
    Builtin(Kind),
    Verb(String),
}

struct Reader<'r> {
    verbs: &'r Verbs,
    question: Arc<str>,
    cursor: Cursor<'r>,
    /// Whose examples help.
    verb: Option<Arc<Verb>>,
    /// The devices named so far.
    targets: Option<Targets>,
}

impl Reader<'_> {
    /// Reads one question to the end of the text.
    fn question(&mut self, within: bool) -> Result<Question, Fault> {
        self.cursor.skip_blanks();
        let start = self.cursor.position();
        let (command, columns) = self.command(within)?;
        self.cursor.skip_blanks();
        let stages = match columns {
            Some(columns) => stage::read(&mut self.cursor, columns)?,
            None if self.cursor.at_end() => Vec::new(),
            None => {
                let message = "a bar has nothing to work on here: this answer has no rows";
                return Err(
                    Fault::new(self.cursor.column(), message).hint("leave away what stands behind the bar")
                );
            }
        };
        Ok(Question { text: self.cursor.since(start), command, stages })
    }

    /// The command and the columns of its rows; `None` when it has no rows.
    fn command(&mut self, within: bool) -> Result<(Command, Option<Columns>), Fault> {
        match self.first()? {
            First::Builtin(Kind::Explain) if within => {
                Err(Fault::new(self.cursor.column(), "an explanation cannot be explained")
                    .hint("write `explain` once, and a question behind it"))
            }
            First::Builtin(kind) => self.builtin(kind),
            First::Verb(name) => {
                let verb = self.verbs.get(&name).map(Arc::clone);
                let verb = verb.ok_or_else(|| Fault::new(1, format!("there is no verb `{name}`")))?;
                self.verb = Some(Arc::clone(&verb));
                self.verb(verb).map(|command| {
                    let columns = match &command {
                        Command::Verb { verb, .. } => Columns::of(verb),
                        _ => Columns::default(),
                    };
                    (command, Some(columns))
                })
            }
        }
    }

    /// Takes the first word.
    fn first(&mut self) -> Result<First, Fault> {
        let column = self.cursor.column();
        if self.cursor.at_end() {
            return Err(Fault::new(column, "there is no question in this message")
                .hint("`help` shows what can be asked"));
        }
        let typed = self.cursor.take_while(|found| !matches!(found, ' ' | '|' | '\n'));
        let typed = typed.strip_suffix(':').filter(|typed| !typed.is_empty()).unwrap_or(&typed).to_owned();
        match self.find(&typed) {
            Found::One(first) => Ok(first),
            Found::Several(several) => {
                let list = word::list(several.iter().map(String::as_str));
                Err(Fault::new(column, format!("`{typed}` could be {list}")).hint("write one more letter"))
            }
            Found::None => Err(self.unknown(&typed, column)),
        }
    }

    fn find(&self, typed: &str) -> Found<First> {
        // The word of an older bot; as an alias it would make `sh` ambiguous.
        if typed.eq_ignore_ascii_case("show.inventory") {
            return Found::One(First::Builtin(Kind::Devices));
        }
        let verb = |verb: &Arc<Verb>| First::Verb(verb.name.clone());
        let names = self.verbs.values().map(|known| (known.name.as_str(), verb(known)));
        let aliases = self
            .verbs
            .values()
            .flat_map(|known| known.aliases.iter().map(move |alias| (alias.as_str(), verb(known))));
        let builtins = builtin::names().map(|(name, kind)| (name, First::Builtin(kind)));
        word::named(typed, builtins.chain(names), aliases)
    }

    /// The fault of a first word that is no verb.
    fn unknown(&mut self, typed: &str, column: usize) -> Fault {
        let verbs = self.verbs.values().flat_map(|verb| {
            std::iter::once(verb.name.as_str()).chain(verb.aliases.iter().map(String::as_str))
        });
        let known: Vec<&str> = verbs.chain(builtin::names().map(|(name, _)| name)).collect();
        let shown: String = typed.chars().take(40).collect();
        Fault::new(column, format!("there is no verb `{shown}`"))
            .maybe(self.swapped(typed))
            .maybe(crate::text::did_you_mean(typed, known))
            .hint("`help` shows what can be asked")
            .about(About::NoVerb)
    }

    /// `vrf r1` for `r1 vrf`.
    fn swapped(&mut self, typed: &str) -> Option<String> {
        self.cursor.skip_blanks();
        let verb = self.cursor.take_while(|found| !matches!(found, ' ' | '|' | '\n'));
        let Found::One(First::Verb(name)) = self.find(&verb) else { return None };
        let rest = self.cursor.clone().take_while(|_| true);
        let meant = format!("{verb} {typed}{rest}");
        let Ok(question) = read(&meant, self.verbs) else { return None };
        self.verb = self.verbs.get(&name).map(Arc::clone);
        Some(format!("the verb comes first: `{}`", question.text))
    }

    fn verb(&mut self, verb: Arc<Verb>) -> Result<Command, Fault> {
        let no_targets = |fault: Fault| {
            if fault.about != About::NoTargets {
                return fault;
            }
            let column = fault.column;
            Fault::new(column, format!("`{}` needs to know which devices to ask", verb.name))
                .hint("name devices, a group (`@core`), a key (`site:ams`) or `all`; `devices` lists them")
                .about(About::NoTargets)
        };
        if verb.arguments.iter().any(|argument| argument.kind == ArgumentType::Line) {
            let (targets, line) =
                show::read(&mut self.cursor, &verb.name, &self.question).map_err(no_targets)?;
            return Ok(Command::Show { verb, targets, line });
        }
        if verb.bot.is_some_and(Native::is_matrix) {
            self.cursor.skip_blanks();
            let start = self.cursor.position();
            if !"src=".chars().all(|wanted| self.cursor.take_if(wanted)) {
                self.cursor.back_to(start);
            }
        }
        let targets = targets::read(&mut self.cursor, &self.question).map_err(no_targets)?;
        self.targets = Some(targets.clone());
        let arguments = arguments::read(&mut self.cursor, &verb, &targets.text)?;
        self.targets = None;
        Ok(Command::Verb { verb, targets, arguments })
    }

    fn builtin(&mut self, kind: Kind) -> Result<(Command, Option<Columns>), Fault> {
        let command = match kind {
            Kind::Help => {
                let column = {
                    self.cursor.skip_blanks();
                    self.cursor.column()
                };
                let topic = self.word();
                Command::Help(topic.map(|topic| self.topic(&topic, column)).transpose()?)
            }
            Kind::Explain => {
                self.cursor.skip_blanks();
                if self.cursor.at_stop() {
                    return Err(Fault::new(self.cursor.column(), "`explain` needs a question behind it")
                        .hint("write the whole question behind the word, with its bars"));
                }
                return Ok((Command::Explain(Box::new(self.question(true)?)), None));
            }
            Kind::Devices => {
                self.cursor.skip_blanks();
                if !self.cursor.take_keyword("ls") {
                    self.cursor.take_keyword("list");
                }
                self.cursor.skip_blanks();
                let none = self.cursor.at_stop();
                Command::Devices(if none {
                    None
                } else {
                    Some(targets::read(&mut self.cursor, &self.question)?)
                })
            }
            Kind::Cancel => Command::Cancel(self.word()),
            Kind::Examples => Command::Examples,
            Kind::Again => Command::Again,
            Kind::More => {
                let answer = self.number("the number of an answer")?;
                self.cursor.skip_blanks();
                let row = if self.cursor.at_stop() { 1 } else { self.number("a row, from 1")? };
                Command::More { answer, row: usize::try_from(row.max(1)).unwrap_or(usize::MAX) }
            }
            Kind::History => Command::History,
            Kind::Whoami => Command::Whoami,
            Kind::Status => Command::Status,
        };
        self.cursor.skip_blanks();
        if !self.cursor.at_stop() {
            let word = builtin::name(kind);
            return Err(Fault::new(self.cursor.column(), format!("`{word}` takes nothing more")).hint(
                format!("leave away the rest: `{}`", self.cursor.between(0, self.cursor.position()).trim()),
            ));
        }
        let rows = matches!(kind, Kind::Devices | Kind::More | Kind::History | Kind::Status);
        Ok((command, rows.then(Columns::default)))
    }

    /// The next word as a number; `what` says what it counts.
    fn number(&mut self, what: &str) -> Result<u64, Fault> {
        self.cursor.skip_blanks();
        let column = self.cursor.column();
        let word = self.word().unwrap_or_default();
        word.trim_start_matches('#').parse().map_err(|_| {
            let found = if word.is_empty() { String::new() } else { format!(", not `{word}`") };
            Fault::new(column, format!("`more` needs {what} here{found}"))
                .hint("for example `more 17 41`: answer 17 from its row 41 on")
        })
    }

    /// The next word, if there is one.
    fn word(&mut self) -> Option<String> {
        self.cursor.skip_blanks();
        let word = self.cursor.take_while(|found| !matches!(found, ' ' | '|' | '\n'));
        (!word.is_empty()).then_some(word)
    }

    /// What `help` is asked about: a verb, a built-in command or a stage, by its main word.
    fn topic(&mut self, typed: &str, column: usize) -> Result<String, Fault> {
        match self.find(typed) {
            Found::One(First::Verb(name)) => Ok(name),
            Found::One(First::Builtin(kind)) => Ok(builtin::name(kind).into()),
            _ if stage::named(typed).is_some() => Ok(stage::named(typed).map_or("", stage::name).into()),
            Found::Several(several) => {
                let list = word::list(several.iter().map(String::as_str));
                Err(Fault::new(column, format!("`{typed}` could be {list}")).hint("write one more letter"))
            }
            Found::None => {
                let known: Vec<&str> = self.verbs.keys().map(String::as_str).collect();
                Err(Fault::new(column, format!("there is no help about `{typed}`")).hint(word::suggest(
                    typed,
                    &known,
                    "there is help about",
                )))
            }
        }
    }
}
