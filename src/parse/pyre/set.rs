//! Classes made ready for the matcher: a table by byte, and the class itself for what lies beyond ASCII.

use std::collections::HashMap;

use super::class::{Category, Class, Item};
use super::first::First;
use super::fold::Fold;
use super::unicode::{is_digit, is_space, is_word};

/// The byte does not belong.
pub(super) const NO: u8 = 0;
/// The byte belongs; for a byte of a longer character, whatever the character.
pub(super) const YES: u8 = 1;
/// The byte begins (or continues) a character that must be looked up.
pub(super) const ASK: u8 = 2;

/// Number of a set within its [`Sets`].
pub(super) type SetId = u16;

/// A class by byte.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) table: [u8; 256],
    /// Whether it has every character.
    pub(super) all: bool,
    /// The bytes and kinds of characters that it has.
    pub(super) first: First,
    class: Class,
}

impl Set {
    fn new(class: Class) -> Self {
        let mut table = [NO; 256];
        let beyond = beyond_ascii(&class);
        for (byte, entry) in (0_u32..).zip(table.iter_mut()) {
            *entry = match byte {
                0..0x80 if class.has(byte) => YES,
                0..0x80 => NO,
                _ => beyond,
            };
        }
        let mut first = First::NOTHING;
        for (byte, &hit) in (0_u8..0x80).zip(&table) {
            if hit == YES {
                first.add_byte(byte);
            }
        }
        first.add_high(kinds(&class));
        let all = table.iter().all(|&hit| hit == YES);
        Self { table, all, first, class }
    }

    /// What the table says about a byte.
    pub(super) fn hit(&self, byte: u8) -> u8 {
        self.table.get(usize::from(byte)).copied().unwrap_or(NO)
    }

    /// Whether the set has a character.
    pub(super) fn has(&self, c: char) -> bool {
        self.class.has(u32::from(c))
    }
}

/// What the table says about every byte of a longer character.
fn beyond_ascii(class: &Class) -> u8 {
    let ascii_only = class.fold != Fold::Unicode
        && class.items.iter().all(|item| match item {
            Item::Range(_, high) => *high < 0x80,
            Item::Category { ascii, negated, .. } => *ascii && !negated,
        });
    match (ascii_only, class.negated) {
        (true, true) => YES,
        (true, false) => NO,
        (false, _) => ASK,
    }
}

/// Characters beyond ASCII fall into four kinds, so that `\s` and `\S` are known to be disjoint.
const SPACE: u8 = 1;
const DIGIT: u8 = 2;
const LETTER: u8 = 4;
const OTHER: u8 = 8;
const ALL: u8 = SPACE | DIGIT | LETTER | OTHER;

/// The kind of one character beyond ASCII.
pub(super) fn kind(code: u32) -> u8 {
    if is_space(code) {
        SPACE
    } else if is_digit(code) {
        DIGIT
    } else if is_word(code) {
        LETTER
    } else {
        OTHER
    }
}

/// The kinds beyond ASCII that a class may have members of.
fn kinds(class: &Class) -> u8 {
    let mut least = 0;
    let mut most = 0;
    for item in &class.items {
        match item {
            Item::Range(_, high) if *high < 0x80 => {}
            Item::Range(low, high) if low == high => most |= kind(*low),
            Item::Range(..) => most = ALL,
            Item::Category { category, negated, ascii } => {
                let own = match category {
                    _ if *ascii => 0,
                    Category::Space => SPACE,
                    Category::Digit => DIGIT,
                    Category::Word => DIGIT | LETTER,
                };
                let own = if *negated { ALL & !own } else { own };
                least |= own;
                most |= own;
            }
        }
    }
    match class {
        // Letters in either case: a range of ASCII letters may have kin beyond.
        Class { fold: Fold::Unicode, .. } => ALL,
        Class { negated: true, .. } => ALL & !least,
        Class { negated: false, .. } => most,
    }
}

/// The sets of one or many patterns; equal ones are kept once.
#[derive(Debug, Default)]
pub struct Sets {
    sets: Vec<Set>,
    known: HashMap<Class, SetId>,
}

impl Sets {
    /// The number of a class; none when there are 65,536 others.
    pub(super) fn intern(&mut self, class: &Class) -> Option<SetId> {
        if let Some(&id) = self.known.get(class) {
            return Some(id);
        }
        let id = SetId::try_from(self.sets.len()).ok()?;
        self.sets.push(Set::new(class.clone()));
        self.known.insert(class.clone(), id);
        Some(id)
    }

    pub(super) fn get(&self, id: SetId) -> Option<&Set> {
        self.sets.get(usize::from(id))
    }
}
