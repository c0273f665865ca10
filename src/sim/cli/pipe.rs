//! The bar of a command line: `| include RED`.

use regex::Regex;
use serde::Deserialize;

/// What a word behind the bar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Lines that match.
    Include,
    /// Lines that do not match.
    Exclude,
    /// From the first line that matches.
    Begin,
    /// The number of lines, as the pattern `count_text` of the command line says it.
    Count,
    /// Everything, without the pager.
    NoPager,
    /// The last lines, as many as the pattern says.
    Last,
}

/// A filter with its pattern.
#[derive(Debug)]
pub struct Stage {
    /// What to do.
    pub filter: Filter,
    /// The pattern, for those that have one.
    pub pattern: Option<Regex>,
}

/// Applies the stages to an output; its second part says whether the pager may stop it.
pub fn apply(text: &str, stages: &[Stage], count_text: &str) -> (String, bool) {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut pager = true;
    let mut counted = None;
    for stage in stages {
        let fits = |line: &&str| stage.pattern.as_ref().is_none_or(|pattern| pattern.is_match(line));
        match stage.filter {
            Filter::Include => lines.retain(fits),
            Filter::Exclude => lines.retain(|line| !fits(line)),
            Filter::Begin => {
                let start = lines.iter().position(fits).unwrap_or(lines.len());
                lines.drain(..start);
            }
            Filter::Count => counted = Some(lines.iter().filter(|line| fits(line)).count()),
            Filter::NoPager => pager = false,
            Filter::Last => {
                let most = stage.pattern.as_ref().and_then(|pattern| pattern.as_str().parse().ok());
                lines.drain(..lines.len().saturating_sub(most.unwrap_or(10)));
            }
        }
    }
    if let Some(count) = counted {
        return (count_text.replace('#', &count.to_string()), pager);
    }
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    (text, pager)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn stages() {
        let stage = |filter, pattern: &str| Stage { filter, pattern: Some(Regex::new(pattern).unwrap()) };
        let text = "one\ntwo\nthree\n";
        assert_eq!(apply(text, &[stage(Filter::Include, "t")], "").0, "two\nthree\n");
        assert_eq!(apply(text, &[stage(Filter::Exclude, "t")], "").0, "one\n");
        assert_eq!(apply(text, &[stage(Filter::Begin, "tw")], "").0, "two\nthree\n");
        assert_eq!(apply(text, &[stage(Filter::Count, "t")], "# lines\n").0, "2 lines\n");
        let all = Stage { filter: Filter::NoPager, pattern: None };
        assert_eq!(apply(text, &[all], ""), (text.to_owned(), false));
    }
}
