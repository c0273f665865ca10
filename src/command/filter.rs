//! The condition of `where`: `state != Established and (as in 65001,65002 or not up ~ never)`.
//!
//! `not` binds closest, then `and`, then `or`. Values are compared by the type of their column, which
//! is the table's affair; here they stay texts.

use super::columns::{Columns, is_column};
use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::pattern;
use crate::table::{Filter, Operator};

/// The deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 16;
/// The most comparisons in one condition.
const MAX_COMPARISONS: usize = 64;
/// The most values behind `in`.
const MAX_VALUES: usize = 256;

/// The operators as typed, longest first.
const OPERATORS: [(&str, Operator); 10] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<>", Operator::NotEqual),
    ("!~", Operator::NotMatches),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("~", Operator::Matches),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// How an operator is written.
pub(super) fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Matches => "~",
        Operator::NotMatches => "!~",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::In => "in",
    }
}

/// Reads a whole condition, up to the next bar or the end.
pub(super) fn read(cursor: &mut Cursor<'_>, columns: &Columns) -> Result<Filter, Fault> {
    let mut reader = Reader { cursor, columns, comparisons: 0 };
    let filter = reader.either(0)?;
    cursor.skip_blanks();
    if cursor.at_stop() {
        return Ok(filter);
    }
    let what = if cursor.peek() == Some(')') {
        "this parenthesis was never opened"
    } else {
        "`and` or `or` is missing here"
    };
    Err(Fault::new(cursor.column(), what)
        .hint("conditions are joined by `and` and `or`; a value with blanks needs quotes: `= \"two words\"`")
        .about(About::Stage))
}

struct Reader<'r, 't> {
    cursor: &'r mut Cursor<'t>,
    columns: &'r Columns,
    comparisons: usize,
}

impl Reader<'_, '_> {
    fn either(&mut self, depth: usize) -> Result<Filter, Fault> {
        let mut filter = self.both(depth)?;
        loop {
            self.cursor.skip_blanks();
            if !self.cursor.take_keyword("or") {
                return Ok(filter);
            }
            filter = Filter::Or(Box::new(filter), Box::new(self.both(depth)?));
        }
    }

    fn both(&mut self, depth: usize) -> Result<Filter, Fault> {
        let mut filter = self.one(depth)?;
        loop {
            self.cursor.skip_blanks();
            let sign = self.cursor.peek() == Some('&') && self.cursor.ahead(1) == Some('&');
            if sign {
                self.cursor.take();
                self.cursor.take();
            } else if !self.cursor.take_keyword("and") {
                return Ok(filter);
            }
            filter = Filter::And(Box::new(filter), Box::new(self.one(depth)?));
        }
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Fault> {
        self.cursor.skip_blanks();
        if depth > MAX_DEPTH {
            return Err(Fault::limit(
                self.cursor.column(),
                format!("the condition is nested more than {MAX_DEPTH} deep"),
            )
            .hint("use several `where` stages, one behind the other"));
        }
        if self.cursor.take_keyword("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        let column = self.cursor.column();
        if self.cursor.take_if('(') {
            let filter = self.either(depth + 1)?;
            self.cursor.skip_blanks();
            if !self.cursor.take_if(')') {
                return Err(Fault::new(column, "this parenthesis is never closed")
                    .hint("close it behind the last condition in it; a value with blanks needs quotes")
                    .about(About::Stage));
            }
            return Ok(filter);
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Filter, Fault> {
        self.comparisons += 1;
        let at = self.cursor.column();
        if self.comparisons > MAX_COMPARISONS {
            return Err(Fault::limit(
                at,
                format!("the condition has more than {MAX_COMPARISONS} comparisons"),
            )
            .hint("`in a,b,c` compares with many values at once"));
        }
        let typed = self.cursor.take_while(is_column);
        if typed.is_empty() {
            return Err(Fault::new(at, "a condition is missing here")
                .hint("a condition is a column, a comparison and a value: `state != up`")
                .about(About::Stage));
        }
        let column = self.columns.find(&typed, at)?;
        self.cursor.skip_blanks();
        let operator = self.operator(&column)?;
        self.cursor.skip_blanks();
        let at = self.cursor.column();
        let (values, quoted) = if operator == Operator::In { self.values()? } else { self.value(false)? };
        if values.is_empty() {
            return Err(Fault::new(at, format!("a value is missing behind `{column} {}`", sign(operator)))
                .hint("compare with an empty value by two quotes: `= \"\"`")
                .about(About::Stage));
        }
        let pattern = match (operator, values.first()) {
            (Operator::Matches | Operator::NotMatches, Some(text)) => {
                Some(pattern::compile(text, at + usize::from(quoted))?)
            }
            _ => None,
        };
        Ok(Filter::Compare { column, operator, values, pattern })
    }

    fn operator(&mut self, column: &str) -> Result<Operator, Fault> {
        for (text, operator) in OPERATORS {
            let mut signs = text.chars();
            let first = signs.next();
            let found = self.cursor.peek() == first
                && signs.next().is_none_or(|next| self.cursor.ahead(1) == Some(next));
            if found {
                for _ in text.chars() {
                    self.cursor.take();
                }
                return Ok(operator);
            }
        }
        if self.cursor.take_keyword("in") {
            return Ok(Operator::In);
        }
        Err(Fault::new(self.cursor.column(), format!("a comparison is missing behind `{column}`"))
            .hint("the comparisons are = != ~ !~ < <= > >= in")
            .about(About::Stage))
    }

    /// One value, and whether it stood between quotes; empty when there is none.
    fn value(&mut self, list: bool) -> Result<(Vec<String>, bool), Fault> {
        if self.cursor.peek().is_some_and(is_quote) {
            return Ok((vec![self.cursor.quoted()?], true));
        }
        let start = self.cursor.position();
        bare(self.cursor, list);
        let text = self.cursor.since(start);
        Ok((if text.is_empty() { Vec::new() } else { vec![text] }, false))
    }

    /// `a,b,c` or `(a, b, c)`.
    fn values(&mut self) -> Result<(Vec<String>, bool), Fault> {
        let enclosed = self.cursor.take_if('(');
        let mut values = Vec::new();
        loop {
            self.cursor.skip_blanks();
            let at = self.cursor.column();
            if values.len() == MAX_VALUES {
                return Err(Fault::limit(at, format!("there are more than {MAX_VALUES} values behind `in`"))
                    .hint("for many addresses name their prefix: `in 10.0.0.0/8`"));
            }
            let (found, _) = self.value(true)?;
            if found.is_empty() && !values.is_empty() {
                return Err(Fault::new(at, "a value is missing behind the comma")
                    .hint("values are joined by commas: `in 65001,65002`")
                    .about(About::Stage));
            }
            values.extend(found);
            let end = self.cursor.position();
            self.cursor.skip_blanks();
            if values.is_empty() || !self.cursor.take_if(',') {
                if enclosed && !self.cursor.take_if(')') {
                    return Err(Fault::new(self.cursor.column(), "the list of values is never closed")
                        .hint("values are joined by commas: `in 65001,65002`")
                        .about(About::Stage));
                }
                if !enclosed {
                    self.cursor.back_to(end);
                }
                return Ok((values, false));
            }
        }
    }
}

/// Takes a value without quotes; gives how many of its parentheses are still open.
fn bare(cursor: &mut Cursor<'_>, list: bool) -> usize {
    let mut open = 0_usize;
    while let Some(found) = cursor.peek() {
        match found {
            ' ' | '\n' => break,
            ',' if list && open == 0 => break,
            '|' if pattern::at_bar(cursor) => break,
            '(' => open += 1,
            ')' if open == 0 => break,
            ')' => open -= 1,
            _ => {}
        }
        cursor.take();
    }
    open
}

/// Whether a value reads back when it is written without quotes.
pub(super) fn is_plain(text: &str, list: bool) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut cursor = Cursor::new(&characters);
    let closed = bare(&mut cursor, list) == 0;
    closed
        && cursor.at_end()
        && !text.is_empty()
        && !text.starts_with(is_quote)
        && !(list && text.starts_with('('))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::command::canonical;

    fn reread(text: &str) -> Result<String, usize> {
        let text: Vec<char> = text.chars().collect();
        let mut cursor = Cursor::new(&text);
        read(&mut cursor, &Columns::default())
            .map(|filter| canonical::filter(&filter))
            .map_err(|fault| fault.column)
    }

    #[test]
    fn conditions() {
        for (text, canonical) in [
            ("state != Established", "state != Established"),
            ("state<>up", "state != up"),
            ("mtu<1500", "mtu < 1500"),
            ("mtu >= 1500 and not mtu == 9000", "mtu >= 1500 and not mtu = 9000"),
            ("a = 1 or b = 2 and c = 3", "a = 1 or b = 2 and c = 3"),
            ("(a = 1 or b = 2) and c = 3", "(a = 1 or b = 2) and c = 3"),
            ("a = 1 && b = 2", "a = 1 and b = 2"),
            ("a = 1 and (b = 2 and c = 3)", "a = 1 and (b = 2 and c = 3)"),
            ("not (a = 1 or b = 2)", "not (a = 1 or b = 2)"),
            ("NOT a = 1 AND b in 1,2, 3", "not a = 1 and b in 1,2,3"),
            ("b in (1, \"two words\")", "b in 1,\"two words\""),
            ("address in 10.0.0.0/8", "address in 10.0.0.0/8"),
            ("d ~ \"to r2\"", "d ~ \"to r2\""),
            ("s ~ (Full|2-Way)", "s ~ (Full|2-Way)"),
            ("(s ~ ^(Full|2-Way)$)", "s ~ ^(Full|2-Way)$"),
            ("d = \"\"", "d = \"\""),
            ("d = \"a,b\"", "d = a,b"),
            ("d = a and e = and", "d = a and e = and"),
        ] {
            assert_eq!(reread(text).unwrap(), canonical, "{text}");
            assert_eq!(reread(canonical).unwrap(), canonical, "{canonical}");
        }
    }

    #[test]
    fn faults_have_their_column() {
        for (text, column) in [
            ("", 1),
            ("state", 6),
            ("state !", 7),
            ("state = ", 9),
            ("= up", 1),
            ("a = b c", 7),
            ("a = b and", 10),
            ("(a = b", 1),
            ("a = b)", 6),
            ("a in", 5),
            ("a in 1,", 8),
            ("a in (1", 8),
            ("a ~ (", 5),
            ("a ~ \"x(\"", 7),
            ("not", 4),
        ] {
            assert_eq!(reread(text).unwrap_err(), column, "{text}");
        }
        assert!(reread(&"(".repeat(1000)).is_err());
        assert!(reread(&"not ".repeat(400)).is_err());
        assert!(reread(&["a = 1"; 100].join(" and ")).is_err());
    }
}
