//! From the parser's events to a tree of nodes: the one place that touches the YAML crate.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Node, Source, Value};
use crate::error::{Error, Place};

/// How deep collections may stand in one another.
const MAX_DEPTH: usize = 64;
/// How many nodes a file may have.
const MAX_NODES: usize = 4_000_000;
/// How many nodes aliases may copy.
const MAX_COPIES: usize = 200_000;
/// How large a file may be.
const MAX_BYTES: usize = 64 << 20;

pub(super) fn read(source: Arc<Source>) -> Result<Node, Vec<Error>> {
    let text = Arc::clone(&source);
    let mut builder = Builder {
        parser: Parser::new_from_str(&text.text),
        source,
        anchors: HashMap::new(),
        nodes: 0,
        copies: 0,
        duplicates: Vec::new(),
    };
    if text.text.len() > MAX_BYTES {
        return Err(vec![builder.error(1, 1, format!("the file is larger than {} MiB", MAX_BYTES >> 20))]);
    }
    let root = builder.document().map_err(|error| vec![error])?;
    if builder.duplicates.is_empty() { Ok(root) } else { Err(builder.duplicates) }
}

struct Builder<'input> {
    parser: Parser<'input, StrInput<'input>>,
    source: Arc<Source>,
    /// What an anchor stands for, with its number of nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    copies: usize,
    duplicates: Vec<Error>,
}

impl<'input> Builder<'input> {
    fn document(&mut self) -> Result<Node, Error> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let error = self.error_at(span, "the file holds more than one document");
                    return Err(error.hint("keep one document and remove the line `---`"));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(self.error_at(span, "unexpected content")),
            }
        }
        Ok(root.unwrap_or_else(|| self.make(Value::Null, 1, 1)))
    }

    fn next(&mut self) -> Result<(Event<'input>, Span), Error> {
        loop {
            match self.parser.next_event() {
                Some(Ok((event, span))) if is_structure(&event) => return Ok((event, span)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.scan_error(&error)),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'input>, span: Span, depth: usize) -> Result<Node, Error> {
        self.count(span)?;
        if depth > MAX_DEPTH {
            return Err(
                self.error_at(span, format!("more than {MAX_DEPTH} collections stand in one another"))
            );
        }
        let before = self.nodes + self.copies;
        let (anchor, node) = match event {
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id) else {
                    return Err(self.error_at(span, "the alias stands in its own anchor"));
                };
                self.copies = self.copies.saturating_add(*size);
                if self.copies > MAX_COPIES {
                    return Err(self.error_at(span, format!("aliases copy more than {MAX_COPIES} values")));
                }
                return Ok(node.clone());
            }
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), span)?)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (anchor, self.make_at(Value::List(items), span))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                (anchor, self.mapping(span, depth)?)
            }
            _ => return Err(self.error_at(span, "a value is missing here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes + self.copies - before + 1));
        }
        Ok(node)
    }

    fn mapping(&mut self, span: Span, depth: usize) -> Result<Node, Error> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<");
            let key = match event {
                // A key is a text even where a value would be nothing: `null:` and `~:` are names.
                Event::Scalar(text, ..) if !text.is_empty() => {
                    self.count(at)?;
                    self.make_at(Value::Scalar { text: text.into_owned(), plain: true }, at)
                }
                _ => return Err(self.error_at(at, "a key must be a text")),
            };
            let (event, at) = self.next()?;
            let mut value = self.node(event, at, depth + 1)?;
            if value.is_null() {
                (value.line, value.column) = (key.line, key.column);
            }
            if merge {
                merged.push(value);
                continue;
            }
            let name = key.text().unwrap_or_default().to_owned();
            if seen.contains(&name) {
                let first = entries.iter().find(|(other, _)| other.text() == Some(&name));
                let line = first.map_or(0, |(other, _)| other.line);
                let error = key.error(format!("the key `{name}` stands here a second time"));
                self.duplicates
                    .push(error.hint(format!("it stands in line {line} already; keep one of them")));
            } else {
                seen.insert(name);
                entries.push((key, value));
            }
        }
        for value in merged {
            merge(value, &mut seen, &mut entries)?;
        }
        Ok(self.make_at(Value::Map(entries), span))
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Node, Error> {
        let string = self.tag(tag, span)?;
        let plain = style == ScalarStyle::Plain && !string;
        let value = match text {
            "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
            _ => Value::Scalar { text: text.to_owned(), plain },
        };
        Ok(self.make_at(value, span))
    }

    /// Whether the tag says `!!str`; a tag that means nothing here is an error.
    fn tag(&self, tag: Option<&Tag>, span: Span) -> Result<bool, Error> {
        match tag {
            None => Ok(false),
            Some(tag) if tag.is_yaml_core_schema() => Ok(tag.is_yaml_core_schema_tag("str")),
            Some(tag) => {
                let error = self.error_at(span, format!("the tag `{}` means nothing here", tag.original()));
                Err(error.hint("put a text that begins with `!` between single quotes"))
            }
        }
    }

    fn count(&mut self, span: Span) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error_at(span, format!("the file holds more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn make_at(&self, value: Value, span: Span) -> Node {
        self.make(value, span.start.line().max(1), span.start.col() + 1)
    }

    fn make(&self, value: Value, line: usize, column: usize) -> Node {
        Node { value, source: Arc::clone(&self.source), line, column }
    }

    fn error_at(&self, span: Span, message: impl Into<String>) -> Error {
        self.error(span.start.line().max(1), span.start.col() + 1, message)
    }

    fn error(&self, line: usize, column: usize, message: impl Into<String>) -> Error {
        let excerpt = super::excerpt::line(&self.source.text, line, column);
        Error::config(message).at(Place { source: self.source.name.clone(), line, column, excerpt })
    }

    fn scan_error(&self, error: &ScanError) -> Error {
        let (line, column) = (error.marker().line().max(1), error.marker().col() + 1);
        let raw = self.source.text.lines().nth(line - 1).unwrap_or_default();
        let hint = match raw.chars().nth(column - 1) {
            Some(letter @ ('@' | '`' | '%' | '*' | '&' | '!' | '{' | '[' | '|' | '>')) => {
                format!("put a text that begins with `{letter}` between single quotes")
            }
            _ if raw.trim_start_matches(' ').starts_with('\t') => {
                "indent by blanks: YAML takes no tabs there".to_owned()
            }
            _ => "look at the indentation, the quotes and the blank behind each `:`".to_owned(),
        };
        self.error(line, column, format!("this is not YAML: {}", error.info())).hint(hint)
    }
}

/// `<<: *base` or `<<: [*one, *two]`: entries that the mapping itself does not have.
fn merge(value: Node, seen: &mut HashSet<String>, entries: &mut Vec<(Node, Node)>) -> Result<(), Error> {
    match value.value {
        Value::Map(others) => {
            for (key, value) in others {
                if seen.insert(key.text().unwrap_or_default().to_owned()) {
                    entries.push((key, value));
                }
            }
            Ok(())
        }
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
            items.into_iter().try_for_each(|item| merge(item, seen, entries))
        }
        _ => Err(value.error("only mappings can be merged by `<<`")),
    }
}

fn is_structure(event: &Event<'_>) -> bool {
    event.is_node()
        || matches!(
            event,
            Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd
                | Event::SequenceEnd
                | Event::MappingEnd
        )
}
