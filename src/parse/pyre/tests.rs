use super::*;

/// What the pattern takes: the whole match, then each group.
fn groups(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
    let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let mut scratch = Scratch::default();
    regex.matches(text, &mut scratch).unwrap().then(|| {
        (0..=regex.pattern().groups())
            .map(|group| scratch.group(group).map(|(start, end)| text[start..end].to_owned()))
            .collect()
    })
}

fn taken(pattern: &str, text: &str) -> Option<String> {
    groups(pattern, text).map(|groups| groups[0].clone().unwrap())
}

#[test]
fn first_steps() {
    assert_eq!(taken("^a|b", "xb"), None);
    assert_eq!(taken(r"(\S+)\s+(\S+)", "eth0  up rest"), Some("eth0  up".into()));
}
