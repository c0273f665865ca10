//! The order of cells: by value, not by spelling; nulls last.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// Compares two cells of one column. Unlike types order by their text; null comes last.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Greater,
            (_, Self::Null) => Ordering::Less,
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Ip(a), Self::Ip(b)) => a.cmp(b),
            (Self::Prefix(a), Self::Prefix(b)) => (a.ip(), a.prefix()).cmp(&(b.ip(), b.prefix())),
            (Self::Mac(a), Self::Mac(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (a, b) => natural(&a.to_string(), &b.to_string()),
        }
    }
}

/// Compares texts with their numbers as numbers and without case: `Gi1/0/9` before `gi1/0/10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a_rest.chars().next(), b_rest.chars().next()) else {
            return a_rest.len().cmp(&b_rest.len()).then_with(|| a.cmp(b));
        };
        let ordering = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (a_number, a_tail) = take_number(a_rest);
            let (b_number, b_tail) = take_number(b_rest);
            (a_rest, b_rest) = (a_tail, b_tail);
            a_number.len().cmp(&b_number.len()).then_with(|| a_number.cmp(b_number))
        } else {
            a_rest = a_rest.get(x.len_utf8()..).unwrap_or_default();
            b_rest = b_rest.get(y.len_utf8()..).unwrap_or_default();
            x.to_lowercase().cmp(y.to_lowercase())
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// The digits at the start without leading zeros, and what follows them.
fn take_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interfaces_order_as_people_count() {
        let mut names = ["Gi1/0/10", "gi1/0/9", "Gi1/0/1", "Loopback0", "ae0.100", "ae0.20", "Gi1/0/01"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["ae0.20", "ae0.100", "Gi1/0/01", "Gi1/0/1", "gi1/0/9", "Gi1/0/10", "Loopback0"]);
    }

    proptest! {
        #[test]
        fn natural_is_an_order(a in "[a-c0-2/]{0,6}", b in "[a-c0-2/]{0,6}", c in "[a-c0-2/]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            if natural(&a, &b) != Ordering::Greater && natural(&b, &c) != Ordering::Greater {
                prop_assert_ne!(natural(&a, &c), Ordering::Greater);
            }
        }
    }
}
