//! Character classes: `[…]`, `\d`, `.`, and letters in either case.

use super::fold::Fold;
use super::unicode::{is_digit, is_space, is_word};

/// A category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Category {
    /// `\d`.
    Digit,
    /// `\s`.
    Space,
    /// `\w`.
    Word,
}

/// A member of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// Code points from the first to the last.
    Range(u32, u32),
    /// `\d`, `\S` …; by flag `a` ASCII only.
    Category {
        /// Which.
        category: Category,
        /// Its complement.
        negated: bool,
        /// ASCII members only.
        ascii: bool,
    },
}

/// A class: a code point is in it when an item has it, or when none has and it is negated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub(super) items: Vec<Item>,
    pub(super) negated: bool,
    pub(super) fold: Fold,
}

impl Category {
    fn has(self, code: u32) -> bool {
        match self {
            Self::Digit => is_digit(code),
            Self::Space => is_space(code),
            Self::Word => is_word(code),
        }
    }
}

impl Item {
    /// Whether the item has a (folded) code point.
    pub(super) fn has(self, code: u32) -> bool {
        match self {
            Self::Range(low, high) => (low..=high).contains(&code),
            Self::Category { category, negated, ascii: false } => category.has(code) != negated,
            // With the flag `a` the blanks are the six of C; U+001C to U+001F are none.
            Self::Category { category, negated, ascii: true } => {
                let member = code < 0x80 && category.has(code) && !(0x1c..=0x1f).contains(&code);
                member != negated
            }
        }
    }
}

impl Class {
    /// A class of `items`, compared by `fold`.
    pub(super) fn new(items: Vec<Item>, negated: bool, fold: Fold) -> Self {
        if fold == Fold::Exact {
            return Self { items, negated, fold };
        }
        let mut codes: Vec<u32> = Vec::new();
        let mut folded = Vec::new();
        for item in items {
            match item {
                Item::Range(low, high) => codes.extend((low..=high).flat_map(|code| fold.forms(code))),
                category @ Item::Category { .. } => folded.push(category),
            }
        }
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            match folded.last_mut() {
                Some(Item::Range(_, high)) if *high + 1 == code => *high = code,
                _ => folded.push(Item::Range(code, code)),
            }
        }
        Self { items: folded, negated, fold }
    }

    /// One item.
    pub(super) fn of(item: Item) -> Self {
        Self { items: vec![item], negated: false, fold: Fold::Exact }
    }

    /// Everything but a newline.
    pub(super) fn any_but_newline() -> Self {
        Self { items: vec![Item::Range(0x0a, 0x0a)], negated: true, fold: Fold::Exact }
    }

    /// Everything.
    pub(super) fn any() -> Self {
        Self { items: Vec::new(), negated: true, fold: Fold::Exact }
    }

    /// Whether the class has a code point of the text.
    pub(super) fn has(&self, code: u32) -> bool {
        let code = self.fold.lower(code);
        self.items.iter().any(|item| item.has(code)) != self.negated
    }
}
