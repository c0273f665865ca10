//! The words of an index's command, so that abbreviations can be expanded before the index is asked.
//!
//! An index matches letter by letter and by prefix, so `sh ip int b` would find the row of `show ip interface`.
//! Here a row's pattern is taken apart into the words that it stands for, one shape for each of its
//! alternatives: `sh[[ow]] vl[[an]] (p[[ort]]|m[[embers]])` has the shapes `show vlan port` and
//! `show vlan members`. What cannot be taken apart (look-around, `.+`) is left to the pattern.

use std::iter::Peekable;
use std::str::CharIndices;

/// How many alternatives a row may have.
const MAX_SHAPES: usize = 64;
/// How deep groups may stand in one another.
const MAX_DEPTH: usize = 8;

/// One way to write a row's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its words.
    pub words: Vec<Word>,
    /// What may follow them.
    pub tail: Tail,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// This word, in full.
    Full(String),
    /// Any word that this regular expression takes whole: an argument.
    Pattern(String),
}

/// What may follow a shape's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Arguments.
    Open,
    /// Nothing.
    End,
    /// What the row's own pattern takes.
    Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text(String),
    Pattern(String),
    Gap,
    End,
}

type Sequences = Vec<Vec<Token>>;

/// This cannot be taken apart.
struct Opaque;

/// The shapes of a row's command, as it stands in the index.
pub fn shapes(command: &str) -> Vec<Shape> {
    let mut reader =
        Reader { letters: command.char_indices().peekable(), source: command, whole: Vec::new() };
    let (sequences, cut) = match reader.sequence(0) {
        Ok(sequences) if reader.letters.peek().is_none() => (sequences, false),
        // What was read up to the last blank outside of groups.
        _ => (std::mem::take(&mut reader.whole), true),
    };
    sequences.into_iter().map(|tokens| shape(tokens, cut)).collect()
}

fn shape(tokens: Vec<Token>, cut: bool) -> Shape {
    let mut words = Vec::new();
    let mut tail = if cut { Tail::Pattern } else { Tail::Open };
    let mut word: Option<Word> = None;
    for token in tokens {
        word = match (word, token) {
            (None, Token::Text(text)) => Some(Word::Full(text)),
            (None, Token::Pattern(pattern)) => Some(Word::Pattern(pattern)),
            (Some(Word::Full(full)), Token::Text(text)) => Some(Word::Full(full + &text)),
            (Some(Word::Full(full)), Token::Pattern(pattern)) => {
                Some(Word::Pattern(quoted(&full) + &pattern))
            }
            (Some(Word::Pattern(own)), Token::Text(text)) => Some(Word::Pattern(own + &quoted(&text))),
            (Some(Word::Pattern(own)), Token::Pattern(pattern)) => Some(Word::Pattern(own + &pattern)),
            (word, end) => {
                words.extend(word);
                if end == Token::End {
                    tail = Tail::End;
                }
                None
            }
        };
    }
    words.extend(word);
    Shape { words, tail }
}

fn quoted(text: &str) -> String {
    text.chars().flat_map(|c| [(!c.is_alphanumeric()).then_some('\\'), Some(c)]).flatten().collect()
}

struct Reader<'a> {
    letters: Peekable<CharIndices<'a>>,
    source: &'a str,
    /// What was read before the last blank outside of groups.
    whole: Sequences,
}

impl Reader<'_> {
    /// Up to the end, or to the `|` or `)` of a group.
    fn sequence(&mut self, depth: usize) -> Result<Sequences, Opaque> {
        let mut all: Sequences = vec![Vec::new()];
        while let Some(&(at, letter)) = self.letters.peek() {
            if matches!(letter, '|' | ')') {
                break;
            }
            self.letters.next();
            let atom = self.atom(at, letter, depth)?;
            let gap = atom == [[Token::Gap]];
            if gap && depth == 0 {
                self.whole.clone_from(&all);
            }
            let atom = self.quantified(atom)?;
            // A word all of which may be left out may be missing.
            let optional = self.source.get(at..).is_some_and(|rest| rest.starts_with("[["));
            let mut longer = Sequences::new();
            for left in &all {
                longer.extend(atom.iter().map(|right| [&left[..], right].concat()));
                if optional && !matches!(left.last(), Some(Token::Text(_))) {
                    longer.push(left.clone());
                }
            }
            if longer.len() > MAX_SHAPES {
                return Err(Opaque);
            }
            all = longer;
        }
        Ok(all)
    }

    fn atom(&mut self, at: usize, letter: char, depth: usize) -> Result<Sequences, Opaque> {
        let one = |token| Ok(vec![vec![token]]);
        match letter {
            ' ' => one(Token::Gap),
            '$' => one(Token::End),
            '^' if at == 0 => Ok(vec![Vec::new()]),
            '\\' => match self.letters.next() {
                Some((_, 's')) => one(Token::Gap),
                Some((_, class @ ('S' | 'd' | 'w'))) => one(Token::Pattern(format!("\\{class}"))),
                Some((_, plain)) if !plain.is_alphanumeric() => one(Token::Text(plain.to_string())),
                _ => Err(Opaque),
            },
            '[' => self.bracket(at),
            '(' => self.group(depth),
            '.' | '*' | '+' | '?' | '{' | '^' => Err(Opaque),
            plain => one(Token::Text(plain.to_string())),
        }
    }

    /// `[[word]]`, or a set.
    fn bracket(&mut self, at: usize) -> Result<Sequences, Opaque> {
        let rest = self.source.get(at..).unwrap_or_default();
        let (token, length) = if let Some(inner) = rest.strip_prefix("[[") {
            let end = inner.find("]]").ok_or(Opaque)?;
            (Token::Text(inner.get(..end).unwrap_or_default().to_owned()), end + 4)
        } else {
            let end = rest.find(']').ok_or(Opaque)?;
            let set = rest.get(..=end).unwrap_or_default();
            if set.len() < 3 || set.contains(['\\', ' ', '^']) {
                return Err(Opaque);
            }
            (Token::Pattern(set.to_owned()), end + 1)
        };
        while self.letters.next_if(|(place, _)| *place < at + length).is_some() {}
        Ok(vec![vec![token]])
    }

    /// What is behind a `(`, with its alternatives.
    fn group(&mut self, depth: usize) -> Result<Sequences, Opaque> {
        if depth == MAX_DEPTH {
            return Err(Opaque);
        }
        if self.letters.next_if(|(_, letter)| *letter == '?').is_some() {
            self.letters.next_if(|(_, letter)| *letter == ':').ok_or(Opaque)?;
        }
        let mut all = Sequences::new();
        loop {
            all.extend(self.sequence(depth + 1)?);
            match self.letters.next() {
                Some((_, '|')) => {}
                Some((_, ')')) if all.len() <= MAX_SHAPES => return Ok(all),
                _ => return Err(Opaque),
            }
        }
    }

    /// The atom with the quantifier behind it.
    fn quantified(&mut self, mut atom: Sequences) -> Result<Sequences, Opaque> {
        let Some((_, sign)) = self.letters.next_if(|(_, letter)| matches!(letter, '?' | '*' | '+' | '{'))
        else {
            return Ok(atom);
        };
        let lazy = self.letters.next_if(|(_, letter)| matches!(letter, '?' | '+')).is_some();
        match (atom.as_mut_slice(), sign) {
            (_, '{') => return Err(Opaque),
            ([tokens], sign) if matches!(tokens.as_slice(), [Token::Pattern(_)]) => {
                if let [Token::Pattern(pattern)] = tokens.as_mut_slice() {
                    pattern.push(sign);
                }
            }
            ([tokens], '+') if matches!(tokens.as_slice(), [Token::Gap]) => {}
            ([tokens], '*') if matches!(tokens.as_slice(), [Token::Gap]) => atom.push(Vec::new()),
            (_, '?') if !lazy => atom.push(Vec::new()),
            _ => return Err(Opaque),
        }
        Ok(atom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str) -> Vec<String> {
        let word = |word: &Word| match word {
            Word::Full(full) => full.clone(),
            Word::Pattern(pattern) => format!("<{pattern}>"),
        };
        let one = |shape: &Shape| {
            let words: Vec<String> = shape.words.iter().map(word).collect();
            let tail = match shape.tail {
                Tail::Open => "",
                Tail::End => " $",
                Tail::Pattern => " …",
            };
            words.join(" ") + tail
        };
        shapes(command).iter().map(one).collect()
    }

    #[test]
    fn words_of_patterns() {
        assert_eq!(shown("sh[[ow]] ip int[[erface]] br[[ief]]"), ["show ip interface brief"]);
        assert_eq!(
            shown("sh[[ow]] vl[[an]] (p[[ort]]|m[[embers]])$"),
            ["show vlan port $", "show vlan members $"]
        );
        assert_eq!(shown("sh[[ow]] int(?: (?:\\S+))? st"), ["show int <\\S+> st", "show int st"]);
        assert_eq!(shown("[[/]]ip(v6)? print"), ["/ipv6 print", "/ip print", "ipv6 print", "ip print"]);
        assert_eq!(shown("sh x [[all]]$"), ["sh x all $", "sh x $"]);
        assert_eq!(shown("sh 802\\.11[ab] x"), ["sh <802\\.11[ab]> x"]);
        assert_eq!(shown("di[[splay]] ont \\d+\\s*"), ["display ont <\\d+>", "display ont <\\d+>"]);
        assert_eq!(shown("sh[[ow]]\\s+x *$"), ["show x $", "show x $"]);
    }

    #[test]
    fn what_cannot_be_taken_apart_is_left_to_the_pattern() {
        assert_eq!(shown("sh[[ow]] ip ce[[f]].+?d"), ["show ip …"]);
        assert_eq!(shown("dis[[play]] inter[[face]]\\s*((?!brief).)*$"), ["display interface …"]);
        assert_eq!(shown(".*"), Vec::<String>::new());
        assert_eq!(shown("a (b"), ["a …"]);
        assert_eq!(shown(&"(a|b)".repeat(9)), Vec::<String>::new());
    }
}
