//! A platform's own samples: prompts, refusals, pagers.

use super::Report;
use crate::profile::Platform;
use crate::yaml::Node;

/// Runs the samples of one platform; `node` is its tree, for places.
pub(super) fn check(platform: &Platform, node: &Node, report: &mut Report) {
    let samples = &platform.samples;
    let mut wrong = |path: &[&str], message: String| {
        let mut whole = vec!["samples"];
        whole.extend(path);
        report.errors.push(node.nearest(&whole).error(format!("{}: {message}", platform.name)));
    };
    let mut lines = 0;
    for (mode, prompts) in &samples.prompts {
        for (index, line) in prompts.iter().enumerate() {
            lines += 1;
            let at = index.to_string();
            match platform.mode_of(line) {
                Some(found) if found == mode => {}
                Some(found) => wrong(
                    &["prompts", mode, &at],
                    format!("the prompt `{line}` is taken for the mode `{found}`, not `{mode}`"),
                ),
                None => wrong(
                    &["prompts", mode, &at],
                    format!("no pattern recognises the prompt `{line}` of the mode `{mode}`"),
                ),
            }
        }
    }
    for (index, line) in samples.not_prompts.iter().enumerate() {
        lines += 1;
        if let Some(mode) = platform.mode_of(line) {
            let message = format!("`{line}` is no prompt, but is taken for one of the mode `{mode}`");
            wrong(&["not_prompts", &index.to_string()], message);
        }
    }
    for (index, line) in samples.rejected.iter().enumerate() {
        lines += 1;
        if platform.rejection(line).is_none() {
            let message = format!("`{line}` is a refusal, but no pattern of `rejected` matches it");
            wrong(&["rejected", &index.to_string()], message);
        }
    }
    for (index, line) in samples.accepted.iter().enumerate() {
        lines += 1;
        if let Some(rejection) = platform.rejection(line) {
            let message = format!("`{line}` is no refusal, but is taken for one: {}", rejection.meaning);
            wrong(&["accepted", &index.to_string()], message);
        }
    }
    for (index, line) in samples.pagers.iter().enumerate() {
        lines += 1;
        if !platform.pagers.iter().any(|pager| pager.pattern.is_match(line)) {
            let message = format!("`{line}` is a pager, but no pattern of `pagers` matches it");
            wrong(&["pagers", &index.to_string()], message);
        }
        if let Some(mode) = platform.mode_of(line) {
            let message = format!("the pager `{line}` is taken for a prompt of the mode `{mode}`");
            wrong(&["pagers", &index.to_string()], message);
        }
    }
    for (line, shown) in &samples.secrets {
        lines += 1;
        let masked = platform.masked(line);
        if masked != *shown {
            wrong(
                &["secrets", line],
                format!("`{line}` should be shown as `{shown}`, and is shown as `{masked}`"),
            );
        }
    }
    report.counts.lines += lines;
    untried(platform, node, report);
}

/// Patterns that no sample tries.
fn untried(platform: &Platform, node: &Node, report: &mut Report) {
    let samples = &platform.samples;
    let mut warn = |path: &[&str], message: String| {
        report.warnings.push(node.nearest(path).error(format!("{}: {message}", platform.name)));
    };
    for (index, prompt) in platform.prompts.iter().enumerate() {
        let lines = samples.prompts.get(&prompt.mode).into_iter().flatten();
        if !lines.into_iter().any(|line| prompt.pattern.is_match(line.trim_end())) {
            let message = format!("no sample tries this prompt of the mode `{}`", prompt.mode);
            warn(&["prompts", &index.to_string()], message);
        }
    }
    for (index, rejection) in platform.rejections.iter().enumerate() {
        if !samples.rejected.iter().any(|line| rejection.pattern.is_match(line)) {
            warn(&["rejected", &index.to_string()], "no sample tries this refusal".to_owned());
        }
    }
    for (index, secret) in platform.secrets.iter().enumerate() {
        if !samples.secrets.keys().any(|line| secret.is_match(line)) {
            warn(&["secrets", &index.to_string()], "no sample tries this secret".to_owned());
        }
    }
    for (index, pager) in platform.pagers.iter().enumerate() {
        if !samples.pagers.iter().any(|line| pager.pattern.is_match(line)) {
            warn(&["pagers", &index.to_string()], "no sample tries this pager".to_owned());
        }
    }
}
