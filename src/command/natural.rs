//! Natural order: `r2` before `r10`.

use std::cmp::Ordering;

/// Compares texts so that runs of digits count as numbers, letters in any case; ties are broken exactly.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left, right);
    loop {
        match (a.chars().next(), b.chars().next()) {
            (None, None) => return left.cmp(right),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (number, rest) = number(a);
                let (other, other_rest) = self::number(b);
                match number.len().cmp(&other.len()).then_with(|| number.cmp(other)) {
                    Ordering::Equal => (a, b) = (rest, other_rest),
                    unequal => return unequal,
                }
            }
            (Some(x), Some(y)) => {
                match x.to_lowercase().cmp(y.to_lowercase()) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
                a = a.get(x.len_utf8()..).unwrap_or_default();
                b = b.get(y.len_utf8()..).unwrap_or_default();
            }
        }
    }
}

/// The leading digits without leading zeros, and the rest.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|found: char| !found.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count() {
        let mut names = vec!["r10", "R2", "r1", "r01", "core-2-10", "core-2-9", "", "r"];
        names.sort_by(|left, right| compare(left, right));
        assert_eq!(names, ["", "core-2-9", "core-2-10", "r", "r01", "r1", "R2", "r10"]);
    }
}
