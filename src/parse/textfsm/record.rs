//! The record being built, and what the options make of it.

use super::super::Cell;
use super::super::pyre::Scratch;
use super::value::{Keeping, Value};

/// What a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now<'t> {
    /// Nothing.
    Unset,
    /// A text.
    Text(&'t str),
    /// Its list, as it was when the record was last to be written.
    List,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item<'t> {
    Text(Option<&'t str>),
    Map(Vec<Option<&'t str>>),
}

#[derive(Debug)]
struct Place<'t> {
    now: Now<'t>,
    /// Of `Filldown`: what a cleared value goes back to.
    kept: Now<'t>,
    /// Of `List`.
    list: Vec<Item<'t>>,
}

/// All values' places, and the rows written.
#[derive(Debug)]
pub(super) struct Record<'m, 't> {
    values: &'m [Value],
    places: Vec<Place<'t>>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl<'m, 't> Record<'m, 't> {
    pub(super) fn new(values: &'m [Value]) -> Self {
        let empty = || Place { now: Now::Unset, kept: Now::Unset, list: Vec::new() };
        Self { values, places: values.iter().map(|_| empty()).collect(), rows: Vec::new() }
    }

    /// Gives a value the text that its group took; none when the group took no part, which unsets it.
    pub(super) fn assign(
        &mut self,
        index: usize,
        text: Option<&'t str>,
        scratch: &mut Scratch,
    ) -> Result<(), String> {
        let (Some(value), Some(place)) = (self.values.get(index), self.places.get_mut(index)) else {
            return Ok(());
        };
        place.now = text.map_or(Now::Unset, Now::Text);
        for option in &value.options {
            match option {
                Keeping::Filldown => place.kept = place.now,
                Keeping::Fillup => {
                    if let Some(text) = text.filter(|text| !text.is_empty()) {
                        fill_up(&mut self.rows, index, text);
                    }
                }
                Keeping::List => place.list.push(item(value, text, scratch)?),
                Keeping::Key | Keeping::Required => {}
            }
        }
        Ok(())
    }

    /// Writes the record, if it is complete and not empty.
    ///
    /// One that lacks a `Required` value is cleared; one that holds nothing at all is neither written nor
    /// cleared. The options act in their order, so `Required,List` asks for the last item and
    /// `List,Required` for the list.
    pub(super) fn write(&mut self) {
        let mut filled = false;
        for (value, place) in self.values.iter().zip(&mut self.places) {
            for option in &value.options {
                match option {
                    Keeping::List => place.now = Now::List,
                    Keeping::Required if place.is_empty() => return self.clear(),
                    _ => {}
                }
            }
            filled |= match place.now {
                Now::Unset => false,
                Now::Text(_) => true,
                Now::List => !place.list.is_empty(),
            };
        }
        if !filled {
            return;
        }
        let cells = self.values.iter().zip(&self.places).map(|(value, place)| place.cell(value));
        self.rows.push(cells.collect());
        self.clear();
    }

    /// Empties the record; `Filldown` values go back to their last text, and their lists stay.
    pub(super) fn clear(&mut self) {
        for (value, place) in self.values.iter().zip(&mut self.places) {
            place.now = Now::Unset;
            if value.options.is_empty() {
                continue;
            }
            let fill_down = value.has(Keeping::Filldown);
            if fill_down {
                place.now = place.kept;
            } else {
                place.list.clear();
            }
        }
    }

    /// Empties the record and forgets what `Filldown` kept.
    pub(super) fn clear_all(&mut self) {
        for place in &mut self.places {
            place.now = Now::Unset;
            place.kept = Now::Unset;
            place.list.clear();
        }
    }
}

impl Place<'_> {
    fn is_empty(&self) -> bool {
        match self.now {
            Now::Unset | Now::Text("") => true,
            Now::Text(_) => false,
            Now::List => self.list.is_empty(),
        }
    }

    fn cell(&self, value: &Value) -> Cell {
        match self.now {
            Now::Unset => Cell::Text(String::new()),
            Now::Text(text) => Cell::Text(text.to_owned()),
            Now::List => list(value, &self.list),
        }
    }
}

fn list(value: &Value, items: &[Item<'_>]) -> Cell {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if !items.iter().any(|item| matches!(item, Item::Map(_))) {
        let texts = items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(owned(*text)),
            Item::Map(_) => None,
        });
        return Cell::List(texts.collect());
    }
    let names = value.inner.as_ref().map_or(&[][..], |inner| inner.pattern().names());
    let maps = items.iter().map(|item| match item {
        Item::Text(text) => vec![(String::new(), owned(*text))],
        Item::Map(texts) => {
            names.iter().zip(texts).map(|((name, _), text)| (name.clone(), owned(*text))).collect()
        }
    });
    Cell::Maps(maps.collect())
}

/// The item for a text: with named groups inside the value's regex, what those take when the regex is
/// matched again on the text alone.
fn item<'t>(value: &Value, text: Option<&'t str>, scratch: &mut Scratch) -> Result<Item<'t>, String> {
    let Some(inner) = &value.inner else { return Ok(Item::Text(text)) };
    let Some(text) = text else {
        return Err(format!("the list `{}` with groups inside took no part in the match", value.name));
    };
    let names = inner.pattern().names();
    if names.is_empty() || !inner.matches(text, scratch).map_err(|error| error.to_string())? {
        return Ok(Item::Text(Some(text)));
    }
    let group = |number: u32| scratch.group(number).and_then(|(start, end)| text.get(start..end));
    Ok(Item::Map(names.iter().map(|(_, number)| group(*number)).collect()))
}

/// Puts `text` into the rows above, from the last up to one whose cell is filled.
fn fill_up(rows: &mut [Vec<Cell>], index: usize, text: &str) {
    for row in rows.iter_mut().rev() {
        match row.get_mut(index) {
            Some(cell) if cell.is_empty() => *cell = Cell::Text(text.to_owned()),
            _ => break,
        }
    }
}
