//! Which rules of a state can match a line at all, by its indentation and its first other byte.

use std::collections::HashMap;

use super::super::pyre::{Entry, Grams, Prefix};

/// First bytes told apart: ASCII, all others, none (a line of blanks only).
const KINDS: usize = 130;

/// A rule that may match a sort of line, with what else it asks for.
#[derive(Debug)]
struct Candidate {
    prefix: Prefix,
    grams: Grams,
    place: usize,
}

/// For each sort of line the places of the rules to try, in order.
#[derive(Debug)]
pub(super) struct Dispatch {
    table: Box<[u16]>,
    lists: Vec<Box<[Candidate]>>,
}

impl Dispatch {
    /// From what each rule asks of a line.
    pub(super) fn new(entries: impl Iterator<Item = Entry>) -> Self {
        let entries: Vec<Entry> = entries.collect();
        let mut known: HashMap<Box<[u16]>, u16> = HashMap::new();
        let mut lists: Vec<Box<[Candidate]>> = Vec::new();
        let mut table: Vec<u16> = Vec::with_capacity(KINDS * 2);
        let mut list: Vec<u16> = Vec::with_capacity(entries.len());
        for key in 0..KINDS * 2 {
            let byte = match u8::try_from(key % KINDS) {
                Ok(byte @ 0..=0x80) => Some(byte),
                _ => None,
            };
            let allows = |entry: &Entry| if key < KINDS { entry.flush } else { entry.indented }.allows(byte);
            list.clear();
            list.extend((0..).zip(&entries).filter(|(_, entry)| allows(entry)).map(|(place, _)| place));
            let place = if let Some(&place) = known.get(list.as_slice()) {
                place
            } else {
                let place = u16::try_from(lists.len()).unwrap_or(u16::MAX);
                let candidate = |&place: &u16| {
                    let entry = entries.get(usize::from(place))?;
                    Some(Candidate { prefix: entry.prefix, grams: entry.grams, place: usize::from(place) })
                };
                lists.push(list.iter().filter_map(candidate).collect());
                known.insert(list.as_slice().into(), place);
                place
            };
            table.push(place);
        }
        Self { table: table.into(), lists }
    }

    /// The rules to try on `line`, in order.
    pub(super) fn rules(&self, line: &str) -> impl Iterator<Item = usize> {
        let bytes = line.as_bytes();
        let indent = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
        let kind = bytes.get(indent).map_or(KINDS - 1, |&byte| usize::from(byte.min(0x80)));
        let key = if indent == 0 { kind } else { KINDS + kind };
        let list = self.table.get(key).and_then(|&place| self.lists.get(usize::from(place)));
        let word = Prefix::word(bytes, indent);
        let mut pairs: Option<Grams> = None;
        let mut tried = false;
        list.map_or(&[][..], |list| list).iter().filter_map(move |candidate| {
            // The first rule to be tried often matches: only for the others it pays to read the whole line.
            let possible = candidate.prefix.allows(word)
                && ((!std::mem::replace(&mut tried, true) && !candidate.prefix.is_empty())
                    || candidate.grams.is_empty()
                    || candidate.grams.within(*pairs.get_or_insert_with(|| Grams::in_text(line))));
            possible.then_some(candidate.place)
        })
    }
}
